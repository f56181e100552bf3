//! The link through a broker or a cluster that somebody else runs: one supervised session.
//!
//! The session is persistent and acknowledges by hand, when the gateway is done: what the broker has is sent again
//! until then. When it is lost the client is made anew, after a wait that doubles from a second to a minute, and
//! people are told. Who a message comes from is the broker's affair (its access list): the peer is `Unknown`.
//!
//! | module | what it is |
//! | --- | --- |
//! | `session` | one session, from CONNECT until it is lost |
//! | `backoff` | waits between attempts |
//! | `access` | who may do what, in the formats of Mosquitto, EMQX and RMQTT |
//! | `mosquitto` | the configuration of a Mosquitto 2 |
//! | `shut_out` | devices that were shut out, told to a Mosquitto, which ends their connections |
//! | `watch`, `refused`, `tail` | what Mosquitto refuses, counted from its log |

mod access;
mod backoff;
mod mosquitto;
mod refused;
mod session;
mod shut_out;
mod tail;
mod watch;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::port::{AlarmKind, Counters, DeviceLink, Downlink, Error, LinkEvent, Reloader, Stopper};
use crate::tls::{self, KeyPair};
pub use access::Access;
pub use backoff::Backoff;
pub use mosquitto::Mosquitto;
use session::{Link, Way};
pub use shut_out::Devices;
use shut_out::ShutOut;

/// A session that lived so long was a good one: the next wait is short again.
const STABLE: Duration = Duration::from_secs(30);

/// Settings of the link.
#[derive(Clone)]
pub struct Config {
    /// Host name or address of the broker.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Client id of the session; the broker keeps what it holds for us under this name.
    pub client_id: String,
    /// User and password, where the broker asks for them.
    pub credentials: Option<(String, String)>,
    /// TLS towards the broker: the authority that signed it, and our own certificate where it asks for one. Read
    /// again when [`DeviceLink::reloader`] is asked to, for the sessions to come.
    pub tls: Option<(PathBuf, Option<KeyPair>)>,
    /// The broker's log, where it is a Mosquitto whose log can be read here: what it refuses is counted from it.
    pub log: Option<PathBuf>,
    /// Where the broker is a Mosquitto with its dynamic-security plugin: the devices, of which it is told who is shut
    /// out. Otherwise nobody's connection is ended from here.
    pub devices: Option<Devices>,
    /// Election whose devices are listened to.
    pub election: String,
    /// Events that may wait for the gateway before the session is no longer read.
    pub queue: usize,
    /// Waits between attempts.
    pub backoff: Backoff,
}

impl Config {
    /// A session of `client_id` with the broker at `host` and `port`, with the usual waits.
    pub fn new(host: &str, port: u16, client_id: &str, election: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            client_id: client_id.to_owned(),
            credentials: None,
            tls: None,
            log: None,
            devices: None,
            election: election.to_owned(),
            queue: 4096,
            backoff: Backoff::new(Duration::from_secs(1), Duration::from_secs(60)),
        }
    }
}

/// Starts the link. It need not be connected when this returns: attempts go on until it is stopped.
///
/// # Errors
/// A certificate or key is not as it should be, or there is no thread to be had.
pub fn start(config: Config) -> Result<DeviceLink, Error> {
    let (log, client_id) = (config.log.clone(), config.client_id.clone());
    let (link, supervisor) = assemble(config, None)?;
    if let Some(log) = log {
        watch::start(&log, &client_id, link.way.clone(), supervisor.events())?;
    }
    let (stop, stopping) = oneshot::channel();
    let (ended, stopped) = oneshot::channel();
    thread("mqtt-session", async move {
        supervisor.run(stopping).await;
        // Whoever dropped the link does not wait.
        let _ = ended.send(());
    })?;
    Ok(link.into_link(None, Stopper { stop, stopped }))
}

/// The gateway's side of a link that is being made.
pub(crate) struct Ends {
    events: mpsc::Receiver<LinkEvent>,
    way: Arc<Way>,
    counters: Arc<Counters>,
    reloader: Reloader,
}

impl Ends {
    pub(crate) fn into_link(self, address: Option<std::net::SocketAddr>, stopper: Stopper) -> DeviceLink {
        DeviceLink {
            events: self.events,
            downlink: Downlink::new(self.way),
            counters: self.counters,
            plain: address,
            tls: None,
            reloader: self.reloader,
            stopper,
        }
    }
}

/// Makes both sides; `ready` is told when the session is subscribed for the first time.
pub(crate) fn assemble(
    config: Config,
    ready: Option<oneshot::Sender<()>>,
) -> Result<(Ends, Supervisor), Error> {
    let options = session::options(&config.client_id, &config.host, config.port, config.credentials);
    let tls = config.tls.map(Towards::new).transpose()?.map(Arc::new);
    let held = tls.clone();
    let reloader = Reloader::new(move || held.as_ref().map_or(Ok(()), |tls| tls.reload()));
    let (events, waiting) = mpsc::channel(config.queue.max(1));
    let counters = Arc::<Counters>::default();
    let way = Arc::new(Way::new(counters.clone(), config.devices.map(ShutOut::new)));
    let link = Link {
        options,
        tls,
        election: config.election,
        events,
        way: way.clone(),
        counters: counters.clone(),
        known: AtomicBool::new(false),
        ready: Mutex::new(ready),
    };
    Ok((Ends { events: waiting, way, counters, reloader }, Supervisor { link, backoff: config.backoff }))
}

/// Our end of TLS towards the broker.
struct Towards {
    ca: PathBuf,
    ours: Option<KeyPair>,
    config: RwLock<Arc<rustls::ClientConfig>>,
}

impl Towards {
    fn new((ca, ours): (PathBuf, Option<KeyPair>)) -> Result<Self, Error> {
        let config = RwLock::new(tls::client(&ca, ours.as_ref())?);
        Ok(Self { ca, ours, config })
    }

    /// Reads the files again, for sessions to come. Where one is wrong, what was in force stays so.
    fn reload(&self) -> Result<(), Error> {
        let config = tls::client(&self.ca, self.ours.as_ref())?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    fn config(&self) -> Arc<rustls::ClientConfig> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps a session alive.
pub(crate) struct Supervisor {
    link: Link,
    backoff: Backoff,
}

impl Supervisor {
    /// Runs until it is told to stop, or nobody listens any more.
    pub(crate) async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        loop {
            let begun = Instant::now();
            let Some(lost) = self.link.hold(&mut stop).await else { return };
            if begun.elapsed() >= STABLE {
                self.backoff.reset();
            }
            let wait = self.backoff.wait();
            self.link.alarm(AlarmKind::SessionLost, format!("{lost}; next attempt in {wait:.1?}"));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = &mut stop => return,
                () = self.link.events.closed() => return,
            }
        }
    }

    /// For whoever runs a part of the link beside the session.
    pub(crate) fn events(&self) -> mpsc::Sender<LinkEvent> {
        self.link.events.clone()
    }
}

/// Runs `work` on a thread of its own.
pub(crate) fn thread(name: &str, work: impl Future<Output = ()> + Send + 'static) -> Result<(), Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work));
    spawned.map(drop).map_err(Error::Thread)
}
