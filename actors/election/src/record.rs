//! What the journal holds beside reports: people's decisions and what a clock or a heartbeat caused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    ids::{ContestId, DeviceId, OptionId, PrecinctId},
    rules::Code,
    time::Timestamp,
};

/// Who decided what, and why. A record like any report: replay repeats it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The person.
    pub by: String,
    /// Why.
    pub reason: String,
    /// The person's own signature over the act, where the commission uses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// What.
    pub act: Act,
}

/// What a decision does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// A spare device takes the place of another, which is shut out from then on.
    Replace {
        /// Where.
        precinct: PrecinctId,
        /// Shut out.
        old: DeviceId,
        /// In use from now on.
        new: DeviceId,
    },
    /// The precinct commission's signed hand count.
    Protocol {
        /// Whose.
        precinct: PrecinctId,
        /// One entry for each contest that is voted there.
        contests: Vec<ProtocolLine>,
    },
}

impl Act {
    /// The precinct it concerns.
    pub fn precinct(&self) -> PrecinctId {
        match self {
            Self::Replace { precinct, .. } | Self::Protocol { precinct, .. } => *precinct,
        }
    }
}

/// One contest of a protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolLine {
    /// Which contest.
    pub contest: ContestId,
    /// Ballots found, valid and invalid.
    pub ballots: Count,
    /// Of those, invalid.
    pub invalid: Count,
    /// Votes per option; absent = 0.
    pub votes: BTreeMap<OptionId, Count>,
}

/// What a clock or a heartbeat caused, recorded once, when it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "observed", rename_all = "snake_case")]
pub enum Observation {
    /// The centre's clock has passed this moment: one at which polls open or close somewhere, or from which
    /// votes may be published.
    Clock {
        /// The moment.
        reached: Timestamp,
    },
    /// A device's flag was raised or lowered: W03, W06, W09 or W10.
    Device {
        /// Where it stands.
        precinct: PrecinctId,
        /// Which device.
        device: DeviceId,
        /// Which flag.
        code: Code,
        /// Raised, or lowered.
        raised: bool,
    },
}
