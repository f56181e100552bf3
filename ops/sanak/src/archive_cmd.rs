//! `sanak archive`: elections as files, and back; sealing one that has ended; a database made ready.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use election::ElectionId;
use history::{
    AddressError, ArchiveError, Database, FILE, Format, PostgresStore, Prepared, SqliteStore, Store, Target,
};
use indicatif::{ProgressBar, ProgressStyle};
use journal::{Clock as _, SystemClock};

use crate::runtime;

/// How long one question of an export may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Where the history is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The directory of its file.
    pub data: Option<PathBuf>,
    /// Or its database,
    pub url: Option<String>,
    /// the authority that signed the database's certificate,
    pub ca: Option<PathBuf>,
    /// and the file of its password.
    pub password_file: Option<PathBuf>,
}

/// What is to be done.
#[derive(Debug, Clone)]
pub enum Task {
    /// An election is written into a directory.
    Export {
        /// Which.
        election: ElectionId,
        /// In which form.
        format: Format,
        /// Where to.
        out: PathBuf,
    },
    /// An election is taken in.
    Import {
        /// Where from.
        dir: PathBuf,
    },
    /// An election ends.
    Seal {
        /// Which.
        election: ElectionId,
    },
    /// The tables of a database are made, or brought up to date.
    Prepare,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Neither a directory nor a database was named, or the wrong one.
    #[error("{0}")]
    Usage(&'static str),
    /// The database's address.
    #[error("--url: {0}")]
    Address(#[from] AddressError),
    /// The database's password.
    #[error("--password-file: {0}: {1}")]
    Password(PathBuf, io::Error),
    /// There is no history in the directory.
    #[error("{0}: there is no history here: name the directory of the data (data.dir, or history.dir)")]
    NoFile(PathBuf),
    /// The work itself.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The system gives no threads.
    #[error("no threads: {0}")]
    Threads(#[from] io::Error),
    /// The database.
    #[error("the history's database: {0}")]
    Prepare(#[from] history::PrepareError),
}

impl Trouble {
    /// Whether it was asked for in the wrong way.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Usage(_) | Self::Address(_) | Self::Password(..) | Self::NoFile(_))
    }
}

/// Does it; the answer is one line about what was done.
///
/// # Errors
/// [`Trouble`].
pub fn run(place: &Place, task: Task) -> Result<String, Trouble> {
    runtime::block_on(async { Ok(work(place, task).await) })?
}

async fn work(place: &Place, task: Task) -> Result<String, Trouble> {
    match task {
        Task::Export { election, format, out } => {
            let bar = bar();
            let counted = bar.clone();
            let store = place.store()?;
            history::export(store, &election, format, &out, move |rows| counted.inc(rows)).await?;
            bar.finish_and_clear();
            Ok(format!("exported {} rows of {election} into {}", bar.position(), out.display()))
        }
        Task::Import { dir } => {
            let bar = bar();
            let counted = bar.clone();
            let election = history::import(&dir, &place.target()?, move |rows| counted.inc(rows)).await?;
            bar.finish_and_clear();
            Ok(format!("imported {} rows of {election}, and sealed it", bar.position()))
        }
        Task::Seal { election } => {
            if let Some(dir) = &place.data {
                file_in(dir)?;
            }
            history::seal(&place.target()?, &election, SystemClock.now()).await?;
            Ok(format!("sealed {election}: nothing of it changes any more"))
        }
        Task::Prepare => {
            let Some(database) = place.database()? else { return Err(Trouble::Usage("give --url")) };
            let mut connected = database.connect(PATIENCE).await.map_err(history::PrepareError::from)?;
            Ok(match history::prepare(&mut connected.client).await? {
                Prepared::Plain => "the tables are up to date; PostgreSQL without TimescaleDB",
                Prepared::Timescale => {
                    "the tables are up to date; hypertables, aggregates and policies of TimescaleDB"
                }
            }
            .to_owned())
        }
    }
}

impl Place {
    fn store(&self) -> Result<Arc<dyn Store>, Trouble> {
        let runtime = tokio::runtime::Handle::current();
        Ok(match (self.database()?, &self.data) {
            (Some(database), _) => {
                Arc::new(PostgresStore::new(&database, runtime).map_err(ArchiveError::from)?)
            }
            (None, Some(dir)) => Arc::new(SqliteStore::new(file_in(dir)?, PATIENCE, runtime)),
            (None, None) => return Err(NOWHERE),
        })
    }

    fn target(&self) -> Result<Target, Trouble> {
        Ok(match (self.database()?, &self.data) {
            (Some(database), _) => Target::Database(Box::new(database)),
            (None, Some(dir)) => Target::File(dir.join(FILE)),
            (None, None) => return Err(NOWHERE),
        })
    }

    fn database(&self) -> Result<Option<Database>, Trouble> {
        let Some(url) = &self.url else { return Ok(None) };
        let password = match &self.password_file {
            None => None,
            Some(path) => {
                Some(fs::read_to_string(path).map_err(|error| Trouble::Password(path.clone(), error))?)
            }
        };
        let password = password.as_deref().map(str::trim);
        Ok(Some(Database::new(url, password, self.ca.as_deref(), 2, PATIENCE)?))
    }
}

const NOWHERE: Trouble =
    Trouble::Usage("give --data, the directory of the data, or --url, the history's database");

fn file_in(dir: &Path) -> Result<PathBuf, Trouble> {
    let file = dir.join(FILE);
    if file.exists() { Ok(file) } else { Err(Trouble::NoFile(dir.to_owned())) }
}

/// Rows go by on stderr, where somebody looks.
fn bar() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {human_pos} rows, {per_sec}, {elapsed}") {
        bar.set_style(style);
    }
    bar
}
