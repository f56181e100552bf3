//! Tests in which the disk fails: each operation that changes it, once and for a while, and loss of power.

mod power;
mod refusing;

use std::{path::Path, sync::Arc};

use election::{
    Timestamp,
    record::Observation,
    report::{Digest, Offset},
};

use crate::{
    Entry, Error, Journal, Options, Reader, check,
    storage::Storage,
    writer::{Batch, Writer},
};

const DEFINITION: Digest = Digest([5; 32]);

/// Segments so small that nearly every batch begins one.
const OPTIONS: Options = Options { segment_bytes: 700, queue: 1, batch_records: 8, batch_bytes: 1 << 20 };

/// A directory in memory where there is one: here the power stays on, and a sync that takes its time proves
/// nothing.
fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A writer, and everything it has released.
struct Run {
    writer: Writer,
    released: Vec<(u64, u64)>,
    made: u64,
}

impl Run {
    fn open(storage: Arc<dyn Storage>, dir: &Path) -> Result<Self, Error> {
        let (journal, _) = Journal::open_on(storage, dir, DEFINITION, OPTIONS)?;
        Ok(Self { writer: journal.writer, released: Vec::new(), made: 0 })
    }

    /// Tries to store a batch of records whose arrival no other record has.
    fn store(&mut self, records: u64) -> bool {
        let mut batch = Batch::default();
        if self.writer.prepare(&mut batch).is_err() {
            self.made += records;
            return false;
        }
        let mut added = Vec::new();
        for _ in 0..records {
            self.made += 1;
            let arrival = Timestamp::from_millis(self.made);
            let entry = Entry::Observation(Observation::Clock { reached: arrival });
            added.push((self.writer.add(&mut batch, &entry, arrival).unwrap(), self.made));
        }
        let stored = self.writer.commit(&batch).is_ok();
        if stored {
            self.released.append(&mut added);
        }
        stored
    }
}

/// Everything that was released is in the journal of a directory, at its offset, and the journal is sound.
#[track_caller]
fn holds(dir: &Path, released: &[(u64, u64)], what: &str) {
    let found = check(dir).unwrap();
    assert!(found.is_sound(), "{what}: {:?}", found.faults);
    let reader = Reader::open(dir).unwrap();
    let all: Vec<_> = reader.records(Offset(1)).map(|record| record.unwrap()).collect();
    for (offset, arrival) in released {
        let record = all.get(usize::try_from(*offset).unwrap() - 1);
        let read = record.map(|record| (record.offset().0, record.arrival().millis()));
        assert_eq!(read, Some((*offset, *arrival)), "{what}");
    }
}
