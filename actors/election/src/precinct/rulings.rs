//! Whether a precinct's results are final or void, and discrepancies that people looked into.

use std::collections::BTreeSet;

use crate::{
    count::Count,
    figures::{Phase, SourceFigures},
    precinct::{Flag, Objection, Precinct},
    record::Act,
};

/// What was ruled about the results of a precinct as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ruling {
    /// Nothing: they are as they come.
    Open,
    /// Final: no report and no decision changes them, but one that lifts this.
    Certified,
    /// Void: they are in no sum.
    Annulled,
}

/// What a discrepancy was about when it was resolved. It opens again when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Basis {
    identified: Count,
    contest: Option<(SourceFigures, Option<SourceFigures>, Vec<SourceFigures>)>,
}

impl Precinct {
    /// What a ruling forbids.
    pub(super) fn consider_ruling(&self, act: &Act) -> Result<(), Objection> {
        match (self.people().ruling, act) {
            (Ruling::Certified, Act::Refuse { .. } | Act::Resolve { .. } | Act::Reissue { .. })
            | (Ruling::Certified, Act::Copy { .. } | Act::Document { .. } | Act::Uncertify { .. }) => Ok(()),
            (Ruling::Certified, _) => Err(Objection::Certified),
            (Ruling::Annulled, Act::Annul { .. } | Act::Certify { .. })
            | (Ruling::Annulled, Act::Correct { .. } | Act::CorrectTurnout { .. }) => {
                Err(Objection::Annulled)
            }
            (_, Act::Uncertify { .. }) => Err(Objection::NotCertified),
            (Ruling::Open, Act::Reinstate { .. }) => Err(Objection::NotAnnulled),
            (Ruling::Open | Ruling::Annulled, _) => Ok(()),
        }
    }

    pub(super) fn certify(&mut self) -> Result<(), Objection> {
        if self.phase() != Phase::Reported {
            return Err(Objection::NotReported);
        }
        if self.quarantined > 0 {
            return Err(Objection::Undecided(self.quarantined));
        }
        self.people_mut().ruling = Ruling::Certified;
        Ok(())
    }

    /// An event is over; what the figures show stays, but is no longer open while they are the same.
    pub(super) fn resolve(&mut self, flag: Flag) -> Result<(), Objection> {
        if !self.flags.contains_key(&flag) {
            return Err(Objection::NotOpen(flag.code));
        }
        self.events.remove(&flag);
        if self.standing_flags().contains(&flag) {
            let basis = self.basis(&flag);
            self.people_mut().resolved.insert(flag, basis);
        }
        Ok(())
    }

    /// The flags that are open: those that stand, without those that were resolved and are still about the
    /// same.
    pub(super) fn open_flags(&mut self) -> BTreeSet<Flag> {
        let mut open = self.standing_flags();
        if self.people().resolved.is_empty() {
            return open;
        }
        let mut resolved = std::mem::take(&mut self.people_mut().resolved);
        resolved.retain(|flag, basis| open.contains(flag) && *basis == self.basis(flag));
        open.retain(|flag| !resolved.contains_key(flag));
        self.people_mut().resolved = resolved;
        open
    }

    fn basis(&self, flag: &Flag) -> Basis {
        let ix = flag.contest.as_ref().and_then(|id| self.definition.contest_ix(id));
        let contest = ix.map(|ix| {
            let people = self.people();
            let protocol = people.protocol_of(ix).cloned();
            let copies = people.copies.values().flatten().filter(|(of, _)| *of == ix);
            (self.urns(ix), protocol, copies.map(|(_, copy)| copy.clone()).collect())
        });
        Basis { identified: self.identified(), contest }
    }
}
