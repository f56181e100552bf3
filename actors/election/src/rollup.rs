//! The sums of every unit, followed change by change.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::{
    definition::{Definition, Precinct},
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
    /// In the order of precincts' numbers.
    places: Box<[Contribution]>,
    /// Each of those that there are, once.
    paths: Vec<Arc<[UnitId]>>,
}

/// What one precinct adds.
#[derive(Debug)]
struct Contribution {
    precinct: PrecinctId,
    /// In [`Contributions::paths`].
    path: u32,
    figures: Option<Arc<Figures>>,
}

impl Contributions {
    /// Nothing added yet.
    pub fn new(definition: Arc<Definition>) -> Self {
        let mut known: HashMap<Arc<[UnitId]>, u32> = HashMap::new();
        let mut paths = Vec::new();
        let place = |precinct: &Precinct| {
            let path: Arc<[UnitId]> = definition.path(precinct).into();
            let path = *known.entry(path).or_insert_with_key(|path| {
                paths.push(Arc::clone(path));
                paths.len() as u32 - 1
            });
            Contribution { precinct: precinct.id, path, figures: None }
        };
        let places = definition.precincts().values().map(place).collect();
        Self { definition, places, paths }
    }

    fn place(&self, precinct: PrecinctId) -> Option<usize> {
        self.places.binary_search_by_key(&precinct, |place| place.precinct).ok()
    }

    /// The change that a precinct's figures make, or `None` when they are what they were, or there is no such precinct.
    pub fn put(&mut self, precinct: PrecinctId, figures: Figures) -> Option<Change> {
        let place = &mut self.places[self.place(precinct)?];
        let before = place.figures.clone().unwrap_or_default();
        if *before == figures {
            return None;
        }
        let after = Arc::new(figures);
        place.figures = Some(Arc::clone(&after));
        Some(Change { precinct, before, after })
    }

    /// Keeps figures that are what a precinct adds in place of those, so that both stand in memory once.
    pub fn share(&mut self, precinct: PrecinctId, figures: &Arc<Figures>) {
        let Some(at) = self.place(precinct) else { return };
        if let Some(own) = self.places[at].figures.as_mut().filter(|own| *own == figures) {
            *own = Arc::clone(figures);
        }
    }

    /// The units above a precinct, nearest first, the country last.
    pub fn path(&self, precinct: PrecinctId) -> Arc<[UnitId]> {
        self.place(precinct).map(|at| self.path_of(&self.places[at])).cloned().unwrap_or_default()
    }

    fn path_of(&self, place: &Contribution) -> &Arc<[UnitId]> {
        &self.paths[place.path as usize]
    }

    /// What a precinct adds now.
    pub fn of(&self, precinct: PrecinctId) -> Option<&Arc<Figures>> {
        self.places[self.place(precinct)?].figures.as_ref()
    }

    /// The precincts that have added anything.
    pub fn precincts(&self) -> impl Iterator<Item = PrecinctId> {
        self.places.iter().filter(|place| place.figures.is_some()).map(|place| place.precinct)
    }

    /// Every unit's sums, formed anew from the precincts: the auditor's way, which must give what was
    /// followed change by change.
    ///
    /// # Errors
    /// [`BrokenSum`] past 2^64.
    pub fn sums(&self) -> Result<BTreeMap<UnitId, Figures>, BrokenSum> {
        let mut units = empty_units(&self.definition);
        let none = Figures::default();
        for place in &self.places {
            let Some(figures) = &place.figures else { continue };
            for id in self.path_of(place).iter() {
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
