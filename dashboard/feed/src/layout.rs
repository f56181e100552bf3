//! Every unit has a slot, so that a version is an array.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
    ops::Range,
    sync::Arc,
};

use election::{Definition, UnitId, definition::ContestIx};

/// Kinds of units, in the order of their slots; the words of `units=`.
pub(crate) const KINDS: [&str; 6] = ["country", "abroad", "regions", "raions", "districts", "precincts"];

/// Where units stand: those above precincts first, in the order of their ids, then the precincts.
#[derive(Debug)]
pub(crate) struct Layout {
    ids: Vec<UnitId>,
    /// Of units above precincts.
    slots: HashMap<UnitId, usize>,
    upper: usize,
    kinds: [Range<usize>; 6],
    /// Of each precinct: the units above it, those first into which precincts are summed directly.
    paths: Vec<Arc<[usize]>>,
    /// Of each unit above precincts: the units above precincts that add up to it.
    parts: Vec<Vec<usize>>,
    /// Of each unit: its contests and their numbers of options.
    contests: Vec<Arc<[(ContestIx, usize)]>>,
}

/// Values of which many are equal, each kept once.
struct Shared<T>(HashSet<Arc<[T]>>);

impl<T: Eq + Hash> Shared<T> {
    fn of(&mut self, value: Vec<T>) -> Arc<[T]> {
        if let Some(same) = self.0.get(&value[..]) {
            return Arc::clone(same);
        }
        let value: Arc<[T]> = value.into();
        self.0.insert(Arc::clone(&value));
        value
    }
}

impl Layout {
    pub(crate) fn new(definition: &Definition) -> Self {
        let mut ids: Vec<UnitId> = definition.units().keys().cloned().collect();
        let upper = ids.len();
        let slots: HashMap<UnitId, usize> =
            ids.iter().cloned().enumerate().map(|(at, id)| (id, at)).collect();
        ids.extend(definition.precincts().keys().map(|id| UnitId::Precinct(*id)));
        let mut kept = Shared(HashSet::new());
        let paths = definition.precincts().values().map(|precinct| {
            let above = definition.path(precinct);
            kept.of(above.iter().filter_map(|id| slots.get(id).copied()).collect())
        });
        let paths = paths.collect();
        let mut parts = vec![Vec::new(); upper];
        for unit in definition.units().values() {
            let adds_up = !matches!(unit.id, UnitId::District(_));
            if let Some(parent) = unit.parent.as_ref().filter(|_| adds_up)
                && let (Some(parent), Some(slot)) = (slots.get(parent), slots.get(&unit.id))
            {
                parts[*parent].push(*slot);
            }
        }
        let kinds = std::array::from_fn(|kind| {
            let from = ids.partition_point(|id| rank(id) < kind);
            from..ids.partition_point(|id| rank(id) <= kind)
        });
        let mut kept = Shared(HashSet::new());
        let contests = ids.iter().map(|id| kept.of(definition.contests_in(id))).collect();
        Self { ids, slots, upper, kinds, paths, parts, contests }
    }

    /// Number of units.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Number of units above precincts, whose slots are the first.
    pub(crate) fn upper(&self) -> usize {
        self.upper
    }

    pub(crate) fn id(&self, slot: usize) -> &UnitId {
        &self.ids[slot]
    }

    pub(crate) fn slot(&self, id: &UnitId) -> Option<usize> {
        match id {
            UnitId::Precinct(_) => self.ids[self.upper..].binary_search(id).ok().map(|at| self.upper + at),
            _ => self.slots.get(id).copied(),
        }
    }

    /// The slots of a kind, by its place in [`KINDS`].
    pub(crate) fn kind(&self, kind: usize) -> Range<usize> {
        self.kinds[kind].clone()
    }

    /// The units above a precinct; empty for other units.
    pub(crate) fn path(&self, slot: usize) -> &[usize] {
        slot.checked_sub(self.upper).map_or(&[][..], |precinct| &self.paths[precinct])
    }

    /// Of the units above a precinct, those that are sums of precincts: its raion or `abroad`, and districts.
    pub(crate) fn summed_into(&self, slot: usize) -> impl Iterator<Item = usize> + '_ {
        self.path(slot).iter().copied().filter(|above| self.parts[*above].is_empty())
    }

    /// The units above precincts that add up to this one; empty where precincts do.
    pub(crate) fn parts(&self, slot: usize) -> &[usize] {
        self.parts.get(slot).map_or(&[][..], Vec::as_slice)
    }

    /// The contests that stand in a unit, with their numbers of options.
    pub(crate) fn contests(&self, slot: usize) -> &[(ContestIx, usize)] {
        &self.contests[slot]
    }
}

fn rank(id: &UnitId) -> usize {
    match id {
        UnitId::Country => 0,
        UnitId::Abroad => 1,
        UnitId::Region(_) => 2,
        UnitId::Raion(_) => 3,
        UnitId::District(_) => 4,
        UnitId::Precinct(_) => 5,
    }
}
