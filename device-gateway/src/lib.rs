//! Between the wire and the count: who speaks, is it new, is it on record, and the centre's answer.
//!
//! ```text
//! link ──► intake ──► workers (by device) ──► journal ──► answers ──► link
//!          bounds     verify, admit           sync        actors' verdict, receipt
//!                        └── gaps ──► commands ──► link
//! ```

mod answers;
mod bounds;
mod commands;
mod gateway;
#[cfg(test)]
mod hanging;
mod intake;
mod keys;
mod metrics;
mod port;
mod proven;
mod quota;
mod recent;
mod refusals;
mod resend;
mod worker;

pub use answers::{Answers, Context};
pub use bounds::{Bounds, Flow};
pub use commands::{Commands, Sent};
pub use gateway::{Gateway, Parts, Running, Signer};
pub use keys::{Keys, NotFit, Registered};
pub use metrics::Metrics;
pub use port::{Answer, Counting, Life};
pub use quota::{OverQuota, Quota, Spent};
pub use refusals::{Refusals, Sample};
pub use resend::Gaps;
