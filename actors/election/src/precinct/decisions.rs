//! What people decide about a precinct, checked before it is journaled and applied after.

use std::collections::BTreeSet;

use crate::{
    count::Count,
    definition::{DeviceKind, DeviceStatus},
    figures::SourceFigures,
    ids::DeviceId,
    precinct::{Judgement, Precinct, figures, state::Counted},
    record::{Act, Decision, ProtocolLine},
    report::{ContestTally, Seq},
    sequence::{Gap, MAX_CLOSED},
    time::Timestamp,
};

/// Why a decision cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Objection {
    /// Nobody, or no reason, is named.
    #[error("name the person who decides and the reason")]
    Anonymous,
    /// The device is not one of this precinct's, or its place is taken already.
    #[error("device {0} does not count in this precinct")]
    NotHere(DeviceId),
    /// The device was shut out before, or its place was taken.
    #[error("device {0} is shut out already: name another that takes its place (act replace)")]
    ShutOut(DeviceId),
    /// The device has counted: its figures would vanish.
    #[error("device {0} has sent its final report: its figures can only be corrected")]
    HasCounted(DeviceId),
    /// The device is not in reserve.
    #[error("device {0} is not a spare device of the same kind")]
    NotSpare(DeviceId),
    /// A protocol was entered before.
    #[error("the protocol of this precinct is already in: enter a correction")]
    AlreadyIn,
    /// The protocol's contests are not the precinct's.
    #[error("a protocol has one line for each contest that is voted in the precinct")]
    WrongContests,
    /// Nothing is missing there, or something else is by now.
    #[error("device {device} does not wait for {from} to {through}: look at its gap again")]
    NoSuchGap {
        /// Which device.
        device: DeviceId,
        /// The first number named.
        from: Seq,
        /// The last one.
        through: Seq,
    },
    /// No device leaves out so many.
    #[error("device {0} left out more than {MAX_CLOSED} numbers: put another in its place")]
    EndlessGap(DeviceId),
    /// A line of the protocol does not add up.
    #[error("protocol of {contest}: {what}")]
    WrongSum {
        /// Which contest.
        contest: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Precinct {
    /// Whether a decision can be taken now.
    ///
    /// # Errors
    /// The first objection.
    pub fn consider(&self, decision: &Decision) -> Result<(), Objection> {
        if decision.by.trim().is_empty() || decision.reason.trim().is_empty() {
            return Err(Objection::Anonymous);
        }
        match &decision.act {
            Act::Replace { old, new, .. } => self.consider_replacement(old, new),
            Act::Revoke { device, .. } | Act::Reissue { device, .. } => self.consider_device(device),
            Act::Protocol { contests, .. } => self.consider_protocol(contests),
            Act::CloseGap { device, from, through, .. } => {
                self.consider_gap(device, Gap { from: *from, through: *through })
            }
        }
    }

    /// Takes a journaled decision. One that can no longer be taken changes nothing, in replay as when it was
    /// live. The judgements are those of reports that were held until now.
    ///
    /// # Errors
    /// The first objection.
    pub fn decide(&mut self, decision: &Decision, arrived: Timestamp) -> Result<Vec<Judgement>, Objection> {
        self.consider(decision)?;
        let mut judgements = Vec::new();
        match &decision.act {
            Act::Replace { old, new, .. } => {
                if let Some(old) = self.devices.get_mut(old) {
                    (old.active, old.displaced) = (false, true);
                }
                if let Some(spare) = self.definition.devices().get(new) {
                    self.devices.insert(new.clone(), Counted::new(spare));
                }
            }
            Act::Revoke { device, .. } => self.shut_out(device),
            // Who verifies signatures takes the new key; numbers and chain go on.
            Act::Reissue { .. } => {}
            Act::Protocol { contests, .. } => {
                self.protocol = contests.iter().filter_map(|line| self.protocol_line(line)).collect();
            }
            Act::CloseGap { device: id, from, through, .. } => {
                if let Some(device) = self.devices.get_mut(id) {
                    device.line.close(Gap { from: *from, through: *through });
                }
                judgements = self.judge_held(id);
            }
        }
        self.settle(arrived);
        Ok(judgements)
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
        let spare = || Counted { displaced: true, ..Counted::new(listed) };
        self.devices.entry(id.clone()).or_insert_with(spare).active = false;
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

    fn consider_protocol(&self, lines: &[ProtocolLine]) -> Result<(), Objection> {
        if !self.protocol.is_empty() {
            return Err(Objection::AlreadyIn);
        }
        let expected: BTreeSet<_> = self.entry().contests.iter().map(|here| here.contest).collect();
        let named: BTreeSet<_> =
            lines.iter().filter_map(|line| self.definition.contest_ix(&line.contest)).collect();
        if named != expected || lines.len() != expected.len() {
            return Err(Objection::WrongContests);
        }
        lines.iter().try_for_each(|line| self.consider_line(line))
    }

    /// The control equations of one contest of a protocol.
    fn consider_line(&self, line: &ProtocolLine) -> Result<(), Objection> {
        let wrong = |what| Objection::WrongSum { contest: line.contest.to_string(), what };
        let Some(ix) = self.definition.contest_ix(&line.contest) else {
            return Err(wrong("the contest is unknown"));
        };
        if line.votes.keys().any(|option| self.definition.contest(ix).option(option).is_none()) {
            return Err(wrong("an option is not on the ballot"));
        }
        let counts = [line.ballots, line.invalid].into_iter().chain(line.votes.values().copied());
        if counts.into_iter().any(|count| count > Count::MAX_REPORTED) {
            return Err(wrong("a count is over 10^9"));
        }
        let votes = Count::checked_sum(line.votes.values().copied());
        if votes.and_then(|votes| votes.checked_add(line.invalid)) != Some(line.ballots) {
            return Err(wrong("votes and invalid ballots do not sum to the ballots"));
        }
        if self.entry().registered_for(ix).is_some_and(|registered| line.ballots > registered) {
            return Err(wrong("there are more ballots than registered voters"));
        }
        Ok(())
    }

    fn protocol_line(&self, line: &ProtocolLine) -> Option<(crate::definition::ContestIx, SourceFigures)> {
        let tally = ContestTally {
            contest: line.contest.clone(),
            ballots: line.ballots,
            invalid: line.invalid,
            votes: line.votes.clone(),
            preferences: Default::default(),
        };
        let (ix, mut figures) = figures::place(&self.definition, &tally)?;
        figures.precincts = 1;
        figures.registered = self.entry().registered_for(ix)?;
        Some((ix, figures))
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
