//! From a store to files.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use election::ElectionId;
use serde_json::Value as Json;

use super::{
    ArchiveError, Described, Format, Listed, MANIFEST, Manifest, VERSION, Writer, columns, csv, parquet,
    sha256, wrong,
};
use crate::{
    past::Past,
    store::{Question, Store},
    table::{STATE, TABLES, Table},
    value::{Kind, Value},
};

/// How much of a table's order is read at once: a version has thousands of units, a place one record.
const VERSIONS: i64 = 20;
const PLACES: i64 = 5_000;

/// Writes an election into a directory that is empty or not there yet. `told` hears how many rows were written.
///
/// # Errors
/// There is no such election, the store does not answer, or a file cannot be written.
pub async fn export(
    store: Arc<dyn Store>,
    election: &ElectionId,
    format: Format,
    dir: &Path,
    mut told: impl FnMut(u64),
) -> Result<(), ArchiveError> {
    let described = describe(&Past::new(Arc::clone(&store)), election).await?;
    fs::create_dir_all(dir).map_err(|error| wrong(dir, error))?;
    let occupied = fs::read_dir(dir).map_err(|error| wrong(dir, error))?.next().is_some();
    if occupied {
        return Err(wrong(dir, "is not empty: name a directory of its own"));
    }
    let mut files = BTreeMap::new();
    for table in TABLES {
        let name = format.file(table);
        let path = dir.join(&name);
        let mut writer: Box<dyn Writer> = match format {
            Format::Csv => Box::new(csv::CsvWriter::begin(table, &path)?),
            Format::Parquet => Box::new(parquet::ParquetWriter::begin(table, &path)?),
        };
        let rows = write(&*store, table, election, &mut *writer, &mut told).await?;
        writer.finish()?;
        files.insert(name, Listed { rows, sha256: sha256(&path)? });
    }
    let manifest = Manifest { version: VERSION, format, election: described, files };
    let path = dir.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| wrong(&path, error))?;
    fs::write(&path, text).map_err(|error| wrong(&path, error))
}

async fn describe(past: &Past, election: &ElectionId) -> Result<Described, ArchiveError> {
    let unknown = || ArchiveError::NoElection(election.to_string());
    let all = past.elections().await?;
    let found = all.into_iter().find(|of| of.election.id == election.as_str()).ok_or_else(unknown)?;
    let of = found.election;
    let definition = past.definition(election).await?.ok_or_else(unknown)?;
    // What is exported before it is sealed is sealed as it is: as of its last version.
    let sealed = of.sealed_at.or(found.last.map(|last| last.at)).unwrap_or_default();
    let sealed = i64::try_from(sealed.millis()).unwrap_or_default();
    let json = |text: &[u8]| serde_json::from_slice(text).unwrap_or(Json::Null);
    Ok(Described {
        name: json(of.name.as_bytes()),
        definition: json(&definition),
        sealed_at: columns::written_time(sealed),
        id: of.id,
        date: of.date,
        kind: of.kind,
        test: of.test,
        precincts: of.precincts,
        registered: of.registered,
    })
}

async fn write(
    store: &dyn Store,
    table: &'static Table,
    election: &ElectionId,
    writer: &mut dyn Writer,
    told: &mut impl FnMut(u64),
) -> Result<u64, ArchiveError> {
    let order = table.columns[1].name;
    let ask = |sql: String, span: &[i64], kinds: Vec<Kind>| {
        let values = [Value::text(election)].into_iter().chain(span.iter().map(|at| Value::Int(*at)));
        store.rows(Question { sql, values: values.collect(), kinds })
    };
    let ends = format!("SELECT min({order}), max({order}) FROM {} WHERE election = ?1", table.name);
    let ends = ask(ends, &[], vec![Kind::Int; 2]).await?.pop().unwrap_or_default();
    let [Value::Int(first), Value::Int(last)] = ends.as_slice() else { return Ok(0) };
    let (step, also) = if table.name == STATE.name { (VERSIONS, ", unit") } else { (PLACES, "") };
    let (mut at, mut rows) = (first - 1, 0);
    while at < *last {
        let to = (at + step).min(*last);
        let sql = format!(
            "SELECT {} FROM {} WHERE election = ?1 AND {order} > ?2 AND {order} <= ?3 ORDER BY {order}{also}",
            table.names(),
            table.name
        );
        let found = ask(sql, &[at, to], table.kinds()).await?;
        writer.write(&found)?;
        rows += found.len() as u64;
        told(found.len() as u64);
        at = to;
    }
    Ok(rows)
}
