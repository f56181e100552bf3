//! Records in sequence. They are read by one thread and decoded by all, a chunk at a time: after a restart
//! this is what the night waits for.

use std::{collections::VecDeque, ops::Range, panic::resume_unwind, sync::Arc, thread};

use election::{Timestamp, report::Offset};

use crate::{
    entry::{Entry, Journaled, split_report},
    error::Error,
    format::{Kind, Raw},
    scan::{Indexed, STRIDE},
    segment::{SegmentReader, Stop},
};

/// The first chunk is small: who reads one record wants no more. Each next one is twice as large, up to:
const MAX_CHUNK: usize = 8_192;
const MAX_CHUNK_BYTES: usize = 8 << 20;
/// Fewer records are not worth a thread.
const MIN_FOR_THREADS: usize = 512;

/// Tells by its topic whether a report is wanted.
type Wanted = Box<dyn FnMut(&str) -> bool + Send>;

type Item = Result<Journaled<Entry>, Error>;

/// Records in their order; the first error is the last item.
pub struct Records {
    /// Those not yet begun, the next one last.
    segments: Vec<Arc<Indexed>>,
    from: u64,
    reader: Option<SegmentReader>,
    wanted: Option<Wanted>,
    chunk: usize,
    decoded: VecDeque<Item>,
}

/// Records as they were read, and why no more were.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    records: Vec<Undecoded>,
    error: Option<Error>,
}

struct Undecoded {
    offset: u64,
    arrival: Timestamp,
    kind: Kind,
    payload: Range<usize>,
    /// For the error message.
    segment: Arc<Indexed>,
    position: u64,
}

impl Records {
    pub(crate) fn new(mut segments: Vec<Arc<Indexed>>, from: u64) -> Self {
        segments.reverse();
        Self { segments, from, reader: None, wanted: None, chunk: 1, decoded: VecDeque::new() }
    }

    /// Leaves out the reports whose topic is not wanted, without decoding them. Decisions and observations
    /// stay.
    pub fn only_topics(self, wanted: impl FnMut(&str) -> bool + Send + 'static) -> Self {
        Self { wanted: Some(Box::new(wanted)), ..self }
    }

    fn fill(&mut self) {
        let mut chunk = Chunk::default();
        while chunk.records.len() < self.chunk && chunk.bytes.len() < MAX_CHUNK_BYTES {
            match self.read(&mut chunk) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.segments.clear();
                    chunk.error = Some(error);
                    break;
                }
            }
        }
        self.chunk = (self.chunk * 2).min(MAX_CHUNK);
        self.decoded = chunk.decode();
        if let Some(first) = self.decoded.iter().position(|item| item.is_err()) {
            self.decoded.truncate(first + 1);
            self.segments.clear();
        }
    }

    /// Reads one record into a chunk; `false` after the last one.
    fn read(&mut self, chunk: &mut Chunk) -> Result<bool, Error> {
        while let Some(segment) = self.segments.last() {
            let reader = match &mut self.reader {
                Some(reader) => reader,
                unopened => unopened.insert(open_at(segment, self.from)?),
            };
            let (position, offset) = reader.place();
            match reader.next() {
                Ok(raw) if offset < self.from || !is_wanted(&mut self.wanted, &raw) => {}
                Ok(raw) => {
                    chunk.push(&raw, Arc::clone(segment), position);
                    return Ok(true);
                }
                Err(Stop::End) => {
                    self.reader = None;
                    self.segments.pop();
                }
                Err(stop) => return reader.error(stop).map_or(Ok(false), Err),
            }
        }
        Ok(false)
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

impl Chunk {
    fn push(&mut self, raw: &Raw<'_>, segment: Arc<Indexed>, position: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(raw.payload);
        let payload = start..self.bytes.len();
        let (offset, arrival, kind) = (raw.offset, raw.arrival, raw.kind);
        self.records.push(Undecoded { offset, arrival, kind, payload, segment, position });
    }

    fn decode(self) -> VecDeque<Item> {
        let (bytes, records) = (self.bytes.as_slice(), self.records.as_slice());
        let threads = if records.len() < MIN_FOR_THREADS {
            1
        } else {
            thread::available_parallelism().map_or(1, |cores| cores.get().min(8))
        };
        let each = records.len().div_ceil(threads).max(1);
        let mut decoded = VecDeque::with_capacity(records.len() + 1);
        thread::scope(|scope| {
            let mut parts = records.chunks(each);
            let own = parts.next().unwrap_or_default();
            let others: Vec<_> = parts
                .map(|part| {
                    scope.spawn(|| part.iter().map(|record| record.decode(bytes)).collect::<Vec<_>>())
                })
                .collect();
            decoded.extend(own.iter().map(|record| record.decode(bytes)));
            for other in others {
                decoded.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
        decoded.extend(self.error.map(Err));
        decoded
    }
}

impl Undecoded {
    fn decode(&self, bytes: &[u8]) -> Item {
        let payload = bytes.get(self.payload.clone()).unwrap_or_default();
        match Entry::decode(self.kind, payload) {
            Ok(entry) => Ok(Journaled::new(self.offset, self.arrival, entry)),
            Err(what) => Err(Error::Damaged {
                file: self.segment.path.clone(),
                position: self.position,
                offset: Offset(self.offset),
                what,
            }),
        }
    }
}

impl Iterator for Records {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if self.decoded.is_empty() {
            self.fill();
        }
        self.decoded.pop_front()
    }
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("from", &self.from).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use election::report::Digest;

    use super::*;
    use crate::{
        Journal, Options, Reader, check,
        format::{begin, finish},
        segment::path_of,
    };

    /// Appends records to a segment by hand: good observations and, last, a decision that is none.
    fn with_nonsense(dir: &std::path::Path, records: u64) {
        drop(Journal::open(dir, Digest([1; 32]), Options::default()).unwrap());
        let path = path_of(dir, 0);
        let seed = SegmentReader::open(&path, None).unwrap().header().seed;
        let mut bytes = std::fs::read(&path).unwrap();
        for offset in 1..=records {
            let start = begin(&mut bytes);
            let kind = if offset == records { Kind::Decision } else { Kind::Observation };
            bytes.extend_from_slice(b"{\"observed\":\"clock\",\"reached\":7}");
            finish(&mut bytes, start, seed, (offset, 0), (Timestamp::from_millis(offset), kind));
        }
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn records_come_in_order_from_all_cores_and_an_error_is_the_last() {
        let dir = tempfile::tempdir().unwrap();
        with_nonsense(dir.path(), 20_000);
        let mut records = Reader::open(dir.path()).unwrap().records(Offset(1));
        for offset in 1..20_000 {
            let record = records.next().unwrap().unwrap();
            assert_eq!((record.offset().0, record.arrival().millis()), (offset, offset));
        }
        let error = records.next().unwrap().unwrap_err();
        assert!(matches!(&error, Error::Damaged { offset: Offset(20_000), .. }), "{error}");
        assert!(error.to_string().contains("the decision cannot be read"), "{error}");
        assert!(records.next().is_none() && records.next().is_none());
        let faults = check(dir.path()).unwrap().faults;
        assert_eq!((faults.len(), faults[0].offset), (1, Offset(20_000)));
    }
}
