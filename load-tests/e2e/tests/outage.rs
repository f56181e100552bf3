//! The history's database is away, or slow, in the busiest hour: devices, readers of the feed and readers of the history
//! notice nothing, and afterwards the database has every row once.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a test that cannot go on says so

#[path = "../../../dashboard/history/tests/support/cluster.rs"]
mod cluster;
#[path = "../../../dashboard/history/tests/support/complete.rs"]
mod complete;
#[path = "../../../dashboard/history/tests/support/delay.rs"]
mod delay;
#[path = "../../../dashboard/history/tests/support/pauses.rs"]
mod pauses;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use cluster::Cluster;
use delay::Delay;
use e2e::{Sanak, Synthetic};
use history::{Progress, Shipper, Shipping};
use pauses::Pauses;
use serde_json::Value;
use tempfile::TempDir;

/// How long everything takes, and how much there is of it.
struct Night {
    /// Seconds before the database is away, while it is, and after.
    seconds: [u64; 3],
    precincts: u32,
    /// Reports of turnout a second.
    rate: u32,
    /// Latencies while it is away, and after it, may be so many times those of before, and so many milliseconds more:
    /// half of them, and 99 in a hundred.
    noise: [(f64, f64); 2],
    /// …and so many times the longest pause that the machine made by itself more.
    pauses: [f64; 2],
}

impl Night {
    /// `make drill-history` says how long the database is away. A short outage stands among other tests, which take the
    /// processors from it: there nothing may be as slow as a time-out.
    fn of(longest: u64) -> Self {
        let away = std::env::var("SANAK_DRILL_OUTAGE").ok().and_then(|text| text.parse().ok());
        match away {
            None => Self {
                seconds: [6, 8, 6],
                precincts: 200,
                rate: 40,
                noise: [(3.0, 50.0), (5.0, 500.0)],
                pauses: [1.0, 4.0],
            },
            Some(away) => Self {
                seconds: [120, longest.min(away), 120],
                precincts: 2_459,
                rate: 100,
                noise: [(1.5, 10.0), (2.0, 100.0)],
                pauses: [0.0; 2],
            },
        }
    }

    fn scenario(&self) -> String {
        let [before, away, after] = self.seconds;
        let (all, mended) = (before + away + after, before + away);
        format!(
            "title = \"The history's database away\"\nconnect_within = \"2s\"\nheartbeat = \"60s\"\n\
             marks = [\"{before}s\", \"{mended}s\"]\n\
             [[load]]\nwhat = \"turnout\"\nfor = \"{all}s\"\nrate = {}\n\
             [[load]]\nwhat = \"tallies\"\nfor = \"{all}s\"\n",
            self.rate
        )
    }

    /// What was while the database was away and when it was back, against what was before.
    fn assert_unnoticed(&self, report: &Value, longest_pause: Duration) {
        let pause = longest_pause.as_secs_f64() * 1_000.0;
        let stretches = report["stretches"].as_array().unwrap();
        let load = &report["machine"]["load"];
        println!("load average {load} before and after, the longest pause {pause:.1} ms");
        for way in ["receipt", "frame"] {
            let of = |nth: usize, what: &str| stretches[nth][way][what].as_f64().unwrap();
            for (nth, name) in ["before", "away", "after"].into_iter().enumerate() {
                println!(
                    "publish to {way}, {name}: {} of them, p50 {} ms, p99 {} ms, all within {} ms",
                    of(nth, "count"),
                    of(nth, "p50"),
                    of(nth, "p99"),
                    of(nth, "max")
                );
                assert!(of(nth, "count") > 30.0, "{stretches:#?}");
            }
            // What comes after has the catching up in it.
            let bounds = self.noise.into_iter().zip(self.pauses);
            for (what, ((times, more), pauses)) in ["p50", "p99"].into_iter().zip(bounds) {
                let bound = of(0, what) * times + more + pause * pauses;
                for nth in [1, 2] {
                    let was = of(nth, what);
                    assert!(was <= bound, "{way} {what}: {was} ms, at most {bound} ms");
                }
            }
        }
    }
}

/// Begins and ends what goes wrong, in the middle of the rehearsal: the clock of the fleet starts with the first receipts.
async fn disturb(service: &Sanak, seconds: [u64; 3], begin: impl FnOnce(), end: impl FnOnce()) {
    while service.metric("sanak_receipts_total").await == 0.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(seconds[0])).await;
    tokio::task::block_in_place(begin);
    let away = Duration::from_secs(seconds[0] + seconds[1]).saturating_sub(began.elapsed());
    tokio::time::sleep(away).await;
    let (written, shipped) = ("sanak_history_rows_count", "sanak_history_shipped_rows_count");
    let waiting = service.metric(written).await - service.metric(shipped).await;
    println!("{waiting} rows wait in the file");
    assert!(waiting > 100.0, "the database was hardly away");
    tokio::task::block_in_place(end);
}

/// Reads the history twice a second until the rehearsal is over, and never in vain: how often which store answered.
async fn read(service: &Sanak, election: &str, over: &Cell<bool>) -> BTreeMap<String, u32> {
    let (answered, base) = (RefCell::<BTreeMap<String, u32>>::default(), format!("/elections/{election}"));
    while !over.get() {
        let (status, line) = service.get(&format!("{base}/moments?step=60")).await;
        assert_eq!(status, 200, "{line}");
        if let Some(last) = line["moments"].as_array().and_then(|moments| moments.last()) {
            let by = line["history_source"].as_str().unwrap().to_owned();
            *answered.borrow_mut().entry(by).or_default() += 1;
            let named =
                format!("{base}/precincts?version={}:{}", last["epoch"].as_str().unwrap(), last["version"]);
            let (status, units) = service.get(&named).await;
            assert_eq!(status, 200, "{named}: {units}");
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    answered.into_inner()
}

/// What is left is copied by the same shipper that the service runs, and then every row is compared.
async fn assert_complete(service: &Sanak, election: &str, cluster: &Cluster) {
    let (file, progress) = (service.data().join(history::FILE), Arc::<Progress>::default());
    progress.rows_behind.store(u64::MAX, Relaxed);
    let shipper = Shipper::start(Shipping {
        file: file.clone(),
        election: election.to_owned(),
        database: cluster.database(),
        keep: None,
        progress: Arc::clone(&progress),
    });
    let began = Instant::now();
    while progress.rows_behind.load(Relaxed) > 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "{progress:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    shipper.stop().await;
    let rows = complete::is_complete(&file, election, &cluster.database()).await;
    println!("{rows} rows, each once in the database");
    assert!(rows > 1_000);
}

async fn rehearse(
    night: &Night,
    url: &str,
    cluster: &Cluster,
    begin: impl FnOnce(),
    end: impl FnOnce(),
) -> BTreeMap<String, u32> {
    let country = Synthetic::new(night.precincts).await;
    let mut service = country.serve().with(&format!("[history]\nurl = \"{url}\"")).start().await;
    let election = service.get("/elections").await.1[0]["id"].as_str().unwrap().to_owned();
    while service.metric("sanak_history_connected").await < 1.0 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let scenario = country.path("night.toml");
    std::fs::write(&scenario, night.scenario()).unwrap();
    let (over, pauses) = (Cell::new(false), Pauses::watch());
    let fleet = async {
        let done = country.rehearse(&service, "out", &["--scenario", &scenario, "--viewers", "20"]).await;
        over.set(true);
        done
    };
    let ((code, said, report), (), answered) =
        tokio::join!(fleet, disturb(&service, night.seconds, begin, end), read(&service, &election, &over));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(report["counts"]["lost"], 0, "{said}");
    night.assert_unnoticed(&report, pauses.longest());
    println!("the history was answered by {answered:?}");
    service.stop().await;
    assert_complete(&service, &election, cluster).await;
    answered
}

fn cluster() -> Cluster {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("pg");
    Cluster::start_in(dir, data, &["fsync = on"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_stopped_in_the_busiest_hour_is_noticed_by_no_device_and_no_reader() {
    let (night, cluster) = (Night::of(u64::MAX), cluster());
    let answered = rehearse(&night, &cluster.url(), &cluster, || cluster.down(), || cluster.up()).await;
    assert!(answered["file"] > 0 && answered["database"] > 0, "{answered:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_database_is_noticed_by_no_device_and_no_reader() {
    let (night, cluster) = (Night::of(120), cluster());
    let way = Delay::towards(cluster.port, Duration::ZERO);
    let url = format!("postgresql://owner@127.0.0.1:{}/postgres", way.port);
    let (slow, mended) = (|| way.set(Duration::from_millis(400)), || way.set(Duration::ZERO));
    rehearse(&night, &url, &cluster, slow, mended).await;
    assert!(way.passed.load(Relaxed) > 100_000);
}
