//! How the night went, a point a minute, for every unit but precincts.

use std::{
    collections::VecDeque,
    sync::{PoisonError, RwLock},
};

use election::{Timestamp, UnitId, figures::Figures};

use crate::layout::Layout;

/// Milliseconds of a step as it is kept.
const STEP: u64 = 60_000;
/// Most points that are kept of a unit, and most that one answer has: three days.
const MOST: usize = 4_320;

/// What was known of a unit at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// The end of the step; of the last point, the newest record.
    pub at: Timestamp,
    /// Precincts that have reported in full.
    pub reported_precincts: u32,
    /// Registered voters of those.
    pub reported_registered: u64,
    /// People identified.
    pub identified: u64,
    /// Precincts that have sent any turnout.
    pub turnout_precincts: u32,
    /// Registered voters of those.
    pub turnout_registered: u64,
    /// All precincts.
    pub of_precincts: u32,
    /// All registered voters.
    pub of_registered: u64,
}

impl Point {
    fn new(at: Timestamp, figures: &Figures) -> Self {
        Self {
            at,
            reported_precincts: figures.reported(),
            reported_registered: figures.reported_registered.get(),
            identified: figures.turnout.identified.get(),
            turnout_precincts: figures.turnout.precincts,
            turnout_registered: figures.turnout.registered.get(),
            of_precincts: figures.precincts(),
            of_registered: figures.registered.get(),
        }
    }
}

/// The lines of all units above precincts. Memory is bounded by [`MOST`] points a unit.
#[derive(Debug)]
pub struct Series {
    layout: std::sync::Arc<Layout>,
    lines: RwLock<Lines>,
}

#[derive(Debug)]
struct Lines {
    /// The newest moment recorded: to here every line goes on.
    until: Timestamp,
    by_slot: Vec<VecDeque<Point>>,
}

impl Series {
    pub(crate) fn new(layout: std::sync::Arc<Layout>) -> Self {
        let by_slot = vec![VecDeque::new(); layout.upper()];
        Self { layout, lines: RwLock::new(Lines { until: Timestamp::default(), by_slot }) }
    }

    /// Notes what a unit's figures are from this moment on. [`crate::Feed::publish`] does so for what it
    /// publishes; a publisher does it while it replays. A moment before the last one counts as the last one.
    /// Precincts and unknown units are passed over.
    pub fn record(&self, at: Timestamp, unit: &UnitId, figures: &Figures) {
        let Some(slot) = self.layout.slot(unit).filter(|slot| *slot < self.layout.upper()) else { return };
        let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
        lines.until = lines.until.max(at);
        let line = &mut lines.by_slot[slot];
        let at = line.back().map_or(at, |last| last.at.max(at));
        let point = Point::new(at, figures);
        match line.back_mut() {
            Some(last) if Point { at: last.at, ..point } == *last => {}
            Some(last) if last.at.millis() / STEP == at.millis() / STEP => *last = point,
            _ => {
                line.push_back(point);
                if line.len() > MOST {
                    line.pop_front();
                }
            }
        }
    }

    /// A unit's line in steps of so many seconds (at least 60): at the end of each step what was known then,
    /// last of all what is known now. At most 4,320 points, the newest. `None` for precincts and unknown units.
    pub fn points(&self, unit: &UnitId, step: u32) -> Option<Vec<Point>> {
        let slot = self.layout.slot(unit).filter(|slot| *slot < self.layout.upper())?;
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        let line = &lines.by_slot[slot];
        let Some(first) = line.front() else { return Some(Vec::new()) };
        let step = u64::from(step.max(60)) * 1000;
        let until = lines.until.max(first.at).millis();
        let steps = (until / step - first.at.millis() / step).min(MOST as u64 - 1);
        let mut points = Vec::new();
        let mut next = 0;
        for back in (0..=steps).rev() {
            let end = ((until / step - back + 1) * step).min(until);
            while line.get(next + 1).is_some_and(|point| point.at.millis() <= end) {
                next += 1;
            }
            let known = line.get(next).unwrap_or(first);
            points.push(Point { at: Timestamp::from_millis(end), ..*known });
        }
        Some(points)
    }
}
