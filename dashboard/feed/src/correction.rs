//! The public list of corrections: the only reason for which a published count may fall.

use election::{Timestamp, UnitId};
use serde::{Serialize, Serializer};

use crate::{position::Position, time::rfc3339};

/// Why counts of some units may fall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Correction {
    /// The units corrected. A precinct stands for the units above it too.
    pub units: Vec<UnitId>,
    /// The reason, in words, as it was decided.
    pub reason: String,
    /// When it was decided.
    #[serde(serialize_with = "whole_seconds")]
    pub at: Timestamp,
}

/// A correction that was published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Corrected {
    /// What was corrected, and why.
    #[serde(flatten)]
    pub correction: Correction,
    /// The version in which it took effect.
    #[serde(serialize_with = "displayed")]
    pub position: Position,
}

fn whole_seconds<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&rfc3339(*moment))
}

fn displayed<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(position)
}
