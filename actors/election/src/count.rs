//! Counts of people, ballots and votes, with checked arithmetic.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number of people, ballots or votes. Never wraps and never goes below zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Count(u64);

impl Count {
    /// No one.
    pub const ZERO: Count = Count(0);
    /// The most that one figure of a device report may say (PROTOCOL F03).
    pub const MAX_REPORTED: Count = Count(1_000_000_000);

    /// A count of `n`.
    pub const fn new(n: u64) -> Self {
        Self(n)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Whether nothing was counted.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` past 2^64.
    pub fn checked_add(self, other: Count) -> Option<Count> {
        self.0.checked_add(other.0).map(Count)
    }

    /// This count with `old` taken out and `new` put in: how a roll-up follows a change below it.
    /// `None` when `old` was never in it, or past 2^64.
    pub fn replace(self, old: Count, new: Count) -> Option<Count> {
        self.0.checked_sub(old.0)?.checked_add(new.0).map(Count)
    }

    /// The sum of all, or `None` past 2^64.
    pub fn checked_sum(counts: impl IntoIterator<Item = Count>) -> Option<Count> {
        counts.into_iter().try_fold(Count::ZERO, Count::checked_add)
    }
}

impl From<u32> for Count {
    fn from(n: u32) -> Self {
        Self(n.into())
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_never_wraps() {
        assert_eq!(Count::new(u64::MAX).checked_add(Count::new(1)), None);
        assert_eq!(Count::new(3).replace(Count::new(4), Count::new(9)), None);
        assert_eq!(Count::new(5).replace(Count::new(4), Count::new(9)), Some(Count::new(10)));
        assert_eq!(Count::checked_sum([Count::new(u64::MAX), Count::new(1)]), None);
    }
}
