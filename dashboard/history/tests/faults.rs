//! The database goes away, is killed in mid-transaction, is slow, has no room, refuses a row: the night goes on, and
//! afterwards the database has every row once.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a test that cannot go on says so

mod support;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use history::{
    Database, Outbox, Record, Value,
    table::{self, TABLES, Table},
};
use support::{
    House,
    cluster::{Cluster, database, open_to_all, program, run},
    country::OPEN,
    decision, file_with_reports, observation, report_row,
};
use tempfile::TempDir;

/// So long the database is away in the tests; `make drill-history` takes ten minutes.
fn outage() -> Duration {
    let seconds = std::env::var("SANAK_DRILL_OUTAGE").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(8))
}

/// Publishes and records for so long, four versions a second; how long each publication took.
fn busy(house: &mut House, time: Duration) -> Vec<Duration> {
    let (began, mut took) = (Instant::now(), Vec::new());
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
    took
}

fn worst(took: &[Duration]) -> Duration {
    took.iter().copied().max().unwrap()
}

/// The rows of a table in the database, as text.
async fn rows_there(database: &Database, table: &Table) -> Vec<String> {
    let connected = database.connect(Duration::from_secs(30)).await.unwrap();
    let columns = table.columns.iter().map(|column| match column.kind {
        history::Kind::Time => format!("(extract(epoch FROM {}) * 1000)::bigint::text", column.name),
        history::Kind::Bytes => format!("encode({}, 'hex')", column.name),
        _ => format!("{}::text", column.name),
    });
    let columns: Vec<String> = columns.map(|column| format!("coalesce({column}, '')")).collect();
    let sql = format!("SELECT concat_ws('|', {}) AS line FROM {} ORDER BY 1", columns.join(", "), table.name);
    let rows = connected.client.query(&sql, &[]).await.unwrap();
    let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    rows.sort();
    rows
}

fn rows_here(house: &House, table: &Table) -> Vec<String> {
    let outbox = Outbox::open(&house.file()).unwrap();
    let cell = |value: Value| match value {
        Value::Null => String::new(),
        Value::Int(number) | Value::Time(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Bool(is) => is.to_string(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let rows = outbox.rows(table, "kg-test", (-1, i64::MAX), u32::MAX).unwrap().into_iter();
    let mut rows: Vec<String> =
        rows.map(|row| row.into_iter().map(cell).collect::<Vec<_>>().join("|")).collect();
    rows.sort();
    rows
}

/// Every row of the file is in the database, once, as it is.
async fn is_complete(house: &House, database: &Database) {
    for table in TABLES {
        let (here, there) = (rows_here(house, table), rows_there(database, table).await);
        assert_eq!(there.len(), here.len(), "{}", table.name);
        assert!(there == here, "{}: rows differ", table.name);
    }
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
        worst(&before),
        worst(&away),
        outage(),
        back.elapsed()
    );
    // A tenth of the feed's own quarter of a second, on a machine that does much else meanwhile.
    assert!(worst(&away) < Duration::from_millis(25).max(worst(&before) * 3), "{:?}", worst(&away));
    assert_eq!(house.progress.trouble(), None);
    house.stop();
    house.until_shipped().await;
    shipper.stop().await;
    is_complete(&house, &cluster.database()).await;
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
    is_complete(&house, &cluster.database()).await;
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
    assert!(worst(&took) < Duration::from_millis(25), "{:?}", worst(&took));
    house.stop();
    house.progress.rows_behind.store(u64::MAX, Relaxed);
    house.until_shipped().await;
    shipper.stop().await;
    assert!(delay.passed.load(Relaxed) > 10_000);
    is_complete(&house, &cluster.database()).await;
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
    is_complete(&house, &cluster.database()).await;
    drop(cluster);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poisonous_row_goes_to_the_dead_letters_and_the_rest_goes_through() {
    let cluster = Cluster::start();
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
    house.ship(&cluster.database()).await;
    assert_eq!(house.progress.dead_letters.load(Relaxed), 3);
    let there = cluster.database().connect(Duration::from_secs(10)).await.unwrap();
    let letters = "SELECT of, place, reason, content FROM dead_letter ORDER BY of, place";
    let letters = there.client.query(letters, &[]).await.unwrap();
    let told: Vec<(String, i64)> = letters.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(told, [("decision".into(), 2), ("report".into(), 711), ("report".into(), 1_911)]);
    let (reason, content): (String, String) = (letters[0].get(2), letters[0].get(3));
    assert!(
        reason.contains("22021") && content.contains("a zero\\u0000 in the middle"),
        "{reason} {content}"
    );
    assert_eq!(rows_there(&cluster.database(), &table::REPORT).await.len(), rows.len() - 2);
    assert_eq!(rows_there(&cluster.database(), &table::DECISION).await.len(), 2);
    let here = rusqlite::Connection::open(house.file()).unwrap();
    let kept: i64 = here.query_row("SELECT count(*) FROM dead_letter", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 3);
}

/// Unmounts when it is dropped.
struct Unmount(std::path::PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A way to a port on which everything takes longer, in both directions.
struct Delay {
    port: u16,
    passed: Arc<AtomicU64>,
}

impl Delay {
    fn towards(port: u16, by: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap().port();
        let passed = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&passed);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
                for (from, to) in ways {
                    let (from, to, counted) = (from.unwrap(), to.unwrap(), Arc::clone(&counted));
                    std::thread::spawn(move || pass(from, to, by, &counted));
                }
            }
        });
        Self { port: own, passed }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, by: Duration, counted: &AtomicU64) {
    let mut part = [0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut part) {
        std::thread::sleep(by);
        counted.fetch_add(read as u64, Relaxed);
        if to.write_all(&part[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}
