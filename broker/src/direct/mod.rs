//! The link that ends device connections itself: MQTT 3.1.1 and 5.0 on one port, on a thread of its own.
//!
//! ```text
//! accept ─► [tls] ─► Conn ─► v3 | v5 ─► Session ─► events ─► DeviceLink::next
//!                               ▲          │ Hub: who is connected
//!                               └── Sink ◄─┴── orders ◄── Downlink
//! ```
//! PUBACK goes out when [`Ack::done`](crate::Ack::done) is called. Nothing outlives a connection: subscriptions and
//! what was not acknowledged are gone with it, and the device repeats. Nothing is retained.

mod hub;
mod listener;
mod order;
mod session;
mod sink;
mod tls;
mod unproven;
mod v3;
mod v5;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::limits::{Limits, MAX_PAYLOAD_BYTES};
use crate::port::{DeviceLink, Downlink, Error, LinkEvent, Reloader, Stopper};
use hub::{Asked, Hub, Shared};
use listener::Door;
use session::Conn;
use tls::Doorkeeper;
pub use tls::Tls;

/// What a name is, by the register of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody's.
    Stranger,
    /// A device's that may connect.
    Device,
    /// A device's that was shut out.
    Revoked,
    /// A device's, whose certificate is of a key that another has replaced.
    Superseded,
}

/// Asked at every CONNECT, and cheap: what a name is. Beside it the public key of the client's certificate as it
/// stands there (32 bytes of an Ed25519 key), where there is one: it may be of another kind than the device's own.
pub type Register = Arc<dyn Fn(&str, Option<&[u8]>) -> Standing + Send + Sync>;

/// Largest PUBLISH: a whole payload, its topic and the properties of version 5.
const PACKET_BYTES: u32 = MAX_PAYLOAD_BYTES as u32 + 4 * 1024;

/// How long sockets have to close in good order when the link stops.
const CLOSING: Duration = Duration::from_millis(1_500);

/// Settings of the link.
#[derive(Clone)]
pub struct Config {
    /// Address for plain connections; loopback only. A client id is a claim there: a registered device's is kept to
    /// its own topics, any other is an operator's tool and reaches everything under `sanak/1/`.
    pub plain_listen: Option<SocketAddr>,
    /// The devices' door: a client certificate whose common name is the device's id, the client id, and a
    /// registered device's.
    pub tls: Option<Tls>,
    /// Who is a device, and may connect.
    pub register: Register,
    /// Events that may wait for the gateway before sockets are no longer read.
    pub queue: usize,
    /// What connections may take.
    pub limits: Limits,
}

impl Config {
    /// Plain connections on a loopback address, with the usual limits.
    pub fn plain(address: SocketAddr, register: Register) -> Self {
        Self { plain_listen: Some(address), tls: None, register, queue: 4096, limits: Limits::default() }
    }
}

/// Starts the link. Addresses are bound when it returns.
///
/// # Errors
/// An address cannot be bound, a plain one is not loopback, none is given, a certificate or key is not as it should
/// be, or there is no thread to be had.
pub fn start(config: Config) -> Result<DeviceLink, Error> {
    let mut doors = Vec::new();
    let mut keeper = None;
    if let Some(plain) = config.plain_listen {
        if !plain.ip().is_loopback() {
            return Err(Error::PlainOffLoopback(plain));
        }
        doors.push(Door { listener: listener::bind(plain)?, keeper: None });
    }
    if let Some(tls) = config.tls {
        let listen = tls.listen;
        keeper = Some(Arc::new(Doorkeeper::new(tls)?));
        doors.push(Door { listener: listener::bind(listen)?, keeper: keeper.clone() });
    }
    if doors.is_empty() {
        return Err(Error::NothingToListenOn);
    }
    let address = |tls: bool| {
        let door = doors.iter().find(|door| door.keeper.is_some() == tls)?;
        door.listener.local_addr().ok()
    };
    let (plain, tls) = (address(false), address(true));
    let (sender, events) = mpsc::channel::<LinkEvent>(config.queue.max(1));
    let (shared, asked) = Shared::new(config.limits, config.register, sender);
    let (stop, stopping) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    let link = DeviceLink {
        events,
        downlink: Downlink::new(shared.clone()),
        counters: shared.counters.clone(),
        plain,
        tls,
        reloader: Reloader::new(move || keeper.as_ref().map_or(Ok(()), |keeper| keeper.reload())),
        stopper: Stopper { stop, stopped },
    };
    std::thread::Builder::new()
        .name("mqtt".to_owned())
        .spawn(move || {
            ntex_rt::System::build()
                .name("mqtt")
                .ping_interval(0)
                .build(ntex_net::DefaultRuntime)
                .block_on(run(shared, asked, doors, stopping));
            // Whoever dropped the link does not wait.
            let _ = ended.send(());
        })
        .map_err(Error::Thread)?;
    Ok(link)
}

/// The link's thread: serves until it is told to stop, or the link is dropped.
async fn run(shared: Arc<Shared>, asked: Asked, doors: Vec<Door>, stopping: oneshot::Receiver<()>) {
    let hub = Rc::new(Hub::new(shared.clone()));
    let settings = listener::settings(&shared.limits);
    let mut accepting = Vec::new();
    for door in doors {
        accepting.push(tokio::task::spawn_local(listener::accept(hub.clone(), door, settings.clone())));
    }
    let carrying = tokio::task::spawn_local(hub.clone().carry_out(asked));
    // An error: the link was dropped, which is a stop too.
    let _ = stopping.await;
    shared.stopping.store(true, Ordering::Relaxed);
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    hub.close_all();
    let patience = tokio::time::Instant::now() + CLOSING;
    while !hub.is_empty() && tokio::time::Instant::now() < patience {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    carrying.abort();
}

/// Longest keep-alive that is granted, in seconds.
fn keep_alive_limit(conn: &Conn) -> u16 {
    u16::try_from(conn.hub().shared.limits.keep_alive.as_secs().max(1)).unwrap_or(u16::MAX)
}
