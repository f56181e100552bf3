//! Opening a journal: the lock, recovery, the first segment.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use election::{
    Timestamp,
    report::{Digest, Offset},
};
use sha2::{Digest as _, Sha256};

use crate::{
    clock::{Clock, SystemClock},
    error::Error,
    reader::{Index, Reader},
    records::Records,
    scan::{Scanned, scan},
    segment::{SegmentReader, draft_of},
    storage::{Disk, Storage},
    writer::{Current, Trust, Writer, first_segment},
};

/// How a journal is written.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A new segment is begun when one has this many bytes.
    pub segment_bytes: u64,
    /// How many records may wait to be written; whoever brings more waits.
    pub queue: usize,
    /// Most records made durable by one sync.
    pub batch_records: usize,
    /// About how many bytes are made durable by one sync at most.
    pub batch_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, queue: 4_096, batch_records: 2_048, batch_bytes: 4 << 20 }
    }
}

/// A journal that this process alone writes.
pub struct Journal {
    pub(crate) writer: Writer,
    pub(crate) options: Options,
}

/// What an opened journal holds already.
#[derive(Debug)]
pub struct Recovered {
    /// Offset of the next record; 1 in a new journal.
    pub next: Offset,
    /// Arrival of the last record, record 0 apart.
    pub last_arrival: Option<Timestamp>,
    /// What was cut, when the last process that wrote did not end in peace.
    pub torn: Option<Torn>,
    reader: Reader,
}

/// The remains of a batch that was never released, and are no longer there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment.
    pub file: PathBuf,
    /// Where it ends now.
    pub position: u64,
    /// How many bytes were cut.
    pub bytes: u64,
    /// Why they were no record.
    pub what: String,
}

impl Recovered {
    /// Every record so far, in order.
    pub fn records(&self) -> Records {
        self.reader.records(Offset(1))
    }
}

impl Journal {
    /// Opens the journal of a directory, or begins one. `definition` is the digest of the election files.
    ///
    /// # Errors
    /// When another process has it open, when it belongs to other election files, when a record that was
    /// durable is damaged, or when the disk refuses.
    pub fn open(dir: &Path, definition: Digest, options: Options) -> Result<(Self, Recovered), Error> {
        Self::open_on(Arc::new(Disk), dir, definition, options)
    }

    pub(crate) fn open_on(
        storage: Arc<dyn Storage>,
        dir: &Path,
        definition: Digest,
        options: Options,
    ) -> Result<(Self, Recovered), Error> {
        make_dir(&*storage, dir).map_err(Error::io(dir, "be made"))?;
        let lock = lock(dir)?;
        let draft = draft_of(dir);
        if draft.exists() {
            storage.remove(&draft).map_err(Error::io(&draft, "be removed"))?;
        }
        let scanned = match scan(dir)? {
            Some(scanned) => scanned,
            None => {
                first_segment(&*storage, dir, definition, SystemClock.now())
                    .map_err(Error::io(dir, "begin a journal in it"))?;
                scan(dir)?.ok_or(Error::Empty { dir: dir.to_owned() })?
            }
        };
        if scanned.definition != definition {
            let (dir, found) = (dir.to_owned(), scanned.definition);
            return Err(Error::OtherDefinition { dir, found, given: definition });
        }
        let (current, torn) = mend(&*storage, dir, &scanned)?;
        let index = Arc::new(Index::new(scanned.segments, scanned.next));
        let recovered = Recovered {
            next: Offset(scanned.next),
            last_arrival: scanned.last_arrival,
            torn,
            reader: Reader::new(Arc::clone(&index)),
        };
        let segment_bytes = options.segment_bytes;
        let dir = dir.to_owned();
        let next = scanned.next;
        let writer = Writer { storage, dir, definition, segment_bytes, current, next, index, _lock: lock };
        Ok((Self { writer, options }, recovered))
    }

    /// Reads what is durable, while the journal is written and after.
    pub fn reader(&self) -> Reader {
        Reader::new(Arc::clone(&self.writer.index))
    }
}

/// Makes the directory and those above it durable where they are new.
fn make_dir(storage: &dyn Storage, dir: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|above| !above.exists()).collect();
    fs::create_dir_all(dir)?;
    for made in missing {
        let above = made.parent().filter(|above| !above.as_os_str().is_empty());
        storage.sync_dir(above.unwrap_or(Path::new(".")))?;
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(Error::io(&path, "be opened"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { path, doing: "be locked", source }),
    }
}

/// Cuts a torn tail, and makes durable what the last process may have written without a sync.
fn mend(storage: &dyn Storage, dir: &Path, scanned: &Scanned) -> Result<(Current, Option<Torn>), Error> {
    let Some(last) = scanned.segments.last() else { return Err(Error::Empty { dir: dir.to_owned() }) };
    let path = &last.path;
    let file = storage.open(path).map_err(Error::io(path, "be opened"))?;
    let torn = scanned.tail.as_ref().map(|(bytes, what)| Torn {
        file: path.clone(),
        position: last.end,
        bytes: *bytes,
        what: what.clone(),
    });
    if let Some(torn) = &torn {
        tracing::warn!(file = %path.display(), torn.position, torn.bytes, torn.what, "cut a torn tail");
        file.truncate(last.end).map_err(Error::io(path, "be cut"))?;
    }
    let mut bytes = Vec::new();
    let mut opened = File::open(path).map_err(Error::io(path, "be opened"))?.take(last.end);
    opened.read_to_end(&mut bytes).map_err(Error::io(path, "be read"))?;
    // Where a sync of the last batch failed, the page cache may call clean what the disk does not have: only
    // writing it again makes sure that the next sync writes it.
    let batch = usize::try_from(scanned.last_batch).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    file.write_at(batch, scanned.last_batch).map_err(Error::io(path, "be written"))?;
    file.sync().map_err(Error::io(path, "be synced"))?;
    storage.sync_dir(dir).map_err(Error::io(dir, "be synced"))?;
    let header = *SegmentReader::open(path, None)?.header();
    let hash = Sha256::new_with_prefix(&bytes);
    Ok((Current { file, header, durable: last.end, hash, trust: Trust::Sound }, torn))
}
