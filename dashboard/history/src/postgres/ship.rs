//! Copies rows from the file to the database, in batches whose end is noted in the transaction that brings them: what
//! was interrupted at any moment is done once, whatever the database says or does not say.

use std::{
    path::PathBuf,
    pin::pin,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use election::Timestamp;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_postgres::{
    Transaction,
    binary_copy::BinaryCopyInWriter,
    error::SqlState,
    types::{ToSql, Type},
};

use super::{
    connect::{Connected, Database},
    plain,
    prepare::{PrepareError, Prepared, prepare},
};
use crate::{
    progress::{Half, Progress},
    sqlite::{About, Outbox, SqliteError},
    table::{DECISION, OBSERVATION, REPORT, STATE, Table, UNIT, VERSION},
    value::{Row, Value},
};

/// Versions in one batch, and about how many units of them.
const VERSIONS: u32 = 500;
const STATES: u32 = 20_000;
/// Records of the journal in one batch.
const RECORDS: i64 = 5_000;
/// How often it looks whether there is something to copy.
const LOOK: Duration = Duration::from_millis(500);
/// After a failure it tries again this soon, and then ever later…
const AGAIN: Duration = Duration::from_secs(1);
/// …but no later than this.
const LATEST: Duration = Duration::from_secs(30);
/// How long a batch may take before the connection is given up.
const BATCH: Duration = Duration::from_secs(60);
/// How often what the database has is removed from the file.
const PRUNE: Duration = Duration::from_secs(60);
/// Longest reason that is kept with a row that was refused, bytes.
const REASON: usize = 1_000;

/// What is copied, and where to.
pub struct Shipping {
    /// The file.
    pub file: PathBuf,
    /// The election.
    pub election: String,
    /// The database.
    pub database: Database,
    /// How much of the night stays in the file when the database has it; `None` keeps all of it.
    pub keep: Option<Duration>,
    /// Where it says how far it is.
    pub progress: Arc<Progress>,
}

/// The task that copies, until it is stopped.
pub struct Shipper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Why copying was interrupted.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the history's database: {}", plain(.0))]
    Database(#[from] tokio_postgres::Error),
    #[error("the history's database: {0}")]
    Prepare(#[from] PrepareError),
    #[error("the history's file: {0}")]
    File(#[from] SqliteError),
    #[error("the history's database says nothing any more")]
    Silent,
    #[error("the history's file has nothing of the election yet")]
    NotYet,
    #[error(
        "the history's database has election {0} of another run, whose journal is not this one: name another database"
    )]
    OtherRun(String),
    #[error("election {0} is sealed in the history's database: nothing more is written to it")]
    Sealed(String),
    #[error("somebody else copies this history to the database at the same time")]
    TwoAtOnce,
    #[error("the history's copying failed: {0}")]
    Failed(String),
}

impl Shipper {
    /// Starts to copy, on this runtime.
    pub fn start(shipping: Shipping) -> Self {
        shipping.progress.has_database.store(true, Relaxed);
        let (stop, stops) = watch::channel(false);
        let task = tokio::spawn(shipping.run(stops));
        Self { stop, task }
    }

    /// Ends: a batch that is on its way is left to the database, which takes the whole of it or nothing.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "copying the history did not end well");
        }
    }
}

impl Shipping {
    async fn run(self, mut stops: watch::Receiver<bool>) {
        let mut again = AGAIN;
        let mut cursor = Cursor::default();
        loop {
            let began = Instant::now();
            let trouble = tokio::select! {
                trouble = self.session(&mut cursor) => trouble,
                _ = stops.wait_for(|stopped| *stopped) => return,
            };
            if matches!(trouble, Trouble::NotYet) {
                // The file is being begun, or has not caught up with the journal: no trouble of the database.
                tokio::select! {
                    () = tokio::time::sleep(LOOK) => continue,
                    _ = stops.wait_for(|stopped| *stopped) => return,
                }
            }
            self.progress.connected.store(false, Relaxed);
            if self.progress.set(Half::Database, Some(trouble.to_string())) {
                tracing::error!(error = %trouble, "the history's database lags; the file keeps everything");
            }
            if let Err(error) = self.measure(cursor).await {
                tracing::debug!(%error, "how far the history's database lags is not known");
            }
            again = if began.elapsed() > LATEST { AGAIN } else { again };
            tokio::select! {
                () = tokio::time::sleep(again) => {}
                _ = stops.wait_for(|stopped| *stopped) => return,
            }
            again = (again * 2).min(LATEST);
        }
    }

    /// Copies until something is wrong. The cursor is how far the database was known to be then.
    async fn session(&self, cursor: &mut Cursor) -> Trouble {
        match self.begin().await {
            Err(trouble) => trouble,
            Ok(mut session) => loop {
                let turn = session.turn().await;
                *cursor = session.cursor;
                if let Err(trouble) = turn {
                    break trouble;
                }
            },
        }
    }

    /// Says how far the database is behind the file, also while it is away.
    async fn measure(&self, cursor: Cursor) -> Result<(), Trouble> {
        if !self.file.exists() {
            return Ok(());
        }
        let path = self.file.clone();
        let file = File(Arc::new(Mutex::new(File::run(move || Outbox::open(&path)).await?)));
        file.measure(&self.election, cursor, &self.progress).await
    }

    async fn begin(&self) -> Result<Session<'_>, Trouble> {
        if !self.file.exists() {
            return Err(Trouble::NotYet);
        }
        let path = self.file.clone();
        let file = File::run(move || Outbox::open(&path)).await?;
        let file = File(Arc::new(Mutex::new(file)));
        let election = self.election.clone();
        let about = file.ask(move |file| file.about(&election)).await?.ok_or(Trouble::NotYet)?;
        let source = file.ask(|file| file.source()).await?;
        let mut connected = self.database.connect(BATCH).await?;
        let prepared = prepare(&mut connected.client).await?;
        self.tell_once(prepared);
        let cursor = register(&mut connected, &file, &about, &source).await?;
        self.progress.connected.store(true, Relaxed);
        if self.progress.set(Half::Database, None) {
            tracing::info!("the history's database takes rows again");
        }
        Ok(Session { shipping: self, file, connected, source, cursor, pruned: Instant::now() })
    }

    fn tell_once(&self, prepared: Prepared) {
        if self.progress.told.swap(true, Relaxed) {
            return;
        }
        match prepared {
            Prepared::Plain => tracing::info!(
                "the history's database is PostgreSQL without TimescaleDB: the same answers, without compression and \
                 without aggregates that are kept"
            ),
            Prepared::Timescale => tracing::info!("the history's database is TimescaleDB"),
        }
    }
}

/// The file, asked away from the threads of the runtime.
#[derive(Clone)]
struct File(Arc<Mutex<Outbox>>);

impl File {
    async fn run<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.map_err(|error| Trouble::Failed(error.to_string()))??)
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Outbox) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let file = Arc::clone(&self.0);
        Self::run(move || question(&mut file.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    async fn rows(
        &self,
        table: &'static Table,
        election: &str,
        span: (i64, i64),
        most: u32,
    ) -> Result<Vec<Row>, Trouble> {
        let election = election.to_owned();
        self.ask(move |file| file.rows(table, &election, span, most)).await
    }

    /// Says how far behind the file a database with this cursor is.
    async fn measure(&self, election: &str, cursor: Cursor, progress: &Progress) -> Result<(), Trouble> {
        let election = election.to_owned();
        let measured = self.ask(move |file| {
            let versions = file.last(&VERSION, &election)?.unwrap_or(cursor.versions);
            let records = file.records(&election)?;
            let waits = file.first_at_behind(&election, cursor.versions)?;
            let newest = file.last_at(&election)?;
            Ok((versions - cursor.versions + records - cursor.records, waits, newest))
        });
        let (rows, waits, newest) = measured.await?;
        progress.rows_behind.store(u64::try_from(rows).unwrap_or_default(), Relaxed);
        let behind = waits.map_or(Duration::ZERO, |waits| newest.unwrap_or(waits).since(waits));
        progress.behind_ms.store(i64::try_from(behind.as_millis()).unwrap_or(i64::MAX), Relaxed);
        Ok(())
    }
}

/// How far the database is, and what is added to the file's numbers of versions there.
#[derive(Debug, Clone, Copy, Default)]
struct Cursor {
    base: i64,
    versions: i64,
    records: i64,
}

/// Makes the election known to the database, and learns how far the database is.
async fn register(
    connected: &mut Connected,
    file: &File,
    about: &About,
    source: &str,
) -> Result<Cursor, Trouble> {
    let all = (-1, i64::MAX);
    let units = file.rows(&UNIT, &about.id, all, u32::MAX).await?;
    let transaction = connected.client.transaction().await?;
    if taken_in(&transaction, about).await? {
        copy(&transaction, &UNIT, &units).await?;
    }
    let sealed = "SELECT sealed_at IS NOT NULL FROM election WHERE id = $1";
    if transaction.query_one(sealed, &[&about.id]).await?.get(0) {
        return Err(Trouble::Sealed(about.id.clone()));
    }
    let added = transaction
        .execute(
            "INSERT INTO outbox (election, source, base, versions) \
             SELECT $1, $2, coalesce(max(seq), 0), 0 FROM version WHERE election = $1 ON CONFLICT DO NOTHING",
            &[&about.id, &source],
        )
        .await?;
    if added == 1 {
        is_same_run(&transaction, file, about).await?;
    }
    transaction
        .execute(
            "INSERT INTO follower (election, records) VALUES ($1, 0) ON CONFLICT DO NOTHING",
            &[&about.id],
        )
        .await?;
    let row = transaction
        .query_one(
            "SELECT base, versions, records FROM outbox JOIN follower USING (election) \
             WHERE election = $1 AND source = $2",
            &[&about.id, &source],
        )
        .await?;
    let cursor = Cursor { base: row.get(0), versions: row.get(1), records: row.get(2) };
    transaction.commit().await?;
    Ok(cursor)
}

/// A file that the database does not know must be of the same journal as the one that it does: the last report there
/// stands at the same place here.
async fn is_same_run(transaction: &Transaction<'_>, file: &File, about: &About) -> Result<(), Trouble> {
    let last = "SELECT place, digest FROM report WHERE election = $1 ORDER BY place DESC LIMIT 1";
    let Some(last) = transaction.query_opt(last, &[&about.id]).await? else { return Ok(()) };
    let (place, digest): (i64, Vec<u8>) = (last.get(0), last.get(1));
    let election = about.id.clone();
    if file.ask(move |file| file.records(&election)).await? < place {
        return Err(Trouble::NotYet);
    }
    let here = file.rows(&REPORT, &about.id, (place - 1, place), 1).await?.pop();
    let here = here.and_then(|mut row| (row.len() > 8).then(|| row.swap_remove(8).into_bytes()));
    if here.is_some_and(|here| here == digest) { Ok(()) } else { Err(Trouble::OtherRun(about.id.clone())) }
}

/// Puts an election on record in the database; whether it was not there before.
pub(crate) async fn taken_in(
    transaction: &Transaction<'_>,
    about: &About,
) -> Result<bool, tokio_postgres::Error> {
    let sql = "INSERT INTO election (id, name, date, kind, test, precincts, registered, definition) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
    let About { id, name, date, kind, test, precincts, registered, definition, .. } = about;
    let values: [&(dyn ToSql + Sync); 8] = [id, name, date, kind, test, precincts, registered, definition];
    Ok(transaction.execute(sql, &values).await? == 1)
}

struct Session<'a> {
    shipping: &'a Shipping,
    file: File,
    connected: Connected,
    source: String,
    cursor: Cursor,
    pruned: Instant,
}

/// Rows of some tables, and which cursor they move from where to where.
struct Batch {
    parts: Vec<(&'static Table, Vec<Row>)>,
    moves: &'static str,
    from: i64,
    to: i64,
}

impl Session<'_> {
    /// Copies what is there, or waits a little where nothing is.
    async fn turn(&mut self) -> Result<(), Trouble> {
        let mut copied = 0;
        if let Some(batch) = self.versions().await? {
            copied += self.send(&batch).await?;
            self.cursor.versions = batch.to;
        }
        if let Some(batch) = self.records().await? {
            copied += self.send(&batch).await?;
            self.cursor.records = batch.to;
        }
        Progress::add(&self.shipping.progress.shipped, copied);
        self.file.measure(&self.shipping.election, self.cursor, &self.shipping.progress).await?;
        if copied == 0 {
            self.prune().await?;
            tokio::time::sleep(LOOK).await;
            // A connection that has died without a word is found out also when there is nothing to copy.
            timeout(BATCH, self.connected.client.batch_execute("SELECT 1"))
                .await
                .map_err(|_| Trouble::Silent)??;
        }
        Ok(())
    }

    /// Whole versions with their units, from behind the cursor.
    async fn versions(&self) -> Result<Option<Batch>, Trouble> {
        let (election, from) = (&self.shipping.election, self.cursor.versions);
        let mut versions = self.file.rows(&VERSION, election, (from, i64::MAX), VERSIONS).await?;
        let Some(mut to) = versions.last().map(|row| row[1].number()) else { return Ok(None) };
        let mut states = self.file.rows(&STATE, election, (from, to), STATES).await?;
        if states.len() >= STATES as usize
            && let Some(cut) = states.last().map(|row| row[1].number())
        {
            // The last version may be there in part: it comes whole with the next batch, or alone with this one.
            let first = versions[0][1].number();
            to = if cut > first { cut - 1 } else { first };
            states = self.file.rows(&STATE, election, (from, to), u32::MAX).await?;
            versions.retain(|row| row[1].number() <= to);
        }
        for row in versions.iter_mut().chain(&mut states) {
            row[1] = Value::Int(row[1].number() + self.cursor.base);
        }
        Ok(Some(Batch {
            parts: vec![(&VERSION, versions), (&STATE, states)],
            moves: VERSIONS_MOVE,
            from,
            to,
        }))
    }

    async fn records(&self) -> Result<Option<Batch>, Trouble> {
        let (election, from) = (self.shipping.election.clone(), self.cursor.records);
        let there = self.file.ask(move |file| file.records(&election)).await?;
        let to = there.min(from + RECORDS);
        if to <= from {
            return Ok(None);
        }
        let mut parts = Vec::new();
        for table in [&REPORT, &DECISION, &OBSERVATION] {
            let rows = self.file.rows(table, &self.shipping.election, (from, to), u32::MAX).await?;
            parts.push((table, rows));
        }
        Ok(Some(Batch { parts, moves: RECORDS_MOVE, from, to }))
    }

    /// Copies a batch; how many rows that were. A row that the database refuses goes to the dead letters, the rest through.
    async fn send(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        match timeout(BATCH, self.send_whole(batch)).await {
            Err(_) => Err(Trouble::Silent),
            Ok(Err(Trouble::Database(error))) if is_about_a_row(&error) => {
                timeout(BATCH, self.send_carefully(batch)).await.map_err(|_| Trouble::Silent)?
            }
            Ok(sent) => sent,
        }
    }

    async fn send_whole(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        let (election, source) = (&self.shipping.election, &self.source);
        let transaction = self.connected.client.transaction().await?;
        advance(&transaction, batch, election, source).await?;
        let mut rows = 0;
        for (table, part) in &batch.parts {
            copy(&transaction, table, part).await?;
            rows += part.len();
        }
        transaction.commit().await?;
        Ok(rows)
    }

    async fn send_carefully(&mut self, batch: &Batch) -> Result<usize, Trouble> {
        let (election, source) = (&self.shipping.election, &self.source);
        let mut transaction = self.connected.client.transaction().await?;
        advance(&transaction, batch, election, source).await?;
        let (mut rows, mut refused) = (0, Vec::new());
        for (table, part) in &batch.parts {
            rows += part.len();
            // Halves of halves, until a row stands alone.
            let mut spans = vec![(0, part.len())];
            while let Some((from, to)) = spans.pop() {
                let attempt = transaction.savepoint("part").await?;
                match copy(&attempt, table, &part[from..to]).await {
                    Ok(()) => attempt.commit().await?,
                    Err(error) if is_about_a_row(&error) => {
                        attempt.rollback().await?;
                        if to - from > 1 {
                            let middle = from + (to - from) / 2;
                            spans.extend([(middle, to), (from, middle)]);
                        } else {
                            refused.push(bury(&transaction, table, &part[from], &plain(&error)).await?);
                        }
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        transaction.commit().await?;
        let progress = &self.shipping.progress;
        Progress::add(&progress.dead_letters, refused.len());
        for Refused { table, place, reason, content } in refused {
            tracing::error!(
                table,
                place,
                reason,
                "a row of the history was refused: it is among the dead letters"
            );
            let election = election.clone();
            self.file.ask(move |file| file.bury((&election, table, place), &reason, &content)).await?;
        }
        Ok(rows)
    }

    async fn prune(&mut self) -> Result<(), Trouble> {
        let Some(keep) = self.shipping.keep.filter(|_| self.pruned.elapsed() > PRUNE) else { return Ok(()) };
        self.pruned = Instant::now();
        let (election, cursor) = (self.shipping.election.clone(), self.cursor);
        let gone = self.file.ask(move |file| {
            let newest: Timestamp = file.last_at(&election)?.unwrap_or_default();
            file.prune(&election, newest - keep, (cursor.versions, cursor.records))
        });
        let gone = gone.await?;
        if gone > 0 {
            tracing::info!(rows = gone, "the history's file was shortened: the database has them");
        }
        Ok(())
    }
}

const VERSIONS_MOVE: &str =
    "UPDATE outbox SET versions = $4 WHERE election = $1 AND source = $2 AND versions = $3";
const RECORDS_MOVE: &str =
    "UPDATE follower SET records = $4 WHERE election = $1 AND $2 <> '' AND records = $3";

/// Moves the cursor first: whoever else would do the same waits, and then finds it moved.
async fn advance(
    transaction: &Transaction<'_>,
    batch: &Batch,
    election: &str,
    source: &str,
) -> Result<(), Trouble> {
    let typed: [(&(dyn ToSql + Sync), Type); 4] =
        [(&election, Type::TEXT), (&source, Type::TEXT), (&batch.from, Type::INT8), (&batch.to, Type::INT8)];
    let moved = transaction.execute_typed(batch.moves, &typed).await?;
    if moved == 1 { Ok(()) } else { Err(Trouble::TwoAtOnce) }
}

/// Copies rows into a table.
pub(crate) async fn copy(
    transaction: &Transaction<'_>,
    table: &Table,
    rows: &[Row],
) -> Result<(), tokio_postgres::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!("COPY {} ({}) FROM STDIN BINARY", table.name, table.names());
    let types: Vec<Type> = table.columns.iter().map(|column| column.kind.postgres()).collect();
    let mut writer = pin!(BinaryCopyInWriter::new(transaction.copy_in(&sql).await?, &types));
    for row in rows {
        writer.as_mut().write_raw(row).await?;
    }
    writer.finish().await.map(drop)
}

/// Whether an error is about what a row holds, not about the database: another attempt would end in the same way.
fn is_about_a_row(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // What cannot be put into PostgreSQL's own form, such as a moment before its first.
        return error.to_string().starts_with("error serializing");
    };
    // Data exceptions, broken constraints, limits of the program such as the longest row.
    ["22", "23", "54"].iter().any(|class| code.code().starts_with(class))
        || *code == SqlState::DATATYPE_MISMATCH
}

/// A row that the database refused.
struct Refused {
    table: &'static str,
    place: i64,
    reason: String,
    content: String,
}

async fn bury(
    transaction: &Transaction<'_>,
    table: &'static Table,
    row: &Row,
    reason: &str,
) -> Result<Refused, tokio_postgres::Error> {
    let election = row[0].clone().into_text();
    let place = row[1].number();
    // What is refused for a character is not refused again for the reason that names it.
    let reason: String = reason.chars().filter(|letter| *letter != '\0').take(REASON).collect();
    let content = written(table, row);
    transaction
        .execute(
            "INSERT INTO dead_letter (election, of, place, reason, content) VALUES ($1, $2, $3, $4, $5)",
            &[&election, &table.name, &place, &reason, &content],
        )
        .await?;
    Ok(Refused { table: table.name, place, reason, content })
}

/// A row as JSON, bytes in hex.
fn written(table: &Table, row: &Row) -> String {
    let value = |value: &Value| match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(number) | Value::Time(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        Value::Bool(is) => (*is).into(),
    };
    let members = table.columns.iter().zip(row).map(|(column, of)| (column.name.to_owned(), value(of)));
    serde_json::Value::Object(members.collect()).to_string()
}
