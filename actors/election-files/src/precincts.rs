//! `precincts.csv` and `precinct_contests.csv`: where is voted, on what, and by how many.

use std::collections::{BTreeMap, BTreeSet};

use election::{
    ContestId, Count, PrecinctId, Timestamp, UnitId,
    definition::{Counting, PlaceName, Precinct},
};

use crate::{
    about::Head,
    contests::Declarations,
    mistakes::{Ledger, quoted},
    near::meant,
    options::contest,
    table::{Columns, Row, Table},
    times,
    units::Units,
};

pub(crate) const COLUMNS: Columns = Columns {
    file: "precincts.csv",
    needed: &[
        "precinct",
        "raion",
        "registered",
        "longitude",
        "latitude",
        "name_ky",
        "name_ru",
        "address",
        "phone",
    ],
    optional: &["abroad", "count", "timezone", "polls_close"],
};
pub(crate) const CONTESTS: Columns =
    Columns { file: "precinct_contests.csv", needed: &["precinct", "contest", "registered"], optional: &[] };

pub(crate) const BOOLEANS: [(&str, bool); 2] = [("true", true), ("false", false)];
const COUNTING: [(&str, Counting); 2] = [("urn", Counting::Urn), ("manual", Counting::Manual)];

/// What was read, and the line of each precinct.
pub(crate) struct Precincts {
    pub list: Vec<Precinct>,
    pub lines: BTreeMap<PrecinctId, u64>,
    /// Whether every record could be read.
    pub whole: bool,
    /// Whether also every number could be read: otherwise an unknown precinct may be the one that could not.
    known: bool,
}

impl Precincts {
    /// Whether a row names a precinct that is listed. One that is not is told, where all are known.
    pub fn lists(&self, row: &Row<'_>, id: PrecinctId) -> bool {
        let listed = self.lines.contains_key(&id);
        if !listed && self.known {
            row.tell("precinct", format!("precincts.csv does not list precinct {id}"));
        }
        listed
    }
}

/// Reads `precincts.csv`.
pub(crate) fn read(
    ledger: &Ledger,
    bytes: &[u8],
    head: Option<&Head>,
    units: Option<&Units>,
) -> Option<Precincts> {
    let table = Table::read(ledger, bytes, &COLUMNS)?;
    let mut precincts =
        Precincts { list: Vec::new(), lines: BTreeMap::new(), whole: table.whole, known: table.whole };
    for row in table.rows() {
        let Some(precinct) = precinct(&row, head, units) else {
            precincts.known = false;
            continue;
        };
        let id = precinct.id;
        if let Some(first) = precincts.lines.get(&id) {
            row.tell("precinct", format!("precinct {id} stands in line {first} already"));
            continue;
        }
        precincts.lines.insert(id, row.line());
        precincts.list.push(precinct);
    }
    Some(precincts)
}

/// Every cell of the row is looked at, also when its number has a mistake.
fn precinct(row: &Row<'_>, head: Option<&Head>, units: Option<&Units>) -> Option<Precinct> {
    let id = row.parse("precinct");
    let precinct = Precinct {
        id: id.or(PrecinctId::new(1))?,
        parent: parent(row, units),
        counting: row.word("count", &COUNTING).unwrap_or(Counting::Urn),
        registered: row.count("registered"),
        position: position(row),
        name: PlaceName { ky: row.text("name_ky"), ru: row.text("name_ru") },
        address: row.given("address").unwrap_or_default().to_owned(),
        phone: row.given("phone").unwrap_or_default().to_owned(),
        polls_close: polls_close(row, head),
        contests: Vec::new(),
    };
    id.map(|_| precinct)
}

/// The raion, or `abroad`, which also stands in where there is a mistake, so that it is told once.
fn parent(row: &Row<'_>, units: Option<&Units>) -> UnitId {
    let abroad = match row.given("abroad") {
        None => Some(false),
        Some(_) => row.word("abroad", &BOOLEANS),
    };
    match (abroad, row.given("raion")) {
        (Some(true), Some(_)) => row.tell("raion", "must be empty for a precinct abroad"),
        (Some(false), None) => {
            row.needed_else("raion", "is empty: name its raion, or write true under abroad");
        }
        (Some(false), Some(_)) => return raion(row, units).unwrap_or(UnitId::Abroad),
        (Some(true), None) | (None, _) => {}
    }
    UnitId::Abroad
}

fn raion(row: &Row<'_>, units: Option<&Units>) -> Option<UnitId> {
    let id: UnitId = row.parse("raion")?;
    if !matches!(id, UnitId::Raion(_)) {
        row.tell("raion", format!("{id} is not a raion"));
        return None;
    }
    let units = units?;
    let listed = units.lines.contains_key(&id);
    if !listed && units.known {
        let ids: Vec<String> = units.lines.keys().map(UnitId::to_string).collect();
        let hint = meant(&id.to_string(), ids.iter().map(String::as_str));
        row.tell("raion", format!("units.csv does not list {id}{hint}"));
    }
    listed.then_some(id)
}

fn position(row: &Row<'_>) -> Option<(f64, f64)> {
    let longitude = degrees(row, "longitude", 180.0);
    let latitude = degrees(row, "latitude", 90.0);
    match (row.given("longitude"), row.given("latitude")) {
        (Some(_), None) => row.tell("latitude", "is empty where longitude is not"),
        (None, Some(_)) => row.tell("longitude", "is empty where latitude is not"),
        _ => {}
    }
    longitude.zip(latitude)
}

/// Degrees with a decimal point, where they are given.
fn degrees(row: &Row<'_>, column: &str, most: f64) -> Option<f64> {
    let text = row.given(column)?;
    let shaped = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let degrees = text.parse::<f64>().ok().filter(|degrees| shaped && degrees.abs() <= most);
    if degrees.is_none() {
        row.tell(column, format!("{} is not degrees from -{most} to {most}", quoted(text)));
    }
    degrees
}

/// The close at this precinct: its own time in its own time zone, and what it does not say as at home.
fn polls_close(row: &Row<'_>, head: Option<&Head>) -> Timestamp {
    let zone = match row.given("timezone").map(times::zone) {
        None => None,
        Some(Ok(zone)) => Some(zone),
        Some(Err(what)) => {
            row.tell("timezone", what);
            return Timestamp::default();
        }
    };
    let Some(head) = head else { return Timestamp::default() };
    let (home, own) = (head.about.polls_close, row.given("polls_close"));
    let (Some(day), Some(text)) = (&head.day, own.or(head.close_text.as_deref())) else { return home };
    if zone.is_none() && own.is_none() {
        return home;
    }
    let moment = times::moment(text, day.date, zone.as_ref().unwrap_or(&day.zone));
    moment.map_err(|what| row.tell("polls_close", what)).unwrap_or(home)
}

/// A row of `precinct_contests.csv`.
pub(crate) struct Voting {
    pub precinct: PrecinctId,
    pub contest: ContestId,
    pub registered: Count,
    pub line: u64,
}

/// What `precinct_contests.csv` says.
pub(crate) struct Votings {
    pub list: Vec<Voting>,
    /// Precincts with a row that has a mistake: what else seems to be wrong with them follows from it.
    pub troubled: BTreeSet<PrecinctId>,
    pub whole: bool,
}

/// Reads `precinct_contests.csv`.
pub(crate) fn read_contests(
    ledger: &Ledger,
    bytes: &[u8],
    declared: &Declarations,
    precincts: Option<&Precincts>,
) -> Option<Votings> {
    let table = Table::read(ledger, bytes, &CONTESTS)?;
    let mut votings = Votings { list: Vec::new(), troubled: BTreeSet::new(), whole: table.whole };
    let mut lines = BTreeMap::new();
    for row in table.rows() {
        let precinct = row.parse::<PrecinctId>("precinct");
        let precinct = precinct.filter(|id| precincts.is_some_and(|precincts| precincts.lists(&row, *id)));
        let (contest, registered) = (contest(&row, declared), row.count("registered"));
        let Some(precinct) = precinct else { continue };
        let Some(contest) = contest else {
            votings.troubled.insert(precinct);
            continue;
        };
        match lines.insert((precinct, contest.clone()), row.line()) {
            Some(first) => {
                let what = format!("contest {contest} of precinct {precinct} stands in line {first} already");
                row.tell("contest", what);
            }
            None => votings.list.push(Voting { precinct, contest, registered, line: row.line() }),
        }
    }
    Some(votings)
}
