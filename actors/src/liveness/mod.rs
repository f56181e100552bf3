//! Which devices are heard and which should be: the flags that clocks and heartbeats cause (W03, W06, W09,
//! W10), and the one state of each device for the situation room. [`election::liveness`] judges; this actor
//! gives it the signs and the time. A flag is put on record when it changes, and counts from then on.

#[cfg(test)]
mod tests;
mod watch;

use std::{collections::BTreeMap, ops::Bound, sync::Arc, time::Duration};

use crate::{
    ports::{Recorder, Tempo},
    replay::Night,
    system::Alarms,
};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use election::{
    Code, Definition, DeviceId, Limits, PrecinctId, Timestamp,
    definition::{DeviceKind, DeviceStatus},
    liveness::{ClockFlag, DeviceLife, DeviceList, DeviceRow, DevicesWanted, Mark, Moment, Point},
    record::{Change, Observation},
    report::{DeviceState, Heartbeat},
};
use watch::Watch;

/// How often silence and lateness are judged, in real time.
const JUDGE_EVERY: Duration = Duration::from_secs(1);

/// Most flags put on record in one judgement, so that reports need not wait behind them.
const FLAGS_AT_ONCE: usize = 1_000;

/// Most devices judged at once, a few milliseconds. Of a million each is judged every ten seconds: silence and lateness
/// are matters of minutes.
const JUDGED_AT_ONCE: usize = if cfg!(test) { 2 } else { 100_000 };

/// The actor that watches over the devices.
pub struct Liveness {
    definition: Arc<Definition>,
    watches: BTreeMap<DeviceId, Watch>,
    /// The last device that was judged; `None` where the next is the first.
    judged: Option<DeviceId>,
    /// How many devices of each kind are in each state.
    counts: BTreeMap<(&'static str, &'static str), i64>,
    /// Of devices that are not watched yet.
    marks: BTreeMap<DeviceId, Mark>,
    /// How many signs were taken that changed a mark.
    taken: u64,
    recorder: Arc<dyn Recorder>,
    tempo: Arc<dyn Tempo>,
    alarms: Alarms,
}

/// A device was heard, or something was heard of it.
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
#[derive(Debug, Clone)]
pub enum Sign {
    /// A report.
    Report {
        /// Its final one, which counts.
        last: bool,
    },
    /// A heartbeat.
    Heartbeat(Box<Heartbeat>),
    /// A state message, or its Last Will.
    State(DeviceState),
    /// It is connected; it has said nothing yet.
    Connected,
    /// Its connection is gone.
    Gone,
}

/// A decision changed a device's standing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Standing {
    pub device: DeviceId,
    pub precinct: PrecinctId,
    pub status: DeviceStatus,
}

/// A device's final report counts: one that was held until a decision was taken.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Finished(pub DeviceId);

/// A device has another key: what the old one signed no longer stands in its way.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Rekeyed(pub DeviceId);

#[derive(Message)]
#[rtype(result = "DeviceList")]
pub(crate) struct List(pub DevicesWanted);

/// The last signs that were taken of each device, unless there are no others since so many were taken.
#[derive(Message)]
#[rtype(result = "Option<Marked>")]
pub(crate) struct Marks(pub u64);

/// The last signs that were taken of each device.
#[derive(Debug)]
pub struct Marked {
    /// How many were taken since the start.
    pub taken: u64,
    /// In no order, each device once.
    pub marks: Vec<(DeviceId, Mark)>,
}

/// One device and its history, oldest first.
#[derive(Message)]
#[rtype(result = "Option<(DeviceRow, Vec<Point>)>")]
pub(crate) struct Describe(pub DeviceId);

impl Liveness {
    /// `marks` are what was taken of devices before the start.
    pub(crate) fn new(
        night: &Night,
        mut marks: BTreeMap<DeviceId, Mark>,
        recorder: Arc<dyn Recorder>,
        tempo: Arc<dyn Tempo>,
        alarms: Alarms,
    ) -> Self {
        let definition = Arc::clone(&night.definition);
        let real = tempo.real();
        let mut watches = BTreeMap::new();
        for device in definition.devices().values().filter(|device| device.status == DeviceStatus::Revoked) {
            let watch = device.precinct.and_then(|at| Watch::new(&definition, device.kind, at));
            if let Some(mut watch) = watch {
                watch.signs.active = false;
                watches.insert(device.id.clone(), watch);
            }
        }
        for precinct in night.precincts.values() {
            for device in precinct.devices() {
                let Some(mut watch) = Watch::new(&definition, device.kind, precinct.id()) else { continue };
                watch.signs.finished = device.finished;
                watch.signs.active = device.active;
                let heard = device.reports.iter().map(|report| report.arrived).max();
                // Silence is judged from the start of the service on: what came before, it did not hear.
                watch.signs.heard = heard.map(|night| Moment { night, real });
                watches.insert(device.id.clone(), watch);
            }
        }
        for (device, code) in &night.raised {
            if let Some(watch) = watches.get_mut(device) {
                watch.raised.set(*code, true);
            }
        }
        of_keys_in_force(&mut marks, night.changes());
        // Packed: what was inserted in order leaves half of each node empty.
        let mut watches: BTreeMap<DeviceId, Watch> = watches.into_iter().collect();
        let mut counts = BTreeMap::new();
        let now = Moment { night: tempo.now(), real };
        for (device, watch) in &mut watches {
            watch.mark = marks.remove(device).unwrap_or_default();
            watch.clock = ClockFlag::standing(watch.raised.has(Code::W03));
            let state = watch.note(&definition.about().limits, now);
            *counts.entry((watch.signs.kind.as_str(), state.as_str())).or_default() += 1;
        }
        let liveness =
            Self { definition, watches, judged: None, counts, marks, taken: 0, recorder, tempo, alarms };
        liveness.show();
        liveness
    }

    fn now(&self) -> Moment {
        Moment { night: self.tempo.now(), real: self.tempo.real() }
    }

    /// Puts a change of a flag on record. Where there is no room for it now, it has not changed yet.
    fn flag(&mut self, device: &DeviceId, precinct: PrecinctId, code: Code, raised: bool) {
        let Some(watch) = self.watches.get_mut(device).filter(|watch| watch.raised.has(code) != raised)
        else {
            return;
        };
        let observation = Observation::Device { precinct, device: device.clone(), code, raised };
        if self.recorder.record(observation, self.tempo.now()) {
            watch.raised.set(code, raised);
        }
    }

    /// Judges the next devices: their silence and lateness for the record, their states for the room.
    fn judge(&mut self) {
        let now = self.now();
        let limits = &self.definition.about().limits;
        let from = self.judged.take().map_or(Bound::Unbounded, Bound::Excluded);
        let mut changes = Vec::new();
        let mut judged = 0;
        for (device, watch) in self.watches.range_mut((from, Bound::Unbounded)) {
            noted(&mut self.counts, watch, limits, now);
            let silent = (Code::W09, watch.signs.is_silent(limits, now));
            let late = (Code::W10, watch.signs.is_late(limits, now));
            let of_it =
                [silent, late].into_iter().filter(|(code, raised)| watch.raised.has(*code) != *raised);
            if watch.signs.active {
                changes.extend(of_it.map(|(code, raised)| (device.clone(), watch.precinct, code, raised)));
            }
            judged += 1;
            if judged == JUDGED_AT_ONCE || changes.len() >= FLAGS_AT_ONCE {
                self.judged = Some(device.clone());
                break;
            }
        }
        for (device, precinct, code, raised) in changes {
            self.flag(&device, precinct, code, raised);
        }
        self.show();
    }

    /// Brings the gauges up to date.
    fn show(&self) {
        for kind in [DeviceKind::Urn, DeviceKind::IdTerminal] {
            for state in DeviceLife::ALL {
                let of = (kind.as_str(), state.as_str());
                let count = self.counts.get(&of).copied().unwrap_or(0);
                self.alarms.devices.with_label_values(&[of.0, of.1]).set(count);
            }
        }
    }
}

/// Brings a device's state and history up to date, and how many are in each state.
fn noted(
    counts: &mut BTreeMap<(&'static str, &'static str), i64>,
    watch: &mut Watch,
    limits: &Limits,
    now: Moment,
) {
    let kind = watch.signs.kind.as_str();
    let before = watch.state;
    let after = watch.note(limits, now);
    if before != after {
        *counts.entry((kind, before.as_str())).or_default() -= 1;
        *counts.entry((kind, after.as_str())).or_default() += 1;
    }
}

/// Keeps the marks of keys that are in force: one that was made before a device was given another key is of no use.
fn of_keys_in_force(marks: &mut BTreeMap<DeviceId, Mark>, changes: &[(DeviceId, Change)]) {
    let mut before = BTreeMap::<&DeviceId, u64>::new();
    let keys = changes.iter().filter(|(_, change)| matches!(change, Change::Key(_)));
    keys.for_each(|(device, _)| *before.entry(device).or_default() += 1);
    marks.retain(|device, mark| mark.key == before.get(device).copied().unwrap_or_default());
    for (device, key) in before {
        marks.entry(device.clone()).or_insert_with(|| Mark::of_key(key));
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
        let now = Moment { night: heard.arrived, real: self.tempo.real() };
        let limits = &self.definition.about().limits;
        let Some(watch) = self.watches.get_mut(&heard.device) else { return };
        let marks = matches!(heard.sign, Sign::Heartbeat(_) | Sign::State(_));
        let flags = match watch.hear(heard.sign, limits, now) {
            Ok(flags) => flags,
            Err(stale) => return self.alarms.stale.with_label_values(&[stale.as_str()]).inc(),
        };
        self.taken += u64::from(marks);
        noted(&mut self.counts, watch, limits, now);
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
        if let Observation::Device { device, code, raised, .. } = observation
            && let Some(watch) = self.watches.get_mut(&device)
        {
            watch.raised.set(code, !raised);
        }
    }
}

impl Handler<Standing> for Liveness {
    type Result = ();

    fn handle(&mut self, standing: Standing, _: &mut Self::Context) {
        let active = standing.status == DeviceStatus::Active;
        if !self.watches.contains_key(&standing.device) {
            let device = self.definition.devices().get(&standing.device);
            let watch =
                device.and_then(|device| Watch::new(&self.definition, device.kind, standing.precinct));
            if let Some(mut watch) = watch {
                watch.mark = self.marks.remove(&standing.device).unwrap_or_default();
                *self.counts.entry((watch.signs.kind.as_str(), watch.state.as_str())).or_default() += 1;
                self.watches.insert(standing.device.clone(), watch);
            }
        }
        let now = self.now();
        if let Some(watch) = self.watches.get_mut(&standing.device) {
            watch.signs.active = active;
            noted(&mut self.counts, watch, &self.definition.about().limits, now);
        }
        if !active {
            for code in [Code::W09, Code::W10] {
                self.flag(&standing.device, standing.precinct, code, false);
            }
        }
    }
}

impl Handler<Rekeyed> for Liveness {
    type Result = ();

    fn handle(&mut self, Rekeyed(device): Rekeyed, _: &mut Self::Context) {
        let mark = match self.watches.get_mut(&device) {
            Some(watch) => &mut watch.mark,
            None => self.marks.entry(device).or_default(),
        };
        *mark = Mark::of_key(mark.key + 1);
        self.taken += 1;
    }
}

impl Handler<Finished> for Liveness {
    type Result = ();

    fn handle(&mut self, Finished(device): Finished, _: &mut Self::Context) {
        if let Some(watch) = self.watches.get_mut(&device) {
            watch.signs.finished = true;
        }
    }
}

impl Handler<List> for Liveness {
    type Result = MessageResult<List>;

    fn handle(&mut self, List(wanted): List, _: &mut Self::Context) -> Self::Result {
        let mut devices = DeviceList::default();
        for (device, watch) in &self.watches {
            let here = wanted.precinct.is_none_or(|precinct| watch.precinct == precinct)
                && wanted.kind.is_none_or(|kind| watch.signs.kind == kind);
            if !here {
                continue;
            }
            *devices.counts.entry(watch.state).or_default() += 1;
            let listed = wanted.state.is_none_or(|state| watch.state == state)
                && wanted.after.as_ref().is_none_or(|after| device > after);
            match listed {
                true if devices.rows.len() < wanted.limit => devices.rows.push(watch.row(device)),
                true => devices.more = true,
                false => {}
            }
        }
        MessageResult(devices)
    }
}

impl Handler<Marks> for Liveness {
    type Result = MessageResult<Marks>;

    fn handle(&mut self, Marks(since): Marks, _: &mut Self::Context) -> Self::Result {
        let taken = self.taken;
        MessageResult((taken != since).then(|| {
            let watched = self.watches.iter().map(|(device, watch)| (device, watch.mark));
            let heard = watched.filter(|(_, mark)| *mark != Mark::default());
            let others = self.marks.iter().map(|(device, mark)| (device, *mark));
            let marks = heard.chain(others).map(|(device, mark)| (device.clone(), mark)).collect();
            Marked { taken, marks }
        }))
    }
}

impl Handler<Describe> for Liveness {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, Describe(device): Describe, _: &mut Self::Context) -> Self::Result {
        let watch = self.watches.get(&device);
        MessageResult(watch.map(|watch| (watch.row(&device), watch.history.points().copied().collect())))
    }
}
