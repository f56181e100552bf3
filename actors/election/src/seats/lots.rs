//! Ties, and the lots that are drawn for them.

use crate::definition::OptionIx;

/// What a tie is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Seats of a contest, or its only one. Those tied are options by position.
    Seats,
    /// A place in the second round. Those tied are options by position.
    SecondRound,
    /// Seats of a list that are kept for women. Those tied are names by number.
    Women(OptionIx),
    /// Seats of a list. Those tied are names by number.
    List(OptionIx),
}

/// Who have equal claims to fewer places. It is reported for drawing lots, and never broken silently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tie {
    /// What it is about.
    pub place: Place,
    /// Who: positions of options, or numbers on the list, in order.
    pub tied: Vec<u32>,
    /// Places left for them, fewer than they are.
    pub seats: u32,
}

impl Tie {
    /// A tie of these, in order.
    pub(super) fn new(place: Place, mut tied: Vec<u32>, seats: u32) -> Self {
        tied.sort_unstable();
        Self { place, tied, seats }
    }

    /// Whether an option is one of those tied for seats or the second round.
    pub(super) fn names(&self, at: usize) -> bool {
        matches!(self.place, Place::Seats | Place::SecondRound) && self.tied.contains(&option_ix(at).0.into())
    }
}

/// The recorded outcome of drawing lots. It holds for exactly the tie it was drawn for: when figures change so
/// that others are tied, it holds no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lot {
    /// The tie.
    pub of: Tie,
    /// Who drew the places.
    pub winners: Vec<u32>,
}

/// Every lot that was drawn in a contest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lots(pub(super) Vec<Lot>);

/// Why the outcome of lots cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LotError {
    /// Not as many winners as there were places.
    #[error("lots were drawn for {seats} places and name {winners} winners: name each winner once")]
    Winners {
        /// Places left for those tied.
        seats: u32,
        /// Different winners named.
        winners: usize,
    },
    /// A winner who was not tied.
    #[error("{0} is named as a winner of lots and was not tied")]
    NotTied(u32),
}

impl Lots {
    /// The lots of a contest.
    ///
    /// # Errors
    /// When winners are not among those tied, or not as many as there were places.
    pub fn new(drawn: Vec<Lot>) -> Result<Self, LotError> {
        for lot in &drawn {
            let mut winners = lot.winners.clone();
            winners.sort_unstable();
            winners.dedup();
            if let Some(stranger) = winners.iter().find(|winner| !lot.of.tied.contains(winner)) {
                return Err(LotError::NotTied(*stranger));
            }
            if u32::try_from(winners.len()) != Ok(lot.of.seats) || winners.len() != lot.winners.len() {
                return Err(LotError::Winners { seats: lot.of.seats, winners: winners.len() });
            }
        }
        Ok(Self(drawn))
    }

    /// Who drew the places of a tie; `None` while no lots are drawn for it.
    pub(super) fn winners(&self, tie: &Tie) -> Option<&[u32]> {
        self.0.iter().rev().find(|lot| lot.of == *tie).map(|lot| lot.winners.as_slice())
    }
}

/// Positions as those tied are named.
pub(super) fn named(positions: &[usize]) -> Vec<u32> {
    positions.iter().filter_map(|at| u32::try_from(*at).ok()).collect()
}

/// The position of an option as a type of its own. A contest has at most 65,536 options.
pub(super) fn option_ix(at: usize) -> OptionIx {
    OptionIx(u16::try_from(at).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_hold_for_the_tie_they_were_drawn_for_and_no_other() {
        let tie = Tie { place: Place::Seats, tied: vec![0, 3, 4], seats: 2 };
        let lot = |winners: Vec<u32>| Lots::new(vec![Lot { of: tie.clone(), winners }]);
        let lots = lot(vec![4, 0]).unwrap();
        assert_eq!(lots.winners(&tie), Some(&[4, 0][..]));
        for other in [
            Tie { seats: 1, ..tie.clone() },
            Tie { tied: vec![0, 3], ..tie.clone() },
            Tie { place: Place::SecondRound, ..tie.clone() },
        ] {
            assert_eq!(lots.winners(&other), None);
        }
        assert_eq!(lot(vec![0, 1]), Err(LotError::NotTied(1)));
        assert_eq!(lot(vec![0]), Err(LotError::Winners { seats: 2, winners: 1 }));
        assert_eq!(lot(vec![0, 0]), Err(LotError::Winners { seats: 2, winners: 1 }));
        let told = lot(vec![0]).unwrap_err().to_string();
        assert_eq!(told, "lots were drawn for 2 places and name 1 winners: name each winner once");
    }
}
