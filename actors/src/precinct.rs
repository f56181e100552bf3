//! The shell around a precinct's state: takes a record, lets `election` judge it, and tells the country.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
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
use tokio::sync::oneshot;

use crate::country::{Changed, Country};

/// Most records that may be on their way to the actors at once. Whoever hands them on keeps to it.
pub const MAX_IN_FLIGHT: usize = 8_192;

/// The actor of one precinct.
pub(crate) struct PrecinctActor {
    state: Precinct,
    country: Addr<Country>,
    revision: u64,
}

/// A durable record that concerns this precinct.
#[derive(Message, Clone)]
#[rtype(result = "Taken")]
pub(crate) struct Take(pub Arc<Journaled<Entry>>);

/// A durable observation that concerns this precinct, and many others: nobody waits for each of them.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Observe {
    pub record: Arc<Journaled<Entry>>,
    /// Which of the round this precinct is.
    pub nth: usize,
    pub round: Arc<Round>,
}

/// A record that goes to many precincts at once. When the last of them has let go of it, whoever waits is told which have
/// taken it: one that fails meanwhile, or had failed before, lets go without.
pub(crate) struct Round {
    taken: Box<[AtomicBool]>,
    ended: Option<oneshot::Sender<Box<[AtomicBool]>>>,
}

impl Round {
    /// A round of so many, and what resolves when it has ended.
    pub(crate) fn of(precincts: usize) -> (Arc<Self>, oneshot::Receiver<Box<[AtomicBool]>>) {
        let (ended, told) = oneshot::channel();
        let taken = (0..precincts).map(|_| AtomicBool::new(false)).collect();
        (Arc::new(Self { taken, ended: Some(ended) }), told)
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        // Whoever waited may have gone.
        let _ = self.ended.take().map(|ended| ended.send(std::mem::take(&mut self.taken)));
    }
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
    /// `revision` must be above that of any earlier actor of this precinct.
    pub(crate) fn new(state: Precinct, country: Addr<Country>, revision: u64) -> Self {
        Self { state, country, revision }
    }

    /// What the precinct adds now, and which decisions made it so.
    fn changed(&mut self, corrections: Vec<Arc<Correction>>) -> Changed {
        self.revision += 1;
        Changed {
            precinct: self.state.id(),
            revision: self.revision,
            figures: self.state.figures(),
            updated: self.state.updated(),
            corrections,
        }
    }
}

impl Actor for PrecinctActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // As many as the gateway lets be in flight: a full mailbox would change their order.
        ctx.set_mailbox_capacity(MAX_IN_FLIGHT);
        if self.revision == 0 {
            // The country was formed from it.
            return;
        }
        // A rebuilt precinct says what it adds once more; what was added already makes no difference.
        let changed = self.changed(self.state.corrections().to_vec());
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
        let taken = take(&mut self.state, &record);
        let correction = match &taken {
            Taken::Decided(Ok(outcome)) => outcome.correction.clone(),
            Taken::Decided(Err(_)) | Taken::Judged(_) | Taken::Observed => None,
        };
        let changed = self.changed(correction.into_iter().collect());
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

    /// The country is told without a wait: a moment of the night is one message a precinct.
    fn handle(&mut self, Observe { record, nth, round }: Observe, _: &mut Self::Context) {
        take(&mut self.state, &record);
        let changed = self.changed(Vec::new());
        self.country.do_send(changed);
        round.taken[nth].store(true, Ordering::Release);
    }
}

impl Handler<Consider> for PrecinctActor {
    type Result = Result<(), Objection>;

    fn handle(&mut self, Consider(decision): Consider, _: &mut Self::Context) -> Self::Result {
        self.state.consider(&decision)
    }
}

impl Handler<WhatBecame> for PrecinctActor {
    type Result = Option<Known>;

    fn handle(&mut self, ask: WhatBecame, _: &mut Self::Context) -> Self::Result {
        self.state.known(&ask.device, ask.seq, ask.digest)
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
        self.state.devices().flat_map(of_device).collect()
    }
}

impl Handler<Describe> for PrecinctActor {
    type Result = actix::MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut Self::Context) -> Self::Result {
        let reports = self.state.devices().flat_map(|device| {
            let (id, kind) = (device.id.clone(), device.kind);
            device.reports.into_iter().map(move |report| (id.clone(), kind, report.clone()))
        });
        actix::MessageResult(PrecinctDetail {
            phase: self.state.phase(),
            reports: reports.collect(),
            flags: self.state.flags().iter().map(|(flag, since)| (flag.clone(), *since)).collect(),
            progress: self.state.progress(),
            hand_count: self.state.hand_count().clone(),
            reconciliation: self.state.reconciliation(),
            documents: self.state.documents().to_vec(),
        })
    }
}
