//! Chance that can be repeated: a stream of numbers follows from a seed and from what it is for, never from
//! the order in which streams are asked. SplitMix64 (Steele, Lea and Flood, 2014) over an FNV-1a key: both
//! are fixed by their papers, so a seed gives the same election in every release.

use std::fmt::{self, Write};

/// A stream of numbers for one purpose and one subject.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The stream of a `purpose` (such as `votes`) and a `subject` (such as a device's id).
    pub fn of(seed: u64, purpose: &str, subject: impl fmt::Display) -> Self {
        let mut key = Key(0xcbf2_9ce4_8422_2325 ^ mix(seed));
        // Writing into a key cannot fail.
        let _ = write!(key, "{purpose}\0{subject}");
        Self(mix(key.0))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(n);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A fraction from 0 to below 1.
    pub fn fraction(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A value from `low` to below `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + self.fraction() * (high - low)
    }

    /// A value of the standard normal distribution (Box and Muller).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.fraction()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.fraction()).cos()
    }
}

/// FNV-1a over what is written into it.
struct Key(u64);

impl Write for Key {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_depends_on_seed_purpose_and_subject_alone() {
        let first = |seed, purpose, subject| Chance::of(seed, purpose, subject).number();
        assert_eq!(first(1, "votes", "urn-1"), first(1, "votes", "urn-1"));
        assert_ne!(first(1, "votes", "urn-1"), first(2, "votes", "urn-1"));
        assert_ne!(first(1, "votes", "urn-1"), first(1, "delay", "urn-1"));
        assert_ne!(first(1, "votes", "urn-1"), first(1, "votes", "urn-2"));
    }

    #[test]
    fn numbers_fill_their_range_evenly() {
        let mut chance = Chance::of(7, "test", "");
        let mut seen = [0; 10];
        (0..10_000).for_each(|_| seen[usize::try_from(chance.below(10)).unwrap()] += 1);
        assert!(seen.iter().all(|n| (850..1_150).contains(n)), "{seen:?}");
        assert_eq!(chance.below(0), 0);
        let mean = (0..10_000).map(|_| chance.normal()).sum::<f64>() / 10_000.0;
        assert!(mean.abs() < 0.05, "{mean}");
    }
}
