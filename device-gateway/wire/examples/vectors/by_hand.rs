//! CBOR and COSE by hand: what is right, and what is wrong on purpose.

use device_wire::SigningKey;
use ed25519_dalek::Signer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The key of a name: SHA-256 of it is the seed.
pub fn key(name: &str) -> SigningKey {
    SigningKey::from_bytes(&Sha256::digest(name).into())
}

/// Bytes from hex digits; spaces part them for the reader.
pub fn raw(digits: &str) -> Vec<u8> {
    hex::decode(digits.replace(' ', "")).unwrap_or_else(|error| panic!("{digits}: {error}"))
}

fn head(major: u8, argument: usize) -> Vec<u8> {
    let wide = (argument as u64).to_be_bytes();
    let (info, from) = match argument {
        0..24 => return vec![major << 5 | argument as u8],
        24..0x100 => (24, 7),
        0x100..0x1_0000 => (25, 6),
        0x1_0000..0x1_0000_0000 => (26, 4),
        _ => (27, 0),
    };
    [&[major << 5 | info], &wide[from..]].concat()
}

pub fn uint(value: u64) -> Vec<u8> {
    head(0, value as usize)
}

pub fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len()), value.to_vec()].concat()
}

pub fn text(value: &str) -> Vec<u8> {
    [head(3, value.len()), value.as_bytes().to_vec()].concat()
}

pub fn array(items: &[Vec<u8>]) -> Vec<u8> {
    [head(4, items.len()), items.concat()].concat()
}

/// The entries of a map with text keys and encoded values.
pub type Entries = Vec<(&'static str, Vec<u8>)>;

/// A map in deterministic order.
pub fn map(mut entries: Entries) -> Vec<u8> {
    entries.sort_by_key(|(key, _)| text(key));
    as_given(&entries)
}

/// A map in the order given.
pub fn as_given(entries: &[(&'static str, Vec<u8>)]) -> Vec<u8> {
    let pairs: Vec<_> = entries.iter().flat_map(|(key, value)| [text(key), value.clone()]).collect();
    [head(5, entries.len()), pairs.concat()].concat()
}

/// The entries with one replaced, or added.
pub fn with(mut entries: Entries, key: &'static str, value: Vec<u8>) -> Entries {
    entries.retain(|(present, _)| *present != key);
    entries.push((key, value));
    entries
}

/// The entries without one.
pub fn without(mut entries: Entries, key: &str) -> Entries {
    entries.retain(|(present, _)| *present != key);
    entries
}

/// `{1: -8, 4: kid}`.
pub fn protected(kid: &[u8]) -> Vec<u8> {
    [raw("a2 01 27 04"), bytes(kid)].concat()
}

/// The signature over a protected header, a topic and a payload (RFC 9052 §4.4).
pub fn signature(protected: &[u8], topic: &str, payload: &[u8], key: &SigningKey) -> Vec<u8> {
    let to_be_signed =
        array(&[text("Signature1"), bytes(protected), bytes(topic.as_bytes()), bytes(payload)]);
    key.sign(&to_be_signed).to_bytes().to_vec()
}

/// The four parts of an envelope, encoded.
pub fn parts(kid: &str, topic: &str, payload: &[u8], key: &SigningKey) -> [Vec<u8>; 4] {
    let protected = protected(kid.as_bytes());
    let signature = signature(&protected, topic, payload, key);
    [bytes(&protected), raw("a0"), bytes(payload), bytes(&signature)]
}

/// An envelope of these parts.
pub fn envelope(parts: &[Vec<u8>]) -> Vec<u8> {
    [raw("d2"), array(parts)].concat()
}

/// A right envelope.
pub fn signed(kid: &str, topic: &str, payload: &[u8], key: &SigningKey) -> Vec<u8> {
    envelope(&parts(kid, topic, payload, key))
}

/// A message for the file. Long runs of zeros are written as repetitions.
pub fn message(name: &str, topic: &str, envelope: &[u8], expect: &str) -> Value {
    let mut message = json!({
        "name": name,
        "topic": topic,
        "sha256": hex::encode(Sha256::digest(envelope)),
        "expect": expect,
    });
    match longest_zeros(envelope) {
        (from, to) if to - from > 1000 => {
            message["parts"] = json!([
                { "hex": hex::encode(&envelope[..from]) },
                { "hex": "00", "times": to - from },
                { "hex": hex::encode(&envelope[to..]) },
            ]);
        }
        _ => message["envelope"] = hex::encode(envelope).into(),
    }
    message
}

fn longest_zeros(bytes: &[u8]) -> (usize, usize) {
    let (mut longest, mut from) = ((0, 0), 0);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte != 0 {
            from = at + 1;
        } else if at + 1 - from > longest.1 - longest.0 {
            longest = (from, at + 1);
        }
    }
    longest
}
