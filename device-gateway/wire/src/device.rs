//! The device's side of the protocol, without its network: which reports it has made, which of them the
//! centre has receipted, and what to send when. MQTT, clock and chance are the caller's.

mod backoff;
mod log;
mod outbox;
mod record;

pub use log::LogError;
pub use outbox::{Identity, Outbox, OutboxError, Outcome, Vitals};
