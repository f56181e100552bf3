//! Those who come and prove nothing, and those who come too often: what they cost others, and what they see.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

#[path = "support/authority.rs"]
mod authority;
mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use authority::Authority;
use broker::direct::{self, Config, Tls};
use broker::limits::Rate;
use broker::{DeviceLink, LinkEvent, RefusedKind, tls};
use rcgen::ExtendedKeyUsagePurpose;
use support::{BOTH, Options, PATIENCE, Seen, Version, message, next, refusal, topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const URN: &str = "urn-5123-1";
const OTHER: &str = "urn-5123-2";

fn start(change: impl FnOnce(&mut Config)) -> DeviceLink {
    let mut config = support::config(&[URN, OTHER]);
    change(&mut config);
    direct::start(config).unwrap()
}

async fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    futures_util::future::join_all(
        (0..count).map(|_| async move { TcpStream::connect(address).await.unwrap() }),
    )
    .await
}

#[tokio::test]
async fn a_thousand_silent_sockets_keep_no_device_out() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path(), "device-ca");
    let server = authority.sign(directory.path(), &["server"], ExtendedKeyUsagePurpose::ServerAuth);
    let link = start(|config| {
        config.limits.unproven = 100;
        config.limits.pressed = Duration::from_millis(20);
        config.limits.connections = 110;
        config.plain_listen = None;
        let listen = "127.0.0.1:0".parse().unwrap();
        config.tls = Some(Tls { listen, server, device_ca: authority.cert.clone() });
    });
    let address = link.tls_address().unwrap();
    let device = authority.device(directory.path(), URN);
    let options = || Options::new(URN, Version::V4).tls(tls::client(&authority.cert, Some(&device)).unwrap());
    let alone = Instant::now();
    options().connect(address).await.disconnect().await;
    let alone = alone.elapsed();
    let _silent = silent(address, 1_000).await;
    let begun = Instant::now();
    let _device = options().connect(address).await;
    eprintln!("alone in {alone:?}, behind 1,000 silent sockets in {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let counters = link.counters();
    assert!(
        counters.refused(RefusedKind::Silence) >= 900,
        "the oldest made room for the others, one after another"
    );
    assert_eq!(counters.refused(RefusedKind::Connections), 0, "the places of devices stayed theirs");
    link.stop().await;
}

#[tokio::test]
async fn an_unproven_connection_is_left_alone_while_there_is_room_and_a_proven_one_always() {
    let mut link = start(|config| {
        config.limits.unproven = 3;
        config.limits.pressed = Duration::from_millis(100);
    });
    let address = link.address().unwrap();
    let mut proven = Options::new(URN, Version::V5).connect(address).await;
    let mut held = silent(address, 3).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for socket in &mut held {
        let read = tokio::time::timeout(Duration::from_millis(10), socket.read(&mut [0; 1])).await;
        assert!(read.is_err(), "still open");
    }
    let _other = Options::new(OTHER, Version::V4).connect(address).await;
    assert_eq!(refusal(&mut link).await, (String::new(), RefusedKind::Silence));
    assert_eq!(held[0].read(&mut [0; 1]).await.unwrap_or(0), 0, "the oldest made room");
    let read = tokio::time::timeout(Duration::from_millis(10), held[1].read(&mut [0; 1])).await;
    assert!(read.is_err(), "the second oldest did not");
    proven.publish(&topic(URN, "report"), *b"votes").await;
    message(&mut link).await.ack.done();
    assert_eq!(proven.next().await, Seen::Acked { id: 1, ok: true });
}

#[tokio::test]
async fn a_device_that_connects_again_and_again_is_refused_for_a_while_and_others_are_not() {
    for version in BOTH {
        let mut link = start(|config| config.limits.connect_rate = Rate { per_second: 2.0, burst: 3.0 });
        let address = link.address().unwrap();
        for _ in 0..3 {
            Options::new(URN, version).connect(address).await.disconnect().await;
        }
        let mut refused = Options::new(URN, version).open(address);
        let Seen::Closed(why) = refused.next().await else { panic!("refused") };
        assert!(why.contains(if version == Version::V4 {
            "ServiceUnavailable"
        } else {
            "ConnectionRateExceeded"
        }));
        assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Rate));
        Options::new(OTHER, version).connect(address).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        Options::new(URN, version).connect(address).await;
    }
}

/// CONNECT of version 3.1.1, keep-alive 60 s.
fn connect(client: &str, flags: u8, rest: &[u8]) -> Vec<u8> {
    let mut body = b"\x00\x04MQTT\x04".to_vec();
    body.extend([flags, 0, 60, 0, client.len() as u8]);
    body.extend(client.as_bytes());
    body.extend(rest);
    packet(0x10, &body)
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut length = body.len();
    loop {
        let more = if length > 127 { 0x80 } else { 0 };
        packet.push((length % 128) as u8 | more);
        length /= 128;
        if length == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u16).to_be_bytes(), text.as_bytes()].concat()
}

/// All that the server says to these bytes before it closes, or falls silent.
async fn answer(address: SocketAddr, packets: &[Vec<u8>]) -> (Vec<u8>, bool) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let mut said = Vec::new();
    for bytes in packets {
        // It may have hung up already.
        let _ = socket.write_all(bytes).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut buffer = [0; 256];
    loop {
        match tokio::time::timeout(Duration::from_millis(300), socket.read(&mut buffer)).await {
            Ok(Ok(0) | Err(_)) => return (said, true),
            Ok(Ok(read)) => said.extend(&buffer[..read]),
            Err(_) => return (said, false),
        }
    }
}

/// What the README promises to those who write firmware: bytes in, bytes out, and whether the connection ends.
#[tokio::test]
async fn a_v3_client_that_is_refused_sees_these_bytes() {
    let mut link = start(|_| ());
    let address = link.address().unwrap();
    tokio::spawn(async move {
        while let Some(event) = link.next().await {
            if let LinkEvent::Message(message) = event {
                message.ack.done();
            }
        }
    });
    const CLEAN: u8 = 2;
    const WILL: u8 = 0x06;
    let hello = || connect(URN, CLEAN, &[]);
    let foreign = [text(&topic(OTHER, "state")), text("offline")].concat();
    let publish = |kind: u8, to: &str| packet(kind, &[text(to), vec![0, 7], b"votes".to_vec()].concat());
    let subscribe = |to: &str| packet(0x82, &[vec![0, 9], text(to), vec![1]].concat());
    let welcome = vec![0x20, 2, 0, 0];
    let after = |bytes: &[u8]| [welcome.clone(), bytes.to_vec()].concat();
    let cases = [
        ("no client id and a session to keep: closed", vec![connect("", 0, &[])], vec![], true),
        (
            "a will in another's name: not authorised",
            vec![connect(URN, WILL, &foreign)],
            vec![0x20, 2, 0, 5],
            true,
        ),
        (
            "in another's name: acknowledged, dropped",
            vec![hello(), publish(0x32, &topic(OTHER, "report"))],
            after(&[0x40, 2, 0, 7]),
            false,
        ),
        (
            "another's receipts: 0x80",
            vec![hello(), subscribe(&topic(OTHER, "receipt"))],
            after(&[0x90, 3, 0, 9, 0x80]),
            false,
        ),
        ("everything: 0x80", vec![hello(), subscribe("#")], after(&[0x90, 3, 0, 9, 0x80]), false),
        (
            "its own receipts: granted",
            vec![hello(), subscribe(&topic(URN, "receipt"))],
            after(&[0x90, 3, 0, 9, 1]),
            false,
        ),
        ("QoS 2: closed", vec![hello(), publish(0x34, &topic(URN, "report"))], welcome.clone(), true),
        (
            "300 KiB: closed",
            vec![
                hello(),
                packet(0x32, &[text(&topic(URN, "report")), vec![0, 7], vec![0; 300 << 10]].concat()),
            ],
            welcome.clone(),
            true,
        ),
        ("a second CONNECT: ignored", vec![hello(), hello()], welcome.clone(), false),
        ("a topic with a wildcard: closed", vec![hello(), publish(0x32, "sanak/1/#")], welcome.clone(), true),
    ];
    for (what, packets, said, ends) in cases {
        assert_eq!(answer(address, &packets).await, (said, ends), "{what}");
    }
}

#[tokio::test]
async fn a_v3_client_whose_certificate_has_another_name_sees_identifier_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new(directory.path(), "device-ca");
    let server = authority.sign(directory.path(), &["server"], ExtendedKeyUsagePurpose::ServerAuth);
    let mut link = start(|config| {
        config.plain_listen = None;
        let listen = "127.0.0.1:0".parse().unwrap();
        config.tls = Some(Tls { listen, server, device_ca: authority.cert.clone() });
    });
    for (certificate, client, why) in
        [(URN, OTHER, "BadClientId"), ("urn-9999-1", "urn-9999-1", "BadClientId")]
    {
        let pair = authority.device(directory.path(), certificate);
        let tls = tls::client(&authority.cert, Some(&pair)).unwrap();
        let mut refused = Options::new(client, Version::V4).tls(tls).open(link.tls_address().unwrap());
        let Seen::Closed(said) = refused.next().await else { panic!("{client} is refused") };
        assert!(said.contains(why), "{said}");
        assert_eq!(refusal(&mut link).await, (certificate.to_owned(), RefusedKind::Identity));
    }
    assert!(tokio::time::timeout(PATIENCE / 100, next(&mut link)).await.is_err(), "nothing else happened");
}
