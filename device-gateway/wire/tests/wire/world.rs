//! A small world to test in: the election, devices and keys of the vectors.

use std::{collections::BTreeMap, sync::Arc};

use device_wire::{
    Authentic, Channel, DeviceEntry, Keyring, Refusal, SigningKey, Standing, Topic, VerifyingKey,
    authenticate, encode_report, sign,
};
use election::{
    Count, DeviceId, ElectionId, Timestamp,
    report::{Body, Digest, Report},
};

/// Devices by id.
#[derive(Default)]
pub struct Devices(pub BTreeMap<DeviceId, (VerifyingKey, Standing)>);

impl Keyring for Devices {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        self.0.get(id).map(|(key, standing)| DeviceEntry { key: *key, standing: *standing })
    }
}

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn running() -> ElectionId {
    "vec-1".parse().unwrap()
}

pub fn topic(channel: Channel) -> Topic {
    Topic::parse("sanak/1/vec-1/5001/t-5001-1/report").unwrap().on(channel)
}

/// A keyring with `t-5001-1` and `u-5001-1` in use and `x-9` shut out, all with [`key`].
pub fn devices() -> Devices {
    let entry = |id: &str, standing| (id.parse().unwrap(), (key().verifying_key(), standing));
    Devices(
        [
            entry("t-5001-1", Standing::Active),
            entry("u-5001-1", Standing::Active),
            entry("x-9", Standing::Shut),
        ]
        .into(),
    )
}

pub fn report() -> Report {
    Report {
        election: running(),
        precinct: "5001".parse().unwrap(),
        device: "t-5001-1".parse().unwrap(),
        seq: 1,
        prev: Digest::NONE,
        at: Timestamp::from_millis(1_764_468_000_000),
        body: Body::OpeningTerminal { identified: Count::ZERO },
    }
}

/// The envelope of a report on its own topic.
pub fn envelope(report: &Report) -> Vec<u8> {
    let topic = topic_of(report);
    sign(&topic, report.device.as_str(), &encode_report(report), &key())
}

pub fn topic_of(report: &Report) -> Topic {
    Topic {
        election: report.election.clone(),
        precinct: report.precinct,
        device: report.device.clone(),
        channel: Channel::Report,
    }
}

/// What the centre makes of bytes on a topic.
pub fn check(topic: &Topic, bytes: &[u8]) -> Result<Authentic, Refusal> {
    authenticate(&topic.to_string(), Arc::<[u8]>::from(bytes), &running(), &devices())
}
