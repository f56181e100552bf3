//! The public list of corrections: the only reason for which a published count may fall.

use std::sync::Arc;

use election::Correction;

use crate::position::Position;

/// A correction that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corrected {
    /// What was corrected, by whom, and why.
    pub correction: Arc<Correction>,
    /// The version in which it took effect.
    pub position: Position,
}
