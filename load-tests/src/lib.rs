//! The simulated fleet, and the verification of what the platform shows: a black box client.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `chance` | numbers that follow from a seed |
//! | `curve` | when people vote, when urns come on line |
//! | [`day`], `votes` | who comes, where, how they vote |
//! | [`faults`] | what goes wrong on purpose |
//! | [`script`], `scripted` | what each device says, and how the centre will answer |
//! | [`ledger`], [`totals`] | what was sent and receipted, and what must be shown therefore |
//! | [`shown`], [`mod@verify`] | what is shown, and whether it is that |
//! | `limits` | open files |

mod chance;
mod curve;
pub mod day;
pub mod faults;
mod http;
pub mod ledger;
mod limits;
pub mod script;
mod scripted;
pub mod shown;
pub mod totals;
pub mod verify;
mod votes;

pub use day::Day;
pub use http::HttpError;
pub use ledger::Ledger;
pub use verify::{Verification, verify};

#[cfg(test)]
mod country;
#[cfg(test)]
mod tests;
