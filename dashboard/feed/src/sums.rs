//! The guard's own sums of precincts, followed change by change.

use std::{collections::BTreeMap, sync::Arc};

use election::figures::{BrokenSum, Figures};

use crate::layout::Layout;

/// Of each unit that is a sum of precincts (raions, `abroad`, districts), that sum, by slot.
#[derive(Debug)]
pub(crate) struct Sums(BTreeMap<usize, Figures>);

impl Sums {
    /// The sums of these figures, which are those of every slot.
    pub(crate) fn new(layout: &Layout, figures: &[Arc<Figures>]) -> Result<Self, BrokenSum> {
        let direct = (0..layout.upper()).filter(|slot| layout.parts(*slot).is_empty());
        let empty = direct.map(|slot| (slot, Figures::empty(layout.contests(slot).iter().copied())));
        let mut sums: BTreeMap<usize, Figures> = empty.collect();
        let none = Figures::default();
        for (slot, figures) in figures.iter().enumerate() {
            for above in layout.summed_into(slot) {
                if let Some(sum) = sums.get_mut(&above) {
                    sum.replace(layout.id(above), &none, figures)?;
                }
            }
        }
        Ok(Self(sums))
    }

    /// The sum of a unit's precincts, where it is one.
    pub(crate) fn of(&self, slot: usize) -> Option<&Figures> {
        self.0.get(&slot)
    }

    /// The sums that a precinct's change touches, as they would be after it. `touched` holds those of the
    /// changes before it.
    pub(crate) fn follow(
        &self,
        layout: &Layout,
        touched: &mut BTreeMap<usize, Figures>,
        (slot, old, new): (usize, &Figures, &Figures),
    ) -> Result<(), BrokenSum> {
        for above in layout.summed_into(slot) {
            if let Some(before) = self.0.get(&above) {
                let sum = touched.entry(above).or_insert_with(|| before.clone());
                sum.replace(layout.id(above), old, new)?;
            }
        }
        Ok(())
    }

    /// Lets the touched sums stand.
    pub(crate) fn commit(&mut self, touched: BTreeMap<usize, Figures>) {
        self.0.extend(touched);
    }
}
