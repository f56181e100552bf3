//! The reports of one device that are in the journal, by number and digest.
//!
//! A list in order rather than a tree: most come in order, an urn sends a handful, and of a million urns none should pay
//! for nodes that are made for eleven.

use crate::{
    few::make_room,
    precinct::state::ReportEntry,
    report::{Digest, Seq},
};

/// What became of each report of a device.
#[derive(Debug, Clone, Default)]
pub(super) struct Reports(Vec<ReportEntry>);

impl Reports {
    fn place(&self, (seq, digest): (Seq, Digest)) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| (entry.seq, entry.digest).cmp(&(seq, digest)))
    }

    /// One of them.
    pub(super) fn get(&self, key: (Seq, Digest)) -> Option<&ReportEntry> {
        self.place(key).ok().map(|at| &self.0[at])
    }

    /// One of them, to change what became of it.
    pub(super) fn get_mut(&mut self, key: (Seq, Digest)) -> Option<&mut ReportEntry> {
        self.place(key).ok().map(|at| &mut self.0[at])
    }

    /// Writes one down, in place of what was known of the same.
    pub(super) fn insert(&mut self, entry: ReportEntry) {
        match self.place((entry.seq, entry.digest)) {
            Ok(at) => self.0[at] = entry,
            Err(at) => {
                make_room(&mut self.0);
                self.0.insert(at, entry);
            }
        }
    }

    /// All of a number: more than one where the device has signed two.
    pub(super) fn of_number(&self, seq: Seq) -> impl Iterator<Item = &ReportEntry> {
        let first = self.0.partition_point(|entry| entry.seq < seq);
        self.0[first..].iter().take_while(move |entry| entry.seq == seq)
    }

    /// All, by number.
    pub(super) fn iter(&self) -> impl Iterator<Item = &ReportEntry> {
        self.0.iter()
    }
}
