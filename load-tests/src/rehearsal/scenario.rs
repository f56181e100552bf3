//! A rehearsal as a file: what devices do and when, what goes wrong, and what must hold.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use super::{keys, span::Span};

/// Largest scenario file that is read, bytes.
const MAX_FILE: u64 = 64 * 1024;
/// Longest rehearsal.
const LONGEST: Duration = Duration::from_secs(6 * 3_600);

/// Most moments that part a rehearsal.
const MARKS: usize = 100;

/// A rehearsal.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it is, in a line.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub about: String,
    /// Who is on line when the clock starts.
    #[serde(default)]
    pub connected: Connected,
    /// Over how long they come on line before that.
    #[serde(default = "ten_seconds")]
    pub connect_within: Span,
    /// Between heartbeats of a device; none where it is missing.
    #[serde(default)]
    pub heartbeat: Option<Span>,
    /// It lasts at least so long, though everything may have been said before.
    #[serde(default)]
    pub lasts: Span,
    /// Moments that part it, such as when something is done to the system: latencies are told between them as well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Span>,
    /// Devices that have said everything and hold all receipts go off line.
    #[serde(default)]
    pub leave: bool,
    /// Of how many receipts one is verified; each is matched with its report in any case.
    #[serde(default = "every_one")]
    pub verify_one_in: u32,
    /// What is said.
    #[serde(default)]
    pub load: Vec<Load>,
    /// Lines that are cut, all at once.
    #[serde(default)]
    pub storm: Vec<Storm>,
    /// Villages on a slow modem.
    #[serde(default)]
    pub modem: Option<Modem>,
    /// What goes wrong with single reports.
    #[serde(default)]
    pub chaos: Chaos,
    /// Devices that send what must be refused.
    #[serde(default)]
    pub hostile: Option<Hostile>,
    /// What must hold. That nothing is lost, that no answer is unexpected and that totals match must always.
    #[serde(default)]
    pub objectives: Objectives,
}

/// Who is on line when the clock starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Connected {
    /// The ID terminals, as on the day; urns come when they have something to say.
    #[default]
    Terminals,
    /// Every device.
    All,
    /// Nobody: each comes when it has something to say.
    Nobody,
}

/// Something that devices say over a while.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// What.
    pub what: What,
    /// After the clock started.
    #[serde(default)]
    pub from: Span,
    /// Over how long.
    #[serde(rename = "for")]
    pub lasts: Span,
    /// How it is spread over that.
    #[serde(default)]
    pub curve: Curve,
    /// Of turnout: reports a second, of all terminals together.
    #[serde(default)]
    pub rate: Option<f64>,
    /// Of turnout: reports of each terminal, where no rate is given.
    #[serde(default)]
    pub reports: Option<u32>,
}

/// What devices say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Terminals: an opening, and then how many people were identified so far.
    Turnout,
    /// Terminals: how many people were identified in all.
    Closings,
    /// Urns: an opening, and then the votes.
    Tallies,
}

/// How something is spread over its while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// Evenly.
    #[default]
    Even,
    /// As urns come on line after the close of polls: a third in the first fifth, a long tail.
    Night,
}

/// Lines that are cut without goodbye, all at once.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Storm {
    /// After the clock started.
    pub at: Span,
    /// How many of the devices, from 0 to 1.
    #[serde(default = "all")]
    pub share: f64,
}

/// Villages on a slow modem. What TCP does about a lost packet is done here: it comes late, and all behind it.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Modem {
    /// How many of the precincts, from 0 to 1.
    pub share: f64,
    /// How long a message takes each way, at least.
    pub delay: Span,
    /// How much longer it may take.
    #[serde(default)]
    pub jitter: Span,
    /// How many messages are lost on the way and sent again after a second, two, four…, from 0 to 1.
    #[serde(default)]
    pub loss: f64,
    /// How often the line breaks, a minute.
    #[serde(default)]
    pub cuts_a_minute: f64,
}

/// What goes wrong with single reports; shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Chaos {
    /// Sent three times at once.
    #[serde(default)]
    pub duplicates: f64,
    /// Sent after the next one.
    #[serde(default)]
    pub reordered: f64,
    /// The line is cut as soon as it is sent.
    #[serde(default)]
    pub reconnects: f64,
    /// Devices whose clock is wrong.
    #[serde(default)]
    pub skewed: f64,
    /// By how much it is ahead.
    #[serde(default)]
    pub skew: Span,
}

/// Devices with good credentials that send nothing but what must be refused.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hostile {
    /// How many devices, from 0 to 1. They say nothing true.
    pub share: f64,
    /// Messages a second of each.
    pub rate: f64,
}

/// What must hold. Latencies are counted from the intended moment of a report.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Objectives {
    /// From publish to receipt: half of all within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_p50: Option<Span>,
    /// From publish to receipt: 99 of 100 within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_p99: Option<Span>,
    /// From publish to receipt: all within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt_max: Option<Span>,
    /// From publish to a viewer's frame: 99 of 100 within this. Needs viewers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame_p99: Option<Span>,
    /// Reports receipted a second, from the first intended moment to the last receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// After a storm, all lines are back within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_within: Option<Span>,
}

fn ten_seconds() -> Span {
    Span(Duration::from_secs(10))
}

fn every_one() -> u32 {
    1
}

fn all() -> f64 {
    1.0
}

/// A scenario that the program carries.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    /// Its name.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
}

macro_rules! carried {
    ($($name:literal),*) => {
        /// The scenarios that the program carries.
        pub const CARRIED: &[Carried] = &[$(Carried {
            name: $name,
            text: include_str!(concat!("../../scenarios/", $name, ".toml")),
        }),*];
    };
}

carried!(
    "day",
    "burst",
    "storm",
    "double-night",
    "villages",
    "chaos",
    "hostile",
    "steady",
    "idle",
    "country"
);

/// Why a scenario cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ScenarioError {
    /// The file.
    pub place: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl Scenario {
    /// The scenario of this name, or in this file.
    ///
    /// # Errors
    /// When there is no such, or it is not as it should be.
    pub fn find(wanted: &str) -> Result<Self, ScenarioError> {
        if let Some(carried) = CARRIED.iter().find(|carried| carried.name == wanted) {
            return Self::parse(carried.text, carried.name);
        }
        let path = Path::new(wanted);
        let told = |what: String| ScenarioError { place: wanted.to_owned(), what };
        if !path.exists() && path.components().count() == 1 && path.extension().is_none() {
            let names: Vec<&str> = CARRIED.iter().map(|carried| carried.name).collect();
            let meant = keys::meant(wanted, &names);
            return Err(told(format!(
                "no such scenario{meant}: give a file, or one of {}",
                names.join(", ")
            )));
        }
        let size = std::fs::metadata(path).map_err(|why| told(why.to_string()))?.len();
        if size > MAX_FILE {
            return Err(told(format!("{size} bytes are too many for a scenario: at most {MAX_FILE}")));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(|why| told(why.to_string()))?, wanted)
    }

    /// Reads a scenario; `place` is where it is from.
    ///
    /// # Errors
    /// An unknown key, with the one that was probably meant; a value that cannot be.
    pub fn parse(text: &str, place: &str) -> Result<Self, ScenarioError> {
        let told = |what: String| ScenarioError { place: place.to_owned(), what };
        let table: toml::Table = text.parse().map_err(|why: toml::de::Error| told(why.to_string()))?;
        keys::check(&table).map_err(told)?;
        let scenario: Self = toml::from_str(text).map_err(|why| told(why.to_string()))?;
        scenario.check().map_err(told)?;
        Ok(scenario)
    }

    /// The same with other objectives, as lines of the file's `[objectives]`.
    ///
    /// # Errors
    /// An unknown key, with the one that was probably meant; a value that cannot be.
    pub fn with_objectives(mut self, lines: &str) -> Result<Self, ScenarioError> {
        let told = |what: String| ScenarioError { place: "objective".to_owned(), what };
        let stated: toml::Table = lines.parse().map_err(|why: toml::de::Error| told(why.to_string()))?;
        keys::check_objectives(&stated).map_err(told)?;
        let wrong = |why: &dyn std::fmt::Display| told(why.to_string());
        let mut all = toml::Table::try_from(self.objectives).map_err(|why| wrong(&why))?;
        all.extend(stated);
        self.objectives = all.try_into().map_err(|why| wrong(&why))?;
        Ok(self)
    }

    /// What types cannot say.
    fn check(&self) -> Result<(), String> {
        let modem = self.modem.map_or([0.0; 2], |modem| [modem.share, modem.loss]);
        let chaos = &self.chaos;
        let shares = [chaos.duplicates, chaos.reordered, chaos.reconnects, chaos.skewed];
        let others = [modem[0], modem[1], self.hostile.map_or(0.0, |hostile| hostile.share)];
        let storms = self.storm.iter().map(|storm| storm.share);
        if !shares.into_iter().chain(others).chain(storms).all(|share| (0.0..=1.0).contains(&share)) {
            return Err("a share must be from 0 to 1".to_owned());
        }
        if self.modem.is_some_and(|modem| !(0.0..=60.0).contains(&modem.cuts_a_minute) || modem.loss > 0.9) {
            return Err("modem: cuts_a_minute must be from 0 to 60, and loss at most 0.9".to_owned());
        }
        if self.hostile.is_some_and(|hostile| !(0.01..=10_000.0).contains(&hostile.rate)) {
            return Err("hostile.rate must be from 0.01 to 10000 messages a second".to_owned());
        }
        if self.heartbeat.is_some_and(|every| every.0 < Duration::from_secs(1)) {
            return Err("heartbeat must be at least 1s".to_owned());
        }
        if self.verify_one_in == 0 {
            return Err("verify_one_in must be at least 1".to_owned());
        }
        if !self.marks.is_sorted_by(|a, b| a < b) || self.marks.len() > MARKS {
            return Err(format!("marks must rise, and be at most {MARKS}"));
        }
        if self.end() > LONGEST {
            return Err("it would last longer than 6h".to_owned());
        }
        self.load.iter().try_for_each(Load::check)
    }

    /// When the last thing is said and the last line cut, after the clock started.
    pub fn end(&self) -> Duration {
        let said = self.load.iter().map(|load| load.from.0 + load.lasts.0);
        let cut = self.storm.iter().map(|storm| storm.at.0);
        said.chain(cut).chain([self.lasts.0]).max().unwrap_or_default()
    }
}

impl Load {
    fn check(&self) -> Result<(), String> {
        if self.lasts.0.is_zero() {
            return Err("load: for must be longer than 0s".to_owned());
        }
        match (self.what, self.rate, self.reports) {
            (What::Turnout, Some(rate), None) if !(0.01..=200_000.0).contains(&rate) => {
                Err("load: rate must be from 0.01 to 200000 reports a second".to_owned())
            }
            (What::Turnout, Some(_), None) if self.curve != Curve::Even => {
                Err("load: a rate is even; leave curve out, or give reports instead of rate".to_owned())
            }
            (What::Turnout, None, Some(1..=10_000)) | (What::Turnout, Some(_), None) => Ok(()),
            (What::Turnout, _, _) => Err(
                "load: turnout needs rate, in reports a second, or reports, of each terminal (1 to 10000)"
                    .to_owned(),
            ),
            (_, None, None) => Ok(()),
            (_, _, _) => Err("load: only turnout has rate or reports".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_carried_scenario_can_be_used_and_says_what_it_is_for() {
        for carried in CARRIED {
            let scenario = Scenario::find(carried.name).unwrap();
            assert!(!scenario.title.is_empty() && !scenario.about.is_empty(), "{}", carried.name);
            let written = toml::to_string(&scenario).unwrap();
            assert_eq!(Scenario::parse(&written, "again").unwrap(), scenario, "{}", carried.name);
        }
    }

    #[test]
    fn an_unknown_name_or_key_is_an_error_that_says_what_was_probably_meant() {
        let error = |text: &str| Scenario::parse(text, "mine.toml").unwrap_err().to_string();
        assert!(Scenario::find("brust").unwrap_err().to_string().contains("did you mean burst?"));
        assert!(Scenario::find("/nowhere/mine.toml").unwrap_err().to_string().contains("/nowhere/mine.toml"));
        let at_top = error("title = \"x\"\nconected = \"all\"");
        assert_eq!(at_top, "mine.toml: unknown key conected, did you mean connected?");
        let below = error("title = \"x\"\n[objectives]\nreceipt_p9 = \"1s\"");
        assert!(below.contains("unknown key objectives.receipt_p9, did you mean receipt_p99?"), "{below}");
        let listed = error("title = \"x\"\n[[load]]\nwhat = \"tallies\"\nfor = \"1s\"\nrat = 1");
        assert!(listed.contains("unknown key load.rat, did you mean rate?"), "{listed}");
    }

    #[test]
    fn objectives_can_be_stated_anew() {
        let burst = || Scenario::find("burst").unwrap();
        let other = burst().with_objectives("receipt_p99 = \"100ms\"\nrate = 5.0").unwrap();
        assert_eq!(other.objectives.receipt_p99, Some("100ms".parse().unwrap()));
        assert_eq!(
            (other.objectives.rate, other.objectives.frame_p99),
            (Some(5.0), burst().objectives.frame_p99)
        );
        let error = burst().with_objectives("receit_p99 = \"1s\"").unwrap_err().to_string();
        assert!(error.contains("did you mean receipt_p99?"), "{error}");
        assert!(burst().with_objectives("rate = \"much\"").is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (text, why) in [
            ("[[load]]\nwhat = \"turnout\"\nfor = \"1s\"", "turnout needs rate"),
            ("[[load]]\nwhat = \"turnout\"\nfor = \"1s\"\nrate = 0", "from 0.01 to 200000"),
            ("[[load]]\nwhat = \"turnout\"\nfor = \"1s\"\nrate = 5\ncurve = \"night\"", "a rate is even"),
            ("[[load]]\nwhat = \"tallies\"\nfor = \"1s\"\nrate = 5", "only turnout"),
            ("marks = [\"2s\", \"2s\"]", "marks must rise"),
            ("[[load]]\nwhat = \"tallies\"\nfor = \"0s\"", "longer than 0s"),
            ("[chaos]\nduplicates = 1.5", "from 0 to 1"),
            ("[[storm]]\nat = \"7h\"", "longer than 6h"),
            ("[hostile]\nshare = 0.1\nrate = 0", "hostile.rate"),
            ("[modem]\nshare = 0.1\ndelay = \"1s\"\nloss = 0.95", "modem"),
            ("heartbeat = \"10ms\"", "heartbeat"),
            ("verify_one_in = 0", "verify_one_in"),
            ("connect_within = \"soon\"", "no span of time"),
            ("connected = \"some\"", "unknown variant"),
        ] {
            let error = Scenario::parse(&format!("title = \"x\"\n{text}"), "mine.toml").unwrap_err();
            assert!(error.to_string().contains(why), "{text}: {error}");
        }
    }
}
