//! How many publications of one connection are worked on at once, and that they keep their order.
//!
//! The server starts a task for each packet. Its own limit lets a flood through (it skips the packet after each
//! PUBLISH), and its general middleware may leave packets waiting for good once several wait. So places are
//! counted here: while none is left, the socket is not read. Tickets are given out as packets come in, and whoever
//! holds the lowest goes on to the gateway first.
//!
//! A place is taken when the handler starts, not before: until then a packet waits for the server's own readiness
//! check, which we are part of, and a packet that held a place while it waits for us would wait forever.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use ntex_mqtt::SizedRequest;
use ntex_service::{Middleware, Service, ServiceCtx};

/// The places and tickets of one connection.
pub(crate) struct Order {
    places: usize,
    taken: Cell<usize>,
    reader: RefCell<Option<Waker>>,
    issued: Cell<u64>,
    /// Ticket of the packet that is being polled right now.
    current: Cell<u64>,
    /// All lower tickets have passed.
    turn: Cell<u64>,
    passed: RefCell<BTreeSet<u64>>,
    waiting: RefCell<BTreeMap<u64, Waker>>,
}

impl Order {
    /// At least two: one packet may have to wait for another that is behind it at the server's door.
    pub(crate) fn new(places: usize) -> Rc<Self> {
        Rc::new(Self {
            places: places.max(2),
            taken: Cell::new(0),
            reader: RefCell::default(),
            issued: Cell::new(0),
            current: Cell::new(0),
            turn: Cell::new(0),
            passed: RefCell::default(),
            waiting: RefCell::default(),
        })
    }

    fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.taken.get() < self.places {
            return Poll::Ready(());
        }
        *self.reader.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes a place for the packet that is being handled. To be called before anything is awaited.
    pub(crate) fn enter(self: &Rc<Self>) -> Place {
        self.taken.set(self.taken.get() + 1);
        Place { order: self.clone(), ticket: self.current.get() }
    }

    /// Lets those behind `ticket` go on.
    fn pass(&self, ticket: u64) {
        if ticket < self.turn.get() || !self.passed.borrow_mut().insert(ticket) {
            return;
        }
        let mut passed = self.passed.borrow_mut();
        while passed.remove(&self.turn.get()) {
            self.turn.set(self.turn.get() + 1);
        }
        if let Some(next) = self.waiting.borrow_mut().remove(&self.turn.get()) {
            next.wake();
        }
    }
}

/// A place held by one publication.
pub(crate) struct Place {
    order: Rc<Order>,
    ticket: u64,
}

impl Place {
    /// Waits until everything that came before has gone on.
    pub(crate) async fn turn(&self) {
        poll_fn(|cx| {
            if self.order.turn.get() >= self.ticket {
                return Poll::Ready(());
            }
            self.order.waiting.borrow_mut().insert(self.ticket, cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Goes on: what came after may follow.
    pub(crate) fn pass(&self) {
        self.order.pass(self.ticket);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.order.taken.set(self.order.taken.get() - 1);
        if let Some(reader) = self.order.reader.borrow_mut().take() {
            reader.wake();
        }
    }
}

/// A ticket passes whatever becomes of its packet.
struct Ticket<'a>(&'a Order, u64);

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.pass(self.1);
    }
}

/// Puts an [`Order`] before the server's packet handling.
pub(crate) struct InOrder(pub(crate) Rc<Order>);

impl<S, C> Middleware<S, C> for InOrder {
    type Service = Ordered<S>;

    fn create(&self, service: S, _: C) -> Self::Service {
        Ordered { order: self.0.clone(), service }
    }
}

/// The server's packet handling, in order.
pub(crate) struct Ordered<S> {
    order: Rc<Order>,
    service: S,
}

impl<S, R> Service<R> for Ordered<S>
where
    S: Service<R>,
    R: SizedRequest + 'static,
{
    type Response = S::Response;
    type Error = S::Error;

    async fn ready(&self, ctx: ServiceCtx<'_, Self>) -> Result<(), Self::Error> {
        poll_fn(|cx| self.order.poll_room(cx)).await;
        ctx.ready(&self.service).await
    }

    async fn call(&self, packet: R, ctx: ServiceCtx<'_, Self>) -> Result<Self::Response, Self::Error> {
        // No second readiness check: acknowledgements and payloads must get through while publications wait.
        if !packet.is_publish() {
            return ctx.call_nowait(&self.service, packet).await;
        }
        let number = self.order.issued.get();
        self.order.issued.set(number + 1);
        let _ticket = Ticket(&self.order, number);
        let mut call = pin!(ctx.call_nowait(&self.service, packet));
        poll_fn(|cx| {
            self.order.current.set(number);
            call.as_mut().poll(cx)
        })
        .await
    }

    ntex_service::forward_poll!(service);
    ntex_service::forward_shutdown!(service);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn enter(order: &Rc<Order>, ticket: u64) -> Place {
        order.current.set(ticket);
        order.enter()
    }

    #[test]
    fn reading_stops_while_all_places_are_taken() {
        let order = Order::new(2);
        let room = || order.poll_room(&Context::from_waker(Waker::noop()));
        let first = enter(&order, 0);
        assert!(room().is_ready());
        let _second = enter(&order, 1);
        assert!(room().is_pending());
        drop(first);
        assert!(room().is_ready());
    }

    #[test]
    fn the_lowest_ticket_goes_first_and_one_that_vanished_holds_nobody_up() {
        let order = Order::new(16);
        let (third, first) = (enter(&order, 2), enter(&order, 0));
        assert!(poll(third.turn()).is_pending());
        assert!(poll(first.turn()).is_ready());
        drop(Ticket(&order, 1));
        assert!(poll(third.turn()).is_pending());
        first.pass();
        assert!(poll(third.turn()).is_ready());
        third.pass();
        third.pass();
        assert_eq!(order.turn.get(), 3);
    }
}
