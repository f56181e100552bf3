//! What is on record of an election beside its rows.

use election::{Definition, Timestamp};

/// An election: which, and how large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Election {
    /// Id.
    pub id: String,
    /// Its name in each language, as JSON.
    pub name: String,
    /// The day.
    pub date: String,
    /// Kind.
    pub kind: String,
    /// A rehearsal.
    pub test: bool,
    /// How many precincts.
    pub precincts: i64,
    /// Voters on their lists.
    pub registered: i64,
    /// Since when it can no longer change.
    pub sealed_at: Option<Timestamp>,
}

/// An election with its definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub election: Election,
    /// The definition, as it is served.
    pub definition: String,
}

impl About {
    /// Of a definition, with the text in which it is served.
    pub fn of(definition: &Definition, served: String) -> Self {
        let about = definition.about();
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let election = Election {
            id: about.id.to_string(),
            name: serde_json::to_string(&about.name).unwrap_or_default(),
            date: about.date.clone(),
            kind: about.kind.clone(),
            test: about.test,
            precincts: number(definition.precincts().len() as u64),
            registered: number(definition.registered().get()),
            sealed_at: None,
        };
        Self { election, definition: served }
    }
}
