//! What TimescaleDB adds to the tables, and the only place that speaks its SQL. Everything here can be done again
//! without harm, and without it the same tables and views answer the same questions.

use tokio_postgres::{Client, Error};

/// Of each table that becomes a hypertable: its time column, how much of it stands in one chunk, what is kept together
/// when a chunk is compressed, and in which order.
const HYPERTABLES: [(&str, &str, &str, &str, &str); 3] = [
    ("state", "at", "1 day", "election, unit", "at DESC, seq DESC"),
    ("report", "arrival", "7 days", "election, device", "place"),
    ("observation", "arrival", "7 days", "election, device", "place"),
];

/// A night is compressed when nothing of it changes any more.
const COMPRESS_AFTER: &str = "14 days";
/// What clocks and heartbeats caused is of use for as long as its devices are; everything else is kept for ever.
const OBSERVATIONS_KEPT: &str = "2 years";

/// Of each continuous aggregate: its name, how often it is brought up to date, and its question.
const AGGREGATES: [(&str, &str, &str); 3] = [
    (
        "turnout_5m",
        "5 minutes",
        "SELECT election, unit, time_bucket(INTERVAL '5 minutes', at) AS bucket, last(identified, seq) AS identified, \
         last(turnout_precincts, seq) AS turnout_precincts, last(turnout_registered, seq) AS turnout_registered, \
         last(reported, seq) AS reported FROM state GROUP BY election, unit, time_bucket(INTERVAL '5 minutes', at)",
    ),
    (
        "reports_1m",
        "1 minute",
        "SELECT election, time_bucket(INTERVAL '1 minute', arrival) AS bucket, type, count(*) AS reports, \
         sum(length(envelope)) AS bytes FROM report \
         GROUP BY election, time_bucket(INTERVAL '1 minute', arrival), type",
    ),
    (
        "availability_1h",
        "10 minutes",
        "SELECT election, device, time_bucket(INTERVAL '1 hour', arrival) AS bucket, \
         count(*) FILTER (WHERE raised) AS fell_silent, count(*) FILTER (WHERE NOT raised) AS came_back \
         FROM observation WHERE code = 'W09' GROUP BY election, device, time_bucket(INTERVAL '1 hour', arrival)",
    ),
];

/// Whether the database has TimescaleDB. It is installed by whoever runs the database (`CREATE EXTENSION timescaledb`).
pub(crate) async fn is_installed(client: &Client) -> Result<bool, Error> {
    let found =
        client.query_one("SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb')", &[]);
    Ok(found.await?.get(0))
}

/// Makes hypertables, continuous aggregates and policies where they are not yet.
pub(crate) async fn apply(client: &Client) -> Result<(), Error> {
    for table in HYPERTABLES {
        hypertable(client, table).await?;
    }
    for aggregate in AGGREGATES {
        continuous_aggregate(client, aggregate).await?;
    }
    Ok(())
}

async fn hypertable(
    client: &Client,
    (table, time, chunk, together, order): (&str, &str, &str, &str, &str),
) -> Result<(), Error> {
    let known =
        "SELECT EXISTS (SELECT 1 FROM timescaledb_information.hypertables WHERE hypertable_name = $1)";
    if client.query_one(known, &[&table]).await?.get(0) {
        return Ok(());
    }
    client
        .batch_execute(&format!(
            "SELECT create_hypertable('{table}', '{time}', chunk_time_interval => INTERVAL '{chunk}', \
             create_default_indexes => false, migrate_data => true)"
        ))
        .await?;
    client
        .batch_execute(&format!(
            "ALTER TABLE {table} SET (timescaledb.compress, timescaledb.compress_segmentby = '{together}', \
             timescaledb.compress_orderby = '{order}')"
        ))
        .await?;
    client
        .batch_execute(&format!(
            "SELECT add_compression_policy('{table}', INTERVAL '{COMPRESS_AFTER}', if_not_exists => true)"
        ))
        .await?;
    if table == "observation" {
        let keep = format!(
            "SELECT add_retention_policy('{table}', INTERVAL '{OBSERVATIONS_KEPT}', if_not_exists => true)"
        );
        client.batch_execute(&keep).await?;
    }
    Ok(())
}

/// A view of the same name, which answers anew each time, makes room for an aggregate that is kept.
async fn continuous_aggregate(
    client: &Client,
    (name, often, question): (&str, &str, &str),
) -> Result<(), Error> {
    let known =
        "SELECT EXISTS (SELECT 1 FROM timescaledb_information.continuous_aggregates WHERE view_name = $1)";
    if client.query_one(known, &[&name]).await?.get(0) {
        return Ok(());
    }
    client
        .batch_execute(&format!(
            "DROP VIEW IF EXISTS {name}; CREATE MATERIALIZED VIEW {name} WITH (timescaledb.continuous, \
             timescaledb.materialized_only = false) AS {question} WITH NO DATA"
        ))
        .await?;
    client
        .batch_execute(&format!(
            "SELECT add_continuous_aggregate_policy('{name}', start_offset => INTERVAL '3 days', \
             end_offset => INTERVAL '{often}', schedule_interval => INTERVAL '{often}', if_not_exists => true)"
        ))
        .await
}
