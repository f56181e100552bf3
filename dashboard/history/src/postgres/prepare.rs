//! Brings the tables up to date, one service at a time.

use refinery::embed_migrations;
use tokio_postgres::Client;

use crate::timescale;

mod migrations {
    use super::embed_migrations;
    embed_migrations!("migrations/postgres");
}

/// Of whoever changes the tables: any number that nobody else in the database locks.
const LOCK: i64 = 0x0073_616e_616b_0001;

/// What the database turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prepared {
    /// PostgreSQL alone.
    Plain,
    /// With TimescaleDB, whose features are in use.
    Timescale,
}

/// Why the tables are not up to date.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The database says no.
    #[error("{}", super::plain(.0))]
    Database(#[from] tokio_postgres::Error),
    /// They cannot be brought up to date.
    #[error("the tables cannot be brought up to date: {0}")]
    Migration(#[from] Box<refinery::Error>),
    /// The tables were made by other migrations than this program's.
    #[error("migration {0} of the database is not this program's: it was made by another version")]
    Divergent(String),
}

/// Brings the tables up to date under a lock, and puts on top what TimescaleDB can do where it is installed. With tables
/// that are up to date nothing is changed, and no right to change them is needed.
///
/// # Errors
/// The database does not answer, the role may not change the tables, or they are another program's.
pub async fn prepare(client: &mut Client) -> Result<Prepared, PrepareError> {
    client.batch_execute("SET statement_timeout = 0").await?;
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    let prepared = prepare_alone(client).await;
    // The connection's end gives the lock back as well.
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await?;
    client.batch_execute("RESET statement_timeout").await?;
    prepared
}

async fn prepare_alone(client: &mut Client) -> Result<Prepared, PrepareError> {
    if !is_current(client).await? {
        migrations::migrations::runner().run_async(client).await.map_err(Box::new)?;
    }
    if !timescale::is_installed(client).await? {
        return Ok(Prepared::Plain);
    }
    timescale::apply(client).await?;
    Ok(Prepared::Timescale)
}

/// Whether every migration of this program was applied, as it is.
async fn is_current(client: &Client) -> Result<bool, PrepareError> {
    let there = client.query_one("SELECT to_regclass('refinery_schema_history') IS NOT NULL", &[]).await?;
    if !there.get::<_, bool>(0) {
        return Ok(false);
    }
    let rows =
        client.query("SELECT name, checksum FROM refinery_schema_history ORDER BY version", &[]).await?;
    let applied: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let runner = migrations::migrations::runner();
    let mut own = runner.get_migrations().iter().map(|of| (of.name().to_owned(), of.checksum().to_string()));
    for migration in &applied {
        if own.next().as_ref() != Some(migration) {
            return Err(PrepareError::Divergent(migration.0.clone()));
        }
    }
    Ok(own.next().is_none())
}
