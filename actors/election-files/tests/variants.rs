//! The small elections of other kinds: read, voted by script, and counted to the seat.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use election::{
    ContestId, Count, Definition, UnitId,
    definition::{Contest, DeviceKind},
    figures::Figures,
    precinct::{Arrived, Precinct},
    record::Observation,
    report::{Body, ContestTally, Digest, Offset, Report, Tally, Verdict},
    rollup::Contributions,
    seats::{Lots, Outcome, SeatsView, Source, allocate},
};
use election_files::load;

fn definition(name: &str) -> Arc<Definition> {
    let dir = format!("{}/../../ops/elections/{name}", env!("CARGO_MANIFEST_DIR"));
    let loaded = load(Path::new(&dir)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.is_empty(), "{:#?}", loaded.warnings);
    assert!(loaded.definition.about().test && loaded.boundaries.len() == 4);
    Arc::new(loaded.definition)
}

/// Counts what each urn reports: the first of a precinct all its votes, the others none. The script gives the
/// votes of a contest's options where so many are registered; `None`: the precinct stays silent.
fn count(
    definition: &Arc<Definition>,
    script: impl Fn(&Contest, u64) -> Option<Vec<u64>>,
) -> BTreeMap<UnitId, Figures> {
    let mut contributions = Contributions::new(Arc::clone(definition));
    for (id, mut precinct) in Precinct::all(definition) {
        let close = precinct.entry().polls_close;
        precinct.observe(&Observation::Clock { reached: close }, close);
        let urns =
            definition.devices().values().filter(|of| of.precinct == Some(id) && of.kind == DeviceKind::Urn);
        for (first, urn) in urns.enumerate().map(|(at, urn)| (at == 0, urn)) {
            let tally = |here: &election::definition::PrecinctContest| {
                let contest = definition.contest(here.contest);
                let votes = script(contest, here.registered.get())?;
                let votes: Vec<u64> = votes.into_iter().map(|votes| if first { votes } else { 0 }).collect();
                Some(ContestTally {
                    contest: contest.id.clone(),
                    ballots: Count::new(votes.iter().sum()),
                    invalid: Count::ZERO,
                    votes: contest
                        .options
                        .iter()
                        .map(|of| of.id.clone())
                        .zip(votes.into_iter().map(Count::new))
                        .collect(),
                    preferences: BTreeMap::new(),
                })
            };
            let Some(contests) = precinct.entry().contests.iter().map(tally).collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            let ballots = Count::checked_sum(contests.iter().map(|of| of.ballots)).unwrap();
            let report = Report {
                election: definition.about().id.clone(),
                precinct: id,
                device: urn.id.clone(),
                seq: 1,
                prev: Digest::NONE,
                at: close,
                body: Body::Tally(Tally { ballots, contests }),
            };
            precinct.take(Arrived {
                offset: Offset(1),
                arrived: close + Duration::from_secs(60),
                digest: Digest([1; 32]),
                report: Arc::new(report),
            });
            let known = precinct.known(&urn.id, 1, Digest([1; 32])).unwrap();
            assert_eq!(known.verdict, Verdict::Accepted, "precinct {id}");
        }
        contributions.put(id, precinct.figures());
    }
    contributions.sums().unwrap()
}

fn seats(definition: &Definition, units: &BTreeMap<UnitId, Figures>, contest: &str) -> SeatsView {
    let ix = definition.contest_ix(&contest.parse::<ContestId>().unwrap()).unwrap();
    let tallied = definition.tallied(ix, Source::Urns, |unit| units.get(unit)).unwrap();
    SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()))
}

fn elected(view: &SeatsView) -> Vec<&str> {
    view.options.iter().filter(|option| option.seats == 1).map(|option| option.option.as_str()).collect()
}

#[test]
fn three_members_are_elected_in_each_district_and_at_most_two_of_one_sex() {
    let definition = definition("kg-demo-three-member");
    // Parts of a hundred voters. In 16 the only woman is c07, in 17 women are c08 and c09.
    let parts = |contest: &Contest| match contest.id.as_str() {
        "multi:16" => vec![9, 8, 7, 6, 5, 4, 1, 2, 3],
        _ => vec![9, 8, 1, 1, 1, 1, 2, 7, 6, 3],
    };
    let votes = |contest: &Contest, registered: u64| {
        parts(contest).into_iter().map(|part| registered * part / 100).collect::<Vec<u64>>()
    };
    let units = count(&definition, |contest, registered| Some(votes(contest, registered)));
    let sixteen = seats(&definition, &units, "multi:16");
    assert_eq!((elected(&sixteen), sixteen.vacant, sixteen.decided), (vec!["c01", "c02", "c07"], 0, true));
    assert_eq!(sixteen.reported.precincts.numerator, 53 + 2, "abroad votes in both districts");
    // What is counted is what the script gave, precinct by precinct.
    let ix = definition.contest_ix(&"multi:16".parse().unwrap()).unwrap();
    let voters = definition.precincts().values().filter_map(|precinct| precinct.registered_for(ix));
    let first: u64 = voters.map(|voters| voters.get() * 9 / 100).sum();
    assert_eq!(sixteen.options[0].votes, first);
    let seventeen = seats(&definition, &units, "multi:17");
    assert_eq!(elected(&seventeen), ["c01", "c02", "c08"]);

    // With some precincts silent the first two are safe, since whoever is outstanding is fewer than their lead.
    let some =
        count(&definition, |contest, registered| (registered > 600).then(|| votes(contest, registered)));
    let sixteen = seats(&definition, &some, "multi:16");
    assert!(sixteen.reported.outstanding.unwrap() > 0 && !sixteen.decided);
    assert_eq!(elected(&sixteen), ["c01", "c02", "c07"]);

    // Where "against all" leads nobody is elected.
    let against = count(&definition, |contest, registered| {
        let mut votes = votes(contest, registered);
        *votes.last_mut().unwrap() = registered * 12 / 100;
        Some(votes)
    });
    let sixteen = seats(&definition, &against, "multi:16");
    assert_eq!((sixteen.result, sixteen.vacant, elected(&sixteen).len()), (Outcome::NoneElected, 3, 0));
}

#[test]
fn a_referendum_needs_three_voters_in_ten_and_more_than_half_of_them() {
    let definition = definition("kg-demo-referendum");
    let told = |yes: u64, no: u64| {
        let units =
            count(&definition, |_, registered| Some(vec![registered * yes / 100, registered * no / 100]));
        seats(&definition, &units, "question")
    };
    let accepted = told(20, 16);
    assert_eq!(
        (accepted.result, elected(&accepted), accepted.decided),
        (Outcome::Accepted, vec!["yes"], true)
    );
    let registered: u64 = definition.registered().get();
    let turnout = accepted.turnout.unwrap();
    assert!(turnout.met && turnout.has.denominator == registered);
    assert_eq!(turnout.spare, accepted.ballots - (registered * 3).div_ceil(10));
    let rejected = told(16, 20);
    assert_eq!((rejected.result, elected(&rejected)), (Outcome::Rejected, vec!["no"]));
    let few = told(20, 9);
    assert_eq!((few.result, few.decided, elected(&few).len()), (Outcome::TurnoutTooLow, true, 0));
}
