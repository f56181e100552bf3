//! The shell around a precinct's state: takes a record, lets `election` judge it, and tells the country.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use actix::{Actor, Addr, Context, Handler, Message, ResponseFuture};
use election::{
    Correction, DeviceId, Timestamp,
    definition::DeviceKind,
    document::Document,
    figures::Phase,
    hand_count::HandCount,
    precinct::{
        Arrived, DeviceView, Flag, Judgement, Known, Objection, Outcome, Precinct, Progress, Reconciliation,
        ReportEntry,
    },
    record::Decision,
    report::{Digest, Seq, Verdict},
};
use journal::{Entry, Journaled};

use crate::country::{Changed, Country};

/// Most records that may be on their way to the actors at once. Whoever hands them on keeps to it.
pub const MAX_IN_FLIGHT: usize = 8_192;

/// The actor of one precinct, while anybody speaks to it.
pub(crate) struct PrecinctActor {
    kept: Arc<Kept>,
    country: Addr<Country>,
    /// Whether it says first what the precinct adds.
    tells: bool,
}

/// What outlives a precinct's actor: of a million precincts most have nothing to do, and have none. One acts at a time.
pub(crate) struct Kept {
    known: Mutex<State>,
    /// Messages that were handled, of all that its actors were given. It wraps.
    handled: AtomicU32,
}

/// A precinct, and how often it has changed.
struct State {
    precinct: Precinct,
    /// The country passes over what is older than what it has.
    revision: u64,
}

impl Kept {
    /// `revision` must be above that of any earlier state of this precinct.
    pub(crate) fn new(precinct: Precinct, revision: u64) -> Arc<Self> {
        Arc::new(Self { known: Mutex::new(State { precinct, revision }), handled: AtomicU32::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many messages were handled.
    pub(crate) fn handled(&self) -> u32 {
        self.handled.load(Ordering::Acquire)
    }
}

impl State {
    /// What the precinct adds now, and which decisions made it so.
    fn changed(&mut self, corrections: Vec<Arc<Correction>>) -> Changed {
        self.revision += 1;
        Changed {
            precinct: self.precinct.id(),
            revision: self.revision,
            figures: self.precinct.figures(),
            updated: self.precinct.updated(),
            corrections,
        }
    }
}

/// A durable record that concerns this precinct.
#[derive(Message, Clone)]
#[rtype(result = "Taken")]
pub(crate) struct Take(pub Arc<Journaled<Entry>>);

/// A moment of the night, on record, that concerns this precinct and many others. Nobody waits for each of them: it takes its place
/// before what comes after it, and the country is told when the precinct is given the same record to [`Take`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Observe(pub Arc<Journaled<Entry>>);

/// What a record did.
#[derive(Debug)]
pub(crate) enum Taken {
    /// A report: its judgement, then those of reports that were held behind it.
    Judged(Vec<Judgement>),
    /// A decision.
    Decided(Result<Outcome, Objection>),
    /// An observation.
    Observed,
}

impl Taken {
    /// Judgements, of a report.
    pub(crate) fn judged(self) -> Vec<Judgement> {
        match self {
            Self::Judged(judgements) => judgements,
            Self::Decided(_) | Self::Observed => Vec::new(),
        }
    }

    /// What became of a decision.
    pub(crate) fn decided(self) -> Result<Outcome, Objection> {
        match self {
            Self::Decided(outcome) => outcome,
            Self::Judged(_) | Self::Observed => Ok(Outcome::default()),
        }
    }
}

/// Whether a decision could be taken now.
#[derive(Message, Clone)]
#[rtype(result = "Result<(), Objection>")]
pub(crate) struct Consider(pub Arc<Decision>);

/// What became of a report that is offered again.
#[derive(Message, Clone)]
#[rtype(result = "Option<Known>")]
pub(crate) struct WhatBecame {
    pub device: DeviceId,
    pub seq: Seq,
    pub digest: Digest,
}

/// Everything a reader may see of the precinct beside its figures.
#[derive(Message, Clone)]
#[rtype(result = "PrecinctDetail")]
pub(crate) struct Describe;

/// The reports that are or were in quarantine.
#[derive(Message, Clone)]
#[rtype(result = "Vec<(DeviceId, ReportEntry)>")]
pub(crate) struct Quarantine;

/// The state of a precinct as its page shows it.
#[derive(Debug, Clone)]
pub struct PrecinctDetail {
    /// Its phase.
    pub phase: Phase,
    /// Its devices' reports.
    pub reports: Vec<(DeviceId, DeviceKind, ReportEntry)>,
    /// Open discrepancies, and since when.
    pub flags: Vec<(Flag, Timestamp)>,
    /// How many of its devices have finished.
    pub progress: Progress,
    /// How far the entering of its protocol has come.
    pub hand_count: HandCount,
    /// Its sources side by side.
    pub reconciliation: Vec<Reconciliation>,
    /// Scans, in the order of the journal.
    pub documents: Vec<Arc<Document>>,
}

impl PrecinctActor {
    /// One that goes on from what is kept. With `tells` it says first what the precinct adds.
    pub(crate) fn new(kept: Arc<Kept>, country: Addr<Country>, tells: bool) -> Self {
        Self { kept, country, tells }
    }

    /// Handles a message that it was given. One on which it fails is never handled, so that no other goes on from what
    /// it has left.
    fn turn<T>(&self, by: impl FnOnce(&mut State) -> T) -> T {
        let handled = by(&mut self.kept.lock());
        self.kept.handled.fetch_add(1, Ordering::Release);
        handled
    }
}

impl Actor for PrecinctActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // As many as the gateway lets be in flight: a full mailbox would change their order.
        ctx.set_mailbox_capacity(MAX_IN_FLIGHT);
        if !self.tells {
            return;
        }
        // What was added already makes no difference.
        let changed = {
            let mut state = self.kept.lock();
            let corrections = state.precinct.corrections().to_vec();
            state.changed(corrections)
        };
        let told = self.country.send(changed);
        actix::AsyncContext::spawn(
            ctx,
            actix::fut::wrap_future(async move {
                if told.await.is_err() {
                    tracing::error!("the country's actor is gone");
                }
            }),
        );
    }
}

impl Handler<Take> for PrecinctActor {
    type Result = ResponseFuture<Taken>;

    fn handle(&mut self, Take(record): Take, _: &mut Self::Context) -> Self::Result {
        let (taken, changed) = self.turn(|state| {
            let taken = take(&mut state.precinct, &record);
            let correction = match &taken {
                Taken::Decided(Ok(outcome)) => outcome.correction.clone(),
                Taken::Decided(Err(_)) | Taken::Judged(_) | Taken::Observed => None,
            };
            (taken, state.changed(correction.into_iter().collect()))
        });
        let told = self.country.send(changed);
        Box::pin(async move {
            if told.await.is_err() {
                tracing::error!("the country's actor is gone");
            }
            taken
        })
    }
}

/// Lets a state take a record: live, on replay and when a precinct is rebuilt, the same.
pub(crate) fn take(state: &mut Precinct, record: &Journaled<Entry>) -> Taken {
    match record.entry() {
        Entry::Report(report) => Taken::Judged(state.take(Arrived {
            offset: record.offset(),
            arrived: record.arrival(),
            digest: report.digest(),
            report: Arc::clone(report.report()),
        })),
        Entry::Decision(decision) => {
            Taken::Decided(state.decide(decision, record.offset(), record.arrival()))
        }
        Entry::Observation(observation) => {
            state.observe(observation, record.arrival());
            Taken::Observed
        }
    }
}

impl Handler<Observe> for PrecinctActor {
    type Result = ();

    fn handle(&mut self, Observe(record): Observe, _: &mut Self::Context) {
        self.turn(|state| take(&mut state.precinct, &record));
    }
}

impl Handler<Consider> for PrecinctActor {
    type Result = Result<(), Objection>;

    fn handle(&mut self, Consider(decision): Consider, _: &mut Self::Context) -> Self::Result {
        self.turn(|state| state.precinct.consider(&decision))
    }
}

impl Handler<WhatBecame> for PrecinctActor {
    type Result = Option<Known>;

    fn handle(&mut self, ask: WhatBecame, _: &mut Self::Context) -> Self::Result {
        self.turn(|state| state.precinct.known(&ask.device, ask.seq, ask.digest))
    }
}

impl Handler<Quarantine> for PrecinctActor {
    type Result = Vec<(DeviceId, ReportEntry)>;

    fn handle(&mut self, _: Quarantine, _: &mut Self::Context) -> Self::Result {
        let of_device = |device: DeviceView<'_>| {
            let id = device.id.clone();
            let reports = device.reports.into_iter();
            let waits =
                |report: &&ReportEntry| report.verdict == Verdict::Quarantined || report.ruled.is_some();
            reports.filter(waits).map(|report| (id.clone(), report.clone())).collect::<Vec<_>>()
        };
        self.turn(|state| state.precinct.devices().flat_map(of_device).collect())
    }
}

impl Handler<Describe> for PrecinctActor {
    type Result = actix::MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        actix::MessageResult(self.turn(|state| PrecinctDetail::of(&state.precinct)))
    }
}

impl PrecinctDetail {
    fn of(precinct: &Precinct) -> Self {
        let reports = precinct.devices().flat_map(|device| {
            let (id, kind) = (device.id.clone(), device.kind);
            device.reports.into_iter().map(move |report| (id.clone(), kind, report.clone()))
        });
        Self {
            phase: precinct.phase(),
            reports: reports.collect(),
            flags: precinct.flags().iter().map(|(flag, since)| (flag.clone(), *since)).collect(),
            progress: precinct.progress(),
            hand_count: precinct.hand_count().clone(),
            reconciliation: precinct.reconciliation(),
            documents: precinct.documents().to_vec(),
        }
    }
}
