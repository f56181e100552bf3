//! Q: can a report be counted without a person looking at it?
//!
//! Every count is below 10^9 here (F03 was checked), so sums cannot pass 2^64.

use std::time::Duration;

use crate::{
    count::Count,
    definition::{Definition, DeviceKind, Precinct as Entry},
    precinct::{judge::Arrived, state::Counted},
    report::{Body, ContestTally, Tally, Turnout},
    rules::Code,
};

/// The first rule that the report breaks. `settled`: people have set what it would count.
pub(super) fn check(
    definition: &Definition,
    precinct: &Entry,
    device: &Counted,
    settled: bool,
    arrived: &Arrived,
) -> Option<Code> {
    let early = Duration::from_secs(definition.about().limits.early_tolerance_s);
    let is_urn = device.kind == DeviceKind::Urn;
    if is_urn && arrived.arrived + early < precinct.polls_close {
        return Some(Code::Q01);
    }
    match &arrived.report.body {
        Body::OpeningTerminal { identified } => (!identified.is_zero()).then_some(Code::Q04),
        Body::OpeningUrn(tally) => {
            let sums = check_sums(tally).or_else(|| check_registered(definition, precinct, tally));
            sums.or((!is_zero(tally)).then_some(Code::Q04))
        }
        Body::Tally(tally) => {
            let sums = check_sums(tally).or_else(|| check_registered(definition, precinct, tally));
            let second = (settled || device.tally.is_some()).then_some(Code::Q06);
            sums.or(second).or_else(|| check_preferences(tally))
        }
        Body::Turnout(turnout) => check_turnout(device, turnout),
        Body::Closing(turnout) => {
            let down = went_down(device, turnout).then_some(Code::Q05);
            let second = (settled || device.closing().is_some()).then_some(Code::Q06);
            down.or(second).or_else(|| check_breakdown(turnout))
        }
    }
}

/// What no person can let count: figures that contradict themselves (Q02, Q07, Q08).
pub(super) fn senseless(body: &Body) -> Option<Code> {
    match body {
        Body::OpeningTerminal { .. } => None,
        Body::OpeningUrn(tally) | Body::Tally(tally) => {
            check_sums(tally).or_else(|| check_preferences(tally))
        }
        Body::Turnout(turnout) | Body::Closing(turnout) => check_breakdown(turnout),
    }
}

/// Q02: votes + invalid = ballots in each contest, and ballots over all contests = ballots of the body.
fn check_sums(tally: &Tally) -> Option<Code> {
    let adds_up = |of: &ContestTally| sum(of.votes.values()).checked_add(of.invalid) == Some(of.ballots);
    let total = sum(tally.contests.iter().map(|of| &of.ballots));
    (total != tally.ballots || !tally.contests.iter().all(adds_up)).then_some(Code::Q02)
}

/// Q03: one report's ballots of a contest ≤ its registered voters here.
fn check_registered(definition: &Definition, precinct: &Entry, tally: &Tally) -> Option<Code> {
    let over = |of: &ContestTally| {
        let registered = definition.contest_ix(&of.contest).and_then(|ix| precinct.registered_for(ix));
        registered.is_some_and(|registered| of.ballots > registered)
    };
    tally.contests.iter().any(over).then_some(Code::Q03)
}

/// Q07: a ballot marks at most one name on its list.
fn check_preferences(tally: &Tally) -> Option<Code> {
    let over = |of: &ContestTally| {
        of.preferences.iter().any(|(option, numbers)| {
            sum(numbers.values()) > of.votes.get(option).copied().unwrap_or(Count::ZERO)
        })
    };
    tally.contests.iter().any(over).then_some(Code::Q07)
}

fn check_turnout(device: &Counted, turnout: &Turnout) -> Option<Code> {
    went_down(device, turnout).then_some(Code::Q05).or_else(|| check_breakdown(turnout))
}

/// Q05: identified voters are cumulative.
fn went_down(device: &Counted, turnout: &Turnout) -> bool {
    device.last_count().is_some_and(|last| turnout.identified < last.identified)
}

/// Q08: each breakdown sums to its total.
fn check_breakdown(turnout: &Turnout) -> Option<Code> {
    let total = turnout.identified;
    let by_sex = turnout.by_sex.is_some_and(|sex| sum([&sex.f, &sex.m]) != total);
    let by_age = turnout.by_age.as_ref().is_some_and(|ages| sum(ages) != total);
    let by_district = turnout.by_district.as_ref().is_some_and(|of| sum(of.values()) != total);
    (by_sex || by_age || by_district).then_some(Code::Q08)
}

/// Q04: nothing was counted yet.
fn is_zero(tally: &Tally) -> bool {
    tally.ballots.is_zero()
        && tally.contests.iter().all(|of| {
            of.ballots.is_zero()
                && of.invalid.is_zero()
                && of.votes.values().all(|count| count.is_zero())
                && of.preferences.values().flat_map(|numbers| numbers.values()).all(|count| count.is_zero())
        })
}

/// A sum of counts that F03 has bounded.
fn sum<'a>(counts: impl IntoIterator<Item = &'a Count>) -> Count {
    Count::checked_sum(counts.into_iter().copied()).unwrap_or(Count::new(u64::MAX))
}
