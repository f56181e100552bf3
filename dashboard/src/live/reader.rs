//! One reader of the live feed.
//!
//! What is sent is decided only when its connection has room: from what the reader holds to the newest version. So there
//! is no queue that could grow.

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

use super::{framing::Framing, heard::Said, seats::Seat};
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
    filter: UnitFilter,
    held: Option<Position>,
    /// As the reader was last told.
    stalled: Option<Timestamp>,
    framing: Framing,
    /// What is to be sent, in pieces.
    pub outbox: VecDeque<Bytes>,
    slow: bool,
    ping_at: Instant,
    ended: bool,
    seat: Seat,
}

/// What one over server-sent events waits for. Its bytes go through the server's buffer, in chunks.
struct Events {
    reader: Reader,
    feed: watch::Receiver<Arc<Latest>>,
    stopping: watch::Receiver<bool>,
    /// When the connection was last handed bytes, as long as it has not come back for more.
    handed: Option<Instant>,
}

impl Reader {
    pub(super) fn new(
        app: Arc<App>,
        (filter, since): (UnitFilter, Option<Position>),
        framing: Framing,
        seat: Seat,
    ) -> Self {
        Self {
            filter,
            held: since,
            stalled: None,
            framing,
            outbox: VecDeque::new(),
            slow: false,
            ping_at: Instant::now() + app.limits.ping,
            ended: false,
            seat,
            app,
        }
    }

    /// As server-sent events: its bytes, made as they are asked for.
    pub(super) fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let (feed, stopping) = (self.app.feed.watch(), self.app.stopping.clone());
        let events = Events { reader: self, feed, stopping, handed: None };
        stream::unfold(events, |mut events| async move {
            let bytes = events.next().await?;
            Some((Ok(bytes), events))
        })
    }

    /// Whether it has been sent everything, and is there.
    pub(super) fn is_idle(&self) -> bool {
        self.outbox.is_empty() && !self.ended
    }

    /// Whether nothing more will be sent.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// When it has to hear of us.
    pub(super) fn ping_at(&self) -> Instant {
        self.ping_at
    }

    /// Notes how long it has taken nothing.
    pub(super) fn waited(&mut self, waited: Duration) {
        self.slow |= waited > self.app.limits.stuck;
    }

    /// Says goodbye to it where it has taken nothing for too long.
    pub(super) fn closes_if_slow(&mut self) -> bool {
        if self.slow {
            self.end(SLOW, "took nothing for too long", "slow");
        }
        self.slow
    }

    /// Says goodbye to it where the server stops.
    pub(super) fn stops(&mut self) -> bool {
        let stops = *self.app.stopping.borrow() || self.app.stopping.has_changed().is_err();
        if stops {
            self.end(GOING_AWAY, "the server stops", "server");
        }
        stops
    }

    /// Does what it has said.
    pub(super) fn heed(&mut self, said: Said) {
        match said {
            Said::Ping(payload) => self.framing.put_pong(&payload, &mut self.outbox),
            Said::Goodbye => self.end(NORMAL, "", "reader"),
            Said::Gone => self.ended = true,
            Said::Abuse(code, why) => self.end(code, why, "abuse"),
        }
    }

    /// Puts what it lacks of the newest version into the outbox. False where it lacks nothing.
    pub(super) fn offer_newest(&mut self) -> bool {
        let latest = self.app.latest();
        self.offer(&latest)
    }

    /// Puts what it lacks into the outbox. False where it lacks nothing.
    pub(super) fn offer(&mut self, latest: &Latest) -> bool {
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
        self.framing.put(frame, &mut self.outbox);
    }

    fn end(&mut self, code: u16, reason: &str, left: &'static str) {
        self.framing.put_close(code, reason, &mut self.outbox);
        self.seat.left = left;
        self.ended = true;
    }
}

impl Events {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(handed) = self.handed.take() {
            self.reader.waited(handed.elapsed());
        }
        loop {
            if let Some(bytes) = self.reader.outbox.pop_front() {
                self.handed = Some(Instant::now());
                return Some(bytes);
            }
            if self.reader.has_ended() {
                return None;
            }
            let latest = Arc::clone(&self.feed.borrow_and_update());
            if !self.reader.closes_if_slow() && !self.reader.offer(&latest) {
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
            self.reader.end(GOING_AWAY, "the server stops", "server");
        }
    }
}
