//! Where each precinct's actor is, when it has one, and what happens when one fails.
//!
//! A precinct's actor comes with the first message and rests when others need the room: most of a million precincts have
//! nothing to do most of the time. What it knew is kept, and the next one goes on from there. It rests only when it has
//! taken all records that it was given, so that nothing is lost and nothing overtakes; what it still waits for, it waits
//! for. Who only asks what a precinct knows wakes nobody, unless there are records before the question.
//!
//! A panic in an actor ends that actor and nothing else (a test pins this). Whoever next speaks to it finds
//! its address closed; the precinct is then rebuilt from the journal and takes its place again. A record on
//! which the rebuilt precinct fails as well takes the precinct out of service, with an alarm: its devices get
//! no receipt and keep what they have.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix::{Actor, Addr, ArbiterHandle, Handler, Message, dev::ToEnvelope};
use election::{
    Definition, DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known, Objection, Outcome, Precinct, ReportEntry},
    record::{Decision, Observation},
    report::{Digest, Offset, Seq, Verdict},
    seats::Drawn,
};
use futures_util::future::{Either, join_all, ready};
use journal::{Entry, Journaled};
use tokio::task::coop::consume_budget;

use crate::{
    country::Country,
    ports::ReplaySource,
    precinct::{Kept, Look, Observe, PrecinctActor, PrecinctDetail, Take, take},
    system::Alarms,
};

/// A precinct that cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("precinct {0} is out of service: see the alarm in the log")]
pub struct OutOfService(pub PrecinctId);

/// The precincts of the night. Cheap to clone.
#[derive(Clone)]
pub struct Precincts(Arc<Inner>);

struct Inner {
    definition: Arc<Definition>,
    /// By number.
    places: Box<[(PrecinctId, Mutex<Place>)]>,
    /// Those that have an actor, since the longest time first.
    awake: Mutex<VecDeque<PrecinctId>>,
    country: Addr<Country>,
    source: Arc<dyn ReplaySource>,
    arbiter: ArbiterHandle,
    alarms: Alarms,
    /// Precincts beyond which the idle ones have no actor.
    most_awake: usize,
    /// One rebuild at a time; counts them, so that revisions rise.
    rebuilds: tokio::sync::Mutex<u64>,
}

/// A precinct whose actor did not answer, or that there is none of.
struct Gone {
    precinct: PrecinctId,
    address: Option<Addr<PrecinctActor>>,
}

/// A precinct, and its actor while it has one.
struct Place {
    kept: Arc<Kept>,
    address: Option<Box<Addr<PrecinctActor>>>,
    /// Records that its actors were given. It wraps.
    given: u32,
    /// Moments of the night that came while it had no actor, in their order.
    missed: Vec<Arc<Journaled<Entry>>>,
}

/// Revisions of a rebuilt precinct start above any that an actor before it can have reached.
const REVISIONS_A_LIFE: u64 = 1 << 40;
/// So often a precinct is rebuilt for one message: once because its actor is gone, and again where its records came in
/// another order meanwhile.
const REBUILDS: usize = 3;
/// Precincts that are told of a moment of the night at once: what each adds then waits in the country's mailbox.
const TOLD_AT_ONCE: usize = 4_096;

impl Precincts {
    pub(crate) fn new(
        definition: Arc<Definition>,
        states: impl IntoIterator<Item = Precinct>,
        country: Addr<Country>,
        source: Arc<dyn ReplaySource>,
        arbiter: ArbiterHandle,
        (alarms, most_awake): (Alarms, usize),
    ) -> Self {
        let place = |state: Precinct| {
            let id = state.id();
            let kept = Kept::new(state, 0, Offset::default());
            (id, Mutex::new(Place { kept, address: None, given: 0, missed: Vec::new() }))
        };
        let mut places: Box<[_]> = states.into_iter().map(place).collect();
        places.sort_unstable_by_key(|(id, _)| *id);
        Self(Arc::new(Inner {
            definition,
            places,
            awake: Mutex::default(),
            country,
            source,
            arbiter,
            alarms,
            most_awake,
            rebuilds: tokio::sync::Mutex::new(0),
        }))
    }

    /// Gives a precinct a report that is on stable storage. It is in the precinct's mailbox when this
    /// returns, so that the order of calls is the order in which it judges.
    pub fn report(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<Vec<Judgement>, OutOfService>> + Send + use<> {
        let asked = match record.entry() {
            Entry::Report(report) => Some(self.ask(report.report().precinct, Take(record), 1)),
            Entry::Decision(_) | Entry::Observation(_) => None,
        };
        async move {
            match asked {
                Some(asked) => Ok(asked.await?.judged()),
                None => Ok(Vec::new()),
            }
        }
    }

    /// Gives a precinct a decision that is on stable storage, in the order of calls; tells what it did. Nothing,
    /// where it is about a contest.
    pub fn decided(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<Result<Outcome, Objection>, OutOfService>> + Send + use<> {
        let precinct = match record.entry() {
            Entry::Decision(decision) => decision.act.precinct(),
            Entry::Report(_) | Entry::Observation(_) => None,
        };
        let asked = precinct.map(|precinct| self.ask(precinct, Take(record), 1));
        async move {
            match asked {
                Some(asked) => Ok(asked.await?.decided()),
                None => Ok(Ok(Outcome::default())),
            }
        }
    }

    /// Gives an observation that is on stable storage to the precincts it concerns, in the order of calls.
    pub fn observed(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<(), OutOfService>> + Send + use<> {
        let (one, many) = match record.entry() {
            // Raised and lowered again: like a report it is taken once, in its place.
            Entry::Observation(Observation::Device { precinct, .. }) => {
                (Some(self.ask(*precinct, Take(Arc::clone(&record)), 1)), Vec::new())
            }
            Entry::Observation(observation) => (None, concerned(&self.0.definition, observation)),
            Entry::Report(_) | Entry::Decision(_) => (None, Vec::new()),
        };
        many.iter().for_each(|precinct| self.observe(*precinct, &record));
        let precincts = self.clone();
        async move {
            let mut outcome = match one {
                Some(told) => told.await.map(|_| ()),
                None => Ok(()),
            };
            // The country is told now; and whose actor failed, or was being rebuilt from what was on record before, takes
            // the record now. A moment that is taken twice changes nothing, also after a later one.
            let mut gone = Vec::new();
            for some in many.chunks(TOLD_AT_ONCE) {
                let told =
                    some.iter().map(|precinct| precincts.send(*precinct, Take(Arc::clone(&record)), 1));
                gone.extend(join_all(told).await.into_iter().filter_map(Result::err));
                while precincts.let_rest(None) {}
            }
            // A rebuild reads the journal: nobody else waits for it.
            for gone in gone {
                let told = precincts.again(gone, Take(Arc::clone(&record)), 1).await;
                outcome = outcome.and(told.map(|_| ()));
            }
            outcome
        }
    }

    /// Puts a moment of the night before what comes after it.
    fn observe(&self, precinct: PrecinctId, record: &Arc<Journaled<Entry>>) {
        let Some(mut place) = self.place(precinct) else { return };
        let record = Arc::clone(record);
        match place.address.as_deref().filter(|address| address.connected()).cloned() {
            Some(address) => place.give(&address, Observe(record)),
            None => place.missed.push(record),
        }
    }

    /// Whether a decision could be taken now.
    ///
    /// # Errors
    /// [`OutOfService`], or the objection.
    pub async fn consider(&self, decision: Arc<Decision>) -> Result<Result<(), Objection>, OutOfService> {
        let Some(precinct) = decision.act.precinct() else {
            let nowhere = (Offset::default(), Timestamp::default());
            return Ok(Drawn::of(&self.0.definition, &decision, nowhere).map(drop));
        };
        self.look(precinct, move |precinct: &Precinct| precinct.consider(&decision)).await
    }

    /// What became of a report that is offered again.
    pub fn known(
        &self,
        precinct: PrecinctId,
        device: DeviceId,
        seq: Seq,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<Known>, OutOfService>> + Send + use<> {
        self.look(precinct, move |precinct: &Precinct| precinct.known(&device, seq, digest))
    }

    /// What a reader may see of a precinct. Who asks one after the other lets others have their turn.
    ///
    /// # Errors
    /// [`OutOfService`], also where there is no such precinct.
    pub async fn describe(&self, precinct: PrecinctId) -> Result<PrecinctDetail, OutOfService> {
        consume_budget().await;
        self.look(precinct, PrecinctDetail::of).await
    }

    /// The reports of a precinct that are or were in quarantine.
    ///
    /// # Errors
    /// [`OutOfService`], also where there is no such precinct.
    pub async fn quarantine(
        &self,
        precinct: PrecinctId,
    ) -> Result<Vec<(DeviceId, ReportEntry)>, OutOfService> {
        let waits = |report: &&ReportEntry| report.verdict == Verdict::Quarantined || report.ruled.is_some();
        let list = move |precinct: &Precinct| {
            let devices = precinct.devices();
            let reports =
                devices.flat_map(|device| device.reports.into_iter().map(move |of| (device.id, of)));
            let waiting = reports.filter(|(_, report)| waits(report));
            waiting.map(|(device, report)| (device.clone(), report.clone())).collect()
        };
        consume_budget().await;
        self.look(precinct, list).await
    }

    /// Asks what a precinct knows, after all that it was given before.
    fn look<Q, T>(
        &self,
        precinct: PrecinctId,
        question: Q,
    ) -> impl Future<Output = Result<T, OutOfService>> + Send + use<Q, T>
    where
        Q: FnOnce(&Precinct) -> T + Clone + Send + Sync + Unpin + 'static,
        T: Send + 'static,
    {
        let idle = self.place(precinct).filter(|place| place.is_idle()).map(|place| Arc::clone(&place.kept));
        match idle.and_then(|kept| kept.look(question.clone())) {
            Some(answer) => Either::Left(ready(Ok(answer))),
            None => Either::Right(self.ask(precinct, Look(question), 0)),
        }
    }

    /// Gives a precinct a message, which is so many records.
    fn ask<M>(
        &self,
        precinct: PrecinctId,
        message: M,
        records: u32,
    ) -> impl Future<Output = Result<M::Result, OutOfService>> + Send + use<M>
    where
        M: Message + Clone + Send + Sync + Unpin + 'static,
        M::Result: Send,
        PrecinctActor: Handler<M>,
        actix::Context<PrecinctActor>: ToEnvelope<PrecinctActor, M>,
    {
        let precincts = self.clone();
        let sent = self.send(precinct, message.clone(), records);
        async move {
            match sent.await {
                Ok(answer) => Ok(answer),
                // Boxed, for it is rare.
                Err(gone) => Box::pin(async move { precincts.again(gone, message, records).await }).await,
            }
        }
    }

    /// The same, once.
    fn send<M>(
        &self,
        precinct: PrecinctId,
        message: M,
        records: u32,
    ) -> impl Future<Output = Result<M::Result, Gone>> + Send + use<M>
    where
        M: Message + Send + Unpin + 'static,
        M::Result: Send,
        PrecinctActor: Handler<M>,
        actix::Context<PrecinctActor>: ToEnvelope<PrecinctActor, M>,
    {
        let sent = self.address(precinct, records).map(|address| (address.send(message), address));
        async move {
            let Some((sent, address)) = sent else { return Err(Gone { precinct, address: None }) };
            sent.await.map_err(|_| Gone { precinct, address: Some(address) })
        }
    }

    /// Gives a message to a precinct whose actor is gone.
    async fn again<M>(
        &self,
        Gone { precinct, mut address }: Gone,
        message: M,
        records: u32,
    ) -> Result<M::Result, OutOfService>
    where
        M: Message + Clone + Send + Unpin + 'static,
        M::Result: Send,
        PrecinctActor: Handler<M>,
        actix::Context<PrecinctActor>: ToEnvelope<PrecinctActor, M>,
    {
        for _ in 0..REBUILDS {
            let Some(gone) = address else { break };
            let revived = self.revive(precinct, &gone, records).await?;
            match revived.send(message.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(_) => address = Some(revived),
            }
        }
        Err(OutOfService(precinct))
    }

    fn place(&self, precinct: PrecinctId) -> Option<MutexGuard<'_, Place>> {
        let places = &self.0.places;
        let at = places.binary_search_by_key(&precinct, |(id, _)| *id).ok()?;
        Some(places[at].1.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The actor of a precinct, to which the caller gives so many records; it is woken where there is none.
    pub(crate) fn address(&self, precinct: PrecinctId, records: u32) -> Option<Addr<PrecinctActor>> {
        let mut place = self.place(precinct)?;
        place.given = place.given.wrapping_add(records);
        if let Some(address) = place.address.as_deref() {
            return Some(address.clone());
        }
        let address = self.spawn(&place.kept, false);
        for missed in std::mem::take(&mut place.missed) {
            place.give(&address, Observe(missed));
        }
        place.address = Some(Box::new(address.clone()));
        drop(place);
        self.let_rest(Some(precinct));
        Some(address)
    }

    /// Whether a precinct has an actor.
    #[cfg(test)]
    pub(crate) fn acts(&self, precinct: PrecinctId) -> bool {
        self.place(precinct).is_some_and(|place| place.address.is_some())
    }

    fn spawn(&self, kept: &Arc<Kept>, tells: bool) -> Addr<PrecinctActor> {
        let (kept, country) = (Arc::clone(kept), self.0.country.clone());
        PrecinctActor::start_in_arbiter(&self.0.arbiter, move |_| PrecinctActor::new(kept, country, tells))
    }

    /// Where there are more actors than there should be, two that were woken before the others may rest; whether one did.
    /// `woken` has an actor from now on.
    pub(crate) fn let_rest(&self, woken: Option<PrecinctId>) -> bool {
        let mut awake = self.0.awake.lock().unwrap_or_else(PoisonError::into_inner);
        awake.extend(woken);
        let mut rested = false;
        for _ in 0..2 {
            let Some(longest) = (awake.len() > self.0.most_awake).then(|| awake.pop_front()).flatten() else {
                break;
            };
            if self.place(longest).is_some_and(|mut place| place.rest()) {
                rested = true;
            } else {
                awake.push_back(longest);
            }
        }
        rested
    }

    /// Rebuilds a precinct whose actor is gone, unless another caller just did. The caller gives a message, which is so
    /// many records, to the actor that is returned.
    async fn revive(
        &self,
        precinct: PrecinctId,
        gone: &Addr<PrecinctActor>,
        records: u32,
    ) -> Result<Addr<PrecinctActor>, OutOfService> {
        let inner = &self.0;
        let mut rebuilds = inner.rebuilds.lock().await;
        let other = self.place(precinct).is_some_and(|place| place.address.as_deref() != Some(gone));
        if other {
            return self.address(precinct, records).ok_or(OutOfService(precinct));
        }
        inner.alarms.rebuilds.inc();
        tracing::error!(%precinct, "a precinct's actor failed: rebuilding it from the journal");
        let rebuilt = rebuild(&inner.definition, precinct, &*inner.source);
        let state = rebuilt.inspect_err(|why| {
            inner.alarms.out_of_service.inc();
            tracing::error!(%precinct, why, "a precinct is out of service");
        });
        let (state, last) = state.map_err(|_| OutOfService(precinct))?;
        *rebuilds += 1;
        let kept = Kept::new(state, *rebuilds * REVISIONS_A_LIFE, last);
        let address = self.spawn(&kept, true);
        let mut place = self.place(precinct).ok_or(OutOfService(precinct))?;
        let missed = std::mem::take(&mut place.missed);
        *place = Place { kept, address: Some(Box::new(address.clone())), given: records, missed: Vec::new() };
        for missed in missed {
            place.give(&address, Observe(missed));
        }
        Ok(address)
    }
}

impl Place {
    /// Gives its actor a record that nobody waits for.
    fn give(&mut self, address: &Addr<PrecinctActor>, record: Observe) {
        self.given = self.given.wrapping_add(1);
        address.do_send(record);
    }

    /// Whether it has taken all that there is for it.
    fn is_idle(&self) -> bool {
        self.missed.is_empty() && self.given == self.kept.handled()
    }

    /// Lets its actor go, if it is idle: it ends when what it waits for has come.
    fn rest(&mut self) -> bool {
        let idle = self.is_idle();
        if idle {
            self.address = None;
        }
        idle
    }
}

/// The precincts that an observation concerns.
pub(crate) fn concerned(definition: &Definition, observation: &Observation) -> Vec<PrecinctId> {
    match observation {
        Observation::Clock { reached } => definition.precincts_at(*reached).collect(),
        Observation::ClockDoubted
        | Observation::ClockConfirmed { .. }
        | Observation::PublicationHeld { .. }
        | Observation::PublicationResumed => Vec::new(),
        Observation::Device { precinct, .. } => vec![*precinct],
    }
}

/// Whether a record concerns a precinct.
pub fn concerns(definition: &Definition, entry: &Entry, precinct: PrecinctId) -> bool {
    match entry {
        Entry::Report(report) => report.report().precinct == precinct,
        Entry::Decision(decision) => decision.act.precinct() == Some(precinct),
        Entry::Observation(observation) => concerned(definition, observation).contains(&precinct),
    }
}

/// A precinct as its records make it, and the last of them.
fn rebuild(
    definition: &Arc<Definition>,
    precinct: PrecinctId,
    source: &dyn ReplaySource,
) -> Result<(Precinct, Offset), String> {
    let records = source.records_of(precinct).map_err(|error| error.to_string())?;
    let mut state = Precinct::fresh(definition, precinct).ok_or("it is not in the definition")?;
    let fold = AssertUnwindSafe(|| {
        for record in &records {
            take(&mut state, record);
        }
    });
    catch_unwind(fold).map_err(|_| "one of its records makes it fail again".to_owned())?;
    Ok((state, records.last().map(Journaled::offset).unwrap_or_default()))
}
