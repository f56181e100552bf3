//! Who says what when: derived from the scenario, the definition and the seed, so that a rehearsal that is repeated
//! says the same, byte for byte.

use std::{collections::HashMap, sync::Arc, time::Duration};

use election::{DeviceId, PrecinctId, Timestamp, definition::DeviceKind};

use crate::{chance::Chance, curve, day::Day, script::Content};

use super::scenario::{Connected, Curve, Load, Scenario, What};

/// The last of [`curve::minutes_until_on_line`].
const NIGHT_MINUTES: f64 = 105.0;
/// Between an urn's opening and its tally.
const OPENING_BEFORE: Duration = Duration::from_secs(1);
/// A device that comes with something to say comes so long before it.
const COMES_BEFORE: Duration = Duration::from_millis(1_500);

/// A report that a device will make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Turn {
    /// Its intended moment, after the clock started.
    pub offset: Duration,
    /// What it says.
    pub content: Content,
    /// The device's clock when it was made.
    pub at: Timestamp,
    /// How often it is sent at once.
    pub copies: u8,
    /// It is sent after the next one.
    pub late: bool,
    /// The line is cut as soon as it is sent.
    pub cuts: bool,
}

/// A device, and its place among those of its kind.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Which.
    pub device: DeviceId,
    /// Where it stands.
    pub precinct: PrecinctId,
    /// Urn or ID terminal.
    pub kind: DeviceKind,
    rank: usize,
    /// When it comes on line, after the clock started; before that where it is `None`.
    pub comes: Option<Duration>,
}

/// All that one device will do.
#[derive(Debug, Clone)]
pub struct Part {
    /// Which device, and when it comes.
    pub cast: Cast,
    /// It sends what must be refused, and nothing else.
    pub hostile: bool,
    /// It is behind a slow line.
    pub modem: bool,
    /// How far its clock is ahead.
    pub skew: Duration,
    /// Its reports, in the order of their numbers.
    pub turns: Vec<Turn>,
}

/// The timetable of a rehearsal.
#[derive(Debug)]
pub struct Timetable {
    day: Arc<Day>,
    scenario: Scenario,
    terminals: usize,
    cast: Vec<Cast>,
}

impl Timetable {
    /// Derives it.
    pub fn new(day: Arc<Day>, scenario: &Scenario) -> Self {
        let mut table = Self { day, scenario: scenario.clone(), terminals: 0, cast: Vec::new() };
        let day = Arc::clone(&table.day);
        let mut urns = 0;
        for precinct in day.definition().precincts().values() {
            let terminals = day.terminals(precinct.id).iter().map(|id| (id, DeviceKind::IdTerminal));
            let here = terminals.chain(day.urns(precinct.id).iter().map(|id| (id, DeviceKind::Urn)));
            for (device, kind) in here {
                let of_kind = if kind == DeviceKind::Urn { &mut urns } else { &mut table.terminals };
                let (rank, device, precinct) = (*of_kind, device.clone(), precinct.id);
                *of_kind += 1;
                table.cast.push(Cast { device, precinct, kind, rank, comes: None });
            }
        }
        let comes: Vec<Option<Option<Duration>>> =
            table.cast.iter().map(|cast| table.comes(cast, &table.offsets(cast))).collect();
        let mut comes = comes.into_iter();
        // Whoever never comes has no part.
        table.cast.retain_mut(|cast| {
            let comes = comes.next().flatten();
            cast.comes = comes.flatten();
            comes.is_some()
        });
        table.cast.sort_by_key(|cast| cast.comes);
        table
    }

    /// Every device that has a part, in the order in which they come.
    pub fn cast(&self) -> &[Cast] {
        &self.cast
    }

    /// When the last urn of each precinct says its votes, after the clock started.
    pub fn completed(&self) -> HashMap<PrecinctId, Duration> {
        let mut completed: HashMap<PrecinctId, Duration> = HashMap::new();
        for cast in self.cast.iter().filter(|cast| cast.kind == DeviceKind::Urn) {
            if let Some(last) = self.offsets(cast).into_iter().map(|(_, offset)| offset).max() {
                let of = completed.entry(cast.precinct).or_default();
                *of = last.max(*of);
            }
        }
        completed
    }

    /// How many reports will be said in all.
    pub fn reports(&self) -> u64 {
        self.cast
            .iter()
            .filter(|cast| !self.is_hostile(cast))
            .map(|cast| self.offsets(cast).len() as u64)
            .sum()
    }

    /// When a device comes on line; `None` where it never does.
    #[expect(clippy::option_option, reason = "never, before the clock starts, and then: three cases")]
    fn comes(&self, cast: &Cast, offsets: &[(What, Duration)]) -> Option<Option<Duration>> {
        let there = match self.scenario.connected {
            Connected::All => true,
            Connected::Terminals => cast.kind == DeviceKind::IdTerminal,
            Connected::Nobody => false,
        };
        if there || self.is_hostile(cast) {
            return Some(None);
        }
        let first = offsets.first()?.1;
        Some(first.checked_sub(COMES_BEFORE))
    }

    /// What a device says and when, the openings included.
    fn offsets(&self, cast: &Cast) -> Vec<(What, Duration)> {
        let mut offsets = Vec::new();
        for (number, load) in self.scenario.load.iter().enumerate() {
            let fits = (load.what == What::Tallies) == (cast.kind == DeviceKind::Urn);
            if fits {
                self.of_load(cast, load, number, &mut offsets);
            }
        }
        offsets.sort_by_key(|(what, offset)| (*what == What::Closings, *offset));
        let mut latest = Duration::ZERO;
        for (_, offset) in &mut offsets {
            // A closing is said after all turnout.
            latest = latest.max(*offset);
            *offset = latest;
        }
        if let (DeviceKind::Urn, Some((_, tally))) = (cast.kind, offsets.first().copied()) {
            offsets.truncate(1);
            offsets.insert(0, (What::Tallies, tally.saturating_sub(OPENING_BEFORE)));
        } else if let Some((What::Closings, closing)) = offsets.first().copied() {
            offsets.insert(0, (What::Turnout, closing.saturating_sub(OPENING_BEFORE)));
        }
        offsets
    }

    fn of_load(&self, cast: &Cast, load: &Load, number: usize, offsets: &mut Vec<(What, Duration)>) {
        let subject = format_args!("{number}/{}", cast.device).to_string();
        let place = Chance::of(self.day.seed(), "turn", subject).fraction();
        let mut at = |share: f64| offsets.push((load.what, load.from.0 + load.lasts.0.mul_f64(share)));
        match (load.rate, load.reports) {
            (Some(rate), _) => {
                let all = (rate * load.lasts.0.as_secs_f64()).floor() as usize;
                (cast.rank..all).step_by(self.terminals.max(1)).for_each(|nth| at(nth as f64 / all as f64));
            }
            (None, Some(reports)) => {
                (0..reports).for_each(|nth| at((f64::from(nth) + place) / f64::from(reports)));
            }
            (None, None) => at(match load.curve {
                Curve::Even => place,
                Curve::Night => curve::minutes_until_on_line(place) / NIGHT_MINUTES,
            }),
        }
    }

    fn share(&self, purpose: &str, subject: impl std::fmt::Display) -> f64 {
        Chance::of(self.day.seed(), purpose, subject).fraction()
    }

    fn is_hostile(&self, cast: &Cast) -> bool {
        self.scenario.hostile.is_some_and(|of| self.share("hostile", &cast.device) < of.share)
    }

    /// All that a device will do.
    pub fn part(&self, cast: &Cast) -> Part {
        let chaos = &self.scenario.chaos;
        let skewed = self.share("skewed", &cast.device) < chaos.skewed;
        let modem = self.scenario.modem.is_some_and(|of| self.share("modem", cast.precinct) < of.share);
        let hostile = self.is_hostile(cast);
        let turns = if hostile { Vec::new() } else { self.turns(cast) };
        let skew = if skewed { chaos.skew.0 } else { Duration::ZERO };
        Part { cast: cast.clone(), hostile, modem, skew, turns }
    }

    fn turns(&self, cast: &Cast) -> Vec<Turn> {
        let Some(precinct) = self.day.definition().precincts().get(&cast.precinct) else { return Vec::new() };
        let (open, close) = (self.day.polls_open(precinct), precinct.polls_close);
        let identified = match cast.kind {
            DeviceKind::IdTerminal => self.day.identified_by(precinct, &cast.device),
            DeviceKind::Urn => 0,
        };
        let offsets = self.offsets(cast);
        let last = offsets.len().saturating_sub(1);
        let chaos = &self.scenario.chaos;
        let mut chance = Chance::of(self.day.seed(), "chaos", &cast.device);
        let turn = |(number, (what, offset)): (usize, (What, Duration))| {
            // People come over the whole day, whenever the reports are sent.
            let passed = (number as f64 / (last as f64 + 1.0)).min(1.0);
            let (content, at) = match (what, number) {
                (What::Tallies, 0) => (Content::OpeningUrn, open),
                (What::Tallies, _) => (Content::Tally, close + Duration::from_secs(10)),
                (What::Turnout, 0) => (Content::OpeningTerminal, open),
                (What::Turnout, _) => {
                    let so_far = (identified as f64 * passed).floor() as u64;
                    (Content::Turnout(so_far), open + close.since(open).mul_f64(passed))
                }
                (What::Closings, _) => (Content::Closing(identified), close + Duration::from_secs(10)),
            };
            Turn {
                offset,
                content,
                at,
                copies: if chance.fraction() < chaos.duplicates { 3 } else { 1 },
                late: chance.fraction() < chaos.reordered && number < last,
                cuts: chance.fraction() < chaos.reconnects,
            }
        };
        offsets.into_iter().enumerate().map(turn).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::country::country;

    fn table(text: &str, seed: u64) -> Timetable {
        let scenario = Scenario::parse(&format!("title = \"x\"\n{text}"), "test").unwrap();
        Timetable::new(Arc::new(Day::new(country(40), seed, false)), &scenario)
    }

    fn all(table: &Timetable) -> Vec<Turn> {
        table.cast().iter().flat_map(|cast| table.part(cast).turns).collect()
    }

    #[test]
    fn the_same_seed_says_the_same_and_another_something_else() {
        let text = "[[load]]\nwhat = \"tallies\"\nfor = \"60s\"\n[chaos]\nduplicates = 0.5";
        assert_eq!(all(&table(text, 1)), all(&table(text, 1)));
        assert_ne!(all(&table(text, 1)), all(&table(text, 2)));
    }

    #[test]
    fn a_rate_is_kept_second_by_second() {
        let table = table("[[load]]\nwhat = \"turnout\"\nfor = \"10s\"\nrate = 50.0", 1);
        let turns = all(&table);
        assert_eq!((turns.len() as u64, table.reports()), (500, 500));
        for second in 0..10 {
            let within = turns.iter().filter(|turn| turn.offset.as_secs() == second).count();
            assert_eq!(within, 50, "second {second}");
        }
    }

    #[test]
    fn urns_come_before_they_speak_and_open_before_they_count() {
        let table = table("[[load]]\nwhat = \"tallies\"\nfrom = \"10s\"\nfor = \"60s\"", 1);
        let urns = table.cast().iter().filter(|cast| cast.kind == DeviceKind::Urn);
        for cast in urns {
            let turns = table.part(cast).turns;
            assert_eq!(
                turns.iter().map(|turn| turn.content).collect::<Vec<_>>(),
                [Content::OpeningUrn, Content::Tally]
            );
            assert!(cast.comes.unwrap() < turns[0].offset && turns[0].offset < turns[1].offset);
            assert!(table.completed()[&cast.precinct] >= turns[1].offset);
        }
        assert!(table.cast().iter().any(|cast| cast.kind == DeviceKind::IdTerminal && cast.comes.is_none()));
    }

    #[test]
    fn who_has_nothing_to_say_and_is_not_on_line_has_no_part() {
        let text = "connected = \"nobody\"\n[[load]]\nwhat = \"tallies\"\nfor = \"60s\"";
        assert!(table(text, 1).cast().iter().all(|cast| cast.kind == DeviceKind::Urn));
        let everybody = table("connected = \"all\"", 1);
        assert!(everybody.cast().iter().any(|cast| cast.kind == DeviceKind::Urn) && everybody.reports() == 0);
    }

    #[test]
    fn a_closing_comes_after_all_turnout_and_an_opening_before() {
        let text = "[[load]]\nwhat = \"closings\"\nfor = \"5s\"\n[[load]]\nwhat = \"turnout\"\nfor = \"60s\"\nreports = 3";
        let table = table(text, 1);
        let terminal = table.cast().iter().find(|cast| cast.kind == DeviceKind::IdTerminal).unwrap();
        let turns = table.part(terminal).turns;
        assert!(turns.is_sorted_by_key(|turn| turn.offset) && turns.len() == 4, "{turns:?}");
        assert_eq!(turns[0].content, Content::OpeningTerminal);
        assert!(matches!(turns[3].content, Content::Closing(_)));
    }

    #[test]
    fn hostile_devices_say_nothing_true() {
        let table = table("[hostile]\nshare = 0.5\nrate = 1\n[[load]]\nwhat = \"tallies\"\nfor = \"60s\"", 1);
        let parts: Vec<Part> = table.cast().iter().map(|cast| table.part(cast)).collect();
        let hostile = parts.iter().filter(|part| part.hostile).count();
        assert!(hostile > parts.len() / 4 && hostile < parts.len() * 3 / 4, "{hostile} of {}", parts.len());
        assert!(parts.iter().all(|part| !part.hostile || part.turns.is_empty()));
        assert_eq!(table.reports(), parts.iter().map(|part| part.turns.len() as u64).sum::<u64>());
    }
}
