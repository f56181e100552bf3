//! What was recorded: reports, flags and decisions.

use election::{DeviceId, ElectionId, PrecinctId, Timestamp, report::ReportType};

use super::{
    Answer, Asked, Past,
    rows::{DecisionRow, ObservationRow, ReportRow, decision, observation, report, time},
};
use crate::value::{
    Kind::{self, Bool, Int, Text, Time},
    Row, Value,
};

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

impl ReportsWanted {
    fn of(&self, sql: &str, election: &ElectionId) -> (Asked, &'static str) {
        let mut asked = Asked::new(sql, election);
        asked.and("place > #", (self.after > 0).then(|| Value::int(self.after)));
        asked.and("device = #", self.device.as_ref().map(Value::text));
        asked.and("precinct = #", self.precinct.map(|of| Value::Int(of.get().into())));
        asked.and("type = #", self.report_type.map(|of| Value::text(of.as_str())));
        asked.and("arrival >= #", self.from.map(time));
        asked.and("arrival < #", self.to.map(time));
        (asked, if self.newest { "DESC" } else { "ASC" })
    }
}

impl Past {
    /// Reports on record, in the order of the journal.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn reports(&self, election: &ElectionId, wanted: &ReportsWanted) -> Answer<Vec<ReportRow>> {
        let sql = "SELECT place, arrival, at, device, precinct, seq, type, digest, length(envelope) FROM report \
                   WHERE election = ?1";
        let question = |_| {
            let (asked, order) = wanted.of(sql, election);
            let kinds = vec![Int, Time, Time, Text, Int, Int, Text, Kind::Bytes, Int];
            asked.ending(&format!("ORDER BY place {order} LIMIT {}", wanted.limit), kinds)
        };
        let told = self.ask(Some(election), question).await?;
        // The oldest are what the file has lost.
        let whole = |from| {
            wanted.from.is_some_and(|asked| asked >= from)
                || (wanted.newest && told.rows.len() >= wanted.limit as usize)
        };
        if told.cut.reading || told.cut.records.is_some_and(|from| !whole(from)) {
            return Err(told.cut.elsewhere());
        }
        let mut reports: Vec<ReportRow> = told.rows.into_iter().filter_map(report).collect();
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
        let condition = ("device = #", Value::text(device));
        let rows = self.newest(election, (sql, condition), most, vec![Int, Time, Text, Bool]).await?;
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
        // An id has no character that JSON or LIKE would write or read in another way.
        let condition = ("content LIKE #", Value::text(format_args!("%\"{device}\"%")));
        let rows = self.newest(election, (sql, condition), most, vec![Int, Time, Text, Text, Text]).await?;
        Ok(rows.into_iter().rev().filter_map(decision).collect())
    }

    /// The newest rows of the journal for which a condition holds, newest first.
    async fn newest(
        &self,
        election: &ElectionId,
        (sql, (condition, value)): (&str, (&str, Value)),
        most: u32,
        kinds: Vec<Kind>,
    ) -> Answer<Vec<Row>> {
        let question = |_| {
            let mut asked = Asked::new(sql, election);
            asked.and(condition, Some(value.clone()));
            asked.ending(&format!("ORDER BY place DESC LIMIT {most}"), kinds.clone())
        };
        let told = self.ask(Some(election), question).await?;
        if told.cut.reading || (told.cut.records.is_some() && told.rows.len() < most as usize) {
            return Err(told.cut.elsewhere());
        }
        Ok(told.rows)
    }
}
