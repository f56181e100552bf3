//! Two servers: the public's, and the operators'.

use std::{
    collections::BTreeMap,
    io,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_http::{HttpService, Protocol, error::DispatchError};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{
    App as Actix, HttpResponse, HttpServer,
    dev::{AppConfig, Extensions, ServerHandle},
    http::header,
    middleware::from_fn,
    web,
};
use feed::Feed;
use history::Past;
use prometheus::{Encoder, Registry, TextEncoder};
use socket2::{Domain, SockRef, Type};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, watch},
};

use crate::{
    api::{self, fixed::Fixed},
    config::Config,
    embed, headers, health,
    instruments::Instruments,
    live::{Crowd, Seats},
    page::{self, Page},
    port::{Inquiry, Papers},
    socket::Socket,
    state::{App, Archive, Recent},
    visitors::Visitors,
};

/// Connections that wait to be accepted: a country's readers come back within a second.
const BACKLOG: i32 = 8_192;
/// Bytes that the kernel holds for a reader beyond what is on its way: past them the reader is asked to wait,
/// and is given newer state instead of older bytes.
const KERNEL_BACKLOG: u32 = 64 << 10;
/// Threads for compression, a worker: enough for one of each kind, so that a crowd never makes hundreds.
const BLOCKING_THREADS: usize = 4;
/// Scans that are taken in at once: each may be 33 MiB, and half a gigabyte where a picture is drawn anew.
const UPLOADS: usize = 2;
/// How long a connection may take to be closed by both.
const DISCONNECT: Duration = Duration::from_secs(1);
/// Seconds that answers under way are given when the server stops.
const SHUTDOWN_SECONDS: u64 = 2;

/// What the public server is made of.
pub struct Parts {
    /// What is published; it knows the definition.
    pub feed: Arc<Feed>,
    /// GeoJSON by the name of its layer: `regions`, `raions`, `districts`, `precincts` and base layers.
    pub boundaries: BTreeMap<String, Vec<u8>>,
    /// The centre's public keys by their id.
    pub centre_keys: Vec<(String, [u8; 32])>,
    /// The actors.
    pub inquiry: Arc<dyn Inquiry>,
    /// Where scans are kept.
    pub papers: Arc<dyn Papers>,
    /// What was, from the history.
    pub past: Past,
    /// Where its instruments are registered.
    pub registry: Registry,
}

/// A server that runs until it is stopped.
pub struct Server {
    /// Where it listens, with the port that port 0 became.
    pub address: SocketAddr,
    handle: ServerHandle,
    stopping: watch::Sender<bool>,
}

impl Server {
    /// Says goodbye to live readers, lets answers under way end, and stops. Takes about two seconds at most.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        self.handle.stop(true).await;
    }
}

/// Starts the public server.
///
/// # Errors
/// When the address cannot be listened on, or the registry has instruments of the same names.
pub async fn start(config: Config, parts: Parts) -> io::Result<Server> {
    let instruments = Instruments::register(&parts.registry).map_err(io::Error::other)?;
    let visitors = Visitors::new(config.limits.connections_per_client, instruments.connections.clone());
    let (stopping, stops) = watch::channel(false);
    let limits = config.limits.clone();
    let app = web::Data::new(App {
        fixed: Fixed::new(parts.feed.definition(), &parts.centre_keys, parts.boundaries),
        feed: parts.feed,
        inquiry: parts.inquiry,
        papers: parts.papers,
        past: parts.past,
        archive: Archive::default(),
        uploads: Semaphore::new(UPLOADS),
        exports: Semaphore::new(1),
        room: config.room,
        seats: Seats::new(limits.live_readers, &instruments),
        limits: config.limits,
        instruments,
        page: Page::embedded(),
        stopping: stops,
        recent: Recent::default(),
    });
    let stuck = limits.stuck * 2;
    let listener = listen(config.listen)?;
    let address = listener.local_addr()?;
    let builder = actix_server::Server::build();
    let stops = builder.graceful_shutdown_signal();
    let server = builder
        .workers(config.workers.max(1))
        .worker_max_blocking_threads(BLOCKING_THREADS)
        .max_concurrent_connections(limits.connections)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .listen("public", listener, move || {
            let (visitors, stops) = (Arc::clone(&visitors), stops.clone());
            let routes = Actix::new()
                .app_data(app.clone())
                .app_data(Crowd::gather(&app))
                .wrap(from_fn(headers::around))
                .service(web::scope("/api/v1").configure(api::configure))
                .route("/healthz", web::get().to(health::healthz))
                .route("/readyz", web::get().to(health::readyz))
                .route("/oembed", web::get().to(embed::oembed))
                .default_service(web::to(page::page));
            let routes = routes.into_factory().map_err(|error| error.error_response());
            let service = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stops = stops.clone();
                    async move { stops.notified().await }
                })
                .client_request_timeout(limits.head)
                .client_disconnect_timeout(DISCONNECT)
                .h1_allow_half_closed(false)
                .local_addr(address)
                .on_connect_ext(move |socket: &Socket, data: &mut Extensions| {
                    tune(socket.stream(), stuck);
                    if let Ok(peer) = socket.stream().peer_addr() {
                        data.insert(visitors.enter(peer));
                    }
                    data.insert(socket.clone());
                })
                .finish(map_config(routes, |_| AppConfig::default()));
            fn_service(|stream: TcpStream| async move {
                let peer = stream.peer_addr().ok();
                Ok::<_, DispatchError>((Socket::new(stream), Protocol::Http1, peer))
            })
            .and_then(service)
        })?;
    running(&[address], server.run(), stopping)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Starts the operators' server: `/metrics`, `/healthz`, `/readyz`.
///
/// # Errors
/// When the address cannot be listened on.
pub async fn metrics(
    listen: SocketAddr,
    registry: Registry,
    inquiry: Arc<dyn Inquiry>,
) -> io::Result<Server> {
    let registry = web::Data::new(registry);
    let inquiry = web::Data::new(inquiry);
    let server = HttpServer::new(move || {
        Actix::new()
            .app_data(registry.clone())
            .app_data(inquiry.clone())
            .route("/metrics", web::get().to(exposition))
            .route("/healthz", web::get().to(health::healthz))
            .route("/readyz", web::get().to(health::readyz_of))
    })
    .workers(1)
    .disable_signals()
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .bind(listen)?;
    running(&server.addrs(), server.run(), watch::Sender::new(false))
}

/// Lets a bound server run beside the caller.
fn running(
    addresses: &[SocketAddr],
    server: actix_web::dev::Server,
    stopping: watch::Sender<bool>,
) -> io::Result<Server> {
    let address = addresses.first().copied();
    let address = address.ok_or_else(|| io::Error::other("the server listens nowhere"))?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(Server { address, handle, stopping })
}

/// A reader that takes nothing is dropped by the kernel in the end, whatever this process believes of it, and
/// does not make the kernel keep megabytes of the past for it.
fn tune(stream: &TcpStream, stuck: Duration) {
    let socket = SockRef::from(stream);
    let tuned = socket
        .set_tcp_user_timeout(Some(stuck))
        .and_then(|()| socket.set_tcp_notsent_lowat(KERNEL_BACKLOG))
        .and_then(|()| socket.set_tcp_nodelay(true));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a connection could not be tuned");
    }
}

async fn exposition(registry: web::Data<Registry>) -> HttpResponse {
    let encoder = TextEncoder::new();
    let mut text = Vec::new();
    match encoder.encode(&registry.gather(), &mut text) {
        Ok(()) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, encoder.format_type().to_owned()))
            .body(text),
        Err(error) => {
            HttpResponse::InternalServerError().body(format!("metrics cannot be written: {error}\n"))
        }
    }
}
