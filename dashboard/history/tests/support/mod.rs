//! A night that is published, recorded, and followed into a file.
#![allow(clippy::unwrap_used, missing_docs, dead_code)] // a test that cannot go on says so, and uses a part of this

pub mod cluster;
pub mod complete;
#[path = "../../../feed/tests/country/mod.rs"]
pub mod country;
pub mod delay;
pub mod pauses;
pub mod timescale;

use std::{
    ops::RangeInclusive,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cluster::Cluster;
use country::{CLOSE, Night, OPEN, SMALL};
use election::{
    DeviceId, ElectionId, PrecinctId, Timestamp,
    figures::Phase,
    record::{Act, Decision, Observation},
    report::Digest,
};
use feed::{Feed, Latest};
use history::{
    About, Database, Follower, Outbox, Past, Progress, Record, Shipper, Shipping, Sources, SqliteStore,
    Value, table,
};
use journal::{Appender, Entry, Journal, Options, WriterThread};
use tempfile::TempDir;

pub fn election() -> ElectionId {
    "kg-test".parse().unwrap()
}

/// A night whose rows go into a file.
pub struct House {
    pub dir: TempDir,
    pub feed: Arc<Feed>,
    pub night: Night,
    pub progress: Arc<Progress>,
    pub appender: Appender<()>,
    follower: Option<Follower>,
    _writer: WriterThread,
    reader: journal::Reader,
}

pub fn about(feed: &Feed) -> About {
    About::of(feed.definition(), r#"{"id":"kg-test"}"#.into())
}

impl House {
    pub fn open() -> Self {
        let definition = country::definition(SMALL);
        let dir = TempDir::new().unwrap();
        let (journal, _) =
            Journal::open(&dir.path().join("journal"), Digest([1; 32]), Options::default()).unwrap();
        let reader = journal.reader();
        let (appender, writer) = journal.start(|_| {}).unwrap();
        let feed = Arc::new(country::feed(&definition));
        let progress = Arc::<Progress>::default();
        let night = Night::new(&definition);
        let mut house =
            Self { dir, feed, night, progress, appender, follower: None, _writer: writer, reader };
        house.follow();
        house
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join(history::FILE)
    }

    pub fn past(&self) -> Past {
        let runtime = tokio::runtime::Handle::current();
        Past::new(Arc::new(SqliteStore::new(self.file(), Duration::from_secs(5), runtime)))
    }

    /// Begins to follow, also after a restart.
    pub fn follow(&mut self) {
        let sources = Sources {
            file: self.file(),
            feed: Arc::clone(&self.feed),
            reader: self.reader.clone(),
            about: about(&self.feed),
            every: Duration::ZERO,
            progress: Arc::clone(&self.progress),
        };
        self.follower = Some(Follower::start(sources).unwrap());
    }

    pub fn stop(&mut self) {
        self.follower.take().unwrap().stop();
    }

    /// The service starts again: another epoch, whose first good version shows what was counted before.
    pub fn restart(&mut self, epoch: &str) {
        drop(self.follower.take());
        let definition = Arc::clone(self.feed.definition());
        let options = feed::Options::starting(self.night.now);
        self.feed = Arc::new(Feed::new(definition, epoch.parse().unwrap(), options).unwrap());
        self.follow();
    }

    /// A night that a database has, with two decisions, whose file is lost: nobody follows.
    pub async fn lost(cluster: &Cluster) -> Self {
        let mut house = Self::open();
        house.live_through();
        for reason in ["one", "two"] {
            house.append(decision(reason, "u-1"), OPEN);
        }
        house.stop();
        house.ship(&cluster.database()).await;
        house.lose_file();
        house
    }

    /// Removes the file, which nobody has open.
    pub fn lose_file(&self) {
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", self.file().display()));
        }
    }

    /// The same where the file is gone: it was stopped before.
    pub fn restart_from_nothing(&mut self, epoch: &str) {
        self.progress.rows.store(0, Relaxed);
        let definition = Arc::clone(self.feed.definition());
        let options = feed::Options::starting(self.night.now);
        self.feed = Arc::new(Feed::new(definition, epoch.parse().unwrap(), options).unwrap());
        self.night = Night::new(self.feed.definition());
        self.night.now = self.feed.current().at() + Duration::from_secs(1);
        self.follow();
        self.until(|house| house.progress.rows.load(Relaxed) >= 2);
    }

    /// Publishes, and waits until it is on record.
    pub fn publish(&mut self) -> Arc<Latest> {
        let cut = self.night.cut();
        self.feed.publish(cut).unwrap();
        let before = self.progress.rows.load(Relaxed);
        self.until(|house| house.progress.rows.load(Relaxed) > before);
        self.feed.latest()
    }

    /// Publishes after a restart, as the publisher does after a replay: all that was counted before, in one cut.
    pub fn publish_anew(&mut self) -> Arc<Latest> {
        let ids: Vec<u32> = self.night.definition.precincts().keys().map(|id| id.get()).collect();
        for number in ids {
            let figures = self.night.of(number);
            self.night.change(number, |all| all.quarantined += 1);
            self.night.change(number, |all| *all = figures);
        }
        self.publish()
    }

    /// Copies what is in the file to a database, until all of it is there.
    pub async fn ship(&self, database: &Database) {
        let shipper = self.ship_on(database);
        self.until_shipped().await;
        shipper.stop().await;
    }

    /// Begins to copy.
    pub fn ship_on(&self, database: &Database) -> Shipper {
        self.progress.connected.store(false, Relaxed);
        self.progress.rows_behind.store(u64::MAX, Relaxed);
        Shipper::start(Shipping {
            file: self.file(),
            election: "kg-test".into(),
            database: database.clone(),
            keep: None,
            progress: Arc::clone(&self.progress),
        })
    }

    pub async fn until_shipped(&self) {
        let done = |house: &Self| {
            house.progress.connected.load(Relaxed) && house.progress.rows_behind.load(Relaxed) == 0
        };
        tokio::task::block_in_place(|| self.until(done));
    }

    /// A day and a night: every version that was published.
    pub fn live_through(&mut self) -> Vec<Arc<Latest>> {
        let mut versions = Vec::new();
        self.night.phase(Phase::Open);
        versions.push(self.publish());
        for (minute, identified) in [(60, 100), (61, 140), (300, 400)] {
            self.night.now = OPEN + Duration::from_secs(minute * 60);
            self.night.turnout(1, identified);
            self.night.turnout(2, identified / 2);
            versions.push(self.publish());
        }
        self.night.report(9, 7); // abroad, before votes are shown
        versions.push(self.publish());
        self.night.now = CLOSE + Duration::from_secs(1);
        self.night.votes = true;
        self.night.report(1, 20);
        versions.push(self.publish());
        self.night.now = CLOSE + Duration::from_secs(600);
        self.night.report(2, 30);
        versions.push(self.publish());
        versions
    }

    /// Puts something on record and waits until it is in the file.
    pub fn append(&self, entry: Entry, at: Timestamp) {
        let before = self.progress.rows.load(Relaxed);
        tokio::task::block_in_place(|| self.appender.append_blocking(entry, at, ())).unwrap();
        self.until(|house| house.progress.rows.load(Relaxed) > before);
    }

    pub fn until(&self, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?}", self.progress);
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

pub fn decision(reason: &str, device: &str) -> Entry {
    let precinct = PrecinctId::new(1).unwrap();
    let act = Act::Revoke { precinct, device: device.parse().unwrap() };
    Entry::Decision(Decision { by: "B. Asanova".into(), reason: reason.into(), signature: None, act })
}

pub fn observation(device: &str, raised: bool) -> Entry {
    let (precinct, device) = (PrecinctId::new(1).unwrap(), device.parse::<DeviceId>().unwrap());
    Entry::Observation(Observation::Device { precinct, device, code: election::Code::W09, raised })
}

/// A report's row as the follower writes it.
pub fn report_row(place: i64, device: &str, precinct: i64, of: &str) -> Record {
    let arrival = i64::try_from(OPEN.millis()).unwrap() + place * 1000;
    let row = vec![
        Value::text("kg-test"),
        Value::Int(place),
        Value::Time(arrival),
        if place % 5 == 0 { Value::Null } else { Value::Time(arrival - 500) },
        Value::text(device),
        Value::Int(precinct),
        Value::Int(place / 3 + 1),
        Value::text(of),
        Value::Bytes(Bytes::from(vec![u8::try_from(place % 250).unwrap(); 32])),
        Value::Bytes(Bytes::from(vec![0xd2; usize::try_from(place % 90).unwrap() + 10])),
    ];
    Record { table: &table::REPORT, row }
}

/// Reports of three devices at these places of the journal, put into a file.
pub fn file_with_reports(outbox: &mut Outbox, places: RangeInclusive<i64>) {
    let devices = [("t-1", 1, "turnout"), ("t-2", 2, "closing"), ("u-1", 1, "tally")];
    let through = u64::try_from(*places.end()).unwrap();
    let rows: Vec<Record> = places
        .map(|place| {
            let (device, precinct, of) = devices[usize::try_from(place % 3).unwrap()];
            report_row(place, device, precinct, of)
        })
        .collect();
    outbox.add_records("kg-test", &rows, through).unwrap();
}
