//! The sums of every unit, followed change by change.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    definition::Definition,
    figures::{BrokenSum, Figures},
    ids::{PrecinctId, UnitId},
};

/// The figures of a precinct before and after a record.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which precinct.
    pub precinct: PrecinctId,
    /// What it had added so far.
    pub before: Arc<Figures>,
    /// What it adds from now on.
    pub after: Arc<Figures>,
}

/// What each precinct adds, and the units it adds it to.
///
/// A change is made of what was there and what is there now, so saying the same twice changes nothing.
#[derive(Debug)]
pub struct Contributions {
    definition: Arc<Definition>,
    paths: HashMap<PrecinctId, Arc<[UnitId]>>,
    figures: HashMap<PrecinctId, Arc<Figures>>,
}

impl Contributions {
    /// Nothing added yet. Paths that are equal are kept once.
    pub fn new(definition: Arc<Definition>) -> Self {
        let mut kept: HashMap<Arc<[UnitId]>, ()> = HashMap::new();
        let mut paths = HashMap::new();
        for precinct in definition.precincts().values() {
            let path: Arc<[UnitId]> = definition.path(precinct).into();
            let path = match kept.get_key_value(&path) {
                Some((same, ())) => Arc::clone(same),
                None => {
                    kept.insert(Arc::clone(&path), ());
                    path
                }
            };
            paths.insert(precinct.id, path);
        }
        Self { definition, paths, figures: HashMap::new() }
    }

    /// The change that a precinct's figures make, or `None` when they are what they were.
    pub fn put(&mut self, precinct: PrecinctId, figures: Figures) -> Option<Change> {
        let before = self.figures.get(&precinct).cloned().unwrap_or_default();
        if *before == figures {
            return None;
        }
        let after = Arc::new(figures);
        self.figures.insert(precinct, Arc::clone(&after));
        Some(Change { precinct, before, after })
    }

    /// Keeps figures that are what a precinct adds in place of those, so that both stand in memory once.
    pub fn share(&mut self, precinct: PrecinctId, figures: &Arc<Figures>) {
        if let Some(own) = self.figures.get_mut(&precinct).filter(|own| own == &figures) {
            *own = Arc::clone(figures);
        }
    }

    /// The units above a precinct, nearest first, the country last.
    pub fn path(&self, precinct: PrecinctId) -> Arc<[UnitId]> {
        self.paths.get(&precinct).cloned().unwrap_or_default()
    }

    /// What a precinct adds now.
    pub fn of(&self, precinct: PrecinctId) -> Option<&Arc<Figures>> {
        self.figures.get(&precinct)
    }

    /// The precincts that have added anything.
    pub fn precincts(&self) -> impl Iterator<Item = PrecinctId> {
        self.figures.keys().copied()
    }

    /// Every unit's sums, formed anew from the precincts: the auditor's way, which must give what was
    /// followed change by change.
    ///
    /// # Errors
    /// [`BrokenSum`] past 2^64.
    pub fn sums(&self) -> Result<BTreeMap<UnitId, Figures>, BrokenSum> {
        let mut units = empty_units(&self.definition);
        let none = Figures::default();
        for (precinct, figures) in &self.figures {
            for id in self.path(*precinct).iter() {
                if let Some(unit) = units.get_mut(id) {
                    unit.replace(id, &none, figures)?;
                }
            }
        }
        Ok(units)
    }
}

/// Every unit above precincts, before anything was added.
pub fn empty_units(definition: &Definition) -> BTreeMap<UnitId, Figures> {
    definition.units().keys().map(|id| (id.clone(), Figures::empty(definition.contests_in(id)))).collect()
}
