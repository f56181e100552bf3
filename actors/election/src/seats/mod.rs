//! Which seats follow from the votes: every kind of contest of DOMAIN, exact to the seat.
//!
//! [`allocate`] takes one contest as one source has counted it ([`Tallied`]: urns or protocols, never a mixture),
//! and the lots that are recorded for it. Everything is whole numbers and fractions of them.
//!
//! | module | what it does |
//! | --- | --- |
//! | `rules` | what the law leaves room for |
//! | `tallied` | the figures, and how many ballots may still come |
//! | `claims` | Hare quota with largest remainders, D'Hondt, Sainte-Laguë as one order of claims |
//! | `lists`, `people` | thresholds, cap, surplus; who is elected from an open list |
//! | `candidates`, `president`, `referendum` | the other kinds |
//! | `bounds`, `rivals` | what outstanding ballots can still change |
//! | `lots`, `drawing` | ties, reported and never broken silently; what was drawn for them |
//! | `view` | the published shape |

mod allocation;
mod bounds;
mod candidates;
mod claims;
mod drawing;
mod lists;
mod lots;
mod people;
mod president;
mod referendum;
mod rivals;
mod rules;
mod tallied;
#[cfg(test)]
mod tests;
mod view;

pub use allocation::{Allocation, By, Elected, Fraction, Hurdle, OptionResult, Outcome, Standing, allocate};
pub use drawing::{Drawing, DrawingError, Drawn, Name};
pub use lots::{Lot, LotError, Lots, Place, Tie};
pub use rules::{
    AgainstAll, OneSex, OutsidePremises, PreferenceTies, Rounding, SeatRules, Surplus, WithdrawnVotes,
};
pub use tallied::{Outstanding, Regional, Source, Tallied};
pub use view::{NamedTie, SeatsView, TiePlace};
