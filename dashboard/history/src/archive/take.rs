//! From files into a store, where what was taken in is sealed.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use election::{ElectionId, Timestamp};

use super::{
    ArchiveError, Format, LONGEST, MANIFEST, Manifest, VERSION, columns, csv, parquet, sha256, wrong,
};
use crate::{
    about::{About, Election},
    postgres::{Database, copy, prepare, taken_in},
    sqlite::Outbox,
    table::{TABLES, Table},
    value::Row,
};

/// How long a statement of an import may run.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);
/// Rows that are copied to a database at once.
const AT_ONCE: usize = 10_000;

/// Where an election is taken in or sealed.
#[derive(Debug)]
pub enum Target {
    /// The file of SQLite.
    File(PathBuf),
    /// A database.
    Database(Box<Database>),
}

/// Takes in what [`export`](super::export) has written, whole or not at all, and seals it. `told` hears how many rows
/// were read.
///
/// # Errors
/// A file is not what the manifest says, the election is on record already, or the store cannot be written.
pub async fn import(
    dir: &Path,
    target: &Target,
    told: impl FnMut(u64) + Send + 'static,
) -> Result<ElectionId, ArchiveError> {
    let (manifest, about) = opened(dir)?;
    let id = about.election.id.parse().map_err(|error| wrong(&dir.join(MANIFEST), error))?;
    let there = ArchiveError::There(about.election.id.clone());
    let taken = match target {
        Target::File(path) => into_file(dir.to_owned(), manifest.format, about, path.clone(), told).await?,
        Target::Database(database) => into_database(dir, manifest.format, &about, database, told).await?,
    };
    if taken { Ok(id) } else { Err(there) }
}

/// Reads the manifest and compares every file with it.
fn opened(dir: &Path) -> Result<(Manifest, About), ArchiveError> {
    let path = dir.join(MANIFEST);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    read.map_err(|error| wrong(&path, error))?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| wrong(&path, error))?;
    if manifest.version != VERSION {
        return Err(wrong(
            &path,
            format!("is of version {}: this program reads {VERSION}", manifest.version),
        ));
    }
    for table in TABLES {
        let name = manifest.format.file(table);
        let file = dir.join(&name);
        let listed =
            manifest.files.get(&name).ok_or_else(|| wrong(&path, format!("does not list {name}")))?;
        if sha256(&file)? != listed.sha256 {
            return Err(wrong(&file, "is not the file that was exported: its SHA-256 is another"));
        }
    }
    let of = &manifest.election;
    let sealed = columns::read_time(&of.sealed_at).ok_or_else(|| wrong(&path, "sealed_at is no moment"))?;
    let election = Election {
        id: of.id.clone(),
        name: of.name.to_string(),
        date: of.date.clone(),
        kind: of.kind.clone(),
        test: of.test,
        precincts: of.precincts,
        registered: of.registered,
        sealed_at: Some(Timestamp::from_millis(u64::try_from(sealed).unwrap_or_default())),
    };
    let definition = of.definition.to_string();
    Ok((manifest, About { election, definition }))
}

/// Hands on the rows of a table's file; each must be of the election that the manifest names.
fn rows<E: From<ArchiveError>>(
    dir: &Path,
    format: Format,
    (table, election): (&Table, &str),
    mut each: impl FnMut(Row) -> Result<(), E>,
) -> Result<(), E> {
    let path = dir.join(format.file(table));
    let mut own = |row: Row| {
        if row.first().cloned().map(crate::value::Value::into_text).as_deref() == Some(election) {
            each(row)
        } else {
            Err(wrong(&path, format!("has a row of another election than {election}")).into())
        }
    };
    match format {
        Format::Csv => csv::read(table, &path, &mut own),
        Format::Parquet => parquet::read(table, &path, &mut own),
    }
}

async fn into_file(
    dir: PathBuf,
    format: Format,
    about: About,
    path: PathBuf,
    mut told: impl FnMut(u64) + Send + 'static,
) -> Result<bool, ArchiveError> {
    let work = move || {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| wrong(parent, error))?;
        }
        let mut outbox = Outbox::open(&path)?;
        outbox.import::<ArchiveError>(&about, |table, put| {
            rows(&dir, format, (table, &about.election.id), |row| {
                told(1);
                put(row)
            })
        })
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ArchiveError::Interrupted(error.to_string()))?
}

async fn into_database(
    dir: &Path,
    format: Format,
    about: &About,
    database: &Database,
    mut told: impl FnMut(u64),
) -> Result<bool, ArchiveError> {
    let mut connected = database.connect(PATIENCE).await?;
    prepare(&mut connected.client).await?;
    let transaction = connected.client.transaction().await?;
    if !taken_in(&transaction, about).await? {
        return Ok(false);
    }
    for table in TABLES {
        let mut all = Vec::new();
        rows::<ArchiveError>(dir, format, (table, &about.election.id), |row| {
            all.push(row);
            Ok(())
        })?;
        for part in all.chunks(AT_ONCE) {
            copy(&transaction, table, part).await?;
            told(part.len() as u64);
        }
    }
    let sealed = about.election.sealed_at.unwrap_or_default().millis();
    let sql = "UPDATE election SET sealed_at = to_timestamp($2::float8 / 1000) WHERE id = $1";
    transaction.execute(sql, &[&about.election.id, &(sealed as f64)]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends an election: nothing of it changes any more.
///
/// # Errors
/// There is no such election, it is sealed already, or the store cannot be written.
pub async fn seal(target: &Target, election: &ElectionId, at: Timestamp) -> Result<(), ArchiveError> {
    let sealed = match target {
        Target::File(path) => {
            let mut outbox = Outbox::open(path)?;
            if outbox.about(election.as_str())?.is_none() {
                return Err(ArchiveError::NoElection(election.to_string()));
            }
            outbox.seal(election.as_str(), at)?
        }
        Target::Database(database) => {
            let connected = database.connect(PATIENCE).await?;
            let known = "SELECT sealed_at IS NULL FROM election WHERE id = $1";
            let known = connected.client.query_opt(known, &[&election.as_str()]).await?;
            let unknown = || ArchiveError::NoElection(election.to_string());
            let open: bool = known.ok_or_else(unknown)?.get(0);
            let sql = "UPDATE election SET sealed_at = now() WHERE id = $1 AND sealed_at IS NULL";
            open && connected.client.execute(sql, &[&election.as_str()]).await? == 1
        }
    };
    if sealed { Ok(()) } else { Err(ArchiveError::Sealed(election.to_string())) }
}
