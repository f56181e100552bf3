//! Identifiers, parsed once at the edge. Past it there is no bare string or number.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {expected}")]
pub struct IdError {
    text: String,
    expected: &'static str,
}

impl IdError {
    fn new(text: &str, expected: &'static str) -> Self {
        // What we quote back is bounded: the text may come from anybody.
        Self { text: text.chars().take(48).collect(), expected }
    }
}

/// `[a-z0-9][a-z0-9-]*`, at most `max` bytes (PROTOCOL, preamble).
fn is_slug(text: &str, max: usize) -> bool {
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= max
        && bytes[0] != b'-'
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// `slug` or `slug:slug`: a contest, or the concrete contest of one district.
fn is_contest(text: &str) -> bool {
    match text.split_once(':') {
        Some((of, district)) => is_slug(of, 32) && is_slug(district, 32),
        None => is_slug(text, 32),
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $valid:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The identifier as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) { Ok(Self(text.into())) } else { Err(IdError::new(text, $expected)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id!(
    /// An election, such as `kg-2025`.
    ElectionId, |t| is_slug(t, 32), "an election id: a-z, 0-9 and -, 1 to 32 characters"
);
text_id!(
    /// A contest as reports name it: `list`, or `single:12` for the contest of one district.
    ContestId, is_contest, "a contest id: a-z, 0-9 and -, 1 to 32 characters, then perhaps : and a district"
);
text_id!(
    /// What can be voted for in a contest (CDF `ContestSelection`).
    OptionId, |t| is_slug(t, 32), "an option id: a-z, 0-9 and -, 1 to 32 characters"
);
text_id!(
    /// A device, which is also its MQTT client id and the `kid` of its key.
    DeviceId, |t| is_slug(t, 23), "a device id: a-z, 0-9 and -, 1 to 23 characters"
);
text_id!(
    /// The part after the colon of `region:…`, `raion:…` and `district:…`.
    UnitName, |t| is_slug(t, 32), "a unit name: a-z, 0-9 and -, 1 to 32 characters"
);

/// The official number of a precinct: decimal, without leading zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PrecinctId(u32);

impl PrecinctId {
    /// The precinct of this number; 0 is none.
    pub fn new(number: u32) -> Option<Self> {
        (number > 0).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl FromStr for PrecinctId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let decimal = !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse() {
            Ok(number) if decimal => Ok(Self(number)),
            _ => Err(IdError::new(text, "a precinct number: decimal, without leading zero")),
        }
    }
}

impl fmt::Display for PrecinctId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reporting unit (CDF `ReportingUnit`). Written `country`, `abroad`, `region:osh`, `precinct:5123`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum UnitId {
    /// Everything, at home and abroad.
    Country,
    /// All precincts that belong to no region.
    Abroad,
    /// An oblast, or a city of republican significance.
    Region(UnitName),
    /// The second level, with a territorial commission.
    Raion(UnitName),
    /// An electoral district: the other tiling.
    District(UnitName),
    /// The smallest reporting unit.
    Precinct(PrecinctId),
}

impl UnitId {
    /// The `kind` of the unit as published.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::Abroad => "abroad",
            Self::Region(_) => "region",
            Self::Raion(_) => "raion",
            Self::District(_) => "district",
            Self::Precinct(_) => "precinct",
        }
    }
}

impl FromStr for UnitId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let expected = "a unit: country, abroad, region:…, raion:…, district:… or precinct:…";
        match text.split_once(':') {
            None if text == "country" => Ok(Self::Country),
            None if text == "abroad" => Ok(Self::Abroad),
            Some(("region", name)) => Ok(Self::Region(name.parse()?)),
            Some(("raion", name)) => Ok(Self::Raion(name.parse()?)),
            Some(("district", name)) => Ok(Self::District(name.parse()?)),
            Some(("precinct", number)) => Ok(Self::Precinct(number.parse()?)),
            _ => Err(IdError::new(text, expected)),
        }
    }
}

impl TryFrom<String> for UnitId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<UnitId> for String {
    fn from(id: UnitId) -> String {
        id.to_string()
    }
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Country | Self::Abroad => f.write_str(self.kind()),
            Self::Region(name) | Self::Raion(name) | Self::District(name) => {
                write!(f, "{}:{name}", self.kind())
            }
            Self::Precinct(number) => write!(f, "precinct:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_the_grammar_of_the_protocol() {
        assert!("kg-2025".parse::<ElectionId>().is_ok());
        for bad in ["", "-a", "Ab", "a_b", "ü", &"a".repeat(33)] {
            assert!(bad.parse::<ElectionId>().is_err(), "{bad}");
        }
        assert!("a".repeat(23).parse::<DeviceId>().is_ok());
        assert!("a".repeat(24).parse::<DeviceId>().is_err());
        assert!("single:12".parse::<ContestId>().is_ok());
        assert!("single:".parse::<ContestId>().is_err());
        assert!("a:b:c".parse::<ContestId>().is_err());
    }

    #[test]
    fn a_precinct_has_no_leading_zero_and_no_sign() {
        assert_eq!("5123".parse::<PrecinctId>().unwrap().get(), 5123);
        for bad in ["", "0", "05123", "+5", "-1", "5 ", "4294967296"] {
            assert!(bad.parse::<PrecinctId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn units_read_back_as_written() {
        for text in ["country", "abroad", "region:osh", "raion:alay-raion", "district:12", "precinct:5123"] {
            assert_eq!(text.parse::<UnitId>().unwrap().to_string(), text);
        }
        assert!("oblast:osh".parse::<UnitId>().is_err());
    }

    #[test]
    fn an_error_quotes_no_more_than_it_needs() {
        assert!("x/".repeat(10_000).parse::<DeviceId>().unwrap_err().to_string().len() < 200);
    }
}
