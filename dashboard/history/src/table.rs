//! The tables and their columns, the same in every store and in the files of an archive.

use crate::value::Kind::{self, Bool, Bytes, Int, Text, Time};

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it may be empty.
    pub optional: bool,
}

/// A table of an election's rows. The first column of each is `election`, the second orders them.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
}

const fn of(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: false }
}

const fn maybe(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, optional: true }
}

/// The units of an election, in the order of snapshots.
pub static UNIT: Table = Table {
    name: "unit",
    columns: &[of("election", Text), of("place", Int), of("unit", Text), of("kind", Text)],
};

/// Published versions: their headers, and the country's progress in them. `seq` rises with each one on record, over all
/// runs of the service; so does `at`.
pub static VERSION: Table = Table {
    name: "version",
    columns: &[
        of("election", Text),
        of("seq", Int),
        of("epoch", Text),
        of("version", Int),
        of("at", Time),
        of("status", Text),
        of("votes", Bool),
        of("reported", Int),
        of("precincts", Int),
        of("identified", Int),
        of("turnout_registered", Int),
        of("header", Text),
    ],
};

/// What each version changed: units as they were published.
pub static STATE: Table = Table {
    name: "state",
    columns: &[
        of("election", Text),
        of("seq", Int),
        of("unit", Text),
        of("at", Time),
        of("precincts", Int),
        of("registered", Int),
        of("reported", Int),
        of("reported_registered", Int),
        of("identified", Int),
        of("turnout_precincts", Int),
        of("turnout_registered", Int),
        of("body", Bytes),
    ],
};

/// Reports on record, with their signed bytes. `place` is the offset in the journal.
pub static REPORT: Table = Table {
    name: "report",
    columns: &[
        of("election", Text),
        of("place", Int),
        of("arrival", Time),
        maybe("at", Time),
        of("device", Text),
        of("precinct", Int),
        of("seq", Int),
        of("type", Text),
        of("digest", Bytes),
        of("envelope", Bytes),
    ],
};

/// What people decided.
pub static DECISION: Table = Table {
    name: "decision",
    columns: &[
        of("election", Text),
        of("place", Int),
        of("arrival", Time),
        maybe("precinct", Int),
        of("act", Text),
        of("person", Text),
        of("reason", Text),
        of("content", Text),
    ],
};

/// What a clock or a heartbeat caused.
pub static OBSERVATION: Table = Table {
    name: "observation",
    columns: &[
        of("election", Text),
        of("place", Int),
        of("arrival", Time),
        of("kind", Text),
        maybe("precinct", Int),
        maybe("device", Text),
        maybe("code", Text),
        maybe("raised", Bool),
        of("content", Text),
    ],
};

/// All of them, in the order in which an archive brings them.
pub static TABLES: [&Table; 6] = [&UNIT, &VERSION, &STATE, &REPORT, &DECISION, &OBSERVATION];

impl Table {
    /// The names of its columns, with commas between.
    pub fn names(&self) -> String {
        self.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
    }

    /// What its columns hold.
    pub fn kinds(&self) -> Vec<Kind> {
        self.columns.iter().map(|column| column.kind).collect()
    }

    /// An `INSERT` of one row, with `?1`, `?2` … in the place of its values.
    pub fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|at| format!("?{at}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.names(), places.join(", "))
    }
}
