//! Devices that are made with the device library, as a maker's are: an outbox, an MQTT client, and nothing of the
//! platform. Each notes what it holds receipts for. Those whose outbox is on disk can lose their power, and know nothing
//! afterwards but what is in the file.

use std::{
    fs::OpenOptions,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use device_wire::{
    CentreKeys, Channel,
    device::{Identity, Outbox, Outcome, Told},
    verify_command, verify_receipt,
};
use election::{
    Count, DeviceId, Timestamp,
    report::{Body, ContestTally, Digest, Offset, Receipt, Tally, Turnout, Verdict},
};
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, timeout},
};

/// Reports that wait for their receipt before a device makes another.
const AHEAD: usize = 3;
/// How often a device looks what is due.
const LOOK: Duration = Duration::from_millis(10);

/// A receipt with a place in the journal: the centre's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Whose.
    pub device: DeviceId,
    /// Of which report.
    pub digest: Digest,
    /// Its number.
    pub seq: u64,
    /// Where the centre says that it is.
    pub offset: Offset,
}

impl Held {
    /// What a receipt says; nothing where it gives no place in the journal.
    pub fn of(receipt: &Receipt) -> Option<Self> {
        let Receipt { digest, seq, .. } = *receipt;
        Some(Self { device: receipt.device.clone(), digest, seq, offset: receipt.offset? })
    }
}

/// One of the devices, and its part in the night.
#[derive(Debug, Clone)]
pub struct Member {
    identity: Identity,
    /// Where its outbox is; in memory otherwise.
    file: Option<PathBuf>,
    part: Part,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Reports turnout as fast as the centre takes it, one voter after the other.
    Terminal,
    /// Is switched on at this thousandth of the night, and says what it has counted.
    Urn(u32),
}

impl Member {
    /// An ID terminal that reports as fast as the centre takes it.
    pub fn terminal(identity: Identity) -> Self {
        Self { identity, file: None, part: Part::Terminal }
    }

    /// An urn that is switched on at this thousandth of the night: an opening, and its final report.
    pub fn urn(identity: Identity, thousandth: u32) -> Self {
        Self { identity, file: None, part: Part::Urn(thousandth) }
    }

    /// Its outbox is a file in this directory.
    pub fn on_disk(mut self, directory: &Path) -> Self {
        self.file = Some(directory.join(self.identity.device.as_str()));
        self
    }
}

/// Devices on line.
pub struct Library {
    address: watch::Sender<SocketAddr>,
    night: watch::Sender<Night>,
    shared: Arc<Shared>,
    lives: Vec<JoinHandle<Lived>>,
}

/// How far the night is.
#[derive(Debug, Clone, Copy, Default)]
struct Night {
    /// In thousandths.
    passed: u32,
    /// How often the power was cut; each time every third device is struck that has its outbox on disk.
    power_cuts: u32,
}

impl Night {
    fn is_over(self) -> bool {
        self.passed > 1_000
    }
}

/// What was said, and what is held of it.
#[derive(Debug)]
pub struct Settled {
    /// Every receipt.
    pub held: Vec<Held>,
    /// Reports made.
    pub made: u64,
    /// Sum of the terminals' last counts.
    pub identified: u64,
    /// Sum of the urns' ballots.
    pub ballots: u64,
    /// How often a device lost its power.
    pub power_cuts: u64,
}

#[derive(Debug, Default)]
struct Lived {
    made: u64,
    identified: u64,
    ballots: u64,
    power_cuts: u64,
}

struct Shared {
    centre: CentreKeys,
    held: Mutex<Vec<Held>>,
    settled: AtomicU64,
    unexpected: Mutex<Vec<String>>,
    resends: AtomicU64,
}

impl Library {
    /// Puts devices on line.
    pub fn start(devices: impl Iterator<Item = Member>, centre: CentreKeys, address: SocketAddr) -> Self {
        let (address, at) = watch::channel(address);
        let (night, passes) = watch::channel(Night::default());
        let shared = Arc::new(Shared {
            centre,
            held: Mutex::default(),
            settled: AtomicU64::new(0),
            unexpected: Mutex::default(),
            resends: AtomicU64::new(0),
        });
        let lives = (1..).zip(devices).map(|(chance, member)| {
            let life = Life {
                outbox: member.switched_on(),
                member,
                shared: Arc::clone(&shared),
                at: at.clone(),
                night: passes.clone(),
                started: Instant::now(),
                chance,
                power_cuts: 0,
            };
            tokio::spawn(life.live())
        });
        Self { lives: lives.collect(), address, night, shared }
    }

    /// So many thousandths of the night have passed.
    pub fn passed(&self, thousandths: u32) {
        self.night.send_modify(|night| night.passed = thousandths);
    }

    /// Cuts the power of every third device whose outbox is on disk, by chance.
    pub fn cut_power(&self) {
        self.night.send_modify(|night| night.power_cuts += 1);
    }

    /// The centre is somewhere else now.
    pub fn moved(&self, address: SocketAddr) {
        self.address.send_replace(address);
    }

    /// Receipts held so far.
    pub fn receipts(&self) -> usize {
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How often devices were asked to send again.
    pub fn resends(&self) -> u64 {
        self.shared.resends.load(Ordering::Relaxed)
    }

    /// Ends the night, and waits until each report has its final receipt.
    pub async fn settle(self, patience: Duration) -> Settled {
        self.night.send_modify(|night| night.passed = 1_001);
        let (mut made, mut identified, mut ballots, mut power_cuts) = (0, 0, 0, 0);
        let deadline = Instant::now() + patience;
        for life in self.lives {
            let lived = tokio::time::timeout_at(deadline, life).await;
            let Ok(Ok(lived)) = lived else { panic!("a device waits for a receipt after {patience:?}") };
            made += lived.made;
            identified += lived.identified;
            ballots += lived.ballots;
            power_cuts += lived.power_cuts;
        }
        let unexpected = self.shared.unexpected.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(unexpected.is_empty(), "{unexpected:?}");
        let held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Settled { held, made, identified, ballots, power_cuts }
    }
}

impl Member {
    /// Its outbox as its file has it, or a new one.
    fn switched_on(&self) -> Outbox {
        match &self.file {
            None => Outbox::in_memory(self.identity.clone()),
            Some(file) => {
                let opened = Outbox::open(file, self.identity.clone());
                opened.unwrap_or_else(|error| panic!("{}: {error}", file.display()))
            }
        }
    }

    /// What an urn has counted: from its name, so that it is the same after a power cut.
    fn ballots(&self) -> u64 {
        40 + self.identity.device.as_str().bytes().map(u64::from).sum::<u64>() % 60
    }
}

struct Life {
    member: Member,
    outbox: Outbox,
    shared: Arc<Shared>,
    at: watch::Receiver<SocketAddr>,
    night: watch::Receiver<Night>,
    started: Instant,
    chance: u32,
    power_cuts: u64,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// Lost, or nothing is left to do.
    Line,
    /// With the device's power.
    Power,
}

impl Life {
    async fn live(mut self) -> Lived {
        let mut attempts = 0;
        while self.is_busy() {
            let (client, mut events) = self.connect();
            let ended = self.session(&client, &mut events, &mut attempts).await;
            drop((client, events));
            if ended == Ended::Power {
                self.lose_power().await;
            }
            // Quicker than a device in the field may be (1 s, doubling to 60 s): a test has less time.
            let wait = Duration::from_millis(50 << attempts.min(4));
            attempts += 1;
            tokio::time::sleep(wait.mul_f64(0.8 + f64::from(self.random() % 400) / 1_000.0)).await;
        }
        let made = self.outbox.last_seq();
        let (identified, ballots) = match self.member.part {
            Part::Terminal => (made, 0),
            Part::Urn(_) => (0, self.member.ballots()),
        };
        Lived { made, identified, ballots, power_cuts: self.power_cuts }
    }

    /// All that it knew is gone, but for the file, whose last record was being written.
    async fn lose_power(&mut self) {
        let Some(file) = self.member.file.clone() else { return };
        self.power_cuts += 1;
        // The file is open no longer.
        self.outbox = Outbox::in_memory(self.member.identity.clone());
        let torn = self.random().to_le_bytes();
        let written = OpenOptions::new().append(true).open(&file).and_then(|mut file| file.write_all(&torn));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let dark = Duration::from_millis(u64::from(self.random() % 1_500));
        tokio::time::sleep(dark).await;
        self.outbox = self.member.switched_on();
    }

    /// Whether it has something to say, or waits for a word about what it said.
    fn is_busy(&self) -> bool {
        let says = match self.member.part {
            Part::Terminal => !self.night.borrow().is_over(),
            Part::Urn(_) => self.outbox.last_seq() < 2,
        };
        says || self.outbox.pending() > 0
    }

    /// What it has to say next. A terminal's count is the number of the report that tells it.
    fn next_body(&self) -> Option<Body> {
        let (night, next) = (*self.night.borrow(), self.outbox.last_seq() + 1);
        match self.member.part {
            Part::Terminal if night.is_over() => None,
            Part::Terminal => {
                Some(Body::Turnout(Turnout { identified: Count::new(next), ..Turnout::default() }))
            }
            Part::Urn(from) if night.passed < from || next > 2 => None,
            Part::Urn(_) if next == 1 => Some(Body::OpeningUrn(tally(0))),
            Part::Urn(_) => Some(Body::Tally(tally(self.member.ballots()))),
        }
    }

    fn connect(&mut self) -> (AsyncClient, EventLoop) {
        let at = *self.at.borrow_and_update();
        let identity = self.outbox.identity();
        let mut options = MqttOptions::new(identity.device.as_str(), at.ip().to_string(), at.port());
        let state = identity.topic(Channel::State).to_string();
        let (_, will) = self.outbox.connect(now()).unwrap_or_else(|error| panic!("{error}"));
        options.set_keep_alive(Duration::from_secs(30)).set_last_will(LastWill::new(
            state,
            will,
            QoS::AtLeastOnce,
            true,
        ));
        AsyncClient::new(options, 64)
    }

    /// Until the connection is lost, or nothing is left to do.
    async fn session(&mut self, client: &AsyncClient, events: &mut EventLoop, attempts: &mut u32) -> Ended {
        let mut connected = false;
        let mut seen = self.night.borrow().power_cuts;
        loop {
            let cuts = self.night.borrow().power_cuts;
            if cuts > seen {
                seen = cuts;
                if self.member.file.is_some() && self.random().is_multiple_of(3) {
                    return Ended::Power;
                }
            }
            // A connection that is being made is not to be begun anew at each look.
            let look = if connected { LOOK } else { Duration::from_secs(5) };
            match timeout(look, events.poll()).await {
                Ok(Err(_)) => return Ended::Line,
                Ok(Ok(Event::Incoming(Packet::ConnAck(_)))) => {
                    for channel in [Channel::Receipt, Channel::Command] {
                        let topic = self.outbox.identity().topic(channel).to_string();
                        let _ = client.try_subscribe(topic, QoS::AtLeastOnce);
                    }
                }
                Ok(Ok(Event::Incoming(Packet::SubAck(_)))) => {
                    (connected, *attempts) = (true, 0);
                    self.outbox.reconnected();
                }
                Ok(Ok(Event::Incoming(Packet::Publish(message)))) => {
                    self.hear(&message.topic, &message.payload);
                }
                Ok(Ok(_)) | Err(_) => {}
            }
            if connected && !self.speak(client) {
                let _ = client.try_disconnect();
                return Ended::Line;
            }
        }
    }

    /// Sends what is due; false when there is nothing left to do.
    fn speak(&mut self, client: &AsyncClient) -> bool {
        if self.outbox.pending() < AHEAD
            && let Some(body) = self.next_body()
        {
            let made = self.outbox.make(body, now());
            made.unwrap_or_else(|error| panic!("{error}"));
        }
        let topic = self.outbox.identity().topic(Channel::Report).to_string();
        let mut chance = self.chance;
        let elapsed = self.started.elapsed();
        for envelope in self.outbox.due(elapsed, &mut || next(&mut chance)) {
            // Where the client's queue is full the outbox repeats it.
            let _ = client.try_publish(&topic, QoS::AtLeastOnce, false, envelope.to_vec());
        }
        self.chance = chance;
        self.is_busy()
    }

    fn hear(&mut self, topic: &str, payload: &[u8]) {
        let now = self.started.elapsed();
        if let Ok(command) = verify_command(topic, payload, &self.shared.centre) {
            if let Told::Resend(_) = self.outbox.on_command(&command, now) {
                self.shared.resends.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        let Ok(receipt) = verify_receipt(topic, payload, &self.shared.centre) else {
            return self.unexpected(format!("a message on {topic} that the centre did not sign"));
        };
        match self.outbox.on_receipt(&receipt, now) {
            Ok(Outcome::Done { verdict: Verdict::Accepted | Verdict::Duplicate, .. }) => {
                self.shared.settled.fetch_add(1, Ordering::Relaxed);
                self.note(receipt.receipt());
            }
            Ok(Outcome::Held { .. }) => self.note(receipt.receipt()),
            // A copy's receipt, when the first one's was here.
            Ok(Outcome::Unknown) => self.note(receipt.receipt()),
            other => self.unexpected(format!("{other:?} at {:?}", receipt.receipt())),
        }
    }

    fn note(&self, receipt: &Receipt) {
        let Some(held) = Held::of(receipt) else {
            return self.unexpected(format!("a receipt without a place: {receipt:?}"));
        };
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    fn unexpected(&self, what: String) {
        self.shared.unexpected.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn random(&mut self) -> u32 {
        next(&mut self.chance)
    }
}

/// All for the first party; nothing invalid.
fn tally(ballots: u64) -> Tally {
    let party = "p01".parse().unwrap_or_else(|_| panic!("p01 is an id"));
    let contest = ContestTally {
        contest: "list".parse().unwrap_or_else(|_| panic!("list is an id")),
        ballots: Count::new(ballots),
        invalid: Count::ZERO,
        votes: [(party, Count::new(ballots))].into(),
        preferences: Default::default(),
    };
    Tally { ballots: Count::new(ballots), contests: vec![contest] }
}

/// Chance enough for jitter.
fn next(state: &mut u32) -> u32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    *state >> 8
}

/// The machine's clock.
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
