//! One worker thread: verifies the messages of its devices, in their order, and puts new reports on their
//! way into the journal. Devices are divided among the workers, so each device has one.

use std::{
    collections::{HashMap, hash_map::Entry as Slot},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use broker::{Ack, Message};
use device_wire::{Authentic, AuthenticReport, Refusal, authenticate};
use election::{
    DeviceId, ElectionId, Timestamp,
    report::{Digest, Receipt, Seq, Verdict},
    sequence::{Admission, Line},
};
use journal::{Appender, Clock, Entry, Gone};
use tokio::sync::oneshot;

use crate::{
    answers::{Answers, Context},
    keys::Keys,
    metrics::Metrics,
    port::{Counting, Life},
    refusals::Refusals,
};

/// A wrong message with a good signature is answered at most once in this time, per device (PROTOCOL §2).
const ANSWER_EVERY: Duration = Duration::from_secs(1);

/// What reaches a worker.
pub(crate) enum Work {
    /// A message from the wire, and when it arrived.
    Message(Box<Message>, Timestamp, Instant),
    /// A report did not reach stable storage: it is new again.
    Forget { device: DeviceId, seq: Seq, digest: Digest },
    /// Whoever waits is told when its turn has come.
    Mark(oneshot::Sender<()>),
}

/// What all workers share. `C` is what the composition root keeps of a record on its way through the journal.
pub(crate) struct Shared<C> {
    pub election: ElectionId,
    pub keys: Arc<Keys>,
    pub appender: Appender<C>,
    pub answers: Arc<Answers>,
    pub counting: Arc<dyn Counting>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
    pub refusals: Arc<Refusals>,
}

/// One worker's own state.
pub(crate) struct Worker<C> {
    shared: Arc<Shared<C>>,
    lines: HashMap<DeviceId, Line>,
    answered: HashMap<DeviceId, Instant>,
}

impl<C: From<Context> + Send + 'static> Worker<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>, lines: HashMap<DeviceId, Line>) -> Self {
        Self { shared, lines, answered: HashMap::new() }
    }

    /// Works until the intake is gone.
    pub(crate) fn run(mut self, work: &mpsc::Receiver<Work>) {
        while let Ok(next) = work.recv() {
            match next {
                Work::Message(message, arrived, since) => self.message(*message, arrived, since),
                Work::Forget { device, seq, digest } => {
                    if let Some(line) = self.lines.get_mut(&device) {
                        line.forget(seq, digest);
                    }
                }
                Work::Mark(waiting) => {
                    // Whoever waited may have gone.
                    let _ = waiting.send(());
                }
            }
        }
    }

    fn message(&mut self, message: Message, arrived: Timestamp, since: Instant) {
        let Message { topic, payload, ack, .. } = message;
        let shared = Arc::clone(&self.shared);
        match authenticate(&topic, &payload[..], &shared.election, &*shared.keys) {
            Ok(Authentic::Report(report)) => self.report(report, arrived, since, ack),
            Ok(Authentic::Heartbeat(heartbeat)) => {
                shared.metrics.signs.inc();
                shared.counting.heard(Life::Heartbeat(heartbeat.heartbeat().clone()), arrived);
                ack.done();
            }
            Ok(Authentic::State(state)) => {
                shared.metrics.signs.inc();
                shared.counting.heard(Life::State(state.state().clone()), arrived);
                ack.done();
            }
            Err(refusal) => {
                shared.metrics.refused(refusal.code);
                shared.refusals.keep(arrived, refusal.code, &refusal.why, &topic, payload.len());
                self.refuse(refusal);
                ack.done();
            }
        }
    }

    fn report(&mut self, report: AuthenticReport, arrived: Timestamp, since: Instant, ack: Ack) {
        let shared = Arc::clone(&self.shared);
        let (seq, digest) = (report.report().seq, report.digest());
        let line = self.lines.entry(report.device().clone()).or_default();
        match line.admit(seq, digest) {
            Admission::New => {
                line.record(seq, digest);
                let context = Context::new(&report, ack, since, shared.answers.permit());
                let queued = shared.appender.append_blocking(Entry::Report(report), arrived, context.into());
                note(queued);
            }
            Admission::Known => {
                // It keeps its place behind the first copy, which may not be on stable storage yet.
                let context = Context::again(&report, ack, shared.answers.permit());
                note(shared.appender.pass_blocking(context.into()));
            }
            Admission::Full => {
                shared.metrics.overfull.inc();
                ack.done();
            }
        }
    }

    /// Answers a wrong message whose signature was good.
    fn refuse(&mut self, refusal: Refusal) {
        let Some(answer) = refusal.answer else { return };
        let now = Instant::now();
        match self.answered.entry(answer.device.clone()) {
            Slot::Occupied(last) if now.duration_since(*last.get()) < ANSWER_EVERY => return,
            Slot::Occupied(mut last) => {
                last.insert(now);
            }
            Slot::Vacant(first) => {
                first.insert(now);
            }
        }
        let receipt = Receipt {
            device: answer.device,
            seq: answer.seq.unwrap_or_default(),
            digest: answer.digest,
            verdict: Verdict::Rejected,
            code: Some(refusal.code),
            was: None,
            offset: None,
            at: self.shared.clock.now(),
        };
        self.shared.answers.send(&answer.topic, &receipt);
    }
}

/// While the service stops, what can no longer be stored stays with its device.
fn note(queued: Result<(), Gone>) {
    if let Err(gone) = queued {
        tracing::debug!(%gone, "a report stays with its device");
    }
}
