//! Districts, the president, referendums.

use super::*;

#[test]
fn most_votes_win_a_district() {
    let told = of(&district(1, "mfx"), &[300, 301, 90], 9);
    assert_eq!((told.result, seats(&told), told.decided), (Outcome::Allotted, vec![0, 1, 0], true));
    assert_eq!((told.denominator, told.vacant), (Count::new(700), 0));
    assert_eq!(told.options[0].to_next_seat, Some(2), "level would be lots");
    assert_eq!((told.options[1].to_next_seat, told.options[2].to_next_seat), (None, None));
    assert_eq!(told.options[2].standing, Standing::Apart);
}

#[test]
fn where_against_all_has_the_most_votes_nobody_is_elected() {
    let contest = district(1, "mfx");
    let told = of(&contest, &[300, 200, 301], 0);
    assert_eq!((told.result, seats(&told), told.vacant), (Outcome::NoneElected, vec![0, 0, 0], 1));
    assert_eq!(told.options[0].to_next_seat, Some(1), "level with against all it has not lost");
    let level = of(&contest, &[301, 200, 301], 0);
    assert_eq!((level.result, seats(&level)), (Outcome::Allotted, vec![1, 0, 0]));
}

#[test]
fn a_vote_for_the_first_can_bring_in_the_second_where_against_all_leads() {
    let contest = district(2, "mfx");
    let told = |rest| bounds(&allocate(&counted(&contest, &[25, 1, 26], 0, rest), &Lots::default()));
    assert_eq!((told(0), told(1)), (vec![(0, 0); 3], vec![(0, 1), (0, 1), (0, 0)]));
}

#[test]
fn against_all_does_in_several_seats_what_the_election_says() {
    let mut contest = district(3, "mmmfx");
    let votes = [400, 300, 100, 50, 350];
    for (rule, expected) in [
        (None, [1, 1, 1, 0, 0]), // the default: it would win with the most votes
        (Some(AgainstAll::First), [1, 1, 1, 0, 0]),
        (Some(AgainstAll::Above), [1, 0, 0, 0, 0]),
        (Some(AgainstAll::Ignored), [1, 1, 1, 0, 0]),
    ] {
        contest.rules.against_all = rule;
        assert_eq!(seats(&of(&contest, &votes, 0)), expected, "{rule:?}");
    }
    let most = [400, 300, 100, 50, 401];
    contest.rules.against_all = None;
    assert_eq!(of(&contest, &most, 0).result, Outcome::NoneElected);
    contest.rules.against_all = Some(AgainstAll::Ignored);
    assert_eq!(of(&contest, &most, 0).vacant, 0);
}

/// DOMAIN "Facts to test against", 30 November 2025, district 22: 43.30 %, 19.51 % and a third member with
/// 2.94 %, who is in by the sex quota. The others are invented.
#[test]
fn the_third_member_of_three_is_in_by_the_quota() {
    let mut contest = district(3, "mmmmffx");
    contest.rules.max_one_sex = Some(2);
    let told = of(&contest, &[4_330, 1_951, 1_502, 1_120, 294, 293, 310], 200);
    assert_eq!(told.denominator, Count::new(10_000), "so votes are hundredths of a percent");
    assert_eq!((seats(&told), told.vacant, told.decided), (vec![1, 1, 0, 0, 1, 0, 0], 0, true));
    // The third man needs more votes than the second; the other woman more than the first.
    assert_eq!(told.options[2].to_next_seat, Some(1_951 - 1_502 + 1));
    assert_eq!(told.options[5].to_next_seat, Some(2));
}

#[test]
fn a_district_where_one_sex_stands_keeps_the_seat_empty_unless_the_election_says_otherwise() {
    let mut contest = district(3, "mmmmx");
    contest.rules.max_one_sex = Some(2);
    let votes = [40, 30, 20, 10, 5];
    let told = of(&contest, &votes, 0);
    assert_eq!((seats(&told), told.vacant), (vec![1, 1, 0, 0, 0], 1));
    contest.rules.one_sex_district = OneSex::Waive;
    let told = of(&contest, &votes, 0);
    assert_eq!((seats(&told), told.vacant), (vec![1, 1, 1, 0, 0], 0));
    // Waived, it still gives the other sex its seat where somebody stands.
    let mut contest = district(3, "mmmfx");
    contest.rules = SeatRules { max_one_sex: Some(2), one_sex_district: OneSex::Waive, ..contest.rules };
    assert_eq!(seats(&of(&contest, &[40, 30, 20, 1, 5], 0)), [1, 1, 0, 1, 0]);
}

#[test]
fn who_has_withdrawn_is_not_elected_and_the_votes_are_shown() {
    let mut contest = district(1, "Mfm");
    let told = of(&contest, &[500, 300, 200], 0);
    assert_eq!((seats(&told), told.options[0].standing), (vec![0, 1, 0], Standing::Withdrawn));
    assert_eq!((told.options[0].votes, told.denominator), (Count::new(500), Count::new(1_000)));
    contest.rules.withdrawn_votes = WithdrawnVotes::Excluded;
    assert_eq!(of(&contest, &[500, 300, 200], 10).denominator, Count::new(510));
}

#[test]
fn nobody_is_elected_without_a_vote() {
    let told = of(&district(3, "mfm"), &[7, 0, 0], 1);
    assert_eq!((seats(&told), told.vacant), (vec![1, 0, 0], 2));
    let told = of(&district(1, "mf"), &[0, 0], 0);
    assert_eq!((told.result, told.vacant), (Outcome::NoVotes, 1));
    assert_eq!(of(&district(1, "mf"), &[0, 0], 5).result, Outcome::NoneElected);
}

#[test]
fn level_candidates_draw_lots() {
    let contest = district(1, "mfm");
    let told = of(&contest, &[100, 100, 40], 0);
    let tie = Tie { place: Place::Seats, tied: vec![0, 1], seats: 1 };
    assert_eq!((told.result, told.ties.clone(), told.decided), (Outcome::Tied, vec![tie.clone()], false));
    assert_eq!(bounds(&told), [(0, 1), (0, 1), (0, 0)]);
    assert_eq!(told.options[0].to_next_seat, Some(1));
    let lots = Lots::new(vec![Lot { of: tie, winners: vec![1] }]).unwrap();
    let told = allocate(&counted(&contest, &[100, 100, 40], 0, 0), &lots);
    assert_eq!((told.result, seats(&told), told.decided), (Outcome::Allotted, vec![0, 1, 0], true));
    let told = allocate(&counted(&contest, &[101, 100, 40], 0, 0), &lots);
    assert_eq!(seats(&told), [1, 0, 0], "lots hold for the tie they were drawn for");
}

#[test]
fn lots_among_both_sexes_respect_the_quota() {
    let mut contest = district(3, "mmfm");
    contest.rules.max_one_sex = Some(2);
    // After the first man there is room for one of the two level men, and for the woman.
    let told = of(&contest, &[90, 50, 50, 50], 0);
    let tie = Tie { place: Place::Seats, tied: vec![1, 3], seats: 1 };
    assert_eq!((seats(&told), told.ties), (vec![1, 0, 1, 0], vec![tie]));
    // Three level for two seats: whoever draws them, never both men beside the first.
    let mut contest = district(2, "mmf");
    contest.rules.max_one_sex = Some(1);
    let told = of(&contest, &[50, 50, 50], 0);
    let tie = Tie { place: Place::Seats, tied: vec![0, 1], seats: 1 };
    assert_eq!((seats(&told), told.ties), (vec![0, 0, 1], vec![tie]));
    let mut contest = district(2, "mmff");
    contest.rules.max_one_sex = Some(2);
    let tied = counted(&contest, &[50, 50, 50, 50], 0, 0);
    let tie = allocate(&tied, &Lots::default()).ties.remove(0);
    assert_eq!(tie, Tie { place: Place::Seats, tied: vec![0, 1, 2, 3], seats: 2 });
    // One man is seated: the draw of both others settles nothing, and the tie stands.
    let mut contest = district(3, "mmmff");
    contest.rules.max_one_sex = Some(2);
    let tied = counted(&contest, &[90, 50, 50, 50, 50], 0, 0);
    let tie = allocate(&tied, &Lots::default()).ties.remove(0);
    let drawn = |winners| allocate(&tied, &Lots::new(vec![Lot { of: tie.clone(), winners }]).unwrap());
    assert_eq!(drawn(vec![1, 2]).ties, std::slice::from_ref(&tie));
    let settled = drawn(vec![1, 3]);
    assert_eq!((seats(&settled), settled.ties), (vec![1, 1, 0, 1, 0], vec![]));
}

#[test]
fn a_president_needs_more_than_half_of_all_ballots() {
    let contest = contest(ContestKind::Presidential, Method::Majority, 1, "mfmx");
    let told = of(&contest, &[501, 300, 150, 39], 10);
    assert_eq!((told.result, seats(&told), told.decided), (Outcome::Allotted, vec![1, 0, 0, 0], true));
    let told = of(&contest, &[500, 300, 151, 39], 10);
    assert_eq!((told.result, told.vacant, told.decided), (Outcome::SecondRound, 1, true));
    let second: Vec<bool> = told.options.iter().map(|option| option.second_round).collect();
    assert_eq!(second, [true, true, false, false]);
    // 500 + x of 1,000 + x: 501 of 1,001 are more than half.
    assert_eq!(told.options[0].to_next_seat, Some(1));
    assert_eq!(told.options[1].to_next_seat, Some(401));
}

#[test]
fn half_of_the_valid_votes_is_another_half() {
    let mut contest = contest(ContestKind::Presidential, Method::Majority, 1, "mf");
    assert_eq!(of(&contest, &[500, 490], 10).result, Outcome::SecondRound);
    contest.share_of = ShareOf::ValidVotes;
    assert_eq!(of(&contest, &[500, 490], 10).result, Outcome::Allotted);
}

#[test]
fn a_tie_for_the_second_place_of_the_second_round_is_drawn() {
    let contest = contest(ContestKind::Presidential, Method::Majority, 1, "mfmf");
    let told = of(&contest, &[400, 200, 200, 100], 0);
    let tie = Tie { place: Place::SecondRound, tied: vec![1, 2], seats: 1 };
    assert_eq!((told.result, told.ties.clone(), told.decided), (Outcome::Tied, vec![tie.clone()], false));
    assert!(told.options[0].second_round && !told.options[1].second_round);
    let lots = Lots::new(vec![Lot { of: tie, winners: vec![2] }]).unwrap();
    let told = allocate(&counted(&contest, &[400, 200, 200, 100], 0, 0), &lots);
    assert!(told.result == Outcome::SecondRound && told.options[2].second_round && told.decided);
}

#[test]
fn the_second_round_is_won_by_more_votes() {
    let mut contest = contest(ContestKind::Presidential, Method::Plurality, 1, "mfx");
    let told = of(&contest, &[400, 399, 500], 0);
    assert_eq!((told.result, seats(&told)), (Outcome::Allotted, vec![1, 0, 0]));
    contest.rules.against_all = Some(AgainstAll::First);
    assert_eq!(of(&contest, &[400, 399, 500], 0).result, Outcome::NoneElected);
    contest.method = Method::Majority;
    assert_eq!(of(&contest, &[400, 399, 500], 0).result, Outcome::NoneElected, "also in a first round");
}

#[test]
fn a_first_round_with_one_candidate_below_half_elects_nobody() {
    let contest = contest(ContestKind::Presidential, Method::Majority, 1, "mx");
    let told = of(&contest, &[40, 60], 0);
    assert_eq!((told.result, told.vacant), (Outcome::NoneElected, 1));
}

#[test]
fn yes_needs_more_votes_than_no_and_enough_turnout() {
    let mut contest = contest(ContestKind::Referendum, Method::Plurality, 1, "yn");
    assert_eq!(of(&contest, &[51, 50], 0).result, Outcome::Accepted);
    let even = of(&contest, &[50, 50], 0);
    assert_eq!((even.result, seats(&even)), (Outcome::Rejected, vec![0, 1]));
    assert_eq!(of(&contest, &[0, 0], 0).result, Outcome::NoVotes);
    contest.method = Method::Majority; // 51 of 102 ballots is not more than half
    assert_eq!(of(&contest, &[51, 50], 1).result, Outcome::Rejected);

    // 30 % of 1,001 voters are 300.3: 301 ballots.
    contest.threshold.turnout = Some(3_000);
    let told = |ballots: u64, outstanding: u64| {
        let mut tallied = counted(&contest, &[ballots, 0], 0, outstanding);
        tallied.registered = Count::new(1_001);
        allocate(&tallied, &Lots::default())
    };
    let low = told(300, 0);
    assert_eq!((low.result, seats(&low), low.decided), (Outcome::TurnoutTooLow, vec![0, 0], true));
    let hurdle = low.turnout.unwrap();
    assert_eq!((hurdle.met, hurdle.short, hurdle.decided), (false, Some(1), true));
    assert_eq!(hurdle.has, Fraction { numerator: 300, denominator: 1_001 });
    let open = told(300, 1);
    assert_eq!((open.result, open.decided), (Outcome::TurnoutTooLow, false));
    let high = told(301, 300);
    assert_eq!((high.result, high.decided), (Outcome::Accepted, true));
    assert_eq!(high.turnout.unwrap().spare, 0);
}

#[test]
fn a_result_is_decided_when_no_outstanding_ballot_can_change_it() {
    let contest = district(1, "mfx");
    let told = |outstanding| allocate(&counted(&contest, &[100, 60, 10], 0, outstanding), &Lots::default());
    assert_eq!((told(39).decided, bounds(&told(39))), (true, vec![(1, 1), (0, 0), (0, 0)]));
    assert_eq!((told(40).decided, bounds(&told(40))), (false, vec![(0, 1), (0, 1), (0, 0)]));
    let mut unbounded = counted(&contest, &[100, 0, 0], 0, 0);
    unbounded.outstanding = Outstanding::Unbounded;
    let told = allocate(&unbounded, &Lots::default());
    assert_eq!((told.decided, seats(&told)), (false, vec![1, 0, 0]));
}

#[test]
fn a_president_is_decided_by_more_than_half_of_all_there_can_be() {
    let contest = contest(ContestKind::Presidential, Method::Majority, 1, "mfm");
    let told = |votes: &[u64], rest| allocate(&counted(&contest, votes, 0, rest), &Lots::default()).decided;
    assert!(told(&[600, 200, 100], 299) && !told(&[600, 200, 100], 300));
    // Second round between the first two: the third is 50 behind, and 2·(400 + 49) ≤ 1,000 + 49.
    assert!(told(&[400, 325, 275], 49) && !told(&[400, 325, 275], 50));
}
