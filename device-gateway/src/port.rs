//! What the gateway needs of those who count.

use std::{future::Future, pin::Pin, sync::Arc};

use election::{
    DeviceId, PrecinctId, Timestamp,
    precinct::{Judgement, Known},
    report::{DeviceState, Digest, Heartbeat, Seq},
};
use journal::{Entry, Journaled};

/// A future of the port's.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send>>;

/// A sign of life that is not put on record.
#[derive(Debug, Clone)]
pub enum Life {
    /// A heartbeat.
    Heartbeat(Heartbeat),
    /// On line, off line, or the Last Will.
    State(DeviceState),
    /// Its connection is there, or gone.
    Link {
        /// Whose.
        device: DeviceId,
        /// There.
        connected: bool,
    },
}

/// Those who count.
pub trait Counting: Send + Sync {
    /// Takes a durable report, in the order of calls. The first judgement is its own; more follow where it
    /// filled a gap. An error means that nobody could judge it now: the device gets no answer and repeats.
    fn report(&self, record: Arc<Journaled<Entry>>) -> Answer<Vec<Judgement>>;

    /// What became of a report that is offered again.
    fn known(
        &self,
        precinct: PrecinctId,
        device: DeviceId,
        seq: Seq,
        digest: Digest,
    ) -> Answer<Option<Known>>;

    /// Takes a sign of life.
    fn heard(&self, life: Life, arrived: Timestamp);
}
