//! Takes messages from the link and hands each to the worker of its device. It waits when a worker is busy;
//! it never drops.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, mpsc},
    time::Instant,
};

use broker::{DeviceLink, LinkEvent};
use journal::Clock;
use tokio::sync::watch;

use crate::worker::Work;

/// How many messages wait for one worker.
pub(crate) const WAITING: usize = 1_024;

/// The worker of a device. The same device has the same worker, whatever its topic says of anything else.
pub(crate) fn worker_of(device: &str, workers: usize) -> usize {
    let mut hasher = DefaultHasher::new();
    device.hash(&mut hasher);
    usize::try_from(hasher.finish() % workers as u64).unwrap_or(0)
}

/// Runs until the link ends or `stop` says so; gives the link back.
pub(crate) async fn run(
    mut link: DeviceLink,
    workers: Vec<mpsc::SyncSender<Work>>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) -> DeviceLink {
    loop {
        let event = tokio::select! {
            event = link.next() => event,
            _ = stop.wait_for(|stop| *stop) => return link,
        };
        let message = match event {
            Some(LinkEvent::Message(message)) => message,
            Some(other) => {
                tracing::debug!(?other, "link");
                continue;
            }
            None => return link,
        };
        let device = message.topic.split('/').nth(4).unwrap_or_default();
        let worker = &workers[worker_of(device, workers.len())];
        let work = Work::Message(Box::new(message), clock.now(), Instant::now());
        if let Err(full) = worker.try_send(work) {
            let worker = worker.clone();
            let (mpsc::TrySendError::Full(work) | mpsc::TrySendError::Disconnected(work)) = full;
            // A full worker is waited for off the runtime's threads.
            let sent = tokio::task::spawn_blocking(move || worker.send(work)).await;
            if !matches!(sent, Ok(Ok(()))) {
                tracing::error!("a worker of the gateway is gone");
                return link;
            }
        }
    }
}
