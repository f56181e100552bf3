//! The pure heart of the platform: **start reading here.**
//!
//! Ids, the definition of an election, what devices report, what a precinct makes of it, the rules by
//! code, how figures roll up, and which seats follow from them. Nothing here reads a clock, a file or a socket.

pub mod builder;
mod correction;
mod count;
pub mod definition;
pub mod document;
mod few;
pub mod figures;
pub mod hand_count;
mod ids;
pub mod liveness;
pub mod precinct;
pub mod record;
pub mod report;
pub mod rollup;
mod rules;
pub mod seats;
pub mod sequence;
mod time;
mod votes;

pub use correction::Correction;
pub use count::Count;
pub use definition::Definition;
pub use few::Few;
pub use ids::{ContestId, DeviceId, ElectionId, IdError, OptionId, PrecinctId, UnitId, UnitName};
pub use rules::{Code, Effect, Limits};
pub use time::Timestamp;
