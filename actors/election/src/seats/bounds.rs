//! What may still come, and what it can change: the fewest and the most seats of a list.
//!
//! Both are bounds: no completion of the count goes beyond them, whoever the outstanding ballots are for, and
//! however many of them are never cast. That they are equal is what "decided" means; property tests hold them
//! against every completion of small elections.

use crate::seats::claims::{House, last};

/// More lists than this whose entry is open, and nothing is said but the obvious: each doubles the work.
const OPEN_LISTS: usize = 5;

/// What is known of the lists of a contest.
#[derive(Debug)]
pub(super) struct Prospect<'a> {
    /// Seats and method.
    pub house: &'a House,
    /// Most seats of one list.
    pub cap: Option<u32>,
    /// Lists that pass every threshold whatever comes.
    pub must: Vec<bool>,
    /// Lists that may pass.
    pub may: Vec<bool>,
    /// Ballots that may still come.
    pub most: u64,
}

impl Prospect<'_> {
    /// The fewest and the most seats of each list.
    pub fn bounds(&self) -> Vec<(u32, u32)> {
        let open: Vec<usize> = (0..self.may.len()).filter(|at| self.may[*at] && !self.must[*at]).collect();
        if open.len() > OPEN_LISTS {
            return self.vague();
        }
        let mut bounds: Vec<Option<(u32, u32)>> = vec![None; self.may.len()];
        for chosen in 0..1usize << open.len() {
            let mut takes_part = self.must.clone();
            open.iter().enumerate().for_each(|(bit, at)| takes_part[*at] = chosen >> bit & 1 == 1);
            let votes =
                self.house.votes.iter().zip(&takes_part).map(|(votes, in_)| if *in_ { *votes } else { 0 });
            let house = House { votes: votes.collect(), ..self.house.clone() };
            for (at, bound) in bounds.iter_mut().enumerate() {
                let (fewest, most) = if takes_part[at] {
                    (self.fewest(&house, &takes_part, at), self.all_to(&house, at))
                } else {
                    (0, 0)
                };
                let (low, high) = bound.unwrap_or((fewest, most));
                *bound = Some((low.min(fewest), high.max(most)));
            }
        }
        let bounds: Vec<(u32, u32)> = bounds.into_iter().map(Option::unwrap_or_default).collect();
        // Above the cap seats are shared out anew, and no argument above holds for the others.
        if self.cap.is_some_and(|cap| bounds.iter().any(|(_, most)| *most > cap)) {
            self.vague()
        } else {
            bounds
        }
    }

    /// What is certain of itself: who cannot pass has nothing.
    pub fn vague(&self) -> Vec<(u32, u32)> {
        let widest = self.cap.unwrap_or(u32::MAX).min(self.house.seats);
        self.may.iter().map(|may| (0, if *may { widest } else { 0 })).collect()
    }

    /// All that is outstanding for one list: no other completion with the same lists gives it more. (Moving a
    /// vote from another list to it raises its quotient and lowers the other's; with a vote that had gone to
    /// nobody every other quotient falls. Its claims then stand no lower among all.)
    fn all_to(&self, house: &House, at: usize) -> u32 {
        let mut house = house.clone();
        house.votes[at] = house.votes[at].saturating_add(self.most);
        house.most(at)
    }

    /// The seats that a list has whatever comes.
    fn fewest(&self, house: &House, takes_part: &[bool], at: usize) -> u32 {
        if house.votes[at] == 0 {
            return 0;
        }
        last(house.seats, |seat| {
            let rivals = (0..house.votes.len()).filter(|rival| *rival != at && takes_part[*rival]);
            let ahead = self.most_ahead(house, house.votes[at], seat, rivals.map(|rival| house.votes[rival]));
            ahead.saturating_add(seat.into()) <= house.seats.into()
        })
    }

    /// The most seats of rivals that can come before this one, when what is outstanding is for them alone,
    /// spent where it brings most, and lots fall to them. A rival's first further seat costs what it lacks,
    /// each one after that a whole step; costs are taken no higher than they are.
    fn most_ahead(&self, house: &House, own: u64, seat: u32, rivals: impl Iterator<Item = u64>) -> u64 {
        let totals = [house.total(), house.total().saturating_add(self.most)];
        let (scale, step) = house.step(own, seat, totals[0]);
        let mut budget = i128::from(self.most) * scale;
        let (mut ahead, mut lacking) = (0u64, Vec::new());
        for rival in rivals {
            let free = totals.map(|total| house.ahead(own, seat, rival, true, total));
            let free = free[0].max(free[1]);
            let cost = totals.map(|total| house.cost(own, seat, rival, free + 1, total));
            lacking.push(cost[0].min(cost[1]).min(step));
            ahead = ahead.saturating_add(free);
        }
        lacking.sort_unstable();
        for cost in &lacking {
            if *cost > budget {
                return ahead;
            }
            budget -= cost;
            ahead += 1;
        }
        let further = if lacking.is_empty() || step <= 0 { 0 } else { budget / step };
        ahead.saturating_add(u64::try_from(further).unwrap_or(u64::MAX))
    }
}
