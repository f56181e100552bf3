//! Writing: rows of the night in order, and how far a database has taken them over.

use std::{collections::HashMap, path::Path};

use bytes::Bytes;
use election::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params, params_from_iter};

use super::{SqliteError, cut::Late, open, row};
use crate::{
    about::{About, Election},
    records::Record,
    table::{Column, STATE, TABLES, Table, UNIT, VERSION},
    value::{Row, Value},
};

/// What the file knew of an election when it was opened.
#[derive(Debug, Default)]
pub struct Known {
    /// The last record of the journal that is in it.
    pub records: u64,
    /// The last version's place among those on record.
    pub seq: i64,
    /// When that was published.
    pub at: Timestamp,
    /// The bytes of each unit as of then.
    pub bodies: HashMap<String, Bytes>,
    /// Whether the election is sealed.
    pub sealed: bool,
}

/// The file, open for writing.
pub struct Outbox {
    pub(super) connection: Connection,
}

impl Outbox {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// It cannot be opened, or is no sound database.
    pub fn open(path: &Path) -> Result<Self, SqliteError> {
        Ok(Self { connection: open(path)? })
    }

    /// Puts an election and its units on record where they are not yet, and says what is known of it. With `late` a file
    /// in which it is put on record now does not have all that was before.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn begin(
        &mut self,
        about: &About,
        units: &[(String, &str)],
        late: Option<Late>,
    ) -> Result<Known, SqliteError> {
        let transaction = self.connection.transaction()?;
        if insert_election(&transaction, about)? {
            if let Some(late) = late {
                late.note(&transaction, &about.election.id)?;
            }
            for (place, (unit, kind)) in (0..).zip(units) {
                let row = [
                    Value::text(&about.election.id),
                    Value::Int(place),
                    Value::text(unit),
                    Value::text(kind),
                ];
                insert(&transaction, &UNIT, &row)?;
            }
        }
        let known = known(&transaction, &about.election.id)?;
        transaction.commit()?;
        Ok(known)
    }

    /// Adds records of the journal, and that it has been read up to `through`.
    ///
    /// # Errors
    /// Nothing is added then.
    pub fn add_records(
        &mut self,
        election: &str,
        records: &[Record],
        through: u64,
    ) -> Result<(), SqliteError> {
        let transaction = self.connection.transaction()?;
        for Record { table, row } in records {
            insert(&transaction, table, row)?;
        }
        transaction.execute(
            "INSERT INTO follower (election, records) VALUES (?1, ?2) \
             ON CONFLICT (election) DO UPDATE SET records = excluded.records",
            params![election, Value::int(through)],
        )?;
        Ok(transaction.commit()?)
    }

    /// Adds a version and the units that it changed; how many of these there are.
    ///
    /// # Errors
    /// Nothing is added then.
    pub fn add_version(
        &mut self,
        version: &Row,
        states: impl Iterator<Item = Row>,
    ) -> Result<usize, SqliteError> {
        let transaction = self.connection.transaction()?;
        insert(&transaction, &VERSION, version)?;
        let mut added = 0;
        for state in states {
            insert(&transaction, &STATE, &state)?;
            added += 1;
        }
        transaction.commit()?;
        Ok(added)
    }

    /// Which outbox this is: a name that no other has.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn source(&self) -> Result<String, SqliteError> {
        Ok(self.connection.query_row("SELECT source FROM outbox", [], |row| row.get(0))?)
    }

    /// An election on record here, with its units.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn about(&self, election: &str) -> Result<Option<About>, SqliteError> {
        about(&self.connection, election)
    }

    /// Rows of a table from behind `after` up to `through` by its second column, in its order; at most `most`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn rows(
        &self,
        table: &Table,
        election: &str,
        (after, through): (i64, i64),
        most: u32,
    ) -> Result<Vec<Row>, SqliteError> {
        rows(&self.connection, table, election, (after, through), most)
    }

    /// The highest value of a table's second column; `None` where it has no row.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last(&self, table: &Table, election: &str) -> Result<Option<i64>, SqliteError> {
        let sql = format!("SELECT max({}) FROM {} WHERE election = ?1", second(table).name, table.name);
        Ok(self.connection.query_row(&sql, [election], |row| row.get(0))?)
    }

    /// The last record of the journal that is here.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn records(&self, election: &str) -> Result<i64, SqliteError> {
        let sql = "SELECT records FROM follower WHERE election = ?1";
        Ok(self.connection.query_row(sql, [election], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// When the first version behind this one was published.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn first_at_behind(&self, election: &str, seq: i64) -> Result<Option<Timestamp>, SqliteError> {
        let sql = "SELECT at FROM version WHERE election = ?1 AND seq > ?2 ORDER BY seq LIMIT 1";
        let at: Option<i64> =
            self.connection.query_row(sql, params![election, seq], |row| row.get(0)).optional()?;
        Ok(at.map(moment))
    }

    /// When the last version was published.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last_at(&self, election: &str) -> Result<Option<Timestamp>, SqliteError> {
        let sql = "SELECT at FROM version WHERE election = ?1 ORDER BY seq DESC LIMIT 1";
        let at: Option<i64> = self.connection.query_row(sql, [election], |row| row.get(0)).optional()?;
        Ok(at.map(moment))
    }

    /// Keeps a row that the database refused.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn bury(
        &mut self,
        (election, of, place): (&str, &str, i64),
        reason: &str,
        content: &str,
    ) -> Result<(), SqliteError> {
        let sql =
            "INSERT INTO dead_letter (election, of, place, reason, content) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.execute(sql, params![election, of, place, reason, content])?;
        Ok(())
    }

    /// Ends an election: nothing of it changes any more.
    ///
    /// # Errors
    /// The file cannot be written. Whether there is such an election that is not sealed yet is the answer.
    pub fn seal(&mut self, election: &str, at: Timestamp) -> Result<bool, SqliteError> {
        let sql = "UPDATE election SET sealed_at = ?2 WHERE id = ?1 AND sealed_at IS NULL";
        let at = millis(at);
        Ok(self.connection.execute(sql, params![election, at])? == 1)
    }

    /// Takes in a whole election at once: its rows by table, then it is sealed.
    ///
    /// # Errors
    /// It is on record already, or the file cannot be written: nothing is taken in then.
    pub fn import<E: From<SqliteError>>(
        &mut self,
        about: &About,
        mut rows: impl FnMut(&Table, &mut dyn FnMut(Row) -> Result<(), E>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let transaction = self.connection.transaction().map_err(SqliteError::from)?;
        let mut open = about.clone();
        open.election.sealed_at = None;
        if !insert_election(&transaction, &open)? {
            return Ok(false);
        }
        for table in TABLES {
            rows(table, &mut |row| Ok(insert(&transaction, table, &row).map_err(SqliteError::from)?))?;
        }
        let sealed = "UPDATE election SET sealed_at = ?2 WHERE id = ?1";
        transaction
            .execute(sealed, params![about.election.id, about.election.sealed_at.map(millis)])
            .map_err(SqliteError::from)?;
        transaction.commit().map_err(SqliteError::from)?;
        Ok(true)
    }
}

pub(super) fn millis(of: Timestamp) -> i64 {
    i64::try_from(of.millis()).unwrap_or(i64::MAX)
}

fn moment(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn second(table: &Table) -> Column {
    table.columns[1]
}

/// Whether the election was not on record before.
fn insert_election(transaction: &Transaction<'_>, about: &About) -> Result<bool, SqliteError> {
    let About { election, definition } = about;
    let Election { id, name, date, kind, test, precincts, registered, sealed_at } = election;
    let added = transaction.execute(
        "INSERT INTO election (id, name, date, kind, test, precincts, registered, definition, sealed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
        params![id, name, date, kind, test, precincts, registered, definition, sealed_at.map(millis)],
    )?;
    Ok(added == 1)
}

fn insert(transaction: &Transaction<'_>, table: &Table, row: &[Value]) -> rusqlite::Result<()> {
    transaction.prepare_cached(&table.insert())?.execute(params_from_iter(row)).map(drop)
}

fn about(connection: &Connection, election: &str) -> Result<Option<About>, SqliteError> {
    let sql = "SELECT id, name, date, kind, test, precincts, registered, definition, sealed_at FROM election \
               WHERE id = ?1";
    let about = connection.query_row(sql, [election], |row| {
        let sealed_at: Option<i64> = row.get(8)?;
        let election = Election {
            id: row.get(0)?,
            name: row.get(1)?,
            date: row.get(2)?,
            kind: row.get(3)?,
            test: row.get(4)?,
            precincts: row.get(5)?,
            registered: row.get(6)?,
            sealed_at: sealed_at.map(moment),
        };
        Ok(About { election, definition: row.get(7)? })
    });
    Ok(about.optional()?)
}

fn rows(
    connection: &Connection,
    table: &Table,
    election: &str,
    (after, through): (i64, i64),
    most: u32,
) -> Result<Vec<Row>, SqliteError> {
    let order = second(table).name;
    let sql = format!(
        "SELECT {} FROM {} WHERE election = ?1 AND {order} > ?2 AND {order} <= ?3 ORDER BY {order} LIMIT {most}",
        table.names(),
        table.name
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let kinds = table.kinds();
    let found = statement.query_map(params![election, after, through], |found| row(found, &kinds))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn known(transaction: &Transaction<'_>, election: &str) -> Result<Known, SqliteError> {
    let records: Option<i64> = transaction
        .query_row("SELECT records FROM follower WHERE election = ?1", [election], |row| row.get(0))
        .optional()?;
    let last: Option<(i64, i64)> = transaction
        .query_row(
            "SELECT seq, at FROM version WHERE election = ?1 ORDER BY seq DESC LIMIT 1",
            [election],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let mut bodies = HashMap::new();
    let mut statement = transaction.prepare(
        "SELECT u.unit, (SELECT body FROM state s WHERE s.election = u.election AND s.unit = u.unit \
         ORDER BY s.at DESC, s.seq DESC LIMIT 1) FROM unit u WHERE u.election = ?1",
    )?;
    let mut found = statement.query([election])?;
    while let Some(row) = found.next()? {
        if let Some(body) = row.get::<_, Option<Vec<u8>>>(1)? {
            bodies.insert(row.get(0)?, body.into());
        }
    }
    let unsigned = |number: i64| u64::try_from(number).unwrap_or_default();
    let sealed = about(transaction, election)?.is_some_and(|about| about.election.sealed_at.is_some());
    let (seq, at) = last.unwrap_or_default();
    Ok(Known {
        records: unsigned(records.unwrap_or_default()),
        seq,
        at: Timestamp::from_millis(unsigned(at)),
        bodies,
        sealed,
    })
}
