//! What the world is shown: versions of the night, each whole, checked, and encoded once for all readers.
//!
//! [`Feed::publish`] takes a [`Cut`] of what changed, lets the [guard](Breach) look at it, and makes the next
//! [`Version`]. Readers take it as a snapshot, or follow by deltas from the [`Position`] they hold.

mod body;
mod correction;
mod encode;
mod feed;
mod filter;
mod guard;
mod latest;
mod layout;
mod position;
mod precinct;
mod published;
mod series;
mod sums;
mod time;
mod version;

pub use body::Body;
pub use correction::Corrected;
pub use feed::{Change, Counted, Cut, Feed, Options};
pub use filter::{FilterError, UnitFilter};
pub use guard::Breach;
pub use latest::{Frame, Latest, Next};
pub use position::{Epoch, Position, PositionError};
pub use published::contests_of;
pub use series::{Point, Series};
pub use time::{parse_time, rfc3339};
pub use version::{Status, Version, snapshot};
