//! The file that is copied, asked away from the threads of the runtime.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    time::Duration,
};

use super::{Trouble, register::Cursor};
use crate::{
    progress::Progress,
    sqlite::{Outbox, SqliteError},
    table::{Table, VERSION},
    value::Row,
};

/// The file, asked away from the threads of the runtime.
#[derive(Clone)]
pub(super) struct File(pub(super) Arc<Mutex<Outbox>>);

impl File {
    pub(super) async fn run<T: Send + 'static>(
        work: impl FnOnce() -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let done = tokio::task::spawn_blocking(work).await;
        Ok(done.map_err(|error| Trouble::Failed(error.to_string()))??)
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Outbox) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let file = Arc::clone(&self.0);
        Self::run(move || question(&mut file.lock().unwrap_or_else(PoisonError::into_inner))).await
    }

    pub(super) async fn rows(
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
    pub(super) async fn measure(
        &self,
        election: &str,
        cursor: Cursor,
        progress: &Progress,
    ) -> Result<(), Trouble> {
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
