//! Records by offset or in sequence, of a journal that is being written or of one at rest.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use election::report::Offset;

use crate::{
    entry::{Entry, Journaled, split_report},
    error::Error,
    format::{Kind, Raw},
    scan::{Indexed, STRIDE, is_mark, scan},
    segment::{SegmentReader, Stop},
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
        let mut segments = self.index.from(from);
        segments.reverse();
        Records { segments, from, reader: None, wanted: None }
    }
}

/// Tells by its topic whether a report is wanted.
type Wanted = Box<dyn FnMut(&str) -> bool + Send>;

/// Records in their order; the first error is the last item.
pub struct Records {
    /// Those not yet begun, the next one last.
    segments: Vec<Arc<Indexed>>,
    from: u64,
    reader: Option<SegmentReader>,
    wanted: Option<Wanted>,
}

impl Records {
    /// Leaves out the reports whose topic is not wanted, without decoding them. Decisions and observations
    /// stay.
    pub fn only_topics(self, wanted: impl FnMut(&str) -> bool + Send + 'static) -> Self {
        Self { wanted: Some(Box::new(wanted)), ..self }
    }

    fn advance(&mut self) -> Result<Option<Journaled<Entry>>, Error> {
        loop {
            let Some(reader) = &mut self.reader else {
                let Some(segment) = self.segments.pop() else { return Ok(None) };
                self.reader = Some(open_at(&segment, self.from)?);
                continue;
            };
            let (position, offset) = reader.place();
            let raw = match reader.next() {
                Ok(raw) => raw,
                Err(Stop::End) => {
                    self.reader = None;
                    continue;
                }
                Err(stop) => return reader.error(stop).map_or(Ok(None), Err),
            };
            if offset < self.from || !is_wanted(&mut self.wanted, &raw) {
                continue;
            }
            let arrival = raw.arrival;
            return match Entry::decode(raw.kind, raw.payload) {
                Ok(entry) => Ok(Some(Journaled::new(offset, arrival, entry))),
                Err(what) => {
                    let (file, offset) = (reader.path().to_owned(), Offset(offset));
                    Err(Error::Damaged { file, position, offset, what })
                }
            };
        }
    }
}

fn is_wanted(wanted: &mut Option<Wanted>, raw: &Raw<'_>) -> bool {
    match (wanted, raw.kind) {
        (Some(wanted), Kind::Report) => split_report(raw.payload).map_or(true, |(topic, _)| wanted(topic)),
        _ => true,
    }
}

/// Opens a segment at the last known position at or before an offset.
fn open_at(segment: &Indexed, offset: u64) -> Result<SegmentReader, Error> {
    let mut reader = SegmentReader::open(&segment.path, Some(segment.end))?;
    let stride = offset.saturating_sub(segment.first) / STRIDE;
    let mark = usize::try_from(stride).ok().and_then(|at| segment.marks.get(at));
    if let Some(position) = mark {
        reader.seek(segment.first + stride * STRIDE, *position)?;
    }
    Ok(reader)
}

impl Iterator for Records {
    type Item = Result<Journaled<Entry>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let item = self.advance().transpose();
        if matches!(item, Some(Err(_))) {
            self.segments.clear();
            self.reader = None;
        }
        item
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("from", &self.from).finish_non_exhaustive()
    }
}
