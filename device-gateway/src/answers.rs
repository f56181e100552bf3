//! What happens to a report once it is on stable storage: those who count judge it, the centre signs a
//! receipt, and the broker's side gets its acknowledgement.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use broker::{Ack, Downlink};
use device_wire::{AuthenticReport, Channel, Topic, encode_receipt, sign};
use election::{
    Code, DeviceId, ElectionId, PrecinctId,
    precinct::Judgement,
    report::{Digest, Receipt, Seq, Verdict},
    sequence::Gap,
};
use journal::{Clock, Entry, Journaled};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
};

use crate::{gateway::Signer, intake::Workers, metrics::Metrics, port::Counting, quota::Cost, worker::Work};

/// What is kept of a message while it is on its way through the journal.
pub struct Context(Kind);

enum Kind {
    /// A report that is new.
    New { told: Told, since: Instant, cost: Cost },
    /// A copy of one that is in the journal, or on its way into it.
    Again { told: Told, precinct: PrecinctId },
}

/// Which report it is, and who is to be told what became of it.
struct Told {
    device: DeviceId,
    seq: Seq,
    digest: Digest,
    ack: Ack,
    /// Held until it is answered: bounds what is in flight.
    permit: OwnedSemaphorePermit,
}

impl Context {
    pub(crate) fn new(
        report: &AuthenticReport,
        ack: Ack,
        since: Instant,
        cost: Cost,
        permit: OwnedSemaphorePermit,
    ) -> Self {
        Self(Kind::New { told: Told::of(report, ack, permit), since, cost })
    }

    pub(crate) fn again(report: &AuthenticReport, ack: Ack, permit: OwnedSemaphorePermit) -> Self {
        Self(Kind::Again { told: Told::of(report, ack, permit), precinct: report.report().precinct })
    }
}

impl Told {
    fn of(report: &AuthenticReport, ack: Ack, permit: OwnedSemaphorePermit) -> Self {
        let (device, seq, digest) = (report.device().clone(), report.report().seq, report.digest());
        Self { device, seq, digest, ack, permit }
    }
}

/// A report that could not be stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unstored {
    pub seq: Seq,
    pub digest: Digest,
    pub cost: Cost,
}

/// Answers devices.
pub struct Answers {
    pub(crate) election: ElectionId,
    pub(crate) signer: Signer,
    pub(crate) downlink: Downlink,
    pub(crate) counting: Arc<dyn Counting>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: Handle,
    pub(crate) in_flight: Arc<Semaphore>,
    /// The way to the workers, once they run.
    pub(crate) workers: OnceLock<Workers>,
    /// Reports that could not be stored, until their workers ask.
    pub(crate) unstored: Mutex<HashMap<DeviceId, Vec<Unstored>>>,
    /// Whether there are any.
    pub(crate) any_unstored: AtomicBool,
}

impl Answers {
    /// Waits until one more report may be in flight. Called on a worker's thread, never on the runtime's.
    pub(crate) fn permit(&self) -> OwnedSemaphorePermit {
        let acquire = Arc::clone(&self.in_flight).acquire_owned();
        #[expect(clippy::expect_used, reason = "nobody closes this semaphore")]
        self.runtime.block_on(acquire).expect("the semaphore is open")
    }

    /// A report is on stable storage. Call in the order of the journal: the report is in its precinct's
    /// mailbox when this returns; the receipt follows.
    pub fn stored(self: &Arc<Self>, record: Arc<Journaled<Entry>>, context: Context) {
        let Entry::Report(report) = record.entry() else { return };
        let Kind::New { told, since, .. } = context.0 else { return };
        let topic = report.topic().on(Channel::Receipt);
        let judged = self.counting.report(Arc::clone(&record));
        let answers = Arc::clone(self);
        self.runtime.spawn(async move {
            match judged.await {
                Ok(judgements) => judgements.iter().for_each(|judgement| answers.judged(&topic, judgement)),
                Err(why) => tracing::warn!(%topic, why, "a stored report could not be judged: no receipt"),
            }
            // It is durable whoever judges it: the broker need not keep it any longer. Said after the receipt, both go
            // out as one packet.
            told.ack.done();
            answers.metrics.latency.observe(since.elapsed().as_secs_f64());
            drop(told.permit);
        });
    }

    /// A copy of a report has come to its place behind the first.
    pub fn passed(self: &Arc<Self>, context: Context) {
        let Kind::Again { told, precinct } = context.0 else { return };
        let Told { device, seq, digest, ack, permit } = told;
        let known = self.counting.known(precinct, device.clone(), seq, digest);
        let answers = Arc::clone(self);
        self.runtime.spawn(async move {
            if let Ok(Some(known)) = known.await {
                let topic = answers.topic(precinct, device.clone());
                let receipt = Receipt {
                    device,
                    seq,
                    digest,
                    verdict: Verdict::Duplicate,
                    code: Some(Code::S01),
                    was: Some(known.verdict),
                    offset: Some(known.offset),
                    at: answers.clock.now(),
                };
                answers.send(&topic, &receipt);
            }
            ack.done();
            drop(permit);
        });
    }

    /// A report could not be put on stable storage: no receipt, no acknowledgement; it is new again.
    pub fn unstored(&self, context: Context) {
        let Kind::New { told, cost, .. } = context.0 else { return };
        self.metrics.unstored.inc();
        // Its worker may wait for the journal, whose thread this is: nothing here may wait for the worker.
        let mut unstored = self.unstored.lock().unwrap_or_else(PoisonError::into_inner);
        let of_device = unstored.entry(told.device).or_default();
        of_device.push(Unstored { seq: told.seq, digest: told.digest, cost });
        self.any_unstored.store(true, Ordering::Release);
    }

    /// What could not be stored of a device's reports since it was last asked.
    pub(crate) fn forgotten(&self, device: &DeviceId) -> Vec<Unstored> {
        if !self.any_unstored.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut unstored = self.unstored.lock().unwrap_or_else(PoisonError::into_inner);
        let forgotten = unstored.remove(device).unwrap_or_default();
        self.any_unstored.store(!unstored.is_empty(), Ordering::Release);
        forgotten
    }

    /// A decision was taken on which reports of this precinct waited: their devices get the final receipts.
    pub fn released(&self, precinct: PrecinctId, judgements: &[Judgement]) {
        for judgement in judgements {
            self.judged(&self.topic(precinct, judgement.device.clone()), judgement);
        }
    }

    /// A gap was closed by decision: what is missing there is no longer asked for.
    pub fn closed(self: &Arc<Self>, device: DeviceId, gap: Gap) {
        let answers = Arc::clone(self);
        // A worker's letter box may be full for a while.
        self.runtime.spawn_blocking(move || answers.tell(device.clone(), Work::Close { device, gap }));
    }

    fn tell(&self, device: DeviceId, work: Work) {
        let worker = self.workers.get().map(|workers| workers.of(device.as_str()));
        if worker.is_some_and(|worker| worker.send(work).is_err()) {
            tracing::debug!("the gateway has stopped");
        }
    }

    /// Waits until what a device's worker has taken up so far is refused, or has its place in the journal's
    /// queue: whoever appends after that stands behind it.
    pub async fn caught_up(self: &Arc<Self>, device: DeviceId) {
        let (done, caught_up) = oneshot::channel();
        let answers = Arc::clone(self);
        self.runtime.spawn_blocking(move || answers.tell(device, Work::Mark(done)));
        // An error: there is no worker (any more), and nothing on its way.
        let _ = caught_up.await;
    }

    fn topic(&self, precinct: PrecinctId, device: DeviceId) -> Topic {
        Topic { election: self.election.clone(), precinct, device, channel: Channel::Receipt }
    }

    fn judged(&self, topic: &Topic, judgement: &Judgement) {
        self.send(
            topic,
            &Receipt {
                device: judgement.device.clone(),
                seq: judgement.seq,
                digest: judgement.digest,
                verdict: judgement.verdict,
                code: judgement.codes.first().copied(),
                was: None,
                offset: Some(judgement.offset),
                at: self.clock.now(),
            },
        );
    }

    /// Signs a receipt and sends it. Where the device cannot be reached it repeats its report.
    pub(crate) fn send(&self, topic: &Topic, receipt: &Receipt) {
        let topic = topic.on(Channel::Receipt);
        let envelope = sign(&topic, &self.signer.kid, &encode_receipt(receipt), &self.signer.key);
        self.metrics.receipt(receipt.verdict);
        if !self.downlink.publish(&topic.to_string(), envelope.into()) {
            self.metrics.undelivered.inc();
        }
    }
}
