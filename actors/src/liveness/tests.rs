//! A device's day through the actor, by clocks that a test moves.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use actix::Addr;
use election::{record::PublicKey, report::Presence};
use journal::Clock;
use prometheus::Registry;

use super::*;

/// The night's clock and real time, moved by hand.
struct Hands {
    night: AtomicU64,
    real: AtomicU64,
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.night.load(Relaxed))
    }
}

impl Tempo for Hands {
    fn speed(&self) -> f64 {
        1.0
    }

    fn real(&self) -> Duration {
        Duration::from_millis(self.real.load(Relaxed))
    }
}

/// What was put on record.
#[derive(Default)]
struct Kept(Mutex<Vec<Observation>>);

impl Recorder for Kept {
    fn record(&self, observation: Observation, _: Timestamp) -> bool {
        self.0.lock().unwrap().push(observation);
        true
    }
}

/// Judges now, and not within the second.
#[derive(Message)]
#[rtype(result = "()")]
struct Judge;

impl Handler<Judge> for Liveness {
    type Result = ();

    fn handle(&mut self, _: Judge, _: &mut Self::Context) {
        self.judge();
    }
}

struct House {
    hands: Arc<Hands>,
    kept: Arc<Kept>,
    alarms: Alarms,
    liveness: Addr<Liveness>,
}

const TERMINAL: &str = "t-5001-1";
const URN: &str = "u-5001-1";

fn definition() -> Arc<Definition> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("election-files/tests/elections/vec-1");
    Arc::new(election_files::load(&dir).unwrap().definition)
}

fn id(device: &str) -> DeviceId {
    device.parse().unwrap()
}

impl House {
    fn open(at: Timestamp) -> Self {
        Self::remembering(at, BTreeMap::new())
    }

    fn remembering(at: Timestamp, marks: BTreeMap<DeviceId, Mark>) -> Self {
        let hands = Arc::new(Hands { night: at.millis().into(), real: AtomicU64::new(1_000_000) });
        let (kept, alarms) = (Arc::<Kept>::default(), Alarms::register(&Registry::new()).unwrap());
        let night = Night::new(definition());
        let tempo = Arc::clone(&hands) as Arc<dyn Tempo>;
        let liveness =
            Liveness::new(&night, marks, Arc::clone(&kept) as Arc<dyn Recorder>, tempo, alarms.clone());
        Self { hands, kept, alarms, liveness: liveness.start() }
    }

    /// Both clocks go on.
    fn pass(&self, seconds: u64) {
        self.hands.night.fetch_add(seconds * 1_000, Relaxed);
        self.hands.real.fetch_add(seconds * 1_000, Relaxed);
    }

    async fn hear(&self, device: &str, sign: Sign) {
        let heard = Heard { device: id(device), arrived: self.hands.now(), sign };
        self.liveness.send(heard).await.unwrap();
    }

    async fn beat(&self, device: &str, counter: u64, clock_ms: i64) {
        let heartbeat = Heartbeat {
            election: "vec-1".parse().unwrap(),
            precinct: "5001".parse().unwrap(),
            device: id(device),
            at: Timestamp::from_millis(self.hands.now().millis().saturating_add_signed(clock_ms)),
            uptime: 1,
            counter,
            last_seq: 0,
            battery: Some(60),
            mains: None,
            signal: None,
            paper: None,
            firmware: None,
            errors: Vec::new(),
            shown: None,
        };
        self.hear(device, Sign::Heartbeat(Box::new(heartbeat))).await;
    }

    async fn says(&self, device: &str, boot: u64, state: Presence) {
        let at = self.hands.now();
        self.hear(device, Sign::State(DeviceState { device: id(device), state, boot, at })).await;
    }

    async fn marks(&self) -> BTreeMap<DeviceId, Mark> {
        let Marked { taken, marks } = self.liveness.send(Marks(u64::MAX)).await.unwrap().unwrap();
        assert!(self.liveness.send(Marks(taken)).await.unwrap().is_none(), "no others since then");
        marks.into_iter().collect()
    }

    async fn row(&self, device: &str) -> DeviceRow {
        // All devices, in turns of two.
        for _ in 0..4 {
            self.liveness.send(Judge).await.unwrap();
        }
        self.liveness.send(Describe(id(device))).await.unwrap().unwrap().0
    }

    async fn state(&self, device: &str) -> &'static str {
        self.row(device).await.state.as_str()
    }

    /// Changes of a device's flag, on record.
    fn recorded(&self, of: &str, flag: Code) -> Vec<bool> {
        let (all, id) = (self.kept.0.lock().unwrap(), id(of));
        let raised = all.iter().filter_map(|observation| match observation {
            Observation::Device { device, code, raised, .. } if *device == id && *code == flag => {
                Some(*raised)
            }
            _ => None,
        });
        raised.collect()
    }

    fn stale(&self, kind: &str) -> u64 {
        self.alarms.stale.with_label_values(&[kind]).get()
    }
}

#[actix::test]
async fn a_terminals_day_from_never_seen_to_revoked() {
    let opens = definition().about().polls_open;
    let house = House::open(opens + Duration::from_secs(60));
    assert_eq!(house.state(TERMINAL).await, "never_seen");
    house.beat(TERMINAL, 1, 0).await;
    assert_eq!(house.state(TERMINAL).await, "on_line");
    house.pass(451);
    assert_eq!(house.state(TERMINAL).await, "late");
    assert!(house.recorded(TERMINAL, Code::W09).is_empty());
    house.pass(450);
    assert_eq!(house.state(TERMINAL).await, "silent");
    assert_eq!(house.recorded(TERMINAL, Code::W09), [true]);
    house.beat(TERMINAL, 2, 0).await;
    assert_eq!(house.state(TERMINAL).await, "on_line");
    assert_eq!(house.recorded(TERMINAL, Code::W09), [true, false]);
    house.hear(TERMINAL, Sign::Gone).await;
    assert_eq!(house.state(TERMINAL).await, "off_line");
    house.hear(TERMINAL, Sign::Connected).await;
    assert_eq!(house.state(TERMINAL).await, "on_line");
    house.says(TERMINAL, 1, Presence::Online).await;
    house.says(TERMINAL, 1, Presence::Offline).await;
    assert_eq!(house.state(TERMINAL).await, "off_line");
    house.pass(3_600);
    assert_eq!(house.state(TERMINAL).await, "off_line", "nobody wonders why it is silent");
    let (precinct, status) = ("5001".parse().unwrap(), DeviceStatus::Revoked);
    house.liveness.send(Standing { device: id(TERMINAL), precinct, status }).await.unwrap();
    assert_eq!(house.state(TERMINAL).await, "revoked");
    house.beat(TERMINAL, 3, 0).await;
    assert_eq!(house.state(TERMINAL).await, "revoked");
    let raised = house.recorded(TERMINAL, Code::W09);
    assert_eq!(raised.last(), Some(&false), "nobody waits for it any more");
}

#[actix::test]
async fn an_urns_night_from_expected_silence_to_its_final_report() {
    let about = definition();
    let about = about.about();
    let house = House::open(about.polls_open);
    assert_eq!(house.state(URN).await, "expected_silent");
    house.beat(URN, 1, 0).await;
    assert_eq!((house.state(URN).await, house.recorded(URN, Code::W06)), ("on_line", vec![true]));
    let until_close = about.polls_close.since(about.polls_open).as_secs();
    house.pass(until_close - 1);
    assert_eq!(house.state(URN).await, "expected_silent");
    house.pass(2);
    assert_eq!(house.state(URN).await, "silent");
    house.hear(URN, Sign::Report { last: false }).await;
    assert_eq!(house.state(URN).await, "on_line");
    house.pass(about.limits.late_s + 1);
    assert!(house.row(URN).await.flags.contains(&Code::W10));
    house.hear(URN, Sign::Report { last: true }).await;
    let row = house.row(URN).await;
    assert!(row.finished && !row.flags.contains(&Code::W10));
    assert_eq!(house.recorded(URN, Code::W10), [true, false]);
    assert!(house.recorded(URN, Code::W09).is_empty(), "no urn is expected to speak by day");
}

#[actix::test]
async fn what_was_heard_before_a_restart_is_no_sign_of_life_after_it() {
    let opens = definition().about().polls_open;
    let yesterday = House::open(opens);
    yesterday.says(TERMINAL, 4, Presence::Online).await;
    yesterday.beat(TERMINAL, 70, 0).await;
    let marks = yesterday.marks().await;
    assert_eq!(marks[&id(TERMINAL)], Mark { counter: 70, boot: 4, said: 1, key: 0 });

    let house = House::remembering(opens + Duration::from_secs(3_600), marks);
    for counter in [1, 69, 70] {
        house.beat(TERMINAL, counter, 0).await;
    }
    for boot in [0, 3, 4] {
        house.says(TERMINAL, boot, Presence::Online).await;
    }
    let row = house.row(TERMINAL).await;
    assert_eq!((row.state, row.heard, row.vitals, row.boot), (DeviceLife::NeverSeen, None, None, 4));
    assert_eq!((house.stale("heartbeat"), house.stale("state")), (3, 3));
    house.says(TERMINAL, 4, Presence::Offline).await;
    house.says(TERMINAL, 4, Presence::Online).await;
    assert!(house.row(TERMINAL).await.heard.is_none(), "who left in this boot is not back in it");
    house.beat(TERMINAL, 71, 0).await;
    house.says(TERMINAL, 5, Presence::Online).await;
    assert_eq!((house.state(TERMINAL).await, house.row(TERMINAL).await.boot), ("on_line", 5));
    let kept = house.marks().await;
    assert_eq!(kept[&id(TERMINAL)], Mark { counter: 71, boot: 5, said: 1, key: 0 });
}

#[actix::test]
async fn what_a_thief_signed_with_the_old_key_silences_nobody_who_has_a_new_one() {
    let opens = definition().about().polls_open;
    let house = House::open(opens);
    house.beat(TERMINAL, u64::MAX, 0).await;
    house.says(TERMINAL, u64::MAX, Presence::Offline).await;
    let stolen = house.marks().await;
    house.beat(TERMINAL, 8, 0).await;
    assert_eq!((house.state(TERMINAL).await, house.stale("heartbeat")), ("off_line", 1));
    house.liveness.send(Rekeyed(id(TERMINAL))).await.unwrap();
    house.beat(TERMINAL, 9, 0).await;
    house.says(TERMINAL, 3, Presence::Online).await;
    assert_eq!((house.state(TERMINAL).await, house.stale("heartbeat")), ("on_line", 1));
    let kept = house.marks().await;
    assert_eq!(kept[&id(TERMINAL)], Mark { counter: 9, boot: 3, said: 1, key: 1 });
    // One who is not in use yet, too.
    house.liveness.send(Rekeyed(id("somebody-else"))).await.unwrap();
    assert_eq!(house.marks().await[&id("somebody-else")], Mark::of_key(1));

    // The power fails before the file is written anew: it is of the old key.
    let reissued = [(id(TERMINAL), Change::Key(PublicKey([7; 32])))];
    let mut marks = stolen;
    of_keys_in_force(&mut marks, &reissued);
    assert_eq!(marks, [(id(TERMINAL), Mark::of_key(1))].into());
    let mut marks = kept.clone();
    of_keys_in_force(&mut marks, &reissued);
    assert_eq!(marks, kept, "what the new key signed is kept");
    of_keys_in_force(&mut marks, &[]);
    assert!(marks.is_empty(), "a night in which nobody has another key");
}

#[actix::test]
async fn marks_of_devices_that_are_not_in_use_yet_are_kept() {
    let mark = Mark { counter: 9, boot: 2, said: 2, key: 0 };
    let house = House::remembering(definition().about().polls_open, [(id("somebody-else"), mark)].into());
    let kept = house.marks().await;
    assert_eq!(kept, [(id("somebody-else"), mark)].into());
}

#[actix::test]
async fn a_clock_that_hovers_at_the_limit_or_swings_fills_no_journal() {
    let house = House::open(definition().about().polls_open);
    for counter in 1..=360 {
        let off = if counter % 2 == 0 { 299_000 } else { 301_000 };
        house.beat(TERMINAL, counter, off).await;
        house.pass(10);
    }
    assert_eq!(house.recorded(TERMINAL, Code::W03), [true]);
    // Ten hours of swings between right and wrong, a heartbeat every ten seconds.
    for counter in 361..=3_960 {
        house.beat(TERMINAL, counter, if counter % 2 == 0 { 0 } else { -900_000 }).await;
        house.pass(10);
    }
    let changes = house.recorded(TERMINAL, Code::W03).len();
    assert!((55..=68).contains(&changes), "{changes} changes in eleven hours");
}
