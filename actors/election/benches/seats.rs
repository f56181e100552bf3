//! What it costs to share out the seats of the whole country: 54 seats among 21 lists of 54 names with both
//! thresholds, and 36 districts of nine options.
//!
//! `cargo bench -p election --bench seats`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin is none")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use election::{
    Count,
    definition::{
        Contest, ContestKind, ContestOption, ListCandidate, Method, Names, OptionKind, OptionStatus, Sex,
        ShareOf, Threshold,
    },
    figures::SourceFigures,
    seats::{Lots, Outstanding, Regional, SeatRules, Source, Tallied, allocate},
};

fn option(at: usize, kind: OptionKind, names: u32) -> ContestOption {
    let name = |number| ListCandidate {
        number,
        name: Names::default(),
        sex: if number % 3 == 0 { Sex::F } else { Sex::M },
        status: OptionStatus::Active,
    };
    ContestOption {
        id: format!("p{at:02}").parse().unwrap(),
        number: None,
        kind,
        name: Names::default(),
        color: None,
        sex: None,
        party: None,
        status: OptionStatus::Active,
        candidates: (1..=names).map(name).collect(),
    }
}

fn contest(kind: ContestKind, options: usize) -> Contest {
    let list = kind == ContestKind::ProportionalOpenList;
    let of = |at| match (at + 1 == options, list) {
        (true, _) => option(at, OptionKind::AgainstAll, 0),
        (false, true) => option(at, OptionKind::Party, 54),
        (false, false) => option(at, OptionKind::Candidate, 0),
    };
    Contest {
        id: "list".parse().unwrap(),
        of: "list".parse().unwrap(),
        kind,
        name: Names::default(),
        unit: "country".parse().unwrap(),
        seats: if list { 54 } else { 1 },
        method: if list { Method::Hare } else { Method::Plurality },
        threshold: match list {
            true => Threshold { national: Some(500), regional: Some(50), turnout: None },
            false => Threshold::default(),
        },
        share_of: ShareOf::VotesCast,
        seat_cap: list.then_some(27),
        rules: SeatRules { women_share: Some(3_000), ..SeatRules::default() },
        options: (0..options).map(of).collect(),
    }
}

/// The votes of 2021 with fifteen lists below the threshold, a `part` of a hundred of them.
fn figures(options: usize, part: u64) -> SourceFigures {
    let mut figures = SourceFigures::empty(options);
    let passed = [222_005, 174_470, 141_009, 106_955, 90_223, 79_025];
    for (at, votes) in figures.votes.iter_mut().enumerate() {
        let whole = passed.get(at).copied().unwrap_or(45_000_u64.saturating_sub(2_000 * at as u64));
        *votes = Count::new(whole * part / 100);
    }
    for place in 0..21 * 54 {
        figures.preferences.set(place, Count::new((place as u64 * 7_919 % 3_001) * part / 100));
    }
    figures.ballots = Count::checked_sum(figures.votes.iter().copied()).unwrap();
    figures
}

fn tallied(contest: &Contest, part: u64, outstanding: u64) -> Tallied<'_> {
    let options = contest.options.len();
    let regions = if contest.threshold.regional.is_some() { 9 } else { 0 };
    let region = |at| Regional {
        unit: format!("region:r{at}").parse().unwrap(),
        figures: figures(options, part / 9),
        outstanding: Outstanding::Ballots(Count::new(outstanding / 9)),
    };
    Tallied {
        contest,
        source: Source::Urns,
        precincts: 2_494,
        registered: Count::new(3_703_420),
        figures: figures(options, part),
        outstanding: Outstanding::Ballots(Count::new(outstanding)),
        regions: (0..regions).map(region).collect(),
    }
}

fn seats(criterion: &mut Criterion) {
    let list = contest(ContestKind::ProportionalOpenList, 22);
    let district = contest(ContestKind::SingleMember, 9);
    let lots = Lots::default();
    let mut group = criterion.benchmark_group("seats");
    for (name, part, outstanding) in
        [("half counted", 50, 1_800_000), ("a hundredth outstanding", 99, 20_000), ("all counted", 100, 0)]
    {
        let country = tallied(&list, part, outstanding);
        group.bench_function(format!("54 seats, 21 lists, {name}"), |bencher| {
            bencher.iter(|| black_box(allocate(&country, &lots)));
        });
    }
    let districts: Vec<Tallied<'_>> = (0..36).map(|at| tallied(&district, 50 + at, 500)).collect();
    group.bench_function("36 districts", |bencher| {
        bencher.iter(|| districts.iter().map(|of| black_box(allocate(of, &lots)).vacant).sum::<u32>());
    });
    group.finish();
}

criterion_group!(benches, seats);
criterion_main!(benches);
