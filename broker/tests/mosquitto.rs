//! The link through Mosquitto 2, as Debian has it, with the configuration and the access list that we make.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

#[path = "support/authority.rs"]
mod authority;
#[path = "support/mosquitto.rs"]
mod mosquitto;
mod support;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authority::Authority;
use broker::direct::{Register, Standing};
use broker::external::{self, Backoff};
use broker::tls::{self, KeyPair};
use broker::{AlarmKind, DeviceLink, LinkEvent, Peer, RefusedKind};
use bytes::Bytes;
use mosquitto::{GATEWAY, Running, tool};
use support::{BOTH, Client, Options, PATIENCE, Seen, Version, next, topic};
use tempfile::TempDir;

const URN: &str = "urn-5123-1";
const OTHER: &str = "urn-5123-2";

/// Mosquitto, and our session with it.
struct House {
    directory: TempDir,
    authority: Authority,
    broker: Running,
    link: DeviceLink,
    revoked: Arc<Mutex<BTreeSet<String>>>,
}

impl House {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "device-ca");
        let broker = Running::start(&authority);
        authority.device(directory.path(), GATEWAY);
        let revoked = Arc::<Mutex<BTreeSet<String>>>::default();
        let link = Self::link(&directory, &authority, &broker, &revoked, Some(broker.settings.log.clone()));
        let house = Self { directory, authority, broker, link, revoked };
        house.subscribed().await;
        house
    }

    fn link(
        directory: &TempDir,
        authority: &Authority,
        broker: &Running,
        revoked: &Arc<Mutex<BTreeSet<String>>>,
        log: Option<PathBuf>,
    ) -> DeviceLink {
        let file = |end| directory.path().join(format!("{GATEWAY}.{end}"));
        let ours = KeyPair { cert: file("crt"), key: file("key") };
        let revoked = Arc::clone(revoked);
        let register: Register = Arc::new(move |name, _| match revoked.lock().unwrap().contains(name) {
            true => Standing::Revoked,
            false => Standing::Device,
        });
        let names = [URN, OTHER].map(str::to_owned).to_vec();
        external::start(external::Config {
            tls: Some((authority.cert.clone(), Some(ours))),
            log,
            devices: Some(external::Devices { names, register }),
            backoff: Backoff::new(Duration::from_millis(50), Duration::from_millis(400)),
            ..external::Config::new("127.0.0.1", broker.address().port(), GATEWAY, "kg-demo")
        })
        .unwrap()
    }

    /// The gateway ends and begins anew, with a log to follow or without.
    async fn another_link(&mut self, log: Option<PathBuf>) {
        let link = Self::link(&self.directory, &self.authority, &self.broker, &self.revoked, log);
        std::mem::replace(&mut self.link, link).stop().await;
        self.subscribed().await;
    }

    /// Waits until the session is subscribed: from then on it can send down.
    async fn subscribed(&self) {
        self.eventually("the session", || self.link.counters().connections.load(Ordering::Relaxed) == 1)
            .await;
    }

    /// Waits until so many sessions were had, the last of which is subscribed.
    async fn subscribed_again(&self, sessions: u64) {
        self.eventually("another session", || {
            self.link.counters().connects.load(Ordering::Relaxed) >= sessions
        })
        .await;
        self.subscribed().await;
    }

    async fn eventually(&self, what: &str, came: impl Fn() -> bool) {
        let begun = Instant::now();
        while !came() {
            assert!(begun.elapsed() < PATIENCE, "{what} in time: {}", self.broker.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn pair(&self, device: &str) -> KeyPair {
        let pair = |end| self.directory.path().join(format!("{device}.{end}"));
        match pair("crt").exists() {
            true => KeyPair { cert: pair("crt"), key: pair("key") },
            false => self.authority.device(self.directory.path(), device),
        }
    }

    fn options(&self, device: &str, version: Version) -> Options {
        let tls = tls::client(&self.authority.cert, Some(&self.pair(device))).unwrap();
        Options::new(device, version).tls(tls)
    }

    async fn device(&self, device: &str, version: Version) -> Client {
        self.options(device, version).connect(self.broker.address()).await
    }

    fn tool(&self, name: &str, version: &str, device: &str) -> Command {
        tool(name, version, self.broker.address(), &self.authority.cert, device, &self.pair(device))
    }

    /// The next message; refusals on the way are passed over, alarms are not.
    async fn message(&mut self) -> broker::Message {
        loop {
            match next(&mut self.link).await {
                LinkEvent::Message(message) => return message,
                LinkEvent::Refused { .. } => {}
                other => panic!("a message was expected, not {other:?}"),
            }
        }
    }

    async fn refused(&self, what: RefusedKind, times: u64) {
        let counters = self.link.counters();
        self.eventually(what.name(), || counters.refused(what) >= times).await;
        assert_eq!(counters.refused(what), times, "{}: {}", what.name(), self.broker.log());
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn reports_and_receipts_of_both_versions_pass_through_side_by_side() {
    let mut house = House::new().await;
    let mut devices = [house.device(URN, Version::V4).await, house.device(OTHER, Version::V5).await];
    for (device, id) in devices.iter_mut().zip([URN, OTHER]) {
        assert!(device.subscribe(&topic(id, "receipt")).await);
        device.publish(&topic(id, "report"), *b"votes").await;
        assert!(matches!(device.next().await, Seen::Acked { ok: true, .. }));
        let message = house.message().await;
        assert_eq!((message.topic, message.peer), (topic(id, "report"), Peer::Unknown));
        message.ack.done();
        assert!(house.link.downlink().publish(&topic(id, "receipt"), Bytes::from_static(b"receipt")));
        let seen = Seen::Message { topic: topic(id, "receipt"), payload: b"receipt".to_vec() };
        assert_eq!(device.next().await, seen);
    }
    house.link.stop().await;
}

#[tokio::test]
async fn mosquittos_own_clients_report_and_hear_their_receipts_in_both_versions() {
    let mut house = House::new().await;
    for version in ["311", "5"] {
        let mut listener = house.tool("mosquitto_sub", version, URN);
        let listener = listener.args(["-t", &topic(URN, "receipt"), "-C", "1", "-W", "10"]).spawn().unwrap();
        let mut publisher = house.tool("mosquitto_pub", version, OTHER);
        let sent = publisher.args(["-t", &topic(OTHER, "report"), "-m", "votes"]).output().unwrap();
        assert!(sent.status.success(), "{}", said(&sent));
        let message = house.message().await;
        assert_eq!(message.payload, Bytes::from_static(b"votes"));
        message.ack.done();
        let expected = if version == "311" { 1 } else { 2 };
        let subscribed = || house.broker.log().matches("Sending SUBACK to urn").count();
        house.eventually("the subscription", || subscribed() >= expected).await;
        assert!(house.link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt")));
        let heard = listener.wait_with_output().unwrap();
        assert_eq!(heard.stdout, b"receipt\n", "version {version}: {}", said(&heard));
    }
    // What the access list denies is told to version 5 alone.
    for (version, told) in [("311", false), ("5", true)] {
        let mut forger = house.tool("mosquitto_pub", version, URN);
        let sent = forger.args(["-t", &topic(OTHER, "report"), "-m", "forged"]).output().unwrap();
        assert_eq!(said(&sent).contains("Not authorized"), told, "{}", said(&sent));
    }
    house.refused(RefusedKind::Topic, 2).await;
}

#[tokio::test]
async fn a_device_is_kept_to_its_own_topics_for_publishing_hearing_and_its_will() {
    for version in BOTH {
        let mut house = House::new().await;
        let mut other = house.device(OTHER, version).await;
        assert!(other.subscribe(&topic(OTHER, "receipt")).await);
        let options = house.options(URN, version).will(&topic(OTHER, "state"), b"offline");
        let mut hostile = options.connect(house.broker.address()).await;
        // Granted, and empty: what may not be heard is not delivered.
        for filter in ["#".to_owned(), topic(OTHER, "receipt"), topic(OTHER, "report"), topic(URN, "receipt")]
        {
            assert!(hostile.subscribe(&filter).await, "{filter}");
        }
        house.refused(RefusedKind::Subscription, 3).await;
        hostile.publish(&topic(OTHER, "report"), *b"forged").await;
        hostile.publish(&topic(URN, "receipt"), *b"forged").await;
        hostile.publish(&topic(OTHER, "receipt"), *b"forged").await;
        for _ in 0..3 {
            let acked = hostile.next().await;
            assert!(matches!(acked, Seen::Acked { ok, .. } if ok == (version == Version::V4)), "{acked:?}");
        }
        house.refused(RefusedKind::Topic, 3).await;
        other.publish(&topic(OTHER, "report"), *b"votes").await;
        let message = house.message().await;
        assert_eq!(message.payload, Bytes::from_static(b"votes"), "nothing forged came before it");
        message.ack.done();
        assert!(matches!(other.next().await, Seen::Acked { ok: true, .. }));
        house.link.downlink().publish(&topic(OTHER, "receipt"), Bytes::from_static(b"for the other"));
        assert!(matches!(other.next().await, Seen::Message { .. }));
        hostile.sees_nothing_for(Duration::from_millis(300)).await;
        hostile.cut().await;
        house.refused(RefusedKind::Will, 1).await;
        let honest = house.options(OTHER, version).will(&topic(OTHER, "state"), b"offline");
        honest.connect(house.broker.address()).await.cut().await;
        assert_eq!(
            house.message().await.topic,
            topic(OTHER, "state"),
            "the own will is told, the foreign was not"
        );
        house.refused(RefusedKind::Will, 1).await;
    }
}

#[tokio::test]
async fn whatever_client_id_is_said_the_certificates_name_is_taken() {
    let mut house = House::new().await;
    let mut other = house.device(OTHER, Version::V4).await;
    let tls = tls::client(&house.authority.cert, Some(&house.pair(URN))).unwrap();
    let pretender = Options::new(OTHER, Version::V4).tls(tls).connect(house.broker.address()).await;
    pretender.publish(&topic(OTHER, "report"), *b"forged").await;
    house.refused(RefusedKind::Topic, 1).await;
    // The other was not taken over.
    other.publish(&topic(OTHER, "report"), *b"votes").await;
    assert_eq!(house.message().await.payload, Bytes::from_static(b"votes"));
    assert!(matches!(other.next().await, Seen::Acked { .. }));
}

#[tokio::test]
async fn what_is_too_large_for_us_is_counted_by_us_and_what_is_too_large_for_it_by_mosquitto() {
    let mut house = House::new().await;
    let mut device = house.device(URN, Version::V4).await;
    device.publish(&topic(URN, "report"), vec![7; 300 * 1024]).await;
    house.refused(RefusedKind::Size, 1).await;
    assert!(matches!(device.next().await, Seen::Acked { .. }));
    device.publish(&topic(URN, "report"), vec![7; 256 * 1024]).await;
    assert_eq!(house.message().await.payload.len(), 256 * 1024);
    assert!(matches!(device.next().await, Seen::Acked { .. }));
    device.publish(&topic(URN, "report"), vec![7; 600 * 1024]).await;
    assert!(matches!(device.next().await, Seen::Closed(_)));
    house.refused(RefusedKind::Size, 2).await;
}

#[tokio::test]
async fn strangers_come_no_further_than_the_door() {
    let house = House::new().await;
    let foreign = Authority::new(&house.directory.path().join(""), "foreign-ca");
    let foreign = foreign.device(house.directory.path(), "urn-9999-1");
    let with = |pair: Option<&KeyPair>| tls::client(&house.authority.cert, pair).unwrap();
    for (tls, what) in [(with(None), RefusedKind::Handshake), (with(Some(&foreign)), RefusedKind::Identity)] {
        let mut turned = Options::new(URN, Version::V4).tls(tls).open(house.broker.address());
        assert!(matches!(turned.next().await, Seen::Closed(_)));
        house.refused(what, 1).await;
    }
    let mut plain = Options::new(URN, Version::V5).open(house.broker.address());
    assert!(matches!(plain.next().await, Seen::Closed(_)));
    house.refused(RefusedKind::Handshake, 2).await;
    let old = Command::new("openssl")
        .args(["s_client", "-tls1_2", "-connect", &house.broker.address().to_string()])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(said(&old).contains("alert protocol version"), "{}", said(&old));
    house.refused(RefusedKind::Handshake, 3).await;
}

/// How long it takes until the connection is ended, whatever comes down before.
async fn ended(client: &mut Client) -> Duration {
    let begun = Instant::now();
    while !matches!(client.next().await, Seen::Closed(_)) {}
    begun.elapsed()
}

#[tokio::test]
async fn who_is_shut_out_loses_the_connection_at_once_and_every_one_after_it_and_others_notice_nothing() {
    for version in BOTH {
        let mut house = House::new().await;
        let mut other = house.device(OTHER, version).await;
        let will = house.options(URN, version).will(&topic(URN, "state"), b"offline");
        let mut device = will.connect(house.broker.address()).await;
        house.revoked.lock().unwrap().insert(URN.to_owned());
        house.link.downlink().disconnect(URN);
        let took = ended(&mut device).await;
        eprintln!("{version:?}: ended after {took:?}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        // Whoever comes again may say and hear nothing, and does not stay.
        for _ in 0..3 {
            let mut again = house.options(URN, version).connect(house.broker.address()).await;
            again.publish(&topic(URN, "report"), *b"votes").await;
            let took = ended(&mut again).await;
            assert!(took < Duration::from_secs(2), "{took:?}");
        }
        // Also after the broker was killed.
        house.broker.end_and_restart("KILL");
        house.subscribed_again(2).await;
        let mut again = house.options(URN, version).connect(house.broker.address()).await;
        ended(&mut again).await;
        // It died with the broker.
        ended(&mut other).await;
        let mut other = house.device(OTHER, version).await;
        other.publish(&topic(OTHER, "report"), *b"votes").await;
        assert!(matches!(other.next().await, Seen::Acked { ok: true, .. }));
        let heard = loop {
            match next(&mut house.link).await {
                LinkEvent::Message(message) => break message,
                LinkEvent::Alarm { what, detail } => assert_ne!(what, AlarmKind::NotShutOut, "{detail}"),
                LinkEvent::Refused { .. } => {}
                event => panic!("{event:?}"),
            }
        };
        assert_eq!(heard.topic, topic(OTHER, "report"), "neither a report nor a will came of the other");
    }
}

#[tokio::test]
async fn a_connection_is_ended_for_a_new_key_and_the_device_is_let_in_again() {
    let house = House::new().await;
    let mut device = house.device(URN, Version::V5).await;
    house.link.downlink().disconnect(URN);
    assert!(ended(&mut device).await < Duration::from_secs(1));
    let mut again = house.device(URN, Version::V5).await;
    again.publish(&topic(URN, "report"), *b"votes").await;
    assert!(matches!(again.next().await, Seen::Acked { ok: true, .. }));
    again.sees_nothing_for(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn without_a_log_who_is_shut_out_is_ended_again_within_half_a_minute_and_who_no_longer_is_comes_in() {
    let mut house = House::new().await;
    house.another_link(None).await;
    house.revoked.lock().unwrap().insert(URN.to_owned());
    house.link.downlink().disconnect(URN);
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut again = house.options(URN, Version::V4).connect(house.broker.address()).await;
    let begun = Instant::now();
    while tokio::time::timeout(Duration::from_secs(1), ended(&mut again)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(35), "{}", house.broker.log());
    }
    // Another night, for which the register says otherwise.
    house.revoked.lock().unwrap().clear();
    house.another_link(None).await;
    let kept = || std::fs::read_to_string(&house.broker.settings.shut_out).unwrap();
    house.eventually("an entry taken out", || !kept().contains(URN)).await;
    let mut device = house.device(URN, Version::V5).await;
    device.publish(&topic(URN, "report"), *b"votes").await;
    assert!(matches!(device.next().await, Seen::Acked { ok: true, .. }));
    device.sees_nothing_for(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn no_device_shuts_out_another_or_hears_who_is() {
    for version in BOTH {
        let house = House::new().await;
        let mut other = house.device(OTHER, version).await;
        let mut hostile = house.device(URN, version).await;
        assert!(hostile.subscribe("$CONTROL/dynamic-security/v1/response").await);
        house.refused(RefusedKind::Subscription, 1).await;
        let command = format!(
            "{{\"commands\":[{{\"command\":\"createClient\",\"username\":\"{OTHER}\"}},\
             {{\"command\":\"disableClient\",\"username\":\"{OTHER}\"}}]}}"
        );
        for topic in ["$CONTROL/dynamic-security/v1", "$CONTROL/dynamic-security/v1/response"] {
            hostile.publish(topic, command.clone()).await;
            let acked = hostile.next().await;
            assert!(matches!(acked, Seen::Acked { ok, .. } if ok == (version == Version::V4)), "{acked:?}");
        }
        house.refused(RefusedKind::Topic, 2).await;
        house.link.downlink().disconnect("nobody");
        hostile.sees_nothing_for(Duration::from_millis(500)).await;
        other.publish(&topic(OTHER, "report"), *b"votes").await;
        assert!(matches!(other.next().await, Seen::Acked { ok: true, .. }));
    }
}

#[tokio::test]
async fn a_broker_that_does_not_answer_who_is_shut_out_is_an_alarm() {
    let mut house = House::new().await;
    // An access list from before: the gateway may not command.
    let list = std::fs::read_to_string(&house.broker.settings.acl).unwrap();
    let list: String =
        list.lines().filter(|line| !line.contains("$CONTROL")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&house.broker.settings.acl, list).unwrap();
    house.broker.signal("HUP");
    tokio::time::sleep(Duration::from_millis(300)).await;
    house.link.downlink().disconnect(URN);
    let begun = Instant::now();
    let detail = loop {
        assert!(begun.elapsed() < Duration::from_secs(20));
        let event = tokio::time::timeout(Duration::from_secs(15), house.link.next()).await.unwrap().unwrap();
        if let LinkEvent::Alarm { what: AlarmKind::NotShutOut, detail } = event {
            break detail;
        }
    };
    assert!(detail.contains(URN), "{detail}");
}

#[tokio::test]
async fn an_operators_lists_silence_a_revoked_device_and_keep_it_from_coming_in_again() {
    let mut house = House::new().await;
    let mut revoked = house.device(URN, Version::V5).await;
    let mut other = house.device(OTHER, Version::V5).await;
    assert!(revoked.subscribe(&topic(URN, "receipt")).await);
    house.broker.shut_out(&house.authority, &[URN]);
    // The connection that stands is worth nothing any more.
    let denied = Instant::now();
    loop {
        revoked.publish(&topic(URN, "report"), *b"revoked").await;
        if matches!(revoked.next().await, Seen::Acked { ok: false, .. }) {
            break;
        }
        assert!(denied.elapsed() < PATIENCE);
    }
    eprintln!("silenced {:?} after the signal", denied.elapsed());
    house.link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt"));
    revoked.sees_nothing_for(Duration::from_millis(300)).await;
    revoked.cut().await;
    let mut again = house.options(URN, Version::V5).open(house.broker.address());
    assert!(matches!(again.next().await, Seen::Closed(_)));
    house.refused(RefusedKind::Identity, 1).await;
    other.publish(&topic(OTHER, "report"), *b"votes").await;
    assert!(matches!(other.next().await, Seen::Acked { ok: true, .. }));
    loop {
        if house.message().await.topic == topic(OTHER, "report") {
            break;
        }
    }
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_when_mosquitto_does() {
    let mut house = House::new().await;
    let device = house.device(URN, Version::V4).await;
    device.publish(&topic(URN, "report"), *b"votes").await;
    let held = house.message().await;
    house.broker.end("TERM");
    match next(&mut house.link).await {
        LinkEvent::Alarm { what, .. } => assert_eq!(what, AlarmKind::SessionLost),
        other => panic!("an alarm was expected, not {other:?}"),
    }
    drop(held);
    house.broker.restart();
    loop {
        match next(&mut house.link).await {
            LinkEvent::Alarm { what: AlarmKind::SessionLost, .. } => {}
            LinkEvent::Message(message) => {
                assert_eq!(message.payload, Bytes::from_static(b"votes"), "Mosquitto had kept it");
                break message.ack.done();
            }
            other => panic!("{other:?}"),
        }
    }
    // Killed, it has lost what it has not saved; the session comes back all the same.
    house.subscribed().await;
    house.broker.end_and_restart("KILL");
    house.eventually("a third session", || house.link.counters().connects.load(Ordering::Relaxed) >= 3).await;
    house.subscribed().await;
    let mut device = house.device(URN, Version::V4).await;
    device.publish(&topic(URN, "report"), *b"again").await;
    assert!(matches!(device.next().await, Seen::Acked { .. }));
    loop {
        if let LinkEvent::Message(message) = next(&mut house.link).await
            && message.payload == "again"
        {
            break message.ack.done();
        }
    }
}

#[tokio::test]
async fn refusals_are_counted_across_a_rotation_of_the_log() {
    let house = House::new().await;
    let hostile = house.device(URN, Version::V4).await;
    let log = house.broker.settings.log.clone();
    hostile.publish(&topic(OTHER, "report"), *b"forged").await;
    house.refused(RefusedKind::Topic, 1).await;
    for round in 2..=4_u64 {
        std::fs::rename(&log, log.with_extension(round.to_string())).unwrap();
        hostile.publish(&topic(OTHER, "report"), *b"before the signal").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        house.broker.signal("HUP");
        house.eventually("a new log", || log.exists()).await;
        hostile.publish(&topic(OTHER, "report"), *b"after it").await;
        house.refused(RefusedKind::Topic, 2 * round - 1).await;
    }
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_an_alarm() {
    let directory = tempfile::tempdir().unwrap();
    let mut link = external::start(external::Config {
        log: Some(directory.path().to_owned()),
        backoff: Backoff::new(PATIENCE, PATIENCE),
        ..external::Config::new("127.0.0.1", 9, GATEWAY, "kg-demo")
    })
    .unwrap();
    let unread = loop {
        match next(&mut link).await {
            LinkEvent::Alarm { what: AlarmKind::SessionLost, .. } => {}
            LinkEvent::Alarm { what, detail } => break (what, detail),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(unread.0, AlarmKind::LogUnread);
    assert!(unread.1.contains(directory.path().to_str().unwrap()), "{}", unread.1);
}

#[tokio::test]
async fn a_session_with_a_new_certificate_needs_no_new_link() {
    let mut house = House::new().await;
    let renewed = house.authority.device(house.directory.path(), GATEWAY);
    house.link.reloader().reload().unwrap();
    house.broker.end_and_restart("TERM");
    house.eventually("another session", || house.link.counters().connects.load(Ordering::Relaxed) >= 2).await;
    std::fs::write(&renewed.key, "no key").unwrap();
    let error = house.link.reloader().reload().err().unwrap();
    assert!(error.to_string().contains("sanak-gateway.key"), "{error}");
    house.broker.end_and_restart("TERM");
    house.eventually("a third", || house.link.counters().connects.load(Ordering::Relaxed) >= 3).await;
    house.subscribed().await;
    let _device = house.device(URN, Version::V5).await;
    assert!(Arc::strong_count(&house.link.counters()) > 1);
}
