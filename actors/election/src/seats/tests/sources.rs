//! From a definition and the figures of its units.

use std::collections::BTreeMap;

use super::*;
use crate::{
    builder::Builder,
    definition::{About, ContestIx, Counting, Definition, PlaceName, Precinct, PrecinctContest, Unit},
    figures::{Figures, Phase},
    ids::PrecinctId,
    report::Digest,
    rollup::{Contributions, empty_units},
    time::Timestamp,
};

/// An election of these contests, units and precincts.
pub(super) fn built(contests: Vec<Contest>, units: Vec<Unit>, precincts: Vec<Precinct>) -> Definition {
    let close = Timestamp::from_millis(43_200_000);
    let builder = Builder {
        about: About {
            id: "e".parse().unwrap(),
            name: Names::default(),
            date: "1970-01-01".into(),
            timezone: "UTC".into(),
            polls_open: Timestamp::from_millis(1),
            polls_close: close,
            publish_votes_from: close,
            kind: "parliamentary".into(),
            test: true,
            age_bands: vec![],
            data_licence: "CC0-1.0".into(),
            limits: Default::default(),
        },
        digest: Digest::NONE,
        contests,
        units,
        precincts,
        devices: Vec::new(),
    };
    builder.build().unwrap()
}

pub(super) fn unit(id: &str, parent: &str) -> Unit {
    Unit { id: id.parse().unwrap(), parent: Some(parent.parse().unwrap()), name: None }
}

/// A precinct in a unit with so many voters, and in these contests with so many.
pub(super) fn precinct(at: usize, parent: &str, registered: u64, contests: &[(usize, u64)]) -> Precinct {
    let voted = |(contest, registered): &(usize, u64)| PrecinctContest {
        contest: ContestIx(u16::try_from(*contest).unwrap()),
        registered: Count::new(*registered),
    };
    Precinct {
        id: PrecinctId::new(u32::try_from(at + 1).unwrap()).unwrap(),
        parent: parent.parse().unwrap(),
        counting: Counting::Urn,
        registered: Count::new(registered),
        position: None,
        name: PlaceName::default(),
        address: String::new(),
        phone: String::new(),
        polls_close: Timestamp::from_millis(43_200_000),
        contests: contests.iter().map(voted).collect(),
    }
}

/// Three precincts in two regions, and one abroad.
fn definition(contest: Contest, registered: [u64; 4]) -> Definition {
    let units = vec![
        unit("region:a", "country"),
        unit("region:b", "country"),
        unit("raion:a", "region:a"),
        unit("raion:b", "region:b"),
    ];
    let parents = ["raion:a", "raion:a", "raion:b", "abroad"];
    let here = |(at, voters): (usize, u64)| precinct(at, parents[at], voters, &[(0, voters)]);
    built(vec![contest], units, registered.into_iter().enumerate().map(here).collect())
}

/// What a precinct adds: votes by urns and by protocol, where it has them.
fn reported(definition: &Definition, number: u32, urns: Option<&[u64]>, protocol: Option<&[u64]>) -> Figures {
    let entry = &definition.precincts()[&PrecinctId::new(number).unwrap()];
    let mut here = Figures::empty([(ContestIx(0), definition.contest(ContestIx(0)).options.len())]);
    here.phases[Phase::Counting as usize] = 1;
    here.contests[0].precincts = 1;
    here.contests[0].registered = entry.registered;
    let source = |votes: Option<&[u64]>| {
        let mut source = figures(votes.unwrap_or(&[0, 0]), 0);
        if votes.is_some() {
            (source.precincts, source.registered) = (1, entry.registered);
        }
        source
    };
    (here.contests[0].urns, here.contests[0].protocols) = (source(urns), source(protocol));
    here
}

fn sums(definition: Definition, precincts: &[Figures]) -> BTreeMap<UnitId, Figures> {
    let definition = std::sync::Arc::new(definition);
    let mut contributions = Contributions::new(std::sync::Arc::clone(&definition));
    assert_eq!(empty_units(&definition).len(), 6);
    for (number, figures) in (1..).zip(precincts) {
        contributions.put(PrecinctId::new(number).unwrap(), figures.clone());
    }
    contributions.sums().unwrap()
}

#[test]
fn each_source_has_its_own_reported_counts_seats_and_margins() {
    let mut contest = list(Method::Hare, 4, "pp");
    contest.threshold.regional = Some(50);
    let definition = definition(contest, [100, 200, 300, 50]);
    let precincts = [
        reported(&definition, 1, Some(&[60, 10]), Some(&[10, 60])),
        reported(&definition, 2, Some(&[100, 50]), None),
        reported(&definition, 3, Some(&[50, 20]), None),
        reported(&definition, 4, None, None),
    ];
    let units = sums(definition.clone(), &precincts);
    let told = |source| {
        let tallied = definition.tallied(ContestIx(0), source, |id| units.get(id)).unwrap();
        let allocation = allocate(&tallied, &Lots::default());
        (SeatsView::new(&tallied, &allocation), tallied.regions.len())
    };
    let (urns, regions) = told(Source::Urns);
    assert_eq!(regions, 2, "abroad is no region");
    assert_eq!(urns.reported.precincts, Fraction { numerator: 3, denominator: 4 });
    assert_eq!((urns.reported.registered.numerator, urns.reported.outstanding), (600, Some(50)));
    assert_eq!((urns.options[0].seats, urns.options[1].seats), (3, 1));
    let (protocols, _) = told(Source::Protocols);
    assert_eq!((protocols.reported.outstanding, protocols.ballots), (Some(550), 70));
    assert_eq!((protocols.options[0].seats, protocols.options[1].seats), (1, 3));
    assert!(!protocols.decided);
}

#[test]
fn a_precinct_without_a_number_of_voters_leaves_all_open_until_it_reports() {
    let definition = definition(list(Method::Hare, 4, "pp"), [100, 200, 300, 0]);
    let all = |abroad: Option<&[u64]>| {
        let precincts = [
            reported(&definition, 1, Some(&[60, 10]), None),
            reported(&definition, 2, Some(&[60, 10]), None),
            reported(&definition, 3, Some(&[60, 10]), None),
            reported(&definition, 4, abroad, None),
        ];
        let units = sums(definition.clone(), &precincts);
        let tallied = definition.tallied(ContestIx(0), Source::Urns, |id| units.get(id)).unwrap();
        (tallied.outstanding, allocate(&tallied, &Lots::default()).decided)
    };
    assert_eq!(all(None), (Outstanding::Unbounded, false));
    assert_eq!(all(Some(&[5, 5])), (Outstanding::Ballots(Count::ZERO), true));
}

#[test]
fn ballots_cast_outside_premises_leave_the_urns_open_where_only_protocols_hold_them() {
    let mut contest = list(Method::Hare, 4, "pp");
    contest.rules.outside_premises = OutsidePremises::Protocols;
    let definition = definition(contest, [100, 200, 300, 50]);
    let precincts: Vec<Figures> =
        (1..=4).map(|number| reported(&definition, number, Some(&[20, 10]), Some(&[25, 12]))).collect();
    let units = sums(definition.clone(), &precincts);
    let outstanding =
        |source| definition.tallied(ContestIx(0), source, |id| units.get(id)).unwrap().outstanding;
    assert_eq!(outstanding(Source::Urns), Outstanding::Ballots(Count::new(650 - 120)));
    assert_eq!(outstanding(Source::Protocols), Outstanding::Ballots(Count::ZERO));
}

#[test]
fn a_contest_whose_unit_is_not_given_has_no_tally() {
    let definition = definition(list(Method::Hare, 4, "pp"), [1, 1, 1, 1]);
    assert!(definition.tallied(ContestIx(0), Source::Urns, |_| None).is_none());
}
