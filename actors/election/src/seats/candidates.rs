//! Seats of persons: districts of one or several seats, and the president.

use crate::{
    count::Count,
    definition::{Contest, ContestKind, Method, OptionKind, Sex},
    seats::{
        AgainstAll, OneSex, Tallied,
        allocation::{Allocation, OptionResult, Outcome, Standing, is_decided},
        lists::first,
        lots::{Lots, Place, Tie, named, option_ix},
        rivals::Rivals,
    },
};

/// Candidates of a contest and their votes.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    pub contest: &'a Contest,
    /// Of each option; 0 for who cannot be elected.
    pub votes: Vec<u64>,
    /// Votes against all, where that is on the ballot.
    pub against_all: Option<u64>,
}

/// Who is elected.
#[derive(Debug, Default)]
pub(super) struct Placed {
    pub elected: Vec<usize>,
    pub ties: Vec<Tie>,
    pub vacant: u32,
}

/// `single_member`, `multi_member` and `presidential` (DOMAIN "Contests").
pub(super) fn allocate(tallied: &Tallied<'_>, lots: &Lots) -> Allocation {
    let contest = tallied.contest;
    let mut options: Vec<OptionResult> =
        tallied.options().map(|at| OptionResult::begin(tallied, at)).collect();
    let field = Field::new(tallied, &options);
    if contest.kind == ContestKind::Presidential && contest.method == Method::Majority {
        return super::president::allocate(tallied, &field, options, lots);
    }
    let placed = field.place(lots);
    let most = tallied.outstanding.most();
    let stands = |option: &OptionResult| option.standing == Standing::In;
    for (at, option) in options.iter_mut().enumerate().filter(|(_, option)| stands(option)) {
        let in_ = placed.elected.contains(&at);
        option.seats = in_.into();
        option.bounds = match most {
            None => (0, 1),
            Some(0) => (in_.into(), (in_ || placed.is_tied(at)).into()),
            Some(most) => {
                let rivals = Rivals::of(&field, at);
                (rivals.cannot_stop(most).into(), field.may_win(at, most).into())
            }
        };
        option.to_next_seat = if in_ { None } else { field.to_seat(at, lots) };
    }
    let against = field.against_all_won();
    let result = match () {
        () if tallied.figures.ballots.is_zero() => Outcome::NoVotes,
        () if against || (placed.elected.is_empty() && placed.ties.is_empty()) => Outcome::NoneElected,
        () if placed.ties.is_empty() => Outcome::Allotted,
        () => Outcome::Tied,
    };
    Allocation {
        result,
        decided: is_decided(result, &options),
        denominator: Count::new(tallied.denominator()),
        quota: None,
        vacant: placed.vacant,
        turnout: None,
        options,
        ties: placed.ties,
    }
}

impl Placed {
    fn is_tied(&self, at: usize) -> bool {
        self.ties.iter().any(|tie| tie.names(at))
    }
}

impl<'a> Field<'a> {
    pub fn new(tallied: &Tallied<'a>, options: &[OptionResult]) -> Self {
        let stands = |option: &OptionResult| match option.standing {
            Standing::In => option.votes.get(),
            _ => 0,
        };
        let against: Vec<u64> = tallied
            .options()
            .filter(|at| tallied.contest.options[*at].kind == OptionKind::AgainstAll)
            .map(|at| tallied.votes(at))
            .collect();
        Self {
            contest: tallied.contest,
            votes: options.iter().map(stands).collect(),
            against_all: (!against.is_empty()).then(|| against.into_iter().fold(0, u64::saturating_add)),
        }
    }

    /// Whether "against all" has more votes than every candidate and so nobody is elected (DOMAIN "Contests",
    /// `single_member`). With as many as the first it has not won.
    pub fn against_all_won(&self) -> bool {
        let first = self.votes.iter().copied().max().unwrap_or(0);
        self.contest.against_all() == AgainstAll::First && self.against_all.is_some_and(|votes| votes > first)
    }

    fn sex(&self, at: usize) -> Option<Sex> {
        self.contest.options[at].sex
    }

    /// The first ones by votes, but of one sex no more than the quota (DOMAIN "Contests", `multi_member`: the
    /// top three, but at most two of one sex). Nobody is elected without a vote.
    pub fn place(&self, lots: &Lots) -> Placed {
        let mut placed = Placed { vacant: self.contest.seats, ..Placed::default() };
        if self.against_all_won() {
            return placed;
        }
        let above = self.contest.against_all() == AgainstAll::Above;
        let enough =
            |votes: u64| votes > 0 && !(above && self.against_all.is_some_and(|against| votes <= against));
        let mut order: Vec<usize> = (0..self.votes.len()).filter(|at| enough(self.votes[*at])).collect();
        order.sort_by_key(|at| (std::cmp::Reverse(self.votes[*at]), *at));
        let mut room = self.room(&order);
        for equal in order.chunk_by(|a, b| self.votes[*a] == self.votes[*b]) {
            let may: Vec<usize> = equal.iter().copied().filter(|at| room.of(self.sex(*at)) > 0).collect();
            self.take(&mut placed, &mut room, &may, lots);
        }
        placed
    }

    /// How many persons of each sex may be elected. Where the quota is waived, the seats that nobody of the
    /// other sex can take are open to both.
    fn room(&self, standing: &[usize]) -> Room {
        let Some(quota) = self.contest.rules.max_one_sex else { return Room::new(u32::MAX) };
        let mut room = Room::new(quota);
        if self.contest.rules.one_sex_district == OneSex::Waive {
            let of = |sex| {
                let number = standing.iter().filter(|at| self.sex(**at) == sex).count();
                u32::try_from(number).unwrap_or(u32::MAX)
            };
            let taken = of(Some(Sex::F)).min(quota).saturating_add(of(Some(Sex::M)).min(quota));
            let left = self.contest.seats.saturating_sub(taken.saturating_add(of(None)));
            room = Room::new(quota.saturating_add(left));
        }
        room
    }

    /// Seats those who have equally many votes, as far as there is room for them.
    fn take(&self, placed: &mut Placed, room: &mut Room, equal: &[usize], lots: &Lots) {
        if placed.vacant == 0 || equal.is_empty() {
            return;
        }
        let groups = [Some(Sex::F), Some(Sex::M), None]
            .map(|sex| equal.iter().copied().filter(|at| self.sex(*at) == sex).collect::<Vec<usize>>());
        let fits = |group: &Vec<usize>| {
            let room = group.first().map_or(0, |at| room.of(self.sex(*at)));
            room.min(u32::try_from(group.len()).unwrap_or(u32::MAX))
        };
        let fitting = groups.each_ref().map(fits);
        if fitting.iter().sum::<u32>() > placed.vacant {
            self.seat(placed, room, equal, placed.vacant, lots);
            return;
        }
        for (group, seats) in groups.iter().zip(fitting) {
            self.seat(placed, room, group, seats, lots);
        }
    }

    /// Seats so many of those tied; lots say who where they are more.
    fn seat(&self, placed: &mut Placed, room: &mut Room, tied: &[usize], seats: u32, lots: &Lots) {
        let all = u32::try_from(tied.len()) == Ok(seats);
        let tie = Tie::new(Place::Seats, named(tied), seats);
        let drawn = if all { None } else { lots.winners(&tie) };
        let winners: Vec<usize> = match drawn {
            _ if all => tied.to_vec(),
            Some(drawn) => {
                tied.iter().copied().filter(|at| drawn.contains(&option_ix(*at).0.into())).collect()
            }
            None => Vec::new(),
        };
        let mut after = room.clone();
        let within = winners.iter().all(|at| after.take(self.sex(*at)));
        if winners.is_empty() || !within {
            if seats > 0 {
                // Whoever wins, so many seats are gone; of a group of one sex also that much of its room.
                let sexes: Vec<Option<Sex>> = tied.iter().map(|at| self.sex(*at)).collect();
                if sexes.iter().all(|sex| *sex == sexes[0]) {
                    (0..seats).for_each(|_| {
                        room.take(sexes[0]);
                    });
                }
                placed.ties.push(tie);
                placed.vacant -= seats;
            }
            return;
        }
        *room = after;
        placed.vacant -= seats;
        placed.elected.extend(winners);
    }

    /// Whether a candidate wins, perhaps by lots, when what is outstanding serves it best: all of it is for it,
    /// since its rank follows from its own votes and from who is ahead of it; or the first candidate is lifted
    /// level with "against all", which would otherwise leave the seats empty, and the rest is for it.
    fn may_win(&self, at: usize, most: u64) -> bool {
        let wins = |field: &Self, more: u64| {
            let mut field = field.clone();
            field.votes[at] = field.votes[at].saturating_add(more);
            let placed = field.place(&Lots::default());
            placed.elected.contains(&at) || placed.is_tied(at)
        };
        if wins(self, most) {
            return true;
        }
        let first = (0..self.votes.len()).max_by_key(|other| self.votes[*other]);
        let lifted = first.zip(self.against_all).and_then(|(first, against)| {
            let left = most.checked_sub(against.checked_sub(self.votes[first])?)?;
            let mut field = self.clone();
            field.votes[first] = against;
            Some((field, left))
        });
        lifted.is_some_and(|(field, left)| wins(&field, left))
    }

    /// The fewest further votes for a candidate alone with which it is elected without lots.
    fn to_seat(&self, at: usize, lots: &Lots) -> Option<u64> {
        let wins = |more: u64| {
            let mut field = self.clone();
            field.votes[at] = field.votes[at].saturating_add(more);
            field.place(lots).elected.contains(&at)
        };
        let ahead = self.votes.iter().copied().max().unwrap_or(0).max(self.against_all.unwrap_or(0));
        let enough = ahead.saturating_add(1).saturating_sub(self.votes[at]).max(1);
        wins(enough).then(|| first(1, enough, wins))
    }
}

/// Seats that persons of each sex may still take.
#[derive(Debug, Clone)]
struct Room {
    women: u32,
    men: u32,
}

impl Room {
    fn new(most: u32) -> Self {
        Self { women: most, men: most }
    }

    fn of(&self, sex: Option<Sex>) -> u32 {
        match sex {
            Some(Sex::F) => self.women,
            Some(Sex::M) => self.men,
            None => u32::MAX,
        }
    }

    /// Takes one place; false where there is none.
    fn take(&mut self, sex: Option<Sex>) -> bool {
        let left = match sex {
            Some(Sex::F) => &mut self.women,
            Some(Sex::M) => &mut self.men,
            None => return true,
        };
        let had = *left > 0;
        *left = left.saturating_sub(1);
        had
    }
}
