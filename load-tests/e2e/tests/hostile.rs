//! Bad messages are refused by code, counted, and never slow or stop the rest. Each test ends in `sanak journal check`, and
//! in a comparison with what devices hold receipts for.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use device_wire::{
    CentreKeys, Channel,
    device::{Identity, Outbox, Vitals},
};
use e2e::{Builder, Client, Country, Held, Record, Sanak, Vectors, identity, now};
use election::{
    Code, Count,
    report::{Body, Receipt, Turnout, Verdict},
};
use tokio::task::JoinSet;

const PREFIX: &str = "sanak/1/vec-1/5001/t-5001-1";

async fn tool(sanak: &Sanak, vectors: &Vectors, id: &str) -> Client {
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    Client::connect(sanak.ready().mqtt, id, "sanak/1/vec-1/+/+/receipt", centre).await
}

/// The service stops; its journal is sound, and is what these receipts are for.
async fn ends_with(sanak: Sanak, election: &Path, receipts: &[Receipt]) {
    Record::at_the_end_of(sanak, election).await.assert_is_what_was_receipted(receipts);
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_of_every_kind_is_refused_by_code_and_counts_nothing() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let mut hostile = tool(&sanak, &vectors, "stranger").await;
    let good = &vectors.named("terminal opening").envelope;
    let report = format!("{PREFIX}/report");
    let garbage: Vec<(&str, Vec<u8>)> = vec![
        ("random bytes", (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("nested arrays", vec![0x81; 100_000]),
        ("nested maps", vec![0xa1; 100_000]),
        ("a length of 2^64 - 1", [&[0xd2, 0x84, 0x5b][..], &[0xff; 8]].concat()),
        ("empty", vec![]),
    ];
    for (_, bytes) in &garbage {
        hostile.publish(&report, bytes.clone()).await;
    }
    hostile.publish("sanak/1/vec-1/5001/t-5001-1/nonsense", good.clone()).await;
    hostile.publish("sanak/1/vec-1/05001/t-5001-1/report", good.clone()).await;
    hostile.silence(Duration::from_millis(500)).await;
    let refused = sanak.metric("sanak_refused_messages_total").await;
    assert!(refused >= garbage.len() as f64, "{refused}");
    let (_, results) = sanak.get("/elections/vec-1/results").await;
    assert_eq!(results["units"][0]["turnout"]["precincts"], 0);
    // The same device, unharmed.
    hostile.publish(&report, good.clone()).await;
    let receipt = hostile.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    ends_with(sanak, &Vectors::election(), &[receipt]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_kibibytes_end_one_connection_and_no_other() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let mut device = tool(&sanak, &vectors, "quiet").await;
    let hostile = tool(&sanak, &vectors, "loud").await;
    hostile.publish(&format!("{PREFIX}/report"), vec![0x42; 300 * 1024]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let opening = vectors.named("terminal opening");
    device.publish(&opening.topic, opening.envelope.clone()).await;
    let receipt = device.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    assert!(sanak.metric("sanak_link_refusals_total").await >= 1.0, "it was refused and counted");
    ends_with(sanak, &Vectors::election(), &[receipt]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_at_full_speed_does_not_keep_a_device_waiting() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let hostile = tool(&sanak, &vectors, "flood").await;
    let mut device = tool(&sanak, &vectors, "device").await;
    let bad = vectors.named("one bit of the signature flipped").clone();
    let flood = tokio::spawn(async move {
        let until = Instant::now() + Duration::from_secs(3);
        let mut sent = 0u32;
        while Instant::now() < until {
            hostile.publish(&bad.topic, bad.envelope.clone()).await;
            sent += 1;
        }
        sent
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let opening = vectors.named("terminal opening");
    let before = Instant::now();
    device.publish(&opening.topic, opening.envelope.clone()).await;
    let receipt = device.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert!(flood.await.unwrap() > 100);
    ends_with(sanak, &Vectors::election(), &[receipt]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_hears_its_own_receipts_and_nobody_elses() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let centre = || CentreKeys::one("centre", vectors.centre_key().verifying_key());
    let mqtt = sanak.ready().mqtt;
    let mut terminal = Client::connect(mqtt, "t-5001-1", &format!("{PREFIX}/receipt"), centre()).await;
    let urn = "sanak/1/vec-1/5001/u-5001-1/receipt";
    let mut urn = Client::connect(mqtt, "u-5001-1", urn, centre()).await;
    let opening = vectors.named("terminal opening");
    terminal.publish(&opening.topic, opening.envelope.clone()).await;
    let receipt = terminal.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    urn.silence(Duration::from_millis(300)).await;
    // An urn that publishes under the terminal's prefix is refused by the link; nothing is counted or answered.
    let turnout = vectors.named("terminal turnout with breakdowns, second in the chain");
    urn.publish(&turnout.topic, turnout.envelope.clone()).await;
    terminal.silence(Duration::from_millis(500)).await;
    assert!(sanak.metric("sanak_link_refusals_total").await >= 1.0);
    ends_with(sanak, &Vectors::election(), &[receipt]).await;
}

/// A device with valid credentials, and one that has nothing to do with it.
struct Two {
    sanak: Sanak,
    country: Country,
    vectors: Vectors,
}

impl Two {
    async fn start() -> Self {
        let vectors = Vectors::read();
        let country = Country::new(2, 1);
        let sanak = Builder::new(country.dir(), &vectors.centre).start().await;
        Self { sanak, country, vectors }
    }

    async fn connect(&self, device: &str) -> Client {
        let filter = self.country.device(device).topic(Channel::Receipt).to_string();
        let centre = CentreKeys::one("centre", self.vectors.centre_key().verifying_key());
        Client::connect(self.sanak.ready().mqtt, device, &filter, centre).await
    }

    /// What stands in the security log, by what was refused.
    async fn refused(&self) -> BTreeSet<String> {
        let (status, list) = self.sanak.room("/refusals").await;
        assert_eq!(status, 200);
        let all = list["refusals"].as_array().unwrap().iter();
        all.map(|refusal| refusal["what"].as_str().unwrap().to_owned()).collect()
    }
}

fn turnout(identified: u64) -> Body {
    Body::Turnout(Turnout { identified: Count::new(identified), ..Turnout::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_floods_heartbeats_is_bounded_and_keeps_nobody_waiting() {
    let two = Two::start().await;
    let hostile = two.connect("t-5001-1").await;
    let mut quiet = two.connect("t-5002-1").await;
    let mut outbox = Outbox::in_memory(two.country.device("t-5001-1"));
    let topic = outbox.identity().topic(Channel::Heartbeat).to_string();
    for _ in 0..400 {
        let beat = outbox.heartbeat(Vitals::default(), now()).unwrap();
        hostile.publish(&topic, beat).await;
    }
    let mut good = Outbox::in_memory(two.country.device("t-5002-1"));
    let began = Instant::now();
    let report = good.make(turnout(7), now()).unwrap();
    quiet.publish(&good.identity().topic(Channel::Report).to_string(), report.to_vec()).await;
    let receipt = quiet.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    let mut limited = 0.0;
    for _ in 0..50 {
        limited = two.sanak.metric("sanak_limited_messages_total").await;
        if limited > 100.0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(limited > 100.0, "{limited} were dropped");
    assert!(two.refused().await.contains("rate"));
    ends_with(two.sanak, two.country.dir(), &[receipt]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forging_replaying_and_equivocating_with_a_valid_key_is_refused_by_kind_and_counts_nothing() {
    let two = Two::start().await;
    let mut hostile = two.connect("t-5001-1").await;
    let mut outbox = Outbox::in_memory(two.country.device("t-5001-1"));
    let own = outbox.identity().topic(Channel::Report).to_string();
    let first = outbox.make(turnout(5), now()).unwrap();
    hostile.publish(&own, first.to_vec()).await;
    let told = hostile.receipt().await;
    assert_eq!(told.verdict, Verdict::Accepted);

    // The same number with other figures: it keeps its place and its count, the other is for people.
    let mut twin = Outbox::in_memory(two.country.device("t-5001-1"));
    hostile.publish(&own, twin.make(turnout(500), now()).unwrap().to_vec()).await;
    let second = hostile.receipt().await;
    assert_eq!((second.verdict, second.code), (Verdict::Quarantined, Some(Code::S03)));
    // A second one in a chain of its own: its `prev` is the twin's.
    hostile.publish(&own, twin.make(turnout(501), now()).unwrap().to_vec()).await;
    let broken = hostile.receipt().await;
    assert_eq!((broken.verdict, broken.code), (Verdict::Quarantined, Some(Code::S04)));
    // Yesterday's, played again.
    hostile.publish(&own, first.to_vec()).await;
    let again = hostile.receipt().await;
    assert_eq!(
        (again.verdict, again.was, again.offset),
        (Verdict::Duplicate, Some(Verdict::Accepted), told.offset)
    );
    // From another election, on its own topic and on this one's.
    let mut elsewhere = Outbox::in_memory(identity("other", "t-5001-1", 5001));
    let foreign = elsewhere.make(turnout(9), now()).unwrap();
    hostile.publish(&own, foreign.to_vec()).await;
    // In another's name: the other's key is not at hand, so with its own.
    let mut forged =
        Outbox::in_memory(Identity { device: "t-5002-1".parse().unwrap(), ..two.country.device("t-5001-1") });
    hostile.publish(&own, forged.make(turnout(9), now()).unwrap().to_vec()).await;
    hostile.silence(Duration::from_millis(500)).await;
    let tool = CentreKeys::one("centre", two.vectors.centre_key().verifying_key());
    let mut tool = Client::connect(two.sanak.ready().mqtt, "tool", "sanak/1/+/+/+/receipt", tool).await;
    let other = elsewhere.identity().topic(Channel::Report).to_string();
    tool.publish(&other, foreign.to_vec()).await;
    let foreign = tool.receipt_within(Duration::from_secs(5)).await.unwrap().receipt().clone();
    assert_eq!((foreign.verdict, foreign.code, foreign.offset), (Verdict::Rejected, Some(Code::E05), None));
    assert!(
        two.refused().await.is_superset(&["E03", "E05"].map(str::to_owned).into()),
        "{:?}",
        two.refused().await
    );

    let (_, results) = two.sanak.get("/elections/small/results").await;
    assert_eq!(results["units"][0]["turnout"]["identified"], 5);
    assert_eq!(results["units"][0]["quarantined"], 2);
    // What was refused is not on record.
    ends_with(two.sanak, two.country.dir(), &[told, second, broken]).await;
}

/// What a device does that says one true thing after the other, as fast as it can: every receipt that it was given.
async fn flood_of_true_reports(
    mut hostile: Client,
    mut outbox: Outbox,
    over: Arc<AtomicBool>,
) -> (u64, Vec<Receipt>) {
    let topic = outbox.identity().topic(Channel::Report).to_string();
    let (mut said, mut receipts) = (0, Vec::new());
    while !over.load(Ordering::Relaxed) {
        said += 1;
        // It does not wait for a receipt, nor for an acknowledgement; only its socket can slow it down.
        let made = outbox.make(turnout(said), now()).unwrap();
        tokio::select! {
            () = hostile.publish(&topic, made.to_vec()) => {}
            // Its queue is full: the socket is not read any more.
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        while let Some(receipt) = hostile.receipt_within(Duration::ZERO).await {
            receipts.push(receipt.receipt().clone());
        }
    }
    while let Some(receipt) = hostile.receipt_within(Duration::from_secs(2)).await {
        receipts.push(receipt.receipt().clone());
    }
    (said, receipts)
}

/// Says a hundred things, each when the one before is receipted: the receipts, and how long it waited, the longest last.
async fn honest_hundred(mut client: Client, mut outbox: Outbox) -> (Vec<Receipt>, Vec<Duration>) {
    let topic = outbox.identity().topic(Channel::Report).to_string();
    let (mut receipts, mut waits) = (Vec::new(), Vec::new());
    for count in 1..=100 {
        let made = outbox.make(turnout(count), now()).unwrap();
        let sent = Instant::now();
        client.publish(&topic, made.to_vec()).await;
        let receipt = client.receipt().await;
        assert_eq!(receipt.verdict, Verdict::Accepted);
        waits.push(sent.elapsed());
        receipts.push(receipt);
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    waits.sort_unstable();
    (receipts, waits)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_true_reports_by_one_device_keeps_no_honest_one_waiting_and_loses_nothing() {
    let vectors = Vectors::read();
    let country = Country::new(11, 1);
    let sanak = Builder::new(country.dir(), &vectors.centre).start().await;
    let connect = async |device: &str| {
        let filter = country.device(device).topic(Channel::Receipt).to_string();
        let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
        Client::connect(sanak.ready().mqtt, device, &filter, centre).await
    };
    let over = Arc::<AtomicBool>::default();
    let outbox = Outbox::in_memory(country.device("t-5001-1"));
    let flood = tokio::spawn(flood_of_true_reports(connect("t-5001-1").await, outbox, Arc::clone(&over)));
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut honest = JoinSet::new();
    for precinct in 5_002..=5_011 {
        let device = format!("t-{precinct}-1");
        honest.spawn(honest_hundred(connect(&device).await, Outbox::in_memory(country.device(&device))));
    }
    let began = Instant::now();
    let (mut receipts, mut waits) = (Vec::new(), Vec::new());
    for (held, waited) in honest.join_all().await {
        receipts.extend(held);
        waits.extend(waited);
    }
    let lasted = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let (said, held) = flood.await.unwrap();
    waits.sort_unstable();
    let (median, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    println!(
        "{said} true reports by one device in {lasted:.1?}, {} of them receipted; ten others: median {median:.1?}, p99 \
         {p99:.1?}",
        held.len()
    );
    assert!(p99 < Duration::from_secs(1), "{p99:?}");
    // 400 at once, and 100 a second.
    let most = 400.0 + 100.0 * (lasted.as_secs_f64() + 8.0);
    assert!((held.len() as f64) < most, "{} receipts", held.len());
    assert!(
        sanak.metric("sanak_link_refusals_total{kind=\"rate\"}").await >= 1.0,
        "it was held back, and counted"
    );
    // Everybody's last word is counted; of the hostile one's reports some may be stored whose receipt it did not hear.
    let identified =
        async || sanak.get("/elections/small/results").await.1["units"][0]["turnout"]["identified"].as_u64();
    assert!(identified().await >= Some(1_000 + held.len() as u64));
    receipts.extend(held);
    let held: Vec<Held> = receipts.iter().filter_map(Held::of).collect();
    Record::at_the_end_of(sanak, country.dir()).await.assert_keeps(&held);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_yesterday_and_is_played_after_a_restart_changes_nothing() {
    let mut two = Two::start().await;
    let mut device = two.connect("t-5001-1").await;
    let mut outbox = Outbox::in_memory(two.country.device("t-5001-1"));
    let topic = |channel| two.country.device("t-5001-1").topic(channel).to_string();
    let (report, state, beat) = (topic(Channel::Report), topic(Channel::State), topic(Channel::Heartbeat));
    let first = outbox.make(turnout(5), now()).unwrap();
    let online = outbox.connect(now()).unwrap().0;
    let heartbeat = outbox.heartbeat(Vitals::default(), now()).unwrap();
    let second = outbox.make(turnout(9), now()).unwrap();
    device.publish(&report, first.to_vec()).await;
    let told = device.receipt().await;
    device.publish(&state, online.clone()).await;
    device.publish(&beat, heartbeat.clone()).await;
    device.publish(&report, second.to_vec()).await;
    let last = device.receipt().await;
    assert_eq!((told.verdict, last.verdict), (Verdict::Accepted, Verdict::Accepted));
    drop(device);

    two.sanak = two.sanak.kill_and_restart().await;
    let mut thief = two.connect("t-5001-1").await;
    for _ in 0..3 {
        thief.publish(&state, online.clone()).await;
        thief.publish(&beat, heartbeat.clone()).await;
        for (envelope, receipt) in [(&first, &told), (&second, &last)] {
            thief.publish(&report, envelope.to_vec()).await;
            let again = thief.receipt().await;
            assert_eq!((again.verdict, again.was), (Verdict::Duplicate, Some(Verdict::Accepted)));
            assert_eq!((again.offset, again.digest), (receipt.offset, receipt.digest));
        }
    }
    let (_, results) = two.sanak.get("/elections/small/results").await;
    assert_eq!(results["units"][0]["turnout"]["identified"], 9);
    ends_with(two.sanak, two.country.dir(), &[told, last]).await;
}
