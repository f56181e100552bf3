//! What a decision changed about figures: the only reason for which a published count may fall.

use std::sync::Arc;

use crate::{
    count::Count,
    figures::{ContestFigures, Figures, Phase, Preferences, SourceFigures, TurnoutFigures},
    ids::PrecinctId,
    record::Decision,
    report::Offset,
    time::Timestamp,
};

/// An entry of the public list of corrections: who changed the figures of a precinct, when and why, and what
/// stood there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// The decision's place in the journal.
    pub offset: Offset,
    /// When it was put on record.
    pub at: Timestamp,
    /// Whose figures.
    pub precinct: PrecinctId,
    /// Who decided what, and why.
    pub decision: Arc<Decision>,
    /// What the precinct added to the sums until then.
    pub before: Arc<Figures>,
    /// What it added from then on.
    pub after: Arc<Figures>,
}

impl Correction {
    /// By how much each count may fall for it.
    pub fn falls(&self) -> Figures {
        self.before.falls_to(&self.after)
    }
}

fn less(before: Count, after: Count) -> Count {
    Count::new(before.get().saturating_sub(after.get()))
}

impl Figures {
    /// By how much each count of people, ballots or votes is less in `after`. What is open (quarantine,
    /// discrepancies) and the phases before `reported` are no such counts.
    pub fn falls_to(&self, after: &Figures) -> Figures {
        let mut phases = [0; 6];
        phases[Phase::Reported as usize] = self.reported().saturating_sub(after.reported());
        let contest = |was: &ContestFigures| {
            let Some(is) = after.contest(was.contest) else { return was.clone() };
            ContestFigures {
                contest: was.contest,
                precincts: was.precincts.saturating_sub(is.precincts),
                registered: less(was.registered, is.registered),
                urns: was.urns.falls_to(&is.urns),
                protocols: was.protocols.falls_to(&is.protocols),
            }
        };
        Figures {
            phases,
            registered: less(self.registered, after.registered),
            turnout: TurnoutFigures {
                identified: less(self.turnout.identified, after.turnout.identified),
                precincts: self.turnout.precincts.saturating_sub(after.turnout.precincts),
                registered: less(self.turnout.registered, after.turnout.registered),
            },
            reported_registered: less(self.reported_registered, after.reported_registered),
            contests: self.contests.iter().map(contest).collect(),
            quarantined: 0,
            discrepancies: 0,
        }
    }

    /// Whether every count in it is zero.
    pub fn is_zero(&self) -> bool {
        let contest = |of: &ContestFigures| {
            of.precincts == 0 && of.registered.is_zero() && of.urns.is_zero() && of.protocols.is_zero()
        };
        self.phases == [0; 6]
            && self.registered.is_zero()
            && self.turnout == TurnoutFigures::default()
            && self.reported_registered.is_zero()
            && self.contests.iter().all(contest)
            && (self.quarantined, self.discrepancies) == (0, 0)
    }
}

impl SourceFigures {
    fn falls_to(&self, after: &SourceFigures) -> SourceFigures {
        let at = |of: &[Count], at: usize| of.get(at).copied().unwrap_or(Count::ZERO);
        let mut preferences = Preferences::default();
        for (place, was) in self.preferences.counts().iter().enumerate() {
            preferences.set(place, less(*was, after.preferences.get(place)));
        }
        SourceFigures {
            precincts: self.precincts.saturating_sub(after.precincts),
            registered: less(self.registered, after.registered),
            ballots: less(self.ballots, after.ballots),
            invalid: less(self.invalid, after.invalid),
            votes: self.votes.iter().enumerate().map(|(ix, was)| less(*was, at(&after.votes, ix))).collect(),
            preferences,
        }
    }

    fn is_zero(&self) -> bool {
        *self == SourceFigures::empty(self.votes.len())
    }
}
