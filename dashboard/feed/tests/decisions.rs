//! Whatever devices send and people decide, in whichever order: what is published adds up, nothing falls but
//! for a reason on the list, and the record told again says the same.
//!
//! Reports and decisions go through the real precincts, roll-up and guard; what is published is looked at from
//! outside, as JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod country;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use country::{CLOSE, Night, OPEN, Size};
use election::{
    Code, Correction, Count, Definition, DeviceId, PrecinctId, Timestamp,
    figures::Phase,
    hand_count::Form,
    precinct::{Arrived, Precinct},
    record::{Act, CorrectedTally, Decision, Observation},
    report::{Body, BySex, ContestTally, Digest, Offset, Report, Tally, Turnout, Verdict},
    seats::Source,
    sequence::Gap,
};
use feed::Feed;
use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use serde_json::Value;

/// Two raions of two and one precincts, one abroad; the list everywhere, two districts at home.
const TINY: Size =
    Size { regions: 1, raions: 2, districts: 2, home: 3, abroad: 1, parties: 2, candidates: 2 };

/// Five numbers, of which [`Scene::step`] makes what happens next.
type Step = (u8, u8, u8, u16, u16);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0u16..300, 0u16..300), 20..110)
}

/// A record of the journal.
#[derive(Clone)]
enum Record {
    Report(Arrived),
    Decision(Decision, Offset, Timestamp),
    Observation(Observation, Timestamp),
}

/// A device's side of its line.
struct Maker {
    id: DeviceId,
    precinct: PrecinctId,
    urn: bool,
    seq: u64,
    prev: Digest,
    /// Made and never sent so far.
    withheld: Vec<Report>,
}

struct Scene {
    definition: Arc<Definition>,
    precincts: BTreeMap<PrecinctId, Precinct>,
    makers: Vec<Maker>,
    night: Night,
    feed: Feed,
    journal: Vec<Record>,
    pending: Vec<Arc<Correction>>,
    now: Timestamp,
    last: u64,
    shown: BTreeMap<String, u64>,
    seen: BTreeSet<String>,
}

impl Scene {
    fn new() -> Self {
        let definition = country::definition(TINY);
        let makers = definition.devices().values().map(|device| Maker {
            id: device.id.clone(),
            precinct: device.precinct.unwrap(),
            urn: device.id.as_str().starts_with('u'),
            seq: 0,
            prev: Digest::NONE,
            withheld: Vec::new(),
        });
        Self {
            precincts: Precinct::all(&definition),
            makers: makers.collect(),
            night: Night::new(&definition),
            feed: country::feed(&definition),
            journal: Vec::new(),
            pending: Vec::new(),
            now: OPEN,
            last: 0,
            shown: BTreeMap::new(),
            seen: BTreeSet::new(),
            definition,
        }
    }

    fn step(&mut self, (kind, which, how, a, b): Step) {
        self.now = self.now + Duration::from_secs(u64::from(how));
        match kind % 16 {
            0 if which.is_multiple_of(4) => self.clock(CLOSE),
            0 | 1 => self.clock(OPEN),
            2..=8 => self.report(usize::from(which), how, a, b),
            9 => self.observe(which, how),
            _ => self.decide(which, how, a, b),
        }
        if kind.is_multiple_of(3) {
            self.publish();
        }
    }

    fn clock(&mut self, reached: Timestamp) {
        self.now = self.now.max(reached);
        self.night.votes |= reached == CLOSE;
        self.take(Record::Observation(Observation::Clock { reached }, self.now));
    }

    fn observe(&mut self, which: u8, how: u8) {
        let maker = &self.makers[usize::from(which) % self.makers.len()];
        let code = [Code::W03, Code::W06, Code::W09, Code::W10][usize::from(how % 4)];
        let (precinct, device) = (maker.precinct, maker.id.clone());
        let raised = how < 128;
        self.take(Record::Observation(Observation::Device { precinct, device, code, raised }, self.now));
    }

    fn report(&mut self, which: usize, how: u8, a: u16, b: u16) {
        let (now, count) = (self.now, self.makers.len());
        let definition = Arc::clone(&self.definition);
        let maker = &mut self.makers[which % count];
        let body = maker.body(&definition, a, b);
        let report = match how % 12 {
            // What it left out before, or again what it sent.
            0 if !maker.withheld.is_empty() => maker.withheld.remove(0),
            1 => {
                let sent = self.journal.iter().rev().find_map(|record| match record {
                    Record::Report(arrived) if arrived.report.device == maker.id => Some(arrived.clone()),
                    _ => None,
                });
                let Some(sent) = sent else { return };
                self.last += 1;
                return self.take(Record::Report(Arrived { offset: Offset(self.last), ..sent }));
            }
            2 => {
                let left_out = maker.make(now, body.clone());
                maker.withheld.push(left_out);
                maker.make(now, body)
            }
            // Another report of a number that is taken; a broken chain.
            3 => Report { seq: maker.seq.max(1), ..maker.say(now, body) },
            4 => Report { prev: Digest([9; 32]), ..maker.make(now, body) },
            _ => maker.make(now, body),
        };
        self.last += 1;
        let arrived = Arrived {
            offset: Offset(self.last),
            arrived: now,
            digest: digest(&report),
            report: Arc::new(report),
        };
        self.take(Record::Report(arrived));
    }

    fn decide(&mut self, which: u8, how: u8, a: u16, b: u16) {
        let at = usize::from(which) % self.precincts.len();
        let (precinct, state) = self.precincts.iter().nth(at).unwrap();
        let act = act(&self.definition, *precinct, state, how, a, b);
        // Who enters a protocol again is another person, most of the time.
        let people = ["B. Asanova", "T. Osmonov", "N. Kim"];
        let (by, signature) = (people[usize::from(a) % 3].into(), (b.is_multiple_of(2)).then(|| "ab".into()));
        let decision = Decision { by, reason: "a reason".into(), signature, act };
        // Two people may decide at once: the record then has a decision that changes nothing.
        if state.consider(&decision).is_ok() || b.is_multiple_of(5) {
            self.last += 1;
            self.take(Record::Decision(decision, Offset(self.last), self.now));
        }
    }

    /// Takes a record, and follows what it changed.
    fn take(&mut self, record: Record) {
        let before: BTreeMap<_, _> = self.precincts.iter().map(|(id, of)| (*id, of.figures())).collect();
        let considered = match &record {
            Record::Decision(decision, ..) => self.precincts[&decision.act.precinct().unwrap()]
                .consider(decision)
                .map_err(|why| why.to_string()),
            _ => Ok(()),
        };
        let outcome = apply(&mut self.precincts, &record);
        assert_eq!(outcome.clone().map(drop), considered, "what was considered is what is decided");
        for (id, precinct) in &self.precincts {
            let after = precinct.figures();
            let falls = before[id].falls_to(&after);
            let listed = matches!(&outcome, Ok(Some(of)) if of.precinct == *id);
            assert!(falls.is_zero() || listed, "{id} fell without a reason");
            assert!(outcome.is_ok() || after == before[id], "a decision that is not taken changes nothing");
            self.night.put(*id, after);
        }
        if let Record::Decision(decision, ..) = &record {
            let word = if outcome.is_ok() { "taken" } else { "objected" };
            self.seen.insert(format!("{word} {}", decision.act.name()));
        }
        for precinct in self.precincts.values() {
            for device in precinct.devices() {
                self.seen.extend(device.reports.iter().flat_map(|of| &of.codes).map(ToString::to_string));
            }
        }
        self.pending.extend(outcome.ok().flatten());
        self.journal.push(record);
    }

    /// Publishes what changed, which the guard must let pass, and looks at it from outside.
    fn publish(&mut self) {
        let mut cut = self.night.cut();
        cut.corrections = std::mem::take(&mut self.pending);
        let position = self.feed.publish(cut).unwrap_or_else(|breach| panic!("{breach}"));
        let units = published(&self.feed);
        adds_up(&units);
        let shown = numbers(&units);
        let mut corrected = BTreeSet::new();
        for of in self.feed.corrections().iter().filter(|of| of.position == position) {
            let precinct = &self.definition.precincts()[&of.correction.precinct];
            corrected.extend(self.definition.path(precinct).iter().map(ToString::to_string));
            corrected.insert(format!("precinct:{}", precinct.id));
        }
        for (name, was) in &self.shown {
            let is = shown.get(name).copied().unwrap_or(0);
            let unit = name.split(' ').next().unwrap();
            if is < *was {
                assert!(corrected.contains(unit), "{name} fell from {was} to {is} and nothing says why");
                self.seen.insert("fell".to_owned());
            }
        }
        self.shown = shown;
    }

    /// The record told again, in one go: the same snapshot but for epoch, version and time.
    fn told_again(&self) {
        let mut precincts = Precinct::all(&self.definition);
        self.journal.iter().for_each(|record| drop(apply(&mut precincts, record)));
        let mut night = Night::new(&self.definition);
        let mut corrections: Vec<_> =
            precincts.values().flat_map(|precinct| precinct.corrections().iter().cloned()).collect();
        corrections.sort_by_key(|correction| correction.offset);
        precincts.values().for_each(|precinct| night.put(precinct.id(), precinct.figures()));
        let feed = country::feed(&self.definition);
        night.votes = self.night.votes;
        let mut cut = night.cut();
        cut.corrections.clone_from(&corrections);
        feed.publish(cut).unwrap();
        assert_eq!(timeless(published(&feed)), timeless(published(&self.feed)));
        let listed: Vec<_> = self.feed.corrections().into_iter().map(|of| of.correction).collect();
        assert_eq!(listed, corrections);
        for (again, live) in precincts.values().zip(self.precincts.values()) {
            assert_eq!(again.flags(), live.flags());
            let reports = |of: &Precinct| -> Vec<_> {
                of.devices()
                    .flat_map(|device| device.reports.into_iter().cloned().collect::<Vec<_>>())
                    .collect()
            };
            assert_eq!(reports(again), reports(live));
        }
    }
}

impl Maker {
    /// A report outside of the line: the number and the chain are for whoever asked for it.
    fn say(&self, at: Timestamp, body: Body) -> Report {
        let (precinct, device) = (self.precinct, self.id.clone());
        let election = "kg-test".parse().unwrap();
        Report { election, precinct, device, seq: self.seq, prev: self.prev, at, body }
    }

    /// The next report of the line.
    fn make(&mut self, at: Timestamp, body: Body) -> Report {
        let report = Report { seq: self.seq + 1, ..self.say(at, body) };
        (self.seq, self.prev) = (self.seq + 1, digest(&report));
        report
    }

    fn body(&self, definition: &Definition, a: u16, b: u16) -> Body {
        let turnout = Turnout { identified: Count::from(u32::from(a)), ..Turnout::default() };
        if self.urn {
            return match b % 6 {
                0 => Body::OpeningUrn(tally(definition, self.precinct, 0, 0)),
                1 => Body::OpeningUrn(tally(definition, self.precinct, a, b)),
                2 => {
                    let even = tally(definition, self.precinct, a, b);
                    Body::Tally(Tally { ballots: Count::from(u32::from(a)), ..even })
                }
                3 => Body::Tally(tally(definition, self.precinct, a.saturating_mul(4), b)),
                _ => Body::Tally(tally(definition, self.precinct, a, b)),
            };
        }
        match b % 6 {
            0 => Body::OpeningTerminal { identified: Count::ZERO },
            1 => Body::OpeningTerminal { identified: Count::from(u32::from(a)) },
            2 => {
                let wrong = BySex { f: Count::from(u32::from(b)), m: Count::ZERO };
                Body::Turnout(Turnout { by_sex: Some(wrong), ..turnout })
            }
            3 => Body::Closing(turnout),
            _ => Body::Turnout(turnout),
        }
    }
}

/// Any function of a report's content will do: precincts compare digests, they do not make them.
fn digest(report: &Report) -> Digest {
    let text = format!("{report:?}");
    let mut digest = [1u8; 32];
    for (at, byte) in text.bytes().enumerate() {
        let place = at % 32;
        digest[place] = digest[place].wrapping_mul(31).wrapping_add(byte) ^ digest[(place + 7) % 32];
    }
    Digest(digest)
}

fn line(definition: &Definition, contest: election::definition::ContestIx, a: u16, b: u16) -> ContestTally {
    let of = definition.contest(contest);
    let votes = [a, b].map(|count| Count::from(u32::from(count)));
    let invalid = Count::from(u32::from(a % 3));
    ContestTally {
        contest: of.id.clone(),
        ballots: Count::checked_sum([votes[0], votes[1], invalid]).unwrap(),
        invalid,
        votes: of.options.iter().map(|option| option.id.clone()).zip(votes).collect(),
        preferences: BTreeMap::new(),
    }
}

fn tally(definition: &Definition, precinct: PrecinctId, a: u16, b: u16) -> Tally {
    let voted = &definition.precincts()[&precinct].contests;
    let contests: Vec<_> = voted.iter().map(|here| line(definition, here.contest, a, b)).collect();
    Tally { ballots: Count::checked_sum(contests.iter().map(|of| of.ballots)).unwrap(), contests }
}

/// What people decide: mostly something that can be taken.
fn act(definition: &Definition, precinct: PrecinctId, state: &Precinct, how: u8, a: u16, b: u16) -> Act {
    let devices: Vec<_> = state.devices().collect();
    let of_device = |at: u16| devices[usize::from(at) % devices.len()].id.clone();
    let reports = devices.iter().flat_map(|device| &device.reports);
    let waiting = reports.filter(|report| report.verdict == Verdict::Quarantined).map(|of| of.offset);
    let waiting: Vec<Offset> = waiting.collect();
    let some = || match a % 4 {
        0 => waiting.clone(),
        1 => vec![Offset(u64::from(b))],
        _ => waiting.get(usize::from(b) % waiting.len().max(1)).copied().into_iter().collect(),
    };
    let voted = &definition.precincts()[&precinct].contests;
    let figures = line(definition, voted[usize::from(a) % voted.len()].contest, a, b);
    match how % 20 {
        _ if state.phase() == Phase::Certified && a.is_multiple_of(4) => Act::Uncertify { precinct },
        0..=4 => Act::Release { precinct, reports: some() },
        5 | 6 => Act::Refuse { precinct, reports: some() },
        7 | 8 => {
            let ContestTally { contest, ballots, invalid, votes, preferences } = figures;
            let ballots = if b.is_multiple_of(7) { Count::ZERO } else { ballots };
            let tally = CorrectedTally { contest, ballots, invalid, votes, preferences };
            let source = if a.is_multiple_of(3) { Source::Protocols } else { Source::Urns };
            Act::Correct { precinct, source, tally }
        }
        9 => Act::CorrectTurnout { precinct, identified: Count::from(u32::from(a)) },
        10 => Act::Annul { precinct },
        11 => Act::Reinstate { precinct },
        12 => Act::Certify { precinct },
        13 => Act::Uncertify { precinct },
        14 => {
            let open = state.flags().keys().nth(usize::from(a) % state.flags().len().max(1));
            let flag = open.cloned();
            let (code, device, contest) =
                flag.map_or((Code::W07, None, None), |flag| (flag.code, flag.device, flag.contest));
            Act::Resolve { precinct, code, device, contest }
        }
        15 => {
            let gap = devices.iter().find_map(|device| Some((device.id.clone(), device.gap?)));
            let (device, Gap { from, through }) =
                gap.unwrap_or_else(|| (of_device(a), Gap { from: 1, through: 1 }));
            Act::CloseGap { precinct, device, from, through }
        }
        16 | 17 => Act::Protocol {
            precinct,
            contests: voted
                .iter()
                .map(|here| line(definition, here.contest, a, b))
                .map(|ContestTally { contest, ballots, invalid, votes, preferences }| {
                    Form::of(CorrectedTally { contest, ballots, invalid, votes, preferences })
                })
                .collect(),
        },
        18 => Act::Revoke { precinct, device: of_device(b) },
        _ => Act::Certify { precinct },
    }
}

type Applied = Result<Option<Arc<Correction>>, String>;

fn apply(precincts: &mut BTreeMap<PrecinctId, Precinct>, record: &Record) -> Applied {
    match record {
        Record::Report(arrived) => {
            precincts.get_mut(&arrived.report.precinct).unwrap().take(arrived.clone());
        }
        Record::Observation(Observation::Device { precinct, .. }, _) if !precincts.contains_key(precinct) => {
        }
        Record::Observation(observation, at) => {
            let all = matches!(observation, Observation::Clock { .. });
            let own = |id: &PrecinctId| match observation {
                Observation::Device { precinct, .. } => precinct == id,
                _ => all,
            };
            let concerned = precincts.iter_mut().filter(|(id, _)| own(id));
            concerned.for_each(|(_, precinct)| precinct.observe(observation, *at));
        }
        Record::Decision(decision, offset, at) => {
            let precinct = precincts.get_mut(&decision.act.precinct().unwrap()).unwrap();
            let outcome = precinct.decide(decision, *offset, *at).map_err(|why| why.to_string())?;
            return Ok(outcome.correction);
        }
    }
    Ok(None)
}

/// Every unit as it is published.
fn published(feed: &Feed) -> BTreeMap<String, Value> {
    let latest = feed.latest();
    let bodies = [latest.results().plain().clone(), latest.all_precincts().plain().clone()];
    let units = bodies.iter().flat_map(|body| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["units"].as_array().unwrap().clone()
    });
    units.map(|unit| (unit["id"].as_str().unwrap().to_owned(), unit)).collect()
}

fn timeless(mut units: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    units.values_mut().for_each(|unit| unit["updated_at"] = Value::Null);
    units
}

/// Every count of people, ballots and votes that is published, by unit and name.
fn numbers(units: &BTreeMap<String, Value>) -> BTreeMap<String, u64> {
    fn walk(name: &str, value: &Value, into: &mut BTreeMap<String, u64>) {
        match value {
            Value::Number(number) => {
                into.insert(name.to_owned(), number.as_u64().unwrap());
            }
            Value::Object(members) => {
                let counts =
                    members.iter().filter(|(of, _)| !["quarantined", "discrepancies"].contains(&of.as_str()));
                counts.for_each(|(of, value)| walk(&format!("{name} {of}"), value, into));
            }
            _ => {}
        }
    }
    let mut all = BTreeMap::new();
    units.iter().for_each(|(id, unit)| walk(id, unit, &mut all));
    all
}

/// Parent = Σ children for every count; Σ votes + invalid = ballots; reported ≤ precincts.
fn adds_up(units: &BTreeMap<String, Value>) {
    let numbers = numbers(units);
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (name, count) in &numbers {
        let (unit, figure) = name.split_once(' ').unwrap();
        let parent = units[unit]["parent"].as_str();
        // Districts are another tiling: they are no part of the country's sums.
        if let Some(parent) = parent.filter(|_| !unit.starts_with("district"))
            && !figure.starts_with("contests single")
        {
            *sums.entry(format!("{parent} {figure}")).or_default() += count;
        }
        if let Some((district, _)) = figure.strip_prefix("contests single:").and_then(|of| of.split_once(' '))
            && unit.starts_with("precinct")
        {
            *sums.entry(format!("district:{district} {figure}")).or_default() += count;
        }
    }
    for (name, sum) in &sums {
        assert_eq!(numbers.get(name), Some(sum), "{name} is the sum of what is below it");
    }
    for (id, unit) in units {
        for (contest, of) in unit["contests"].as_object().unwrap() {
            for source in ["urns", "protocols"] {
                let of_source = &of[source];
                let number = |value: &Value| value.as_u64().unwrap();
                assert!(number(&of_source["precincts"]) <= number(&of["precincts"]), "{id} {contest}");
                let Some(votes) = of_source["votes"].as_object() else { continue };
                let sum: u64 = votes.values().map(number).sum::<u64>() + number(&of_source["invalid"]);
                assert_eq!(sum, number(&of_source["ballots"]), "{id} {contest} {source}");
            }
        }
    }
}

/// A night of these steps; what was seen in it.
fn night(steps: &[Step]) -> BTreeSet<String> {
    let mut scene = Scene::new();
    steps.iter().for_each(|step| scene.step(*step));
    scene.publish();
    scene.told_again();
    scene.seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_sent_and_decided_adds_up_and_falls_for_a_reason(steps in steps()) {
        night(&steps);
    }
}

/// The nights that are drawn have everything in them that is to be tried.
#[test]
fn every_decision_is_taken_and_objected_to_on_some_night() {
    let mut runner =
        TestRunner::new_with_rng(ProptestConfig::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut seen = BTreeSet::new();
    for _ in 0..120 {
        let drawn = steps().new_tree(&mut runner).unwrap();
        seen.extend(night(&proptest::strategy::ValueTree::current(&drawn)));
    }
    let acts = [
        "release",
        "refuse",
        "correct",
        "correct_turnout",
        "annul",
        "reinstate",
        "certify",
        "uncertify",
        "close_gap",
        "protocol",
        "revoke",
    ];
    let taken = acts.iter().map(|act| format!("taken {act}"));
    let objected = acts.iter().map(|act| format!("objected {act}"));
    let codes = ["S02", "S03", "S04", "Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q08", "Q09"];
    let wanted = taken.chain(objected).chain(codes.map(str::to_owned));
    let wanted = wanted.chain(["fell".to_owned(), "taken resolve".to_owned()]);
    let missing: Vec<_> = wanted.filter(|of| !seen.contains(of)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
