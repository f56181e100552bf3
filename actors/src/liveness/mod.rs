//! Which devices are heard and which should be: the flags that clocks and heartbeats cause (W03, W06, W09,
//! W10), and the one state of each device for the situation room. [`election::liveness`] judges; this actor
//! gives it the signs and the time. A flag is put on record when it changes, and counts from then on.

#[cfg(test)]
mod tests;
mod watch;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use crate::{
    ports::{Recorder, Tempo},
    replay::Night,
    system::Alarms,
};
use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use election::{
    Code, Definition, DeviceId, PrecinctId, Timestamp,
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

/// The actor that watches over the devices.
pub struct Liveness {
    definition: Arc<Definition>,
    watches: BTreeMap<DeviceId, Watch>,
    raised: BTreeSet<(DeviceId, Code)>,
    /// Of devices that are not watched yet.
    marks: BTreeMap<DeviceId, Mark>,
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

/// The last signs that were taken of each device.
#[derive(Message)]
#[rtype(result = "BTreeMap<DeviceId, Mark>")]
pub(crate) struct Marks;

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
        let raised = night.raised.clone();
        of_keys_in_force(&mut marks, night.changes());
        for (device, watch) in &mut watches {
            watch.mark = marks.remove(device).unwrap_or_default();
            watch.clock = ClockFlag::standing(raised.contains(&(device.clone(), Code::W03)));
        }
        let mut liveness = Self { definition, watches, raised, marks, recorder, tempo, alarms };
        liveness.note();
        liveness
    }

    fn now(&self) -> Moment {
        Moment { night: self.tempo.now(), real: self.tempo.real() }
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

    /// Judges every device: its silence and lateness for the record, its state for the room.
    fn judge(&mut self) {
        let now = self.now();
        let limits = &self.definition.about().limits;
        let changes: Vec<_> = self
            .watches
            .iter()
            .filter(|(_, watch)| watch.signs.active)
            .flat_map(|(device, watch)| {
                let silent = (Code::W09, watch.signs.is_silent(limits, now));
                let late = (Code::W10, watch.signs.is_late(limits, now));
                [silent, late].map(|(code, raised)| (device, watch.precinct, code, raised))
            })
            .filter(|(device, _, code, raised)| self.raised.contains(&((*device).clone(), *code)) != *raised)
            .take(FLAGS_AT_ONCE)
            .map(|(device, precinct, code, raised)| (device.clone(), precinct, code, raised))
            .collect();
        for (device, precinct, code, raised) in changes {
            self.flag(&device, precinct, code, raised);
        }
        self.note();
    }

    /// Brings every device's state and history up to date, and the gauges.
    fn note(&mut self) {
        let now = self.now();
        let limits = &self.definition.about().limits;
        let mut counts = BTreeMap::new();
        for watch in self.watches.values_mut() {
            let state = watch.note(limits, now);
            *counts.entry((watch.signs.kind.as_str(), state)).or_insert(0) += 1;
        }
        for kind in [DeviceKind::Urn, DeviceKind::IdTerminal] {
            for state in DeviceLife::ALL {
                let count = counts.get(&(kind.as_str(), state)).copied().unwrap_or(0);
                self.alarms.devices.with_label_values(&[kind.as_str(), state.as_str()]).set(count);
            }
        }
    }

    fn row(&self, device: &DeviceId, watch: &Watch) -> DeviceRow {
        let flags = [Code::W03, Code::W06, Code::W09, Code::W10];
        let flags = flags.into_iter().filter(|code| self.raised.contains(&(device.clone(), *code)));
        watch.row(device, flags.collect())
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
        let flags = match watch.hear(heard.sign, limits, now) {
            Ok(flags) => flags,
            Err(stale) => return self.alarms.stale.with_label_values(&[stale.as_str()]).inc(),
        };
        watch.note(limits, now);
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
        let active = standing.status == DeviceStatus::Active;
        if !self.watches.contains_key(&standing.device) {
            let device = self.definition.devices().get(&standing.device);
            let watch =
                device.and_then(|device| Watch::new(&self.definition, device.kind, standing.precinct));
            if let Some(mut watch) = watch {
                watch.mark = self.marks.remove(&standing.device).unwrap_or_default();
                self.watches.insert(standing.device.clone(), watch);
            }
        }
        let now = self.now();
        if let Some(watch) = self.watches.get_mut(&standing.device) {
            watch.signs.active = active;
            watch.note(&self.definition.about().limits, now);
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
                true if devices.rows.len() < wanted.limit => devices.rows.push(self.row(device, watch)),
                true => devices.more = true,
                false => {}
            }
        }
        MessageResult(devices)
    }
}

impl Handler<Marks> for Liveness {
    type Result = MessageResult<Marks>;

    fn handle(&mut self, _: Marks, _: &mut Self::Context) -> Self::Result {
        let watched = self.watches.iter().map(|(device, watch)| (device.clone(), watch.mark));
        let heard = watched.filter(|(_, mark)| *mark != Mark::default());
        MessageResult(heard.chain(self.marks.clone()).collect())
    }
}

impl Handler<Describe> for Liveness {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, Describe(device): Describe, _: &mut Self::Context) -> Self::Result {
        let watch = self.watches.get(&device);
        MessageResult(
            watch.map(|watch| (self.row(&device, watch), watch.history.points().copied().collect())),
        )
    }
}
