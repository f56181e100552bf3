//! Readers that come and go at random end with what one holds that never left.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::Read,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use e2e::{Demo, Synthetic};
use futures_util::StreamExt;
use load_tests::viewers::Chain;
use serde_json::Value;
use tokio::{net::TcpStream, sync::watch, task::JoinSet, time::timeout};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

/// Everything that the feed has.
const UNITS: &str = "country,abroad,regions,raions,districts,precincts";
/// States that a reader remembers, to come back with one that is long past.
const REMEMBERED: usize = 12;
/// So long readers may take to come to an end.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    WebSocket,
    Deflated,
    Events,
}

/// What a reader holds.
#[derive(Debug, Clone, Default, PartialEq)]
struct Held {
    epoch: String,
    version: u64,
    units: BTreeMap<String, Value>,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default)]
struct Life {
    left: u32,
    snapshots: u32,
    deltas: u32,
    /// Deltas over more than one version.
    merged: u32,
}

impl Held {
    /// Takes a frame as PROTOCOL §3 says. A frame that a reader in this state must not be sent fails the test.
    fn take(&mut self, frame: &Value, life: &mut Life) {
        let epoch = frame["epoch"].as_str().unwrap();
        let version = frame["version"].as_u64().unwrap();
        let units = frame["units"].as_array().into_iter().flatten();
        let units = units.map(|unit| (unit["id"].as_str().unwrap().to_owned(), unit.clone()));
        match frame["type"].as_str().unwrap() {
            "snapshot" => {
                life.snapshots += 1;
                self.units = units.collect();
            }
            "delta" => {
                let from = frame["from"].as_u64().unwrap();
                assert_eq!(epoch, self.epoch, "a delta of another epoch");
                assert!(
                    from <= self.version && self.version < version,
                    "{from} ≤ {} < {version}",
                    self.version
                );
                life.deltas += 1;
                life.merged += u32::from(version > from + 1);
                let known = self.units.len();
                self.units.extend(units);
                assert_eq!(self.units.len(), known, "a delta with a unit that no snapshot had");
            }
            "ping" => assert_eq!((epoch, version), (self.epoch.as_str(), self.version), "a ping tells news"),
            other => panic!("a frame of type {other}"),
        }
        (self.epoch, self.version) = (epoch.to_owned(), version);
    }

    fn position(&self) -> String {
        format!("{}:{}", self.epoch, self.version)
    }
}

/// One connection to the feed.
enum Line {
    WebSocket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    Events(reqwest::Response, Vec<u8>),
}

impl Line {
    async fn open(http: SocketAddr, election: &str, wire: Wire, since: Option<&str>) -> Self {
        let address = format!("{http}/api/v1/elections/{election}");
        if wire == Wire::Events {
            let mut request = reqwest::Client::new().get(format!("http://{address}/events?units={UNITS}"));
            if let Some(since) = since {
                request = request.header("last-event-id", since);
            }
            return Self::Events(request.send().await.unwrap().error_for_status().unwrap(), Vec::new());
        }
        let mut url = format!("ws://{address}/live?units={UNITS}");
        if wire == Wire::Deflated {
            url.push_str("&encoding=deflate");
        }
        if let Some(since) = since {
            url.push_str(&format!("&since={since}"));
        }
        Self::WebSocket(Box::new(connect_async(url).await.unwrap().0))
    }

    /// The next frame.
    async fn next(&mut self) -> String {
        match self {
            Self::WebSocket(line) => loop {
                match line.next().await.unwrap().unwrap() {
                    Message::Text(text) => return text.as_str().to_owned(),
                    Message::Binary(bytes) => {
                        let mut text = String::new();
                        flate2::read::ZlibDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
                        return text;
                    }
                    Message::Close(why) => panic!("the feed was closed: {why:?}"),
                    _ => {}
                }
            },
            Self::Events(answer, pending) => loop {
                if let Some(ends) = pending.windows(2).position(|two| two == b"\n\n") {
                    let event = String::from_utf8(pending.drain(..ends + 2).collect()).unwrap();
                    let (id, data) = event.trim_end().split_once('\n').unwrap();
                    let data = data.strip_prefix("data: ").unwrap();
                    let frame: Value = serde_json::from_str(data).unwrap();
                    let position = format!("{}:{}", frame["epoch"].as_str().unwrap(), frame["version"]);
                    assert_eq!(id.strip_prefix("id: "), Some(position.as_str()));
                    return data.to_owned();
                }
                pending.extend_from_slice(&answer.chunk().await.unwrap().unwrap());
            },
        }
    }

    /// Leaves: with a goodbye, or by just being gone.
    async fn leave(self, politely: bool) {
        if let (Self::WebSocket(mut line), true) = (self, politely) {
            let _ = timeout(Duration::from_millis(200), line.close(None)).await;
        }
    }
}

/// Numbers that follow from a seed (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Where a feed is read, and how long a reader stays at most.
#[derive(Clone)]
struct Feed {
    http: SocketAddr,
    election: String,
    stays: Duration,
    end: watch::Receiver<End>,
    /// What the one that never left held, version by version, since the end has begun.
    held: Arc<Mutex<BTreeMap<u64, Held>>>,
}

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    NotYet,
    /// A reader may stop with what the one that never left held as well.
    Begun,
    Reached,
}

impl Feed {
    /// One that never leaves.
    async fn steady(mut self) -> (Chain, Life) {
        let (mut held, mut chain, mut life) = (Held::default(), Chain::default(), Life::default());
        let mut line = Line::open(self.http, &self.election, Wire::WebSocket, None).await;
        loop {
            tokio::select! {
                text = line.next() => {
                    chain.take(&text).unwrap();
                    held.take(&serde_json::from_str(&text).unwrap(), &mut life);
                }
                changed = self.end.changed() => changed.unwrap(),
            }
            match *self.end.borrow() {
                End::NotYet => {}
                End::Begun => {
                    self.held.lock().unwrap().insert(held.version, held.clone());
                }
                End::Reached => return (chain, life),
            }
        }
    }

    /// One that leaves at random, within a frame too, and comes back with what it holds, with what it held long ago,
    /// with what it held of another epoch, or with nothing.
    async fn restless(self, wire: Wire, seed: u64) -> (Held, Chain, Life) {
        let (mut held, mut chain, mut life) = (Held::default(), Chain::default(), Life::default());
        let (mut chance, mut past) = (Chance(seed), VecDeque::new());
        loop {
            let resumes = match chance.below(10) {
                _ if held.version == 0 => None,
                0 => None,
                1 => Some("0ld:7".to_owned()),
                2 | 3 => {
                    held = past.front().cloned().unwrap_or(held);
                    Some(held.position())
                }
                _ => Some(held.position()),
            };
            let begins_anew = resumes.is_none() || resumes.as_deref() == Some("0ld:7");
            let snapshots = life.snapshots;
            let mut line = Line::open(self.http, &self.election, wire, resumes.as_deref()).await;
            let stays = Duration::from_micros(chance.below(self.stays.as_micros() as u64));
            let stayed = timeout(stays, async {
                let mut first = true;
                loop {
                    let text = line.next().await;
                    chain.take(&text).unwrap();
                    held.take(&serde_json::from_str(&text).unwrap(), &mut life);
                    assert!(
                        !first || (life.snapshots > snapshots) == begins_anew,
                        "resumed with {resumes:?}"
                    );
                    first = false;
                    past.push_back(held.clone());
                    if past.len() > REMEMBERED {
                        past.pop_front();
                    }
                }
            });
            let left: Result<(), _> = stayed.await;
            assert!(left.is_err(), "a reader stays until its time is over");
            line.leave(chance.below(3) == 0).await;
            if self.held.lock().unwrap().contains_key(&held.version) {
                return (held, chain, life);
            }
            life.left += 1;
            tokio::time::sleep(Duration::from_micros(chance.below(self.stays.as_micros() as u64 / 2))).await;
        }
    }
}

/// Lets readers follow a night until `over`, and compares what they hold in the end. How they lived.
async fn follow(
    http: SocketAddr,
    election: &str,
    stays: Duration,
    over: impl Future<Output = ()>,
) -> Vec<Life> {
    let (ends, end) = watch::channel(End::NotYet);
    let feed = Feed { http, election: election.to_owned(), stays, end, held: Arc::default() };
    let steady = tokio::spawn(feed.clone().steady());
    let mut readers = JoinSet::new();
    for (seed, wire) in (1..).zip([Wire::WebSocket, Wire::Deflated, Wire::Events].repeat(3)) {
        readers.spawn(feed.clone().restless(wire, seed));
    }
    over.await;
    ends.send_replace(End::Begun);
    let readers = timeout(PATIENCE, readers.join_all()).await.unwrap();
    ends.send_replace(End::Reached);
    let (chain, life) = steady.await.unwrap();
    assert_eq!((life.snapshots, chain.breaches), (1, 0), "{:?}", chain.breached);
    let (mut lives, versions) = (Vec::new(), feed.held.lock().unwrap().clone());
    for (held, chain, life) in readers {
        assert_eq!(chain.breaches, 0, "{:?}", chain.breached);
        let expected = &versions[&held.version];
        assert_eq!((held.position(), held.units.len()), (expected.position(), expected.units.len()));
        for (unit, is) in &held.units {
            assert_eq!(is.to_string(), expected.units[unit].to_string(), "{unit} after {life:?}");
        }
        lives.push(life);
    }
    // Whoever just asks for such a version is told the same.
    let held = versions.values().next_back().unwrap();
    let url = format!("http://{http}/api/v1/elections/{election}/results?version={}", held.position());
    let shown: Value = reqwest::get(url).await.unwrap().error_for_status().unwrap().json().await.unwrap();
    let shown = shown["units"].as_array().unwrap();
    assert!(shown.len() > 3);
    for unit in shown {
        assert_eq!(unit.to_string(), held.units[unit["id"].as_str().unwrap()].to_string());
    }
    eprintln!("{} versions and more; {lives:?}", held.version);
    lives
}

/// That it was worth the trial: readers left, came back within the night, skipped versions, and began anew.
fn were_restless(lives: &[Life], often: u32) {
    assert!(lives.iter().all(|life| life.left >= often && life.deltas > 0), "{lives:?}");
    let sum = |of: fn(&Life) -> u32| lives.iter().map(of).sum::<u32>();
    assert!(sum(|life| life.merged) > often, "{lives:?}");
    assert!(sum(|life| life.snapshots) > often && sum(|life| life.deltas) > 10 * often, "{lives:?}");
}

const NIGHT: &str = r#"
title = "A short night"
connect_within = "1s"
heartbeat = "5s"
[[load]]
what = "closings"
for = "5s"
[[load]]
what = "tallies"
from = "1s"
for = "11s"
curve = "night"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_leave_at_random_through_a_short_night_hold_what_one_holds_that_never_left() {
    let country = Synthetic::new(120).await;
    let service = country.serve().start().await;
    let path = country.path("night.toml");
    fs::write(&path, NIGHT).unwrap();
    let fleet = async {
        let (code, said, report) = country.rehearse(&service, "night", &["--scenario", &path]).await;
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(report["totals"]["reported"], 120);
    };
    let stays = Duration::from_millis(500);
    let lives = follow(service.ready().http, "synthetic", stays, fleet).await;
    were_restless(&lives, 12);
}

/// `make drill-readers`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes four minutes: make drill-readers"]
async fn readers_that_leave_at_random_for_an_hour_of_simulated_night_hold_what_one_holds_that_never_left() {
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::at_its_own_pace(data.path(), 600, 4).await;
    let counting = |results: &Value| results["status"] == "counting";
    demo.wait_until("the close", Duration::from_secs(300), counting).await;
    // A minute of it in a second.
    let hour = tokio::time::sleep(Duration::from_secs(60));
    let lives = follow(demo.http(), "kg-demo", Duration::from_secs(2), hour).await;
    were_restless(&lives, 20);
    demo.kill().await;
}
