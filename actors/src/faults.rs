//! Faults that tests put into the roll-up. The service is built without them.

use actix::{ActorContext, Context, Handler, Message};
use election::{Count, UnitId, figures::Figures};

use crate::{country::Country, unit::UnitActor};

/// A fault in the sums of one unit.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// From now on it shows so many ballots that nobody cast, whatever it holds; 0 ends it.
    Invents(u64),
    /// What it holds is off by so many ballots, once.
    Slips(u64),
    /// It is gone.
    Dies,
}

/// Puts a fault into a unit above precincts.
#[derive(Message, Clone)]
#[rtype(result = "()")]
pub(crate) struct Strike(pub UnitId, pub Fault);

impl Handler<Strike> for Country {
    type Result = ();

    fn handle(&mut self, strike: Strike, _: &mut Self::Context) {
        self.units[&strike.0].do_send(strike);
    }
}

impl Handler<Strike> for UnitActor {
    type Result = ();

    fn handle(&mut self, Strike(_, fault): Strike, ctx: &mut Context<Self>) {
        match fault {
            Fault::Invents(ballots) => self.invented = ballots,
            Fault::Slips(ballots) => self.figures = with_invented(&self.figures, ballots),
            Fault::Dies => ctx.stop(),
        }
    }
}

/// Figures with ballots that nobody cast: votes for the first option, so that they add up in themselves.
pub(crate) fn with_invented(figures: &Figures, ballots: u64) -> Figures {
    let mut figures = figures.clone();
    let urns = &mut figures.contests[0].urns;
    urns.ballots = Count::new(urns.ballots.get() + ballots);
    urns.votes[0] = Count::new(urns.votes[0].get() + ballots);
    figures
}
