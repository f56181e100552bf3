//! A device's line of numbered reports: what is known of it, and where its head is.
//!
//! The head is the highest number without a gap below it. The gateway asks a line before it journals a
//! report (a duplicate is journaled once), the precinct afterwards (a gap is held); both follow the same
//! journal, so both agree.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    few::make_room,
    report::{Digest, Seq},
};

/// The longest gap that a decision can close. A device that names a number further away is broken: another
/// takes its place.
pub const MAX_CLOSED: u64 = 10_000;

/// How many reports above a gap are kept for one device (PROTOCOL §2, `held`).
pub const MAX_HELD: usize = 64;

/// The reports of one device that are in the journal, by number and digest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line {
    /// Digest of report 1, 2, 3 … up to the head; [`Digest::NONE`] where a decision closed a gap.
    placed: Vec<Digest>,
    /// Of most devices there is none, and it takes no room.
    beside: Option<Box<Beside>>,
}

/// What is known of a device and has no place in its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Beside {
    /// Above a gap.
    above: BTreeMap<Seq, Digest>,
    /// A second digest of a number that has its place taken (S03).
    others: BTreeSet<(Seq, Digest)>,
}

impl Beside {
    const NOTHING: Self = Self { above: BTreeMap::new(), others: BTreeSet::new() };
}

/// What to do with a report that has not been journaled by this copy of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Not seen before: journal it.
    New,
    /// In the journal, or on its way into it.
    Known,
    /// Too many wait above a gap already: leave it unanswered, the device will repeat it.
    Full,
}

/// Where a new report stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The next one.
    Next,
    /// Above a gap (S02).
    Above,
    /// Its number is taken by another digest (S03).
    Taken,
    /// Its number was given up when a gap was closed by decision.
    Closed,
}

/// How much of one device is on record, whatever became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Reports.
    pub reports: u64,
    /// Their bytes, as signed.
    pub bytes: u64,
    /// Those whose number was taken by another digest (S03).
    pub equivocations: u64,
}

impl Recorded {
    /// One more report.
    pub fn add(&mut self, bytes: u64, equivocates: bool) {
        self.reports = self.reports.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes);
        self.equivocations = self.equivocations.saturating_add(u64::from(equivocates));
    }

    /// One that was added did not reach stable storage.
    pub fn take_back(&mut self, bytes: u64, equivocates: bool) {
        self.reports = self.reports.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.equivocations = self.equivocations.saturating_sub(u64::from(equivocates));
    }
}

/// Numbers that are missing, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The lowest.
    pub from: Seq,
    /// The highest.
    pub through: Seq,
}

impl Gap {
    /// How many numbers it has.
    pub fn len(&self) -> u64 {
        self.through.saturating_sub(self.from).saturating_add(1)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.through < self.from
    }
}

impl Line {
    /// The highest number without a gap below it; 0 before the first.
    pub fn head(&self) -> Seq {
        self.placed.len() as Seq
    }

    /// What the next report must name as `prev`.
    pub fn head_digest(&self) -> Digest {
        self.placed.last().copied().unwrap_or(Digest::NONE)
    }

    /// Digest of the report with this number, up to the head; [`Digest::NONE`] of number 0 and of unknown ones.
    pub fn digest_at(&self, seq: Seq) -> Digest {
        self.at(seq).unwrap_or(Digest::NONE)
    }

    /// Whether a report should be journaled.
    pub fn admit(&self, seq: Seq, digest: Digest) -> Admission {
        match self.at(seq) {
            Some(known) if known == digest => Admission::Known,
            Some(_) if self.beside().others.contains(&(seq, digest)) => Admission::Known,
            Some(_) => Admission::New,
            None if seq == self.head() + 1 => Admission::New,
            None if self.beside().above.len() >= MAX_HELD => Admission::Full,
            None => Admission::New,
        }
    }

    /// Where a new report stands.
    pub fn place(&self, seq: Seq) -> Place {
        match self.at(seq) {
            Some(Digest::NONE) => Place::Closed,
            Some(_) => Place::Taken,
            None if seq == self.head() + 1 => Place::Next,
            None => Place::Above,
        }
    }

    /// Puts a report into the line. A report that fills a gap takes along those that waited above it.
    pub fn record(&mut self, seq: Seq, digest: Digest) {
        match self.place(seq) {
            Place::Next => self.put(digest),
            Place::Above => {
                self.beside_mut().above.insert(seq, digest);
            }
            Place::Taken | Place::Closed => {
                self.beside_mut().others.insert((seq, digest));
            }
        }
        self.advance();
    }

    /// Takes along those that waited above a gap which is filled.
    fn advance(&mut self) {
        loop {
            let next = self.head() + 1;
            let Some(next) = self.beside.as_mut().and_then(|beside| beside.above.remove(&next)) else {
                break;
            };
            self.put(next);
        }
        self.tidy();
    }

    /// Gives back the room of what is no longer there.
    fn tidy(&mut self) {
        self.beside = self.beside.take().filter(|beside| **beside != Beside::NOTHING);
    }

    fn beside(&self) -> &Beside {
        static NOTHING: Beside = Beside::NOTHING;
        self.beside.as_deref().unwrap_or(&NOTHING)
    }

    fn beside_mut(&mut self) -> &mut Beside {
        self.beside.get_or_insert_default()
    }

    fn put(&mut self, next: Digest) {
        make_room(&mut self.placed);
        self.placed.push(next);
    }

    /// Gives up the numbers of a gap that are still missing, and takes along those that waited above it. A gap
    /// of more than [`MAX_CLOSED`] numbers stays.
    pub fn close(&mut self, gap: Gap) {
        if gap.from == 0 || gap.len() > MAX_CLOSED {
            return;
        }
        for seq in gap.from..=gap.through {
            if self.at(seq).is_none() {
                self.beside_mut().above.insert(seq, Digest::NONE);
            }
        }
        self.advance();
    }

    /// Whether a report may follow the one before it: its `prev` is that one's digest, or that one was given
    /// up and nobody can tell.
    pub fn follows(&self, seq: Seq, prev: Digest) -> bool {
        let before = self.digest_at(seq.saturating_sub(1));
        prev == before || (seq > 1 && before == Digest::NONE)
    }

    /// Takes a report out again that did not reach stable storage. What stood after it waits above the gap.
    pub fn forget(&mut self, seq: Seq, digest: Digest) {
        let other = self.beside.as_mut().is_some_and(|beside| beside.others.remove(&(seq, digest)));
        if !other && self.at(seq) == Some(digest) {
            let above = self.beside.as_mut().and_then(|beside| beside.above.remove(&seq));
            if above.is_none()
                && let Ok(at) = usize::try_from(seq - 1)
            {
                let after = self.placed.split_off(at);
                self.beside_mut().above.extend((seq + 1..).zip(after.into_iter().skip(1)));
            }
        }
        self.tidy();
    }

    /// The lowest numbers that are missing below the highest known one.
    pub fn gap(&self) -> Option<Gap> {
        let (above, _) = self.beside().above.first_key_value()?;
        Some(Gap { from: self.head() + 1, through: above - 1 })
    }

    fn at(&self, seq: Seq) -> Option<Digest> {
        let placed =
            usize::try_from(seq).ok().and_then(|n| n.checked_sub(1)).and_then(|i| self.placed.get(i));
        placed.or_else(|| self.beside().above.get(&seq)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(n: u8) -> Digest {
        Digest([n; 32])
    }

    #[test]
    fn the_head_is_the_highest_number_without_a_gap() {
        let mut line = Line::default();
        line.record(1, digest(1));
        line.record(3, digest(3));
        assert_eq!((line.head(), line.gap()), (1, Some(Gap { from: 2, through: 2 })));
        line.record(2, digest(2));
        assert_eq!((line.head(), line.gap(), line.head_digest()), (3, None, digest(3)));
    }

    #[test]
    fn another_digest_of_a_taken_number_is_new_once() {
        let mut line = Line::default();
        line.record(1, digest(1));
        assert_eq!(line.admit(1, digest(9)), Admission::New);
        assert_eq!(line.place(1), Place::Taken);
        line.record(1, digest(9));
        assert_eq!(line.admit(1, digest(9)), Admission::Known);
        assert_eq!(line.head_digest(), digest(1), "the first keeps its place");
    }

    #[test]
    fn no_more_than_64_wait_above_a_gap() {
        let mut line = Line::default();
        for n in 0..MAX_HELD as Seq {
            line.record(n + 10, digest(1));
        }
        assert_eq!(line.admit(1_000, digest(2)), Admission::Full);
        assert_eq!(line.admit(10, digest(1)), Admission::Known);
        assert_eq!(line.admit(1, digest(1)), Admission::New, "what closes the gap is always welcome");
    }

    #[test]
    fn a_closed_gap_moves_the_head_and_a_late_report_of_it_takes_no_place() {
        let mut line = Line::default();
        line.record(1, digest(1));
        line.record(4, digest(4));
        line.record(6, digest(6));
        let gap = line.gap().unwrap();
        assert_eq!((gap, gap.len(), gap.is_empty()), (Gap { from: 2, through: 3 }, 2, false));
        line.close(gap);
        assert_eq!((line.head(), line.gap()), (4, Some(Gap { from: 5, through: 5 })));
        assert_eq!((line.place(2), line.admit(2, digest(2))), (Place::Closed, Admission::New));
        line.record(2, digest(2));
        assert_eq!((line.admit(2, digest(2)), line.head_digest()), (Admission::Known, digest(4)));
        assert!(line.follows(4, digest(9)), "nobody knows what stood before it");
        assert!(line.follows(5, digest(4)) && !line.follows(5, digest(9)));
        assert!(line.follows(1, Digest::NONE) && !line.follows(1, digest(9)));
    }

    #[test]
    fn a_gap_without_end_is_not_closed() {
        let mut line = Line::default();
        line.record(u64::MAX, digest(1));
        let gap = line.gap().unwrap();
        line.close(gap);
        line.close(Gap { from: 0, through: 3 });
        assert_eq!((line.head(), line.gap()), (0, Some(gap)));
    }

    proptest! {
        #[test]
        fn any_order_and_any_repetition_gives_the_same_line(order in proptest::collection::vec(1u64..30, 0..120)) {
            let mut shuffled = Line::default();
            for seq in &order {
                if shuffled.admit(*seq, digest(*seq as u8)) == Admission::New {
                    shuffled.record(*seq, digest(*seq as u8));
                }
            }
            let mut sorted = Line::default();
            for seq in order.iter().collect::<BTreeSet<_>>() {
                sorted.record(*seq, digest(*seq as u8));
            }
            prop_assert_eq!(shuffled, sorted);
        }

        #[test]
        fn a_report_forgotten_and_recorded_again_leaves_no_trace(upto in 1u64..20, seq in 1u64..20) {
            let mut line = Line::default();
            (1..=upto).for_each(|n| line.record(n, digest(n as u8)));
            let before = line.clone();
            line.forget(seq, digest(seq as u8));
            if seq <= upto {
                prop_assert_eq!(line.head(), seq - 1);
                line.record(seq, digest(seq as u8));
            }
            prop_assert_eq!(line, before);
        }
    }
}
