//! Counts what the broker refuses, and sees who comes though it is shut out, from the broker's log: nobody else tells
//! us.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::refused::{self, Reader, Refused};
use super::session::Way;
use super::tail::Tail;
use crate::limits::{Rate, TokenBucket};
use crate::port::{AlarmKind, Error, LinkEvent};

/// How often the log is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How often refusals are told, and who comes though it is shut out; all are counted.
const TOLD: Rate = Rate { per_second: 10.0, burst: 50.0 };

/// Follows the log on a thread of its own, until nobody listens to the link any more.
pub(super) fn start(
    log: &Path,
    gateway: &str,
    way: Arc<Way>,
    events: mpsc::Sender<LinkEvent>,
) -> Result<(), Error> {
    let path = log.to_owned();
    let (mut tail, mut reader) = (Tail::new(log), Reader::new(gateway));
    let mut told = TokenBucket::new(TOLD, Instant::now());
    let mut told_of_comers = TokenBucket::new(TOLD, Instant::now());
    let mut readable = true;
    let follow = move || {
        while !events.is_closed() {
            let read = tail.read(|line| {
                if let Some(client) = refused::connected(line) {
                    way.came(client, &mut told_of_comers);
                }
                if let Some(refused) = reader.line(line) {
                    way.counters().refuse(refused.what);
                    if told.try_take(Instant::now()) {
                        tell(refused, &events);
                    }
                }
            });
            if let Err(error) = &read
                && readable
            {
                let detail = format!("{}: {error}: what the broker refuses is not counted", path.display());
                tracing::error!(detail);
                // When the gateway is that far behind, the log has it.
                let _ = events.try_send(LinkEvent::Alarm { what: AlarmKind::LogUnread, detail });
            }
            readable = read.is_ok();
            std::thread::sleep(LOOK);
        }
    };
    std::thread::Builder::new().name("mqtt-log".to_owned()).spawn(follow).map(drop).map_err(Error::Thread)
}

fn tell(refused: Refused, events: &mpsc::Sender<LinkEvent>) {
    let Refused { client, what, detail } = refused;
    tracing::warn!(client, kind = what.name(), detail, "refused by the broker");
    // When the gateway is that far behind, the count is enough.
    let _ = events.try_send(LinkEvent::Refused { client, what, detail });
}
