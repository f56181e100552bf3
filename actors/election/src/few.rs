//! A map of a handful, as a list in order.
//!
//! A precinct has a few devices and open flags, most of the time none. A node of a tree has room for eleven entries: of a
//! million precincts that room alone would be gigabytes.

/// So many entries are made room for one by one.
const FEW: usize = 4;

/// Makes room for one more entry of a list that is most often short.
pub(crate) fn make_room<T>(list: &mut Vec<T>) {
    if list.len() < FEW {
        list.reserve_exact(1);
    }
}

/// Keys in their order, each with a value. For a handful: to put one in moves those behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(here, _)| here.cmp(key))
    }

    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Whether it has a key.
    pub fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }

    /// The value of a key, which is this one where it had none.
    pub fn or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        let at = self.place(&key).unwrap_or_else(|at| {
            make_room(&mut self.0);
            self.0.insert(at, (key, value()));
            at
        });
        &mut self.0[at].1
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let (_, value) = self.0.remove(self.place(key).ok()?);
        self.give_back();
        Some(value)
    }

    /// Keeps what fulfils a condition.
    pub fn retain(&mut self, mut keep: impl FnMut(&K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(key, value));
        self.give_back();
    }

    /// An empty one takes no room.
    fn give_back(&mut self) {
        if self.0.is_empty() {
            self.0 = Vec::new();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of the keys.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_as_any_other(steps in proptest::collection::vec((0u8..3, 0u8..12, 0u8..9), 0..60)) {
            let (mut few, mut map) = (Few::default(), BTreeMap::new());
            for (what, key, value) in steps {
                match what {
                    0 => prop_assert_eq!(*few.or_insert_with(key, || value), *map.entry(key).or_insert(value)),
                    1 => prop_assert_eq!(few.remove(&key), map.remove(&key)),
                    _ => {
                        few.retain(|_, kept| *kept != value);
                        map.retain(|_, kept| *kept != value);
                    }
                }
                prop_assert!(few.iter().eq(map.iter()) && few.keys().eq(map.keys()) && few.values().eq(map.values()));
                prop_assert_eq!((few.len(), few.is_empty()), (map.len(), map.is_empty()));
                prop_assert_eq!((few.get(&key), few.contains_key(&key)), (map.get(&key), map.contains_key(&key)));
                prop_assert_eq!(few.get_mut(&key), map.get_mut(&key));
            }
        }
    }
}
