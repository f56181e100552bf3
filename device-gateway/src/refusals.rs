//! What was refused: counted by code, with a bounded sample for the security log.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use election::{Code, Timestamp};

/// How many samples are kept.
const KEPT: usize = 256;
/// How much of a topic is kept, in characters.
const TOPIC: usize = 128;

/// A refused message, in brief.
#[derive(Debug, Clone)]
pub struct Sample {
    /// When it arrived.
    pub at: Timestamp,
    /// Why it was refused.
    pub code: Code,
    /// In words.
    pub why: String,
    /// The start of its topic.
    pub topic: String,
    /// Its size in bytes.
    pub size: usize,
}

/// The latest refusals.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<VecDeque<Sample>>);

impl Refusals {
    /// Keeps a sample; the oldest makes room.
    pub fn keep(&self, at: Timestamp, code: Code, why: &str, topic: &str, size: usize) {
        let topic = topic.chars().take(TOPIC).collect();
        let why = why.chars().take(TOPIC).collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(Sample { at, code, why, topic, size });
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> Vec<Sample> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_256_samples_are_kept_and_none_is_large() {
        let refusals = Refusals::default();
        for at in 0..1_000 {
            refusals.keep(Timestamp::from_millis(at), Code::E01, "x", &"t".repeat(100_000), 9);
        }
        let samples = refusals.samples();
        assert_eq!((samples.len(), samples[0].at.millis(), samples[0].topic.len()), (256, 744, 128));
    }
}
