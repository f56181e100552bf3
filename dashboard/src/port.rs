//! What only the actors know, asked through one port.

use election::{
    Code, DeviceId, PrecinctId, Timestamp, UnitId,
    definition::DeviceKind,
    figures::Phase,
    precinct::{Flag, ReportEntry},
    record::Decision,
    report::{Offset, ReportType, Seq},
};
pub use futures_util::future::BoxFuture;

/// Questions to the actors. Each is given a few seconds; the asker then hears that no answer came.
pub trait Inquiry: Send + Sync + 'static {
    /// Reports and open flags of a precinct; `None` where the election has none such.
    fn precinct(&self, id: PrecinctId) -> BoxFuture<'_, Option<PrecinctDetail>>;

    /// Precincts with an open flag of this code.
    fn flagged(&self, code: Code) -> BoxFuture<'_, Vec<PrecinctId>>;

    /// Every report in quarantine.
    fn quarantine(&self) -> BoxFuture<'_, Vec<QuarantineEntry>>;

    /// Every precinct that has not reported.
    fn missing(&self) -> BoxFuture<'_, Vec<MissingEntry>>;

    /// The signed bytes of a report of this precinct.
    fn envelope(&self, precinct: PrecinctId, offset: Offset) -> BoxFuture<'_, Option<Envelope>>;

    /// Has a decision considered, journaled and applied. The answer is its place in the journal.
    fn decide(&self, decision: Decision) -> BoxFuture<'_, Result<Offset, Refused>>;

    /// Whether each part of the service works. Must not block.
    fn ready(&self) -> Readiness;
}

/// What is known of a precinct beside its figures.
#[derive(Debug, Clone, Default)]
pub struct PrecinctDetail {
    /// Its reports, by device and number.
    pub reports: Vec<(DeviceId, DeviceKind, ReportEntry)>,
    /// Open flags, and since when.
    pub flags: Vec<(Flag, Timestamp)>,
}

/// A report in quarantine.
#[derive(Debug, Clone)]
pub struct QuarantineEntry {
    /// Its place in the journal.
    pub offset: Offset,
    /// Where.
    pub precinct: PrecinctId,
    /// Whose.
    pub device: DeviceId,
    /// Its number in the device's line.
    pub seq: Seq,
    /// Its type.
    pub report_type: ReportType,
    /// Why.
    pub codes: Vec<Code>,
    /// When it arrived.
    pub arrived: Timestamp,
}

/// A precinct that has not reported.
#[derive(Debug, Clone)]
pub struct MissingEntry {
    /// Which.
    pub precinct: PrecinctId,
    /// Its raion, or `abroad`.
    pub parent: UnitId,
    /// Its phase.
    pub phase: Phase,
    /// Voters on its list.
    pub registered: u64,
    /// Active urns.
    pub urns: u32,
    /// Of those, with an accepted final report.
    pub urns_reported: u32,
    /// Active ID terminals.
    pub terminals: u32,
    /// Of those, with an accepted closing.
    pub closings: u32,
}

/// A report as it was sent.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// The signed bytes.
    pub bytes: Vec<u8>,
    /// Whether there are votes in it: then it stays here while the embargo holds.
    pub carries_votes: bool,
}

/// Why a decision was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It cannot be taken, for this reason.
    #[error("{0}")]
    Objection(String),
    /// It could not be recorded; it may be tried again.
    #[error("{0}")]
    Unavailable(String),
}

/// Every part of the service and whether it works.
#[derive(Debug, Clone, Default)]
pub struct Readiness(pub Vec<Condition>);

/// A part of the service.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Which part: `journal`, `broker`.
    pub what: String,
    /// Whether it works, or why it does not.
    pub state: Result<(), String>,
}

impl Readiness {
    /// Whether every part works.
    pub fn is_ready(&self) -> bool {
        self.0.iter().all(|part| part.state.is_ok())
    }
}
