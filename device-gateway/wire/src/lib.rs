//! The device protocol on the wire (PROTOCOL §2): topics, COSE envelopes, CBOR payloads, signing and
//! strict verification. No IO but key files and a device's outbox; no clock.
//!
//! The way in is one function, [`authenticate`], and one way through it:
//! [`RawMessage`] → [`SignedEnvelope`] (well formed) → [`AuthenticReport`] (known device, right key,
//! right topic, payload decoded). Each can be made only from the one before it.
//!
//! | module | what lives there |
//! | --- | --- |
//! | `topic` | `sanak/1/{election}/{precinct}/{device}/{channel}` |
//! | `cbor` | strict reader and writer of deterministic CBOR |
//! | `envelope` | COSE_Sign1: taking apart, signing, verifying |
//! | `payload` | reports, heartbeats, states, receipts, commands to and from CBOR |
//! | `authentic` | the checks of the centre, in their order |
//! | `centre` | the checks of a device on what the centre sends |
//! | `keys` | key files |
//! | `device` | a device's reports from their making to their receipt |

mod authentic;
mod cbor;
mod centre;
pub mod device;
mod envelope;
pub mod keys;
mod payload;
mod refusal;
mod topic;

pub use authentic::{
    Authentic, AuthenticHeartbeat, AuthenticReport, AuthenticState, DeviceEntry, Keyring, RawMessage,
    Standing, authenticate,
};
pub use centre::{AuthenticCommand, AuthenticReceipt, CentreKeys, verify_command, verify_receipt};
pub use ed25519_dalek::{SigningKey, VerifyingKey};
pub use envelope::{MAX_ENVELOPE, SignedEnvelope, digest, sign};
pub use payload::{encode_command, encode_heartbeat, encode_receipt, encode_report, encode_state};
pub use refusal::{Answerable, Refusal};
pub use topic::{Channel, Topic};
