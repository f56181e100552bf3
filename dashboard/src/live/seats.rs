//! How many read the live feed.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use prometheus::{IntCounterVec, IntGaugeVec};

use crate::{instruments::Instruments, problem::Problem};

/// The live feed's seats.
pub(crate) struct Seats {
    most: usize,
    taken: AtomicUsize,
    readers: IntGaugeVec,
    closed: IntCounterVec,
}

/// A reader's seat, given back when it leaves.
pub(crate) struct Seat {
    seats: Arc<Seats>,
    transport: &'static str,
    /// Why it left; the reader's own wish where nothing else is said.
    pub left: &'static str,
}

impl Seats {
    pub(crate) fn new(most: usize, instruments: &Instruments) -> Arc<Self> {
        let (readers, closed) = (instruments.readers.clone(), instruments.closed.clone());
        Arc::new(Self { most, taken: AtomicUsize::new(0), readers, closed })
    }

    pub(crate) fn take(self: &Arc<Self>, transport: &'static str) -> Result<Seat, Problem> {
        let free = |taken: usize| (taken < self.most).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free);
        taken.map_err(|_| Problem::unavailable("the live feed is full; poll the results instead"))?;
        self.readers.with_label_values(&[transport]).inc();
        Ok(Seat { seats: Arc::clone(self), transport, left: "reader" })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.taken.fetch_sub(1, Ordering::Relaxed);
        self.seats.readers.with_label_values(&[self.transport]).dec();
        self.seats.closed.with_label_values(&[self.left]).inc();
    }
}
