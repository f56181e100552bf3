//! The queue in front of the journal, the thread that writes it, and the release in order.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use election::{Timestamp, record::Observation};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{
    entry::{Entry, Journaled},
    open::Journal,
    writer::{Batch, Writer},
};

/// What comes out, in the order in which it was put in.
#[derive(Debug)]
pub enum Released<C> {
    /// A record, or why there is none.
    Recorded {
        /// The record, which is durable now.
        result: Result<Journaled<Entry>, AppendError>,
        /// What was given with it.
        context: C,
    },
    /// What only kept its place: everything before it has been released.
    Passed {
        /// What was given.
        context: C,
    },
}

/// Why a record is not in the journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The disk refused it. The next batch tries again.
    #[error("the journal cannot be written: {0}")]
    NotStored(Arc<str>),
    /// It is larger than a record may be.
    #[error("it is larger than a record of the journal may be")]
    TooLarge,
}

/// The journal is no longer written: its thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal is closed")]
pub struct Gone;

/// Why something was not queued at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// As many records as may wait are waiting.
    #[error("the journal's queue is full")]
    Full,
    /// Its thread has ended.
    #[error("the journal is closed")]
    Gone,
}

/// Counters since the journal was opened. Read them with any ordering.
#[derive(Debug, Default)]
pub struct Counters {
    /// Records made durable.
    pub records: AtomicU64,
    /// Bytes made durable.
    pub bytes: AtomicU64,
    /// Syncs of records.
    pub syncs: AtomicU64,
    /// Batches that the disk refused.
    pub errors: AtomicU64,
    /// How long the last sync took, microseconds.
    pub last_sync_us: AtomicU64,
    /// How long all syncs took, microseconds.
    pub total_sync_us: AtomicU64,
}

#[derive(Debug, Default)]
struct Health {
    counters: Counters,
    unwell: AtomicBool,
    last_error: Mutex<Option<Arc<str>>>,
}

enum Item<C> {
    Append { entry: Entry, arrival: Timestamp, context: C },
    Pass { context: C },
}

/// Puts records into the journal. Cheap to clone; when the last clone is dropped, what is queued is written
/// and the thread ends.
pub struct Appender<C> {
    queue: mpsc::Sender<Item<C>>,
    health: Arc<Health>,
}

/// The thread that writes.
#[derive(Debug)]
pub struct WriterThread(JoinHandle<()>);

impl WriterThread {
    /// Waits until everything queued is written. All appenders must have been dropped.
    ///
    /// # Errors
    /// [`Gone`] when the thread had ended before, because the sink panicked.
    pub fn join(self) -> Result<(), Gone> {
        self.0.join().map_err(|_| Gone)
    }
}

impl Journal {
    /// Starts the thread that writes. Everything that is appended or passed comes out of `sink`, in order,
    /// once it is durable. The sink runs on that thread: while it works, nothing is written.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start<C: Send + 'static>(
        self,
        sink: impl FnMut(Vec<Released<C>>) + Send + 'static,
    ) -> io::Result<(Appender<C>, WriterThread)> {
        let (queue, items) = mpsc::channel(self.options.queue.max(1));
        let health = Arc::new(Health::default());
        let run = Run {
            writer: self.writer,
            items,
            sink,
            health: Arc::clone(&health),
            batch: Batch::default(),
            batch_records: self.options.batch_records.max(1),
            batch_bytes: self.options.batch_bytes,
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(move || run.run())?;
        Ok((Appender { queue, health }, WriterThread(thread)))
    }
}

impl<C> Appender<C> {
    /// Queues a record, and waits while the queue is full.
    ///
    /// # Errors
    /// [`Gone`] when the journal is no longer written.
    pub async fn append(&self, entry: Entry, arrival: Timestamp, context: C) -> Result<(), Gone> {
        self.queue.send(Item::Append { entry, arrival, context }).await.map_err(|_| Gone)
    }

    /// As [`Self::append`], from a thread that may block.
    ///
    /// # Errors
    /// [`Gone`] when the journal is no longer written.
    ///
    /// # Panics
    /// Within an asynchronous task.
    pub fn append_blocking(&self, entry: Entry, arrival: Timestamp, context: C) -> Result<(), Gone> {
        self.queue.blocking_send(Item::Append { entry, arrival, context }).map_err(|_| Gone)
    }

    /// Queues an observation if there is room: one that is lost is made again later.
    ///
    /// # Errors
    /// [`NotQueued`] when there is none, or when the journal is no longer written.
    pub fn observe(&self, observation: Observation, arrival: Timestamp, context: C) -> Result<(), NotQueued> {
        let entry = Entry::Observation(observation);
        self.queue.try_send(Item::Append { entry, arrival, context }).map_err(|error| match error {
            TrySendError::Full(_) => NotQueued::Full,
            TrySendError::Closed(_) => NotQueued::Gone,
        })
    }

    /// Queues what records nothing and only keeps its place: it is released after what was queued before it.
    ///
    /// # Errors
    /// [`Gone`] when the journal is no longer written.
    pub async fn pass(&self, context: C) -> Result<(), Gone> {
        self.queue.send(Item::Pass { context }).await.map_err(|_| Gone)
    }

    /// As [`Self::pass`], from a thread that may block.
    ///
    /// # Errors
    /// [`Gone`] when the journal is no longer written.
    ///
    /// # Panics
    /// Within an asynchronous task.
    pub fn pass_blocking(&self, context: C) -> Result<(), Gone> {
        self.queue.blocking_send(Item::Pass { context }).map_err(|_| Gone)
    }

    /// Whether the last batch was stored, and there is still a thread that writes.
    pub fn healthy(&self) -> bool {
        !self.health.unwell.load(Relaxed) && !self.queue.is_closed()
    }

    /// What the disk said when it last refused a batch.
    pub fn last_error(&self) -> Option<Arc<str>> {
        self.health.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Counters since the journal was opened.
    pub fn counters(&self) -> &Counters {
        &self.health.counters
    }

    /// How many items wait to be written.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

impl<C> Clone for Appender<C> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), health: Arc::clone(&self.health) }
    }
}

impl<C> std::fmt::Debug for Appender<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Appender").field("queued", &self.queued()).field("health", &self.health).finish()
    }
}

/// The thread that writes.
struct Run<C, S> {
    writer: Writer,
    items: mpsc::Receiver<Item<C>>,
    sink: S,
    health: Arc<Health>,
    batch: Batch,
    batch_records: usize,
    batch_bytes: usize,
}

impl<C, S: FnMut(Vec<Released<C>>)> Run<C, S> {
    fn run(mut self) {
        let mut drained = Vec::with_capacity(self.batch_records);
        while self.items.blocking_recv_many(&mut drained, self.batch_records) > 0 {
            let mut items = drained.drain(..).peekable();
            while items.peek().is_some() {
                let released = self.store(&mut items);
                (self.sink)(released);
            }
        }
    }

    /// Makes the next items durable: as many as fit into a batch.
    fn store(&mut self, items: &mut impl Iterator<Item = Item<C>>) -> Vec<Released<C>> {
        let prepared = self.writer.prepare(&mut self.batch);
        let mut released = Vec::new();
        while self.batch.bytes() < self.batch_bytes.max(1) {
            let Some(item) = items.next() else { break };
            released.push(self.place(item));
        }
        let stored = match prepared {
            Err(error) if self.batch.records() > 0 => Err(error),
            _ if self.batch.records() == 0 => return released,
            _ => self.writer.commit(&self.batch),
        };
        match stored {
            Ok(took) => self.count(took),
            Err(error) => self.refuse(&error, &mut released),
        }
        released
    }

    /// Adds an item to the batch. What is put together here is released only if the batch is stored.
    fn place(&mut self, item: Item<C>) -> Released<C> {
        match item {
            Item::Pass { context } => Released::Passed { context },
            Item::Append { entry, arrival, context } => {
                let offset = self.writer.add(&mut self.batch, &entry, arrival);
                let record = offset.map(|offset| Journaled::new(offset, arrival, entry));
                Released::Recorded { result: record.ok_or(AppendError::TooLarge), context }
            }
        }
    }

    fn count(&self, took: Duration) {
        let counters = &self.health.counters;
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counters.records.fetch_add(self.batch.records(), Relaxed);
        counters.bytes.fetch_add(self.batch.bytes() as u64, Relaxed);
        counters.syncs.fetch_add(1, Relaxed);
        counters.last_sync_us.store(took, Relaxed);
        counters.total_sync_us.fetch_add(took, Relaxed);
        if self.health.unwell.swap(false, Relaxed) {
            tracing::info!("the journal can be written again");
        }
    }

    /// Takes every record of the batch back.
    fn refuse(&self, error: &io::Error, released: &mut [Released<C>]) {
        let said: Arc<str> = error.to_string().into();
        self.health.counters.errors.fetch_add(1, Relaxed);
        if !self.health.unwell.swap(true, Relaxed) {
            tracing::error!(error = %said, "the journal cannot be written: nothing is receipted until it can");
        }
        *self.health.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&said));
        for item in released {
            if let Released::Recorded { result: result @ Ok(_), .. } = item {
                *result = Err(AppendError::NotStored(Arc::clone(&said)));
            }
        }
    }
}
