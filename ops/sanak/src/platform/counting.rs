//! The gateway's port to those who count, filled by the actors.

use std::sync::Arc;

use actors::{Heard, Sign, System};
use device_gateway::{Answer, Counting, Life};
use election::{
    DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known},
    report::{Digest, Seq},
};
use journal::{Entry, Journaled};

/// The actors, as the gateway sees them.
pub struct Actors(pub System);

impl Counting for Actors {
    fn report(&self, record: Arc<Journaled<Entry>>) -> Answer<Vec<Judgement>> {
        let judged = self.0.report(record);
        Box::pin(async move { judged.await.map_err(|error| error.to_string()) })
    }

    fn known(
        &self,
        precinct: PrecinctId,
        device: DeviceId,
        seq: Seq,
        digest: Digest,
    ) -> Answer<Option<Known>> {
        let known = self.0.precincts().known(precinct, device, seq, digest);
        Box::pin(async move { known.await.map_err(|error| error.to_string()) })
    }

    fn heard(&self, life: Life, arrived: Timestamp) {
        let (device, sign) = match life {
            Life::Heartbeat(heartbeat) => (heartbeat.device.clone(), Sign::Heartbeat(Box::new(heartbeat))),
            Life::State(state) => (state.device.clone(), Sign::State(state)),
            Life::Link { device, connected: true } => (device, Sign::Connected),
            Life::Link { device, connected: false } => (device, Sign::Gone),
        };
        self.0.heard(Heard { device, arrived, sign });
    }
}
