//! Connections that have proved nothing yet: no certificate, no CONNECT. Anybody who reaches the port can open them,
//! so they have a bound of their own, below that of all connections: they never take the places of devices.
//!
//! While all places are taken nobody is let in, and the system holds who knocks. A silent one gives up its place early
//! then; one that is busy with its handshake does not, so that a country that comes back at once gets through at the
//! speed of the handshakes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

/// How often it is looked for room while there is none.
const LOOK: Duration = Duration::from_millis(10);

/// The unproven connections of a link, the oldest first.
pub(crate) struct Unproven {
    most: usize,
    pressed: Duration,
    issued: Cell<u64>,
    held: Rc<RefCell<BTreeMap<u64, Visit>>>,
}

struct Visit {
    since: Instant,
    /// Ends the connection.
    end: Option<AbortHandle>,
}

impl Unproven {
    pub(crate) fn new(most: usize, pressed: Duration) -> Self {
        Self { most: most.max(1), pressed, issued: Cell::new(0), held: Rc::default() }
    }

    /// Waits until one more may come in; true when the oldest had to leave for it.
    pub(crate) async fn room(&self) -> bool {
        loop {
            if self.held.borrow().len() < self.most {
                return false;
            }
            if self.end_oldest() {
                return true;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn end_oldest(&self) -> bool {
        let mut held = self.held.borrow_mut();
        let Some(oldest) = held.first_entry().filter(|oldest| oldest.get().since.elapsed() >= self.pressed) else {
            return false;
        };
        let end = oldest.remove().end;
        drop(held);
        if let Some(end) = end {
            end.abort();
        }
        true
    }

    /// Takes a place.
    pub(crate) fn enter(&self) -> Place {
        let number = self.issued.get();
        self.issued.set(number + 1);
        self.held.borrow_mut().insert(number, Visit { since: Instant::now(), end: None });
        Place { number, held: self.held.clone() }
    }

    /// Notes how the connection that holds a place is ended.
    pub(crate) fn note(&self, place: u64, end: AbortHandle) {
        if let Some(visit) = self.held.borrow_mut().get_mut(&place) {
            visit.end = Some(end);
        }
    }
}

/// A place, until its connection is proven or gone.
pub(crate) struct Place {
    number: u64,
    held: Rc<RefCell<BTreeMap<u64, Visit>>>,
}

impl Place {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.held.borrow_mut().remove(&self.number);
    }
}
