//! Records in sequence, segment by segment, each decoded when it is asked for.

use std::sync::Arc;

use election::report::Offset;

use crate::{
    entry::{Entry, Journaled, split_report},
    error::Error,
    format::{Kind, Raw},
    scan::{Indexed, STRIDE},
    segment::{SegmentReader, Stop},
};

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
    pub(crate) fn new(mut segments: Vec<Arc<Indexed>>, from: u64) -> Self {
        segments.reverse();
        Self { segments, from, reader: None, wanted: None }
    }

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

#[cfg(test)]
mod tests {
    use election::{Timestamp, report::Digest};

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
    fn records_come_in_order_and_an_error_is_the_last() {
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
