//! What one verification of a report's signature costs on this machine: the measure of what a service spends on a report.

use std::time::Instant;

use device_wire::{Channel, SignedEnvelope, SigningKey, Topic, VerifyingKey, sign};

/// Verifications of a measurement at rest.
const AT_REST: u32 = 2_000;
/// Verifications of a look: their median says nothing of the moments in which another thread had the processor.
const OF_A_LOOK: usize = 15;

/// A report that is verified over and over.
pub(super) struct Probe {
    topic: String,
    envelope: Vec<u8>,
    key: VerifyingKey,
}

impl Probe {
    /// A probe; `None` where its parts cannot be formed, which they can.
    pub(super) fn new() -> Option<Self> {
        let key = SigningKey::from_bytes(&[5; 32]);
        let (election, precinct, device) = ("probe".parse().ok()?, "1".parse().ok()?, "probe".parse().ok()?);
        let topic = Topic { election, precinct, device, channel: Channel::Report };
        let envelope = sign(&topic, "probe", &[0x41; 160], &key);
        Some(Self { topic: topic.to_string(), envelope, key: key.verifying_key() })
    }

    fn once(&self) -> bool {
        SignedEnvelope::open(&self.topic, &self.envelope).is_ok_and(|signed| signed.is_signed_by(&self.key))
    }

    /// With the machine at rest, µs on average.
    pub(super) fn at_rest(&self) -> f64 {
        let began = Instant::now();
        let sound = (0..AT_REST).filter(|_| self.once()).count();
        let us = began.elapsed().as_secs_f64() * 1e6 / f64::from(AT_REST);
        if sound > 0 { us } else { f64::NAN }
    }

    /// While the load goes on, µs, the median of a few.
    pub(super) fn now(&self) -> Option<f64> {
        let one = || {
            let began = Instant::now();
            self.once().then(|| began.elapsed().as_secs_f64() * 1e6)
        };
        median((0..OF_A_LOOK).map_while(|_| one()))
    }
}

/// The middle one; `None` of nothing.
pub(super) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verification_costs_something() {
        let probe = Probe::new().unwrap();
        for us in [probe.at_rest(), probe.now().unwrap()] {
            assert!(us > 1.0 && us < 100_000.0, "{us}");
        }
    }

    #[test]
    fn the_median_is_the_middle_one() {
        assert_eq!(median([3.0, 900.0, 1.0].into_iter()), Some(3.0));
        assert_eq!(median(std::iter::empty()), None);
    }
}
