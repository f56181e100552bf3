//! The night as a fold over the journal: what start-up, `journal replay` and an auditor do.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use election::{
    Code, Correction, Definition, DeviceId, PrecinctId, Timestamp, UnitId,
    figures::{BrokenSum, Figures},
    precinct::{Objection, Precinct},
    record::{Change, Decision, Observation},
    rollup::{Contributions, empty_units},
    seats::Drawn,
    sequence::{Line, Recorded},
};
use feed::Series;
use journal::{Entry, Journaled};

use crate::{
    precinct::{Taken, take},
    registry::concerned,
};

/// Time series have one point in this many milliseconds of the night.
const STEP_MS: u64 = 60_000;

/// Every precinct of the night, and what else follows from its records.
pub struct Night {
    pub(crate) definition: Arc<Definition>,
    pub(crate) precincts: BTreeMap<PrecinctId, Precinct>,
    pub(crate) contributions: Contributions,
    pub(crate) units: BTreeMap<UnitId, Figures>,
    dirty: BTreeSet<PrecinctId>,
    /// The last moment that an observation says was reached.
    pub(crate) reached: Timestamp,
    /// Flags that an observation raised and none has lowered.
    pub(crate) raised: BTreeSet<(DeviceId, Code)>,
    changes: Vec<(DeviceId, Change)>,
    /// Lots that were drawn, in the order of the journal.
    pub(crate) lots: Vec<Arc<Drawn>>,
    last_arrival: Option<Timestamp>,
    recorded: HashMap<DeviceId, Recorded>,
    /// Whether the service was started by a clock in doubt, and nobody has confirmed it since.
    clock_doubted: bool,
    /// Whether publication is held by the record, and did not go on since.
    pub(crate) publication_held: bool,
    reports: u64,
}

impl Night {
    /// The night before anything happened.
    pub fn new(definition: Arc<Definition>) -> Self {
        let precincts = Precinct::all(&definition);
        Self {
            dirty: precincts.keys().copied().collect(),
            precincts,
            contributions: Contributions::new(Arc::clone(&definition)),
            units: empty_units(&definition),
            reached: Timestamp::default(),
            raised: BTreeSet::new(),
            changes: Vec::new(),
            lots: Vec::new(),
            last_arrival: None,
            recorded: HashMap::new(),
            clock_doubted: false,
            publication_held: false,
            reports: 0,
            definition,
        }
    }

    /// Takes the next record. `series` gets a point for each step of the night that has passed.
    ///
    /// # Errors
    /// [`BrokenSum`], which no report can cause.
    pub fn take(&mut self, record: &Journaled<Entry>, series: &Series) -> Result<(), BrokenSum> {
        let arrival = record.arrival();
        let step = |at: Timestamp| at.millis() / STEP_MS;
        if self.last_arrival.is_some_and(|last| step(last) < step(arrival)) {
            self.settle()?;
            self.show(series);
        }
        self.last_arrival = self.last_arrival.max(Some(arrival));
        match record.entry() {
            Entry::Report(report) => {
                self.reports += 1;
                let judged = self.give(report.report().precinct, record).map(Taken::judged);
                let own = judged.iter().flatten().next();
                let equivocates = own.is_some_and(|own| own.codes.contains(&Code::S03));
                let recorded = self.recorded.entry(report.device().clone()).or_default();
                recorded.add(report.envelope().len() as u64, equivocates);
            }
            Entry::Decision(decision) => {
                if let Some(precinct) = decision.act.precinct() {
                    if let Some(Taken::Decided(Ok(_))) = self.give(precinct, record) {
                        self.changes.extend(decision.act.changes());
                    }
                } else if let Ok(Some(drawn)) = drawn(&self.definition, decision, record) {
                    self.lots.push(Arc::new(drawn));
                }
            }
            Entry::Observation(observation) => {
                match observation {
                    Observation::Clock { reached } => self.reached = self.reached.max(*reached),
                    Observation::ClockDoubted => self.clock_doubted = true,
                    Observation::ClockConfirmed { .. } => self.clock_doubted = false,
                    Observation::PublicationHeld { .. } => self.publication_held = true,
                    Observation::PublicationResumed => self.publication_held = false,
                    Observation::Device { device, code, raised: true, .. } => {
                        self.raised.insert((device.clone(), *code));
                    }
                    Observation::Device { device, code, raised: false, .. } => {
                        self.raised.remove(&(device.clone(), *code));
                    }
                }
                for precinct in concerned(&self.definition, observation) {
                    self.give(precinct, record);
                }
            }
        }
        Ok(())
    }

    fn give(&mut self, precinct: PrecinctId, record: &Journaled<Entry>) -> Option<Taken> {
        let state = self.precincts.get_mut(&precinct)?;
        self.dirty.insert(precinct);
        Some(take(state, record))
    }

    /// Adds up what has changed since the last time.
    ///
    /// # Errors
    /// [`BrokenSum`], which no report can cause.
    pub fn settle(&mut self) -> Result<(), BrokenSum> {
        self.settle_beside(|_| None)
    }

    /// The same. Figures that are shown as they are already are kept once, by both.
    ///
    /// # Errors
    /// [`BrokenSum`], which no report can cause.
    pub fn settle_beside(
        &mut self,
        shown: impl Fn(PrecinctId) -> Option<Arc<Figures>>,
    ) -> Result<(), BrokenSum> {
        for id in std::mem::take(&mut self.dirty) {
            let Some(precinct) = self.precincts.get(&id) else { continue };
            let Some(change) = self.contributions.put(id, precinct.figures()) else { continue };
            if let Some(shown) = shown(id) {
                self.contributions.share(id, &shown);
            }
            for unit in self.contributions.path(id).iter() {
                if let Some(figures) = self.units.get_mut(unit) {
                    figures.replace(unit, &change.before, &change.after)?;
                }
            }
        }
        Ok(())
    }

    fn show(&self, series: &Series) {
        let Some(at) = self.last_arrival else { return };
        for (unit, figures) in &self.units {
            series.record(at, unit, figures);
        }
    }

    /// Sums of every unit above precincts, as of the last [`Night::settle`].
    pub fn units(&self) -> &BTreeMap<UnitId, Figures> {
        &self.units
    }

    /// Everything in one cut, as of the last [`Night::settle`]: what the platform would publish now.
    pub fn cut(&self, speed: f64) -> feed::Cut {
        let updated = self.last_arrival.unwrap_or_default();
        let units = self.units.iter().map(|(unit, figures)| feed::Change {
            unit: unit.clone(),
            figures: Arc::new(figures.clone()),
            updated,
        });
        let precincts = self.precincts.iter().map(|(id, precinct)| feed::Change {
            unit: UnitId::Precinct(*id),
            figures: Arc::new(precinct.figures()),
            updated: precinct.updated(),
        });
        feed::Cut {
            at: updated,
            votes: self.votes_are_out(),
            changes: units.chain(precincts).collect(),
            corrections: self.corrections(),
            lots: self.lots.clone(),
            speed,
        }
    }

    /// Whether arrivals on record may have been by a wrong clock, and no person has confirmed it.
    pub fn clock_is_doubted(&self) -> bool {
        self.clock_doubted
    }

    /// Whether votes may be published, by the record.
    pub fn votes_are_out(&self) -> bool {
        self.reached >= self.definition.about().publish_votes_from
    }

    /// Every decision that set figures or let one fall, in the order of the journal.
    pub fn corrections(&self) -> Vec<Arc<Correction>> {
        let all = self.precincts.values().flat_map(|precinct| precinct.corrections().iter().cloned());
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|correction| correction.offset);
        all
    }

    /// Reports taken.
    pub fn reports(&self) -> u64 {
        self.reports
    }

    /// When the last record arrived.
    pub fn last_arrival(&self) -> Option<Timestamp> {
        self.last_arrival
    }

    /// The line of every device that stands in a precinct, and which precinct it is.
    pub fn lines(&self) -> HashMap<DeviceId, (PrecinctId, Line)> {
        let of = |precinct: &Precinct| {
            let at = precinct.id();
            let said = precinct.lines().filter(|(_, line)| **line != Line::default());
            let lines = said.map(|(device, line)| (device.clone(), (at, line.clone())));
            lines.collect::<Vec<_>>()
        };
        self.precincts.values().flat_map(of).collect()
    }

    /// How much of each device is on record.
    pub fn recorded(&self) -> &HashMap<DeviceId, Recorded> {
        &self.recorded
    }

    /// What decisions have changed about devices, in their order.
    pub fn changes(&self) -> &[(DeviceId, Change)] {
        &self.changes
    }
}

/// What a decision about lots means, in its place in the journal.
pub(crate) fn drawn(
    definition: &Definition,
    decision: &Decision,
    record: &Journaled<Entry>,
) -> Result<Option<Drawn>, Objection> {
    Drawn::of(definition, decision, (record.offset(), record.arrival()))
}
