//! The night so far, out of its journal.

use std::{path::Path, sync::Arc};

use actors::{Night, ReplaySource, concerns};
use election::{Definition, PrecinctId, report::Offset};
use feed::Feed;
use journal::{Entry, Journal, Journaled, Reader};

use crate::platform::start::Trouble;

/// A journal that is open for writing, and what it held.
pub struct Opened {
    /// To be started.
    pub journal: Journal,
    /// What was there.
    pub recovered: journal::Recovered,
}

/// Opens the journal below a data directory.
///
/// # Errors
/// Where it is damaged, is of another election, or cannot be written.
pub fn open(data: &Path, definition: &Definition) -> Result<Opened, Trouble> {
    let options = journal::Options::default();
    let (journal, recovered) = Journal::open(&data.join("journal"), definition.digest(), options)?;
    if let Some(torn) = &recovered.torn {
        tracing::warn!(file = %torn.file.display(), bytes = torn.bytes, "cut what was written in half");
    }
    Ok(Opened { journal, recovered })
}

/// Folds every record into the night that a feed will show.
///
/// # Errors
/// Where a record cannot be read.
pub fn replay(
    recovered: &journal::Recovered,
    definition: &Arc<Definition>,
    feed: &Feed,
) -> Result<Night, Trouble> {
    let mut night = Night::new(Arc::clone(definition));
    for record in recovered.records() {
        night.take(&record?, feed.series()).map_err(|broken| Trouble::Replay(broken.to_string()))?;
    }
    let shown = feed.precincts();
    let ids: Vec<&PrecinctId> = definition.precincts().keys().collect();
    let shown = |precinct| ids.binary_search(&&precinct).ok().and_then(|at| shown.get(at)).cloned();
    night.settle_beside(shown).map_err(|broken| Trouble::Replay(broken.to_string()))?;
    Ok(night)
}

/// The journal, for a precinct that is to be rebuilt.
pub struct Records {
    /// The election.
    pub definition: Arc<Definition>,
    /// The journal.
    pub reader: Reader,
}

impl ReplaySource for Records {
    fn records_of(&self, precinct: PrecinctId) -> std::io::Result<Vec<Journaled<Entry>>> {
        let mut of_it = Vec::new();
        for record in self.reader.records(Offset(1)) {
            let record = record.map_err(std::io::Error::other)?;
            if concerns(&self.definition, record.entry(), precinct) {
                of_it.push(record);
            }
        }
        Ok(of_it)
    }
}
