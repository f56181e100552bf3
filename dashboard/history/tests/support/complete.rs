//! Whether a database has every row of a file, once, as it is.
#![allow(clippy::unwrap_used, missing_docs, dead_code)] // a test that cannot go on says so, and uses a part of this

use std::{path::Path, time::Duration};

use history::{
    Database, Kind, Outbox, Value,
    table::{TABLES, Table},
};
use sha2::{Digest, Sha256};

/// The rows of an election's table in the database, as text; bytes by their SHA-256.
pub async fn rows_there(database: &Database, election: &str, table: &Table) -> Vec<String> {
    let connected = database.connect(Duration::from_secs(300)).await.unwrap();
    let columns = table.columns.iter().map(|column| match column.kind {
        Kind::Time => format!("(extract(epoch FROM {}) * 1000)::bigint::text", column.name),
        Kind::Bytes => format!("encode(sha256({}), 'hex')", column.name),
        _ => format!("{}::text", column.name),
    });
    let columns: Vec<String> = columns.map(|column| format!("coalesce({column}, '')")).collect();
    let sql =
        format!("SELECT concat_ws('|', {}) FROM {} WHERE election = $1", columns.join(", "), table.name);
    let rows = connected.client.query(&sql, &[&election]).await.unwrap();
    let mut rows: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    rows.sort();
    rows
}

/// The same of the file.
pub fn rows_here(file: &Path, election: &str, table: &Table) -> Vec<String> {
    let outbox = Outbox::open(file).unwrap();
    let cell = |value: Value| match value {
        Value::Null => String::new(),
        Value::Int(number) | Value::Time(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Bool(is) => is.to_string(),
        Value::Bytes(bytes) => Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let rows = outbox.rows(table, election, (-1, i64::MAX), u32::MAX).unwrap().into_iter();
    let mut rows: Vec<String> =
        rows.map(|row| row.into_iter().map(cell).collect::<Vec<_>>().join("|")).collect();
    rows.sort();
    rows
}

/// Every row of the file is in the database, once, as it is; how many that were.
pub async fn is_complete(file: &Path, election: &str, database: &Database) -> usize {
    let mut rows = 0;
    for table in TABLES {
        let (here, there) = (rows_here(file, election, table), rows_there(database, election, table).await);
        assert_eq!(there.len(), here.len(), "{}", table.name);
        assert!(there == here, "{}: rows differ", table.name);
        rows += here.len();
    }
    rows
}
