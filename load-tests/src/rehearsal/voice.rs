//! One device of a rehearsal: it says what its part has at the intended moments, whether answers come or not, and
//! repeats what has no receipt (PROTOCOL §2).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use device_wire::{
    Channel, SigningKey, Topic, digest, encode_heartbeat, encode_report, encode_state, sign, verify_receipt,
};
use election::{
    Timestamp,
    report::{DeviceState, Digest, Heartbeat, Presence, Receipt, Report, Verdict},
};
use rumqttc::mqttbytes::{QoS, v4::Packet};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    chance::Chance,
    ledger::{self, Entry, Said},
    limits::Seat,
    link::{Hello, Link, LinkError},
    script::{Expect, Script, Utterance},
};

use super::{
    delayed::Delayed,
    stage::{Signals, Stage},
    timetable::{Part, Turn},
};

/// Between the first sending and the second, and however many there were (PROTOCOL §2).
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Longest sleep.
const LONGEST_SLEEP: Duration = Duration::from_secs(600);
/// How a receipt of an accepted report is written in deterministic CBOR, whoever signed it: the first one, and that of
/// a repetition.
const ACCEPTED: [&[u8]; 2] = [b"gverdicthaccepted", b"cwashaccepted"];
/// What stands before a digest there.
const DIGEST: &[u8] = b"fdigestX ";

/// What a device leaves behind.
#[derive(Debug)]
pub struct Lived {
    /// Its books: the reports that totals follow from, and those without a receipt.
    pub line: ledger::Line,
    /// Whose.
    pub device: election::DeviceId,
    /// Answers that were not to be expected.
    pub unexpected: Vec<String>,
}

/// A report on its way.
#[derive(Debug)]
struct Out {
    entry: Entry,
    envelope: Vec<u8>,
    intended: Instant,
    /// When it is sent next; `None` while it waits for the next report to overtake it.
    due: Option<Instant>,
    /// Which message of its connection the last copy is; 0 where none is on it.
    number: u64,
    copies: u8,
    cuts: bool,
}

/// A device.
pub struct Voice {
    stage: Arc<Stage>,
    part: Part,
    key: SigningKey,
    script: Script,
    prev: Digest,
    next: usize,
    out: Vec<Out>,
    kept: Vec<Entry>,
    link: Option<Link>,
    seat: Option<Seat>,
    signals: watch::Receiver<Signals>,
    storms: usize,
    attempts: u32,
    connect_at: Instant,
    beat_at: Option<Instant>,
    boots: u64,
    beats: u64,
    modem: Option<(Delayed<Vec<u8>>, Delayed<Packet>)>,
    cut_at: Option<Instant>,
    chance: Chance,
    unexpected: Vec<String>,
    finished: bool,
}

impl Voice {
    /// A device before it comes on line.
    pub fn new(stage: Arc<Stage>, part: Part, key: SigningKey) -> Self {
        let chance = Chance::of(stage.day().seed(), "jitter", &part.cast.device);
        let (device, precinct) = (part.cast.device.clone(), part.cast.precinct);
        let script = Script { device, precinct, kind: part.cast.kind, ahead: part.skew, moments: Vec::new() };
        let slow = stage.scenario.modem.filter(|_| part.modem);
        let modem = slow.map(|modem| (Delayed::new(&modem), Delayed::new(&modem)));
        Self {
            signals: stage.signals(),
            stage,
            part,
            key,
            script,
            prev: Digest::NONE,
            next: 0,
            out: Vec::new(),
            kept: Vec::new(),
            link: None,
            seat: None,
            storms: 0,
            attempts: 0,
            connect_at: Instant::now(),
            beat_at: None,
            boots: 0,
            beats: 0,
            modem,
            cut_at: None,
            chance,
            unexpected: Vec::new(),
            finished: false,
        }
    }

    /// Its life, until it has said all and may leave, or the rehearsal ends.
    pub async fn live(mut self) -> Lived {
        loop {
            let signals = *self.signals.borrow_and_update();
            if signals.ended {
                break;
            }
            self.weather(&signals);
            let now = Instant::now();
            self.make_due(signals.begin, now);
            if self.next == self.part.turns.len() && self.out.is_empty() {
                if !self.finished {
                    self.finished = true;
                    self.stage.counters.finished.fetch_add(1, Ordering::Relaxed);
                }
                if self.stage.scenario.leave {
                    break;
                }
            }
            if self.link.is_none() && self.connect_at <= now {
                let mut signals = self.signals.clone();
                tokio::select! {
                    () = self.connect() => {}
                    _ = signals.wait_for(|signals| signals.ended) => break,
                }
                continue;
            }
            if let Err(error) = self.speak(now) {
                self.lose_line(&error);
                continue;
            }
            let wake = self.wake(signals.begin, now);
            tokio::select! {
                packet = next_packet(&mut self.link) => match (packet, &mut self.modem) {
                    (Ok(packet), Some((_, inbound))) => inbound.push(packet, &mut self.chance),
                    (Ok(packet), None) => self.hear(&packet),
                    (Err(error), _) => self.lose_line(&error),
                },
                () = sleep_until(wake) => {}
                // The sender lives as long as the rehearsal.
                _ = self.signals.changed() => {}
            }
        }
        self.leave().await
    }

    async fn leave(mut self) -> Lived {
        let offline = self.state(Presence::Offline);
        let told = self.publish(Channel::State, offline, QoS::AtLeastOnce);
        if let Some(link) = self.link.take() {
            self.stage.counters.connected.fetch_sub(1, Ordering::Relaxed);
            if told.is_ok() {
                link.goodbye().await;
            }
        }
        self.kept.extend(self.out.into_iter().map(|out| out.entry));
        let line = ledger::Line { precinct: self.part.cast.precinct, entries: self.kept, late: 0 };
        Lived { line, device: self.part.cast.device, unexpected: self.unexpected }
    }

    /// Storms, and lines of villages that break by themselves.
    fn weather(&mut self, signals: &Signals) {
        if signals.storms > self.storms {
            self.storms = signals.storms;
            let storm = self.stage.scenario.storm.get(self.storms - 1);
            let befalls = Chance::of(self.stage.day().seed(), "storm", &self.part.cast.device).fraction();
            if storm.is_some_and(|storm| befalls < storm.share) && self.link.is_some() {
                self.lose_line(&LinkError::Silent);
            }
        }
        if self.cut_at.is_some_and(|at| at <= Instant::now()) {
            self.cut_at = None;
            self.lose_line(&LinkError::Silent);
        }
    }

    /// Makes the reports whose intended moment has come.
    fn make_due(&mut self, begin: Option<Instant>, now: Instant) {
        let Some(begin) = begin else { return };
        while let Some(turn) =
            self.part.turns.get(self.next).copied().filter(|turn| begin + turn.offset <= now)
        {
            self.next += 1;
            let intended = begin + turn.offset;
            let Some((entry, envelope)) = self.make(&turn) else { continue };
            self.stage.intended(intended);
            let at = if turn.late { self.out.len() } else { self.overtakes() };
            // What waited for this one goes right after it.
            let overtaken = self.out.iter_mut().filter(|out| out.due.is_none());
            overtaken.for_each(|out| out.due = Some(now));
            let due = (!turn.late).then_some(now);
            let (copies, cuts) = (turn.copies, turn.cuts);
            self.out.insert(at, Out { entry, envelope, intended, due, number: 0, copies, cuts });
        }
    }

    /// Where a report stands that goes before those which waited for it.
    fn overtakes(&self) -> usize {
        self.out.iter().position(|out| out.due.is_none()).unwrap_or(self.out.len())
    }

    fn make(&mut self, turn: &Turn) -> Option<(Entry, Vec<u8>)> {
        let seq = self.next as u64;
        let utterance = Utterance {
            seq,
            at: turn.at + self.part.skew,
            chained: true,
            content: turn.content,
            flaw: None,
            copies: turn.copies,
            expect: Expect::ACCEPTED,
        };
        let day = self.stage.day();
        let body = day.body(&self.script, &utterance)?;
        let said = Said::of(&body, day.definition());
        let topic = self.topic(Channel::Report);
        let report = Report {
            election: topic.election.clone(),
            precinct: topic.precinct,
            device: topic.device.clone(),
            seq,
            prev: self.prev,
            at: utterance.at,
            body,
        };
        let envelope = sign(&topic, self.part.cast.device.as_str(), &encode_report(&report), &self.key);
        self.prev = digest(&envelope);
        Some((Entry::new(seq, self.prev, utterance.at, said), envelope))
    }

    fn topic(&self, channel: Channel) -> Topic {
        Topic {
            election: self.stage.day().definition().about().id.clone(),
            precinct: self.part.cast.precinct,
            device: self.part.cast.device.clone(),
            channel,
        }
    }

    async fn connect(&mut self) {
        let stage = Arc::clone(&self.stage);
        self.seat = stage.seats.take().await;
        let Ok(_handshake) = stage.handshakes.acquire().await else { return };
        self.boots = (self.boots + 1).max(stage.now().millis() / 1_000);
        let hello = Hello {
            client: self.part.cast.device.as_str(),
            will_topic: self.topic(Channel::State).to_string(),
            will: self.state(Presence::Offline),
            listen: [Channel::Receipt, Channel::Command]
                .map(|channel| self.topic(channel).to_string())
                .to_vec(),
        };
        let link = match stage.credentials(&self.part.cast.device) {
            Ok(tls) => Link::connect(stage.address, tls, hello).await,
            Err(error) => Err(error.into()),
        };
        stage.counters.attempts.fetch_add(1, Ordering::Relaxed);
        match link {
            Ok(link) => self.connected(link),
            Err(error) => {
                stage.note_refusal(&self.part.cast.device, &error);
                self.lose_line(&error);
            }
        }
    }

    fn connected(&mut self, link: Link) {
        let now = Instant::now();
        self.link = Some(link);
        self.stage.counters.connected.fetch_add(1, Ordering::Relaxed);
        self.attempts = 0;
        for out in &mut self.out {
            (out.due, out.number) = (out.due.map(|_| now), 0);
        }
        let every = self.stage.scenario.heartbeat.map(|every| every.0);
        // The first comes at its own moment, so that ten thousand do not come together.
        self.beat_at = every.map(|every| now + every.mul_f64(self.chance.fraction()));
        let cuts =
            self.stage.scenario.modem.filter(|_| self.part.modem).map_or(0.0, |modem| modem.cuts_a_minute);
        if cuts > 0.0 {
            self.cut_at = Some(now + Duration::from_secs_f64(60.0 / cuts * self.chance.between(0.2, 1.8)));
        }
        let online = self.state(Presence::Online);
        if let Err(error) = self.publish(Channel::State, online, QoS::AtLeastOnce) {
            self.lose_line(&error);
        }
    }

    /// The line is gone; the next attempt follows after 1 s, doubling to 60 s.
    fn lose_line(&mut self, error: &LinkError) {
        tracing::debug!(device = %self.part.cast.device, %error, "a device lost its line");
        if self.link.take().is_some() {
            self.stage.counters.connected.fetch_sub(1, Ordering::Relaxed);
        }
        self.seat = None;
        if let Some((outbound, inbound)) = &mut self.modem {
            outbound.clear();
            inbound.clear();
        }
        let wait = AGAIN.1.min(AGAIN.0 * (1 << self.attempts.min(6)));
        self.attempts += 1;
        self.connect_at = Instant::now() + wait.mul_f64(self.chance.between(0.8, 1.2));
    }

    /// Sends and hears what is due.
    fn speak(&mut self, now: Instant) -> Result<(), LinkError> {
        if self.link.is_none() {
            return Ok(());
        }
        if self.beat_at.is_some_and(|at| at <= now) {
            self.beat(now)?;
        }
        let mut cut = false;
        for at in 0..self.out.len() {
            let acknowledged = self.acknowledged();
            let out = &mut self.out[at];
            if out.number > acknowledged || out.due.is_none_or(|due| due > now) {
                continue;
            }
            let copies = if out.entry.sent == 0 { u32::from(out.copies) } else { 1 };
            let doublings = out.entry.sent.min(6);
            cut |= out.cuts && out.entry.sent == 0;
            out.entry.sent += copies;
            let wait = AGAIN.1.min(AGAIN.0 * (1 << doublings));
            out.due = Some(now + wait.mul_f64(self.chance.between(0.8, 1.2)));
            let envelope = out.envelope.clone();
            for _ in 0..copies {
                self.report(envelope.clone())?;
            }
            if let (Some(link), None) = (&self.link, &self.modem) {
                self.out[at].number = link.progress().0;
            }
        }
        self.through_modem(now)?;
        if cut {
            self.lose_line(&LinkError::Silent);
        }
        Ok(())
    }

    /// How many messages of this connection are acknowledged. One that is not stands in a queue somewhere: a copy behind
    /// it would only make that longer.
    fn acknowledged(&self) -> u64 {
        self.link.as_ref().map_or(0, |link| link.progress().1)
    }

    fn report(&mut self, envelope: Vec<u8>) -> Result<(), LinkError> {
        self.stage.counters.messages.fetch_add(1, Ordering::Relaxed);
        match &mut self.modem {
            Some((outbound, _)) => outbound.push(envelope, &mut self.chance),
            None => self.publish(Channel::Report, envelope, QoS::AtLeastOnce)?,
        }
        Ok(())
    }

    /// Lets through what a slow line has held back long enough.
    fn through_modem(&mut self, now: Instant) -> Result<(), LinkError> {
        while let Some(envelope) = self.modem.as_mut().and_then(|(outbound, _)| outbound.pop(now)) {
            self.publish(Channel::Report, envelope, QoS::AtLeastOnce)?;
        }
        while let Some(packet) = self.modem.as_mut().and_then(|(_, inbound)| inbound.pop(now)) {
            self.hear(&packet);
        }
        Ok(())
    }

    fn clock(&self) -> Timestamp {
        self.stage.now() + self.part.skew
    }

    fn beat(&mut self, now: Instant) -> Result<(), LinkError> {
        self.beat_at = self.stage.scenario.heartbeat.map(|every| now + every.0);
        let at = self.clock();
        self.beats = (self.beats + 1).max(at.millis() / 1_000);
        let heartbeat = Heartbeat {
            election: self.stage.day().definition().about().id.clone(),
            precinct: self.part.cast.precinct,
            device: self.part.cast.device.clone(),
            at,
            uptime: now.duration_since(self.stage.opened).as_secs(),
            counter: self.beats,
            last_seq: self.next as u64,
            battery: Some(100),
            mains: Some(true),
            signal: Some(-80),
            paper: Some(80),
            firmware: Some("rehearsal".into()),
            errors: Vec::new(),
            shown: None,
        };
        let topic = self.topic(Channel::Heartbeat);
        let payload = encode_heartbeat(&heartbeat);
        let envelope = sign(&topic, self.part.cast.device.as_str(), &payload, &self.key);
        self.publish(Channel::Heartbeat, envelope, QoS::AtMostOnce)
    }

    fn state(&self, state: Presence) -> Vec<u8> {
        let device = self.part.cast.device.clone();
        let payload = encode_state(&DeviceState { device, state, boot: self.boots, at: self.clock() });
        sign(&self.topic(Channel::State), self.part.cast.device.as_str(), &payload, &self.key)
    }

    fn publish(&mut self, channel: Channel, envelope: Vec<u8>, qos: QoS) -> Result<(), LinkError> {
        let topic = self.topic(channel).to_string();
        let retain = channel == Channel::State;
        self.link.as_mut().map_or(Ok(()), |link| link.publish(&topic, envelope, qos, retain))
    }

    fn hear(&mut self, packet: &Packet) {
        let Packet::Publish(publish) = packet else { return };
        if !publish.topic.ends_with("/receipt") {
            return;
        }
        let now = Instant::now();
        let heard = self.stage.counters.receipts.fetch_add(1, Ordering::Relaxed);
        let sampled = heard.is_multiple_of(self.stage.scenario.verify_one_in.into());
        if !sampled && let Some((at, again)) = self.plainly_accepted(&publish.payload) {
            if again {
                self.stage.counters.duplicates.fetch_add(1, Ordering::Relaxed);
            }
            self.settle(at, Verdict::Accepted, now);
            return;
        }
        match verify_receipt(&publish.topic, &publish.payload, &self.stage.centre_keys) {
            Ok(receipt) => self.receive(receipt.receipt(), now),
            Err(refusal) => {
                self.unexpected.push(format!(
                    "{}: a receipt that the centre did not sign: {refusal:?}",
                    self.part.cast.device
                ));
            }
        }
    }

    /// The report that a receipt accepts, by its digest and without a look at the signature, and whether it is the receipt
    /// of a repetition.
    fn plainly_accepted(&self, payload: &[u8]) -> Option<(usize, bool)> {
        let find = |what: &[u8]| payload.windows(what.len()).position(|part| part == what);
        let digest = payload.get(find(DIGEST)? + DIGEST.len()..)?.get(..32)?;
        let at = self.out.iter().position(|out| out.entry.digest.0 == digest)?;
        ACCEPTED.iter().position(|how| find(how).is_some()).map(|how| (at, how == 1))
    }

    fn receive(&mut self, receipt: &Receipt, now: Instant) {
        let counters = &self.stage.counters;
        let verdict = match receipt.verdict {
            Verdict::Duplicate => {
                counters.duplicates.fetch_add(1, Ordering::Relaxed);
                receipt.was.unwrap_or(Verdict::Accepted)
            }
            verdict => verdict,
        };
        let at = self.out.iter().position(|out| out.entry.digest == receipt.digest);
        match (at, verdict) {
            (_, Verdict::Held) => {
                counters.held.fetch_add(1, Ordering::Relaxed);
            }
            (Some(at), verdict) if receipt.offset.is_some() => self.settle(at, verdict, now),
            // Of a repetition that was on its way, or of a life before this one.
            (None, Verdict::Accepted) => {}
            _ => {
                let (seq, code) = (receipt.seq, receipt.code);
                self.unexpected.push(format!(
                    "{} {seq}: {} {code:?}",
                    self.part.cast.device,
                    verdict.as_str()
                ));
            }
        }
    }

    /// A report has its final receipt.
    fn settle(&mut self, at: usize, verdict: Verdict, now: Instant) {
        let Out { mut entry, intended, .. } = self.out.remove(at);
        self.stage.receipted(intended, now);
        entry.verdict = Some(verdict);
        if verdict != Verdict::Accepted {
            let (device, seq) = (&self.part.cast.device, entry.seq);
            self.unexpected.push(format!("{device} {seq}: {}", verdict.as_str()));
        }
        // Totals follow from the last count alone.
        let replaces = matches!(entry.said, Said::Turnout(_));
        if replaces {
            let newer = |kept: &Entry| matches!(kept.said, Said::Turnout(_)) && kept.seq > entry.seq;
            if self.kept.iter().any(newer) {
                return;
            }
            self.kept.retain(|kept| !matches!(kept.said, Said::Turnout(_)));
        }
        self.kept.push(entry);
    }

    /// When there is something to do next, if nothing is heard before.
    fn wake(&self, begin: Option<Instant>, now: Instant) -> Instant {
        let mut wake = now + LONGEST_SLEEP;
        if let (Some(begin), Some(turn)) = (begin, self.part.turns.get(self.next)) {
            wake = wake.min(begin + turn.offset);
        }
        if self.link.is_none() {
            return wake.min(self.connect_at);
        }
        let modem = self.modem.as_ref();
        let slow = modem
            .and_then(|(outbound, inbound)| [outbound.next(), inbound.next()].into_iter().flatten().min());
        let acknowledged = self.acknowledged();
        let due = self.out.iter().filter(|out| out.number <= acknowledged).filter_map(|out| out.due).min();
        [due, self.beat_at, slow, self.cut_at].into_iter().flatten().fold(wake, Instant::min)
    }
}

/// The next packet of a line; never, where there is none.
async fn next_packet(link: &mut Option<Link>) -> Result<Packet, LinkError> {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}
