//! The direct link, over real sockets, with clients that know nothing of it.

#![allow(clippy::unwrap_used)] // the helpers here are tests too

mod support;

use std::time::{Duration, Instant};

use broker::direct::{self, Config};
use broker::{Error, LinkEvent, Peer, RefusedKind};
use bytes::Bytes;
use support::{BOTH, Options, Seen, Version, gone, message, next, refusal, start, topic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const URN: &str = "urn-5123-1";
const OTHER: &str = "urn-5123-2";

#[tokio::test]
async fn a_publication_is_acknowledged_only_when_it_is_done() {
    for version in BOTH {
        let mut link = start(&[URN]);
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        client.publish(&topic(URN, "report"), *b"votes").await;
        let message = message(&mut link).await;
        assert_eq!(message.topic, topic(URN, "report"));
        assert_eq!(message.payload, Bytes::from_static(b"votes"));
        assert_eq!(message.peer, Peer::Claimed(URN.to_owned()));
        client.sees_nothing_for(Duration::from_millis(200)).await;
        message.ack.done();
        assert_eq!(client.next().await, Seen::Acked { id: 1, ok: true });
        link.stop().await;
    }
}

#[tokio::test]
async fn a_message_given_up_closes_the_connection_so_that_it_is_sent_again() {
    for version in BOTH {
        let mut link = start(&[URN]);
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        client.publish(&topic(URN, "report"), *b"votes").await;
        drop(message(&mut link).await.ack);
        assert!(matches!(client.next().await, Seen::Closed(_)));
        assert_eq!(gone(&mut link).await, (URN.to_owned(), false));
        let counters = link.counters();
        assert_eq!(counters.unacknowledged.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_heartbeat_at_qos_0_arrives_and_asks_for_nothing() {
    let mut link = start(&[URN]);
    let client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    client.publish_at(0, &topic(URN, "heartbeat"), *b"alive").await;
    let message = message(&mut link).await;
    assert_eq!(message.topic, topic(URN, "heartbeat"));
    message.ack.done();
}

#[tokio::test]
async fn a_publication_in_anothers_name_is_refused_and_the_session_goes_on() {
    for version in BOTH {
        let mut link = start(&[URN, OTHER]);
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        client.publish(&topic(OTHER, "report"), *b"forged").await;
        // Version 3 has no word for a refusal: the answer is the usual one, the message is dropped.
        assert_eq!(client.next().await, Seen::Acked { id: 1, ok: version == Version::V4 });
        assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Topic));
        client.publish(&topic(URN, "report"), *b"own").await;
        let message = message(&mut link).await;
        assert_eq!(message.payload, Bytes::from_static(b"own"));
        assert_eq!(link.counters().refused(RefusedKind::Topic), 1);
    }
}

#[tokio::test]
async fn a_device_subscribes_to_its_own_down_channels_and_to_nothing_else() {
    for version in BOTH {
        let mut link = start(&[URN, OTHER]);
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        for own in ["receipt", "command", "#", "+"] {
            assert!(client.subscribe(&topic(URN, own)).await, "{own}");
        }
        for foreign in ["#".to_owned(), topic(OTHER, "receipt"), "sanak/1/kg-demo/+/+/receipt".to_owned()] {
            assert!(!client.subscribe(&foreign).await, "{foreign}");
        }
        assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Subscription));
        assert_eq!(link.counters().refused(RefusedKind::Subscription), 3);
    }
}

#[tokio::test]
async fn a_will_in_anothers_name_is_refused_at_connect() {
    for version in BOTH {
        let mut link = start(&[URN, OTHER]);
        let options = Options::new(URN, version).will(&topic(OTHER, "state"), b"offline");
        let mut client = options.open(link.address().unwrap());
        assert!(matches!(client.next().await, Seen::Closed(_)));
        assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Will));
    }
}

#[tokio::test]
async fn an_oversized_will_is_refused_at_connect() {
    let mut link = start(&[URN]);
    let options = Options::new(URN, Version::V4).will(&topic(URN, "state"), &[0; 5_000]);
    let mut client = options.open(link.address().unwrap());
    assert!(matches!(client.next().await, Seen::Closed(_)));
    assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Will));
}

#[tokio::test]
async fn a_message_of_256_kib_arrives_and_one_of_300_is_refused_without_harm_to_others() {
    for version in BOTH {
        let mut link = start(&[URN, OTHER]);
        let address = link.address().unwrap();
        let mut other = Options::new(OTHER, version).connect(address).await;
        let mut client = Options::new(URN, version).connect(address).await;
        client.publish(&topic(URN, "report"), vec![7; 256 * 1024]).await;
        let whole = message(&mut link).await;
        assert_eq!(whole.payload.len(), 256 * 1024);
        whole.ack.done();
        assert_eq!(client.next().await, Seen::Acked { id: 1, ok: true });
        client.publish(&topic(URN, "report"), vec![7; 300 * 1024]).await;
        assert!(matches!(client.next().await, Seen::Closed(_)));
        if version == Version::V4 {
            assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Size));
        } else {
            // Version 5 was told the limit at CONNECT: its library does not even send.
            assert_eq!(gone(&mut link).await, (URN.to_owned(), false));
        }
        other.publish(&topic(OTHER, "report"), *b"small").await;
        message(&mut link).await.ack.done();
        assert_eq!(other.next().await, Seen::Acked { id: 1, ok: true });
    }
}

#[tokio::test]
async fn qos_2_is_refused() {
    for version in BOTH {
        let mut link = start(&[URN]);
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        client.publish_at(2, &topic(URN, "report"), *b"votes").await;
        assert!(matches!(client.next().await, Seen::Closed(_)));
        assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Qos));
        assert_eq!(link.counters().refused(RefusedKind::Qos), 1);
    }
}

#[tokio::test]
async fn a_second_connection_takes_over_and_the_firsts_will_is_told_before() {
    for version in BOTH {
        let mut link = start(&[URN]);
        let address = link.address().unwrap();
        let will = |boot: &str| Options::new(URN, version).will(&topic(URN, "state"), boot.as_bytes());
        let mut first = will("1").connect(address).await;
        let mut second = will("2").connect(address).await;
        assert!(matches!(first.next().await, Seen::Closed(_)));
        assert!(matches!(next(&mut link).await, LinkEvent::Connected { .. }));
        match next(&mut link).await {
            LinkEvent::Message(message) => assert_eq!(message.payload, Bytes::from_static(b"1")),
            other => panic!("the first's will was expected, not {other:?}"),
        }
        assert!(matches!(next(&mut link).await, LinkEvent::Gone { clean: false, .. }));
        assert!(matches!(next(&mut link).await, LinkEvent::Connected { .. }));
        assert!(second.subscribe(&topic(URN, "receipt")).await);
        assert!(link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"for the second")));
        assert!(matches!(second.next().await, Seen::Message { .. }));
        assert_eq!(link.counters().takeovers.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn a_will_is_told_when_the_socket_is_cut_and_not_after_a_goodbye() {
    for version in BOTH {
        let mut link = start(&[URN]);
        let address = link.address().unwrap();
        let options = || Options::new(URN, version).will(&topic(URN, "state"), b"offline");
        options().connect(address).await.cut().await;
        let will = message(&mut link).await;
        assert_eq!((will.topic, will.payload), (topic(URN, "state"), Bytes::from_static(b"offline")));
        assert_eq!(gone(&mut link).await, (URN.to_owned(), false));
        let client = options().connect(address).await;
        client.disconnect().await;
        assert_eq!(gone(&mut link).await, (URN.to_owned(), true));
    }
}

#[tokio::test]
async fn no_will_is_told_when_the_link_stops() {
    let mut link = start(&[URN]);
    let options = Options::new(URN, Version::V5).will(&topic(URN, "state"), b"offline");
    let mut client = options.connect(link.address().unwrap()).await;
    assert!(matches!(next(&mut link).await, LinkEvent::Connected { .. }));
    let counters = link.counters();
    link.stop().await;
    assert!(matches!(client.next().await, Seen::Closed(why) if why.contains("ServerShuttingDown")));
    assert_eq!(counters.messages_in.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn the_port_is_free_again_after_a_stop_and_nobody_is_sent_to() {
    let link = start(&[URN]);
    let (address, downlink) = (link.address().unwrap(), link.downlink());
    link.stop().await;
    assert!(!downlink.publish(&topic(URN, "receipt"), Bytes::new()));
    let again = direct::start(Config { plain_listen: Some(address), ..support::config(&[URN]) }).unwrap();
    again.stop().await;
}

#[tokio::test]
async fn a_message_down_reaches_the_device_that_subscribed() {
    for version in BOTH {
        let link = start(&[URN, OTHER]);
        let downlink = link.downlink();
        assert!(!downlink.publish(&topic(URN, "receipt"), Bytes::from_static(b"too early")));
        let mut client = Options::new(URN, version).connect(link.address().unwrap()).await;
        assert!(!downlink.publish(&topic(URN, "receipt"), Bytes::from_static(b"not subscribed")));
        assert!(client.subscribe(&topic(URN, "#")).await);
        assert!(downlink.publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt")));
        assert!(!downlink.publish(&topic(OTHER, "receipt"), Bytes::from_static(b"for another")));
        let seen = Seen::Message { topic: topic(URN, "receipt"), payload: b"receipt".to_vec() };
        assert_eq!(client.next().await, seen);
        client.sees_nothing_for(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_device_that_acknowledges_nothing_is_sent_so_much_and_no_more() {
    for version in BOTH {
        let link = start(&[URN]);
        let mut client = Options::new(URN, version).mute().connect(link.address().unwrap()).await;
        assert!(client.subscribe(&topic(URN, "receipt")).await);
        let downlink = link.downlink();
        let sent =
            (0..100).filter(|_| downlink.publish(&topic(URN, "receipt"), Bytes::from_static(b"r"))).count();
        assert_eq!(sent, 64);
        for _ in 0..64 {
            assert!(matches!(client.next().await, Seen::Message { .. }));
        }
        client.sees_nothing_for(Duration::from_millis(100)).await;
        assert_eq!(link.counters().dropped_down.load(std::sync::atomic::Ordering::Relaxed), 36);
    }
}

#[tokio::test]
async fn places_for_messages_down_come_back_with_their_acknowledgements() {
    let link = start(&[URN]);
    let mut client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    assert!(client.subscribe(&topic(URN, "receipt")).await);
    let downlink = link.downlink();
    for number in 0..500_u32 {
        assert!(downlink.publish(&topic(URN, "receipt"), Bytes::copy_from_slice(&number.to_be_bytes())));
        let payload = number.to_be_bytes().to_vec();
        assert_eq!(client.next().await, Seen::Message { topic: topic(URN, "receipt"), payload });
    }
}

#[tokio::test]
async fn a_revoked_device_is_disconnected_on_request() {
    let mut link = start(&[URN]);
    let mut client = Options::new(URN, Version::V5).connect(link.address().unwrap()).await;
    assert!(matches!(next(&mut link).await, LinkEvent::Connected { .. }));
    link.downlink().disconnect(URN);
    assert!(matches!(client.next().await, Seen::Closed(why) if why.contains("AdministrativeAction")));
    assert_eq!(gone(&mut link).await, (URN.to_owned(), false));
}

#[tokio::test]
async fn an_operators_tool_listens_in_and_publishes_for_a_device() {
    let mut link = start(&[URN]);
    let address = link.address().unwrap();
    let mut urn = Options::new(URN, Version::V4).connect(address).await;
    assert!(urn.subscribe(&topic(URN, "command")).await);
    let mut tool = Options::new("mosquitto-sub", Version::V5).connect(address).await;
    assert!(tool.subscribe("sanak/1/kg-demo/#").await);
    assert!(!tool.subscribe("#").await);
    assert_eq!(refusal(&mut link).await, ("mosquitto-sub".to_owned(), RefusedKind::Subscription));

    urn.publish(&topic(URN, "report"), *b"heard").await;
    assert_eq!(tool.next().await, Seen::Message { topic: topic(URN, "report"), payload: b"heard".to_vec() });
    message(&mut link).await.ack.done();
    assert!(matches!(urn.next().await, Seen::Acked { .. }));

    tool.publish(&topic(URN, "report"), *b"in its name").await;
    let message = message(&mut link).await;
    assert_eq!(message.peer, Peer::Claimed("mosquitto-sub".to_owned()));
    message.ack.done();
    assert!(matches!(tool.next().await, Seen::Acked { .. }));

    tool.publish(&topic(URN, "command"), *b"order").await;
    assert!(matches!(tool.next().await, Seen::Acked { .. }));
    assert_eq!(urn.next().await, Seen::Message { topic: topic(URN, "command"), payload: b"order".to_vec() });
}

#[tokio::test]
async fn a_slow_gateway_makes_the_sockets_wait_and_loses_nothing() {
    let mut link = direct::start(Config { queue: 4, ..support::config(&[URN]) }).unwrap();
    let client = Options::new(URN, Version::V4).connect(link.address().unwrap()).await;
    for number in 0..300_u32 {
        client.publish(&topic(URN, "report"), number.to_be_bytes()).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Four in the queue, one at its door.
    assert!(link.counters().messages_in.load(std::sync::atomic::Ordering::Relaxed) <= 4);
    for number in 0..300_u32 {
        let message = message(&mut link).await;
        assert_eq!(message.payload, Bytes::copy_from_slice(&number.to_be_bytes()), "the order is kept");
        message.ack.done();
    }
}

#[tokio::test]
async fn a_flood_from_one_client_does_not_delay_another() {
    let mut link = start(&[URN, OTHER]);
    let address = link.address().unwrap();
    let mut calm = Options::new(OTHER, Version::V4).connect(address).await;
    let flood = Options::new(URN, Version::V4).connect(address).await;
    let flooding = tokio::spawn(async move {
        loop {
            flood.publish_at(0, &topic(URN, "heartbeat"), vec![1; 2_000]).await;
        }
    });
    let gateway = tokio::spawn(async move {
        while let Some(event) = link.next().await {
            if let LinkEvent::Message(message) = event {
                message.ack.done();
            }
        }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    for id in 1..=20 {
        let sent = Instant::now();
        calm.publish(&topic(OTHER, "report"), *b"votes").await;
        assert_eq!(calm.next().await, Seen::Acked { id, ok: true });
        assert!(sent.elapsed() < Duration::from_millis(250), "{:?}", sent.elapsed());
    }
    flooding.abort();
    gateway.abort();
}

#[tokio::test]
async fn a_client_that_is_too_fast_is_slowed_down_and_loses_nothing() {
    let mut config = support::config(&[URN]);
    config.limits.device_rate = broker::limits::Rate { per_second: 100.0, burst: 10.0 };
    let mut link = direct::start(config).unwrap();
    let client = Options::new(URN, Version::V5).connect(link.address().unwrap()).await;
    let begun = Instant::now();
    for _ in 0..60 {
        client.publish(&topic(URN, "report"), *b"r").await;
    }
    let (mut taken, mut told) = (0, 0);
    while taken < 60 {
        match next(&mut link).await {
            LinkEvent::Message(message) => {
                message.ack.done();
                taken += 1;
            }
            LinkEvent::Refused { what: RefusedKind::Rate, .. } => told += 1,
            _ => {}
        }
    }
    assert!(begun.elapsed() > Duration::from_millis(450), "{:?}", begun.elapsed());
    assert_eq!(told, 1, "told once a second");
}

/// Memory of this process that is in use, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn a_flood_of_tiny_packets_does_not_grow_the_process() {
    let mut link = start(&[URN]);
    let mut socket = TcpStream::connect(link.address().unwrap()).await.unwrap();
    socket.write_all(CONNECT).await.unwrap();
    socket.read_exact(&mut [0; 4]).await.unwrap();
    let gateway = tokio::spawn(async move { while link.next().await.is_some() {} });
    let before = resident();
    // PUBLISH at QoS 0 on the topic "x", without payload, as fast as the socket takes them.
    let tiny: Vec<u8> = b"\x30\x03\x00\x01x".repeat(20_000);
    let flood = async { while socket.write_all(&tiny).await.is_ok() {} };
    assert!(tokio::time::timeout(Duration::from_secs(2), flood).await.is_err(), "it goes on all the time");
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    gateway.abort();
}

#[tokio::test]
async fn strangers_that_are_refused_all_the_time_are_counted_and_told_now_and_then() {
    let mut link = start(&[URN]);
    let address = link.address().unwrap();
    for _ in 0..200 {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(&[0xff; 16]).await.unwrap();
        let _ = socket.read(&mut [0; 16]).await;
    }
    let mut told = 0;
    while let Ok(Some(LinkEvent::Refused { .. })) =
        tokio::time::timeout(Duration::from_millis(200), link.next()).await
    {
        told += 1;
    }
    assert_eq!(link.counters().refused(RefusedKind::Protocol), 200);
    assert!((50..150).contains(&told), "{told} told");
}

#[tokio::test]
async fn a_thousand_devices_connect_at_once() {
    let ids: Vec<String> = (0..1_000).map(|number| format!("urn-{number}")).collect();
    let link = start(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let address = link.address().unwrap();
    let counters = link.counters();
    let gateway = tokio::spawn(async move {
        let mut link = link;
        let mut messages = 0;
        while messages < 1_000 {
            if let LinkEvent::Message(message) = next(&mut link).await {
                let receipt = message.topic.replace("/report", "/receipt");
                assert!(link.downlink().publish(&receipt, message.payload));
                message.ack.done();
                messages += 1;
            }
        }
        link
    });
    let begun = Instant::now();
    let clients: Vec<_> = ids
        .into_iter()
        .enumerate()
        .map(|(number, id)| {
            tokio::spawn(async move {
                let version = if number % 2 == 0 { Version::V4 } else { Version::V5 };
                let mut client = Options::new(&id, version).connect(address).await;
                assert!(client.subscribe(&topic(&id, "receipt")).await);
                client.publish(&topic(&id, "report"), id.clone().into_bytes()).await;
                let mut seen = [client.next().await, client.next().await];
                seen.sort_by_key(|seen| matches!(seen, Seen::Message { .. }));
                assert_eq!(seen[0], Seen::Acked { id: 2, ok: true });
                assert_eq!(seen[1], Seen::Message { topic: topic(&id, "receipt"), payload: id.into_bytes() });
                client
            })
        })
        .collect();
    let mut open = Vec::new();
    for client in clients {
        open.push(client.await.unwrap());
    }
    eprintln!("1,000 connections, reports and receipts in {:?}", begun.elapsed());
    assert_eq!(counters.connections.load(std::sync::atomic::Ordering::Relaxed), 1_000);
    gateway.await.unwrap().stop().await;
    assert_eq!(counters.connections.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn connections_beyond_the_limit_are_closed_at_once() {
    let mut config = support::config(&[URN]);
    config.limits.connections = 2;
    let mut link = direct::start(config).unwrap();
    let address = link.address().unwrap();
    let _held = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let mut third = TcpStream::connect(address).await.unwrap();
    assert_eq!(third.read(&mut [0; 16]).await.unwrap_or(0), 0);
    assert_eq!(refusal(&mut link).await, (String::new(), RefusedKind::Connections));
}

#[tokio::test]
async fn silent_sockets_and_half_packets_are_closed_in_time() {
    let mut config = support::config(&[URN]);
    config.limits.handshake = Duration::from_secs(1);
    config.limits.packet = Duration::from_secs(1);
    let mut link = direct::start(config).unwrap();
    let address = link.address().unwrap();

    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut half_connect = TcpStream::connect(address).await.unwrap();
    half_connect.write_all(&CONNECT[..12]).await.unwrap();
    for socket in [&mut silent, &mut half_connect] {
        let read = tokio::time::timeout(Duration::from_secs(6), socket.read(&mut [0; 16])).await;
        assert_eq!(read.expect("closed in time").unwrap_or(0), 0);
        assert_eq!(refusal(&mut link).await, (String::new(), RefusedKind::Silence));
    }

    let mut half_publish = TcpStream::connect(address).await.unwrap();
    half_publish.write_all(CONNECT).await.unwrap();
    let mut connack = [0; 4];
    half_publish.read_exact(&mut connack).await.unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    half_publish.write_all(&[0x30, 100, 0, 5, b's']).await.unwrap();
    let read = tokio::time::timeout(Duration::from_secs(6), half_publish.read(&mut [0; 16])).await;
    assert_eq!(read.expect("closed in time").unwrap_or(0), 0);
    assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Silence));
}

/// CONNECT of version 3.1.1: clean session, keep-alive 1 s, client id `urn-5123-1`.
const CONNECT: &[u8] = b"\x10\x16\x00\x04MQTT\x04\x02\x00\x01\x00\x0aurn-5123-1";

#[tokio::test]
async fn a_device_that_falls_silent_is_gone_after_one_and_a_half_keep_alives() {
    let mut link = start(&[URN]);
    let mut socket = TcpStream::connect(link.address().unwrap()).await.unwrap();
    socket.write_all(CONNECT).await.unwrap();
    assert!(matches!(next(&mut link).await, LinkEvent::Connected { .. }));
    let begun = Instant::now();
    assert_eq!(refusal(&mut link).await, (URN.to_owned(), RefusedKind::Silence));
    assert_eq!(gone(&mut link).await, (URN.to_owned(), false));
    assert!((Duration::from_millis(900)..Duration::from_secs(5)).contains(&begun.elapsed()));
}

#[tokio::test]
async fn garbage_on_the_port_is_refused_and_harms_nobody() {
    let mut link = start(&[URN]);
    let address = link.address().unwrap();
    let garbage: [&[u8]; 6] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[0xff; 64],
        &[0; 64],
        // A CONNECT of a version nobody knows; one that claims 256 MB; a PUBLISH before any CONNECT.
        b"\x10\x16\x00\x04MQTT\x09\x02\x00\x01\x00\x0aurn-5123-1",
        b"\x10\xff\xff\xff\x7f\x00\x04MQTT\x04\x02\x00\x01",
        b"\x30\x07\x00\x05sanakx",
    ];
    for bytes in garbage {
        let mut socket = TcpStream::connect(address).await.unwrap();
        socket.write_all(bytes).await.unwrap();
        let read = tokio::time::timeout(support::PATIENCE, socket.read(&mut [0; 16])).await;
        let read = read.unwrap_or_else(|_| panic!("{bytes:?} is refused in time")).unwrap_or(0);
        assert!(read <= 5, "nothing but a refusal is answered to {bytes:?}");
        let (client, what) = refusal(&mut link).await;
        assert!(
            client.is_empty() && matches!(what, RefusedKind::Protocol | RefusedKind::Size),
            "{what:?} {bytes:?}"
        );
    }
    let mut client = Options::new(URN, Version::V4).connect(address).await;
    client.publish(&topic(URN, "report"), *b"votes").await;
    message(&mut link).await.ack.done();
    assert_eq!(client.next().await, Seen::Acked { id: 1, ok: true });
}

#[tokio::test]
async fn a_plain_address_that_is_not_loopback_is_refused() {
    let config = Config { plain_listen: Some("0.0.0.0:0".parse().unwrap()), ..support::config(&[]) };
    let error = direct::start(config).err().unwrap();
    assert!(matches!(error, Error::PlainOffLoopback(_)), "{error}");
    let error = direct::start(Config { plain_listen: None, ..support::config(&[]) }).err().unwrap();
    assert!(matches!(error, Error::NothingToListenOn), "{error}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = direct::start(Config { plain_listen: Some(address), ..support::config(&[]) }).err().unwrap();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
