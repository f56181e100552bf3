//! One reader of the live feed.
//!
//! It is asked for bytes only when its connection has room for them, and then decides what to send: from what
//! the reader holds to the newest version. So there is no queue that could grow.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use election::Timestamp;
use feed::{Frame, Latest, Next, Position, UnitFilter};
use futures_util::{Stream, stream};
use tokio::sync::watch;

use super::{
    framing::Framing,
    heard::{Heard, Said},
    seats::Seat,
};
use crate::state::App;

/// Close code of a reader that takes nothing (PROTOCOL §3).
const SLOW: u16 = 4008;
/// Close code of a server that stops.
const GOING_AWAY: u16 = 1001;
/// Close code of an ordinary end.
const NORMAL: u16 = 1000;

/// What a reader follows and holds, and what is on its way to it.
pub(super) struct Reader {
    app: Arc<App>,
    feed: watch::Receiver<Arc<Latest>>,
    stopping: watch::Receiver<bool>,
    filter: UnitFilter,
    held: Option<Position>,
    /// As the reader was last told.
    stalled: Option<Timestamp>,
    framing: Framing,
    heard: Option<Heard>,
    outbox: VecDeque<Bytes>,
    /// When the connection was last handed bytes, as long as it has not come back for more.
    handed: Option<Instant>,
    slow: bool,
    ping_at: Instant,
    ended: bool,
    seat: Seat,
}

/// What a waiting reader is woken to do, beside looking for something new.
enum Heed {
    Said(Said),
    Stop,
}

impl Reader {
    pub(super) fn new(
        app: Arc<App>,
        (filter, since): (UnitFilter, Option<Position>),
        framing: Framing,
        seat: Seat,
        heard: Option<Heard>,
    ) -> Self {
        Self {
            feed: app.feed.watch(),
            stopping: app.stopping.clone(),
            filter,
            held: since,
            stalled: None,
            framing,
            heard,
            outbox: VecDeque::new(),
            handed: None,
            slow: false,
            ping_at: Instant::now() + app.limits.ping,
            ended: false,
            seat,
            app,
        }
    }

    /// Its bytes, made as they are asked for.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, |mut reader| async move {
            let bytes = reader.next().await?;
            Some((Ok(bytes), reader))
        })
    }

    async fn next(&mut self) -> Option<Bytes> {
        let waited = self.handed.take().map_or(Duration::ZERO, |handed| handed.elapsed());
        self.slow |= waited > self.app.limits.stuck;
        loop {
            if let Some(bytes) = self.outbox.pop_front() {
                self.handed = Some(Instant::now());
                return Some(bytes);
            }
            if self.ended {
                return None;
            }
            if self.slow {
                self.end(SLOW, "took nothing for too long", "slow");
            } else if !self.offer() {
                self.wait().await;
            }
        }
    }

    /// Puts what the reader lacks into the outbox. False where it lacks nothing.
    fn offer(&mut self) -> bool {
        let latest = Arc::clone(&self.feed.borrow_and_update());
        let quiet = Instant::now() >= self.ping_at;
        let next = match &self.held {
            Some(held) => latest.next(held, &self.filter),
            None => Next::Snapshot(latest.snapshot(&self.filter)),
        };
        let (kind, frame) = match next {
            // Nothing that this reader follows has changed: it is told so with the next ping.
            Next::Delta(frame) if frame.units == 0 && !quiet && latest.stalled_since() == self.stalled => {
                return false;
            }
            Next::Current if !quiet && latest.stalled_since() == self.stalled => return false,
            Next::Current => ("ping", latest.ping()),
            Next::Delta(frame) => ("delta", frame),
            Next::Snapshot(frame) => ("snapshot", frame),
        };
        self.stalled = latest.stalled_since();
        self.put(kind, frame);
        true
    }

    fn put(&mut self, kind: &str, frame: Frame) {
        let instruments = &self.app.instruments;
        instruments.frames.with_label_values(&[kind]).inc();
        instruments.frame_bytes.inc_by(frame.json.len() as u64);
        self.held = Some(frame.position.clone());
        self.ping_at = Instant::now() + self.app.limits.ping;
        if let Some(heard) = &mut self.heard {
            heard.forgive();
        }
        self.framing.put(frame, &mut self.outbox);
    }

    /// Until something new is there, or a ping is due, or the reader or the server has something to say.
    async fn wait(&mut self) {
        let listen = async {
            match &mut self.heard {
                Some(heard) => heard.next().await,
                None => std::future::pending().await,
            }
        };
        let heed = tokio::select! {
            changed = self.feed.changed() => changed.err().map(|_| Heed::Stop),
            stops = self.stopping.wait_for(|stopping| *stopping) => {
                drop(stops);
                Some(Heed::Stop)
            }
            () = tokio::time::sleep_until(self.ping_at.into()) => None,
            said = listen => Some(Heed::Said(said)),
        };
        match heed {
            None => {}
            Some(Heed::Stop) => self.end(GOING_AWAY, "the server stops", "server"),
            Some(Heed::Said(Said::Ping(payload))) => self.framing.put_pong(&payload, &mut self.outbox),
            Some(Heed::Said(Said::Goodbye)) => self.end(NORMAL, "", "reader"),
            Some(Heed::Said(Said::Gone)) => self.ended = true,
            Some(Heed::Said(Said::Abuse(code, why))) => self.end(code, why, "abuse"),
        }
    }

    fn end(&mut self, code: u16, reason: &str, left: &'static str) {
        self.framing.put_close(code, reason, &mut self.outbox);
        self.seat.left = left;
        self.ended = true;
    }
}
