//! Starts and stops the gateway.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, OnceLock, mpsc},
    thread::JoinHandle,
};

use broker::DeviceLink;
use device_wire::SigningKey;
use election::{DeviceId, ElectionId, sequence::Line};
use journal::{Appender, Clock};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    answers::{Answers, Context},
    intake::{self, WAITING, worker_of},
    keys::Keys,
    metrics::Metrics,
    port::Counting,
    refusals::Refusals,
    worker::{Shared, Worker},
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
    /// What is in the journal already, by device.
    pub lines: HashMap<DeviceId, Line>,
    /// Where answers are awaited.
    pub runtime: Handle,
}

/// A gateway whose journal is not attached yet: the journal needs [`Answers`] to release to, and the gateway
/// needs the journal to append to.
pub struct Gateway {
    parts: Parts,
    answers: Arc<Answers>,
    refusals: Arc<Refusals>,
}

/// A running gateway.
pub struct Running {
    stop: watch::Sender<bool>,
    intake: tokio::task::JoinHandle<DeviceLink>,
    workers: Vec<JoinHandle<()>>,
}

impl Gateway {
    /// Prepares a gateway.
    pub fn new(parts: Parts) -> Self {
        let answers = Arc::new(Answers {
            election: parts.election.clone(),
            signer: parts.signer.clone(),
            downlink: parts.link.downlink(),
            counting: Arc::clone(&parts.counting),
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics.clone(),
            runtime: parts.runtime.clone(),
            in_flight: Arc::new(Semaphore::new(parts.in_flight)),
            tell: OnceLock::new(),
        });
        Self { parts, answers, refusals: Arc::default() }
    }

    /// Where the journal releases what is stored.
    pub fn answers(&self) -> Arc<Answers> {
        Arc::clone(&self.answers)
    }

    /// The latest refusals.
    pub fn refusals(&self) -> Arc<Refusals> {
        Arc::clone(&self.refusals)
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
        let Self { parts, answers, refusals } = self;
        let count = std::thread::available_parallelism().map_or(2, usize::from);
        let shared = Arc::new(Shared {
            election: parts.election,
            keys: parts.keys,
            appender,
            answers: Arc::clone(&answers),
            counting: parts.counting,
            clock: Arc::clone(&parts.clock),
            metrics: parts.metrics,
            refusals,
        });
        let mut lines: Vec<HashMap<DeviceId, Line>> = (0..count).map(|_| HashMap::new()).collect();
        for (device, line) in parts.lines {
            lines[worker_of(device.as_str(), count)].insert(device, line);
        }
        let mut senders = Vec::with_capacity(count);
        let mut workers = Vec::with_capacity(count);
        for (number, lines) in lines.into_iter().enumerate() {
            let (sender, receiver) = mpsc::sync_channel(WAITING);
            let worker = Worker::new(Arc::clone(&shared), lines);
            let thread = std::thread::Builder::new().name(format!("verify-{number}"));
            workers.push(thread.spawn(move || worker.run(&receiver))?);
            senders.push(sender);
        }
        // Weak in effect: workers end when the intake and the journal's sink have let go of their senders.
        let workers_of = senders.clone();
        let tell = move |device: &DeviceId, work| {
            if workers_of[worker_of(device.as_str(), workers_of.len())].send(work).is_err() {
                tracing::debug!("the gateway has stopped");
            }
        };
        if answers.tell.set(Box::new(tell)).is_err() {
            return Err(io::Error::other("this gateway runs already"));
        }
        let (stop, stopped) = watch::channel(false);
        let intake = parts.runtime.spawn(intake::run(parts.link, senders, parts.clock, stopped));
        Ok(Running { stop, intake, workers })
    }
}

impl Running {
    /// Takes no more messages and closes the link. Reports on their way are still stored and answered as far
    /// as their devices can be reached; what is not answered is repeated.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        match self.intake.await {
            Ok(link) => link.stop().await,
            Err(error) => tracing::error!(%error, "the intake failed"),
        }
        drop(self.workers);
    }
}
