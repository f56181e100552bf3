//! Reading, a few questions at a time, each within a few seconds.

use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use rusqlite::{Connection, params_from_iter};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{open_to_read, row};
use crate::{
    store::{Dialect, Question, Store, StoreError},
    value::Row,
};

/// Questions at once: what the machine counts with is not theirs.
const AT_ONCE: usize = 3;

/// Reads the file that an [`Outbox`](super::Outbox) writes.
pub struct SqliteStore {
    path: PathBuf,
    patience: Duration,
    runtime: Handle,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Open>>>,
}

/// A connection, and which file it has open: another may have taken its name meanwhile.
struct Open {
    connection: Connection,
    file: (u64, u64),
}

impl Open {
    fn at(path: &Path) -> rusqlite::Result<Self> {
        // Looked at first: a file that takes its place in between is not taken for it.
        let file = identity(path);
        Ok(Self { connection: open_to_read(path)?, file })
    }
}

/// Device and inode; nought where there is no file.
fn identity(path: &Path) -> (u64, u64) {
    std::fs::metadata(path).map(|file| (file.dev(), file.ino())).unwrap_or_default()
}

impl SqliteStore {
    /// Reads this file, which need not be there yet. Questions run on threads of `runtime` and are given up after
    /// `patience`.
    pub fn new(path: PathBuf, patience: Duration, runtime: Handle) -> Self {
        Self { path, patience, runtime, turns: Arc::new(Semaphore::new(AT_ONCE)), idle: Arc::default() }
    }

    async fn ask(&self, question: Question) -> Result<Vec<Row>, StoreError> {
        let late = |_| StoreError::Late;
        let turn = timeout(self.patience, Arc::clone(&self.turns).acquire_owned()).await.map_err(late)?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let (tell, interrupt) = oneshot::channel();
        let mut asking = self.runtime.spawn_blocking(move || {
            let _turn = turn;
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let kept = kept.filter(|open| open.file == identity(&path));
            let open = kept.map_or_else(|| Open::at(&path), Ok)?;
            // Nobody listens once the answer came in time.
            let _ = tell.send(open.connection.get_interrupt_handle());
            let answer = answer(&open.connection, &question);
            if answer.is_ok() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(open);
            }
            answer
        });
        let Ok(answered) = timeout(self.patience, &mut asking).await else {
            interrupt.await.iter().for_each(rusqlite::InterruptHandle::interrupt);
            return Err(StoreError::Late);
        };
        let unavailable = |why: String| StoreError::Unavailable(why);
        answered
            .map_err(|error| unavailable(error.to_string()))?
            .map_err(|error| unavailable(error.to_string()))
    }
}

fn answer(connection: &Connection, question: &Question) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&question.sql)?;
    let mut rows = statement.query(params_from_iter(&question.values))?;
    let mut answer = Vec::new();
    while let Some(found) = rows.next()? {
        answer.push(row(found, &question.kinds)?);
    }
    Ok(answer)
}

impl Store for SqliteStore {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn rows(&self, question: Question) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(self.ask(question))
    }
}
