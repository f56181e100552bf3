//! The actors of the night.
//!
//! One actor a precinct decides; the country's actor puts the changes in one order and hands each to the
//! units above the precinct; the publisher cuts a version of all of them at one point of that order. What
//! they decide is in `election`; here is who is told, when, and what happens when one of them fails.

mod country;
#[cfg(test)]
mod faults;
mod liveness;
mod moments;
mod ports;
mod precinct;
mod publisher;
mod registry;
mod replay;
mod system;
mod unit;

pub use liveness::{Heard, Liveness, Marked, Sign};
pub use ports::{Recorder, ReplaySource, Tempo};
pub use precinct::{MAX_IN_FLIGHT, PrecinctDetail};
pub use registry::{OutOfService, Precincts, concerns};
pub use replay::Night;
pub use system::{Alarms, Changes, Decided, MOST_AWAKE, Parts, System};

#[cfg(test)]
mod tests;
