//! The receipts of a fleet on disk, so that a rehearsal which was interrupted goes on: what is receipted is
//! not said again, and what the centre has signed is held against it.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use election::{
    Code, Definition, DeviceId, Timestamp,
    record::Act,
    report::{Digest, Offset, Verdict},
};
use serde::{Deserialize, Serialize};

use crate::ledger::Entry;

/// Name of the file in its directory.
const FILE: &str = "receipts.jsonl";

/// Why the books cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum BooksError {
    /// The system.
    #[error("{path}: {why}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// They are of another rehearsal.
    #[error("{path}: receipts of another election or seed: move the file away")]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A line is none of ours.
    #[error("{path}:{line}: not a line of a fleet's books: {why}")]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        why: serde_json::Error,
    },
}

/// What is known from before, and where what is new is written down.
#[derive(Debug, Default)]
pub struct Books {
    receipted: HashMap<DeviceId, BTreeMap<Digest, Receipted>>,
    /// Decisions, and which of the people in the room took them.
    decided: Vec<(usize, Act)>,
    file: Option<Mutex<File>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Row {
    Fleet { definition: Digest, seed: u64 },
    Receipted { device: DeviceId, receipt: Receipted },
    Decided(usize, Act),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Receipted {
    digest: Digest,
    verdict: Verdict,
    code: Option<Code>,
    offset: Option<Offset>,
    at: Option<Timestamp>,
}

impl Books {
    /// The books of a fleet in a directory; new ones where there are none. Without a directory nothing is
    /// kept.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is of another rehearsal.
    pub fn open(dir: Option<&Path>, definition: &Definition, seed: u64) -> Result<Self, BooksError> {
        let Some(dir) = dir else { return Ok(Self::default()) };
        let path = dir.join(FILE);
        let io = |why| BooksError::Io { path: path.clone(), why };
        std::fs::create_dir_all(dir).map_err(io)?;
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).append(true).open(&path).map_err(io)?;
        let mut books = Self::default();
        let head = Row::Fleet { definition: definition.digest(), seed };
        let whole = books.read(&path, &file, definition.digest(), seed)?;
        // A line that was cut off in the middle of its writing is written over.
        file.set_len(whole).map_err(io)?;
        books.file = Some(Mutex::new(file));
        if whole == 0 {
            books.write(&head);
        }
        Ok(books)
    }

    /// Reads what is there; the answer is where the last whole line ends.
    fn read(&mut self, path: &Path, file: &File, definition: Digest, seed: u64) -> Result<u64, BooksError> {
        let io = |why| BooksError::Io { path: path.to_owned(), why };
        let mut reader = BufReader::new(file);
        let (mut text, mut end) = (String::new(), 0);
        for line in 1.. {
            text.clear();
            let read = reader.read_line(&mut text).map_err(io)?;
            if !text.ends_with('\n') {
                break;
            }
            end += read as u64;
            let malformed = |why| BooksError::Malformed { path: path.to_owned(), line, why };
            match serde_json::from_str(&text).map_err(malformed)? {
                Row::Fleet { definition: of, seed: from } if of == definition && from == seed => {}
                Row::Fleet { .. } => return Err(BooksError::Foreign { path: path.to_owned() }),
                Row::Receipted { device, receipt } => {
                    self.receipted.entry(device).or_default().insert(receipt.digest, receipt);
                }
                Row::Decided(by, act) => self.decided.push((by, act)),
            }
        }
        Ok(end)
    }

    /// What became of a report that was made before, in an earlier life of its device.
    pub fn known(&self, device: &DeviceId, entry: &Entry) -> Option<Entry> {
        let known = self.receipted.get(device)?.get(&entry.digest)?;
        Some(Entry {
            sent: 1,
            receipts: 1,
            verdict: Some(known.verdict),
            code: known.code,
            offset: known.offset,
            receipted: known.at,
            ..entry.clone()
        })
    }

    /// Whether the centre took a person's decision before.
    pub fn decided(&self, by: usize, act: &Act) -> bool {
        self.decided.iter().any(|(who, what)| (*who, what) == (by, act))
    }

    /// Writes down that a report has its final receipt.
    pub fn note_receipt(&self, device: &DeviceId, entry: &Entry) {
        let Some(verdict) = entry.verdict.filter(|_| self.file.is_some()) else { return };
        self.write(&Row::Receipted {
            device: device.clone(),
            receipt: Receipted {
                digest: entry.digest,
                verdict,
                code: entry.code,
                offset: entry.offset,
                at: entry.receipted,
            },
        });
    }

    /// Writes down that the centre took a decision.
    pub fn note_decision(&self, by: usize, act: &Act) {
        self.write(&Row::Decided(by, act.clone()));
    }

    fn write(&self, row: &Row) {
        let Some(file) = &self.file else { return };
        let written = serde_json::to_string(row).map_err(io::Error::from).and_then(|mut line| {
            line.push('\n');
            file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())
        });
        if let Err(error) = written {
            tracing::warn!(%error, "a receipt could not be written down: after a restart it is asked for again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{country::country, ledger::Said};

    fn entry(n: u8) -> Entry {
        Entry::new(n.into(), Digest([n; 32]), Timestamp::default(), Said::Opening)
    }

    #[test]
    fn receipts_are_known_again_after_a_crash_in_the_middle_of_a_line() {
        let (dir, definition) = (tempfile::tempdir().unwrap(), country(3));
        let device: DeviceId = "t1-0".parse().unwrap();
        let books = Books::open(Some(dir.path()), &definition, 1).unwrap();
        let mut first = entry(1);
        first.verdict = Some(Verdict::Accepted);
        first.offset = Some(Offset(9));
        books.note_receipt(&device, &first);
        drop(books);
        let path = dir.path().join(FILE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"receipted\":{\"dev").unwrap();

        for _ in 0..2 {
            let books = Books::open(Some(dir.path()), &definition, 1).unwrap();
            let known = books.known(&device, &entry(1)).unwrap();
            assert_eq!((known.verdict, known.offset), (Some(Verdict::Accepted), Some(Offset(9))));
            assert!(books.known(&device, &entry(2)).is_none());
        }
    }

    #[test]
    fn books_of_another_seed_or_with_a_foreign_line_are_refused() {
        let (dir, definition) = (tempfile::tempdir().unwrap(), country(3));
        drop(Books::open(Some(dir.path()), &definition, 1).unwrap());
        let foreign = Books::open(Some(dir.path()), &definition, 2).unwrap_err();
        assert!(foreign.to_string().contains("another election or seed"));
        std::fs::write(dir.path().join(FILE), "{}\n").unwrap();
        let malformed = Books::open(Some(dir.path()), &definition, 1).unwrap_err();
        assert!(malformed.to_string().contains("receipts.jsonl:1: "), "{malformed}");
    }
}
