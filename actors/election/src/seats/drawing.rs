//! What a commission drew lots for, as it stands on record, and what of it holds.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    definition::{Contest, ContestIx, ContestOption, Definition},
    ids::{ContestId, OptionId},
    precinct::Objection,
    record::{Act, Decision},
    report::Offset,
    seats::{Lot, LotError, Lots, NamedTie, Place, Source, Tie, TiePlace, lots::option_ix},
    time::Timestamp,
};

/// The outcome of lots that were drawn in the presence of the candidates and their representatives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drawing {
    /// In which contest.
    pub contest: ContestId,
    /// By which of its two results.
    pub source: Source,
    /// The tie, as it is published.
    pub tie: NamedTie,
    /// Who drew the places: options, or numbers on the list.
    pub drawn: Vec<Name>,
}

/// One of those tied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// A number on a list.
    Number(u32),
    /// An option.
    Option(OptionId),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Option(option) => f.write_str(option.as_str()),
        }
    }
}

/// Why the outcome of lots cannot stand in any state of the count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DrawingError {
    /// The election has no such contest.
    #[error("there is no contest {0} in this election")]
    NoContest(ContestId),
    /// The tie names what the contest has not, or both kinds of names, or too few.
    #[error("{0}: give the tie exactly as it is published under seats")]
    WrongTie(ContestId),
    /// A winner of the other kind, or whom the contest has not.
    #[error("{0}: those drawn are named as those tied are: options, or numbers of the list")]
    WrongName(ContestId),
    /// A winner who was not tied.
    #[error("{0}: {1} is named as a winner of lots and was not tied")]
    NotTied(ContestId, Name),
    /// The outcome does not fit the tie.
    #[error(transparent)]
    Lots(#[from] LotError),
}

/// Lots on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drawn {
    /// The decision's place in the journal.
    pub offset: Offset,
    /// When it was put on record.
    pub at: Timestamp,
    /// Who recorded it, and why.
    pub decision: Arc<Decision>,
    /// What was drawn.
    pub drawing: Drawing,
    contest: ContestIx,
    lot: Lot,
}

impl Drawn {
    /// What a decision about lots means; `None` where it is about something else. Whether the tie exists does not
    /// matter here: the lots hold while and whenever exactly this tie does.
    ///
    /// # Errors
    /// The first objection, the same in every state of the count: replay repeats it.
    pub fn of(
        definition: &Definition,
        decision: &Decision,
        (offset, at): (Offset, Timestamp),
    ) -> Result<Option<Self>, Objection> {
        let Act::DrawLots(drawing) = &decision.act else { return Ok(None) };
        decision.check_person()?;
        let (contest, lot) = drawing.read(definition)?;
        let decision = Arc::new(decision.clone());
        Ok(Some(Self { offset, at, decision, drawing: (**drawing).clone(), contest, lot }))
    }

    /// Whether it is about this contest and result.
    pub fn concerns(&self, contest: ContestIx, source: Source) -> bool {
        self.contest == contest && self.drawing.source == source
    }
}

impl Lots {
    /// Those of one contest and result, of all that are on record.
    pub fn on_record<'a>(
        all: impl IntoIterator<Item = &'a Drawn>,
        contest: ContestIx,
        source: Source,
    ) -> Self {
        let of = all.into_iter().filter(|drawn| drawn.concerns(contest, source));
        Self(of.map(|drawn| drawn.lot.clone()).collect())
    }

    /// These, and what was drawn after them.
    ///
    /// # Errors
    /// [`DrawingError`]
    pub fn and(mut self, contest: &Contest, drawing: &Drawing) -> Result<Self, DrawingError> {
        self.0.push(drawing.lot(contest)?);
        Ok(self)
    }
}

impl Drawing {
    /// The contest, and the lot in its positions and numbers.
    fn read(&self, definition: &Definition) -> Result<(ContestIx, Lot), DrawingError> {
        let unknown = || DrawingError::NoContest(self.contest.clone());
        let ix = definition.contest_ix(&self.contest).ok_or_else(unknown)?;
        Ok((ix, self.lot(definition.contest(ix))?))
    }

    /// The lot in the positions and numbers of its contest.
    pub(super) fn lot(&self, contest: &Contest) -> Result<Lot, DrawingError> {
        let id = || self.contest.clone();
        let of = tie(contest, &self.tie).ok_or_else(|| DrawingError::WrongTie(id()))?;
        let winner = |name: &Name| {
            let at = match (of.place, name) {
                (Place::Seats | Place::SecondRound, Name::Option(option)) => position(contest, option),
                (Place::Women(_) | Place::List(_), Name::Number(number)) => Some(*number),
                _ => None,
            };
            let at = at.ok_or_else(|| DrawingError::WrongName(id()))?;
            let stranger = || DrawingError::NotTied(id(), name.clone());
            of.tied.contains(&at).then_some(at).ok_or_else(stranger)
        };
        let winners = self.drawn.iter().map(winner).collect::<Result<_, _>>()?;
        let lot = Lot { of, winners };
        Lots::new(vec![lot.clone()])?;
        Ok(lot)
    }
}

fn position(contest: &Contest, option: &OptionId) -> Option<u32> {
    let at = contest.options.iter().position(|of| of.id == *option)?;
    u32::try_from(at).ok()
}

/// A tie in positions and numbers, in their order, as an allocation reports it. `None` where the contest can have
/// none such.
fn tie(contest: &Contest, named: &NamedTie) -> Option<Tie> {
    let NamedTie { place, list, options, numbers, seats } = named;
    let list = match list {
        Some(list) => Some(contest.options.iter().enumerate().find(|(_, option)| option.id == *list)?),
        None => None,
    };
    let (place, tied) = match (place, list, options.is_empty(), numbers.is_empty()) {
        (TiePlace::Seats, None, false, true) => (Place::Seats, positions(contest, options)?),
        (TiePlace::SecondRound, None, false, true) => (Place::SecondRound, positions(contest, options)?),
        (TiePlace::Women, Some((at, option)), true, false) => {
            (Place::Women(option_ix(at)), on_list(option, numbers)?)
        }
        (TiePlace::List, Some((at, option)), true, false) => {
            (Place::List(option_ix(at)), on_list(option, numbers)?)
        }
        _ => return None,
    };
    let tie = Tie::new(place, tied, *seats);
    let different = tie.tied.windows(2).all(|pair| pair[0] != pair[1]);
    let fewer = usize::try_from(*seats).is_ok_and(|seats| (1..tie.tied.len()).contains(&seats));
    (different && fewer).then_some(tie)
}

fn positions(contest: &Contest, options: &[OptionId]) -> Option<Vec<u32>> {
    options.iter().map(|option| position(contest, option)).collect()
}

fn on_list(option: &ContestOption, numbers: &[u32]) -> Option<Vec<u32>> {
    let there = |number: &&u32| option.candidates.iter().any(|name| name.number == **number);
    numbers.iter().all(|number| there(&number)).then(|| numbers.to_vec())
}
