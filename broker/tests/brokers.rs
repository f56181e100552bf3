//! The link through a broker: the embedded one, and one that dies and comes back.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use broker::external::{self, Backoff};
use broker::{AlarmKind, DeviceLink, Error, LinkEvent, Peer, RefusedKind, embedded};
use bytes::Bytes;
use support::{Options, Seen, Version, message, next, refusal, topic};
use tokio::sync::oneshot;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

const URN: &str = "urn-5123-1";
const RETENTION: usize = 1 << 24;

fn anywhere() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

fn start_embedded() -> DeviceLink {
    embedded::start(embedded::Config::new(anywhere(), 10, "kg-demo")).unwrap()
}

/// A broker on a thread of its own, until it is ended.
struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Running {
    fn start(address: SocketAddr) -> Self {
        let broker = embedded::Broker::new(address, RETENTION).unwrap();
        let address = broker.address();
        let (stop, stopping) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread = std::thread::spawn(move || runtime.block_on(broker.serve(stopping)));
        while std::net::TcpStream::connect(address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { address, stop, thread }
    }

    fn end(self) -> SocketAddr {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
        self.address
    }
}

fn session(address: SocketAddr) -> DeviceLink {
    external::start(external::Config {
        backoff: Backoff::new(Duration::from_millis(50), Duration::from_millis(400)),
        ..external::Config::new("127.0.0.1", address.port(), "gateway", "kg-demo")
    })
    .unwrap()
}

/// Waits until the session is subscribed: from then on it can send down.
async fn subscribed(link: &DeviceLink) {
    let begun = Instant::now();
    while link.counters().connections.load(std::sync::atomic::Ordering::Relaxed) == 0 {
        assert!(begun.elapsed() < support::PATIENCE, "a session comes about in time");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn alarm(link: &mut DeviceLink) -> AlarmKind {
    match next(link).await {
        LinkEvent::Alarm { what, .. } => what,
        other => panic!("an alarm was expected, not {other:?}"),
    }
}

#[tokio::test]
async fn a_report_and_its_receipt_pass_through_the_embedded_broker() {
    let mut link = start_embedded();
    let mut client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    assert!(client.subscribe(&topic(URN, "receipt")).await);
    client.publish(&topic(URN, "report"), *b"votes").await;
    // The broker's acknowledgement promises nothing.
    assert_eq!(client.next().await, Seen::Acked { id: 2, ok: true });
    let message = message(&mut link).await;
    assert_eq!((message.topic.as_str(), message.peer), (topic(URN, "report").as_str(), Peer::Unknown));
    assert_eq!(message.payload, Bytes::from_static(b"votes"));
    message.ack.done();
    assert!(link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt")));
    let seen = Seen::Message { topic: topic(URN, "receipt"), payload: b"receipt".to_vec() };
    assert_eq!(client.next().await, seen);
    link.stop().await;
}

#[tokio::test]
async fn heartbeats_wills_and_other_elections_are_told_apart() {
    let mut link = start_embedded();
    let options = Options::new(URN, Version::V4).will(&topic(URN, "state"), b"offline");
    let client = options.connect(link.address().unwrap()).await;
    client.publish_at(0, "sanak/1/rehearsal/5123/urn-5123-1/heartbeat", *b"elsewhere").await;
    client.publish_at(0, &topic(URN, "heartbeat"), *b"alive").await;
    let heartbeat = message(&mut link).await;
    assert_eq!((heartbeat.topic, heartbeat.payload), (topic(URN, "heartbeat"), Bytes::from_static(b"alive")));
    client.cut().await;
    let will = message(&mut link).await;
    assert_eq!((will.topic, will.payload), (topic(URN, "state"), Bytes::from_static(b"offline")));
}

#[tokio::test]
async fn a_message_given_up_is_sent_again_after_a_wait() {
    let mut link = start_embedded();
    let client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    client.publish(&topic(URN, "report"), *b"votes").await;
    drop(message(&mut link).await.ack);
    assert_eq!(alarm(&mut link).await, AlarmKind::SessionLost);
    let again = message(&mut link).await;
    assert_eq!(again.payload, Bytes::from_static(b"votes"));
    again.ack.done();
}

#[tokio::test]
async fn messages_are_acknowledged_in_order_whatever_the_order_they_are_done_in() {
    let broker = Running::start(anywhere());
    let mut link = session(broker.address);
    subscribed(&link).await;
    let client = Options::new(URN, Version::V4).connect(broker.address).await;
    for number in 0..3_u8 {
        client.publish(&topic(URN, "report"), [number]).await;
    }
    let mut acks = Vec::new();
    for number in 0..3_u8 {
        let message = message(&mut link).await;
        assert_eq!(message.payload, Bytes::copy_from_slice(&[number]));
        acks.push(message.ack);
    }
    acks.into_iter().rev().for_each(broker::Ack::done);
    tokio::time::sleep(Duration::from_millis(200)).await;
    link.stop().await;
    // The same session, resumed: nothing is owed to it.
    let mut link = session(broker.address);
    subscribed(&link).await;
    client.publish(&topic(URN, "report"), *b"next").await;
    assert_eq!(message(&mut link).await.payload, Bytes::from_static(b"next"));
    link.stop().await;
    broker.end();
}

#[tokio::test]
async fn the_session_comes_back_when_the_broker_does_and_says_what_happened() {
    let broker = Running::start(anywhere());
    let mut link = session(broker.address);
    subscribed(&link).await;
    let address = broker.end();
    assert_eq!(alarm(&mut link).await, AlarmKind::SessionLost);
    assert!(!link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"nobody there")));
    let broker = Running::start(address);
    loop {
        match alarm(&mut link).await {
            AlarmKind::SessionLost => {}
            what => break assert_eq!(what, AlarmKind::SessionForgotten),
        }
    }
    subscribed(&link).await;
    let mut client = Options::new(URN, Version::V4).connect(broker.address).await;
    assert!(client.subscribe(&topic(URN, "receipt")).await);
    client.publish(&topic(URN, "report"), *b"votes").await;
    message(&mut link).await.ack.done();
    assert!(link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt")));
    assert!(matches!(client.next().await, Seen::Acked { .. }));
    assert!(matches!(client.next().await, Seen::Message { .. }));
    link.stop().await;
    broker.end();
}

#[tokio::test]
async fn attempts_grow_rarer_while_there_is_no_broker() {
    // Somebody who hangs up on everybody.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut link = external::start(external::Config {
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
        ..external::Config::new("127.0.0.1", listener.local_addr().unwrap().port(), "gateway", "kg-demo")
    })
    .unwrap();
    let mut attempts = 0;
    let counting = async {
        loop {
            drop(listener.accept().await.unwrap());
            attempts += 1;
        }
    };
    // 0, 0.1, 0.3, 0.7, 1.5, 3.1 s, each up to a quarter earlier.
    assert!(tokio::time::timeout(Duration::from_secs(3), counting).await.is_err());
    assert!((4..=6).contains(&attempts), "{attempts} attempts");
    assert_eq!(alarm(&mut link).await, AlarmKind::SessionLost);
    link.stop().await;
}

#[tokio::test]
async fn an_oversized_message_is_refused_and_not_asked_for_again() {
    let mut link = start_embedded();
    let client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    client.publish(&topic(URN, "report"), vec![7; 300 * 1024]).await;
    assert_eq!(refusal(&mut link).await, (String::new(), RefusedKind::Size));
    client.publish(&topic(URN, "report"), vec![7; 256 * 1024]).await;
    let message = message(&mut link).await;
    assert_eq!(message.payload.len(), 256 * 1024);
    message.ack.done();
    assert_eq!(link.counters().refused(RefusedKind::Size), 1);
}

#[tokio::test]
async fn messages_that_the_broker_skips_raise_an_alarm() {
    tracing_subscriber::registry().with(embedded::JumpLayer).init();
    let config =
        embedded::Config { retention: 16 * 1024, ..embedded::Config::new(anywhere(), 10, "kg-demo") };
    let mut link = embedded::start(config).unwrap();
    let mut client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    for _ in 0..400 {
        client.publish(&topic(URN, "report"), vec![1; 1_024]).await;
    }
    for _ in 0..400 {
        assert!(matches!(client.next().await, Seen::Acked { .. }));
    }
    let mut taken = 0;
    loop {
        match next(&mut link).await {
            LinkEvent::Message(message) => {
                message.ack.done();
                taken += 1;
            }
            LinkEvent::Alarm { what, .. } => break assert_eq!(what, AlarmKind::MessagesSkipped),
            other => panic!("{other:?}"),
        }
    }
    assert!(taken < 400, "some were skipped");
}

#[tokio::test]
async fn a_stopped_link_leaves_its_address_and_sends_no_more() {
    let link = start_embedded();
    let (address, downlink) = (link.address().unwrap(), link.downlink());
    link.stop().await;
    assert!(!downlink.publish(&topic(URN, "receipt"), Bytes::new()));
    embedded::start(embedded::Config::new(address, 10, "kg-demo")).unwrap().stop().await;
}

#[tokio::test]
async fn the_embedded_broker_is_refused_off_loopback_and_for_a_whole_country() {
    let error =
        embedded::start(embedded::Config::new("0.0.0.0:0".parse().unwrap(), 10, "kg-demo")).err().unwrap();
    assert!(matches!(error, Error::EmbeddedOffLoopback(_)), "{error}");
    let error = embedded::start(embedded::Config::new(anywhere(), 2_001, "kg-demo")).err().unwrap();
    assert!(matches!(error, Error::TooManyDevices { devices: 2_001, .. }), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _held = std::net::TcpListener::bind(taken).unwrap();
    let error = embedded::start(embedded::Config::new(taken, 10, "kg-demo")).err().unwrap();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
}
