//! Questions to the database, a few at a time, each within a few seconds.

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
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

/// Asks a database.
pub struct PostgresStore {
    pool: Pool,
    patience: std::time::Duration,
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
        let pool = Pool::builder(manager)
            .max_size(database.connections)
            .timeouts(Timeouts { wait, create: wait, recycle: wait })
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { pool, patience: database.patience, runtime })
    }

    async fn ask(&self, question: Question) -> Result<Vec<Row>, StoreError> {
        let pool = self.pool.clone();
        let asking = self.runtime.spawn(async move { answer(&pool, &question).await });
        // The server ends a statement after the same time; this is for one that says nothing at all.
        let ends = asking.abort_handle();
        match timeout(self.patience, asking).await {
            Err(_) => {
                ends.abort();
                Err(StoreError::Late)
            }
            Ok(Err(error)) => Err(StoreError::Unavailable(error.to_string())),
            Ok(Ok(answer)) => answer,
        }
    }
}

async fn answer(pool: &Pool, question: &Question) -> Result<Vec<Row>, StoreError> {
    let told = |error: tokio_postgres::Error| match error.code() {
        Some(code) if *code == tokio_postgres::error::SqlState::QUERY_CANCELED => StoreError::Late,
        _ => StoreError::Unavailable(super::plain(&error)),
    };
    let client = pool.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Backend(error) => told(error),
        deadpool_postgres::PoolError::Timeout(_) => StoreError::Late,
        error => StoreError::Unavailable(error.to_string()),
    })?;
    // Planned with its values, and kept by nobody: steps and limits make too many statements to keep.
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        question.values.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres())).collect();
    let rows = client.query_typed(&question.sql.replace('?', "$"), &values).await.map_err(told)?;
    rows.iter().map(|found| row(found, &question.kinds).map_err(told)).collect()
}

impl Store for PostgresStore {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn rows(&self, question: Question) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(self.ask(question))
    }
}
