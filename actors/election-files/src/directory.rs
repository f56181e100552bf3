//! The files of an election on disk, and the digest over them.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

use election::report::Digest;
use sha2::{Digest as _, Sha256};

use crate::{
    mistakes::{Mistake, Mistakes},
    near::near,
    parse::{FILES, Loaded, parse},
};

/// No file of an election may be larger: a million precincts with two devices each have some 200 MB of them.
pub const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// What one file of the election is, to tell which one changed when the digest over all has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// Length, bytes.
    pub bytes: u64,
    /// SHA-256 of the content.
    pub sha256: Digest,
}

/// Reads an election directory.
///
/// # Errors
/// Every mistake in it, also that a file is missing or cannot be read.
pub fn load(dir: &Path) -> Result<Loaded, Mistakes> {
    if !dir.is_dir() {
        let what = "there is no such directory: give the directory that election.toml is in";
        return Err(Mistakes::new(vec![of_directory(dir, what)]));
    }
    let mut files = BTreeMap::new();
    let mut unreadable = Vec::new();
    for name in FILES {
        match read(&dir.join(name)) {
            Ok(Some(bytes)) => {
                files.insert((*name).to_owned(), bytes);
            }
            Ok(None) => {}
            Err(what) => {
                unreadable.push(Mistake { file: (*name).to_owned(), line: 0, column: String::new(), what });
            }
        }
    }
    if !unreadable.is_empty() {
        return Err(Mistakes::new(unreadable)); // what it holds may be what the others refer to
    }
    let mut loaded = parse(&files)?;
    loaded.warnings.extend(strangers(dir));
    Ok(loaded)
}

fn of_directory(dir: &Path, what: &str) -> Mistake {
    Mistake { file: dir.display().to_string(), line: 0, column: String::new(), what: what.to_owned() }
}

/// The content of a file; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot be read: {error}")),
    };
    let too_large = || format!("is larger than {MAX_FILE_BYTES} bytes");
    if file.metadata().is_ok_and(|facts| facts.len() > MAX_FILE_BYTES) {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(too_large());
    }
    Ok(Some(bytes))
}

/// Warnings for files that look as if they were meant for an election and are not read.
fn strangers(dir: &Path) -> Vec<Mistake> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut warnings: Vec<Mistake> = names
        .filter(|name| !FILES.contains(&name.as_str()))
        .filter_map(|name| {
            let meant = near(&name, FILES.iter().copied())?;
            let what = format!("this file is not read, did you mean {meant}?");
            Some(Mistake { file: name, line: 0, column: String::new(), what })
        })
        .collect();
    warnings.sort_by(|a, b| a.file.cmp(&b.file));
    warnings
}

/// SHA-256 over the files in the order of their names: of each its name, a zero byte, its length as eight
/// bytes (most significant first), and its content.
pub(crate) fn digest(files: &BTreeMap<String, Vec<u8>>) -> Digest {
    let mut hash = Sha256::new();
    for (name, bytes) in read_files(files) {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    Digest(hash.finalize().into())
}

/// Length and digest of each file.
pub(crate) fn facts(files: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, FileFacts> {
    let facts = |bytes: &Vec<u8>| FileFacts {
        bytes: bytes.len() as u64,
        sha256: Digest(Sha256::digest(bytes).into()),
    };
    read_files(files).map(|(name, bytes)| (name.clone(), facts(bytes))).collect()
}

fn read_files(files: &BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = (&String, &Vec<u8>)> {
    files.iter().filter(|(name, _)| FILES.contains(&name.as_str()))
}
