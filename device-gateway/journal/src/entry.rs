//! What a record holds, and the proof that it is durable.

use std::sync::Arc;

use device_wire::AuthenticReport;
use election::{
    Timestamp,
    record::{Decision, Observation},
    report::Offset,
};

use crate::format::{Kind, MAX_PAYLOAD_BYTES};

/// What a record holds.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A device's report: its topic and envelope as they arrived.
    Report(AuthenticReport),
    /// What people decided.
    Decision(Decision),
    /// What a clock or a heartbeat caused.
    Observation(Observation),
}

/// Something that is on stable storage. Only this crate makes one: after the sync, or when it is read back.
#[derive(Debug, Clone)]
pub struct Journaled<T> {
    offset: Offset,
    arrival: Timestamp,
    entry: T,
}

impl<T> Journaled<T> {
    pub(crate) fn new(offset: u64, arrival: Timestamp, entry: T) -> Self {
        Self { offset: Offset(offset), arrival, entry }
    }

    /// Its place in the journal.
    pub fn offset(&self) -> Offset {
        self.offset
    }

    /// When it arrived, by the clock of the centre.
    pub fn arrival(&self) -> Timestamp {
        self.arrival
    }

    /// What is recorded.
    pub fn entry(&self) -> &T {
        &self.entry
    }

    /// What is recorded, without its place.
    pub fn into_entry(self) -> T {
        self.entry
    }
}

impl Entry {
    /// Appends the payload of the record to `bytes` and says its kind; `None`, with nothing appended, where it
    /// is larger than a record may be.
    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) -> Option<Kind> {
        let start = bytes.len();
        let kind = self.encode_whole(bytes);
        if kind.is_none() || bytes.len() - start > MAX_PAYLOAD_BYTES {
            bytes.truncate(start);
            return None;
        }
        kind
    }

    fn encode_whole(&self, bytes: &mut Vec<u8>) -> Option<Kind> {
        match self {
            Self::Report(report) => {
                let topic = report.topic().to_string();
                bytes.extend_from_slice(&u16::try_from(topic.len()).ok()?.to_le_bytes());
                bytes.extend_from_slice(topic.as_bytes());
                bytes.extend_from_slice(report.envelope());
                Some(Kind::Report)
            }
            Self::Decision(decision) => {
                serde_json::to_writer(&mut *bytes, decision).ok()?;
                Some(Kind::Decision)
            }
            Self::Observation(observation) => {
                serde_json::to_writer(&mut *bytes, observation).ok()?;
                Some(Kind::Observation)
            }
        }
    }

    /// Reads a payload back. The error says what is wrong with it.
    pub(crate) fn decode(kind: Kind, payload: &[u8]) -> Result<Self, String> {
        match kind {
            Kind::Definition => Err("record 0 is the definition, which stands at the beginning alone".into()),
            Kind::Report => {
                let (topic, envelope) = split_report(payload)?;
                let report = AuthenticReport::from_journal(topic, Arc::from(envelope));
                report.map(Self::Report).map_err(|refusal| format!("the report cannot be read: {refusal}"))
            }
            Kind::Decision => serde_json::from_slice(payload)
                .map(Self::Decision)
                .map_err(|error| format!("the decision cannot be read: {error}")),
            Kind::Observation => serde_json::from_slice(payload)
                .map(Self::Observation)
                .map_err(|error| format!("the observation cannot be read: {error}")),
        }
    }
}

/// Topic and envelope of a report's payload.
pub(crate) fn split_report(payload: &[u8]) -> Result<(&str, &[u8]), String> {
    let split = || {
        let (length, rest) = payload.split_first_chunk::<2>()?;
        let (topic, envelope) = rest.split_at_checked(u16::from_le_bytes(*length).into())?;
        Some((std::str::from_utf8(topic).ok()?, envelope))
    };
    split().ok_or_else(|| "the report has no topic".to_owned())
}
