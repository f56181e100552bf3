//! Values as they are written in texts.

use crate::{
    table::Column,
    value::{Kind, Value},
};

/// Bytes that are text, and are written as such: a unit as it was published.
const TEXT_BYTES: &str = "body";

/// A moment as RFC 3339, to the millisecond.
pub(super) fn written_time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|at| format!("{at:.3}")).unwrap_or_default()
}

/// A moment as it was written.
pub(super) fn read_time(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|at| at.as_millisecond())
}

/// A value as the cell of a table; what is absent is an empty cell.
pub(super) fn written(column: &Column, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Bool(is) => is.to_string(),
        Value::Time(ms) => written_time(*ms),
        Value::Bytes(bytes) if column.name == TEXT_BYTES => String::from_utf8_lossy(bytes).into_owned(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// The value of a cell; `None` where it is none of its column's.
pub(super) fn read(column: &Column, cell: &str) -> Option<Value> {
    if cell.is_empty() && column.optional {
        return Some(Value::Null);
    }
    Some(match column.kind {
        Kind::Int => Value::Int(cell.parse().ok()?),
        Kind::Text => Value::Text(cell.to_owned()),
        Kind::Bool => Value::Bool(cell.parse().ok()?),
        Kind::Time => Value::Time(read_time(cell)?),
        Kind::Bytes if column.name == TEXT_BYTES => Value::Bytes(cell.to_owned().into()),
        Kind::Bytes => Value::Bytes(from_hex(cell)?.into()),
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}
