//! `[limits]`: how much one device may have on record, how many may follow the live feed, and how many precincts are kept
//! awake.

use std::ops::RangeInclusive;

use device_gateway::Quota;

use super::{problem::Problems, raw::Raw};

/// The largest quota in reports: the line of a device is held in memory.
const MOST_REPORTS: u64 = 1_000_000;
/// The largest in mebibytes.
const MOST_MEBIBYTES: u64 = 65_536;

/// Most readers of the live feed: each is a socket.
const MOST_READERS: u64 = 1_000_000;
/// Most precincts that are kept awake: a kilobyte each.
const MOST_AWAKE: u64 = 10_000_000;

/// Reads how many may follow the live feed; the server's own default where it is not given.
pub(super) fn live_readers(raw: &Raw, problems: &mut Problems) -> Option<usize> {
    let usual = dashboard::Limits::default().live_readers;
    let usual = u64::try_from(usual).unwrap_or(MOST_READERS);
    number(raw, "limits.live_readers", 1..=MOST_READERS, usual, problems)?.try_into().ok()
}

/// Reads how many precincts are kept awake; where it is not given, more than most countries have.
pub(super) fn awake_precincts(raw: &Raw, problems: &mut Problems) -> Option<usize> {
    let usual = actors::MOST_AWAKE.try_into().unwrap_or(MOST_AWAKE);
    number(raw, "limits.awake_precincts", 1..=MOST_AWAKE, usual, problems)?.try_into().ok()
}

/// Reads the quota; what is not given has its default.
pub(super) fn quota(raw: &Raw, problems: &mut Problems) -> Option<Quota> {
    let usual = Quota::default();
    let mut read = |key, within, usual| number(raw, key, within, usual, problems);
    let reports = read("limits.device_reports", 1..=MOST_REPORTS, usual.reports);
    let mebibytes = read("limits.device_mebibytes", 1..=MOST_MEBIBYTES, usual.bytes >> 20);
    let equivocations = read("limits.device_equivocations", 0..=MOST_REPORTS, usual.equivocations);
    Some(Quota { reports: reports?, bytes: mebibytes? << 20, equivocations: equivocations? })
}

fn number(
    raw: &Raw,
    key: &str,
    within: RangeInclusive<u64>,
    usual: u64,
    problems: &mut Problems,
) -> Option<u64> {
    let Some(given) = raw.text(key) else { return Some(usual) };
    let read = given.text.parse().ok().filter(|number| within.contains(number));
    if read.is_none() {
        let what = format!("must be a whole number from {} to {}", within.start(), within.end());
        problems.tell(given.place.clone(), key, what);
    }
    read
}
