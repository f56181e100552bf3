//! What a version costs, beside floors that no feed can go below: copying the same bytes, and serde writing
//! the same objects.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a measurement that cannot go on says so

#[path = "../tests/country/mod.rs"]
#[allow(dead_code)] // the tests use the rest of it
mod country;

use std::hint::black_box;

use country::{Night, WHOLE};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use feed::{Cut, Feed, Next, UnitFilter};

/// A feed whose whole country has reported, and the night behind it.
fn reported() -> (Feed, Night) {
    let definition = country::definition(WHOLE);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.votes = true;
    for number in 1..=WHOLE.home + WHOLE.abroad {
        night.turnout(number, 700);
        night.report(number, 10);
    }
    feed.publish(night.cut()).expect("the country rolls up");
    (feed, night)
}

/// A cut in which so many precincts, and all units above them, have changed.
fn busy(night: &mut Night, precincts: u32, identified: u64) -> Cut {
    for number in 1..=precincts {
        night.turnout(number, identified);
    }
    night.cut()
}

fn bench_publish(c: &mut Criterion) {
    let mut group = c.benchmark_group("publish");
    for precincts in [1, 50, 2_459] {
        let (feed, mut night) = reported();
        let mut identified = 700;
        group.bench_function(format!("{precincts} of 2459 precincts changed"), |b| {
            b.iter_batched(
                || {
                    identified += 1;
                    busy(&mut night, precincts, identified)
                },
                |cut| feed.publish(cut),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn bench_delta(c: &mut Criterion) {
    let (feed, mut night) = reported();
    let before = feed.current().position().clone();
    feed.publish(busy(&mut night, 50, 701)).expect("it rolls up");
    // Named one by one, a filter's frames are not shared: each call assembles.
    let single: Vec<String> = (1..=100).map(|number| format!("precinct:{number}")).collect();
    let hundred = feed.filter(&single.join(",")).expect("they exist");
    let all = UnitFilter::default();
    let first = "e1:1".parse().expect("a position");
    let Next::Delta(frame) = feed.delta(&first, &hundred) else { panic!("a delta") };
    assert_eq!(frame.units, 100);
    let value: serde_json::Value = serde_json::from_slice(&frame.json).expect("json");

    let mut group = c.benchmark_group("delta of 100 units");
    group.throughput(Throughput::Bytes(frame.json.len() as u64));
    group.bench_function("assembled", |b| b.iter(|| black_box(feed.delta(&first, &hundred))));
    group.bench_function("shared", |b| b.iter(|| black_box(feed.delta(&before, &all))));
    group.bench_function("floor: copy of the same bytes", |b| b.iter(|| black_box(frame.json.to_vec())));
    group.bench_function("serde_json of the same objects", |b| {
        b.iter(|| black_box(serde_json::to_vec(&value).expect("json")));
    });
    group.finish();
}

fn bench_bodies(c: &mut Criterion) {
    let (feed, _) = reported();
    let latest = feed.latest();
    let mut group = c.benchmark_group("body");
    for (name, body) in [("results", latest.results()), ("precincts", latest.all_precincts())] {
        let plain = body.plain().clone();
        group.throughput(Throughput::Bytes(plain.len() as u64));
        group.sample_size(10);
        group.bench_function(format!("{name} gzip"), |b| {
            b.iter(|| black_box(feed::Body::new(plain.clone()).gzip().len()));
        });
        group.bench_function(format!("{name} brotli"), |b| {
            b.iter(|| black_box(feed::Body::new(plain.clone()).brotli().len()));
        });
    }
    group.finish();
}

criterion_group!(benches, bench_publish, bench_delta, bench_bodies);
criterion_main!(benches);
