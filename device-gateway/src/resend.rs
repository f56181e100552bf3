//! Which devices are asked for reports that are missing below those they have sent, and when: a second after a
//! gap shows, then doubling to a minute while it stands, and soon after the device comes back on line.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use election::{DeviceId, PrecinctId, definition::DeviceStatus, report::Order, sequence::Gap};

use crate::{commands::Commands, keys::Keys, metrics::Metrics};

/// From a gap's appearing to the first question: reports that overtook each other fill it by themselves.
const FIRST: Duration = Duration::from_secs(1);
/// Between questions, however many there were.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is looked who is due.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Most devices asked at each look: 200 a second, whatever has happened to the country.
const AT_ONCE: usize = 50;

/// A device with a gap.
#[derive(Debug, Clone, Copy)]
struct Asking {
    precinct: PrecinctId,
    gap: Gap,
    asked: u32,
    due: Instant,
}

/// The devices with a gap.
#[derive(Debug, Default)]
pub struct Gaps(Mutex<BTreeMap<DeviceId, Asking>>);

impl Gaps {
    /// A device's gap has appeared, moved or gone.
    pub(crate) fn note(&self, device: &DeviceId, precinct: PrecinctId, gap: Option<Gap>, now: Instant) {
        let mut all = self.all();
        match (gap, all.get_mut(device)) {
            (None, _) => {
                all.remove(device);
            }
            (Some(gap), Some(asking)) if asking.gap.from == gap.from => asking.gap = gap,
            (Some(gap), _) => {
                all.insert(device.clone(), Asking { precinct, gap, asked: 0, due: now + FIRST });
            }
        }
    }

    /// A device is on line again: it is asked as for the first time.
    pub(crate) fn reconnected(&self, device: &DeviceId, now: Instant) {
        if let Some(asking) = self.all().get_mut(device) {
            (asking.asked, asking.due) = (0, now + FIRST);
        }
    }

    /// Those to ask now, the longest due first; each is due again after its back-off.
    fn due(&self, now: Instant, mut random: impl FnMut() -> u64) -> Vec<(DeviceId, PrecinctId, Gap)> {
        let mut all = self.all();
        let mut due: Vec<_> = all.iter_mut().filter(|(_, asking)| asking.due <= now).collect();
        due.sort_by_key(|(_, asking)| asking.due);
        due.truncate(AT_ONCE);
        let asked = due.into_iter().map(|(device, asking)| {
            let nominal = LONGEST.min(FIRST * (2 << asking.asked.min(6)));
            let jitter = u32::try_from(800 + random() % 401).unwrap_or(1_000);
            asking.asked += 1;
            asking.due = now + nominal * jitter / 1_000;
            (device.clone(), asking.precinct, asking.gap)
        });
        asked.collect()
    }

    /// The gap of each device that has one.
    pub fn list(&self) -> BTreeMap<DeviceId, Gap> {
        self.all().iter().map(|(device, asking)| (device.clone(), asking.gap)).collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Asking>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks, until the task is ended.
pub(crate) async fn run(gaps: Arc<Gaps>, commands: Arc<Commands>, keys: Arc<Keys>, metrics: Metrics) {
    let random = RandomState::new();
    let mut numbers = 0u64..;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let chance = || {
            let mut hasher = random.build_hasher();
            hasher.write_u64(numbers.next().unwrap_or_default());
            hasher.finish()
        };
        for (device, precinct, gap) in gaps.due(Instant::now(), chance) {
            // One that was shut out in the meantime is not spoken to.
            if keys.status(device.as_str()) == Some(DeviceStatus::Active) {
                commands.send(precinct, &device, Order::Resend { from: gap.from });
            }
        }
        metrics.gaps.set(i64::try_from(gaps.all().len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(n: u32) -> DeviceId {
        format!("d-{n}").parse().unwrap()
    }

    fn precinct() -> PrecinctId {
        "7".parse().unwrap()
    }

    fn gap(from: u64, through: u64) -> Option<Gap> {
        Some(Gap { from, through })
    }

    /// In the middle of the jitter.
    fn steady() -> u64 {
        200
    }

    #[test]
    fn a_gap_is_asked_for_after_a_second_then_ever_more_rarely_until_it_is_filled() {
        let gaps = Gaps::default();
        let start = Instant::now();
        gaps.note(&device(1), precinct(), gap(2, 3), start);
        let mut asked = Vec::new();
        for second in 0..200 {
            let now = start + Duration::from_secs(second);
            if !gaps.due(now, steady).is_empty() {
                asked.push(second);
            }
        }
        assert_eq!(asked, [1, 3, 7, 15, 31, 63, 123, 183]);
        gaps.note(&device(1), precinct(), None, start);
        assert!(gaps.due(start + Duration::from_secs(9_999), steady).is_empty() && gaps.list().is_empty());
    }

    #[test]
    fn another_gap_and_a_new_connection_begin_from_the_shortest_wait() {
        let gaps = Gaps::default();
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        gaps.note(&device(1), precinct(), gap(2, 3), start);
        [1, 3, 7].iter().for_each(|second| assert_eq!(gaps.due(at(*second), steady).len(), 1));
        gaps.note(&device(1), precinct(), gap(2, 2), at(8));
        assert!(gaps.due(at(9), steady).is_empty(), "a part of it is no other gap");
        gaps.reconnected(&device(1), at(9));
        assert_eq!(gaps.due(at(10), steady)[0].2, Gap { from: 2, through: 2 });
        gaps.note(&device(1), precinct(), gap(5, 6), at(10));
        assert_eq!(gaps.due(at(11), steady)[0].2.from, 5);
        gaps.reconnected(&device(2), at(12));
        assert_eq!(gaps.list().len(), 1, "one without a gap is not asked");
    }

    #[test]
    fn no_more_than_50_are_asked_at_a_look_and_all_are_in_the_end() {
        let gaps = Gaps::default();
        let start = Instant::now();
        (0..1_000).for_each(|n| gaps.note(&device(n), precinct(), gap(1, 1), start));
        let mut asked = std::collections::BTreeSet::new();
        for look in 0..20 {
            let due = gaps.due(start + FIRST + LOOK_EVERY * look, steady);
            assert!(due.len() <= AT_ONCE);
            asked.extend(due.into_iter().map(|(device, ..)| device));
        }
        // Those asked first were due again in the meantime, behind those that never were.
        assert!(asked.len() >= 900, "{}", asked.len());
    }
}
