//! Fields of payloads: how each is read, and what is said when it cannot be.

use std::str::FromStr;

use election::{Count, PrecinctId, Timestamp, report::Digest};

use super::VERSION;
use crate::cbor::{Malformed, Reader, Writer};

type Result<T> = std::result::Result<T, Malformed>;

/// A payload: one map with text keys and nothing after it.
pub(super) fn payload<'a>(
    bytes: &'a [u8],
    entry: impl FnMut(&'a str, &mut Reader<'a>) -> Result<()>,
) -> Result<()> {
    let mut reader = Reader::new(bytes);
    map(&mut reader, entry)?;
    reader.end()
}

/// A map with text keys.
pub(super) fn map<'a>(
    reader: &mut Reader<'a>,
    entry: impl FnMut(&'a str, &mut Reader<'a>) -> Result<()>,
) -> Result<()> {
    reader.map(Reader::text, entry)
}

/// A field that was read.
pub(super) fn set<T>(slot: &mut Option<T>, field: &'static str, read: Result<T>) -> Result<()> {
    *slot = Some(read.map_err(|malformed| malformed.of(field))?);
    Ok(())
}

/// A field that must be there.
pub(super) fn required<T>(field: &'static str, slot: Option<T>) -> Result<T> {
    slot.ok_or(Malformed::new("missing").of(field))
}

/// `v`: this version and no other.
pub(super) fn version(reader: &mut Reader<'_>) -> Result<()> {
    match reader.uint()? {
        VERSION => Ok(()),
        _ => Err(Malformed::new("not version 1")),
    }
}

/// An identifier that is a text.
pub(super) fn id<T: FromStr>(reader: &mut Reader<'_>) -> Result<T> {
    reader.text()?.parse().map_err(|_| Malformed::new("not an id of this kind"))
}

pub(super) fn precinct(reader: &mut Reader<'_>) -> Result<PrecinctId> {
    let number = u32::try_from(reader.uint()?).ok();
    number.and_then(PrecinctId::new).ok_or(Malformed::new("not a precinct number"))
}

pub(super) fn count(reader: &mut Reader<'_>) -> Result<Count> {
    reader.uint().map(Count::new)
}

pub(super) fn at(reader: &mut Reader<'_>) -> Result<Timestamp> {
    reader.uint().map(Timestamp::from_millis)
}

pub(super) fn seq(reader: &mut Reader<'_>) -> Result<u64> {
    match reader.uint()? {
        0 => Err(Malformed::new("numbers begin with 1")),
        seq => Ok(seq),
    }
}

pub(super) fn digest(reader: &mut Reader<'_>) -> Result<Digest> {
    reader.bytes()?.try_into().map(Digest).map_err(|_| Malformed::new("not of 32 bytes"))
}

pub(super) fn percent(reader: &mut Reader<'_>) -> Result<u8> {
    match reader.uint()? {
        percent @ 0..=100 => Ok(percent as u8),
        _ => Err(Malformed::new("not a percentage from 0 to 100")),
    }
}

/// At most the first `limit` characters: what is only shown need not be kept whole.
pub(super) fn excerpt(reader: &mut Reader<'_>, limit: usize) -> Result<String> {
    Ok(reader.text()?.chars().take(limit).collect())
}

/// Writes a count.
pub(super) fn put_count(w: &mut Writer, count: Count) {
    w.uint(count.get());
}
