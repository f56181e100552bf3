//! Where each precinct's actor is, and what happens when one fails.
//!
//! A panic in an actor ends that actor and nothing else (a test pins this). Whoever next speaks to it finds
//! its address closed; the precinct is then rebuilt from the journal and takes its place again. A record on
//! which the rebuilt precinct fails as well takes the precinct out of service, with an alarm: its devices get
//! no receipt and keep what they have.

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError, RwLock, atomic::Ordering},
};

use actix::{Actor, Addr, ArbiterHandle, Handler, MailboxError, Message, dev::ToEnvelope};
use election::{
    Definition, DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known, Objection, Outcome, Precinct, ReportEntry},
    record::{Decision, Observation},
    report::{Digest, Offset, Seq},
    seats::Drawn,
};
use journal::{Entry, Journaled};

use crate::{
    country::Country,
    ports::ReplaySource,
    precinct::{
        Consider, Describe, Observe, PrecinctActor, PrecinctDetail, Quarantine, Round, Take, WhatBecame, take,
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
    addresses: RwLock<HashMap<PrecinctId, Addr<PrecinctActor>>>,
    country: Addr<Country>,
    source: Arc<dyn ReplaySource>,
    arbiter: ArbiterHandle,
    alarms: Alarms,
    /// One rebuild at a time; counts them, so that revisions rise.
    rebuilds: tokio::sync::Mutex<u64>,
}

/// Revisions of a rebuilt precinct start above any that an actor before it can have reached.
const REVISIONS_A_LIFE: u64 = 1 << 40;

impl Precincts {
    pub(crate) fn new(
        definition: Arc<Definition>,
        states: impl IntoIterator<Item = Precinct>,
        country: Addr<Country>,
        source: Arc<dyn ReplaySource>,
        arbiter: ArbiterHandle,
        alarms: Alarms,
    ) -> Self {
        let addresses = states
            .into_iter()
            .map(|state| (state.id(), spawn(state, &country, &arbiter, 0)))
            .collect::<HashMap<_, _>>();
        Self(Arc::new(Inner {
            definition,
            addresses: RwLock::new(addresses),
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
        let concerned = match record.entry() {
            Entry::Observation(observation) => concerned(&self.0.definition, observation),
            Entry::Report(_) | Entry::Decision(_) => Vec::new(),
        };
        let (round, ended) = Round::of(concerned.len());
        for (nth, precinct) in concerned.iter().enumerate() {
            if let Some(address) = self.address(*precinct) {
                address.do_send(Observe { record: Arc::clone(&record), nth, round: Arc::clone(&round) });
            }
        }
        drop(round);
        let precincts = self.clone();
        async move {
            let taken = ended.await.unwrap_or_default();
            let has = |nth: usize| taken.get(nth).is_some_and(|taken| taken.load(Ordering::Acquire));
            let mut outcome = Ok(());
            for (nth, precinct) in concerned.into_iter().enumerate() {
                // Its actor failed, or is being rebuilt from what was on record before. A record that is taken twice
                // changes nothing.
                if !has(nth) {
                    let asked = precincts.ask(precinct, Take(Arc::clone(&record))).await;
                    outcome = outcome.and(asked.map(|_| ()));
                }
            }
            outcome
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
        let sent = self.address(precinct).map(|address| (address.send(message.clone()), address));
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

    pub(crate) fn address(&self, precinct: PrecinctId) -> Option<Addr<PrecinctActor>> {
        let addresses = self.0.addresses.read().unwrap_or_else(PoisonError::into_inner);
        addresses.get(&precinct).cloned()
    }

    /// Rebuilds a precinct whose actor is gone, unless another caller just did.
    async fn revive(
        &self,
        precinct: PrecinctId,
        gone: &Addr<PrecinctActor>,
    ) -> Result<Addr<PrecinctActor>, OutOfService> {
        let inner = &self.0;
        let mut rebuilds = inner.rebuilds.lock().await;
        if let Some(address) = self.address(precinct).filter(|address| address != gone) {
            return Ok(address);
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
        let address = spawn(state, &inner.country, &inner.arbiter, *rebuilds * REVISIONS_A_LIFE);
        let mut addresses = inner.addresses.write().unwrap_or_else(PoisonError::into_inner);
        addresses.insert(precinct, address.clone());
        Ok(address)
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

fn spawn(
    state: Precinct,
    country: &Addr<Country>,
    arbiter: &ArbiterHandle,
    revision: u64,
) -> Addr<PrecinctActor> {
    let country = country.clone();
    PrecinctActor::start_in_arbiter(arbiter, move |_| PrecinctActor::new(state, country, revision))
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
