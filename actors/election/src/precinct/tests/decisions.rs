//! What people may decide about reports and figures, one sentence each.

use super::*;
use crate::{figures::SourceFigures, hand_count::HandCount, seats::Source};

fn at(precinct: &str) -> PrecinctId {
    id(precinct)
}

fn release(precinct: &str, reports: &[u64]) -> Decision {
    let reports = reports.iter().copied().map(Offset).collect();
    decided(Act::Release { precinct: at(precinct), reports })
}

fn refuse(precinct: &str, reports: &[u64]) -> Decision {
    let reports = reports.iter().copied().map(Offset).collect();
    decided(Act::Refuse { precinct: at(precinct), reports })
}

fn set(contest: &str, votes: &[(&str, u64)], invalid: u64) -> CorrectedTally {
    let ContestTally { contest, ballots, invalid, votes, preferences } = line(contest, votes, invalid);
    CorrectedTally { contest, ballots, invalid, votes, preferences }
}

fn correct(precinct: &str, source: Source, tally: CorrectedTally) -> Decision {
    decided(Act::Correct { precinct: at(precinct), source, tally })
}

fn list(precinct: &Precinct) -> SourceFigures {
    precinct.figures().contests[0].urns.clone()
}

/// The report, at a place in the journal of its own.
fn placed(offset: u64, arrived: Arrived) -> Arrived {
    Arrived { offset: Offset(offset), arrived: NIGHT, ..arrived }
}

/// Precinct 2 whose urns have counted 60 + 7 and 30 + 7 votes on the list, and its terminal 110 people.
fn counted() -> (Precinct, Maker) {
    let mut precinct = precinct_at("2", CLOSE);
    let mut terminal = Maker::new("t-2", "2");
    first(&mut precinct, &placed(1, terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO })));
    first(&mut precinct, &placed(2, terminal.make(CLOSE, Body::Closing(turnout(110)))));
    let (mut urn, mut other) = (Maker::new("u-2", "2"), Maker::new("u-2b", "2"));
    for (offset, urn, votes) in [(3, &mut urn, 60), (5, &mut other, 30)] {
        first(&mut precinct, &placed(offset, urn.make(OPEN, Body::OpeningUrn(empty_urn(false)))));
        first(&mut precinct, &placed(offset + 1, urn.make(NIGHT, Body::Tally(list_tally(votes, 7, 3)))));
    }
    assert_eq!((precinct.phase(), precinct.flags().len()), (Phase::Reported, 0));
    (precinct, urn)
}

#[test]
fn a_released_report_counts_as_an_accepted_one_and_says_who_released_it() {
    let mut precinct = precinct_at("2", CLOSE);
    let mut urn = Maker::new("u-2", "2");
    first(&mut precinct, &placed(1, urn.make(OPEN, Body::OpeningUrn(empty_urn(false)))));
    let over = placed(2, urn.make(NIGHT, Body::Tally(list_tally(1_000, 1, 0))));
    assert_eq!(first(&mut precinct, &over), (Verdict::Quarantined, vec![Code::Q03]));
    assert_eq!(precinct.figures().quarantined, 1);
    let outcome = precinct.decide(&release("2", &[2]), Offset(9), NIGHT).unwrap();
    assert_eq!((outcome.finished, outcome.correction), (vec![id("u-2")], None), "nothing fell");
    assert_eq!((list(&precinct).ballots.get(), precinct.figures().quarantined), (1_001, 0));
    let known = precinct.known(&id("u-2"), 2, over.digest).unwrap();
    assert_eq!(known.verdict, Verdict::Accepted, "a duplicate hears the verdict in force");
    let urn = precinct.devices().find(|device| device.id.as_str() == "u-2").unwrap();
    let entry = urn.reports.iter().find(|entry| entry.seq == 2).unwrap();
    assert_eq!(*entry.codes, [Code::Q03, Code::W11]);
    let ruled = entry.ruled.clone().unwrap();
    assert_eq!((&*ruled.by, &*ruled.reason, ruled.offset), ("A. Operator", "stolen at noon", Offset(9)));
    assert_eq!(precinct.consider(&release("2", &[2])), Err(Objection::NotInQuarantine(Offset(2))));
}

#[test]
fn a_second_final_that_is_released_replaces_the_first_and_a_fall_is_on_the_list() {
    let (mut precinct, mut urn) = counted();
    let second = placed(7, urn.make(NIGHT, Body::Tally(list_tally(50, 7, 3))));
    assert_eq!(first(&mut precinct, &second), (Verdict::Quarantined, vec![Code::Q06]));
    let outcome = precinct.decide(&release("2", &[7]), Offset(8), NIGHT).unwrap();
    assert_eq!(*list(&precinct).votes, [80, 14, 0].map(Count::new));
    let correction = outcome.correction.unwrap();
    assert_eq!((correction.offset, correction.at, correction.precinct), (Offset(8), NIGHT, id("2")));
    assert_eq!(correction.before.contests[0].urns.ballots.get(), 110);
    assert_eq!(correction.after.contests[0].urns.ballots.get(), 100);
    assert_eq!(*correction.falls().contests[0].urns.votes, [10, 0, 0].map(Count::new));
    assert_eq!(precinct.corrections(), [correction]);
}

#[test]
fn figures_that_contradict_themselves_can_only_be_refused_and_come_by_correction() {
    let uneven = Tally { ballots: Count::new(11), ..list_tally(5, 5, 0) };
    let mut preferred = list_tally(5, 5, 0);
    preferred.contests[0].preferences = [(id("p01"), [(1, Count::new(6))].into())].into();
    for (tally, code) in [(uneven, Code::Q02), (preferred, Code::Q07)] {
        let mut precinct = precinct_at("2", CLOSE);
        first(&mut precinct, &placed(1, Maker::new("u-2", "2").make(NIGHT, Body::Tally(tally))));
        assert_eq!(precinct.consider(&release("2", &[1])), Err(Objection::OnlyRefused(Offset(1), code)));
        precinct.rule(&refuse("2", &[1]), NIGHT).unwrap();
        assert_eq!((precinct.figures().quarantined, list(&precinct).precincts), (0, 0));
        let corrected = correct("2", Source::Urns, set("list", &[("p01", 5), ("p02", 5)], 1));
        precinct.rule(&corrected, NIGHT).unwrap();
        assert_eq!((list(&precinct).ballots.get(), list(&precinct).precincts), (11, 1));
        assert_eq!(precinct.phase(), Phase::Reported);
        assert_eq!(precinct.consider(&corrected), Err(Objection::Unchanged));
    }
    let mut precinct = precinct_at("2", CLOSE);
    let sexes = Turnout { by_sex: Some(BySex { f: Count::new(2), m: Count::new(2) }), ..turnout(5) };
    first(&mut precinct, &placed(1, Maker::new("t-2", "2").make(NIGHT, Body::Closing(sexes))));
    assert_eq!(precinct.consider(&release("2", &[1])), Err(Objection::OnlyRefused(Offset(1), Code::Q08)));
    precinct.rule(&refuse("2", &[1]), NIGHT).unwrap();
    let identified =
        |count| decided(Act::CorrectTurnout { precinct: id("2"), identified: Count::new(count) });
    assert_eq!(precinct.consider(&identified(1_000_000_001)), Err(Objection::TooMany));
    precinct.rule(&identified(4), NIGHT).unwrap();
    let figures = precinct.figures();
    assert_eq!((figures.turnout.identified.get(), figures.turnout.precincts), (4, 1));
}

/// One that hides behind its first code is looked at as a whole before it counts.
#[test]
fn a_report_that_came_too_early_and_does_not_add_up_is_not_released() {
    let mut precinct = precinct_at("2", OPEN);
    let uneven = Tally { ballots: Count::new(11), ..list_tally(5, 5, 0) };
    let early = Maker::new("u-2", "2").make(OPEN, Body::Tally(uneven));
    assert_eq!(first(&mut precinct, &early), (Verdict::Quarantined, vec![Code::Q01]));
    assert_eq!(precinct.consider(&release("2", &[1])), Err(Objection::OnlyRefused(Offset(1), Code::Q02)));
    let mut precinct = precinct_at("2", OPEN);
    first(&mut precinct, &Maker::new("u-2", "2").make(OPEN, Body::Tally(list_tally(5, 5, 0))));
    assert_eq!(precinct.consider(&release("2", &[1])), Err(Objection::PollsOpen));
    precinct.observe(&Observation::Clock { reached: CLOSE }, CLOSE);
    precinct.rule(&release("2", &[1]), CLOSE).unwrap();
    assert_eq!(list(&precinct).ballots.get(), 10);
}

#[test]
fn of_two_reports_of_one_number_no_more_than_one_counts() {
    let (mut precinct, _) = counted();
    let mut liar = Maker::new("u-2", "2");
    liar.seq = 1;
    let mut other = placed(7, liar.make(NIGHT, Body::Tally(list_tally(900, 0, 0))));
    other.digest = Digest([9; 32]);
    assert_eq!(first(&mut precinct, &other), (Verdict::Quarantined, vec![Code::S03]));
    assert_eq!(precinct.consider(&release("2", &[7])), Err(Objection::NumberTaken(Offset(7))));

    // Where the first was refused, another may stand in for it: one of them.
    let mut precinct = precinct_at("2", CLOSE);
    let mut urn = Maker::new("u-2", "2");
    let opening = Body::OpeningUrn(list_tally(1, 0, 0));
    assert_eq!(first(&mut precinct, &placed(1, urn.make(OPEN, opening))).1, [Code::Q04]);
    for (offset, digest) in [(2, 7), (3, 8)] {
        let mut again = placed(offset, Maker::new("u-2", "2").make(OPEN, Body::OpeningUrn(empty_urn(false))));
        again.digest = Digest([digest; 32]);
        assert_eq!(first(&mut precinct, &again).1, [Code::S03]);
    }
    precinct.rule(&refuse("2", &[1]), NIGHT).unwrap();
    assert_eq!(precinct.consider(&release("2", &[2, 3])), Err(Objection::NumberTaken(Offset(3))));
    assert_eq!(precinct.figures().quarantined, 2, "all or none");
    precinct.rule(&release("2", &[3, 3]), NIGHT).unwrap();
    assert_eq!(precinct.consider(&release("2", &[2])), Err(Objection::NumberTaken(Offset(2))));
    assert_eq!(precinct.consider(&release("2", &[])), Err(Objection::NoReports));
    assert_eq!(precinct.consider(&refuse("2", &[99])), Err(Objection::NotInQuarantine(Offset(99))));
}

#[test]
fn a_released_turnout_may_let_the_count_fall_and_is_on_the_list() {
    let mut precinct = precinct_at("2", OPEN);
    let mut terminal = Maker::new("t-2", "2");
    first(&mut precinct, &placed(1, terminal.make(OPEN, Body::Turnout(turnout(9)))));
    first(&mut precinct, &placed(2, terminal.make(OPEN, Body::Turnout(turnout(8)))));
    let outcome = precinct.decide(&release("2", &[2]), Offset(3), NIGHT).unwrap();
    assert_eq!(precinct.figures().turnout.identified.get(), 8);
    let correction = outcome.correction.unwrap();
    assert_eq!(correction.falls().turnout.identified.get(), 1);
    let replayed = precinct.decide(&release("2", &[2]), Offset(3), NIGHT);
    assert_eq!(replayed, Ok(Outcome::default()), "the same record again changes nothing");
    assert_eq!(precinct.corrections().len(), 1);
}

#[test]
fn a_correction_is_checked_like_a_tally() {
    let (mut precinct, _) = counted();
    let wrong = |what| Err(Objection::WrongSum { contest: id("list"), what });
    let urns = |tally| correct("2", Source::Urns, tally);
    let uneven = CorrectedTally { ballots: Count::new(9), ..set("list", &[("p01", 8)], 2) };
    assert_eq!(
        precinct.consider(&urns(uneven)),
        wrong("votes and invalid ballots do not sum to the ballots")
    );
    assert_eq!(
        precinct.consider(&urns(set("list", &[("p99", 1)], 0))),
        wrong("an option is not on the ballot")
    );
    let huge = set("list", &[("p01", 1_000_000_001)], 0);
    assert_eq!(precinct.consider(&urns(huge)), wrong("a count is over 10^9"));
    let elsewhere = urns(set("single:1", &[("c1", 1)], 0));
    assert!(matches!(precinct.consider(&elsewhere), Err(Objection::WrongSum { .. })));
    let named = CorrectedTally {
        preferences: [(id("p01"), [(1, Count::new(1))].into())].into(),
        ..set("list", &[("p01", 8)], 2)
    };
    assert_eq!(
        precinct.consider(&urns(named)),
        wrong("a preference is for a number that is not on the list")
    );
    let no_protocol = correct("2", Source::Protocols, set("list", &[("p01", 8)], 2));
    let nothing = Objection::NothingCounted(Source::Protocols, id("list"));
    assert_eq!(precinct.consider(&no_protocol), Err(nothing));
    let by_hand = precinct_at("4", CLOSE);
    let no_urn = correct("4", Source::Urns, set("list", &[("p01", 8)], 2));
    assert_eq!(by_hand.consider(&no_urn), Err(Objection::NothingCounted(Source::Urns, id("list"))));
    let early = precinct_at("2", OPEN);
    assert_eq!(early.consider(&urns(set("list", &[("p01", 8)], 2))), Err(Objection::PollsOpen));
    precinct.rule(&urns(set("list", &[("p01", 8)], 2)), NIGHT).unwrap();
    assert_eq!(*list(&precinct).votes, [8, 0, 0].map(Count::new));
}

#[test]
fn a_corrected_protocol_keeps_what_stood_there() {
    let mut precinct = precinct_at("4", CLOSE);
    let lines = [("list", "p01"), ("single:1", "c1")].map(|(contest, option)| {
        Form::of(CorrectedTally {
            contest: id(contest),
            ballots: Count::new(7),
            invalid: Count::ZERO,
            votes: [(id(option), Count::new(7))].into(),
            preferences: Default::default(),
        })
    });
    enter(&mut precinct, &Act::Protocol { precinct: id("4"), contests: lines.into() });
    let over = correct("4", Source::Protocols, set("list", &[("p01", 1_001)], 0));
    assert!(matches!(precinct.consider(&over), Err(Objection::WrongSum { .. })));
    precinct.rule(&correct("4", Source::Protocols, set("list", &[("p01", 6)], 1)), NIGHT).unwrap();
    let [correction] = precinct.corrections() else { panic!("one entry") };
    let of = |figures: &Figures| figures.contests[0].protocols.votes[0].get();
    assert_eq!((of(&correction.before), of(&correction.after)), (7, 6));
    assert_eq!(precinct.phase(), Phase::Reported);
}

#[test]
fn after_a_correction_a_late_final_waits_for_people_who_correct_again() {
    let mut precinct = precinct_at("2", CLOSE);
    precinct.rule(&correct("2", Source::Urns, set("list", &[("p01", 8)], 2)), NIGHT).unwrap();
    let late = placed(5, Maker::new("u-2", "2").make(NIGHT, Body::Tally(list_tally(60, 7, 3))));
    assert_eq!(first(&mut precinct, &late), (Verdict::Quarantined, vec![Code::Q06]));
    assert_eq!(precinct.consider(&release("2", &[5])), Err(Objection::Corrected(Offset(5))));
    assert_eq!(list(&precinct).ballots.get(), 10);
    let turnout = decided(Act::CorrectTurnout { precinct: id("2"), identified: Count::new(10) });
    precinct.rule(&turnout, NIGHT).unwrap();
    let closing = placed(6, Maker::new("t-2", "2").make(NIGHT, Body::Closing(super::turnout(99))));
    assert_eq!(first(&mut precinct, &closing), (Verdict::Quarantined, vec![Code::Q06]));
    assert_eq!(precinct.figures().turnout.identified.get(), 10);
}

#[test]
fn an_annulled_precinct_is_in_no_sum_until_it_is_reinstated() {
    let (mut precinct, mut urn) = counted();
    let before = precinct.figures();
    let annul = decided(Act::Annul { precinct: id("2") });
    let reinstate = decided(Act::Reinstate { precinct: id("2") });
    assert_eq!(precinct.consider(&reinstate), Err(Objection::NotAnnulled));
    precinct.rule(&annul, NIGHT).unwrap();
    let annulled = precinct.figures();
    assert_eq!((precinct.phase(), annulled.reported(), annulled.precincts()), (Phase::Annulled, 0, 1));
    assert!(list(&precinct) == SourceFigures::empty(3) && annulled.turnout.identified.is_zero());
    assert_eq!(
        (annulled.registered, annulled.contests[0].registered),
        (before.registered, before.registered)
    );
    for act in [
        Act::Annul { precinct: id("2") },
        Act::Certify { precinct: id("2") },
        Act::CorrectTurnout { precinct: id("2"), identified: Count::ZERO },
    ] {
        assert_eq!(precinct.consider(&decided(act)), Err(Objection::Annulled));
    }
    first(&mut precinct, &placed(9, urn.make(NIGHT, Body::Tally(list_tally(1, 1, 1)))));
    precinct.rule(&reinstate, NIGHT).unwrap();
    let figures = precinct.figures();
    assert_eq!((figures.contests, figures.quarantined), (before.contests, 1));
    let acts: Vec<_> = precinct.corrections().iter().map(|of| of.decision.act.name()).collect();
    assert_eq!(acts, ["annul", "reinstate"]);
}

#[test]
fn nothing_changes_a_certified_precinct_but_a_decision_that_lifts_it() {
    let (mut precinct, mut urn) = counted();
    let certify = decided(Act::Certify { precinct: id("2") });
    let uncertify = decided(Act::Uncertify { precinct: id("2") });
    assert_eq!(precinct_at("2", CLOSE).consider(&certify), Err(Objection::NotReported));
    assert_eq!(precinct.consider(&uncertify), Err(Objection::NotCertified));
    first(&mut precinct, &placed(7, urn.make(NIGHT, Body::Tally(list_tally(1, 1, 1)))));
    assert_eq!(precinct.consider(&certify), Err(Objection::Undecided(1)));
    precinct.rule(&refuse("2", &[7]), NIGHT).unwrap();
    let before = precinct.figures();
    let outcome = precinct.decide(&certify, Offset(20), NIGHT).unwrap();
    assert_eq!(outcome.correction, None);
    assert_eq!((precinct.phase(), precinct.figures().reported()), (Phase::Certified, 1));
    let mut terminal = Maker::new("t-2", "2");
    terminal.seq = 2;
    let digest = precinct.lines().find(|(device, _)| device.as_str() == "t-2").unwrap().1.head_digest();
    terminal.prev = digest;
    let late = placed(8, terminal.make(NIGHT, Body::Turnout(turnout(500))));
    assert_eq!(first(&mut precinct, &late), (Verdict::Quarantined, vec![Code::Q09]));
    for act in [
        Act::Certify { precinct: id("2") },
        Act::Annul { precinct: id("2") },
        Act::Release { precinct: id("2"), reports: vec![Offset(8)] },
        Act::Revoke { precinct: id("2"), device: id("u-2") },
        correct("2", Source::Urns, set("list", &[("p01", 8)], 2)).act,
    ] {
        assert_eq!(precinct.consider(&decided(act)), Err(Objection::Certified));
    }
    let figures = precinct.figures();
    assert_eq!((figures.contests, figures.turnout), (before.contests, before.turnout));
    assert_eq!(precinct.consider(&refuse("2", &[8])), Ok(()), "what came late can be put away");
    precinct.decide(&uncertify, Offset(21), NIGHT).unwrap();
    precinct.decide(&release("2", &[8]), Offset(22), NIGHT).unwrap();
    assert_eq!(precinct.phase(), Phase::Reported);
    assert!(precinct.corrections().is_empty(), "nothing fell");
}

#[test]
fn a_resolved_discrepancy_opens_again_when_what_it_was_about_changes() {
    let (mut precinct, _) = counted();
    let protocol = |p01| {
        Form::of(CorrectedTally {
            contest: id("list"),
            ballots: Count::new(p01),
            invalid: Count::ZERO,
            votes: [(id("p01"), Count::new(p01))].into(),
            preferences: Default::default(),
        })
    };
    enter(&mut precinct, &Act::Protocol { precinct: id("2"), contests: vec![protocol(109)] });
    let open = |precinct: &Precinct| precinct.flags().keys().map(|flag| flag.code).collect::<Vec<_>>();
    assert_eq!(open(&precinct), [Code::W07]);
    let resolve = |code, device: Option<&str>, contest: Option<&str>| {
        decided(Act::Resolve { precinct: id("2"), code, device: device.map(id), contest: contest.map(id) })
    };
    assert_eq!(precinct.consider(&resolve(Code::W07, None, None)), Err(Objection::NotOpen(Code::W07)));
    precinct.rule(&resolve(Code::W07, None, Some("list")), NIGHT).unwrap();
    assert!(open(&precinct).is_empty() && precinct.figures().discrepancies == 0);
    precinct.observe(&Observation::Clock { reached: NIGHT }, NIGHT);
    assert!(open(&precinct).is_empty(), "nothing has changed");
    let corrected = correct("2", Source::Protocols, set("list", &[("p01", 108)], 0));
    precinct.rule(&corrected, NIGHT).unwrap();
    assert_eq!(open(&precinct), [Code::W07]);

    // What an event raised is over when it is resolved, and the next event raises it again.
    let silent =
        |raised| Observation::Device { precinct: id("2"), device: id("u-2"), code: Code::W09, raised };
    precinct.observe(&silent(true), NIGHT);
    precinct.rule(&resolve(Code::W09, Some("u-2"), None), NIGHT).unwrap();
    assert_eq!(open(&precinct), [Code::W07]);
    precinct.observe(&silent(false), NIGHT);
    precinct.observe(&silent(true), NIGHT);
    assert_eq!(open(&precinct), [Code::W07, Code::W09]);
}

#[test]
fn the_report_of_an_urn_whose_place_was_taken_is_not_released() {
    let mut precinct = precinct_at("1", OPEN);
    first(&mut precinct, &Maker::new("u-1", "1").make(OPEN, Body::OpeningUrn(empty_urn(true))));
    assert_eq!(precinct.figures().quarantined, 1, "an urn speaks after the close");
    precinct.rule(&replaced("u-1", "s-1"), NIGHT).unwrap();
    assert_eq!(precinct.consider(&release("1", &[1])), Err(Objection::PlaceTaken(Offset(1))));
    precinct.rule(&refuse("1", &[1]), NIGHT).unwrap();
}

/// The urn that was shut out after it had counted is no longer waited for, so the precinct has not reported.
#[test]
fn whatever_lets_a_count_fall_is_on_the_list() {
    let (mut precinct, _) = counted();
    for urn in ["u-2", "u-2b"] {
        let act = Act::Revoke { precinct: id("2"), device: id(urn) };
        precinct.rule(&decided(act), NIGHT).unwrap();
    }
    let [correction] = precinct.corrections() else { panic!("one entry") };
    assert_eq!((correction.before.reported(), correction.after.reported()), (1, 0));
}

#[test]
fn a_reason_and_a_signature_have_an_end() {
    let precinct = precinct_at("2", CLOSE);
    let annul = decided(Act::Annul { precinct: id("2") });
    let long = |reason: usize, signature: usize| Decision {
        reason: "ж".repeat(reason),
        signature: Some("s".repeat(signature)),
        ..annul.clone()
    };
    assert_eq!(precinct.consider(&long(LONGEST_REASON, LONGEST_SIGNATURE)), Ok(()));
    assert_eq!(precinct.consider(&long(LONGEST_REASON + 1, 1)), Err(Objection::TooLong));
    assert_eq!(precinct.consider(&long(1, LONGEST_SIGNATURE + 1)), Err(Objection::TooLong));
}

/// Two people enter the same protocol.
fn enter(precinct: &mut Precinct, act: &Act) {
    for by in ["Aida", "Bakyt"] {
        precinct.rule(&Decision { by: by.into(), ..decided(act.clone()) }, NIGHT).unwrap();
    }
}

fn form(contest: &str, option: &str, votes: u64) -> Form {
    Form::of(CorrectedTally {
        contest: id(contest),
        ballots: Count::new(votes),
        invalid: Count::ZERO,
        votes: [(id(option), Count::new(votes))].into(),
        preferences: Default::default(),
    })
}

#[test]
fn a_protocol_on_which_two_differ_counts_when_a_third_has_read_it() {
    let mut precinct = precinct_at("4", CLOSE);
    let entry = |by: &str, votes: u64| Decision {
        by: by.into(),
        ..decided(Act::Protocol {
            precinct: id("4"),
            contests: vec![form("list", "p01", votes), form("single:1", "c1", votes)],
        })
    };
    precinct.rule(&entry("Aida", 70), NIGHT).unwrap();
    precinct.rule(&entry("Bakyt", 77), NIGHT).unwrap();
    assert!(matches!(precinct.hand_count(), HandCount::Differing(..)));
    assert_eq!(precinct.hand_count().differences().len(), 10, "five lines of two contests");
    assert_eq!(precinct.phase(), Phase::Counting);
    assert_eq!(precinct.consider(&entry("Aida", 77)), Err(Objection::ThirdPerson));
    precinct.rule(&entry("Chynara", 77), NIGHT).unwrap();
    let list = precinct.figures().contests[0].protocols.clone();
    assert_eq!((list.ballots.get(), list.precincts, precinct.phase()), (77, 1, Phase::Reported));
    let mut unbalanced = form("list", "p01", 5);
    unbalanced.received = Count::new(6);
    let unbalanced = decided(Act::Protocol { precinct: id("4"), contests: vec![unbalanced] });
    let told = precinct_at("4", CLOSE).consider(&unbalanced).unwrap_err();
    assert_eq!(told, Objection::WrongContests);
    let mut precinct = precinct_at("4", CLOSE);
    let mut huge = form("single:1", "c1", 5);
    (huge.received, huge.cancelled) = (Count::new(2_000_000_005), Count::new(2_000_000_000));
    let huge = decided(Act::Protocol { precinct: id("4"), contests: vec![form("list", "p01", 5), huge] });
    assert!(matches!(precinct.rule(&huge, NIGHT), Err(Objection::WrongSum { .. })));
}

#[test]
fn four_sources_stand_side_by_side_and_a_copy_that_differs_is_flagged() {
    let (mut precinct, _) = counted();
    let copy = |holder: &str, votes: u64| {
        decided(Act::Copy {
            precinct: id("2"),
            holder: holder.into(),
            contests: vec![form("list", "p01", votes).tally],
        })
    };
    let open = |precinct: &Precinct| precinct.flags().keys().map(|flag| flag.code).collect::<Vec<_>>();
    precinct.rule(&copy("Observers' union", 108), NIGHT).unwrap();
    assert!(open(&precinct).is_empty(), "there is no protocol yet");
    enter(&mut precinct, &Act::Protocol { precinct: id("2"), contests: vec![form("list", "p01", 109)] });
    assert_eq!(open(&precinct), [Code::W07, Code::W13]);
    let [of_list] = &precinct.reconciliation()[..] else { panic!("one contest") };
    let ballots = |of: &Option<SourceFigures>| of.as_ref().map(|of| of.ballots.get());
    assert_eq!((of_list.identified.is_some(), ballots(&of_list.protocol)), (true, Some(109)));
    assert_eq!(ballots(&of_list.urns), Some(precinct.figures().contests[0].urns.ballots.get()));
    assert_eq!((&*of_list.copies[0].0, of_list.copies[0].1.ballots.get()), ("Observers' union", 108));
    assert_eq!(of_list.codes, [Code::W07, Code::W13]);
    precinct.rule(&copy("Observers' union", 109), NIGHT).unwrap();
    assert_eq!(open(&precinct), [Code::W07], "what they held before is replaced");
    for wrong in [copy("", 5), copy(&"x".repeat(201), 5)] {
        assert_eq!(precinct.consider(&wrong), Err(Objection::WrongCopy));
    }
    for holder in 1..64 {
        precinct.rule(&copy(&format!("party {holder}"), 109), NIGHT).unwrap();
    }
    assert_eq!(precinct.consider(&copy("one more", 109)), Err(Objection::TooManyCopies));
    assert_eq!(precinct.consider(&copy("party 7", 109)), Ok(()));
}
