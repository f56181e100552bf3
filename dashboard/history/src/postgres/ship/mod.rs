//! Copies rows from the file to the database, in batches whose end is noted in the transaction that brings them: what
//! was interrupted at any moment is done once, whatever the database says or does not say.

mod batch;
mod file;
mod refused;
mod register;

pub(crate) use batch::copy;
pub(crate) use register::taken_in;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use election::Timestamp;
use tokio::{sync::watch, task::JoinHandle, time::timeout};

use super::{
    connect::{Connected, Database},
    plain,
    prepare::{PrepareError, Prepared, prepare},
};
use crate::{
    progress::{Half, Progress},
    sqlite::{Outbox, SqliteError},
};
use file::File;
use register::{Cursor, register};

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

/// A connection that takes rows.
struct Session<'a> {
    shipping: &'a Shipping,
    file: File,
    connected: Connected,
    source: String,
    cursor: Cursor,
    pruned: Instant,
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
