//! The whole fleet on its day: every device a connection of its own, people in the situation room, and an eye
//! on what the platform shows.

use std::{
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use device_wire::{CentreKeys, SigningKey};
use election::{Definition, DeviceId, Timestamp};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    books::{Books, BooksError},
    bundles::Bundles,
    day::Day,
    device::{Device, Lived},
    ledger::Ledger,
    limits::Seats,
    observer::{self, Seen},
    room,
    script::Script,
    scripted::PEOPLE,
};

/// Devices that shake hands at once: below the usual queue of a listening socket.
const HANDSHAKES: usize = 1_024;
/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);
/// How often the clock is told who waits.
const WAIT_FOR: Duration = Duration::from_millis(20);

/// The simulated clock that the platform and the fleet share.
pub trait SimClock: Send + Sync {
    /// The moment now.
    fn now(&self) -> Timestamp;
    /// How many times faster than real time it goes now.
    fn speed(&self) -> f64;
    /// Real time until a moment; zero once it has passed. Ask again then: a clock that was held back has not
    /// come there yet.
    fn until(&self, moment: Timestamp) -> Duration;
    /// Tells, many times a second, how many devices wait for an answer or for a connection; nothing once the
    /// fleet has ended. A simulated clock waits for a machine that cannot keep up: the night would be of
    /// another shape otherwise.
    fn wait_for(&self, _waiting: Option<u64>) {}
}

/// The private key of a device.
pub type Keys = Arc<dyn Fn(&DeviceId) -> SigningKey + Send + Sync>;

/// The private key of a simulated device, or of a simulated centre: it follows from a seed, so that a million devices
/// need no files. Nothing but demonstrations and rehearsals ever uses such keys.
pub fn derived_key(seed: u64, name: &str) -> SigningKey {
    let text = [b"sanak demonstration device".as_slice(), &seed.to_be_bytes(), name.as_bytes()].concat();
    SigningKey::from_bytes(&device_wire::digest(&text).0)
}

/// A day to be run.
#[derive(Clone)]
pub struct FleetPlan {
    /// The election.
    pub definition: Arc<Definition>,
    /// Everything that is said follows from it.
    pub seed: u64,
    /// Where devices connect: MQTT 3.1.1.
    pub mqtt: SocketAddr,
    /// With what they prove themselves over TLS; plain connections on loopback if `None`.
    pub bundles: Option<Arc<Bundles>>,
    /// Where the platform shows what it has, and takes decisions: plain HTTP.
    pub http: SocketAddr,
    /// The clock.
    pub clock: Arc<dyn SimClock>,
    /// With which receipts are signed.
    pub centre_keys: CentreKeys,
    /// Bearer tokens of the people in the situation room.
    pub room_tokens: [String; PEOPLE],
    /// With which devices sign.
    pub keys: Keys,
    /// Where receipts are kept, so that an interrupted day goes on; nowhere if `None`.
    pub ledger_dir: Option<PathBuf>,
    /// Whether things go wrong on purpose.
    pub faults: bool,
    /// Sockets that a device needs in this process: two where the platform is in it, too.
    pub sockets_a_device: u64,
    /// After this moment, by the clock, the day is given up when nothing happens any more…
    pub ends: Timestamp,
    /// …for so long, in real time.
    pub patience: Duration,
}

/// How far a day has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Devices that will speak.
    pub devices: u64,
    /// Devices on line now.
    pub connected: u64,
    /// Reports that will be said.
    pub reports: u64,
    /// Messages with reports that were sent, repetitions included.
    pub sent: u64,
    /// Receipts that came.
    pub receipted: u64,
    /// Devices that have said everything and hold a receipt for all of it.
    pub finished: u64,
    /// Precincts.
    pub precincts: u64,
    /// Precincts that the platform shows as reported.
    pub reported: u64,
}

impl Progress {
    fn is_further_than(&self, before: &Progress) -> bool {
        self.finished > before.finished || self.reported > before.reported
    }
}

/// Why a day cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum FleetError {
    /// The receipts of an earlier life.
    #[error(transparent)]
    Books(#[from] BooksError),
    /// Open files.
    #[error("the limit of open files cannot be read: {0}")]
    Limits(io::Error),
}

/// What all devices share.
pub(crate) struct Fleet {
    pub day: Arc<Day>,
    pub clock: Arc<dyn SimClock>,
    pub mqtt: SocketAddr,
    pub bundles: Option<Arc<Bundles>>,
    pub centre_keys: CentreKeys,
    pub keys: Keys,
    pub books: Books,
    pub seats: Seats,
    pub handshakes: Semaphore,
    pub counters: Counters,
}

/// Counts of the whole fleet.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    connected: AtomicU64,
    sent: AtomicU64,
    receipted: AtomicU64,
    finished: AtomicU64,
    waiting: AtomicU64,
}

impl Counters {
    pub fn waits(&self, waits: bool) {
        match waits {
            true => self.waiting.fetch_add(1, Ordering::Relaxed),
            false => self.waiting.fetch_sub(1, Ordering::Relaxed),
        };
    }

    pub fn connected(&self) {
        self.connected.fetch_add(1, Ordering::Relaxed);
    }

    pub fn disconnected(&self) {
        self.connected.fetch_sub(1, Ordering::Relaxed);
    }

    pub fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub fn receipted(&self) {
        self.receipted.fetch_add(1, Ordering::Relaxed);
    }

    pub fn spoken(&self) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

/// Runs a day: until every device has receipts for all it has to say, every decision was taken and the
/// platform shows every precinct as reported, or until patience ends.
///
/// # Errors
/// When it cannot begin. A day that did not end well is no error here: the ledger and
/// [`verify`](crate::verify()) tell.
pub async fn run(plan: FleetPlan, progress: watch::Sender<Progress>) -> Result<Ledger, FleetError> {
    let day = Arc::new(Day::new(Arc::clone(&plan.definition), plan.seed, plan.faults));
    let scripts: Vec<Script> = day.scripts().collect();
    let devices = scripts.len() as u64;
    let reports = scripts.iter().map(|script| script.utterances().count() as u64).sum();
    let seats = Seats::raise(devices, plan.sockets_a_device).map_err(FleetError::Limits)?;
    if seats.are_few() {
        let at_once = seats.at_once();
        tracing::warn!(devices, at_once, "too few open files are allowed: devices take turns to connect");
    }
    let books = Books::open(plan.ledger_dir.as_deref(), &plan.definition, plan.seed)?;
    let fleet = Arc::new(Fleet {
        day: Arc::clone(&day),
        clock: Arc::clone(&plan.clock),
        mqtt: plan.mqtt,
        bundles: plan.bundles.clone(),
        centre_keys: plan.centre_keys.clone(),
        keys: Arc::clone(&plan.keys),
        books,
        seats,
        handshakes: Semaphore::new(HANDSHAKES),
        counters: Counters::default(),
    });

    let (stop, stopped) = watch::channel(false);
    let mut lives = JoinSet::new();
    for script in scripts {
        lives.spawn(Device::new(Arc::clone(&fleet), script).live(stopped.clone()));
    }
    let (seen, shown) = watch::channel(Seen::default());
    let observer = tokio::spawn(observer::observe(plan.clone(), seen));
    let (decided, decisions) = watch::channel(0);
    let planned = day.decisions();
    let to_decide = planned.len();
    let room = tokio::spawn(room::sit(plan.clone(), Arc::clone(&fleet), planned, decided, stopped.clone()));

    let pacer = tokio::spawn(pace(Arc::clone(&fleet)));

    let mut ticks = interval(TELL);
    let mut moved = (Instant::now(), Progress::default());
    loop {
        ticks.tick().await;
        let seen = *shown.borrow();
        let now = tell(&fleet, &plan.definition, devices, reports, seen);
        progress.send_replace(now);
        let reported = now.reported >= now.precincts;
        if now.finished == devices && *decisions.borrow() == to_decide && reported {
            break;
        }
        if plan.clock.now() < plan.ends || now.is_further_than(&moved.1) {
            moved = (Instant::now(), now);
        } else if moved.0.elapsed() > plan.patience {
            tracing::warn!(patience = ?plan.patience, ?now, "the day does not end: nothing happens any more");
            break;
        }
    }
    pacer.abort();
    plan.clock.wait_for(None);
    stop.send_replace(true);
    observer.abort();
    let mut ledger = settle(lives).await;
    if let Ok(sitting) = room.await {
        sitting.acts.iter().for_each(|act| ledger.decided(act));
        sitting.unexpected.into_iter().for_each(|what| ledger.note_unexpected(what));
        ledger.unsaid += sitting.untaken;
    }
    ledger.minutes_to_90_percent = shown.borrow().minutes_to_90_percent;
    Ok(ledger)
}

/// Tells the clock who waits.
async fn pace(fleet: Arc<Fleet>) {
    let mut ticks = interval(WAIT_FOR);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        fleet.clock.wait_for(Some(fleet.counters.waiting.load(Ordering::Relaxed)));
    }
}

fn tell(fleet: &Fleet, definition: &Definition, devices: u64, reports: u64, seen: Seen) -> Progress {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Progress {
        devices,
        connected: count(&fleet.counters.connected),
        reports,
        sent: count(&fleet.counters.sent),
        receipted: count(&fleet.counters.receipted),
        finished: count(&fleet.counters.finished),
        precincts: definition.precincts().len() as u64,
        reported: seen.reported,
    }
}

/// Gathers the books of all devices.
async fn settle(mut lives: JoinSet<Lived>) -> Ledger {
    let mut ledger = Ledger::default();
    while let Some(lived) = lives.join_next().await {
        match lived {
            Ok(lived) => {
                lived.unexpected.into_iter().for_each(|what| ledger.note_unexpected(what));
                ledger.unsaid += lived.unsaid;
                ledger.add(lived.script.device, lived.line);
            }
            Err(error) => ledger.note_unexpected(format!("a device's task ended: {error}")),
        }
    }
    ledger
}
