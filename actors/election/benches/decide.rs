//! What a report costs once it is authentic: to judge it, and to add it up, next to a floor of adding the
//! same numbers without any rule.
//!
//! `cargo bench -p election`

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin is none")]

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use election::{
    Count, Definition, Limits, PrecinctId, Timestamp, UnitId,
    builder::Builder,
    definition::{
        About, Contest, ContestIx, ContestKind, ContestOption, Counting, Device, DeviceKind, DeviceStatus,
        Method, Names, OptionKind, OptionStatus, PlaceName, PrecinctContest, ShareOf, Threshold, Unit,
    },
    figures::Figures,
    precinct::{Arrived, Precinct},
    record::Observation,
    report::{Body, ContestTally, Digest, Offset, Report, Tally},
    rollup::{Contributions, empty_units},
};

const OPTIONS: usize = 22;
const CLOSE: Timestamp = Timestamp::from_millis(43_200_000);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

/// One precinct with one urn and a list of 22 options, below a raion and a region.
fn definition() -> Arc<Definition> {
    let options = (0..OPTIONS).map(|n| ContestOption {
        id: id(&format!("p{n:02}")),
        number: None,
        kind: OptionKind::Party,
        name: Names::default(),
        color: None,
        sex: None,
        party: None,
        status: OptionStatus::Active,
        candidates: vec![],
    });
    let unit = |text: &str, parent: &str| Unit { id: id(text), parent: Some(id(parent)), name: None };
    let builder = Builder {
        about: About {
            id: id("bench"),
            name: Names::default(),
            date: "1970-01-01".into(),
            timezone: "UTC".into(),
            polls_open: Timestamp::from_millis(1),
            polls_close: CLOSE,
            publish_votes_from: CLOSE,
            kind: "parliamentary".into(),
            test: true,
            age_bands: vec![],
            data_licence: "CC0-1.0".into(),
            limits: Limits::default(),
        },
        digest: Digest::NONE,
        contests: vec![Contest {
            id: id("list"),
            of: id("list"),
            kind: ContestKind::ProportionalOpenList,
            name: Names::default(),
            unit: UnitId::Country,
            seats: 54,
            method: Method::Hare,
            threshold: Threshold::default(),
            share_of: ShareOf::VotesCast,
            seat_cap: None,
            rules: Default::default(),
            options: options.collect(),
        }],
        units: vec![unit("region:r", "country"), unit("raion:a", "region:r")],
        precincts: vec![election::definition::Precinct {
            id: id("1"),
            parent: id("raion:a"),
            counting: Counting::Urn,
            registered: Count::new(3_000),
            position: None,
            name: PlaceName::default(),
            address: String::new(),
            phone: String::new(),
            polls_close: CLOSE,
            contests: vec![PrecinctContest { contest: ContestIx(0), registered: Count::new(3_000) }],
        }],
        devices: vec![Device {
            id: id("u-1"),
            kind: DeviceKind::Urn,
            precinct: Some(id("1")),
            contests: vec![],
            public_key: None,
            status: DeviceStatus::Active,
            replaces: None,
        }],
    };
    Arc::new(builder.build().unwrap())
}

fn tally() -> Arrived {
    let votes = (0..OPTIONS).map(|n| (id(&format!("p{n:02}")), Count::new(50))).collect();
    let ballots = Count::new(50 * OPTIONS as u64);
    let of = ContestTally {
        contest: id("list"),
        ballots,
        invalid: Count::ZERO,
        votes,
        preferences: Default::default(),
    };
    Arrived {
        offset: Offset(1),
        arrived: CLOSE + Duration::from_secs(60),
        digest: Digest([1; 32]),
        report: Arc::new(Report {
            election: id("bench"),
            precinct: id("1"),
            device: id("u-1"),
            seq: 1,
            prev: Digest::NONE,
            at: CLOSE,
            body: Body::Tally(Tally { ballots, contests: vec![of] }),
        }),
    }
}

fn judged(fresh: &Precinct, arrived: &Arrived) -> Precinct {
    let mut precinct = fresh.clone();
    precinct.take(arrived.clone());
    precinct
}

fn decide(criterion: &mut Criterion) {
    let definition = definition();
    let mut fresh = Precinct::fresh(&definition, PrecinctId::new(1).unwrap()).unwrap();
    fresh.observe(&Observation::Clock { reached: CLOSE }, CLOSE);
    let arrived = tally();
    let done = judged(&fresh, &arrived);
    let (before, after) = (fresh.figures(), done.figures());

    let mut group = criterion.benchmark_group("report");
    group.bench_function("judge a tally of 22 options", |bencher| {
        bencher.iter_batched_ref(
            || fresh.clone(),
            |precinct| black_box(precinct.take(arrived.clone())),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("form a precinct's figures", |bencher| bencher.iter(|| black_box(done.figures())));
    group.bench_function("add a change to a raion, a region and the country", |bencher| {
        let mut units = empty_units(&definition);
        let path = Contributions::new(Arc::clone(&definition)).path(PrecinctId::new(1).unwrap());
        for unit in path.iter() {
            units.get_mut(unit).unwrap().replace(unit, &Figures::default(), &before).unwrap();
        }
        let mut flip = false;
        bencher.iter(|| {
            let (old, new) = if flip { (&after, &before) } else { (&before, &after) };
            flip = !flip;
            for unit in path.iter() {
                units.get_mut(unit).unwrap().replace(unit, old, new).unwrap();
            }
        });
    });
    group.bench_function("floor: add 22 numbers three times", |bencher| {
        let (mut sums, more) = ([0u64; OPTIONS], [50u64; OPTIONS]);
        bencher.iter(|| {
            for _ in 0..3 {
                for (sum, more) in sums.iter_mut().zip(black_box(&more)) {
                    *sum = sum.wrapping_add(*more);
                }
            }
            black_box(&sums);
        });
    });
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
