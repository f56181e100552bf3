//! The script against the rules: every report of a day is folded through `election::precinct`, in the order
//! in which it is due, and the answers are those the script expects.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use election::{
    Code, Definition, PrecinctId, Timestamp, UnitId,
    definition::{Counting, DeviceKind},
    figures::{Figures, Phase},
    precinct::{Arrived, Judgement, Precinct},
    record::{Decision, Observation},
    report::{Body, Digest, Offset, Report, Verdict},
    rollup::Contributions,
};
use proptest::prelude::*;

use crate::{
    Day, Ledger,
    chance::Chance,
    country::{CLOSE, OPEN, country},
    faults::Fault,
    ledger::{Entry, Line, Said},
    script::{Action, Chain, Content, Script, Utterance},
    shown::{Shown, ShownContest, ShownReported, ShownSource, ShownTurnout, ShownUnit},
    totals::Totals,
    verify::compare,
};

/// A whole day, taken by the rules as it would arrive.
struct Night {
    definition: Arc<Definition>,
    day: Day,
    precincts: BTreeMap<PrecinctId, Precinct>,
    ledger: Ledger,
    /// First and last answer to each report that a script has.
    answers: Vec<(Script, Utterance, Vec<Judgement>)>,
    /// Where in those the answers to a report are.
    answered: BTreeMap<Digest, usize>,
    /// Every flag code that was open at some time.
    flags: BTreeMap<PrecinctId, BTreeSet<Code>>,
}

enum Step {
    Report(usize, usize),
    Decision(usize),
    Clock,
}

impl Night {
    fn of(definition: Arc<Definition>, seed: u64, faults: bool) -> Self {
        let day = Day::new(Arc::clone(&definition), seed, faults);
        let scripts: Vec<Script> = day.scripts().collect();
        let decisions = day.decisions();
        let mut steps: Vec<(Timestamp, Step)> =
            definition.moments().into_iter().map(|moment| (moment, Step::Clock)).collect();
        for (of, script) in scripts.iter().enumerate() {
            let said = script.moments.iter().enumerate().filter(|(_, moment)| moment.utterance().is_some());
            steps.extend(said.map(|(at, moment)| (moment.due, Step::Report(of, at))));
        }
        steps.extend(decisions.iter().enumerate().map(|(at, planned)| (planned.due, Step::Decision(at))));
        steps.sort_by_key(|(due, _)| *due);

        let made: Vec<BTreeMap<usize, Report>> =
            scripts.iter().map(|script| reports(&day, &definition, script)).collect();
        let precincts = Precinct::all(&definition);
        let mut night = Self {
            definition,
            day,
            precincts,
            ledger: Ledger::default(),
            answers: vec![],
            answered: BTreeMap::new(),
            flags: BTreeMap::new(),
        };
        for (offset, (due, step)) in (1..).zip(steps) {
            match step {
                Step::Clock => night.clock(due),
                Step::Decision(at) => {
                    let act = decisions[at].act.clone();
                    let by = format!("person {}", decisions[at].by);
                    let decision = Decision { by, reason: "test".into(), signature: None, act };
                    let precinct = night.precincts.get_mut(&decision.act.precinct().unwrap()).unwrap();
                    precinct.decide(&decision, Offset(offset), due).unwrap();
                    night.ledger.decided(&decision.act);
                }
                Step::Report(of, at) => {
                    night.report(&scripts[of], at, &made[of][&at], Offset(offset), due);
                }
            }
        }
        night
    }

    fn clock(&mut self, reached: Timestamp) {
        for precinct in self.precincts.values_mut() {
            precinct.observe(&Observation::Clock { reached }, reached);
        }
    }

    fn report(&mut self, script: &Script, at: usize, report: &Report, offset: Offset, due: Timestamp) {
        let utterance = script.moments[at].utterance().unwrap();
        let precinct = self.precincts.get_mut(&script.precinct).unwrap();
        let digest = digest_of(report);
        let said = Said::of(&report.body, &self.definition);
        let line = self.ledger.lines.entry(script.device.clone()).or_insert(Line::new(script.precinct));
        let mut entry = Entry::new(report.seq, digest, report.at, said);
        entry.sent = 1;
        line.entries.push(entry);
        let arrived = Arrived { offset, arrived: due, digest, report: Arc::new(report.clone()) };
        for judgement in precinct.take(arrived) {
            let line = self.ledger.lines.get_mut(&judgement.device).unwrap();
            let entry = line.entries.iter_mut().find(|entry| entry.digest == judgement.digest).unwrap();
            entry.verdict = Some(judgement.verdict);
            entry.receipts += 1;
            let answers = self.answered.entry(judgement.digest).or_insert_with(|| {
                self.answers.push((script.clone(), utterance.clone(), vec![]));
                self.answers.len() - 1
            });
            self.answers[*answers].2.push(judgement);
        }
        let open = self.flags.entry(script.precinct).or_default();
        open.extend(precinct.flags().keys().map(|flag| flag.code));
    }

    fn contributions(&self) -> Contributions {
        let mut contributions = Contributions::new(Arc::clone(&self.definition));
        for (id, precinct) in &self.precincts {
            contributions.put(*id, precinct.figures());
        }
        contributions
    }

    /// What the platform would show: its own roll-up of its own precincts.
    fn shown(&self) -> (Shown, Shown) {
        let contributions = self.contributions();
        let shown = |units: Vec<ShownUnit>| Shown { embargo_until: None, stalled_since: None, units };
        let sums = contributions.sums().unwrap();
        let units = sums.iter().map(|(id, figures)| self.show(id, figures)).collect();
        let precincts = self
            .precincts
            .iter()
            .map(|(id, precinct)| self.show(&UnitId::Precinct(*id), &precinct.figures()))
            .collect();
        (shown(units), shown(precincts))
    }

    fn show(&self, id: &UnitId, figures: &Figures) -> ShownUnit {
        let contests = figures.contests.iter().map(|of| {
            let contest = self.definition.contest(of.contest);
            let source = |from: &election::figures::SourceFigures| ShownSource {
                precincts: from.precincts.into(),
                registered: from.registered.get(),
                ballots: Some(from.ballots.get()),
                invalid: Some(from.invalid.get()),
                votes: Some(
                    contest
                        .options
                        .iter()
                        .zip(&from.votes)
                        .map(|(option, votes)| (option.id.to_string(), votes.get()))
                        .collect(),
                ),
            };
            let (urns, protocols) = (source(&of.urns), source(&of.protocols));
            (contest.id.to_string(), ShownContest { urns, protocols })
        });
        ShownUnit {
            id: id.to_string(),
            phase: figures.phase().as_str().into(),
            precincts: figures.precincts().into(),
            reported: ShownReported { precincts: figures.reported().into() },
            turnout: ShownTurnout { identified: figures.turnout.identified.get() },
            contests: contests.collect(),
        }
    }
}

/// The reports of a script by their place in it, chained as the device chains them.
fn reports(day: &Day, definition: &Definition, script: &Script) -> BTreeMap<usize, Report> {
    let mut chain = Chain::default();
    let mut made = BTreeMap::new();
    for at in script.in_line() {
        let utterance = script.moments[at].utterance().unwrap();
        let report = Report {
            election: definition.about().id.clone(),
            precinct: script.precinct,
            device: script.device.clone(),
            seq: utterance.seq,
            prev: chain.prev(utterance),
            at: utterance.at,
            body: day.body(script, utterance).unwrap(),
        };
        chain.note(utterance.seq, digest_of(&report));
        made.insert(at, report);
    }
    made
}

/// A digest that stands for SHA-256: the rules only compare them.
fn digest_of(report: &Report) -> Digest {
    let mut chance = Chance::of(0, "digest", format!("{report:?}"));
    let mut digest = [0; 32];
    digest.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&chance.number().to_le_bytes()));
    Digest(digest)
}

#[test]
fn every_answer_is_the_one_the_script_expects() {
    for seed in 1..=3 {
        let night = Night::of(country(240), seed, true);
        for (script, utterance, answers) in &night.answers {
            let last = answers.last().unwrap();
            let flags = night.day.fault(script.precinct).map_or(&[][..], Fault::flags);
            let unmet = |what: &str| format!("{what}: {:?} {utterance:?} got {answers:?}", script.device);
            assert_eq!(last.verdict, utterance.expect.verdict, "{}", unmet("verdict"));
            match utterance.expect.code {
                Some(code) => assert_eq!(last.codes, [code], "{}", unmet("code")),
                None => assert!(last.codes.iter().all(|code| flags.contains(code)), "{}", unmet("flags")),
            }
            let held = answers.first().is_some_and(|first| first.verdict == Verdict::Held);
            assert_eq!(held, utterance.expect.held_first, "{}", unmet("held"));
            let (verdict, code) = (last.verdict, last.codes.first().copied());
            assert!(utterance.expect.is_met(verdict, code, flags, script.moments[0].due));
        }
    }
}

#[test]
fn every_fault_befalls_a_precinct_and_raises_the_flags_it_is_for() {
    let night = Night::of(country(240), 5, true);
    let faults: BTreeSet<Fault> =
        night.precincts.keys().filter_map(|precinct| night.day.fault(*precinct)).collect();
    assert_eq!(faults, BTreeSet::from(Fault::ALL));
    for precinct in night.precincts.keys() {
        let expected: BTreeSet<Code> =
            night.day.fault(*precinct).map_or(&[][..], Fault::flags).iter().copied().collect();
        let raised = night.flags.get(precinct).cloned().unwrap_or_default();
        assert_eq!(raised, expected, "precinct {precinct}: {:?}", night.day.fault(*precinct));
    }
    let codes: BTreeSet<Code> = night
        .answers
        .iter()
        .flat_map(|(_, _, answers)| answers)
        .flat_map(|answer| answer.codes.clone())
        .collect();
    use Code::*;
    let seen = [S02, S03, S04, F01, F02, F03, Q01, Q02, Q03, Q04, Q05, Q06, Q07, Q08];
    assert!(seen.iter().all(|code| codes.contains(code)), "{codes:?}");
}

#[test]
fn every_precinct_ends_reported_and_the_books_agree_with_the_roll_up() {
    for (seed, faults) in [(1, true), (2, false)] {
        let night = Night::of(country(120), seed, faults);
        assert!(night.precincts.values().all(|precinct| precinct.phase() == Phase::Reported));
        assert_eq!(night.ledger.lost(), 0);
        let totals = night.ledger.totals(&night.definition);
        let (results, precincts) = night.shown();
        let found = compare(&night.definition, &totals, &results, &precincts);
        assert!(found.totals_match(), "{:?}", found.differences);
        assert_eq!((found.reported, totals.reported), (120, 120));
        assert!(found.figures > 9_000);
    }
}

#[test]
fn one_vote_too_many_or_a_missing_unit_is_found() {
    let night = Night::of(country(60), 1, true);
    let totals = night.ledger.totals(&night.definition);
    let differ = |results: &Shown, precincts: &Shown| {
        compare(&night.definition, &totals, results, precincts).differences
    };
    let (results, precincts) = night.shown();
    assert_eq!(differ(&results, &precincts), []);

    let mut wrong = precincts.clone();
    let list = wrong.units[7].contests.get_mut("list").unwrap();
    *list.urns.votes.as_mut().unwrap().get_mut("p1").unwrap() += 1;
    let found = differ(&results, &wrong);
    assert_eq!((found.len(), found[0].figure.as_str()), (1, "list.urns.votes.p1"));
    assert_eq!(found[0].shown, Some(found[0].sent + 1));

    let mut wrong = results.clone();
    wrong.units.retain(|unit| unit.id != "raion:a2");
    assert!(differ(&wrong, &precincts).iter().any(|found| found.unit == "raion:a2" && found.shown.is_none()));

    let mut wrong = results.clone();
    wrong.units[0].turnout.identified -= 1;
    assert_eq!(differ(&wrong, &precincts).len(), 1);

    let mut wrong = precincts.clone();
    for unit in &mut wrong.units {
        for contest in unit.contests.values_mut() {
            contest.urns.votes = None;
            contest.urns.ballots = None;
        }
    }
    let found = compare(&night.definition, &totals, &results, &wrong);
    assert!(!found.totals_match() && found.differ > 60 && found.differences.len() == 50);
}

#[test]
fn the_day_is_plausible() {
    let definition = country(600);
    let day = Day::new(Arc::clone(&definition), 9, false);
    let sums = definition.precincts().values().fold((0, 0), |(all, came), precinct| {
        (all + precinct.registered.get(), came + day.identified(precinct))
    });
    let share = sums.1 as f64 / sums.0 as f64;
    assert!((0.36..0.378).contains(&share), "{share}");
    let totals = Night::of(country(600), 9, false).ledger.totals(&definition);
    let country = &totals.units[&UnitId::Country];
    let list = country.contests.values().next().unwrap();
    let ballots = list.urns.ballots + list.protocols.ballots;
    assert!(ballots <= country.identified && ballots * 100 > country.identified * 99);
    let strongest = list.urns.votes.iter().max().unwrap() * 100 / list.urns.ballots;
    assert!((10..40).contains(&strongest), "the strongest list has {strongest} %");
    let invalid = list.urns.invalid as f64 / list.urns.ballots as f64;
    assert!((0.008..0.022).contains(&invalid), "{invalid}");
}

#[test]
fn most_urns_report_within_the_hour_and_abroad_before_home_closes() {
    let definition = country(2_400);
    let day = Day::new(Arc::clone(&definition), 3, false);
    let hour = CLOSE + Duration::from_secs(3_600);
    let (mut within, mut urns) = (0, 0);
    for script in day.scripts().filter(|script| script.kind == DeviceKind::Urn) {
        let (tally, _) = script.utterances().last().unwrap();
        let precinct = &definition.precincts()[&script.precinct];
        assert!(tally > precinct.polls_close && tally < precinct.polls_close + Duration::from_secs(7_200));
        if precinct.polls_close < CLOSE {
            assert!(tally < precinct.polls_close + Duration::from_secs(3_600));
        } else {
            urns += 1;
            within += u32::from(tally <= hour);
        }
    }
    let share = f64::from(within) / f64::from(urns);
    assert!((0.84..0.91).contains(&share), "{share}");
}

#[test]
fn a_precinct_by_hand_has_a_protocol_and_a_dead_urn_is_silent() {
    let definition = country(240);
    let day = Day::new(Arc::clone(&definition), 5, true);
    let decisions = day.decisions();
    let by_hand = definition.precincts().values().filter(|precinct| precinct.counting == Counting::Manual);
    let replaced = definition.precincts().keys().filter_map(|precinct| day.replacement(*precinct));
    let dead: Vec<_> = replaced.map(|(old, _)| old.clone()).collect();
    assert_eq!(decisions.len(), 2 * by_hand.count() + dead.len());
    assert!(!dead.is_empty());
    assert!(dead.iter().all(|urn| day.script(urn).is_none()));
}

#[test]
fn a_day_is_the_same_again_from_the_same_seed_and_another_from_another() {
    let totals = |seed| -> Totals { Night::of(country(60), seed, true).ledger.totals(&country(60)) };
    assert_eq!(totals(1), totals(1));
    assert_ne!(totals(1), totals(2));
    assert_eq!(totals(1).fingerprint(), totals(1).fingerprint());
    assert_ne!(totals(1).fingerprint(), totals(2).fingerprint());
    let says = |seed| {
        let day = Day::new(country(60), seed, true);
        day.scripts().map(|script| format!("{script:?}")).collect::<Vec<_>>()
    };
    assert_eq!(says(4), says(4));
}

#[test]
fn a_country_of_one_precinct_has_a_day_without_faults() {
    let night = Night::of(country(1), 1, true);
    assert!(night.precincts.values().all(|precinct| precinct.phase() == Phase::Reported));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn sums_hold_and_turnout_never_falls_in_honest_scripts(seed in any::<u64>(), at in 1_u32..60) {
        let definition = country(60);
        let day = Day::new(Arc::clone(&definition), seed, false);
        let precinct = &definition.precincts()[&PrecinctId::new(at).unwrap()];
        let mut last = Vec::new();
        for device in day.terminals(precinct.id).iter().chain(day.urns(precinct.id)) {
            let script = day.script(device).unwrap();
            prop_assert!(script.moments.is_sorted_by_key(|moment| moment.due));
            prop_assert!(matches!(script.moments[0].action, Action::Connect));
            let mut before = 0;
            for (due, utterance) in script.utterances() {
                prop_assert!(utterance.at <= due);
                match day.body(&script, utterance).unwrap() {
                    Body::Turnout(turnout) | Body::Closing(turnout) => {
                        let identified = turnout.identified.get();
                        prop_assert!(identified >= before);
                        before = identified;
                        let sexes = turnout.by_sex.unwrap();
                        prop_assert_eq!(sexes.f.get() + sexes.m.get(), identified);
                        let ages: u64 = turnout.by_age.unwrap().iter().map(|band| band.get()).sum();
                        prop_assert_eq!(ages, identified);
                    }
                    Body::Tally(tally) => {
                        for of in &tally.contests {
                            let votes: u64 = of.votes.values().map(|votes| votes.get()).sum();
                            prop_assert_eq!(votes + of.invalid.get(), of.ballots.get());
                            for (option, preferences) in &of.preferences {
                                let marked: u64 = preferences.values().map(|votes| votes.get()).sum();
                                prop_assert!(marked <= of.votes[option].get());
                            }
                        }
                    }
                    Body::OpeningTerminal { .. } | Body::OpeningUrn(_) => prop_assert!(due < OPEN || due > CLOSE
                        || precinct.polls_close < CLOSE),
                }
            }
            let closes = matches!(
                script.utterances().last().unwrap().1.content,
                Content::Closing(_) | Content::Tally
            );
            prop_assert!(closes);
            last.push(before);
        }
        prop_assert_eq!(last.iter().sum::<u64>(), day.identified(precinct));
    }
}
