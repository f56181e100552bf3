//! `sanak journal replay`: totals recomputed from nothing but the journal and the election files.

use std::{io::Write, path::Path, sync::Arc};

use actors::Night;
use feed::{Epoch, Feed, Options};
use journal::Reader;

use super::{Failure, journal_in, load};

/// Writes the snapshot that the journal below `data` gives, as `GET …/results` would show it: equal to what the
/// platform shows but for `epoch`, `version` and `generated_at`.
///
/// # Errors
/// [`Failure`]; also where the journal is of other election files.
pub fn replay(data: &Path, election: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let definition = Arc::new(load(election)?.definition);
    let dir = journal_in(data)?;
    let begun_with = journal::check(&dir)?.definition;
    if begun_with != Some(definition.digest()) {
        return Err(Failure::OtherFiles { election: election.to_owned(), data: data.to_owned() });
    }
    let epoch: Epoch = "replay".parse().map_err(|error: feed::PositionError| held(&error))?;
    let polls_open = definition.about().polls_open;
    let feed = Feed::new(Arc::clone(&definition), epoch, Options::starting(polls_open));
    let feed = feed.map_err(|breach| held(&breach))?;
    let mut night = Night::new(definition);
    for record in Reader::open(&dir)?.records(election::report::Offset(1)) {
        night.take(&record?, feed.series()).map_err(|broken| held(&broken))?;
    }
    night.settle().map_err(|broken| held(&broken))?;
    feed.publish(night.cut(1.0)).map_err(|breach| held(&breach))?;
    out.write_all(&feed.current().snapshot())?;
    writeln!(out)?;
    Ok(())
}

/// The journal gives figures that would never be published.
fn held(why: &impl std::fmt::Display) -> Failure {
    Failure::Figures(why.to_string())
}
