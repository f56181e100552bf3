//! The integrity of everything: every record, the offsets, the chain of segments, record 0.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use election::{
    Timestamp,
    report::{Digest, Offset},
};
use sha2::{Digest as _, Sha256};

use crate::{
    entry::{Entry, Journaled},
    error::Error,
    scan::is_definition,
    segment::{SegmentReader, list},
};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Integrity {
    /// Digest of the election files, from the first segment.
    pub definition: Option<Digest>,
    /// Segment files.
    pub segments: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Reports.
    pub reports: u64,
    /// Decisions.
    pub decisions: u64,
    /// Observations.
    pub observations: u64,
    /// Arrival of the first and of the last record, record 0 apart.
    pub arrivals: Option<(Timestamp, Timestamp)>,
    /// Everything that is wrong. A torn tail after a crash is told here too; opening the journal cuts it.
    pub faults: Vec<Fault>,
}

/// Something wrong in a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: byte {position}, record {offset}: {what}")]
pub struct Fault {
    /// The segment.
    pub file: PathBuf,
    /// Where in it.
    pub position: u64,
    /// Which record should stand there.
    pub offset: Offset,
    /// What is wrong.
    pub what: String,
}

impl Integrity {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// Records, record 0 apart.
    pub fn records(&self) -> u64 {
        self.reports + self.decisions + self.observations
    }

    fn fault(&mut self, file: &Path, (position, offset): (u64, u64), what: impl Into<String>) {
        let (file, offset) = (file.to_owned(), Offset(offset));
        self.faults.push(Fault { file, position, offset, what: what.into() });
    }
}

/// Checks the journal of a directory, also one that is damaged: after damage it goes on with the next segment.
///
/// # Errors
/// When there is none, or when a file cannot be read.
pub fn check(dir: &Path) -> Result<Integrity, Error> {
    check_with(dir, |_| Ok(()))
}

/// As [`check`], and has every record inspected: for its signature, or that it belongs to the election. What
/// the inspector finds wrong is a fault.
///
/// # Errors
/// When there is none, or when a file cannot be read.
pub fn check_with(
    dir: &Path,
    mut inspect: impl FnMut(&Journaled<Entry>) -> Result<(), String>,
) -> Result<Integrity, Error> {
    let mut found = Integrity::default();
    let mut previous = Some(Digest::NONE);
    let mut next = Some(0);
    let listed = list(dir)?;
    if listed.is_empty() {
        return Err(Error::Empty { dir: dir.to_owned() });
    }
    for (named, path) in listed {
        found.segments += 1;
        let (digest, bytes) = digest(&path)?;
        found.bytes += bytes;
        let mut reader = match SegmentReader::open(&path, None) {
            Ok(reader) => reader,
            Err(Error::Damaged { what, .. }) => {
                found.fault(&path, (0, named), what);
                (previous, next) = (Some(digest), None);
                continue;
            }
            Err(error) => return Err(error),
        };
        check_header(&mut found, &reader, named, previous, next);
        previous = Some(digest);
        next = check_records(&mut found, &mut reader, &mut inspect)?;
    }
    Ok(found)
}

/// SHA-256 and length of a file.
fn digest(path: &Path) -> Result<(Digest, u64), Error> {
    let file = File::open(path).map_err(Error::io(path, "be opened"))?;
    let (mut file, mut hash, mut bytes) = (BufReader::new(file), Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(Error::io(path, "be read"))? {
            0 => return Ok((Digest(hash.finalize().into()), bytes)),
            read => {
                hash.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
}

fn check_header(
    found: &mut Integrity,
    reader: &SegmentReader,
    named: u64,
    previous: Option<Digest>,
    next: Option<u64>,
) {
    let header = reader.header();
    let definition = *found.definition.get_or_insert(header.definition);
    let mut fault = |what: String| found.fault(reader.path(), (0, named), what);
    if header.first != named {
        fault(format!("it is named {named} but begins with record {}", header.first));
    }
    if let Some(next) = next
        && next != header.first
    {
        fault(format!("it begins with record {} where {next} should follow", header.first));
    }
    if previous.is_some_and(|previous| previous != header.previous) {
        fault("the segment before it is not the one that stood there when it was begun".into());
    }
    if definition != header.definition {
        fault("it is of other election files than the first segment".into());
    }
}

/// Says which offset comes next; `None` when the segment is damaged and that cannot be known.
fn check_records(
    found: &mut Integrity,
    reader: &mut SegmentReader,
    inspect: &mut impl FnMut(&Journaled<Entry>) -> Result<(), String>,
) -> Result<Option<u64>, Error> {
    let path = reader.path().to_owned();
    let definition = reader.header().definition;
    loop {
        let place = reader.place();
        let raw = match reader.next() {
            Ok(raw) => raw,
            Err(stop) => {
                return match reader.error(stop) {
                    None => Ok(Some(place.1)),
                    Some(Error::Damaged { what, .. }) => {
                        found.fault(&path, place, what);
                        Ok(None)
                    }
                    Some(error) => Err(error),
                };
            }
        };
        if place.1 == 0 {
            if let Err(what) = is_definition(&raw, &definition) {
                found.fault(&path, place, what);
            }
            continue;
        }
        let first = found.arrivals.map_or(raw.arrival, |(first, _)| first);
        found.arrivals = Some((first, raw.arrival));
        let entry = Entry::decode(raw.kind, raw.payload);
        let arrival = raw.arrival;
        let counted = entry.map(|entry| Journaled::new(place.1, arrival, entry)).and_then(|record| {
            match record.entry() {
                Entry::Report(_) => found.reports += 1,
                Entry::Decision(_) => found.decisions += 1,
                Entry::Observation(_) => found.observations += 1,
            }
            inspect(&record)
        });
        if let Err(what) = counted {
            found.fault(&path, place, what);
        }
    }
}
