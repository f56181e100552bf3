//! A centre in the small, for tests: MQTT on loopback, the real checks, the real rules, signed receipts, and
//! lines that break. The fleet's devices must come through it with their books complete.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use device_wire::{
    Authentic, AuthenticReport, CentreKeys, Channel, DeviceEntry, Keyring, SigningKey, Standing,
    VerifyingKey, authenticate, encode_receipt, sign,
};
use election::{
    Code, Definition, DeviceId, PrecinctId, Timestamp,
    precinct::{Arrived, Precinct},
    record::Decision,
    report::{Offset, Presence, Receipt},
};
use rumqttc::mqttbytes::{
    Error as PacketError, QoS,
    v4::{ConnAck, ConnectReturnCode, Packet, PubAck, Publish, SubAck, SubscribeReasonCode},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    books::Books,
    country::{CLOSE, OPEN, country_with},
    day::Day,
    device::Device,
    fleet::{Counters, Fleet, SimClock},
    ledger::Ledger,
    limits::Seats,
    script::Script,
    scripted::Planned,
};

/// A clock from one hour before polls open.
struct Fast {
    started: Instant,
    from: Timestamp,
    speed: f64,
}

impl SimClock for Fast {
    fn now(&self) -> Timestamp {
        self.from + self.started.elapsed().mul_f64(self.speed)
    }
    fn speed(&self) -> f64 {
        self.speed
    }
    fn until(&self, moment: Timestamp) -> Duration {
        moment.since(self.now()).div_f64(self.speed)
    }
}

fn key_of(name: &str) -> SigningKey {
    let mut seed = [1; 32];
    seed[..name.len()].copy_from_slice(name.as_bytes());
    SigningKey::from_bytes(&seed)
}

struct Centre {
    definition: Arc<Definition>,
    clock: Arc<Fast>,
    key: SigningKey,
    ring: Ring,
    state: Mutex<State>,
    /// Every so-many-th report breaks its line after it was judged: the receipt is lost.
    breaks: u64,
}

#[derive(Default)]
struct State {
    precincts: BTreeMap<PrecinctId, Precinct>,
    offset: u64,
    heartbeats: u64,
    /// By device: the highest boot, and what was said last in it.
    presence: HashMap<DeviceId, (u64, Presence)>,
}

/// The devices of a definition.
struct Ring(HashMap<DeviceId, VerifyingKey>);

impl Keyring for Ring {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        Some(DeviceEntry { key: *self.0.get(id)?, standing: Standing::Active })
    }
}

impl Centre {
    fn new(definition: &Arc<Definition>, clock: &Arc<Fast>, breaks: u64) -> Arc<Self> {
        let state = State { precincts: Precinct::all(definition), ..State::default() };
        let devices = definition.devices().keys();
        let ring = Ring(devices.map(|id| (id.clone(), key_of(id.as_str()).verifying_key())).collect());
        Arc::new(Self {
            definition: Arc::clone(definition),
            clock: Arc::clone(clock),
            ring,
            key: key_of("centre"),
            state: Mutex::new(state),
            breaks,
        })
    }

    async fn listen(self: Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let centre = Arc::clone(&self);
                tokio::spawn(async move { centre.serve(stream).await });
            }
        });
        address
    }

    async fn serve(&self, mut stream: TcpStream) {
        let (mut bytes, mut will) = (BytesMut::new(), None);
        loop {
            let packet = match Packet::read(&mut bytes, 1 << 20) {
                Ok(packet) => packet,
                Err(PacketError::InsufficientBytes(_)) => match stream.read_buf(&mut bytes).await {
                    Ok(1..) => continue,
                    _ => break,
                },
                Err(error) => panic!("{error:?}"),
            };
            let answers = match packet {
                Packet::Connect(connect) => {
                    will = connect.last_will;
                    vec![Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, false))]
                }
                Packet::Subscribe(subscribe) => {
                    assert_eq!(subscribe.filters.len(), 2);
                    let granted = vec![SubscribeReasonCode::Success(QoS::AtLeastOnce); 2];
                    vec![Packet::SubAck(SubAck::new(subscribe.pkid, granted))]
                }
                Packet::Publish(publish) => match self.take(&publish) {
                    Some(answers) => answers,
                    None => break,
                },
                Packet::Disconnect => {
                    will = None;
                    break;
                }
                _ => vec![],
            };
            let mut out = BytesMut::new();
            for answer in answers {
                answer.write(&mut out, 1 << 20).unwrap();
            }
            if stream.write_all(&out).await.is_err() {
                break;
            }
        }
        if let Some(will) = will {
            self.take(&Publish::new(&will.topic, QoS::AtMostOnce, will.message));
        }
    }

    /// What a message is answered with; `None`: nothing, and the line breaks.
    fn take(&self, publish: &Publish) -> Option<Vec<Packet>> {
        let running = &self.definition.about().id;
        let mut answers = Vec::new();
        if publish.qos == QoS::AtLeastOnce {
            answers.push(Packet::PubAck(PubAck::new(publish.pkid)));
        }
        let mut state = self.state.lock().unwrap();
        match authenticate(&publish.topic, publish.payload.to_vec(), running, &self.ring).unwrap() {
            Authentic::Report(report) => {
                let receipts = self.judge(&mut state, &report);
                if self.breaks > 0 && state.offset.is_multiple_of(self.breaks) {
                    return None;
                }
                answers.extend(receipts);
            }
            Authentic::Heartbeat(_) => state.heartbeats += 1,
            Authentic::State(of) => {
                let now = (of.state().boot, of.state().state);
                let last = state.presence.entry(of.device().clone()).or_insert(now);
                if now.0 >= last.0 {
                    *last = now;
                }
            }
        }
        Some(answers)
    }

    fn judge(&self, state: &mut State, report: &AuthenticReport) -> Vec<Packet> {
        state.offset += 1;
        let offset = Offset(state.offset);
        let precinct = state.precincts.get_mut(&report.topic().precinct).unwrap();
        let said = report.report();
        let known = precinct.known(report.device(), said.seq, report.digest());
        let arrived = self.clock.now();
        let topic = report.topic().on(Channel::Receipt);
        precinct
            .take(Arrived { offset, arrived, digest: report.digest(), report: Arc::clone(said) })
            .into_iter()
            .map(|judgement| {
                let receipt = Receipt {
                    device: judgement.device,
                    seq: judgement.seq,
                    digest: judgement.digest,
                    verdict: judgement.verdict,
                    code: judgement.codes.first().copied(),
                    was: known.map(|known| known.verdict),
                    offset: (judgement.codes != [Code::E07]).then_some(judgement.offset),
                    at: self.clock.now(),
                };
                let envelope = sign(&topic, "centre", &encode_receipt(&receipt), &self.key);
                let mut publish = Publish::new(topic.to_string(), QoS::AtLeastOnce, envelope);
                publish.pkid = 1;
                Packet::Publish(publish)
            })
            .collect()
    }

    fn decide(&self, Planned { act, by, .. }: &Planned) {
        let by = format!("person {by}");
        let decision = Decision { by, reason: "test".into(), signature: None, act: act.clone() };
        let mut state = self.state.lock().unwrap();
        state.offset += 1;
        let offset = Offset(state.offset);
        let precinct = state.precincts.get_mut(&act.precinct().unwrap()).unwrap();
        precinct.decide(&decision, offset, self.clock.now()).unwrap();
    }
}

struct Setting {
    definition: Arc<Definition>,
    clock: Arc<Fast>,
    centre: Arc<Centre>,
    fleet: Arc<Fleet>,
}

impl Setting {
    async fn new(precincts: u32, breaks: u64, seats: Seats, books: Option<&std::path::Path>) -> Self {
        let definition = country_with(precincts, |name| key_of(name).verifying_key().to_bytes());
        let from = OPEN - Duration::from_secs(3_600);
        let clock = Arc::new(Fast { started: Instant::now(), from, speed: 10_000.0 });
        let centre = Centre::new(&definition, &clock, breaks);
        let fleet = Arc::new(Fleet {
            day: Arc::new(Day::new(Arc::clone(&definition), 11, true)),
            clock: Arc::clone(&clock) as Arc<dyn SimClock>,
            mqtt: Arc::clone(&centre).listen().await,
            bundles: None,
            centre_keys: CentreKeys::one("centre", key_of("centre").verifying_key()),
            keys: Arc::new(|id: &DeviceId| key_of(id.as_str())),
            books: Books::open(books, &definition, 11).unwrap(),
            seats,
            handshakes: Semaphore::new(50),
            counters: Counters::default(),
        });
        Self { definition, clock, centre, fleet }
    }

    /// Lets every device live, and people decide. Ends when all devices do.
    async fn run(&self) -> Ledger {
        let (_stop, stopped) = watch::channel(false);
        let mut lives = JoinSet::new();
        for script in self.fleet.day.scripts() {
            let device = Device::new(Arc::clone(&self.fleet), script);
            lives.spawn(device.live(stopped.clone()));
        }
        let mut ledger = Ledger::default();
        for planned in self.fleet.day.decisions() {
            tokio::time::sleep(self.clock.until(planned.due)).await;
            self.centre.decide(&planned);
            ledger.decided(&planned.act);
        }
        while let Some(lived) = lives.join_next().await {
            let lived = lived.unwrap();
            lived.unexpected.into_iter().for_each(|what| ledger.note_unexpected(what));
            ledger.unsaid += lived.unsaid;
            ledger.add(lived.script.device, lived.line);
        }
        ledger
    }

    fn check(&self, ledger: &Ledger) {
        assert_eq!((ledger.lost(), ledger.unsaid), (0, 0));
        assert_eq!(ledger.unexpected, Vec::<String>::new());
        let state = self.centre.state.lock().unwrap();
        let totals = ledger.totals(&self.definition);
        assert_eq!(totals.reported as usize, self.definition.precincts().len());
        for (id, precinct) in &state.precincts {
            let figures = precinct.figures();
            let sent = &totals.units[&election::UnitId::Precinct(*id)];
            assert_eq!(figures.turnout.identified.get(), sent.identified);
            for contest in &figures.contests {
                let votes: Vec<u64> = contest.urns.votes.iter().map(|votes| votes.get()).collect();
                assert_eq!(votes, sent.contests[&contest.contest].urns.votes);
            }
        }
    }
}

fn plenty() -> Seats {
    Seats::raise(300, 2).unwrap()
}

#[tokio::test]
async fn a_fleet_says_its_whole_day_over_mqtt_and_every_answer_is_expected() {
    let setting = Setting::new(60, 0, plenty(), None).await;
    let ledger = setting.run().await;
    setting.check(&ledger);
    let said: u64 = setting.fleet.day.scripts().map(|script| script.utterances().count() as u64).sum();
    assert_eq!(ledger.reports_sent(), said);
    // Threefold sends two reports three times at once.
    assert!(ledger.entries().filter(|entry| entry.sent >= 3).count() >= 2);
    // Every device that went on line has said goodbye or has had its last will told.
    let all_gone = || {
        let state = setting.centre.state.lock().unwrap();
        assert!(state.heartbeats > 0);
        state.presence.values().all(|(_, presence)| *presence == Presence::Offline)
    };
    for _ in 0..100 {
        if all_gone() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("a device is still on line");
}

#[tokio::test]
async fn lines_that_break_and_receipts_that_are_lost_change_nothing() {
    let setting = Setting::new(12, 25, plenty(), None).await;
    let ledger = setting.run().await;
    setting.check(&ledger);
    assert!(ledger.duplicates() > 0);
}

#[tokio::test]
async fn devices_that_take_turns_say_the_same() {
    let seats = Seats::within(512 + 10, 100, 1);
    assert!(seats.are_few());
    let setting = Setting::new(12, 0, seats, None).await;
    setting.check(&setting.run().await);
}

#[tokio::test]
async fn what_was_receipted_before_a_crash_is_not_said_again() {
    let dir = tempfile::tempdir().unwrap();
    let first = Setting::new(6, 0, plenty(), Some(dir.path())).await;
    let before = first.run().await;
    first.check(&before);
    drop(first);
    let second = Setting::new(6, 0, plenty(), Some(dir.path())).await;
    let after = second.run().await;
    assert_eq!(second.centre.state.lock().unwrap().offset, 0);
    assert_eq!(after.totals(&second.definition), before.totals(&second.definition));
    assert_eq!(after.lost(), 0);
}

#[tokio::test]
async fn a_day_that_is_stopped_leaves_its_books() {
    let setting = Setting::new(3, 0, plenty(), None).await;
    let (stop, stopped) = watch::channel(false);
    let script: Script = setting.fleet.day.scripts().next().unwrap();
    let life = tokio::spawn(Device::new(Arc::clone(&setting.fleet), script).live(stopped));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stop.send_replace(true);
    let lived = life.await.unwrap();
    assert!(!lived.line.entries.is_empty() && lived.unsaid > 0);
    assert!(lived.line.entries.iter().all(|entry| entry.at < CLOSE));
}
