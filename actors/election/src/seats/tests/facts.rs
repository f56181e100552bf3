//! DOMAIN "Facts to test against": announced figures from announced counts, through the roll-up and the seats.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::{
    brute::{lists, votes},
    lists::{VOTES_2021, of_2021},
    sources::{built, precinct, unit},
    *,
};
use crate::{
    definition::{ContestIx, Definition},
    figures::{Figures, Phase},
    hand_count::{Form, Unbalanced},
    precinct::Precinct,
    record::CorrectedTally,
    rollup::Contributions,
};

/// The voters on the districts' lists of 2021, and on the list contest's, which those abroad vote on, too.
const HOME_2021: u64 = 3_619_292;
const ALL_2021: u64 = 3_703_420;
const VOTERS_2025: u64 = 4_294_243;

/// A fraction in percent, rounded to the nearest as announcements are.
fn percent(of: Fraction, decimals: u32) -> String {
    let (part, whole) = (u128::from(of.numerator), u128::from(of.denominator));
    let scale = 10_u128.pow(decimals);
    let rounded = (part * 100 * scale * 2 + whole) / (whole * 2);
    match decimals {
        0 => rounded.to_string(),
        _ => format!("{}.{:0width$}", rounded / scale, rounded % scale, width = decimals as usize),
    }
}

/// What one of so many parts has of a whole that is shared out evenly.
fn part(whole: u64, parts: u64, at: usize) -> u64 {
    let at = u64::try_from(at).unwrap();
    whole / parts + u64::from(at < whole % parts)
}

/// Nine regions, and so many districts.
fn units(districts: usize) -> Vec<crate::definition::Unit> {
    let regions = (0..9).flat_map(|at| {
        [unit(&format!("region:r{at}"), "country"), unit(&format!("raion:r{at}"), &format!("region:r{at}"))]
    });
    regions.chain((1..=districts).map(|at| unit(&format!("district:{at}"), "country"))).collect()
}

fn in_district(at: usize, seats: u32) -> Contest {
    let mut contest = district(seats, "mfx");
    contest.id = format!("district:{at}").parse().unwrap();
    contest.unit = format!("district:{at}").parse().unwrap();
    contest
}

/// 2021: the list everywhere, 36 districts at home; 2,435 precincts there and 59 abroad.
fn country_of_2021() -> Arc<Definition> {
    let contests = [of_2021().0].into_iter().chain((1..=36).map(|at| in_district(at, 1))).collect();
    let here = |at: usize| match at.checked_sub(2_435) {
        None => {
            let voters = part(HOME_2021, 2_435, at);
            precinct(at, &format!("raion:r{}", at % 9), voters, &[(0, voters), (1 + at % 36, voters)])
        }
        Some(abroad) => {
            let voters = part(ALL_2021 - HOME_2021, 59, abroad);
            precinct(at, "abroad", voters, &[(0, voters)])
        }
    };
    Arc::new(built(contests, units(36), (0..2_494).map(here).collect()))
}

/// 2025: 30 districts of three seats; 2,492 precincts at home, 100 abroad where all districts are voted, and 27
/// remote ones that take the ballots of any district and have no voters of their own.
fn country_of_2025() -> Arc<Definition> {
    let contests = (1..=30).map(|at| in_district(at, 3)).collect();
    let here = |at: usize| {
        let voters = if at < 2_592 { part(VOTERS_2025, 2_592, at) } else { 0 };
        let home = at < 2_492;
        let parent =
            if (2_492..2_592).contains(&at) { "abroad".to_owned() } else { format!("raion:r{}", at % 9) };
        let voted: Vec<(usize, u64)> = match home {
            true => vec![(at % 30, voters)],
            false => (0..30).map(|district| (district, part(voters, 30, district))).collect(),
        };
        precinct(at, &parent, voters, &voted)
    };
    Arc::new(built(contests, units(30), (0..2_619).map(here).collect()))
}

/// The sums of all units when precincts have these figures.
fn rolled(definition: &Arc<Definition>, change: impl Fn(usize, &mut Figures)) -> BTreeMap<UnitId, Figures> {
    let mut contributions = Contributions::new(Arc::clone(definition));
    for (at, (id, precinct)) in Precinct::all(definition).into_iter().enumerate() {
        let mut figures = precinct.figures();
        change(at, &mut figures);
        contributions.put(id, figures);
    }
    contributions.sums().unwrap()
}

fn identified(figures: &mut Figures, people: u64) {
    figures.turnout.identified = Count::new(people);
    (figures.turnout.precincts, figures.turnout.registered) = (1, figures.registered);
}

fn turnout(units: &BTreeMap<UnitId, Figures>) -> Fraction {
    let of = &units[&UnitId::Country].turnout;
    Fraction { numerator: of.identified.get(), denominator: of.registered.get() }
}

/// The part of a precinct in a contest's votes and invalid ballots.
fn part_of(votes: &[u64], invalid: u64, at: usize) -> SourceFigures {
    let votes: Vec<u64> = votes.iter().map(|votes| part(*votes, 2_494, at)).collect();
    figures(&votes, part(invalid, 2_494, at))
}

#[test]
fn each_percentage_that_was_announced_follows_from_the_counts_beside_it() {
    let of_2021 = country_of_2021();
    let at_hour = |people: u64| {
        let units = rolled(&of_2021, |at, figures| {
            if at < 2_435 {
                identified(figures, part(people, 2_435, at));
            }
        });
        turnout(&units)
    };
    let of_2025 = country_of_2025();
    let voted_2025 = rolled(&of_2025, |at, figures| match at < 2_592 {
        true => identified(figures, part(1_584_446, 2_592, at)),
        false => identified(figures, 0),
    });
    let urns = rolled(&of_2021, |at, figures| {
        if at < 2_247 {
            let list = &mut figures.contests[0];
            let mut votes = [0; 22];
            votes[0] = part(1_182_291, 2_247, at);
            list.urns = super::figures(&votes, 0);
            (list.urns.precincts, list.urns.registered) = (1, list.registered);
        }
    });
    let tallied = of_2021.tallied(ContestIx(0), Source::Urns, |id| urns.get(id)).unwrap();
    let view = SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()));
    assert_eq!(view.ballots, 1_182_291);

    let fraction = |numerator, denominator| Fraction { numerator, denominator };
    for (what, has, counts, decimals, announced) in [
        ("2021, 10:00", at_hour(107_852), fraction(107_852, HOME_2021), 2, "2.98"),
        ("2021, 14:00", at_hour(591_797), fraction(591_797, HOME_2021), 2, "16.35"),
        ("2021, 16:00", at_hour(813_176), fraction(813_176, HOME_2021), 2, "22.47"),
        ("2021, urns in", view.reported.precincts, fraction(2_247, 2_494), 2, "90.10"),
        ("2025, voted", turnout(&voted_2025), fraction(1_584_446, VOTERS_2025), 1, "36.9"),
    ] {
        assert_eq!((has, percent(has, decimals).as_str()), (counts, announced), "{what}");
    }
    // Over the voters of the other contest it would be another percentage.
    assert_eq!(percent(fraction(591_797, ALL_2021), 2), "15.98");
}

#[test]
fn voters_differ_by_contest() {
    let definition = country_of_2021();
    let units = rolled(&definition, |_, _| {});
    let country = &units[&UnitId::Country];
    assert_eq!(country.precincts(), 2_494);
    let list = country.contest(ContestIx(0)).unwrap();
    assert_eq!((list.precincts, list.registered.get()), (2_494, ALL_2021));
    let districts = |count: u16, first: u16| {
        let of = |at: u16| {
            let ix = ContestIx(first + at);
            units_of(&units, &definition, ix)
        };
        (0..count).map(of).fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
    };
    assert_eq!(districts(36, 1), (2_435, HOME_2021));
    assert_eq!(units[&UnitId::Abroad].contests.len(), 1, "abroad only the list is voted");
}

/// Precincts and voters of a district's contest.
fn units_of(units: &BTreeMap<UnitId, Figures>, definition: &Definition, ix: ContestIx) -> (u64, u64) {
    let here = units[&definition.contest(ix).unit].contest(ix).unwrap();
    (here.precincts.into(), here.registered.get())
}

/// 2025: voters abroad and in remote precincts count for the districts whose ballots they were given.
#[test]
fn whoever_votes_elsewhere_counts_for_the_district_at_home() {
    let definition = country_of_2025();
    let units = rolled(&definition, |_, _| {});
    let sums = (0..30).map(|at| units_of(&units, &definition, ContestIx(at)));
    let (precincts, voters) = sums.fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    assert_eq!((precincts, voters), (2_492 + (100 + 27) * 30, VOTERS_2025));
    assert_eq!((units[&UnitId::Country].precincts(), definition.registered().get()), (2_619, VOTERS_2025));
    assert_eq!(definition.contests().iter().map(|contest| contest.seats).sum::<u32>(), 90);

    // Nothing says how many vote in a remote precinct: while one is out, no district of it is decided.
    let reported = |last: usize| {
        let units = rolled(&definition, |at, figures| {
            for contest in figures.contests.iter_mut().filter(|_| at < last) {
                contest.urns = super::figures(&[2, 1, 0], 0);
                (contest.urns.precincts, contest.urns.registered) = (1, contest.registered);
            }
        });
        let all = (0..30).map(|at| {
            definition.tallied(ContestIx(at), Source::Urns, |id| units.get(id)).unwrap().outstanding
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(reported(2_618), [Outstanding::Unbounded; 30]);
    assert_eq!(reported(2_619), [Outstanding::Ballots(Count::ZERO); 30]);
}

/// A turnout of 36.9 % as a threshold sees it: 36.89 % is reached, and 36.90 % is not.
#[test]
fn the_turnout_of_2025_lies_between_two_hundredths_of_a_percent() {
    let mut contest = contest(ContestKind::Referendum, Method::Plurality, 1, "yn");
    let mut told = |needs| {
        contest.threshold.turnout = Some(needs);
        let mut tallied = counted(&contest, &[1_584_446, 0], 0, 0);
        tallied.registered = Count::new(VOTERS_2025);
        let hurdle = allocate(&tallied, &Lots::default()).turnout.unwrap();
        (hurdle.met, hurdle.short, hurdle.spare)
    };
    // 36.89 % of 4,294,243 are 1,584,146.2; 36.90 % are 1,584,575.7.
    assert_eq!(told(3_689), (true, Some(0), 299));
    assert_eq!(told(3_690), (false, Some(130), 0));
}

/// 2 December 2021: with 61 % of the hand counts in seven parties passed, and six by the urns. How many votes the
/// seventh had is invented.
#[test]
fn hand_counts_of_a_part_of_the_precincts_stand_beside_the_urns_of_all() {
    let definition = country_of_2021();
    let (contest, by_urns, invalid) = of_2021();
    let mut by_hand = by_urns.clone();
    by_hand[6] += 45_000;
    let units = rolled(&definition, |at, figures| {
        let list = &mut figures.contests[0];
        list.urns = part_of(&by_urns, invalid, at);
        (list.urns.precincts, list.urns.registered) = (1, list.registered);
        if at < 1_522 {
            list.protocols = part_of(&by_hand, invalid - 45_000, at);
            (list.protocols.precincts, list.protocols.registered) = (1, list.registered);
        }
        figures.phases = [0; 6];
        figures.phases[Phase::Reported as usize] = 1;
    });
    let told = |source| {
        let tallied = definition.tallied(ContestIx(0), source, |id| units.get(id)).unwrap();
        assert_eq!(tallied.regions.len(), 9);
        SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()))
    };
    let passed =
        |view: &SeatsView| view.options.iter().filter(|option| option.standing == Standing::In).count();
    let seats = |view: &SeatsView| view.options.iter().map(|option| option.seats).collect::<Vec<_>>();
    let (urns, protocols) = (told(Source::Urns), told(Source::Protocols));
    assert_eq!(percent(urns.reported.precincts, 0), "100");
    assert_eq!(percent(protocols.reported.precincts, 0), "61");
    assert_eq!((passed(&urns), passed(&protocols)), (6, 7));
    assert_eq!(seats(&urns)[..7], [15, 12, 9, 7, 6, 5, 0]);
    assert_eq!((seats(&protocols).iter().sum::<u32>(), seats(&protocols)[6]), (54, 5));
    assert_eq!((urns.decided, protocols.decided), (true, false));
    // Never a mixture: each has its own ballots.
    let by_hand: u64 = (0..1_522).map(|at| part_of(&by_hand, invalid - 45_000, at).ballots.get()).sum();
    assert_eq!((urns.ballots, protocols.ballots), (1_281_500, by_hand));
    assert_eq!(contest.options.len(), urns.options.len());
}

/// The announced shares hold for each number of ballots that was announced between, and for none beside.
#[test]
fn the_shares_of_2021_say_how_many_ballots_there_were() {
    let announced = ["17.32", "13.61", "11.00", "8.35", "7.04", "6.17"];
    let fits = |ballots: &u64| {
        VOTES_2021
            .iter()
            .zip(announced)
            .all(|(votes, share)| percent(Fraction { numerator: *votes, denominator: *ballots }, 2) == share)
    };
    let all: Vec<u64> = (1_280_000..1_283_000).filter(fits).collect();
    assert_eq!(all, (1_281_455..=1_281_665).collect::<Vec<_>>());
}

#[test]
fn the_votes_of_2021_do_not_tell_the_methods_apart_and_the_other_vector_does() {
    let other = [1_454, 1_369, 1_176, 758, 698, 602, 570];
    for (method, of_other) in [
        (Method::Hare, [12, 11, 9, 6, 6, 5, 5]),
        (Method::Dhondt, [12, 11, 10, 6, 6, 5, 4]),
        (Method::SainteLague, [12, 11, 9, 6, 6, 5, 5]),
    ] {
        assert_eq!(
            seats(&of(&list(method, 54, "pppppp"), &VOTES_2021, 0)),
            [15, 12, 9, 7, 6, 5],
            "{method:?}"
        );
        assert_eq!(seats(&of(&list(method, 54, "ppppppp"), &other, 0)), of_other, "{method:?}");
    }
}

/// By press reports shares once added up to more than 150 %.
#[test]
fn votes_of_one_and_a_half_times_the_ballots_are_no_protocol() {
    let tally = |votes: [u64; 2]| CorrectedTally {
        contest: "list".parse().unwrap(),
        ballots: Count::new(100),
        invalid: Count::ZERO,
        votes: [("a", votes[0]), ("b", votes[1])]
            .map(|(option, votes)| (option.parse().unwrap(), Count::new(votes)))
            .into(),
        preferences: Default::default(),
    };
    assert_eq!(Form::of(tally([60, 40])).balance(), Ok(()));
    let told = Form::of(tally([90, 60])).balance();
    assert_eq!(told, Err(Unbalanced::Valid(Count::new(100), Count::new(150))));
}

proptest! {
    /// Of ballots that add up, whatever the contest: no share is over the whole, and all together are not. Votes
    /// that the election takes for none are in no denominator, and so no part of it.
    #[test]
    fn shares_never_add_up_to_more_than_the_whole(
        contest in lists(), votes in votes(), invalid in 0u64..50
    ) {
        let tallied = counted(&contest, &votes[..contest.options.len()], invalid, 0);
        let view = SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()));
        let mut sum = 0;
        for share in view.options.iter().filter_map(|option| option.share) {
            prop_assert_eq!(share.denominator, view.denominator);
            sum += share.numerator;
        }
        prop_assert!(sum <= view.denominator, "{} of {}", sum, view.denominator);
        let rest = if contest.share_of == ShareOf::VotesCast { invalid } else { 0 };
        prop_assert_eq!(sum + rest, view.denominator);
    }
}
