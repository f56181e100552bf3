//! What the law leaves room for: each a key of `[[contest]]` in `election.toml`, with a stated default.

use serde::{Deserialize, Serialize};

use crate::definition::{Contest, ContestKind, OptionStatus};

/// Parameters of one contest (DOMAIN "Contests": where the law is not in the notes, the rule is a parameter with
/// a stated default). The keys are described in `election-files/README.md`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatRules {
    /// `quotas.women_share`: least share of a list's seats for women, hundredths of a percent.
    pub women_share: Option<u32>,
    /// `quotas.women_rounding`: what becomes of the fraction of a seat in that share.
    pub women_rounding: Rounding,
    /// `quotas.preference_ties`: names with as many preference votes.
    pub preference_ties: PreferenceTies,
    /// `quotas.max_one_sex`: most seats of a district for persons of one sex.
    pub max_one_sex: Option<u32>,
    /// `quotas.one_sex_district`: seats that this leaves when nobody of the other sex stands.
    pub one_sex_district: OneSex,
    /// `seat_cap_surplus`: seats above the cap.
    pub surplus: Surplus,
    /// `withdrawn_votes`: votes for who withdrew after ballots were printed.
    pub withdrawn_votes: WithdrawnVotes,
    /// `against_all`: its effect; `None`: [`Contest::against_all`] says what holds for the kind.
    pub against_all: Option<AgainstAll>,
    /// `outside_premises`: which count holds the ballots cast outside premises.
    pub outside_premises: OutsidePremises,
}

/// What becomes of a fraction of a seat.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// A whole one: "at least" is kept to the letter. The default.
    #[default]
    Up,
    /// Nothing.
    Down,
    /// A whole one from a half on.
    Nearest,
}

/// Which of the names with as many preference votes is elected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PreferenceTies {
    /// Lots are drawn. The default.
    #[default]
    Lots,
    /// The lower number on the list.
    ListOrder,
}

/// Seats that a limit for one sex leaves when nobody of the other stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OneSex {
    /// Stay empty: nobody is elected against the limit. The default.
    #[default]
    Vacant,
    /// Go to the next by votes: the limit is waived.
    Waive,
}

/// Seats that a list would have above the cap.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surplus {
    /// Are shared out anew, with those not yet given, among the other lists by their votes. The default.
    #[default]
    Redistribute,
    /// Stay empty.
    Vacant,
}

/// Votes for an option that withdrew after ballots were printed. It is never elected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WithdrawnVotes {
    /// Are valid: they stay in the denominator of shares. The default.
    #[default]
    Valid,
    /// Are like no votes: out of every denominator.
    Excluded,
}

/// What "against all" does where it has many votes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgainstAll {
    /// Where it has the most votes, nobody is elected.
    First,
    /// Nobody is elected who has not more votes than it.
    Above,
    /// It is counted and has no effect.
    Ignored,
}

/// Which count holds the ballots that were cast outside premises, the day before or at home.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutsidePremises {
    /// They are put through the urns like all others. The default.
    #[default]
    Urns,
    /// The hand count alone holds them: by the urns every voter who is not counted may still be, so that little
    /// is decided by the urns.
    Protocols,
}

impl Contest {
    /// What "against all" does here: as `election.toml` says; else it can win in districts (DOMAIN
    /// "Contests", `single_member`: where it wins nobody is elected), and has no effect elsewhere.
    pub fn against_all(&self) -> AgainstAll {
        self.rules.against_all.unwrap_or(match self.kind {
            ContestKind::SingleMember | ContestKind::MultiMember => AgainstAll::First,
            ContestKind::ProportionalOpenList
            | ContestKind::Council
            | ContestKind::Presidential
            | ContestKind::Referendum => AgainstAll::Ignored,
        })
    }

    /// Whether the votes of an option are in no denominator, and so in no share.
    pub fn excludes(&self, at: usize) -> bool {
        self.rules.withdrawn_votes == WithdrawnVotes::Excluded
            && self.options.get(at).is_some_and(|option| option.status == OptionStatus::Withdrawn)
    }
}

impl SeatRules {
    /// The least number of a list's seats that go to women (DOMAIN "Contests": at least 30 %, its rounding a
    /// parameter).
    pub(super) fn women_of(&self, seats: u32) -> u32 {
        let parts = u64::from(self.women_share.unwrap_or(0)) * u64::from(seats);
        let whole = match self.women_rounding {
            Rounding::Up => parts.div_ceil(10_000),
            Rounding::Down => parts / 10_000,
            Rounding::Nearest => (parts + 5_000) / 10_000,
        };
        u32::try_from(whole).unwrap_or(seats).min(seats)
    }
}
