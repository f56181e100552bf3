//! What is answered: from rows to what they say.

use bytes::Bytes;
use election::Timestamp;
use feed::Position;

use crate::{
    about::Election,
    store::Dialect,
    table::VERSION,
    value::{
        Kind::{self, Bool, Int, Text, Time},
        Row, Value,
    },
};

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The file of SQLite.
    File,
    /// The database.
    Database,
}

impl Source {
    pub(super) fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sqlite => Self::File,
            Dialect::Postgres => Self::Database,
        }
    }

    /// As it stands in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Database => "database",
        }
    }
}

/// An election on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Which, and how large.
    pub election: Election,
    /// Its last version on record.
    pub last: Option<Moment>,
}

/// A version on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Its place among the versions on record.
    pub seq: i64,
    /// Its epoch and number, `epoch:version`.
    pub position: Position,
    /// When it was published.
    pub at: Timestamp,
    /// How far the night was.
    pub status: String,
    /// Whether votes were out.
    pub votes: bool,
    /// Precincts that had reported.
    pub reported: i64,
    /// All precincts.
    pub precincts: i64,
    /// People identified.
    pub identified: i64,
    /// Registered voters of the precincts that had sent any turnout.
    pub turnout_registered: i64,
    /// The members of its header, without the braces around them.
    pub header: String,
    /// Who said so; `seq` is its place there.
    pub source: Source,
}

/// From when until when versions are on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first moment.
    pub begin: Timestamp,
    /// The last one.
    pub end: Timestamp,
    /// Who said so.
    pub source: Source,
    /// Whether there may be earlier ones in the database, which cannot be reached now.
    pub cut: bool,
}

/// A unit from some moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// When it became so.
    pub at: Timestamp,
    /// Precincts.
    pub precincts: i64,
    /// Voters on the lists.
    pub registered: i64,
    /// Precincts that have reported in full.
    pub reported: i64,
    /// Registered voters of those.
    pub reported_registered: i64,
    /// People identified.
    pub identified: i64,
    /// Precincts that have sent any turnout.
    pub turnout_precincts: i64,
    /// Registered voters of those.
    pub turnout_registered: i64,
    /// As it was published, where that was asked for.
    pub body: Bytes,
}

/// A report on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When it arrived.
    pub arrived: Timestamp,
    /// By the device's clock; none where no calendar has such a moment.
    pub at: Option<Timestamp>,
    /// Whose.
    pub device: String,
    /// Of which precinct.
    pub precinct: u64,
    /// Its number.
    pub seq: u64,
    /// Its type.
    pub report_type: String,
    /// SHA-256 of its signed bytes.
    pub digest: Bytes,
    /// How many bytes those are.
    pub bytes: u64,
}

/// A flag of a device that was raised or lowered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When.
    pub at: Timestamp,
    /// Which flag.
    pub code: String,
    /// Raised, or lowered.
    pub raised: bool,
}

/// A decision on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its place in the journal.
    pub offset: u64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// What [`moment`] reads.
pub(super) const MOMENT: [Kind; 11] = [Int, Text, Int, Time, Text, Bool, Int, Int, Int, Int, Text];

pub(super) fn moment_columns(of: &str) -> String {
    let columns = VERSION.columns.iter().skip(1).map(|column| format!("{of}{}", column.name));
    columns.collect::<Vec<_>>().join(", ")
}

pub(super) fn time(of: Timestamp) -> Value {
    Value::Time(i64::try_from(of.millis()).unwrap_or(i64::MAX))
}

pub(super) fn moment_of(millis: i64) -> Timestamp {
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn unsigned(value: &Value) -> u64 {
    u64::try_from(value.number()).unwrap_or_default()
}

pub(super) fn recorded(row: Row, by: Source) -> Recorded {
    let mut row = row.into_iter();
    let mut next = || row.next().unwrap_or(Value::Null);
    let (id, name, date, kind) =
        (next().into_text(), next().into_text(), next().into_text(), next().into_text());
    let (test, precincts, registered) = (next().is_true(), next().number(), next().number());
    let sealed_at = match next() {
        Value::Time(at) => Some(moment_of(at)),
        _ => None,
    };
    Recorded {
        election: Election { id, name, date, kind, test, precincts, registered, sealed_at },
        last: moment(row.collect(), by),
    }
}

pub(super) fn moment(row: Row, by: Source) -> Option<Moment> {
    let [seq, epoch, version, at, status, votes, reported, precincts, identified, registered, header] =
        <[Value; 11]>::try_from(row).ok()?;
    let position = Position { epoch: epoch.into_text().parse().ok()?, version: unsigned(&version) };
    Some(Moment {
        seq: seq.number(),
        position,
        at: moment_of(at.number()),
        status: status.into_text(),
        votes: votes.is_true(),
        reported: reported.number(),
        precincts: precincts.number(),
        identified: identified.number(),
        turnout_registered: registered.number(),
        header: header.into_text(),
        source: by,
    })
}

pub(super) fn state(row: Row) -> Option<State> {
    let mut row = row.into_iter();
    let at = moment_of(row.next()?.number());
    let mut number = || row.next().map(|value| value.number());
    Some(State {
        at,
        precincts: number()?,
        registered: number()?,
        reported: number()?,
        reported_registered: number()?,
        identified: number()?,
        turnout_precincts: number()?,
        turnout_registered: number()?,
        body: row.next().map(Value::into_bytes).unwrap_or_default(),
    })
}

pub(super) fn report(row: Row) -> Option<ReportRow> {
    let [place, arrival, at, device, precinct, seq, of, digest, bytes] = <[Value; 9]>::try_from(row).ok()?;
    Some(ReportRow {
        offset: unsigned(&place),
        arrived: moment_of(arrival.number()),
        at: if at == Value::Null { None } else { Some(moment_of(at.number())) },
        device: device.into_text(),
        precinct: unsigned(&precinct),
        seq: unsigned(&seq),
        report_type: of.into_text(),
        digest: digest.into_bytes(),
        bytes: unsigned(&bytes),
    })
}

pub(super) fn observation(row: Row) -> Option<ObservationRow> {
    let [place, arrival, code, raised] = <[Value; 4]>::try_from(row).ok()?;
    Some(ObservationRow {
        offset: unsigned(&place),
        at: moment_of(arrival.number()),
        code: code.into_text(),
        raised: raised.is_true(),
    })
}

pub(super) fn decision(row: Row) -> Option<DecisionRow> {
    let [place, arrival, act, by, reason] = <[Value; 5]>::try_from(row).ok()?;
    Some(DecisionRow {
        offset: unsigned(&place),
        at: moment_of(arrival.number()),
        act: act.into_text(),
        by: by.into_text(),
        reason: reason.into_text(),
    })
}
