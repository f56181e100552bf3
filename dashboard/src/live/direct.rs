//! Readers over WebSocket. Of each version they are told by one task a thread, which writes the bytes that all of them
//! share straight to their sockets; a reader's own task wakes only where the kernel takes no more, or the reader or the
//! clock has something to say.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    convert::Infallible,
    future::Future,
    io::{self, IoSlice},
    pin::{Pin, pin},
    rc::{Rc, Weak},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use feed::Latest;
use futures_util::Stream;
use tokio::{
    sync::watch,
    task::yield_now,
    time::{Sleep, sleep, sleep_until},
};

use super::{PART, heard::Heard, reader::Reader};
use crate::{socket::Socket, state::App};

/// Pieces of a frame that are handed to the kernel at once.
const PIECES: usize = 16;
/// Readers that are told before whatever else the thread has to do.
const AT_ONCE: usize = 32;

/// The readers of a thread.
#[derive(Default)]
pub(crate) struct Crowd {
    lines: RefCell<Lines>,
}

#[derive(Default)]
struct Lines {
    next: u64,
    by: BTreeMap<u64, Rc<RefCell<Line>>>,
}

/// A reader and its connection.
struct Line {
    reader: Reader,
    socket: Socket,
    /// Whether the answer to its handshake is out.
    open: bool,
    /// What the kernel has not taken at once.
    blocked: Option<Blocked>,
    waker: Option<Waker>,
}

/// Waiting for a reader to take more.
struct Blocked {
    since: Instant,
    /// Bytes taken since.
    taken: usize,
}

impl Blocked {
    fn now() -> Self {
        Self { since: Instant::now(), taken: 0 }
    }
}

impl Crowd {
    /// A crowd that is told of every version for as long as the feed and this thread live.
    pub(crate) fn gather(app: &App) -> Rc<Self> {
        let crowd = Rc::new(Self::default());
        let (feed, stopping) = (app.feed.watch(), app.stopping.clone());
        actix_web::rt::spawn(tell(Rc::downgrade(&crowd), feed, stopping));
        crowd
    }

    fn all(&self) -> Vec<Rc<RefCell<Line>>> {
        self.lines.borrow().by.values().cloned().collect()
    }
}

/// Tells everybody of each version, and wakes them when the server stops.
async fn tell(
    crowd: Weak<Crowd>,
    mut feed: watch::Receiver<Arc<Latest>>,
    mut stopping: watch::Receiver<bool>,
) {
    loop {
        let stops = tokio::select! {
            changed = feed.changed() => changed.is_err(),
            _ = stopping.changed() => true,
        };
        let Some(all) = crowd.upgrade().map(|crowd| crowd.all()) else { return };
        for lines in all.chunks(AT_ONCE) {
            // No older than what any reader's own task, on this thread, has sent it between two chunks.
            let latest = Arc::clone(&feed.borrow_and_update());
            for line in lines {
                let mut line = line.borrow_mut();
                if stops {
                    line.wake();
                } else {
                    line.tell(&latest);
                }
            }
            yield_now().await;
        }
        if stops {
            return;
        }
    }
}

impl Line {
    /// Sends what is new. A reader that has not taken the frame before is left alone: it gets the newest state when it has.
    fn tell(&mut self, latest: &Latest) {
        if self.open
            && self.reader.is_idle()
            && self.reader.offer(latest)
            && !matches!(self.flush(), Ok(true))
        {
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// Writes what is to be sent, as far as the kernel takes it. Whether that was all.
    fn flush(&mut self) -> io::Result<bool> {
        let Self { reader, socket, blocked, .. } = self;
        while !reader.outbox.is_empty() {
            let mut slices = [IoSlice::new(&[]); PIECES];
            let filled = slices.iter_mut().zip(&reader.outbox);
            let pieces = filled.map(|(slice, bytes)| *slice = IoSlice::new(bytes)).count();
            match socket.try_write(&slices[..pieces]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(mut written) => {
                    if let Some(waiting) = blocked {
                        waiting.taken += written;
                    }
                    blocked.take_if(|waiting| waiting.taken >= PART);
                    while let Some(first) = reader.outbox.front_mut().filter(|_| written > 0) {
                        let here = written.min(first.len());
                        first.advance(here);
                        written -= here;
                        if first.is_empty() {
                            reader.outbox.pop_front();
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    blocked.get_or_insert_with(Blocked::now);
                    return Ok(false);
                }
                Err(error) => return Err(error),
            }
        }
        *blocked = None;
        Ok(true)
    }

    /// Until when a reader that is waited for has to have taken its part.
    fn patience(&self, stuck: Duration) -> Instant {
        self.blocked.as_ref().map_or_else(Instant::now, |waiting| waiting.since) + stuck
    }

    /// What becomes of a reader that has not: it is told goodbye behind the frame that it is in the middle of, and has
    /// the same time again for the next part. Then there is nobody to tell.
    fn let_go(&mut self) -> io::Result<()> {
        if self.reader.has_ended() {
            self.socket.cut();
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.reader.ends_slow();
        self.blocked = Some(Blocked::now());
        Ok(())
    }
}

/// The reader's own task: an answer's body that never has anything for the server to write.
pub(super) struct Direct {
    crowd: Rc<Crowd>,
    place: u64,
    line: Rc<RefCell<Line>>,
    heard: Heard,
    /// When it was to hear of us, as it last had something to say.
    forgiven: Instant,
    ping: Pin<Box<Sleep>>,
    /// Set while the reader is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    /// Writes of the server before it has answered the handshake.
    writes: u64,
}

impl Direct {
    pub(super) fn new(crowd: &Rc<Crowd>, reader: Reader, socket: Socket, heard: Heard) -> Self {
        let ping = Box::pin(sleep_until(reader.ping_at().into()));
        let (writes, forgiven) = (socket.writes(), reader.ping_at());
        let line = Line { reader, socket, open: false, blocked: None, waker: None };
        let line = Rc::new(RefCell::new(line));
        let mut lines = crowd.lines.borrow_mut();
        let place = lines.next;
        lines.next += 1;
        lines.by.insert(place, Rc::clone(&line));
        drop(lines);
        Self { crowd: Rc::clone(crowd), place, line, heard, forgiven, ping, patience: None, writes }
    }

    /// Whatever there is to do, until there is nothing more or the reader has left.
    fn attend(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { line, heard, forgiven, ping, patience, .. } = self;
        let mut line = line.borrow_mut();
        let line = &mut *line;
        // Whoever is sent something may say something: it puts off what it has to hear of us.
        if *forgiven != line.reader.ping_at() {
            *forgiven = line.reader.ping_at();
            heard.forgive();
        }
        loop {
            if !line.flush()? {
                if line.socket.poll_room(context)?.is_ready() {
                    continue;
                }
                let until = line.patience(line.reader.stuck()).into();
                let timer = patience.get_or_insert_with(|| Box::pin(sleep_until(until)));
                if timer.deadline() != until {
                    timer.as_mut().reset(until);
                }
                if timer.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                line.let_go()?;
                continue;
            }
            *patience = None;
            if line.reader.has_ended() {
                return Poll::Ready(Ok(()));
            }
            if line.reader.offer_newest() || line.reader.stops() {
                continue;
            }
            if let Poll::Ready(said) = pin!(heard.next()).poll(context) {
                line.reader.heed(said);
                continue;
            }
            if ping.as_mut().poll(context).is_ready() {
                // It is due later where a frame went out meanwhile.
                ping.as_mut().reset(line.reader.ping_at().into());
                continue;
            }
            return Poll::Pending;
        }
    }

    /// Until the server has answered the handshake, which it does right after it has asked for the body, or when the
    /// kernel takes the answer: before that the connection is the server's. Nobody is waited for any longer than later.
    fn open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { line, patience, writes, .. } = self;
        let mut line = line.borrow_mut();
        if line.socket.is_free_since(*writes) {
            line.open = true;
            return Poll::Ready(Ok(()));
        }
        if line.socket.poll_room(context)?.is_ready() {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let stuck = line.reader.stuck();
        let timer = patience.get_or_insert_with(|| Box::pin(sleep(stuck)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        line.reader.was_slow();
        line.socket.cut();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Stream for Direct {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let is_open = this.line.borrow().open;
        if !is_open {
            match this.open(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(())) => {}
            }
        }
        let attended = this.attend(context);
        let mut line = this.line.borrow_mut();
        match attended {
            Poll::Pending => {
                if !line.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
                    line.waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
            Poll::Ready(_) => Poll::Ready(None),
        }
    }
}

impl Drop for Direct {
    fn drop(&mut self) {
        self.crowd.lines.borrow_mut().by.remove(&self.place);
        let mut line = self.line.borrow_mut();
        line.open = false;
    }
}
