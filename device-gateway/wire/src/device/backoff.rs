//! When to repeat a report that has no receipt: 1 s, doubling to 60 s, with jitter (PROTOCOL §2).

use std::time::Duration;

/// Between the first sending and the second.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// Between sendings, however many there were.
pub(super) const LONGEST: Duration = Duration::from_secs(60);
/// After this many sendings the wait no longer grows: 2^6 s is over [`LONGEST`].
pub(super) const GROWS_UNTIL: u8 = 7;

/// The wait after so many sendings (from 1), within 20 % of its nominal length, so that devices that were
/// cut off together do not return together.
pub(super) fn wait(sendings: u8, random: u32) -> Duration {
    let doublings = u32::from(sendings.clamp(1, GROWS_UNTIL)) - 1;
    let nominal = LONGEST.min(FIRST * (1 << doublings));
    nominal * (800 + random % 401) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_from_a_second_to_a_minute() {
        // 200 of 0..=400 is the middle.
        let waits: Vec<_> = (1..=9).map(|sendings| wait(sendings, 200).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(wait(u8::MAX, 200), LONGEST);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for random in [0, 1, 400, 401, u32::MAX] {
            let wait = wait(7, random).as_secs_f64();
            assert!((48.0..=72.0).contains(&wait), "{wait}");
        }
        assert_eq!((wait(1, 0), wait(1, 400)), (Duration::from_millis(800), Duration::from_millis(1200)));
    }
}
