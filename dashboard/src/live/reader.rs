//! One reader of the live feed.
//!
//! What is sent is decided only when its connection has room: from what the reader holds to the newest version. So there
//! is no queue that could grow.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use election::Timestamp;
use feed::{Frame, Latest, Next, Position, UnitFilter};

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
    ping_at: Instant,
    ended: bool,
    seat: Seat,
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
            ping_at: Instant::now() + app.limits.ping,
            ended: false,
            seat,
            app,
        }
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

    /// How long it may take nothing.
    pub(super) fn stuck(&self) -> Duration {
        self.app.limits.stuck
    }

    /// Says goodbye to it for taking too little.
    pub(super) fn ends_slow(&mut self) {
        self.end(SLOW, "took too little for too long", "slow");
    }

    /// Notes that it was cut off for taking too little.
    pub(super) fn was_slow(&mut self) {
        self.seat.left = "slow";
    }

    /// Says goodbye to it where the server stops.
    pub(super) fn stops(&mut self) -> bool {
        let stops = *self.app.stopping.borrow() || self.app.stopping.has_changed().is_err();
        if stops {
            self.server_stops();
        }
        stops
    }

    /// Says goodbye to it: the server stops.
    pub(super) fn server_stops(&mut self) {
        self.end(GOING_AWAY, "the server stops", "server");
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
