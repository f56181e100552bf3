//! Starts and stops the gateway.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64},
        mpsc,
    },
    thread::JoinHandle,
    time::Instant,
};

use broker::DeviceLink;
use device_wire::SigningKey;
use election::{
    DeviceId, ElectionId, PrecinctId,
    sequence::{Line, Recorded},
};
use journal::{Appender, Clock};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    answers::{Answers, Context},
    bounds::{Bounds, Gate},
    commands::Commands,
    intake::{Intake, WAITING, Workers, worker_of},
    keys::Keys,
    metrics::Metrics,
    port::Counting,
    quota::{OverQuota, Quota},
    refusals::Refusals,
    resend::{self, Gaps},
    worker::{Device, Shared, Worker},
};

/// The centre's key for receipts and commands, and its name.
#[derive(Clone)]
pub struct Signer {
    /// `kid` in what it signs.
    pub kid: String,
    /// The key.
    pub key: SigningKey,
}

/// What a gateway is made of.
pub struct Parts {
    /// The election that runs.
    pub election: ElectionId,
    /// Where messages come from.
    pub link: DeviceLink,
    /// Who may speak.
    pub keys: Arc<Keys>,
    /// The centre's signature.
    pub signer: Signer,
    /// Those who count.
    pub counting: Arc<dyn Counting>,
    /// When messages arrive.
    pub clock: Arc<dyn Clock>,
    /// Metrics.
    pub metrics: Metrics,
    /// Most reports in flight between the wire and their receipt.
    pub in_flight: usize,
    /// How much is taken in.
    pub bounds: Bounds,
    /// What is in the journal already, by device, and where it stands.
    pub lines: HashMap<DeviceId, (PrecinctId, Line)>,
    /// How much of each device is in the journal already.
    pub recorded: HashMap<DeviceId, Recorded>,
    /// How much one device may have there.
    pub quota: Quota,
    /// Where answers are awaited.
    pub runtime: Handle,
}

/// A gateway whose journal is not attached yet: the journal needs [`Answers`] to release to, and the gateway
/// needs the journal to append to.
pub struct Gateway {
    parts: Parts,
    answers: Arc<Answers>,
    refusals: Arc<Refusals>,
    commands: Arc<Commands>,
    gaps: Arc<Gaps>,
    over_quota: Arc<OverQuota>,
}

/// A running gateway.
pub struct Running {
    stop: watch::Sender<bool>,
    intake: tokio::task::JoinHandle<DeviceLink>,
    asking: tokio::task::JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Prepares a gateway.
    pub fn new(parts: Parts) -> Self {
        let answers = Arc::new(Answers {
            unstored: Mutex::default(),
            any_unstored: AtomicBool::new(false),
            election: parts.election.clone(),
            signer: parts.signer.clone(),
            downlink: parts.link.downlink(),
            counting: Arc::clone(&parts.counting),
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            runtime: parts.runtime.clone(),
            in_flight: Arc::new(Semaphore::new(parts.in_flight)),
            workers: OnceLock::new(),
        });
        let commands = Arc::new(Commands {
            election: parts.election.clone(),
            signer: parts.signer.clone(),
            downlink: parts.link.downlink(),
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            last: AtomicU64::new(0),
        });
        let (refusals, gaps, over_quota) = Default::default();
        Self { parts, answers, refusals, commands, gaps, over_quota }
    }

    /// Where the journal releases what is stored.
    pub fn answers(&self) -> Arc<Answers> {
        Arc::clone(&self.answers)
    }

    /// The latest refusals.
    pub fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.refusals)
    }

    /// How devices are told what to do.
    pub fn commands(&self) -> Arc<Commands> {
        Arc::clone(&self.commands)
    }

    /// Which devices miss a report below one that they sent.
    pub fn gaps(&self) -> Arc<Gaps> {
        Arc::clone(&self.gaps)
    }

    /// Which devices wanted more than their quota.
    pub fn over_quota(&self) -> Arc<OverQuota> {
        Arc::clone(&self.over_quota)
    }

    /// Begins to take messages. `C` is what the composition root keeps of a record on its way through the
    /// journal, this gateway's [`Context`] among it.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn start<C>(self, appender: Appender<C>) -> io::Result<Running>
    where
        C: From<Context> + Send + 'static,
    {
        let Self { mut parts, answers, refusals, commands, gaps, over_quota } = self;
        let count = std::thread::available_parallelism().map_or(2, usize::from);
        let shared = Arc::new(Shared {
            election: parts.election,
            keys: Arc::clone(&parts.keys),
            appender,
            answers: Arc::clone(&answers),
            counting: parts.counting,
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            refusals: Arc::clone(&refusals),
            gaps: Arc::clone(&gaps),
            quota: parts.quota,
            over_quota,
        });
        let mut devices: Vec<HashMap<_, _>> = (0..count).map(|_| HashMap::new()).collect();
        for (id, (precinct, line)) in parts.lines {
            let recorded = parts.recorded.remove(&id).unwrap_or_default();
            let device = Device::new(precinct, line, recorded);
            devices[worker_of(id.as_str(), count)].insert(id, Box::new(device));
        }
        let mut senders = Vec::with_capacity(count);
        let mut workers = Vec::with_capacity(count);
        for (number, devices) in devices.into_iter().enumerate() {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            let worker = Worker::new(Arc::clone(&shared), devices);
            let thread = std::thread::Builder::new().name(format!("verify-{number}"));
            workers.push(thread.spawn(move || worker.run(&receiver))?);
            senders.push(sender);
        }
        // Workers end when the intake and the journal's sink have let go of their letter boxes.
        let workers_of = Workers(senders);
        if answers.workers.set(workers_of.clone()).is_err() {
            return Err(io::Error::other("this gateway runs already"));
        }
        let (stop, stopped) = watch::channel(false);
        let gate = Gate::new(parts.bounds, Arc::clone(&parts.keys), Instant::now());
        let metrics = parts.metrics.clone();
        let intake = Intake { workers: workers_of, gate, clock: parts.clock, refusals, metrics };
        let intake = parts.runtime.spawn(intake.run(parts.link, stopped));
        let asking = parts.runtime.spawn(resend::run(gaps, commands, parts.keys, parts.metrics));
        Ok(Running { stop, intake, asking, workers })
    }
}

impl Running {
    /// Takes no more messages and closes the link. Reports on their way are still stored and answered as far
    /// as their devices can be reached; what is not answered is repeated.
    pub async fn stop(self) {
        self.asking.abort();
        self.stop.send_replace(true);
        match self.intake.await {
            Ok(link) => link.stop().await,
            Err(error) => tracing::error!(%error, "the intake failed"),
        }
        drop(self.workers);
    }
}
