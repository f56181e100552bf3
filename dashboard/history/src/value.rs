//! Values as both kinds of database hold them.

use bytes::Bytes;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole number.
    Int,
    /// A text.
    Text,
    /// Bytes.
    Bytes,
    /// Yes or no.
    Bool,
    /// A moment, to the millisecond.
    Time,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Bytes, shared.
    Bytes(Bytes),
    /// Yes or no.
    Bool(bool),
    /// Milliseconds since 1970.
    Time(i64),
}

/// Values in the order of their columns.
pub type Row = Vec<Value>;

impl Value {
    /// A text.
    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    /// A whole number; those past what a database counts to are its largest.
    pub fn int(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// A number as a moment.
    pub(crate) fn into_time(self) -> Self {
        Self::Time(self.number())
    }

    /// The number of an `Int` or `Time`; 0 otherwise.
    pub fn number(&self) -> i64 {
        match self {
            Self::Int(number) | Self::Time(number) => *number,
            _ => 0,
        }
    }

    /// Whether it is a `true`.
    pub fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }

    /// The text of a `Text`; empty otherwise.
    pub fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            _ => String::new(),
        }
    }

    /// The bytes of a `Bytes` or `Text`; empty otherwise.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.into(),
            _ => Bytes::new(),
        }
    }
}
