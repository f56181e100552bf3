//! An election as files: for analysts' tools, and for another service's archive. `election.json` says what the others
//! are, with their SHA-256.

mod columns;
mod csv;
mod give;
mod parquet;
mod take;

pub use give::export;
pub use take::{Target, import, seal};

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{postgres::PrepareError, sqlite::SqliteError, store::StoreError, table::Table, value::Row};

/// The form of the tables' files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Apache Parquet, compressed.
    Parquet,
    /// CSV (RFC 4180) with a header.
    Csv,
}

impl Format {
    fn file(self, table: &Table) -> String {
        let ending = match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
        };
        format!("{}.{ending}", table.name)
    }
}

/// The name of the file that names the others.
const MANIFEST: &str = "election.json";
/// Longest of its kind: a definition, with every option of every contest.
const LONGEST: u64 = 64 << 20;
/// The form of all this; another number is another form.
const VERSION: u32 = 1;

/// What is in a directory.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    version: u32,
    format: Format,
    election: Described,
    files: BTreeMap<String, Listed>,
}

/// The election, beside its rows.
#[derive(Debug, Serialize, Deserialize)]
struct Described {
    id: String,
    name: serde_json::Value,
    date: String,
    kind: String,
    test: bool,
    precincts: i64,
    registered: i64,
    sealed_at: String,
    definition: serde_json::Value,
}

/// A file, and how it is known again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    rows: u64,
    sha256: String,
}

/// Why an election was not exported, imported or sealed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// There is none such.
    #[error("there is no election {0} here: name one of those that are listed under /api/v1/elections")]
    NoElection(String),
    /// There is one already.
    #[error("election {0} is here already: what is on record is never replaced")]
    There(String),
    /// It is sealed already.
    #[error("election {0} is sealed already")]
    Sealed(String),
    /// A file.
    #[error("{file}: {why}")]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Questions to a store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file of SQLite.
    #[error("the history's file: {0}")]
    Sqlite(#[from] SqliteError),
    /// The database.
    #[error("the history's database: {0}")]
    Database(#[from] PrepareError),
    /// Work away from the runtime's threads.
    #[error("the work was interrupted: {0}")]
    Interrupted(String),
}

impl From<tokio_postgres::Error> for ArchiveError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

/// The error of a file, in words.
fn wrong(file: &Path, why: impl ToString) -> ArchiveError {
    ArchiveError::File { file: file.to_owned(), why: why.to_string() }
}

/// How a table's file is written, rows at a time.
trait Writer {
    fn write(&mut self, rows: &[Row]) -> Result<(), ArchiveError>;
    fn finish(self: Box<Self>) -> Result<(), ArchiveError>;
}

fn sha256(file: &Path) -> Result<String, ArchiveError> {
    let read = || -> io::Result<String> {
        let (mut file, mut hash, mut part) = (File::open(file)?, Sha256::new(), vec![0; 1 << 16]);
        loop {
            match file.read(&mut part)? {
                0 => break,
                read => hash.update(&part[..read]),
            }
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    read().map_err(|error| wrong(file, error))
}
