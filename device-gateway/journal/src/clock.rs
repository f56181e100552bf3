//! What time it is where reports arrive.

use std::time::{SystemTime, UNIX_EPOCH};

use election::Timestamp;

/// A clock that arrivals are recorded by. A simulation has its own.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_clock_is_past_the_year_2024() {
        assert!(SystemClock.now() > Timestamp::from_millis(1_704_067_200_000));
    }
}
