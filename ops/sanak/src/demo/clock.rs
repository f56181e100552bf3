//! The accelerated clock of a demonstration: one for the service and the fleet, so that both live through
//! the same night.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actors::Tempo;
use election::Timestamp;
use journal::Clock;
use load_tests::SimClock;

/// So many devices may wait at once before the clock is held back: a few hundredths of a second of the
/// platform's work.
const MAY_WAIT: u64 = 400;
/// The clock never goes slower than this part of its pace.
const LEAST: f64 = 0.02;
/// It goes no further than this, in real time at its pace, without word of those who wait.
const WITHOUT_WORD: Duration = Duration::from_millis(100);
/// Nobody who waits for a moment asks more often while the clock is held back.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Simulated time, which may go at another pace from some moment on. It is held back while a machine cannot
/// keep up, so that the night has its own shape on any machine: the pace is the fastest it goes.
#[derive(Debug)]
pub struct DemoClock {
    begin: Timestamp,
    pace: f64,
    /// When the second pace begins, and what it is.
    then: Option<(Timestamp, f64)>,
    course: Mutex<Course>,
}

/// How far the clock has come, in real time at its pace.
#[derive(Debug)]
struct Course {
    passed: Duration,
    at: Instant,
    /// The part of the pace at which it goes now.
    part: f64,
    /// Whether somebody tells who waits.
    held: bool,
}

impl Course {
    fn passed(&self) -> Duration {
        let elapsed = self.at.elapsed();
        let elapsed = if self.held { elapsed.min(WITHOUT_WORD) } else { elapsed };
        self.passed + elapsed.mul_f64(self.part)
    }
}

impl DemoClock {
    /// A clock that shows `begin` now and goes `speed` times as fast as real time.
    pub fn steady(begin: Timestamp, speed: f64) -> Self {
        Self::with(begin, speed, None)
    }

    /// A clock that goes `day` times as fast as real time until `change`, and `night` times from there.
    pub fn day_and_night(begin: Timestamp, day: f64, change: Timestamp, night: f64) -> Self {
        if begin >= change {
            return Self::steady(begin, night);
        }
        Self::with(begin, day, Some((change, night)))
    }

    fn with(begin: Timestamp, pace: f64, then: Option<(Timestamp, f64)>) -> Self {
        let course = Course { passed: Duration::ZERO, at: Instant::now(), part: 1.0, held: false };
        Self { begin, pace, then, course: Mutex::new(course) }
    }

    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Real time until the second pace begins; `None` where there is none.
    fn until_change(&self) -> Option<(Duration, Timestamp, f64)> {
        let (change, pace) = self.then?;
        Some((change.since(self.begin).div_f64(self.pace), change, pace))
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        let elapsed = self.course().passed();
        match self.until_change() {
            Some((first, change, pace)) if elapsed > first => change + (elapsed - first).mul_f64(pace),
            _ => self.begin + elapsed.mul_f64(self.pace),
        }
    }
}

impl Tempo for DemoClock {
    fn speed(&self) -> f64 {
        match self.until_change() {
            Some((first, _, pace)) if self.course().passed() > first => pace,
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
        let until = match self.then {
            Some((change, pace)) if now < change && moment > change => {
                change.since(now).div_f64(self.pace) + moment.since(change).div_f64(pace)
            }
            _ => moment.since(now).div_f64(Tempo::speed(self)),
        };
        let held_back = !until.is_zero() && self.course().part < 1.0;
        if held_back { until.max(ASK_AGAIN) } else { until }
    }

    fn wait_for(&self, waiting: Option<u64>) {
        let mut course = self.course();
        course.passed = course.passed();
        course.at = Instant::now();
        course.held = waiting.is_some();
        course.part = match waiting {
            Some(waiting) if waiting > MAY_WAIT => (MAY_WAIT as f64 / waiting as f64).max(LEAST),
            _ => 1.0,
        };
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

    #[test]
    fn the_clock_goes_slowly_while_many_wait_and_stops_without_word_of_them() {
        let begin = Timestamp::from_millis(1_000_000);
        let clock = DemoClock::steady(begin, 1_000.0);
        clock.wait_for(Some(MAY_WAIT * 10));
        let from = Clock::now(&clock);
        std::thread::sleep(Duration::from_millis(300));
        let gone = Clock::now(&clock).since(from);
        assert!(gone <= Duration::from_secs(10), "a tenth of the pace, for a tenth of a second: {gone:?}");
        let soon = Clock::now(&clock) + Duration::from_secs(1);
        assert_eq!(SimClock::until(&clock, soon), ASK_AGAIN);

        clock.wait_for(None);
        let from = Clock::now(&clock);
        std::thread::sleep(Duration::from_millis(150));
        assert!(Clock::now(&clock).since(from) >= Duration::from_secs(150), "nobody waits any more");
    }
}
