//! The history of the night: who writes it, who is asked about it, and how far it is.

use std::{io, path::Path, sync::Arc, sync::atomic::Ordering::Relaxed, time::Duration};

use actors::Tempo;
use feed::Feed;
use history::{
    About, FILE, Follower, Past, PostgresStore, Progress, Shipper, Shipping, Sources, SqliteStore, Store,
};
use journal::Reader;
use prometheus::{
    IntGauge, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use tokio::runtime::Handle;

use crate::config::HistoryPlaces;

/// How long a reader waits for the history.
const PATIENCE: Duration = Duration::from_secs(2);
/// Of the versions of a second the newest is kept: moments are named by whole seconds.
const EVERY: Duration = Duration::from_secs(1);

/// The history of a running platform.
pub struct History {
    /// Who is asked.
    pub past: Past,
    /// How far it is.
    pub progress: Arc<Progress>,
    follower: Follower,
    shipper: Option<Shipper>,
}

/// What it is about.
pub struct Subject<'a> {
    /// Directory of the data.
    pub data: &'a Path,
    /// Where it goes.
    pub places: HistoryPlaces,
    /// What is published.
    pub feed: &'a Arc<Feed>,
    /// What is recorded.
    pub reader: Reader,
    /// The definition as it is served.
    pub definition: String,
    /// The clock of the night.
    pub tempo: &'a dyn Tempo,
}

impl History {
    /// Starts to write the history.
    ///
    /// # Errors
    /// No thread can be started, or a metric's name is taken. A file that cannot be written is no error: it is tried
    /// again and again while the night goes on.
    pub fn start(subject: Subject<'_>, registry: &Registry, runtime: Handle) -> io::Result<Self> {
        let HistoryPlaces { dir, database, keep } = subject.places;
        let dir = dir.as_deref().unwrap_or(subject.data);
        std::fs::create_dir_all(dir)?;
        let file = dir.join(FILE);
        let progress = Arc::<Progress>::default();
        let own: Arc<dyn Store> = Arc::new(SqliteStore::new(file.clone(), PATIENCE, runtime.clone()));
        let past = match &database {
            Some(database) => {
                let store = PostgresStore::new(database, runtime).map_err(io::Error::other)?;
                Past::with_file(Arc::new(store), own, Arc::clone(&progress))
            }
            None => Past::new(own),
        };
        let shipper = database.map(|database| {
            let election = subject.feed.definition().about().id.to_string();
            let (file, progress) = (file.clone(), Arc::clone(&progress));
            Shipper::start(Shipping { file, election, database, keep, progress })
        });
        // A simulated night passes minutes in a second: each of its versions is kept.
        let every = if subject.tempo.speed() > 1.0 { Duration::ZERO } else { EVERY };
        let sources = Sources {
            file,
            feed: Arc::clone(subject.feed),
            reader: subject.reader,
            about: About::of(subject.feed.definition(), subject.definition),
            every,
            progress: Arc::clone(&progress),
        };
        let follower = Follower::start(sources)?;
        let gauges = Gauges::new(Arc::clone(&progress)).map_err(io::Error::other)?;
        registry.register(Box::new(gauges)).map_err(io::Error::other)?;
        Ok(Self { past, progress, follower, shipper })
    }

    /// Writes what is there and ends.
    pub async fn stop(self) {
        if let Some(shipper) = self.shipper {
            shipper.stop().await;
        }
        let ended = tokio::task::spawn_blocking(|| self.follower.stop()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "the history did not end well");
        }
    }
}

/// Names and meanings, in the order of [`Gauges::values`].
const GAUGES: [(&str, &str); 8] = [
    ("sanak_history_rows_count", "Rows written to the history's file since the start"),
    (
        "sanak_history_records_behind_count",
        "Records of the journal that the history's file does not have yet",
    ),
    ("sanak_history_errors_count", "Times that the history's file could not be written"),
    ("sanak_history_shipped_rows_count", "Rows that the history's database has taken over since the start"),
    ("sanak_history_rows_behind_count", "Rows that the history's database does not have yet"),
    ("sanak_history_behind_milliseconds", "How long the oldest of those rows waits"),
    ("sanak_history_dead_letters_count", "Rows that the history's database refused since the start"),
    ("sanak_history_connected", "1 where the history's database answers, or none is configured"),
];

/// What the history counts itself, read when it is asked for.
struct Gauges {
    progress: Arc<Progress>,
    gauges: Vec<IntGauge>,
}

impl Gauges {
    fn new(progress: Arc<Progress>) -> prometheus::Result<Self> {
        let gauges = GAUGES.iter().map(|(name, help)| IntGauge::new(*name, *help));
        Ok(Self { progress, gauges: gauges.collect::<prometheus::Result<_>>()? })
    }

    fn values(&self) -> [i64; 8] {
        let of = &self.progress;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        [
            number(of.rows.load(Relaxed)),
            number(of.records_behind.load(Relaxed)),
            number(of.errors.load(Relaxed)),
            number(of.shipped.load(Relaxed)),
            number(of.rows_behind.load(Relaxed)),
            of.behind_ms.load(Relaxed),
            number(of.dead_letters.load(Relaxed)),
            i64::from(!of.has_database.load(Relaxed) || of.connected.load(Relaxed)),
        ]
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges.iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.gauges.iter().zip(self.values()).for_each(|(gauge, value)| gauge.set(value));
        self.gauges.iter().flat_map(Collector::collect).collect()
    }
}
