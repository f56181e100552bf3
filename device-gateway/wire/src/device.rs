//! The device's side of the protocol, without its network: which reports it has made, which of them the
//! centre has receipted, and what to send when. MQTT, clock and chance are the caller's.

mod backoff;
mod identity;
mod log;
mod outbox;
mod pending;
mod record;

pub use identity::{Identity, Vitals};
pub use log::LogError;
pub use outbox::{Outbox, OutboxError, Outcome, Told};
