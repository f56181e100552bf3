//! A small night through real actors and a real journal: the vectors of the device protocol.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Handler, Message};
use device_wire::AuthenticReport;
use election::{
    Definition, PrecinctId, Timestamp, UnitId,
    figures::Phase,
    record::{Act, Decision, Observation},
    report::Verdict,
};
use feed::{Epoch, Feed, Options};
use journal::{Appender, Clock, Entry, Journal, Journaled, Reader, Released};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Alarms, Decided, Night, Parts, Recorder, ReplaySource, System, Tempo,
    faults::{Fault, Strike},
    precinct::PrecinctActor,
    registry::concerns,
};

/// A clock that a test sets, and brings into doubt.
#[derive(Default)]
struct Hands(AtomicU64, AtomicBool);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Tempo for Hands {
    fn speed(&self) -> f64 {
        1.0
    }

    fn vouches_for(&self, _: Timestamp) -> bool {
        !self.1.load(Ordering::Relaxed)
    }
}

struct Source(Arc<Definition>, Reader);

impl ReplaySource for Source {
    fn records_of(&self, precinct: PrecinctId) -> std::io::Result<Vec<Journaled<Entry>>> {
        let all: Result<Vec<_>, _> = self.1.records(election::report::Offset(1)).collect();
        let mut all = all.map_err(std::io::Error::other)?;
        all.retain(|record| concerns(&self.0, record.entry(), precinct));
        Ok(all)
    }
}

/// Puts observations into the journal through a channel, which stands for the wiring.
struct Observations {
    journal: mpsc::UnboundedSender<(Observation, Timestamp)>,
    /// There is no room now.
    full: Arc<AtomicBool>,
}

impl Recorder for Observations {
    fn record(&self, observation: Observation, at: Timestamp) -> bool {
        !self.full.load(Ordering::SeqCst) && self.journal.send((observation, at)).is_ok()
    }
}

/// A platform without a wire: records go into a journal and come out of it to the actors.
struct House {
    feed: Arc<Feed>,
    clock: Arc<Hands>,
    system: System,
    appender: Appender<oneshot::Sender<Arc<Journaled<Entry>>>>,
    alarms: prometheus::Registry,
    arbiter: actix::Arbiter,
    full: Arc<AtomicBool>,
}

fn definition() -> Arc<Definition> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("election-files/tests/elections/vec-1");
    Arc::new(election_files::load(&dir).unwrap().definition)
}

/// So many seconds after the polls have closed.
fn after_close(seconds: u64) -> Timestamp {
    definition().about().polls_close + Duration::from_secs(seconds)
}

impl House {
    async fn open(dir: &TempDir, now: Timestamp) -> Self {
        let definition = definition();
        let (journal, recovered) =
            Journal::open(dir.path(), definition.digest(), journal::Options::default()).unwrap();
        let feed = Feed::new(Arc::clone(&definition), "e1".parse::<Epoch>().unwrap(), Options::starting(now));
        let feed = Arc::new(feed.unwrap());
        let mut night = Night::new(Arc::clone(&definition));
        for record in recovered.records() {
            night.take(&record.unwrap(), feed.series()).unwrap();
        }
        night.settle().unwrap();
        let clock = Arc::new(Hands(AtomicU64::new(now.millis()), AtomicBool::default()));
        let (observed, mut observations) = mpsc::unbounded_channel();
        let full = Arc::new(AtomicBool::default());
        let alarms = prometheus::Registry::new();
        let arbiter = actix::Arbiter::new();
        let parts = Parts {
            night,
            feed: Arc::clone(&feed),
            source: Arc::new(Source(Arc::clone(&definition), journal.reader())),
            recorder: Arc::new(Observations { journal: observed, full: Arc::clone(&full) }),
            tempo: Arc::clone(&clock) as Arc<dyn Tempo>,
            alarms: Alarms::register(&alarms).unwrap(),
            marks: Default::default(),
            most_awake: 1,
        };
        let system = System::start(parts, &arbiter.handle());
        let runtime = tokio::runtime::Handle::current();
        let inside = system.clone();
        let (appender, _thread) = journal
            .start(move |batch: Vec<Released<oneshot::Sender<Arc<Journaled<Entry>>>>>| {
                for released in batch {
                    let Released::Recorded { result, context } = released else { continue };
                    let record = Arc::new(result.unwrap());
                    if let Entry::Observation(_) = record.entry() {
                        runtime.spawn(inside.observed(Arc::clone(&record)));
                    }
                    let _ = context.send(record);
                }
            })
            .unwrap();
        let recording = appender.clone();
        tokio::spawn(async move {
            while let Some((observation, at)) = observations.recv().await {
                recording.append(Entry::Observation(observation), at, oneshot::channel().0).await.unwrap();
            }
        });
        Self { feed, clock, system, appender, alarms, arbiter, full }
    }

    /// Stops, and leaves its record for one that is started again.
    fn left(self, dir: &TempDir) -> TempDir {
        self.arbiter.stop();
        drop(self);
        let again = TempDir::new().unwrap();
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), again.path().join(file.file_name())).unwrap();
        }
        again
    }

    async fn store(&self, entry: Entry) -> Arc<Journaled<Entry>> {
        let (stored, record) = oneshot::channel();
        self.appender.append(entry, self.clock.now(), stored).await.unwrap();
        record.await.unwrap()
    }

    /// Sends a vector; the verdict on it.
    async fn send(&self, name: &str) -> Verdict {
        let record = self.store(Entry::Report(vector(name))).await;
        self.system.report(record).await.unwrap()[0].verdict
    }

    fn set(&self, now: Timestamp) {
        self.clock.0.store(now.millis(), Ordering::Relaxed);
    }

    /// Waits until the feed shows what is wanted.
    /// A minute after the polls have closed, when its urns have sent what they counted, which is shown.
    async fn counted(dir: &TempDir) -> Self {
        let house = Self::open(dir, after_close(60)).await;
        for name in [OPENING, URN[0], URN[1]] {
            house.send(name).await;
        }
        house.shows("the tally", |feed| ballots(feed) == 400 && feed.current().votes()).await;
        house
    }

    async fn shows(&self, what: &str, wanted: impl Fn(&Feed) -> bool) {
        for _ in 0..100 {
            if wanted(&self.feed) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the feed does not show: {what}");
    }

    fn alarm(&self, name: &str) -> f64 {
        let families = self.alarms.gather();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let metric = &family.get_metric()[0];
        metric.get_counter().get_value() + metric.get_gauge().get_value()
    }

    /// Waits until an alarm stands at a value.
    async fn alarms_are(&self, name: &str, value: f64) {
        self.shows(name, |_| self.alarm(name) == value).await;
    }

    /// Puts a fault into the sums of a unit.
    async fn strike(&self, unit: &str, fault: Fault) {
        self.system.country.send(Strike(unit.parse().unwrap(), fault)).await.unwrap();
    }

    /// Whether the flag that [`doubt_of_urn`] raises stands.
    async fn doubts_urn(&self) -> bool {
        let flags = self.system.precincts().describe("5001".parse().unwrap()).await.unwrap().flags;
        flags.iter().any(|(flag, _)| flag.code == election::Code::W09)
    }

    /// Has a decision taken; what it did.
    async fn decide(&self, act: Act) -> Decided {
        let decision =
            Decision { by: "A. Operator".into(), reason: "counted again".into(), signature: None, act };
        let considered = self.system.precincts().consider(Arc::new(decision.clone())).await;
        assert_eq!(considered.unwrap(), Ok(()));
        let record = self.store(Entry::Decision(decision)).await;
        self.system.decided(record).await.unwrap().unwrap()
    }
}

fn vector(name: &str) -> AuthenticReport {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../device-gateway/wire/vectors/device-v1.json");
    let all: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let messages = all["messages"].as_array().unwrap();
    let of = messages.iter().find(|message| message["name"] == name).unwrap();
    let envelope = hex::decode(of["envelope"].as_str().unwrap()).unwrap();
    AuthenticReport::from_journal(of["topic"].as_str().unwrap(), envelope.into()).unwrap()
}

/// That the urn of precinct 5001 is in doubt, or no longer.
fn doubt_of_urn(raised: bool) -> Entry {
    let (precinct, device) = ("5001".parse().unwrap(), "u-5001-1".parse().unwrap());
    Entry::Observation(Observation::Device { precinct, device, code: election::Code::W09, raised })
}

fn ballots(feed: &Feed) -> u64 {
    let (country, _) = feed.figures(&UnitId::Country).unwrap();
    country.contests[0].urns.ballots.get()
}

fn identified(feed: &Feed) -> u64 {
    feed.figures(&UnitId::Country).unwrap().0.turnout.identified.get()
}

/// The raion of precinct 5001.
const RAION: &str = "raion:alay-raion";

const OPENING: &str = "terminal opening";
const TURNOUT: &str = "terminal turnout with breakdowns, second in the chain";
const URN: [&str; 2] = ["urn opening", "urn tally with preferences"];

#[actix::test]
async fn votes_appear_in_one_version_when_they_may_and_replay_gives_the_same() {
    let dir = TempDir::new().unwrap();
    let about = definition();
    let close = about.about().polls_close;
    let house = House::open(&dir, close - Duration::from_secs(60)).await;
    for name in [OPENING, TURNOUT, URN[0], URN[1]] {
        assert_eq!(house.send(name).await, Verdict::Accepted, "{name}");
    }
    house.shows("the turnout", |feed| identified(feed) == 412).await;
    assert!(!house.feed.current().votes(), "polls are open for another minute");
    house.set(close + Duration::from_secs(1));
    house.shows("votes", |feed| feed.current().votes()).await;
    assert_eq!(ballots(&house.feed), 400);
    let live = house.feed.figures(&UnitId::Country).unwrap().0;
    let again = house.left(&dir);
    let restarted = House::open(&again, close + Duration::from_secs(2)).await;
    restarted.shows("the same figures", |feed| feed.figures(&UnitId::Country).unwrap().0 == live).await;
    assert!(restarted.feed.current().votes());
    assert_eq!(restarted.send("urn opening").await, Verdict::Duplicate);
    assert_eq!(restarted.alarm("sanak_versions_held_total"), 0.0);
}

#[actix::test]
async fn a_clock_in_doubt_opens_no_embargo_and_holds_up_no_count() {
    let dir = TempDir::new().unwrap();
    let about = definition();
    let (opens, close) = (about.about().polls_open, about.about().polls_close);
    let house = House::open(&dir, opens - Duration::from_secs(60)).await;
    house.clock.1.store(true, Ordering::Relaxed);
    house.set(opens + Duration::from_secs(1));
    house.shows("that polls are open", |feed| feed.current().status() != feed::Status::Pre).await;
    house.set(close + Duration::from_secs(3_600));
    for name in [OPENING, TURNOUT, URN[0], URN[1]] {
        assert_eq!(house.send(name).await, Verdict::Accepted, "{name}");
    }
    house.shows("the turnout", |feed| identified(feed) == 412).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!house.feed.current().votes(), "nobody vouches for the clock");
    house.clock.1.store(false, Ordering::Relaxed);
    house.shows("votes", |feed| feed.current().votes()).await;
    assert_eq!(ballots(&house.feed), 400);
}

/// Ends an actor as a fault in it would.
#[derive(Message, Clone)]
#[rtype(result = "()")]
struct Fail;

impl Handler<Fail> for PrecinctActor {
    type Result = ();
    fn handle(&mut self, _: Fail, _: &mut Self::Context) {
        panic!("a fault that a test put here");
    }
}

#[actix::test]
async fn a_panic_ends_one_precinct_which_is_rebuilt_and_counts_nothing_twice() {
    let dir = TempDir::new().unwrap();
    let house = House::counted(&dir).await;
    let precinct: PrecinctId = "5001".parse().unwrap();
    assert!(house.system.precincts().fail(precinct).await.is_err(), "the actor is gone");
    assert_eq!(house.send(TURNOUT).await, Verdict::Accepted, "rebuilt by whoever speaks to it next");
    house.shows("the turnout", |feed| identified(feed) == 412).await;
    assert_eq!(ballots(&house.feed), 400);
    assert_eq!(house.alarm("sanak_precinct_rebuilds_total"), 1.0);
    assert_eq!(house.alarm("sanak_precincts_out_of_service_total"), 0.0);
    let known = house.system.precincts();
    let report = vector(OPENING);
    let known = known.known(precinct, report.device().clone(), 1, report.digest()).await.unwrap();
    assert_eq!(known.unwrap().verdict, Verdict::Accepted);
}

/// Nobody speaks to the precinct but the clock.
#[actix::test]
async fn a_moment_of_the_night_reaches_a_precinct_that_had_failed() {
    let dir = TempDir::new().unwrap();
    let close = definition().about().polls_close;
    let house = House::open(&dir, close - Duration::from_secs(60)).await;
    for name in [OPENING, TURNOUT, URN[0], URN[1]] {
        assert_eq!(house.send(name).await, Verdict::Accepted, "{name}");
    }
    let precinct: PrecinctId = "5001".parse().unwrap();
    let phase = |feed: &Feed| feed.figures(&UnitId::Precinct(precinct)).unwrap().0.phase();
    house.shows("that people vote", |feed| phase(feed) == Phase::Open).await;
    assert!(house.system.precincts().fail(precinct).await.is_err(), "the actor is gone");
    house.set(close + Duration::from_secs(1));
    house.shows("that the precinct has reported", |feed| phase(feed) == Phase::Reported).await;
    assert_eq!(house.alarm("sanak_precinct_rebuilds_total"), 1.0);
    assert_eq!(house.alarm("sanak_precincts_out_of_service_total"), 0.0);
}

/// Here more than one precinct is too many: whenever another is spoken to, the one before may rest.
#[actix::test]
async fn an_actor_rests_when_others_need_the_room_and_the_next_one_goes_on_from_there() {
    let dir = TempDir::new().unwrap();
    let close = definition().about().polls_close;
    let house = House::open(&dir, close - Duration::from_secs(60)).await;
    for name in [OPENING, TURNOUT, URN[0]] {
        assert_eq!(house.send(name).await, Verdict::Accepted, "{name}");
    }
    let precincts = house.system.precincts();
    let (one, other): (PrecinctId, PrecinctId) = ("5001".parse().unwrap(), "5002".parse().unwrap());
    let phase = async |of| precincts.describe(of).await.unwrap().phase;
    house.shows("that people vote", |feed| feed.current().status() != feed::Status::Pre).await;
    assert_eq!((phase(one).await, phase(other).await), (Phase::Open, Phase::Open));
    precincts.address(other, 0);
    while precincts.let_rest(None) {}
    assert!(!precincts.acts(one) && precincts.acts(other));
    assert_eq!(phase(one).await, Phase::Open);
    assert!(!precincts.acts(one), "a question alone wakes nobody");

    // A moment that passed while it rested comes before what is said to it afterwards.
    house.store(Entry::Observation(Observation::Clock { reached: close })).await;
    assert_eq!(phase(one).await, Phase::Counting);
    house.set(close + Duration::from_secs(1));
    assert_eq!(house.send(URN[1]).await, Verdict::Accepted);
    house.shows("the tally", |feed| ballots(feed) == 400 && identified(feed) == 412).await;

    // Whoever speaks while they come and go is answered.
    let asked = (0..500).map(|nth| precincts.describe(if nth % 2 == 0 { one } else { other }));
    for (nth, answer) in futures_util::future::join_all(asked).await.into_iter().enumerate() {
        assert_eq!(answer.unwrap().reports.len(), if nth % 2 == 0 { 4 } else { 0 });
    }
    assert_eq!(house.alarm("sanak_precinct_rebuilds_total"), 0.0);
}

/// Keeps the actors' thread busy.
#[derive(Message, Clone)]
#[rtype(result = "()")]
struct Nap;

impl Handler<Nap> for PrecinctActor {
    type Result = ();
    fn handle(&mut self, _: Nap, _: &mut Self::Context) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[actix::test]
async fn a_question_that_nobody_waits_for_any_more_keeps_no_precinct_awake() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    let precincts = house.system.precincts();
    let (one, other): (PrecinctId, PrecinctId) = ("5001".parse().unwrap(), "5002".parse().unwrap());
    let opening = vector(URN[0]);
    precincts.address(one, 0).unwrap().do_send(Nap);
    let judged = house.system.report(house.store(Entry::Report(opening.clone())).await);
    drop(precincts.known(one, opening.device().clone(), 1, opening.digest()));
    let asked = precincts.known(one, opening.device().clone(), 1, opening.digest());
    assert_eq!(asked.await.unwrap().unwrap().verdict, Verdict::Accepted, "after what was given before");
    assert_eq!(judged.await.unwrap()[0].verdict, Verdict::Accepted);
    precincts.address(other, 0);
    while precincts.let_rest(None) {}
    assert!(!precincts.acts(one));
}

/// Each waits for the rebuild, and they come in any order afterwards.
#[actix::test]
async fn what_comes_to_a_failed_precinct_has_the_order_of_the_journal() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    for _ in 0..5 {
        let failed = house.system.precincts().fail("5001".parse().unwrap()).await;
        assert!(failed.is_err(), "the actor is gone");
        let first = house.store(doubt_of_urn(true)).await;
        for raised in [false, true, false] {
            house.store(doubt_of_urn(raised)).await;
        }
        assert!(!house.doubts_urn().await);
        // Its turn comes after that of those behind it, which the rebuild has seen as well.
        house.system.observed(first).await.unwrap();
        assert!(!house.doubts_urn().await);
    }
    assert_eq!(house.alarm("sanak_precincts_out_of_service_total"), 0.0);
}

#[actix::test]
async fn a_record_that_was_overtaken_has_its_precinct_rebuilt_in_the_order_of_the_journal() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    let [opening, tally] = URN.map(|name| house.store(Entry::Report(vector(name))));
    let (opening, tally) = (opening.await, tally.await);
    let held = house.system.report(tally).await.unwrap();
    assert_eq!(held[0].verdict, Verdict::Held, "the one before it was not given yet");
    let judged = house.system.report(opening).await.unwrap();
    assert_eq!(judged[0].verdict, Verdict::Accepted);
    house.shows("the tally", |feed| ballots(feed) == 400).await;
    let known = vector(URN[1]);
    let known =
        house.system.precincts().known("5001".parse().unwrap(), known.device().clone(), 2, known.digest());
    assert_eq!(known.await.unwrap().unwrap().verdict, Verdict::Accepted);
    assert_eq!(house.alarm("sanak_precinct_rebuilds_total"), 1.0);
}

/// Each is in its place before the next one comes, whoever is told of it when.
#[actix::test]
async fn what_is_raised_and_lowered_at_once_stays_lowered() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    for _ in 0..100 {
        house.store(doubt_of_urn(true)).await;
        house.store(doubt_of_urn(false)).await;
    }
    house.store(doubt_of_urn(true)).await;
    assert!(house.doubts_urn().await);
    house.store(doubt_of_urn(false)).await;
    for _ in 0..20 {
        assert!(!house.doubts_urn().await);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl crate::Precincts {
    async fn fail(&self, precinct: PrecinctId) -> Result<(), actix::MailboxError> {
        self.address(precinct, 1).unwrap().send(Fail).await
    }
}

#[actix::test]
async fn a_decision_that_cannot_be_taken_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, definition().about().polls_close).await;
    let decision = Decision {
        by: "A. Operator".into(),
        reason: "broken".into(),
        signature: None,
        act: Act::Replace {
            precinct: "5001".parse().unwrap(),
            old: "u-5001-1".parse().unwrap(),
            new: "nobody".parse().unwrap(),
        },
    };
    let considered = house.system.precincts().consider(Arc::new(decision.clone())).await.unwrap();
    assert!(considered.is_err());
    let record = house.store(Entry::Decision(decision)).await;
    assert!(house.system.decided(record).await.unwrap().is_err());
    assert_eq!(house.send(URN[0]).await, Verdict::Accepted);
    let nowhere = "9999".parse().unwrap();
    assert!(house.system.precincts().describe(nowhere).await.is_err());
}

/// A journal that cannot be read while a precinct must be rebuilt.
struct Unreadable;

impl ReplaySource for Unreadable {
    fn records_of(&self, _: PrecinctId) -> std::io::Result<Vec<Journaled<Entry>>> {
        Err(std::io::Error::other("the disk is gone"))
    }
}

/// Observations that nobody waits for.
#[derive(Default)]
struct Kept(Mutex<Vec<Observation>>);

impl Recorder for Kept {
    fn record(&self, observation: Observation, _: Timestamp) -> bool {
        self.0.lock().unwrap().push(observation);
        true
    }
}

#[actix::test]
async fn a_precinct_that_cannot_be_rebuilt_is_out_of_service_and_raises_an_alarm() {
    let definition = definition();
    let now = definition.about().polls_close;
    let feed = Feed::new(Arc::clone(&definition), "e1".parse().unwrap(), Options::starting(now)).unwrap();
    let mut night = Night::new(Arc::clone(&definition));
    night.settle().unwrap();
    let registry = prometheus::Registry::new();
    let parts = Parts {
        night,
        feed: Arc::new(feed),
        source: Arc::new(Unreadable),
        recorder: Arc::new(Kept::default()),
        tempo: Arc::new(Hands(AtomicU64::new(now.millis()), AtomicBool::default())),
        alarms: Alarms::register(&registry).unwrap(),
        marks: Default::default(),
        most_awake: 1,
    };
    let arbiter = actix::Arbiter::new();
    let system = System::start(parts, &arbiter.handle());
    let (ill, well) = ("5001".parse().unwrap(), "5002".parse().unwrap());
    assert!(system.precincts().fail(ill).await.is_err());
    assert!(system.precincts().describe(ill).await.is_err());
    assert!(system.precincts().describe(well).await.is_ok(), "the others go on");
    let families = registry.gather();
    let out = families.iter().find(|family| family.name() == "sanak_precincts_out_of_service_total").unwrap();
    assert!(out.get_metric()[0].get_counter().get_value() >= 1.0);
}

/// Votes that nobody cast are in the sums of one unit: nobody sees them.
#[actix::test]
async fn a_wrong_roll_up_is_held_and_said_until_it_is_mended() {
    let dir = TempDir::new().unwrap();
    let house = House::counted(&dir).await;
    house.strike(RAION, Fault::Invents(5)).await;
    house.send(TURNOUT).await;
    let mut reader = house.feed.watch();
    let stalled = reader.wait_for(|latest| latest.stalled_since().is_some());
    let latest = Arc::clone(&*stalled.await.unwrap());
    let good = latest.version().number();
    let said = format!("\"stalled_since\":\"{}\"", feed::rfc3339(after_close(60)));
    for told in [latest.header().to_owned(), text(&latest.ping().json), text(latest.results().plain())] {
        assert!(told.contains(&said), "{told}");
    }
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(house.feed.current().number(), good, "it stands still for as long as the fault comes again");
    assert_eq!((ballots(&house.feed), identified(&house.feed)), (400, 0));
    assert!(house.alarm("sanak_versions_held_total") > 2.0, "each cut is looked at");
    assert_eq!(house.alarm("sanak_publication_held"), 1.0);

    house.strike(RAION, Fault::Invents(0)).await;
    house.shows("what came meanwhile", |feed| identified(feed) == 412).await;
    assert!(house.feed.latest().stalled_since().is_none() && ballots(&house.feed) == 400);
    assert_eq!(house.feed.current().number(), good + 1);
    house.alarms_are("sanak_publication_held", 0.0).await;
    assert_eq!(house.alarm("sanak_publication_recoveries_total"), 1.0);
    // Both are on record: what the public saw, and when it went on.
    house.store(Entry::Observation(Observation::ClockDoubted)).await;
    let noted = of_publication(&dir);
    let [Observation::PublicationHeld { .. }, Observation::PublicationResumed] = noted[..] else {
        panic!("{noted:?}")
    };
}

/// What the record says of publication. Others stand between: what a clock or a device caused meanwhile.
fn of_publication(dir: &TempDir) -> Vec<Observation> {
    let mut noted = Vec::new();
    journal::check_with(dir.path(), |record| {
        if let Entry::Observation(
            of @ (Observation::PublicationHeld { .. } | Observation::PublicationResumed),
        ) = record.entry()
        {
            noted.push(of.clone());
        }
        Ok(())
    })
    .unwrap();
    noted
}

/// The journal takes nothing at first, and the service is stopped before the fault is mended: what the public saw is on
/// record all the same, once, and so is that it went on.
#[actix::test]
async fn a_hold_that_outlasts_the_service_ends_on_record_in_the_next_one() {
    let dir = TempDir::new().unwrap();
    let house = House::counted(&dir).await;
    house.full.store(true, Ordering::SeqCst);
    house.strike(RAION, Fault::Invents(5)).await;
    house.send(TURNOUT).await;
    house.alarms_are("sanak_publication_held", 1.0).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(of_publication(&dir), [], "there was no room");
    house.full.store(false, Ordering::SeqCst);
    house.shows("the hold on record", |_| of_publication(&dir).len() == 1).await;

    let again = house.left(&dir);
    let restarted = House::open(&again, after_close(90)).await;
    restarted.shows("what came meanwhile", |feed| identified(feed) == 412).await;
    restarted.shows("its end on record", |_| of_publication(&again).len() == 2).await;
    let noted = of_publication(&again);
    assert!(matches!(noted[..], [Observation::PublicationHeld { .. }, Observation::PublicationResumed]));
}

/// A sum that is off without a report: the audit finds it, and forms it anew.
#[actix::test]
async fn a_sum_that_slipped_is_found_by_the_audit_and_formed_anew() {
    let dir = TempDir::new().unwrap();
    let house = House::counted(&dir).await;
    house.strike(RAION, Fault::Slips(7)).await;
    house.alarms_are("sanak_publication_recoveries_total", 1.0).await;
    assert!(house.alarm("sanak_versions_held_total") >= 1.0);
    assert!(house.feed.latest().stalled_since().is_none());
    house.send(TURNOUT).await;
    house.shows("the turnout", |feed| identified(feed) == 412).await;
    assert_eq!(ballots(&house.feed), 400);
}

#[actix::test]
async fn a_unit_that_is_gone_is_begun_again() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    house.send(URN[0]).await;
    house.strike(RAION, Fault::Dies).await;
    house.send(URN[1]).await;
    house.shows("the tally", |feed| ballots(feed) == 400).await;
    house.alarms_are("sanak_publication_recoveries_total", 1.0).await;
    assert!(house.alarm("sanak_versions_held_total") >= 1.0, "its silence was noticed");
    assert_eq!(house.alarm("sanak_publication_held"), 0.0);
}

/// A count falls in the version that says why, and the night says the same when it is told again.
#[actix::test]
async fn a_decision_that_lowers_a_count_is_published_with_its_reason_and_replayed() {
    let dir = TempDir::new().unwrap();
    let house = House::open(&dir, after_close(60)).await;
    for name in [OPENING, TURNOUT, URN[0], URN[1]] {
        house.send(name).await;
    }
    house.shows("the tally", |feed| ballots(feed) == 400).await;
    let precinct: PrecinctId = "5001".parse().unwrap();
    house.decide(Act::Annul { precinct }).await;
    house.shows("nothing of it", |feed| ballots(feed) == 0 && identified(feed) == 0).await;
    let [annulled] = &house.feed.corrections()[..] else { panic!("one entry") };
    assert_eq!(annulled.correction.decision.by, "A. Operator");
    assert_eq!(annulled.correction.falls().turnout.identified.get(), 412);
    assert_eq!(annulled.position, house.feed.current().position().clone());
    // The rebuilt precinct tells of it again; it stands on the list once.
    assert!(house.system.precincts().fail(precinct).await.is_err());
    house.decide(Act::Reinstate { precinct }).await;
    house.shows("all of it again", |feed| ballots(feed) == 400 && identified(feed) == 412).await;
    assert_eq!(house.feed.corrections().len(), 2);
    assert_eq!(house.alarm("sanak_versions_held_total"), 0.0);
    let live = house.feed.figures(&UnitId::Country).unwrap().0;
    let listed: Vec<_> = house.feed.corrections().into_iter().map(|of| of.correction).collect();
    let again = house.left(&dir);
    let restarted = House::open(&again, after_close(61)).await;
    restarted.shows("the same figures", |feed| feed.figures(&UnitId::Country).unwrap().0 == live).await;
    let replayed: Vec<_> = restarted.feed.corrections().into_iter().map(|of| of.correction).collect();
    assert_eq!(replayed, listed);
}

fn text(json: &[u8]) -> String {
    String::from_utf8(json.to_vec()).unwrap()
}
