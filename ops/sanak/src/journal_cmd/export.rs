//! `sanak journal export`: every record as one line of JSON, for anybody's own tools.

use std::{
    collections::BTreeMap,
    io::{BufWriter, Write},
    path::Path,
};

use device_wire::AuthenticReport;
use election::{
    Count,
    report::{Body, ContestTally, Offset, Tally, Turnout},
};
use feed::rfc3339;
use journal::{Entry, Journaled, Reader, check};
use serde_json::{Map, Value, json};

use super::{Failure, journal_in};
use crate::cli::Outcome;

/// Writes every record of the journal of a data directory: in its order, one JSON object a line. A report has its
/// signed bytes in hex, and what they say beside them. Where the journal is not sound, what is wrong goes to `err` and
/// the outcome is a failure: records may be missing.
///
/// # Errors
/// There is no journal, or something cannot be read or written.
pub fn export(data: &Path, out: &mut impl Write, err: &mut impl Write) -> Result<Outcome, Failure> {
    let dir = journal_in(data)?;
    let found = check(&dir)?;
    for fault in &found.faults {
        writeln!(err, "{fault}")?;
    }
    // What stops the reader has been told among the faults: once is enough.
    let told = !found.is_sound();
    let reader = match Reader::open(&dir) {
        Err(_) if told => return Ok(Outcome::Failed),
        opened => opened?,
    };
    let mut out = BufWriter::new(out);
    for record in reader.records(Offset(1)) {
        let record = match record {
            Err(_) if told => break,
            read => read?,
        };
        let line = line(&record)?;
        serde_json::to_writer(&mut out, &line).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(if found.is_sound() { Outcome::Done } else { Outcome::Failed })
}

fn line(record: &Journaled<Entry>) -> Result<Value, std::io::Error> {
    let mut line = Map::new();
    line.insert("offset".into(), json!(record.offset()));
    line.insert("arrived".into(), json!(rfc3339(record.arrival())));
    line.insert("arrived_ms".into(), json!(record.arrival()));
    let (kind, content) = match record.entry() {
        Entry::Report(report) => ("report", report_json(report)),
        Entry::Decision(decision) => ("decision", serde_json::to_value(decision)?),
        Entry::Observation(observation) => ("observation", serde_json::to_value(observation)?),
    };
    line.insert("record".into(), json!(kind));
    line.insert(kind.into(), content);
    Ok(Value::Object(line))
}

fn report_json(signed: &AuthenticReport) -> Value {
    let report = signed.report();
    json!({
        "topic": signed.topic().to_string(),
        "device": report.device,
        "precinct": report.precinct,
        "seq": report.seq,
        "digest": signed.digest().to_string(),
        "prev": report.prev.to_string(),
        "at": rfc3339(report.at),
        "at_ms": report.at,
        "type": report.body.report_type(),
        "body": body_json(&report.body),
        "envelope": hex::encode(signed.envelope()),
    })
}

/// The body under the names that it has on the wire (PROTOCOL §2).
fn body_json(body: &Body) -> Value {
    match body {
        Body::OpeningTerminal { identified } => json!({ "identified": identified }),
        Body::OpeningUrn(tally) | Body::Tally(tally) => tally_json(tally),
        Body::Turnout(turnout) | Body::Closing(turnout) => turnout_json(turnout),
    }
}

fn turnout_json(turnout: &Turnout) -> Value {
    let mut json = Map::new();
    json.insert("identified".into(), json!(turnout.identified));
    if let Some(by_sex) = turnout.by_sex {
        json.insert("by_sex".into(), json!({ "f": by_sex.f, "m": by_sex.m }));
    }
    if let Some(by_age) = &turnout.by_age {
        json.insert("by_age".into(), json!(by_age));
    }
    if let Some(by_district) = &turnout.by_district {
        json.insert("by_district".into(), counts(by_district));
    }
    Value::Object(json)
}

fn tally_json(tally: &Tally) -> Value {
    let contests: Vec<Value> = tally.contests.iter().map(contest_json).collect();
    json!({ "ballots": tally.ballots, "contests": contests })
}

fn contest_json(contest: &ContestTally) -> Value {
    let mut json = json!({
        "contest": contest.contest,
        "ballots": contest.ballots,
        "invalid": contest.invalid,
        "votes": counts(&contest.votes),
    });
    if !contest.preferences.is_empty() {
        let by_option =
            contest.preferences.iter().map(|(option, numbers)| (option.to_string(), counts(numbers)));
        json["preferences"] = Value::Object(by_option.collect());
    }
    json
}

fn counts<K: ToString>(counts: &BTreeMap<K, Count>) -> Value {
    Value::Object(counts.iter().map(|(of, count)| (of.to_string(), json!(count))).collect())
}
