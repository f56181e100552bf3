//! Where a reader is: an epoch, and a version in it.

use std::{fmt, str::FromStr, sync::Arc};

/// One run of the service. New at each start, since versions are counted anew.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Epoch(Arc<str>);

/// Why a text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a position is an epoch of 1 to 16 characters 0-9a-z, a colon and a version number")]
pub struct PositionError;

impl Epoch {
    /// The epoch as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Epoch {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let fits = (1..=16).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase());
        if fits { Ok(Self(text.into())) } else { Err(PositionError) }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A version of an epoch, written `epoch:version`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which run.
    pub epoch: Epoch,
    /// Which version of it; the first is 1.
    pub version: u64,
}

impl FromStr for Position {
    type Err = PositionError;
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, version) = text.split_once(':').ok_or(PositionError)?;
        let decimal = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
        match version.parse() {
            Ok(version) if decimal => Ok(Self { epoch: epoch.parse()?, version }),
            _ => Err(PositionError),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_as_written() {
        let position: Position = "0k3x9z:4711".parse().unwrap();
        assert_eq!((position.epoch.as_str(), position.version), ("0k3x9z", 4711));
        assert_eq!(position.to_string(), "0k3x9z:4711");
    }

    #[test]
    fn what_is_no_position_is_refused() {
        let long = format!("{}:1", "a".repeat(17));
        for bad in
            ["", "a", "a:", ":1", "A:1", "a:-1", "a:+1", "a:1:2", "a: 1", "a:18446744073709551616", &long]
        {
            assert_eq!(bad.parse::<Position>(), Err(PositionError), "{bad}");
        }
    }
}
