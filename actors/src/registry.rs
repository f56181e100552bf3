//! Where each precinct's actor is, when it has one, and what happens when one fails.
//!
//! A precinct's actor comes with the first message and rests when others need the room: most of a million precincts have
//! nothing to do most of the time. What it knew is kept, and the next one goes on from there. It rests only when it has
//! handled all that it was given, so that nothing is lost and nothing overtakes; what it still waits for, it waits for.
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

use actix::{Actor, Addr, ArbiterHandle, Handler, MailboxError, Message, dev::ToEnvelope};
use election::{
    Definition, DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known, Objection, Outcome, Precinct, ReportEntry},
    record::{Decision, Observation},
    report::{Digest, Offset, Seq},
    seats::Drawn,
};
use futures_util::future::join_all;
use journal::{Entry, Journaled};

use crate::{
    country::Country,
    ports::ReplaySource,
    precinct::{
        Consider, Describe, Kept, Observe, PrecinctActor, PrecinctDetail, Quarantine, Take, WhatBecame, take,
    },
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
    /// One rebuild at a time; counts them, so that revisions rise.
    rebuilds: tokio::sync::Mutex<u64>,
}

/// A precinct, and its actor while it has one.
struct Place {
    kept: Arc<Kept>,
    address: Option<Box<Addr<PrecinctActor>>>,
    /// Messages that its actors were given. It wraps.
    given: u32,
    /// Moments of the night that came while it had no actor, in their order.
    missed: Vec<Arc<Journaled<Entry>>>,
}

/// Revisions of a rebuilt precinct start above any that an actor before it can have reached.
const REVISIONS_A_LIFE: u64 = 1 << 40;
/// Precincts beyond which the idle ones have no actor. A test has few precincts.
const MOST_AWAKE: usize = if cfg!(test) { 1 } else { 32_768 };
/// Precincts that are told of a moment of the night at once: what each adds then waits in the country's mailbox.
const TOLD_AT_ONCE: usize = 4_096;

impl Precincts {
    pub(crate) fn new(
        definition: Arc<Definition>,
        states: impl IntoIterator<Item = Precinct>,
        country: Addr<Country>,
        source: Arc<dyn ReplaySource>,
        arbiter: ArbiterHandle,
        alarms: Alarms,
    ) -> Self {
        let place = |state: Precinct| {
            let id = state.id();
            let kept = Kept::new(state, 0);
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
            Entry::Report(report) => Some(self.ask(report.report().precinct, Take(record))),
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
        let asked = precinct.map(|precinct| self.ask(precinct, Take(record)));
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
                (Some(self.ask(*precinct, Take(Arc::clone(&record)))), Vec::new())
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
            for some in many.chunks(TOLD_AT_ONCE) {
                let asked = some.iter().map(|precinct| precincts.ask(*precinct, Take(Arc::clone(&record))));
                for told in join_all(asked).await {
                    outcome = outcome.and(told.map(|_| ()));
                }
            }
            outcome
        }
    }

    /// Puts a moment of the night before what comes after it.
    fn observe(&self, precinct: PrecinctId, record: &Arc<Journaled<Entry>>) {
        let Some(mut place) = self.place(precinct) else { return };
        let record = Arc::clone(record);
        match place.address.as_deref().cloned() {
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
        self.ask(precinct, Consider(decision)).await
    }

    /// What became of a report that is offered again.
    pub fn known(
        &self,
        precinct: PrecinctId,
        device: DeviceId,
        seq: Seq,
        digest: Digest,
    ) -> impl Future<Output = Result<Option<Known>, OutOfService>> + Send + use<> {
        self.ask(precinct, WhatBecame { device, seq, digest })
    }

    /// What a reader may see of a precinct.
    ///
    /// # Errors
    /// [`OutOfService`], also where there is no such precinct.
    pub async fn describe(&self, precinct: PrecinctId) -> Result<PrecinctDetail, OutOfService> {
        self.ask(precinct, Describe).await
    }

    /// The reports of a precinct that are or were in quarantine.
    ///
    /// # Errors
    /// [`OutOfService`], also where there is no such precinct.
    pub async fn quarantine(
        &self,
        precinct: PrecinctId,
    ) -> Result<Vec<(DeviceId, ReportEntry)>, OutOfService> {
        self.ask(precinct, Quarantine).await
    }

    fn ask<M>(
        &self,
        precinct: PrecinctId,
        message: M,
    ) -> impl Future<Output = Result<M::Result, OutOfService>> + Send + use<M>
    where
        M: Message + Clone + Send + Sync + Unpin + 'static,
        M::Result: Send,
        PrecinctActor: Handler<M>,
        actix::Context<PrecinctActor>: ToEnvelope<PrecinctActor, M>,
    {
        let precincts = self.clone();
        let sent = self.address(precinct, 1).map(|address| (address.send(message.clone()), address));
        async move {
            let (sent, address) = sent.ok_or(OutOfService(precinct))?;
            match sent.await {
                Ok(answer) => Ok(answer),
                // Boxed, for it is rare: a moment of the night concerns every precinct of a country at once.
                Err(MailboxError::Closed | MailboxError::Timeout) => {
                    Box::pin(async move {
                        let address = precincts.revive(precinct, &address).await?;
                        address.send(message).await.map_err(|_| OutOfService(precinct))
                    })
                    .await
                }
            }
        }
    }
    fn place(&self, precinct: PrecinctId) -> Option<MutexGuard<'_, Place>> {
        let places = &self.0.places;
        let at = places.binary_search_by_key(&precinct, |(id, _)| *id).ok()?;
        Some(places[at].1.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The actor of a precinct, to which the caller gives so many messages; it is woken where there is none.
    pub(crate) fn address(&self, precinct: PrecinctId, given: u32) -> Option<Addr<PrecinctActor>> {
        let mut place = self.place(precinct)?;
        place.given = place.given.wrapping_add(given);
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

    /// Where there are more actors than there should be, two that were woken before the others may rest. `woken` has an
    /// actor from now on.
    pub(crate) fn let_rest(&self, woken: Option<PrecinctId>) {
        let mut awake = self.0.awake.lock().unwrap_or_else(PoisonError::into_inner);
        awake.extend(woken);
        for _ in 0..2 {
            let Some(longest) = (awake.len() > MOST_AWAKE).then(|| awake.pop_front()).flatten() else {
                return;
            };
            if !self.place(longest).is_some_and(|mut place| place.rest()) {
                awake.push_back(longest);
            }
        }
    }

    /// Rebuilds a precinct whose actor is gone, unless another caller just did. The caller gives a message to the actor
    /// that is returned.
    async fn revive(
        &self,
        precinct: PrecinctId,
        gone: &Addr<PrecinctActor>,
    ) -> Result<Addr<PrecinctActor>, OutOfService> {
        let inner = &self.0;
        let mut rebuilds = inner.rebuilds.lock().await;
        let other = self.place(precinct).is_some_and(|place| place.address.as_deref() != Some(gone));
        if other {
            return self.address(precinct, 1).ok_or(OutOfService(precinct));
        }
        inner.alarms.rebuilds.inc();
        tracing::error!(%precinct, "a precinct's actor failed: rebuilding it from the journal");
        let rebuilt = rebuild(&inner.definition, precinct, &*inner.source);
        let state = rebuilt.inspect_err(|why| {
            inner.alarms.out_of_service.inc();
            tracing::error!(%precinct, why, "a precinct is out of service");
        });
        let state = state.map_err(|_| OutOfService(precinct))?;
        *rebuilds += 1;
        let kept = Kept::new(state, *rebuilds * REVISIONS_A_LIFE);
        let address = self.spawn(&kept, true);
        let mut place = self.place(precinct).ok_or(OutOfService(precinct))?;
        *place = Place { kept, address: Some(Box::new(address.clone())), given: 1, missed: Vec::new() };
        Ok(address)
    }
}

impl Place {
    /// Gives its actor a message that nobody waits for.
    fn give<M>(&mut self, address: &Addr<PrecinctActor>, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        PrecinctActor: Handler<M>,
    {
        self.given = self.given.wrapping_add(1);
        address.do_send(message);
    }

    /// Lets its actor go, if it has handled all that it was given: it ends when what it waits for has come.
    fn rest(&mut self) -> bool {
        let idle = self.given == self.kept.handled();
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

fn rebuild(
    definition: &Arc<Definition>,
    precinct: PrecinctId,
    source: &dyn ReplaySource,
) -> Result<Precinct, String> {
    let records = source.records_of(precinct).map_err(|error| error.to_string())?;
    let mut state = Precinct::fresh(definition, precinct).ok_or("it is not in the definition")?;
    let fold = AssertUnwindSafe(|| {
        for record in &records {
            take(&mut state, record);
        }
    });
    catch_unwind(fold).map_err(|_| "one of its records makes it fail again".to_owned())?;
    Ok(state)
}
