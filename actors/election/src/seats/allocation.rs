//! Seats of a contest from the figures of one source, with everything that explains them.

use crate::{
    count::Count,
    definition::{ContestKind, OptionStatus},
    ids::UnitId,
    seats::{Lots, Tallied, Tie, candidates, lists, referendum},
};

/// A fraction of counts: never a rounded number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Fraction {
    /// Above the line.
    pub numerator: u64,
    /// Below it. 0 before anything is counted.
    pub denominator: u64,
}

/// What follows for a contest from what has come so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allocation {
    /// In a word.
    pub result: Outcome,
    /// Whether no ballot that may still come can change the seats of any option, or who stands in the second
    /// round. Decisions of people, such as corrections, annulments and repeat voting, can; and who of a list is
    /// elected may still change with preference votes.
    pub decided: bool,
    /// What shares are of.
    pub denominator: Count,
    /// Votes for one seat, by the Hare quota: votes of the lists that take part ÷ seats.
    pub quota: Option<Fraction>,
    /// Seats that nobody has: against all won, a cap or a quota leaves them, or nobody passed.
    pub vacant: u32,
    /// The turnout that the contest needs.
    pub turnout: Option<Hurdle>,
    /// Every option, in ballot order.
    pub options: Vec<OptionResult>,
    /// Ties for which no lots are recorded.
    pub ties: Vec<Tie>,
}

/// What a contest comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// No vote has been counted.
    NoVotes,
    /// Seats are given, perhaps not all of them.
    Allotted,
    /// Nobody has the majority that is needed: the first two stand again.
    SecondRound,
    /// Nobody is elected.
    NoneElected,
    /// Seats, or places in the second round, hang on lots.
    Tied,
    /// A referendum's answer is yes.
    Accepted,
    /// It is no.
    Rejected,
    /// Too few voted: it decides nothing.
    TurnoutTooLow,
}

/// What follows for an option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionResult {
    /// Its votes.
    pub votes: Count,
    /// Whether it takes part in sharing out the seats.
    pub standing: Standing,
    /// Each share that it needs, the country's first.
    pub hurdles: Vec<Hurdle>,
    /// Its seats, without those that hang on lots. Of a referendum: 1 for the answer given.
    pub seats: u32,
    /// The fewest and the most seats that it can have after what may still come, lots included. Its seats are
    /// decided when both are the same.
    pub bounds: (u32, u32),
    /// Votes beyond whole quotas, over the same denominator as [`Allocation::quota`].
    pub remainder: Option<Fraction>,
    /// The fewest further votes for it alone, all else equal, with which it has one more seat and needs no
    /// lots for it. `None` where no number of votes gives one, or where it is not known.
    pub to_next_seat: Option<u64>,
    /// Whether it stands in the second round.
    pub second_round: bool,
    /// Who is elected from the list.
    pub elected: Vec<Elected>,
}

/// Whether an option takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It takes part.
    In,
    /// It is below a threshold, or has no votes.
    Below,
    /// It withdrew; its votes are shown apart.
    Withdrawn,
    /// It is not somebody who can have a seat: against all.
    Apart,
}

/// A share that is needed, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hurdle {
    /// Where: the country, a region.
    pub unit: UnitId,
    /// The share in hundredths of a percent.
    pub needs: u32,
    /// Votes ÷ what they are a share of.
    pub has: Fraction,
    /// Whether it is reached. Where nothing has been counted, nothing is missed.
    pub met: bool,
    /// The fewest further votes for this option alone that reach it; 0 where it is met. `None` when no
    /// number does.
    pub short: Option<u64>,
    /// The most votes that it can lose to others and still reach it; 0 where it is not met.
    pub spare: u64,
    /// Whether what may still come can change that it is met, or not met.
    pub decided: bool,
}

/// A name on a list that has a seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elected {
    /// Number on the list.
    pub number: u32,
    /// Preference votes.
    pub votes: Count,
    /// How.
    pub by: By,
}

/// How a name came to its seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// By the seats kept for women.
    WomenShare,
    /// By preference votes.
    Preference,
}

/// Ten thousand hundredths of a percent.
pub(super) const WHOLE: u128 = 10_000;

/// What follows from the figures of one source for a contest of any kind.
pub fn allocate(tallied: &Tallied<'_>, lots: &Lots) -> Allocation {
    match tallied.contest.kind {
        ContestKind::ProportionalOpenList | ContestKind::Council => lists::allocate(tallied, lots),
        ContestKind::SingleMember | ContestKind::MultiMember | ContestKind::Presidential => {
            candidates::allocate(tallied, lots)
        }
        ContestKind::Referendum => referendum::allocate(tallied),
    }
}

impl Hurdle {
    /// How far `votes` of `of` are from a share, when at most `most` ballots may still come.
    pub(super) fn new(unit: UnitId, needs: u32, votes: u64, of: u64, most: Option<u64>) -> Self {
        let met = reaches(votes, of, needs);
        let share = u128::from(needs);
        let (lacking, rest) =
            ((u128::from(of) * share).saturating_sub(u128::from(votes) * WHOLE), WHOLE - share);
        let short = match (met, rest) {
            (true, _) => Some(0),
            (false, 0) => None,
            (false, rest) => u64::try_from(lacking.div_ceil(rest)).ok(),
        };
        let least = u64::try_from((u128::from(of) * share).div_ceil(WHOLE)).unwrap_or(u64::MAX);
        let spare = if met { votes.saturating_sub(least) } else { 0 };
        let decided = most.is_some_and(|most| {
            let (fewest, all) = (reaches(votes, of.saturating_add(most), needs), of.saturating_add(most));
            met && fewest || !met && !reaches(votes.saturating_add(most), all, needs)
        });
        Self { unit, needs, has: Fraction { numerator: votes, denominator: of }, met, short, spare, decided }
    }
}

/// Whether every option has the same seats whatever comes.
pub(super) fn is_decided(result: Outcome, options: &[OptionResult]) -> bool {
    result != Outcome::NoVotes && options.iter().all(|option| option.bounds.0 == option.bounds.1)
}

/// Whether votes are at least a share of something.
pub(super) fn reaches(votes: u64, of: u64, share: u32) -> bool {
    u128::from(votes) * WHOLE >= u128::from(of) * u128::from(share)
}

impl OptionResult {
    /// An option before anything follows for it.
    pub(super) fn begin(tallied: &Tallied<'_>, at: usize) -> Self {
        use crate::definition::OptionKind;
        let option = &tallied.contest.options[at];
        let standing = match (option.kind, option.status) {
            (_, OptionStatus::Withdrawn) => Standing::Withdrawn,
            (OptionKind::AgainstAll, _) => Standing::Apart,
            _ => Standing::In,
        };
        Self {
            votes: Count::new(tallied.votes(at)),
            standing,
            hurdles: Vec::new(),
            seats: 0,
            bounds: (0, 0),
            remainder: None,
            to_next_seat: None,
            second_round: false,
            elected: Vec::new(),
        }
    }
}
