//! Which line a cross-check of the whole definition is about.

use std::collections::BTreeMap;

use election::{ContestId, DeviceId, PrecinctId, UnitId, builder::Subject};

use crate::{
    about,
    devices::{self, Listed},
    options,
    parse::Parts,
    precincts::{self, Votings},
    units,
};

/// Where each thing that a cross-check may concern is written.
pub(crate) struct Lines {
    about: BTreeMap<&'static str, u64>,
    units: BTreeMap<UnitId, u64>,
    contests: BTreeMap<ContestId, (&'static str, u64)>,
    precincts: BTreeMap<PrecinctId, u64>,
    devices: BTreeMap<DeviceId, (u64, Option<PrecinctId>)>,
}

impl Lines {
    pub fn new(parts: &Parts) -> Self {
        let mut contests = BTreeMap::new();
        for voting in parts.votings.list.iter().rev() {
            contests.insert(voting.contest.clone(), (precincts::CONTESTS.file, voting.line));
        }
        for (contest, line) in &parts.options.lines {
            contests.insert(contest.clone(), (options::COLUMNS.file, *line));
        }
        for declared in &parts.head.contests.list {
            contests.insert(declared.id.clone(), (about::FILE, declared.line));
        }
        let device = |listed: &Listed| (listed.id.clone(), (listed.line, listed.precinct));
        Self {
            about: parts.head.lines.clone(),
            units: parts.units.lines.clone(),
            contests,
            precincts: parts.precincts.lines.clone(),
            devices: parts.devices.list.iter().map(device).collect(),
        }
    }

    /// File and line. What concerns the election as a whole begins with the key it is about, where it is
    /// about one.
    pub fn place(&self, subject: &Subject, what: &str) -> (&'static str, u64) {
        let of_key = || self.about.get(what.split(' ').next()?).copied();
        let found = match subject {
            Subject::Election => Some((about::FILE, of_key().unwrap_or(1))),
            Subject::Unit(id) => self.units.get(id).map(|line| (units::COLUMNS.file, *line)),
            Subject::Contest(id) => self.contests.get(id).copied(),
            Subject::Precinct(id) => self.precincts.get(id).map(|line| (precincts::COLUMNS.file, *line)),
            Subject::Device(id) => self.devices.get(id).map(|(line, _)| (devices::COLUMNS.file, *line)),
        };
        found.unwrap_or((about::FILE, 1))
    }

    /// Whether a mistake only follows from one in `precinct_contests.csv` that is told.
    pub fn follows(&self, subject: &Subject, votings: &Votings) -> bool {
        let precinct = match subject {
            Subject::Precinct(id) => Some(*id),
            Subject::Device(id) => self.devices.get(id).and_then(|(_, precinct)| *precinct),
            _ => None,
        };
        precinct.is_some_and(|id| votings.troubled.contains(&id))
    }
}
