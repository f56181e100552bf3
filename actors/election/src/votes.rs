//! Votes for each option of a contest.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock},
};

use crate::count::Count;

/// Votes per option, in the order of the contest's options. A copy is the same list until it is changed: what an urn
/// counted is what its precinct adds, in a version and in every sum of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Votes(Arc<[Count]>);

/// Up to so many options a list of nothing but noughts is the same for all.
const SHARED: usize = 64;

impl Votes {
    /// None for any of so many options.
    pub fn none(options: usize) -> Self {
        static NONE: [OnceLock<Votes>; SHARED] = [const { OnceLock::new() }; SHARED];
        let none = || std::iter::repeat_n(Count::ZERO, options).collect::<Votes>();
        NONE.get(options).map_or_else(none, |shared| shared.get_or_init(none).clone())
    }
}

impl Deref for Votes {
    type Target = [Count];

    fn deref(&self) -> &[Count] {
        &self.0
    }
}

impl DerefMut for Votes {
    fn deref_mut(&mut self) -> &mut [Count] {
        Arc::make_mut(&mut self.0)
    }
}

impl<'a> IntoIterator for &'a Votes {
    type Item = &'a Count;
    type IntoIter = std::slice::Iter<'a, Count>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Count> for Votes {
    fn from_iter<I: IntoIterator<Item = Count>>(votes: I) -> Self {
        Self(votes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_changes_alone() {
        for options in [0, 3, SHARED - 1, SHARED, SHARED + 1] {
            let none = Votes::none(options);
            assert_eq!((none.len(), none.iter().all(|votes| votes.is_zero())), (options, true));
            let mut some = none.clone();
            some.iter_mut().for_each(|votes| *votes = Count::new(7));
            assert_eq!(none, Votes::none(options));
            assert_eq!(some, std::iter::repeat_n(Count::new(7), options).collect());
        }
    }
}
