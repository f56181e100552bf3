//! The publish guard lets through what rolls up, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod country;

use std::sync::Arc;

use country::{Night, SMALL};
use election::{Count, UnitId, figures::Figures};
use feed::{Breach, Cut};
use proptest::prelude::*;

/// A rising night: which precinct reports what next.
fn steps() -> impl Strategy<Value = Vec<(u32, u64, bool)>> {
    prop::collection::vec((1u32..=9, 0u64..50, any::<bool>()), 1..24)
}

/// Plays the steps with counts that only rise, and cuts after each `every`.
fn play(steps: &[(u32, u64, bool)], every: usize) -> (Night, Vec<Cut>) {
    let definition = country::definition(SMALL);
    let mut night = Night::new(&definition);
    night.votes = true;
    let (mut identified, mut each) = ([0u64; 10], [0u64; 10]);
    let mut cuts = Vec::new();
    for (at, (number, more, urn)) in steps.iter().enumerate() {
        let ix = *number as usize;
        if *urn {
            each[ix] += more;
            night.report(*number, each[ix]);
        } else {
            identified[ix] += more;
            night.turnout(*number, identified[ix]);
        }
        if at % every == 0 {
            cuts.push(night.cut());
        }
    }
    cuts.push(night.cut());
    (night, cuts)
}

/// Every single count of a unit's figures, by number.
fn spoil(figures: &mut Figures, which: usize) -> bool {
    fn up(count: &mut Count) {
        *count = Count::new(count.get() + 1);
    }
    let mut counts: Vec<&mut Count> = vec![
        &mut figures.registered,
        &mut figures.reported_registered,
        &mut figures.turnout.identified,
        &mut figures.turnout.registered,
    ];
    for contest in &mut figures.contests {
        counts.push(&mut contest.registered);
        for source in [&mut contest.urns, &mut contest.protocols] {
            counts.extend([&mut source.registered, &mut source.ballots, &mut source.invalid]);
            counts.extend(source.votes.iter_mut());
        }
    }
    match counts.into_iter().nth(which) {
        Some(count) => up(count),
        None => return false,
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_rolls_up_and_rises_is_published(steps in steps(), every in 1usize..6) {
        let (night, cuts) = play(&steps, every);
        let feed = country::feed(&night.definition);
        for cut in cuts {
            prop_assert!(feed.publish(cut).is_ok());
        }
    }

    #[test]
    fn one_count_that_is_off_by_one_anywhere_is_refused(
        steps in steps(), at in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()
    ) {
        let (night, mut cuts) = play(&steps, usize::MAX);
        let feed = country::feed(&night.definition);
        let last = cuts.pop().unwrap();
        for cut in cuts {
            feed.publish(cut).unwrap();
        }
        prop_assume!(!last.changes.is_empty());
        let good = feed.current();
        let mut spoiled = last.clone();
        let change = at.get(&spoiled.changes).unit.clone();
        let change = spoiled.changes.iter_mut().find(|of| of.unit == change).unwrap();
        let mut figures = (*change.figures).clone();
        prop_assert!(spoil(&mut figures, which.index(14)));
        change.figures = Arc::new(figures);
        prop_assert!(feed.publish(spoiled).is_err());
        prop_assert_eq!(feed.current().number(), good.number());
        // The true figures put it right.
        prop_assert!(feed.publish(last).is_ok());
    }

    #[test]
    fn a_unit_left_out_of_the_cut_is_refused(number in 1u32..=9, out in any::<prop::sample::Index>()) {
        let definition = country::definition(SMALL);
        let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
        night.turnout(number, 7);
        let mut cut = night.cut();
        let out = out.index(cut.changes.len());
        cut.changes.remove(out);
        let torn = matches!(feed.publish(cut), Err(Breach::NotTheSum { .. }));
        prop_assert!(torn);
    }

    #[test]
    fn no_published_count_of_any_unit_falls(number in 1u32..=9, from in 2u64..100, by in 1u64..100) {
        let by = by.min(from);
        let definition = country::definition(SMALL);
        let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
        night.turnout(number, from);
        feed.publish(night.cut()).unwrap();
        night.turnout(number, from - by);
        let fell = matches!(feed.publish(night.cut()), Err(Breach::Fell { figure: "turnout.identified", .. }));
        prop_assert!(fell);
    }
}

fn refused(unit: &str, by: impl FnOnce(&mut Figures)) -> Breach {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.votes = true;
    night.turnout(1, 10);
    night.report(1, 5);
    let mut cut = night.cut();
    let unit: UnitId = unit.parse().unwrap();
    let change = cut.changes.iter_mut().find(|change| change.unit == unit).unwrap();
    let mut figures = (*change.figures).clone();
    by(&mut figures);
    change.figures = Arc::new(figures);
    feed.publish(cut).unwrap_err()
}

#[test]
fn each_rule_says_where_and_what() {
    let misshapen = refused("precinct:1", |figures| {
        figures.contests.pop();
    });
    assert_eq!(misshapen, Breach::Misshapen("precinct:1".parse().unwrap()));
    let unbalanced = refused("precinct:1", |figures| figures.contests[0].urns.invalid = Count::new(2));
    assert!(unbalanced.to_string().contains("urns of contest 0 in precinct:1"), "{unbalanced}");
    let over = refused("precinct:1", |figures| figures.contests[0].urns.precincts = 2);
    assert!(matches!(over, Breach::OverReported { .. }), "{over}");
    let over = refused("precinct:1", |figures| figures.turnout.precincts = 2);
    assert!(matches!(over, Breach::OverReported { figure: "turnout.precincts", .. }), "{over}");
    let over = refused("precinct:1", |figures| figures.reported_registered = Count::new(1001));
    assert!(matches!(over, Breach::OverReported { figure: "reported.registered", .. }), "{over}");
    for unit in ["raion:r1-1", "region:r1", "district:1", "country"] {
        let torn = refused(unit, |figures| figures.discrepancies += 1);
        assert_eq!(torn, Breach::NotTheSum { unit: unit.parse().unwrap(), figure: "discrepancies" });
    }
}

#[test]
fn votes_that_pass_the_largest_number_are_refused_and_never_wrap() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.turnout(1, 10);
    let mut cut = night.cut();
    for change in &mut cut.changes {
        let mut figures = (*change.figures).clone();
        if let Some(contest) = figures.contests.first_mut() {
            contest.urns.votes[0] = Count::new(u64::MAX);
            contest.urns.invalid = Count::new(1);
            contest.urns.ballots = Count::ZERO;
        }
        change.figures = Arc::new(figures);
    }
    assert!(matches!(feed.publish(cut), Err(Breach::Unbalanced { .. })));
}
