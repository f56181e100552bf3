//! Follows the feed and the journal on a thread of its own. Nothing ever waits for it: it takes what is there when it
//! comes by, and where it lags behind, the newest state.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bytes::Bytes;
use election::{ElectionId, Timestamp, report::Offset};
use feed::Feed;
use journal::Reader;

use crate::{
    progress::{Half, Progress},
    records::{record, version_rows},
    sqlite::{About, Late, Outbox, SqliteError},
};

/// Records taken from the journal in one transaction.
const RECORDS: usize = 500;
/// How often it looks whether there is something new.
const LOOK: Duration = Duration::from_millis(200);
/// After a failure it tries again this soon, and then ever later…
const AGAIN: Duration = Duration::from_millis(500);
/// …but no later than this.
const LATEST: Duration = Duration::from_secs(30);

/// What is followed, and where to.
pub struct Sources {
    /// The file.
    pub file: PathBuf,
    /// What is published.
    pub feed: Arc<Feed>,
    /// What is recorded.
    pub reader: Reader,
    /// The election.
    pub about: About,
    /// Versions closer to each other than this, in real time, are not all kept: the newest is.
    pub every: Duration,
    /// Where it says how far it is.
    pub progress: Arc<Progress>,
}

/// Why the history does not go on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the history cannot be written: {0}")]
    File(#[from] SqliteError),
    #[error("the history cannot read the journal: {0}")]
    Journal(#[from] journal::Error),
    #[error("the history of this election is sealed: nothing more is written to it")]
    Sealed,
}

/// The thread that follows, until it is stopped.
pub struct Follower {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    /// Waits so long, or until the end: whether it has come.
    fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Follower {
    /// Starts to follow.
    ///
    /// # Errors
    /// No thread can be started.
    pub fn start(sources: Sources) -> io::Result<Self> {
        let stop = Arc::new(Stop::default());
        let stops = Arc::clone(&stop);
        let anew = sources.reader.next().0 > 1;
        let following = Following { sources, open: None, anew };
        let thread = std::thread::Builder::new().name("history".into());
        let thread = thread.spawn(move || following.run(&stops))?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Takes what is there now and ends. May take a second where the disk is slow.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        *self.stop.stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stop.changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the history's thread has failed");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.end();
    }
}

struct Following {
    sources: Sources,
    open: Option<Open>,
    /// Whether a file that is begun now is not the first: there were records when the service started, or it has had a
    /// file before.
    anew: bool,
}

/// The file, and what is in it.
struct Open {
    outbox: Outbox,
    election: ElectionId,
    /// The last record of the journal.
    records: u64,
    /// The last version on record, and when it was published.
    seq: i64,
    at: Timestamp,
    /// The version of this run that was taken last; 0 before the first.
    taken: u64,
    taken_at: Option<Instant>,
    /// What an earlier run left: compared with once.
    bodies: HashMap<String, Bytes>,
}

impl Following {
    fn run(mut self, stop: &Stop) {
        let mut again = AGAIN;
        let mut pause = Duration::ZERO;
        while !stop.wait(pause) {
            let began = Instant::now();
            match self.turn() {
                Ok(rows) => {
                    again = AGAIN;
                    // With much to do it takes a quarter of a core, and the count the rest.
                    pause = if rows < RECORDS { LOOK } else { began.elapsed() * 3 };
                    if self.sources.progress.set(Half::File, None) {
                        tracing::info!("the history is written again");
                    }
                }
                Err(Trouble::Sealed) => {
                    self.tell(&Trouble::Sealed);
                    return;
                }
                Err(error) => {
                    self.tell(&error);
                    self.open = None;
                    pause = again;
                    again = (again * 2).min(LATEST);
                }
            }
        }
        // The last of the night; what is left is taken up from the journal at the next start.
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_secs(1) && self.turn().is_ok_and(|rows| rows > 0) {}
    }

    fn tell(&self, error: &Trouble) {
        self.sources.progress.errors.fetch_add(1, Relaxed);
        if self.sources.progress.set(Half::File, Some(error.to_string())) {
            tracing::error!(%error, "history");
        }
    }

    /// Takes what is new; how many rows that were.
    fn turn(&mut self) -> Result<usize, Trouble> {
        let sources = &self.sources;
        let open = match &mut self.open {
            Some(open) => open,
            closed => {
                let open = closed.insert(Open::at(sources, self.anew)?);
                self.anew = true;
                open
            }
        };
        let rows = open.take_records(&sources.reader)? + open.take_version(sources)?;
        Progress::add(&sources.progress.rows, rows);
        let behind = sources.reader.next().0.saturating_sub(open.records + 1);
        sources.progress.records_behind.store(behind, Relaxed);
        Ok(rows)
    }
}

impl Open {
    fn at(sources: &Sources, mut anew: bool) -> Result<Self, Trouble> {
        let election = sources.feed.definition().about().id.clone();
        let mut outbox = match Outbox::open(&sources.file) {
            Err(error) if error.is_damage() => {
                set_aside(&sources.file);
                anew = true;
                Outbox::open(&sources.file)?
            }
            opened => opened?,
        };
        let latest = sources.feed.latest();
        let units: Vec<(String, &str)> = latest.units().map(|unit| (unit.to_string(), unit.kind())).collect();
        let records = sources.reader.next().0.saturating_sub(1);
        let late = anew.then(|| Late { versions: latest.version().at(), records });
        let known = outbox.begin(&sources.about, &units, late)?;
        if known.sealed {
            return Err(Trouble::Sealed);
        }
        Ok(Self {
            outbox,
            election,
            records: known.records,
            seq: known.seq,
            at: known.at,
            taken: 0,
            taken_at: None,
            bodies: known.bodies,
        })
    }

    fn take_records(&mut self, reader: &Reader) -> Result<usize, Trouble> {
        if reader.next().0 <= self.records + 1 {
            return Ok(0);
        }
        let mut rows = Vec::new();
        let mut through = self.records;
        for found in reader.records(Offset(self.records + 1)).take(RECORDS) {
            let found = found?;
            through = found.offset().0;
            rows.push(record(&self.election, &found));
        }
        self.outbox.add_records(self.election.as_str(), &rows, through)?;
        self.records = through;
        Ok(rows.len())
    }

    /// Takes the newest version, if it is another and the last one was not taken just now.
    fn take_version(&mut self, sources: &Sources) -> Result<usize, Trouble> {
        let latest = sources.feed.latest();
        let newest = latest.version();
        // The first version of a run shows the election before anything happened: nobody was shown it.
        let known = newest.number() == 1 || newest.number() == self.taken;
        if known || self.taken_at.is_some_and(|at| at.elapsed() < sources.every) {
            return Ok(0);
        }
        let place = (self.seq + 1, newest.at().max(self.at));
        let (version, states) = version_rows(&self.election, (&latest, self.taken), place, &self.bodies);
        let states = self.outbox.add_version(&version, states)?;
        (self.seq, self.at) = place;
        self.taken = newest.number();
        self.taken_at = Some(Instant::now());
        self.bodies = HashMap::new();
        Ok(states + 1)
    }
}

/// A file that is no sound database makes room for a new one. The journal is read again from its beginning; versions
/// that only the damaged file had are in the database, where there is one.
fn set_aside(file: &Path) {
    let mut aside = file.as_os_str().to_owned();
    aside.push(".damaged");
    tracing::error!(file = %file.display(), aside = %aside.display(), "the history is damaged, and begun anew");
    for (from, to) in ["", "-wal", "-shm"].map(|end| (ending(file, end), ending(Path::new(&aside), end))) {
        match std::fs::rename(&from, &to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, file = %from.display(), "the damaged history cannot be set aside");
            }
            _ => {}
        }
    }
}

fn ending(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}
