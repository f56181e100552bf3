//! Readers by the thousand in one thread, who keep nothing but how late they were told.

use std::{
    cell::{Cell, RefCell},
    io,
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::Semaphore,
    task::{LocalSet, spawn_local},
    time::{Instant, interval, sleep},
};

use super::{
    Frames, Target,
    publisher::{NATS_CONNECT, Publisher, TOPIC, mqtt_connect, mqtt_subscribe},
    unframe::{Event, Unframe},
};
use crate::rehearsal::{load, processor};

/// Readers that shake hands at once.
const HANDSHAKES: usize = 128;
/// What is read at once; all readers share it.
const READ: usize = 256 << 10;
/// Readers of one address: Sanak lets a thousand connections of one client in.
const OF_ONE_ADDRESS: usize = 800;
/// So long they may take to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// What nobody is told for so long is lost.
const LATE: Duration = Duration::from_secs(5);
/// The longest delay that is told apart, µs.
const LONGEST: u64 = 60_000_000;
/// After they have come, and after the last frame, for what a server does later.
const SETTLES: Duration = Duration::from_millis(500);

/// Who reads what from whom.
#[derive(Debug, Clone)]
pub struct FanOut {
    /// What distributes the frames.
    pub target: Target,
    /// Where readers come; on loopback, IPv4.
    pub readers_at: SocketAddr,
    /// Where frames are published.
    pub publish_at: SocketAddr,
    /// Path and query of a WebSocket.
    pub path: String,
    /// The server's process.
    pub pid: u32,
    /// What is published.
    pub frames: Frames,
    /// How many read.
    pub readers: usize,
    /// From one frame to the next.
    pub every: Duration,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// What distributed the frames.
    pub target: Target,
    /// Readers.
    pub readers: usize,
    /// Frames published.
    pub frames: usize,
    /// Their bytes.
    pub bytes: usize,
    /// Frames that readers were told; where a frame holds several versions, it is one.
    pub delivered: u64,
    /// Versions that readers were told; `readers` × `frames` where nothing was lost.
    pub versions: u64,
    /// Processor of the server, seconds.
    pub server_seconds: f64,
    /// The same for a frame that was delivered, µs.
    pub us_a_frame: f64,
    /// Processor of the readers, seconds.
    pub readers_seconds: f64,
    /// From just before a frame is published until a reader has all of it, ms.
    pub p50: f64,
    /// The same.
    pub p99: f64,
    /// The same.
    pub max: f64,
    /// Load average over the last minute, at the end.
    pub load: f64,
}

struct Hall {
    plan: FanOut,
    handshakes: Semaphore,
    buffer: RefCell<Vec<u8>>,
    /// When each frame was published.
    published: RefCell<Vec<Instant>>,
    latencies: RefCell<Histogram<u64>>,
    ready: Cell<usize>,
    delivered: Cell<u64>,
    versions: Cell<u64>,
    trouble: RefCell<Option<String>>,
}

/// Lets readers come, publishes every frame, and looks at what it cost.
///
/// # Errors
/// When readers cannot come or do not stay, a frame is not the one that was published, or the server's processor cannot be
/// read.
pub async fn read(plan: FanOut) -> io::Result<Found> {
    let latencies = Histogram::new_with_max(LONGEST, 3).map_err(io::Error::other)?;
    let hall = Rc::new(Hall {
        handshakes: Semaphore::new(HANDSHAKES),
        buffer: RefCell::new(vec![0; READ]),
        published: RefCell::default(),
        latencies: RefCell::new(latencies),
        ready: Cell::new(0),
        delivered: Cell::new(0),
        versions: Cell::new(0),
        trouble: RefCell::default(),
        plan,
    });
    let local = LocalSet::new();
    local.run_until(Rc::clone(&hall).run()).await
}

impl Hall {
    async fn run(self: Rc<Self>) -> io::Result<Found> {
        for nth in 0..self.plan.readers {
            let hall = Rc::clone(&self);
            spawn_local(async move {
                if let Err(error) = hall.follow(nth).await {
                    hall.trouble.borrow_mut().get_or_insert_with(|| format!("reader {nth}: {error}"));
                }
            });
        }
        self.until("all readers have come", PATIENCE, || self.ready.get() == self.plan.readers).await?;
        let mut publisher = Publisher::connect(self.plan.target, self.plan.publish_at).await?;
        sleep(SETTLES).await;
        let before = self.processors()?;
        let mut ticks = interval(self.plan.every);
        for (_, frame) in self.plan.frames.iter() {
            ticks.tick().await;
            self.published.borrow_mut().push(Instant::now());
            publisher.publish(frame).await?;
        }
        let all = (self.plan.readers * self.plan.frames.len()) as u64;
        let (mut told, mut since) = (self.versions.get(), Instant::now());
        while told < all && since.elapsed() < LATE {
            sleep(Duration::from_millis(20)).await;
            if self.versions.get() > told {
                (told, since) = (self.versions.get(), Instant::now());
            }
        }
        self.complain()?;
        sleep(SETTLES).await;
        let after = self.processors()?;
        Ok(self.found(after.0 - before.0, after.1 - before.1))
    }

    fn processors(&self) -> io::Result<(f64, f64)> {
        let of = |pid: Option<u32>| {
            processor(pid).ok_or_else(|| io::Error::other(format!("the processor of {pid:?} cannot be read")))
        };
        Ok((of(Some(self.plan.pid))?, of(None)?))
    }

    fn complain(&self) -> io::Result<()> {
        self.trouble.borrow_mut().take().map_or(Ok(()), |trouble| Err(io::Error::other(trouble)))
    }

    async fn until(&self, what: &str, patience: Duration, holds: impl Fn() -> bool) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        while !holds() {
            self.complain()?;
            if Instant::now() > deadline {
                let (ready, versions) = (self.ready.get(), self.versions.get());
                let what = format!(
                    "{what}: not within {patience:?}; {ready} have come, {versions} versions were told"
                );
                return Err(io::Error::other(what));
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn found(&self, server_seconds: f64, readers_seconds: f64) -> Found {
        let latencies = self.latencies.borrow();
        let ms = |us: u64| us as f64 / 1_000.0;
        let delivered = self.delivered.get();
        Found {
            target: self.plan.target,
            readers: self.plan.readers,
            frames: self.plan.frames.len(),
            bytes: self.plan.frames.bytes(),
            delivered,
            versions: self.versions.get(),
            server_seconds,
            us_a_frame: server_seconds * 1e6 / delivered.max(1) as f64,
            readers_seconds,
            p50: ms(latencies.value_at_quantile(0.5)),
            p99: ms(latencies.value_at_quantile(0.99)),
            max: ms(latencies.max()),
            load: load(),
        }
    }

    /// A reader's time.
    async fn follow(&self, nth: usize) -> Result<(), String> {
        let mut unframe = Unframe::new(self.plan.target);
        let mut held = None;
        let turn = self.handshakes.acquire().await.map_err(|error| error.to_string())?;
        let mut turn = Some(turn);
        let (stream, rest) = self.connect(nth).await.map_err(|error| error.to_string())?;
        self.take(&mut unframe, &rest, &mut held)?;
        loop {
            if held.is_some() {
                turn.take();
            }
            stream.readable().await.map_err(|error| error.to_string())?;
            let mut buffer = self.buffer.borrow_mut();
            match stream.try_read(&mut buffer) {
                Ok(0) => return Err("the server closed the connection".to_owned()),
                Ok(read) => self.take(&mut unframe, &buffer[..read], &mut held)?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// Takes bytes; notes how late each version is that they complete.
    fn take(&self, unframe: &mut Unframe, bytes: &[u8], held: &mut Option<u64>) -> Result<(), String> {
        let first = self.plan.frames.first();
        for event in unframe.take(bytes)? {
            match (event, *held) {
                (Event::Ready(_), Some(_)) => {}
                (Event::Ready(version), None) => {
                    *held = Some(version.max(first - 1));
                    self.ready.set(self.ready.get() + 1);
                }
                (Event::Frame(..), None) => return Err("a frame before it was subscribed".to_owned()),
                (Event::Frame(version, length), Some(had)) => {
                    let alone = version == had + 1;
                    if version <= had || (alone && self.plan.frames.length(version) != Some(length)) {
                        return Err(format!("version {version} of {length} bytes for one who had {had}"));
                    }
                    self.note(had + 1 - first..version + 1 - first);
                    *held = Some(version);
                }
            }
        }
        Ok(())
    }

    fn note(&self, places: std::ops::Range<u64>) {
        let now = Instant::now();
        let (published, mut latencies) = (self.published.borrow(), self.latencies.borrow_mut());
        self.delivered.set(self.delivered.get() + 1);
        self.versions.set(self.versions.get() + (places.end - places.start));
        for place in places {
            let at = usize::try_from(place).ok().and_then(|place| published.get(place));
            let late = at.map(|at| now.duration_since(*at)).unwrap_or_default();
            latencies.saturating_record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
        }
    }

    /// A connection that is subscribed, and what came with the answer to its handshake.
    async fn connect(&self, nth: usize) -> io::Result<(TcpStream, Vec<u8>)> {
        let socket = TcpSocket::new_v4()?;
        let host = u8::try_from(nth / OF_ONE_ADDRESS + 1).unwrap_or(u8::MAX);
        socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
        let mut stream = socket.connect(self.plan.readers_at).await?;
        stream.set_nodelay(true)?;
        if self.plan.target == Target::Tcp {
            return Ok((stream, Vec::new()));
        }
        let rest = self.upgrade(&mut stream).await?;
        match self.plan.target {
            Target::Mosquitto => {
                stream.write_all(&masked(&mqtt_connect(&format!("reader-{nth}")))).await?;
                stream.write_all(&masked(&mqtt_subscribe())).await?;
            }
            Target::Nats => {
                let subscribe = format!("{NATS_CONNECT}SUB {TOPIC} 1\r\nPING\r\n");
                stream.write_all(&masked(subscribe.as_bytes())).await?;
            }
            Target::Tcp | Target::Sanak => {}
        }
        Ok((stream, rest))
    }

    /// RFC 6455 §4.1; what came behind the answer.
    async fn upgrade(&self, stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let protocol =
            if self.plan.target == Target::Mosquitto { "Sec-WebSocket-Protocol: mqtt\r\n" } else { "" };
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{protocol}\r\n",
            self.plan.path, self.plan.readers_at
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(io::Error::other("the server broke off the handshake"));
            }
            let Some(ends) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
            if !answer.starts_with(b"HTTP/1.1 101") {
                let said = String::from_utf8_lossy(&answer[..ends]).into_owned();
                return Err(io::Error::other(format!("no WebSocket: {said}")));
            }
            return Ok(answer.split_off(ends + 4));
        }
    }
}

/// A short binary message of a client, under a mask of zeros: it changes nothing, and any mask is as good between two
/// processes.
fn masked(payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u16;
    let mut out = vec![0x82];
    match length {
        ..126 => out.push(0x80 | length as u8),
        _ => {
            out.push(0x80 | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_reader_of_a_broadcast_has_every_version_and_its_cost_is_known() {
        let (ready, begun) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(super::super::broadcast(|readers, publisher| {
            ready.send((readers, publisher)).unwrap();
        }));
        let (readers_at, publish_at) = begun.await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("frames");
        let frame = |version: u64| format!("{{\"version\":{version},\"units\":[{}]}}", "1".repeat(9_000));
        let framed = (2..7).flat_map(|version| {
            let frame = frame(version);
            [&u32::try_from(frame.len()).unwrap().to_be_bytes(), frame.as_bytes()].concat()
        });
        std::fs::write(&path, framed.collect::<Vec<u8>>()).unwrap();
        let plan = FanOut {
            target: Target::Tcp,
            readers_at,
            publish_at,
            path: String::new(),
            pid: std::process::id(),
            frames: Frames::read(&path).unwrap(),
            readers: 30,
            every: Duration::from_millis(5),
        };
        let found = read(plan).await.unwrap();
        assert_eq!((found.delivered, found.versions, found.frames), (150, 150, 5));
        assert!(found.p50 > 0.0 && found.p50 <= found.p99 && found.p99 <= found.max, "{found:?}");
        tokio::time::timeout(Duration::from_secs(5), server).await.unwrap().unwrap().unwrap();
    }

    #[test]
    fn messages_of_a_client_are_masked() {
        assert_eq!(masked(b"ab"), [0x82, 0x82, 0, 0, 0, 0, b'a', b'b']);
        assert_eq!(masked(&[7; 130])[..8], [0x82, 0xfe, 0, 130, 0, 0, 0, 0]);
    }
}
