//! What only the actors know, asked through one port.

use std::sync::Arc;

use election::{
    Code, DeviceId, PrecinctId, Timestamp, UnitId,
    definition::{DeviceKind, DeviceStatus},
    document::{Document, Scan},
    figures::Phase,
    hand_count::HandCount,
    liveness::{DeviceList, DeviceRow, DevicesWanted, Point},
    precinct::{Flag, Reconciliation, ReportEntry, Ruled},
    record::Decision,
    report::{Digest, Offset, Order, ReportType, Seq, Verdict},
    sequence::Gap,
};
pub use futures_util::future::BoxFuture;

/// Questions to the actors. Each is given a few seconds; the asker then hears that no answer came.
pub trait Inquiry: Send + Sync + 'static {
    /// Reports and open flags of a precinct; `None` where the election has none such.
    fn precinct(&self, id: PrecinctId) -> BoxFuture<'_, Option<PrecinctDetail>>;

    /// Precincts with an open flag of this code.
    fn flagged(&self, code: Code) -> BoxFuture<'_, Vec<PrecinctId>>;

    /// Every report that is or was in quarantine, in the order of the journal.
    fn quarantine(&self) -> BoxFuture<'_, Arc<Vec<QuarantineEntry>>>;

    /// Every precinct whose protocol was entered once, or by two people who differ.
    fn protocols(&self) -> BoxFuture<'_, Vec<(PrecinctId, HandCount)>>;

    /// Every precinct that has not reported.
    fn missing(&self) -> BoxFuture<'_, Arc<Vec<MissingEntry>>>;

    /// The signed bytes of a report of this precinct.
    fn envelope(&self, precinct: PrecinctId, offset: Offset) -> BoxFuture<'_, Option<Envelope>>;

    /// Whether a decision could be taken now.
    fn consider(&self, decision: Decision) -> BoxFuture<'_, Result<(), Refused>>;

    /// Has a decision considered, journaled and applied. The answer is its place in the journal.
    fn decide(&self, decision: Decision) -> BoxFuture<'_, Result<Offset, Refused>>;

    /// The devices that are wanted, and how they are.
    fn devices(&self, wanted: DevicesWanted) -> BoxFuture<'_, DeviceList<DeviceEntry>>;

    /// One device, and how it fared; `None` where there is no such device.
    fn device(&self, id: DeviceId) -> BoxFuture<'_, Option<(DeviceEntry, Vec<Point>)>>;

    /// Has a device told what to do. The command's number, and whether there was a way to the device.
    fn command(&self, by: String, id: DeviceId, order: Order) -> BoxFuture<'_, Result<(u64, bool), Refused>>;

    /// Notes that a person has found the centre's clock right, which was in doubt. The answer is its place in the
    /// journal.
    fn confirm_clock(&self, by: String, reason: String) -> BoxFuture<'_, Result<Offset, Refused>>;

    /// How many decisions have changed the register of devices. Must not block.
    fn register_changes(&self) -> u64;

    /// What the register says of a device now. Must not block.
    fn registered(&self, id: &DeviceId) -> Option<Registered>;

    /// The latest messages of devices that were refused. Must not block.
    fn refusals(&self) -> Vec<RefusalEntry>;

    /// Whether each part of the service works. Must not block.
    fn ready(&self) -> Readiness;
}

/// Where scans are checked and kept.
pub trait Papers: Send + Sync + 'static {
    /// Looks into a file, and keeps it and what is served of it.
    fn keep(&self, file: bytes::Bytes) -> BoxFuture<'_, Result<Scan, Refused>>;

    /// What was kept under a digest, compared with it.
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<bytes::Bytes, Refused>>;
}

/// What the register says of a device, as decisions have left it.
#[derive(Debug, Clone)]
pub struct Registered {
    /// What it may do.
    pub status: DeviceStatus,
    /// Its public key; `None` before it is provisioned.
    pub public_key: Option<[u8; 32]>,
    /// Its keys before this one, the oldest first.
    pub superseded: Vec<[u8; 32]>,
}

/// What is known of a precinct beside its figures.
#[derive(Debug, Clone, Default)]
pub struct PrecinctDetail {
    /// Its reports, by device and number.
    pub reports: Vec<(DeviceId, DeviceKind, ReportEntry)>,
    /// Open flags, and since when.
    pub flags: Vec<(Flag, Timestamp)>,
    /// How far the entering of its protocol has come.
    pub hand_count: HandCount,
    /// Its sources side by side.
    pub reconciliation: Vec<Reconciliation>,
    /// Scans, in the order of the journal.
    pub documents: Vec<Arc<Document>>,
}

/// A report that is or was in quarantine.
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
    /// The verdict now in force: it waits for people, or was released or refused.
    pub verdict: Verdict,
    /// Who decided about it.
    pub ruled: Option<Ruled>,
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

/// A device.
#[derive(Debug, Clone)]
pub struct DeviceEntry {
    /// How it is.
    pub row: DeviceRow,
    /// The lowest reports that are missing below those that it sent.
    pub gap: Option<Gap>,
    /// Which part of what it may have on record is used up (`reports`, `bytes`, `equivocations`), where it wanted more.
    pub over_quota: Option<&'static str>,
}

/// A message that was refused, in brief.
#[derive(Debug, Clone)]
pub struct RefusalEntry {
    /// When it arrived.
    pub at: Timestamp,
    /// What was refused: a code, `rate`, or what the link calls it.
    pub what: String,
    /// In words.
    pub why: String,
    /// Its topic, or the client that sent it.
    pub of: String,
    /// Its size in bytes.
    pub size: usize,
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
    /// It can never be taken as it stands, for this reason.
    #[error("{0}")]
    Unfit(String),
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
    /// What somebody should look at although it works.
    pub warning: Option<String>,
}

impl Condition {
    /// A part that works, or does not.
    pub fn new(what: &str, state: Result<(), String>) -> Self {
        Self { what: what.to_owned(), state, warning: None }
    }
}

impl Readiness {
    /// Whether every part works.
    pub fn is_ready(&self) -> bool {
        self.0.iter().all(|part| part.state.is_ok())
    }
}
