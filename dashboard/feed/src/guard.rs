//! The publish guard: what every version must fulfil before anybody sees it (PROTOCOL §3).
//!
//! Its cost follows what changed: sums of precincts are followed change by change, and only units above
//! precincts are added up.

use std::{collections::BTreeMap, sync::Arc};

use election::{
    Count, UnitId,
    definition::ContestIx,
    figures::{BrokenSum, ContestFigures, Figures, SourceFigures},
};

use crate::{layout::Layout, sums::Sums};

/// Why a version is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// A unit that the election does not have.
    #[error("unit {0} is not in the definition")]
    UnknownUnit(UnitId),
    /// A unit's contests or options are not the definition's.
    #[error("{0} does not carry the contests and options that the definition gives it")]
    Misshapen(UnitId),
    /// Votes and invalid ballots are not the ballots.
    #[error("{source_name} of contest {contest} in {unit}: votes and invalid do not sum to the ballots")]
    Unbalanced {
        /// Where.
        unit: UnitId,
        /// Position of the contest in the definition.
        contest: u16,
        /// `urns` or `protocols`.
        source_name: &'static str,
    },
    /// More has reported than there is.
    #[error("{unit}: {figure} is more than the unit has")]
    OverReported {
        /// Where.
        unit: UnitId,
        /// Which figure.
        figure: &'static str,
    },
    /// A unit is not the sum of the units below it.
    #[error("{unit}: {figure} is not the sum of the units below it")]
    NotTheSum {
        /// Where.
        unit: UnitId,
        /// Which figure.
        figure: &'static str,
    },
    /// A published count would fall, and no correction says why.
    #[error("{unit}: {figure} would fall from {from} to {to}, and no correction says why")]
    Fell {
        /// Where.
        unit: UnitId,
        /// Which figure.
        figure: &'static str,
        /// Published.
        from: u64,
        /// Offered.
        to: u64,
    },
    /// Votes were published, and this version would take them back.
    #[error("votes have been published: a version without them would take every count back")]
    VotesWithdrawn,
    /// A sum passed 2^64.
    #[error(transparent)]
    Overflow(#[from] BrokenSum),
}

/// A version that is offered.
pub(crate) struct Candidate<'a> {
    pub layout: &'a Layout,
    /// What is published, by slot.
    pub before: &'a [Arc<Figures>],
    /// What would take its place.
    pub changed: &'a BTreeMap<usize, Arc<Figures>>,
    pub sums: &'a Sums,
    /// By how much the counts of a slot may fall, where corrections say why.
    pub falls: &'a BTreeMap<usize, Figures>,
    /// Whether votes are published, and would be.
    pub votes: (bool, bool),
}

impl Candidate<'_> {
    /// Every rule, in the order of the protocol. On success, the sums that were touched.
    pub(crate) fn check(&self) -> Result<BTreeMap<usize, Figures>, Breach> {
        for (slot, figures) in self.changed {
            let unit = self.layout.id(*slot);
            fits(unit, figures, self.layout.contests(*slot))?;
            balanced(unit, figures)?;
            reported_within(unit, figures)?;
        }
        let touched = self.children_add_up()?;
        if self.votes == (true, false) {
            return Err(Breach::VotesWithdrawn);
        }
        let none = Figures::default();
        for (slot, figures) in self.changed {
            let falls = self.falls.get(slot).unwrap_or(&none);
            nothing_fell(self.layout.id(*slot), &self.before[*slot], figures, falls, self.votes.0)?;
        }
        Ok(touched)
    }

    fn after(&self, slot: usize) -> &Figures {
        self.changed.get(&slot).unwrap_or(&self.before[slot])
    }

    /// Parent = Σ children, for every unit that changed or in which one changed.
    fn children_add_up(&self) -> Result<BTreeMap<usize, Figures>, Breach> {
        let mut touched = BTreeMap::new();
        for (slot, after) in self.changed.range(self.layout.upper()..) {
            self.sums.follow(self.layout, &mut touched, (*slot, &self.before[*slot], after))?;
        }
        // From below: the unit nearest to a fault is named.
        for slot in (0..self.layout.upper()).rev() {
            let parts = self.layout.parts(slot);
            let concerned = |slot| self.changed.contains_key(slot) || touched.contains_key(slot);
            if !concerned(&slot) && !parts.iter().any(concerned) {
                continue;
            }
            let unit = self.layout.id(slot);
            let mut sum = Figures::default();
            let expected = if parts.is_empty() {
                touched.get(&slot).or_else(|| self.sums.of(slot)).unwrap_or(&sum)
            } else {
                sum = Figures::empty(self.layout.contests(slot).iter().copied());
                for part in parts {
                    sum.replace(unit, &Figures::default(), self.after(*part))?;
                }
                &sum
            };
            is_the_sum(unit, self.after(slot), expected)?;
        }
        Ok(touched)
    }
}

/// A unit carries the contests and options that the definition gives it, in their order.
fn fits(unit: &UnitId, figures: &Figures, contests: &[(ContestIx, usize)]) -> Result<(), Breach> {
    let fits = figures.contests.len() == contests.len()
        && figures.contests.iter().zip(contests).all(|(here, (contest, options))| {
            here.contest == *contest
                && here.urns.votes.len() == *options
                && here.protocols.votes.len() == *options
        });
    if fits { Ok(()) } else { Err(Breach::Misshapen(unit.clone())) }
}

fn sources(contest: &ContestFigures) -> [(&'static str, &SourceFigures); 2] {
    [("urns", &contest.urns), ("protocols", &contest.protocols)]
}

/// Σ votes + invalid = ballots.
fn balanced(unit: &UnitId, figures: &Figures) -> Result<(), Breach> {
    for contest in &figures.contests {
        for (source_name, source) in sources(contest) {
            let votes = Count::checked_sum(source.votes.iter().copied());
            if votes.and_then(|votes| votes.checked_add(source.invalid)) != Some(source.ballots) {
                let contest = contest.contest.0;
                return Err(Breach::Unbalanced { unit: unit.clone(), contest, source_name });
            }
        }
    }
    Ok(())
}

/// Reported ≤ precincts, and voters of what has reported ≤ voters.
fn reported_within(unit: &UnitId, figures: &Figures) -> Result<(), Breach> {
    let over = |figure| Err(Breach::OverReported { unit: unit.clone(), figure });
    let turnout = &figures.turnout;
    if turnout.precincts > figures.precincts() || turnout.registered > figures.registered {
        return over("turnout.precincts");
    }
    if figures.reported_registered > figures.registered {
        return over("reported.registered");
    }
    for contest in &figures.contests {
        if contest.precincts > figures.precincts() {
            return over("contest precincts");
        }
        for (_, source) in sources(contest) {
            if source.precincts > contest.precincts || source.registered > contest.registered {
                return over("reported precincts of a contest");
            }
        }
    }
    Ok(())
}

/// Parent = Σ children, in every figure.
fn is_the_sum(unit: &UnitId, figures: &Figures, sum: &Figures) -> Result<(), Breach> {
    let Some(figure) = first_difference(figures, sum) else { return Ok(()) };
    Err(Breach::NotTheSum { unit: unit.clone(), figure })
}

fn first_difference(a: &Figures, b: &Figures) -> Option<&'static str> {
    let contests = |figure: fn(&ContestFigures) -> &SourceFigures| {
        a.contests.iter().map(figure).ne(b.contests.iter().map(figure))
    };
    let differs = [
        ("precincts by phase", a.phases != b.phases),
        ("registered", a.registered != b.registered),
        ("reported", a.reported_registered != b.reported_registered),
        ("turnout", a.turnout != b.turnout),
        ("urns", contests(|contest| &contest.urns)),
        ("protocols", contests(|contest| &contest.protocols)),
        ("contests", a.contests != b.contests),
        ("quarantined", a.quarantined != b.quarantined),
        ("discrepancies", a.discrepancies != b.discrepancies),
    ];
    differs.into_iter().find_map(|(figure, differs)| differs.then_some(figure))
}

/// No published count falls by more than its corrections say. What is open (quarantine, discrepancies,
/// precincts by phase) is no count of people or votes and may be resolved.
fn nothing_fell(
    unit: &UnitId,
    before: &Figures,
    after: &Figures,
    falls: &Figures,
    votes: bool,
) -> Result<(), Breach> {
    let of = |figures: &Figures| [figures.registered, figures.reported_registered];
    let turnout = |figures: &Figures| {
        let turnout = &figures.turnout;
        [turnout.identified, turnout.precincts.into(), turnout.registered]
    };
    let compared = Compared { unit };
    compared.check("precincts", before.precincts().into(), after.precincts().into(), Count::ZERO)?;
    let reported = [before, after, falls].map(|figures| Count::from(figures.reported()));
    compared.check("reported.precincts", reported[0], reported[1], reported[2])?;
    let figures = [before, after, falls].map(of);
    compared.check_all(&["registered", "reported.registered"], figures)?;
    let figures = [before, after, falls].map(turnout);
    compared.check_all(&["turnout.identified", "turnout.precincts", "turnout.registered"], figures)?;
    for (was, is) in before.contests.iter().zip(&after.contests) {
        let may = falls.contest(was.contest);
        let none = |count: Option<Count>| count.unwrap_or(Count::ZERO);
        compared.check("contest precincts", was.precincts.into(), is.precincts.into(), Count::ZERO)?;
        let fall = none(may.map(|may| may.registered));
        compared.check("contest registered", was.registered, is.registered, fall)?;
        for (at, ((_, was), (_, is))) in sources(was).into_iter().zip(sources(is)).enumerate() {
            let may = may.map(|may| sources(may)[at].1);
            compared.source(was, is, may.unwrap_or(&SourceFigures::default()), votes)?;
        }
    }
    Ok(())
}

/// One unit's counts before and after, which knows what to say when one fell.
struct Compared<'a> {
    unit: &'a UnitId,
}

impl Compared<'_> {
    /// `to` + `fall` ≥ `from`.
    fn check(&self, figure: &'static str, from: Count, to: Count, fall: Count) -> Result<(), Breach> {
        if u128::from(to.get()) + u128::from(fall.get()) >= u128::from(from.get()) {
            return Ok(());
        }
        Err(Breach::Fell { unit: self.unit.clone(), figure, from: from.get(), to: to.get() })
    }

    fn check_all<const N: usize>(
        &self,
        names: &[&'static str; N],
        [from, to, fall]: [[Count; N]; 3],
    ) -> Result<(), Breach> {
        (0..N).try_for_each(|at| self.check(names[at], from[at], to[at], fall[at]))
    }

    fn source(
        &self,
        was: &SourceFigures,
        is: &SourceFigures,
        may: &SourceFigures,
        votes: bool,
    ) -> Result<(), Breach> {
        let precincts = [was, is, may].map(|of| Count::from(of.precincts));
        self.check("reported precincts of a contest", precincts[0], precincts[1], precincts[2])?;
        self.check("reported voters of a contest", was.registered, is.registered, may.registered)?;
        if !votes {
            return Ok(());
        }
        self.check("ballots", was.ballots, is.ballots, may.ballots)?;
        self.check("invalid", was.invalid, is.invalid, may.invalid)?;
        for (at, (was, is)) in was.votes.iter().zip(&is.votes).enumerate() {
            self.check("votes", *was, *is, may.votes.get(at).copied().unwrap_or(Count::ZERO))?;
        }
        for (at, was) in was.preferences.counts().iter().enumerate() {
            self.check("preferences", *was, is.preferences.get(at), may.preferences.get(at))?;
        }
        Ok(())
    }
}
