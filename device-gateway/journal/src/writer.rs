//! Appending batches, beginning new segments, and what to do when the disk says no.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use election::{Timestamp, report::Digest};
use sha2::{Digest as _, Sha256};

use crate::{
    entry::Entry,
    format::{HEADER_BYTES, Header, Kind, begin, finish},
    reader::Index,
    scan::Indexed,
    segment::{draft_of, path_of},
    storage::{Storage, StoredFile},
};

/// The segment that is written on.
pub(crate) struct Current {
    pub file: Box<dyn StoredFile>,
    pub header: Header,
    /// Up to here it is durable and released. What stands after that is nobody's.
    pub durable: u64,
    /// SHA-256 of all that is durable in it.
    pub hash: Sha256,
    pub trust: Trust,
}

/// Whether the segment can be written on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It ends where its durable records end.
    Sound,
    /// A write failed: part of a batch may stand after the durable records.
    Uncut,
    /// A sync failed: what the page cache shows need not be what the disk has, now or later.
    Unsynced,
}

/// The one writer of a journal.
pub(crate) struct Writer {
    pub storage: Arc<dyn Storage>,
    pub dir: PathBuf,
    pub definition: Digest,
    pub segment_bytes: u64,
    pub current: Current,
    pub next: u64,
    pub index: Arc<Index>,
    /// Held as long as there is a writer.
    pub _lock: File,
}

/// Records that are to become durable together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    starts: Vec<usize>,
}

impl Batch {
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn records(&self) -> u64 {
        self.starts.len() as u64
    }
}

impl Writer {
    /// Makes the segment ready for a batch: cuts what a failure left, and begins a new segment where this one
    /// is full or can no longer be trusted.
    ///
    /// # Errors
    /// When the disk still says no. It can be called again.
    pub fn prepare(&mut self, batch: &mut Batch) -> io::Result<()> {
        batch.bytes.clear();
        batch.starts.clear();
        let current = &mut self.current;
        if current.trust != Trust::Sound {
            current.file.truncate(current.durable)?;
        }
        if current.trust == Trust::Unsynced {
            // The cut must be durable before another segment says that this one ends here.
            current.file.sync()?;
            self.begin_segment()?;
        }
        self.current.trust = Trust::Sound;
        if self.current.durable >= self.segment_bytes {
            self.begin_segment()?;
        }
        Ok(())
    }

    /// Adds a record to a batch that was prepared, and says its offset; `None` where it is too large.
    pub fn add(&self, batch: &mut Batch, entry: &Entry, arrival: Timestamp) -> Option<u64> {
        let start = begin(&mut batch.bytes);
        let Some(kind) = entry.encode(&mut batch.bytes) else {
            batch.bytes.truncate(start);
            return None;
        };
        let ordinal = u32::try_from(batch.starts.len()).ok()?;
        let offset = self.next + u64::from(ordinal);
        finish(&mut batch.bytes, start, self.current.header.seed, (offset, ordinal), (arrival, kind));
        batch.starts.push(start);
        Some(offset)
    }

    /// Writes a batch and makes it durable. Says how long the sync took.
    ///
    /// # Errors
    /// When nothing of it may be released. The batch's offsets are given to others then.
    pub fn commit(&mut self, batch: &Batch) -> io::Result<Duration> {
        let current = &mut self.current;
        if let Err(error) = current.file.write_at(&batch.bytes, current.durable) {
            let cut = current.file.truncate(current.durable);
            current.trust = if cut.is_ok() { Trust::Sound } else { Trust::Uncut };
            return Err(error);
        }
        let started = Instant::now();
        if let Err(error) = current.file.sync() {
            current.trust = Trust::Unsynced;
            return Err(error);
        }
        let took = started.elapsed();
        let marks = batch.starts.iter().map(|start| current.durable + *start as u64);
        self.index.extend(self.next, marks, current.durable + batch.bytes.len() as u64);
        current.durable += batch.bytes.len() as u64;
        current.hash.update(&batch.bytes);
        self.next += batch.records();
        Ok(took)
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        // A segment that cannot be trusted before it has a record is replaced, not followed.
        let replaced = self.current.header.first == self.next;
        let previous = match replaced {
            true => self.current.header.previous,
            false => Digest(self.current.hash.clone().finalize().into()),
        };
        let header = Header::new(self.next, self.definition, previous);
        self.current = begin_segment(&*self.storage, &self.dir, header, &[])?;
        self.index.begin(Indexed {
            path: path_of(&self.dir, self.next),
            first: self.next,
            marks: Vec::new(),
            end: HEADER_BYTES as u64,
        });
        Ok(())
    }
}

/// Makes a segment: written and synced under another name first, so that under its own it is whole.
fn begin_segment(storage: &dyn Storage, dir: &Path, header: Header, records: &[u8]) -> io::Result<Current> {
    let bytes = [&header.encode()[..], records].concat();
    let draft = draft_of(dir);
    let file = storage.create(&draft)?;
    file.write_at(&bytes, 0)?;
    file.sync()?;
    storage.rename(&draft, &path_of(dir, header.first))?;
    storage.sync_dir(dir)?;
    let hash = Sha256::new_with_prefix(&bytes);
    Ok(Current { file, header, durable: bytes.len() as u64, hash, trust: Trust::Sound })
}

/// The first segment of a journal, with record 0.
pub(crate) fn first_segment(
    storage: &dyn Storage,
    dir: &Path,
    definition: Digest,
    now: Timestamp,
) -> io::Result<()> {
    let header = Header::new(0, definition, Digest::NONE);
    let mut record = Vec::new();
    let start = begin(&mut record);
    record.extend_from_slice(&definition.0);
    finish(&mut record, start, header.seed, (0, 0), (now, Kind::Definition));
    begin_segment(storage, dir, header, &record).map(drop)
}
