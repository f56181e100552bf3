//! A region, raion, district, or all precincts abroad: adds what changes in it, and never recomputes.

use std::sync::Arc;

use actix::{Actor, Context, Handler, Message, Recipient};
use election::{
    Timestamp, UnitId,
    figures::{BrokenSum, Figures},
    rollup::Change,
};

/// The actor of one unit above precincts.
pub(crate) struct UnitActor {
    id: UnitId,
    pub(crate) figures: Figures,
    updated: Timestamp,
    publisher: Recipient<Part>,
    /// A sum in it broke: its figures are not to be used.
    broken: Option<BrokenSum>,
    /// Ballots that nobody cast, which a test has it show.
    #[cfg(test)]
    pub(crate) invented: u64,
}

/// The unit's figures, formed anew.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reset(pub Figures);

/// A precinct's figures changed.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub(crate) struct Add {
    pub change: Arc<Change>,
    pub updated: Timestamp,
}

/// Tell the publisher what you hold: a cut through the order of changes.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Show {
    pub cut: u64,
}

/// What one unit held at a cut.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Part {
    pub cut: u64,
    pub unit: UnitId,
    pub figures: Arc<Figures>,
    pub updated: Timestamp,
    /// A sum in it broke since the unit was built.
    pub broken: Option<BrokenSum>,
}

impl UnitActor {
    pub(crate) fn new(id: UnitId, figures: Figures, publisher: Recipient<Part>) -> Self {
        Self {
            id,
            figures,
            updated: Timestamp::default(),
            publisher,
            broken: None,
            #[cfg(test)]
            invented: 0,
        }
    }

    #[cfg(not(test))]
    fn shown(&self) -> Figures {
        self.figures.clone()
    }

    #[cfg(test)]
    fn shown(&self) -> Figures {
        crate::faults::with_invented(&self.figures, self.invented)
    }
}

impl Actor for UnitActor {
    type Context = Context<Self>;
}

impl Handler<Add> for UnitActor {
    type Result = ();

    fn handle(&mut self, add: Add, _: &mut Self::Context) {
        self.updated = self.updated.max(add.updated);
        if self.broken.is_none() {
            let sum = self.figures.replace(&self.id, &add.change.before, &add.change.after);
            self.broken = sum.err();
        }
    }
}

impl Handler<Reset> for UnitActor {
    type Result = ();

    fn handle(&mut self, Reset(figures): Reset, _: &mut Self::Context) {
        (self.figures, self.broken) = (figures, None);
    }
}

impl Handler<Show> for UnitActor {
    type Result = ();

    fn handle(&mut self, show: Show, _: &mut Self::Context) {
        self.publisher.do_send(Part {
            cut: show.cut,
            unit: self.id.clone(),
            figures: Arc::new(self.shown()),
            updated: self.updated,
            broken: self.broken.clone(),
        });
    }
}
