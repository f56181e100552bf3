//! Accepting sockets, and serving each of them until it ends.

use std::net::{SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt;
use ntex_bytes::BytePageSize;
use ntex_io::{Io, IoBoxed, IoConfig};
use ntex_mqtt::error::DecodeError;
use ntex_mqtt::v5::codec::DisconnectReasonCode;
use ntex_mqtt::{
    Control, HandshakeError, MqttError, MqttServer, MqttServiceConfig, ProtocolError, QoS, Reason, v3, v5,
};
use ntex_service::cfg::SharedCfg;
use ntex_service::{Pipeline, ServiceFactory, fn_service};
use ntex_util::time::Seconds;
use socket2::{Domain, Socket, Type};

use super::hub::{Hub, Shared};
use super::order::InOrder;
use super::session::{Conn, Fault, Identity};
use super::tls::Doorkeeper;
use super::unproven::Place;
use crate::limits::Limits;
use crate::port::{AlarmKind, Counters, Error, LinkEvent, RefusedKind};

/// Connections the system holds ready: a whole country comes back at once after an outage.
const BACKLOG: i32 = 4096;

/// Pause when the system gives no socket (too many open files).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Binds an address.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Error> {
    let open = || -> std::io::Result<TcpListener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    };
    open().map_err(|source| Error::Bind { address, source })
}

/// The server's settings, made of ours.
pub(crate) fn settings(limits: &Limits) -> SharedCfg {
    let seconds = |time: Duration| Seconds(u16::try_from(time.as_secs().max(1)).unwrap_or(u16::MAX));
    let io = IoConfig::new()
        // What is read at once is worked on at once: little of it, so that a flood of tiny packets stays small.
        .set_read_buf(8 * 1024, 1024, 16)
        // A receipt measures some 300 bytes; each layer of a connection keeps a page.
        .set_write_page_size(BytePageSize::Size4)
        .set_disconnect_timeout(Seconds(1))
        // A packet that has begun is complete in this time or never: the rate is one nobody reaches, so the time
        // is never extended (extending it underflows in the server when the peer falls silent).
        .set_frame_read_rate(seconds(limits.packet), seconds(limits.packet), u32::MAX);
    let mqtt = MqttServiceConfig::new()
        .protocol_version_timeout(seconds(limits.handshake))
        .set_connect_timeout(seconds(limits.handshake))
        .set_handshake_timeout(seconds(limits.handshake))
        .set_max_size(limits.connect_bytes)
        // Payloads are handed over whole.
        .set_min_chunk_size(super::PACKET_BYTES)
        .set_max_topic_alias(0)
        // QoS 2 reaches the session, which refuses and counts it.
        .set_max_qos(QoS::ExactlyOnce)
        .set_max_receive(u16::try_from(limits.in_flight).unwrap_or(u16::MAX))
        .set_max_send(u16::try_from(limits.down_in_flight).unwrap_or(u16::MAX))
        // Read before the socket closed, then told: `mosquitto_pub` sends and leaves.
        .set_handle_qos_after_disconnect(Some(QoS::AtLeastOnce));
    SharedCfg::new("mqtt").add(io).add(mqtt).build()
}

/// Counts one open socket for as long as it lives.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: &Arc<Counters>, most: usize) -> Option<Self> {
        let before = counters.connections.fetch_add(1, Ordering::Relaxed);
        let open = Self(counters.clone());
        (before < most as u64).then_some(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where connections come in, and who proves them; nobody does on a plain one.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    pub(crate) keeper: Option<Arc<Doorkeeper>>,
}

/// Accepts connections until the task is dropped.
pub(crate) async fn accept(hub: Rc<Hub>, door: Door, settings: SharedCfg) {
    let listener = match tokio::net::TcpListener::from_std(door.listener) {
        Ok(listener) => listener,
        Err(error) => {
            let detail = format!("the listening socket is lost: {error}");
            tracing::error!(detail);
            let _ = hub.shared.events.send(LinkEvent::Alarm { what: AlarmKind::Ended, detail }).await;
            return;
        }
    };
    loop {
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let shared = &hub.shared;
        if hub.unproven.room().await {
            let detail = "the oldest of too many unproven connections made room".to_owned();
            shared.refuse_stranger("", RefusedKind::Silence, detail);
        }
        let Some(open) = Open::new(&shared.counters, shared.limits.connections) else {
            shared.refuse_stranger("", RefusedKind::Connections, format!("from {from}"));
            continue;
        };
        let io = stream.into_std().and_then(|stream| ntex_net::from_tcp_stream(stream, settings.clone()));
        match io {
            Ok(io) => {
                let place = hub.unproven.enter();
                let number = place.number();
                let visitor = Visitor { hub: hub.clone(), io, from, open, place };
                let task = tokio::task::spawn_local(visitor.serve(door.keeper.clone(), settings.clone()));
                hub.unproven.note(number, task.abort_handle());
            }
            Err(error) => tracing::debug!(%error, %from, "connection lost before it was served"),
        }
    }
}

/// An accepted socket.
struct Visitor {
    hub: Rc<Hub>,
    io: Io,
    from: SocketAddr,
    open: Open,
    place: Place,
}

impl Visitor {
    async fn serve(self, keeper: Option<Arc<Doorkeeper>>, settings: SharedCfg) {
        let Self { hub, io, from, open, place } = self;
        let (io, identity) = match keeper {
            None => (IoBoxed::from(io), Identity::Plain),
            Some(keeper) => match keeper.admit(io, hub.shared.limits.handshake).await {
                Ok((io, certificate)) => (io, Identity::Certified(certificate)),
                Err(turned) => {
                    return hub.shared.refuse_stranger(
                        "",
                        turned.kind,
                        format!("{} from {from}", turned.why),
                    );
                }
            },
        };
        let conn = Rc::new(Conn::new(hub, identity, place));
        let served = AssertUnwindSafe(speak(conn.clone(), io, settings)).catch_unwind().await;
        match served {
            Ok(Err(error)) if conn.session().is_err() => tell(&conn.hub().shared, &error, from),
            Ok(_) => {}
            Err(_) => {
                tracing::error!(%from, "the server's code for one connection panicked; the others go on")
            }
        }
        conn.end().await;
        drop(open);
    }
}

/// Speaks MQTT of either version until the connection ends.
async fn speak(conn: Rc<Conn>, io: IoBoxed, settings: SharedCfg) -> Result<(), MqttError<Fault>> {
    let in_order = || InOrder(conn.order().clone());
    // Each service holds the connection by itself: the server clones and keeps them apart.
    macro_rules! on {
        ($handler:path) => {{
            let conn = conn.clone();
            fn_service(move |message| $handler(conn.clone(), message))
        }};
    }
    let server = MqttServer::new()
        .v3(v3::MqttServer::new(on!(super::v3::connect))
            .replace_middlewares(in_order())
            .protocol(on!(super::v3::protocol))
            .control(on!(stopped_v3))
            .publish(on!(super::v3::publish)))
        .v5(v5::MqttServer::new(on!(super::v5::connect))
            .replace_middlewares(in_order())
            .protocol(on!(super::v5::protocol))
            .control(on!(stopped_v5))
            .publish(on!(super::v5::publish)));
    let service = ServiceFactory::<IoBoxed, SharedCfg>::create(&server, settings).await;
    Pipeline::new(service.map_err(|()| MqttError::Service(Fault::Over))?).call(io).await
}

async fn stopped_v3(conn: Rc<Conn>, control: Control<Fault>) -> Result<Option<v3::codec::Encoded>, Fault> {
    note(&conn, &control);
    Ok(None)
}

async fn stopped_v5(conn: Rc<Conn>, control: Control<Fault>) -> Result<Option<v5::codec::Encoded>, Fault> {
    note(&conn, &control);
    Ok(None)
}

/// Counts what ended an accepted client's connection, where that was a breach.
fn note(conn: &Conn, control: &Control<Fault>) {
    if let (Control::Stop(Reason::Protocol(error)), Ok(session)) = (control, conn.session()) {
        session.refuse(kind_of(error.get_ref()), || error.get_ref().to_string());
    }
}

fn kind_of(error: &ProtocolError) -> RefusedKind {
    match error {
        ProtocolError::Decode(DecodeError::MaxSizeExceeded { .. }) => RefusedKind::Size,
        ProtocolError::KeepAliveTimeout | ProtocolError::ReadTimeout => RefusedKind::Silence,
        ProtocolError::ProtocolViolation(breach)
            if breach.reason() == DisconnectReasonCode::QosNotSupported =>
        {
            RefusedKind::Qos
        }
        _ => RefusedKind::Protocol,
    }
}

/// Tells of a connection that ended before anybody was accepted on it.
fn tell(shared: &Shared, error: &MqttError<Fault>, from: SocketAddr) {
    let kind = match error {
        MqttError::Handshake(HandshakeError::Timeout) => RefusedKind::Silence,
        MqttError::Handshake(HandshakeError::Protocol(error)) => kind_of(error),
        // Refused by us, and counted there; or gone again without a word.
        _ => return,
    };
    shared.refuse_stranger("", kind, format!("{error} from {from}"));
}
