//! What an allocation is made from: one contest's figures of one source, and what may still come.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    definition::{Contest, ContestIx, Definition, ShareOf},
    figures::{Figures, SourceFigures},
    ids::UnitId,
    seats::OutsidePremises,
};

/// Which of the two results, which never mix (PROTOCOL §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Preliminary, by the urns.
    Urns,
    /// The hand count.
    Protocols,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Urns => "urns",
            Self::Protocols => "protocols",
        })
    }
}

/// Ballots that may still come by themselves, without a decision of people: at most one for each registered voter who is
/// outstanding. More in a precinct than it has voters is a discrepancy (W11) that people look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outstanding {
    /// At most so many.
    Ballots(Count),
    /// No bound is known: a precinct without a number of voters has not reported. Nothing is decided then.
    Unbounded,
}

impl Outstanding {
    /// The bound, if there is one.
    pub fn most(self) -> Option<u64> {
        match self {
            Self::Ballots(most) => Some(most.get()),
            Self::Unbounded => None,
        }
    }
}

/// A contest's figures in a region, for the regional threshold.
#[derive(Debug, Clone)]
pub struct Regional {
    /// Which region.
    pub unit: UnitId,
    /// What has come there.
    pub figures: SourceFigures,
    /// What may still come there.
    pub outstanding: Outstanding,
}

/// A contest as one source has counted it so far.
#[derive(Debug, Clone)]
pub struct Tallied<'a> {
    /// The contest.
    pub contest: &'a Contest,
    /// Which result.
    pub source: Source,
    /// Precincts that vote on it.
    pub precincts: u32,
    /// Who may vote in it.
    pub registered: Count,
    /// What has come.
    pub figures: SourceFigures,
    /// What may still come.
    pub outstanding: Outstanding,
    /// The regions, where the contest has a regional threshold.
    pub regions: Vec<Regional>,
}

impl Definition {
    /// A contest as one source has counted it in these units, which are of one version. `None` when the
    /// contest's own unit is not among them.
    pub fn tallied<'u, 'a, F>(&'a self, ix: ContestIx, source: Source, unit: F) -> Option<Tallied<'a>>
    where
        F: Fn(&UnitId) -> Option<&'u Figures>,
    {
        let contest = self.contest(ix);
        let here = |id: &UnitId| {
            let all = unit(id)?.contest(ix)?;
            let figures = match source {
                Source::Urns => &all.urns,
                Source::Protocols => &all.protocols,
            };
            let outstanding = outstanding(contest, source, all.registered, all.precincts, figures);
            let bounded = figures.precincts == all.precincts || self.voters_known(ix);
            let outstanding = if bounded { outstanding } else { Outstanding::Unbounded };
            Some((all, figures.clone(), outstanding))
        };
        let (all, figures, outstanding) = here(&contest.unit)?;
        let regions = self.units().keys().filter(|id| matches!(id, UnitId::Region(_)));
        let regions = regions.filter(|_| contest.threshold.regional.is_some());
        let regions = regions.filter_map(|id| {
            let (_, figures, outstanding) = here(id)?;
            Some(Regional { unit: id.clone(), figures, outstanding })
        });
        let regions = regions.collect();
        let (precincts, registered) = (all.precincts, all.registered);
        Some(Tallied { contest, source, precincts, registered, figures, outstanding, regions })
    }

    /// Whether each precinct that votes on a contest has voters in it. One that has none may still bring
    /// ballots, and nothing says how many.
    fn voters_known(&self, ix: ContestIx) -> bool {
        let voted = self.precincts().values().filter_map(|precinct| precinct.registered_for(ix));
        voted.into_iter().all(|registered| !registered.is_zero())
    }
}

/// The voters of precincts that have not reported; of all who are not counted, where ballots cast outside
/// premises are not in this source.
fn outstanding(
    contest: &Contest,
    source: Source,
    registered: Count,
    precincts: u32,
    figures: &SourceFigures,
) -> Outstanding {
    let apart = source == Source::Urns && contest.rules.outside_premises == OutsidePremises::Protocols;
    let settled = if apart { figures.ballots } else { figures.registered };
    if figures.precincts == precincts && !apart {
        return Outstanding::Ballots(Count::ZERO);
    }
    Outstanding::Ballots(Count::new(registered.get().saturating_sub(settled.get())))
}

impl Tallied<'_> {
    /// Votes of an option.
    pub(super) fn votes(&self, at: usize) -> u64 {
        self.figures.votes.get(at).map_or(0, |votes| votes.get())
    }

    /// The denominator of shares (DOMAIN "Contests": part of the definition, never implied).
    pub(super) fn denominator(&self) -> u64 {
        denominator(self.contest, &self.figures)
    }

    /// Positions of options that satisfy something.
    pub(super) fn options(&self) -> std::ops::Range<usize> {
        0..self.contest.options.len()
    }
}

/// All ballots, or the valid ones; without the votes that are like none.
pub(super) fn denominator(contest: &Contest, figures: &SourceFigures) -> u64 {
    let excluded = figures.votes.iter().enumerate().filter(|(at, _)| contest.excludes(*at));
    let excluded: u64 = excluded.map(|(_, votes)| votes.get()).fold(0, u64::saturating_add);
    let invalid = match contest.share_of {
        ShareOf::VotesCast => 0,
        ShareOf::ValidVotes => figures.invalid.get(),
    };
    figures.ballots.get().saturating_sub(invalid).saturating_sub(excluded)
}
