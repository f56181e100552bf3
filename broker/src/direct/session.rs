//! One connection's life, the same for both versions of MQTT: connect, publish, subscribe, end.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;

use super::Standing;
use super::hub::{Client, Hub};
use super::order::{Order, Place};
use super::sink::{Reason, Sink};
use super::tls::Certificate;
use super::unproven;
use crate::acl::{self, Who};
use crate::limits::{MAX_PAYLOAD_BYTES, Sampler, TokenBucket};
use crate::port::{Ack, LinkEvent, Message, Peer, RefusedKind, count};

/// Longest client id of an operator's tool, in bytes. Devices' are shorter.
const MAX_CLIENT_ID: usize = 64;

/// What the transport knows about the other end.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    Certified(Certificate),
    Plain,
}

/// Why a session is ended by this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("qos 2 is not served")]
    Qos,
    #[error("a message was given up unacknowledged")]
    Unacknowledged,
    #[error("the session is over")]
    Over,
}

impl From<()> for Fault {
    fn from((): ()) -> Self {
        Self::Over
    }
}

/// Why a CONNECT is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Identity,
    Revoked,
    Will,
    Rate,
    Over,
}

/// What a CONNECT says, as far as it matters here.
pub(crate) struct Hello {
    pub(crate) client_id: String,
    pub(crate) will: Option<Will>,
}

/// A last will.
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos2: bool,
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    Refused(RefusedKind),
}

/// One socket, from accept to close.
pub(crate) struct Conn {
    hub: Rc<Hub>,
    identity: Identity,
    order: Rc<Order>,
    session: OnceCell<Rc<Session>>,
    /// Held until the CONNECT is accepted.
    unproven: Cell<Option<unproven::Place>>,
}

impl Conn {
    pub(crate) fn new(hub: Rc<Hub>, identity: Identity, place: unproven::Place) -> Self {
        let order = Order::new(hub.shared.limits.in_flight);
        Self { hub, identity, order, session: OnceCell::new(), unproven: Cell::new(Some(place)) }
    }

    pub(crate) fn order(&self) -> &Rc<Order> {
        &self.order
    }

    pub(crate) fn hub(&self) -> &Rc<Hub> {
        &self.hub
    }

    /// The session, once CONNECT was accepted.
    pub(crate) fn session(&self) -> Result<&Rc<Session>, Fault> {
        self.session.get().ok_or(Fault::Over)
    }

    /// Answers a CONNECT. What took the id before is ended first, its will told.
    pub(crate) async fn connect(&self, hello: Hello, sink: Sink) -> Result<Rc<Session>, Refusal> {
        let shared = &self.hub.shared;
        if shared.is_stopping() {
            return Err(Refusal::Over);
        }
        let serial = shared.next_serial();
        let (id, device) = self.identify(&hello.client_id, serial)?;
        // Whoever only claims a name neither takes the place of the one who has proved it, nor spends its attempts.
        if device && matches!(self.identity, Identity::Plain) && self.hub.holds_certified(&id) {
            let detail = "it is connected with its certificate".to_owned();
            return self.turn_away(&id, detail, Refusal::Identity);
        }
        if device && !self.hub.may_connect(&id) {
            shared.refuse_stranger(&id, RefusedKind::Rate, "connects too often".to_owned());
            return Err(Refusal::Rate);
        }
        let who = if device { Who::Device(&id) } else { Who::Operator };
        if let Some(will) = &hello.will
            && (!acl::may_leave_will(who, &will.topic)
                || will.payload.len() > shared.limits.will_bytes
                || will.qos2)
        {
            let detail = format!("will of {} bytes on {:?}", will.payload.len(), clip(&will.topic));
            shared.refuse_stranger(&id, RefusedKind::Will, detail);
            return Err(Refusal::Will);
        }
        let peer = match &self.identity {
            Identity::Certified(certificate) => Peer::Certified(certificate.name.clone()),
            Identity::Plain => Peer::Claimed(id.clone()),
        };
        let client = Arc::new(Client::new(id, serial, !device));
        sink.give_back_places_of(&client);
        let session = Rc::new(Session::new(self.hub.clone(), client, peer, hello.will));
        // A second CONNECT never gets here: the server passes it over.
        let _ = self.session.set(session.clone());
        self.unproven.take();
        if let Some((old, sink)) = self.hub.enter(&session, sink) {
            count(&shared.counters.takeovers);
            old.finish().await;
            sink.close(Reason::TakenOver);
        }
        count(&shared.counters.connects);
        let event = LinkEvent::Connected { client: session.client.id.clone() };
        if shared.events.send(event).await.is_err() || session.finished.get() {
            return Err(Refusal::Over);
        }
        Ok(session)
    }

    /// Who this is, and whether it is a device.
    fn identify(&self, client_id: &str, serial: u64) -> Result<(String, bool), Refusal> {
        match &self.identity {
            Identity::Certified(Certificate { name, .. }) if client_id != name => {
                let detail = format!("client id {:?}, certificate {name:?}", clip(client_id));
                self.turn_away(name, detail, Refusal::Identity)
            }
            Identity::Certified(Certificate { name, key }) => match self.standing(name, Some(key)) {
                Standing::Device => Ok((name.clone(), true)),
                Standing::Stranger => {
                    self.turn_away(name, "no registered device".to_owned(), Refusal::Identity)
                }
                Standing::Revoked => self.turn_away(name, "revoked".to_owned(), Refusal::Revoked),
                Standing::Superseded => {
                    let detail = "a certificate of its former key".to_owned();
                    self.turn_away(name, detail, Refusal::Revoked)
                }
            },
            Identity::Plain if client_id.is_empty() => Ok((format!("operator-{serial}"), false)),
            Identity::Plain if client_id.len() > MAX_CLIENT_ID || client_id.contains(char::is_control) => {
                self.turn_away("", format!("client id {:?}", clip(client_id)), Refusal::Identity)
            }
            Identity::Plain => match self.standing(client_id, None) {
                Standing::Stranger => Ok((client_id.to_owned(), false)),
                Standing::Device | Standing::Superseded => Ok((client_id.to_owned(), true)),
                Standing::Revoked => self.turn_away(client_id, "revoked".to_owned(), Refusal::Revoked),
            },
        }
    }

    fn standing(&self, id: &str, key: Option<&[u8]>) -> Standing {
        if acl::is_device_id(id) { (self.hub.shared.register)(id, key) } else { Standing::Stranger }
    }

    fn turn_away<T>(&self, client: &str, detail: String, refusal: Refusal) -> Result<T, Refusal> {
        self.hub.shared.refuse_stranger(client, RefusedKind::Identity, detail);
        Err(refusal)
    }

    /// The socket is closed: whatever has begun ends.
    pub(crate) async fn end(&self) {
        if let Some(session) = self.session.get() {
            session.finish().await;
        }
    }
}

/// An accepted client's connection.
pub(crate) struct Session {
    hub: Rc<Hub>,
    pub(crate) client: Arc<Client>,
    peer: Peer,
    will: RefCell<Option<Will>>,
    clean: Cell<bool>,
    finished: Cell<bool>,
    bucket: RefCell<TokenBucket>,
    samplers: RefCell<[Sampler; RefusedKind::ALL.len()]>,
}

impl Session {
    /// Whether it has proved who it is.
    pub(crate) fn is_certified(&self) -> bool {
        matches!(self.peer, Peer::Certified(_))
    }

    fn new(hub: Rc<Hub>, client: Arc<Client>, peer: Peer, will: Option<Will>) -> Self {
        let limits = &hub.shared.limits;
        let rate = if client.operator { limits.operator_rate } else { limits.device_rate };
        let bucket = RefCell::new(TokenBucket::new(rate, Instant::now()));
        Self {
            hub,
            client,
            peer,
            will: RefCell::new(will),
            clean: Cell::new(false),
            finished: Cell::new(false),
            bucket,
            samplers: RefCell::default(),
        }
    }

    fn who(&self) -> Who<'_> {
        if self.client.operator { Who::Operator } else { Who::Device(&self.client.id) }
    }

    /// Counts a refusal, and tells of it now and then.
    pub(crate) fn refuse(&self, what: RefusedKind, detail: impl FnOnce() -> String) {
        let shared = &self.hub.shared;
        shared.counters.refuse(what);
        if self.samplers.borrow_mut()[what as usize].admit(Instant::now()) {
            let event = LinkEvent::Refused { client: self.client.id.clone(), what, detail: detail() };
            // When the gateway is that far behind, the count is enough.
            let _ = shared.events.try_send(event);
        }
    }

    /// Takes a publication, and returns when it may be acknowledged.
    ///
    /// # Errors
    /// The session has to end: it asked for QoS 2, or the message was given up.
    pub(crate) async fn publish(
        &self,
        place: Place,
        topic: &str,
        payload: &[u8],
        qos: ntex_mqtt::QoS,
    ) -> Result<Taken, Fault> {
        if qos == ntex_mqtt::QoS::ExactlyOnce {
            self.refuse(RefusedKind::Qos, || format!("qos 2 on {:?}", clip(topic)));
            return Err(Fault::Qos);
        }
        place.turn().await;
        self.wait_for_tokens(payload.len()).await;
        if payload.len() > MAX_PAYLOAD_BYTES {
            self.refuse(RefusedKind::Size, || format!("{} bytes on {:?}", payload.len(), clip(topic)));
            return Ok(Taken::Refused(RefusedKind::Size));
        }
        if !acl::may_publish(self.who(), topic) {
            self.refuse(RefusedKind::Topic, || format!("publish on {:?}", clip(topic)));
            return Ok(Taken::Refused(RefusedKind::Topic));
        }
        let payload = Bytes::copy_from_slice(payload);
        self.hub.shared.fan_out(topic, &payload, Some(self.client.serial));
        if acl::Topic::parse(topic).is_some_and(|topic| !topic.channel.is_up()) {
            // An operator's word to a device: it was sent, and is none of the gateway's.
            return Ok(Taken::Yes);
        }
        let answer = self.hand_on(topic, payload, qos).await?;
        place.pass();
        let Some(answer) = answer else { return Ok(Taken::Yes) };
        if answer.await.is_err() {
            count(&self.hub.shared.counters.unacknowledged);
            return Err(Fault::Unacknowledged);
        }
        Ok(Taken::Yes)
    }

    async fn wait_for_tokens(&self, bytes: usize) {
        let wait = self.bucket.borrow_mut().take(bytes, Instant::now());
        if !wait.is_zero() {
            self.refuse(RefusedKind::Rate, || format!("slowed down by {wait:?}"));
            tokio::time::sleep(wait).await;
        }
    }

    async fn hand_on(
        &self,
        topic: &str,
        payload: Bytes,
        qos: ntex_mqtt::QoS,
    ) -> Result<Option<tokio::sync::oneshot::Receiver<()>>, Fault> {
        let shared = &self.hub.shared;
        let bytes = payload.len();
        let budget = shared.budget.clone().acquire_many_owned(bytes as u32).await.map_err(|_| Fault::Over)?;
        let (ack, answer) = match qos {
            ntex_mqtt::QoS::AtMostOnce => (Ack::none(), None),
            _ => {
                let (ack, answer) = Ack::pair();
                (ack, Some(answer))
            }
        };
        if self.finished.get() {
            return Err(Fault::Over);
        }
        let message = Message {
            topic: topic.to_owned(),
            payload,
            retained: false,
            peer: self.peer.clone(),
            ack: ack.holding(budget),
        };
        shared.events.send(LinkEvent::Message(message)).await.map_err(|_| Fault::Over)?;
        count(&shared.counters.messages_in);
        shared.counters.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(answer)
    }

    /// Answers one filter of a SUBSCRIBE.
    pub(crate) fn subscribe(&self, filter: &str) -> bool {
        let limits = &self.hub.shared.limits;
        let most = if self.client.operator { limits.subscriptions * 4 } else { limits.subscriptions };
        let granted = acl::may_subscribe(self.who(), filter) && self.client.subscribe(filter, most);
        if !granted {
            self.refuse(RefusedKind::Subscription, || format!("subscribe to {:?}", clip(filter)));
        }
        granted
    }

    /// DISCONNECT came: the will is void, unless the client wants it told (version 5).
    pub(crate) fn goodbye(&self, with_will: bool) {
        self.clean.set(!with_will);
    }

    /// Tells the gateway that the client is gone, once; its will before that.
    pub(crate) async fn finish(&self) {
        if self.finished.replace(true) {
            return;
        }
        self.hub.leave(&self.client);
        let shared = &self.hub.shared;
        if shared.is_stopping() {
            return;
        }
        let clean = self.clean.get();
        let will = self.will.borrow_mut().take().filter(|_| !clean);
        if let Some(Will { topic, payload, .. }) = will {
            shared.fan_out(&topic, &payload, None);
            let message =
                Message { topic, payload, retained: false, peer: self.peer.clone(), ack: Ack::none() };
            count(&shared.counters.messages_in);
            // An ended link needs no wills.
            let _ = shared.events.send(LinkEvent::Message(message)).await;
        }
        let _ = shared.events.send(LinkEvent::Gone { client: self.client.id.clone(), clean }).await;
    }
}

/// As much of a stranger's text as belongs into a log.
fn clip(text: &str) -> String {
    text.chars().take(80).collect()
}
