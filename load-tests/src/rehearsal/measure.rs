//! Latencies and counts, in all and over time. A latency belongs to the moment that was intended for its report, so a
//! platform that makes the fleet wait cannot hide it (no coordinated omission).

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::span::Span;

/// Longest latency that is told apart, µs.
const LONGEST_US: u64 = 3_600_000_000;
/// At most so many steps in time.
const STEPS: u64 = 900;

/// A distribution of latencies, ms.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Half of them within this.
    pub p50: f64,
    /// Nine in ten.
    pub p90: f64,
    /// 99 in a hundred.
    pub p99: f64,
    /// 999 in a thousand.
    pub p999: f64,
    /// All.
    pub max: f64,
}

/// A step in time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
pub struct Step {
    /// Its beginning, seconds after the clock started.
    pub second: f64,
    /// Reports that were intended in it.
    pub intended: u64,
    /// Receipts that came in it.
    pub receipts: u64,
    /// From publish to receipt, of the reports that were intended in it.
    pub receipt: Latency,
    /// From publish to a viewer's frame, of the precincts that were completed in it.
    pub frame: Latency,
}

/// What was between two marks of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
pub struct Stretch {
    /// Its beginning, seconds after the clock started.
    pub from: f64,
    /// From publish to receipt, of the reports that were intended in it.
    pub receipt: Latency,
    /// From publish to a viewer's frame, of the precincts that were completed in it.
    pub frame: Latency,
}

/// Takes latencies while a rehearsal runs.
#[derive(Debug)]
pub struct Recorder {
    begin: Instant,
    step: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    receipt: Histogram<u64>,
    frame: Histogram<u64>,
    steps: Vec<Slot>,
    stretches: Vec<Whole>,
}

/// A stretch between marks.
#[derive(Debug)]
struct Whole {
    from: Duration,
    receipt: Histogram<u64>,
    frame: Histogram<u64>,
}

impl Kept {
    fn stretch(&mut self, after: Duration) -> Option<&mut Whole> {
        self.stretches.iter_mut().rfind(|stretch| stretch.from <= after)
    }
}

#[derive(Debug, Default)]
struct Slot {
    intended: u64,
    receipts: u64,
    // Two digits: thirteen kilobytes each, and only where something was recorded.
    receipt: Option<Box<Histogram<u32>>>,
    frame: Option<Box<Histogram<u32>>>,
}

fn histogram<C: hdrhistogram::Counter>(digits: u8) -> Option<Histogram<C>> {
    Histogram::new_with_bounds(1, LONGEST_US, digits).ok()
}

fn empty() -> Histogram<u64> {
    // The bounds above are sound; a histogram that grows by itself is as good.
    histogram(3)
        .unwrap_or_else(|| Histogram::new(3).unwrap_or_else(|_| unreachable!("three digits are sound")))
}

impl Recorder {
    /// For a rehearsal that begins now and lasts about so long, parted by marks.
    pub fn new(begin: Instant, lasts: Duration, marks: &[Span]) -> Self {
        let step = Duration::from_secs((lasts.as_secs() / STEPS + 1).max(1));
        let begins = marks.iter().map(|mark| mark.0).chain((!marks.is_empty()).then_some(Duration::ZERO));
        let mut begins: Vec<Duration> = begins.collect();
        begins.sort_unstable();
        begins.dedup();
        let stretches = begins.into_iter().map(|from| Whole { from, receipt: empty(), frame: empty() });
        let kept =
            Kept { receipt: empty(), frame: empty(), steps: Vec::new(), stretches: stretches.collect() };
        Self { begin, step, kept: Mutex::new(kept) }
    }

    /// When the clock started.
    pub fn begin(&self) -> Instant {
        self.begin
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot<'a>(&self, kept: &'a mut Kept, at: Instant) -> &'a mut Slot {
        let nth = (at.duration_since(self.begin).as_millis() / self.step.as_millis()) as usize;
        let nth = nth.min(STEPS as usize * 8);
        if kept.steps.len() <= nth {
            kept.steps.resize_with(nth + 1, Slot::default);
        }
        &mut kept.steps[nth]
    }

    /// Notes that a report was intended for this moment.
    pub fn intended(&self, at: Instant) {
        let mut kept = self.kept();
        self.slot(&mut kept, at).intended += 1;
    }

    /// Notes that its receipt came.
    pub fn receipt(&self, intended: Instant, came: Instant) {
        let us = micros(came.duration_since(intended));
        let mut kept = self.kept();
        kept.receipt.saturating_record(us);
        if let Some(stretch) = kept.stretch(intended.duration_since(self.begin)) {
            stretch.receipt.saturating_record(us);
        }
        self.slot(&mut kept, came).receipts += 1;
        let slot = self.slot(&mut kept, intended);
        if slot.receipt.is_none() {
            slot.receipt = histogram(2).map(Box::new);
        }
        if let Some(histogram) = &mut slot.receipt {
            histogram.saturating_record(us);
        }
    }

    /// Notes that so many viewers saw what was completed at a moment so much later.
    pub fn frames(&self, completed: Instant, later: Duration, viewers: u32) {
        let us = micros(later);
        let mut kept = self.kept();
        kept.frame.saturating_record_n(us, viewers.into());
        if let Some(stretch) = kept.stretch(completed.duration_since(self.begin)) {
            stretch.frame.saturating_record_n(us, viewers.into());
        }
        let slot = self.slot(&mut kept, completed);
        if slot.frame.is_none() {
            slot.frame = histogram(2).map(Box::new);
        }
        if let Some(histogram) = &mut slot.frame {
            histogram.saturating_record_n(us, viewers);
        }
    }

    /// Latencies from publish to receipt and from publish to a viewer's frame.
    pub fn latencies(&self) -> (Latency, Latency) {
        let kept = self.kept();
        (Latency::of(&kept.receipt), Latency::of(&kept.frame))
    }

    /// From mark to mark; empty where the scenario has none.
    pub fn stretches(&self) -> Vec<Stretch> {
        let kept = self.kept();
        let told = |of: &Whole| Stretch {
            from: of.from.as_secs_f64(),
            receipt: Latency::of(&of.receipt),
            frame: Latency::of(&of.frame),
        };
        kept.stretches.iter().map(told).collect()
    }

    /// Step by step.
    pub fn steps(&self) -> Vec<Step> {
        let kept = self.kept();
        let of = |histogram: &Option<Box<Histogram<u32>>>| {
            histogram.as_ref().map_or_else(Latency::default, |histogram| Latency::of(histogram))
        };
        let steps = kept.steps.iter().zip(0_u32..);
        steps
            .map(|(slot, nth)| Step {
                second: (self.step * nth).as_secs_f64(),
                intended: slot.intended,
                receipts: slot.receipts,
                receipt: of(&slot.receipt),
                frame: of(&slot.frame),
            })
            .collect()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US).max(1)
}

impl Latency {
    /// What a histogram of microseconds says.
    pub fn of<C: hdrhistogram::Counter>(histogram: &Histogram<C>) -> Self {
        if histogram.is_empty() {
            return Self::default();
        }
        // Hundredths of a millisecond are enough.
        let ms = |us: u64| (us as f64 / 10.0).round() / 100.0;
        let at = |quantile| ms(histogram.value_at_quantile(quantile));
        Self {
            count: histogram.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(histogram.max()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_belongs_to_the_second_that_was_intended() {
        let begin = Instant::now();
        let recorder = Recorder::new(begin, Duration::from_secs(10), &[]);
        let at = |ms| begin + Duration::from_millis(ms);
        for ms in [100, 200, 300] {
            recorder.intended(at(ms));
            recorder.receipt(at(ms), at(2_500));
        }
        let steps = recorder.steps();
        assert_eq!((steps[0].intended, steps[0].receipts, steps[2].receipts), (3, 0, 3));
        assert!(steps[0].receipt.p50 > 2_200.0 && steps[0].receipt.count == 3, "{:?}", steps[0]);
        assert_eq!(steps[2].receipt.count, 0);
        let (receipt, frame) = recorder.latencies();
        assert!((receipt.max - 2_400.0).abs() < 5.0, "{receipt:?}");
        assert_eq!(frame.count, 0);
    }

    #[test]
    fn a_frame_counts_for_every_viewer_that_saw_it() {
        let begin = Instant::now();
        let recorder = Recorder::new(begin, Duration::from_secs(10), &[]);
        recorder.frames(begin, Duration::from_millis(40), 99);
        recorder.frames(begin, Duration::from_millis(900), 1);
        let (_, frame) = recorder.latencies();
        assert_eq!(frame.count, 100);
        assert!(frame.p90 < 41.0 && frame.max > 890.0, "{frame:?}");
    }

    #[test]
    fn marks_part_what_was_intended_before_from_what_was_intended_after() {
        let begin = Instant::now();
        let recorder = Recorder::new(begin, Duration::from_secs(10), &[Span(Duration::from_secs(4))]);
        let at = |ms| begin + Duration::from_millis(ms);
        recorder.receipt(at(3_999), at(6_999));
        recorder.receipt(at(4_000), at(4_010));
        recorder.frames(at(9_000), Duration::from_millis(300), 7);
        let [before, after] = recorder.stretches().try_into().unwrap();
        assert_eq!((before.from, before.receipt.count, before.frame.count), (0.0, 1, 0));
        assert_eq!((after.from, after.receipt.count, after.frame.count), (4.0, 1, 7));
        assert!(before.receipt.max > 2_900.0 && after.receipt.max < 11.0, "{before:?} {after:?}");
    }

    #[test]
    fn steps_are_bounded_however_long_it_lasts() {
        let begin = Instant::now();
        let recorder = Recorder::new(begin, Duration::from_secs(6 * 3_600), &[]);
        recorder.intended(begin + Duration::from_secs(100 * 3_600));
        assert!(recorder.steps().len() <= 8 * STEPS as usize + 1);
    }
}
