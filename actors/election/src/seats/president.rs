//! The president: an absolute majority, or a second round.

use crate::{
    count::Count,
    seats::{
        AgainstAll, Tallied,
        allocation::{Allocation, OptionResult, Outcome, Standing},
        candidates::Field,
        lots::{Lots, Place, Tie, named, option_ix},
    },
};

/// `presidential` with the method `majority` (DOMAIN "Contests"): more than half of what shares are of, otherwise
/// a second round between the first two. (The second round itself is an election with the method `plurality`.)
pub(super) fn allocate(
    tallied: &Tallied<'_>,
    field: &Field<'_>,
    mut options: Vec<OptionResult>,
    lots: &Lots,
) -> Allocation {
    let of = tallied.denominator();
    let round = Round { of, field };
    let most = tallied.outstanding.most();
    for (at, option) in options.iter_mut().enumerate().filter(|(_, option)| option.standing == Standing::In) {
        option.seats = round.elects(at).into();
        option.bounds = match most {
            None => (0, 1),
            Some(most) => (round.surely_elects(at, most).into(), round.may_elect(at, most).into()),
        };
        // (v + x)·2 > of + x
        option.to_next_seat = if option.seats > 0 { None } else { (of + 1).checked_sub(2 * field.votes[at]) };
    }
    let mut ties = Vec::new();
    let elected = options.iter().any(|option| option.seats > 0);
    let against = field.against_all_won();
    let mut runners = Vec::new();
    if !elected && !against && of > 0 {
        (runners, ties) = round.runners(lots);
        runners.iter().for_each(|at| options[*at].second_round = true);
    }
    let result = match () {
        () if tallied.figures.ballots.is_zero() => Outcome::NoVotes,
        () if elected => Outcome::Allotted,
        () if !ties.is_empty() => Outcome::Tied,
        () if runners.len() == 2 => Outcome::SecondRound,
        () => Outcome::NoneElected,
    };
    let decided = most.is_some_and(|most| match result {
        Outcome::Allotted => options.iter().all(|option| option.bounds.0 == option.bounds.1),
        Outcome::SecondRound => round.surely_second(&runners, most),
        Outcome::NoneElected => most == 0 || round.surely_against(most),
        _ => false,
    });
    Allocation {
        result,
        decided,
        denominator: Count::new(of),
        quota: None,
        vacant: u32::from(!elected),
        turnout: None,
        options,
        ties,
    }
}

/// A round of voting.
struct Round<'a> {
    of: u64,
    field: &'a Field<'a>,
}

impl Round<'_> {
    fn elects(&self, at: usize) -> bool {
        !self.field.against_all_won() && twice(self.field.votes[at]) > self.of.into()
    }

    /// More than half of all there can be.
    fn surely_elects(&self, at: usize, most: u64) -> bool {
        twice(self.field.votes[at]) > u128::from(self.of) + u128::from(most)
    }

    /// More than half when all that is outstanding is for it.
    fn may_elect(&self, at: usize, most: u64) -> bool {
        let own = u128::from(self.field.votes[at]) + u128::from(most);
        own * 2 > u128::from(self.of) + u128::from(most)
    }

    /// The first two, as far as no lots are needed. Who has no votes is none of them.
    fn runners(&self, lots: &Lots) -> (Vec<usize>, Vec<Tie>) {
        let mut order: Vec<usize> =
            (0..self.field.votes.len()).filter(|at| self.field.votes[*at] > 0).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(self.field.votes[*at]), *at));
        let votes = |place: usize| order.get(place).map(|at| self.field.votes[*at]);
        if votes(2).is_none() || votes(1) != votes(2) {
            order.truncate(2);
            return (order, Vec::new());
        }
        let (mut sure, tied): (Vec<usize>, Vec<usize>) =
            order.iter().partition(|at| Some(self.field.votes[**at]) > votes(1));
        let tied: Vec<usize> =
            tied.into_iter().filter(|at| Some(self.field.votes[*at]) == votes(1)).collect();
        let seats = 2 - u32::try_from(sure.len()).unwrap_or(0).min(2);
        let tie = Tie { place: Place::SecondRound, tied: named(&tied), seats };
        match lots.winners(&tie) {
            Some(winners) => {
                sure.extend(tied.into_iter().filter(|at| winners.contains(&option_ix(*at).0.into())));
                (sure, Vec::new())
            }
            None => (sure, vec![tie]),
        }
    }

    /// Nobody can have the majority, nobody else can be level with the second, and "against all" cannot win.
    fn surely_second(&self, runners: &[usize], most: u64) -> bool {
        let votes = &self.field.votes;
        let majority = (0..votes.len()).any(|at| votes[at] > 0 && self.may_elect(at, most));
        let fewest = runners.iter().map(|at| votes[*at]).min().unwrap_or(0);
        let others = (0..votes.len()).filter(|at| !runners.contains(at) && self.stands(*at));
        let level = others.map(|at| votes[at].saturating_add(most)).any(|votes| votes >= fewest);
        let first = votes.iter().copied().max().unwrap_or(0);
        let against = self.field.contest.against_all() == AgainstAll::First
            && self.field.against_all.is_some_and(|votes| votes.saturating_add(most) > first);
        most == 0 || !(majority || level || against)
    }

    /// "Against all" keeps more votes than any candidate can have.
    fn surely_against(&self, most: u64) -> bool {
        let best = self.field.votes.iter().map(|votes| votes.saturating_add(most)).max().unwrap_or(most);
        self.field.contest.against_all() == AgainstAll::First
            && self.field.against_all.is_some_and(|votes| votes > best)
    }

    fn stands(&self, at: usize) -> bool {
        use crate::definition::{OptionKind, OptionStatus};
        let option = &self.field.contest.options[at];
        option.status == OptionStatus::Active && option.kind != OptionKind::AgainstAll
    }
}

fn twice(votes: u64) -> u128 {
    u128::from(votes) * 2
}
