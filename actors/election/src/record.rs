//! What the journal holds beside reports: people's decisions and what a clock or a heartbeat caused.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    definition::DeviceStatus,
    ids::{ContestId, DeviceId, OptionId, PrecinctId},
    report::Seq,
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
    /// A device is shut out for good: lost, stolen, or taken apart. What it had accepted stays counted until
    /// people correct it; a [`Act::Replace`] may put another in its place.
    Revoke {
        /// Where it stands, or was to stand.
        precinct: PrecinctId,
        /// Shut out.
        device: DeviceId,
    },
    /// A device signs with another key from now on. Its numbers and its chain go on.
    Reissue {
        /// Where it stands, or is to stand.
        precinct: PrecinctId,
        /// Whose key.
        device: DeviceId,
        /// The new one.
        public_key: PublicKey,
    },
    /// The precinct commission's signed hand count.
    Protocol {
        /// Whose.
        precinct: PrecinctId,
        /// One entry for each contest that is voted there.
        contests: Vec<ProtocolLine>,
    },
    /// Reports that a device never sent, or cannot send any more, are no longer waited for: those held behind
    /// them are judged.
    CloseGap {
        /// Where.
        precinct: PrecinctId,
        /// Whose.
        device: DeviceId,
        /// The first missing number.
        from: Seq,
        /// The last one.
        through: Seq,
    },
}

impl Act {
    /// The precinct it concerns.
    pub fn precinct(&self) -> PrecinctId {
        match self {
            Self::Replace { precinct, .. }
            | Self::Revoke { precinct, .. }
            | Self::Reissue { precinct, .. }
            | Self::CloseGap { precinct, .. }
            | Self::Protocol { precinct, .. } => *precinct,
        }
    }

    /// What it changes about who may speak, and with which key.
    pub fn changes(&self) -> Vec<(DeviceId, Change)> {
        match self {
            Self::Replace { old, new, .. } => vec![
                (old.clone(), Change::Status(DeviceStatus::Revoked)),
                (new.clone(), Change::Status(DeviceStatus::Active)),
            ],
            Self::Revoke { device, .. } => vec![(device.clone(), Change::Status(DeviceStatus::Revoked))],
            Self::Reissue { device, public_key, .. } => vec![(device.clone(), Change::Key(*public_key))],
            Self::Protocol { .. } | Self::CloseGap { .. } => Vec::new(),
        }
    }
}

/// What a decision changes about a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Whether it may speak.
    Status(DeviceStatus),
    /// The key that it signs with.
    Key(PublicKey),
}

/// An Ed25519 public key, in text 64 hex digits. Whether anything can be verified with it is for those to say
/// who verify.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PublicKey(pub [u8; 32]);

/// A text that is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a public key is 64 hex digits")]
pub struct NoKey;

impl FromStr for PublicKey {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoKey);
        }
        let mut key = [0; 32];
        for (at, byte) in key.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or(NoKey)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoKey)?;
        }
        Ok(Self(key))
    }
}

impl TryFrom<String> for PublicKey {
    type Error = NoKey;

    fn try_from(text: String) -> Result<Self, NoKey> {
        text.parse()
    }
}

impl From<PublicKey> for String {
    fn from(key: PublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
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
    /// The service was started by a clock that may be wrong: no votes are published by it, nor by that of a later start,
    /// until somebody vouches for it.
    ClockDoubted,
    /// A person has looked at the centre's clock, which was in doubt, and found it right: votes may be published by
    /// it.
    ClockConfirmed {
        /// The person.
        by: String,
        /// How they know.
        reason: String,
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
