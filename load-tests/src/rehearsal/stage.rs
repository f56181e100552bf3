//! What all devices of a rehearsal share.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use device_wire::{CentreKeys, SigningKey};
use election::{DeviceId, Timestamp};
use tokio::{
    sync::{Semaphore, watch},
    time::Instant,
};

use crate::{
    bundles::{BundleError, Bundles, Credentials},
    day::Day,
    fleet::Keys,
    limits::Seats,
    link::LinkError,
};

use super::{measure::Recorder, scenario::Scenario};

/// Devices that shake hands at once: below the usual queue of a listening socket.
const HANDSHAKES: usize = 512;
/// Refusals that are kept in words.
const KEPT: usize = 20;

/// What every device is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signals {
    /// When the clock started.
    pub begin: Option<Instant>,
    /// How many storms there were.
    pub storms: usize,
    /// It is over.
    pub ended: bool,
}

/// Counts of the whole fleet.
#[derive(Debug, Default)]
pub struct Counters {
    /// Devices on line now.
    pub connected: AtomicU64,
    /// Attempts to connect.
    pub attempts: AtomicU64,
    /// Devices that hold receipts for all they had to say.
    pub finished: AtomicU64,
    /// Reports made.
    pub made: AtomicU64,
    /// Messages with reports, repetitions included.
    pub messages: AtomicU64,
    /// Receipts that came.
    pub receipts: AtomicU64,
    /// Reports with a final receipt.
    pub receipted: AtomicU64,
    /// Receipts that said that the report was known already.
    pub duplicates: AtomicU64,
    /// Receipts that said that a report waits for a lower number.
    pub held: AtomicU64,
    /// Messages of hostile devices.
    pub hostile: AtomicU64,
}

/// What all devices share.
pub struct Stage {
    /// The scenario.
    pub scenario: Scenario,
    /// Where devices connect.
    pub address: SocketAddr,
    /// With which receipts are signed.
    pub centre_keys: CentreKeys,
    /// How many may be on line.
    pub seats: Seats,
    /// How many may shake hands.
    pub handshakes: Semaphore,
    /// Counts.
    pub counters: Counters,
    /// When the rehearsal was opened.
    pub opened: Instant,
    day: Arc<Day>,
    bundles: Option<Arc<Bundles>>,
    keys: Keys,
    recorder: OnceLock<Arc<Recorder>>,
    signals: watch::Sender<Signals>,
    refusals: Mutex<Vec<String>>,
}

/// What a stage is built of.
pub struct Parts {
    /// The scenario.
    pub scenario: Scenario,
    /// The day that figures are from.
    pub day: Arc<Day>,
    /// Where devices connect.
    pub address: SocketAddr,
    /// What they connect with; plain where it is `None`.
    pub bundles: Option<Arc<Bundles>>,
    /// What they sign with.
    pub keys: Keys,
    /// With which receipts are signed.
    pub centre_keys: CentreKeys,
}

impl Stage {
    /// Before anybody has come; room is made for so many devices at once.
    ///
    /// # Errors
    /// When the limit of open files cannot be read.
    pub fn new(parts: Parts, devices: u64) -> io::Result<Self> {
        let Parts { scenario, day, address, bundles, keys, centre_keys } = parts;
        Ok(Self {
            scenario,
            address,
            centre_keys,
            seats: Seats::raise(devices, 1)?,
            handshakes: Semaphore::new(HANDSHAKES),
            counters: Counters::default(),
            opened: Instant::now(),
            day,
            bundles,
            keys,
            recorder: OnceLock::new(),
            signals: watch::Sender::new(Signals::default()),
            refusals: Mutex::default(),
        })
    }

    /// The day that figures are from.
    pub fn day(&self) -> &Arc<Day> {
        &self.day
    }

    /// The wall clock.
    pub fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// What a device signs with.
    pub fn key(&self, device: &DeviceId) -> SigningKey {
        (self.keys)(device)
    }

    /// What a device connects with; `None` where connections are plain.
    ///
    /// # Errors
    /// When its bundle cannot be used.
    pub fn credentials(&self, device: &DeviceId) -> Result<Option<Credentials>, BundleError> {
        self.bundles.as_ref().map(|bundles| bundles.credentials(device)).transpose()
    }

    /// What devices are told, from now on.
    pub fn signals(&self) -> watch::Receiver<Signals> {
        self.signals.subscribe()
    }

    /// Tells all devices something.
    pub fn tell(&self, change: impl FnOnce(&mut Signals)) {
        self.signals.send_modify(change);
    }

    /// Starts the clock.
    pub fn begin(&self, recorder: Arc<Recorder>) {
        let begin = recorder.begin();
        if self.recorder.set(recorder).is_ok() {
            self.tell(|signals| signals.begin = Some(begin));
        }
    }

    /// Notes that a report was made.
    pub fn intended(&self, at: Instant) {
        self.counters.made.fetch_add(1, Ordering::Relaxed);
        if let Some(recorder) = self.recorder.get() {
            recorder.intended(at);
        }
    }

    /// Notes that a report has its final receipt.
    pub fn receipted(&self, intended: Instant, came: Instant) {
        self.counters.receipted.fetch_add(1, Ordering::Relaxed);
        if let Some(recorder) = self.recorder.get() {
            recorder.receipt(intended, came);
        }
    }

    /// Notes why a device could not come on line: the first of them, in words.
    pub fn note_refusal(&self, device: &DeviceId, error: &LinkError) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.len() < KEPT {
            refusals.push(format!("{device}: {error}"));
        }
    }

    /// Why devices could not come on line: the first of them.
    pub fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
