//! Reading a whole journal: continuity from segment to segment, an index of positions, and where it ends.

use std::path::{Path, PathBuf};

use election::{Timestamp, report::Digest};

use crate::{
    error::Error,
    format::{FRAME_BYTES, HEADER_BYTES, Kind, Raw, body_length, decode, peek},
    segment::{SegmentReader, Stop, list},
};

/// One record in this many has its position in the index.
pub(crate) const STRIDE: u64 = 64;

/// Whether the record of this offset has its position in the index of a segment that begins with `first`.
pub(crate) fn is_mark(first: u64, offset: u64) -> bool {
    (offset - first).is_multiple_of(STRIDE)
}

/// What is known of a segment: enough to find each of its records.
#[derive(Debug, Clone)]
pub(crate) struct Indexed {
    pub path: PathBuf,
    pub first: u64,
    /// Positions of its first record and of every [`STRIDE`]th after that.
    pub marks: Vec<u64>,
    /// Where its durable records end.
    pub end: u64,
}

/// A journal that has been read through.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub definition: Digest,
    pub segments: Vec<Indexed>,
    /// Offset of the record after the last.
    pub next: u64,
    /// Where the last batch begins in the last segment, which is the only one that may not be durable.
    pub last_batch: u64,
    pub last_arrival: Option<Timestamp>,
    /// Bytes after the last record that are no record, and why not.
    pub tail: Option<(u64, String)>,
}

/// Reads every segment of a directory; `None` where there is none.
pub(crate) fn scan(dir: &Path) -> Result<Option<Scanned>, Error> {
    let listed = list(dir)?;
    let mut scanned: Option<Scanned> = None;
    for (at, (first, path)) in listed.iter().enumerate() {
        let mut reader = SegmentReader::open(path, None)?;
        let so_far = scanned.get_or_insert_with(|| Scanned {
            definition: reader.header().definition,
            segments: Vec::new(),
            next: 0,
            last_batch: 0,
            last_arrival: None,
            tail: None,
        });
        so_far.take_header(&reader, *first)?;
        so_far.take_records(&mut reader, at + 1 == listed.len())?;
    }
    Ok(scanned)
}

impl Scanned {
    fn take_header(&mut self, reader: &SegmentReader, named: u64) -> Result<(), Error> {
        let header = reader.header();
        if header.first != named {
            return Err(
                reader.damaged(format!("it is named {named} but begins with record {}", header.first))
            );
        }
        if header.first != self.next {
            return Err(reader.damaged(format!("the records before it end with {} alone", self.next)));
        }
        if header.definition != self.definition {
            return Err(reader.damaged("it is of other election files than the segment before it"));
        }
        Ok(())
    }

    fn take_records(&mut self, reader: &mut SegmentReader, last: bool) -> Result<(), Error> {
        let (first, path) = (self.next, reader.path().to_owned());
        let mut segment = Indexed { path, first, marks: Vec::new(), end: HEADER_BYTES as u64 };
        self.last_batch = segment.end;
        let stop = loop {
            let (position, offset) = reader.place();
            let raw = match reader.next() {
                Ok(raw) => raw,
                Err(stop) => break stop,
            };
            if raw.ordinal == 0 {
                self.last_batch = position;
            }
            if is_mark(first, offset) {
                segment.marks.push(position);
            }
            if offset > 0 {
                self.last_arrival = Some(raw.arrival);
            } else if let Err(what) = is_definition(&raw, &self.definition) {
                return Err(reader.damaged(what));
            }
        };
        (segment.end, self.next) = reader.place();
        match stop {
            Stop::Bad(what) if last => self.tail = Some(tail(reader, what)?),
            stop => reader.error(stop).map_or(Ok(()), Err)?,
        }
        if self.next == 0 {
            return Err(reader.damaged("record 0, the definition, is missing"));
        }
        self.segments.push(segment);
        Ok(())
    }
}

/// Record 0 is the digest that every header names.
pub(crate) fn is_definition(raw: &Raw<'_>, definition: &Digest) -> Result<(), String> {
    if raw.kind == Kind::Definition && raw.payload == definition.0 {
        return Ok(());
    }
    Err("record 0 is not the digest of the definition".into())
}

/// The bytes after the last good record of the last segment. They are what a crash left of the last batch,
/// which nobody was told of, unless a good record of a later batch stands among them: then what should be
/// here was durable.
fn tail(reader: &SegmentReader, what: String) -> Result<(u64, String), Error> {
    let (position, next) = reader.place();
    let bytes = reader.rest().map_err(Error::io(reader.path(), "be read"))?;
    let later = |at: &usize| {
        let frame = bytes[*at..].first_chunk::<FRAME_BYTES>()?;
        let body = bytes.get(at + FRAME_BYTES..at + FRAME_BYTES + body_length(frame)?)?;
        let likely = peek(body).is_some_and(|raw| raw.offset > next && raw.batch() > next);
        (likely && decode(reader.header().seed, frame, body).is_some()).then_some(())
    };
    if let Some(at) = (1..bytes.len()).find(|at| later(at).is_some()) {
        let at = position + at as u64;
        return Err(reader.damaged(format!("{what}, and later records follow at byte {at}")));
    }
    Ok((bytes.len() as u64, what))
}
