//! CBOR in the deterministic encoding of RFC 8949 §4.2.1, and nothing else.
//!
//! General decoders accept more than the protocol allows (indefinite lengths, long forms of small numbers,
//! keys in any order, keys twice). Here the reader itself is strict: whatever it has read to the end was
//! deterministic, within [`MAX_DEPTH`], and as long as it claimed to be.

mod float;
mod reader;
mod writer;

pub(crate) use reader::{Malformed, Reader};
pub(crate) use writer::Writer;

/// How deep arrays, maps and tags may nest (PROTOCOL §2, Envelope).
pub(crate) const MAX_DEPTH: usize = 8;

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;
