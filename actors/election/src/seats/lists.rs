//! Seats of lists: thresholds, the method, the cap, the names.

use crate::{
    count::Count,
    definition::{Contest, Method},
    seats::{
        Surplus, Tallied,
        allocation::{
            Allocation, Fraction, Hurdle, OptionResult, Outcome, Standing, WHOLE, is_decided, reaches,
        },
        bounds::Prospect,
        claims::House,
        lots::{Lots, Place, Tie, named, option_ix},
        people::List,
        tallied::denominator,
    },
};

/// Seats shared out among lists.
#[derive(Debug)]
struct Shared {
    seats: Vec<u32>,
    tie: Option<Tie>,
    vacant: u32,
    /// Whether a list was held at the cap.
    capped: bool,
}

/// `proportional_open_list` and `council` (DOMAIN "Contests"): the lists that reach every threshold share the
/// seats by the contest's method; for the Hare quota, the sum of their votes ÷ seats, integer parts, then the
/// largest remainders.
pub(super) fn allocate(tallied: &Tallied<'_>, lots: &Lots) -> Allocation {
    let contest = tallied.contest;
    let mut options: Vec<OptionResult> = tallied.options().map(|at| begin(tallied, at)).collect();
    let votes: Vec<u64> = options.iter().map(taking_part).collect();
    let house = House { method: contest.method, seats: contest.seats, votes };
    let shared = share_out(contest, &house, lots);
    let next = NextSeat { tallied, options: &options, house: &house, shared: &shared };
    let next: Vec<Option<u64>> = tallied.options().map(|at| next.of(at)).collect();
    let bounds = bounds(tallied, &options, &shared);
    let mut ties: Vec<Tie> = shared.tie.iter().cloned().collect();
    let total = house.total();
    for (at, option) in options.iter_mut().enumerate() {
        option.seats = shared.seats[at];
        option.bounds = bounds[at];
        option.to_next_seat = next[at];
        option.remainder = remainder(&house, at, total);
        let (elected, tied) = names(tallied, at, option.seats, lots);
        option.elected = elected;
        ties.extend(tied);
    }
    let result = match () {
        () if tallied.figures.ballots.is_zero() => Outcome::NoVotes,
        () if total == 0 => Outcome::NoneElected,
        () if shared.tie.is_none() => Outcome::Allotted,
        () => Outcome::Tied,
    };
    Allocation {
        result,
        decided: is_decided(result, &options),
        denominator: Count::new(tallied.denominator()),
        quota: (contest.method == Method::Hare && total > 0)
            .then_some(Fraction { numerator: total, denominator: contest.seats.into() }),
        vacant: shared.vacant,
        turnout: None,
        options,
        ties,
    }
}

/// An option and the shares that it needs: of the country ≥ 5 % and of each region ≥ 0.5 %, as the definition
/// says (DOMAIN "Contests", `proportional_open_list`).
fn begin(tallied: &Tallied<'_>, at: usize) -> OptionResult {
    let contest = tallied.contest;
    let mut option = OptionResult::begin(tallied, at);
    if option.standing != Standing::In {
        return option;
    }
    if let Some(needs) = contest.threshold.national {
        let most = tallied.outstanding.most();
        let of = tallied.denominator();
        option.hurdles.push(Hurdle::new(contest.unit.clone(), needs, tallied.votes(at), of, most));
    }
    if let Some(needs) = contest.threshold.regional {
        option.hurdles.extend(tallied.regions.iter().map(|region| {
            let votes = region.figures.votes.get(at).map_or(0, |votes| votes.get());
            let of = denominator(contest, &region.figures);
            Hurdle::new(region.unit.clone(), needs, votes, of, region.outstanding.most())
        }));
    }
    if option.votes.is_zero() || option.hurdles.iter().any(|hurdle| !hurdle.met) {
        option.standing = Standing::Below;
    }
    option
}

fn taking_part(option: &OptionResult) -> u64 {
    if option.standing == Standing::In { option.votes.get() } else { 0 }
}

/// Shares out the seats. What becomes of seats above the cap is a parameter (DOMAIN "Contests": no party may
/// take more than half of the seats).
fn share_out(contest: &Contest, house: &House, lots: &Lots) -> Shared {
    let mut house = house.clone();
    let mut shared = Shared { seats: vec![0; house.votes.len()], tie: None, vacant: 0, capped: false };
    loop {
        let award = house.award();
        let tied = |at: &usize| award.tie.as_ref().is_some_and(|(tied, _)| tied.contains(at));
        let cap = contest.seat_cap.unwrap_or(u32::MAX);
        let over: Vec<usize> =
            (0..house.votes.len()).filter(|at| award.seats[*at] + u32::from(tied(at)) > cap).collect();
        shared.capped |= !over.is_empty();
        if over.is_empty() || contest.rules.surplus == Surplus::Vacant {
            settle(&mut shared, award.seats, award.tie, lots);
            if house.total() == 0 {
                shared.vacant = house.seats;
            }
            for seats in shared.seats.iter_mut().filter(|seats| **seats > cap) {
                shared.vacant += *seats - cap;
                *seats = cap;
            }
            return shared;
        }
        for at in over {
            shared.seats[at] = cap;
            house.seats = house.seats.saturating_sub(cap);
            house.votes[at] = 0;
        }
    }
}

fn settle(shared: &mut Shared, seats: Vec<u32>, tie: Option<(Vec<usize>, u32)>, lots: &Lots) {
    shared.seats.iter_mut().zip(seats).for_each(|(sum, more)| *sum += more);
    let Some((tied, seats)) = tie else { return };
    let tie = Tie::new(Place::Seats, named(&tied), seats);
    match lots.winners(&tie) {
        Some(winners) => {
            tied.iter()
                .filter(|at| winners.contains(&option_ix(**at).0.into()))
                .for_each(|at| shared.seats[*at] += 1);
        }
        None => shared.tie = Some(tie),
    }
}

fn remainder(house: &House, at: usize, total: u64) -> Option<Fraction> {
    if house.method != Method::Hare || house.votes[at] == 0 {
        return None;
    }
    let beyond = u128::from(house.votes[at]) * u128::from(house.seats) % u128::from(total);
    Some(Fraction { numerator: u64::try_from(beyond).ok()?, denominator: house.seats.into() })
}

fn names(tallied: &Tallied<'_>, at: usize, seats: u32, lots: &Lots) -> (Vec<super::Elected>, Vec<Tie>) {
    let contest = tallied.contest;
    let names = &contest.options[at].candidates;
    let first = names.first().and_then(|name| contest.preference(option_ix(at), name.number));
    let Some(first) = first.filter(|_| seats > 0) else { return (Vec::new(), Vec::new()) };
    let votes = (first..first + names.len()).map(|place| tallied.figures.preferences.get(place)).collect();
    List { at, names, votes, seats }.elect(&contest.rules, lots)
}

/// The fewest and the most seats of each option. When nothing more can come, only lots are open.
fn bounds(tallied: &Tallied<'_>, options: &[OptionResult], shared: &Shared) -> Vec<(u32, u32)> {
    let contest = tallied.contest;
    let most = tallied.outstanding.most();
    if most == Some(0) {
        let cap = contest.seat_cap.unwrap_or(u32::MAX);
        let tied = |at: usize| shared.tie.as_ref().is_some_and(|tie| tie.names(at));
        let bound = |(at, seats): (usize, &u32)| (*seats, (seats + u32::from(tied(at))).min(cap));
        return shared.seats.iter().enumerate().map(bound).collect();
    }
    let stands = |option: &OptionResult| matches!(option.standing, Standing::In | Standing::Below);
    let may = |option: &OptionResult| {
        stands(option) && option.hurdles.iter().all(|hurdle| hurdle.met || !hurdle.decided)
    };
    let must = |option: &OptionResult| {
        let reached = option.hurdles.iter().all(|hurdle| hurdle.met && hurdle.decided);
        stands(option) && reached && !option.votes.is_zero()
    };
    let votes = options.iter().map(|option| option.votes.get()).collect();
    let house = House { method: contest.method, seats: contest.seats, votes };
    let prospect = Prospect {
        house: &house,
        cap: contest.seat_cap,
        must: options.iter().map(|option| most.is_some() && must(option)).collect(),
        may: options.iter().map(may).collect(),
        most: most.unwrap_or(0),
    };
    match most {
        Some(_) => prospect.bounds(),
        None => prospect.vague(),
    }
}

/// The way of each list to one more seat.
struct NextSeat<'a> {
    tallied: &'a Tallied<'a>,
    options: &'a [OptionResult],
    house: &'a House,
    shared: &'a Shared,
}

impl NextSeat<'_> {
    /// The fewest further votes for a list alone with which it has one more seat. Its votes also raise what
    /// shares are of, so that others fall below the national threshold one after the other: between two such
    /// points its seats only rise. `None` where a regional threshold is missed (it matters where the votes
    /// are), at the cap, and while another list is held at the cap.
    fn of(&self, at: usize) -> Option<u64> {
        let (option, contest) = (&self.options[at], self.tallied.contest);
        let target = self.shared.seats[at] + 1;
        let cap = contest.seat_cap.unwrap_or(u32::MAX).min(contest.seats);
        let stands = matches!(option.standing, Standing::In | Standing::Below);
        if !stands || target > cap || self.shared.capped {
            return None;
        }
        let mut enters = 1;
        for hurdle in option.hurdles.iter().filter(|hurdle| !hurdle.met) {
            if hurdle.unit != contest.unit {
                return None;
            }
            enters = enters.max(hurdle.short?);
        }
        let mut from = enters;
        loop {
            let house = self.with(at, from);
            let held =
                |house: &House| (0..house.votes.len()).any(|other| other != at && house.most(other) > cap);
            if contest.seat_cap.is_some() && held(&house) {
                return None;
            }
            let until = self.next_exit(at, &house, from);
            let has = |more: u64| self.add(&house, at, more - from).has(at, target);
            let end = match until {
                Some(until) => until - 1,
                None => self.enough(from, has)?,
            };
            if has(end) {
                return Some(first(from, end, has));
            }
            from = until?;
        }
    }

    /// The lists that take part when a list has so many more votes.
    fn with(&self, at: usize, more: u64) -> House {
        let mut house = self.house.clone();
        house.votes[at] = self.options[at].votes.get().saturating_add(more);
        if let Some(needs) = self.tallied.contest.threshold.national {
            let of = self.tallied.denominator().saturating_add(more);
            for (other, votes) in house.votes.iter_mut().enumerate() {
                if other != at && !reaches(*votes, of, needs) {
                    *votes = 0;
                }
            }
        }
        house
    }

    fn add(&self, house: &House, at: usize, more: u64) -> House {
        let mut house = house.clone();
        house.votes[at] = house.votes[at].saturating_add(more);
        house
    }

    /// With how many further votes the next other list falls below the national threshold.
    fn next_exit(&self, at: usize, house: &House, from: u64) -> Option<u64> {
        let needs = self.tallied.contest.threshold.national.filter(|needs| *needs > 0)?;
        let exit = |votes: &u64| {
            let holds = u128::from(*votes) * WHOLE / u128::from(needs);
            u64::try_from(holds).ok()?.checked_sub(self.tallied.denominator())?.checked_add(1)
        };
        let others = house.votes.iter().enumerate().filter(|(other, votes)| *other != at && **votes > 0);
        others.filter_map(|(_, votes)| exit(votes)).filter(|exit| *exit > from).min()
    }

    /// A number of votes that is enough; nobody has 2^48.
    fn enough(&self, from: u64, has: impl Fn(u64) -> bool) -> Option<u64> {
        (0..48).map(|power| from.saturating_add(1 << power)).find(|more| has(*more))
    }
}

/// The first number from `low` to `high` that holds, where `high` does and each one after the first.
pub(super) fn first(low: u64, high: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (low, high);
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}
