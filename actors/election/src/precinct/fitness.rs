//! F: does a report fit the definition?

use std::collections::BTreeSet;

use crate::{
    count::Count,
    definition::{Definition, DeviceKind, Precinct as Entry},
    precinct::state::Counted,
    report::{Body, Tally, Turnout},
    rules::Code,
};

/// The first rule that the body breaks.
pub(super) fn check(
    definition: &Definition,
    precinct: &Entry,
    device: &Counted,
    body: &Body,
) -> Option<Code> {
    match body {
        Body::OpeningUrn(tally) | Body::Tally(tally) => [
            (Code::F01, names_unknown(definition, precinct, tally)),
            (Code::F02, !fits_urn(definition, precinct, device, tally)),
            (Code::F03, counts_of(tally).any(too_large)),
        ],
        Body::OpeningTerminal { identified } => [
            (Code::F01, false),
            (Code::F02, device.kind != DeviceKind::IdTerminal),
            (Code::F03, too_large(*identified)),
        ],
        Body::Turnout(turnout) | Body::Closing(turnout) => [
            (Code::F01, false),
            (Code::F02, !fits_terminal(definition, device, turnout)),
            (Code::F03, breakdown_of(turnout).any(too_large)),
        ],
    }
    .into_iter()
    .find_map(|(code, broken)| broken.then_some(code))
}

fn too_large(count: Count) -> bool {
    count > Count::MAX_REPORTED
}

/// F01: a contest that is not voted here, an option that is not on its ballot, a name that is not on its list.
fn names_unknown(definition: &Definition, precinct: &Entry, tally: &Tally) -> bool {
    tally.contests.iter().any(|of| {
        let Some(ix) = definition.contest_ix(&of.contest).filter(|ix| precinct.registered_for(*ix).is_some())
        else {
            return true;
        };
        let contest = definition.contest(ix);
        let unknown_option =
            of.votes.keys().chain(of.preferences.keys()).any(|id| contest.option(id).is_none());
        unknown_option
            || of.preferences.iter().any(|(id, numbers)| {
                let list = contest.options.iter().find(|option| option.id == *id);
                // A definition without names on a list leaves their numbers open.
                list.is_none_or(|list| {
                    let named = |number| list.candidates.iter().any(|name| name.number == number);
                    !list.candidates.is_empty() && !numbers.keys().all(|number| named(*number))
                })
            })
    })
}

/// F02: an urn names each of its contests once.
fn fits_urn(definition: &Definition, precinct: &Entry, device: &Counted, tally: &Tally) -> bool {
    let expected: BTreeSet<_> =
        precinct.contests.iter().map(|here| here.contest).filter(|ix| device.counts(*ix)).collect();
    let named: BTreeSet<_> =
        tally.contests.iter().filter_map(|of| definition.contest_ix(&of.contest)).collect();
    device.kind == DeviceKind::Urn && named == expected && tally.contests.len() == expected.len()
}

/// F02: a breakdown has as many parts as the definition says.
fn fits_terminal(definition: &Definition, device: &Counted, turnout: &Turnout) -> bool {
    let bands = definition.about().age_bands.len();
    let known_district = |name: &crate::ids::UnitName| {
        definition.units().contains_key(&crate::ids::UnitId::District(name.clone()))
    };
    device.kind == DeviceKind::IdTerminal
        && turnout.by_age.as_ref().is_none_or(|ages| ages.len() == bands)
        && turnout.by_district.as_ref().is_none_or(|districts| districts.keys().all(known_district))
}

fn counts_of(tally: &Tally) -> impl Iterator<Item = Count> {
    let contests = tally.contests.iter().flat_map(|of| {
        let preferences = of.preferences.values().flat_map(|numbers| numbers.values().copied());
        [of.ballots, of.invalid].into_iter().chain(of.votes.values().copied()).chain(preferences)
    });
    std::iter::once(tally.ballots).chain(contests)
}

fn breakdown_of(turnout: &Turnout) -> impl Iterator<Item = Count> {
    let sexes = turnout.by_sex.into_iter().flat_map(|sex| [sex.f, sex.m]);
    let ages = turnout.by_age.iter().flatten().copied();
    let districts = turnout.by_district.iter().flat_map(|districts| districts.values().copied());
    std::iter::once(turnout.identified).chain(sexes).chain(ages).chain(districts)
}
