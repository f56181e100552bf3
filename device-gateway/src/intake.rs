//! Takes messages from the link and hands each to the worker of its device. It waits when a worker is busy; what
//! it drops is over the bounds of its own device.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, mpsc},
    time::Instant,
};

use broker::{DeviceLink, LinkEvent, Message};
use election::DeviceId;
use journal::Clock;
use tokio::sync::watch;

use crate::{
    bounds::{Gate, Passage},
    metrics::Metrics,
    refusals::Refusals,
    worker::Work,
};

/// How many messages wait for one worker.
pub(crate) const WAITING: usize = 1_024;

/// The worker of a device. The same device has the same worker, whatever its topic says of anything else.
pub(crate) fn worker_of(device: &str, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    device.hash(&mut hasher);
    usize::try_from(hasher.finish() % workers as u64).unwrap_or(0)
}

/// The workers' letter boxes.
#[derive(Clone)]
pub(crate) struct Workers(pub Vec<mpsc::SyncSender<Work>>);

impl Workers {
    pub(crate) fn of(&self, device: &str) -> &mpsc::SyncSender<Work> {
        &self.0[worker_of(device, self.0.len())]
    }
}

/// What the intake is made of.
pub(crate) struct Intake {
    pub workers: Workers,
    pub gate: Gate,
    pub clock: Arc<dyn Clock>,
    pub refusals: Arc<Refusals>,
    pub metrics: Metrics,
}

impl Intake {
    /// Runs until the link ends or `stop` says so; gives the link back.
    pub(crate) async fn run(mut self, mut link: DeviceLink, mut stop: watch::Receiver<bool>) -> DeviceLink {
        loop {
            let event = tokio::select! {
                event = link.next() => event,
                _ = stop.wait_for(|stop| *stop) => return link,
            };
            let Some(event) = event else { return link };
            let Some((device, work)) = self.take(event).await else { continue };
            if !self.hand_on(&device, work).await {
                tracing::error!("a worker of the gateway is gone");
                return link;
            }
        }
    }

    /// What there is to do for an event, and the worker of which device does it.
    async fn take(&mut self, event: LinkEvent) -> Option<(String, Work)> {
        match event {
            LinkEvent::Message(message) => self.message(message).await,
            LinkEvent::Connected { client } => self.link(client, true),
            LinkEvent::Gone { client, .. } => self.link(client, false),
            LinkEvent::Refused { client, what, detail } => {
                let what = format!("link_{}", what.name());
                self.refusals.keep(self.clock.now(), &what, &detail, &client, 0);
                None
            }
            LinkEvent::Alarm { what, detail } => {
                tracing::error!(?what, detail, "the link to the devices");
                None
            }
        }
    }

    async fn message(&mut self, message: Message) -> Option<(String, Work)> {
        let since = Instant::now();
        match self.gate.admit(&message, since) {
            Passage::Now => {}
            Passage::After(wait) => {
                self.metrics.slowed.inc();
                tokio::time::sleep(wait).await;
            }
            Passage::Never => {
                self.metrics.limited.inc();
                let why = "faster than a device may speak; a report is repeated";
                self.refusals.keep(self.clock.now(), "rate", why, &message.topic, message.payload.len());
                message.ack.done();
                return None;
            }
        }
        let device = message.topic.split('/').nth(4).unwrap_or_default().to_owned();
        Some((device, Work::Message(Box::new(message), self.clock.now(), since)))
    }

    /// Who is no device has no life to be watched.
    fn link(&self, client: String, connected: bool) -> Option<(String, Work)> {
        let device: DeviceId = client.parse().ok()?;
        Some((client, Work::Link { device, connected, at: self.clock.now() }))
    }

    /// False where the worker is gone.
    async fn hand_on(&self, device: &str, work: Work) -> bool {
        let worker = self.workers.of(device);
        let Err(full) = worker.try_send(work) else { return true };
        let worker = worker.clone();
        let (mpsc::TrySendError::Full(work) | mpsc::TrySendError::Disconnected(work)) = full;
        // A full worker is waited for off the runtime's threads.
        let sent = tokio::task::spawn_blocking(move || worker.send(work)).await;
        matches!(sent, Ok(Ok(())))
    }
}
