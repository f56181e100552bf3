//! The checks of a device on what the centre sends.

use std::collections::BTreeMap;

use ed25519_dalek::VerifyingKey;
use election::{
    Code, DeviceId,
    report::{Command, Receipt},
};

use crate::{
    cbor::Malformed,
    envelope::SignedEnvelope,
    payload::{decode_command, decode_receipt},
    refusal::Refusal,
    topic::Channel,
};

/// The centre's public keys by name; more than one while one is rotated.
#[derive(Debug, Clone, Default)]
pub struct CentreKeys(BTreeMap<Vec<u8>, VerifyingKey>);

impl CentreKeys {
    /// One key, as it is most of the time.
    pub fn one(kid: &str, key: VerifyingKey) -> Self {
        [(kid, key)].into_iter().collect()
    }
}

impl<'a> FromIterator<(&'a str, VerifyingKey)> for CentreKeys {
    fn from_iter<T: IntoIterator<Item = (&'a str, VerifyingKey)>>(keys: T) -> Self {
        Self(keys.into_iter().map(|(kid, key)| (kid.as_bytes().to_vec(), key)).collect())
    }
}

/// A receipt that the centre signed for the device on whose topic it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticReceipt(Receipt);

/// A command that the centre signed for the device on whose topic it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthenticCommand(Command);

impl AuthenticReceipt {
    /// What it says.
    pub fn receipt(&self) -> &Receipt {
        &self.0
    }
}

impl AuthenticCommand {
    /// What it says.
    pub fn command(&self) -> &Command {
        &self.0
    }
}

/// Checks a message on a device's `receipt` topic: E06, E01, E02 (no such key of the centre), E03, E01 of
/// the payload, E04 (for another device).
pub fn verify_receipt(topic: &str, bytes: &[u8], keys: &CentreKeys) -> Result<AuthenticReceipt, Refusal> {
    let receipt = verify(topic, bytes, keys, Channel::Receipt, decode_receipt, |receipt| &receipt.device)?;
    Ok(AuthenticReceipt(receipt))
}

/// Checks a message on a device's `command` topic, as [`verify_receipt`] does. Whether its `id` is new is
/// the device's to judge.
pub fn verify_command(topic: &str, bytes: &[u8], keys: &CentreKeys) -> Result<AuthenticCommand, Refusal> {
    let command = verify(topic, bytes, keys, Channel::Command, decode_command, |command| &command.device)?;
    Ok(AuthenticCommand(command))
}

fn verify<T>(
    topic: &str,
    bytes: &[u8],
    keys: &CentreKeys,
    channel: Channel,
    read: fn(&[u8]) -> Result<T, Malformed>,
    device: fn(&T) -> &DeviceId,
) -> Result<T, Refusal> {
    let envelope = SignedEnvelope::open(topic, bytes)?;
    if envelope.topic().channel != channel {
        return Err(Refusal::silent(Code::E01, format!("topic is not a device's {channel} topic")));
    }
    let key = keys.0.get(envelope.kid());
    let key = key.ok_or(Refusal::silent(Code::E02, "kid names no key of the centre"))?;
    if !envelope.is_signed_by(key) {
        return Err(Refusal::silent(Code::E03, "signature is not the centre's for this topic"));
    }
    let message = read(envelope.payload())
        .map_err(|malformed| Refusal::silent(Code::E01, format!("payload: {malformed}")))?;
    if *device(&message) != envelope.topic().device {
        return Err(Refusal::silent(Code::E04, "payload is for another device than the topic"));
    }
    Ok(message)
}
