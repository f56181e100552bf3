//! Whether rivals can still keep a candidate from a seat.

use crate::{
    definition::{OptionKind, OptionStatus, Sex},
    seats::{AgainstAll, candidates::Field},
};

/// What each rival of a candidate lacks to be level with it, fewest first: level is enough, since lots may
/// fall to the rival.
#[derive(Debug)]
pub(super) struct Rivals {
    own: u64,
    seats: usize,
    quota: usize,
    women: Vec<u64>,
    men: Vec<u64>,
    /// For whom no quota holds.
    unknown: Vec<u64>,
    /// The candidate's own sex.
    sex: Option<Sex>,
    /// What "against all" lacks to keep the candidate out.
    against: Option<u64>,
}

impl Rivals {
    pub fn of(field: &Field<'_>, at: usize) -> Self {
        let contest = field.contest;
        let own = field.votes[at];
        let lacking = |sex: Option<Sex>| {
            let rivals = contest.options.iter().enumerate().filter(|(other, option)| {
                let stands = option.status == OptionStatus::Active && option.kind != OptionKind::AgainstAll;
                *other != at && stands && option.sex == sex
            });
            let mut lacking: Vec<u64> =
                rivals.map(|(other, _)| own.saturating_sub(field.votes[other])).collect();
            lacking.sort_unstable();
            lacking
        };
        let first = field.votes.iter().copied().max().unwrap_or(0);
        let against = field.against_all.and_then(|votes| match contest.against_all() {
            AgainstAll::First => Some((first + 1).saturating_sub(votes)),
            AgainstAll::Above => Some(own.saturating_sub(votes)),
            AgainstAll::Ignored => None,
        });
        Self {
            own,
            seats: whole(contest.seats),
            quota: contest.rules.max_one_sex.map_or(usize::MAX, whole),
            women: lacking(Some(Sex::F)),
            men: lacking(Some(Sex::M)),
            unknown: lacking(None),
            sex: contest.options[at].sex,
            against,
        }
    }

    /// Whether the candidate is elected whoever so many further ballots are for. It is kept out by as many of
    /// its own sex as the quota allows, or by as many as there are seats, of each sex no more than that.
    pub fn cannot_stop(&self, most: u64) -> bool {
        let within = |cost: u64| cost <= most;
        if self.own == 0 || self.against.is_some_and(within) {
            return false;
        }
        let cheapest = |group: &[u64], count: usize| {
            group.get(..count).map(|lacking| lacking.iter().copied().fold(0, u64::saturating_add))
        };
        let own_sex = match self.sex {
            Some(Sex::F) => Some(&self.women),
            Some(Sex::M) => Some(&self.men),
            None => None,
        };
        if own_sex.is_some_and(|rivals| cheapest(rivals, self.quota).is_some_and(within)) {
            return false;
        }
        for women in 0..=self.women.len().min(self.quota).min(self.seats) {
            for men in 0..=self.men.len().min(self.quota).min(self.seats - women) {
                let parts = [
                    cheapest(&self.women, women),
                    cheapest(&self.men, men),
                    cheapest(&self.unknown, self.seats - women - men),
                ];
                let cost = parts.into_iter().try_fold(0u64, |sum, part| sum.checked_add(part?));
                if cost.is_some_and(within) {
                    return false;
                }
            }
        }
        true
    }
}

fn whole(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
