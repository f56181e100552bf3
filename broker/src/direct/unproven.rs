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

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// How often it is looked whether the oldest has had its time, while there is no room.
const LOOK: Duration = Duration::from_millis(10);

/// The unproven connections of a link.
pub(crate) struct Unproven {
    most: usize,
    pressed: Duration,
    issued: Cell<u64>,
    held: Rc<Held>,
}

#[derive(Default)]
struct Held {
    /// The oldest first.
    visits: RefCell<BTreeMap<u64, Visit>>,
    left: Notify,
}

struct Visit {
    since: Instant,
    /// Ends the connection; taken once it was told to end.
    end: Option<AbortHandle>,
}

impl Unproven {
    pub(crate) fn new(most: usize, pressed: Duration) -> Self {
        Self { most: most.max(1), pressed, issued: Cell::new(0), held: Rc::default() }
    }

    /// Waits until one more may come in; true when the oldest had to leave for it.
    pub(crate) async fn room(&self) -> bool {
        let mut ended = false;
        while self.held.visits.borrow().len() >= self.most {
            ended |= self.end_oldest();
            // Whichever is first: somebody is proven or gone, or it is time to look again.
            let _ = tokio::time::timeout(LOOK, self.held.left.notified()).await;
        }
        ended
    }

    fn end_oldest(&self) -> bool {
        let mut visits = self.held.visits.borrow_mut();
        let oldest = visits.values_mut().next().filter(|oldest| oldest.since.elapsed() >= self.pressed);
        let Some(end) = oldest.and_then(|oldest| oldest.end.take()) else { return false };
        drop(visits);
        // Its place is free when its task is gone, which takes a turn.
        end.abort();
        true
    }

    /// Takes a place.
    pub(crate) fn enter(&self) -> Place {
        let number = self.issued.get();
        self.issued.set(number + 1);
        self.held.visits.borrow_mut().insert(number, Visit { since: Instant::now(), end: None });
        Place { number, held: self.held.clone() }
    }

    /// Notes how the connection that holds a place is ended.
    pub(crate) fn note(&self, place: u64, end: AbortHandle) {
        if let Some(visit) = self.held.visits.borrow_mut().get_mut(&place) {
            visit.end = Some(end);
        }
    }
}

/// A place, until its connection is proven or gone.
pub(crate) struct Place {
    number: u64,
    held: Rc<Held>,
}

impl Place {
    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.held.visits.borrow_mut().remove(&self.number);
        self.held.left.notify_one();
    }
}
