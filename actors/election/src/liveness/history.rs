//! How a device fared, kept at a bounded rate and in bounded memory.

use std::{collections::VecDeque, time::Duration};

use crate::{
    liveness::{DeviceLife, Vitals},
    time::Timestamp,
};

/// Points kept of a device: ten hours of one every [`EVERY`].
const KEPT: usize = 128;
/// Between points of the same state, by the night's clock.
const EVERY: Duration = Duration::from_secs(300);
/// Between changes of state; of quicker ones the last stands.
const CHANGES_EVERY: Duration = Duration::from_secs(10);
/// Stands for what a heartbeat did not say.
const UNSAID: u8 = u8::MAX;

/// One point: sixteen bytes, since a country has 10,000 devices, or a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    at: Timestamp,
    signal: i16,
    state: DeviceLife,
    battery: u8,
    paper: u8,
    mains: u8,
}

impl Point {
    fn new(at: Timestamp, state: DeviceLife, vitals: Option<&Vitals>) -> Self {
        let percent = |of: fn(&Vitals) -> Option<u8>| vitals.and_then(of).unwrap_or(UNSAID);
        let signal = vitals.and_then(|vitals| vitals.signal);
        Self {
            at,
            signal: signal.and_then(|dbm| i16::try_from(dbm).ok()).unwrap_or(i16::MIN),
            state,
            battery: percent(|vitals| vitals.battery),
            paper: percent(|vitals| vitals.paper),
            mains: percent(|vitals| vitals.mains.map(u8::from)),
        }
    }

    /// When.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Its state then.
    pub fn state(&self) -> DeviceLife {
        self.state
    }

    /// Charge, percent.
    pub fn battery(&self) -> Option<u8> {
        said(self.battery)
    }

    /// On mains power.
    pub fn mains(&self) -> Option<bool> {
        said(self.mains).map(|mains| mains == 1)
    }

    /// Signal strength, dBm.
    pub fn signal(&self) -> Option<i16> {
        (self.signal != i16::MIN).then_some(self.signal)
    }

    /// Paper left, percent.
    pub fn paper(&self) -> Option<u8> {
        said(self.paper)
    }

    /// Whether a device fared the same at both.
    fn is_like(&self, other: &Self) -> bool {
        Self { at: other.at, ..*self } == *other
    }
}

fn said(value: u8) -> Option<u8> {
    (value != UNSAID).then_some(value)
}

/// The latest points of one device.
#[derive(Debug, Clone, Default)]
pub struct History(VecDeque<Point>);

impl History {
    /// Notes how the device fares now; most notes change nothing. Of a time in which it fares the same the first and the
    /// last point are kept.
    pub fn note(&mut self, at: Timestamp, state: DeviceLife, vitals: Option<&Vitals>) {
        if let Some(last) = self.0.back_mut() {
            let apart = at.since(last.at);
            if last.state == state && apart < EVERY {
                return;
            }
            if last.state != state && apart < CHANGES_EVERY {
                *last = Point { at: last.at, ..Point::new(at, state, vitals) };
                return;
            }
        }
        let now = Point::new(at, state, vitals);
        if self.0.iter().rev().take(2).filter(|before| before.is_like(&now)).count() == 2 {
            self.0.pop_back();
        } else if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }

    /// The points, oldest first.
    pub fn points(&self) -> impl ExactSizeIterator<Item = &Point> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn the_same_is_noted_at_its_beginning_and_its_end_and_a_change_at_once() {
        let mut history = History::default();
        (0..1_000).for_each(|second| history.note(at(second), DeviceLife::OnLine, None));
        history.note(at(1_000), DeviceLife::OffLine, None);
        history.note(at(1_005), DeviceLife::OnLine, None);
        history.note(at(1_006), DeviceLife::Silent, None);
        let points: Vec<_> =
            history.points().map(|point| (point.at().millis() / 1_000, point.state())).collect();
        use DeviceLife::{OnLine, Silent};
        assert_eq!(points, [(0, OnLine), (900, OnLine), (1_000, Silent)]);
    }

    #[test]
    fn what_a_heartbeat_says_anew_is_noted_every_five_minutes() {
        let mut history = History::default();
        for minute in 0..30u8 {
            let vitals = Vitals { battery: Some(99 - minute / 10), ..silent() };
            history.note(at(u64::from(minute) * 60), DeviceLife::OnLine, Some(&vitals));
        }
        let points: Vec<_> =
            history.points().map(|point| (point.at().millis() / 60_000, point.battery().unwrap())).collect();
        assert_eq!(points, [(0, 99), (5, 99), (10, 98), (15, 98), (20, 97), (25, 97)]);
    }

    /// Of a heartbeat that says nothing of how the device fares.
    fn silent() -> Vitals {
        Vitals {
            clock_skew_ms: 0,
            uptime: 0,
            last_seq: 0,
            battery: None,
            mains: None,
            signal: None,
            paper: None,
            firmware: None,
            errors: Vec::new(),
            shown: None,
        }
    }

    #[test]
    fn a_device_that_flaps_for_a_day_keeps_128_points_of_16_bytes() {
        let mut history = History::default();
        for second in 0..86_400 {
            let state = if second % 2 == 0 { DeviceLife::OnLine } else { DeviceLife::OffLine };
            history.note(at(second), state, None);
        }
        assert_eq!(history.points().len(), KEPT);
        assert_eq!(size_of::<Point>(), 16);
        // 10,000 devices: 20.5 MB at most, room that stands empty included.
        assert_eq!(history.0.capacity() * size_of::<Point>() * 10_000, 20_480_000);
    }

    #[test]
    fn what_a_heartbeat_did_not_say_is_not_made_up() {
        let vitals = Vitals { battery: Some(71), mains: Some(false), signal: Some(-97), ..silent() };
        let point = Point::new(at(1), DeviceLife::Late, Some(&vitals));
        assert_eq!((point.battery(), point.mains()), (Some(71), Some(false)));
        assert_eq!((point.signal(), point.paper()), (Some(-97), None));
        let unheard = Point::new(at(1), DeviceLife::NeverSeen, None);
        assert_eq!((unheard.battery(), unheard.mains(), unheard.signal()), (None, None, None));
    }
}
