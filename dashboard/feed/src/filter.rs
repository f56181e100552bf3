//! Which units a reader follows.

use std::sync::Arc;

use election::UnitId;

use crate::layout::{KINDS, Layout};

/// Most ids that one filter may name: a raion's precincts, several times over.
const MOST_IDS: usize = 512;

/// Units that a reader follows: whole kinds, and single units beside them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnitFilter {
    kinds: u8,
    /// Slots of single units outside those kinds, rising.
    single: Arc<[usize]>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Neither a kind nor a unit's id.
    #[error(
        "units: \"{0}\" is neither a kind (country, abroad, regions, raions, districts, precincts) nor a unit's id"
    )]
    Malformed(String),
    /// A unit that the election does not have.
    #[error("units: there is no unit {0} in this election")]
    Unknown(UnitId),
    /// More ids than one reader may name.
    #[error("units: name at most {MOST_IDS} units, or whole kinds")]
    TooMany,
}

impl Default for UnitFilter {
    /// All units but precincts.
    fn default() -> Self {
        Self { kinds: 0b01_1111, single: Arc::default() }
    }
}

impl UnitFilter {
    /// Reads `country,regions,precinct:5123`.
    pub(crate) fn parse(text: &str, layout: &Layout) -> Result<Self, FilterError> {
        let mut kinds = 0;
        let mut single = Vec::new();
        for word in text.split(',') {
            if let Some(kind) = KINDS.iter().position(|kind| *kind == word) {
                kinds |= 1 << kind;
                continue;
            }
            let malformed = |_| FilterError::Malformed(word.chars().take(48).collect());
            let id: UnitId = word.parse().map_err(malformed)?;
            single.push(layout.slot(&id).ok_or(FilterError::Unknown(id))?);
            if single.len() > MOST_IDS {
                return Err(FilterError::TooMany);
            }
        }
        let whole = Self { kinds, single: Arc::default() };
        single.retain(|slot| !whole.slots(layout).any(|covered| covered == *slot));
        single.sort_unstable();
        single.dedup();
        Ok(Self { kinds, single: single.into() })
    }

    /// The slots of its units, kinds first.
    pub(crate) fn slots<'a>(&'a self, layout: &'a Layout) -> impl Iterator<Item = usize> + 'a {
        let kinds = (0..KINDS.len()).filter(|kind| self.kinds & (1 << kind) != 0);
        kinds.flat_map(|kind| layout.kind(kind)).chain(self.single.iter().copied())
    }

    /// Whether it names whole kinds and no single unit: what many readers follow.
    pub(crate) fn is_of_kinds(&self) -> bool {
        self.single.is_empty()
    }
}
