//! `units.csv`: regions, raions and districts.

use std::collections::BTreeMap;

use election::{UnitId, definition::Unit};

use crate::{
    mistakes::Ledger,
    table::{Columns, Row, Table},
};

pub(crate) const COLUMNS: Columns =
    Columns { file: "units.csv", needed: &["id", "parent", "name_ky", "name_ru", "name_en"], optional: &[] };

/// What was read, and the line of each unit.
pub(crate) struct Units {
    pub list: Vec<Unit>,
    pub lines: BTreeMap<UnitId, u64>,
    /// Whether every record could be read.
    pub whole: bool,
    /// Whether also every id could be read: otherwise an unknown unit may be the one that could not.
    pub known: bool,
}

/// Reads the file.
pub(crate) fn read(ledger: &Ledger, bytes: &[u8]) -> Option<Units> {
    let table = Table::read(ledger, bytes, &COLUMNS)?;
    let mut units =
        Units { list: Vec::new(), lines: BTreeMap::new(), whole: table.whole, known: table.whole };
    for row in table.rows() {
        let Some(id) = id(&row) else {
            units.known = false;
            continue;
        };
        if let Some(first) = units.lines.get(&id) {
            row.tell("id", format!("{id} stands in line {first} already"));
            continue;
        }
        units.lines.insert(id.clone(), row.line());
        units.list.push(Unit { parent: parent(&row, &id), id, name: Some(row.names()) });
    }
    Some(units)
}

fn id(row: &Row<'_>) -> Option<UnitId> {
    match row.parse("id")? {
        id @ (UnitId::Region(_) | UnitId::Raion(_) | UnitId::District(_)) => Some(id),
        id @ (UnitId::Country | UnitId::Abroad) => {
            row.tell("id", format!("{id} exists by itself: leave this line out"));
            None
        }
        id @ UnitId::Precinct(_) => {
            row.tell("id", format!("{id} belongs in precincts.csv"));
            None
        }
    }
}

/// Regions and districts are below the country, whether that is said or not.
fn parent(row: &Row<'_>, id: &UnitId) -> Option<UnitId> {
    match (row.given("parent"), id) {
        (None, UnitId::Raion(_)) => row.parse("parent"),
        (None, _) => Some(UnitId::Country),
        (Some(_), _) => row.parse("parent"),
    }
}
