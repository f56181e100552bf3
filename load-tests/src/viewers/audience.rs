//! The connections of viewers, and when each saw which version.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use election::PrecinctId;
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

use crate::rehearsal::{Latency, Recorder, Viewers};

use super::chain::{Chain, Kind};

/// Viewers that shake hands at once.
const HANDSHAKES: usize = 128;
/// A feed sends at least a ping every 10 s; after this much silence it is dead.
const SILENCE: Duration = Duration::from_secs(35);
/// Between attempts of one viewer: from the first to the second, and however many there were.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));
/// A slow viewer takes a frame so seldom.
const SLOW: Duration = Duration::from_secs(5);
/// One that comes and goes stays so long.
const STAYS: Duration = Duration::from_secs(7);
/// What a connection reads at once: there are thousands.
const READ: usize = 4 * 1_024;
/// Largest frame: a snapshot with every precinct of a country ten times Kyrgyzstan's.
const MAX_FRAME: usize = 128 << 20;
/// Versions between two frames of one viewer that are told apart.
const MOST_VERSIONS: u64 = 10_000;
/// Viewers of one address: a service lets a thousand connections of one client in. On loopback they have several.
const OF_ONE_ADDRESS: u64 = 800;
/// Endings that are kept in words.
const KEPT: usize = 20;

/// Who watches what.
#[derive(Debug, Clone)]
pub struct ViewersPlan {
    /// Where the platform is read: plain HTTP.
    pub http: SocketAddr,
    /// The election's id.
    pub election: String,
    /// How many.
    pub viewers: u64,
    /// What they follow (`units=`); the feed's default where it is `None`.
    pub units: Option<String>,
    /// How many of them take a frame only every five seconds.
    pub slow: u64,
    /// How many of them leave after seven seconds and come back with what they hold.
    pub reconnecting: u64,
    /// One more, that sees every precinct: frames are checked down to precincts, and known is which version shows which
    /// precinct as reported.
    pub witness: bool,
}

/// When precincts were complete, by the fleet's intention, after the recorder's beginning.
pub type Completed = HashMap<PrecinctId, Duration>;

/// Viewers that watch.
pub struct Audience {
    hall: Arc<Hall>,
    asked: u64,
    stop: watch::Sender<bool>,
    viewers: JoinSet<()>,
}

/// What all viewers share.
struct Hall {
    plan: ViewersPlan,
    opened: Instant,
    handshakes: Semaphore,
    chain: Mutex<Chain>,
    witnessed: Mutex<Chain>,
    /// By version: in which millisecond how many viewers had it.
    arrivals: Mutex<BTreeMap<u64, HashMap<u32, u32>>>,
    connected: AtomicU64,
    most: AtomicU64,
    attempts: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    ended: AtomicU64,
    endings: Mutex<Vec<String>>,
}

/// How a viewer takes frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Steady,
    Slow,
    Reconnecting,
    Witness,
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Audience {
    /// Lets them come, a hundred and twenty-eight at once.
    pub fn open(plan: ViewersPlan) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (slow, coming) = (plan.slow, plan.slow + plan.reconnecting);
        let (asked, witness) = (plan.viewers, plan.witness);
        let hall = Arc::new(Hall {
            plan,
            opened: Instant::now(),
            handshakes: Semaphore::new(HANDSHAKES),
            chain: Mutex::default(),
            witnessed: Mutex::default(),
            arrivals: Mutex::default(),
            connected: AtomicU64::new(0),
            most: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            endings: Mutex::default(),
        });
        let manners = (0..asked).map(|nth| match nth {
            nth if nth < slow => Manner::Slow,
            nth if nth < coming => Manner::Reconnecting,
            _ => Manner::Steady,
        });
        let mut viewers = JoinSet::new();
        for (nth, manner) in (0..).zip(manners.chain(witness.then_some(Manner::Witness))) {
            let (hall, mut stopped) = (Arc::clone(&hall), stopped.clone());
            viewers.spawn(async move {
                tokio::select! {
                    () = hall.watch(nth, manner) => {}
                    _ = stopped.wait_for(|stopped| *stopped) => {}
                }
            });
        }
        Self { hall, asked, stop, viewers }
    }

    /// How many are on line, without the witness.
    pub fn connected(&self) -> u64 {
        self.hall.connected.load(Ordering::Relaxed)
    }

    /// Frames taken so far.
    pub fn frames(&self) -> u64 {
        self.hall.frames.load(Ordering::Relaxed)
    }

    /// Invariants that frames broke so far.
    pub fn breaches(&self) -> u64 {
        locked(&self.hall.chain).breaches + locked(&self.hall.witnessed).breaches
    }

    /// How many precincts the witness has seen report.
    pub fn reported(&self) -> u64 {
        locked(&self.hall.witnessed).reported.len() as u64
    }

    /// Ends it: what they saw. Where it is known when precincts were complete, the recorder is told how much later each
    /// viewer saw it.
    pub async fn close(mut self, completed: Option<(&Completed, &Recorder)>) -> Viewers {
        self.stop.send_replace(true);
        while self.viewers.join_next().await.is_some() {}
        if let Some((completed, recorder)) = completed {
            self.hall.tell_latencies(completed, recorder);
        }
        let corrected = self.hall.corrections().await;
        let mut seen = self.hall.seen(corrected);
        seen.asked = self.asked;
        seen
    }
}

impl Hall {
    /// A viewer's night, through every interruption.
    async fn watch(&self, nth: u64, manner: Manner) {
        let mut held: Option<(Arc<str>, u64)> = None;
        let mut failures = 0;
        loop {
            let ended = match self.connect(nth, manner, held.as_ref()).await {
                Ok(feed) => {
                    failures = 0;
                    self.came(manner, true);
                    let ended = self.follow(feed, manner, &mut held).await;
                    self.came(manner, false);
                    ended
                }
                Err(why) => Some(why),
            };
            if let Some(why) = ended {
                self.ended.fetch_add(1, Ordering::Relaxed);
                let mut endings = locked(&self.endings);
                if endings.len() < KEPT {
                    endings.push(why);
                }
                failures += 1;
            }
            let wait = AGAIN.1.min(AGAIN.0 * (1 << u32::min(failures, 4)));
            sleep(if failures == 0 { Duration::from_millis(100) } else { wait }).await;
        }
    }

    fn came(&self, manner: Manner, came: bool) {
        if manner == Manner::Witness {
            return;
        }
        if came {
            let now = self.connected.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
        } else {
            self.connected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    async fn connect(
        &self,
        nth: u64,
        manner: Manner,
        held: Option<&(Arc<str>, u64)>,
    ) -> Result<WebSocketStream<TcpStream>, String> {
        let _turn = self.handshakes.acquire().await.map_err(|why| why.to_string())?;
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let shaken = timeout(SILENCE, async {
            let stream = self.reach(nth).await.map_err(|why| why.to_string())?;
            let config = WebSocketConfig::default()
                .read_buffer_size(READ)
                .write_buffer_size(0)
                .max_message_size(Some(MAX_FRAME))
                .max_frame_size(Some(MAX_FRAME));
            let url = self.url(manner, held);
            let shaken = client_async_with_config(url, stream, Some(config)).await;
            shaken.map(|(feed, _)| feed).map_err(|why| why.to_string())
        });
        shaken.await.unwrap_or_else(|_| Err("no answer to a handshake within 35 s".to_owned()))
    }

    /// A connection; on loopback from an address of its own for every eight hundred viewers.
    async fn reach(&self, nth: u64) -> io::Result<TcpStream> {
        let socket = match self.plan.http {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if self.plan.http.ip() == Ipv4Addr::LOCALHOST {
            let host = u8::try_from(nth / OF_ONE_ADDRESS + 1).unwrap_or(u8::MAX);
            socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 0, host), 0)))?;
        }
        socket.connect(self.plan.http).await
    }

    fn url(&self, manner: Manner, held: Option<&(Arc<str>, u64)>) -> String {
        let units = match (manner, &self.plan.units) {
            (Manner::Witness, _) => "units=country,abroad,regions,raions,districts,precincts".to_owned(),
            (_, Some(units)) => format!("units={units}"),
            (_, None) => String::new(),
        };
        let since = held.map_or_else(String::new, |(epoch, version)| format!("&since={epoch}:{version}"));
        format!("ws://{}/api/v1/elections/{}/live?{units}{since}", self.plan.http, self.plan.election)
    }

    /// Takes frames until the connection ends; why, unless the viewer ended it.
    async fn follow(
        &self,
        mut feed: WebSocketStream<TcpStream>,
        manner: Manner,
        held: &mut Option<(Arc<str>, u64)>,
    ) -> Option<String> {
        let began = Instant::now();
        loop {
            let stays = match manner {
                Manner::Reconnecting => STAYS.saturating_sub(began.elapsed()),
                _ => SILENCE,
            };
            let message = match timeout(stays, feed.next()).await {
                Err(_) if manner == Manner::Reconnecting => return None,
                Err(_) => return Some("nothing was heard for 35 s".to_owned()),
                Ok(None) => return Some("the feed ended".to_owned()),
                Ok(Some(Err(why))) => return Some(why.to_string()),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => self.take(&text, manner, held),
                Message::Close(reason) => return Some(format!("the feed was closed: {reason:?}")),
                _ => continue,
            }
            if manner == Manner::Slow {
                sleep(SLOW).await;
            }
        }
    }

    /// Takes a frame as PROTOCOL §3 says.
    fn take(&self, text: &str, manner: Manner, held: &mut Option<(Arc<str>, u64)>) {
        let now = self.opened.elapsed();
        let chain = if manner == Manner::Witness { &self.witnessed } else { &self.chain };
        let taken = locked(chain).take(text);
        let Some(frame) = taken else { return };
        if manner != Manner::Witness {
            self.frames.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(text.len() as u64, Ordering::Relaxed);
        }
        let Some((epoch, before)) = held.as_ref().map(|(epoch, version)| (Arc::clone(epoch), *version))
        else {
            if frame.kind != Kind::Snapshot {
                locked(chain).breach(format!("the first frame of a reader is {:?}", frame.kind));
            }
            *held = Some((Arc::clone(&frame.epoch), frame.version));
            return;
        };
        let fits = match frame.kind {
            Kind::Snapshot => true,
            Kind::Delta { from } => frame.epoch == epoch && from <= before && before < frame.version,
            Kind::Ping => frame.epoch == epoch && frame.version <= before,
        };
        if !fits {
            let (kind, version) = (frame.kind, frame.version);
            locked(chain).breach(format!("{kind:?} to {version} for a reader that holds {before}"));
        }
        if frame.kind == Kind::Ping {
            return;
        }
        if matches!(manner, Manner::Steady) && frame.epoch == epoch && frame.version > before {
            let ms = u32::try_from(now.as_millis()).unwrap_or(u32::MAX);
            let mut arrivals = locked(&self.arrivals);
            for version in (before + 1).max(frame.version.saturating_sub(MOST_VERSIONS))..=frame.version {
                *arrivals.entry(version).or_default().entry(ms).or_default() += 1;
            }
        }
        *held = Some((Arc::clone(&frame.epoch), frame.version));
    }

    /// Each precinct was complete at a moment; each viewer had the version that shows it at another.
    fn tell_latencies(&self, completed: &Completed, recorder: &Recorder) {
        let arrivals = locked(&self.arrivals);
        for reported in &locked(&self.witnessed).reported {
            let precinct = PrecinctId::new(reported.precinct);
            let Some(offset) = precinct.and_then(|precinct| completed.get(&precinct)) else { continue };
            let at = recorder.begin() + *offset;
            for (ms, viewers) in arrivals.get(&reported.version).into_iter().flatten() {
                let seen = self.opened + Duration::from_millis(u64::from(*ms) + 1);
                recorder.frames(at, seen.saturating_duration_since(at), *viewers);
            }
        }
    }

    /// Whether the platform has published corrections: they may explain a count that fell.
    async fn corrections(&self) -> bool {
        let path = format!("/api/v1/elections/{}/corrections", self.plan.election);
        let list = crate::http::Api::new(self.plan.http).get::<serde_json::Value>(&path).await;
        let list = list.unwrap_or_default();
        let lists = |value: &serde_json::Value| value.as_array().is_some_and(|list| !list.is_empty());
        lists(&list) || list.as_object().is_some_and(|object| object.values().any(lists))
    }

    fn seen(&self, corrected: bool) -> Viewers {
        let (mut chain, mut witnessed) = (locked(&self.chain), locked(&self.witnessed));
        for chain in [&mut chain, &mut witnessed] {
            let fallen = if corrected { Vec::new() } else { std::mem::take(&mut chain.fallen) };
            fallen.into_iter().for_each(|what| chain.breach(format!("without a correction, {what}")));
        }
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Viewers {
            asked: 0,
            connected: count(&self.most),
            attempts: count(&self.attempts),
            frames: count(&self.frames),
            bytes: count(&self.bytes),
            distinct: chain.distinct + witnessed.distinct,
            versions: chain.versions,
            spread: spread(&locked(&self.arrivals)),
            breaches: chain.breaches + witnessed.breaches,
            breached: chain.breached.iter().chain(&witnessed.breached).take(50).cloned().collect(),
            ended: count(&self.ended),
            endings: locked(&self.endings).clone(),
        }
    }
}

/// How much later than the first viewer the others had each version.
fn spread(arrivals: &BTreeMap<u64, HashMap<u32, u32>>) -> Latency {
    let Ok(mut histogram) = Histogram::<u64>::new(3) else { return Latency::default() };
    for times in arrivals.values() {
        let first = times.keys().min().copied().unwrap_or(0);
        for (ms, viewers) in times {
            histogram.saturating_record_n(u64::from(ms - first) * 1_000 + 1, u64::from(*viewers));
        }
    }
    Latency::of(&histogram)
}
