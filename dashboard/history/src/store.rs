//! What a store is: something that answers one question at a time, within bounds.

use futures_util::future::BoxFuture;

use crate::value::{Kind, Row, Value};

/// Why a store has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It took too long.
    #[error("the history did not answer in time; try again")]
    Late,
    /// It cannot be reached or read.
    #[error("the history cannot be read now ({0}); try again")]
    Unavailable(String),
    /// The database may have it, and the file that answers in its place does not.
    #[error("this may be in the history's database alone, which cannot be reached now ({0}); try again")]
    Elsewhere(String),
}

/// Where the kinds of databases differ in the words of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL, with TimescaleDB or without.
    Postgres,
}

impl Dialect {
    /// The step of so many milliseconds, counted from 1970, that a moment in a column falls into.
    pub(crate) fn step(self, column: &str, step_ms: i64) -> String {
        match self {
            Self::Sqlite => format!("{column} / {step_ms}"),
            Self::Postgres => format!(
                "date_bin(interval '{step_ms} milliseconds', {column}, timestamptz '1970-01-01 00:00:00Z')"
            ),
        }
    }
}

/// A question: SQL with `?1`, `?2` … in the place of its values.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words.
    pub sql: String,
    /// The values.
    pub values: Vec<Value>,
    /// What the columns of the answer hold.
    pub kinds: Vec<Kind>,
}

/// A database with the tables of [`crate::table`].
pub trait Store: Send + Sync + 'static {
    /// In which words it is asked.
    fn dialect(&self) -> Dialect;

    /// The answer to a question, in the order that it asks for; within a time of the store's own.
    fn rows(&self, question: Question) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;
}
