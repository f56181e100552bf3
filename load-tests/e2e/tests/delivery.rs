//! Nothing a device was told is safe is lost, and what is missing is asked for: gaps, commands, clocks, and the
//! one state of each device.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::time::Duration;

use device_wire::{
    CentreKeys, Channel,
    device::{Outbox, Vitals},
};
use e2e::{Builder, Client, Country, Held, Record, Sanak, Vectors, now};
use election::{
    Code, Count, Timestamp,
    report::{Body, Order, Presence, Turnout, Verdict},
};
use serde_json::{Value, json};

const TERMINAL: &str = "t-5001-1";

struct Scene {
    sanak: Sanak,
    country: Country,
    vectors: Vectors,
}

impl Scene {
    async fn new() -> Self {
        let vectors = Vectors::read();
        let country = Country::new(2, 1);
        let sanak = Builder::new(country.dir(), &vectors.centre).start().await;
        Self { sanak, country, vectors }
    }

    fn outbox(&self, device: &str) -> Outbox {
        Outbox::in_memory(self.country.device(device))
    }

    /// A connection of a device, which hears receipts and commands.
    async fn connect(&self, device: &str) -> Client {
        let identity = self.country.device(device);
        let centre = CentreKeys::one("centre", self.vectors.centre_key().verifying_key());
        let filters = [Channel::Receipt, Channel::Command].map(|channel| identity.topic(channel).to_string());
        let client = Client::connect(self.sanak.ready().mqtt, device, &filters[0], centre).await;
        client.subscribe(&filters[1]).await;
        client
    }

    async fn device(&self, device: &str) -> Value {
        self.sanak.room(&format!("/devices/{device}")).await.1["device"].clone()
    }

    /// Waits until a device has come to a state.
    async fn wait_for_state(&self, device: &str, state: &str) -> Value {
        for _ in 0..100 {
            let row = self.device(device).await;
            if row["state"] == state {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{device} is not {state}: {}", self.device(device).await);
    }
}

fn turnout(outbox: &mut Outbox, identified: u64, at: Timestamp) -> Vec<u8> {
    let turnout = Turnout { identified: Count::new(identified), ..Turnout::default() };
    outbox.make(Body::Turnout(turnout), at).unwrap().to_vec()
}

async fn send(client: &Client, outbox: &Outbox, envelope: &[u8]) {
    client.publish(&outbox.identity().topic(Channel::Report).to_string(), envelope).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_report_is_asked_for_with_back_off_and_again_after_a_reconnection() {
    let scene = Scene::new().await;
    let mut outbox = scene.outbox(TERMINAL);
    let reports: Vec<_> = (1..=3).map(|n| turnout(&mut outbox, n, now())).collect();
    let mut client = scene.connect(TERMINAL).await;
    send(&client, &outbox, &reports[0]).await;
    assert_eq!(client.receipt().await.verdict, Verdict::Accepted);
    send(&client, &outbox, &reports[2]).await;
    let held = client.receipt().await;
    assert_eq!((held.seq, held.verdict, held.code), (3, Verdict::Held, Some(Code::S02)));
    let asked = std::time::Instant::now();
    let first = client.command().await;
    assert_eq!(first.order, Order::Resend { from: 2 });
    let second = client.command().await;
    assert_eq!((second.order, second.id > first.id), (Order::Resend { from: 2 }, true));
    assert!(asked.elapsed() > Duration::from_millis(2_200), "{:?}: the wait grows", asked.elapsed());
    assert_eq!(scene.device(TERMINAL).await["gap"], json!({"from": 2, "through": 2}));
    assert_eq!(scene.sanak.metric("sanak_device_gaps_count").await, 1.0);
    // The next question would come after four seconds; on a new connection it comes soon.
    drop(client);
    let mut client = scene.connect(TERMINAL).await;
    let began = std::time::Instant::now();
    assert_eq!(client.command().await.order, Order::Resend { from: 2 });
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
    send(&client, &outbox, &reports[1]).await;
    let (filled, judged) = (client.receipt().await, client.receipt().await);
    assert_eq!((filled.seq, filled.verdict), (2, Verdict::Accepted));
    assert_eq!((judged.seq, judged.verdict, judged.offset), (3, Verdict::Accepted, held.offset));
    client.silence(Duration::from_millis(2_500)).await;
    assert_eq!(scene.device(TERMINAL).await["gap"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_closed_by_decision_and_replay_repeats_it() {
    let scene = Scene::new().await;
    let mut outbox = scene.outbox(TERMINAL);
    let reports: Vec<_> = (1..=3).map(|n| turnout(&mut outbox, n, now())).collect();
    let mut client = scene.connect(TERMINAL).await;
    let mut held = Vec::new();
    for at in [0, 2] {
        send(&client, &outbox, &reports[at]).await;
        held.push(client.receipt().await);
    }
    let close = |from: u64, through: u64| {
        json!({"reason": "its memory was wiped", "act": {
            "act": "close_gap", "precinct": 5001, "device": TERMINAL, "from": from, "through": through,
        }})
    };
    let (status, problem) = scene.sanak.act("/decisions", close(2, 3)).await;
    assert_eq!(status, 409, "{problem}");
    let (status, _) = scene.sanak.act("/decisions", close(2, 2)).await;
    assert_eq!(status, 201);
    let judged = loop {
        // A question may have been on its way.
        if let Some(receipt) = client.receipt_within(Duration::from_secs(5)).await {
            break receipt.receipt().clone();
        }
    };
    assert_eq!((judged.seq, judged.verdict, judged.offset), (3, Verdict::Accepted, held[1].offset));
    send(&client, &outbox, &reports[1]).await;
    let late = client.receipt().await;
    assert_eq!((late.verdict, late.code), (Verdict::Quarantined, Some(Code::S02)), "people decide about it");
    let next = turnout(&mut outbox, 4, now());
    send(&client, &outbox, &next).await;
    assert_eq!(client.receipt().await.verdict, Verdict::Accepted, "the line goes on");
    let four = |results: &Value| results["units"][0]["turnout"]["identified"] == 4;
    scene.sanak.wait_for("/elections/small/results", four).await;
    let Scene { sanak, country, vectors } = scene;
    let sanak = sanak.kill_and_restart().await;
    let mut scene = Scene { sanak, country, vectors };
    scene.sanak.wait_for("/elections/small/results", four).await;
    let mut client = scene.connect(TERMINAL).await;
    send(&client, &outbox, &reports[1]).await;
    let again = client.receipt().await;
    assert_eq!((again.verdict, again.was), (Verdict::Duplicate, Some(Verdict::Quarantined)));
    client.silence(Duration::from_millis(1_800)).await;
    scene.sanak.stop().await;
    let record = Record::checked(&scene.sanak.data(), scene.country.dir());
    let held = held.iter().map(|of| Held {
        device: of.device.clone(),
        digest: of.digest,
        seq: of.seq,
        offset: of.offset.unwrap(),
    });
    record.assert_keeps(&held.collect::<Vec<_>>());
    assert_eq!(record.reports.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_tells_a_device_what_to_do_and_sees_how_it_fares() {
    let scene = Scene::new().await;
    assert_eq!(scene.device(TERMINAL).await["state"], "never_seen");
    let mut outbox = scene.outbox(TERMINAL);
    let mut client = scene.connect(TERMINAL).await;
    let (online, _) = outbox.connect(now()).unwrap();
    let topic = |outbox: &Outbox, channel| outbox.identity().topic(channel).to_string();
    client.publish(&topic(&outbox, Channel::State), online).await;
    let vitals = Vitals {
        battery: Some(64),
        mains: Some(false),
        signal: Some(-101),
        firmware: Some("7.2".into()),
        errors: vec!["paper low".into()],
        ..Vitals::default()
    };
    // Its clock is a year behind: a flag, and nothing else.
    let year = Duration::from_secs(365 * 86_400);
    let beat = outbox.heartbeat(vitals.clone(), now() - year).unwrap();
    client.publish(&topic(&outbox, Channel::Heartbeat), beat.clone()).await;
    let row = scene.wait_for_state(TERMINAL, "on_line").await;
    let row = match row["vitals"].is_object() {
        true => row,
        false => {
            tokio::time::sleep(Duration::from_millis(500)).await;
            scene.device(TERMINAL).await
        }
    };
    assert_eq!((&row["vitals"]["battery"], &row["vitals"]["signal"]), (&json!(64), &json!(-101)));
    assert_eq!((&row["boot"], &row["connections"]), (&json!(1), &json!(1)));
    assert!(row["vitals"]["clock_skew_ms"].as_i64().unwrap() < -31_000_000_000);
    assert!(row["flags"].as_array().unwrap().contains(&json!("W03")), "{row}");
    let better = Vitals { battery: Some(99), ..vitals };
    let right = outbox.heartbeat(better, now()).unwrap();
    client.publish(&topic(&outbox, Channel::Heartbeat), right).await;
    // An older one, replayed: its counter is not higher.
    client.publish(&topic(&outbox, Channel::Heartbeat), beat).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let row = scene.device(TERMINAL).await;
    assert_eq!((&row["vitals"]["battery"], row["flags"].to_string().contains("W03")), (&json!(99), false));

    let told = json!({"device": TERMINAL, "cmd": "heartbeat", "interval": 30});
    let (status, answer) = scene.sanak.act("/commands", told).await;
    assert_eq!((status, &answer["delivered"]), (202, &json!(true)));
    let command = client.command().await;
    assert_eq!((command.order, json!(command.id)), (Order::Heartbeat { interval: 30 }, answer["id"].clone()));
    scene.sanak.act("/commands", json!({"device": TERMINAL, "cmd": "disconnect"})).await;
    let after = client.command().await;
    assert_eq!((after.order, after.id > command.id), (Order::Disconnect, true));
    let unknown = scene.sanak.act("/commands", json!({"device": "t-9", "cmd": "disconnect"})).await;
    assert_eq!(unknown.0, 404);

    client.publish(&topic(&outbox, Channel::State), outbox.state(Presence::Offline, now())).await;
    scene.wait_for_state(TERMINAL, "off_line").await;
    let (_, list) = scene.sanak.room("/devices").await;
    assert_eq!((&list["counts"]["off_line"], &list["counts"]["never_seen"]), (&json!(1), &json!(3)));
    assert_eq!(scene.sanak.metric("sanak_devices_count").await, 4.0);
    let (_, history) = scene.sanak.room(&format!("/devices/{TERMINAL}")).await;
    assert_eq!(history["history"].as_array().unwrap().last().unwrap()["state"], "off_line");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_wrong_by_years_and_reports_out_of_order_and_tenfold_change_no_total() {
    let mut scene = Scene::new().await;
    let mut held = Vec::new();
    for (device, skew) in [(TERMINAL, 5 * 3_600_000i64), ("t-5002-1", -2 * 365 * 86_400_000)] {
        let mut outbox = scene.outbox(device);
        let at = Timestamp::from_millis(now().millis().saturating_add_signed(skew));
        let reports: Vec<_> = (1..=12).map(|n| turnout(&mut outbox, n * 10, at)).collect();
        let mut client = scene.connect(device).await;
        // Backwards in threes, and everything ten times over.
        let mut accepted = std::collections::BTreeSet::new();
        let before = held.len();
        for _ in 0..10 {
            for report in reports.chunks(3).flat_map(|three| three.iter().rev()) {
                send(&client, &outbox, report).await;
            }
            while let Some(receipt) = client.receipt_within(Duration::from_millis(400)).await {
                let of = receipt.receipt();
                if of.verdict == Verdict::Accepted {
                    assert!(accepted.insert(of.seq), "{} accepted twice", of.seq);
                }
                let offset = of.offset.unwrap();
                held.push(Held { device: of.device.clone(), digest: of.digest, seq: of.seq, offset });
            }
        }
        assert_eq!(
            (accepted.len(), held.len() - before),
            (12, 128),
            "each copy is answered, and each held one twice"
        );
    }
    let counted = |results: &Value| results["units"][0]["turnout"]["identified"] == 240;
    scene.sanak.wait_for("/elections/small/results", counted).await;
    let flagged = scene.sanak.get("/elections/small/precincts/5001").await.1;
    assert!(flagged.to_string().contains("W03"), "five hours ahead is flagged");
    scene.sanak.stop().await;
    let record = Record::checked(&scene.sanak.data(), scene.country.dir());
    record.assert_keeps(&held);
    assert_eq!(record.reports.len(), 24);
}
