//! The security log: what was refused is counted by code, and a bounded sample of it kept and written to the log
//! at a bounded rate.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use broker::limits::{Rate, TokenBucket};
use election::Timestamp;

/// How many samples are kept.
const KEPT: usize = 256;
/// How much of a text from outside is kept, in characters.
const TEXT: usize = 128;
/// Lines in the log.
const LINES: Rate = Rate { per_second: 5.0, burst: 50.0 };

/// A refused message, in brief.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When it arrived.
    pub at: Timestamp,
    /// What was refused: a code (`E03`), `rate`, or what the link calls it (`link_topic`).
    pub what: String,
    /// In words.
    pub why: String,
    /// The start of its topic, or the name of the client.
    pub of: String,
    /// Its size in bytes; 0 where it is not known.
    pub size: usize,
}

/// The latest refusals.
#[derive(Debug)]
pub struct Refusals(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    samples: VecDeque<Sample>,
    lines: TokenBucket,
    unlogged: u64,
}

impl Default for Refusals {
    fn default() -> Self {
        let lines = TokenBucket::new(LINES, Instant::now());
        Self(Mutex::new(Kept { samples: VecDeque::with_capacity(KEPT), lines, unlogged: 0 }))
    }
}

impl Refusals {
    /// Keeps a sample, for which the oldest makes room, and logs it unless too much was logged just now.
    pub fn keep(&self, at: Timestamp, what: &str, why: &str, of: &str, size: usize) {
        let clip = |text: &str| text.chars().take(TEXT).collect::<String>();
        let sample = Sample { at, what: clip(what), why: clip(why), of: clip(of), size };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.lines.try_take(Instant::now()) {
            let (Sample { what, why, of, .. }, unlogged) = (&sample, kept.unlogged);
            tracing::warn!(target: "security", what, why, ?of, size, unlogged, "refused");
            kept.unlogged = 0;
        } else {
            kept.unlogged += 1;
        }
        if kept.samples.len() == KEPT {
            kept.samples.pop_front();
        }
        kept.samples.push_back(sample);
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).samples.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_256_samples_are_kept_and_none_is_large() {
        let refusals = Refusals::default();
        for at in 0..1_000 {
            refusals.keep(Timestamp::from_millis(at), "E01", "x", &"t".repeat(100_000), 9);
        }
        let samples = refusals.samples();
        assert_eq!((samples.len(), samples[0].at.millis(), samples[0].of.len()), (256, 744, 128));
        let unlogged = refusals.0.lock().unwrap().unlogged;
        assert!((940..=950).contains(&unlogged), "{unlogged}");
    }
}
