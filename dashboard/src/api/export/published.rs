//! A snapshot read back, as any client reads it.

use std::collections::HashMap;

use serde::Deserialize;

/// Why published bytes could not be read back.
#[derive(Debug, thiserror::Error)]
#[error("the published version cannot be read back: {0}")]
pub(crate) enum Unreadable {
    /// It is no snapshot.
    Json(#[from] serde_json::Error),
    /// It does not fit a table.
    Csv(#[from] csv::Error),
}

/// A snapshot.
#[derive(Debug, Deserialize)]
pub(crate) struct Snapshot<'a> {
    pub epoch: &'a str,
    pub version: u64,
    pub generated_at: &'a str,
    pub election: &'a str,
    pub test: bool,
    pub status: &'a str,
    #[serde(borrow)]
    pub units: Vec<Unit<'a>>,
}

/// A unit.
#[derive(Debug, Deserialize)]
pub(crate) struct Unit<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub parent: Option<&'a str>,
    pub phase: &'a str,
    pub precincts: u64,
    pub registered: u64,
    pub reported: Reported,
    pub turnout: Turnout,
    #[serde(borrow)]
    pub contests: HashMap<&'a str, Contest<'a>>,
    pub quarantined: u64,
    pub discrepancies: u64,
    pub updated_at: &'a str,
}

/// Who was identified.
#[derive(Debug, Deserialize)]
pub(crate) struct Turnout {
    pub identified: u64,
    pub precincts: u64,
    pub registered: u64,
}

/// What has reported in every contest.
#[derive(Debug, Deserialize)]
pub(crate) struct Reported {
    pub precincts: u64,
}

/// A contest in a unit.
#[derive(Debug, Deserialize)]
pub(crate) struct Contest<'a> {
    pub precincts: u64,
    pub registered: u64,
    #[serde(borrow)]
    pub urns: Source<'a>,
    #[serde(borrow)]
    pub protocols: Source<'a>,
}

/// One of the two results. Before votes may be published it has none.
#[derive(Debug, Deserialize)]
pub(crate) struct Source<'a> {
    pub precincts: u64,
    pub registered: u64,
    pub ballots: Option<u64>,
    pub invalid: Option<u64>,
    #[serde(borrow, default)]
    pub votes: HashMap<&'a str, u64>,
}

impl Contest<'_> {
    /// Both results by name.
    pub(crate) fn sources(&self) -> [(&'static str, &Source<'_>); 2] {
        [("urns", &self.urns), ("protocols", &self.protocols)]
    }
}

/// # Errors
/// When the bytes are no unit.
pub(crate) fn unit(bytes: &[u8]) -> Result<Unit<'_>, Unreadable> {
    Ok(serde_json::from_slice(bytes)?)
}

/// # Errors
/// When the bytes are no snapshot.
pub(crate) fn read(bytes: &[u8]) -> Result<Snapshot<'_>, Unreadable> {
    Ok(serde_json::from_slice(bytes)?)
}
