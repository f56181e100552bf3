//! The live feed, by an independent WebSocket client and by server-sent events.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use std::{collections::BTreeMap, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use support::{House, country::WHOLE};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const PATIENCE: Duration = Duration::from_secs(20);

fn live(house: &House, query: &str) -> String {
    house.election(&format!("/live{query}")).replace("http://", "ws://")
}

async fn follow(house: &House, query: &str) -> Socket {
    connect_async(live(house, query)).await.unwrap().0
}

/// The next frame of the feed.
async fn frame(socket: &mut Socket) -> Value {
    match timeout(PATIENCE, socket.next()).await.unwrap().unwrap().unwrap() {
        Message::Text(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Reads on until the server closes, and gives its code.
async fn closed(socket: &mut Socket) -> u16 {
    loop {
        match timeout(PATIENCE, socket.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => return code.into(),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn refused(house: &House, query: &str) -> u16 {
    match connect_async(live(house, query)).await {
        Err(Error::Http(answer)) => {
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            answer.status().as_u16()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_reader_takes_a_snapshot_and_then_what_changes() {
    let mut house = House::open().await;
    let mut socket = follow(&house, "").await;
    let snapshot = frame(&mut socket).await;
    assert_eq!((&snapshot["type"], &snapshot["version"]), (&json!("snapshot"), &json!(1)));
    assert_eq!(snapshot["units"].as_array().unwrap().len(), 10);
    house.night.turnout(1, 10);
    house.publish();
    let delta = frame(&mut socket).await;
    assert_eq!((&delta["type"], &delta["from"], &delta["version"]), (&json!("delta"), &json!(1), &json!(2)));
    let ids: Vec<&str> =
        delta["units"].as_array().unwrap().iter().map(|unit| unit["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["country", "region:r1", "raion:r1-1", "district:1"]);
}

#[tokio::test]
async fn a_reader_may_take_shared_frames_deflated() {
    let mut house = House::open().await;
    let mut plain = follow(&house, "").await;
    let mut deflated = follow(&house, "?encoding=deflate").await;
    let mut single = follow(&house, "?encoding=deflate&units=precinct:1").await;
    for version in 1..=2 {
        let expected = frame(&mut plain).await;
        let Message::Binary(bytes) = timeout(PATIENCE, deflated.next()).await.unwrap().unwrap().unwrap()
        else {
            panic!("a shared frame comes deflated");
        };
        let mut json = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&bytes[..]), &mut json).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), expected);
        assert!(bytes.len() * 3 < json.len(), "{} of {}", bytes.len(), json.len());
        // What no other reader follows is not worth it.
        assert_eq!(frame(&mut single).await["version"], version);
        house.night.turnout(1, 10);
        house.publish();
    }
    assert_eq!(refused(&house, "?encoding=br").await, 400);
}

#[tokio::test]
async fn a_reader_who_comes_back_is_given_what_it_missed() {
    let mut house = House::open().await;
    for round in 1..=5 {
        house.night.turnout(round, 10);
        house.publish();
    }
    let mut back = follow(&house, "?since=e1:4&units=country,precincts").await;
    let delta = frame(&mut back).await;
    assert_eq!((&delta["type"], &delta["from"], &delta["version"]), (&json!("delta"), &json!(4), &json!(6)));
    let ids: Vec<&str> =
        delta["units"].as_array().unwrap().iter().map(|unit| unit["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["country", "precinct:4", "precinct:5"]);
    for stale in ["?since=e0:4", "?since=e1:99"] {
        let mut socket = follow(&house, stale).await;
        assert_eq!(frame(&mut socket).await["type"], "snapshot", "{stale}");
    }
}

#[tokio::test]
async fn what_a_reader_follows_is_all_that_it_is_sent() {
    let mut house = House::with(|config| config.limits.ping = Duration::from_millis(400)).await;
    let mut socket = follow(&house, "?units=precinct:3").await;
    assert_eq!(frame(&mut socket).await["units"].as_array().unwrap().len(), 1);
    house.night.turnout(1, 10);
    house.publish();
    // Nothing of its own changed: it hears of the new version when a ping is due, and not before.
    let told = frame(&mut socket).await;
    assert_eq!((&told["type"], &told["from"], &told["version"]), (&json!("delta"), &json!(1), &json!(2)));
    assert_eq!(told["units"], json!([]));
    let ping = frame(&mut socket).await;
    assert_eq!((&ping["type"], &ping["version"], &ping["epoch"]), (&json!("ping"), &json!(2), &json!("e1")));
    house.night.turnout(3, 10);
    house.publish();
    let own = frame(&mut socket).await;
    assert_eq!((&own["from"], own["units"].as_array().unwrap().len()), (&json!(2), 1));
}

#[tokio::test]
async fn a_stall_is_said_at_once_and_so_is_its_end() {
    let house = House::open().await;
    let mut socket = follow(&house, "?units=country").await;
    frame(&mut socket).await;
    house.feed.stall(house.night.now);
    let stalled = frame(&mut socket).await;
    assert_eq!(
        (&stalled["type"], &stalled["stalled_since"]),
        (&json!("ping"), &json!("2026-10-04T02:00:00Z"))
    );
    house.feed.resume();
    assert!(frame(&mut socket).await.get("stalled_since").is_none());
}

#[tokio::test]
async fn a_wish_that_makes_no_sense_is_a_problem_before_the_upgrade() {
    let house = House::with(|config| config.limits.live_readers = 1).await;
    for (query, status) in [
        ("?units=oceans", 400),
        ("?units=region:atlantis", 400),
        ("?since=1", 400),
        ("?since=e1:x", 400),
        ("?units=country&units=abroad", 400),
    ] {
        assert_eq!(refused(&house, query).await, status, "{query}");
        assert_eq!(house.problem(&house.election(&format!("/events{query}"))).await.0, status, "{query}");
    }
    assert_eq!(house.problem(&house.election("/live")).await.0, 426);
    let mut socket = follow(&house, "").await;
    frame(&mut socket).await;
    assert_eq!(refused(&house, "").await, 503);
    drop(socket);
    support::until(|| house.measured("sanak_live_readers") == 0.0).await;
    frame(&mut follow(&house, "").await).await;
}

#[tokio::test]
async fn no_frame_carries_votes_until_all_appear_in_one() {
    let mut house = House::open().await;
    let mut socket = follow(&house, "?units=country,abroad,regions,raions,districts,precincts").await;
    let before = frame(&mut socket).await;
    house.night.report(9, 4321);
    house.publish();
    let hidden = frame(&mut socket).await;
    for text in [before.to_string(), hidden.to_string()] {
        for secret in ["4321", "ballots", "invalid", "\"votes\""] {
            assert!(!text.contains(secret), "{secret}");
        }
    }
    house.night.votes = true;
    house.feed.publish(house.night.cut()).unwrap();
    let shown = frame(&mut socket).await;
    assert_eq!((&shown["version"], shown["units"].as_array().unwrap().len()), (&json!(3), 19));
    assert!(shown.to_string().contains("\"p01\":4321") && shown.get("embargo_until").is_none());
}

#[tokio::test]
async fn a_slow_reader_is_given_the_newest_state_and_no_queue() {
    let mut house = House::of(WHOLE, |_| {}).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    let stream = socket.connect(house.server.address).await.unwrap();
    let url = live(&house, "?units=precincts,country");
    let (mut slow, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let mut held: BTreeMap<String, Value> = BTreeMap::new();
    let mut at = 0;
    let published = 150u64;
    for round in 1..=published {
        for number in 1..=200 {
            house.night.turnout(number, round);
        }
        house.publish();
    }
    let mut frames = 0;
    while at < published + 1 {
        let Message::Text(text) = timeout(PATIENCE, slow.next()).await.unwrap().unwrap().unwrap() else {
            panic!()
        };
        let frame: Value = serde_json::from_str(&text).unwrap();
        if frame["type"] == "delta" {
            assert!(frame["from"].as_u64().unwrap() <= at && at < frame["version"].as_u64().unwrap());
        }
        at = frame["version"].as_u64().unwrap();
        for unit in frame["units"].as_array().unwrap() {
            held.insert(unit["id"].as_str().unwrap().to_owned(), unit.clone());
        }
        frames += 1;
    }
    assert!(frames < published / 3, "{frames} frames for {published} versions");
    let truth = house.json(&house.election("/precincts")).await;
    for unit in truth["units"].as_array().unwrap() {
        assert_eq!(&held[unit["id"].as_str().unwrap()], unit);
    }
    assert_eq!(held["country"]["turnout"]["identified"], 200 * published);
}

/// A connection whose own side holds little.
async fn narrow(house: &House) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.connect(house.server.address).await.unwrap()
}

/// How many readers were let go for taking too little.
fn slow(house: &House) -> f64 {
    let families = house.registry.gather();
    let closes = families.iter().filter(|family| family.name() == "sanak_live_closes_total");
    let slow = |of: &&prometheus::proto::Metric| of.get_label().iter().any(|label| label.value() == "slow");
    let closes = closes.flat_map(|family| family.get_metric()).filter(slow);
    closes.map(|metric| metric.get_counter().get_value()).sum()
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_closed_with_4008() {
    let mut house = House::of(WHOLE, |config| config.limits.stuck = Duration::from_secs(2)).await;
    let stream = narrow(&house).await;
    let url = live(&house, "?units=precincts");
    let (mut slow, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    house.night.turnout(1, 5);
    house.publish();
    let code = loop {
        match timeout(PATIENCE, slow.next()).await.unwrap() {
            Some(Ok(Message::Close(Some(close)))) => break u16::from(close.code),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(code, 4008);
    support::until(|| house.measured("sanak_live_readers") == 0.0).await;
}

#[tokio::test]
async fn a_reader_that_never_takes_anything_again_is_dropped() {
    let house = House::of(WHOLE, |config| config.limits.stuck = Duration::from_millis(500)).await;
    let stream = narrow(&house).await;
    let url = live(&house, "?units=precincts");
    let _stuck = tokio_tungstenite::client_async(url, stream).await.unwrap();
    support::until(|| house.measured("sanak_live_readers") == 1.0).await;
    support::until(|| house.measured("sanak_live_readers") == 0.0).await;
}

/// Takes a few hundred bytes ten times a second for as long as the connection and a seat are there; how many in all.
async fn drip(mut stream: TcpStream, house: &House) -> usize {
    support::until(|| house.measured("sanak_live_readers") == 1.0).await;
    let (mut part, mut taken) = ([0; 512], 0);
    let began = std::time::Instant::now();
    while house.measured("sanak_live_readers") > 0.0 {
        assert!(began.elapsed() < PATIENCE, "it keeps its seat: {taken} bytes taken");
        taken += stream.read(&mut part).await.unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    taken
}

#[tokio::test]
async fn a_reader_that_takes_a_few_bytes_now_and_then_keeps_no_seat() {
    let house = House::of(WHOLE, |config| config.limits.stuck = Duration::from_secs(1)).await;
    for path in ["/live?units=precincts", "/events?units=precincts"] {
        let mut stream = narrow(&house).await;
        let request = format!(
            "GET /api/v1/elections/kg-test{path} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let before = slow(&house);
        let taken = drip(stream, &house).await;
        assert!(taken > 512 * 8, "{path}: it was taking, {taken} bytes");
        assert_eq!(slow(&house) - before, 1.0, "{path}");
    }
}

#[tokio::test]
async fn a_reader_on_a_narrow_line_may_take_longer_for_a_frame_than_it_may_take_nothing() {
    let house = House::of(WHOLE, |config| config.limits.stuck = Duration::from_secs(1)).await;
    let whole = house.feed.latest().all_precincts().plain().len();
    let mut stream = narrow(&house).await;
    let request = "GET /api/v1/elections/kg-test/live?units=precincts HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n\
         upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let (began, mut taken, mut part) = (std::time::Instant::now(), 0, vec![0; 16 << 10]);
    while taken < whole {
        let read = timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
        assert!(read > 0, "it was let go after {taken} of {whole} bytes");
        taken += read;
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(2), "{:?} for {whole} bytes", began.elapsed());
    assert_eq!(slow(&house), 0.0);
}

/// Processor time of this process and of one of its threads, in the kernel's ticks.
fn ticks(thread: i32) -> (u64, u64) {
    let of = |path: String| {
        let text = std::fs::read_to_string(path).unwrap();
        let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    (of("/proc/self/stat".into()), of(format!("/proc/self/task/{thread}/stat")))
}

#[tokio::test]
async fn a_handshake_whose_answer_is_not_read_keeps_no_thread_busy() {
    let house = House::open().await;
    // Answers before it fill what the kernel takes; how much that is differs, and so do these connections.
    let before = "GET /api/v1/elections/kg-test/results HTTP/1.1\r\nhost: x\r\n\r\n";
    let handshake = "GET /api/v1/elections/kg-test/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n";
    let mut unread = Vec::new();
    for answers in 1..=40 {
        let mut stream = narrow(&house).await;
        stream.write_all(before.repeat(answers).as_bytes()).await.unwrap();
        stream.write_all(handshake.as_bytes()).await.unwrap();
        unread.push(stream);
    }
    support::until(|| house.measured("sanak_live_readers") > 5.0).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What a busy thread costs is measured beside it.
    let (tell, told) = std::sync::mpsc::channel();
    let busy = std::thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        let thread: i32 = thread.file_name().unwrap().to_str().unwrap().parse().unwrap();
        let (began, before) = (std::time::Instant::now(), ticks(thread));
        while began.elapsed() < Duration::from_secs(2) {
            std::hint::spin_loop();
        }
        let after = ticks(thread);
        tell.send((after.0 - before.0, after.1 - before.1)).unwrap();
    });
    let (all, busy_one) = loop {
        match told.try_recv() {
            Ok(measured) => break measured,
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    busy.join().unwrap();
    let others = all - busy_one;
    assert!(others * 4 < busy_one, "{others} ticks beside {busy_one} of a thread that is busy");
    assert!(house.measured("sanak_live_readers") > 5.0 && unread.len() == 40);
}

#[tokio::test]
async fn hostile_frames_end_their_own_connection_alone() {
    let house = House::open().await;
    let mut calm = follow(&house, "").await;
    frame(&mut calm).await;

    let mut large = follow(&house, "").await;
    large.send(Message::Binary(vec![0; 8_000].into())).await.unwrap();
    assert_eq!(closed(&mut large).await, 1009);

    let mut noisy = follow(&house, "").await;
    for _ in 0..200 {
        if noisy.send(Message::Text("{}".into())).await.is_err() {
            break;
        }
    }
    assert_eq!(closed(&mut noisy).await, 1008);

    let mut raw = TcpStream::connect(house.server.address).await.unwrap();
    let request = "GET /api/v1/elections/kg-test/live HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==\r\n\r\n";
    raw.write_all(request.as_bytes()).await.unwrap();
    raw.write_all(&[0xff; 64]).await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, raw.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(
        answer.windows(4).any(|at| at[0] == 0x88 && at[2..] == 1002u16.to_be_bytes()),
        "closed with 1002"
    );

    calm.send(Message::Ping("are you there".into())).await.unwrap();
    let pong = timeout(PATIENCE, calm.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(pong, Message::Pong("are you there".into()));
    calm.close(None).await.unwrap();
    assert_eq!(closed(&mut calm).await, 1000);
    support::until(|| house.measured("sanak_live_readers") == 0.0).await;
}

#[tokio::test]
async fn readers_are_told_when_the_server_stops() {
    let house = House::open().await;
    let mut socket = follow(&house, "").await;
    frame(&mut socket).await;
    let stopping = tokio::spawn(house.server.stop());
    assert_eq!(closed(&mut socket).await, 1001);
    timeout(PATIENCE, stopping).await.unwrap().unwrap();
}

/// The next event of a stream: its id and its object.
async fn event(answer: &mut reqwest::Response, rest: &mut String) -> (String, Value) {
    loop {
        if let Some((event, after)) = rest.split_once("\n\n") {
            let (id, data) = event.split_once('\n').unwrap();
            let id = id.strip_prefix("id: ").unwrap().to_owned();
            let object = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            *rest = after.to_owned();
            return (id, object);
        }
        let chunk = timeout(PATIENCE, answer.chunk()).await.unwrap().unwrap().unwrap();
        rest.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn events_carry_the_same_and_resume_by_their_id() {
    let mut house = House::with(|config| config.limits.ping = Duration::from_millis(300)).await;
    let mut answer = house.get(&house.election("/events?units=country")).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let mut rest = String::new();
    let (id, snapshot) = event(&mut answer, &mut rest).await;
    assert_eq!((id.as_str(), &snapshot["type"]), ("e1:1", &json!("snapshot")));
    let (id, ping) = event(&mut answer, &mut rest).await;
    assert_eq!((id.as_str(), &ping["type"]), ("e1:1", &json!("ping")));
    drop(answer);
    house.night.turnout(1, 10);
    house.publish();
    let url = house.election("/events?units=country");
    let mut answer = house.http.get(&url).header("last-event-id", "e1:1").send().await.unwrap();
    let (id, delta) = event(&mut answer, &mut String::new()).await;
    assert_eq!((id.as_str(), &delta["type"], &delta["from"]), ("e1:2", &json!("delta"), &json!(1)));
    let bad = house.http.get(&url).header("last-event-id", "what").send().await.unwrap();
    assert_eq!(support::problem(bad).await.0, 400);
    drop(answer);
    support::until(|| house.measured("sanak_live_readers") == 0.0).await;
}
