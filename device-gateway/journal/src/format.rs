//! The bytes of a journal. All numbers are little-endian.
//!
//! A segment file `{offset of its first record, 20 digits}.journal` is a header and then records:
//!
//! ```text
//! header  magic "SANAKJNL" · version u32 · seed u32 · first offset u64 · definition digest [32]
//!         · SHA-256 of the segment before it [32] (zero in the first) · CRC-32C of all that u32
//! record  length of the body u32 · CRC-32C of the body u32 · body
//! body    offset u64 · ordinal u32 · arrival (ms since 1970) u64 · kind u8 · payload
//! ```
//! The ordinal counts from 0 in each batch, and a batch is written only after the one before it was synced: so
//! a good record proves that everything before its batch was durable. CRCs of records start from the segment's
//! seed, which nobody outside knows, so that no report can carry bytes which pass for a record.

use std::hash::{BuildHasher, Hasher, RandomState};

use election::{Timestamp, report::Digest};

const MAGIC: &[u8; 8] = b"SANAKJNL";
const VERSION: u32 = 1;

/// Length of a segment's header.
pub(crate) const HEADER_BYTES: usize = 92;
/// Length of what stands before a body.
pub(crate) const FRAME_BYTES: usize = 8;
/// Length of what stands before a payload in a body.
const BODY_BYTES: usize = 21;
/// No payload is longer: envelopes have at most 256 KiB, decisions far less.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Record 0: the digest of the election files.
    Definition,
    /// Length of the topic u16, topic, envelope.
    Report,
    /// JSON.
    Decision,
    /// JSON.
    Observation,
}

impl Kind {
    const ALL: [Kind; 4] = [Self::Definition, Self::Report, Self::Decision, Self::Observation];

    fn byte(self) -> u8 {
        match self {
            Self::Definition => 0,
            Self::Report => 1,
            Self::Decision => 2,
            Self::Observation => 3,
        }
    }
}

/// The beginning of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub seed: u32,
    pub first: u64,
    pub definition: Digest,
    pub previous: Digest,
}

impl Header {
    /// Of a new segment, with a seed of its own.
    pub fn new(first: u64, definition: Digest, previous: Digest) -> Self {
        let seed = RandomState::new().build_hasher().finish();
        Self { seed: (seed >> 32) as u32, first, definition, previous }
    }

    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.seed.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.definition.0);
        bytes[56..88].copy_from_slice(&self.previous.0);
        let crc = crc32c::crc32c(&bytes[..88]);
        bytes[88..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// The error says what is wrong.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, String> {
        if bytes[..8] != *MAGIC {
            return Err("this is not a segment of a journal".into());
        }
        let version = u32_at(bytes, 8);
        if version != VERSION {
            return Err(format!("version {version} of the format is not known here"));
        }
        if crc32c::crc32c(&bytes[..88]) != u32_at(bytes, 88) {
            return Err("the header is not what was written".into());
        }
        let digest = |at: usize| bytes[at..].first_chunk().map_or(Digest::NONE, |digest| Digest(*digest));
        Ok(Self {
            seed: u32_at(bytes, 12),
            first: u64_at(bytes, 16),
            definition: digest(24),
            previous: digest(56),
        })
    }
}

/// A record as it stands in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Raw<'b> {
    pub offset: u64,
    pub ordinal: u32,
    pub arrival: Timestamp,
    pub kind: Kind,
    pub payload: &'b [u8],
}

impl Raw<'_> {
    /// Offset of the first record of its batch: all before it were durable when this one was written.
    pub fn batch(&self) -> u64 {
        self.offset.saturating_sub(self.ordinal.into())
    }
}

/// Begins a record at the end of `bytes`; what is appended after that is its payload.
pub(crate) fn begin(bytes: &mut Vec<u8>) -> usize {
    let start = bytes.len();
    bytes.resize(start + FRAME_BYTES + BODY_BYTES, 0);
    start
}

/// Completes the record that begins at `start` and ends where `bytes` end.
pub(crate) fn finish(
    bytes: &mut [u8],
    start: usize,
    seed: u32,
    (offset, ordinal): (u64, u32),
    (arrival, kind): (Timestamp, Kind),
) {
    let (frame, body) = bytes[start..].split_at_mut(FRAME_BYTES);
    body[..8].copy_from_slice(&offset.to_le_bytes());
    body[8..12].copy_from_slice(&ordinal.to_le_bytes());
    body[12..20].copy_from_slice(&arrival.millis().to_le_bytes());
    body[20] = kind.byte();
    frame[..4].copy_from_slice(&(body.len() as u32).to_le_bytes());
    frame[4..].copy_from_slice(&crc32c::crc32c_append(seed, body).to_le_bytes());
}

/// Length of the body that a frame announces; `None` where no record is so long or so short.
pub(crate) fn body_length(frame: &[u8; FRAME_BYTES]) -> Option<usize> {
    let length = u32_at(frame, 0) as usize;
    (BODY_BYTES..=BODY_BYTES + MAX_PAYLOAD_BYTES).contains(&length).then_some(length)
}

/// Reads a body, if its CRC holds.
pub(crate) fn decode<'b>(seed: u32, frame: &[u8; FRAME_BYTES], body: &'b [u8]) -> Option<Raw<'b>> {
    if body.len() < BODY_BYTES || crc32c::crc32c_append(seed, body) != u32_at(frame, 4) {
        return None;
    }
    peek(body)
}

/// Reads a body without looking at its CRC.
pub(crate) fn peek(body: &[u8]) -> Option<Raw<'_>> {
    let (head, payload) = body.split_at_checked(BODY_BYTES)?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.byte() == head[20])?;
    let arrival = Timestamp::from_millis(u64_at(head, 12));
    Some(Raw { offset: u64_at(head, 0), ordinal: u32_at(head, 8), arrival, kind, payload })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |number| u32::from_le_bytes(*number))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |number| u64::from_le_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_written_and_no_bit_of_it_may_change() {
        let header = Header::new(77, Digest([1; 32]), Digest([2; 32]));
        let bytes = header.encode();
        assert_eq!(Header::decode(&bytes), Ok(header));
        for bit in 0..HEADER_BYTES * 8 {
            let mut changed = bytes;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn a_record_reads_back_as_written_and_no_bit_of_it_may_change() {
        let mut bytes = vec![9; 5];
        let start = begin(&mut bytes);
        bytes.extend_from_slice(b"payload");
        finish(&mut bytes, start, 7, (12, 3), (Timestamp::from_millis(99), Kind::Decision));
        let read = |bytes: &[u8]| {
            let frame = bytes[5..].first_chunk().unwrap();
            let length = body_length(frame)?;
            let raw = decode(7, frame, bytes.get(13..13 + length)?)?;
            Some((raw.offset, raw.batch(), raw.arrival.millis(), raw.kind, raw.payload.to_vec()))
        };
        assert_eq!(read(&bytes), Some((12, 9, 99, Kind::Decision, b"payload".to_vec())));
        for bit in 5 * 8..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(read(&changed), None, "bit {bit}");
        }
    }
}
