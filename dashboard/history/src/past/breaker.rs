//! Whether the database is asked at all: while it cannot be reached, one question in a while tries it, and the others do
//! not wait for what will not come.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// So long nobody tries after somebody tried in vain.
const REST: Duration = Duration::from_secs(5);

/// Open while the database cannot be reached.
#[derive(Debug, Default)]
pub(super) struct Breaker(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    /// When the next question tries.
    again: Instant,
    /// What the last one was told.
    why: String,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the database is not asked now, except by the one that tries.
    pub(super) fn is_open(&self) -> bool {
        self.state().is_some()
    }

    /// Lets a question pass to the database, or says why not.
    pub(super) fn pass(&self) -> Result<(), String> {
        match self.state().as_mut() {
            None => Ok(()),
            Some(open) if Instant::now() >= open.again => {
                // The others do not wait for this one's answer.
                open.again = Instant::now() + REST;
                Ok(())
            }
            Some(open) => Err(open.why.clone()),
        }
    }

    /// The database could not be reached; whether that is news.
    pub(super) fn open(&self, why: &str) -> bool {
        self.state().replace(Open { again: Instant::now() + REST, why: why.to_owned() }).is_none()
    }

    /// The database has answered; whether that is news.
    pub(super) fn close(&self) -> bool {
        self.state().take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_it_is_open_nobody_passes_until_one_tries_again() {
        let breaker = Breaker::default();
        assert_eq!(breaker.pass(), Ok(()));
        assert!(breaker.open("gone") && !breaker.open("still gone"));
        assert_eq!(breaker.pass(), Err("still gone".to_owned()));
        breaker.state().as_mut().unwrap().again = Instant::now();
        assert_eq!((breaker.pass(), breaker.pass().is_err()), (Ok(()), true));
        assert!(breaker.close() && !breaker.close() && !breaker.is_open());
        assert_eq!(breaker.pass(), Ok(()));
    }
}
