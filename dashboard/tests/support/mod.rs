//! A server over real sockets, fed by a night that rolls up, with a desk in the actors' place.

#[path = "../../feed/tests/country/mod.rs"]
pub mod country;

use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use country::{Night, OPEN, SMALL};
use dashboard::{
    BoxFuture, Condition, Config, DeviceEntry, Envelope, Inquiry, MissingEntry, Papers, Parts, Person,
    PrecinctDetail, QuarantineEntry, Readiness, RefusalEntry, Refused, Registered, Server,
};
use election::{
    Code, Definition, DeviceId, PrecinctId, UnitId,
    definition::{DeviceKind, DeviceStatus},
    document::{Document, DocumentKind, Media, Scan},
    figures::Phase,
    hand_count::HandCount,
    liveness::{DeviceLife, DeviceList, DeviceRow, DevicesWanted, History, Point, Vitals},
    precinct::{Flag, ReportEntry, Ruled},
    record::Decision,
    report::{Digest, Offset, Order, ReportType, Verdict},
    sequence::Gap,
};
use feed::Feed;
use history::{About, Dialect, Outbox, Past, Question, Row, SqliteStore, Store, StoreError, version_rows};
use prometheus::Registry;
use serde_json::Value;
use tempfile::TempDir;

/// Answers what the actors would, and notes what it was asked.
#[derive(Default)]
pub struct Desk {
    pub asked: AtomicUsize,
    pub silent: AtomicBool,
    pub broken: AtomicBool,
    /// A decision has shut `u-1` out.
    pub revoked: AtomicBool,
    pub decided: Mutex<Vec<Decision>>,
    pub confirmed: Mutex<Vec<(String, String)>>,
    pub commanded: Mutex<Vec<(String, DeviceId, Order)>>,
}

/// A device that is on line.
fn entry(id: &str) -> DeviceEntry {
    let kind = if id.starts_with('t') { DeviceKind::IdTerminal } else { DeviceKind::Urn };
    let vitals = Vitals {
        clock_skew_ms: -1_250,
        uptime: 60,
        last_seq: 3,
        battery: Some(71),
        mains: Some(false),
        signal: Some(-97),
        paper: None,
        firmware: Some("1.2".into()),
        errors: vec!["paper jam".into()],
        shown: None,
    };
    let row = DeviceRow {
        device: id.parse().unwrap(),
        kind,
        precinct: first(),
        state: DeviceLife::OnLine,
        since: OPEN,
        heard: Some(OPEN),
        finished: false,
        boot: 2,
        connections: 1,
        vitals: Some(vitals),
        flags: vec![Code::W03],
    };
    let over_quota = (id == "t-2").then_some("bytes");
    DeviceEntry { row, gap: Some(Gap { from: 2, through: 3 }), over_quota }
}

impl Desk {
    fn answer<T: Send + 'static>(&self, answer: T) -> BoxFuture<'_, T> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.silent.load(Ordering::Relaxed) {
            return Box::pin(future::pending());
        }
        Box::pin(future::ready(answer))
    }
}

/// A report that was released.
fn released() -> QuarantineEntry {
    QuarantineEntry {
        offset: Offset(12),
        precinct: PrecinctId::new(2).unwrap(),
        device: "u-2".parse().unwrap(),
        seq: 2,
        report_type: ReportType::Tally,
        codes: vec![Code::Q03],
        arrived: OPEN,
        verdict: Verdict::Accepted,
        ruled: Some(Ruled {
            by: "B. Asanova".into(),
            reason: "voters of two lists".into(),
            at: OPEN,
            offset: Offset(13),
        }),
    }
}

fn first() -> PrecinctId {
    PrecinctId::new(1).unwrap()
}

/// A scan; both of its digests are its kind's.
fn scan(kind: DocumentKind) -> Arc<Document> {
    let digest = Digest([kind as u8; 32]);
    let (media, bytes) = (Media::Pdf, 100);
    let scan = Scan {
        original: digest,
        original_media: media,
        original_bytes: bytes,
        served: digest,
        served_media: media,
        served_bytes: bytes,
    };
    Arc::new(Document { kind, scan, by: "B. Asanova".into(), at: OPEN, offset: Offset(40) })
}

/// A shelf on which one document is left and nothing is put: what a whole one does is tried against the whole service.
impl Papers for Desk {
    fn keep(&self, _: Bytes) -> BoxFuture<'_, Result<Scan, Refused>> {
        self.answer(Err(Refused::Unavailable("the disk is full".into())))
    }

    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, Refused>> {
        self.answer(match digest == Digest([DocumentKind::IdFinal as u8; 32]) {
            true => Ok(Bytes::from_static(b"%PDF-1.7")),
            false => Err(Refused::Unavailable("the disk is gone".into())),
        })
    }
}

impl Inquiry for Desk {
    fn precinct(&self, id: PrecinctId) -> BoxFuture<'_, Option<PrecinctDetail>> {
        let entry = ReportEntry {
            offset: Offset(5),
            seq: 2,
            digest: Digest([0xab; 32]),
            report_type: ReportType::Tally,
            at: OPEN,
            arrived: OPEN,
            verdict: Verdict::Accepted,
            codes: [Code::W12].into(),
            ruled: None,
        };
        let device = "u-1".parse().unwrap();
        let flag = Flag { code: Code::W12, device: Some("u-1".parse().unwrap()), contest: None };
        self.answer(Some(match id == first() {
            true => PrecinctDetail {
                reports: vec![(device, DeviceKind::Urn, entry)],
                flags: vec![(flag, OPEN)],
                documents: [DocumentKind::Protocol, DocumentKind::IdFinal].map(scan).into(),
                ..PrecinctDetail::default()
            },
            false => PrecinctDetail::default(),
        }))
    }

    fn flagged(&self, code: Code) -> BoxFuture<'_, Vec<PrecinctId>> {
        self.answer(if code == Code::W12 { vec![first()] } else { Vec::new() })
    }

    fn register_changes(&self) -> u64 {
        self.revoked.load(Ordering::Relaxed).into()
    }

    fn registered(&self, id: &DeviceId) -> Option<Registered> {
        let revoked = self.revoked.load(Ordering::Relaxed) && id.as_str() == "u-1";
        let status = if revoked { DeviceStatus::Revoked } else { DeviceStatus::Active };
        let superseded = if revoked { vec![[6; 32]] } else { Vec::new() };
        Some(Registered { status, public_key: Some([5; 32]), superseded })
    }

    fn quarantine(&self) -> BoxFuture<'_, Arc<Vec<QuarantineEntry>>> {
        let entry = |offset| QuarantineEntry {
            offset: Offset(offset),
            precinct: first(),
            device: "u-1".parse().unwrap(),
            seq: 2,
            report_type: ReportType::Tally,
            codes: vec![Code::Q02],
            arrived: OPEN,
            verdict: Verdict::Quarantined,
            ruled: None,
        };
        self.answer(Arc::new(vec![entry(9), released(), entry(30)]))
    }

    fn protocols(&self) -> BoxFuture<'_, Vec<(PrecinctId, HandCount)>> {
        self.answer(Vec::new())
    }

    fn missing(&self) -> BoxFuture<'_, Arc<Vec<MissingEntry>>> {
        self.answer(Arc::new(vec![MissingEntry {
            precinct: first(),
            parent: "raion:r1-1".parse().unwrap(),
            phase: Phase::Counting,
            registered: 1000,
            urns: 2,
            urns_reported: 1,
            terminals: 3,
            closings: 2,
        }]))
    }

    fn envelope(&self, precinct: PrecinctId, offset: Offset) -> BoxFuture<'_, Option<Envelope>> {
        let known = precinct == first() && offset.0 < 10;
        self.answer(known.then(|| Envelope { bytes: vec![0xd2, 0x84], carries_votes: offset.0 == 5 }))
    }

    fn consider(&self, decision: Decision) -> BoxFuture<'_, Result<(), Refused>> {
        let objection = || Refused::Objection("the precinct has not reported".into());
        self.answer(match (decision.reason.as_str(), decision.act.precinct().map_or(0, PrecinctId::get)) {
            ("not ready", 1 | 3) => Err(objection()),
            _ => Ok(()),
        })
    }

    fn decide(&self, decision: Decision) -> BoxFuture<'_, Result<Offset, Refused>> {
        let answer = match decision.reason.as_str() {
            "object" => Err(Refused::Objection("device u-1 has sent its final report".into())),
            "uneven" => Err(Refused::Unfit("votes and invalid ballots do not sum to the ballots".into())),
            "full" => Err(Refused::Unavailable("the journal cannot be written".into())),
            _ => Ok(Offset(77)),
        };
        self.decided.lock().unwrap().push(decision);
        self.answer(answer)
    }

    fn confirm_clock(&self, by: String, reason: String) -> BoxFuture<'_, Result<Offset, Refused>> {
        let answer = match reason.as_str() {
            "not needed" => Err(Refused::Objection("the centre's clock is not in doubt".into())),
            _ => Ok(Offset(78)),
        };
        self.confirmed.lock().unwrap().push((by, reason));
        self.answer(answer)
    }

    fn devices(&self, wanted: DevicesWanted) -> BoxFuture<'_, DeviceList<DeviceEntry>> {
        let all = ["t-1", "t-2", "u-1"].map(entry);
        let listed = |of: &DeviceEntry| {
            wanted.kind.is_none_or(|kind| kind == of.row.kind)
                && wanted.state.is_none_or(|state| state == of.row.state)
                && wanted.precinct.is_none_or(|precinct| precinct == of.row.precinct)
                && wanted.after.as_ref().is_none_or(|after| of.row.device > *after)
        };
        let entries: Vec<_> = all.into_iter().filter(listed).collect();
        let more = entries.len() > wanted.limit;
        let rows = entries.into_iter().take(wanted.limit).collect();
        self.answer(DeviceList { rows, counts: [(DeviceLife::OnLine, 2)].into(), more })
    }

    fn device(&self, id: DeviceId) -> BoxFuture<'_, Option<(DeviceEntry, Vec<Point>)>> {
        let mut history = History::default();
        let entry = entry("t-1");
        history.note(OPEN, DeviceLife::OnLine, entry.row.vitals.as_ref());
        let known = id == entry.row.device;
        self.answer(known.then(|| (entry, history.points().copied().collect())))
    }

    fn command(&self, by: String, id: DeviceId, order: Order) -> BoxFuture<'_, Result<(u64, bool), Refused>> {
        let answer = match id.as_str() {
            "t-1" => Ok((7, true)),
            _ => Err(Refused::Objection(format!("there is no device {id} in use"))),
        };
        self.commanded.lock().unwrap().push((by, id, order));
        self.answer(answer)
    }

    fn refusals(&self) -> Vec<RefusalEntry> {
        let (what, why, of) = ("E03".into(), "signature is not the device's".into(), "t/1/<&\"".into());
        vec![RefusalEntry { at: OPEN, what, why, of, size: 9 }]
    }

    fn ready(&self) -> Readiness {
        let broken = self.broken.load(Ordering::Relaxed);
        let state = if broken { Err("the disk is full".to_owned()) } else { Ok(()) };
        let clock = Condition { warning: Some("not synchronised".into()), ..Condition::new("clock", Ok(())) };
        Readiness(vec![Condition::new("journal", state), clock])
    }
}

/// Everything around a server.
pub struct House {
    pub server: Server,
    pub feed: Arc<Feed>,
    pub night: Night,
    pub desk: Arc<Desk>,
    pub registry: Registry,
    pub http: reqwest::Client,
    /// What is on record, and how many versions of it.
    pub outbox: Outbox,
    recorded: i64,
    dir: TempDir,
}

/// A history that never answers.
pub struct Hung;

impl Store for Hung {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn rows(&self, _: Question) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        let late = tokio::time::sleep(Duration::from_millis(400));
        Box::pin(async move {
            late.await;
            Err(StoreError::Late)
        })
    }
}

pub const TOKEN: &str = "0f7c1e5d2b6a";

impl House {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    /// A house whose configuration is changed first.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::of(SMALL, change).await
    }

    pub async fn of(size: country::Size, change: impl FnOnce(&mut Config)) -> Self {
        Self::remembering(size, change, None).await
    }

    /// A house whose history is this store.
    pub async fn remembering(
        size: country::Size,
        change: impl FnOnce(&mut Config),
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        Self::electing(country::definition(size), change, store).await
    }

    /// A house with this election.
    pub async fn electing(
        definition: Arc<Definition>,
        change: impl FnOnce(&mut Config),
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        let feed = country::feed(&definition);
        Self::running(feed, change, store).await
    }

    /// A house with this run of an election.
    pub async fn running(
        feed: Feed,
        change: impl FnOnce(&mut Config),
        store: Option<Arc<dyn Store>>,
    ) -> Self {
        let definition = Arc::clone(feed.definition());
        let dir = TempDir::new().unwrap();
        let file = dir.path().join(history::FILE);
        let runtime = tokio::runtime::Handle::current();
        let own =
            || Arc::new(SqliteStore::new(file.clone(), Duration::from_secs(5), runtime)) as Arc<dyn Store>;
        let past = Past::new(store.unwrap_or_else(own));
        let mut outbox = Outbox::open(&file).unwrap();
        let feed = Arc::new(feed);
        let desk = Arc::new(Desk::default());
        let mut config = Config::on("127.0.0.1:0".parse().unwrap());
        config.workers = 2;
        config.room = vec![Person::new("A. Observer", "another token"), Person::new("B. Asanova", TOKEN)];
        config.limits.inquiry = Duration::from_millis(300);
        change(&mut config);
        let registry = Registry::new();
        // Every layer has one unit of the small country, and a place that is none.
        let layer_bytes = br#"{"type":"FeatureCollection","features":[
            {"type":"Feature","properties":{"id":"region:r1"},"geometry":{"type":"Point","coordinates":[74.6,42.9]}},
            {"type":"Feature","properties":{"id":"region:elsewhere"},"geometry":{"type":"Polygon",
                "coordinates":[[[70,40],[71,40],[71,41],[70,40]]]}}]}"#;
        let layers = ["regions", "raions", "districts", "precincts", "lakes", "neighbours", "settlements"];
        let parts = Parts {
            feed: Arc::clone(&feed),
            boundaries: layers.map(|layer| (layer.to_owned(), layer_bytes.to_vec())).into(),
            centre_keys: vec![("centre".to_owned(), [0xcd; 32])],
            inquiry: Arc::clone(&desk) as Arc<dyn Inquiry>,
            papers: Arc::clone(&desk) as Arc<dyn Papers>,
            past,
            registry: registry.clone(),
        };
        let server = dashboard::start(config, parts).await.unwrap();
        let policy = reqwest::redirect::Policy::none();
        let http = reqwest::Client::builder().redirect(policy).build().unwrap();
        let units: Vec<(String, &str)> =
            feed.latest().units().map(|unit| (unit.to_string(), unit.kind())).collect();
        outbox.begin(&About::of(&definition, "{}".into()), &units, None).unwrap();
        let night = Night::new(&definition);
        Self { server, feed, night, desk, registry, http, outbox, recorded: 0, dir }
    }

    /// What is on record, for another house to read.
    pub fn on_record(&self) -> Arc<dyn Store> {
        let (file, runtime) = (self.dir.path().join(history::FILE), tokio::runtime::Handle::current());
        Arc::new(SqliteStore::new(file, Duration::from_secs(5), runtime))
    }

    /// Puts the newest version on record, whole.
    pub fn record(&mut self, feed: &Feed) {
        self.recorded += 1;
        let latest = feed.latest();
        let place = (self.recorded, latest.version().at());
        let election = "kg-test".parse().unwrap();
        let before = Default::default();
        let (version, states) = version_rows(&election, (&latest, 0), place, &before);
        self.outbox.add_version(&version, states).unwrap();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    /// An address below the election.
    pub fn election(&self, path: &str) -> String {
        self.url(&format!("/api/v1/elections/kg-test{path}"))
    }

    pub async fn get(&self, url: &str) -> reqwest::Response {
        self.http.get(url).send().await.unwrap()
    }

    /// The JSON at an address, which answers 200.
    pub async fn json(&self, url: &str) -> Value {
        let answer = self.get(url).await;
        assert_eq!(answer.status(), 200, "{url}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{url}");
        answer.json().await.unwrap()
    }

    /// The problem at an address.
    pub async fn problem(&self, url: &str) -> (u16, String) {
        problem(self.get(url).await).await
    }

    pub fn publish(&mut self) -> feed::Position {
        self.feed.publish(self.night.cut()).unwrap()
    }

    /// The value of a counter or gauge, all labels together.
    pub fn measured(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        let family = families.iter().find(|family| family.name() == name);
        let metrics = family.map(|family| family.get_metric()).unwrap_or_default();
        metrics.iter().map(|metric| metric.get_counter().get_value() + metric.get_gauge().get_value()).sum()
    }
}

/// An answer that is a problem document: its status and what it says.
pub async fn problem(answer: reqwest::Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let url = answer.url().to_string();
    assert_eq!(answer.headers()["content-type"], "application/problem+json", "{url}");
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document["status"], status, "{url}");
    assert!(document["title"].is_string() && document["type"].is_string(), "{url}");
    (status, document["detail"].as_str().unwrap().to_owned())
}

/// Waits until something holds, for a few seconds.
pub async fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it never came to hold");
}

pub fn unit(text: &str) -> UnitId {
    text.parse().unwrap()
}
