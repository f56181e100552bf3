//! A disk that hangs and then refuses, under many devices: the journal's thread never waits for a worker, which may
//! wait for the journal.

use std::{
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

use broker::{Ack, Down, Downlink, Message, Peer};
use bytes::Bytes;
use device_wire::{Channel, SigningKey, Topic, encode_report, sign};
use election::{
    Count, DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known},
    report::{Body, Digest, Report, Seq},
};
use journal::{Appender, Clock, Entry, Journal, Journaled, Released, SystemClock};
use prometheus::Registry;
use tokio::sync::Semaphore;

use crate::{
    Answer, Answers, Context, Counting, Keys, Life, Metrics, Quota, Signer,
    intake::{WAITING, Workers},
    worker::{Shared, Work, Worker},
};

/// Devices, and reports of each: many more than letter box, journal and flight hold together.
const DEVICES: usize = 150;
const REPORTS: u64 = 10;
const IN_FLIGHT: usize = 64;

/// Nobody is on line: answers find no way.
struct Nowhere;

impl Down for Nowhere {
    fn publish(&self, _: &str, _: Bytes) -> bool {
        false
    }

    fn disconnect(&self, _: &str) {}
}

/// Takes what is durable and has no opinion of it.
#[derive(Default)]
struct Stored(Mutex<Vec<Digest>>);

impl Counting for Stored {
    fn report(&self, record: Arc<Journaled<Entry>>) -> Answer<Vec<Judgement>> {
        if let Entry::Report(report) = record.entry() {
            self.0.lock().unwrap().push(report.digest());
        }
        Box::pin(async { Ok(Vec::new()) })
    }

    fn known(&self, _: PrecinctId, _: DeviceId, _: Seq, _: Digest) -> Answer<Option<Known>> {
        Box::pin(async { Ok(None) })
    }

    fn heard(&self, _: Life, _: Timestamp) {}
}

/// How the disk is.
#[derive(Default)]
struct Disk {
    hangs: AtomicBool,
    refuses: AtomicBool,
}

struct House {
    disk: Arc<Disk>,
    stored: Arc<Stored>,
    metrics: Metrics,
    box_of_worker: mpsc::SyncSender<Work>,
    _dir: tempfile::TempDir,
}

impl House {
    /// One worker, and a journal whose thread does on release what the disk says.
    fn open(runtime: &tokio::runtime::Runtime) -> Self {
        let dir = tempfile::TempDir::new().unwrap();
        let (stored, disk) = (Arc::<Stored>::default(), Arc::<Disk>::default());
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let (box_of_worker, letters) = mpsc::sync_channel(WAITING);
        let answers = Arc::new(Answers {
            election: "e-1".parse().unwrap(),
            signer: Signer { kid: "centre".into(), key: SigningKey::from_bytes(&[1; 32]) },
            downlink: Downlink::new(Nowhere),
            counting: Arc::clone(&stored) as Arc<dyn Counting>,
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
            metrics: metrics.clone(),
            runtime: runtime.handle().clone(),
            in_flight: Arc::new(Semaphore::new(IN_FLIGHT)),
            workers: OnceLock::from(Workers(vec![box_of_worker.clone()])),
            unstored: Mutex::default(),
            any_unstored: AtomicBool::new(false),
        });
        let appender = journal(dir.path(), Arc::clone(&disk), Arc::clone(&answers));
        let names: Vec<String> = (0..DEVICES).map(device).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let shared = Shared {
            election: answers.election.clone(),
            keys: Arc::new(Keys::with(&names)),
            appender,
            answers: Arc::clone(&answers),
            counting: Arc::clone(&stored) as Arc<dyn Counting>,
            clock: Arc::new(SystemClock),
            metrics: metrics.clone(),
            refusals: Arc::default(),
            gaps: Arc::default(),
            quota: Quota { reports: REPORTS, ..Quota::default() },
            over_quota: Arc::default(),
        };
        let worker = Worker::new(Arc::new(shared), std::collections::HashMap::new());
        std::thread::spawn(move || worker.run(&letters));
        Self { disk, stored, metrics, box_of_worker, _dir: dir }
    }

    /// Hands every report of every device to the worker, as the intake does, from a thread that may wait. The
    /// number counts those that are handed over.
    fn send_all(&self) -> (Arc<AtomicUsize>, std::thread::JoinHandle<()>) {
        let (sent, worker) = (Arc::new(AtomicUsize::new(0)), self.box_of_worker.clone());
        let counted = Arc::clone(&sent);
        let sending = std::thread::spawn(move || {
            for (seq, number) in (1..=REPORTS).flat_map(|seq| (0..DEVICES).map(move |of| (seq, of))) {
                let work =
                    Work::Message(Box::new(message(number, seq)), Timestamp::from_millis(9), Instant::now());
                worker.send(work).unwrap();
                counted.fetch_add(1, SeqCst);
            }
        });
        (sent, sending)
    }
}

/// A journal on a disk that is well. What comes out of it is stored or not as the test says.
fn journal(dir: &std::path::Path, disk: Arc<Disk>, answers: Arc<Answers>) -> Appender<Context> {
    let options = journal::Options { queue: 32, batch_records: 16, ..journal::Options::default() };
    let (journal, _) = Journal::open(dir, Digest([1; 32]), options).unwrap();
    let sink = move |batch: Vec<Released<Context>>| {
        while disk.hangs.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        for released in batch {
            match released {
                Released::Recorded { context, .. } if disk.refuses.load(SeqCst) => answers.unstored(context),
                Released::Recorded { result, context } => answers.stored(Arc::new(result.unwrap()), context),
                Released::Passed { context } => answers.passed(context),
            }
        }
    };
    journal.start(sink).unwrap().0
}

fn device(number: usize) -> String {
    format!("d-{number}")
}

fn message(number: usize, seq: Seq) -> Message {
    let device = device(number);
    let topic = Topic {
        election: "e-1".parse().unwrap(),
        precinct: "7".parse().unwrap(),
        device: device.parse().unwrap(),
        channel: Channel::Report,
    };
    let report = Report {
        election: topic.election.clone(),
        precinct: topic.precinct,
        device: topic.device.clone(),
        seq,
        prev: if seq == 1 { Digest::NONE } else { Digest([1; 32]) },
        at: Timestamp::from_millis(1),
        body: Body::OpeningTerminal { identified: Count::ZERO },
    };
    let envelope = sign(&topic, &device, &encode_report(&report), &SigningKey::from_bytes(&[7; 32]));
    let (topic, peer) = (topic.to_string(), Peer::Claimed(device));
    Message { topic, payload: envelope.into(), retained: false, peer, ack: Ack::none() }
}

fn within(patience: Duration, what: &str, so: impl Fn() -> bool) {
    let until = Instant::now() + patience;
    while !so() {
        assert!(Instant::now() < until, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_disk_that_hangs_and_then_refuses_stops_nobody_for_good_and_all_is_stored_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let house = House::open(&runtime);
    let all = DEVICES * usize::try_from(REPORTS).unwrap();
    house.disk.hangs.store(true, SeqCst);
    house.disk.refuses.store(true, SeqCst);
    let (sent, sending) = house.send_all();
    // Everything is full: flight, the journal's queue, the worker's letter box.
    within(Duration::from_secs(20), "the letter box does not fill", || sent.load(SeqCst) > WAITING);
    let at_rest = || {
        let before = sent.load(SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        sent.load(SeqCst) == before
    };
    within(Duration::from_secs(20), "nothing waits", at_rest);
    assert!(sent.load(SeqCst) < all, "the worker waits for the journal");

    house.disk.hangs.store(false, SeqCst);
    within(Duration::from_secs(30), "the journal's thread and the worker wait for each other", || {
        sent.load(SeqCst) == all
    });
    sending.join().unwrap();
    within(Duration::from_secs(30), "not all were refused", || house.metrics.unstored.get() == all as u64);
    assert!(house.stored.0.lock().unwrap().is_empty());

    // The disk is well again and the devices repeat: what was refused is new, and no part of a quota.
    house.disk.refuses.store(false, SeqCst);
    house.send_all().1.join().unwrap();
    within(Duration::from_secs(30), "not all is stored", || house.stored.0.lock().unwrap().len() == all);
    house.send_all().1.join().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    let mut digests = house.stored.0.lock().unwrap().clone();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!((digests.len(), house.stored.0.lock().unwrap().len()), (all, all), "each once");
    runtime.shutdown_background();
}
