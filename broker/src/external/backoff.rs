//! How long to wait before the next attempt: longer each time, and never all at the same moment.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Waits that double from `first` to `most`, each spread by a quarter up or down.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// # Panics
    /// Never; a `most` below `first` counts as `first`.
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most: most.max(first), next: first }
    }

    /// The next wait.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(self.most);
        wait.mul_f64(0.75 + 0.5 * chance())
    }

    /// Begins anew, after an attempt that held.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

/// A number from 0 to 1 that differs from process to process and from call to call.
fn chance() -> f64 {
    // The standard library's seeds are random; nothing here needs better.
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_are_spread() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        for seconds in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0_f64] {
            let wait = backoff.wait().as_secs_f64();
            assert!((seconds * 0.75..=seconds * 1.25).contains(&wait), "{wait} for {seconds}");
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(1_250));
        let spread: std::collections::HashSet<u64> = (0..10).map(|_| chance().to_bits()).collect();
        assert!(spread.len() > 5);
    }
}
