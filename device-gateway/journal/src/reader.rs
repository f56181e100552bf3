//! Records by offset or in sequence, of a journal that is being written or of one at rest.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use election::report::Offset;

use crate::{
    entry::{Entry, Journaled},
    error::Error,
    records::Records,
    scan::{Indexed, is_mark, scan},
};

/// Where records stand, as far as they are durable. Shared by the writer and by those who read.
#[derive(Debug)]
pub(crate) struct Index {
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    segments: Vec<Arc<Indexed>>,
    next: u64,
}

impl Index {
    pub fn new(segments: Vec<Indexed>, next: u64) -> Self {
        let segments = segments.into_iter().map(Arc::new).collect();
        Self { known: RwLock::new(Known { segments, next }) }
    }

    /// A segment was begun, perhaps in the place of one that has no record yet.
    pub fn begin(&self, segment: Indexed) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.segments.retain(|other| other.first < segment.first);
        known.segments.push(Arc::new(segment));
    }

    /// Records from offset `next` on have become durable in the last segment, which now ends at `end`.
    pub fn extend(&self, next: u64, positions: impl ExactSizeIterator<Item = u64>, end: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.next = next + positions.len() as u64;
        let Some(last) = known.segments.last_mut() else { return };
        let last = Arc::make_mut(last);
        let marked = (next..).zip(positions).filter(|(offset, _)| is_mark(last.first, *offset));
        last.marks.extend(marked.map(|(_, position)| position));
        last.end = end;
    }

    fn next(&self) -> u64 {
        self.known.read().unwrap_or_else(PoisonError::into_inner).next
    }

    /// The segments that hold records from `offset` on.
    fn from(&self, offset: u64) -> Vec<Arc<Indexed>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let before = known.segments.partition_point(|segment| segment.first <= offset).saturating_sub(1);
        known.segments.get(before..).unwrap_or_default().to_vec()
    }
}

/// Reads records that are durable. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Reader {
    index: Arc<Index>,
}

impl Reader {
    pub(crate) fn new(index: Arc<Index>) -> Self {
        Self { index }
    }

    /// Reads the journal of a directory as it is now, without opening it for writing: also one that another
    /// process writes. A torn tail is left alone.
    ///
    /// # Errors
    /// When there is none, when it is damaged, or when it cannot be read.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        let scanned = scan(dir)?.ok_or(Error::Empty { dir: dir.to_owned() })?;
        Ok(Self::new(Arc::new(Index::new(scanned.segments, scanned.next))))
    }

    /// Offset of the record that comes next: all before it are durable.
    pub fn next(&self) -> Offset {
        Offset(self.index.next())
    }

    /// The record of an offset; `None` past the last one, and for record 0, which is the definition.
    ///
    /// # Errors
    /// When it is damaged or cannot be read.
    pub fn read(&self, offset: Offset) -> Result<Option<Journaled<Entry>>, Error> {
        if offset.0 == 0 || offset.0 >= self.index.next() {
            return Ok(None);
        }
        self.records(offset).next().transpose()
    }

    /// Records from an offset on, up to those that are durable now.
    pub fn records(&self, from: Offset) -> Records {
        let from = from.0.max(1);
        Records::new(self.index.from(from), from)
    }
}
