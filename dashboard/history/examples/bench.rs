//! `make bench-history`: how fast rows go into PostgreSQL beside psql's own copy of the same rows, and how long the time
//! machine takes over ten million rows in either store, with the plans of its questions. `cargo run --example bench --
//! [writing] [postgresql] [sqlite] [ROWS VERSIONS]`: all three where none is named.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a measurement that cannot go on says so

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use election::{Timestamp, UnitId};
use history::{
    About, Dialect, Kind, Outbox, Past, PostgresStore, Progress, Question, Shipper, Shipping, SqliteStore,
    Store, Units, Value, When,
};
use support::{
    cluster::{Cluster, program, run},
    country::OPEN,
    election, file_with_reports,
};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Units of the whole country: above precincts, and precincts.
const UPPER: i64 = 141;
const PRECINCTS: i64 = 2_459;
/// Times that each question is asked.
const ASKED: usize = 25;

#[tokio::main]
async fn main() {
    let (parts, numbers): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|text| text.parse::<i64>().is_err());
    let mut numbers = numbers.iter().map(|text| text.parse::<i64>().unwrap());
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|of| of == part);
    let (rows, versions) = (numbers.next().unwrap_or(400_000), numbers.next().unwrap_or(3_850));
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("pg");
    let cluster = Cluster::start_in(dir, data, &["fsync = on"]);
    if wanted("writing") {
        writing(&cluster, rows).await;
    }
    if wanted("postgresql") {
        in_postgresql(&cluster, versions).await;
    }
    if wanted("sqlite") {
        in_sqlite(versions).await;
    }
}

fn about() -> About {
    let election = history::Election {
        id: "kg-test".into(),
        name: "{}".into(),
        date: "2026-10-04".into(),
        kind: "parliamentary".into(),
        test: true,
        precincts: PRECINCTS,
        registered: 3_700_000,
        sealed_at: None,
    };
    About { election, definition: "{}".into() }
}

/// Reports out of a file into the database, and the same rows by `\copy` into the same tables, emptied.
async fn writing(cluster: &Cluster, rows: i64) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join(history::FILE);
    let mut outbox = Outbox::open(&file).unwrap();
    outbox.begin(&about(), &[("country".into(), "country")], None).unwrap();
    for from in (0..rows).step_by(20_000) {
        file_with_reports(&mut outbox, from + 1..=(from + 20_000).min(rows));
    }
    let progress = Arc::<Progress>::default();
    progress.rows_behind.store(u64::MAX, std::sync::atomic::Ordering::Relaxed);
    let mut connected = cluster.database().connect(Duration::from_secs(60)).await.unwrap();
    history::prepare(&mut connected.client).await.unwrap();
    for round in 1..=3 {
        connected
            .client
            .batch_execute("TRUNCATE report; TRUNCATE outbox; TRUNCATE follower; CHECKPOINT")
            .await
            .unwrap();
        let began = Instant::now();
        let shipper = Shipper::start(Shipping {
            file: file.clone(),
            election: "kg-test".into(),
            database: cluster.database(),
            keep: None,
            progress: Arc::clone(&progress),
        });
        let count = "SELECT coalesce((SELECT records FROM follower), 0)";
        while connected.client.query_one(count, &[]).await.unwrap().get::<_, i64>(0) < rows {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let ours = began.elapsed();
        shipper.stop().await;
        let copy = dir.path().join("rows.csv");
        std::fs::write(&copy, "").unwrap();
        run(Command::new("chmod").args(["666"]).arg(&copy));
        run(Command::new("chmod").args(["755"]).arg(dir.path()));
        psql(cluster, &format!("\\copy report TO '{}'", copy.display()));
        connected.client.batch_execute("TRUNCATE report; CHECKPOINT").await.unwrap();
        let began = Instant::now();
        psql(cluster, &format!("\\copy report FROM '{}'", copy.display()));
        let theirs = began.elapsed();
        let rate = |took: Duration| rows as f64 / took.as_secs_f64();
        println!(
            "round {round}: {rows} reports: out of the file into the database {:.0} rows/s, psql \\copy {:.0} rows/s: {:.2} of it",
            rate(ours),
            rate(theirs),
            rate(ours) / rate(theirs)
        );
    }
}

fn psql(cluster: &Cluster, command: &str) {
    let port = cluster.port.to_string();
    run(program("psql").args([
        "-h",
        "127.0.0.1",
        "-p",
        &port,
        "-U",
        "owner",
        "-d",
        "postgres",
        "-qc",
        command,
    ]));
}

/// A night of so many versions in which every unit changes each time: 2,600 rows a version.
async fn in_postgresql(cluster: &Cluster, versions: i64) {
    let connected = cluster.database().connect(Duration::from_secs(3_600)).await.unwrap();
    let began = Instant::now();
    let fill = format!(
        "SET session_replication_role = replica; SET synchronous_commit = off;
         TRUNCATE unit; TRUNCATE version; TRUNCATE state;
         INSERT INTO unit SELECT 'kg-test', n, CASE WHEN n = 0 THEN 'country' WHEN n < {UPPER} THEN 'raion:r-' || n
             ELSE 'precinct:' || n END, CASE WHEN n < {UPPER} THEN 'raion' ELSE 'precinct' END
             FROM generate_series(0, {UPPER} + {PRECINCTS} - 1) n;
         INSERT INTO version SELECT 'kg-test', v, 'e1', v, timestamptz '2026-10-04 02:00:00Z' + v * interval '12 seconds',
             'counting', true, v, 2459, v * 100, v * 200, '\"epoch\":\"e1\",\"version\":' || v
             FROM generate_series(1, {versions}) v;
         INSERT INTO state SELECT 'kg-test', v.seq, u.unit, v.at, 1, 1000, 1, 1000, v.seq, 1, 1000,
             convert_to('{{\"id\":\"' || u.unit || '\",\"votes\":' || v.seq || ',\"rest\":\"' || repeat('x', 200) || '\"}}', 'UTF8')
             FROM version v, unit u;
         RESET session_replication_role; ANALYZE"
    );
    connected.client.batch_execute(&fill).await.unwrap();
    let rows: i64 = connected.client.query_one("SELECT count(*) FROM state", &[]).await.unwrap().get(0);
    println!("{rows} states of {versions} versions, made in {:.0?}", began.elapsed());
    let store: Arc<dyn Store> = Arc::new(PostgresStore::new(&cluster.database(), Handle::current()).unwrap());
    ask("PostgreSQL", &Past::new(Arc::clone(&store)), versions).await;
    plans(&store, versions).await;
}

/// The same night in a file.
async fn in_sqlite(versions: i64) {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join(history::FILE);
    let began = Instant::now();
    fill_file(&file, versions);
    let bytes = std::fs::metadata(&file).unwrap().len() >> 20;
    println!(
        "SQLite: {} states in {bytes} MiB, made in {:.0?}",
        versions * (UPPER + PRECINCTS),
        began.elapsed()
    );
    let store: Arc<dyn Store> = Arc::new(SqliteStore::new(file, Duration::from_secs(60), Handle::current()));
    ask("SQLite", &Past::new(Arc::clone(&store)), versions).await;
    plans(&store, versions).await;
}

/// The same night in a file: rows in the order in which the follower writes them, and the indexes after them, which is
/// the same file in minutes.
fn fill_file(file: &std::path::Path, versions: i64) {
    let units: Vec<(String, &str)> = (0..UPPER + PRECINCTS)
        .map(|n| match n {
            0 => ("country".to_owned(), "country"),
            n if n < UPPER => (format!("raion:r-{n}"), "raion"),
            n => (format!("precinct:{n}"), "precinct"),
        })
        .collect();
    Outbox::open(file).unwrap().begin(&about(), &units, None).unwrap();
    let rest = "x".repeat(200);
    let open = moment(0);
    let fill = format!(
        "PRAGMA synchronous = OFF; BEGIN; DROP INDEX state_line; DROP INDEX state_seq;
         WITH RECURSIVE v(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < {versions})
         INSERT INTO version SELECT 'kg-test', n, 'e1', n, {open} + n * 12000, 'counting', 1, n, 2459, n * 100, n * 200,
             '\"epoch\":\"e1\",\"version\":' || n FROM v;
         INSERT INTO state SELECT 'kg-test', v.seq, u.unit, v.at, 1, 1000, 1, 1000, v.seq, 1, 1000,
             CAST('{{\"id\":\"' || u.unit || '\",\"votes\":' || v.seq || ',\"rest\":\"{rest}\"}}' AS BLOB)
             FROM version v CROSS JOIN unit u;
         CREATE UNIQUE INDEX state_line ON state (election, unit, at, seq);
         CREATE INDEX state_seq ON state (election, seq); COMMIT"
    );
    rusqlite::Connection::open(file).unwrap().execute_batch(&fill).unwrap();
}

fn moment(seq: i64) -> i64 {
    i64::try_from(OPEN.millis()).unwrap() + seq * 12_000
}

async fn ask(what: &str, past: &Past, versions: i64) {
    let mut took: Vec<(&str, Vec<Duration>)> = Vec::new();
    let mut note = |name: &'static str, time: Duration| match took.iter_mut().find(|(of, _)| *of == name) {
        Some((_, times)) => times.push(time),
        None => took.push((name, vec![time])),
    };
    for round in 0..ASKED {
        // Moments all over the night.
        let seq =
            versions * (i64::try_from(round * 7 % ASKED).unwrap() + 1) / (i64::try_from(ASKED).unwrap() + 1);
        let at = When::At(Timestamp::from_millis(u64::try_from(moment(seq)).unwrap()));
        let began = Instant::now();
        let of = past.moment(&election(), &at).await.unwrap().unwrap();
        note("the version of a moment", began.elapsed());
        assert_eq!(of.seq, seq);
        for (name, units, found) in [
            ("all units above precincts then", Units::Upper, UPPER),
            ("all precincts then", Units::Precincts, PRECINCTS),
            ("one precinct then", Units::One("precinct:1000".parse().unwrap()), 1),
        ] {
            let began = Instant::now();
            let units = past.units(&election(), &of, &units).await.unwrap();
            note(name, began.elapsed());
            assert_eq!(units.len(), usize::try_from(found).unwrap());
        }
        let began = Instant::now();
        let span = past.span(&election()).await.unwrap().unwrap();
        past.moments(&election(), (span.begin, span.end), 300_000).await.unwrap();
        note("the time line, every five minutes", began.elapsed());
        let country = UnitId::Country;
        let began = Instant::now();
        past.line(&election(), &country, 300_000, (1_500, true)).await.unwrap();
        note("the country's line of votes", began.elapsed());
    }
    for (name, mut times) in took {
        times.sort();
        println!(
            "{what}: {name}: median {:.1} ms, slowest of {} {:.1} ms",
            times[times.len() / 2].as_secs_f64() * 1e3,
            times.len(),
            times[times.len() - 1].as_secs_f64() * 1e3
        );
    }
}

async fn plans(store: &Arc<dyn Store>, versions: i64) {
    let past = Past::new(Arc::clone(store));
    // SQLite tells a step of its plan in the last of four columns.
    let (explain, kinds) = match store.dialect() {
        Dialect::Postgres => ("EXPLAIN (ANALYZE, BUFFERS)", vec![Kind::Text]),
        Dialect::Sqlite => ("EXPLAIN QUERY PLAN", vec![Kind::Int, Kind::Int, Kind::Int, Kind::Text]),
    };
    let of = history::Moment {
        seq: versions / 2,
        position: format!("e1:{}", versions / 2).parse().unwrap(),
        at: Timestamp::from_millis(u64::try_from(moment(versions / 2)).unwrap()),
        status: String::new(),
        votes: true,
        reported: 0,
        precincts: 0,
        identified: 0,
        turnout_registered: 0,
        header: String::new(),
        source: history::Source::Database,
    };
    for (name, units) in [("all units above precincts", Units::Upper), ("all precincts", Units::Precincts)] {
        let question = past.units_question(&election(), &of, &units);
        let explain =
            Question { sql: format!("{explain} {}", question.sql), kinds: kinds.clone(), ..question };
        println!("\nplan: {name}");
        for row in store.rows(explain).await.unwrap() {
            println!("  {}", row.into_iter().last().map(Value::into_text).unwrap_or_default());
        }
    }
    println!();
}
