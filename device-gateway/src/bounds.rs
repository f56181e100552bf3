//! How much is taken in, of a device and in all, before anything is verified: a flood costs a look at its topic.
//! What counts waits rather than being lost; what is over its own device's bound is dropped, and its device
//! repeats it for want of a receipt.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use broker::{
    Message, Peer,
    limits::{Rate, TokenBucket},
};

use crate::keys::Keys;

/// Rates of messages.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Reports of one device. A device has some thirty a day to say; all at once after an outage.
    pub reports: Rate,
    /// Heartbeats and states of one device.
    pub signs: Rate,
    /// Messages of all devices together.
    pub all: Rate,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            reports: Rate { per_second: 100.0, burst: 400.0 },
            signs: Rate { per_second: 5.0, burst: 60.0 },
            all: Rate { per_second: 50_000.0, burst: 100_000.0 },
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

/// The buckets. Their number is that of registered devices, and one for all others.
pub(crate) struct Gate {
    bounds: Bounds,
    keys: Arc<Keys>,
    all: TokenBucket,
    devices: HashMap<String, Buckets>,
}

struct Buckets {
    reports: TokenBucket,
    signs: TokenBucket,
}

/// The bucket of those who are nobody.
const NOBODY: &str = "";

impl Gate {
    pub(crate) fn new(bounds: Bounds, keys: Arc<Keys>, now: Instant) -> Self {
        Self { bounds, keys, all: TokenBucket::new(bounds.all, now), devices: HashMap::new() }
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
        if !self.devices.contains_key(device) {
            let bounds = &self.bounds;
            let reports = TokenBucket::new(bounds.reports, now);
            let signs = TokenBucket::new(bounds.signs, now);
            self.devices.insert(device.to_owned(), Buckets { reports, signs });
        }
        let own = self.devices.get_mut(device).is_some_and(|own| match is_report {
            true => own.reports.try_take(now),
            false => own.signs.try_take(now),
        });
        if own { self.in_all(is_report, message, now) } else { Passage::Never }
    }

    fn in_all(&mut self, is_report: bool, message: &Message, now: Instant) -> Passage {
        if is_report {
            let wait = self.all.take(message.payload.len(), now);
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
        let bounds = Bounds { reports: rate(3.0), signs: rate(2.0), all: rate(all) };
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
    fn over_the_bound_of_all_reports_wait_and_signs_are_dropped() {
        let now = Instant::now();
        let mut gate = gate(2.0, now);
        let report = message(Peer::Claimed("tool".into()), "t-1", "report");
        assert_eq!(passed(&mut gate, &report, 2, now), 2);
        assert_eq!(gate.admit(&report, now), Passage::After(Duration::from_secs(1)));
        let state = message(Peer::Claimed("tool".into()), "t-1", "state");
        assert_eq!(gate.admit(&state, now), Passage::Never);
    }
}
