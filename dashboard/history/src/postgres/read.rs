//! Questions to the database, a few at a time, each within a few seconds.

use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, TimeoutType, Timeouts,
};
use futures_util::future::BoxFuture;
use tokio::{runtime::Handle, time::timeout};
use tokio_postgres::{
    NoTls,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{connect::Database, values::row};
use crate::{
    store::{Dialect, Question, Store, StoreError},
    value::Row,
};

/// Longest that a connection may take to be made for a question.
const CONNECT: Duration = Duration::from_secs(1);
/// The server ends a statement by itself when its time is over; one that has not said so this much later says nothing.
const GRACE: Duration = Duration::from_millis(300);

/// Asks a database.
pub struct PostgresStore {
    pool: Pool,
    patience: Duration,
    runtime: Handle,
}

impl PostgresStore {
    /// Asks this database; connections live on `runtime`. Nothing is connected yet.
    ///
    /// # Errors
    /// The pool cannot be made as configured.
    pub fn new(database: &Database, runtime: Handle) -> Result<Self, StoreError> {
        let config = database.with_patience(database.patience);
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &database.tls {
            None => Manager::from_config(config, NoTls, how),
            Some(tls) => Manager::from_config(config, MakeRustlsConnect::new(tls.clone()), how),
        };
        let wait = Some(database.patience);
        let create = Some(database.patience.min(CONNECT));
        let pool = Pool::builder(manager)
            .max_size(database.connections)
            .timeouts(Timeouts { wait, create, recycle: create })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { pool, patience: database.patience, runtime })
    }

    async fn ask(&self, question: Question) -> Result<Vec<Row>, StoreError> {
        let (pool, patience) = (self.pool.clone(), self.patience + GRACE);
        let asking = self.runtime.spawn(async move { answer(&pool, &question, patience).await });
        // Nobody waits for the answer to a question that was given up.
        let _ends = AbortOnDrop(asking.abort_handle());
        asking.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn answer(pool: &Pool, question: &Question, patience: Duration) -> Result<Vec<Row>, StoreError> {
    let unavailable = |why: &str| StoreError::Unavailable(why.to_owned());
    let told = |error: tokio_postgres::Error| match error.code() {
        Some(code) if *code == tokio_postgres::error::SqlState::QUERY_CANCELED => StoreError::Late,
        _ => StoreError::Unavailable(super::plain(&error)),
    };
    let client = pool.get().await.map_err(|error| match error {
        PoolError::Backend(error) => told(error),
        // All connections are in use: the database is there, and busy.
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Late,
        PoolError::Timeout(_) => unavailable("the database lets nobody in"),
        error => unavailable(&error.to_string()),
    })?;
    // Planned with its values, and kept by nobody: steps and limits make too many statements to keep.
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        question.values.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres())).collect();
    let sql = question.sql.replace('?', "$");
    match timeout(patience, client.query_typed(&sql, &values)).await {
        Err(_) => {
            // Whatever it says later belongs to no question.
            drop(deadpool_postgres::Object::take(client));
            Err(unavailable("the database says nothing"))
        }
        Ok(Err(error)) => Err(told(error)),
        Ok(Ok(rows)) => rows.iter().map(|found| row(found, &question.kinds).map_err(told)).collect(),
    }
}

impl Store for PostgresStore {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn rows(&self, question: Question) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(self.ask(question))
    }
}
