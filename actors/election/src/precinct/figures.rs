//! The figures that a precinct adds to those of the units above it.

use crate::{
    count::Count,
    definition::{ContestIx, Counting, Definition},
    figures::{ContestFigures, Figures, Phase, SourceFigures, TurnoutFigures},
    precinct::Precinct,
    report::ContestTally,
};

impl Precinct {
    /// Its figures now.
    pub fn figures(&self) -> Figures {
        let entry = self.entry();
        let phase = self.phase();
        // What was annulled is in no sum; the precinct and its voters stay.
        let counts = phase != Phase::Annulled;
        let sent = counts && self.has_sent();
        let source = |contest, of: fn(&Self, ContestIx) -> SourceFigures| match counts {
            true => of(self, contest),
            false => SourceFigures::empty(self.definition.contest(contest).options.len()),
        };
        let mut phases = [0; 6];
        phases[phase as usize] = 1;
        let reported = matches!(phase, Phase::Reported | Phase::Certified);
        Figures {
            phases,
            registered: entry.registered,
            turnout: TurnoutFigures {
                identified: if sent { self.identified() } else { Count::ZERO },
                precincts: sent.into(),
                registered: if sent { entry.registered } else { Count::ZERO },
            },
            reported_registered: if reported { entry.registered } else { Count::ZERO },
            contests: entry
                .contests
                .iter()
                .map(|here| ContestFigures {
                    contest: here.contest,
                    precincts: 1,
                    registered: here.registered,
                    urns: source(here.contest, Self::urns),
                    protocols: source(here.contest, Self::protocol_of),
                })
                .collect(),
            quarantined: self.quarantined,
            discrepancies: u32::try_from(self.flags.len()).unwrap_or(u32::MAX),
        }
    }

    /// Whether anything of the day is known here.
    pub(super) fn has_sent(&self) -> bool {
        self.people().turnout.is_some() || self.devices.values().any(|device| device.has_sent())
    }

    /// People who were identified: as people set it, or as the terminals say. Each terminal's count is at most
    /// 10^9 (F03).
    pub(super) fn identified(&self) -> Count {
        if let Some(identified) = self.people().turnout {
            return identified;
        }
        Count::checked_sum(self.devices.values().map(|device| device.identified()))
            .unwrap_or(Count::new(u64::MAX))
    }

    /// What the urns counted in a contest, or what people set in its place. It has reported when every active
    /// urn of the contest has a final, or when it was set.
    pub(super) fn urns(&self, contest: ContestIx) -> SourceFigures {
        if let Some(corrected) = self.corrected_urns(contest) {
            return corrected.clone();
        }
        let mut sum: Option<SourceFigures> = None;
        let mut waiting = 0;
        let mut finals = 0;
        for urn in self.devices.values().filter(|device| device.counts(contest)) {
            let Some(tally) = &urn.tally else {
                waiting += u32::from(urn.active);
                continue;
            };
            finals += u32::from(urn.active);
            if let Some((_, of)) = tally.contests.iter().find(|(ix, _)| *ix == contest) {
                match &mut sum {
                    None => sum = Some(of.clone()),
                    Some(sum) => add_urn(sum, of),
                }
            }
        }
        let mut sum =
            sum.unwrap_or_else(|| SourceFigures::empty(self.definition.contest(contest).options.len()));
        if waiting == 0 && finals > 0 {
            sum.precincts = 1;
            sum.registered = self.entry().registered_for(contest).unwrap_or(Count::ZERO);
        }
        sum
    }

    fn protocol_of(&self, contest: ContestIx) -> SourceFigures {
        let entered = self.people().protocol_of(contest).cloned();
        entered.unwrap_or_else(|| SourceFigures::empty(self.definition.contest(contest).options.len()))
    }

    /// Whether every contest has reported: by its urns; by protocol where the precinct counts by hand or has
    /// no urn left.
    pub(super) fn all_reported(&self) -> bool {
        self.entry().contests.iter().all(|here| {
            let by_hand = self.entry().counting == Counting::Manual
                || !self.devices.values().any(|urn| urn.active && urn.counts(here.contest));
            if by_hand && self.corrected_urns(here.contest).is_none() {
                self.people().protocol_of(here.contest).is_some()
            } else {
                self.urns(here.contest).precincts == 1
            }
        })
    }
}

/// An urn's count of one contest, with its votes in the order of the contest's options.
pub(super) fn place(definition: &Definition, of: &ContestTally) -> Option<(ContestIx, SourceFigures)> {
    let ix = definition.contest_ix(&of.contest)?;
    let contest = definition.contest(ix);
    let mut figures = SourceFigures::empty(contest.options.len());
    figures.ballots = of.ballots;
    figures.invalid = of.invalid;
    for (option, votes) in &of.votes {
        let at = contest.option(option)?;
        figures.votes[usize::from(at.0)] = *votes;
    }
    for (option, numbers) in &of.preferences {
        let at = contest.option(option)?;
        for (number, votes) in numbers {
            // A list without names leaves its numbers open; nobody can be elected by them.
            if let Some(place) = contest.preference(at, *number) {
                figures.preferences.set(place, *votes);
            }
        }
    }
    Some((ix, figures))
}

/// Adds what another urn of the same contest counted.
fn add_urn(sum: &mut SourceFigures, of: &SourceFigures) {
    sum.ballots = add(sum.ballots, of.ballots);
    sum.invalid = add(sum.invalid, of.invalid);
    for (votes, more) in sum.votes.iter_mut().zip(&of.votes) {
        *votes = add(*votes, *more);
    }
    for (at, more) in of.preferences.counts().iter().enumerate() {
        sum.preferences.set(at, add(sum.preferences.get(at), *more));
    }
}

/// A sum of counts that F03 has bounded: a precinct has far fewer urns than 2^64 ÷ 10^9.
fn add(sum: Count, more: Count) -> Count {
    sum.checked_add(more).unwrap_or(Count::new(u64::MAX))
}
