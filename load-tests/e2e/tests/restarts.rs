//! What a restart must not undo: what was heard stays heard, and an embargo is opened by no clock that may have been
//! set.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    path::Path,
    time::{Duration, Instant},
};

use device_wire::{
    CentreKeys, Channel,
    device::{Outbox, Vitals},
};
use e2e::{Builder, Client, Country, Sanak, Vectors, now};
use election::{
    Count, Timestamp,
    record::Observation,
    report::{Body, Turnout, Verdict},
};
use journal::{Entry, Journal, Options, Released};
use serde_json::{Value, json};

const TERMINAL: &str = "t-5001-1";

async fn tool(sanak: &Sanak, vectors: &Vectors) -> Client {
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    Client::connect(sanak.ready().mqtt, "tool", "sanak/1/+/+/+/receipt", centre).await
}

async fn row(sanak: &Sanak) -> Value {
    sanak.room(&format!("/devices/{TERMINAL}")).await.1["device"].clone()
}

/// Waits until a metric has come to a value.
async fn counted(sanak: &Sanak, metric: &str, value: f64) {
    for _ in 0..50 {
        if sanak.metric(metric).await == value {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{metric} is {}, not {value}", sanak.metric(metric).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterdays_heartbeat_state_and_report_played_again_after_a_restart_change_nothing() {
    let (vectors, country) = (Vectors::read(), Country::new(1, 1));
    let mut sanak = Builder::new(country.dir(), &vectors.centre).start().await;
    let mut outbox = Outbox::in_memory(country.device(TERMINAL));
    let topic = |channel| outbox.identity().topic(channel).to_string();
    let (heartbeats, states, reports) =
        (topic(Channel::Heartbeat), topic(Channel::State), topic(Channel::Report));
    let mut device = tool(&sanak, &vectors).await;
    let (online, _) = outbox.connect(now()).unwrap();
    device.publish(&states, online.clone()).await;
    let vitals = Vitals { battery: Some(71), ..Vitals::default() };
    let beats: Vec<_> = (0..3).map(|_| outbox.heartbeat(vitals.clone(), now()).unwrap()).collect();
    for beat in &beats {
        device.publish(&heartbeats, beat.clone()).await;
    }
    let turnout = Turnout { identified: Count::new(5), ..Turnout::default() };
    let report = outbox.make(Body::Turnout(turnout), now()).unwrap().to_vec();
    device.publish(&reports, report.clone()).await;
    assert_eq!(device.receipt().await.verdict, Verdict::Accepted);
    counted(&sanak, "sanak_life_signs_total", 4.0).await;
    let boot = row(&sanak).await["boot"].clone();
    assert_eq!(row(&sanak).await["vitals"]["battery"], 71);

    drop(device);
    sanak.stop().await;
    let mut sanak = sanak.restart().await;
    let before = row(&sanak).await;
    assert_eq!((&before["boot"], &before["vitals"]), (&boot, &Value::Null));
    let mut hostile = tool(&sanak, &vectors).await;
    for beat in beats {
        hostile.publish(&heartbeats, beat).await;
    }
    hostile.publish(&states, online).await;
    counted(&sanak, "sanak_stale_signs_total{kind=\"heartbeat\"}", 3.0).await;
    counted(&sanak, "sanak_stale_signs_total{kind=\"state\"}", 1.0).await;
    hostile.publish(&reports, report).await;
    assert_eq!(hostile.receipt().await.verdict, Verdict::Duplicate);
    assert_eq!(sanak.metric("sanak_receipts_total{verdict=\"duplicate\"}").await, 1.0);
    let after = row(&sanak).await;
    for what in ["heard", "vitals", "boot", "connections", "finished"] {
        assert_eq!(after[what], before[what], "{what}");
    }
    // The device itself goes on.
    hostile.publish(&heartbeats, outbox.heartbeat(vitals, now()).unwrap()).await;
    counted(&sanak, "sanak_life_signs_total", 5.0).await;
    assert_eq!(row(&sanak).await["vitals"]["battery"], 71);
    sanak.stop().await;
}

/// Puts a journal in place whose last arrival is an hour before its polls closed.
fn begun(data: &Path, election: &Path) {
    let directory = data.join("journal");
    std::fs::remove_dir_all(&directory).unwrap();
    let definition = election_files::load(election).unwrap().definition;
    let (journal, _) = Journal::open(&directory, definition.digest(), Options::default()).unwrap();
    let (appender, thread) = journal.start(|_: Vec<Released<()>>| ()).unwrap();
    let about = definition.about();
    let opened = Observation::Clock { reached: about.polls_open };
    let last = about.polls_close - Duration::from_secs(3_600);
    assert!(last < Timestamp::from_millis(now().millis()), "the election of the vectors is over");
    appender.append_blocking(Entry::Observation(opened), last, ()).unwrap();
    drop(appender);
    thread.join().unwrap();
}

async fn embargoed(sanak: &Sanak) -> bool {
    sanak.get("/elections/vec-1/results").await.1.get("embargo_until").is_some()
}

/// Lets no file grow beyond its `bytes` for three seconds: what is written behind them is refused.
fn full_for_three_seconds(bytes: u64) -> Vec<String> {
    let script = format!(
        "(sleep 3; prlimit --pid $$ --fsize=unlimited) & \
         exec prlimit --fsize={bytes}:unlimited env --ignore-signal=XFSZ \"$0\" \"$@\""
    );
    vec!["sh".to_owned(), "-c".to_owned(), script]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_that_the_disk_refuses_is_on_record_before_the_service_is_ready() {
    let vectors = Vectors::read();
    let mut sanak = Builder::new(Vectors::election(), &vectors.centre).start().await;
    if sanak.metric("sanak_clock_synchronised").await == 1.0 {
        eprintln!("the kernel of this machine vouches for its clock: it is in no doubt");
        return;
    }
    sanak.stop().await;
    let data = sanak.data();
    tokio::task::spawn_blocking(move || begun(&data, &Vectors::election())).await.unwrap();
    let segments = std::fs::read_dir(sanak.data().join("journal")).unwrap();
    let written = segments.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap();
    let begins = Instant::now();
    let sanak = sanak.restart_under(&full_for_three_seconds(written)).await;
    let took = begins.elapsed();
    assert!(took > Duration::from_secs(3), "ready after {took:?}, before there was room");
    assert!(sanak.metric("sanak_journal_errors_total").await >= 1.0, "the disk has refused it");
    assert_eq!(sanak.metric("sanak_clock_doubted").await, 1.0);
    // A power cut at once, and the next start has it from the record alone.
    let mut sanak = sanak.kill_and_restart().await;
    assert_eq!(sanak.metric("sanak_clock_doubted").await, 1.0);
    assert!(embargoed(&sanak).await);
    sanak.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_set_ahead_before_a_restart_opens_no_embargo_until_a_person_confirms_it() {
    let vectors = Vectors::read();
    let election =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/election-files/tests/elections/vec-1");
    let mut sanak = Builder::new(&election, &vectors.centre).start().await;
    sanak.stop().await;
    let (data, files) = (sanak.data(), election.clone());
    tokio::task::spawn_blocking(move || begun(&data, &files)).await.unwrap();
    let sanak = sanak.restart().await;
    if sanak.metric("sanak_clock_synchronised").await == 1.0 {
        eprintln!("the kernel of this machine vouches for its clock: it is in no doubt, and votes are out");
        sanak.wait_for("/elections/vec-1/results", |results| results.get("embargo_until").is_none()).await;
        return;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(embargoed(&sanak).await, "the clock says that polls closed long ago");
    assert_eq!(sanak.metric("sanak_clock_doubted").await, 1.0);
    let (ready, parts) = sanak.readiness().await;
    assert!(ready && parts.to_string().contains("no votes are published by it"), "{parts}");

    // Another restart does not help it.
    let mut sanak = sanak.kill_and_restart().await;
    assert!(embargoed(&sanak).await);
    let (status, offset) = sanak.act("/clock", json!({"reason": "compared with two watches"})).await;
    assert_eq!(status, 201, "{offset}");
    sanak.wait_for("/elections/vec-1/results", |results| results.get("embargo_until").is_none()).await;
    assert_eq!(sanak.metric("sanak_clock_doubted").await, 0.0);
    assert_eq!(sanak.act("/clock", json!({"reason": "again"})).await.0, 409);
    // What is out is out.
    let sanak_again = {
        sanak.stop().await;
        sanak.restart().await
    };
    assert!(!embargoed(&sanak_again).await && sanak_again.metric("sanak_clock_doubted").await == 0.0);
}
