//! Watches the clock for the moments at which polls open or close somewhere, or votes may be published, and
//! puts each on record, in order. What a moment does follows from the record, not from the clock.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, AsyncContext, Context, Handler, Message};
use election::{Definition, Timestamp, record::Observation};

use crate::ports::{Recorder, Tempo};

/// How often the clock is read, in real time.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A moment that has not come back as a record after this is put on record again.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// The actor that watches the clock.
pub(crate) struct Moments {
    ahead: VecDeque<Timestamp>,
    recorder: Arc<dyn Recorder>,
    tempo: Arc<dyn Tempo>,
    recorded: Option<Instant>,
    /// From when votes may be published, while that is not on record.
    embargo: Option<Timestamp>,
}

/// A moment is on record.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Reached(pub Timestamp);

impl Moments {
    pub(crate) fn new(
        definition: &Definition,
        reached: Timestamp,
        recorder: Arc<dyn Recorder>,
        tempo: Arc<dyn Tempo>,
    ) -> Self {
        let ahead = definition.moments().into_iter().filter(|moment| *moment > reached).collect();
        let votes_from = definition.about().publish_votes_from;
        let embargo = (reached < votes_from).then_some(votes_from);
        Self { ahead, recorder, tempo, recorded: None, embargo }
    }

    fn look(&mut self) {
        let now = self.tempo.now();
        let waiting = self.recorded.is_some_and(|at| at.elapsed() < AGAIN_AFTER);
        if let Some(next) = self.ahead.front().filter(|next| **next <= now && !waiting)
            && self.may_pass(*next)
            && self.recorder.record(Observation::Clock { reached: *next }, now)
        {
            self.recorded = Some(Instant::now());
        }
    }
}

impl Moments {
    /// The embargo is opened by a clock that can be relied on, and by no other.
    fn may_pass(&self, moment: Timestamp) -> bool {
        self.embargo.is_none_or(|from| moment < from || self.tempo.vouches_for(moment))
    }
}

impl Actor for Moments {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(LOOK_EVERY, |moments, _| moments.look());
    }
}

impl Handler<Reached> for Moments {
    type Result = ();

    fn handle(&mut self, Reached(moment): Reached, _: &mut Self::Context) {
        while self.ahead.front().is_some_and(|next| *next <= moment) {
            self.ahead.pop_front();
        }
        self.embargo = self.embargo.filter(|from| moment < *from);
        self.recorded = None;
        self.look();
    }
}
