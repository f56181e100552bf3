//! Readers over server-sent events. Their bytes go through the server's buffer, in chunks.

use std::{
    cell::Cell,
    convert::Infallible,
    rc::{Rc, Weak},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use feed::Latest;
use futures_util::{Stream, stream};
use tokio::{sync::watch, time::sleep};

use super::{PART, reader::Reader};
use crate::{socket::Socket, state::App};

/// What a reader over server-sent events waits for.
struct Events {
    reader: Reader,
    feed: watch::Receiver<Arc<Latest>>,
    stopping: watch::Receiver<bool>,
    taking: Rc<Taking>,
}

/// How the server's buffer is emptied.
struct Taking {
    socket: Socket,
    /// When it was last handed bytes, as long as it has not come back for more.
    handed: Cell<Option<Instant>>,
    /// The connection was cut off.
    cut: Cell<bool>,
}

/// The bytes for a reader, made as they are asked for.
pub(super) fn events(
    reader: Reader,
    app: &App,
    socket: Socket,
) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
    let taking = Rc::new(Taking { socket, handed: Cell::default(), cut: Cell::default() });
    actix_web::rt::spawn(watch_over(Rc::downgrade(&taking), app.limits.stuck));
    let (feed, stopping) = (app.feed.watch(), app.stopping.clone());
    let events = Events { reader, feed, stopping, taking };
    stream::unfold(events, |mut events| async move {
        let bytes = events.next().await?;
        Some((Ok(bytes), events))
    })
}

/// Cuts off whoever takes too little: the stream itself is asked for bytes only when there is room for more. Events have no
/// goodbye, and one that is cut in the middle counts for nothing.
async fn watch_over(taking: Weak<Taking>, stuck: Duration) {
    let mut before = 0;
    loop {
        sleep(stuck).await;
        let Some(taking) = taking.upgrade() else { return };
        let taken = taking.socket.taken();
        let waits = taking.handed.get().is_some_and(|since| since.elapsed() >= stuck);
        if waits && taken - before < PART as u64 {
            taking.cut.set(true);
            taking.socket.cut();
            return;
        }
        before = taken;
    }
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        self.taking.handed.set(None);
        loop {
            if let Some(bytes) = self.reader.outbox.pop_front() {
                self.taking.handed.set(Some(Instant::now()));
                return Some(bytes);
            }
            if self.reader.has_ended() {
                return None;
            }
            let latest = Arc::clone(&self.feed.borrow_and_update());
            if !self.reader.offer(&latest) {
                self.wait().await;
            }
        }
    }

    /// Until something new is there, or a ping is due, or the server stops.
    async fn wait(&mut self) {
        let gone = tokio::select! {
            changed = self.feed.changed() => changed.is_err(),
            _ = self.stopping.wait_for(|stopping| *stopping) => true,
            () = tokio::time::sleep_until(self.reader.ping_at().into()) => false,
        };
        if gone {
            self.reader.server_stops();
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if self.taking.cut.get() {
            self.reader.was_slow();
        }
    }
}
