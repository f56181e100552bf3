//! Who may speak: devices with the bundles they were given, over TLS, until people decide otherwise. Each night ends in
//! a journal that checks clean and replays to what is shown.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what a test cannot go on without fails it")]

mod behind;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use device_wire::{
    CentreKeys, Channel, SigningKey,
    device::{Identity, Outbox, Outcome},
    encode_heartbeat,
    keys::{read_private, read_public},
    sign, verify_receipt,
};
use e2e::{Provisioned, Sanak, TOKEN};
use election::{
    Code, Count, Timestamp,
    report::{Body, ContestTally, Heartbeat, Receipt, Tally, Turnout, Verdict},
};
use load_tests::{
    bundles::{BundleError, Bundles, Credentials},
    link::{Hello, Link, LinkError},
};
use rumqttc::mqttbytes::{
    QoS,
    v4::{ConnectReturnCode, Packet},
};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// A device as its maker could build it: the outbox, and a connection with its bundle.
struct Device {
    outbox: Outbox,
    link: Link,
    centre: CentreKeys,
}

fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(u64::try_from(since_1970.as_millis()).unwrap())
}

fn credentials(of: &Provisioned, bundle: &Path) -> Result<Credentials, BundleError> {
    Bundles::open(&of.out(), "localhost")?.credentials_in(bundle)
}

fn identity(bundle: &Path, device: &str, precinct: &str) -> Identity {
    Identity {
        election: "vec-1".parse().unwrap(),
        precinct: precinct.parse().unwrap(),
        device: device.parse().unwrap(),
        key: read_private(&bundle.join("device.key")).unwrap(),
    }
}

async fn open(mqtt: SocketAddr, tls: Credentials, outbox: &mut Outbox) -> Result<Link, LinkError> {
    let (_, will) = outbox.connect(now()).unwrap();
    let identity = outbox.identity();
    let topic = |channel| identity.topic(channel).to_string();
    let hello = Hello {
        client: identity.device.as_str(),
        will_topic: topic(Channel::State),
        will,
        listen: vec![topic(Channel::Receipt), topic(Channel::Command)],
    };
    Link::connect(mqtt, Some(tls), hello).await
}

impl Device {
    async fn connect(of: &Provisioned, sanak: &Sanak, device: &str, precinct: &str) -> Self {
        let bundle = of.bundle(device);
        let outbox = Outbox::in_memory(identity(&bundle, device, precinct));
        Self::with(of, sanak.ready().mqtt, &bundle, outbox).await
    }

    async fn with(of: &Provisioned, mqtt: SocketAddr, bundle: &Path, mut outbox: Outbox) -> Self {
        let tls = credentials(of, bundle).unwrap();
        let link = open(mqtt, tls, &mut outbox).await.unwrap();
        let centre = CentreKeys::one("centre", read_public(&of.out().join("centre.pub")).unwrap());
        Self { outbox, link, centre }
    }

    /// Makes a report, sends it, and waits for its receipt. What a broker brought a second time is answered a second
    /// time, too: receipts of earlier reports may come before it.
    async fn say(&mut self, body: Body) -> (Receipt, Outcome) {
        let envelope = self.outbox.make(body, now()).unwrap();
        let seq = self.outbox.last_seq();
        self.send(&envelope);
        let its_own = async {
            loop {
                let (receipt, outcome) = self.receipt().await;
                if receipt.seq >= seq {
                    return (receipt, outcome);
                }
                assert_eq!(receipt.verdict, Verdict::Duplicate, "{receipt:?}");
            }
        };
        tokio::time::timeout(PATIENCE, its_own).await.expect("a receipt in time")
    }

    fn send(&mut self, envelope: &[u8]) {
        let topic = self.outbox.identity().topic(Channel::Report).to_string();
        self.link.publish(&topic, envelope.to_vec(), QoS::AtLeastOnce, false).unwrap();
    }

    /// Sends the heartbeat of this counter, signed with a key that may be another's, and waits until it was heard.
    async fn beat(&mut self, sanak: &Sanak, counter: u64, key: &SigningKey) {
        let Identity { election, precinct, device, .. } = self.outbox.identity();
        let topic = self.outbox.identity().topic(Channel::Heartbeat);
        let payload = encode_heartbeat(&Heartbeat {
            election: election.clone(),
            precinct: *precinct,
            device: device.clone(),
            at: now(),
            uptime: counter % 1_000,
            counter,
            last_seq: 0,
            battery: None,
            mains: None,
            signal: None,
            paper: None,
            firmware: None,
            errors: Vec::new(),
            shown: None,
        });
        let envelope = sign(&topic, device.as_str(), &payload, key);
        let before = sanak.metric("sanak_life_signs_total").await;
        self.link.publish(&topic.to_string(), envelope, QoS::AtLeastOnce, false).unwrap();
        let begun = Instant::now();
        while sanak.metric("sanak_life_signs_total").await <= before {
            assert!(begun.elapsed() < PATIENCE, "heartbeat {counter} is heard");
            // What is sent goes out while what comes in is waited for.
            let _ = tokio::time::timeout(Duration::from_millis(20), self.link.next()).await;
        }
    }

    async fn receipt(&mut self) -> (Receipt, Outcome) {
        loop {
            let Packet::Publish(message) = self.link.next().await.unwrap() else { continue };
            let receipt = verify_receipt(&message.topic, &message.payload, &self.centre).unwrap();
            let outcome = self.outbox.on_receipt(&receipt, Duration::ZERO).unwrap();
            return (receipt.receipt().clone(), outcome);
        }
    }

    /// How long it takes until the line is cut.
    async fn cut(&mut self) -> Duration {
        let begun = Instant::now();
        let ended = async { while self.link.next().await.is_ok() {} };
        tokio::time::timeout(PATIENCE, ended).await.expect("the line is cut");
        begun.elapsed()
    }
}

fn identified(count: u64) -> Turnout {
    Turnout { identified: Count::new(count), by_sex: None, by_age: None, by_district: None }
}

fn tally(ballots: u64) -> Tally {
    let votes = BTreeMap::from([("p01".parse().unwrap(), Count::new(ballots))]);
    let (ballots, invalid) = (Count::new(ballots), Count::ZERO);
    let list = ContestTally {
        contest: "list".parse().unwrap(),
        ballots,
        invalid,
        votes,
        preferences: BTreeMap::new(),
    };
    Tally { ballots, contests: vec![list] }
}

fn decision(reason: &str, act: Value) -> String {
    json!({ "reason": reason, "act": act }).to_string()
}

/// The night ends: its journal is sound, and replays to what is shown.
async fn checks_clean(of: &Provisioned, mut sanak: Sanak) {
    sanak.assert_no_errors_logged();
    let mut last = (Value::Null, Value::Null);
    for _ in 0..50 {
        let replayed = of.replay(&sanak.data()).await;
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        let mut replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
        let mut shown = sanak.get("/elections/vec-1/results").await.1;
        last = (replayed["units"].take(), shown["units"].take());
        // Of a unit that no record has touched: the start of the one, polls open of the other.
        for unit in [&mut last.0, &mut last.1].into_iter().filter_map(Value::as_array_mut).flatten() {
            unit["updated_at"].take();
        }
        if last.0 == last.1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last.0, last.1, "what the journal gives is what is shown");
    let checked = of.check(&sanak.data()).await;
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
}

async fn refused(of: &Provisioned, sanak: &Sanak, bundle: &Path, device: &str) {
    let mut outbox = Outbox::in_memory(identity(bundle, device, "5001"));
    let tls = credentials(of, bundle).unwrap();
    let answer = open(sanak.ready().mqtt, tls, &mut outbox).await;
    assert!(matches!(answer, Err(LinkError::Refused(ConnectReturnCode::NotAuthorized))), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_speak_over_tls_with_the_bundles_they_were_given() {
    let of = Provisioned::new().await;
    let sanak = of.serve().start().await;
    let mut terminal = Device::connect(&of, &sanak, "t-5001-1", "5001").await;
    let (opening, _) = terminal.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
    assert_eq!((opening.verdict, opening.seq), (Verdict::Accepted, 1));
    assert_eq!(terminal.say(Body::Closing(identified(10))).await.0.verdict, Verdict::Accepted);
    let mut urn = Device::connect(&of, &sanak, "u-5001-1", "5001").await;
    assert_eq!(urn.say(Body::OpeningUrn(tally(0))).await.0.verdict, Verdict::Accepted);
    assert_eq!(urn.say(Body::Tally(tally(10))).await.0.verdict, Verdict::Accepted);
    // With another's bundle nobody is let in under this name.
    let mut outbox = Outbox::in_memory(identity(&of.bundle("u-5001-1"), "u-5001-1", "5001"));
    let others = credentials(&of, &of.bundle("t-5001-1")).unwrap();
    let answer = open(sanak.ready().mqtt, others, &mut outbox).await;
    let turned_down = matches!(answer, Err(LinkError::Refused(ConnectReturnCode::BadClientId)));
    assert!(turned_down, "{answer:?}");
    checks_clean(&of, sanak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_device_is_out_within_a_second_and_others_notice_nothing() {
    let of = Provisioned::new().await;
    let sanak = of.serve().start().await;
    let mut revoked = Device::connect(&of, &sanak, "t-5001-1", "5001").await;
    let mut other = Device::connect(&of, &sanak, "t-5002-1", "5002").await;
    for device in [&mut revoked, &mut other] {
        let opening = device.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
        assert_eq!(opening.0.verdict, Verdict::Accepted);
        assert_eq!(device.say(Body::Turnout(identified(30))).await.0.verdict, Verdict::Accepted);
    }
    let output = of.provision(&["--revoke", "t-5001-1", "--reason", "stolen at noon"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let (asked, cut) = (Instant::now(), revoked.cut());
    let ((status, answer), _) = tokio::join!(sanak.decide(TOKEN, output.stdout.clone()), cut);
    assert_eq!(status, 201, "{answer}");
    let took = asked.elapsed();
    eprintln!("from the decision to the cut line: {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    refused(&of, &sanak, &of.bundle("t-5001-1"), "t-5001-1").await;
    let (status, again) = sanak.decide(TOKEN, output.stdout).await;
    assert_eq!(status, 409, "{again}");
    assert!(again["detail"].as_str().unwrap().contains("put a spare one in its place"), "{again}");

    assert_eq!(
        other.say(Body::Turnout(identified(31))).await.0.verdict,
        Verdict::Accepted,
        "its line stands"
    );
    let shown = sanak
        .wait_for("/elections/vec-1/results", |results| results["units"][0]["turnout"]["identified"] == 61);
    assert_eq!(shown.await["units"][0]["turnout"]["precincts"], 2, "what was accepted stays counted");
    // A power cut later it is still out.
    let sanak = sanak.kill_and_restart().await;
    refused(&of, &sanak, &of.bundle("t-5001-1"), "t-5001-1").await;
    checks_clean(&of, sanak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reissued_key_continues_the_chain_and_the_old_one_is_out() {
    let of = Provisioned::new().await;
    let sanak = of.serve().start().await;
    let mut device = Device::connect(&of, &sanak, "t-5001-1", "5001").await;
    device.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
    let old = tempfile::tempdir().unwrap();
    for file in ["device.key", "device.crt"] {
        std::fs::copy(of.bundle("t-5001-1").join(file), old.path().join(file)).unwrap();
    }
    // Whoever saw the key has said that there will be no later heartbeat.
    let stolen = read_private(&old.path().join("device.key")).unwrap();
    device.beat(&sanak, u64::MAX, &stolen).await;
    device.beat(&sanak, 7, &stolen).await;
    let stale = "sanak_stale_signs_total{kind=\"heartbeat\"}";
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sanak.metric(stale).await, 1.0, "the device itself is not heard any more");
    let output = of.provision(&["--reissue", "t-5001-1", "--reason", "its board was changed"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let elsewhere = String::from_utf8(output.stdout.clone()).unwrap().replace("5001,", "5002,");
    let (status, answer) = sanak.decide(TOKEN, elsewhere).await;
    assert_eq!(status, 409, "it does not stand there: {answer}");
    let ((status, answer), _) = tokio::join!(sanak.decide(TOKEN, output.stdout.clone()), device.cut());
    assert_eq!(status, 201, "{answer}");
    refused(&of, &sanak, old.path(), "t-5001-1").await;
    let (status, answer) = sanak.decide(TOKEN, output.stdout).await;
    assert_eq!(status, 409, "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("make a new one"), "{answer}");

    // The same device, as it was, with its new key: numbers and chain go on, also for what it had not sent.
    let bundle = of.bundle("t-5001-1");
    let mut resumed = Outbox::in_memory(identity(&bundle, "t-5001-1", "5001"));
    let first = resumed.make(Body::OpeningTerminal { identified: Count::ZERO }, now()).unwrap();
    let mut other = Device::with(&of, sanak.ready().mqtt, &bundle, resumed).await;
    other.send(&first);
    let (receipt, _) = tokio::time::timeout(PATIENCE, other.receipt()).await.expect("a receipt in time");
    assert_eq!(
        (receipt.verdict, receipt.code),
        (Verdict::Quarantined, Some(Code::S03)),
        "who forgot its numbers equivocates"
    );
    let key = read_private(&bundle.join("device.key")).unwrap();
    device.outbox.rekey(key.clone()).unwrap();
    let mut device = Device::with(&of, sanak.ready().mqtt, &bundle, device.outbox).await;
    device.beat(&sanak, 8, &key).await;
    device.beat(&sanak, 8, &key).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sanak.metric(stale).await, 2.0, "the new key is heard once, and its repetition is not");
    let (turnout, _) = device.say(Body::Turnout(identified(30))).await;
    assert_eq!((turnout.verdict, turnout.seq), (Verdict::Accepted, 2));
    // What the old key signs is nobody's, whatever certificate it comes by.
    let before = sanak.metric("sanak_refused_messages_total{code=\"E03\"}").await;
    let mut forger = Outbox::in_memory(identity(old.path(), "t-5001-1", "5001"));
    let forged = forger.make(Body::OpeningTerminal { identified: Count::ZERO }, now()).unwrap();
    device.send(&forged);
    assert_eq!(device.say(Body::Turnout(identified(31))).await.0.seq, 3);
    assert_eq!(sanak.metric("sanak_refused_messages_total{code=\"E03\"}").await, before + 1.0);
    let sanak = sanak.kill_and_restart().await;
    refused(&of, &sanak, old.path(), "t-5001-1").await;
    checks_clean(&of, sanak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spare_urn_takes_the_place_of_one_that_was_revoked() {
    let of = Provisioned::new().await;
    let sanak = of.serve().start().await;
    let mut spare = Device::connect(&of, &sanak, "s-1", "5001").await;
    let (early, _) = spare.say(Body::OpeningUrn(tally(0))).await;
    assert_eq!((early.verdict, early.code, early.offset), (Verdict::Rejected, Some(Code::E07), None));
    let revoke = json!({"act": "revoke", "precinct": 5001, "device": "u-5001-1"});
    assert_eq!(sanak.decide(TOKEN, decision("it fell", revoke)).await.0, 201);
    let place = |precinct: u32, old: &str| {
        decision("it fell", json!({"act": "replace", "precinct": precinct, "old": old, "new": "s-1"}))
    };
    assert_eq!(sanak.decide(TOKEN, place(5001, "u-5001-1")).await.0, 201);
    let (status, answer) = sanak.decide(TOKEN, place(5002, "u-5002-1")).await;
    assert_eq!(status, 409, "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("s-1 is in use"), "{answer}");
    // Its operator lets it go on, on the connection that it has: what it said too early is said again.
    spare.outbox.resume();
    let [too_early] = &spare.outbox.due(Duration::ZERO, &mut || 0)[..] else { panic!("one report waits") };
    spare.send(&too_early.clone());
    let (opening, _) = tokio::time::timeout(PATIENCE, spare.receipt()).await.expect("a receipt in time");
    assert_eq!((opening.verdict, opening.digest), (Verdict::Accepted, early.digest));
    assert_eq!(spare.say(Body::Tally(tally(12))).await.0.verdict, Verdict::Accepted);
    let shown = sanak.wait_for("/elections/vec-1/results", |results| {
        results["units"][0]["contests"]["list"]["urns"]["ballots"] == 12
    });
    assert_eq!(shown.await["units"][0]["contests"]["list"]["urns"]["precincts"], 1);
    checks_clean(&of, sanak).await;
}
