//! The journal as its users see it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod appending;
mod damage;
mod killed;
mod reading;
mod recovery;

use std::{path::Path, sync::mpsc, time::Duration};

use device_wire::{AuthenticReport, Channel, SigningKey, Topic, encode_report, sign};
use election::{
    Count, PrecinctId, Timestamp,
    record::{Act, Decision, Observation},
    report::{Body, Digest, Report},
};
use journal::{AppendError, Appender, Entry, Journal, Journaled, Options, Recovered, Released, WriterThread};

const DEFINITION: Digest = Digest([1; 32]);

/// Segments of a few records.
const SMALL: Options = Options { segment_bytes: 500, queue: 64, batch_records: 4, batch_bytes: 1 << 20 };

/// A directory in memory where there is one: here the power stays on, and a sync that takes its time proves
/// nothing.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A report of a device in precinct `precinct`, number `seq`.
fn report(precinct: u32, seq: u64) -> AuthenticReport {
    let precinct = PrecinctId::new(precinct).unwrap();
    let device = format!("t-{precinct}-1");
    let topic = Topic {
        election: "e-1".parse().unwrap(),
        precinct,
        device: device.parse().unwrap(),
        channel: Channel::Report,
    };
    let report = Report {
        election: topic.election.clone(),
        precinct,
        device: topic.device.clone(),
        seq,
        prev: Digest([seq as u8; 32]),
        at: Timestamp::from_millis(1_000 + seq),
        body: Body::OpeningTerminal { identified: Count::ZERO },
    };
    let envelope = sign(&topic, &device, &encode_report(&report), &SigningKey::from_bytes(&[9; 32]));
    AuthenticReport::from_journal(&topic.to_string(), envelope.into()).unwrap()
}

fn observation(reached: u64) -> Observation {
    Observation::Clock { reached: Timestamp::from_millis(reached) }
}

fn decision(reason: &str) -> Decision {
    let act = Act::Replace {
        precinct: PrecinctId::new(5).unwrap(),
        old: "u-5-1".parse().unwrap(),
        new: "s-1".parse().unwrap(),
    };
    Decision { by: "operator".into(), reason: reason.into(), signature: None, act }
}

/// An entry of each kind in turn.
fn entry(number: u64) -> Entry {
    match number % 3 {
        0 => Entry::Report(report(1 + u32::try_from(number).unwrap(), number)),
        1 => Entry::Observation(observation(number)),
        _ => Entry::Decision(decision(&format!("reason {number}"))),
    }
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_millis(number)
}

type Result = std::result::Result<Journaled<Entry>, AppendError>;

/// A journal that is being written, and what comes out of it.
struct Writing {
    appender: Appender<u64>,
    thread: WriterThread,
    released: mpsc::Receiver<(u64, Option<Result>)>,
}

impl Writing {
    fn start(journal: Journal) -> Self {
        let (send, released) = mpsc::channel();
        let (appender, thread) = journal
            .start(move |batch| {
                for item in batch {
                    let item = match item {
                        Released::Recorded { result, context } => (context, Some(result)),
                        Released::Passed { context } => (context, None),
                    };
                    let _ = send.send(item); // a test that has seen enough looks no longer
                }
            })
            .unwrap();
        Self { appender, thread, released }
    }

    fn next(&self) -> (u64, Option<Result>) {
        self.released.recv_timeout(Duration::from_secs(20)).unwrap()
    }

    /// Appends one record and waits for it.
    fn append(&self, entry: Entry, arrival: u64) -> Journaled<Entry> {
        self.appender.append_blocking(entry, at(arrival), arrival).unwrap();
        self.next().1.unwrap().unwrap()
    }

    fn end(self) {
        drop(self.appender);
        self.thread.join().unwrap();
    }
}

fn open(dir: &Path) -> (Journal, Recovered) {
    Journal::open(dir, DEFINITION, SMALL).unwrap()
}

/// A journal of entries 1 to `records`, each in a batch of its own.
fn written(dir: &Path, records: u64) {
    let writing = Writing::start(open(dir).0);
    for number in 1..=records {
        writing.append(entry(number), number);
    }
    writing.end();
}

/// What a record says, to be compared.
fn said(record: &Journaled<Entry>) -> (u64, u64, String) {
    let entry = match record.entry() {
        Entry::Report(report) => format!("{} {:?}", report.topic(), report.envelope()),
        Entry::Decision(decision) => format!("{decision:?}"),
        Entry::Observation(observation) => format!("{observation:?}"),
    };
    (record.offset().0, record.arrival().millis(), entry)
}

/// Offsets of what was recovered; each record says what it said when it was written.
#[track_caller]
fn recovered(recovered: &Recovered) -> Vec<u64> {
    let check = |record: journal::Journaled<Entry>| {
        let number = record.offset().0;
        assert_eq!(said(&record).2, said_of(number));
        number
    };
    recovered.records().map(|record| check(record.unwrap())).collect()
}

fn said_of(number: u64) -> String {
    match entry(number) {
        Entry::Report(report) => format!("{} {:?}", report.topic(), report.envelope()),
        Entry::Decision(decision) => format!("{decision:?}"),
        Entry::Observation(observation) => format!("{observation:?}"),
    }
}
