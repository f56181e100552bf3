//! From a person's decision to a record that everybody has taken.

use std::sync::Arc;

use actors::System;
use dashboard::Refused;
use device_gateway::{Answers, Keys};
use election::{
    DeviceId,
    definition::DeviceStatus,
    precinct::Objection,
    record::{Act, Decision},
    report::Offset,
};
use journal::{Appender, Clock, Entry};
use tokio::sync::{Mutex, oneshot};

use crate::platform::routes::Errand;

/// Considers decisions and has them recorded, one at a time. Cheap to clone.
#[derive(Clone)]
pub struct Deciding(Arc<Parts>);

struct Parts {
    system: System,
    appender: Appender<Errand>,
    clock: Arc<dyn Clock>,
    keys: Arc<Keys>,
    answers: Arc<Answers>,
    one_at_a_time: Mutex<()>,
}

impl Deciding {
    /// With these.
    pub fn new(
        system: System,
        appender: Appender<Errand>,
        clock: Arc<dyn Clock>,
        keys: Arc<Keys>,
        answers: Arc<Answers>,
    ) -> Self {
        let one_at_a_time = Mutex::default();
        Self(Arc::new(Parts { system, appender, clock, keys, answers, one_at_a_time }))
    }

    /// Whether a decision could be taken now.
    pub async fn consider(&self, decision: Decision) -> Result<(), Refused> {
        self.0.consider(&decision).await
    }

    /// Has a decision considered, journaled and applied. The answer is its place in the journal. What has begun
    /// comes to its end also when nobody waits for it any more.
    pub async fn decide(&self, decision: Decision) -> Result<Offset, Refused> {
        let parts = Arc::clone(&self.0);
        let decided = tokio::spawn(async move {
            let _one_at_a_time = parts.one_at_a_time.lock().await;
            parts.decide(decision).await
        });
        decided.await.unwrap_or_else(|error| Err(Refused::Unavailable(error.to_string())))
    }
}

/// What an objection means to whoever asked.
pub(super) fn refused(objection: Objection) -> Refused {
    if objection.is_unfit() {
        Refused::Unfit(objection.to_string())
    } else {
        Refused::Objection(objection.to_string())
    }
}

impl Parts {
    async fn consider(&self, decision: &Decision) -> Result<(), Refused> {
        self.object(&decision.act).map_err(Refused::Objection)?;
        match self.system.precincts().consider(Arc::new(decision.clone())).await {
            Ok(considered) => considered.map_err(refused),
            Err(error) => Err(Refused::Unavailable(error.to_string())),
        }
    }

    async fn decide(&self, decision: Decision) -> Result<Offset, Refused> {
        self.consider(&decision).await?;
        let Act::Reissue { device, .. } = &decision.act else { return self.record(decision).await };
        // No report that the old key signed may stand behind the decision: whoever checks the journal takes the
        // key in force at each place.
        let device: DeviceId = device.clone();
        self.keys.set_pending(&device, true);
        self.answers.caught_up(device.clone()).await;
        let outcome = self.record(decision).await;
        self.keys.set_pending(&device, false);
        outcome
    }

    /// What speaks against it in the whole country: a precinct knows its own devices alone.
    fn object(&self, act: &Act) -> Result<(), String> {
        let gone = |device: &DeviceId| match self.keys.status(device.as_str()) {
            Some(DeviceStatus::Revoked) => Err(format!(
                "device {device} is shut out already: put a spare one in its place (act replace)"
            )),
            _ => Ok(()),
        };
        match act {
            Act::Replace { new, .. } => match self.keys.status(new.as_str()) {
                Some(DeviceStatus::Active) => Err(format!("device {new} is in use: name a spare one")),
                Some(DeviceStatus::Revoked) => {
                    Err(format!("device {new} was shut out: name another spare one"))
                }
                _ => Ok(()),
            },
            Act::Revoke { device, .. } => gone(device),
            Act::Reissue { device, public_key, .. } => {
                gone(device)?;
                self.keys.consider(device, public_key).map(drop).map_err(|why| why.to_string())
            }
            _ => Ok(()),
        }
    }

    /// Puts a decision on record and waits for what came of it.
    async fn record(&self, decision: Decision) -> Result<Offset, Refused> {
        let (waiting, answer) = oneshot::channel();
        let stopping = || Refused::Unavailable("the service is stopping".into());
        let (entry, errand) = (Entry::Decision(decision), Errand::Decision(waiting));
        let queued = self.appender.append(entry, self.clock.now(), errand).await;
        queued.map_err(|_| stopping())?;
        answer.await.unwrap_or_else(|_| Err(stopping()))
    }
}
