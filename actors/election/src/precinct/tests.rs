//! The rules of a precinct, one sentence each, on a small election.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{
    Code, Count, Definition, DeviceId, PrecinctId, Timestamp, UnitId,
    builder::Builder,
    definition::{
        About, Contest, ContestIx, ContestKind, ContestOption, Counting, Device, DeviceKind, DeviceStatus,
        Method, Names, OptionKind, OptionStatus, PlaceName, PrecinctContest, ShareOf, Threshold, Unit,
    },
    figures::{Figures, Phase},
    hand_count::Form,
    record::{Act, CorrectedTally, Decision, NoKey, Observation, PublicKey},
    report::*,
    rollup::{Contributions, empty_units},
    rules::Limits,
};

mod decisions;

const HOUR: u64 = 3_600_000;
const OPEN: Timestamp = Timestamp::from_millis(1_000 * HOUR);
const CLOSE: Timestamp = Timestamp::from_millis(1_012 * HOUR);

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn option(text: &str) -> ContestOption {
    ContestOption {
        id: id(text),
        number: None,
        kind: OptionKind::Party,
        name: Names::default(),
        color: None,
        sex: None,
        party: None,
        status: OptionStatus::Active,
        candidates: vec![],
    }
}

fn contest(text: &str, unit: &str, options: &[&str]) -> Contest {
    Contest {
        id: id(text),
        of: id(text.split(':').next().unwrap()),
        kind: ContestKind::SingleMember,
        name: Names::default(),
        unit: id(unit),
        seats: 1,
        method: Method::Plurality,
        threshold: Threshold::default(),
        share_of: ShareOf::VotesCast,
        seat_cap: None,
        rules: Default::default(),
        options: options.iter().map(|text| option(text)).collect(),
    }
}

fn precinct(number: &str, parent: &str, district: Option<u16>) -> crate::definition::Precinct {
    let contests = [Some(0), district].into_iter().flatten();
    crate::definition::Precinct {
        id: id(number),
        parent: id(parent),
        counting: if number == "4" { Counting::Manual } else { Counting::Urn },
        registered: Count::new(1_000),
        position: None,
        name: PlaceName::default(),
        address: String::new(),
        phone: String::new(),
        polls_close: CLOSE,
        contests: contests
            .map(|ix| PrecinctContest { contest: ContestIx(ix), registered: Count::new(1_000) })
            .collect(),
    }
}

fn device(text: &str, kind: DeviceKind, precinct: &str, status: DeviceStatus) -> Device {
    let precinct = Some(id(precinct));
    Device { id: id(text), kind, precinct, contests: vec![], public_key: None, status, replaces: None }
}

/// Precincts 1 and 2 in raion a, 3 abroad, 4 (by hand) in raion b; the list everywhere, a district's contest
/// in 1 and 4.
fn small() -> Arc<Definition> {
    use DeviceKind::{IdTerminal, Urn};
    use DeviceStatus::{Active, Spare};
    let unit = |text: &str, parent: &str| Unit {
        id: id(text),
        parent: Some(id(parent)),
        name: Some(Names::default()),
    };
    let builder = Builder {
        about: About {
            id: id("small"),
            name: Names::default(),
            date: "1970-02-11".into(),
            timezone: "UTC".into(),
            polls_open: OPEN,
            polls_close: CLOSE,
            publish_votes_from: CLOSE,
            kind: "parliamentary".into(),
            test: true,
            age_bands: vec![18, 30],
            data_licence: "CC0-1.0".into(),
            limits: Limits::default(),
        },
        digest: Digest::NONE,
        contests: vec![
            contest("list", "country", &["p01", "p02", "none"]),
            contest("single:1", "district:1", &["c1", "c2"]),
        ],
        units: vec![
            unit("region:r", "country"),
            unit("raion:a", "region:r"),
            unit("raion:b", "region:r"),
            unit("district:1", "country"),
        ],
        precincts: vec![
            precinct("1", "raion:a", Some(1)),
            precinct("2", "raion:a", None),
            precinct("3", "abroad", None),
            precinct("4", "raion:b", Some(1)),
        ],
        devices: vec![
            device("t-1", IdTerminal, "1", Active),
            device("u-1", Urn, "1", Active),
            device("s-1", Urn, "1", Spare),
            device("t-2", IdTerminal, "2", Active),
            device("u-2", Urn, "2", Active),
            device("u-2b", Urn, "2", Active),
            device("u-3", Urn, "3", Active),
            device("t-4", IdTerminal, "4", Active),
        ],
    };
    Arc::new(builder.build().unwrap())
}

/// A device's side of the line: numbers and chains as it should.
struct Maker {
    device: DeviceId,
    precinct: PrecinctId,
    seq: Seq,
    prev: Digest,
}

impl Maker {
    fn new(device: &str, precinct: &str) -> Self {
        Self { device: id(device), precinct: id(precinct), seq: 0, prev: Digest::NONE }
    }

    fn make(&mut self, at: Timestamp, body: Body) -> Arrived {
        self.seq += 1;
        let report = Report {
            election: id("small"),
            precinct: self.precinct,
            device: self.device.clone(),
            seq: self.seq,
            prev: self.prev,
            at,
            body,
        };
        // Any function of the content will do: the precinct compares digests, it does not make them.
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&self.seq.to_be_bytes());
        digest[8] = self.device.as_str().as_bytes()[0];
        digest[31] = 1;
        self.prev = Digest(digest);
        Arrived { offset: Offset(self.seq), arrived: at, digest: self.prev, report: Arc::new(report) }
    }
}

fn turnout(identified: u64) -> Turnout {
    Turnout { identified: Count::new(identified), ..Turnout::default() }
}

fn line(contest: &str, votes: &[(&str, u64)], invalid: u64) -> ContestTally {
    let total: u64 = votes.iter().map(|(_, n)| n).sum();
    ContestTally {
        contest: id(contest),
        ballots: Count::new(total + invalid),
        invalid: Count::new(invalid),
        votes: votes.iter().map(|(option, n)| (id(option), Count::new(*n))).collect(),
        preferences: BTreeMap::new(),
    }
}

fn tally(contests: Vec<ContestTally>) -> Tally {
    let ballots = Count::checked_sum(contests.iter().map(|of| of.ballots)).unwrap();
    Tally { ballots, contests }
}

fn empty_urn(district: bool) -> Tally {
    let mut contests = vec![line("list", &[], 0)];
    contests.extend(district.then(|| line("single:1", &[], 0)));
    tally(contests)
}

fn list_tally(p01: u64, p02: u64, invalid: u64) -> Tally {
    tally(vec![line("list", &[("p01", p01), ("p02", p02)], invalid)])
}

const NIGHT: Timestamp = Timestamp::from_millis(1_012 * HOUR + 60_000);

fn precinct_at(number: &str, clock: Timestamp) -> Precinct {
    let mut precinct = Precinct::fresh(&small(), id(number)).unwrap();
    precinct.observe(&Observation::Clock { reached: clock }, clock);
    precinct
}

fn first(precinct: &mut Precinct, arrived: &Arrived) -> (Verdict, Vec<Code>) {
    let judgement = precinct.take(arrived.clone()).swap_remove(0);
    (judgement.verdict, judgement.codes)
}

impl Precinct {
    /// Takes a decision that stands behind the last one in the journal.
    fn rule(&mut self, decision: &Decision, at: Timestamp) -> Result<Vec<Judgement>, Objection> {
        let next = Offset(self.people().last_decision.0 + 1);
        self.decide(decision, next, at).map(|outcome| outcome.judgements)
    }
}

#[test]
fn a_day_and_a_night_reach_reported() {
    let mut precinct = precinct_at("2", OPEN);
    let mut terminal = Maker::new("t-2", "2");
    let (mut urn, mut other) = (Maker::new("u-2", "2"), Maker::new("u-2b", "2"));
    let accepted = (Verdict::Accepted, vec![]);
    let opening = terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO });
    assert_eq!(first(&mut precinct, &opening), accepted);
    let noon = terminal.make(OPEN + Duration::from_secs(7_200), Body::Turnout(turnout(200)));
    assert_eq!(first(&mut precinct, &noon), accepted);
    assert_eq!((precinct.phase(), precinct.figures().turnout.identified), (Phase::Open, Count::new(200)));
    precinct.observe(&Observation::Clock { reached: CLOSE }, CLOSE);
    assert_eq!(precinct.phase(), Phase::Counting);
    assert_eq!(first(&mut precinct, &terminal.make(CLOSE, Body::Closing(turnout(200)))), accepted);
    for urn in [&mut urn, &mut other] {
        assert_eq!(
            first(&mut precinct, &urn.make(OPEN, Body::OpeningUrn(empty_urn(false)))).0,
            Verdict::Quarantined
        );
    }
    let mut precinct = precinct_at("2", CLOSE);
    let (mut urn, mut other) = (Maker::new("u-2", "2"), Maker::new("u-2b", "2"));
    for (urn, votes) in [(&mut urn, 60), (&mut other, 30)] {
        let late = |mut arrived: Arrived| {
            arrived.arrived = NIGHT;
            arrived
        };
        assert_eq!(first(&mut precinct, &late(urn.make(OPEN, Body::OpeningUrn(empty_urn(false))))), accepted);
        assert_eq!(first(&mut precinct, &urn.make(NIGHT, Body::Tally(list_tally(votes, 7, 3)))), accepted);
    }
    let figures = precinct.figures();
    assert_eq!(precinct.phase(), Phase::Reported);
    let list = figures.contest(ContestIx(0)).unwrap();
    assert_eq!((list.urns.ballots.get(), list.urns.invalid.get(), list.urns.precincts), (110, 6, 1));
    assert_eq!(*list.urns.votes, [90, 14, 0].map(Count::new));
}

#[test]
fn tallies_count_before_their_precinct_is_complete() {
    let mut precinct = precinct_at("2", CLOSE);
    let mut urn = Maker::new("u-2", "2");
    let early = urn.make(NIGHT, Body::OpeningUrn(empty_urn(false)));
    first(&mut precinct, &early);
    first(&mut precinct, &urn.make(NIGHT, Body::Tally(list_tally(5, 4, 1))));
    let list = precinct.figures().contests[0].clone();
    assert_eq!((list.urns.ballots.get(), list.urns.precincts, precinct.phase()), (10, 0, Phase::Counting));
}

#[test]
fn each_rule_of_fitness_has_its_code() {
    let broken = |device: &str, body: Body| {
        let mut precinct = precinct_at("1", CLOSE);
        let arrived = Maker::new(device, "1").make(NIGHT, body);
        first(&mut precinct, &arrived)
    };
    let rejected = |code| (Verdict::Rejected, vec![code]);
    let both = |list: ContestTally| Body::Tally(tally(vec![list, line("single:1", &[], 0)]));
    assert_eq!(broken("u-1", both(line("list", &[("p99", 1)], 0))), rejected(Code::F01));
    assert_eq!(broken("u-1", Body::Tally(tally(vec![line("mayor", &[], 0)]))), rejected(Code::F01));
    assert_eq!(broken("u-1", Body::Tally(list_tally(1, 0, 0))), rejected(Code::F02), "a contest is missing");
    let twice = tally(vec![line("list", &[], 0), line("list", &[], 0), line("single:1", &[], 0)]);
    assert_eq!(broken("u-1", Body::Tally(twice)), rejected(Code::F02), "a contest twice");
    assert_eq!(broken("t-1", both(line("list", &[], 0))), rejected(Code::F02), "an urn's body");
    assert_eq!(broken("u-1", Body::Turnout(turnout(1))), rejected(Code::F02), "a terminal's body");
    let ages = Turnout { by_age: Some(vec![Count::ZERO]), ..turnout(0) };
    assert_eq!(broken("t-1", Body::Turnout(ages)), rejected(Code::F02), "one age band of two");
    let nowhere = Turnout { by_district: Some([(id("9"), Count::ZERO)].into()), ..turnout(0) };
    assert_eq!(broken("t-1", Body::Turnout(nowhere)), rejected(Code::F02), "an unknown district");
    assert_eq!(broken("t-1", Body::Turnout(turnout(1_000_000_001))), rejected(Code::F03));
    assert_eq!(broken("u-1", both(line("list", &[("p01", 1_000_000_001)], 0))), rejected(Code::F03));
}

#[test]
fn each_rule_of_plausibility_has_its_code() {
    let quarantined = |code| (Verdict::Quarantined, vec![code]);
    let night = |device: &str, body: Body| {
        let mut precinct = precinct_at("2", CLOSE);
        let arrived = Maker::new(device, "2").make(NIGHT, body);
        first(&mut precinct, &arrived)
    };
    let mut uneven = list_tally(5, 5, 0);
    uneven.contests[0].ballots = Count::new(11);
    uneven.ballots = Count::new(11);
    assert_eq!(night("u-2", Body::Tally(uneven)), quarantined(Code::Q02));
    let body_differs = Tally { ballots: Count::new(9), ..list_tally(5, 5, 0) };
    assert_eq!(night("u-2", Body::Tally(body_differs)), quarantined(Code::Q02));
    assert_eq!(night("u-2", Body::Tally(list_tally(1_000, 1, 0))), quarantined(Code::Q03));
    assert_eq!(night("u-2", Body::OpeningUrn(list_tally(1, 0, 0))), quarantined(Code::Q04));
    assert_eq!(night("t-2", Body::OpeningTerminal { identified: Count::new(1) }), quarantined(Code::Q04));
    let mut preferred = list_tally(5, 5, 0);
    preferred.contests[0].preferences = [(id("p01"), [(1, Count::new(6))].into())].into();
    assert_eq!(night("u-2", Body::Tally(preferred)), quarantined(Code::Q07));
    let sexes = Turnout { by_sex: Some(BySex { f: Count::new(2), m: Count::new(2) }), ..turnout(5) };
    assert_eq!(night("t-2", Body::Turnout(sexes)), quarantined(Code::Q08));
    let ages = Turnout { by_age: Some([2, 2].map(Count::new).to_vec()), ..turnout(5) };
    assert_eq!(night("t-2", Body::Closing(ages)), quarantined(Code::Q08));
}

#[test]
fn an_urn_is_too_early_until_two_minutes_before_close() {
    let at = |arrived: Timestamp| {
        let mut precinct = precinct_at("2", OPEN);
        let report = Maker::new("u-2", "2").make(OPEN, Body::OpeningUrn(empty_urn(false)));
        first(&mut precinct, &Arrived { arrived, ..report }).0
    };
    assert_eq!(at(CLOSE - Duration::from_secs(121)), Verdict::Quarantined);
    assert_eq!(at(CLOSE - Duration::from_secs(120)), Verdict::Accepted);
}

#[test]
fn a_counter_that_goes_down_and_a_second_final_wait_for_a_person() {
    let mut precinct = precinct_at("2", CLOSE);
    let mut terminal = Maker::new("t-2", "2");
    first(&mut precinct, &terminal.make(OPEN, Body::Turnout(turnout(9))));
    let down = terminal.make(OPEN, Body::Turnout(turnout(8)));
    assert_eq!(first(&mut precinct, &down), (Verdict::Quarantined, vec![Code::Q05]));
    first(&mut precinct, &terminal.make(CLOSE, Body::Closing(turnout(9))));
    let second = terminal.make(CLOSE, Body::Closing(turnout(10)));
    assert_eq!(first(&mut precinct, &second), (Verdict::Quarantined, vec![Code::Q06]));
    assert_eq!(precinct.figures().quarantined, 2);
    assert_eq!(precinct.figures().turnout.identified, Count::new(9), "the line went on, the counts did not");
}

#[test]
fn a_gap_is_held_and_judged_when_it_is_filled() {
    let mut precinct = precinct_at("2", OPEN);
    let mut terminal = Maker::new("t-2", "2");
    let reports: Vec<_> = [1, 2, 3]
        .map(|n| terminal.make(OPEN + Duration::from_secs(n * 3_600), Body::Turnout(turnout(n))))
        .into();
    assert_eq!(first(&mut precinct, &reports[0]).0, Verdict::Accepted);
    assert_eq!(first(&mut precinct, &reports[2]), (Verdict::Held, vec![Code::S02]));
    assert_eq!(precinct.figures().turnout.identified, Count::new(1));
    let judged = precinct.take(reports[1].clone());
    assert_eq!(
        judged.iter().map(|of| (of.seq, of.verdict)).collect::<Vec<_>>(),
        [(2, Verdict::Accepted), (3, Verdict::Accepted)]
    );
    assert_eq!(precinct.figures().turnout.identified, Count::new(3));
}

#[test]
fn a_gap_is_closed_by_decision_and_what_was_held_behind_it_is_judged() {
    let mut precinct = precinct_at("2", OPEN);
    let mut terminal = Maker::new("t-2", "2");
    let reports: Vec<_> = [1, 2, 3, 4, 5]
        .map(|n| terminal.make(OPEN + Duration::from_secs(n * 3_600), Body::Turnout(turnout(n))))
        .into();
    for at in [0, 2, 4] {
        first(&mut precinct, &reports[at]);
    }
    let close = |device: &str, from, through| Decision {
        by: "A. Operator".into(),
        reason: "its memory was lost".into(),
        signature: None,
        act: Act::CloseGap { precinct: id("2"), device: id(device), from, through },
    };
    assert_eq!(precinct.consider(&close("t-9", 2, 2)), Err(Objection::NotHere(id("t-9"))));
    for (from, through) in [(0, 2), (2, 3), (2, 4), (4, 4), (3, 2)] {
        let no_such = Err(Objection::NoSuchGap { device: id("t-2"), from, through });
        assert_eq!(precinct.consider(&close("t-2", from, through)), no_such);
    }
    let judged = precinct.rule(&close("t-2", 2, 2), CLOSE).unwrap();
    assert_eq!(judged.iter().map(|of| (of.seq, of.verdict)).collect::<Vec<_>>(), [(3, Verdict::Accepted)]);
    assert_eq!(precinct.figures().turnout.identified, Count::new(3));
    let late = first(&mut precinct, &reports[1]);
    assert_eq!(late, (Verdict::Quarantined, vec![Code::S02]), "it was given up: people decide");
    assert_eq!(precinct.figures().turnout.identified, Count::new(3));
    let judged = precinct.take(reports[3].clone());
    assert_eq!(judged.len(), 2, "the second gap is filled by the device itself");
    assert_eq!(precinct.figures().turnout.identified, Count::new(5));
    assert!(precinct.consider(&close("t-2", 2, 2)).is_err(), "a gap is closed once");
}

#[test]
fn a_gap_longer_than_any_devices_is_not_closed() {
    let mut precinct = precinct_at("2", OPEN);
    let mut far = Maker::new("t-2", "2");
    far.seq = 20_000;
    first(&mut precinct, &far.make(OPEN, Body::Turnout(turnout(1))));
    let decision = Decision {
        by: "A. Operator".into(),
        reason: "it is broken".into(),
        signature: None,
        act: Act::CloseGap { precinct: id("2"), device: id("t-2"), from: 1, through: 20_000 },
    };
    assert_eq!(precinct.consider(&decision), Err(Objection::EndlessGap(id("t-2"))));
}

#[test]
fn a_centre_whose_clock_is_a_minute_off_at_the_close_quarantines_no_urn() {
    for off in [-60_000, -119_000, 0, 60_000i64] {
        let mut precinct = precinct_at("2", CLOSE);
        let mut urn = Maker::new("u-2", "2");
        // The urn connects at exactly the close by its own clock; the centre's says otherwise.
        let mut opening = urn.make(CLOSE, Body::OpeningUrn(empty_urn(false)));
        opening.arrived = Timestamp::from_millis(CLOSE.millis().saturating_add_signed(off));
        assert_eq!(first(&mut precinct, &opening), (Verdict::Accepted, vec![]), "{off} ms");
    }
    let mut precinct = precinct_at("2", CLOSE);
    let mut early = Maker::new("u-2", "2").make(CLOSE, Body::OpeningUrn(empty_urn(false)));
    early.arrived = Timestamp::from_millis(CLOSE.millis() - 121_000);
    assert_eq!(first(&mut precinct, &early), (Verdict::Quarantined, vec![Code::Q01]));
}

#[test]
fn the_first_of_two_with_one_number_keeps_its_place_and_a_broken_chain_goes_on() {
    let mut precinct = precinct_at("2", OPEN);
    let mut terminal = Maker::new("t-2", "2");
    first(&mut precinct, &terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO }));
    let mut twin = Maker::new("t-2", "2").make(OPEN, Body::OpeningTerminal { identified: Count::ZERO });
    twin.digest = Digest([7; 32]);
    assert_eq!(first(&mut precinct, &twin), (Verdict::Quarantined, vec![Code::S03]));
    let mut broken = terminal.make(OPEN + Duration::from_secs(3_600), Body::Turnout(turnout(1)));
    Arc::make_mut(&mut broken.report).prev = Digest([9; 32]);
    assert_eq!(first(&mut precinct, &broken), (Verdict::Quarantined, vec![Code::S04]));
    let next = terminal.make(OPEN + Duration::from_secs(7_200), Body::Turnout(turnout(1)));
    assert_eq!(first(&mut precinct, &next).0, Verdict::Accepted, "its prev is the broken one's digest");
}

#[test]
fn flags_stand_as_long_as_their_reason_does() {
    let codes = |precinct: &Precinct| precinct.flags().keys().map(|flag| flag.code).collect::<Vec<_>>();
    let mut precinct = precinct_at("2", CLOSE);
    let (mut terminal, mut urn, mut other) =
        (Maker::new("t-2", "2"), Maker::new("u-2", "2"), Maker::new("u-2b", "2"));
    let accepted = first(&mut precinct, &urn.make(NIGHT, Body::Tally(list_tally(40, 40, 20))));
    assert_eq!(accepted, (Verdict::Accepted, vec![Code::W04, Code::W12]));
    first(&mut precinct, &terminal.make(OPEN, Body::Turnout(turnout(0))));
    first(&mut precinct, &terminal.make(CLOSE, Body::Closing(turnout(99))));
    assert_eq!(codes(&precinct), [Code::W01, Code::W04, Code::W08, Code::W12]);
    first(&mut precinct, &other.make(NIGHT, Body::Tally(list_tally(901, 0, 0))));
    assert!(codes(&precinct).contains(&Code::W11), "each urn is below the register, both are over it");
    assert!(!codes(&precinct).contains(&Code::W04), "20 of 1,001 are few");
}

#[test]
fn missing_ballots_clocks_and_jumps_are_flagged() {
    let mut precinct = precinct_at("1", CLOSE);
    let (mut terminal, mut urn) = (Maker::new("t-1", "1"), Maker::new("u-1", "1"));
    first(&mut precinct, &terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO }));
    let jump = terminal.make(OPEN + Duration::from_secs(3_600), Body::Turnout(turnout(241)));
    assert_eq!(first(&mut precinct, &jump), (Verdict::Accepted, vec![Code::W05]));
    let mut ahead = terminal.make(CLOSE + Duration::from_secs(301), Body::Closing(turnout(241)));
    ahead.arrived = CLOSE;
    assert_eq!(first(&mut precinct, &ahead).1, [Code::W03]);
    first(&mut precinct, &urn.make(NIGHT, Body::OpeningUrn(empty_urn(true))));
    let short = tally(vec![line("list", &[("p01", 226)], 0), line("single:1", &[("c1", 225)], 0)]);
    assert_eq!(first(&mut precinct, &urn.make(NIGHT, Body::Tally(short))).1, [Code::W02]);
    let flagged: Vec<_> = precinct.flags().keys().filter(|flag| flag.code == Code::W02).collect();
    assert_eq!(flagged.len(), 1, "15 fewer is no flag, 16 is");
}

#[test]
fn an_observation_raises_and_lowers_a_flag() {
    let mut precinct = precinct_at("2", OPEN);
    let mut observe = |raised| {
        let seen = Observation::Device { precinct: id("2"), device: id("t-2"), code: Code::W09, raised };
        precinct.observe(&seen, OPEN);
        precinct.figures().discrepancies
    };
    assert_eq!([observe(true), observe(true), observe(false)], [1, 1, 0]);
}

#[test]
fn a_spare_takes_the_place_of_a_broken_urn() {
    let mut precinct = precinct_at("1", CLOSE);
    let decision = |old: &str, new: &str| Decision {
        by: "A. Operator".into(),
        reason: "dropped at 15:00".into(),
        signature: None,
        act: Act::Replace { precinct: id("1"), old: id(old), new: id(new) },
    };
    assert_eq!(precinct.consider(&decision("u-9", "s-1")), Err(Objection::NotHere(id("u-9"))));
    assert_eq!(precinct.consider(&decision("u-1", "u-2")), Err(Objection::NotSpare(id("u-2"))));
    let nobody = Decision { by: " ".into(), ..decision("u-1", "s-1") };
    assert_eq!(precinct.consider(&nobody), Err(Objection::Anonymous));
    precinct.rule(&decision("u-1", "s-1"), NIGHT).unwrap();
    let old = Maker::new("u-1", "1").make(NIGHT, Body::OpeningUrn(empty_urn(true)));
    assert_eq!(first(&mut precinct, &old), (Verdict::Rejected, vec![Code::E07]));
    let mut spare = Maker::new("s-1", "1");
    first(&mut precinct, &spare.make(NIGHT, Body::OpeningUrn(empty_urn(true))));
    first(&mut precinct, &spare.make(NIGHT, Body::Tally(empty_urn(true))));
    assert_eq!(precinct.phase(), Phase::Reported);
    assert_eq!(precinct.consider(&decision("s-1", "s-1")), Err(Objection::HasCounted(id("s-1"))));
}

fn decided(act: Act) -> Decision {
    Decision { by: "A. Operator".into(), reason: "stolen at noon".into(), signature: None, act }
}

fn revoked(device: &str) -> Decision {
    decided(Act::Revoke { precinct: id("1"), device: id(device) })
}

fn replaced(old: &str, new: &str) -> Decision {
    decided(Act::Replace { precinct: id("1"), old: id(old), new: id(new) })
}

#[test]
fn what_a_revoked_device_had_accepted_stays_counted_and_nothing_else_of_it_is() {
    let mut precinct = precinct_at("1", CLOSE);
    let mut terminal = Maker::new("t-1", "1");
    first(&mut precinct, &terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO }));
    first(&mut precinct, &terminal.make(OPEN, Body::Turnout(turnout(30))));
    precinct.rule(&revoked("t-1"), NIGHT).unwrap();
    let late = terminal.make(NIGHT, Body::Closing(turnout(40)));
    assert_eq!(first(&mut precinct, &late), (Verdict::Rejected, vec![Code::E07]));
    assert_eq!(precinct.figures().turnout.identified.get(), 30);
    assert_eq!(precinct.consider(&revoked("t-1")), Err(Objection::ShutOut(id("t-1"))));
    assert_eq!(precinct.consider(&revoked("u-9")), Err(Objection::NotHere(id("u-9"))));
}

#[test]
fn another_takes_the_place_of_a_revoked_urn_but_not_of_its_figures() {
    let mut precinct = precinct_at("1", CLOSE);
    precinct.rule(&revoked("u-1"), NIGHT).unwrap();
    precinct.rule(&replaced("u-1", "s-1"), NIGHT).unwrap();
    assert_eq!(precinct.consider(&replaced("u-1", "s-1")), Err(Objection::NotHere(id("u-1"))));
    let mut spare = Maker::new("s-1", "1");
    first(&mut precinct, &spare.make(NIGHT, Body::OpeningUrn(empty_urn(true))));
    first(&mut precinct, &spare.make(NIGHT, Body::Tally(empty_urn(true))));
    precinct.rule(&revoked("s-1"), NIGHT).unwrap();
    assert_eq!(precinct.consider(&replaced("s-1", "s-1")), Err(Objection::HasCounted(id("s-1"))));
}

#[test]
fn a_spare_that_was_revoked_gets_no_place() {
    let mut precinct = precinct_at("1", CLOSE);
    precinct.rule(&revoked("s-1"), NIGHT).unwrap();
    assert_eq!(precinct.consider(&replaced("u-1", "s-1")), Err(Objection::NotSpare(id("s-1"))));
    assert_eq!(precinct.consider(&revoked("s-1")), Err(Objection::ShutOut(id("s-1"))));
    assert_eq!(precinct.progress().urns, 1, "nobody waits for it");
}

#[test]
fn numbers_and_chain_go_on_with_another_key() {
    let mut precinct = precinct_at("1", CLOSE);
    let mut terminal = Maker::new("t-1", "1");
    first(&mut precinct, &terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO }));
    let reissue = |device: &str| {
        let public_key = PublicKey([7; 32]);
        decided(Act::Reissue { precinct: id("1"), device: id(device), public_key })
    };
    precinct.rule(&reissue("t-1"), OPEN).unwrap();
    let next = terminal.make(OPEN, Body::Turnout(turnout(30)));
    assert_eq!(first(&mut precinct, &next).0, Verdict::Accepted);
    assert_eq!(precinct.consider(&reissue("s-1")), Ok(()), "a spare may get another key too");
    assert_eq!(precinct.consider(&reissue("u-9")), Err(Objection::NotHere(id("u-9"))));
    precinct.rule(&revoked("t-1"), NIGHT).unwrap();
    assert_eq!(precinct.consider(&reissue("t-1")), Err(Objection::ShutOut(id("t-1"))));
}

#[test]
fn a_public_key_is_64_hex_digits_in_text() {
    let key = PublicKey([0xab; 32]);
    assert_eq!(key.to_string(), "ab".repeat(32));
    assert_eq!("AB".repeat(32).parse(), Ok(key));
    for wrong in ["ab", &"g".repeat(64), &"é".repeat(32)] {
        assert_eq!(wrong.parse::<PublicKey>(), Err(NoKey), "{wrong}");
    }
}

#[test]
fn a_precinct_that_counts_by_hand_reports_by_protocol() {
    let mut precinct = precinct_at("4", CLOSE);
    let protocol = |by: &str, p01: u64, ballots: u64| Decision {
        by: by.into(),
        reason: "hand count".into(),
        signature: None,
        act: Act::Protocol {
            precinct: id("4"),
            contests: [("list", "p01"), ("single:1", "c1")]
                .map(|(contest, option)| {
                    Form::of(CorrectedTally {
                        contest: id(contest),
                        ballots: Count::new(ballots),
                        invalid: Count::ZERO,
                        votes: [(id(option), Count::new(p01))].into(),
                        preferences: Default::default(),
                    })
                })
                .into(),
        },
    };
    assert!(matches!(precinct.consider(&protocol("Aida", 5, 6)), Err(Objection::Unbalanced { .. })));
    assert!(matches!(precinct.consider(&protocol("Aida", 1_001, 1_001)), Err(Objection::WrongSum { .. })));
    precinct.rule(&protocol("Aida", 7, 7), NIGHT).unwrap();
    let list = |precinct: &Precinct| precinct.figures().contests[0].clone();
    assert_eq!(
        (list(&precinct).protocols.precincts, precinct.phase()),
        (0, Phase::Counting),
        "once is not in"
    );
    precinct.rule(&protocol("Bakyt", 7, 7), NIGHT).unwrap();
    assert_eq!(precinct.rule(&protocol("Chynara", 8, 8), NIGHT), Err(Objection::AlreadyIn));
    let list = list(&precinct);
    assert_eq!((list.protocols.ballots.get(), list.protocols.precincts, list.urns.precincts), (7, 1, 0));
    assert_eq!(precinct.phase(), Phase::Reported);
}

/// What may happen to precincts 1, 2 and 3 on a night, in an order and with repetitions to be drawn.
fn a_night() -> Vec<Arrived> {
    let mut all = Vec::new();
    for (terminal, number) in [("t-1", "1"), ("t-2", "2")] {
        let mut terminal = Maker::new(terminal, number);
        all.push(terminal.make(OPEN, Body::OpeningTerminal { identified: Count::ZERO }));
        all.extend(
            [30, 70, 60]
                .map(|n| terminal.make(OPEN + Duration::from_secs(n * 100), Body::Turnout(turnout(n)))),
        );
        all.push(terminal.make(CLOSE, Body::Closing(turnout(80))));
    }
    for (urn, number) in [("u-1", "1"), ("u-2", "2"), ("u-2b", "2"), ("u-3", "3")] {
        let mut urn = Maker::new(urn, number);
        all.push(urn.make(NIGHT, Body::OpeningUrn(empty_urn(number == "1"))));
        let mut contests = vec![line("list", &[("p01", 11), ("none", 5)], 2)];
        contests.extend((number == "1").then(|| line("single:1", &[("c2", 17)], 1)));
        all.push(urn.make(NIGHT, Body::Tally(tally(contests))));
    }
    all
}

fn run(definition: &Arc<Definition>, night: &[Arrived]) -> (BTreeMap<UnitId, Figures>, Contributions) {
    let mut precincts = Precinct::all(definition);
    let mut contributions = Contributions::new(Arc::clone(definition));
    let mut units = empty_units(definition);
    let mut add = |precinct: &Precinct| {
        let Some(change) = contributions.put(precinct.id(), precinct.figures()) else { return };
        for unit in contributions.path(precinct.id()).iter() {
            units.get_mut(unit).unwrap().replace(unit, &change.before, &change.after).unwrap();
        }
    };
    for precinct in precincts.values_mut() {
        precinct.observe(&Observation::Clock { reached: CLOSE }, CLOSE);
        add(precinct);
    }
    for arrived in night {
        let precinct = precincts.get_mut(&arrived.report.precinct).unwrap();
        precinct.take(arrived.clone());
        add(precinct);
    }
    (units, contributions)
}

fn votes(figures: &Figures) -> u64 {
    figures.contests.iter().flat_map(|of| &of.urns.votes).map(|count| count.get()).sum()
}

#[test]
fn every_parent_is_the_sum_of_its_children() {
    let (units, contributions) = run(&small(), &a_night());
    assert_eq!(units, contributions.sums().unwrap(), "added change by change = formed anew");
    let of = |text: &str| &units[&id::<UnitId>(text)];
    let list = |text: &str| of(text).contest(ContestIx(0)).unwrap().urns.ballots.get();
    assert_eq!(list("country"), list("region:r") + list("abroad"));
    assert_eq!(list("region:r"), list("raion:a") + list("raion:b"));
    assert_eq!((list("country"), list("abroad"), votes(of("district:1"))), (72, 18, 17));
    assert!(of("district:1").contest(ContestIx(0)).is_none() && of("country").contests.len() == 1);
    assert_eq!(of("country").precincts(), 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Devices keep their own order; between devices, and by repetition, everything may happen.
    #[test]
    fn order_between_devices_and_duplicates_change_nothing(
        keys in proptest::collection::vec(any::<u32>(), 24),
        again in proptest::collection::vec(0usize..18, 0..40),
    ) {
        let definition = small();
        let night = a_night();
        let expected = run(&definition, &night).0;
        let mut shuffled: Vec<_> = night.iter().cloned().zip(keys).collect();
        shuffled.sort_by_key(|(_, key)| *key);
        let mut shuffled: Vec<_> = shuffled.into_iter().map(|(arrived, _)| arrived).collect();
        shuffled.extend(again.into_iter().map(|at| night[at % night.len()].clone()));
        let (units, contributions) = run(&definition, &shuffled);
        prop_assert_eq!(&units, &contributions.sums().unwrap());
        // What a late arrival does to the flags of a moment may differ; counts may not.
        for (unit, figures) in &units {
            prop_assert_eq!(&figures.contests, &expected[unit].contests);
            prop_assert_eq!(&figures.turnout, &expected[unit].turnout);
        }
    }
}
