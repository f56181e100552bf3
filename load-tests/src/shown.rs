//! What the platform shows, as a client reads it that knows nothing but PROTOCOL §3.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A snapshot, or the list of precincts, or a frame of the live feed: whatever has units.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Shown {
    /// Before this moment no vote is shown.
    #[serde(default)]
    pub embargo_until: Option<String>,
    /// Since when the last good version stands.
    #[serde(default)]
    pub stalled_since: Option<String>,
    /// Its units.
    #[serde(default)]
    pub units: Vec<ShownUnit>,
}

/// A unit.
#[derive(Debug, Clone, Deserialize)]
pub struct ShownUnit {
    /// Such as `region:osh`.
    pub id: String,
    /// Such as `reported`.
    pub phase: String,
    /// Precincts in it.
    pub precincts: u64,
    /// Precincts in which every contest has reported.
    pub reported: ShownReported,
    /// Turnout by the ID terminals.
    pub turnout: ShownTurnout,
    /// By contest.
    pub contests: BTreeMap<String, ShownContest>,
}

/// How much of a unit has reported.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ShownReported {
    /// Precincts.
    pub precincts: u64,
}

/// Turnout.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct ShownTurnout {
    /// People identified.
    pub identified: u64,
}

/// A contest in a unit.
#[derive(Debug, Clone, Deserialize)]
pub struct ShownContest {
    /// By the urns.
    pub urns: ShownSource,
    /// By the protocols.
    pub protocols: ShownSource,
}

/// A contest's figures from one source. The last three are missing until votes are published.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ShownSource {
    /// Precincts that have reported in full.
    pub precincts: u64,
    /// Registered voters of those.
    pub registered: u64,
    /// Ballots.
    #[serde(default)]
    pub ballots: Option<u64>,
    /// Of those, invalid.
    #[serde(default)]
    pub invalid: Option<u64>,
    /// Votes per option; absent = 0.
    #[serde(default)]
    pub votes: Option<BTreeMap<String, u64>>,
}

impl Shown {
    /// A unit by its id.
    pub fn unit(&self, id: &str) -> Option<&ShownUnit> {
        self.units.iter().find(|unit| unit.id == id)
    }
}
