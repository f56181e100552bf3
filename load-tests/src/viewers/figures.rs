//! The counts of a unit as a flat list, and the invariants of PROTOCOL §3 over them.

use std::collections::HashMap;

use serde_json::Value;

/// Counts that add up from a unit's children, and may not fall.
const COUNTED: &[&str] = &["precincts", "registered", "reported", "turnout", "contests"];

/// Names of counts, such as `contests.list.urns.votes.p01`, each once.
#[derive(Debug, Default)]
pub struct Names {
    ids: HashMap<String, u32>,
    names: Vec<String>,
}

impl Names {
    fn id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.ids.insert(name.to_owned(), id);
        self.names.push(name.to_owned());
        id
    }

    /// How many precincts have reported.
    pub fn reported(&mut self) -> u32 {
        self.id("reported.precincts")
    }

    /// The name of a count.
    pub fn name(&self, id: u32) -> &str {
        self.names.get(id as usize).map_or("", String::as_str)
    }
}

/// A unit as a frame shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unit {
    /// Such as `raion:alay-raion`.
    pub id: String,
    /// Such as `raion`.
    pub kind: String,
    /// Where it adds up.
    pub parent: Option<String>,
    /// Its counts, by name, in the order of the names' numbers.
    pub counts: Vec<(u32, u64)>,
}

impl Unit {
    /// Reads a unit; what is wrong with it by itself goes to `breaches`.
    pub fn read(value: &Value, names: &mut Names, embargo: bool, breaches: &mut Vec<String>) -> Option<Self> {
        let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut unit =
            Self { id: text("id")?, kind: text("kind")?, parent: text("parent"), counts: Vec::new() };
        for key in COUNTED {
            if let Some(below) = value.get(*key) {
                flatten(below, key, names, &mut unit.counts);
            }
        }
        unit.counts.sort_unstable();
        check(value, &unit.id, embargo, breaches);
        Some(unit)
    }

    /// A count; 0 where it has none of that name.
    pub fn count(&self, id: u32) -> u64 {
        self.counts.binary_search_by_key(&id, |(of, _)| *of).map_or(0, |at| self.counts[at].1)
    }
}

fn flatten(value: &Value, name: &str, names: &mut Names, into: &mut Vec<(u32, u64)>) {
    match value {
        Value::Number(number) => {
            if let Some(count) = number.as_u64() {
                into.push((names.id(name), count));
            }
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, below)| flatten(below, &format!("{name}.{key}"), names, into));
        }
        _ => {}
    }
}

/// What must hold within one unit.
fn check(value: &Value, id: &str, embargo: bool, breaches: &mut Vec<String>) {
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_u64);
    let precincts = number(value, "precincts").unwrap_or(0);
    let reported = value.get("reported").and_then(|of| number(of, "precincts")).unwrap_or(0);
    if reported > precincts {
        breaches.push(format!("{id}: {reported} of {precincts} precincts have reported"));
    }
    let contests = value.get("contests").and_then(Value::as_object).into_iter().flatten();
    for (contest, of) in contests {
        let all = number(of, "precincts").unwrap_or(0);
        for source in ["urns", "protocols"] {
            let Some(figures) = of.get(source) else { continue };
            let name = format!("{id} {contest} {source}");
            let reported = number(figures, "precincts").unwrap_or(0);
            if reported > all {
                breaches.push(format!("{name}: {reported} of {all} precincts have reported"));
            }
            let Some(ballots) = number(figures, "ballots") else { continue };
            if embargo {
                breaches.push(format!("{name}: ballots before votes may be published"));
            }
            let votes = figures.get("votes").and_then(Value::as_object).into_iter().flatten();
            let votes: u64 = votes.filter_map(|(_, votes)| votes.as_u64()).sum();
            let invalid = number(figures, "invalid").unwrap_or(0);
            if votes + invalid != ballots {
                breaches
                    .push(format!("{name}: {votes} votes and {invalid} invalid are not {ballots} ballots"));
            }
        }
    }
}
