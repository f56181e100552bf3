//! What the actors need of the world, and who stands in for it in tests.

use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

use election::{PrecinctId, Timestamp, record::Observation};
use journal::{Clock, Entry, Journaled, SystemClock};

/// The clock by which the night runs, and how much faster than real time it goes.
pub trait Tempo: Clock {
    /// Simulated seconds in a real one; 1 outside of a simulation.
    fn speed(&self) -> f64;

    /// Whether this clock can be relied on to have passed a moment from which votes are published. What is published
    /// cannot be taken back.
    fn vouches_for(&self, _moment: Timestamp) -> bool {
        true
    }

    /// Real time from any beginning: it goes on evenly, whatever is done to the clock.
    fn real(&self) -> Duration {
        static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
        BEGINNING.elapsed()
    }
}

impl Tempo for SystemClock {
    fn speed(&self) -> f64 {
        1.0
    }
}

/// Where a precinct that failed gets its records from again.
pub trait ReplaySource: Send + Sync {
    /// Every durable record that concerns a precinct, in order.
    ///
    /// # Errors
    /// Where the journal cannot be read.
    fn records_of(&self, precinct: PrecinctId) -> std::io::Result<Vec<Journaled<Entry>>>;
}

/// Where an observation is put on record. It comes back as a record once it is on stable storage.
pub trait Recorder: Send + Sync {
    /// Appends an observation. False where there is no room now: it is to be made again later.
    fn record(&self, observation: Observation, at: Timestamp) -> bool;
}
