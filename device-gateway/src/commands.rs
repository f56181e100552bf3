//! The centre's commands to devices: signed, numbered, sent. A device that is not there hears none; what must
//! be heard is sent again by whoever wants it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use broker::Downlink;
use device_wire::{Channel, Topic, encode_command, sign};
use election::{
    DeviceId, ElectionId, PrecinctId,
    report::{Command, Order},
};
use journal::Clock;

use crate::{gateway::Signer, metrics::Metrics};

/// Sends commands. One for the whole gateway, so that numbers rise.
pub struct Commands {
    pub(crate) election: ElectionId,
    pub(crate) signer: Signer,
    pub(crate) downlink: Downlink,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
    /// The number of the last one.
    pub(crate) last: AtomicU64,
}

/// A command on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Its number: a device takes no lower one after it.
    pub id: u64,
    /// Whether there was a way to the device. Behind a broker this says only that the broker has it.
    pub delivered: bool,
}

impl Commands {
    /// Signs a command and sends it to a device.
    pub fn send(&self, precinct: PrecinctId, device: &DeviceId, order: Order) -> Sent {
        let at = self.clock.now();
        // By the clock, so that numbers rise over restarts without a memory; and by one at least.
        let rise = |last: u64| at.millis().max(last.saturating_add(1));
        let before = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(rise(last)));
        let id = rise(before.unwrap_or_else(|last| last));
        let name = match order {
            Order::Resend { .. } => "resend",
            Order::Heartbeat { .. } => "heartbeat",
            Order::Disconnect => "disconnect",
        };
        let topic = Topic {
            election: self.election.clone(),
            precinct,
            device: device.clone(),
            channel: Channel::Command,
        };
        let command = Command { device: device.clone(), id, at, order };
        let envelope = sign(&topic, &self.signer.kid, &encode_command(&command), &self.signer.key);
        let delivered = self.downlink.publish(&topic.to_string(), envelope.into());
        self.metrics.commanded(name, delivered);
        Sent { id, delivered }
    }
}
