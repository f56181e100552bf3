//! Figures out of what was published.

use std::collections::BTreeMap;

use election::{
    ContestId, Count, Definition, OptionId,
    definition::Contest,
    figures::{ContestFigures, Figures, Preferences, SourceFigures},
};
use serde::Deserialize;

/// The contests of a unit's published JSON.
#[derive(Deserialize)]
struct Unit {
    contests: BTreeMap<ContestId, OfContest>,
}

#[derive(Deserialize)]
struct OfContest {
    precincts: u32,
    registered: Count,
    urns: OfSource,
    protocols: OfSource,
}

/// Counts that were not to be published yet are not there.
#[derive(Deserialize)]
struct OfSource {
    precincts: u32,
    registered: Count,
    #[serde(default)]
    ballots: Count,
    #[serde(default)]
    invalid: Count,
    #[serde(default)]
    votes: BTreeMap<OptionId, Count>,
}

/// The contests of a unit, read from the JSON in which it was published. All else of its figures is left at nought;
/// preference votes are in no version.
///
/// # Errors
/// It is not the JSON of a unit.
pub fn contests_of(definition: &Definition, unit: &[u8]) -> Result<Figures, serde_json::Error> {
    let Unit { contests } = serde_json::from_slice(unit)?;
    let mut contests: Vec<ContestFigures> = contests
        .into_iter()
        .filter_map(|(id, of)| {
            let ix = definition.contest_ix(&id)?;
            let contest = definition.contest(ix);
            Some(ContestFigures {
                contest: ix,
                precincts: of.precincts,
                registered: of.registered,
                urns: of.urns.figures(contest),
                protocols: of.protocols.figures(contest),
            })
        })
        .collect();
    contests.sort_by_key(|of| of.contest);
    Ok(Figures { contests, ..Figures::default() })
}

impl OfSource {
    fn figures(self, contest: &Contest) -> SourceFigures {
        let Self { precincts, registered, ballots, invalid, votes } = self;
        let votes = contest.options.iter().map(|option| votes.get(&option.id).copied().unwrap_or_default());
        let (votes, preferences) = (votes.collect(), Preferences::default());
        SourceFigures { precincts, registered, ballots, invalid, votes, preferences }
    }
}
