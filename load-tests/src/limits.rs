//! Open files: every device is a socket.

use std::{io, sync::Arc};

use rlimit::Resource;
use tokio::sync::Semaphore;

/// Files that the rest of the process needs: journal, HTTP, runtime.
const RESERVE: u64 = 512;

/// How many devices may be on line at once.
#[derive(Debug, Clone)]
pub struct Seats {
    /// `None`: all of them.
    turns: Option<Arc<Semaphore>>,
    at_once: u64,
}

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
        let at_once = (files.saturating_sub(RESERVE) / sockets).max(1);
        let turns = (at_once < devices)
            .then(|| Arc::new(Semaphore::new(usize::try_from(at_once).unwrap_or(Semaphore::MAX_PERMITS))));
        Self { turns, at_once: at_once.min(devices) }
    }

    /// Where devices take turns: who holds a permit may be on line.
    pub fn turns(&self) -> Option<&Arc<Semaphore>> {
        self.turns.as_ref()
    }

    /// How many devices may be on line at once.
    pub fn at_once(&self) -> u64 {
        self.at_once
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_take_turns_only_where_files_are_too_few() {
        assert!(Seats::within(20_512, 10_000, 2).turns().is_none());
        let few = Seats::within(1_512, 10_000, 2);
        assert_eq!(few.at_once(), 500);
        assert_eq!(few.turns().map(|turns| turns.available_permits()), Some(500));
        assert_eq!(Seats::within(10, 10, 1).at_once(), 1);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_needed() {
        let seats = Seats::raise(100, 2).unwrap();
        assert_eq!(seats.at_once(), 100);
        assert!(Resource::NOFILE.get().unwrap().0 >= 712);
    }
}
