//! Thresholds, cap, margins and names of lists.

use super::*;
use crate::{definition::ListCandidate, seats::view::OptionView};

pub(super) const VOTES_2021: [u64; 6] = [222_005, 174_470, 141_009, 106_955, 90_223, 79_025];

/// The list contest of 2021: 21 lists and "against all"; six above 5 % as announced, the others invented below
/// it, 1,281,500 ballots in all.
pub(super) fn of_2021() -> (Contest, Vec<u64>, u64) {
    let mut contest = list(Method::Hare, 54, &format!("{}x", "p".repeat(21)));
    contest.threshold = Threshold { national: Some(500), regional: Some(50), turnout: None };
    contest.seat_cap = Some(27);
    let mut votes = VOTES_2021.to_vec();
    votes.extend((0..15).map(|at| 30_000 - 1_000 * at)); // 345,000
    votes.push(50_000);
    let invalid = 1_281_500 - votes.iter().sum::<u64>();
    (contest, votes, invalid)
}

/// DOMAIN "Facts to test against", 28 November 2021.
#[test]
fn the_seats_of_2021_are_those_announced() {
    let (contest, votes, invalid) = of_2021();
    let told = of(&contest, &votes, invalid);
    assert_eq!(seats(&told)[..7], [15, 12, 9, 7, 6, 5, 0]);
    assert_eq!((told.result, told.decided, told.vacant), (Outcome::Allotted, true, 0));
    assert_eq!(told.quota, Some(Fraction { numerator: 813_687, denominator: 54 }));
    // 222,005·54 = 14·813,687 + 596,652.
    assert_eq!(told.options[0].remainder, Some(Fraction { numerator: 596_652, denominator: 54 }));
    let hurdle = &told.options[5].hurdles[0];
    // 5 % of 1,281,500 are 64,075; 79,025 are 14,950 above it.
    assert_eq!((hurdle.met, hurdle.spare, hurdle.short), (true, 14_950, Some(0)));
    let hurdle = &told.options[6].hurdles[0];
    // (30,000 + x) ÷ (1,281,500 + x) ≥ 5 %: x ≥ 34,075 ÷ 0.95 = 35,868.4.
    assert_eq!((hurdle.met, hurdle.short, hurdle.decided), (false, Some(35_869), true));
    assert_eq!(told.options[6].standing, Standing::Below);
}

/// The announced shares: percent with two decimals, of a denominator between 1,281,454 and 1,281,666.
#[test]
fn the_shares_of_2021_are_those_announced() {
    let announced = [1_732, 1_361, 1_100, 835, 704, 617];
    for denominator in [1_281_455, 1_281_500, 1_281_665] {
        for (votes, share) in VOTES_2021.iter().zip(announced) {
            assert_eq!((votes * 10_000 * 2 + denominator) / (denominator * 2), share, "{votes}");
        }
    }
}

/// DOMAIN "Facts to test against", 2 December 2021: seven passed by the hand counts, six by the urns.
#[test]
fn two_sources_are_two_results() {
    let (contest, mut votes, invalid) = of_2021();
    let urns = of(&contest, &votes, invalid);
    votes[6] = 75_000;
    let mut protocols = counted(&contest, &votes, invalid, 0);
    protocols.source = Source::Protocols;
    let protocols = allocate(&protocols, &Lots::default());
    let passed =
        |told: &Allocation| told.options.iter().filter(|option| option.standing == Standing::In).count();
    assert_eq!((passed(&urns), passed(&protocols)), (6, 7));
    assert_eq!(seats(&protocols).iter().sum::<u32>(), 54);
    assert_eq!(seats(&protocols)[6], 5); // 75,000·54 ÷ 888,687 = 4.56
}

#[test]
fn a_share_is_of_all_ballots_or_of_the_valid_ones() {
    let mut contest = list(Method::Hare, 10, "pp");
    contest.threshold.national = Some(500);
    // 50 of 1,050 ballots are 4.76 %; of 1,000 valid ones exactly 5 %.
    let standing = |contest: &Contest| of(contest, &[950, 50], 50).options[1].standing;
    assert_eq!(standing(&contest), Standing::Below);
    contest.share_of = ShareOf::ValidVotes;
    assert_eq!(standing(&contest), Standing::In);
}

#[test]
fn votes_for_a_withdrawn_list_are_valid_unless_the_election_says_otherwise() {
    let mut contest = list(Method::Hare, 10, "ppP");
    contest.threshold.national = Some(500);
    let told = of(&contest, &[950, 52, 50], 0);
    assert_eq!((told.denominator, told.options[1].standing), (Count::new(1_052), Standing::Below));
    assert_eq!((seats(&told), told.options[2].standing), (vec![10, 0, 0], Standing::Withdrawn));
    contest.rules.withdrawn_votes = WithdrawnVotes::Excluded;
    let told = of(&contest, &[950, 52, 50], 0);
    assert_eq!((told.denominator, told.options[1].standing), (Count::new(1_002), Standing::In));
    assert_eq!(seats(&told), [9, 1, 0]); // 52·10 ÷ 1,002 = 0.519
}

#[test]
fn a_list_needs_its_share_in_each_region() {
    let mut contest = list(Method::Hare, 4, "ppx");
    contest.threshold = Threshold { national: Some(500), regional: Some(50), turnout: None };
    let mut tallied = counted(&contest, &[1_000, 985, 15], 0, 0);
    let region = |name: &str, votes: &[u64]| Regional {
        unit: name.parse().unwrap(),
        figures: figures(votes, 0),
        outstanding: Outstanding::Ballots(Count::ZERO),
    };
    tallied.regions = vec![
        region("region:a", &[980, 15, 5]),
        region("region:b", &[0, 970, 10]),
        region("region:c", &[0, 0, 0]),
    ];
    let told = allocate(&tallied, &Lots::default());
    let met = |at: usize| told.options[at].hurdles.iter().map(|hurdle| hurdle.met).collect::<Vec<_>>();
    assert_eq!((met(0), met(1)), (vec![true, true, false, true], vec![true; 4]));
    assert_eq!(seats(&told), [0, 4, 0]);
    // 0.5 % of 980 are 4.9; with x more of 980 + x: x ≥ 4.9 ÷ 0.995.
    assert_eq!(told.options[0].hurdles[2].short, Some(5));
    assert_eq!(told.options[0].to_next_seat, None, "where its votes are missing matters");
}

#[test]
fn no_list_has_more_than_the_cap_and_the_surplus_goes_where_the_election_says() {
    let mut contest = list(Method::Hare, 54, "ppp");
    contest.seat_cap = Some(27);
    let votes = [700, 200, 100];
    let told = of(&contest, &votes, 0);
    // 27 for the first; the other 27 by 200 : 100.
    assert_eq!((seats(&told), told.vacant), (vec![27, 18, 9], 0));
    contest.rules.surplus = Surplus::Vacant;
    let told = of(&contest, &votes, 0);
    // 37.8, 10.8, 5.4: 38, 11, 5; eleven stay empty.
    assert_eq!((seats(&told), told.vacant), (vec![27, 11, 5], 11));
    contest.rules.surplus = Surplus::Redistribute;
    assert_eq!(
        (seats(&of(&contest, &[700, 0, 0], 0)), of(&contest, &[700, 0, 0], 0).vacant),
        (vec![27, 0, 0], 27)
    );
    // Redistribution can bring the next one to the cap too: 54·0.32 = 17.3, then 54 − 27 of 320 : 10.
    contest.seat_cap = Some(20);
    let told = of(&contest, &[670, 320, 10], 0);
    assert_eq!((seats(&told), told.vacant), (vec![20, 20, 14], 0));
    assert!(told.options.iter().all(|option| option.to_next_seat.is_none()), "unknown while a cap holds");
}

#[test]
fn where_no_list_passes_all_seats_are_empty() {
    let mut contest = list(Method::Hare, 54, "ppx");
    contest.threshold.national = Some(5_000);
    let told = of(&contest, &[40, 40, 30], 0);
    assert_eq!((told.result, told.vacant, seats(&told)), (Outcome::NoneElected, 54, vec![0, 0, 0]));
    assert_eq!(of(&contest, &[0, 0, 0], 0).result, Outcome::NoVotes);
}

#[test]
fn lists_with_equal_remainders_draw_lots() {
    let contest = list(Method::Hare, 3, "pppx");
    let told = of(&contest, &[50, 25, 25, 7], 0); // quota 33 ⅓: 1 and ½, ¾ and ¾
    assert_eq!((seats(&told), told.decided), (vec![1, 1, 1, 0], true));
    let contest = list(Method::Hare, 2, "pppx");
    let told = of(&contest, &[50, 25, 25, 7], 0);
    let tie = Tie { place: Place::Seats, tied: vec![1, 2], seats: 1 };
    assert_eq!(
        (told.result, seats(&told), told.ties.clone()),
        (Outcome::Tied, vec![1, 0, 0, 0], vec![tie.clone()])
    );
    assert_eq!(bounds(&told), [(1, 1), (0, 1), (0, 1), (0, 0)]);
    let lots = Lots::new(vec![Lot { of: tie, winners: vec![2] }]).unwrap();
    let told = allocate(&counted(&contest, &[50, 25, 25, 7], 0, 0), &lots);
    assert_eq!((told.result, seats(&told), told.decided), (Outcome::Allotted, vec![1, 0, 1, 0], true));
}

#[test]
fn the_names_of_a_list_follow_its_seats() {
    let mut contest = contest(ContestKind::Council, Method::Hare, 5, "pp");
    contest.rules.women_share = Some(3_000);
    for option in &mut contest.options {
        let name = |(number, sex)| ListCandidate {
            number,
            name: Names::default(),
            sex,
            status: OptionStatus::Active,
        };
        option.candidates = [(1, Sex::M), (2, Sex::M), (5, Sex::F), (9, Sex::M)].map(name).into();
    }
    let mut tallied = counted(&contest, &[60, 40], 0, 0);
    let list = |at: u16, numbers: &[(u32, u64)], figures: &mut SourceFigures| {
        for (number, votes) in numbers {
            let place = contest.preference(crate::definition::OptionIx(at), *number).unwrap();
            figures.preferences.set(place, Count::new(*votes));
        }
    };
    list(0, &[(1, 10), (2, 30), (5, 1), (9, 12)], &mut tallied.figures);
    list(1, &[(1, 1), (2, 2), (9, 3)], &mut tallied.figures);
    let told = allocate(&tallied, &Lots::default());
    assert_eq!(seats(&told), [3, 2]);
    let names = |at: usize| {
        let elected = told.options[at].elected.iter();
        elected.map(|name| (name.number, name.votes.get(), name.by)).collect::<Vec<_>>()
    };
    // 30 % of 3 and of 2 seats, rounded up, is one woman each, also without a preference vote.
    assert_eq!(names(0), [(5, 1, By::WomenShare), (2, 30, By::Preference), (9, 12, By::Preference)]);
    assert_eq!(names(1), [(5, 0, By::WomenShare), (9, 3, By::Preference)]);
    // Where it is not on record who was preferred, seats are the same, and nobody is named for them.
    let whole = SeatsView::new(&tallied, &told);
    assert!(whole.options.iter().all(|option| option.elected.as_ref().is_some_and(|names| names.len() > 1)));
    tallied.figures.preferences = Default::default();
    let level = allocate(&tallied, &Lots::default());
    assert!(!level.ties.is_empty(), "without preferences names are level");
    let open = SeatsView::new(&tallied, &level).without_names(&contest);
    let nameless = whole.options.into_iter().map(|option| OptionView { elected: None, ..option });
    assert_eq!((open.options, open.ties), (nameless.collect(), vec![]));
}

#[test]
fn the_view_gives_counts_and_fractions() {
    let (contest, votes, invalid) = of_2021();
    let mut tallied = counted(&contest, &votes, invalid, 0);
    tallied.outstanding = Outstanding::Unbounded;
    let view = SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()));
    assert_eq!((view.options.len(), view.reported.outstanding, view.decided), (22, None, false));
    let first = &view.options[0];
    assert_eq!((first.seats, first.seats_least, first.seats_most, first.decided), (15, 0, 27, false));
    assert_eq!(first.share, Some(Fraction { numerator: 222_005, denominator: 1_281_500 }));
    assert_eq!(first.thresholds[0].needs, Fraction { numerator: 500, denominator: 10_000 });
    assert_eq!(
        view.rules.against_all,
        Some(AgainstAll::Ignored),
        "what holds is said, also where it is a default"
    );
    let contest = list(Method::Hare, 2, "ppp");
    let tallied = counted(&contest, &[50, 25, 25], 0, 0);
    let view = SeatsView::new(&tallied, &allocate(&tallied, &Lots::default()));
    let tied: Vec<&str> = view.ties[0].options.iter().map(|id| id.as_str()).collect();
    assert_eq!((view.ties[0].place, tied, view.ties[0].seats), (TiePlace::Seats, vec!["o1", "o2"], 1));
}
