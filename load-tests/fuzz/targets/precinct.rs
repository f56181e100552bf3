//! Any course of a precinct's night: never a panic; sums always hold; what is counted falls by nothing that a
//! device says; the same record again changes nothing; and replay repeats every verdict.
#![no_main]

use std::{sync::Arc, time::Duration};

use election::{
    Code, Count, DeviceId, Timestamp,
    figures::SourceFigures,
    precinct::{Arrived, Judgement, Precinct},
    hand_count::Form,
    record::{Act, CorrectedTally, Decision, Observation},
    report::{Body, BySex, ContestTally, Digest, Offset, Report, Tally, Turnout},
};
use fuzz::{DEFINITION, DEVICES, ELECTION};
use libfuzzer_sys::{
    arbitrary::{Arbitrary, Result, Unstructured},
    fuzz_target,
};

/// A record of the night.
#[derive(Debug, Clone)]
enum Record {
    Report(Arc<Report>, Digest),
    Decision(Decision),
    Observation(Observation),
}

/// Small counts are likely to agree with each other; any may come.
fn count(input: &mut Unstructured) -> Result<Count> {
    Ok(Count::new(match input.int_in_range(0..=9)? {
        0..=6 => u64::from(u8::arbitrary(input)?),
        7 | 8 => u64::from(u16::arbitrary(input)?),
        _ => u64::arbitrary(input)?,
    }))
}

fn tally(input: &mut Unstructured) -> Result<ContestTally> {
    let contest = if input.ratio(9, 10)? { "list" } else { "single" };
    let mut tally = ContestTally {
        contest: contest.parse().expect("an id"),
        ballots: count(input)?,
        invalid: count(input)?,
        votes: Default::default(),
        preferences: Default::default(),
    };
    for _ in 0..input.int_in_range(0..=3)? {
        let option = *input.choose(&["p01", "p02", "none", "p99"])?;
        tally.votes.insert(option.parse().expect("an id"), count(input)?);
        if input.ratio(1, 4)? {
            let preferences = tally.preferences.entry(option.parse().expect("an id")).or_default();
            preferences.insert(input.int_in_range(0..=54)?, count(input)?);
        }
    }
    if input.ratio(3, 4)? {
        // As an honest urn adds up.
        let votes = Count::checked_sum(tally.votes.values().copied());
        tally.ballots = votes.and_then(|votes| votes.checked_add(tally.invalid)).unwrap_or(tally.ballots);
    }
    Ok(tally)
}

fn turnout(input: &mut Unstructured) -> Result<Turnout> {
    let by_sex = if input.ratio(1, 4)? { Some(BySex { f: count(input)?, m: count(input)? }) } else { None };
    let by_age =
        if input.ratio(1, 4)? { Some(vec![count(input)?; input.int_in_range(0..=6)?]) } else { None };
    Ok(Turnout { identified: count(input)?, by_sex, by_age, by_district: None })
}

fn body(input: &mut Unstructured) -> Result<Body> {
    let urn = |input: &mut Unstructured| -> Result<Tally> {
        let contests = vec![tally(input)?];
        let ballots = if input.ratio(3, 4)? { contests[0].ballots } else { count(input)? };
        Ok(Tally { ballots, contests })
    };
    Ok(match input.int_in_range(0..=4)? {
        0 => Body::OpeningTerminal { identified: count(input)? },
        1 => Body::OpeningUrn(urn(input)?),
        2 => Body::Turnout(turnout(input)?),
        3 => Body::Closing(turnout(input)?),
        _ => Body::Tally(urn(input)?),
    })
}

fn device(input: &mut Unstructured) -> Result<DeviceId> {
    Ok(DEVICES[usize::from(bool::arbitrary(input)?)].1.parse().expect("an id"))
}

/// The next record, and the line of each device as an honest device would have it.
fn record(input: &mut Unstructured, heads: &mut [(u64, Digest); 2]) -> Result<Record> {
    let precinct = "5001".parse().expect("a precinct");
    Ok(match input.int_in_range(0..=9)? {
        0 => Record::Observation(Observation::Clock { reached: moment(input)? }),
        1 => {
            let code = *input.choose(&[Code::W03, Code::W06, Code::W09, Code::W10])?;
            let raised = bool::arbitrary(input)?;
            Record::Observation(Observation::Device { precinct, device: device(input)?, code, raised })
        }
        2 => {
            let ContestTally { contest, ballots, invalid, votes, preferences } = tally(input)?;
            let tally = CorrectedTally { contest, ballots, invalid, votes, preferences };
            let act = match input.int_in_range(0..=2)? {
                0 => Act::Copy { precinct, holder: "observers".into(), contests: vec![tally] },
                _ => Act::Protocol { precinct, contests: vec![Form::of(tally)] },
            };
            Record::Decision(Decision {
                by: (*input.choose(&["Aida", "Bakyt", "Chynara"])?).into(),
                reason: "a reason".into(),
                signature: None,
                act,
            })
        }
        _ => {
            let which = usize::from(bool::arbitrary(input)?);
            let (head, before) = heads[which];
            let honest = input.ratio(7, 8)?;
            let seq = if honest { head + 1 } else { input.int_in_range(1..=80)? };
            let prev = if honest { before } else { Digest(<[u8; 32]>::arbitrary(input)?) };
            let digest = Digest(<[u8; 32]>::arbitrary(input)?);
            if honest {
                heads[which] = (seq, digest);
            }
            let report = Report {
                election: ELECTION.clone(),
                precinct,
                device: DEVICES[which].1.parse().expect("an id"),
                seq,
                prev,
                at: moment(input)?,
                body: body(input)?,
            };
            Record::Report(Arc::new(report), digest)
        }
    })
}

/// Mostly on the day.
fn moment(input: &mut Unstructured) -> Result<Timestamp> {
    let open = DEFINITION.about().polls_open;
    Ok(match input.ratio(9, 10)? {
        true => open + Duration::from_secs(u64::from(u16::arbitrary(input)?)),
        false => Timestamp::from_millis(u64::arbitrary(input)? >> 16),
    })
}

fn apply(precinct: &mut Precinct, offset: u64, at: Timestamp, record: &Record) -> Vec<Judgement> {
    match record {
        Record::Report(report, digest) => precinct.take(Arrived {
            offset: Offset(offset),
            arrived: at,
            digest: *digest,
            report: Arc::clone(report),
        }),
        Record::Decision(decision) => {
            let considered = precinct.consider(decision);
            let decided = precinct.decide(decision, Offset(offset), at).map(|outcome| outcome.judgements);
            assert_eq!(decided.clone().map(drop), considered, "what was considered is what is decided");
            decided.unwrap_or_default()
        }
        Record::Observation(observation) => {
            precinct.observe(observation, at);
            Vec::new()
        }
    }
}

fn sums_hold(source: &SourceFigures) {
    let votes = Count::checked_sum(source.votes.iter().copied());
    let sum = votes.and_then(|votes| votes.checked_add(source.invalid));
    assert_eq!(sum, Some(source.ballots), "votes and invalid are the ballots");
    assert!(source.precincts <= 1);
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Unstructured::new(bytes);
    let fresh = || Precinct::fresh(&DEFINITION, "5001".parse().expect("a precinct")).expect("precinct 5001");
    let (mut precinct, mut heads) = (fresh(), [(0, Digest::NONE); 2]);
    let mut journal = Vec::new();
    let mut arrived = DEFINITION.about().polls_open;
    while !input.is_empty() && journal.len() < 200 {
        let Ok(record) = record(&mut input, &mut heads) else { break };
        arrived = arrived + Duration::from_secs(u64::from(u8::arbitrary(&mut input).unwrap_or(0)) * 8);
        let before = precinct.figures();
        let offset = journal.len() as u64 + 1; // record 0 is the definition
        let judgements = apply(&mut precinct, offset, arrived, &record);
        let after = precinct.figures();
        for (was, is) in before.contests.iter().zip(&after.contests) {
            sums_hold(&is.urns);
            sums_hold(&is.protocols);
            if matches!(record, Record::Report(..)) {
                assert!(is.urns.ballots >= was.urns.ballots, "a report lowered a count");
            }
        }
        if let Record::Report(..) = &record {
            let again = apply(&mut precinct, offset, arrived, &record);
            assert_eq!(again.first(), judgements.first(), "the same record has the same verdict");
            assert_eq!(precinct.figures(), after, "the same record again counts nothing");
        }
        journal.push((arrived, record, judgements));
    }
    let mut replayed = fresh();
    for (offset, (at, record, judgements)) in (1..).zip(&journal) {
        assert_eq!(
            &apply(&mut replayed, offset, *at, record),
            judgements,
            "replay repeats every verdict"
        );
    }
    assert_eq!(replayed.figures(), precinct.figures(), "replay comes to the same figures");
});
