//! One device's life: it does what its script says, keeps its line, and repeats what has no receipt.

use std::{sync::Arc, time::Duration};

use device_wire::{Channel, encode_heartbeat, encode_state, sign, verify_command, verify_receipt};
use election::{
    definition::DeviceKind,
    report::{Command, DeviceState, Heartbeat, Order, Presence, Receipt, Verdict},
};
use rumqttc::mqttbytes::{QoS, v4::Packet};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    chance::Chance,
    faults::Fault,
    fleet::Fleet,
    ledger,
    limits::Seat,
    line::{Line, clock_of},
    link::{Hello, Link, LinkError},
    script::{Action, Script},
};

/// Between heartbeats, by the simulated clock.
const HEARTBEAT: Duration = Duration::from_secs(60);
/// Between heartbeats of a device that says nothing else, in real time: at high speeds this one counts. Below
/// the ten seconds after which silence may be judged.
const HEARTBEAT_REAL: Duration = Duration::from_secs(8);
/// Between attempts to connect: from the first to the second, and however many there were.
const RECONNECT: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Longest sleep: a clock may be set while a device waits for it.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// What a device leaves behind.
#[derive(Debug)]
pub struct Lived {
    /// Whose.
    pub script: Script,
    /// Its books.
    pub line: ledger::Line,
    /// Answers that its script did not expect.
    pub unexpected: Vec<String>,
    /// Reports that it did not come to say.
    pub unsaid: u64,
}

/// A device on its day.
pub struct Device {
    fleet: Arc<Fleet>,
    script: Script,
    line: Line,
    /// The next moment of its script.
    next: usize,
    /// Whether its script has it on line.
    wanted: bool,
    link: Option<Link>,
    seat: Option<Seat>,
    attempts: u32,
    connect_at: Instant,
    /// Without a seat and with nothing to say, it stays off line until then.
    idle_until: Instant,
    heard: Instant,
    started: election::Timestamp,
    boot: u64,
    beats: u64,
    /// Between its heartbeats, by the simulated clock.
    interval: Duration,
    /// The number of the last command that it obeyed.
    commanded: u64,
    spoken: bool,
    /// Whether the fleet counts it among those that wait for the platform.
    waits: bool,
    unexpected: Vec<String>,
    jitter: Chance,
}

impl Device {
    /// A device before its day.
    pub fn new(fleet: Arc<Fleet>, script: Script) -> Self {
        let now = Instant::now();
        let line = Line::new(&script, (fleet.keys)(&script.device), fleet.day.seed());
        let jitter = Chance::of(fleet.day.seed(), "reconnect", &script.device);
        Self {
            started: fleet.clock.now(),
            fleet,
            line,
            script,
            next: 0,
            wanted: false,
            link: None,
            seat: None,
            attempts: 0,
            connect_at: now,
            idle_until: now,
            heard: now,
            boot: 0,
            beats: 0,
            interval: HEARTBEAT,
            commanded: 0,
            spoken: false,
            waits: false,
            unexpected: Vec::new(),
            jitter,
        }
    }

    /// Its day, until it has nothing left to do or the fleet is stopped.
    pub async fn live(mut self, mut stop: watch::Receiver<bool>) -> Lived {
        while !*stop.borrow() {
            self.follow_script();
            if self.next == self.script.moments.len() && self.link.is_none() && self.line.is_settled() {
                break;
            }
            if self.link.is_some() && !self.stays() {
                self.leave().await;
                self.idle_until = Instant::now() + HEARTBEAT_REAL;
                continue;
            }
            if self.connects_at().is_some_and(|at| at <= Instant::now()) {
                self.tell_waiting(!self.line.is_settled());
                tokio::select! {
                    () = self.connect() => {}
                    _ = stop.changed() => break,
                }
                continue;
            }
            if let Err(error) = self.speak() {
                self.lose_line(&error);
                continue;
            }
            self.tell_waiting(self.link.is_some() && self.line.waits());
            let wake = self.wake();
            tokio::select! {
                packet = next_packet(&mut self.link) => match packet {
                    Ok(packet) => self.hear(&packet),
                    Err(error) => self.lose_line(&error),
                },
                () = sleep_until(wake) => {}
                () = self.fleet.seats.wanted(), if self.link.is_some() && self.line.is_settled() => {}
                // The sender lives as long as the fleet.
                _ = stop.changed() => {}
            }
        }
        self.leave().await;
        self.tell_waiting(false);
        let unsaid = self.script.moments[self.next..].iter().filter(|moment| moment.utterance().is_some());
        Lived {
            unsaid: unsaid.count() as u64,
            line: self.line.into_books(&self.script),
            script: self.script,
            unexpected: self.unexpected,
        }
    }

    /// A device waits for the platform while it connects with something to say, and while a report that it
    /// sent is not answered.
    fn tell_waiting(&mut self, waits: bool) {
        if self.waits != waits {
            self.waits = waits;
            self.fleet.counters.waits(waits);
        }
    }

    /// Does what is due and may be done.
    fn follow_script(&mut self) {
        let now = self.fleet.clock.now();
        while let Some(moment) = self.script.moments.get(self.next).filter(|moment| moment.due <= now) {
            match &moment.action {
                Action::Connect => self.wanted = true,
                Action::Cut => {
                    // Dropped without goodbye: the other side tells the last will.
                    self.drop_link();
                    self.wanted = false;
                }
                Action::Leave if !self.line.is_settled() => break,
                Action::Leave => self.wanted = false,
                Action::Say(_) if self.line.waits() => break,
                Action::Say(_) => {
                    let (books, device) = (&self.fleet.books, &self.script.device);
                    self.line
                        .say(&self.fleet.day, &self.script, self.next, |entry| books.known(device, entry));
                }
            }
            self.next += 1;
        }
        let more = self.script.moments[self.next..].iter().any(|moment| moment.utterance().is_some());
        if !self.spoken && !more && self.line.is_settled() {
            self.spoken = true;
            self.fleet.counters.spoken();
        }
    }

    /// Whether it should be on line: while its script has it so, and it has something to say or nobody else
    /// waits for its seat.
    fn stays(&self) -> bool {
        self.wanted && !(self.line.is_settled() && self.fleet.seats.are_wanted())
    }

    /// When it goes on line next, if nothing changes.
    fn connects_at(&self) -> Option<Instant> {
        let wants = self.link.is_none() && self.stays();
        let idle = self.line.is_settled();
        wants.then(|| if idle { self.connect_at.max(self.idle_until) } else { self.connect_at })
    }

    async fn connect(&mut self) {
        let fleet = Arc::clone(&self.fleet);
        self.seat = match self.line.is_settled() {
            true => fleet.seats.try_take(),
            false => fleet.seats.take().await,
        };
        if self.seat.is_none() {
            self.idle_until = Instant::now() + HEARTBEAT_REAL;
            return;
        }
        let Ok(_handshake) = fleet.handshakes.acquire().await else { return };
        let now = fleet.clock.now();
        // Higher than in any earlier life, without a memory of it.
        self.boot = (self.boot + 1).max(now.millis() / 1_000);
        let topic = |channel| Line::topic(&fleet.day, &self.script, channel).to_string();
        let hello = Hello {
            client: self.script.device.as_str(),
            will_topic: topic(Channel::State),
            will: self.state(Presence::Offline),
            listen: vec![topic(Channel::Receipt), topic(Channel::Command)],
        };
        let device = &self.script.device;
        let tls = fleet.bundles.as_ref().map(|bundles| bundles.credentials(device)).transpose();
        let link = match tls {
            Ok(tls) => Link::connect(fleet.mqtt, tls, hello).await,
            Err(error) => Err(error.into()),
        };
        match link {
            Ok(link) => self.connected(link),
            Err(error) => self.lose_line(&error),
        }
    }

    fn connected(&mut self, link: Link) {
        let now = Instant::now();
        self.link = Some(link);
        self.fleet.counters.connected();
        self.attempts = 0;
        self.heard = now;
        self.started = self.fleet.clock.now();
        self.line.resend(0, now);
        let online = self.state(Presence::Online);
        let greeted = self.publish(Channel::State, online, QoS::AtLeastOnce, true);
        let greeted = match self.script.kind {
            DeviceKind::Urn => greeted.and_then(|()| self.beat(now)),
            DeviceKind::IdTerminal => greeted,
        };
        if let Err(error) = greeted {
            self.lose_line(&error);
        }
    }

    /// The line is gone; the next attempt follows after 1 s, doubling to 60 s.
    fn lose_line(&mut self, error: &LinkError) {
        tracing::debug!(device = %self.script.device, %error, "a device lost its line");
        self.drop_link();
        let wait = RECONNECT.1.min(RECONNECT.0 * (1 << self.attempts.min(6)));
        self.attempts += 1;
        self.connect_at = Instant::now() + wait.mul_f64(self.jitter.between(0.8, 1.2));
    }

    fn drop_link(&mut self) {
        if self.link.take().is_some() {
            self.fleet.counters.disconnected();
        }
        self.seat = None;
    }

    /// Says goodbye.
    async fn leave(&mut self) {
        let offline = self.state(Presence::Offline);
        let told = self.publish(Channel::State, offline, QoS::AtLeastOnce, true);
        if let Some(link) = self.link.take() {
            self.fleet.counters.disconnected();
            if told.is_ok() {
                link.goodbye().await;
            }
        }
        self.seat = None;
    }

    /// Sends what is due.
    fn speak(&mut self) -> Result<(), LinkError> {
        if self.link.is_none() {
            return Ok(());
        }
        let now = Instant::now();
        for envelope in self.line.due(&self.script, now) {
            self.publish(Channel::Report, envelope.to_vec(), QoS::AtLeastOnce, false)?;
            self.fleet.counters.sent();
            self.heard = now;
        }
        if now >= self.heard + self.heartbeat_every() {
            self.beat(now)?;
        }
        Ok(())
    }

    fn heartbeat_every(&self) -> Duration {
        let speed = self.fleet.clock.speed().max(0.001);
        let least = if speed > 1.0 { HEARTBEAT_REAL } else { Duration::ZERO };
        self.interval.div_f64(speed).max(least)
    }

    fn beat(&mut self, now: Instant) -> Result<(), LinkError> {
        self.heard = now;
        let at = clock_of(&self.script, self.fleet.clock.now());
        self.beats = (self.beats + 1).max(at.millis() / 1_000);
        let heartbeat = Heartbeat {
            election: self.fleet.day.definition().about().id.clone(),
            precinct: self.script.precinct,
            device: self.script.device.clone(),
            at,
            uptime: at.since(self.started).as_secs(),
            counter: self.beats,
            last_seq: self.line.last_seq(),
            battery: Some(100),
            mains: Some(true),
            signal: Some(-95 + i64::try_from(self.jitter.clone().below(40)).unwrap_or(0)),
            paper: Some(80),
            firmware: Some("simulated".into()),
            errors: Vec::new(),
            shown: self.line.identified(),
        };
        let payload = encode_heartbeat(&heartbeat);
        let topic = Line::topic(&self.fleet.day, &self.script, Channel::Heartbeat);
        let envelope = sign(&topic, self.script.device.as_str(), &payload, self.line.key());
        self.publish(Channel::Heartbeat, envelope, QoS::AtMostOnce, false)
    }

    fn state(&self, state: Presence) -> Vec<u8> {
        let at = clock_of(&self.script, self.fleet.clock.now());
        let payload =
            encode_state(&DeviceState { device: self.script.device.clone(), state, boot: self.boot, at });
        let topic = Line::topic(&self.fleet.day, &self.script, Channel::State);
        sign(&topic, self.script.device.as_str(), &payload, self.line.key())
    }

    fn publish(
        &mut self,
        channel: Channel,
        envelope: Vec<u8>,
        qos: QoS,
        retain: bool,
    ) -> Result<(), LinkError> {
        let topic = Line::topic(&self.fleet.day, &self.script, channel).to_string();
        self.link.as_mut().map_or(Ok(()), |link| link.publish(&topic, envelope, qos, retain))
    }

    fn hear(&mut self, packet: &Packet) {
        let Packet::Publish(publish) = packet else { return };
        if self.line.is_settled() && publish.topic.ends_with("/receipt") {
            self.fleet.counters.receipted();
            self.line.receive_late();
            return;
        }
        let centre = &self.fleet.centre_keys;
        if let Ok(receipt) = verify_receipt(&publish.topic, &publish.payload, centre) {
            self.receive(receipt.receipt());
        } else if let Ok(command) = verify_command(&publish.topic, &publish.payload, centre) {
            self.obey(command.command());
        } else {
            let what = format!(
                "{}: a message on {} that the centre did not sign",
                self.script.device, publish.topic
            );
            self.unexpected.push(what);
        }
    }

    /// Does what the centre asks, unless it is an old command played again.
    fn obey(&mut self, command: &Command) {
        if command.id <= self.commanded {
            return;
        }
        self.commanded = command.id;
        let now = Instant::now();
        match command.order {
            Order::Resend { from } => self.line.resend(from, now),
            Order::Heartbeat { interval } => {
                self.interval = Duration::from_secs(interval);
                // The next turn of its life sends one.
                self.heard = now.checked_sub(self.heartbeat_every()).unwrap_or(now);
            }
            Order::Disconnect => self.lose_line(&LinkError::Silent),
        }
    }

    fn receive(&mut self, receipt: &Receipt) {
        self.fleet.counters.receipted();
        let device = &self.script.device;
        let Some(answered) = self.line.receive(receipt) else {
            self.unexpected.push(format!("{device}: a receipt for a report that it did not make"));
            return;
        };
        let Some(entry) = self.line.entry(answered.moment) else { return };
        let Some(utterance) = self.script.moments[answered.moment].utterance() else { return };
        let seq = entry.seq;
        if receipt.offset.is_none() {
            let code = receipt.code;
            self.unexpected.push(format!(
                "{device} {seq}: {} {code:?} without being recorded",
                receipt.verdict.as_str()
            ));
        }
        if !answered.settled {
            return;
        }
        self.fleet.books.note_receipt(device, entry);
        let flags = self.fleet.day.fault(self.script.precinct).map_or(&[][..], Fault::flags);
        let expect = utterance.expect;
        let met = expect.is_met(answered.verdict, entry.code, flags, receipt.at);
        // A report that was known from an earlier life was held then.
        let held = receipt.verdict == Verdict::Duplicate || entry.held || !expect.held_first;
        if !met || !held {
            let got = (answered.verdict.as_str(), entry.code, entry.held);
            self.unexpected.push(format!("{device} {seq}: {got:?}, the script says {expect:?}"));
        }
    }

    /// When there is something to do next, if nothing is heard before.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        let mut wake = now + LONGEST_SLEEP;
        if let Some(moment) = self.script.moments.get(self.next) {
            let blocked = match moment.action {
                Action::Say(_) => self.line.waits(),
                Action::Leave => !self.line.is_settled(),
                Action::Connect | Action::Cut => false,
            };
            if !blocked {
                wake = wake.min(now + self.fleet.clock.until(moment.due));
            }
        }
        if self.link.is_some() {
            let due = self.line.next_due();
            wake = due.map_or(wake, |due| wake.min(due)).min(self.heard + self.heartbeat_every());
        } else if let Some(at) = self.connects_at() {
            wake = wake.min(at);
        }
        wake
    }
}

/// The next packet of a line; never, where there is none.
async fn next_packet(link: &mut Option<Link>) -> Result<Packet, LinkError> {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}
