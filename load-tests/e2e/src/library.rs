//! Devices that are made with the device library, as a maker's are: an outbox, an MQTT client, and nothing of the
//! platform. Each notes what it holds receipts for.

use std::{
    net::SocketAddr,
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
    report::{Body, Digest, Offset, Receipt, Turnout, Verdict},
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

/// Terminals that report turnout as fast as the centre takes it.
pub struct Library {
    address: watch::Sender<SocketAddr>,
    making: watch::Sender<bool>,
    shared: Arc<Shared>,
    lives: Vec<JoinHandle<(DeviceId, u64)>>,
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
    pub fn start(devices: impl Iterator<Item = Identity>, centre: CentreKeys, address: SocketAddr) -> Self {
        let (address, at) = watch::channel(address);
        let (making, makes) = watch::channel(true);
        let shared = Arc::new(Shared {
            centre,
            held: Mutex::default(),
            settled: AtomicU64::new(0),
            unexpected: Mutex::default(),
            resends: AtomicU64::new(0),
        });
        let lives = devices.map(|identity| {
            let life = Life {
                outbox: Outbox::in_memory(identity),
                identified: 0,
                shared: Arc::clone(&shared),
                at: at.clone(),
                makes: makes.clone(),
                started: Instant::now(),
                chance: 1,
            };
            tokio::spawn(life.live())
        });
        Self { lives: lives.collect(), address, making, shared }
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

    /// Makes no more reports, and waits until each has its final receipt. What is held, and the sum of the
    /// last counts.
    pub async fn settle(self, patience: Duration) -> (Vec<Held>, u64) {
        self.making.send_replace(false);
        let mut identified = 0;
        let deadline = Instant::now() + patience;
        for life in self.lives {
            let lived = tokio::time::timeout_at(deadline, life).await;
            let Ok(Ok((_, last))) = lived else { panic!("a device waits for a receipt after {patience:?}") };
            identified += last;
        }
        let unexpected = self.shared.unexpected.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(unexpected.is_empty(), "{unexpected:?}");
        let held = self.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        (held.clone(), identified)
    }
}

struct Life {
    outbox: Outbox,
    identified: u64,
    shared: Arc<Shared>,
    at: watch::Receiver<SocketAddr>,
    makes: watch::Receiver<bool>,
    started: Instant,
    chance: u32,
}

impl Life {
    async fn live(mut self) -> (DeviceId, u64) {
        let mut attempts = 0;
        while *self.makes.borrow() || self.outbox.pending() > 0 {
            let (client, mut events) = self.connect();
            self.session(&client, &mut events, &mut attempts).await;
            // Quicker than a device in the field may be (1 s, doubling to 60 s): a test has less time.
            let wait = Duration::from_millis(50 << attempts.min(4));
            attempts += 1;
            tokio::time::sleep(wait.mul_f64(0.8 + f64::from(self.random() % 400) / 1_000.0)).await;
        }
        (self.outbox.identity().device.clone(), self.identified)
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
    async fn session(&mut self, client: &AsyncClient, events: &mut EventLoop, attempts: &mut u32) {
        let mut connected = false;
        loop {
            // A connection that is being made is not to be begun anew at each look.
            let look = if connected { LOOK } else { Duration::from_secs(5) };
            match timeout(look, events.poll()).await {
                Ok(Err(_)) => return,
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
                return;
            }
        }
    }

    /// Sends what is due; false when there is nothing left to do.
    fn speak(&mut self, client: &AsyncClient) -> bool {
        let makes = *self.makes.borrow();
        if makes && self.outbox.pending() < AHEAD {
            self.identified += 1;
            let turnout = Turnout { identified: Count::new(self.identified), ..Turnout::default() };
            let made = self.outbox.make(Body::Turnout(turnout), now());
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
        makes || self.outbox.pending() > 0
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
        let Some(offset) = receipt.offset else {
            return self.unexpected(format!("a receipt without a place: {receipt:?}"));
        };
        let (device, digest, seq) = (receipt.device.clone(), receipt.digest, receipt.seq);
        let held = Held { device, digest, seq, offset };
        self.shared.held.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    }

    fn unexpected(&self, what: String) {
        self.shared.unexpected.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn random(&mut self) -> u32 {
        next(&mut self.chance)
    }
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
