//! How much is taken in, of a device and in all, before anything is verified: a flood costs a look at its topic.
//! What counts waits rather than being lost; what is over its own device's bound is dropped, and its device
//! repeats it for want of a receipt.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{
    Message, Peer,
    limits::{Lately, Rate, TokenBucket},
};

use crate::keys::Keys;

/// Rates of messages.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Reports of one device. A device has some thirty a day to say; all at once after an outage.
    pub reports: Rate,
    /// Bytes of one device's reports. The largest final report has some 50 kB.
    pub report_bytes: Flow,
    /// Heartbeats and states of one device.
    pub signs: Rate,
    /// Messages of all devices together.
    pub all: Rate,
    /// Bytes of all reports together: what a disk takes.
    pub all_bytes: Flow,
}

/// How many bytes may come, on average and at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    /// Bytes a second.
    pub per_second: f64,
    /// Bytes at once after a silence; no less than one message may have.
    pub burst: f64,
}

const KIB: f64 = 1024.0;

impl Default for Bounds {
    fn default() -> Self {
        Self {
            reports: Rate { per_second: 100.0, burst: 400.0 },
            report_bytes: Flow { per_second: 128.0 * KIB, burst: 2_048.0 * KIB },
            signs: Rate { per_second: 5.0, burst: 60.0 },
            all: Rate { per_second: 50_000.0, burst: 100_000.0 },
            all_bytes: Flow { per_second: 65_536.0 * KIB, burst: 65_536.0 * KIB },
        }
    }
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It goes on.
    Now,
    /// It goes on after a wait, and all behind it with it.
    After(Duration),
    /// It is dropped.
    Never,
}

/// The buckets of the registered devices that were heard lately, and one for all others.
pub(crate) struct Gate {
    bounds: Bounds,
    keys: Arc<Keys>,
    all: TokenBucket,
    all_bytes: Basin,
    devices: Lately<Buckets>,
}

struct Buckets {
    reports: TokenBucket,
    report_bytes: Basin,
    signs: TokenBucket,
}

impl Buckets {
    fn new(bounds: &Bounds, now: Instant) -> Self {
        Self {
            reports: TokenBucket::new(bounds.reports, now),
            report_bytes: Basin::new(bounds.report_bytes, now),
            signs: TokenBucket::new(bounds.signs, now),
        }
    }

    /// Whether they are as new ones would be.
    fn as_new(&self, now: Instant) -> bool {
        self.reports.is_full(now) && self.signs.is_full(now) && self.report_bytes.has_run_off(now)
    }
}

/// Bytes that came and have not run off yet.
struct Basin {
    flow: Flow,
    level: f64,
    at: Instant,
}

impl Basin {
    fn new(flow: Flow, now: Instant) -> Self {
        Self { flow, level: 0.0, at: now }
    }

    /// Whether nothing is in it any more.
    fn has_run_off(&self, now: Instant) -> bool {
        self.level <= now.saturating_duration_since(self.at).as_secs_f64() * self.flow.per_second
    }

    /// The level once so many more bytes are in it.
    fn with(&mut self, bytes: usize, now: Instant) -> f64 {
        let gone = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = self.at.max(now);
        self.level = (self.level - gone * self.flow.per_second).max(0.0);
        self.level + bytes as f64
    }

    /// Takes bytes if there is room for them.
    fn try_take(&mut self, bytes: usize, now: Instant) -> bool {
        let level = self.with(bytes, now);
        let may = level <= self.flow.burst;
        if may {
            self.level = level;
        }
        may
    }

    /// Takes bytes; the answer is how long they have to wait.
    fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        self.level = self.with(bytes, now);
        Duration::from_secs_f64((self.level - self.flow.burst).max(0.0) / self.flow.per_second)
    }
}

/// The bucket of those who are nobody.
const NOBODY: &str = "";

impl Gate {
    pub(crate) fn new(bounds: Bounds, keys: Arc<Keys>, now: Instant) -> Self {
        let (all, all_bytes) = (TokenBucket::new(bounds.all, now), Basin::new(bounds.all_bytes, now));
        Self { bounds, keys, all, all_bytes, devices: Lately::default() }
    }

    /// Whether a message goes on.
    pub(crate) fn admit(&mut self, message: &Message, now: Instant) -> Passage {
        let mut parts = message.topic.split('/').skip(4);
        let named = parts.next().unwrap_or_default();
        let is_report = parts.next() == Some("report");
        let device = match &message.peer {
            Peer::Certified(name) | Peer::Claimed(name) if self.keys.status(name).is_some() => name.as_str(),
            // An operator's tool on this machine; the link has bounds for it.
            Peer::Certified(_) | Peer::Claimed(_) => return self.in_all(is_report, message, now),
            // Behind a broker, whose access list confines each device to its own topics.
            Peer::Unknown if self.keys.status(named).is_some() => named,
            Peer::Unknown => NOBODY,
        };
        let new = || Buckets::new(&self.bounds, now);
        let bytes = message.payload.len();
        let own = self.devices.take(
            device,
            new,
            |own| own.as_new(now),
            |own| match is_report {
                true => own.reports.try_take(now) && own.report_bytes.try_take(bytes, now),
                false => own.signs.try_take(now),
            },
        );
        if own { self.in_all(is_report, message, now) } else { Passage::Never }
    }

    fn in_all(&mut self, is_report: bool, message: &Message, now: Instant) -> Passage {
        if is_report {
            let bytes = message.payload.len();
            let wait = self.all.take(bytes, now).max(self.all_bytes.take(bytes, now));
            return if wait.is_zero() { Passage::Now } else { Passage::After(wait) };
        }
        if self.all.try_take(now) { Passage::Now } else { Passage::Never }
    }
}

#[cfg(test)]
mod tests {
    use broker::Ack;

    use super::*;

    fn gate(all: f64, now: Instant) -> Gate {
        let rate = |burst| Rate { per_second: 1.0, burst };
        let flow = |burst| Flow { per_second: 100.0, burst };
        let bounds = Bounds {
            reports: rate(3.0),
            report_bytes: flow(1_000.0),
            signs: rate(2.0),
            all: rate(all),
            all_bytes: flow(1_500.0),
        };
        Gate::new(bounds, Arc::new(Keys::with(&["t-1", "t-2"])), now)
    }

    fn message(peer: Peer, device: &str, channel: &str) -> Message {
        let topic = format!("sanak/1/e/7/{device}/{channel}");
        Message { topic, payload: Default::default(), retained: false, peer, ack: Ack::none() }
    }

    fn passed(gate: &mut Gate, message: &Message, times: usize, now: Instant) -> usize {
        (0..times).filter(|_| gate.admit(message, now) == Passage::Now).count()
    }

    #[test]
    fn a_device_over_its_bound_is_dropped_and_takes_nothing_from_another() {
        let now = Instant::now();
        let mut gate = gate(1_000.0, now);
        let flood = message(Peer::Certified("t-1".into()), "t-2", "report");
        assert_eq!(passed(&mut gate, &flood, 500, now), 3);
        assert_eq!(gate.admit(&flood, now), Passage::Never);
        let heartbeat = message(Peer::Certified("t-1".into()), "t-1", "heartbeat");
        assert_eq!(passed(&mut gate, &heartbeat, 500, now), 2, "signs have a bound of their own");
        let other = message(Peer::Claimed("t-2".into()), "t-2", "report");
        assert_eq!(passed(&mut gate, &other, 3, now), 3);
        assert_eq!(passed(&mut gate, &flood, 9, now + Duration::from_secs(2)), 2);
    }

    #[test]
    fn behind_a_broker_the_topic_names_the_device_and_strangers_share_one_bucket() {
        let now = Instant::now();
        let mut gate = gate(1_000.0, now);
        for n in 0..100 {
            gate.admit(&message(Peer::Unknown, &format!("nobody-{n}"), "report"), now);
        }
        assert_eq!(gate.devices.len(), 1, "names that are nobody's take no memory");
        assert_eq!(passed(&mut gate, &message(Peer::Unknown, "t-1", "report"), 9, now), 3);
        assert_eq!(gate.admit(&message(Peer::Unknown, "x", "report"), now), Passage::Never);
    }

    #[test]
    fn of_a_country_that_was_heard_once_nothing_is_kept_when_its_buckets_are_full_again() {
        let names: Vec<String> = (0..9_000).map(|n| format!("u-{n}")).collect();
        let (now, mut gate) = (Instant::now(), gate(1e9, Instant::now()));
        gate.keys = Arc::new(Keys::with(&names.iter().map(String::as_str).collect::<Vec<_>>()));
        let report = |name: &str| message(Peer::Certified(name.into()), name, "report");
        for (n, name) in names.iter().enumerate() {
            let at = now + Duration::from_millis(n as u64 * 5);
            assert_eq!(gate.admit(&report(name), at), Passage::Now);
            assert!(gate.devices.len() <= 2_048, "{}", gate.devices.len());
        }
        let end = now + Duration::from_millis(9_000 * 5);
        assert_eq!(
            passed(&mut gate, &report("u-8999"), 9, end),
            2,
            "who was heard just now has what is left"
        );
        assert_eq!(passed(&mut gate, &report("u-0"), 9, end), 3);
    }

    #[test]
    fn over_the_bound_of_all_reports_wait_and_signs_are_dropped() {
        let now = Instant::now();
        let mut gate = gate(2.0, now);
        let report = message(Peer::Claimed("tool".into()), "t-1", "report");
        assert_eq!(passed(&mut gate, &report, 2, now), 2);
        assert_eq!(gate.admit(&report, now), Passage::After(Duration::from_secs(1)));
        let state = message(Peer::Claimed("tool".into()), "t-1", "state");
        assert_eq!(gate.admit(&state, now), Passage::Never);
    }

    #[test]
    fn bytes_are_weighed_of_a_device_and_in_all() {
        let now = Instant::now();
        let mut gate = gate(1_000.0, now);
        let of = |device: &str, bytes: usize| Message {
            payload: vec![0; bytes].into(),
            ..message(Peer::Certified(device.into()), device, "report")
        };
        assert_eq!(gate.admit(&of("t-1", 900), now), Passage::Now);
        assert_eq!(gate.admit(&of("t-1", 101), now), Passage::Never, "more than its own share");
        assert_eq!(gate.admit(&of("t-1", 100), now), Passage::Now);
        assert_eq!(gate.admit(&of("t-2", 700), now), Passage::After(Duration::from_secs(2)));
        let later = now + Duration::from_secs(9);
        assert_eq!(gate.admit(&of("t-1", 700), later), Passage::Now, "it has run off");
    }
}
