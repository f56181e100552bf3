//! The store that is always there: one file of SQLite in the directory of the data. It is written by one connection
//! ([`Outbox`]) and read by a few others ([`SqliteStore`]).

mod cut;
mod outbox;
mod read;

pub use cut::Late;
pub use outbox::{Known, Outbox};
pub use read::SqliteStore;

use std::{path::Path, time::Duration};

use refinery::embed_migrations;
use rusqlite::{
    Connection, OpenFlags, ToSql,
    types::{ToSqlOutput, ValueRef},
};

pub(crate) use crate::about::About;
use crate::value::{Kind, Row, Value};

mod migrations {
    use super::embed_migrations;
    embed_migrations!("migrations/sqlite");
}

/// How long a connection waits for the file to be free.
const BUSY: Duration = Duration::from_secs(5);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SqliteError {
    /// SQLite says no.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// Its tables are not as they should be, or cannot be made.
    #[error("its tables cannot be brought up to date: {0}")]
    Migration(#[from] Box<refinery::Error>),
}

impl SqliteError {
    /// Whether what is in the file is no sound database: nothing can be written to it ever again.
    pub fn is_damage(&self) -> bool {
        let Self::Sqlite(rusqlite::Error::SqliteFailure(error, _)) = self else { return false };
        matches!(error.code, rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
    }
}

/// Opens a file for writing and brings its tables up to date.
pub(crate) fn open(path: &Path) -> Result<Connection, SqliteError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What a power cut takes of the last moments is read again from the journal; the file stays sound.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrations::migrations::runner().run(&mut connection).map_err(Box::new)?;
    Ok(connection)
}

/// Opens a file for reading alone.
fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) | Self::Time(number) => ValueRef::Integer(*number),
            Self::Bool(is) => ValueRef::Integer((*is).into()),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A row of these kinds.
pub(crate) fn row(row: &rusqlite::Row<'_>, kinds: &[Kind]) -> rusqlite::Result<Row> {
    let value = |(at, kind): (usize, &Kind)| {
        Ok(match (row.get_ref(at)?, kind) {
            (ValueRef::Null, _) => Value::Null,
            (_, Kind::Int) => Value::Int(row.get(at)?),
            (_, Kind::Time) => Value::Time(row.get(at)?),
            (_, Kind::Bool) => Value::Bool(row.get(at)?),
            (_, Kind::Text) => Value::Text(row.get(at)?),
            (_, Kind::Bytes) => Value::Bytes(row.get::<_, Vec<u8>>(at)?.into()),
        })
    };
    kinds.iter().enumerate().map(value).collect()
}
