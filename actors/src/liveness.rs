//! Which devices are heard and which should be: the flags that clocks and heartbeats cause (W03, W06, W09,
//! W10). Each is put on record when it changes, and counts from then on.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message};
use election::{
    Code, Definition, DeviceId, PrecinctId, Timestamp,
    definition::{DeviceKind, DeviceStatus},
    record::Observation,
    report::Presence,
};

use crate::{
    ports::{Recorder, Tempo},
    replay::Night,
};

/// How often silence and lateness are judged, in real time.
const JUDGE_EVERY: Duration = Duration::from_secs(1);
/// Silence is never judged sooner than this, in real time: a simulated hour may be shorter than the way of a
/// message (PROTOCOL §4, simulated time).
const SILENT_AT_LEAST: Duration = Duration::from_secs(10);

/// Most flags put on record in one judgement, so that reports need not wait behind them.
const FLAGS_AT_ONCE: usize = 1_000;

/// The actor that watches over the devices.
pub struct Liveness {
    definition: Arc<Definition>,
    watches: HashMap<DeviceId, Watch>,
    raised: BTreeSet<(DeviceId, Code)>,
    recorder: Arc<dyn Recorder>,
    tempo: Arc<dyn Tempo>,
}

/// What is known of one device.
struct Watch {
    kind: DeviceKind,
    precinct: PrecinctId,
    heard: Option<Timestamp>,
    heard_real: Instant,
    counter: u64,
    boot: u64,
    presence: Option<Presence>,
    finished: bool,
}

/// A device was heard.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Heard {
    /// Which.
    pub device: DeviceId,
    /// When, by the centre's clock.
    pub arrived: Timestamp,
    /// In what way.
    pub sign: Sign,
}

/// The way in which a device was heard.
#[derive(Debug, Clone, Copy)]
pub enum Sign {
    /// A report.
    Report {
        /// Its final one, which counts.
        last: bool,
    },
    /// A heartbeat.
    Heartbeat {
        /// The device's own clock.
        at: Timestamp,
        /// Rises with every heartbeat.
        counter: u64,
    },
    /// A state message, or its Last Will.
    State {
        /// What it says.
        presence: Presence,
        /// Rises with every CONNECT.
        boot: u64,
    },
}

/// A decision changed a device's standing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Standing {
    pub device: DeviceId,
    pub precinct: PrecinctId,
    pub status: DeviceStatus,
}

impl Liveness {
    pub(crate) fn new(night: &Night, recorder: Arc<dyn Recorder>, tempo: Arc<dyn Tempo>) -> Self {
        let mut watches = HashMap::new();
        for precinct in night.precincts.values() {
            for device in precinct.devices().filter(|device| device.active) {
                let mut watch = Watch::new(device.kind, precinct.id());
                watch.finished = device.finished;
                watches.insert(device.id.clone(), watch);
            }
        }
        let definition = Arc::clone(&night.definition);
        Self { definition, watches, raised: night.raised.clone(), recorder, tempo }
    }

    /// Puts a change of a flag on record. Where there is no room for it now, it has not changed yet.
    fn flag(&mut self, device: &DeviceId, precinct: PrecinctId, code: Code, raised: bool) {
        let key = (device.clone(), code);
        if self.raised.contains(&key) == raised {
            return;
        }
        let observation = Observation::Device { precinct, device: device.clone(), code, raised };
        if self.recorder.record(observation, self.tempo.now()) {
            self.set(key, raised);
        }
    }

    fn set(&mut self, key: (DeviceId, Code), raised: bool) {
        if raised {
            self.raised.insert(key);
        } else {
            self.raised.remove(&key);
        }
    }

    /// Judges every device's silence and lateness.
    fn judge(&mut self) {
        let now = self.tempo.now();
        let changes: Vec<_> = self
            .watches
            .iter()
            .flat_map(|(device, watch)| {
                let silent = (Code::W09, watch.is_silent(&self.definition, now));
                let late = (Code::W10, watch.is_late(&self.definition, now));
                [silent, late].map(|(code, raised)| (device.clone(), watch.precinct, code, raised))
            })
            .filter(|(device, _, code, raised)| self.raised.contains(&(device.clone(), *code)) != *raised)
            .collect();
        for (device, precinct, code, raised) in changes.into_iter().take(FLAGS_AT_ONCE) {
            self.flag(&device, precinct, code, raised);
        }
    }
}

impl Watch {
    fn new(kind: DeviceKind, precinct: PrecinctId) -> Self {
        Self {
            kind,
            precinct,
            heard: None,
            heard_real: Instant::now(),
            counter: 0,
            boot: 0,
            presence: None,
            finished: false,
        }
    }

    /// An ID terminal is expected on line while its polls are open; an urn only after they close.
    fn is_silent(&self, definition: &Definition, now: Timestamp) -> bool {
        let Some(precinct) = definition.precincts().get(&self.precinct) else { return false };
        let about = definition.about();
        let opened = precinct.polls_close - about.polls_close.since(about.polls_open);
        let expected = self.kind == DeviceKind::IdTerminal && opened <= now && now < precinct.polls_close;
        let since = now.since(self.heard.unwrap_or_default().max(opened));
        expected
            && since > Duration::from_secs(about.limits.silent_s)
            && self.heard_real.elapsed() > SILENT_AT_LEAST
    }

    fn is_late(&self, definition: &Definition, now: Timestamp) -> bool {
        let Some(precinct) = definition.precincts().get(&self.precinct) else { return false };
        let limit = Duration::from_secs(definition.about().limits.late_s);
        !self.finished && now > precinct.polls_close + limit
    }

    /// An urn on line before its precinct closes is an incident.
    fn is_early(&self, definition: &Definition, now: Timestamp) -> bool {
        let tolerance = Duration::from_secs(definition.about().limits.early_tolerance_s);
        let precinct = definition.precincts().get(&self.precinct);
        self.kind == DeviceKind::Urn && precinct.is_some_and(|at| now + tolerance < at.polls_close)
    }
}

impl Actor for Liveness {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(65_536);
        ctx.run_interval(JUDGE_EVERY, |liveness, _| liveness.judge());
    }
}

impl Handler<Heard> for Liveness {
    type Result = ();

    fn handle(&mut self, heard: Heard, _: &mut Self::Context) {
        let limit = Duration::from_secs(self.definition.about().limits.clock_s);
        let Some(watch) = self.watches.get_mut(&heard.device) else { return };
        let mut flags = Vec::new();
        match heard.sign {
            Sign::Report { last } => watch.finished |= last,
            Sign::Heartbeat { counter, .. } if counter <= watch.counter => return,
            Sign::Heartbeat { at, counter } => {
                watch.counter = counter;
                let off = at.since(heard.arrived).max(heard.arrived.since(at));
                flags.push((Code::W03, off > limit));
            }
            Sign::State { boot, .. } if boot < watch.boot => return,
            Sign::State { presence, boot } => {
                watch.boot = boot;
                watch.presence = Some(presence);
            }
        }
        let gone = matches!(heard.sign, Sign::State { presence: Presence::Offline, .. });
        if !gone {
            watch.heard = watch.heard.max(Some(heard.arrived));
            watch.heard_real = Instant::now();
            flags.push((Code::W09, false));
            // A report that comes too early has a code of its own (Q01).
            if !matches!(heard.sign, Sign::Report { .. }) && watch.is_early(&self.definition, heard.arrived) {
                flags.push((Code::W06, true));
            }
        }
        let precinct = watch.precinct;
        for (code, raised) in flags {
            self.flag(&heard.device, precinct, code, raised);
        }
    }
}

/// An observation did not reach stable storage.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Unrecorded(pub Observation);

impl Handler<Unrecorded> for Liveness {
    type Result = ();

    fn handle(&mut self, Unrecorded(observation): Unrecorded, _: &mut Self::Context) {
        if let Observation::Device { device, code, raised, .. } = observation {
            self.set((device, code), !raised);
        }
    }
}

impl Handler<Standing> for Liveness {
    type Result = ();

    fn handle(&mut self, standing: Standing, _: &mut Self::Context) {
        if standing.status == DeviceStatus::Active {
            if let Some(device) = self.definition.devices().get(&standing.device) {
                let watch = Watch::new(device.kind, standing.precinct);
                self.watches.entry(standing.device).or_insert(watch);
            }
            return;
        }
        self.watches.remove(&standing.device);
        for code in [Code::W09, Code::W10] {
            self.flag(&standing.device, standing.precinct, code, false);
        }
    }
}
