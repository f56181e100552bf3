//! The accelerated clock of a demonstration: one for the service and the fleet, so that both live through
//! the same night.

use std::time::{Duration, Instant};

use actors::Tempo;
use election::Timestamp;
use journal::Clock;
use load_tests::SimClock;

/// Simulated time, which may go at another pace from some moment on.
#[derive(Debug)]
pub struct DemoClock {
    started: Instant,
    begin: Timestamp,
    pace: f64,
    /// When the second pace begins, and what it is.
    then: Option<(Timestamp, f64)>,
}

impl DemoClock {
    /// A clock that shows `begin` now and goes `speed` times as fast as real time.
    pub fn steady(begin: Timestamp, speed: f64) -> Self {
        Self { started: Instant::now(), begin, pace: speed, then: None }
    }

    /// A clock that goes `day` times as fast as real time until `change`, and `night` times from there.
    pub fn day_and_night(begin: Timestamp, day: f64, change: Timestamp, night: f64) -> Self {
        if begin >= change {
            return Self::steady(begin, night);
        }
        Self { started: Instant::now(), begin, pace: day, then: Some((change, night)) }
    }

    /// Real time until the second pace begins; `None` where there is none.
    fn until_change(&self) -> Option<(Duration, Timestamp, f64)> {
        let (change, pace) = self.then?;
        Some((change.since(self.begin).div_f64(self.pace), change, pace))
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.started.elapsed();
        match self.until_change() {
            Some((first, change, pace)) if elapsed > first => change + (elapsed - first).mul_f64(pace),
            _ => self.begin + elapsed.mul_f64(self.pace),
        }
    }
}

impl Tempo for DemoClock {
    fn speed(&self) -> f64 {
        match self.until_change() {
            Some((first, _, pace)) if self.started.elapsed() > first => pace,
            _ => self.pace,
        }
    }
}

impl SimClock for DemoClock {
    fn now(&self) -> Timestamp {
        Clock::now(self)
    }

    fn speed(&self) -> f64 {
        Tempo::speed(self)
    }

    fn until(&self, moment: Timestamp) -> Duration {
        let now = Clock::now(self);
        match self.then {
            Some((change, pace)) if now < change && moment > change => {
                change.since(now).div_f64(self.pace) + moment.since(change).div_f64(pace)
            }
            _ => moment.since(now).div_f64(Tempo::speed(self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_pace_begins_where_the_first_ends() {
        let begin = Timestamp::from_millis(1_000_000);
        let clock = DemoClock::day_and_night(begin, 100_000.0, begin + Duration::from_secs(1_000), 1.0);
        let ahead = SimClock::until(&clock, begin + Duration::from_secs(1_002));
        assert!(ahead > Duration::from_millis(1_990) && ahead < Duration::from_millis(2_011), "{ahead:?}");
        std::thread::sleep(Duration::from_millis(30));
        let now = Clock::now(&clock).since(begin);
        assert!(now >= Duration::from_secs(1_000) && now < Duration::from_secs(1_001), "{now:?}");
    }
}
