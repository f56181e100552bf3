//! The frames of the feed as one subscription gets them: each distinct frame is checked in full once, and every other
//! viewer's copy only compared with it, byte for byte.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use super::figures::{Names, Unit};

/// Distinct frames that are remembered: readers are a few versions apart.
const REMEMBERED: usize = 256;
/// Breaches that are kept in words.
const KEPT: usize = 50;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everything.
    Snapshot,
    /// What changed since an earlier version.
    Delta {
        /// The version that it is applied to.
        from: u64,
    },
    /// Nothing has changed.
    Ping,
}

/// A frame that was read.
#[derive(Debug)]
pub struct Frame {
    text: Box<str>,
    /// What it is.
    pub kind: Kind,
    /// Of this start of the service.
    pub epoch: Arc<str>,
    /// The version that a reader holds after it.
    pub version: u64,
}

/// A precinct that a frame shows as reported for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// Its number.
    pub precinct: u32,
    /// The version.
    pub version: u64,
}

/// What all viewers of one subscription see.
#[derive(Debug, Default)]
pub struct Chain {
    names: Names,
    known: VecDeque<Arc<Frame>>,
    epoch: Arc<str>,
    version: u64,
    units: BTreeMap<String, Unit>,
    /// Sums over children, by parent and count; those of districts over what precincts have of their contests.
    sums: HashMap<String, HashMap<u32, i128>>,
    /// Kinds of units that are seen.
    kinds: Vec<String>,
    /// Frames that differ from all others.
    pub distinct: u64,
    /// Versions that were seen first.
    pub versions: u64,
    /// Precincts that have reported since it was first looked.
    pub reported: Vec<Reported>,
    /// Invariants that were broken.
    pub breaches: u64,
    /// The first of them, in words.
    pub breached: Vec<String>,
    /// Counts that fell, to be found in the list of corrections.
    pub fallen: Vec<String>,
}

impl Chain {
    /// Takes a frame; `None` where it is none of PROTOCOL §3.
    pub fn take(&mut self, text: &str) -> Option<Arc<Frame>> {
        let same = |known: &&Arc<Frame>| known.text.len() == text.len() && *known.text == *text;
        if let Some(known) = self.known.iter().rev().find(same) {
            return Some(Arc::clone(known));
        }
        self.distinct += 1;
        let read = self.read(text);
        if read.is_none() {
            let beginning: String = text.chars().take(120).collect();
            self.breach(format!("not a frame of the feed: {beginning}"));
        }
        let frame = Arc::new(read?);
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back(Arc::clone(&frame));
        Some(frame)
    }

    /// Notes a breach.
    pub fn breach(&mut self, what: String) {
        self.breaches += 1;
        if self.breached.len() < KEPT {
            self.breached.push(what);
        }
    }

    fn read(&mut self, text: &str) -> Option<Frame> {
        let value: Value = serde_json::from_str(text).ok()?;
        let number = |key: &str| value.get(key).and_then(Value::as_u64);
        let epoch: Arc<str> = value.get("epoch")?.as_str()?.into();
        let version = number("version")?;
        let kind = match value.get("type")?.as_str()? {
            "snapshot" => Kind::Snapshot,
            "delta" => Kind::Delta { from: number("from")? },
            "ping" => Kind::Ping,
            _ => return None,
        };
        let frame = Frame { text: text.into(), kind, epoch, version };
        if kind == Kind::Ping {
            return Some(frame);
        }
        let embargo = value.get("embargo_until").is_some_and(Value::is_string);
        let mut breaches = Vec::new();
        let shown = value.get("units").and_then(Value::as_array)?;
        let units: Vec<Unit> = shown
            .iter()
            .filter_map(|unit| Unit::read(unit, &mut self.names, embargo, &mut breaches))
            .collect();
        if units.len() != shown.len() {
            breaches.push(format!("version {version}: a unit without id or kind"));
        }
        self.fit(&frame, units, &mut breaches);
        breaches.into_iter().for_each(|what| self.breach(what));
        Some(frame)
    }

    /// Puts what a frame shows beside what was seen before.
    fn fit(&mut self, frame: &Frame, units: Vec<Unit>, breaches: &mut Vec<String>) {
        let begins = frame.kind == Kind::Snapshot && (frame.epoch != self.epoch || self.units.is_empty());
        if begins {
            (self.epoch, self.version) = (Arc::clone(&frame.epoch), frame.version);
            self.sums.clear();
            let before = std::mem::take(&mut self.units);
            for unit in units {
                if let Some(before) = before.get(&unit.id) {
                    self.compare(before, &unit);
                }
                self.put(unit);
            }
            self.kinds = self.units.values().map(|unit| unit.kind.clone()).collect();
            self.kinds.sort_unstable();
            self.kinds.dedup();
            let all: Vec<String> = self.units.keys().cloned().collect();
            self.add_up(&all, frame.version, breaches);
            return;
        }
        if frame.epoch != self.epoch {
            return;
        }
        if frame.version == self.version {
            let other = units.iter().find(|unit| self.units.get(&unit.id) != Some(unit));
            breaches
                .extend(other.map(|unit| format!("{}: two figures in version {}", unit.id, frame.version)));
            return;
        }
        let applies = match frame.kind {
            Kind::Delta { from } => from <= self.version && self.version < frame.version,
            _ => self.version < frame.version,
        };
        if !applies {
            return;
        }
        self.version = frame.version;
        self.versions += 1;
        let mut touched: Vec<String> = Vec::new();
        for unit in units {
            if let Some(before) = self.units.get(&unit.id).cloned() {
                self.compare(&before, &unit);
                self.note_reported(&before, &unit, frame.version);
            }
            touched.push(unit.id.clone());
            touched.extend(unit.parent.clone());
            self.put(unit);
        }
        touched.sort_unstable();
        touched.dedup();
        self.add_up(&touched, frame.version, breaches);
    }

    fn note_reported(&mut self, before: &Unit, now: &Unit, version: u64) {
        let precinct = now.id.strip_prefix("precinct:").and_then(|number| number.parse().ok());
        let Some(precinct) = precinct else { return };
        let reported = self.names.reported();
        if before.count(reported) == 0 && now.count(reported) > 0 {
            self.reported.push(Reported { precinct, version });
        }
    }

    /// Whether a count fell.
    fn compare(&mut self, before: &Unit, now: &Unit) {
        for (id, was) in &before.counts {
            let is = now.count(*id);
            if is < *was && self.fallen.len() < KEPT {
                self.fallen.push(format!("{}: {} fell from {was} to {is}", now.id, self.names.name(*id)));
            }
        }
    }

    /// Puts a unit in the place of what it was, and its counts into the sums above it.
    fn put(&mut self, unit: Unit) {
        let before = self.units.get(&unit.id).map(|unit| unit.counts.clone()).unwrap_or_default();
        if unit.kind != "district"
            && let Some(parent) = &unit.parent
        {
            let sums = self.sums.entry(parent.clone()).or_default();
            before.iter().for_each(|(id, count)| *sums.entry(*id).or_default() -= i128::from(*count));
            unit.counts.iter().for_each(|(id, count)| *sums.entry(*id).or_default() += i128::from(*count));
        }
        if unit.kind == "precinct" {
            for (counts, sign) in [(&before, -1), (&unit.counts, 1)] {
                for (id, count) in counts {
                    let contest = self.names.name(*id).strip_prefix("contests.");
                    let district = contest.and_then(|name| name.split('.').next()?.split_once(':'));
                    if let Some((_, district)) = district {
                        let sums = self.sums.entry(format!("district:{district}")).or_default();
                        *sums.entry(*id).or_default() += sign * i128::from(*count);
                    }
                }
            }
        }
        self.units.insert(unit.id.clone(), unit);
    }

    /// Parent = Σ children, of units all of whose children are seen.
    fn add_up(&self, ids: &[String], version: u64, breaches: &mut Vec<String>) {
        let sees = |kind: &str| self.kinds.iter().any(|seen| seen == kind);
        for unit in ids.iter().filter_map(|id| self.units.get(id)) {
            let whole = match unit.kind.as_str() {
                "country" => sees("region") && sees("abroad"),
                "region" => sees("raion"),
                "raion" | "abroad" | "district" => sees("precinct"),
                _ => false,
            };
            let Some(sums) = self.sums.get(&unit.id).filter(|_| whole) else { continue };
            let of_contests = unit.kind == "district";
            for (id, count) in &unit.counts {
                let sum = sums.get(id).copied().unwrap_or(0);
                let name = self.names.name(*id);
                if sum != i128::from(*count) && (!of_contests || name.starts_with("contests.")) {
                    breaches.push(format!(
                        "{}: {name} is {count} in version {version}, its parts have {sum}",
                        unit.id
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(id: &str, parent: &str, reported: u64, ballots: u64) -> String {
        let kind = id.split(':').next().unwrap();
        format!(
            r#"{{"id":"{id}","kind":"{kind}","parent":"{parent}","precincts":10,"reported":{{"precincts":{reported}}},
            "contests":{{"list":{{"precincts":10,"urns":{{"precincts":{reported},"ballots":{ballots},"invalid":1,
            "votes":{{"p01":{}}}}}}}}}}}"#,
            ballots - 1
        )
    }

    fn frame(kind: &str, from: u64, version: u64, units: &[String]) -> String {
        format!(
            r#"{{"type":"{kind}","epoch":"e1","from":{from},"version":{version},"units":[{}]}}"#,
            units.join(",")
        )
    }

    /// A country of one region, at version 1.
    fn chain() -> Chain {
        let mut chain = Chain::default();
        let abroad = r#"{"id":"abroad","kind":"abroad","parent":"country","precincts":0}"#.to_owned();
        let units = [unit("country", "", 2, 20), unit("region:a", "country", 2, 20), abroad];
        chain.take(&frame("snapshot", 0, 1, &units)).unwrap();
        assert_eq!(chain.breached, [] as [&str; 0]);
        chain
    }

    #[test]
    fn a_sound_night_breaks_nothing_and_copies_are_not_read_again() {
        let mut chain = chain();
        let text = frame("delta", 1, 2, &[unit("country", "", 3, 30), unit("region:a", "country", 3, 30)]);
        for _ in 0..3 {
            let frame = chain.take(&text).unwrap();
            assert_eq!((frame.version, frame.kind), (2, Kind::Delta { from: 1 }));
        }
        let ping = chain.take(r#"{"type":"ping","epoch":"e1","version":2}"#).unwrap();
        assert_eq!(ping.kind, Kind::Ping);
        assert_eq!((chain.distinct, chain.versions, chain.breaches), (3, 1, 0));
        assert_eq!(chain.fallen, [] as [&str; 0]);
    }

    #[test]
    fn a_parent_that_is_not_the_sum_of_its_parts_is_told() {
        let mut chain = chain();
        chain.take(&frame("delta", 1, 2, &[unit("country", "", 3, 30)])).unwrap();
        assert!(chain.breached[0].contains("country: "), "{:?}", chain.breached);
        assert!(
            chain.breached.iter().any(|what| what.contains("ballots is 30 in version 2, its parts have 20"))
        );
    }

    #[test]
    fn votes_that_do_not_add_up_and_too_many_reported_are_told() {
        let mut chain = chain();
        let wrong = unit("region:a", "country", 3, 30).replace("\"p01\":29", "\"p01\":30");
        chain.take(&frame("delta", 1, 2, &[unit("country", "", 3, 30), wrong])).unwrap();
        assert!(chain.breached.iter().any(|what| what.contains("30 votes and 1 invalid are not 30 ballots")));
        chain.take(&frame("delta", 2, 3, &[unit("region:a", "country", 11, 30)])).unwrap();
        assert!(chain.breached.iter().any(|what| what.contains("11 of 10 precincts")));
    }

    #[test]
    fn a_count_that_falls_is_kept_to_be_found_among_the_corrections() {
        let mut chain = chain();
        chain.take(&frame("delta", 1, 2, &[unit("country", "", 2, 19), unit("region:a", "country", 2, 19)]));
        assert!(
            chain.fallen.iter().any(|what| what.contains("ballots fell from 20 to 19")),
            "{:?}",
            chain.fallen
        );
    }

    #[test]
    fn one_version_has_one_figure() {
        let mut chain = chain();
        chain.take(&frame("snapshot", 0, 1, &[unit("region:a", "country", 2, 25)])).unwrap();
        assert!(chain.breached[0].contains("two figures in version 1"), "{:?}", chain.breached);
    }

    #[test]
    fn votes_under_embargo_and_rubbish_are_told() {
        let mut chain = Chain::default();
        let text = frame("snapshot", 0, 1, &[unit("country", "", 1, 5)])
            .replace("\"epoch\"", "\"embargo_until\":\"2026-10-04T14:00:00Z\",\"epoch\"");
        chain.take(&text).unwrap();
        assert!(chain.breached[0].contains("before votes may be published"));
        assert!(chain.take("{\"type\":\"ping\"}").is_none() && chain.take("no json").is_none());
        assert!(chain.breached.last().unwrap().contains("not a frame of the feed"));
    }

    #[test]
    fn a_precinct_that_reports_is_noted_with_its_version() {
        let mut chain = Chain::default();
        let precinct = |reported| unit("precinct:7", "raion:b", reported, 5);
        chain.take(&frame("snapshot", 0, 1, &[precinct(0)])).unwrap();
        chain.take(&frame("delta", 1, 4, &[precinct(1)])).unwrap();
        chain.take(&frame("delta", 4, 5, &[precinct(1)])).unwrap();
        assert_eq!(chain.reported, [Reported { precinct: 7, version: 4 }]);
    }
}
