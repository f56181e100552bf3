//! What people decide about a precinct, checked before it is journaled and applied after.

use std::sync::Arc;

use crate::{
    correction::Correction,
    definition::{DeviceKind, DeviceStatus},
    ids::DeviceId,
    precinct::{
        Flag, Judgement, Precinct,
        objection::Objection,
        rulings::Ruling,
        state::{Counted, Ruled},
    },
    record::{Act, Decision},
    report::Offset,
    sequence::{Gap, MAX_CLOSED},
    time::Timestamp,
};

/// What a decision did beside the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Judgements of reports that were held until now.
    pub judgements: Vec<Judgement>,
    /// Devices whose final report counts from now on, because it was released.
    pub finished: Vec<DeviceId>,
    /// The entry in the list of corrections, where the decision set figures or let one fall.
    pub correction: Option<Arc<Correction>>,
}

impl Precinct {
    /// Whether a decision can be taken now.
    ///
    /// # Errors
    /// The first objection.
    pub fn consider(&self, decision: &Decision) -> Result<(), Objection> {
        decision.check_person()?;
        let Decision { by, act, .. } = decision;
        self.consider_ruling(act)?;
        match act {
            Act::Replace { old, new, .. } => self.consider_replacement(old, new),
            Act::Revoke { device, .. } | Act::Reissue { device, .. } => self.consider_device(device),
            Act::Protocol { contests, .. } => self.consider_protocol(by, contests),
            Act::Copy { holder, contests, .. } => self.consider_copy(holder, contests),
            Act::Document { kind, scan, .. } => self.consider_document(*kind, scan),
            Act::CloseGap { device, from, through, .. } => {
                self.consider_gap(device, Gap { from: *from, through: *through })
            }
            Act::Annul { .. } | Act::Reinstate { .. } | Act::Uncertify { .. } => Ok(()),
            Act::DrawLots(_) => Err(Objection::NoPrecinct),
            // Tried on a copy: what was released first may speak against what comes after it.
            Act::Release { .. }
            | Act::Refuse { .. }
            | Act::Correct { .. }
            | Act::CorrectTurnout { .. }
            | Act::Certify { .. }
            | Act::Resolve { .. } => {
                let trial = Ruled::new(decision, Offset::default(), Timestamp::default());
                self.clone().apply(act, &trial).map(drop)
            }
        }
    }

    /// Takes a journaled decision. One that can no longer be taken changes nothing, in replay as when it was
    /// live; one that was taken already (a rebuilt precinct meets what it was rebuilt from) does so neither.
    ///
    /// # Errors
    /// The first objection.
    pub fn decide(
        &mut self,
        decision: &Decision,
        offset: Offset,
        arrived: Timestamp,
    ) -> Result<Outcome, Objection> {
        if offset <= self.people().last_decision {
            return Ok(Outcome::default());
        }
        self.people_mut().last_decision = offset;
        self.consider(decision)?;
        let before = self.figures();
        let mut outcome = self.apply(&decision.act, &Ruled::new(decision, offset, arrived))?;
        self.settle(arrived);
        let after = self.figures();
        let listed = matches!(
            decision.act,
            Act::Correct { .. } | Act::CorrectTurnout { .. } | Act::Annul { .. } | Act::Reinstate { .. }
        );
        if listed || !before.falls_to(&after).is_zero() {
            let correction = Arc::new(Correction {
                offset,
                at: arrived,
                precinct: self.id,
                decision: Arc::new(decision.clone()),
                before: Arc::new(before),
                after: Arc::new(after),
            });
            self.people_mut().corrections.push(Arc::clone(&correction));
            outcome.correction = Some(correction);
        }
        Ok(outcome)
    }

    fn apply(&mut self, act: &Act, ruled: &Ruled) -> Result<Outcome, Objection> {
        let mut outcome = Outcome::default();
        match act {
            Act::Replace { old, new, .. } => {
                if let Some(old) = self.devices.get_mut(old) {
                    (old.active, old.displaced) = (false, true);
                }
                if let Some(spare) = self.definition.devices().get(new) {
                    self.devices.or_insert_with(new.clone(), || Box::new(Counted::new(spare)));
                }
            }
            Act::Revoke { device, .. } => self.shut_out(device),
            // Who verifies signatures takes the new key; numbers and chain go on.
            Act::Reissue { .. } => {}
            Act::Protocol { contests, .. } => self.enter_protocol(contests, ruled)?,
            Act::Copy { holder, contests, .. } => self.record_copy(holder, contests),
            Act::Document { kind, scan, .. } => self.file(*kind, *scan, ruled),
            Act::CloseGap { device: id, from, through, .. } => {
                if let Some(device) = self.devices.get_mut(id) {
                    device.line.close(Gap { from: *from, through: *through });
                }
                outcome.judgements = self.judge_held(id);
            }
            Act::Release { reports, .. } => outcome.finished = self.release(reports, ruled)?,
            Act::Refuse { reports, .. } => self.refuse(reports, ruled)?,
            Act::Correct { source, tally, .. } => self.correct(*source, tally)?,
            Act::CorrectTurnout { identified, .. } => self.correct_turnout(*identified)?,
            Act::Annul { .. } => self.people_mut().ruling = Ruling::Annulled,
            Act::Reinstate { .. } | Act::Uncertify { .. } => self.people_mut().ruling = Ruling::Open,
            Act::Certify { .. } => self.certify()?,
            Act::DrawLots(_) => return Err(Objection::NoPrecinct),
            Act::Resolve { code, device, contest, .. } => {
                self.resolve(Flag { code: *code, device: device.clone(), contest: contest.clone() })?;
            }
        }
        Ok(outcome)
    }

    /// Every decision of which the list of corrections has an entry, in their order.
    pub fn corrections(&self) -> &[Arc<Correction>] {
        &self.people().corrections
    }

    fn consider_gap(&self, id: &DeviceId, named: Gap) -> Result<(), Objection> {
        let device = self.devices.get(id).filter(|device| !device.displaced);
        let device = device.ok_or_else(|| Objection::NotHere(id.clone()))?;
        if device.line.gap() != Some(named) {
            let Gap { from, through } = named;
            return Err(Objection::NoSuchGap { device: id.clone(), from, through });
        }
        if named.len() > MAX_CLOSED {
            return Err(Objection::EndlessGap(id.clone()));
        }
        Ok(())
    }

    /// A device that may still speak here, or a spare one that could be put in use here.
    fn consider_device(&self, id: &DeviceId) -> Result<(), Objection> {
        if let Some(here) = self.devices.get(id) {
            return if here.active { Ok(()) } else { Err(Objection::ShutOut(id.clone())) };
        }
        let listed = self.definition.devices().get(id);
        match listed.filter(|device| device.precinct.is_none_or(|at| at == self.id)) {
            Some(device) if device.status == DeviceStatus::Revoked => Err(Objection::ShutOut(id.clone())),
            Some(_) => Ok(()),
            None => Err(Objection::NotHere(id.clone())),
        }
    }

    /// A spare device that is shut out is kept as one that has no place here, so that it gets none later.
    fn shut_out(&mut self, id: &DeviceId) {
        let Some(listed) = self.definition.devices().get(id) else { return };
        let spare = || Box::new(Counted { displaced: true, ..Counted::new(listed) });
        self.devices.or_insert_with(id.clone(), spare).active = false;
    }

    fn consider_replacement(&self, old: &DeviceId, new: &DeviceId) -> Result<(), Objection> {
        let here = self.devices.get(old).filter(|device| !device.displaced);
        let here = here.ok_or_else(|| Objection::NotHere(old.clone()))?;
        if here.tally.is_some() {
            return Err(Objection::HasCounted(old.clone()));
        }
        let spare = self.definition.devices().get(new).filter(|spare| {
            let free = spare.precinct.is_none_or(|at| at == self.id);
            spare.status == DeviceStatus::Spare && spare.kind == here.kind && free
        });
        match spare {
            Some(_) if !self.devices.contains_key(new) => Ok(()),
            _ => Err(Objection::NotSpare(new.clone())),
        }
    }

    /// Urns of the precinct and how many of them have finished; terminals and how many have closed.
    pub fn progress(&self) -> Progress {
        let mut progress = Progress::default();
        for device in self.devices.values().filter(|device| device.active) {
            let (of, done) = match device.kind {
                DeviceKind::Urn => (&mut progress.urns, &mut progress.urns_reported),
                DeviceKind::IdTerminal => (&mut progress.terminals, &mut progress.closings),
            };
            *of += 1;
            *done += u32::from(device.finished());
        }
        progress
    }
}

/// How many of a precinct's active devices have finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Urns.
    pub urns: u32,
    /// Urns with an accepted tally.
    pub urns_reported: u32,
    /// ID terminals.
    pub terminals: u32,
    /// ID terminals with an accepted closing.
    pub closings: u32,
}
