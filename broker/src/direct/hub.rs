//! Everything the connections of one link share: who is connected, and the way down to them.
//!
//! Sinks belong to the link's own thread and cannot leave it. Whoever wants to send from elsewhere finds the
//! client in [`Shared`], takes one of its places, and leaves an [`Order`] that the thread carries out.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use ntex_bytes::ByteString;
use tokio::sync::{Semaphore, mpsc};

use super::session::Session;
use super::sink::Sink;
use super::unproven::Unproven;
use crate::acl;
use crate::limits::{Lately, Limits, Rate, TokenBucket};
use crate::port::{Counters, Down, LinkEvent, RefusedKind, count};

/// Orders that may wait for the link's thread. Beyond them messages down are dropped, and devices repeat.
const ORDERS: usize = 16 * 1024;

/// A connected client, as other threads see it.
pub(crate) struct Client {
    pub(crate) id: String,
    /// Tells this connection from earlier and later ones of the same client.
    pub(crate) serial: u64,
    pub(crate) operator: bool,
    filters: RwLock<Vec<String>>,
    /// Messages down that are on their way or not acknowledged.
    outstanding: AtomicU32,
}

impl Client {
    pub(crate) fn new(id: String, serial: u64, operator: bool) -> Self {
        Self { id, serial, operator, filters: RwLock::default(), outstanding: AtomicU32::new(0) }
    }

    /// Adds a subscription; false where there are `most` already.
    pub(crate) fn subscribe(&self, filter: &str, most: usize) -> bool {
        let mut filters = self.filters.write().unwrap_or_else(PoisonError::into_inner);
        if filters.iter().any(|held| held == filter) {
            return true;
        }
        if filters.len() >= most {
            return false;
        }
        filters.push(filter.to_owned());
        true
    }

    pub(crate) fn unsubscribe(&self, filter: &str) {
        self.filters.write().unwrap_or_else(PoisonError::into_inner).retain(|held| held != filter);
    }

    fn wants(&self, topic: &str) -> bool {
        let filters = self.filters.read().unwrap_or_else(PoisonError::into_inner);
        filters.iter().any(|filter| acl::matches(filter, topic))
    }

    fn take_place(&self, most: u32) -> bool {
        let taken = self.outstanding.fetch_add(1, Ordering::Relaxed);
        if taken >= most {
            self.leave_place();
        }
        taken < most
    }

    pub(crate) fn leave_place(&self) {
        self.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A message down that another thread wants sent.
pub(crate) struct Order {
    to: Arc<Client>,
    topic: String,
    payload: Bytes,
}

/// What other threads ask of the link's own.
pub(crate) struct Asked {
    orders: mpsc::Receiver<Order>,
    /// Clients to be cut off: few, and never lost behind messages.
    cuts: mpsc::UnboundedReceiver<String>,
}

/// The part of the link that may be touched from any thread.
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) events: mpsc::Sender<LinkEvent>,
    pub(crate) budget: Arc<Semaphore>,
    pub(crate) register: super::Register,
    pub(crate) stopping: AtomicBool,
    serials: AtomicU64,
    clients: RwLock<HashMap<String, Arc<Client>>>,
    operators: RwLock<Vec<Arc<Client>>>,
    orders: mpsc::Sender<Order>,
    cuts: mpsc::UnboundedSender<String>,
    /// Refusals of those who have no session yet that may be told.
    strangers: Mutex<TokenBucket>,
}

/// How often refusals of those who have no session yet are told; they share one measure.
const STRANGERS: Rate = Rate { per_second: 10.0, burst: 50.0 };

impl Shared {
    pub(crate) fn new(
        limits: Limits,
        register: super::Register,
        events: mpsc::Sender<LinkEvent>,
    ) -> (Arc<Self>, Asked) {
        let (orders, waiting) = mpsc::channel(ORDERS);
        let (cuts, to_cut) = mpsc::unbounded_channel();
        let budget = Arc::new(Semaphore::new(limits.bytes_in_flight.max(crate::limits::MAX_PAYLOAD_BYTES)));
        let shared = Self {
            limits,
            counters: Arc::default(),
            events,
            budget,
            register,
            stopping: AtomicBool::new(false),
            serials: AtomicU64::new(1),
            clients: RwLock::default(),
            operators: RwLock::default(),
            orders,
            cuts,
            strangers: Mutex::new(TokenBucket::new(STRANGERS, Instant::now())),
        };
        (Arc::new(shared), Asked { orders: waiting, cuts: to_cut })
    }

    pub(crate) fn next_serial(&self) -> u64 {
        self.serials.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Counts the refusal of somebody who has no session yet, and tells of it now and then.
    pub(crate) fn refuse_stranger(&self, client: &str, what: RefusedKind, detail: String) {
        self.counters.refuse(what);
        if self.strangers.lock().unwrap_or_else(PoisonError::into_inner).try_take(Instant::now()) {
            // When the gateway is that far behind, the count is enough.
            let _ = self.events.try_send(LinkEvent::Refused { client: client.to_owned(), what, detail });
        }
    }

    /// Puts a client in; the answer is the one it takes over from.
    fn enter(&self, client: &Arc<Client>) -> Option<Arc<Client>> {
        if client.operator {
            self.operators.write().unwrap_or_else(PoisonError::into_inner).push(client.clone());
        }
        self.clients.write().unwrap_or_else(PoisonError::into_inner).insert(client.id.clone(), client.clone())
    }

    /// The connection that holds a name.
    fn serial_of(&self, id: &str) -> Option<u64> {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.get(id).map(|client| client.serial)
    }

    fn leave(&self, client: &Client) {
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        if clients.get(&client.id).is_some_and(|held| held.serial == client.serial) {
            clients.remove(&client.id);
        }
        drop(clients);
        if client.operator {
            let mut operators = self.operators.write().unwrap_or_else(PoisonError::into_inner);
            operators.retain(|held| held.serial != client.serial);
        }
    }

    fn order(&self, to: Arc<Client>, topic: &str, payload: &Bytes) -> bool {
        if !to.wants(topic) {
            return false;
        }
        let order = Order { to: to.clone(), topic: topic.to_owned(), payload: payload.clone() };
        let taken = to.take_place(self.limits.down_in_flight);
        if taken && self.orders.try_send(order).is_err() {
            to.leave_place();
            return false;
        }
        taken
    }

    /// Sends to the device a topic names and to the operators' tools that listen in, but not back to `from`.
    pub(crate) fn fan_out(&self, topic: &str, payload: &Bytes, from: Option<u64>) -> bool {
        let device = acl::Topic::parse(topic).and_then(|topic| {
            self.clients.read().unwrap_or_else(PoisonError::into_inner).get(topic.device).cloned()
        });
        let mut sent = match device {
            Some(client) if !client.operator && from != Some(client.serial) => {
                self.order(client, topic, payload)
            }
            _ => false,
        };
        for client in self.operators.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if from != Some(client.serial) {
                sent |= self.order(client.clone(), topic, payload);
            }
        }
        sent
    }
}

impl Down for Arc<Shared> {
    fn publish(&self, topic: &str, payload: Bytes) -> bool {
        let sent = self.fan_out(topic, &payload, None);
        if !sent {
            count(&self.counters.dropped_down);
        }
        sent
    }

    fn disconnect(&self, client: &str) {
        // An ended link has no connections.
        let _ = self.cuts.send(client.to_owned());
    }
}

/// The part of the link that stays on its own thread.
pub(crate) struct Hub {
    pub(crate) shared: Arc<Shared>,
    pub(crate) unproven: Unproven,
    sessions: RefCell<HashMap<u64, (Rc<Session>, Sink)>>,
    /// How often each registered device connects.
    connects: RefCell<Lately<TokenBucket>>,
}

impl Hub {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let unproven = Unproven::new(shared.limits.unproven, shared.limits.pressed);
        Self { shared, unproven, sessions: RefCell::default(), connects: RefCell::default() }
    }

    /// Whether a registered device may connect now, or does so too often.
    pub(crate) fn may_connect(&self, device: &str) -> bool {
        let (now, rate) = (Instant::now(), self.shared.limits.connect_rate);
        let mut connects = self.connects.borrow_mut();
        let (new, as_new) = (|| TokenBucket::new(rate, now), |bucket: &TokenBucket| bucket.is_full(now));
        connects.take(device, new, as_new, |bucket| bucket.try_take(now))
    }

    /// Puts a session in; the answer is the one it takes over from, already out.
    pub(crate) fn enter(&self, session: &Rc<Session>, sink: Sink) -> Option<(Rc<Session>, Sink)> {
        let old = self.shared.enter(&session.client);
        let mut sessions = self.sessions.borrow_mut();
        sessions.insert(session.client.serial, (session.clone(), sink));
        let old = sessions.remove(&old?.serial)?;
        drop(sessions);
        self.shared.leave(&old.0.client);
        Some(old)
    }

    pub(crate) fn leave(&self, client: &Client) {
        self.shared.leave(client);
        self.sessions.borrow_mut().remove(&client.serial);
    }

    /// Carries out what other threads ask, until none of them is left.
    pub(crate) async fn carry_out(self: Rc<Self>, mut asked: Asked) {
        loop {
            tokio::select! {
                biased;
                Some(client) = asked.cuts.recv() => self.disconnect(&client),
                Some(Order { to, topic, payload }) = asked.orders.recv() => self.send(&to, topic, &payload),
                else => return,
            }
        }
    }

    /// Whether a device is connected that has proved who it is.
    pub(crate) fn holds_certified(&self, device: &str) -> bool {
        let Some(serial) = self.shared.serial_of(device) else { return false };
        self.sessions.borrow().get(&serial).is_some_and(|(session, _)| session.is_certified())
    }

    fn send(&self, to: &Arc<Client>, topic: String, payload: &Bytes) {
        let sessions = self.sessions.borrow();
        let sent =
            sessions.get(&to.serial).is_some_and(|(_, sink)| sink.publish(ByteString::from(topic), payload));
        let counters = &self.shared.counters;
        if sent {
            count(&counters.messages_out);
        } else {
            to.leave_place();
            count(&counters.dropped_down);
        }
    }

    fn disconnect(&self, client: &str) {
        for (session, sink) in self.sessions.borrow().values() {
            if session.client.id == client {
                sink.close(super::sink::Reason::Administrative);
            }
        }
    }

    /// Closes every session. What was to be told of them is not told any more.
    pub(crate) fn close_all(&self) {
        for (_, sink) in self.sessions.borrow().values() {
            sink.close(super::sink::Reason::ShuttingDown);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.borrow().is_empty()
    }
}
