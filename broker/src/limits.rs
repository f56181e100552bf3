//! Sizes, counts, rates and times of the links, in one place: untrusted input is bounded in all four.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Largest payload of one message (PROTOCOL §2), in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;

/// What a connection, and all of them together, may take. The defaults suit a country: 10,000 devices.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Sockets open at once, whatever their state. All devices, and [`Limits::unproven`] beside them.
    pub connections: usize,
    /// Sockets open at once that have not come as far as an accepted CONNECT. While they are so many, nobody is let
    /// in; the oldest makes room once it has had [`Limits::pressed`].
    pub unproven: usize,
    /// How long an unproven socket is left alone while others wait for its place.
    pub pressed: Duration,
    /// Connections of one device, on average.
    pub connect_rate: Rate,
    /// Largest CONNECT packet, in bytes. After it, a whole PUBLISH of [`MAX_PAYLOAD_BYTES`] is taken.
    pub connect_bytes: u32,
    /// Largest last will, in bytes.
    pub will_bytes: usize,
    /// Subscriptions of one device; an operator's tool may have four times as many.
    pub subscriptions: usize,
    /// Messages of one connection that wait for their acknowledgement; its socket is not read beyond.
    pub in_flight: usize,
    /// Messages to one connection that it has not acknowledged; more are dropped, and the device repeats.
    pub down_in_flight: u32,
    /// Payload bytes of all messages that wait for their acknowledgement.
    pub bytes_in_flight: usize,
    /// Messages a second of one device, on average.
    pub device_rate: Rate,
    /// Messages a second of an operator's tool, on average.
    pub operator_rate: Rate,
    /// Until the CONNECT is complete, TLS included. Silent sockets live this long.
    pub handshake: Duration,
    /// Until a packet that has begun is complete.
    pub packet: Duration,
    /// Longest keep-alive that is granted; also of those who ask for none.
    pub keep_alive: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 12_000,
            unproven: 1_500,
            pressed: Duration::from_secs(2),
            connect_rate: Rate { per_second: 0.5, burst: 20.0 },
            connect_bytes: 16 * 1024,
            will_bytes: 4 * 1024,
            subscriptions: 8,
            in_flight: 16,
            down_in_flight: 64,
            bytes_in_flight: 64 * 1024 * 1024,
            device_rate: Rate { per_second: 100.0, burst: 400.0 },
            operator_rate: Rate { per_second: 1_000.0, burst: 2_000.0 },
            handshake: Duration::from_secs(10),
            packet: Duration::from_secs(60),
            keep_alive: Duration::from_secs(600),
        }
    }
}

/// Connections that are neither devices' nor unproven: operators' tools.
const TOOLS: usize = 500;

impl Limits {
    /// The usual limits for an election with so many devices. When all of them come back at once while their old
    /// connections still stand, nobody is refused: each that is proven ends its old one.
    pub fn for_devices(devices: usize) -> Self {
        let unproven = (devices / 2).clamp(500, 1_500);
        Self { connections: devices + unproven + TOOLS, unproven, ..Self::default() }
    }
}

/// An average, and how much may come at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many a second, on average. A message of 16 KiB counts twice, one of 32 KiB three times, and so on.
    pub per_second: f64,
    /// How many at once after a silence.
    pub burst: f64,
}

/// Bytes that cost as much as one more message.
const BYTES_A_TOKEN: f64 = 16.0 * 1024.0;

/// Spreads the messages of one client in time: whoever is too fast waits, nothing is dropped.
#[derive(Debug)]
pub struct TokenBucket {
    rate: Rate,
    tokens: f64,
    filled: Instant,
}

impl TokenBucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Instant) -> Self {
        Self { rate, tokens: rate.burst, filled: now }
    }

    /// Takes one message of `bytes`; the answer is how long it has to wait before it goes on.
    pub fn take(&mut self, bytes: usize, now: Instant) -> Duration {
        self.fill(now);
        self.tokens -= 1.0 + bytes as f64 / BYTES_A_TOKEN;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / self.rate.per_second)
    }

    /// Takes one token if there is one.
    pub fn try_take(&mut self, now: Instant) -> bool {
        self.fill(now);
        let may = self.tokens >= 1.0;
        if may {
            self.tokens -= 1.0;
        }
        may
    }

    /// Whether it is as a new one would be.
    pub fn is_full(&self, now: Instant) -> bool {
        let gone = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens + gone * self.rate.per_second >= self.rate.burst
    }

    fn fill(&mut self, now: Instant) {
        let gone = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + gone * self.rate.per_second).min(self.rate.burst);
    }
}

/// What is known of those who were heard lately, by name. When they have doubled in number since the last look, those of
/// whom it is as if they had never been heard are let go.
#[derive(Debug)]
pub struct Lately<V> {
    of: HashMap<Box<str>, V>,
    look_at: usize,
}

/// Fewer than these are not looked through.
const LOOK_FROM: usize = 1_024;

impl<V> Default for Lately<V> {
    fn default() -> Self {
        Self { of: HashMap::new(), look_at: LOOK_FROM }
    }
}

impl<V> Lately<V> {
    /// Takes of what is known of a name, which is `new` where nothing is.
    pub fn take<T>(
        &mut self,
        name: &str,
        new: impl FnOnce() -> V,
        as_new: impl Fn(&V) -> bool,
        take: impl FnOnce(&mut V) -> T,
    ) -> T {
        if let Some(known) = self.of.get_mut(name) {
            return take(known);
        }
        if self.of.len() >= self.look_at {
            self.of.retain(|_, known| !as_new(known));
            self.look_at = (self.of.len() * 2).max(LOOK_FROM);
            self.of.shrink_to(self.look_at);
        }
        let mut known = new();
        let taken = take(&mut known);
        self.of.insert(name.into(), known);
        taken
    }

    /// Of how many names anything is known.
    pub fn len(&self) -> usize {
        self.of.len()
    }

    /// Whether nothing is known of anybody.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }
}

/// Lets at most one event a second through: what is refused is always counted, but told only so often.
#[derive(Debug, Default)]
pub struct Sampler(Option<Instant>);

impl Sampler {
    /// Whether an event may be told now.
    pub fn admit(&mut self, now: Instant) -> bool {
        let may = self.0.is_none_or(|last| now.saturating_duration_since(last) >= Duration::from_secs(1));
        if may {
            self.0 = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate { per_second: 10.0, burst: 3.0 }, start);
        for _ in 0..3 {
            assert_eq!(bucket.take(0, start), Duration::ZERO);
        }
        assert_eq!(bucket.take(0, start), Duration::from_millis(100));
        assert_eq!(bucket.take(0, start), Duration::from_millis(200));
        assert_eq!(bucket.take(0, start + Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn large_messages_cost_more() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate { per_second: 1.0, burst: 17.0 }, start);
        assert_eq!(bucket.take(MAX_PAYLOAD_BYTES, start), Duration::ZERO);
        assert_eq!(bucket.take(0, start), Duration::from_secs(1));
    }

    #[test]
    fn a_clock_that_stands_still_or_goes_back_gives_no_tokens() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = TokenBucket::new(Rate { per_second: 1.0, burst: 1.0 }, start);
        assert_eq!(bucket.take(0, start), Duration::ZERO);
        assert_eq!(bucket.take(0, start - Duration::from_secs(5)), Duration::from_secs(1));
    }

    #[test]
    fn who_asks_too_often_gets_no_token_and_owes_none() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(Rate { per_second: 1.0, burst: 2.0 }, start);
        assert_eq!([(); 4].map(|()| bucket.try_take(start)), [true, true, false, false]);
        assert!(bucket.try_take(start + Duration::from_secs(1)));
    }

    #[test]
    fn strangers_have_places_beside_those_of_the_devices() {
        for (devices, unproven) in [(0, 500), (2_000, 1_000), (10_000, 1_500), (50_000, 1_500)] {
            let limits = Limits::for_devices(devices);
            assert_eq!((limits.unproven, limits.connections), (unproven, devices + unproven + TOOLS));
        }
        assert_eq!(Limits::default().connections, Limits::for_devices(10_000).connections);
    }

    #[test]
    fn events_are_told_once_a_second() {
        let start = Instant::now();
        let mut sampler = Sampler::default();
        assert!(sampler.admit(start));
        assert!(!sampler.admit(start + Duration::from_millis(999)));
        assert!(sampler.admit(start + Duration::from_secs(1)));
    }
}
