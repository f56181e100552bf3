//! One version of the night: every unit above precincts, as it was then.

use std::sync::Arc;

use bytes::Bytes;
use election::{Timestamp, UnitId, figures::Phase};

use crate::{layout::Layout, position::Position};

/// How far the night is, by the phase of the country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Polls have not opened.
    Pre,
    /// People vote.
    Open,
    /// Polls have closed, results come in.
    Counting,
    /// Every precinct has reported.
    Complete,
    /// The commission has certified the result.
    Certified,
}

impl Status {
    /// As it is published.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Open => "open",
            Self::Counting => "counting",
            Self::Complete => "complete",
            Self::Certified => "certified",
        }
    }
}

impl From<Phase> for Status {
    /// Where all precincts are annulled, nothing more will come.
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Pre => Self::Pre,
            Phase::Open => Self::Open,
            Phase::Counting => Self::Counting,
            Phase::Reported | Phase::Annulled => Self::Complete,
            Phase::Certified => Self::Certified,
        }
    }
}

/// The JSON of a unit above precincts, and since which version it has been so.
#[derive(Debug)]
pub(crate) struct Encoded {
    pub changed: u64,
    pub json: Bytes,
}

/// A version as it is kept: immutable, and shared in all that did not change with the versions around it.
#[derive(Debug)]
pub struct Version {
    pub(crate) position: Position,
    pub(crate) at: Timestamp,
    pub(crate) speed: f64,
    pub(crate) status: Status,
    pub(crate) votes: bool,
    /// How many of the lots on record it and the versions before it have taken along.
    pub(crate) lots: usize,
    pub(crate) header: String,
    pub(crate) layout: Arc<Layout>,
    /// Units above precincts, by slot.
    pub(crate) units: Box<[Arc<Encoded>]>,
    /// Bytes that were encoded for this version and are kept for it.
    pub(crate) weight: usize,
}

impl Version {
    /// Its epoch and number.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.position.version
    }

    /// When it was cut: `generated_at`.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// How far the night was.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether votes are in it; false while the embargo holds.
    pub fn votes(&self) -> bool {
        self.votes
    }

    /// The members of its header, without the braces around them.
    pub fn header(&self) -> &str {
        &self.header
    }

    /// The JSON of a unit above precincts.
    pub fn unit(&self, id: &UnitId) -> Option<&Bytes> {
        let unit = self.units.get(self.layout.slot(id)?)?;
        Some(&unit.json)
    }

    /// Its snapshot, assembled anew: all units above precincts.
    pub fn snapshot(&self) -> Bytes {
        frame(&[&self.header], self.units.iter().map(|unit| unit.json.clone()))
    }
}

/// A snapshot of these units under a version's header, as it was published; both come from a record of it.
pub fn snapshot<'a>(header: &str, units: impl Iterator<Item = &'a Bytes>) -> Bytes {
    frame(&[header], units.cloned())
}

/// `{ members, "units": [ units ] }`.
pub(crate) fn frame(members: &[&str], units: impl Iterator<Item = Bytes>) -> Bytes {
    let units: Vec<Bytes> = units.collect();
    let size = members.iter().map(|part| part.len()).sum::<usize>()
        + units.iter().map(|unit| unit.len() + 1).sum::<usize>();
    let mut out = Vec::with_capacity(size + 16);
    out.push(b'{');
    for part in members {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(b",\"units\":[");
    for (at, unit) in units.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(unit);
    }
    out.extend_from_slice(b"]}");
    out.into()
}
