//! What was learned not long ago, and is worth no more than its room.

use std::{collections::HashMap, hash::Hash, mem::swap};

/// Values by key, in two generations: when the newer is full, the older is forgotten.
#[derive(Debug)]
pub(crate) struct Recent<K, V> {
    most: usize,
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
}

impl<K: Eq + Hash, V> Recent<K, V> {
    /// One that remembers so many at least, and at most twice as many.
    pub(crate) fn of(most: usize) -> Self {
        Self { most, newer: HashMap::new(), older: HashMap::new() }
    }

    /// The value of a key, if it is remembered.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.newer.get(key).or_else(|| self.older.get(key))
    }

    /// Remembers a value.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.newer.len() >= self.most {
            swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        self.newer.insert(key, value);
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.newer.len() + self.older.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_remembered_and_never_more_than_two_generations() {
        let mut recent = Recent::of(100);
        for number in 0..500 {
            recent.insert(number, number * 2);
            assert!(recent.len() <= 200);
        }
        assert!((400..500).all(|number| recent.get(&number) == Some(&(number * 2))));
        assert_eq!(recent.get(&0), None);
    }
}
