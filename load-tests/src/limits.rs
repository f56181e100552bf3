//! Open files: every device is a socket.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rlimit::Resource;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Files that the rest of the process needs: journal, HTTP, runtime.
const RESERVE: u64 = 512;

/// How many devices may be on line at once. Where that is not all of them, they take turns: one that has
/// something to say waits for a seat, and one that has not gives its seat up while others wait.
#[derive(Debug)]
pub struct Seats {
    free: Arc<Semaphore>,
    at_once: u64,
    devices: u64,
    waiting: AtomicUsize,
    wanted: Notify,
}

/// The right to be on line, until it is dropped.
pub type Seat = OwnedSemaphorePermit;

impl Seats {
    /// Raises the limit of open files so that this many devices can be on line at once, as far as the system
    /// allows. `sockets` is how many each of them needs in this process: two where the other end is in it,
    /// too.
    ///
    /// # Errors
    /// When the limit cannot be read.
    pub fn raise(devices: u64, sockets: u64) -> io::Result<Self> {
        let needed = devices * sockets + RESERVE;
        let (soft, hard) = Resource::NOFILE.get()?;
        if soft < needed {
            // A privileged process may go beyond the hard limit; any other up to it.
            let raised = Resource::NOFILE.set(needed, needed.max(hard));
            if raised.is_err() {
                Resource::NOFILE.set(needed.min(hard), hard)?;
            }
        }
        Ok(Self::within(Resource::NOFILE.get()?.0, devices, sockets))
    }

    /// As many as so many open files allow.
    pub(crate) fn within(files: u64, devices: u64, sockets: u64) -> Self {
        let at_once = (files.saturating_sub(RESERVE) / sockets).clamp(1, devices.max(1));
        let free = usize::try_from(at_once).unwrap_or(Semaphore::MAX_PERMITS);
        let (free, waiting) = (Arc::new(Semaphore::new(free)), AtomicUsize::new(0));
        Self { free, at_once, devices, waiting, wanted: Notify::new() }
    }

    /// Whether there are fewer seats than devices.
    pub fn are_few(&self) -> bool {
        self.at_once < self.devices
    }

    /// How many devices may be on line at once.
    pub fn at_once(&self) -> u64 {
        self.at_once
    }

    /// Whether a device with something to say waits for a seat.
    pub fn are_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// Ends when a device begins to wait: for one of those that could give their seat up.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// A seat if one is free.
    pub fn try_take(&self) -> Option<Seat> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// A seat as soon as one is free.
    pub async fn take(&self) -> Option<Seat> {
        if let Some(seat) = self.try_take() {
            return Some(seat);
        }
        let _waiting = Waiting::begin(&self.waiting);
        self.wanted.notify_one();
        Arc::clone(&self.free).acquire_owned().await.ok()
    }
}

/// Counts who waits, for as long as they do.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_few_only_where_files_are() {
        assert!(!Seats::within(20_512, 10_000, 2).are_few());
        let few = Seats::within(1_512, 10_000, 2);
        assert_eq!((few.at_once(), few.are_few()), (500, true));
        assert_eq!(Seats::within(10, 10, 1).at_once(), 1);
    }

    #[tokio::test]
    async fn who_waits_for_a_seat_is_counted_until_it_has_one() {
        let seats = Seats::within(RESERVE + 1, 2, 1);
        let first = seats.take().await;
        assert!(first.is_some() && seats.try_take().is_none() && !seats.are_wanted());
        let second = async {
            let seat = seats.take().await;
            assert!(!seats.are_wanted());
            seat
        };
        let first = async {
            seats.wanted().await;
            assert!(seats.are_wanted());
            drop(first);
        };
        let (second, ()) = tokio::join!(second, first);
        assert!(second.is_some());
    }

    #[test]
    fn the_limit_is_raised_as_far_as_needed() {
        let seats = Seats::raise(100, 2).unwrap();
        assert_eq!(seats.at_once(), 100);
        assert!(Resource::NOFILE.get().unwrap().0 >= 712);
    }
}
