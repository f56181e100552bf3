//! `devices.csv`: urns and ID terminals.

use std::collections::BTreeMap;

use election::{
    ContestId, DeviceId, PrecinctId,
    definition::{DeviceKind, DeviceStatus},
};

use crate::{
    contests::Declarations,
    mistakes::{Ledger, quoted},
    precincts::Precincts,
    table::{Columns, Row, Table},
};

pub(crate) const COLUMNS: Columns = Columns {
    file: "devices.csv",
    needed: &["device", "kind", "precinct", "contests", "public_key", "status", "replaces"],
    optional: &[],
};

const KINDS: [(&str, DeviceKind); 2] = [("urn", DeviceKind::Urn), ("id_terminal", DeviceKind::IdTerminal)];
const STATUSES: [(&str, DeviceStatus); 3] =
    [("active", DeviceStatus::Active), ("spare", DeviceStatus::Spare), ("revoked", DeviceStatus::Revoked)];

/// A row of the file. Its contests are positions only once all contests are known.
pub(crate) struct Listed {
    pub line: u64,
    pub id: DeviceId,
    pub kind: DeviceKind,
    pub precinct: Option<PrecinctId>,
    pub contests: Vec<ContestId>,
    pub public_key: Option<[u8; 32]>,
    pub status: DeviceStatus,
    pub replaces: Option<DeviceId>,
}

/// What was read.
pub(crate) struct Devices {
    pub list: Vec<Listed>,
    pub whole: bool,
}

/// Reads the file.
pub(crate) fn read(
    ledger: &Ledger,
    bytes: &[u8],
    declared: &Declarations,
    precincts: Option<&Precincts>,
) -> Option<Devices> {
    let table = Table::read(ledger, bytes, &COLUMNS)?;
    let mut devices = Devices { list: Vec::new(), whole: table.whole };
    let mut lines = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for row in table.rows() {
        let Some(device) = device(&row, declared, precincts) else { continue };
        if let Some(first) = lines.insert(device.id.clone(), row.line()) {
            row.tell("device", format!("device {} stands in line {first} already", device.id));
            continue;
        }
        if let Some(first) = device.public_key.and_then(|key| keys.insert(key, row.line())) {
            row.tell("public_key", format!("is the key of the device in line {first}: each has its own"));
        }
        devices.list.push(device);
    }
    Some(devices)
}

/// Every cell of the row is looked at, also when its id has a mistake.
fn device(row: &Row<'_>, declared: &Declarations, precincts: Option<&Precincts>) -> Option<Listed> {
    let id = row.parse::<DeviceId>("device");
    let kind = row.needed_word("kind", &KINDS);
    let status = row.needed_word("status", &STATUSES).unwrap_or(DeviceStatus::Spare);
    let stands = row.parse_given::<PrecinctId>("precinct");
    let precinct = stands.filter(|at| precincts.is_some_and(|precincts| precincts.lists(row, *at)));
    // A device whose precinct has a mistake is taken for a spare one, so that it is told once.
    let misplaced = row.given("precinct").is_some() && precinct.is_none();
    let replaces = row.parse_given::<DeviceId>("replaces");
    if let (Some(id), Some(old)) = (&id, &replaces)
        && id == old
    {
        row.tell("replaces", format!("device {id} cannot replace itself"));
    }
    let (contests, public_key) = (contests(row, declared), public_key(row));
    Some(Listed {
        line: row.line(),
        id: id?,
        kind: kind.unwrap_or(DeviceKind::Urn),
        precinct,
        contests,
        public_key,
        status: if misplaced { DeviceStatus::Spare } else { status },
        replaces,
    })
}

/// Contests separated by spaces or semicolons.
fn contests(row: &Row<'_>, declared: &Declarations) -> Vec<ContestId> {
    let listed = row.given("contests").unwrap_or_default().split([' ', ';']).filter(|part| !part.is_empty());
    let mut contests = Vec::new();
    for part in listed {
        match declared.resolve(part) {
            Ok(id) if contests.contains(&id) => {
                row.tell("contests", format!("contest {id} stands here twice"))
            }
            Ok(id) => contests.push(id),
            Err(Some(what)) => row.tell("contests", what),
            Err(None) => {}
        }
    }
    contests
}

/// 64 hex digits; empty before the device is provisioned.
fn public_key(row: &Row<'_>) -> Option<[u8; 32]> {
    let text = row.given("public_key")?;
    let key = key(text);
    if key.is_none() {
        row.tell("public_key", format!("{} is not a key: write 64 hex digits, or nothing", quoted(text)));
    }
    key
}

fn key(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(key)
}
