//! The keys of a scenario, so that one that is not known can be told together with the one that was meant.

use toml::{Table, Value};

const TOP: &[&str] = &[
    "title",
    "about",
    "connected",
    "connect_within",
    "heartbeat",
    "lasts",
    "marks",
    "leave",
    "verify_one_in",
    "load",
    "storm",
    "modem",
    "chaos",
    "hostile",
    "objectives",
];

const BELOW: &[(&str, &[&str])] = &[
    ("load", &["what", "from", "for", "curve", "rate", "reports"]),
    ("storm", &["at", "share"]),
    ("modem", &["share", "delay", "jitter", "loss", "cuts_a_minute"]),
    ("chaos", &["duplicates", "reordered", "reconnects", "skewed", "skew"]),
    ("hostile", &["share", "rate"]),
    ("objectives", OBJECTIVES),
];

/// The objectives that can be stated.
const OBJECTIVES: &[&str] =
    &["receipt_p50", "receipt_p99", "receipt_max", "frame_p99", "rate", "back_within"];

/// Whether every key is known; otherwise the first that is not, and what was probably meant.
pub fn check(table: &Table) -> Result<(), String> {
    known(table, TOP, "")?;
    for (name, keys) in BELOW {
        let prefix = format!("{name}.");
        match table.get(*name) {
            Some(Value::Table(below)) => known(below, keys, &prefix)?,
            Some(Value::Array(list)) => {
                for below in list.iter().filter_map(Value::as_table) {
                    known(below, keys, &prefix)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether every key of these objectives is known.
pub fn check_objectives(table: &Table) -> Result<(), String> {
    known(table, OBJECTIVES, "")
}

fn known(table: &Table, keys: &[&str], prefix: &str) -> Result<(), String> {
    match table.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => {
            let shown: String = key.chars().take(48).collect();
            Err(format!("unknown key {prefix}{shown}{}", meant(key, keys)))
        }
        None => Ok(()),
    }
}

/// `, did you mean …?` where a word is near enough to a known one.
pub fn meant(word: &str, known: &[&str]) -> String {
    let near = known.iter().map(|known| (strsim::jaro_winkler(word, known), known));
    let best = near.filter(|(near, _)| *near > 0.8).max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or_else(String::new, |(_, known)| format!(", did you mean {known}?"))
}
