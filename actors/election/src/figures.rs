//! The additive figures of a unit, and how a change below is added above without recomputing.

use crate::{
    count::Count,
    definition::{ContestIx, Definition},
    ids::UnitId,
};

pub use crate::votes::Votes;

/// A sum that could not be formed: a figure to be taken out was never in, or 2^64 was passed. It is a fault
/// of the program, never of a report (those are bounded by F03); publication stops on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("roll-up of {unit} broke at {figure}: the last good version stands until it is rebuilt")]
pub struct BrokenSum {
    /// The unit whose sum broke.
    pub unit: UnitId,
    /// Which figure.
    pub figure: &'static str,
}

/// State of a precinct, and of units by the precincts in them (PROTOCOL §3 `phase`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Polls have not opened.
    Pre,
    /// People vote.
    Open,
    /// Polls have closed, not every contest has reported.
    Counting,
    /// Every contest has reported.
    Reported,
    /// The commission has certified it.
    Certified,
    /// Annulled by the commission or a court.
    Annulled,
}

impl Phase {
    /// Every phase, in the order of the night.
    pub const ALL: [Phase; 6] =
        [Self::Pre, Self::Open, Self::Counting, Self::Reported, Self::Certified, Self::Annulled];

    /// As it is published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Open => "open",
            Self::Counting => "counting",
            Self::Reported => "reported",
            Self::Certified => "certified",
            Self::Annulled => "annulled",
        }
    }
}

/// What a unit's object in the snapshot says, and what its parent adds up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Precincts in each phase, in the order of [`Phase::ALL`].
    pub phases: [u32; 6],
    /// Voters on the lists.
    pub registered: Count,
    /// Turnout by the ID terminals.
    pub turnout: TurnoutFigures,
    /// Voters of the precincts in phase reported or later.
    pub reported_registered: Count,
    /// Contests that stand in this unit, in the order of the definition.
    pub contests: Vec<ContestFigures>,
    /// Reports in quarantine.
    pub quarantined: u32,
    /// Open flags.
    pub discrepancies: u32,
}

/// Turnout, of the precincts that have sent any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TurnoutFigures {
    /// People identified.
    pub identified: Count,
    /// Precincts that have sent any.
    pub precincts: u32,
    /// Registered voters of those.
    pub registered: Count,
}

/// A contest in a unit: all of it, and what of it has come by urns and by protocols, which never mix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestFigures {
    /// Which contest.
    pub contest: ContestIx,
    /// Precincts that vote on it.
    pub precincts: u32,
    /// Who may vote in it.
    pub registered: Count,
    /// Preliminary, by the urns.
    pub urns: SourceFigures,
    /// The hand count.
    pub protocols: SourceFigures,
}

/// Figures of one contest from one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceFigures {
    /// Precincts that have reported in full.
    pub precincts: u32,
    /// Registered voters of those.
    pub registered: Count,
    /// Ballots, valid and invalid, of all that has come, complete precincts or not.
    pub ballots: Count,
    /// Of those, invalid.
    pub invalid: Count,
    /// Votes per option, in the order of the contest's options.
    pub votes: Votes,
    /// Preference votes of the names on the lists.
    pub preferences: Preferences,
}

/// Preference votes by [`Contest::preference`](crate::definition::Contest::preference). Those after the last
/// that is not zero are left out, so that equal counts are equal values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences(Vec<Count>);

impl Preferences {
    /// The votes at a place.
    pub fn get(&self, at: usize) -> Count {
        self.0.get(at).copied().unwrap_or(Count::ZERO)
    }

    /// Sets the votes at a place.
    pub fn set(&mut self, at: usize, votes: Count) {
        if at >= self.0.len() {
            self.0.resize(at + 1, Count::ZERO);
        }
        self.0[at] = votes;
        self.trim();
    }

    /// The places up to the last that is not zero.
    pub fn counts(&self) -> &[Count] {
        &self.0
    }

    /// Takes `old` out and puts `new` in; `None` when `old` was never in, or past 2^64.
    pub fn replace(&mut self, old: &Preferences, new: &Preferences) -> Option<()> {
        if old == new {
            return Some(());
        }
        let length = old.0.len().max(new.0.len());
        if length > self.0.len() {
            self.0.resize(length, Count::ZERO);
        }
        for (at, votes) in self.0.iter_mut().take(length).enumerate() {
            *votes = votes.replace(old.get(at), new.get(at))?;
        }
        self.trim();
        Some(())
    }

    fn trim(&mut self) {
        while self.0.last().is_some_and(|votes| votes.is_zero()) {
            self.0.pop();
        }
    }
}

impl Figures {
    /// The figures of a unit before anything was reported in it.
    pub fn empty(contests: impl IntoIterator<Item = (ContestIx, usize)>) -> Self {
        let contests = contests
            .into_iter()
            .map(|(contest, options)| ContestFigures {
                contest,
                precincts: 0,
                registered: Count::ZERO,
                urns: SourceFigures::empty(options),
                protocols: SourceFigures::empty(options),
            })
            .collect();
        Self { contests, ..Self::default() }
    }

    /// Number of precincts.
    pub fn precincts(&self) -> u32 {
        self.phases.iter().sum()
    }

    /// Number of precincts in which every contest has reported.
    pub fn reported(&self) -> u32 {
        self.phases[Phase::Reported as usize] + self.phases[Phase::Certified as usize]
    }

    /// The phase of the whole unit: open as long as people vote anywhere in it, reported when every precinct
    /// that was not annulled has reported.
    pub fn phase(&self) -> Phase {
        let [pre, open, counting, reported, certified, annulled] = self.phases;
        match () {
            () if open > 0 || (pre > 0 && counting + reported + certified > 0) => Phase::Open,
            () if pre > 0 => Phase::Pre,
            () if counting > 0 => Phase::Counting,
            () if reported > 0 => Phase::Reported,
            () if certified > 0 => Phase::Certified,
            () if annulled > 0 => Phase::Annulled,
            () => Phase::Pre,
        }
    }

    /// A contest's figures here.
    pub fn contest(&self, ix: ContestIx) -> Option<&ContestFigures> {
        let at = self.contests.binary_search_by_key(&ix, |here| here.contest).ok()?;
        self.contests.get(at)
    }

    /// Takes a precinct's `old` figures out of the sums of `unit` and puts its `new` ones in. Contests that
    /// do not stand in this unit are passed over. Work is constant in the size of the unit.
    ///
    /// # Errors
    /// [`BrokenSum`] when `old` was never in; the figures are then not to be used.
    pub fn replace(&mut self, unit: &UnitId, old: &Figures, new: &Figures) -> Result<(), BrokenSum> {
        let mut sum = Sum { unit };
        for at in 0..self.phases.len() {
            sum.small(&mut self.phases[at], old.phases[at], new.phases[at], "precincts")?;
        }
        sum.large(&mut self.registered, old.registered, new.registered, "registered")?;
        sum.large(
            &mut self.reported_registered,
            old.reported_registered,
            new.reported_registered,
            "reported registered",
        )?;
        let (was, is) = (&old.turnout, &new.turnout);
        sum.large(&mut self.turnout.identified, was.identified, is.identified, "identified")?;
        sum.small(&mut self.turnout.precincts, was.precincts, is.precincts, "turnout precincts")?;
        sum.large(&mut self.turnout.registered, was.registered, is.registered, "turnout registered")?;
        sum.small(&mut self.quarantined, old.quarantined, new.quarantined, "quarantined")?;
        sum.small(&mut self.discrepancies, old.discrepancies, new.discrepancies, "discrepancies")?;
        for here in &mut self.contests {
            let none = ContestFigures {
                contest: here.contest,
                precincts: 0,
                registered: Count::ZERO,
                urns: SourceFigures::default(),
                protocols: SourceFigures::default(),
            };
            let (was, is) = (old.contest(here.contest), new.contest(here.contest));
            if was.is_none() && is.is_none() {
                continue;
            }
            let (was, is) = (was.unwrap_or(&none), is.unwrap_or(&none));
            sum.small(&mut here.precincts, was.precincts, is.precincts, "contest precincts")?;
            sum.large(&mut here.registered, was.registered, is.registered, "contest registered")?;
            sum.source(&mut here.urns, &was.urns, &is.urns)?;
            sum.source(&mut here.protocols, &was.protocols, &is.protocols)?;
        }
        Ok(())
    }
}

impl SourceFigures {
    /// Nothing counted, over this many options.
    pub fn empty(options: usize) -> Self {
        Self { votes: Votes::none(options), ..Self::default() }
    }
}

/// One replacement in the sums of one unit, which knows what to say when it fails.
struct Sum<'a> {
    unit: &'a UnitId,
}

impl Sum<'_> {
    fn broken(&self, figure: &'static str) -> BrokenSum {
        BrokenSum { unit: self.unit.clone(), figure }
    }

    fn small(&mut self, sum: &mut u32, old: u32, new: u32, figure: &'static str) -> Result<(), BrokenSum> {
        let rest = sum.checked_sub(old).ok_or_else(|| self.broken(figure))?;
        *sum = rest.checked_add(new).ok_or_else(|| self.broken(figure))?;
        Ok(())
    }

    fn large(
        &mut self,
        sum: &mut Count,
        old: Count,
        new: Count,
        figure: &'static str,
    ) -> Result<(), BrokenSum> {
        *sum = sum.replace(old, new).ok_or_else(|| self.broken(figure))?;
        Ok(())
    }

    fn source(
        &mut self,
        sum: &mut SourceFigures,
        old: &SourceFigures,
        new: &SourceFigures,
    ) -> Result<(), BrokenSum> {
        self.small(&mut sum.precincts, old.precincts, new.precincts, "reported precincts")?;
        self.large(&mut sum.registered, old.registered, new.registered, "reported voters")?;
        self.large(&mut sum.ballots, old.ballots, new.ballots, "ballots")?;
        self.large(&mut sum.invalid, old.invalid, new.invalid, "invalid")?;
        for (at, votes) in sum.votes.iter_mut().enumerate() {
            let side = |of: &SourceFigures| of.votes.get(at).copied().unwrap_or(Count::ZERO);
            self.large(votes, side(old), side(new), "votes")?;
        }
        let preferences = sum.preferences.replace(&old.preferences, &new.preferences);
        preferences.ok_or_else(|| self.broken("preferences"))
    }
}

impl Definition {
    /// The contests that stand in a unit, with their numbers of options: country-wide ones in every unit but
    /// districts, a district's in that district. (A precinct has those that are voted there.)
    pub fn contests_in(&self, unit: &UnitId) -> Vec<(ContestIx, usize)> {
        if let UnitId::Precinct(id) = unit {
            let voted = self.precincts().get(id).map_or(&[][..], |precinct| &precinct.contests);
            return voted.iter().map(|here| (here.contest, self.options(here.contest))).collect();
        }
        let wide = if matches!(unit, UnitId::District(_)) { unit } else { &UnitId::Country };
        (0..self.contests().len())
            .filter_map(|at| u16::try_from(at).ok().map(ContestIx))
            .filter(|ix| self.contest(*ix).unit == *wide)
            .map(|ix| (ix, self.options(ix)))
            .collect()
    }

    fn options(&self, contest: ContestIx) -> usize {
        self.contest(contest).options.len()
    }
}
