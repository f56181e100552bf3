//! Contests of every kind as sentences, and what is said of them against brute force.

mod brute;
mod differential;
mod drawing;
mod facts;
mod hurdles;
mod kinds;
mod lists;
mod sources;

use super::*;
use crate::{
    count::Count,
    definition::{
        Contest, ContestKind, ContestOption, Method, Names, OptionKind, OptionStatus, Sex, ShareOf, Threshold,
    },
    figures::SourceFigures,
    ids::UnitId,
};

fn option(at: usize, kind: OptionKind, sex: Option<Sex>) -> ContestOption {
    ContestOption {
        id: format!("o{at}").parse().unwrap(),
        number: None,
        kind,
        name: Names::default(),
        color: None,
        sex,
        party: None,
        status: OptionStatus::Active,
        candidates: Vec::new(),
    }
}

/// Options from a text: `p` party, `f` and `m` woman and man, `c` neither known, `x` against all, `y` yes, `n`
/// no; a capital has withdrawn.
fn options(text: &str) -> Vec<ContestOption> {
    let one = |(at, letter): (usize, char)| {
        let (kind, sex) = match letter.to_ascii_lowercase() {
            'p' => (OptionKind::Party, None),
            'f' => (OptionKind::Candidate, Some(Sex::F)),
            'm' => (OptionKind::Candidate, Some(Sex::M)),
            'c' => (OptionKind::Candidate, None),
            'x' => (OptionKind::AgainstAll, None),
            'y' => (OptionKind::Yes, None),
            _ => (OptionKind::No, None),
        };
        let status = if letter.is_uppercase() { OptionStatus::Withdrawn } else { OptionStatus::Active };
        ContestOption { status, ..option(at, kind, sex) }
    };
    text.chars().enumerate().map(one).collect()
}

fn contest(kind: ContestKind, method: Method, seats: u32, ballot: &str) -> Contest {
    Contest {
        id: "c".parse().unwrap(),
        of: "c".parse().unwrap(),
        kind,
        name: Names::default(),
        unit: UnitId::Country,
        seats,
        method,
        threshold: Threshold::default(),
        share_of: ShareOf::VotesCast,
        seat_cap: None,
        rules: SeatRules::default(),
        options: options(ballot),
    }
}

fn list(method: Method, seats: u32, ballot: &str) -> Contest {
    contest(ContestKind::ProportionalOpenList, method, seats, ballot)
}

fn district(seats: u32, ballot: &str) -> Contest {
    let kind = if seats == 1 { ContestKind::SingleMember } else { ContestKind::MultiMember };
    contest(kind, Method::Plurality, seats, ballot)
}

fn figures(votes: &[u64], invalid: u64) -> SourceFigures {
    let mut figures = SourceFigures::empty(votes.len());
    figures.votes = votes.iter().copied().map(Count::new).collect();
    figures.invalid = Count::new(invalid);
    figures.ballots = Count::new(votes.iter().sum::<u64>() + invalid);
    figures
}

/// A contest by its urns, with at most so many ballots outstanding.
fn counted<'a>(contest: &'a Contest, votes: &[u64], invalid: u64, outstanding: u64) -> Tallied<'a> {
    let figures = figures(votes, invalid);
    Tallied {
        contest,
        source: Source::Urns,
        precincts: 10,
        registered: Count::new(figures.ballots.get() + outstanding),
        figures,
        outstanding: Outstanding::Ballots(Count::new(outstanding)),
        regions: Vec::new(),
    }
}

/// What follows when everything is in.
fn of(contest: &Contest, votes: &[u64], invalid: u64) -> Allocation {
    allocate(&counted(contest, votes, invalid, 0), &Lots::default())
}

fn seats(allocation: &Allocation) -> Vec<u32> {
    allocation.options.iter().map(|option| option.seats).collect()
}

fn bounds(allocation: &Allocation) -> Vec<(u32, u32)> {
    allocation.options.iter().map(|option| option.bounds).collect()
}
