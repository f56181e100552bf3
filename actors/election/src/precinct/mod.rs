//! A precinct: what it knows, what it makes of each record, and the figures it adds to the country's.
//!
//! [`Precinct::take`] is the whole of it: a fold over the records of the journal that concern this precinct,
//! in their order. The same records give the same state, the same verdicts and the same figures.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> held: a lower number is missing (S02)
//!     [*] --> judged: next in line
//!     [*] --> quarantined: number taken (S03)
//!     held --> judged: the gap is filled, or closed by decision
//!     judged --> rejected: F
//!     judged --> quarantined: S04, Q
//!     judged --> accepted: counted, perhaps flagged (W)
//!     quarantined --> accepted: released by decision
//!     quarantined --> rejected: refused by decision
//! ```

mod corrections;
mod decisions;
mod figures;
mod fitness;
mod flags;
mod judge;
mod objection;
mod paper;
mod plausibility;
mod quarantine;
mod reports;
mod rulings;
mod state;

pub use decisions::{Outcome, Progress};
pub use flags::Flag;
pub use judge::{Arrived, Judgement};
pub use objection::{LONGEST_HOLDER, LONGEST_REASON, LONGEST_SIGNATURE, MOST_COPIES, Objection};
pub use paper::Reconciliation;
pub use state::{DeviceView, Known, Precinct, ReportEntry, Ruled};

#[cfg(test)]
mod tests;
