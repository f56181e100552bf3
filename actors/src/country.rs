//! The country: puts all changes into one order, adds its own sums, and hands each change to the units
//! above the precinct.
//!
//! Messages from here to a unit keep their order, so a unit that is asked to show its figures after change
//! *n* shows exactly the changes up to *n*: every unit of a cut stands at the same point of the night.
//! They are sent without a bound on the mailbox, because a bound would break that order; what is in flight
//! is bounded before: reports by the gateway, which waits for the country's answer to each, and moments of the night,
//! which are few, by turns of some thousand precincts. A message that waited for room may come after a later one of the same
//! precinct: what it adds is passed over by its revision, and the corrections it carries are taken all the same.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use actix::{Actor, Addr, Context, Handler, Message};
use election::{
    Correction, PrecinctId, Timestamp, UnitId,
    figures::{BrokenSum, Figures},
    report::Offset,
    rollup::Contributions,
    seats::Drawn,
};

use crate::{
    publisher::{CutBegins, Publisher},
    unit::{Add, Reset, Show, UnitActor},
};

/// The actor of the country.
pub(crate) struct Country {
    contributions: Contributions,
    revisions: HashMap<PrecinctId, u64>,
    figures: Figures,
    updated: Timestamp,
    pub(crate) units: BTreeMap<UnitId, Addr<UnitActor>>,
    publisher: Addr<Publisher>,
    dirty: BTreeSet<UnitId>,
    dirty_precincts: BTreeMap<PrecinctId, Timestamp>,
    votes: bool,
    votes_changed: bool,
    /// The corrections that were cut, or are about to be: a rebuilt precinct tells of all of its own again.
    known: BTreeSet<Offset>,
    /// Those that no cut has taken along.
    corrections: Vec<Arc<Correction>>,
    /// Lots that no cut has taken along.
    lots: Vec<Arc<Drawn>>,
    broken: Option<BrokenSum>,
}

/// What the first version shows beside figures.
pub(crate) struct First {
    pub votes: bool,
    pub corrections: Vec<Arc<Correction>>,
    pub lots: Vec<Arc<Drawn>>,
}

/// Lots were drawn for a tie.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct LotsDrawn(pub Arc<Drawn>);

/// A precinct's figures are now these.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Changed {
    pub precinct: PrecinctId,
    /// Rises with every change of the precinct, across a rebuild: an older one that comes late is passed over.
    pub revision: u64,
    pub figures: Figures,
    pub updated: Timestamp,
    /// Decisions on record that set figures or let one fall: they are published with what they did.
    pub corrections: Vec<Arc<Correction>>,
}

/// Every sum is to be formed anew, because one of them is not what it should be.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct FormAnew;

/// Votes may be published from here on.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct ReleaseVotes;

/// Begin a cut, if there is anything to cut; with the sums formed anew, if they are to be compared.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Cut {
    pub number: u64,
    pub audit: bool,
}

impl Country {
    pub(crate) fn new(
        contributions: Contributions,
        figures: Figures,
        units: BTreeMap<UnitId, Addr<UnitActor>>,
        publisher: Addr<Publisher>,
        First { votes, corrections, lots }: First,
    ) -> Self {
        // Everything is shown in the first version.
        let dirty = units.keys().cloned().chain([UnitId::Country]).collect();
        let dirty_precincts =
            contributions.precincts().map(|precinct| (precinct, Timestamp::default())).collect();
        Self {
            contributions,
            revisions: HashMap::new(),
            figures,
            updated: Timestamp::default(),
            units,
            publisher,
            dirty,
            dirty_precincts,
            votes,
            votes_changed: false,
            known: corrections.iter().map(|correction| correction.offset).collect(),
            corrections,
            lots,
            broken: None,
        }
    }
}

impl Actor for Country {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(65_536);
    }
}

impl Handler<Changed> for Country {
    type Result = ();

    fn handle(&mut self, changed: Changed, _: &mut Self::Context) {
        let Changed { precinct, revision, figures, updated, corrections } = changed;
        for correction in corrections {
            if self.known.insert(correction.offset) {
                self.corrections.push(correction);
            }
        }
        let known = self.revisions.entry(precinct).or_default();
        if revision <= *known {
            return;
        }
        *known = revision;
        let Some(change) = self.contributions.put(precinct, figures) else { return };
        let change = Arc::new(change);
        self.dirty_precincts.insert(precinct, updated);
        self.updated = self.updated.max(updated);
        for unit in self.contributions.path(precinct).iter() {
            self.dirty.insert(unit.clone());
            if *unit == UnitId::Country {
                let sum = self.figures.replace(unit, &change.before, &change.after);
                self.broken = self.broken.take().or(sum.err());
            } else if let Some(unit) = self.units.get(unit) {
                unit.do_send(Add { change: Arc::clone(&change), updated });
            }
        }
    }
}

impl Handler<FormAnew> for Country {
    type Result = ();

    /// What each precinct adds is known here; a unit that is gone is begun again.
    fn handle(&mut self, _: FormAnew, _: &mut Self::Context) {
        let mut sums = match self.contributions.sums() {
            Ok(sums) => sums,
            Err(broken) => {
                self.broken = Some(broken);
                return;
            }
        };
        self.figures = sums.remove(&UnitId::Country).unwrap_or_default();
        self.broken = None;
        for (id, figures) in sums {
            let Some(unit) = self.units.get_mut(&id) else { continue };
            if unit.connected() {
                unit.do_send(Reset(figures));
            } else {
                *unit = UnitActor::new(id, figures, self.publisher.clone().recipient()).start();
            }
        }
        self.dirty = self.units.keys().cloned().chain([UnitId::Country]).collect();
    }
}

impl Handler<LotsDrawn> for Country {
    type Result = ();

    fn handle(&mut self, LotsDrawn(drawn): LotsDrawn, _: &mut Self::Context) {
        self.lots.push(drawn);
    }
}

impl Handler<ReleaseVotes> for Country {
    type Result = ();

    fn handle(&mut self, _: ReleaseVotes, _: &mut Self::Context) {
        self.votes_changed |= !self.votes;
        self.votes = true;
    }
}

impl Handler<Cut> for Country {
    type Result = ();

    fn handle(&mut self, cut: Cut, _: &mut Self::Context) {
        let nothing = self.dirty.is_empty()
            && self.dirty_precincts.is_empty()
            && self.corrections.is_empty()
            && self.lots.is_empty()
            && !self.votes_changed;
        if nothing && !cut.audit && self.broken.is_none() {
            self.publisher.do_send(CutBegins::nothing(cut.number));
            return;
        }
        // An audit compares every unit, so every unit is shown.
        let shown: Vec<UnitId> = match cut.audit {
            true => self.units.keys().cloned().collect(),
            false => self.dirty.iter().filter(|unit| self.units.contains_key(*unit)).cloned().collect(),
        };
        let precincts = std::mem::take(&mut self.dirty_precincts)
            .into_iter()
            .filter_map(|(id, updated)| Some((id, Arc::clone(self.contributions.of(id)?), updated)))
            .collect();
        self.publisher.do_send(CutBegins {
            number: cut.number,
            parts: shown.len(),
            country: Some((Arc::new(self.figures.clone()), self.updated)),
            precincts,
            corrections: std::mem::take(&mut self.corrections),
            lots: std::mem::take(&mut self.lots),
            votes: self.votes,
            sums: cut.audit.then(|| self.contributions.sums()),
            broken: self.broken.clone(),
        });
        for unit in shown {
            if let Some(unit) = self.units.get(&unit) {
                unit.do_send(Show { cut: cut.number });
            }
        }
        self.dirty.clear();
        self.votes_changed = false;
    }
}
