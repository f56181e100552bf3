//! What may be missing in the file: what it gave away, and what was before it was begun anew.

use election::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{
    SqliteError,
    outbox::{Outbox, millis},
};
use crate::table::{DECISION, OBSERVATION, REPORT};

/// A file that is begun when something is on record already does not have all of it.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// Versions before this moment may be in the database alone.
    pub versions: Timestamp,
    /// Records up to this one were there before, and are to be read from the journal again.
    pub records: u64,
}

impl Late {
    pub(super) fn note(self, transaction: &Transaction<'_>, election: &str) -> rusqlite::Result<()> {
        let sql = "INSERT INTO cut (election, late, late_records) VALUES (?1, ?2, ?3) ON CONFLICT (election) DO UPDATE \
                   SET late = excluded.late, late_records = excluded.late_records";
        let records = i64::try_from(self.records).unwrap_or(i64::MAX);
        transaction.execute(sql, params![election, millis(self.versions), records]).map(drop)
    }
}

impl Outbox {
    /// Removes versions published before a moment and records that arrived before it, of those that a database has:
    /// versions up to `versions`, records up to `records`. What stays is whole: the last version, and of every version
    /// its units. It is noted before when something may be missing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn prune(
        &mut self,
        election: &str,
        before: Timestamp,
        (versions, records): (i64, i64),
    ) -> Result<usize, SqliteError> {
        let transaction = self.connection.transaction()?;
        let before = millis(before);
        let mut gone = transaction.execute(
            "DELETE FROM state WHERE election = ?1 AND at < ?2 AND seq <= ?3 AND EXISTS (SELECT 1 FROM state later \
             WHERE later.election = ?1 AND later.unit = state.unit AND later.at >= state.at AND later.at < ?2 \
             AND later.seq > state.seq AND later.seq <= ?3)",
            params![election, before, versions],
        )?;
        gone += transaction.execute(
            "DELETE FROM version WHERE election = ?1 AND at < ?2 AND seq <= ?3 AND seq < \
             (SELECT max(seq) FROM version WHERE election = ?1)",
            params![election, before, versions],
        )?;
        for table in [&REPORT, &DECISION, &OBSERVATION] {
            let sql =
                format!("DELETE FROM {} WHERE election = ?1 AND arrival < ?2 AND place <= ?3", table.name);
            gone += transaction.execute(&sql, params![election, before, records])?;
        }
        if gone > 0 {
            cut(&transaction, election, (Some(before), Some(before)))?;
        }
        transaction.commit()?;
        Ok(gone)
    }

    /// Notes what the database has said: whether it `had` versions from before the first one here. Until then that is
    /// only suspected of a file that was begun late.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn settle(&mut self, election: &str, had: bool) -> Result<(), SqliteError> {
        let first = self.first_at_behind(election, 0)?.map(millis);
        let transaction = self.connection.transaction()?;
        let suspected: Option<Option<i64>> = transaction
            .query_row("SELECT late FROM cut WHERE election = ?1", [election], |row| row.get(0))
            .optional()?;
        if let Some(before) = suspected.flatten().or(first).filter(|_| had) {
            cut(&transaction, election, (Some(before), None))?;
        }
        transaction.execute("UPDATE cut SET late = NULL WHERE election = ?1", [election])?;
        Ok(transaction.commit()?)
    }
}

/// Notes before which moments versions and records may be missing.
fn cut(
    transaction: &Transaction<'_>,
    election: &str,
    (versions, records): (Option<i64>, Option<i64>),
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO cut (election, versions, records) VALUES (?1, ?2, ?3) ON CONFLICT (election) DO UPDATE \
               SET versions = max(coalesce(versions, 0), coalesce(excluded.versions, 0)), \
               records = nullif(max(coalesce(records, 0), coalesce(excluded.records, 0)), 0)";
    transaction.execute(sql, params![election, versions, records]).map(drop)
}
