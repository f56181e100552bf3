//! The shell around a precinct's state: takes a record, lets `election` judge it, and tells the country.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use actix::{Actor, Addr, Context, Handler, Message, MessageResult, ResponseFuture};
use election::{
    Correction, DeviceId, Timestamp,
    definition::DeviceKind,
    document::Document,
    figures::Phase,
    hand_count::HandCount,
    precinct::{
        Arrived, Flag, Judgement, Objection, Outcome, Precinct, Progress, Reconciliation, ReportEntry,
    },
    record::Observation,
    report::Offset,
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
    /// Records that were taken, of all that its actors were given. It wraps.
    handled: AtomicU32,
}

/// A precinct, and how often it has changed.
struct State {
    precinct: Precinct,
    /// The country passes over what is older than what it has.
    revision: u64,
    /// The last record that it was rebuilt from, where it was.
    rebuilt: Offset,
    /// The last record that it has taken in its place.
    taken: Offset,
}

impl Kept {
    /// `revision` must be above that of any earlier state of this precinct; `rebuilt` is the last record that it was made
    /// from, where it was made while the night went on.
    pub(crate) fn new(precinct: Precinct, revision: u64, rebuilt: Offset) -> Arc<Self> {
        let state = State { precinct, revision, rebuilt, taken: rebuilt };
        Arc::new(Self { known: Mutex::new(state), handled: AtomicU32::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many records were taken.
    pub(crate) fn handled(&self) -> u32 {
        self.handled.load(Ordering::Acquire)
    }

    /// Asks what is known now; `None` where an actor has failed on it.
    pub(crate) fn look<T>(&self, question: impl FnOnce(&Precinct) -> T) -> Option<T> {
        self.known.lock().ok().map(|state| question(&state.precinct))
    }
}

impl State {
    /// Takes a record in its place. A moment of the night is taken again when the country is told of it, and changes
    /// nothing then.
    ///
    /// After a rebuild records may come in another order than that of the journal. What the rebuild has seen is not taken
    /// twice; what was overtaken by a later one ends the actor, for the next rebuild has all in their order.
    fn take(&mut self, record: &Journaled<Entry>) -> Taken {
        let offset = record.offset();
        match record.entry() {
            Entry::Observation(Observation::Clock { .. }) => {}
            Entry::Observation(_) if offset <= self.rebuilt => return Taken::Observed,
            _ if offset <= self.rebuilt => {}
            _ => {
                assert!(offset > self.taken, "record {offset} comes after record {}", self.taken);
                self.taken = offset;
            }
        }
        take(&mut self.precinct, record)
    }

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

/// A moment of the night, on record, that concerns this precinct and many others. Nobody waits for each of them: it takes
/// its place before what comes after it, and the country is told when the precinct is given the same record to [`Take`].
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Observe(pub Arc<Journaled<Entry>>);

/// A question about what the precinct knows, after all that it was given before. Who asks may have gone when its turn
/// comes, so it is not counted among what was given.
#[derive(Clone)]
pub(crate) struct Look<Q>(pub Q);

impl<Q, T> Message for Look<Q>
where
    Q: FnOnce(&Precinct) -> T,
    T: 'static,
{
    type Result = T;
}

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

    /// Takes a record that it was given. One on which it fails is never handled, so that no other goes on from what it
    /// has left.
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
            let taken = state.take(&record);
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
        self.turn(|state| state.take(&record));
    }
}

impl<Q, T> Handler<Look<Q>> for PrecinctActor
where
    Q: FnOnce(&Precinct) -> T + 'static,
    T: 'static,
{
    type Result = MessageResult<Look<Q>>;

    fn handle(&mut self, Look(question): Look<Q>, _: &mut Self::Context) -> Self::Result {
        MessageResult(question(&self.kept.lock().precinct))
    }
}

impl PrecinctDetail {
    pub(crate) fn of(precinct: &Precinct) -> Self {
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
