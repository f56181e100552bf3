//! The rules of the night by their stable codes (PROTOCOL §2, Codes).

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident),+ $(,)?) => {
        /// A stable code. Its first letter says what it does to a report: see [`Effect`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code { $($(#[doc = $doc])+ $name),+ }

        impl Code {
            /// Every code, in the order of the checks.
            pub const ALL: &'static [Code] = &[$(Code::$name),+];

            /// The code as it is written.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => stringify!($name)),+ }
            }

            /// What the rule says, in one line.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$name => concat!($($doc),+).trim_ascii()),+ }
            }
        }
    };
}

codes! {
    /// Malformed topic, envelope or payload.
    E01,
    /// Unknown device.
    E02,
    /// Bad signature.
    E03,
    /// Topic, key id and payload disagree.
    E04,
    /// Another election than the one running.
    E05,
    /// Too large.
    E06,
    /// Revoked or spare device.
    E07,
    /// Duplicate: this number and digest are in the journal.
    S01,
    /// Gap: a lower number is missing.
    S02,
    /// Equivocation: the same number with another digest.
    S03,
    /// The hash chain is broken.
    S04,
    /// Unknown contest or option.
    F01,
    /// The body does not fit the device's kind or contests, or a breakdown has the wrong length.
    F02,
    /// A count over 10^9.
    F03,
    /// An urn's report that arrived before its precinct closed.
    Q01,
    /// Sums do not add up.
    Q02,
    /// More ballots in one report's contest than its registered voters.
    Q03,
    /// An opening that is not zero.
    Q04,
    /// A counter went down.
    Q05,
    /// A second final report beside one accepted.
    Q06,
    /// More preferences than the list has votes.
    Q07,
    /// A breakdown that does not sum to its total.
    Q08,
    /// A report that arrived after its precinct was certified.
    Q09,
    /// More ballots of a contest than identified voters.
    W01,
    /// Fewer ballots than identified voters by more than 2 % and more than 15.
    W02,
    /// The device's clock is off.
    W03,
    /// The share of invalid ballots is over its limit.
    W04,
    /// Turnout over its limit, or a jump no queue can make.
    W05,
    /// An urn on line before close.
    W06,
    /// The protocol differs from the urns.
    W07,
    /// The closing differs from the last turnout.
    W08,
    /// Silent.
    W09,
    /// Late.
    W10,
    /// More ballots of all urns than registered voters.
    W11,
    /// A tally without an opening.
    W12,
    /// A copy that observers hold differs from the protocol.
    W13,
}

/// What a code does to a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Refused before the journal.
    Refused,
    /// About its place in the device's sequence.
    Sequence,
    /// Journaled and rejected: it does not fit the definition.
    Unfit,
    /// Journaled, not counted until people decide.
    Quarantined,
    /// Counted and flagged.
    Flagged,
}

impl Code {
    /// What this code does to a report.
    pub fn effect(self) -> Effect {
        match self.as_str().as_bytes()[0] {
            b'E' => Effect::Refused,
            b'S' => Effect::Sequence,
            b'F' => Effect::Unfit,
            b'Q' => Effect::Quarantined,
            _ => Effect::Flagged,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Limits of the rules, from `[rules]` of `election.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Q01: how long before its precinct's close an urn's report is still taken, seconds.
    pub early_tolerance_s: u64,
    /// W03: how far a device's clock may be off, seconds.
    pub clock_s: u64,
    /// W04: share of invalid ballots, hundredths of a percent.
    pub invalid_share: u64,
    /// W05: turnout of a precinct, hundredths of a percent of its registered voters.
    pub turnout: u64,
    /// W05: people one terminal can identify in an hour.
    pub jump_per_hour: u64,
    /// W09: silence of a device that should be heard, seconds.
    pub silent_s: u64,
    /// W10: how long after its precinct's close a final report is late, seconds.
    pub late_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            early_tolerance_s: 120,
            clock_s: 300,
            invalid_share: 1_000,
            turnout: 9_500,
            jump_per_hour: 240,
            silent_s: 900,
            late_s: 7_200,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_says_what_it_does() {
        assert_eq!(Code::ALL.len(), 7 + 4 + 3 + 9 + 13);
        for code in Code::ALL {
            assert!(code.summary().ends_with('.'), "{code}");
            assert_eq!(code.as_str().len(), 3);
        }
        assert_eq!(Code::Q06.effect(), Effect::Quarantined);
        assert_eq!(Code::F01.effect(), Effect::Unfit);
    }
}
