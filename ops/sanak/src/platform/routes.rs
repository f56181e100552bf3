//! Where a record goes once it is on stable storage, in the order of the journal.

use std::sync::{Arc, OnceLock};

use actors::{Recorder, System};
use broker::Downlink;
use dashboard::Refused;
use device_gateway::{Answers, Context, Keys};
use election::{
    DeviceId, Timestamp,
    definition::DeviceStatus,
    precinct::Judgement,
    record::{Act, Change, Observation},
    report::Offset,
    sequence::Gap,
};
use journal::{AppendError, Appender, Entry, Journaled, Released};
use tokio::{runtime::Handle, sync::oneshot};

use crate::platform::deciding;

/// What is kept of a record while it is on its way through the journal.
pub enum Errand {
    /// A report: the gateway's own.
    Report(Context),
    /// A decision: who waits for it.
    Decision(oneshot::Sender<Result<Offset, Refused>>),
    /// What a person has found out: who waits for its place.
    Finding(oneshot::Sender<Result<Offset, Refused>>),
    /// An observation: nobody waits, but it is made again where it could not be stored.
    Observation(Observation),
}

impl From<Context> for Errand {
    fn from(context: Context) -> Self {
        Self::Report(context)
    }
}

/// Gives what the journal releases to those it concerns.
pub struct Routes {
    /// The actors.
    pub system: System,
    /// The gateway's side.
    pub answers: Arc<Answers>,
    /// Who may speak.
    pub keys: Arc<Keys>,
    /// The way to the devices' connections.
    pub downlink: Downlink,
    /// Where answers are awaited.
    pub runtime: Handle,
}

impl Routes {
    /// Takes a batch, in its order. Each record is in the mailboxes it concerns when this returns.
    pub fn take(&self, batch: Vec<Released<Errand>>) {
        for released in batch {
            match released {
                Released::Recorded { result: Ok(record), context } => self.stored(Arc::new(record), context),
                Released::Recorded { result: Err(error), context } => self.unstored(&error, context),
                Released::Passed { context: Errand::Report(context) } => self.answers.passed(context),
                Released::Passed { .. } => {}
            }
        }
    }

    fn stored(&self, record: Arc<Journaled<Entry>>, errand: Errand) {
        match errand {
            Errand::Report(context) => self.answers.stored(record, context),
            Errand::Finding(waiting) => {
                // Whoever asked may have gone; it is on record.
                let _ = waiting.send(Ok(record.offset()));
            }
            Errand::Observation(_) => {
                let observed = self.system.observed(record);
                self.runtime.spawn(async move {
                    if let Err(error) = observed.await {
                        tracing::error!(%error, "an observation was not taken");
                    }
                });
            }
            Errand::Decision(waiting) => {
                let offset = record.offset();
                let decided = self.system.decided(Arc::clone(&record));
                let (keys, downlink) = (Arc::clone(&self.keys), self.downlink.clone());
                let answers = Arc::clone(&self.answers);
                self.runtime.spawn(async move {
                    let answer = match decided.await {
                        Ok(Ok(done)) => {
                            done.changes.iter().for_each(|(device, of)| change(&keys, &downlink, device, of));
                            if let Entry::Decision(decision) = record.entry() {
                                tell_devices(&answers, &decision.act, &done.judgements);
                            }
                            Ok(offset)
                        }
                        Ok(Err(objection)) => Err(deciding::refused(objection)),
                        Err(error) => Err(Refused::Unavailable(error.to_string())),
                    };
                    // Whoever asked may have gone; the decision stands.
                    let _ = waiting.send(answer);
                });
            }
        }
    }

    fn unstored(&self, error: &AppendError, errand: Errand) {
        match errand {
            Errand::Report(context) => self.answers.unstored(context),
            Errand::Observation(observation) => self.system.unobserved(observation),
            Errand::Decision(waiting) | Errand::Finding(waiting) => {
                let refused = Refused::Unavailable(format!("it could not be stored: {error}"));
                // Whoever asked may have gone; nothing was decided.
                let _ = waiting.send(Err(refused));
            }
        }
    }
}

/// What a decision means for the gateway: devices whose reports it released get their final receipts, and what
/// was given up is no longer asked for.
fn tell_devices(answers: &Arc<Answers>, act: &Act, judgements: &[Judgement]) {
    if let Some(precinct) = act.precinct() {
        answers.released(precinct, judgements);
    }
    if let Act::CloseGap { device, from, through, .. } = act {
        answers.closed(device.clone(), Gap { from: *from, through: *through });
    }
}

/// Puts observations on record, once the journal is attached.
#[derive(Default)]
pub struct Observations(OnceLock<Appender<Errand>>);

impl Observations {
    /// Attaches the journal.
    pub fn attach(&self, appender: Appender<Errand>) {
        if self.0.set(appender).is_err() {
            tracing::error!("the journal was attached twice");
        }
    }
}

impl Recorder for Observations {
    fn record(&self, observation: Observation, at: Timestamp) -> bool {
        let errand = Errand::Observation(observation.clone());
        self.0.get().is_some_and(|appender| appender.observe(observation, at, errand).is_ok())
    }
}

/// Lets a device speak or shuts it out. Whoever is shut out, or has another key, loses the connection: the next
/// one is judged by the change.
fn change(keys: &Keys, downlink: &Downlink, device: &DeviceId, change: &Change) {
    match keys.apply(device, change) {
        Ok(()) if *change == Change::Status(DeviceStatus::Active) => {}
        Ok(()) => downlink.disconnect(device.as_str()),
        Err(why) => tracing::error!(%why, "a decision on record changes nothing"),
    }
}
