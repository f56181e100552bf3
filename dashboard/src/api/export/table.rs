//! CSV (RFC 4180): one row a unit, contest, source and option, the same columns in both files, so that a table is
//! sorted, filtered and pivoted in any program. Counts only; an empty cell is a count that may not be published yet.

use std::collections::HashMap;

use election::{
    Definition, PrecinctId, UnitId,
    definition::{Contest, Names, OptionStatus},
};

use super::published::{self, Snapshot, Unit, Unreadable};

/// Which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    /// All units but precincts.
    Results,
    /// The precincts.
    Precincts,
}

impl Table {
    /// As its file is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Results => "results",
            Self::Precincts => "precincts",
        }
    }
}

/// What stands between two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// A comma.
    Comma,
    /// A semicolon, and a byte order mark at the beginning: what Excel opens by itself where a comma is in decimals.
    Excel,
}

const BYTE_ORDER_MARK: &str = "\u{feff}";

const COLUMNS: [&str; 35] = [
    "election",
    "test",
    "status",
    "epoch",
    "version",
    "generated_at",
    "data_licence",
    "unit",
    "kind",
    "parent",
    "name_ky",
    "name_ru",
    "name_en",
    "phase",
    "precincts",
    "registered",
    "identified",
    "identified_precincts",
    "identified_registered",
    "quarantined",
    "discrepancies",
    "updated_at",
    "contest",
    "contest_registered",
    "source",
    "reported_precincts",
    "reported_registered",
    "ballots",
    "invalid",
    "option",
    "option_status",
    "option_ky",
    "option_ru",
    "option_en",
    "votes",
];

/// A file of the units in a snapshot.
pub(super) fn write(
    body: &[u8],
    definition: &Definition,
    table: Table,
    delimiter: Delimiter,
) -> Result<Vec<u8>, Unreadable> {
    let snapshot = published::read(body)?;
    let (mut bytes, between) = match delimiter {
        Delimiter::Comma => (Vec::new(), b','),
        Delimiter::Excel => (BYTE_ORDER_MARK.into(), b';'),
    };
    let mut builder = csv::WriterBuilder::new();
    let mut out = builder.delimiter(between).terminator(csv::Terminator::CRLF).from_writer(&mut bytes);
    out.write_record(COLUMNS)?;
    for unit in &snapshot.units {
        let of_unit = unit_cells(&snapshot, unit, definition);
        for contest in definition.contests() {
            let Some(here) = unit.contests.get(contest.id.as_str()) else { continue };
            for (source, figures) in here.sources() {
                // Of thousands of precincts most have no protocol yet: rows of nothing are left out.
                if table == Table::Precincts
                    && figures.precincts == 0
                    && figures.ballots.is_none_or(|of| of == 0)
                {
                    continue;
                }
                let of_contest = [contest.id.to_string(), here.registered.to_string(), source.to_owned()];
                let counted = [
                    figures.precincts.to_string(),
                    figures.registered.to_string(),
                    optional(figures.ballots),
                    optional(figures.invalid),
                ];
                for option in option_cells(contest, &figures.votes) {
                    out.write_record(of_unit.iter().chain(&of_contest).chain(&counted).chain(&option))?;
                }
            }
        }
    }
    drop(out); // writes what it still holds; memory does not fail
    Ok(bytes)
}

fn unit_cells(snapshot: &Snapshot<'_>, unit: &Unit<'_>, definition: &Definition) -> [String; 22] {
    let names = names(unit.id, definition);
    [
        snapshot.election.to_owned(),
        snapshot.test.to_string(),
        snapshot.status.to_owned(),
        snapshot.epoch.to_owned(),
        snapshot.version.to_string(),
        snapshot.generated_at.to_owned(),
        text(&definition.about().data_licence),
        unit.id.to_owned(),
        unit.kind.to_owned(),
        unit.parent.unwrap_or_default().to_owned(),
        text(&names.ky),
        text(&names.ru),
        text(&names.en),
        unit.phase.to_owned(),
        unit.precincts.to_string(),
        unit.registered.to_string(),
        unit.turnout.identified.to_string(),
        unit.turnout.precincts.to_string(),
        unit.turnout.registered.to_string(),
        unit.quarantined.to_string(),
        unit.discrepancies.to_string(),
        unit.updated_at.to_owned(),
    ]
}

fn names(id: &str, definition: &Definition) -> Names {
    match id.parse() {
        Ok(UnitId::Precinct(id)) => precinct(id, definition),
        Ok(id) => definition.units().get(&id).and_then(|unit| unit.name.clone()).unwrap_or_default(),
        Err(_) => Names::default(),
    }
}

/// A precinct's place has no English name.
fn precinct(id: PrecinctId, definition: &Definition) -> Names {
    let name = definition.precincts().get(&id).map(|precinct| precinct.name.clone()).unwrap_or_default();
    Names { ky: name.ky, ru: name.ru, en: String::new() }
}

fn option_cells(contest: &Contest, votes: &HashMap<&str, u64>) -> impl Iterator<Item = [String; 6]> {
    contest.options.iter().map(|option| {
        let status = match option.status {
            OptionStatus::Active => "active",
            OptionStatus::Withdrawn => "withdrawn",
        };
        [
            option.id.to_string(),
            status.to_owned(),
            text(&option.name.ky),
            text(&option.name.ru),
            text(&option.name.en),
            optional(votes.get(option.id.as_str()).copied()),
        ]
    })
}

fn optional(count: Option<u64>) -> String {
    count.map(|count| count.to_string()).unwrap_or_default()
}

/// A text that people wrote. A spreadsheet takes one that begins with `=`, `+`, `-`, `@`, a tab or a line's end for a
/// formula: an apostrophe before it says that it is a text.
fn text(of: &str) -> String {
    if of.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{of}") } else { of.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_a_spreadsheet_would_compute_is_said_to_be_one() {
        for (name, cell) in [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+996", "'+996"),
            ("-", "'-"),
            ("\t=1", "'\t=1"),
            ("Ата-Журт", "Ата-Журт"),
            ("", ""),
        ] {
            assert_eq!(text(name), cell);
        }
    }
}
