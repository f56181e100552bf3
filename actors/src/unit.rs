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
    figures: Figures,
    updated: Timestamp,
    publisher: Recipient<Part>,
}

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
        Self { id, figures, updated: Timestamp::default(), publisher }
    }
}

impl Actor for UnitActor {
    type Context = Context<Self>;
}

impl Handler<Add> for UnitActor {
    type Result = ();

    fn handle(&mut self, add: Add, ctx: &mut Self::Context) {
        self.updated = self.updated.max(add.updated);
        if let Err(broken) = self.figures.replace(&self.id, &add.change.before, &add.change.after) {
            // The publisher must hear of it even if nobody asks for a cut of this unit again.
            self.show(0, Some(broken));
            actix::ActorContext::stop(ctx);
        }
    }
}

impl Handler<Show> for UnitActor {
    type Result = ();

    fn handle(&mut self, show: Show, _: &mut Self::Context) {
        self.show(show.cut, None);
    }
}

impl UnitActor {
    fn show(&self, cut: u64, broken: Option<BrokenSum>) {
        let (unit, figures) = (self.id.clone(), Arc::new(self.figures.clone()));
        self.publisher.do_send(Part { cut, unit, figures, updated: self.updated, broken });
    }
}
