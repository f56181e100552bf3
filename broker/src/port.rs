//! What the gateway sees of the devices, whoever ends their connections.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// A message as it came from the wire; nothing about it is trusted.
#[derive(Debug)]
pub struct Message {
    /// Topic it was published to.
    pub topic: String,
    /// At most 256 KiB.
    pub payload: Bytes,
    /// A broker had kept it, and tells it now to us who subscribed: it is of some time ago.
    pub retained: bool,
    /// Who published it, as far as is known.
    pub peer: Peer,
    /// To be consumed once the message is safe, or refused for good.
    pub ack: Ack,
}

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Peer {
    /// Common name of a verified client certificate.
    Certified(String),
    /// Client id on a plain loopback connection: a claim, not an identity.
    Claimed(String),
    /// A broker stands between.
    Unknown,
}

/// The right to acknowledge one message, once.
///
/// Dropped without [`Ack::done`]: no acknowledgement. MQTT knows no way to ask for a message again within a
/// connection, so the connection it came by is closed; who sent it connects again and repeats.
#[derive(Debug)]
pub struct Ack {
    answer: Option<oneshot::Sender<()>>,
    _budget: Option<OwnedSemaphorePermit>,
}

impl Ack {
    /// Sends the acknowledgement (PUBACK).
    pub fn done(self) {
        if let Some(answer) = self.answer {
            // Whoever waited may have gone: then there is nobody to acknowledge to.
            let _ = answer.send(());
        }
    }

    /// For a message that expects none: QoS 0, a last will.
    pub fn none() -> Self {
        Self { answer: None, _budget: None }
    }

    /// An acknowledgement and its far end: a value when it is done, an error when it is dropped.
    pub fn pair() -> (Self, oneshot::Receiver<()>) {
        let (answer, waiting) = oneshot::channel();
        (Self { answer: Some(answer), _budget: None }, waiting)
    }

    /// Gives `budget` back when the message is done with.
    pub(crate) fn holding(mut self, budget: OwnedSemaphorePermit) -> Self {
        self._budget = Some(budget);
        self
    }
}

/// What happens on the link, in order for each client.
#[derive(Debug)]
pub enum LinkEvent {
    /// A message, or a last will on its `state` topic.
    Message(Message),
    /// A client is connected (again).
    Connected {
        /// Its id.
        client: String,
    },
    /// A client is gone.
    Gone {
        /// Its id.
        client: String,
        /// It said goodbye; otherwise its last will has come before this.
        clean: bool,
    },
    /// Something was refused. Always counted; told at most once a second for each client and kind.
    Refused {
        /// Its id; empty where none was given yet.
        client: String,
        /// What was refused.
        what: RefusedKind,
        /// For a person who looks into it.
        detail: String,
    },
    /// Something that people should look at: the link itself is in trouble.
    Alarm {
        /// What it is.
        what: AlarmKind,
        /// For a person who looks into it.
        detail: String,
    },
}

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefusedKind {
    /// A publication outside the client's own topics.
    Topic,
    /// A subscription outside the client's own topics, or one too many.
    Subscription,
    /// A last will on another topic than the own `state`, or too large.
    Will,
    /// A packet or payload over the limit.
    Size,
    /// Faster than allowed: messages are slowed down, not dropped; connections are refused.
    Rate,
    /// QoS 2.
    Qos,
    /// A certificate that is foreign, expired or of a former key; a name that is no registered device's, a revoked
    /// one's, or not the client id.
    Identity,
    /// A TLS handshake that came to no end: no certificate, no TLS 1.3, no TLS at all, or the peer left.
    Handshake,
    /// More connections than allowed.
    Connections,
    /// Not MQTT, or against its rules.
    Protocol,
    /// Silence where something was due: no CONNECT, half a packet, no keep-alive.
    Silence,
}

impl RefusedKind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Topic,
        Self::Subscription,
        Self::Will,
        Self::Size,
        Self::Rate,
        Self::Qos,
        Self::Identity,
        Self::Handshake,
        Self::Connections,
        Self::Protocol,
        Self::Silence,
    ];

    /// Name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Topic => "topic",
            Self::Subscription => "subscription",
            Self::Will => "will",
            Self::Size => "size",
            Self::Rate => "rate",
            Self::Qos => "qos",
            Self::Identity => "identity",
            Self::Handshake => "handshake",
            Self::Connections => "connections",
            Self::Protocol => "protocol",
            Self::Silence => "silence",
        }
    }
}

/// What is wrong with the link itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlarmKind {
    /// The session with the broker was lost and is being made anew.
    SessionLost,
    /// The broker had forgotten our session: what it held for us may be lost, devices will repeat it.
    SessionForgotten,
    /// The broker skipped messages that it had acknowledged; devices will repeat them.
    MessagesSkipped,
    /// The broker was told who is shut out, and has not done or not answered it.
    NotShutOut,
    /// The broker's log cannot be read: what it refuses is not counted.
    LogUnread,
    /// A part of the link has ended and does not come back by itself.
    Ended,
}

/// Counts since the link was started. Gauges say so.
#[derive(Debug, Default)]
pub struct Counters {
    /// Gauge: sockets open, whatever their state (with a broker between: sessions with it).
    pub connections: AtomicU64,
    /// Connections that were accepted as a client's.
    pub connects: AtomicU64,
    /// Connections that took over from an older one of the same client.
    pub takeovers: AtomicU64,
    /// Messages handed to the gateway.
    pub messages_in: AtomicU64,
    /// Payload bytes handed to the gateway.
    pub bytes_in: AtomicU64,
    /// Messages sent down.
    pub messages_out: AtomicU64,
    /// Messages down for which there was no room, or nobody connected.
    pub dropped_down: AtomicU64,
    /// Messages that were not acknowledged.
    pub unacknowledged: AtomicU64,
    refused: [AtomicU64; RefusedKind::ALL.len()],
}

impl Counters {
    /// How often this kind was refused.
    pub fn refused(&self, kind: RefusedKind) -> u64 {
        self.refused[kind as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn refuse(&self, kind: RefusedKind) {
        self.refused[kind as usize].fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The way down, as a link implements it.
pub trait Down: Send + Sync {
    /// See [`Downlink::publish`].
    fn publish(&self, topic: &str, payload: Bytes) -> bool;
    /// See [`Downlink::disconnect`].
    fn disconnect(&self, client: &str);
}

/// The way down to the devices. Cheap to clone, usable from any thread.
#[derive(Clone)]
pub struct Downlink(Arc<dyn Down>);

impl Downlink {
    /// Wraps a link's own way down.
    pub fn new(down: impl Down + 'static) -> Self {
        Self(Arc::new(down))
    }

    /// Sends a message (QoS 1) to whoever is subscribed. Never blocks; false when the receiver's queue is full or
    /// it is not connected: the device repeats, and is answered then.
    pub fn publish(&self, topic: &str, payload: Bytes) -> bool {
        self.0.publish(topic, payload)
    }

    /// Ends a client's connection, for example because its key was revoked. Nothing happens where it has none. A
    /// broker in between is told where it can be.
    pub fn disconnect(&self, client: &str) {
        self.0.disconnect(client);
    }
}

/// Why a link did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither a plain nor a TLS address is given.
    #[error("mqtt: nothing to listen on: set mqtt.listen or mqtt.plain_listen")]
    NothingToListenOn,
    /// Plain connections prove nothing about who is there.
    #[error("mqtt.plain_listen: {0} is not a loopback address: plain connections are for this machine only")]
    PlainOffLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("mqtt: cannot listen on {address}: {source}")]
    Bind {
        /// Address asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The embedded broker confines nobody, so it serves this machine only.
    #[error("mqtt.plain_listen: {0} is not a loopback address: the embedded broker is for this machine only")]
    EmbeddedOffLoopback(SocketAddr),
    /// The embedded broker is for development.
    #[error("mqtt.mode: the embedded broker serves up to {most} devices, not {devices}: use direct")]
    TooManyDevices {
        /// Devices of the election.
        devices: usize,
        /// Most that are served.
        most: usize,
    },
    /// The embedded broker did not come up.
    #[error("mqtt: the embedded broker did not come up: see the log, or use mqtt.mode = \"direct\"")]
    NotReady,
    /// A certificate or key file is not as it should be.
    #[error("mqtt: {path}: {problem}")]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The link's thread cannot be started.
    #[error("mqtt: cannot start the thread of the link: {0}")]
    Thread(std::io::Error),
}

/// Ends a link from outside: a word to it, and its answer.
pub(crate) struct Stopper {
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) stopped: oneshot::Receiver<()>,
}

/// Reads a link's certificates and keys again. Cheap to clone, usable from any thread, whoever holds the link.
#[derive(Clone)]
pub struct Reloader(Arc<dyn Fn() -> Result<(), Error> + Send + Sync>);

impl Reloader {
    pub(crate) fn new(reload: impl Fn() -> Result<(), Error> + Send + Sync + 'static) -> Self {
        Self(Arc::new(reload))
    }

    /// For connections to come; those that stand are not touched.
    ///
    /// # Errors
    /// A file is not as it should be; what was in force stays so.
    pub fn reload(&self) -> Result<(), Error> {
        (self.0)()
    }
}

/// How long [`DeviceLink::stop`] waits for sockets to be closed in good order.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// The devices, seen from the gateway. Dropping it ends the link too, without waiting.
pub struct DeviceLink {
    pub(crate) events: mpsc::Receiver<LinkEvent>,
    pub(crate) downlink: Downlink,
    pub(crate) counters: Arc<Counters>,
    pub(crate) plain: Option<SocketAddr>,
    pub(crate) tls: Option<SocketAddr>,
    pub(crate) reloader: Reloader,
    pub(crate) stopper: Stopper,
}

impl DeviceLink {
    /// The next event; `None` when the link has ended. While nobody asks, sockets are not read (back-pressure).
    pub async fn next(&mut self) -> Option<LinkEvent> {
        self.events.recv().await
    }

    /// The way down.
    pub fn downlink(&self) -> Downlink {
        self.downlink.clone()
    }

    /// Address that plain connections are accepted on.
    pub fn address(&self) -> Option<SocketAddr> {
        self.plain
    }

    /// Address that TLS connections are accepted on.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls
    }

    /// What the link has counted.
    pub fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// Reads certificates and keys again, when asked. Nothing happens where the link has none.
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Ends the link: connections are closed, no last will fires, what is not acknowledged stays so.
    pub async fn stop(mut self) {
        // The link may have ended by itself: then there is nobody to tell.
        let _ = self.stopper.stop.send(());
        self.events.close();
        if tokio::time::timeout(STOP_PATIENCE, self.stopper.stopped).await.is_err() {
            tracing::warn!("mqtt link did not end in {STOP_PATIENCE:?}");
        }
    }
}
