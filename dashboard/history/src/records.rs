//! From what the journal and the feed hold to rows.

use std::collections::HashMap;

use bytes::Bytes;
use election::{
    ElectionId, Timestamp,
    record::{Decision, Observation},
};
use feed::{Latest, Version};
use journal::{Entry, Journaled};
use serde::Deserialize;

use crate::{
    table::{DECISION, OBSERVATION, REPORT, Table},
    value::{Row, Value},
};

/// A row and the table that it belongs to.
#[derive(Debug)]
pub struct Record {
    /// Which table.
    pub table: &'static Table,
    /// Its values.
    pub row: Row,
}

/// The last moment that both databases and a calendar have: the end of the year 9999.
const LAST_MOMENT: u64 = 253_402_300_799_999;

/// A record of the journal as a row.
pub fn record(election: &ElectionId, of: &Journaled<Entry>) -> Record {
    let head = [Value::text(election), Value::int(of.offset().0), moment(of.arrival())];
    let (table, rest) = match of.entry() {
        Entry::Report(report) => {
            let said = report.report();
            let rest = vec![
                if said.at.millis() > LAST_MOMENT { Value::Null } else { moment(said.at) },
                Value::text(&said.device),
                Value::Int(said.precinct.get().into()),
                Value::int(said.seq),
                Value::text(said.body.report_type().as_str()),
                Value::Bytes(report.digest().0.to_vec().into()),
                Value::Bytes(report.envelope().to_vec().into()),
            ];
            (&REPORT, rest)
        }
        Entry::Decision(decision) => (&DECISION, decided(decision)),
        Entry::Observation(observation) => (&OBSERVATION, observed(observation)),
    };
    Record { table, row: head.into_iter().chain(rest).collect() }
}

fn decided(decision: &Decision) -> Row {
    vec![
        decision.act.precinct().map_or(Value::Null, |of| Value::Int(of.get().into())),
        Value::text(decision.act.name()),
        Value::text(&decision.by),
        Value::text(&decision.reason),
        Value::Text(serde_json::to_string(decision).unwrap_or_default()),
    ]
}

fn observed(observation: &Observation) -> Row {
    let content = Value::Text(serde_json::to_string(observation).unwrap_or_default());
    let kind = match observation {
        Observation::Device { precinct, device, code, raised } => {
            return vec![
                Value::text("device"),
                Value::Int(precinct.get().into()),
                Value::text(device),
                Value::text(code.as_str()),
                Value::Bool(*raised),
                content,
            ];
        }
        Observation::Clock { .. } => "clock",
        Observation::ClockDoubted => "clock_doubted",
        Observation::ClockConfirmed { .. } => "clock_confirmed",
        Observation::PublicationHeld { .. } => "publication_held",
        Observation::PublicationResumed => "publication_resumed",
    };
    vec![Value::text(kind), Value::Null, Value::Null, Value::Null, Value::Null, content]
}

/// What of a unit's published JSON has a column of its own.
#[derive(Debug, Default, Deserialize)]
struct Published {
    precincts: i64,
    registered: i64,
    reported: Reported,
    turnout: Turnout,
}

#[derive(Debug, Default, Deserialize)]
struct Reported {
    precincts: i64,
    registered: i64,
}

#[derive(Debug, Default, Deserialize)]
struct Turnout {
    identified: i64,
    precincts: i64,
    registered: i64,
}

/// The newest version of a feed as rows: its own, and those of the units that changed after version `from` of its run
/// and are not as `before` has them. It stands at this place among the versions on record, and at this moment.
///
/// The units' rows are made one by one, as they are taken: in a large country they are many.
pub fn version_rows<'a>(
    election: &'a ElectionId,
    (latest, from): (&'a Latest, u64),
    (seq, at): (i64, Timestamp),
    before: &'a HashMap<String, Bytes>,
) -> (Row, impl Iterator<Item = Row> + 'a) {
    let newest = latest.version();
    let changed = latest.changed_since(from).map(|(unit, body)| (unit.to_string(), body));
    let changed = changed.filter(|(unit, body)| before.get(unit) != Some(body));
    let states = changed.map(move |(unit, body)| state(election, (seq, at), &unit, body));
    (version(election, (seq, at), newest), states)
}

/// A unit's state as a row. What stands in columns is read from the very bytes that were published.
fn state(election: &ElectionId, (seq, at): (i64, Timestamp), unit: &str, body: Bytes) -> Row {
    let of: Published = serde_json::from_slice(&body).unwrap_or_default();
    vec![
        Value::text(election),
        Value::Int(seq),
        Value::text(unit),
        moment(at),
        Value::Int(of.precincts),
        Value::Int(of.registered),
        Value::Int(of.reported.precincts),
        Value::Int(of.reported.registered),
        Value::Int(of.turnout.identified),
        Value::Int(of.turnout.precincts),
        Value::Int(of.turnout.registered),
        Value::Bytes(body),
    ]
}

/// A version as a row, with the country's progress in it.
fn version(election: &ElectionId, (seq, at): (i64, Timestamp), of: &Version) -> Row {
    let country = of.unit(&election::UnitId::Country);
    let country: Published = country.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    vec![
        Value::text(election),
        Value::Int(seq),
        Value::text(&of.position().epoch),
        Value::int(of.number()),
        moment(at),
        Value::text(of.status().as_str()),
        Value::Bool(of.votes()),
        Value::Int(country.reported.precincts),
        Value::Int(country.precincts),
        Value::Int(country.turnout.identified),
        Value::Int(country.turnout.registered),
        Value::text(of.header()),
    ]
}

fn moment(at: Timestamp) -> Value {
    Value::int(at.millis()).into_time()
}
