//! Whether a device is there, from what was heard of it and when. Pure: the moment is given, never read.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> never_seen
//!     [*] --> expected_silent: an urn, before its precinct closes
//!     never_seen --> on_line: heard
//!     expected_silent --> on_line: heard (W06 if it is early)
//!     on_line --> late: half the time of silence without a sign
//!     late --> silent: the time of silence without a sign (W09 where it is expected)
//!     on_line --> off_line: goodbye, last will, or its connection is gone
//!     silent --> on_line: heard
//!     off_line --> on_line: heard
//!     on_line --> revoked: by decision
//! ```

mod history;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    count::Count,
    definition::DeviceKind,
    ids::{DeviceId, PrecinctId},
    report::{Heartbeat, Presence, Seq},
    rules::{Code, Limits},
    time::Timestamp,
};

pub use history::{History, Point};

/// Silence is never judged sooner than this, in real time: a simulated hour may be shorter than the way of a
/// message (PROTOCOL §4 asks for five seconds at least; devices speak every eight at the highest speeds).
const SILENT_AT_LEAST: Duration = Duration::from_secs(10);
/// Nor is lateness, which comes before it.
const LATE_AT_LEAST: Duration = Duration::from_secs(9);

/// Of a heartbeat's faults, as many are kept; and of each so many characters.
const ERRORS_KEPT: (usize, usize) = (8, 80);

/// The one state of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceLife {
    /// Nothing was ever heard of it.
    NeverSeen,
    /// An urn before its precinct closes: it is off the network by procedure.
    ExpectedSilent,
    /// Heard lately.
    OnLine,
    /// A sign of life is overdue.
    Late,
    /// Nothing was heard for the time of silence, and nobody said that it left.
    Silent,
    /// It said goodbye, its last will was told, or its connection is gone.
    OffLine,
    /// Shut out.
    Revoked,
}

impl DeviceLife {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::NeverSeen,
        Self::ExpectedSilent,
        Self::OnLine,
        Self::Late,
        Self::Silent,
        Self::OffLine,
        Self::Revoked,
    ];

    /// Name in metrics and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NeverSeen => "never_seen",
            Self::ExpectedSilent => "expected_silent",
            Self::OnLine => "on_line",
            Self::Late => "late",
            Self::Silent => "silent",
            Self::OffLine => "off_line",
            Self::Revoked => "revoked",
        }
    }
}

/// A moment, by the clock of the night and by real time from any beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The night's clock.
    pub night: Timestamp,
    /// Real time: it goes on evenly, also where the night is simulated.
    pub real: Duration,
}

/// What a device's state follows from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signs {
    /// Urn or terminal.
    pub kind: DeviceKind,
    /// Polls open where it stands.
    pub opens: Timestamp,
    /// Polls close where it stands.
    pub closes: Timestamp,
    /// Whether it may speak.
    pub active: bool,
    /// When it was last heard.
    pub heard: Option<Moment>,
    /// Whether the last that is known is that it left.
    pub gone: bool,
    /// Whether its final report counts.
    pub finished: bool,
}

impl Signs {
    /// Its state at a moment.
    pub fn state(&self, limits: &Limits, now: Moment) -> DeviceLife {
        let by_procedure = self.kind == DeviceKind::Urn && now.night < self.closes;
        let silent = Duration::from_secs(limits.silent_s);
        match self.heard {
            _ if !self.active => DeviceLife::Revoked,
            Some(heard) if !self.gone && !is_overdue(heard, now, silent / 2, LATE_AT_LEAST) => {
                DeviceLife::OnLine
            }
            _ if by_procedure => DeviceLife::ExpectedSilent,
            None => DeviceLife::NeverSeen,
            Some(_) if self.gone => DeviceLife::OffLine,
            Some(heard) if is_overdue(heard, now, silent, SILENT_AT_LEAST) => DeviceLife::Silent,
            Some(_) => DeviceLife::Late,
        }
    }

    /// W09: an ID terminal is expected on line while its polls are open.
    pub fn is_silent(&self, limits: &Limits, now: Moment) -> bool {
        let expected = self.active
            && self.kind == DeviceKind::IdTerminal
            && self.opens <= now.night
            && now.night < self.closes;
        // Nobody waits for it before its polls open.
        let heard = self.heard.unwrap_or(Moment { night: self.opens, real: Duration::ZERO });
        let heard = Moment { night: heard.night.max(self.opens), ..heard };
        expected && is_overdue(heard, now, Duration::from_secs(limits.silent_s), SILENT_AT_LEAST)
    }

    /// W10: its final report is overdue.
    pub fn is_late(&self, limits: &Limits, now: Moment) -> bool {
        let limit = Duration::from_secs(limits.late_s);
        self.active && !self.finished && now.night > self.closes + limit
    }

    /// W06: an urn on line before its precinct closes.
    pub fn is_early(&self, limits: &Limits, at: Timestamp) -> bool {
        let tolerance = Duration::from_secs(limits.early_tolerance_s);
        self.kind == DeviceKind::Urn && at + tolerance < self.closes
    }
}

/// Whether a sign of life is overdue by both clocks.
fn is_overdue(heard: Moment, now: Moment, limit: Duration, at_least: Duration) -> bool {
    now.night.since(heard.night) > limit && now.real.saturating_sub(heard.real) > at_least
}

/// What the last heartbeat said of the device's health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Vitals {
    /// How far the device's clock is ahead of the centre's, ms; negative: behind.
    pub clock_skew_ms: i64,
    /// Seconds since it started.
    pub uptime: u64,
    /// The number of the last report it made.
    pub last_seq: Seq,
    /// Charge, percent.
    pub battery: Option<u8>,
    /// On mains power.
    pub mains: Option<bool>,
    /// Signal strength, dBm.
    pub signal: Option<i64>,
    /// Paper left, percent.
    pub paper: Option<u8>,
    /// Firmware version.
    pub firmware: Option<String>,
    /// Faults.
    pub errors: Vec<String>,
    /// What its display counts.
    pub shown: Option<Count>,
}

impl Vitals {
    /// Of a heartbeat that arrived at a moment.
    pub fn of(heartbeat: &Heartbeat, arrived: Timestamp) -> Self {
        let millis = |at: Timestamp| i64::try_from(at.millis()).unwrap_or(i64::MAX);
        let (most, longest) = ERRORS_KEPT;
        let errors = heartbeat.errors.iter().take(most);
        Self {
            clock_skew_ms: millis(heartbeat.at).saturating_sub(millis(arrived)),
            uptime: heartbeat.uptime,
            last_seq: heartbeat.last_seq,
            battery: heartbeat.battery,
            mains: heartbeat.mains,
            signal: heartbeat.signal,
            paper: heartbeat.paper,
            firmware: heartbeat.firmware.clone(),
            errors: errors.map(|error| error.chars().take(longest).collect()).collect(),
            shown: heartbeat.shown,
        }
    }
}

/// Changes of one device's W03 go on record at this distance on average, whatever its clock does …
const CLOCK_FLAG_EVERY: Duration = Duration::from_secs(600);
/// … and so many more at once.
const CLOCK_FLAGS_AHEAD: u32 = 5;

/// W03 of one device: raised over the limit, lowered at four fifths of it, and not changed often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockFlag {
    raised: bool,
    /// When all its changes would have been made, had they kept their distance.
    paid: Timestamp,
}

impl ClockFlag {
    /// As it stands on record.
    pub fn standing(raised: bool) -> Self {
        Self { raised, paid: Timestamp::default() }
    }

    /// Whether it is raised, after a heartbeat that arrived now.
    pub fn judge(&mut self, vitals: &Vitals, limits: &Limits, now: Timestamp) -> bool {
        let off = Duration::from_millis(vitals.clock_skew_ms.unsigned_abs());
        let limit = Duration::from_secs(limits.clock_s);
        let raised = off > if self.raised { limit * 4 / 5 } else { limit };
        let may = self.paid.since(now) <= CLOCK_FLAG_EVERY * CLOCK_FLAGS_AHEAD;
        if raised != self.raised && may {
            *self = Self { raised, paid: self.paid.max(now) + CLOCK_FLAG_EVERY };
        }
        self.raised
    }
}

/// The last signs that were taken of a device: none from before them is taken again, though its signature is good
/// (PROTOCOL §2, `counter` and `boot`). Kept over restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The counter of its last heartbeat.
    pub counter: u64,
    /// Its last boot.
    pub boot: u64,
    /// What it has said in that boot: 1 that it is on line, 2 that it is off line.
    pub said: u8,
    /// How many keys it had before the one that signs now. What was signed with those binds nobody.
    pub key: u64,
}

impl Mark {
    /// Nothing was taken yet of a device that had so many keys before.
    pub fn of_key(key: u64) -> Self {
        Self { key, ..Self::default() }
    }

    /// Takes a heartbeat; false where it is none after the last.
    pub fn heartbeat(&mut self, counter: u64) -> bool {
        let later = counter > self.counter;
        self.counter = self.counter.max(counter);
        later
    }

    /// Takes a state; false where it is none after the last. In one boot a device comes once, and leaves once.
    pub fn state(&mut self, boot: u64, state: Presence) -> bool {
        let said = match state {
            Presence::Online => 1,
            Presence::Offline => 2,
        };
        let later = (boot, said) > (self.boot, self.said);
        if later {
            (self.boot, self.said) = (boot, said);
        }
        later
    }
}

/// A device as the situation room sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRow {
    /// Which.
    pub device: DeviceId,
    /// Urn or terminal.
    pub kind: DeviceKind,
    /// Where it stands.
    pub precinct: PrecinctId,
    /// Its state.
    pub state: DeviceLife,
    /// Since when.
    pub since: Timestamp,
    /// When it was last heard.
    pub heard: Option<Timestamp>,
    /// Whether its final report counts.
    pub finished: bool,
    /// Number of its last CONNECT, as it says; 0 before it said any.
    pub boot: u64,
    /// Connections seen since the service started; none where a broker stands between.
    pub connections: u32,
    /// What its last heartbeat said.
    pub vitals: Option<Vitals>,
    /// Of W03, W06, W09 and W10, those that stand.
    pub flags: Vec<Code>,
}

/// Which devices to list.
#[derive(Debug, Clone, Default)]
pub struct DevicesWanted {
    /// Of one precinct.
    pub precinct: Option<PrecinctId>,
    /// In one state.
    pub state: Option<DeviceLife>,
    /// Of one kind.
    pub kind: Option<DeviceKind>,
    /// After this one, in the order of their ids.
    pub after: Option<DeviceId>,
    /// At most so many.
    pub limit: usize,
}

/// The devices that were asked for, with what is told of each.
#[derive(Debug, Clone)]
pub struct DeviceList<R = DeviceRow> {
    /// In the order of their ids.
    pub rows: Vec<R>,
    /// How many there are in each state: of the precinct and kind asked for, whatever their state.
    pub counts: BTreeMap<DeviceLife, u64>,
    /// Whether more follow after the last.
    pub more: bool,
}

impl<R> Default for DeviceList<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), counts: BTreeMap::new(), more: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;
    const OPENS: Timestamp = Timestamp::from_millis(8 * HOUR * 1_000);

    fn at(hours: f64, real: u64) -> Moment {
        let night = Timestamp::from_millis((hours * 3_600_000.0) as u64);
        Moment { night, real: Duration::from_secs(real) }
    }

    fn signs(kind: DeviceKind) -> Signs {
        let closes = OPENS + Duration::from_secs(12 * HOUR);
        Signs { kind, opens: OPENS, closes, active: true, heard: None, gone: false, finished: false }
    }

    fn state(signs: &Signs, hours: f64, real: u64) -> &'static str {
        signs.state(&Limits::default(), at(hours, real)).as_str()
    }

    #[test]
    fn a_terminal_is_on_line_then_late_then_silent() {
        let mut terminal = signs(DeviceKind::IdTerminal);
        assert_eq!(state(&terminal, 9.0, 100), "never_seen");
        terminal.heard = Some(at(9.0, 100));
        let minutes = |minutes: f64| state(&terminal, 9.0 + minutes / 60.0, 100 + minutes as u64 * 60);
        assert_eq!([7.0, 8.0, 15.0, 15.1].map(minutes), ["on_line", "late", "late", "silent"]);
        terminal.gone = true;
        assert_eq!((state(&terminal, 9.1, 101), state(&terminal, 15.0, 9_000)), ("off_line", "off_line"));
        terminal.active = false;
        assert_eq!(state(&terminal, 9.1, 101), "revoked");
    }

    #[test]
    fn an_urn_is_expected_to_be_silent_until_its_precinct_closes() {
        let mut urn = signs(DeviceKind::Urn);
        assert_eq!((state(&urn, 12.0, 100), state(&urn, 20.0, 100)), ("expected_silent", "never_seen"));
        urn.heard = Some(at(7.0, 0));
        assert_eq!((state(&urn, 7.1, 1), state(&urn, 12.0, 1_000)), ("on_line", "expected_silent"));
        urn.gone = true;
        assert_eq!((state(&urn, 19.9, 10), state(&urn, 20.0, 10)), ("expected_silent", "off_line"));
        assert!(urn.is_early(&Limits::default(), at(19.9, 0).night));
        assert!(!urn.is_early(&Limits::default(), at(19.97, 0).night), "within the tolerance");
    }

    #[test]
    fn in_a_fast_simulation_silence_waits_for_ten_real_seconds() {
        let mut terminal = signs(DeviceKind::IdTerminal);
        terminal.heard = Some(at(9.0, 100));
        let seen =
            |real| (state(&terminal, 11.0, real), terminal.is_silent(&Limits::default(), at(11.0, real)));
        assert_eq!(seen(105), ("on_line", false));
        assert_eq!(seen(110), ("late", false));
        assert_eq!(seen(111), ("silent", true));
    }

    #[test]
    fn silence_counts_from_the_opening_and_only_while_polls_are_open() {
        let limits = Limits::default();
        let mut terminal = signs(DeviceKind::IdTerminal);
        let silent = |signs: &Signs, hours| signs.is_silent(&limits, at(hours, 100_000));
        assert_eq!(
            [7.9, 8.2, 8.3, 19.9, 20.0].map(|h| silent(&terminal, h)),
            [false, false, true, true, false]
        );
        assert!(!silent(&signs(DeviceKind::Urn), 12.0));
        terminal.active = false;
        assert!(!silent(&terminal, 12.0), "nobody waits for one that is shut out");
        terminal.active = true;
        assert_eq!([22.0, 22.1].map(|h| terminal.is_late(&limits, at(h, 0))), [false, true]);
        terminal.finished = true;
        assert!(!terminal.is_late(&limits, at(23.0, 0)));
    }

    #[test]
    fn a_clock_is_off_by_more_than_five_minutes_either_way_until_it_is_right_to_four() {
        let heartbeat = Heartbeat {
            election: "e".parse().unwrap(),
            precinct: "1".parse().unwrap(),
            device: "d".parse().unwrap(),
            at: Timestamp::from_millis(1_000_000),
            uptime: 1,
            counter: 1,
            last_seq: 0,
            battery: None,
            mains: None,
            signal: None,
            paper: None,
            firmware: None,
            errors: vec!["x".repeat(1_000); 100],
            shown: None,
        };
        let vitals = |arrived| Vitals::of(&heartbeat, Timestamp::from_millis(arrived));
        let judged = |mut flag: ClockFlag, arrived| {
            flag.judge(&vitals(arrived), &Limits::default(), Timestamp::from_millis(arrived))
        };
        let off = |arrived| judged(ClockFlag::default(), arrived);
        assert_eq!([700_000, 699_999, 1_300_000, 1_300_001].map(off), [false, true, false, true]);
        let still = |arrived| judged(ClockFlag::standing(true), arrived);
        assert_eq!([760_000, 759_999, 1_240_000, 1_240_001].map(still), [false, true, false, true]);
        let mut flag = ClockFlag::default();
        let mut at = |night: u64, arrived| {
            flag.judge(&vitals(arrived), &Limits::default(), Timestamp::from_millis(night * 1_000))
        };
        let wrong = [0, 1_000_000, 0, 1_000_000, 0, 1_000_000].map(|arrived| at(0, arrived));
        assert_eq!(wrong, [true, false, true, false, true, false], "six changes at once");
        assert!(
            !at(599, 0) && at(600, 0) && at(1_199, 1_000_000) && !at(1_200, 1_000_000),
            "then one in ten minutes"
        );
        assert_eq!(vitals(1_000_500).clock_skew_ms, -500);
        assert_eq!(vitals(0).errors, vec!["x".repeat(80); 8]);
    }
}
