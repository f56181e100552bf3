//! Appending, next to the floor of a bare write and fdatasync of as many bytes, and reading everything back.
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement that cannot go on has failed")]

use std::{fs::File, hint::black_box, os::unix::fs::FileExt, path::Path, sync::mpsc};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use device_wire::{AuthenticReport, Channel, SigningKey, Topic, encode_report, sign};
use election::{
    Count, PrecinctId, Timestamp,
    report::{Body, BySex, ContestTally, Digest, Report, Tally, Turnout},
};
use journal::{Appender, Entry, Journal, Options, Released, WriterThread};

const BATCHES: [usize; 4] = [1, 16, 128, 1_024];

/// An urn's final report over two contests of 21 and 9 options: the longest of the night.
fn tally() -> AuthenticReport {
    let contest = |id: &str, options: u64| ContestTally {
        contest: id.parse().unwrap(),
        ballots: Count::new(612),
        invalid: Count::new(7),
        votes: (1..=options).map(|at| (format!("p{at:02}").parse().unwrap(), Count::new(at * 7))).collect(),
        preferences: Default::default(),
    };
    authentic(Body::Tally(Tally {
        ballots: Count::new(1_224),
        contests: vec![contest("list", 21), contest("single:12", 9)],
    }))
}

/// An ID terminal's report during the day: nearly all of the night's.
fn turnout() -> AuthenticReport {
    authentic(Body::Turnout(Turnout {
        identified: Count::new(412),
        by_sex: Some(BySex { f: Count::new(230), m: Count::new(182) }),
        by_age: Some([60, 110, 142, 100].map(Count::new).to_vec()),
        by_district: None,
    }))
}

fn authentic(body: Body) -> AuthenticReport {
    let topic = Topic {
        election: "kg-demo".parse().unwrap(),
        precinct: PrecinctId::new(5001).unwrap(),
        device: "u-5001-1".parse().unwrap(),
        channel: Channel::Report,
    };
    let report = Report {
        election: topic.election.clone(),
        precinct: topic.precinct,
        device: topic.device.clone(),
        seq: 1,
        prev: Digest([7; 32]),
        at: Timestamp::from_millis(1_764_511_200_000),
        body,
    };
    let envelope = sign(&topic, "u-5001-1", &encode_report(&report), &SigningKey::from_bytes(&[9; 32]));
    AuthenticReport::from_journal(&topic.to_string(), envelope.into()).unwrap()
}

type Done = mpsc::Receiver<usize>;

fn begin(dir: &Path, batch: usize) -> (Appender<()>, WriterThread, Done) {
    let options = Options { queue: batch.max(16) * 2, batch_records: batch, ..Options::default() };
    let (send, done) = mpsc::channel();
    let sink = move |released: Vec<Released<()>>| {
        let recorded = |item: &Released<()>| matches!(item, Released::Recorded { result: Ok(_), .. });
        send.send(released.iter().filter(|item| recorded(item)).count()).unwrap();
    };
    let (appender, thread) = Journal::open(dir, Digest([1; 32]), options).unwrap().0.start(sink).unwrap();
    (appender, thread, done)
}

/// Appends so many reports and waits until they are durable.
fn append(appender: &Appender<()>, done: &Done, report: &AuthenticReport, records: usize) {
    for _ in 0..records {
        let entry = Entry::Report(report.clone());
        appender.append_blocking(entry, Timestamp::from_millis(1), ()).unwrap();
    }
    let mut released = 0;
    while released < records {
        released += done.recv().unwrap();
    }
}

fn appending(criterion: &mut Criterion) {
    let report = tally();
    let mut group = criterion.benchmark_group("append");
    group.sample_size(20);
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch as u64));
        let dir = tempfile::tempdir().unwrap();
        let (appender, thread, done) = begin(dir.path(), batch);
        group.bench_function(BenchmarkId::new("journal", batch), |bencher| {
            bencher.iter(|| append(&appender, &done, &report, batch));
        });
        drop(appender);
        thread.join().unwrap();
        let file = File::create(dir.path().join("floor")).unwrap();
        let bytes = vec![7; batch * (report.envelope().len() + report.topic().to_string().len() + 31)];
        let mut position = 0;
        group.bench_function(BenchmarkId::new("write and fdatasync", batch), |bencher| {
            bencher.iter(|| {
                file.write_all_at(&bytes, position).unwrap();
                file.sync_data().unwrap();
                position += bytes.len() as u64;
            });
        });
    }
    group.finish();
}

fn replaying(criterion: &mut Criterion) {
    let records = 100_000;
    let mut group = criterion.benchmark_group("replay");
    group.sample_size(10);
    group.throughput(Throughput::Elements(records as u64));
    for (kind, report) in [("turnout", turnout()), ("tally", tally())] {
        let dir = tempfile::tempdir().unwrap();
        let (appender, thread, done) = begin(dir.path(), 1_024);
        append_in_turns(&appender, &done, &report, records);
        drop(appender);
        thread.join().unwrap();
        let open = || Journal::open(dir.path(), Digest([1; 32]), Options::default()).unwrap();
        group.bench_function(BenchmarkId::new("open", kind), |bencher| bencher.iter(open));
        group.bench_function(BenchmarkId::new("open and read", kind), |bencher| {
            bencher.iter(|| {
                let read = open().1.records().inspect(|record| assert!(black_box(record).is_ok())).count();
                assert_eq!(read, records);
            });
        });
        group.bench_function(BenchmarkId::new("check", kind), |bencher| {
            bencher.iter(|| assert!(journal::check(dir.path()).unwrap().is_sound()));
        });
    }
    group.finish();
}

fn append_in_turns(appender: &Appender<()>, done: &Done, report: &AuthenticReport, records: usize) {
    for _ in 0..records / 1_000 {
        append(appender, done, report, 1_000);
    }
}

criterion_group!(benches, appending, replaying);
criterion_main!(benches);
