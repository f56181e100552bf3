//! A broker in this process, for development and for the tests of [`external`](crate::external): rumqttd, MQTT
//! 3.1.1, plain TCP on loopback, up to 2,000 devices. Nobody is confined to their own topics here.
//!
//! Our own session comes by a door of its own, and the devices' door opens when it is subscribed: nothing is
//! published before somebody listens. The broker knows no stop; its sockets are closed with our thread, and only
//! its router's thread stays, asleep, until the process ends.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rumqttd::protocol::v4::V4;
use rumqttd::{ConnectionSettings, LinkType, Router, RouterConfig, Server, ServerSettings};
use tokio::sync::{mpsc, oneshot};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use crate::external::{self, Supervisor};
use crate::port::{AlarmKind, DeviceLink, Error, LinkEvent, Stopper};

/// Most devices that are served: beyond it a new topic takes too long to be matched.
pub const MAX_DEVICES: usize = 2_000;

/// Largest packet: above the largest message, so that one too large reaches us and is counted.
const PACKET_BYTES: usize = 512 * 1024;

/// How long the first subscription may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pieces in which the broker forgets.
const SEGMENTS: usize = 16;

/// How often it is looked whether the broker skipped something.
const LOOK: Duration = Duration::from_millis(500);

/// Settings of the link.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address for devices; loopback only.
    pub listen: SocketAddr,
    /// How many devices the election has.
    pub devices: usize,
    /// Election whose devices are listened to.
    pub election: String,
    /// Events that may wait for the gateway.
    pub queue: usize,
    /// Bytes of each topic's messages that the broker keeps for those who are behind; at least 16 KiB.
    pub retention: usize,
}

impl Config {
    /// The usual settings: a gigabyte may wait.
    pub fn new(listen: SocketAddr, devices: usize, election: &str) -> Self {
        Self { listen, devices, election: election.to_owned(), queue: 4096, retention: 1 << 30 }
    }
}

/// Starts the broker and the session with it. Devices are served when it returns. Blocks for some milliseconds.
///
/// # Errors
/// The address is not loopback or is taken, there are too many devices, or the session does not come about.
pub fn start(config: Config) -> Result<DeviceLink, Error> {
    if config.devices > MAX_DEVICES {
        return Err(Error::TooManyDevices { devices: config.devices, most: MAX_DEVICES });
    }
    let broker = Broker::new(config.listen, config.retention)?;
    let back_door = free_address(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let session = external::Config {
        queue: config.queue,
        ..external::Config::new("127.0.0.1", back_door.port(), "sanak-gateway", &config.election)
    };
    let (subscribed, waiting) = oneshot::channel();
    let (ends, supervisor) = external::assemble(session, Some(subscribed))?;
    let (opened, open) = std::sync::mpsc::channel();
    let (stop, stopping) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let address = broker.address;
    external::thread("mqtt-embedded", async move {
        broker.run(back_door, supervisor, waiting, opened, stopping).await;
        // Whoever dropped the link does not wait.
        let _ = ended.send(());
    })?;
    open.recv_timeout(PATIENCE + Duration::from_secs(1)).map_err(|_| Error::NotReady)?;
    Ok(ends.into_link(Some(address), Stopper { stop, stopped }))
}

/// The broker alone; [`external`](crate::external) is tested against it, ended and started again.
pub struct Broker {
    address: SocketAddr,
    retention: usize,
}

impl Broker {
    /// Looks whether the address can be used.
    ///
    /// # Errors
    /// It is not loopback, or taken.
    pub fn new(listen: SocketAddr, retention: usize) -> Result<Self, Error> {
        if !listen.ip().is_loopback() {
            return Err(Error::EmbeddedOffLoopback(listen));
        }
        Ok(Self { address: free_address(listen)?, retention })
    }

    /// Where devices connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, or until the broker fails. What it held is forgotten then.
    pub async fn serve(self, stop: oneshot::Receiver<()>) {
        let door = self.doors()(self.address);
        tokio::select! {
            () = door => {}
            _ = stop => {}
        }
    }

    async fn run(
        self,
        back_door: SocketAddr,
        supervisor: Supervisor,
        subscribed: oneshot::Receiver<()>,
        opened: std::sync::mpsc::Sender<()>,
        stop: oneshot::Receiver<()>,
    ) {
        let doors = self.doors();
        let back = doors(back_door);
        let front = async {
            if !tokio::time::timeout(PATIENCE, subscribed).await.is_ok_and(|told| told.is_ok()) {
                return;
            }
            let mut door = pin!(doors(self.address));
            // Once polled it is bound.
            if futures_util::poll!(door.as_mut()).is_pending() {
                // Whoever started the link may have given up.
                let _ = opened.send(());
                door.await;
            }
        };
        let events = supervisor.events();
        let (stop_session, stopping) = oneshot::channel();
        let session = tokio::spawn(supervisor.run(stopping));
        tokio::select! {
            () = back => tell(&events, AlarmKind::Ended, "the embedded broker has ended"),
            () = front => tell(&events, AlarmKind::Ended, "the embedded broker has ended"),
            () = watch(&events) => {}
            _ = stop => {}
        }
        // The session may have ended by itself.
        let _ = stop_session.send(());
        let _ = session.await;
    }

    /// Starts the router; the answer opens doors to it.
    fn doors(&self) -> impl Fn(SocketAddr) -> Pin<Box<dyn Future<Output = ()> + Send>> + use<> {
        let router = Router::new(0, self.router()).spawn();
        move |listen| {
            let mut server = Server::new(door(listen), router.clone(), V4);
            Box::pin(async move {
                if let Err(error) = server.start(LinkType::Remote).await {
                    tracing::error!(%error, %listen, "the embedded broker cannot listen");
                }
            })
        }
    }

    fn router(&self) -> RouterConfig {
        RouterConfig {
            // Refusing a connection is one of the ways to kill the router.
            max_connections: MAX_DEVICES * 2,
            max_outgoing_packet_count: 200,
            max_segment_size: (self.retention / SEGMENTS).max(1024),
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        }
    }
}

fn door(listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: format!("mqtt-{}", listen.port()),
        listen,
        tls: None,
        next_connection_delay_ms: 0,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: PACKET_BYTES,
            max_inflight_count: 100,
            auth: None,
            external_auth: None,
            // Otherwise a receipt for a device that is not connected ends our own session.
            dynamic_filters: true,
        },
    }
}

/// An address that can be bound now. The broker binds by itself, so it is given up again.
fn free_address(wanted: SocketAddr) -> Result<SocketAddr, Error> {
    let bound = TcpListener::bind(wanted).and_then(|listener| listener.local_addr());
    bound.map_err(|source| Error::Bind { address: wanted, source })
}

fn tell(events: &mpsc::Sender<LinkEvent>, what: AlarmKind, detail: &str) {
    tracing::error!(?what, detail, "embedded broker");
    // When the gateway is that far behind, the log has it.
    let _ = events.try_send(LinkEvent::Alarm { what, detail: detail.to_owned() });
}

/// How often the broker skipped messages, as [`JumpLayer`] has seen it. One router a process is the rule.
static JUMPS: AtomicU64 = AtomicU64::new(0);

/// Tells when the broker skips messages that it had acknowledged ("cursor jumped"), until nobody listens.
async fn watch(events: &mpsc::Sender<LinkEvent>) {
    let mut seen = JUMPS.load(Ordering::Relaxed);
    while !events.is_closed() {
        tokio::time::sleep(LOOK).await;
        let now = JUMPS.load(Ordering::Relaxed);
        if now != seen {
            tell(
                events,
                AlarmKind::MessagesSkipped,
                "the embedded broker skipped messages it had acknowledged",
            );
            seen = now;
        }
    }
}

/// Listens to what the broker logs: it says nowhere else that it skipped messages. To be put into the process's
/// subscriber where `embedded` is used; without it there is no such alarm.
#[derive(Debug, Clone, Copy, Default)]
pub struct JumpLayer;

impl<S: tracing::Subscriber> Layer<S> for JumpLayer {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let jumped = event.metadata().target().starts_with("rumqttd::router")
            && event.metadata().fields().field("start_cursor").is_some();
        if jumped {
            JUMPS.fetch_add(1, Ordering::Relaxed);
        }
    }
}
