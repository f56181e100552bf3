//! Payloads: what is signed, to and from CBOR (PROTOCOL §2, the grammar).
//!
//! Reading follows the grammar and no more. A figure too large, an unknown contest, sums that do not add up:
//! all that is well formed and judged later (F, Q). Unknown keys are skipped, but what they hold is read as
//! strictly as the rest.

mod down;
mod field;
mod report;
mod status;
mod tally;

pub(crate) use down::{decode_command, decode_receipt};
pub use down::{encode_command, encode_receipt};
pub use report::encode_report;
pub(crate) use report::{decode_report, seq_of};
pub(crate) use status::{decode_heartbeat, decode_state};
pub use status::{encode_heartbeat, encode_state};

/// The `v` of every payload.
const VERSION: u64 = 1;
