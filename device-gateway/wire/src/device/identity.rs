//! Who a device is, and how it feels.

use std::sync::Arc;

use ed25519_dalek::SigningKey;
use election::{Count, DeviceId, ElectionId, PrecinctId, report::Report};

use super::outbox::OutboxError;
use crate::{
    envelope::{MAX_ENVELOPE, sign},
    payload::encode_report,
    topic::{Channel, Topic},
};

/// Who a device is, and where it counts what.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Which election.
    pub election: ElectionId,
    /// Where.
    pub precinct: PrecinctId,
    /// Its id, the `kid` of its key.
    pub device: DeviceId,
    /// Its key.
    pub key: SigningKey,
}

impl Identity {
    /// Its topic of a channel.
    pub fn topic(&self, channel: Channel) -> Topic {
        Topic {
            election: self.election.clone(),
            precinct: self.precinct,
            device: self.device.clone(),
            channel,
        }
    }

    pub(super) fn sign(&self, channel: Channel, payload: &[u8]) -> Vec<u8> {
        sign(&self.topic(channel), self.device.as_str(), payload, &self.key)
    }

    pub(super) fn envelope(&self, report: &Report) -> Result<Arc<[u8]>, OutboxError> {
        let envelope = self.sign(Channel::Report, &encode_report(report));
        // The centre drops it unanswered (E06): it would be sent for ever.
        if envelope.len() > MAX_ENVELOPE { Err(OutboxError::TooLarge) } else { Ok(envelope.into()) }
    }
}

/// What a heartbeat says besides what the outbox knows (PROTOCOL §2 `heartbeat`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Seconds since the device started.
    pub uptime: u64,
    /// Charge, percent.
    pub battery: Option<u8>,
    /// On mains power.
    pub mains: Option<bool>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Paper left, percent.
    pub paper: Option<u8>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Faults.
    pub errors: Vec<String>,
    /// What the display counts.
    pub shown: Option<Count>,
}
