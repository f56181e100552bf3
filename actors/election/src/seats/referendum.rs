//! Yes or no.

use crate::{
    count::Count,
    definition::{Method, OptionKind},
    seats::{
        Tallied,
        allocation::{Allocation, Fraction, Hurdle, OptionResult, Outcome, WHOLE, is_decided},
    },
};

/// `referendum` (DOMAIN "Contests": yes or no, with a turnout threshold in the definition): yes needs more votes
/// than no, or with the method `majority` more than half of what shares are of. The threshold is of all who
/// may vote, reported or not.
pub(super) fn allocate(tallied: &Tallied<'_>) -> Allocation {
    let contest = tallied.contest;
    let sum = |kind| {
        let of_kind = tallied.options().filter(|at| contest.options[*at].kind == kind);
        of_kind.map(|at| tallied.votes(at)).fold(0, u64::saturating_add)
    };
    let answer = Answer {
        yes: sum(OptionKind::Yes),
        no: sum(OptionKind::No),
        of: tallied.denominator(),
        majority: contest.method == Method::Majority,
    };
    let most = tallied.outstanding.most();
    let turnout = contest.threshold.turnout.map(|needs| turnout(tallied, needs));
    let met = turnout.as_ref().is_none_or(|hurdle| hurdle.met);
    let reachable = turnout.as_ref().is_none_or(|hurdle| hurdle.met || !hurdle.decided);
    let result = match () {
        () if tallied.figures.ballots.is_zero() => Outcome::NoVotes,
        () if !met => Outcome::TurnoutTooLow,
        () if answer.accepts(0, 0) => Outcome::Accepted,
        () => Outcome::Rejected,
    };
    let all = most.unwrap_or(0);
    let (may_accept, may_reject) = (answer.accepts(all, 0), !answer.accepts(0, all));
    let counted = most.is_some() && met;
    let bounds = |may: bool, other: bool, given: bool| match most {
        Some(0) => (given.into(), given.into()),
        Some(_) => ((counted && !other).into(), (reachable && may).into()),
        None => (0, 1),
    };
    let options = tallied.options().map(|at| {
        let mut option = OptionResult::begin(tallied, at);
        let (given, bounds) = match contest.options[at].kind {
            OptionKind::Yes => {
                let given = result == Outcome::Accepted;
                (given, bounds(may_accept, may_reject, given))
            }
            OptionKind::No => {
                let given = result == Outcome::Rejected;
                (given, bounds(may_reject, may_accept, given))
            }
            _ => (false, (0, 0)),
        };
        option.seats = given.into();
        option.bounds = bounds;
        option
    });
    let options: Vec<OptionResult> = options.collect();
    Allocation {
        result,
        decided: is_decided(result, &options),
        denominator: Count::new(answer.of),
        quota: None,
        vacant: 0,
        turnout,
        options,
        ties: Vec::new(),
    }
}

/// The votes, and what yes needs.
struct Answer {
    yes: u64,
    no: u64,
    of: u64,
    majority: bool,
}

impl Answer {
    /// Whether the answer is yes with so many further votes for yes and for no. Equal votes are a no.
    fn accepts(&self, yes: u64, no: u64) -> bool {
        let [yes, no, all] =
            [(self.yes, yes), (self.no, no), (self.of, yes + no)].map(|(a, b)| u128::from(a) + u128::from(b));
        if self.majority { yes * 2 > all } else { yes > no }
    }
}

/// Ballots as a share of all who may vote: what they are a share of does not grow with them.
fn turnout(tallied: &Tallied<'_>, needs: u32) -> Hurdle {
    let (ballots, of) = (tallied.figures.ballots.get(), tallied.registered.get());
    let least = u64::try_from((u128::from(of) * u128::from(needs)).div_ceil(WHOLE)).unwrap_or(u64::MAX);
    let met = ballots >= least;
    let most = tallied.outstanding.most();
    Hurdle {
        unit: tallied.contest.unit.clone(),
        needs,
        has: Fraction { numerator: ballots, denominator: of },
        met,
        short: Some(least.saturating_sub(ballots)),
        spare: ballots.saturating_sub(least),
        decided: met || most.is_some_and(|most| ballots.saturating_add(most) < least),
    }
}
