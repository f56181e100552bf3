//! A device as its maker would write it: an outbox, a line that breaks, and patience.

use std::time::Duration;

use device_wire::{
    CentreKeys, Channel,
    device::{Identity, Outbox, Outcome},
    verify_receipt,
};
use election::{Timestamp, report::Body};
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, Packet, QoS};
use tokio::time::{Instant, sleep_until};

/// A wait before the next attempt to connect: from `first`, doubling to `longest`, within a fifth.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// After the first attempt that failed.
    pub first: Duration,
    /// However many failed.
    pub longest: Duration,
}

impl Patience {
    /// As PROTOCOL §2 has it for reports.
    pub const USUAL: Self = Self { first: Duration::from_secs(1), longest: Duration::from_secs(60) };

    /// The shortest wait after so many failures (from 1).
    pub fn at_least(&self, failures: u32) -> Duration {
        self.longest.min(self.first * (1 << (failures.clamp(1, 16) - 1))).mul_f64(0.8)
    }
}

/// A device before its night.
pub struct Honest {
    outbox: Outbox,
    options: MqttOptions,
    centre: CentreKeys,
    patience: Patience,
    random: u32,
}

/// What became of it.
#[derive(Debug)]
pub struct Lived {
    /// Reports that the centre has, by its own word.
    pub receipted: usize,
    /// What is still without a final receipt.
    pub pending: usize,
    /// How often it connected.
    pub sessions: u32,
}

impl Honest {
    /// A device with this identity that connects so. Its client id is its own.
    pub fn new(identity: Identity, options: MqttOptions, centre: CentreKeys, patience: Patience) -> Self {
        // Any number will do, if no two devices have the same.
        let random =
            identity.device.as_str().bytes().fold(17_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
        Self { outbox: Outbox::in_memory(identity), options, centre, patience, random }
    }

    /// Says each of these once its time has come, and goes on until the centre has all of it, or `until`.
    pub async fn live(mut self, mut to_say: Vec<(Duration, Body)>, until: Duration) -> Lived {
        let began = Instant::now();
        let all = to_say.len();
        to_say.reverse();
        let (mut sessions, mut failures) = (0, 0);
        while began.elapsed() < until && (self.outbox.pending() > 0 || !to_say.is_empty()) {
            let session = self.session(began, &mut to_say);
            let held = tokio::time::timeout_at(began + until, session).await.unwrap_or(false);
            sessions += u32::from(held);
            failures = if held { 1 } else { failures + 1 };
            let wait =
                self.patience.at_least(failures).mul_f64(1.0 + f64::from(self.chance() % 500) / 1_000.0);
            let over = self.outbox.pending() == 0 && to_say.is_empty();
            if !over {
                tokio::time::sleep(wait).await;
            }
        }
        let pending = self.outbox.pending() + to_say.len();
        Lived { receipted: all - pending, pending, sessions }
    }

    fn chance(&mut self) -> u32 {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.random >> 8
    }

    /// One connection, until it breaks or everything is said and receipted; whether it came about.
    async fn session(&mut self, began: Instant, to_say: &mut Vec<(Duration, Body)>) -> bool {
        let now = Timestamp::from_millis(millis_since_1970());
        let (online, offline) = self.outbox.connect(now).unwrap_or_else(|error| panic!("outbox: {error}"));
        let topic = |channel| self.outbox.identity().topic(channel).to_string();
        let (state, report, receipt) =
            (topic(Channel::State), topic(Channel::Report), topic(Channel::Receipt));
        let mut options = self.options.clone();
        options.set_last_will(LastWill::new(&state, offline, QoS::AtLeastOnce, true));
        let (client, mut line) = AsyncClient::new(options, 256);
        if !subscribed(&client, &mut line, &receipt).await {
            return false;
        }
        // Whatever finds no place in the client's queue is repeated.
        let _ = client.try_publish(&state, QoS::AtLeastOnce, true, online);
        self.outbox.reconnected();
        loop {
            self.make_what_is_due(began, to_say);
            let mut random = self.random;
            let due = self.outbox.due(began.elapsed(), &mut || {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                random >> 8
            });
            self.random = random;
            for envelope in due {
                let _ = client.try_publish(&report, QoS::AtLeastOnce, false, envelope.to_vec());
            }
            if self.outbox.pending() == 0 && to_say.is_empty() {
                // The line ends without a word where the goodbye does not get out.
                let _ = client.try_disconnect();
                let _ = tokio::time::timeout(Duration::from_secs(1), async {
                    while line.poll().await.is_ok() {}
                })
                .await;
                return true;
            }
            let next = self.outbox.next_due().into_iter().chain(to_say.last().map(|(at, _)| *at)).min();
            let wake = began + next.unwrap_or(Duration::from_secs(3_600));
            tokio::select! {
                event = line.poll() => match event {
                    Ok(Event::Incoming(Packet::Publish(message))) => self.hear(&message.topic, &message.payload, began),
                    Ok(_) => {}
                    Err(_) => return true,
                },
                () = sleep_until(wake) => {}
            }
        }
    }

    fn make_what_is_due(&mut self, began: Instant, to_say: &mut Vec<(Duration, Body)>) {
        while to_say.last().is_some_and(|(at, _)| *at <= began.elapsed()) {
            let Some((_, body)) = to_say.pop() else { return };
            let made = self.outbox.make(body, Timestamp::from_millis(millis_since_1970()));
            made.unwrap_or_else(|error| panic!("outbox: {error}"));
        }
    }

    fn hear(&mut self, topic: &str, payload: &[u8], began: Instant) {
        let Ok(receipt) = verify_receipt(topic, payload, &self.centre) else { return };
        let outcome = self.outbox.on_receipt(&receipt, began.elapsed());
        match outcome.unwrap_or_else(|error| panic!("outbox: {error}")) {
            Outcome::Done { .. } | Outcome::Held { .. } | Outcome::Unknown => {}
            other => panic!("{topic}: {other:?}"),
        }
    }
}

async fn subscribed(client: &AsyncClient, line: &mut EventLoop, receipt: &str) -> bool {
    if client.subscribe(receipt, QoS::AtLeastOnce).await.is_err() {
        return false;
    }
    loop {
        match line.poll().await {
            Ok(Event::Incoming(Packet::SubAck(_))) => return true,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}

fn millis_since_1970() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
