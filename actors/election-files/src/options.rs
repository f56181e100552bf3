//! `options.csv` and `list_candidates.csv`: what can be voted for.

use std::collections::BTreeMap;

use election::{
    ContestId, OptionId,
    definition::{ContestOption, ListCandidate, OptionKind, OptionStatus, Sex},
};

use crate::{
    contests::Declarations,
    mistakes::{Ledger, quoted},
    near::meant,
    table::{Columns, Row, Table},
};

pub(crate) const COLUMNS: Columns = Columns {
    file: "options.csv",
    needed: &[
        "contest", "option", "number", "kind", "name_ky", "name_ru", "name_en", "color", "sex", "party",
        "status",
    ],
    optional: &[],
};
pub(crate) const CANDIDATES: Columns = Columns {
    file: "list_candidates.csv",
    needed: &["contest", "option", "number", "name_ky", "name_ru", "name_en", "sex", "status"],
    optional: &[],
};

const KINDS: [(&str, OptionKind); 5] = [
    ("party", OptionKind::Party),
    ("candidate", OptionKind::Candidate),
    ("against_all", OptionKind::AgainstAll),
    ("yes", OptionKind::Yes),
    ("no", OptionKind::No),
];
const SEXES: [(&str, Sex); 2] = [("f", Sex::F), ("m", Sex::M)];
const STATUSES: [(&str, OptionStatus); 2] =
    [("active", OptionStatus::Active), ("withdrawn", OptionStatus::Withdrawn)];

/// What was read: the options of each contest, and the line of the first of them.
pub(crate) struct Options {
    pub of: BTreeMap<ContestId, Vec<ContestOption>>,
    pub lines: BTreeMap<ContestId, u64>,
    /// Whether every record could be read.
    pub whole: bool,
    /// Whether also every id could be read: otherwise an unknown option may be the one that could not.
    known: bool,
}

impl Options {
    /// Where `options.csv` could not be read: nothing is known of any option.
    pub fn unknown() -> Self {
        Self { of: BTreeMap::new(), lines: BTreeMap::new(), whole: false, known: false }
    }

    /// The options of a contest in the order of their numbers on the ballot; those without one come last.
    pub fn take(&mut self, contest: &ContestId) -> Vec<ContestOption> {
        let mut options = self.of.remove(contest).unwrap_or_default();
        options.sort_by_key(|option| option.number.unwrap_or(u32::MAX));
        options
    }
}

/// Reads `options.csv`.
pub(crate) fn read(ledger: &Ledger, bytes: &[u8], declared: &Declarations) -> Option<Options> {
    let table = Table::read(ledger, bytes, &COLUMNS)?;
    let mut options =
        Options { of: BTreeMap::new(), lines: BTreeMap::new(), whole: table.whole, known: table.whole };
    let mut ids = BTreeMap::new();
    let mut numbers = BTreeMap::new();
    for row in table.rows() {
        let (contest, id) = (contest(&row, declared), row.parse::<OptionId>("option"));
        let option = option(&row, id.clone());
        let (Some(contest), Some(id), Some(option)) = (contest, id, option) else {
            options.known = false;
            continue;
        };
        if let Some(first) = ids.insert((contest.clone(), id.clone()), row.line()) {
            row.tell("option", format!("option {id} of contest {contest} stands in line {first} already"));
            continue;
        }
        if let Some(number) = option.number
            && let Some(first) = numbers.insert((contest.clone(), number), row.line())
        {
            row.tell(
                "number",
                format!("number {number} of contest {contest} stands in line {first} already"),
            );
        }
        options.lines.entry(contest.clone()).or_insert(row.line());
        options.of.entry(contest).or_default().push(option);
    }
    Some(options)
}

/// The contest that a row names.
pub(crate) fn contest(row: &Row<'_>, declared: &Declarations) -> Option<ContestId> {
    let contest = declared.resolve(row.needed("contest")?);
    contest.map_err(|what| what.map(|what| row.tell("contest", what))).ok()
}

/// Every cell of the row is looked at, also when its id has a mistake.
fn option(row: &Row<'_>, id: Option<OptionId>) -> Option<ContestOption> {
    let kind = row.needed_word("kind", &KINDS);
    let name = row.names();
    let number = number(row);
    let color = row.given("color").filter(|color| is_color(row, color)).map(str::to_owned);
    let sex = row.word("sex", &SEXES);
    let status = row.word("status", &STATUSES).unwrap_or(OptionStatus::Active);
    Some(ContestOption {
        id: id?,
        number,
        kind: kind.unwrap_or(OptionKind::Candidate),
        name,
        color,
        sex,
        party: row.given("party").map(str::to_owned),
        status,
        candidates: Vec::new(),
    })
}

fn number(row: &Row<'_>) -> Option<u32> {
    row.whole("number", 99_999).and_then(|number| u32::try_from(number).ok())
}

fn is_color(row: &Row<'_>, color: &str) -> bool {
    let hex = color
        .strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    if !hex {
        row.tell("color", format!("{} is not a colour: write #rrggbb", quoted(color)));
    }
    hex
}

/// Reads `list_candidates.csv` into the options.
pub(crate) fn read_candidates(
    ledger: &Ledger,
    bytes: &[u8],
    declared: &Declarations,
    options: &mut Options,
) -> Option<()> {
    let table = Table::read(ledger, bytes, &CANDIDATES)?;
    let mut lines = BTreeMap::new();
    for row in table.rows() {
        let (contest, id) = (contest(&row, declared), row.parse::<OptionId>("option"));
        let candidate = candidate(&row);
        let (Some(contest), Some(id), Some(candidate)) = (contest, id, candidate) else { continue };
        if let Some(first) = lines.insert((contest.clone(), id.clone(), candidate.number), row.line()) {
            let what = format!("number {} of option {id} stands in line {first} already", candidate.number);
            row.tell("number", what);
            continue;
        }
        let listed = options.of.get_mut(&contest).map(Vec::as_mut_slice).unwrap_or_default();
        match listed.iter_mut().find(|option| option.id == id) {
            Some(option) => option.candidates.push(candidate),
            None if options.known => {
                let hint = meant(id.as_str(), listed.iter().map(|option| option.id.as_str()));
                row.tell("option", format!("contest {contest} has no option {id} in options.csv{hint}"));
            }
            None => {}
        }
    }
    for option in options.of.values_mut().flatten() {
        option.candidates.sort_by_key(|candidate| candidate.number);
    }
    table.whole.then_some(())
}

fn candidate(row: &Row<'_>) -> Option<ListCandidate> {
    let (name, sex) = (row.names(), row.needed_word("sex", &SEXES));
    let status = row.word("status", &STATUSES).unwrap_or(OptionStatus::Active);
    row.needed("number")?;
    Some(ListCandidate { number: number(row)?, name, sex: sex.unwrap_or(Sex::F), status })
}
