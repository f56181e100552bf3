//! What is said of outstanding ballots, against every way in which they can fall.

use proptest::prelude::*;

use super::*;

/// Every way to add at most `most` ballots to `kinds` kinds of them.
fn completions(kinds: usize, most: u64) -> Vec<Vec<u64>> {
    if kinds == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for here in 0..=most {
        for mut rest in completions(kinds - 1, most - here) {
            rest.push(here);
            all.push(rest);
        }
    }
    all
}

pub(super) fn add(figures: &SourceFigures, more: &[u64]) -> SourceFigures {
    let mut after = figures.clone();
    let bump = |count: &mut Count, more: u64| *count = Count::new(count.get() + more);
    after.votes.iter_mut().zip(more).for_each(|(votes, more)| bump(votes, *more));
    bump(&mut after.invalid, more[figures.votes.len()]);
    bump(&mut after.ballots, more.iter().sum());
    after
}

/// Each allocation that outstanding ballots can lead to: all ways for all regions where there are any.
fn ends(tallied: &Tallied<'_>) -> Vec<Allocation> {
    let kinds = tallied.figures.votes.len() + 1;
    let settle = |tallied: &mut Tallied<'_>| {
        tallied.outstanding = Outstanding::Ballots(Count::ZERO);
        tallied.regions.iter_mut().for_each(|region| region.outstanding = Outstanding::Ballots(Count::ZERO));
    };
    let mut before = vec![tallied.clone()];
    let parts: Vec<Option<usize>> = match tallied.regions.len() {
        0 => vec![None],
        regions => (0..regions).map(Some).collect(),
    };
    for part in parts {
        let of = part.map_or(tallied.outstanding, |at| tallied.regions[at].outstanding);
        let ways = completions(kinds, of.most().unwrap());
        before = before
            .into_iter()
            .flat_map(|held| {
                ways.iter().map(move |more| {
                    let mut after = held.clone();
                    after.figures = add(&held.figures, more);
                    if let Some(at) = part {
                        after.regions[at].figures = add(&held.regions[at].figures, more);
                    }
                    after
                })
            })
            .collect();
    }
    before
        .into_iter()
        .map(|mut end| {
            settle(&mut end);
            allocate(&end, &Lots::default())
        })
        .collect()
}

/// Nothing that is said to be out of reach is reached.
fn holds(tallied: &Tallied<'_>) -> Result<(), TestCaseError> {
    let now = allocate(tallied, &Lots::default());
    for end in ends(tallied) {
        for (now, end) in now.options.iter().zip(&end.options) {
            prop_assert!(now.bounds.0 <= end.bounds.0 && end.bounds.1 <= now.bounds.1, "{now:?} → {end:?}");
            for (now, end) in now.hurdles.iter().zip(&end.hurdles) {
                prop_assert!(!now.decided || now.met == end.met, "{now:?} → {end:?}");
            }
        }
        if now.decided {
            let second =
                |of: &Allocation| of.options.iter().map(|option| option.second_round).collect::<Vec<_>>();
            prop_assert_eq!((now.result, seats(&now), second(&now)), (end.result, seats(&end), second(&end)));
        }
        if let (Some(now), Some(end)) = (&now.turnout, &end.turnout) {
            prop_assert!(!now.decided || now.met == end.met);
        }
    }
    Ok(())
}

/// The bounds are reached: they are no wider than they have to be.
fn is_exact(tallied: &Tallied<'_>) -> Result<(), TestCaseError> {
    let now = allocate(tallied, &Lots::default());
    let ends = ends(tallied);
    for at in 0..now.options.len() {
        let least = ends.iter().map(|end| end.options[at].bounds.0).min().unwrap();
        let most = ends.iter().map(|end| end.options[at].bounds.1).max().unwrap();
        prop_assert_eq!(
            now.options[at].bounds,
            (least, most),
            "option {} of {:?}",
            at,
            tallied.figures.votes
        );
    }
    Ok(())
}

/// The fewest votes with which each option has one more seat, by trying one after the other.
fn next_seats_hold(tallied: &Tallied<'_>, tried: u64) -> Result<(), TestCaseError> {
    let now = allocate(tallied, &Lots::default());
    for (at, option) in now.options.iter().enumerate() {
        let with = |more: u64| {
            let mut after = tallied.clone();
            let mut votes = vec![0; tallied.figures.votes.len() + 1];
            votes[at] = more;
            after.figures = add(&tallied.figures, &votes);
            allocate(&after, &Lots::default()).options[at].seats
        };
        let found = (1..=tried).find(|more| with(*more) > option.seats);
        match option.to_next_seat {
            Some(said) if said <= tried => prop_assert_eq!(Some(said), found, "option {}", at),
            Some(said) => prop_assert!(found.is_none(), "option {at}: said {said}, found {found:?}"),
            None if tallied.contest.seat_cap.is_none() && tallied.regions.is_empty() => {
                prop_assert_eq!(found, None, "option {}", at);
            }
            None => {}
        }
    }
    Ok(())
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![Just(Method::Hare), Just(Method::Dhondt), Just(Method::SainteLague)]
}

fn ballot(letters: &'static str, sizes: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letter = (0..letters.len()).prop_map(move |at| letters.as_bytes()[at] as char);
    proptest::collection::vec(letter, sizes).prop_map(|letters| letters.into_iter().collect())
}

prop_compose! {
    pub(super) fn lists()(
        ballot in ballot("ppppPx", 2..5), method in method(), seats in 1u32..9, share in 0u32..4_000,
        national in any::<bool>(), valid in any::<bool>(), cap in proptest::option::of(1u32..6),
        vacant in any::<bool>(), excluded in any::<bool>(),
    ) -> Contest {
        let mut contest = list(method, seats, &ballot);
        contest.threshold.national = national.then_some(share);
        contest.share_of = if valid { ShareOf::ValidVotes } else { ShareOf::VotesCast };
        contest.seat_cap = cap;
        contest.rules.surplus = if vacant { Surplus::Vacant } else { Surplus::Redistribute };
        let withdrawn = if excluded { WithdrawnVotes::Excluded } else { WithdrawnVotes::Valid };
        contest.rules.withdrawn_votes = withdrawn;
        contest
    }
}

prop_compose! {
    fn districts()(
        ballot in ballot("mmffcMx", 2..6), seats in 1u32..4, quota in proptest::option::of(1u32..3),
        waive in any::<bool>(), rule in 0usize..4, president in any::<bool>(), majority in any::<bool>(),
    ) -> Contest {
        let mut contest = district(seats, &ballot);
        contest.rules.max_one_sex = quota.map(|quota| quota.max(seats.div_ceil(2)));
        contest.rules.one_sex_district = if waive { OneSex::Waive } else { OneSex::Vacant };
        contest.rules.against_all =
            [None, Some(AgainstAll::First), Some(AgainstAll::Above), Some(AgainstAll::Ignored)][rule];
        if president && seats == 1 {
            contest.kind = ContestKind::Presidential;
            contest.method = if majority { Method::Majority } else { Method::Plurality };
        }
        contest
    }
}

pub(super) fn votes() -> impl Strategy<Value = Vec<u64>> {
    proptest::collection::vec(prop_oneof![0u64..6, 0u64..60], 6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_said_of_lists_is_ever_wrong(
        contest in lists(), votes in votes(), invalid in 0u64..5, most in 0u64..5
    ) {
        let votes = &votes[..contest.options.len()];
        holds(&counted(&contest, votes, invalid, most))?;
    }

    #[test]
    fn nothing_said_of_lists_with_regions_is_ever_wrong(
        contest in lists(), a in votes(), b in votes(), most in (0u64..3, 0u64..3), share in 0u32..3_000
    ) {
        let mut contest = contest;
        contest.threshold.regional = Some(share);
        let options = contest.options.len();
        let sum: Vec<u64> = a.iter().zip(&b).take(options).map(|(a, b)| a + b).collect();
        let mut tallied = counted(&contest, &sum, 0, most.0 + most.1);
        let region = |name: &str, votes: &[u64], most| Regional {
            unit: name.parse().unwrap(),
            figures: figures(&votes[..options], 0),
            outstanding: Outstanding::Ballots(Count::new(most)),
        };
        tallied.regions = vec![region("region:a", &a, most.0), region("region:b", &b, most.1)];
        holds(&tallied)?;
    }

    #[test]
    fn nothing_said_of_candidates_is_ever_wrong(
        contest in districts(), votes in votes(), invalid in 0u64..5, most in 0u64..5
    ) {
        let votes = &votes[..contest.options.len()];
        holds(&counted(&contest, votes, invalid, most))?;
    }

    #[test]
    fn what_is_said_of_districts_is_as_much_as_can_be_said(
        contest in districts(), votes in votes(), most in 0u64..5
    ) {
        let mut contest = contest;
        contest.kind = ContestKind::MultiMember;
        contest.method = Method::Plurality;
        contest.rules.one_sex_district = OneSex::Vacant;
        let votes = &votes[..contest.options.len()];
        is_exact(&counted(&contest, votes, 0, most))?;
    }

    #[test]
    fn nothing_said_of_a_referendum_is_ever_wrong_and_all_is_said(
        votes in votes(), invalid in 0u64..5, most in 0u64..8, turnout in proptest::option::of(0u32..10_001),
        majority in any::<bool>(), absent in 0u64..40
    ) {
        let method = if majority { Method::Majority } else { Method::Plurality };
        let mut contest = contest(ContestKind::Referendum, method, 1, "yn");
        contest.threshold.turnout = turnout;
        let mut tallied = counted(&contest, &votes[..2], invalid, most);
        tallied.registered = Count::new(tallied.registered.get() + absent);
        holds(&tallied)?;
        prop_assume!(tallied.figures.ballots.get() > 0);
        is_exact(&tallied)?;
    }

    #[test]
    fn the_votes_to_the_next_seat_are_the_fewest(contest in lists(), votes in votes(), invalid in 0u64..5) {
        let votes = &votes[..contest.options.len()];
        next_seats_hold(&counted(&contest, votes, invalid, 0), 80)?;
    }

    #[test]
    fn the_votes_to_a_seat_of_a_district_are_the_fewest(contest in districts(), votes in votes()) {
        let votes = &votes[..contest.options.len()];
        next_seats_hold(&counted(&contest, votes, 0, 0), 80)?;
    }
}

prop_compose! {
    /// Many ballots outstanding, and some of the ways in which they can fall: all for one, or for two, or spread.
    fn large()(
        votes in proptest::collection::vec(0u64..40_000, 6), most in 1u64..6_000, method in method(),
        ways in proptest::collection::vec((proptest::collection::vec(0u64..100, 7), 0u64..101), 12),
        share in 0u32..1_500,
    ) -> (Contest, Vec<u64>, u64, Vec<Vec<u64>>) {
        let mut contest = list(method, 54, "pppppp");
        contest.threshold.national = Some(share);
        let spread = |(parts, turnout): &(Vec<u64>, u64)| {
            let sum = parts.iter().sum::<u64>().max(1);
            parts.iter().map(|part| most * turnout / 100 * part / sum).collect::<Vec<u64>>()
        };
        let mut ways: Vec<Vec<u64>> = ways.iter().map(spread).collect();
        for (first, second) in (0..7).flat_map(|first| (0..7).map(move |second| (first, second))) {
            let mut way = vec![0; 7];
            way[first] += most / 2;
            way[second] += most - most / 2;
            ways.push(way);
        }
        (contest, votes, most, ways)
    }
}

proptest! {
    #[test]
    fn nothing_said_of_many_votes_is_wrong((contest, votes, most, ways) in large()) {
        let tallied = counted(&contest, &votes, 100, most);
        let now = allocate(&tallied, &Lots::default());
        for way in ways {
            let mut end = tallied.clone();
            end.figures = add(&tallied.figures, &way);
            end.outstanding = Outstanding::Ballots(Count::ZERO);
            let end = allocate(&end, &Lots::default());
            for (now, end) in now.options.iter().zip(&end.options) {
                prop_assert!(now.bounds.0 <= end.bounds.0 && end.bounds.1 <= now.bounds.1, "{now:?} → {end:?}");
            }
        }
    }
}

/// What is said is worth saying: with a hundredth of the ballots outstanding most seats of most lists are known.
#[test]
fn close_to_the_end_most_is_decided() {
    let contest = list(Method::Hare, 54, "pppppp");
    let votes = [222_005, 174_470, 141_009, 106_955, 90_223, 79_025];
    let told = |most| {
        let told = allocate(&counted(&contest, &votes, 0, most), &Lots::default());
        told.options.iter().filter(|option| option.bounds.0 == option.bounds.1).count()
    };
    assert_eq!([told(0), told(2_000), told(8_000), told(30_000)], [6, 6, 1, 0]);
}
