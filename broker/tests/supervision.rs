//! The session with a broker that is down, or worse: it never tries again sooner than its back-off allows.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

mod support;

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use broker::direct::{Register, Standing};
use broker::external::{self, Backoff};
use broker::{AlarmKind, DeviceLink, LinkEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
/// Three filters granted; the packet's number is the client's first.
const SUBACK: [u8; 7] = [0x90, 5, 0, 1, 1, 1, 1];

fn session(port: u16) -> DeviceLink {
    external::start(external::Config {
        backoff: Backoff::new(Duration::from_millis(100), Duration::from_secs(10)),
        ..external::Config::new("127.0.0.1", port, "gateway", "kg-demo")
    })
    .unwrap()
}

/// A broker that treats everybody so, and how often somebody came.
async fn treats<F>(treat: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> (u16, Arc<AtomicUsize>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(treat(stream));
        }
    });
    (port, came)
}

/// How many losses are told in so long.
async fn losses(link: &mut DeviceLink, time: Duration) -> usize {
    let until = Instant::now() + time;
    let mut losses = 0;
    while let Ok(event) = tokio::time::timeout_at(until.into(), link.next()).await {
        if matches!(event, Some(LinkEvent::Alarm { what: AlarmKind::SessionLost, .. })) {
            losses += 1;
        }
    }
    losses
}

async fn read_packet(stream: &mut TcpStream) {
    // Client and broker are on one machine: a small packet comes whole.
    let _ = stream.read(&mut [0; 512]).await;
}

/// Waits of 0.1, 0.2, 0.4, 0.8 and 1.6 s, each up to a quarter shorter or longer: in 3 s no more than six attempts.
const WINDOW: Duration = Duration::from_secs(3);
const ATTEMPTS: std::ops::RangeInclusive<usize> = 4..=6;

#[tokio::test]
async fn nobody_listens() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let mut link = session(nobody);
    let losses = losses(&mut link, WINDOW).await;
    assert!(ATTEMPTS.contains(&losses), "{losses} attempts");
    link.stop().await;
}

#[tokio::test]
async fn a_broker_that_hangs_up_refuses_or_talks_nonsense() {
    async fn hangs_up(_: TcpStream) {}
    async fn refuses(mut stream: TcpStream) {
        read_packet(&mut stream).await;
        let _ = stream.write_all(&[0x20, 2, 0, 5]).await;
    }
    async fn nonsense(mut stream: TcpStream) {
        read_packet(&mut stream).await;
        let _ = stream.write_all(&[0xff; 64]).await;
        tokio::time::sleep(WINDOW).await;
    }
    async fn welcomes_and_hangs_up(mut stream: TcpStream) {
        read_packet(&mut stream).await;
        let _ = stream.write_all(&CONNACK).await;
    }
    async fn grants_everything_and_hangs_up(mut stream: TcpStream) {
        read_packet(&mut stream).await;
        let _ = stream.write_all(&CONNACK).await;
        read_packet(&mut stream).await;
        let _ = stream.write_all(&SUBACK).await;
    }
    let brokers = [
        ("hangs up", treats(hangs_up).await),
        ("refuses", treats(refuses).await),
        ("nonsense", treats(nonsense).await),
        ("welcomes and hangs up", treats(welcomes_and_hangs_up).await),
        ("grants everything and hangs up", treats(grants_everything_and_hangs_up).await),
    ];
    let mut links: Vec<DeviceLink> = brokers.iter().map(|(_, (port, _))| session(*port)).collect();
    let told = futures_util::future::join_all(links.iter_mut().map(|link| losses(link, WINDOW))).await;
    for ((broker, (_, came)), told) in brokers.iter().zip(told) {
        let came = came.load(Ordering::Relaxed);
        eprintln!("{broker}: {came} attempts in {WINDOW:?}");
        assert!(ATTEMPTS.contains(&came), "{broker}: {came} attempts");
        assert!(told >= came - 1, "{broker}: {told} losses told of {came}");
    }
}

/// A broker of another make: it grants what devices say, refuses the answers of Mosquitto's plugin, and has a report.
async fn is_no_mosquitto(mut stream: TcpStream, heard: Arc<Mutex<Vec<u8>>>) {
    read_packet(&mut stream).await;
    let _ = stream.write_all(&CONNACK).await;
    read_packet(&mut stream).await;
    let _ = stream.write_all(&[0x90, 6, 0, 1, 1, 1, 1, 0x80]).await;
    let topic = b"sanak/1/kg-demo/5123/urn-5123-1/report";
    let mut publish = vec![0x32, topic.len() as u8 + 9, 0, topic.len() as u8];
    publish.extend([&topic[..], &[0, 7], b"votes"].concat());
    let _ = stream.write_all(&publish).await;
    let mut said = [0; 512];
    while let Ok(read @ 1..) = stream.read(&mut said).await {
        heard.lock().unwrap().extend(&said[..read]);
    }
}

#[tokio::test]
async fn a_broker_that_refuses_the_plugins_answers_alone_brings_reports_and_is_told_nothing_and_people_are() {
    let heard = Arc::<Mutex<Vec<u8>>>::default();
    let kept = heard.clone();
    let (port, came) = treats(move |stream| is_no_mosquitto(stream, kept.clone())).await;
    let names = vec!["urn-5123-1".to_owned(), "urn-5123-2".to_owned()];
    let register: Register = Arc::new(|name, _| match name {
        "urn-5123-2" => Standing::Revoked,
        _ => Standing::Device,
    });
    let config = external::Config::new("127.0.0.1", port, "gateway", "kg-demo");
    let devices = Some(external::Devices { names, register });
    let mut link = external::start(external::Config { devices, ..config }).unwrap();
    let (mut reports, mut alarms) = (0, 0);
    while reports == 0 || alarms == 0 {
        match support::next(&mut link).await {
            LinkEvent::Message(message) => {
                assert_eq!(message.payload, "votes");
                message.ack.done();
                reports += 1;
            }
            LinkEvent::Alarm { what, detail } => {
                assert_eq!(what, AlarmKind::NotShutOut, "{detail}");
                assert!(detail.contains("mqtt.broker"), "{detail}");
                alarms += 1;
            }
            event => panic!("{event:?}"),
        }
    }
    link.downlink().disconnect("urn-5123-2");
    // Longer than it takes to look at what is due.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert_eq!(came.load(Ordering::Relaxed), 1, "the session stands");
    // The acknowledgement of the report, and no command.
    assert_eq!(*heard.lock().unwrap(), [0x40, 2, 0, 7]);
    link.stop().await;
}

#[tokio::test]
async fn a_broker_that_stays_silent_is_given_up_after_five_seconds_and_tried_no_sooner() {
    async fn silent(stream: TcpStream) {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    }
    let (port, came) = treats(silent).await;
    let mut link = session(port);
    let losses = losses(&mut link, Duration::from_secs(8)).await;
    let came = came.load(Ordering::Relaxed);
    assert!(losses == 1 && came == 2, "{came} attempts, {losses} losses told");
    link.stop().await;
}

#[tokio::test]
async fn a_link_that_is_stopped_tries_no_more() {
    async fn hangs_up(_: TcpStream) {}
    let (port, came) = treats(hangs_up).await;
    let link = session(port);
    tokio::time::sleep(Duration::from_millis(500)).await;
    link.stop().await;
    let before = came.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(came.load(Ordering::Relaxed), before);
}
