//! A report between its making and its final receipt.

use std::{sync::Arc, time::Duration};

use election::report::{Digest, Seq};

use super::backoff;
use crate::envelope::digest;

/// A report that waits for its final receipt.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) seq: Seq,
    pub(super) digest: Digest,
    pub(super) envelope: Arc<[u8]>,
    pub(super) sendings: u8,
    pub(super) due: Duration,
    pub(super) standing: Waiting,
}

/// What is known of a report without final receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    /// No receipt yet.
    Unheard,
    /// The centre has it, and waits for reports before it.
    Held,
    /// The centre wants it mended.
    Refused,
}

impl Pending {
    pub(super) fn new(seq: Seq, envelope: Arc<[u8]>) -> Self {
        let digest = digest(&envelope);
        Self { seq, digest, envelope, sendings: 0, due: Duration::ZERO, standing: Waiting::Unheard }
    }

    /// Due within a second, and from the shortest wait; at once only where it was never sent, for otherwise it
    /// may be on its way.
    pub(super) fn hasten(&mut self, now: Duration) {
        let soon = if self.sendings == 0 { now } else { now + backoff::FIRST };
        self.due = self.due.min(soon);
        self.sendings = self.sendings.min(1);
    }
}
