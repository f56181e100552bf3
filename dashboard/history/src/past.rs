//! The questions about what was: the same for every store.

use std::sync::Arc;

use bytes::Bytes;
use election::{DeviceId, ElectionId, PrecinctId, Timestamp, UnitId, report::ReportType};
use feed::Position;

use crate::{
    store::{Question, Store, StoreError},
    table::{REPORT, VERSION},
    value::{
        Kind::{self, Bool, Int, Text, Time},
        Row, Value,
    },
};

type Answer<T> = Result<T, StoreError>;

/// What was, asked of a store. Cheap to clone.
#[derive(Clone)]
pub struct Past(Arc<dyn Store>);

/// An election on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Id.
    pub id: String,
    /// Its name in each language, as JSON.
    pub name: String,
    /// The day.
    pub date: String,
    /// Kind.
    pub kind: String,
    /// A rehearsal.
    pub test: bool,
    /// How many precincts.
    pub precincts: i64,
    /// Voters on their lists.
    pub registered: i64,
    /// Since when it can no longer change.
    pub sealed_at: Option<Timestamp>,
    /// Its last version on record.
    pub last: Option<Moment>,
}

/// A version on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Its place among the versions on record.
    pub seq: i64,
    /// Its epoch and number, `epoch:version`.
    pub position: Position,
    /// When it was published.
    pub at: Timestamp,
    /// How far the night was.
    pub status: String,
    /// Whether votes were out.
    pub votes: bool,
    /// Precincts that had reported.
    pub reported: i64,
    /// All precincts.
    pub precincts: i64,
    /// People identified.
    pub identified: i64,
    /// Registered voters of the precincts that had sent any turnout.
    pub turnout_registered: i64,
    /// The members of its header, without the braces around them.
    pub header: String,
}

/// Which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// The newest at a moment.
    At(Timestamp),
    /// This one.
    Version(Position),
    /// The newest on record.
    Last,
}

/// Which units of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Units {
    /// All above precincts.
    Upper,
    /// All precincts.
    Precincts,
    /// One.
    One(UnitId),
}

/// A unit from some moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// When it became so.
    pub at: Timestamp,
    /// Precincts.
    pub precincts: i64,
    /// Voters on the lists.
    pub registered: i64,
    /// Precincts that have reported in full.
    pub reported: i64,
    /// Registered voters of those.
    pub reported_registered: i64,
    /// People identified.
    pub identified: i64,
    /// Precincts that have sent any turnout.
    pub turnout_precincts: i64,
    /// Registered voters of those.
    pub turnout_registered: i64,
    /// As it was published, where that was asked for.
    pub body: Bytes,
}

/// Which reports are wanted.
#[derive(Debug, Clone, Default)]
pub struct ReportsWanted {
    /// Of this device.
    pub device: Option<DeviceId>,
    /// Of this precinct.
    pub precinct: Option<PrecinctId>,
    /// Of this type.
    pub report_type: Option<ReportType>,
    /// That arrived at this moment or after.
    pub from: Option<Timestamp>,
    /// That arrived before this moment.
    pub to: Option<Timestamp>,
    /// Behind this place of the journal.
    pub after: u64,
    /// At most so many.
    pub limit: u32,
    /// The newest of them instead of the oldest; they still come oldest first.
    pub newest: bool,
}

/// A report on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When it arrived.
    pub arrived: Timestamp,
    /// By the device's clock; none where no calendar has such a moment.
    pub at: Option<Timestamp>,
    /// Whose.
    pub device: String,
    /// Of which precinct.
    pub precinct: u64,
    /// Its number.
    pub seq: u64,
    /// Its type.
    pub report_type: String,
    /// SHA-256 of its signed bytes.
    pub digest: Bytes,
    /// How many bytes those are.
    pub bytes: u64,
}

/// A flag of a device that was raised or lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When.
    pub at: Timestamp,
    /// Which flag.
    pub code: String,
    /// Raised, or lowered.
    pub raised: bool,
}

/// A decision on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A question that is put together from parts, each with its value.
struct Asked {
    sql: String,
    values: Vec<Value>,
}

impl Asked {
    fn new(sql: String, election: &ElectionId) -> Self {
        Self { sql, values: vec![Value::text(election)] }
    }

    /// Adds a condition; `#` stands for its value.
    fn and(&mut self, condition: &str, value: Option<Value>) {
        let Some(value) = value else { return };
        self.values.push(value);
        let place = format!("?{}", self.values.len());
        self.sql.push_str(&format!(" AND {}", condition.replace('#', &place)));
    }

    fn ending(self, end: &str, kinds: Vec<Kind>) -> Question {
        Question { sql: format!("{} {end}", self.sql), values: self.values, kinds }
    }
}

impl Past {
    /// Asks this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }

    /// Every election on record, the newest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn elections(&self) -> Answer<Vec<Recorded>> {
        let sql = format!(
            "SELECT e.id, e.name, e.date, e.kind, e.test, e.precincts, e.registered, e.sealed_at, {} FROM election e \
             LEFT JOIN version v ON v.election = e.id \
             AND v.seq = (SELECT max(seq) FROM version WHERE election = e.id) ORDER BY e.date DESC, e.id",
            moment_columns("v.")
        );
        let mut kinds = vec![Text, Text, Text, Text, Bool, Int, Int, Time];
        kinds.extend(MOMENT);
        let rows = self.0.rows(Question { sql, values: Vec::new(), kinds }).await?;
        Ok(rows.into_iter().map(recorded).collect())
    }

    /// The definition of an election, as it is served.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn definition(&self, election: &ElectionId) -> Answer<Option<Bytes>> {
        let asked = Asked::new("SELECT definition FROM election WHERE id = ?1".into(), election);
        let row = self.one(asked.ending("", vec![Text])).await?;
        Ok(row.and_then(|mut row| row.pop()).map(Value::into_bytes))
    }

    /// A version on record.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn moment(&self, election: &ElectionId, when: &When) -> Answer<Option<Moment>> {
        let columns = moment_columns("");
        let mut asked = Asked::new(format!("SELECT {columns} FROM version WHERE election = ?1"), election);
        match when {
            When::At(at) => asked.and("at <= #", Some(time(*at))),
            When::Version(position) => {
                asked.and("epoch = #", Some(Value::text(&position.epoch)));
                asked.and("version = #", Some(Value::int(position.version)));
            }
            When::Last => {}
        }
        let row = self.one(asked.ending("ORDER BY at DESC, seq DESC LIMIT 1", MOMENT.into())).await?;
        Ok(row.and_then(moment))
    }

    /// The last version on record of each step of so many milliseconds between two moments, oldest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn moments(
        &self,
        election: &ElectionId,
        (from, to): (Timestamp, Timestamp),
        step_ms: i64,
    ) -> Answer<Vec<Moment>> {
        let step = self.0.dialect().step("at", step_ms);
        let sql = format!(
            "SELECT {} FROM version v JOIN (SELECT max(seq) AS last FROM version WHERE election = ?1 \
             AND at >= ?2 AND at <= ?3 GROUP BY {step}) s ON v.seq = s.last WHERE v.election = ?1 ORDER BY v.seq",
            moment_columns("v.")
        );
        let values = vec![Value::text(election), time(from), time(to)];
        let rows = self.0.rows(Question { sql, values, kinds: MOMENT.into() }).await?;
        Ok(rows.into_iter().filter_map(moment).collect())
    }

    /// The first and the last moment on record.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn span(&self, election: &ElectionId) -> Answer<Option<(Timestamp, Timestamp)>> {
        let asked = Asked::new("SELECT min(at), max(at) FROM version WHERE election = ?1".into(), election);
        let row = self.one(asked.ending("", vec![Time, Time])).await?;
        Ok(row.and_then(|row| match row.as_slice() {
            [Value::Time(first), Value::Time(last)] => Some((moment_of(*first), moment_of(*last))),
            _ => None,
        }))
    }

    /// Units as they were in a version on record, in the order of its snapshot.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn units(
        &self,
        election: &ElectionId,
        of: &Moment,
        units: &Units,
    ) -> Answer<Vec<(String, Bytes)>> {
        let question = self.units_question(election, of, units);
        let rows = self.0.rows(question).await?;
        let unit = |row: Row| {
            let mut row = row.into_iter();
            let (unit, body) = (row.next()?, row.next()?);
            (body != Value::Null).then(|| (unit.into_text(), body.into_bytes()))
        };
        Ok(rows.into_iter().filter_map(unit).collect())
    }

    /// The question behind [`Past::units`], for those who look at its plan.
    pub fn units_question(&self, election: &ElectionId, of: &Moment, units: &Units) -> Question {
        let mut asked = Asked::new(
            "SELECT u.unit, (SELECT s.body FROM state s WHERE s.election = ?1 AND s.unit = u.unit AND s.at <= ?2 \
             AND s.seq <= ?3 ORDER BY s.at DESC, s.seq DESC LIMIT 1) AS body FROM unit u WHERE u.election = ?1"
                .into(),
            election,
        );
        asked.values.extend([time(of.at), Value::Int(of.seq)]);
        match units {
            Units::Upper => asked.and("u.kind <> #", Some(Value::text("precinct"))),
            Units::Precincts => asked.and("u.kind = #", Some(Value::text("precinct"))),
            Units::One(unit) => asked.and("u.unit = #", Some(Value::text(unit))),
        }
        asked.ending("ORDER BY u.place", vec![Text, Kind::Bytes])
    }

    /// How a unit went: its last state of each step of so many milliseconds in which it changed, oldest first; at most
    /// `most` of them, the newest. With `bodies` each has its published bytes.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn line(
        &self,
        election: &ElectionId,
        unit: &UnitId,
        step_ms: i64,
        (most, bodies): (u32, bool),
    ) -> Answer<Vec<State>> {
        let step = self.0.dialect().step("at", step_ms);
        let body = if bodies { ", s.body" } else { "" };
        // CROSS JOIN: SQLite looks up each step's state, instead of going through all states by their order.
        let sql = format!(
            "SELECT s.at, s.precincts, s.registered, s.reported, s.reported_registered, s.identified, \
             s.turnout_precincts, s.turnout_registered{body} FROM (SELECT max(at) AS at, max(seq) AS seq \
             FROM state WHERE election = ?1 AND unit = ?2 GROUP BY {step}) b CROSS JOIN state s \
             WHERE s.election = ?1 AND s.unit = ?2 AND s.at = b.at AND s.seq = b.seq \
             ORDER BY b.seq DESC LIMIT {most}"
        );
        let mut kinds = vec![Time, Int, Int, Int, Int, Int, Int, Int];
        kinds.extend(bodies.then_some(Kind::Bytes));
        let values = vec![Value::text(election), Value::text(unit)];
        let rows = self.0.rows(Question { sql, values, kinds }).await?;
        Ok(rows.into_iter().rev().filter_map(state).collect())
    }

    /// Reports on record, in the order of the journal.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reports(&self, election: &ElectionId, wanted: &ReportsWanted) -> Answer<Vec<ReportRow>> {
        let sql = format!(
            "SELECT place, arrival, at, device, precinct, seq, type, digest, length(envelope) FROM {} \
             WHERE election = ?1",
            REPORT.name
        );
        let mut asked = Asked::new(sql, election);
        asked.and("place > #", (wanted.after > 0).then(|| Value::int(wanted.after)));
        asked.and("device = #", wanted.device.as_ref().map(Value::text));
        asked.and("precinct = #", wanted.precinct.map(|of| Value::Int(of.get().into())));
        asked.and("type = #", wanted.report_type.map(|of| Value::text(of.as_str())));
        asked.and("arrival >= #", wanted.from.map(time));
        asked.and("arrival < #", wanted.to.map(time));
        let order = if wanted.newest { "DESC" } else { "ASC" };
        let kinds = vec![Int, Time, Time, Text, Int, Int, Text, Kind::Bytes, Int];
        let question = asked.ending(&format!("ORDER BY place {order} LIMIT {}", wanted.limit), kinds);
        let rows = self.0.rows(question).await?;
        let mut reports: Vec<ReportRow> = rows.into_iter().filter_map(report).collect();
        if wanted.newest {
            reports.reverse();
        }
        Ok(reports)
    }

    /// The flags of a device, as they were raised and lowered: the newest `most`, oldest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn observations(
        &self,
        election: &ElectionId,
        device: &DeviceId,
        most: u32,
    ) -> Answer<Vec<ObservationRow>> {
        let sql = "SELECT place, arrival, code, raised FROM observation WHERE election = ?1";
        let mut asked = Asked::new(sql.into(), election);
        asked.and("device = #", Some(Value::text(device)));
        let question =
            asked.ending(&format!("ORDER BY place DESC LIMIT {most}"), vec![Int, Time, Text, Bool]);
        let rows = self.0.rows(question).await?;
        Ok(rows.into_iter().rev().filter_map(observation).collect())
    }

    /// The decisions that name a device: the newest `most`, oldest first.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn decisions(
        &self,
        election: &ElectionId,
        device: &DeviceId,
        most: u32,
    ) -> Answer<Vec<DecisionRow>> {
        let sql = "SELECT place, arrival, act, person, reason FROM decision WHERE election = ?1";
        let mut asked = Asked::new(sql.into(), election);
        // An id has no character that JSON or LIKE would write or read in another way.
        asked.and("content LIKE #", Some(Value::text(format_args!("%\"{device}\"%"))));
        let kinds = vec![Int, Time, Text, Text, Text];
        let rows = self.0.rows(asked.ending(&format!("ORDER BY place DESC LIMIT {most}"), kinds)).await?;
        Ok(rows.into_iter().rev().filter_map(decision).collect())
    }

    async fn one(&self, question: Question) -> Answer<Option<Row>> {
        Ok(self.0.rows(question).await?.into_iter().next())
    }
}

/// What [`moment`] reads.
const MOMENT: [Kind; 11] = [Int, Text, Int, Time, Text, Bool, Int, Int, Int, Int, Text];

fn moment_columns(of: &str) -> String {
    let columns = VERSION.columns.iter().skip(1).map(|column| format!("{of}{}", column.name));
    columns.collect::<Vec<_>>().join(", ")
}

fn time(of: Timestamp) -> Value {
    Value::Time(i64::try_from(of.millis()).unwrap_or(i64::MAX))
}

fn moment_of(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn unsigned(value: &Value) -> u64 {
    u64::try_from(value.number()).unwrap_or_default()
}

fn recorded(row: Row) -> Recorded {
    let mut row = row.into_iter();
    let mut next = || row.next().unwrap_or(Value::Null);
    let (id, name, date, kind) =
        (next().into_text(), next().into_text(), next().into_text(), next().into_text());
    let (test, precincts, registered) = (next().is_true(), next().number(), next().number());
    let sealed_at = match next() {
        Value::Time(at) => Some(moment_of(at)),
        _ => None,
    };
    Recorded { id, name, date, kind, test, precincts, registered, sealed_at, last: moment(row.collect()) }
}

fn moment(row: Row) -> Option<Moment> {
    let [seq, epoch, version, at, status, votes, reported, precincts, identified, registered, header] =
        <[Value; 11]>::try_from(row).ok()?;
    let position = Position { epoch: epoch.into_text().parse().ok()?, version: unsigned(&version) };
    Some(Moment {
        seq: seq.number(),
        position,
        at: moment_of(at.number()),
        status: status.into_text(),
        votes: votes.is_true(),
        reported: reported.number(),
        precincts: precincts.number(),
        identified: identified.number(),
        turnout_registered: registered.number(),
        header: header.into_text(),
    })
}

fn state(row: Row) -> Option<State> {
    let mut row = row.into_iter();
    let at = moment_of(row.next()?.number());
    let mut number = || row.next().map(|value| value.number());
    Some(State {
        at,
        precincts: number()?,
        registered: number()?,
        reported: number()?,
        reported_registered: number()?,
        identified: number()?,
        turnout_precincts: number()?,
        turnout_registered: number()?,
        body: row.next().map(Value::into_bytes).unwrap_or_default(),
    })
}

fn report(row: Row) -> Option<ReportRow> {
    let [place, arrival, at, device, precinct, seq, of, digest, bytes] = <[Value; 9]>::try_from(row).ok()?;
    Some(ReportRow {
        offset: unsigned(&place),
        arrived: moment_of(arrival.number()),
        at: if at == Value::Null { None } else { Some(moment_of(at.number())) },
        device: device.into_text(),
        precinct: unsigned(&precinct),
        seq: unsigned(&seq),
        report_type: of.into_text(),
        digest: digest.into_bytes(),
        bytes: unsigned(&bytes),
    })
}

fn observation(row: Row) -> Option<ObservationRow> {
    let [place, arrival, code, raised] = <[Value; 4]>::try_from(row).ok()?;
    Some(ObservationRow {
        offset: unsigned(&place),
        at: moment_of(arrival.number()),
        code: code.into_text(),
        raised: raised.is_true(),
    })
}

fn decision(row: Row) -> Option<DecisionRow> {
    let [place, arrival, act, by, reason] = <[Value; 5]>::try_from(row).ok()?;
    Some(DecisionRow {
        offset: unsigned(&place),
        at: moment_of(arrival.number()),
        act: act.into_text(),
        by: by.into_text(),
        reason: reason.into_text(),
    })
}
