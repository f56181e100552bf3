//! The database goes away, is killed in mid-transaction, is slow, has no room, refuses a row: the night goes on, and
//! afterwards the database has every row once.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a test that cannot go on says so

mod support;

use std::{
    process::Command,
    sync::atomic::Ordering::Relaxed,
    time::{Duration, Instant},
};

use history::{Database, Outbox, Record, Value, table};
use support::{
    House,
    cluster::{Cluster, database, open_to_all, program, run},
    complete::{is_complete, rows_there},
    country::OPEN,
    decision,
    delay::Delay,
    file_with_reports, observation,
    pauses::Pauses,
    report_row, timescale,
};
use tempfile::TempDir;

/// So long the database is away in the tests; `make drill-history` takes ten minutes.
fn outage() -> Duration {
    let seconds = std::env::var("SANAK_DRILL_OUTAGE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

/// Publishes and records for so long, four versions a second; how long each publication took, and the longest time that
/// the machine let anybody wait meanwhile.
fn busy(house: &mut House, time: Duration) -> (Vec<Duration>, Duration) {
    let (began, mut took, pauses) = (Instant::now(), Vec::new(), Pauses::watch());
    let mut number = 0;
    while began.elapsed() < time {
        number += 1;
        house.night.turnout(number % 9 + 1, house.night.of(number % 9 + 1).turnout.identified.get() + 1);
        let cut = house.night.cut();
        let publishing = Instant::now();
        house.feed.publish(cut).unwrap();
        took.push(publishing.elapsed());
        let flag = observation("t-1", number % 2 == 0);
        tokio::task::block_in_place(|| house.appender.append_blocking(flag, house.night.now, ())).unwrap();
        std::thread::sleep(Duration::from_millis(250));
    }
    (took, pauses.longest())
}

/// Publication waits for no database: it takes no longer than a tenth of the feed's own quarter of a second, or than a few
/// of the pauses that the machine makes by itself.
fn assert_unhindered((took, pause): &(Vec<Duration>, Duration)) {
    let most = Duration::from_millis(25).max(*pause * 4);
    assert!(worst(took) < most, "{:?}, where the machine paused for {pause:?}", worst(took));
}

fn worst(took: &[Duration]) -> Duration {
    took.iter().copied().max().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_in_the_busiest_hour_is_missed_by_nobody_and_catches_up() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    let shipper = house.ship_on(&cluster.database());
    house.until_shipped().await;
    let before = busy(&mut house, Duration::from_secs(2));
    cluster.down();
    let away = busy(&mut house, outage());
    assert!(!house.progress.connected.load(Relaxed) && house.progress.rows_behind.load(Relaxed) > 0);
    assert!(house.progress.trouble().unwrap().contains("the history's database"));
    assert_eq!(house.progress.errors.load(Relaxed), 0, "the file is written as before");
    cluster.up();
    let back = Instant::now();
    house.until_shipped().await;
    println!(
        "publishing took at most {:?} before and {:?} while the database was away for {:?}; caught up after {:?}",
        worst(&before.0),
        worst(&away.0),
        outage(),
        back.elapsed()
    );
    assert_unhindered(&away);
    assert_eq!(house.progress.trouble(), None);
    house.stop();
    house.until_shipped().await;
    shipper.stop().await;
    is_complete(&house.file(), "kg-test", &cluster.database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_killed_in_mid_transaction_has_every_row_once_in_the_end() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    house.stop();
    let mut outbox = Outbox::open(&house.file()).unwrap();
    for tens in 0..6 {
        file_with_reports(&mut outbox, tens * 10_000 + 1..=(tens + 1) * 10_000);
    }
    let shipper = house.ship_on(&cluster.database());
    let mut kills = 0;
    for wait in [400, 150, 60, 250] {
        let shipped = house.progress.shipped.load(Relaxed);
        std::thread::sleep(Duration::from_millis(wait));
        cluster.kill();
        kills += 1;
        assert!(house.progress.shipped.load(Relaxed) >= shipped);
        cluster.up();
        let reached = house.progress.shipped.load(Relaxed);
        let more = |house: &House| {
            house.progress.shipped.load(Relaxed) > reached || house.progress.rows_behind.load(Relaxed) == 0
        };
        tokio::task::block_in_place(|| house.until(more));
    }
    house.until_shipped().await;
    shipper.stop().await;
    assert_eq!(kills, 4);
    is_complete(&house.file(), "kg-test", &cluster.database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_lags_and_publication_does_not() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    let delay = Delay::towards(cluster.port, Duration::from_millis(80));
    let slow = database(&format!("postgresql://owner@127.0.0.1:{}/postgres", delay.port));
    let shipper = house.ship_on(&slow);
    let took = busy(&mut house, Duration::from_secs(4));
    assert_unhindered(&took);
    house.stop();
    house.progress.rows_behind.store(u64::MAX, Relaxed);
    house.until_shipped().await;
    shipper.stop().await;
    assert!(delay.passed.load(Relaxed) > 10_000);
    is_complete(&house.file(), "kg-test", &cluster.database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_database_is_waited_out() {
    let dir = TempDir::new().unwrap();
    let room = dir.path().join("room");
    std::fs::create_dir(&room).unwrap();
    open_to_all(dir.path());
    // A file system of its own needs root; elsewhere the test says that it looked at nothing.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=160m,mode=777", "tmpfs"])
        .arg(&room)
        .status()
        .is_ok_and(|status| status.success());
    if !mounted {
        println!("not tried: mounting a small file system needs root");
        return;
    }
    let _unmounted = Unmount(room.clone());
    let lines = ["max_wal_size = 32MB", "min_wal_size = 32MB", "wal_recycle = off"];
    let cluster = Cluster::start_in(dir, room.join("pg"), &lines);
    let mut house = House::open();
    house.live_through();
    house.ship(&cluster.database()).await;
    let filler = room.join("filler");
    run(Command::new("sh")
        .arg("-c")
        .arg(format!("dd if=/dev/zero of={} bs=1M status=none || true", filler.display())));
    house.stop();
    file_with_reports(&mut Outbox::open(&house.file()).unwrap(), 1..=40_000);
    let shipper = house.ship_on(&cluster.database());
    std::thread::sleep(Duration::from_secs(4));
    assert!(house.progress.trouble().is_some(), "{:?}", house.progress);
    std::fs::remove_file(&filler).unwrap();
    // Where it had no room for its log it may have stopped altogether, as an operator would find it.
    let alive =
        program("pg_ctl").args(["-D", &room.join("pg").display().to_string(), "status"]).status().unwrap();
    if !alive.success() {
        cluster.up();
    }
    house.until_shipped().await;
    shipper.stop().await;
    is_complete(&house.file(), "kg-test", &cluster.database()).await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_row_goes_to_the_dead_letters_and_the_rest_goes_through() {
    poisoned(&Cluster::start().database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_row_goes_to_the_dead_letters_of_timescaledb_too() {
    for lane in timescale::lanes() {
        println!("TimescaleDB: {}", lane.what());
        poisoned(&database(&lane.url())).await;
    }
}

async fn poisoned(database: &Database) {
    let mut house = House::open();
    house.live_through();
    house.append(decision("first", "u-1"), OPEN);
    house.append(decision("a zero\0 in the middle", "u-1"), OPEN);
    house.append(decision("last", "u-1"), OPEN);
    house.stop();
    let mut outbox = Outbox::open(&house.file()).unwrap();
    let mut rows: Vec<Record> = (11..=3_000).map(|place| report_row(place, "t-1", 1, "turnout")).collect();
    rows[700].row[3] = Value::Time(i64::MAX); // no moment that PostgreSQL has
    rows[1_900].row[7] = Value::text("turn\0out");
    outbox.add_records("kg-test", &rows, 3_000).unwrap();
    house.ship(database).await;
    assert_eq!(house.progress.dead_letters.load(Relaxed), 3);
    let there = database.connect(Duration::from_secs(10)).await.unwrap();
    let letters = "SELECT of, place, reason, content FROM dead_letter ORDER BY of, place";
    let letters = there.client.query(letters, &[]).await.unwrap();
    let told: Vec<(String, i64)> = letters.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("decision".into(), 2), ("report".into(), 711), ("report".into(), 1_911)]);
    let (reason, content): (String, String) = (letters[0].get(2), letters[0].get(3));
    assert!(
        reason.contains("22021") && content.contains("a zero\\u0000 in the middle"),
        "{reason} {content}"
    );
    assert_eq!(rows_there(database, "kg-test", &table::REPORT).await.len(), rows.len() - 2);
    assert_eq!(rows_there(database, "kg-test", &table::DECISION).await.len(), 2);
    let here = rusqlite::Connection::open(house.file()).unwrap();
    let kept: i64 = here.query_row("SELECT count(*) FROM dead_letter", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 3);
}

/// Connections are cut while a batch is on its way, after amounts that differ from round to round.
async fn cut_again_and_again((url, to): (&str, u16), reports: i64) {
    let mut house = House::open();
    house.live_through();
    house.stop();
    let mut outbox = Outbox::open(&house.file()).unwrap();
    for part in 0..reports / 5_000 {
        file_with_reports(&mut outbox, part * 5_000 + 1..=(part + 1) * 5_000);
    }
    let way = Delay::towards(to, Duration::ZERO);
    let shipper = house.ship_on(&database(&url.replacen(&format!(":{to}/"), &format!(":{}/", way.port), 1)));
    let mut cuts = 0;
    for amount in [300_000, 900_000, 1_400_000, 500_000] {
        // In the middle of a batch: so much of it is on its way.
        let passed = way.passed.load(Relaxed);
        let under_way = |house: &House| {
            way.passed.load(Relaxed) > passed + amount
                || (house.progress.connected.load(Relaxed) && house.progress.rows_behind.load(Relaxed) == 0)
        };
        tokio::task::block_in_place(|| house.until(under_way));
        cuts += u32::from(way.passed.load(Relaxed) > passed + amount);
        house.progress.connected.store(false, Relaxed);
        way.cut();
    }
    assert!(cuts > 1, "it was cut {cuts} times");
    house.until_shipped().await;
    shipper.stop().await;
    is_complete(&house.file(), "kg-test", &database(url)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_in_mid_transaction_leaves_every_row_once() {
    let cluster = Cluster::start();
    cut_again_and_again((&cluster.url(), cluster.port), 60_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_to_timescaledb_that_is_cut_in_mid_transaction_leaves_every_row_once() {
    for lane in timescale::lanes() {
        println!("TimescaleDB: {}", lane.what());
        match lane.port() {
            Some(port) => cut_again_and_again((&lane.url(), port), 30_000).await,
            None => println!("not tried: it is on another machine, and the way to it is not ours to cut"),
        }
    }
}

/// Unmounts when it is dropped.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
