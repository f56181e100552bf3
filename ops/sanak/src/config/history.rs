//! `[history]`: where the history's file is, and the database that it is copied to, where there is one.

use std::{fs, ops::RangeInclusive, path::PathBuf, time::Duration};

use history::Database;

use super::{
    files::{others_can_read, writable},
    problem::Problems,
    raw::Raw,
};

/// Connections that questions may take.
const POOL: (RangeInclusive<u64>, u64) = (1..=100, 4);
/// Milliseconds that a question may run.
const STATEMENT_TIMEOUT: (RangeInclusive<u64>, u64) = (100..=60_000, 2_000);
/// Most hours of the night that stay in the file when the database has them: a year.
const KEEP: RangeInclusive<u64> = 1..=8_784;

/// Where the history goes.
#[derive(Debug, Clone, Default)]
pub struct HistoryPlaces {
    /// Directory of the file; that of the data where none is given.
    pub dir: Option<PathBuf>,
    /// The database that the file is copied to.
    pub database: Option<Database>,
    /// How much of the night stays in the file when the database has it; all where nothing is given.
    pub keep: Option<Duration>,
}

/// Reads where the history goes.
pub(super) fn history(raw: &Raw, problems: &mut Problems) -> Option<HistoryPlaces> {
    let dir = match raw.text("history.dir") {
        None => Some(None),
        Some(given) => {
            let dir = raw.path(given);
            let told = |what| problems.tell(given.place.clone(), "history.dir", what);
            writable(&dir).map_err(told).ok().map(|()| Some(dir))
        }
    };
    let pool = number(raw, "history.pool", POOL.0, problems);
    let patience = number(raw, "history.statement_timeout", STATEMENT_TIMEOUT.0, problems);
    let keep = number(raw, "history.keep", KEEP, problems);
    if raw.text("history.url").is_none() {
        for key in ["ca", "password_file", "pool", "statement_timeout", "keep"] {
            let key = format!("history.{key}");
            if let Some(given) = raw.text(&key) {
                problems.tell(given.place.clone(), &key, "is of a database: give history.url as well");
            }
        }
    }
    let patience = Duration::from_millis(patience?.unwrap_or(STATEMENT_TIMEOUT.1));
    let database = database(raw, pool?.unwrap_or(POOL.1), patience, problems);
    let keep = keep?.map(|hours| Duration::from_secs(hours * 3_600));
    Some(HistoryPlaces { dir: dir?, database: database?, keep })
}

/// The database, where one is named; `None` on a mistake.
fn database(raw: &Raw, pool: u64, patience: Duration, problems: &mut Problems) -> Option<Option<Database>> {
    let Some(url) = raw.text("history.url") else { return Some(None) };
    let key = "history.password_file";
    let password = match raw.text(key) {
        None => None,
        Some(given) => {
            let path = raw.path(given);
            match fs::read_to_string(&path) {
                Ok(password) => {
                    others_can_read(&path, given.place.clone(), key, problems);
                    Some(password.trim().to_owned())
                }
                Err(error) => {
                    let what = format!("{} cannot be read: {error}", path.display());
                    problems.tell(given.place.clone(), key, what);
                    return None;
                }
            }
        }
    };
    let ca = raw.text("history.ca").map(|given| raw.path(given));
    let pool = usize::try_from(pool).unwrap_or(1);
    match Database::new(&url.text, password.as_deref(), ca.as_deref(), pool, patience) {
        Ok(database) => Some(Some(database)),
        Err(error) => {
            problems.tell(url.place.clone(), "history.url", error.to_string());
            None
        }
    }
}

/// A whole number that need not be given; `None` on a mistake.
fn number(raw: &Raw, key: &str, within: RangeInclusive<u64>, problems: &mut Problems) -> Option<Option<u64>> {
    let Some(given) = raw.text(key) else { return Some(None) };
    let read = given.text.parse().ok().filter(|number| within.contains(number));
    if read.is_none() {
        let what = format!("must be a whole number from {} to {}", within.start(), within.end());
        problems.tell(given.place.clone(), key, what);
    }
    read.map(Some)
}
