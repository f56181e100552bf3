//! What was published: versions, their units, and how a unit went.

use bytes::Bytes;
use election::{ElectionId, Timestamp, UnitId};
use feed::Position;

use super::{
    Answer, Asked, Past, Told,
    rows::{
        MOMENT, Moment, Recorded, Source, Span, State, moment, moment_columns, moment_of, recorded, state,
        time,
    },
};
use crate::{
    store::{Dialect, Question},
    value::{
        Kind::{self, Bool, Int, Text, Time},
        Row, Value,
    },
};

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

impl Past {
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
        let kinds: Vec<Kind> =
            [Text, Text, Text, Text, Bool, Int, Int, Time].into_iter().chain(MOMENT).collect();
        let question = |_| Question { sql: sql.clone(), values: Vec::new(), kinds: kinds.clone() };
        let told = self.ask(None, question).await?;
        Ok(told.rows.into_iter().map(|row| recorded(row, told.by)).collect())
    }

    /// The definition of an election, as it is served.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn definition(&self, election: &ElectionId) -> Answer<Option<Bytes>> {
        let sql = "SELECT definition FROM election WHERE id = ?1";
        let question = |_| Asked::new(sql, election).ending("", vec![Text]);
        let (row, ..) = self.ask(Some(election), question).await?.one();
        Ok(row.and_then(|mut row| row.pop()).map(Value::into_bytes))
    }

    /// A version on record.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn moment(&self, election: &ElectionId, when: &When) -> Answer<Option<Moment>> {
        let question = |_| moment_question(election, when);
        let (row, by, cut) = self.ask(Some(election), question).await?.one();
        let found = row.and_then(|row| moment(row, by));
        if found.is_none() && by == Source::Database {
            let behind = self.ask_behind(election, question).await?.map(Told::one);
            return Ok(behind.and_then(|(row, by, _)| moment(row?, by)));
        }
        if found.is_none() && cut.versions.is_some() { Err(cut.elsewhere()) } else { Ok(found) }
    }

    /// The last version on record of each step of so many milliseconds between two moments, oldest first. Of a time whose
    /// beginning the file that answers may not have it is [`crate::StoreError::Elsewhere`].
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn moments(
        &self,
        election: &ElectionId,
        (from, to): (Timestamp, Timestamp),
        step_ms: i64,
    ) -> Answer<Vec<Moment>> {
        let question = |dialect: Dialect| {
            // CROSS JOIN: SQLite finds the steps once, instead of once for each version.
            let sql = format!(
                "SELECT {} FROM (SELECT max(seq) AS last FROM version WHERE election = ?1 \
                 AND at >= ?2 AND at <= ?3 GROUP BY {}) s CROSS JOIN version v \
                 WHERE v.election = ?1 AND v.seq = s.last ORDER BY v.seq",
                moment_columns("v."),
                dialect.step("at", step_ms)
            );
            Question { sql, values: vec![Value::text(election), time(from), time(to)], kinds: MOMENT.into() }
        };
        let told = self.ask(Some(election), question).await?;
        if told.cut.versions.is_some_and(|whole| from < whole) {
            return Err(told.cut.elsewhere());
        }
        Ok(told.rows.into_iter().filter_map(|row| moment(row, told.by)).collect())
    }

    /// The first and the last moment on record.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn span(&self, election: &ElectionId) -> Answer<Option<Span>> {
        let sql = "SELECT min(at), max(at) FROM version WHERE election = ?1";
        let question = |_| Asked::new(sql, election).ending("", vec![Time, Time]);
        let (row, source, cut) = self.ask(Some(election), question).await?.one();
        match row.as_deref() {
            Some([Value::Time(first), Value::Time(last)]) => {
                let (begin, end) = (moment_of(*first), moment_of(*last));
                Ok(Some(Span { begin, end, source, cut: cut.versions.is_some() }))
            }
            _ if cut.versions.is_some() => Err(cut.elsewhere()),
            _ => Ok(None),
        }
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
        let question = |_| self.units_question(election, of, units);
        // What the file knew it still knows.
        let own = match of.source {
            Source::File => self.ask_behind(election, question).await?,
            Source::Database => None,
        };
        let mut told = match own {
            Some(told) => told,
            None => self.ask(Some(election), question).await?,
        };
        if told.by != of.source && self.0.file.is_some() {
            // The database is away that knew the version: in the file it may stand at another place.
            let named = When::Version(of.position.clone());
            let there = self.ask_behind(election, |_| moment_question(election, &named)).await?;
            let there = there.map(Told::one).and_then(|(row, by, _)| moment(row?, by));
            let there = there.ok_or_else(|| told.cut.elsewhere())?;
            let again = self.ask_behind(election, |_| self.units_question(election, &there, units)).await?;
            told = again.ok_or_else(|| told.cut.elsewhere())?;
        }
        Ok(told.rows.into_iter().filter_map(unit).collect())
    }

    /// The question behind [`Past::units`], for those who look at its plan.
    pub fn units_question(&self, election: &ElectionId, of: &Moment, units: &Units) -> Question {
        let mut asked = Asked::new(
            "SELECT u.unit, (SELECT s.body FROM state s WHERE s.election = ?1 AND s.unit = u.unit AND s.at <= ?2 \
             AND s.seq <= ?3 ORDER BY s.at DESC, s.seq DESC LIMIT 1) AS body FROM unit u WHERE u.election = ?1",
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
        let question = |dialect: Dialect| line_question((election, unit), dialect, step_ms, (most, bodies));
        let told = self.ask(Some(election), question).await?;
        let states: Vec<State> = told.rows.into_iter().rev().filter_map(state).collect();
        // What the file has lost is the beginning of the line, unless so much was not asked for.
        let whole =
            |from| states.len() >= most as usize && states.first().is_some_and(|state| state.at >= from);
        match told.cut.versions {
            Some(from) if !whole(from) => Err(told.cut.elsewhere()),
            _ => Ok(states),
        }
    }
}

fn unit(row: Row) -> Option<(String, Bytes)> {
    let mut row = row.into_iter();
    let (unit, body) = (row.next()?, row.next()?);
    (body != Value::Null).then(|| (unit.into_text(), body.into_bytes()))
}

fn moment_question(election: &ElectionId, when: &When) -> Question {
    let sql = format!("SELECT {} FROM version WHERE election = ?1", moment_columns(""));
    let mut asked = Asked::new(&sql, election);
    match when {
        When::At(at) => asked.and("at <= #", Some(time(*at))),
        When::Version(position) => {
            asked.and("epoch = #", Some(Value::text(&position.epoch)));
            asked.and("version = #", Some(Value::int(position.version)));
        }
        When::Last => {}
    }
    asked.ending("ORDER BY at DESC, seq DESC LIMIT 1", MOMENT.into())
}

fn line_question(
    (election, unit): (&ElectionId, &UnitId),
    dialect: Dialect,
    step_ms: i64,
    (most, bodies): (u32, bool),
) -> Question {
    let step = dialect.step("at", step_ms);
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
    Question { sql, values: vec![Value::text(election), Value::text(unit)], kinds }
}
