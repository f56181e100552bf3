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
    DeviceId, ElectionId, PrecinctId, Timestamp,
    report::{Presence, Receipt, Verdict},
    sequence::{Admission, Gap, Line, Place, Recorded},
};
use journal::{Appender, Clock, Entry, Gone};
use tokio::sync::oneshot;

use crate::{
    answers::{Answers, Context, Unstored},
    keys::Keys,
    metrics::Metrics,
    port::{Counting, Life},
    proven::Proven,
    quota::{Cost, OverQuota, Quota, Spent},
    refusals::Refusals,
    resend::Gaps,
};

/// A wrong message with a good signature is answered at most once in this time, per device (PROTOCOL §2).
const ANSWER_EVERY: Duration = Duration::from_secs(1);

/// What reaches a worker.
pub(crate) enum Work {
    /// A message from the wire, and when it arrived.
    Message(Box<Message>, Timestamp, Instant),
    /// Whoever waits is told when its turn has come.
    Mark(oneshot::Sender<()>),
    /// A gap was closed by decision.
    Close { device: DeviceId, gap: Gap },
    /// A device's connection is there, or gone.
    Link { device: DeviceId, connected: bool, at: Timestamp },
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
    pub gaps: Arc<Gaps>,
    pub quota: Quota,
    pub over_quota: Arc<OverQuota>,
}

/// One worker's own state.
pub(crate) struct Worker<C> {
    shared: Arc<Shared<C>>,
    keys: Proven,
    /// Each in a place of its own: half of a large table is empty.
    devices: HashMap<DeviceId, Box<Device>>,
    answered: HashMap<DeviceId, Instant>,
}

/// What a worker knows of a device.
pub(crate) struct Device {
    precinct: PrecinctId,
    line: Line,
    recorded: Recorded,
    /// What is told of its quota.
    over: Option<Spent>,
}

impl Device {
    /// One of which this much is in the journal.
    pub(crate) fn new(precinct: PrecinctId, line: Line, recorded: Recorded) -> Self {
        Self { precinct, line, recorded, over: None }
    }
}

impl<C: From<Context> + Send + 'static> Worker<C> {
    pub(crate) fn new(shared: Arc<Shared<C>>, devices: HashMap<DeviceId, Box<Device>>) -> Self {
        let now = Instant::now();
        for (id, device) in &devices {
            shared.gaps.note(id, device.precinct, device.line.gap(), now);
        }
        let keys = Proven::of(Arc::clone(&shared.keys));
        Self { shared, keys, devices, answered: HashMap::new() }
    }

    /// Works until the intake is gone.
    pub(crate) fn run(mut self, work: &mpsc::Receiver<Work>) {
        while let Ok(next) = work.recv() {
            match next {
                Work::Message(message, arrived, since) => self.message(*message, arrived, since),
                Work::Mark(waiting) => {
                    // Whoever waited may have gone.
                    let _ = waiting.send(());
                }
                Work::Close { device, gap } => self.change(&device, |line| line.close(gap)),
                Work::Link { device, connected, at } => self.link(device, connected, at),
            }
        }
    }

    /// Changes a device's line, and tells where its gap is another then.
    fn change(&mut self, device: &DeviceId, change: impl FnOnce(&mut Line)) {
        let Some(known) = self.devices.get_mut(device) else { return };
        let before = known.line.gap();
        change(&mut known.line);
        let after = known.line.gap();
        if before != after {
            self.shared.gaps.note(device, known.precinct, after, Instant::now());
        }
    }

    /// What could not be stored of a device is new again, and no part of its quota.
    fn take_back(&mut self, id: &DeviceId) {
        for Unstored { seq, digest, cost } in self.shared.answers.forgotten(id) {
            self.change(id, |line| line.forget(seq, digest));
            let Some(device) = self.devices.get_mut(id) else { continue };
            device.recorded.take_back(cost.bytes, cost.equivocates);
            if device.over.take().is_some() {
                self.shared.over_quota.note(id, None, &self.shared.metrics);
            }
        }
    }

    fn link(&self, device: DeviceId, connected: bool, at: Timestamp) {
        if connected {
            self.shared.gaps.reconnected(&device, Instant::now());
        }
        self.shared.counting.heard(Life::Link { device, connected }, at);
    }

    fn message(&mut self, message: Message, arrived: Timestamp, since: Instant) {
        let Message { topic, payload, retained, ack, .. } = message;
        let shared = Arc::clone(&self.shared);
        match authenticate(&topic, &payload[..], &shared.election, &self.keys) {
            Ok(Authentic::Report(report)) => self.report(report, arrived, since, ack),
            // What a broker kept is no sign of life, except that a device is off line.
            Ok(Authentic::Heartbeat(_)) if retained => ack.done(),
            Ok(Authentic::State(state)) if retained && state.state().state == Presence::Online => ack.done(),
            Ok(Authentic::Heartbeat(heartbeat)) => {
                shared.metrics.signs.inc();
                shared.counting.heard(Life::Heartbeat(heartbeat.heartbeat().clone()), arrived);
                ack.done();
            }
            Ok(Authentic::State(state)) => {
                shared.metrics.signs.inc();
                let state = state.state();
                if state.state == Presence::Online {
                    shared.gaps.reconnected(&state.device, Instant::now());
                }
                shared.counting.heard(Life::State(state.clone()), arrived);
                ack.done();
            }
            Err(refusal) => {
                shared.metrics.refused(refusal.code);
                shared.refusals.keep(arrived, refusal.code.as_str(), &refusal.why, &topic, payload.len());
                self.refuse(refusal);
                ack.done();
            }
        }
    }

    fn report(&mut self, report: AuthenticReport, arrived: Timestamp, since: Instant, ack: Ack) {
        let shared = Arc::clone(&self.shared);
        let (seq, digest) = (report.report().seq, report.digest());
        let id = report.device().clone();
        self.take_back(&id);
        let precinct = report.report().precinct;
        let place = self.devices.entry(id.clone());
        let device =
            place.or_insert_with(|| Box::new(Device::new(precinct, Line::default(), Recorded::default())));
        match device.line.admit(seq, digest) {
            Admission::New => {
                let equivocates = device.line.place(seq) == Place::Taken;
                let cost = Cost { bytes: report.envelope().len() as u64, equivocates };
                if let Some(spent) = shared.quota.spent(&device.recorded, cost) {
                    beyond_quota(&shared, device, &report, spent, arrived);
                    return ack.done();
                }
                device.recorded.add(cost.bytes, equivocates);
                self.change(&id, |line| line.record(seq, digest));
                let context = Context::new(&report, ack, since, cost, shared.answers.permit());
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

/// Tells of a report that is dropped because its device has its quota on record.
fn beyond_quota<C>(
    shared: &Shared<C>,
    device: &mut Device,
    report: &AuthenticReport,
    spent: Spent,
    arrived: Timestamp,
) {
    shared.metrics.beyond_quota(spent);
    if device.over.replace(spent) != Some(spent) {
        shared.over_quota.note(report.device(), Some(spent), &shared.metrics);
    }
    let (what, topic) = (format!("quota_{}", spent.as_str()), report.topic().to_string());
    let why = "its device has all on record that it may have: see the runbook, DeviceOverQuota";
    shared.refusals.keep(arrived, &what, why, &topic, report.envelope().len());
}

/// While the service stops, what can no longer be stored stays with its device.
fn note(queued: Result<(), Gone>) {
    if let Err(gone) = queued {
        tracing::debug!(%gone, "a report stays with its device");
    }
}
