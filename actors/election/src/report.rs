//! What devices say, once it is decoded: reports, heartbeats, states, and the centre's answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    ids::{ContestId, DeviceId, ElectionId, OptionId, PrecinctId, UnitName},
    rules::Code,
    time::Timestamp,
};

/// SHA-256 of an envelope as it was sent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What a device's first report names as the one before it.
    pub const NONE: Digest = Digest([0; 32]);
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The place of a record in the journal: 0 is the definition, then 1, 2, 3 …
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl std::fmt::Display for Offset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A report's number: 1, 2, 3 … per device and election, without gaps.
pub type Seq = u64;

/// A report as the device made it (PROTOCOL §2 `report`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Which election the device counts.
    pub election: ElectionId,
    /// Where it stands.
    pub precinct: PrecinctId,
    /// Who says it.
    pub device: DeviceId,
    /// Its number, from 1.
    pub seq: Seq,
    /// Digest of the device's report before this one; [`Digest::NONE`] for the first.
    pub prev: Digest,
    /// The device's own clock.
    pub at: Timestamp,
    /// What it says.
    pub body: Body,
}

/// What a report says. `Opening` has two forms; which one a device may use is the precinct's to judge (F02).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// An ID terminal's first report of the day: nobody identified.
    OpeningTerminal {
        /// Must be zero.
        identified: Count,
    },
    /// An urn's first report of the day: empty.
    OpeningUrn(Tally),
    /// An ID terminal's cumulative count during the day.
    Turnout(Turnout),
    /// An ID terminal's last count.
    Closing(Turnout),
    /// An urn's final count.
    Tally(Tally),
}

/// The `type` of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportType {
    /// Before polls open.
    Opening,
    /// During the day.
    Turnout,
    /// An ID terminal's final report.
    Closing,
    /// An urn's final report.
    Tally,
}

impl ReportType {
    /// As it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Turnout => "turnout",
            Self::Closing => "closing",
            Self::Tally => "tally",
        }
    }
}

impl Body {
    /// The `type` of the report with this body.
    pub fn report_type(&self) -> ReportType {
        match self {
            Self::OpeningTerminal { .. } | Self::OpeningUrn(_) => ReportType::Opening,
            Self::Turnout(_) => ReportType::Turnout,
            Self::Closing(_) => ReportType::Closing,
            Self::Tally(_) => ReportType::Tally,
        }
    }
}

/// People an ID terminal let vote so far, in total and perhaps broken down.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turnout {
    /// In total.
    pub identified: Count,
    /// By sex: women, men.
    pub by_sex: Option<BySex>,
    /// By age band, in the order of the definition's `age_bands`.
    pub by_age: Option<Vec<Count>>,
    /// By the voter's electoral district, where voters of several vote at one place.
    pub by_district: Option<BTreeMap<UnitName, Count>>,
}

/// Women and men.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BySex {
    /// Women.
    pub f: Count,
    /// Men.
    pub m: Count,
}

/// What one urn counted, over all its contests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ballots over all contests.
    pub ballots: Count,
    /// Each contest of the urn, as the device lists them.
    pub contests: Vec<ContestTally>,
}

/// What one urn counted in one contest. An option that is absent had no vote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestTally {
    /// Which contest.
    pub contest: ContestId,
    /// Ballots accepted, valid and invalid.
    pub ballots: Count,
    /// Of those, invalid.
    pub invalid: Count,
    /// Votes per option.
    pub votes: BTreeMap<OptionId, Count>,
    /// Preference votes per option and number on its list.
    pub preferences: BTreeMap<OptionId, BTreeMap<u32, Count>>,
}

/// A sign of life with the latest counts (PROTOCOL §2 `heartbeat`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    /// Which election.
    pub election: ElectionId,
    /// Where.
    pub precinct: PrecinctId,
    /// Who.
    pub device: DeviceId,
    /// The device's own clock.
    pub at: Timestamp,
    /// Seconds since it started.
    pub uptime: u64,
    /// Rises with every heartbeat, across boots.
    pub counter: u64,
    /// The highest report number it has made.
    pub last_seq: Seq,
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
    /// Faults the device names.
    pub errors: Vec<String>,
    /// What its display counts.
    pub shown: Option<Count>,
}

/// Whether a device says it is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// It has just connected.
    Online,
    /// It has gone, or its Last Will says so.
    Offline,
}

/// A device's `state` message; the Last Will carries the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceState {
    /// Who.
    pub device: DeviceId,
    /// On line or off line.
    pub state: Presence,
    /// Rises with every CONNECT; a lower one is ignored.
    pub boot: u64,
    /// The device's own clock.
    pub at: Timestamp,
}

/// The effect that a report had (PROTOCOL §2, verdicts).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Counted, perhaps flagged.
    Accepted,
    /// Already in the journal.
    Duplicate,
    /// A lower number is missing.
    Held,
    /// Journaled, not counted; people decide.
    Quarantined,
    /// Does not fit the definition, or is not for this election.
    Rejected,
}

impl Verdict {
    /// As it is written on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
            Self::Rejected => "rejected",
        }
    }
}

/// The centre's answer to a report (PROTOCOL §2 `receipt`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// To whom.
    pub device: DeviceId,
    /// Which report.
    pub seq: Seq,
    /// Of exactly this envelope.
    pub digest: Digest,
    /// What became of it.
    pub verdict: Verdict,
    /// Why, where it was not simply counted.
    pub code: Option<Code>,
    /// Of a duplicate: the verdict now in force.
    pub was: Option<Verdict>,
    /// Its place in the journal, once it is on stable storage.
    pub offset: Option<Offset>,
    /// The centre's clock.
    pub at: Timestamp,
}

/// What the centre may ask of a device (PROTOCOL §2 `command`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// To whom.
    pub device: DeviceId,
    /// Rises with every command to this device.
    pub id: u64,
    /// The centre's clock.
    pub at: Timestamp,
    /// What to do.
    pub order: Order,
}

/// What a command asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Send every report again, from this number.
    Resend {
        /// The first number wanted.
        from: Seq,
    },
    /// Send heartbeats at this interval.
    Heartbeat {
        /// Seconds.
        interval: u64,
    },
    /// Close the connection.
    Disconnect,
}
