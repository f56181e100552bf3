//! Whether the platform shows what the fleet sent: every unit, contest, source and option.

use std::{collections::HashMap, net::SocketAddr};

use election::{Definition, UnitId};
use serde::{Deserialize, Serialize};

use crate::{
    http::{Api, HttpError},
    ledger::Ledger,
    shown::{Shown, ShownContest, ShownSource, ShownUnit},
    totals::{Sources, Sums, Totals, UnitTotals},
};

/// Differences that are kept in words; the rest are counted.
const KEPT: usize = 50;

/// What a comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Figures that were compared.
    pub figures: u64,
    /// Figures that differ, or are not shown.
    pub differ: u64,
    /// The first fifty of those.
    pub differences: Vec<Difference>,
    /// Precincts that are shown as reported.
    pub reported: u64,
}

/// A figure that is not shown as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Difference {
    /// The unit.
    pub unit: String,
    /// Which figure, such as `list.urns.votes.p01`.
    pub figure: String,
    /// What the platform shows; `None` where it shows nothing.
    pub shown: Option<u64>,
    /// What was sent and receipted.
    pub sent: u64,
}

impl Verification {
    /// Whether everything is shown as it was sent.
    pub fn totals_match(&self) -> bool {
        self.differ == 0 && self.figures > 0
    }

    fn compare(&mut self, unit: &str, figure: impl FnOnce() -> String, shown: Option<u64>, sent: u64) {
        self.figures += 1;
        if shown != Some(sent) {
            self.differ += 1;
            if self.differences.len() < KEPT {
                self.differences.push(Difference { unit: unit.to_owned(), figure: figure(), shown, sent });
            }
        }
    }

    fn unit(&mut self, definition: &Definition, id: &str, shown: Option<&ShownUnit>, sent: &UnitTotals) {
        let identified = shown.map(|unit| unit.turnout.identified);
        self.compare(id, || "identified".into(), identified, sent.identified);
        for (ix, Sources { urns, protocols }) in &sent.contests {
            let contest = definition.contest(*ix);
            let there = shown.and_then(|unit| unit.contests.get(contest.id.as_str()));
            let side = |pick: fn(&ShownContest) -> &ShownSource| there.map(pick);
            let options: Vec<&str> = contest.options.iter().map(|option| option.id.as_str()).collect();
            let name = |source| format!("{}.{source}", contest.id);
            self.source(id, &name("urns"), &options, side(|contest| &contest.urns), urns);
            self.source(id, &name("protocols"), &options, side(|contest| &contest.protocols), protocols);
        }
        let more = shown.map_or(0, |unit| unit.contests.len());
        self.compare(id, || "contests".into(), Some(more as u64), sent.contests.len() as u64);
    }

    fn source(&mut self, unit: &str, name: &str, options: &[&str], shown: Option<&ShownSource>, sent: &Sums) {
        let figure = |what| move || format!("{name}.{what}");
        self.compare(unit, figure("precincts"), shown.map(|of| of.precincts), sent.precincts);
        self.compare(unit, figure("registered"), shown.map(|of| of.registered), sent.registered);
        self.compare(unit, figure("ballots"), shown.and_then(|of| of.ballots), sent.ballots);
        self.compare(unit, figure("invalid"), shown.and_then(|of| of.invalid), sent.invalid);
        let votes = shown.and_then(|of| of.votes.as_ref());
        for (option, sent) in options.iter().zip(&sent.votes) {
            let votes = votes.map(|votes| votes.get(*option).copied().unwrap_or(0));
            self.compare(unit, || format!("{name}.votes.{option}"), votes, *sent);
        }
        let foreign = votes.map_or(0, |votes| {
            votes.keys().filter(|option| !options.contains(&option.as_str())).count() as u64
        });
        self.compare(unit, figure("votes of unknown options"), Some(foreign), 0);
    }
}

/// How far it is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Every unit.
    Everything,
    /// Every unit but precincts: of a country whose precincts are too many for one answer.
    Units,
}

/// Compares what is shown with what was sent. `results` has every unit but precincts, `precincts` those.
pub fn compare(definition: &Definition, totals: &Totals, results: &Shown, precincts: &Shown) -> Verification {
    let mut found = Verification::default();
    let shown: HashMap<&str, &ShownUnit> =
        results.units.iter().chain(&precincts.units).map(|unit| (unit.id.as_str(), unit)).collect();
    for (id, sent) in &totals.units {
        let name = id.to_string();
        let unit = shown.get(name.as_str()).copied();
        if let (UnitId::Precinct(_), Some(unit)) = (id, unit) {
            found.reported += unit.reported.precincts;
        }
        found.unit(definition, &name, unit, sent);
    }
    let country = results.unit("country");
    let reported = country.map(|country| country.reported.precincts);
    found.compare("country", || "reported.precincts".into(), reported, totals.reported.into());
    found.compare("country", || "units".into(), Some(shown.len() as u64), totals.units.len() as u64);
    found
}

/// Fetches what a running system shows and compares it with a fleet's books. Votes must be published by then.
///
/// # Errors
/// When the system does not answer as PROTOCOL §3 says.
pub async fn verify(
    http: SocketAddr,
    definition: &Definition,
    ledger: &Ledger,
) -> Result<Verification, HttpError> {
    verify_within(http, definition, ledger, Scope::Everything).await
}

/// The same, of as much as is asked for.
///
/// # Errors
/// When the system does not answer as PROTOCOL §3 says.
pub async fn verify_within(
    http: SocketAddr,
    definition: &Definition,
    ledger: &Ledger,
    scope: Scope,
) -> Result<Verification, HttpError> {
    let api = Api::new(http);
    let election = format!("/api/v1/elections/{}", definition.about().id);
    let results: Shown = api.get(&format!("{election}/results")).await?;
    let mut totals = ledger.totals(definition);
    if scope == Scope::Units {
        totals.units.retain(|id, _| !matches!(id, UnitId::Precinct(_)));
        let mut found = compare(definition, &totals, &results, &Shown::default());
        found.reported = results.unit("country").map_or(0, |country| country.reported.precincts);
        return Ok(found);
    }
    let precincts: Shown = api.get(&format!("{election}/precincts")).await?;
    Ok(compare(definition, &totals, &results, &precincts))
}
