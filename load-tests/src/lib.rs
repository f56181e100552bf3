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
//! | `line`, [`link`], `wire` | a device's reports until they are receipted, its MQTT connection, the bytes below |
//! | [`bundles`] | what `sanak provision` gave each device: certificates for TLS, keys |
//! | `device`, [`fleet`] | one device's life, and all of them together |
//! | `room`, `observer` | people who decide, and an eye on the live feed |
//! | `books`, `limits`, `moment` | receipts on disk, open files, moments as text |
//! | [`summary`] | the day in numbers |
//! | [`rehearsal`] | load on any running system, from a scenario in a file |
//! | [`synthetic`] | countries of any size, as election files |
//! | [`fanout`] | the same frames through the feed, a bare broadcast, Mosquitto and NATS |
//! | [`report`] | what a rehearsal found, as a page; two of them side by side |
//! | [`viewers`] | readers of the live feed by the thousand |

mod books;
pub mod bundles;
mod chance;
mod curve;
pub mod day;
mod device;
pub mod fanout;
pub mod faults;
pub mod fleet;
pub mod http;
pub mod ledger;
mod limits;
mod line;
pub mod link;
mod moment;
mod observer;
pub mod rehearsal;
pub mod report;
mod room;
pub mod script;
mod scripted;
pub mod shown;
pub mod summary;
pub mod synthetic;
pub mod totals;
pub mod verify;
pub mod viewers;
mod votes;
mod wire;

pub use books::BooksError;
pub use day::Day;
pub use fleet::{FleetError, FleetPlan, Keys, Progress, SimClock, derived_key, run};
pub use http::HttpError;
pub use ledger::Ledger;
pub use scripted::{PEOPLE, Planned};
pub use summary::{Summary, verify_settled};
pub use verify::{Verification, verify};

#[cfg(test)]
mod centre;
#[cfg(test)]
mod country;
#[cfg(test)]
mod tests;
