//! What the journal holds beside reports: people's decisions and what a clock or a heartbeat caused.

mod public_key;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use public_key::{NoKey, PublicKey};

use crate::{
    count::Count,
    definition::DeviceStatus,
    document::{DocumentKind, Scan},
    hand_count::Form,
    ids::{ContestId, DeviceId, OptionId, PrecinctId},
    precinct::{LONGEST_REASON, LONGEST_SIGNATURE, Objection},
    report::{Offset, Seq},
    rules::Code,
    seats::{Drawing, Source},
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

impl Decision {
    /// Whether it says who decides and why, in a length that fits the public lists.
    ///
    /// # Errors
    /// [`Objection::Anonymous`], [`Objection::TooLong`]
    pub fn check_person(&self) -> Result<(), Objection> {
        let Self { by, reason, signature, .. } = self;
        if by.trim().is_empty() || reason.trim().is_empty() {
            return Err(Objection::Anonymous);
        }
        let long = |text: &str, most| text.chars().nth(most).is_some();
        if long(reason, LONGEST_REASON) || signature.as_deref().is_some_and(|of| long(of, LONGEST_SIGNATURE))
        {
            return Err(Objection::TooLong);
        }
        Ok(())
    }
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
    /// The precinct commission's signed hand count, as one person read it off the paper. It counts when another
    /// person has entered the same, or a third has decided where two differ.
    Protocol {
        /// Whose.
        precinct: PrecinctId,
        /// One form for each contest that is voted there.
        contests: Vec<Form>,
    },
    /// A copy of the protocol that observers hold. It counts nowhere; it is compared (DOMAIN "The election day").
    Copy {
        /// Of which precinct's protocol.
        precinct: PrecinctId,
        /// Who holds it: a party, an organisation, a person. What they held before is replaced.
        holder: String,
        /// What it says of each contest that it has.
        contests: Vec<CorrectedTally>,
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
    /// A scan is added to what the precinct shows.
    Document {
        /// Where.
        precinct: PrecinctId,
        /// What it is.
        kind: DocumentKind,
        /// The file, which is kept already.
        #[serde(flatten)]
        scan: Scan,
    },
    /// Reports in quarantine count from now on, exactly as accepted ones (PROTOCOL §2, Codes). All of them, or
    /// none where one of them cannot.
    Release {
        /// Where.
        precinct: PrecinctId,
        /// Which, by their places in the journal.
        reports: Vec<Offset>,
    },
    /// Reports in quarantine never count.
    Refuse {
        /// Where.
        precinct: PrecinctId,
        /// Which, by their places in the journal.
        reports: Vec<Offset>,
    },
    /// What was counted in one contest of a precinct, whole, in place of what stands there.
    Correct {
        /// Where.
        precinct: PrecinctId,
        /// Of which of the two results.
        source: Source,
        /// The figures from now on.
        #[serde(flatten)]
        tally: CorrectedTally,
    },
    /// How many people were identified in a precinct, in place of what its terminals say.
    CorrectTurnout {
        /// Where.
        precinct: PrecinctId,
        /// In total.
        identified: Count,
    },
    /// The results of a precinct are void: its figures leave every sum.
    Annul {
        /// Which.
        precinct: PrecinctId,
    },
    /// An annulment is taken back, by a court or by the commission: the figures count again.
    Reinstate {
        /// Which.
        precinct: PrecinctId,
    },
    /// The results of a precinct are final: nothing changes them any more.
    Certify {
        /// Which.
        precinct: PrecinctId,
    },
    /// A certification is lifted: figures may change again.
    Uncertify {
        /// Which.
        precinct: PrecinctId,
    },
    /// Lots were drawn for a tie. They hold while and whenever exactly this tie does; drawn again for the same
    /// one, the later ones do.
    DrawLots(Box<Drawing>),
    /// A discrepancy was looked into and is no longer open. It opens again when what it was about changes.
    Resolve {
        /// Where.
        precinct: PrecinctId,
        /// Which rule.
        code: Code,
        /// The device concerned, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// The contest concerned, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contest: Option<ContestId>,
    },
}

impl Act {
    /// The precinct it concerns; `None` where it is about a contest.
    pub fn precinct(&self) -> Option<PrecinctId> {
        match self {
            Self::DrawLots(_) => None,
            Self::Replace { precinct, .. }
            | Self::Revoke { precinct, .. }
            | Self::Reissue { precinct, .. }
            | Self::CloseGap { precinct, .. }
            | Self::Protocol { precinct, .. }
            | Self::Copy { precinct, .. }
            | Self::Document { precinct, .. }
            | Self::Release { precinct, .. }
            | Self::Refuse { precinct, .. }
            | Self::Correct { precinct, .. }
            | Self::CorrectTurnout { precinct, .. }
            | Self::Annul { precinct }
            | Self::Reinstate { precinct }
            | Self::Certify { precinct }
            | Self::Uncertify { precinct }
            | Self::Resolve { precinct, .. } => Some(*precinct),
        }
    }

    /// As it is named in the record.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Revoke { .. } => "revoke",
            Self::Reissue { .. } => "reissue",
            Self::Protocol { .. } => "protocol",
            Self::Copy { .. } => "copy",
            Self::Document { .. } => "document",
            Self::CloseGap { .. } => "close_gap",
            Self::Release { .. } => "release",
            Self::Refuse { .. } => "refuse",
            Self::Correct { .. } => "correct",
            Self::CorrectTurnout { .. } => "correct_turnout",
            Self::Annul { .. } => "annul",
            Self::Reinstate { .. } => "reinstate",
            Self::Certify { .. } => "certify",
            Self::Uncertify { .. } => "uncertify",
            Self::DrawLots(_) => "draw_lots",
            Self::Resolve { .. } => "resolve",
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
            _ => Vec::new(),
        }
    }
}

/// A contest's figures in a precinct, as people set them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrectedTally {
    /// Which contest.
    pub contest: ContestId,
    /// Ballots, valid and invalid.
    pub ballots: Count,
    /// Of those, invalid.
    pub invalid: Count,
    /// Votes per option; absent = 0.
    pub votes: BTreeMap<OptionId, Count>,
    /// Preference votes per option and number on its list; absent = 0.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", with = "numbered")]
    pub preferences: BTreeMap<OptionId, BTreeMap<u32, Count>>,
}

/// Numbers as names of JSON members. (Below a tag serde reads such names as text alone.)
mod numbered {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{BTreeMap, Count, Deserialize, OptionId, Serialize};

    type Numbered = BTreeMap<OptionId, BTreeMap<u32, Count>>;

    pub(super) fn serialize<S: Serializer>(of: &Numbered, serializer: S) -> Result<S::Ok, S::Error> {
        of.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Numbered, D::Error> {
        let named = BTreeMap::<OptionId, BTreeMap<String, Count>>::deserialize(deserializer)?;
        let of = |numbers: BTreeMap<String, Count>| {
            let number = |(number, count): (String, Count)| match number.parse() {
                Ok(parsed) if !number.starts_with(['0', '+']) => Ok((parsed, count)),
                _ => Err(D::Error::custom(format_args!("\"{number:.20}\" is no number on a list"))),
            };
            numbers.into_iter().map(number).collect::<Result<_, _>>()
        };
        named.into_iter().map(|(option, numbers)| Ok((option, of(numbers)?))).collect()
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
    /// Nothing newer could be published from here on: a sum or a rule of publication did not hold.
    PublicationHeld {
        /// What did not hold.
        why: String,
    },
    /// Publication went on after it was held: every sum is that of its precincts again.
    PublicationResumed,
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
