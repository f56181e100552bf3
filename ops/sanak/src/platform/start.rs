//! Starts and stops a platform.

use std::{collections::BTreeMap, io, net::SocketAddr, path::PathBuf, sync::Arc};

use actors::{Alarms, MAX_IN_FLIGHT, System, Tempo};
use broker::{DeviceLink, Reloader, direct::Standing};
use dashboard::{Person, Server};
use device_gateway::{Bounds, Gateway, Keys, Quota, Running, Signer};
use documents::{Shelf, ShelfError};
use election::{Definition, Timestamp, definition::DeviceStatus, record::Observation};
use election_files::Loaded;
use feed::{Epoch, Feed};
use journal::{Appender, Clock, Entry, WriterThread};
use prometheus::Registry;
use tokio::{runtime::Handle, sync::oneshot};

use crate::{
    certificates,
    clock::Watch,
    config::{HistoryPlaces, Mqtt, Shelves},
    platform::{
        counting::Actors,
        deciding::Deciding,
        gauges,
        inquiry::{Devices, Questions},
        papers::Scans,
        past::{History, Subject},
        recovery::{self, Records},
        routes::{Errand, Observations, Routes},
        signs::Signs,
    },
};

/// What a platform is started with.
pub struct Settings {
    /// The election.
    pub election: Loaded,
    /// Where the journal is kept.
    pub data: PathBuf,
    /// How devices reach us.
    pub mqtt: Mqtt,
    /// Address of the page and the API.
    pub http: SocketAddr,
    /// Address of the metrics.
    pub metrics: SocketAddr,
    /// The key that signs.
    pub signer: Signer,
    /// Keys that signed before.
    pub old_keys: Vec<(String, [u8; 32])>,
    /// Who may decide.
    pub room: Vec<Person>,
    /// How much one device may have on record.
    pub quota: Quota,
    /// How many may follow the live feed.
    pub live_readers: usize,
    /// Precincts beyond which those that have nothing to do have no actor.
    pub awake_precincts: usize,
    /// Where scans are kept.
    pub documents: Shelves,
    /// Where the history goes.
    pub history: HistoryPlaces,
}

/// Messages of devices that may wait for the gateway before their sockets are no longer read.
const LINK_QUEUE: usize = 4096;

/// How soon what must be on record first is tried again.
const RECORD_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

/// Why a platform did not start.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// Where scans are kept.
    #[error(transparent)]
    Documents(#[from] ShelfError),
    /// The journal's records cannot be folded.
    #[error("the journal cannot be replayed: {0}")]
    Replay(String),
    /// The link to the devices.
    #[error(transparent)]
    Link(#[from] broker::Error),
    /// A listener or a thread.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A metric's name is taken twice.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
    /// The first version breaks an invariant.
    #[error("the first version cannot be published: {0}")]
    Feed(String),
}

/// A running platform.
pub struct Platform {
    /// Address of the page and the API.
    pub http: SocketAddr,
    /// Address for devices; `None` where a broker stands between.
    pub mqtt: Option<SocketAddr>,
    /// Address of the metrics.
    pub metrics: SocketAddr,
    /// What is published.
    pub feed: Arc<Feed>,
    certificates: Reloader,
    signs: Option<(Signs, System)>,
    keeping: Option<tokio::task::JoinHandle<()>>,
    history: History,
    gateway: Running,
    server: Server,
    operators: Server,
    writer: WriterThread,
    arbiter: actix::Arbiter,
}

impl Platform {
    /// Starts everything. `tempo` makes the clock of the night, given when the last record arrived, and who looks
    /// after it.
    ///
    /// Must be called on a runtime of actix's, which may have several threads.
    ///
    /// # Errors
    /// [`Trouble`]; nothing is left running but what ends with the process.
    pub async fn start(
        settings: Settings,
        tempo: impl FnOnce(Option<Timestamp>) -> (Arc<dyn Tempo>, Option<Arc<Watch>>),
    ) -> Result<Self, Trouble> {
        let runtime = Handle::current();
        let registry = Registry::new();
        let Loaded { definition, boundaries, .. } = settings.election;
        let boundaries = with_base_layers(boundaries);
        let definition = Arc::new(definition);
        let opened = recovery::open(&settings.data, &definition)?;
        let (tempo, watch) = tempo(opened.recovered.last_arrival);
        let mut centre_keys =
            vec![(settings.signer.kid.clone(), settings.signer.key.verifying_key().to_bytes())];
        centre_keys.extend(settings.old_keys);
        watch.iter().try_for_each(|watch| watch.register(&registry))?;
        let clock: Arc<dyn Clock> = Arc::new(ByTempo(Arc::clone(&tempo)));

        let feed = Arc::new(first_version(&definition, &*tempo)?);
        let subject = Subject {
            data: &settings.data,
            places: settings.history,
            feed: &feed,
            reader: opened.journal.reader(),
            definition: dashboard::description(&definition, &centre_keys),
            tempo: &*tempo,
        };
        let history = History::start(subject, &registry, runtime.clone())?;
        let night = recovery::replay(&opened.recovered, &definition, &feed)?;
        tracing::info!(reports = night.reports(), "replayed the journal");
        if let Some(watch) = &watch {
            watch.begin(night.votes_are_out(), night.clock_is_doubted());
            watch.doubt().inspect(|what| tracing::error!(what, "the embargo stays"));
        }
        let newly_doubted =
            !night.clock_is_doubted() && watch.as_ref().is_some_and(|watch| watch.is_doubted());
        let keys = Arc::new(keys(&definition, &night));
        let (lines, recorded) = (night.lines(), night.recorded().clone());

        // A simulated day begins anew, and its devices with it.
        let signs = watch.is_some().then(|| Signs::below(&settings.data, &definition));
        let reader = opened.journal.reader();
        let source = Records { definition: Arc::clone(&definition), reader: reader.clone() };
        let observations = Arc::new(Observations::default());
        let arbiter = actix::Arbiter::new();
        let parts = actors::Parts {
            night,
            feed: Arc::clone(&feed),
            source: Arc::new(source),
            recorder: Arc::clone(&observations) as Arc<dyn actors::Recorder>,
            tempo,
            alarms: Alarms::register(&registry)?,
            marks: signs.iter().map(Signs::read).next().unwrap_or_default(),
            most_awake: settings.awake_precincts,
        };
        let system = System::start(parts, &arbiter.handle());

        let link = link(&settings.mqtt, &definition, &keys)?;
        let mqtt = link.tls_address().or(link.address());
        let (counters, downlink, certificates) = (link.counters(), link.downlink(), link.reloader());
        let gateway = Gateway::new(device_gateway::Parts {
            election: definition.about().id.clone(),
            link,
            keys: Arc::clone(&keys),
            signer: settings.signer.clone(),
            counting: Arc::new(Actors(system.clone())),
            clock: Arc::clone(&clock),
            metrics: device_gateway::Metrics::register(&registry)?,
            in_flight: MAX_IN_FLIGHT,
            bounds: Bounds::default(),
            lines,
            recorded,
            quota: settings.quota,
            runtime: runtime.clone(),
        });
        let keeping = signs.clone().map(|signs| runtime.spawn(signs.keep(system.clone())));
        let routes = Routes {
            system: system.clone(),
            answers: gateway.answers(),
            keys: Arc::clone(&keys),
            downlink,
            runtime,
        };
        let (appender, writer) = opened.journal.start(move |batch| routes.take(batch))?;
        if newly_doubted {
            put_on_record(&appender, &*clock, Observation::ClockDoubted).await?;
        }
        observations.attach(appender.clone());
        gauges::register(&registry, appender.clone(), counters)?;
        certificates::measure(&registry, settings.mqtt.certificates())?;

        let devices = Devices {
            gaps: gateway.gaps(),
            over_quota: gateway.over_quota(),
            commands: gateway.commands(),
            refusals: gateway.refusals(),
            keys: Arc::clone(&keys),
            clock: watch,
            history: Arc::clone(&history.progress),
        };
        let signs = signs.map(|signs| (signs, system.clone()));
        let deciding = Deciding::new(system.clone(), appender.clone(), clock, keys, gateway.answers());
        let inquiry =
            Arc::new(Questions::new(system, devices, Arc::clone(&feed), reader, appender.clone(), deciding));
        let shelf = match &settings.documents {
            Shelves::Directory(dir) => Shelf::directory(dir)?,
            Shelves::Bucket(bucket) => Shelf::s3(bucket)?,
        };
        let papers = Arc::new(Scans(shelf));
        wait_for_first_version(&feed).await;
        let gateway = gateway.start(appender)?;
        let mut config = dashboard::Config::on(settings.http);
        config.room = settings.room;
        config.limits.live_readers = settings.live_readers;
        let operators =
            dashboard::metrics(settings.metrics, registry.clone(), Arc::clone(&inquiry) as _).await?;
        let past = history.past.clone();
        let parts = dashboard::Parts {
            feed: Arc::clone(&feed),
            boundaries,
            centre_keys,
            inquiry,
            papers,
            past,
            registry,
        };
        let server = dashboard::start(config, parts).await?;
        Ok(Self {
            http: server.address,
            mqtt,
            metrics: operators.address,
            feed,
            certificates,
            signs,
            keeping,
            history,
            gateway,
            server,
            operators,
            writer,
            arbiter,
        })
    }

    /// Reads the certificates and keys of the devices' door, or of the session with a broker, again: for connections to
    /// come. Those that stand are not touched.
    ///
    /// # Errors
    /// A file is not as it should be; what was in force stays so.
    pub fn reload_certificates(&self) -> Result<(), broker::Error> {
        self.certificates.reload()
    }

    /// Stops in the order of the life of a report: nothing that was receipted is lost, and no device is told
    /// that it went off line.
    pub async fn stop(self) {
        self.gateway.stop().await;
        self.server.stop().await;
        self.operators.stop().await;
        self.keeping.iter().for_each(tokio::task::JoinHandle::abort);
        if let Some((signs, system)) = &self.signs {
            signs.save(system, &mut 0).await;
        }
        self.arbiter.stop();
        drop(self.writer);
        self.history.stop().await;
    }
}

/// What lies around and between the units on the map, where the election brings none of its own.
fn with_base_layers(mut boundaries: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    for layer in ["lakes", "neighbours", "settlements"] {
        if let Some(base) = geodata::base_layer(layer) {
            boundaries.entry(layer.to_owned()).or_insert_with(|| base.to_vec());
        }
    }
    boundaries
}

/// The clock's half of a tempo.
struct ByTempo(Arc<dyn Tempo>);

impl Clock for ByTempo {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// A feed with an epoch that no earlier start had: the time of this one.
fn first_version(definition: &Arc<Definition>, tempo: &dyn Tempo) -> Result<Feed, Trouble> {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let epoch: Epoch = format!("{:x}", since_1970.as_millis())
        .parse()
        .map_err(|error: feed::PositionError| Trouble::Feed(error.to_string()))?;
    let mut options = feed::Options::starting(tempo.now());
    options.speed = tempo.speed();
    Feed::new(Arc::clone(definition), epoch, options).map_err(|breach| Trouble::Feed(breach.to_string()))
}

fn keys(definition: &Definition, night: &actors::Night) -> Keys {
    let (keys, without) = Keys::of(definition);
    if let Some(first) = without.first() {
        let count = without.len();
        tracing::warn!(%first, count, "devices without a public key cannot speak: provision them");
    }
    for (device, change) in night.changes() {
        if let Err(why) = keys.apply(device, change) {
            tracing::error!(%why, "a decision in the journal changes nothing");
        }
    }
    keys
}

fn link(mqtt: &Mqtt, definition: &Definition, keys: &Arc<Keys>) -> Result<DeviceLink, Trouble> {
    let election = definition.about().id.as_str();
    let register = || {
        let keys = Arc::clone(keys);
        Arc::new(move |id: &str, key: Option<&[u8]>| standing(&keys, id, key))
    };
    Ok(match mqtt {
        Mqtt::Direct { plain, tls } => {
            let register = register();
            let (plain_listen, tls) = (*plain, tls.clone());
            let limits = broker::Limits::for_devices(definition.devices().len());
            broker::direct::start(broker::direct::Config {
                plain_listen,
                tls,
                register,
                queue: LINK_QUEUE,
                limits,
            })?
        }
        Mqtt::Embedded(address) => {
            let devices = definition.devices().len();
            broker::embedded::start(broker::embedded::Config::new(*address, devices, election))?
        }
        Mqtt::External { host, port, tls, log_file, mosquitto } => {
            let config = broker::external::Config::new(host, *port, "sanak-gateway", election);
            let (tls, log) = (tls.clone(), log_file.clone());
            let names = || definition.devices().keys().map(ToString::to_string).collect();
            let devices =
                mosquitto.then(|| broker::external::Devices { names: names(), register: register() });
            broker::external::start(broker::external::Config { tls, log, devices, ..config })?
        }
    })
}

/// What the devices' link is told of a name. A spare may connect before it is put in use.
fn standing(keys: &Keys, id: &str, key: Option<&[u8]>) -> Standing {
    match keys.status(id) {
        None => Standing::Stranger,
        Some(DeviceStatus::Revoked) => Standing::Revoked,
        Some(_) if key.is_some_and(|key| keys.is_superseded(id, key)) => Standing::Superseded,
        Some(DeviceStatus::Active | DeviceStatus::Spare) => Standing::Device,
    }
}

/// Puts an observation on record before anything else is, however long the disk fails.
async fn put_on_record(
    appender: &Appender<Errand>,
    clock: &dyn Clock,
    observation: Observation,
) -> Result<(), Trouble> {
    loop {
        let (waiting, stored) = oneshot::channel();
        let entry = Entry::Observation(observation.clone());
        let queued = appender.append(entry, clock.now(), Errand::Finding(waiting)).await;
        queued.map_err(io::Error::other)?;
        match stored.await.map_err(io::Error::other)? {
            Ok(_) => return Ok(()),
            Err(why) => tracing::error!(%why, ?observation, "the service waits until this is on record"),
        }
        tokio::time::sleep(RECORD_AGAIN).await;
    }
}

/// Readers never see the empty version that a feed begins with.
async fn wait_for_first_version(feed: &Feed) {
    let mut versions = feed.watch();
    let first = feed.current().number();
    let published = versions.wait_for(|latest| latest.version().number() > first);
    if tokio::time::timeout(std::time::Duration::from_secs(10), published).await.is_err() {
        tracing::warn!("the first version is not published yet: the audit or the guard holds it");
    }
}
