//! Readers of the live feed by the thousand. Each keeps to PROTOCOL §3 by itself (`from` ≤ held < `version`), and every
//! frame's invariants are checked.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `audience` | connections: steady ones, slow ones, those that come and go |
//! | `chain` | frames of one subscription, each distinct one checked in full |
//! | `figures` | counts of a unit, and what must hold within it |

mod audience;
mod chain;
mod figures;

pub use audience::{Audience, Completed, ViewersPlan};
pub use chain::{Chain, Frame, Kind, Reported};
