//! The published shape of an allocation: counts and fractions of counts, no rounded numbers.

use serde::{Deserialize, Serialize};

use crate::{
    definition::{Contest, ContestKind, Method, ShareOf},
    ids::{ContestId, OptionId, UnitId},
    seats::{
        Allocation, By, Elected, Fraction, Hurdle, OptionResult, Outcome, Outstanding, Place, SeatRules,
        Source, Standing, Tallied, Tie,
    },
};

/// `GET /elections/{e}/seats` (PROTOCOL §3): one contest by one source. Fields may be added, and none removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeatsView {
    /// Which contest.
    pub contest: ContestId,
    /// Its kind.
    pub kind: ContestKind,
    /// How seats follow from votes.
    pub method: Method,
    /// Seats to fill.
    pub seats: u32,
    /// Most seats of one list.
    pub seat_cap: Option<u32>,
    /// What shares are of.
    pub share_of: ShareOf,
    /// The parameters in force.
    pub rules: SeatRules,
    /// `urns` or `protocols`: two results, never mixed.
    pub source: Source,
    /// How much of this source is in.
    pub reported: Reported,
    /// Ballots of this source, valid and invalid.
    pub ballots: u64,
    /// Of those, invalid.
    pub invalid: u64,
    /// What shares are of, as a count.
    pub denominator: u64,
    /// In a word.
    pub result: Outcome,
    /// Whether no outstanding ballot can change it.
    pub decided: bool,
    /// Votes of a seat by the Hare quota.
    pub quota: Option<Fraction>,
    /// Seats that nobody has.
    pub vacant: u32,
    /// The turnout that the contest needs, of all who may vote.
    pub turnout: Option<HurdleView>,
    /// Every option, in ballot order.
    pub options: Vec<OptionView>,
    /// Ties for which lots are to be drawn.
    pub ties: Vec<NamedTie>,
}

/// How much of a source is in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// Precincts that have reported, and all that vote on the contest.
    pub precincts: Fraction,
    /// Voters of those, and all who may vote in the contest.
    pub registered: Fraction,
    /// Most ballots that may still come; `null`: not bounded.
    pub outstanding: Option<u64>,
}

/// A share that is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HurdleView {
    /// Where: `country`, `region:osh`.
    pub unit: UnitId,
    /// The share: hundredths of a percent over 10,000.
    pub needs: Fraction,
    /// What there is.
    pub has: Fraction,
    /// Whether it is reached.
    pub met: bool,
    /// Fewest further votes that reach it; `null`: no number does.
    pub short: Option<u64>,
    /// Most votes that can go to others before it is missed.
    pub spare: u64,
    /// Whether outstanding ballots can change whether it is met.
    pub decided: bool,
}

/// An option.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OptionView {
    /// Which.
    pub option: OptionId,
    /// Its votes.
    pub votes: u64,
    /// Votes over what shares are of; `null` where its votes are in no share (`withdrawn_votes = "excluded"`).
    pub share: Option<Fraction>,
    /// Whether it takes part.
    pub standing: Standing,
    /// Each share that it needs.
    pub thresholds: Vec<HurdleView>,
    /// Seats, without those that hang on lots.
    pub seats: u32,
    /// Fewest seats after what is outstanding.
    pub seats_least: u32,
    /// Most seats after what is outstanding.
    pub seats_most: u32,
    /// Whether the two are the same.
    pub decided: bool,
    /// Votes beyond whole quotas, over the quota's denominator.
    pub remainder: Option<Fraction>,
    /// Fewest further votes for it alone with which it has one more seat; `null`: none does, or it is not
    /// known.
    pub votes_to_next_seat: Option<u64>,
    /// Whether it stands in the second round.
    pub second_round: bool,
    /// Names of its list that are elected; `null` where it is not on record who was preferred.
    pub elected: Option<Vec<ElectedView>>,
}

/// A name that is elected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ElectedView {
    /// Number on the list.
    pub number: u32,
    /// Preference votes.
    pub votes: u64,
    /// How.
    pub by: By,
}

/// What a tie is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TiePlace {
    /// Seats of the contest, or its only one.
    Seats,
    /// A place in the second round.
    SecondRound,
    /// Seats of a list that are kept for women.
    Women,
    /// Seats of a list.
    List,
}

/// A tie, in the names of the election.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedTie {
    /// What it is about.
    pub place: TiePlace,
    /// Of `women` and `list`: whose list.
    #[serde(default)]
    pub list: Option<OptionId>,
    /// Of `seats` and `second_round`: the options tied.
    #[serde(default)]
    pub options: Vec<OptionId>,
    /// Of `women` and `list`: the numbers tied.
    #[serde(default)]
    pub numbers: Vec<u32>,
    /// Places left for them.
    pub seats: u32,
}

impl NamedTie {
    /// Whether it is the same tie, in whichever order its names stand.
    pub fn is_same(&self, other: &Self) -> bool {
        let sorted = |of: &Self| {
            let (mut options, mut numbers) = (of.options.clone(), of.numbers.clone());
            options.sort();
            numbers.sort_unstable();
            (of.place, of.list.clone(), options, numbers, of.seats)
        };
        sorted(self) == sorted(other)
    }
}

impl SeatsView {
    /// What is published of an allocation.
    pub fn new(tallied: &Tallied<'_>, allocation: &Allocation) -> Self {
        let (contest, figures) = (tallied.contest, &tallied.figures);
        let of = |numerator: u64, denominator: u64| Fraction { numerator, denominator };
        let option = |(at, result): (usize, &OptionResult)| {
            let id = contest.options[at].id.clone();
            option(id, result, (!contest.excludes(at)).then_some(allocation.denominator.get()))
        };
        Self {
            contest: contest.id.clone(),
            kind: contest.kind,
            method: contest.method,
            seats: contest.seats,
            seat_cap: contest.seat_cap,
            share_of: contest.share_of,
            rules: SeatRules { against_all: Some(contest.against_all()), ..contest.rules },
            source: tallied.source,
            reported: Reported {
                precincts: of(figures.precincts.into(), tallied.precincts.into()),
                registered: of(figures.registered.get(), tallied.registered.get()),
                outstanding: match tallied.outstanding {
                    Outstanding::Ballots(most) => Some(most.get()),
                    Outstanding::Unbounded => None,
                },
            },
            ballots: figures.ballots.get(),
            invalid: figures.invalid.get(),
            denominator: allocation.denominator.get(),
            result: allocation.result,
            decided: allocation.decided,
            quota: allocation.quota,
            vacant: allocation.vacant,
            turnout: allocation.turnout.as_ref().map(HurdleView::from),
            options: allocation.options.iter().enumerate().map(option).collect(),
            ties: allocation.ties.iter().map(|tie| tie_view(contest, tie)).collect(),
        }
    }

    /// The same of figures in which preference votes are not on record: who of a list is elected, and who of it is tied,
    /// is left open. Seats of lists do not hang on them.
    pub fn without_names(mut self, contest: &Contest) -> Self {
        for (option, of) in self.options.iter_mut().zip(&contest.options) {
            option.elected.take_if(|_| option.seats > 0 && !of.candidates.is_empty());
        }
        self.ties.retain(|tie| matches!(tie.place, TiePlace::Seats | TiePlace::SecondRound));
        self
    }
}

fn option(option: OptionId, result: &OptionResult, denominator: Option<u64>) -> OptionView {
    OptionView {
        option,
        votes: result.votes.get(),
        share: denominator.map(|denominator| Fraction { numerator: result.votes.get(), denominator }),
        standing: result.standing,
        thresholds: result.hurdles.iter().map(HurdleView::from).collect(),
        seats: result.seats,
        seats_least: result.bounds.0,
        seats_most: result.bounds.1,
        decided: result.bounds.0 == result.bounds.1,
        remainder: result.remainder,
        votes_to_next_seat: result.to_next_seat,
        second_round: result.second_round,
        elected: Some(result.elected.iter().map(ElectedView::from).collect()),
    }
}

impl From<&Elected> for ElectedView {
    fn from(name: &Elected) -> Self {
        Self { number: name.number, votes: name.votes.get(), by: name.by }
    }
}

impl From<&Hurdle> for HurdleView {
    fn from(hurdle: &Hurdle) -> Self {
        Self {
            unit: hurdle.unit.clone(),
            needs: Fraction { numerator: hurdle.needs.into(), denominator: 10_000 },
            has: hurdle.has,
            met: hurdle.met,
            short: hurdle.short,
            spare: hurdle.spare,
            decided: hurdle.decided,
        }
    }
}

fn tie_view(contest: &Contest, tie: &Tie) -> NamedTie {
    let id = |at: u32| contest.options.get(usize::try_from(at).ok()?).map(|option| option.id.clone());
    let (place, list) = match tie.place {
        Place::Seats => (TiePlace::Seats, None),
        Place::SecondRound => (TiePlace::SecondRound, None),
        Place::Women(list) => (TiePlace::Women, Some(list)),
        Place::List(list) => (TiePlace::List, Some(list)),
    };
    let tied = tie.tied.iter().copied();
    let (options, numbers) = match list {
        None => (tied.filter_map(id).collect(), Vec::new()),
        Some(_) => (Vec::new(), tied.collect()),
    };
    let list = list.and_then(|list| contest.at(list)).map(|option| option.id.clone());
    NamedTie { place, list, options, numbers, seats: tie.seats }
}
