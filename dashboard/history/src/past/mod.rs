//! The questions about what was: the same for every store. Where a database is configured it is asked, and the file in
//! its place while it cannot be reached or lags behind.

mod breaker;
mod journal;
mod rows;
mod versions;

pub use journal::ReportsWanted;
pub use rows::{DecisionRow, Moment, ObservationRow, Recorded, ReportRow, Source, Span, State};
pub use versions::{Units, When};

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use election::{ElectionId, Timestamp};

use crate::{
    progress::Progress,
    store::{Dialect, Question, Store, StoreError},
    value::{
        Kind::{self, Bool, Time},
        Row, Value,
    },
};
use breaker::Breaker;

type Answer<T> = Result<T, StoreError>;

/// A database that is further behind the file than this is not asked about what the file has whole.
const LAG: Duration = Duration::from_secs(3);

/// What was, asked of a store. Cheap to clone.
#[derive(Clone)]
pub struct Past(Arc<Stores>);

struct Stores {
    first: Arc<dyn Store>,
    /// The file behind a database.
    file: Option<File>,
}

struct File {
    store: Arc<dyn Store>,
    progress: Arc<Progress>,
    breaker: Breaker,
}

/// What a store said.
struct Told {
    rows: Vec<Row>,
    by: Source,
    /// What may be missing, where the file answers in place of the database.
    cut: Cut,
}

/// Before which moments versions and records may be missing in the file, and why the database was not asked for them.
#[derive(Debug, Default)]
struct Cut {
    versions: Option<Timestamp>,
    records: Option<Timestamp>,
    /// The file was begun anew, and records that were there before are still being read.
    reading: bool,
    why: String,
}

impl Cut {
    /// Whether the file has everything.
    fn is_none(&self) -> bool {
        self.versions.is_none() && self.records.is_none() && !self.reading
    }

    /// The answer where what is asked for may be in the database alone.
    fn elsewhere(&self) -> StoreError {
        StoreError::Elsewhere(self.why.clone())
    }
}

impl Told {
    fn one(self) -> (Option<Row>, Source, Cut) {
        (self.rows.into_iter().next(), self.by, self.cut)
    }
}

/// A question that is put together from parts, each with its value.
struct Asked {
    sql: String,
    values: Vec<Value>,
}

impl Asked {
    fn new(sql: &str, election: &ElectionId) -> Self {
        Self { sql: sql.to_owned(), values: vec![Value::text(election)] }
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
        Self(Arc::new(Stores { first: store, file: None }))
    }

    /// Asks a database, and the file that it is filled from while it cannot be reached, or is far behind by this
    /// progress.
    pub fn with_file(database: Arc<dyn Store>, file: Arc<dyn Store>, progress: Arc<Progress>) -> Self {
        let file = File { store: file, progress, breaker: Breaker::default() };
        Self(Arc::new(Stores { first: database, file: Some(file) }))
    }

    /// Who is asked now.
    pub fn source(&self) -> Source {
        match &self.0.file {
            Some(file) if file.breaker.is_open() || file.leads() => Source::File,
            _ => Source::of(self.0.first.dialect()),
        }
    }

    /// Asks the file about what the database does not have: it may be on its way there.
    async fn ask_behind(
        &self,
        election: &ElectionId,
        question: impl Fn(Dialect) -> Question,
    ) -> Answer<Option<Told>> {
        let Some(file) = &self.0.file else { return Ok(None) };
        match file.instead(Some(election), String::new(), &question).await {
            Err(StoreError::Elsewhere(_)) => Ok(None),
            told => told.map(Some),
        }
    }

    /// Asks about an election, or all of them.
    async fn ask(
        &self,
        election: Option<&ElectionId>,
        question: impl Fn(Dialect) -> Question,
    ) -> Answer<Told> {
        let first = &self.0.first;
        let Some(file) = &self.0.file else {
            let rows = first.rows(question(first.dialect())).await?;
            return Ok(Told { rows, by: Source::of(first.dialect()), cut: Cut::default() });
        };
        if let Some(election) = election.filter(|_| file.leads()) {
            // Without an answer the database is asked: it may have what the file has not.
            if let Ok(Some(cut)) = file.cut(election).await
                && cut.is_none()
                && let Ok(rows) = file.store.rows(question(Dialect::Sqlite)).await
            {
                return Ok(Told { rows, by: Source::File, cut });
            }
        }
        let why = match file.breaker.pass() {
            Err(why) => why,
            Ok(()) => match first.rows(question(first.dialect())).await {
                Err(StoreError::Unavailable(why)) => {
                    if file.breaker.open(&why) {
                        tracing::warn!(%why, "the history's database does not answer: the file does");
                    }
                    why
                }
                answered => {
                    if file.breaker.close() {
                        tracing::info!("the history's database answers again");
                    }
                    return Ok(Told { rows: answered?, by: Source::Database, cut: Cut::default() });
                }
            },
        };
        file.instead(election, why, &question).await
    }
}

impl File {
    /// Whether the database is so far behind that the file knows better.
    fn leads(&self) -> bool {
        u128::try_from(self.progress.behind_ms.load(Relaxed)).is_ok_and(|behind| behind > LAG.as_millis())
    }

    /// The answer of the file while the database cannot be reached.
    async fn instead(
        &self,
        election: Option<&ElectionId>,
        why: String,
        question: &impl Fn(Dialect) -> Question,
    ) -> Answer<Told> {
        let cut = match election {
            None => Cut::default(),
            Some(election) => match self.cut(election).await? {
                Some(cut) => Cut { why, ..cut },
                None => return Err(StoreError::Elsewhere(why)),
            },
        };
        let rows = self.store.rows(question(Dialect::Sqlite)).await?;
        Ok(Told { rows, by: Source::File, cut })
    }

    /// What the file may not have of an election; `None` where it has nothing of it.
    async fn cut(&self, election: &ElectionId) -> Answer<Option<Cut>> {
        let sql = "SELECT max(coalesce(c.versions, c.late), coalesce(c.late, c.versions)), c.records, \
                   (SELECT min(at) FROM version WHERE election = e.id), coalesce(f.records, 0) < c.late_records \
                   FROM election e LEFT JOIN cut c ON c.election = e.id LEFT JOIN follower f ON f.election = e.id \
                   WHERE e.id = ?1";
        let asked = Asked::new(sql, election).ending("", vec![Time, Time, Time, Bool]);
        let row = self.store.rows(asked).await?.into_iter().next();
        Ok(row.map(|row| {
            let moment = |at: usize| match row.get(at) {
                Some(Value::Time(at)) => Some(rows::moment_of(*at)),
                _ => None,
            };
            // What is here of versions is the end of all there are: from the first one on it is whole.
            let versions = moment(0).map(|cut| moment(2).unwrap_or(cut));
            let reading = row.get(3).is_some_and(Value::is_true);
            Cut { versions, records: moment(1), reading, why: String::new() }
        }))
    }
}
