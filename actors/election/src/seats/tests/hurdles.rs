//! Every share that is needed, against brute force: whether it is reached, the fewest further votes that reach it,
//! and the most that can go elsewhere before it is missed.

use proptest::prelude::*;

use super::{
    brute::{add, lists, votes},
    *,
};

const TRIED: u64 = 40;

/// Shares that elections have, odd ones, and the ends of the range.
fn share() -> impl Strategy<Value = u32> {
    prop_oneof![Just(50), Just(500), Just(3_000), Just(3_333), Just(10_000), 0u32..10_001, 0u32..4_000]
}

/// Whether a part reaches a share of the whole, by the definition of a share.
fn reached(part: u64, whole: u64, needs: u32) -> bool {
    part * 10_000 >= whole * u64::from(needs)
}

/// What shares are of, from the ballots one by one.
fn whole(contest: &Contest, figures: &SourceFigures) -> u64 {
    let counts = |at: usize| {
        contest.rules.withdrawn_votes == WithdrawnVotes::Valid
            || contest.options[at].status == OptionStatus::Active
    };
    let votes = figures.votes.iter().enumerate().filter(|(at, _)| counts(*at));
    let valid: u64 = votes.map(|(_, votes)| votes.get()).sum();
    match contest.share_of {
        ShareOf::VotesCast => valid + figures.invalid.get(),
        ShareOf::ValidVotes => valid,
    }
}

/// The figures in which the hurdle at this place stands: the country's first, where there is one; then the regions'.
fn place<'t>(tallied: &'t mut Tallied<'_>, at: usize) -> &'t mut SourceFigures {
    match at.checked_sub(tallied.contest.threshold.national.is_some().into()) {
        None => &mut tallied.figures,
        Some(region) => &mut tallied.regions[region].figures,
    }
}

/// Whether an option reaches a hurdle in figures that are changed first.
fn met(tallied: &Tallied<'_>, option: usize, hurdle: usize, change: impl FnOnce(&mut SourceFigures)) -> bool {
    let mut after = tallied.clone();
    change(place(&mut after, hurdle));
    allocate(&after, &Lots::default()).options[option].hurdles[hurdle].met
}

/// Whoever else can have votes that stay in what shares are of.
fn another(contest: &Contest, than: usize) -> Option<usize> {
    let active = |at: &usize| contest.options[*at].status == OptionStatus::Active;
    (0..contest.options.len()).find(|at| *at != than && active(at))
}

fn hurdles_hold(tallied: &Tallied<'_>) -> Result<(), TestCaseError> {
    let contest = tallied.contest;
    let now = allocate(tallied, &Lots::default());
    for (at, option) in now.options.iter().enumerate() {
        let stands = !matches!(option.standing, Standing::Withdrawn | Standing::Apart);
        let expected = usize::from(contest.threshold.national.is_some()) + tallied.regions.len();
        prop_assert_eq!(option.hurdles.len(), if stands { expected } else { 0 });
        for (place_of, hurdle) in option.hurdles.iter().enumerate() {
            let mut here = tallied.clone();
            let figures = place(&mut here, place_of).clone();
            let (own, of) = (figures.votes[at].get(), whole(contest, &figures));
            prop_assert_eq!(hurdle.has, Fraction { numerator: own, denominator: of });
            prop_assert_eq!(hurdle.met, reached(own, of, hurdle.needs), "{:?}", hurdle);

            let with = |more: u64| {
                met(tallied, at, place_of, |figures| {
                    let mut votes = vec![0; figures.votes.len() + 1];
                    votes[at] = more;
                    *figures = add(figures, &votes);
                })
            };
            let found = (0..=TRIED).find(|more| with(*more));
            match hurdle.short {
                Some(said) if said <= TRIED => prop_assert_eq!(Some(said), found, "{:?}", hurdle),
                Some(said) => {
                    prop_assert_eq!(found, None, "{:?}", hurdle);
                    prop_assert!(with(said) && !with(said - 1), "{:?}", hurdle);
                }
                // No number of votes makes all of what others have a part of one's own.
                None => prop_assert!(found.is_none() && hurdle.needs == 10_000 && own < of, "{:?}", hurdle),
            }

            let Some(to) = another(contest, at) else { continue };
            let without = |lost: u64| {
                met(tallied, at, place_of, |figures| {
                    figures.votes[at] = Count::new(own - lost);
                    figures.votes[to] = Count::new(figures.votes[to].get() + lost);
                })
            };
            let most = (0..=own).rev().find(|lost| without(*lost)).unwrap_or(0);
            prop_assert_eq!(hurdle.spare, most, "{:?}", hurdle);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn what_is_said_of_the_national_threshold_is_what_trying_finds(
        contest in lists(), share in share(), votes in votes(), invalid in 0u64..5
    ) {
        let mut contest = contest;
        contest.threshold.national = Some(share);
        let votes = &votes[..contest.options.len()];
        hurdles_hold(&counted(&contest, votes, invalid, 0))?;
    }

    #[test]
    fn what_is_said_of_regional_thresholds_is_what_trying_finds(
        contest in lists(), share in share(), a in votes(), b in votes(), invalid in (0u64..5, 0u64..5)
    ) {
        let mut contest = contest;
        contest.threshold.regional = Some(share);
        let options = contest.options.len();
        let sum: Vec<u64> = a.iter().zip(&b).take(options).map(|(a, b)| a + b).collect();
        let mut tallied = counted(&contest, &sum, invalid.0 + invalid.1, 0);
        let region = |name: &str, votes: &[u64], invalid| Regional {
            unit: name.parse().unwrap(),
            figures: figures(&votes[..options], invalid),
            outstanding: Outstanding::Ballots(Count::ZERO),
        };
        // In the third nobody has voted: nothing is missed there.
        let nobody = vec![0; options];
        tallied.regions = vec![
            region("region:a", &a, invalid.0), region("region:b", &b, invalid.1), region("region:c", &nobody, 0),
        ];
        hurdles_hold(&tallied)?;
    }

    #[test]
    fn what_is_said_of_the_turnout_that_is_needed_is_what_trying_finds(
        votes in votes(), invalid in 0u64..5, share in share(), absent in 0u64..60, valid in any::<bool>()
    ) {
        let mut contest = contest(ContestKind::Referendum, Method::Plurality, 1, "yn");
        contest.threshold.turnout = Some(share);
        // Turnout is of voters: what other shares are of makes no difference to it.
        contest.share_of = if valid { ShareOf::ValidVotes } else { ShareOf::VotesCast };
        let mut tallied = counted(&contest, &votes[..2], invalid, 0);
        let ballots = tallied.figures.ballots.get();
        let voters = ballots + absent;
        tallied.registered = Count::new(voters);
        let told = |ballots: u64| {
            let mut after = tallied.clone();
            (after.figures, after.registered) = (figures(&[ballots, 0], 0), Count::new(voters));
            allocate(&after, &Lots::default()).turnout.unwrap()
        };
        let hurdle = allocate(&tallied, &Lots::default()).turnout.unwrap();
        prop_assert_eq!(hurdle.has, Fraction { numerator: ballots, denominator: voters });
        prop_assert_eq!(hurdle.met, reached(ballots, voters, share));
        let found = (0..=voters).find(|more| told(ballots + more).met);
        prop_assert_eq!(hurdle.short, found);
        let spare = (0..=ballots).rev().find(|fewer| told(ballots - fewer).met).unwrap_or(0);
        prop_assert_eq!(hurdle.spare, spare);
    }
}

/// All small cases: votes, what they are of, and shares on both sides of each.
#[test]
fn every_small_threshold_is_told_to_the_vote() {
    for of in 0..=24_u64 {
        for own in 0..=of {
            for needs in [0, 1, 49, 50, 51, 499, 500, 501, 2_500, 3_333, 3_334, 5_000, 6_667, 9_999, 10_000] {
                let hurdle = allocation::Hurdle::new(UnitId::Country, needs, own, of, Some(0));
                let case = format!("{own} of {of} for {needs}");
                assert_eq!(hurdle.met, reached(own, of, needs), "{case}");
                // 9,999 of 10,000 needs 9,999 votes for each that others have.
                let found = (0..=10_000 * 24).find(|more| reached(own + more, of + more, needs));
                assert_eq!(hurdle.short, found, "{case}");
                let spare = (0..=own).rev().find(|lost| reached(own - lost, of, needs)).unwrap_or(0);
                assert_eq!(hurdle.spare, spare, "{case}");
            }
        }
    }
}
