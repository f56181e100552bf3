//! What `election.toml` says of the election as a whole.

use std::{collections::BTreeMap, time::Duration};

use election::{ElectionId, Limits, Timestamp, definition::About};
use jiff::{civil::Date, tz::TimeZone};

use crate::{
    contests::{Declarations, declarations},
    document::{Section, Source},
    mistakes::{Ledger, quoted},
    times,
};

/// Name of the file.
pub(crate) const FILE: &str = "election.toml";

/// Where the day of the election is known: when, and by which clock.
pub(crate) struct Day {
    pub date: Date,
    pub zone: TimeZone,
}

/// What was read from `election.toml`. Values with a mistake are filled in so that the rest can be checked:
/// a definition with a mistake never leaves this crate.
pub(crate) struct Head {
    pub about: About,
    pub contests: Declarations,
    /// `None` when date or time zone have a mistake.
    pub day: Option<Day>,
    /// When polls close at home as it is written, for precincts in another time zone; `None` when that has a mistake.
    pub close_text: Option<String>,
    /// The line of each key of the election as a whole.
    pub lines: BTreeMap<&'static str, u64>,
}

/// Reads `election.toml`; `None` when it is not TOML.
pub(crate) fn read(ledger: &Ledger, bytes: &[u8]) -> Option<Head> {
    let source = Source::new(ledger, FILE, bytes)?;
    let document = source.parse()?;
    let mut root = source.root(&document);
    let mut lines = BTreeMap::new();
    for key in ["polls_open", "polls_close", "publish_votes_from", "age_bands"] {
        if let Some(value) = root.given(key) {
            lines.insert(key, value.line());
        }
    }
    let date = root.needed("date").and_then(|value| value.read(times::date));
    let timezone = root.needed("timezone").and_then(|value| value.filled());
    let zone = root.given("timezone").and_then(|value| value.read(times::zone));
    let day = date.zip(zone).map(|(date, zone)| Day { date, zone });
    let open = moment(&mut root, &day, "polls_open", true).unwrap_or_default();
    let close = moment(&mut root, &day, "polls_close", true);
    let close_text = close.and(root.given("polls_close")).and_then(|value| Some(value.text()?.into_owned()));
    let publish = moment(&mut root, &day, "publish_votes_from", false).filter(|_| close.is_some());
    let close = close.unwrap_or(open + Duration::from_millis(1));
    let about = About {
        id: root.needed("id").and_then(|value| value.parse()).or_else(placeholder)?,
        name: root.names("name"),
        date: date.map(|date| date.to_string()).unwrap_or_default(),
        timezone: timezone.unwrap_or_default(),
        polls_open: open,
        polls_close: close,
        publish_votes_from: publish.unwrap_or(close),
        kind: kind(&mut root),
        test: root.given("test").and_then(|value| value.boolean()).unwrap_or(false),
        age_bands: age_bands(&mut root),
        data_licence: root.needed("data_licence").and_then(|value| value.filled()).unwrap_or_default(),
        limits: limits(&mut root),
    };
    let contests = declarations(&mut root);
    root.finish();
    Some(Head { about, contests, day, close_text, lines })
}

fn placeholder() -> Option<ElectionId> {
    "unnamed".parse().ok()
}

/// A time of the election's day, told only when the day itself is known.
fn moment(root: &mut Section<'_>, day: &Option<Day>, key: &'static str, needed: bool) -> Option<Timestamp> {
    let value = if needed { root.needed(key) } else { root.given(key) };
    let day = day.as_ref()?;
    value?.read(|text| times::moment(text, day.date, &day.zone))
}

fn kind(root: &mut Section<'_>) -> String {
    let Some(value) = root.given("kind") else { return "parliamentary".to_owned() };
    let slug = |text: &str| {
        let fits = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
        if fits && !text.is_empty() {
            return Ok(text.to_owned());
        }
        Err(format!("{} is not a kind of election: write a word such as parliamentary", quoted(text)))
    };
    value.read(slug).unwrap_or_default()
}

fn age_bands(root: &mut Section<'_>) -> Vec<u8> {
    let bands = root.given("age_bands").map(|value| value.wholes(u8::MAX.into())).unwrap_or_default();
    bands.into_iter().filter_map(|bound| u8::try_from(bound).ok()).collect()
}

/// `[rules]`: what is absent keeps its default.
fn limits(root: &mut Section<'_>) -> Limits {
    let mut limits = Limits::default();
    let Some(mut rules) = root.given("rules").and_then(|value| value.section()) else { return limits };
    let day = 86_400;
    for (key, most, limit) in [
        ("q01_tolerance_s", day, &mut limits.early_tolerance_s),
        ("clock_limit_s", day, &mut limits.clock_s),
        ("jump_per_hour", 1_000_000, &mut limits.jump_per_hour),
        ("silent_after_s", day, &mut limits.silent_s),
        ("late_after_s", 30 * day, &mut limits.late_s),
    ] {
        if let Some(number) = rules.given(key).and_then(|value| value.whole(0, most)) {
            *limit = number;
        }
    }
    for (key, limit) in
        [("invalid_share_limit", &mut limits.invalid_share), ("turnout_limit", &mut limits.turnout)]
    {
        if let Some(share) = rules.given(key).and_then(|value| value.percent()) {
            *limit = share.into();
        }
    }
    rules.finish();
    limits
}
