//! Figures that people set, in place of what devices or the hand count said.

use crate::{
    count::Count,
    figures::SourceFigures,
    precinct::{Objection, Precinct, figures, paper::tally_of, state::Counted},
    record::CorrectedTally,
    report::{Body, ContestTally},
    seats::Source,
};

impl Precinct {
    pub(super) fn correct(&mut self, source: Source, tally: &CorrectedTally) -> Result<(), Objection> {
        let wrong = |what| Objection::WrongSum { contest: tally.contest.clone(), what };
        let tally = tally_of(tally);
        self.consider_tally(&tally)?;
        let (ix, mut figures) = figures::place(&self.definition, &tally)
            .ok_or_else(|| wrong("an option or a name on a list is unknown"))?;
        figures.precincts = 1;
        figures.registered = self.entry().registered_for(ix).unwrap_or(Count::ZERO);
        if self.clock < self.entry().polls_close {
            return Err(Objection::PollsOpen);
        }
        let nothing = || Objection::NothingCounted(source, tally.contest.clone());
        match source {
            Source::Urns => {
                if !self.devices.values().any(|urn| urn.counts(ix)) {
                    return Err(nothing());
                }
                if self.urns(ix) == figures {
                    return Err(Objection::Unchanged);
                }
                self.people_mut().corrected.insert(ix, figures);
            }
            Source::Protocols => {
                // The hand count refuses more ballots than voters, and so does a correction of it.
                if !figures.registered.is_zero() && figures.ballots > figures.registered {
                    return Err(wrong("there are more ballots than registered voters"));
                }
                let entered = self.people_mut().protocol.iter_mut().find(|(of, _)| *of == ix);
                let (_, entered) = entered.ok_or_else(nothing)?;
                if *entered == figures {
                    return Err(Objection::Unchanged);
                }
                *entered = figures;
            }
        }
        Ok(())
    }

    pub(super) fn correct_turnout(&mut self, identified: Count) -> Result<(), Objection> {
        if identified > Count::MAX_REPORTED {
            return Err(Objection::TooMany);
        }
        if self.clock < self.entry().polls_close {
            return Err(Objection::PollsOpen);
        }
        if !self.devices.values().any(|device| device.kind == crate::definition::DeviceKind::IdTerminal) {
            return Err(Objection::NoTerminal);
        }
        if self.identified() == identified && self.has_sent() {
            return Err(Objection::Unchanged);
        }
        self.people_mut().turnout = Some(identified);
        Ok(())
    }

    /// What people set for a contest in place of what the urns counted.
    pub(super) fn corrected_urns(&self, contest: crate::definition::ContestIx) -> Option<&SourceFigures> {
        self.people().corrected.get(&contest)
    }

    /// Whether what a final report would count was set by people: such a report waits for them.
    pub(super) fn settled(&self, device: &Counted, body: &Body) -> bool {
        match body {
            Body::Tally(_) => self.people().corrected.keys().any(|ix| device.counts(*ix)),
            Body::Closing(_) => self.people().turnout.is_some(),
            Body::OpeningTerminal { .. } | Body::OpeningUrn(_) | Body::Turnout(_) => false,
        }
    }

    /// The control equations of one contest, and whether it fits the definition.
    pub(super) fn consider_tally(&self, tally: &ContestTally) -> Result<(), Objection> {
        let wrong = |what| Err(Objection::WrongSum { contest: tally.contest.clone(), what });
        let voted = self
            .definition
            .contest_ix(&tally.contest)
            .filter(|ix| self.entry().registered_for(*ix).is_some());
        let Some(ix) = voted else { return wrong("the contest is not voted here") };
        let contest = self.definition.contest(ix);
        if tally.votes.keys().chain(tally.preferences.keys()).any(|option| contest.option(option).is_none()) {
            return wrong("an option is not on the ballot");
        }
        let preferred = tally.preferences.values().flat_map(|numbers| numbers.values().copied());
        let counts = [tally.ballots, tally.invalid].into_iter().chain(tally.votes.values().copied());
        if counts.chain(preferred).any(|count| count > Count::MAX_REPORTED) {
            return wrong("a count is over 10^9");
        }
        let votes = Count::checked_sum(tally.votes.values().copied());
        if votes.and_then(|votes| votes.checked_add(tally.invalid)) != Some(tally.ballots) {
            return wrong("votes and invalid ballots do not sum to the ballots");
        }
        for (option, numbers) in &tally.preferences {
            let place = contest.option(option);
            let unknown = |number: &u32| place.is_none_or(|at| contest.preference(at, *number).is_none());
            if numbers.keys().any(unknown) {
                return wrong("a preference is for a number that is not on the list");
            }
            let votes = tally.votes.get(option).copied().unwrap_or(Count::ZERO);
            if Count::checked_sum(numbers.values().copied()).is_none_or(|sum| sum > votes) {
                return wrong("there are more preferences than votes for the list");
            }
        }
        Ok(())
    }
}
