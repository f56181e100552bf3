//! Writing scripts: an ID terminal's day, an urn's night, and the decisions of people.

use std::time::Duration;

use election::{
    Code, DeviceId, Timestamp,
    definition::{DeviceKind, Precinct},
    record::Act,
    report::{Seq, Verdict},
};

use crate::{
    chance::Chance,
    curve,
    day::Day,
    faults::{Fault, Flaw},
    script::{Action, Content, Expect, Moment, Script, Utterance},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How far ahead a clock is that [`Fault::ClockAhead`] befalls.
const AHEAD: Duration = Duration::from_secs(600);

/// When an urn dies that [`Fault::Replaced`] befalls, after polls open: at 15:00.
const DIES: Duration = Duration::from_secs(7 * 3_600);

/// A decision that people will take in the situation room.
#[derive(Debug, Clone)]
pub struct Planned {
    /// By the simulated clock.
    pub due: Timestamp,
    /// Why.
    pub reason: &'static str,
    /// What.
    pub act: Act,
    /// Which of the two people in the room ([`PEOPLE`]).
    pub by: usize,
}

/// People in the room: whoever enters a protocol is not who enters it again.
pub const PEOPLE: usize = 2;

impl Day {
    /// What people will decide that day: spares take the place of dead urns, and commissions that count by
    /// hand enter their protocols, each twice.
    pub fn decisions(&self) -> Vec<Planned> {
        let mut decisions = Vec::new();
        for precinct in self.definition().precincts().values() {
            if let Some((old, new)) = self.replacement(precinct.id) {
                decisions.push(Planned {
                    due: self.polls_open(precinct) + DIES + 40 * MINUTE,
                    reason: "the urn does not start any more; its ballots go through a spare one",
                    act: Act::Replace { precinct: precinct.id, old: old.clone(), new: new.clone() },
                    by: 0,
                });
            }
            if self.by_hand(precinct) {
                let mut chance = Chance::of(self.seed(), "hand count", precinct.id);
                let due = precinct.polls_close + minutes(chance.between(40.0, 85.0));
                let act = Act::Protocol { precinct: precinct.id, contests: self.protocol(precinct) };
                let reason = "protocol of the precinct commission's hand count";
                decisions.extend((0..PEOPLE).map(|by| Planned { due, reason, act: act.clone(), by }));
            }
        }
        decisions.sort_by_key(|decision| decision.due);
        decisions
    }
}

/// A script as it is written, line by line.
struct Pen {
    moments: Vec<Moment>,
    seq: Seq,
    ahead: Duration,
    copies: u8,
}

impl Pen {
    fn does(&mut self, due: Timestamp, action: Action) {
        self.moments.push(Moment { due, action });
    }

    /// The next report in line.
    fn says(&mut self, due: Timestamp, at: Timestamp, content: Content) {
        self.flawed(due, at, content, None, Expect::ACCEPTED);
    }

    fn flawed(
        &mut self,
        due: Timestamp,
        at: Timestamp,
        content: Content,
        flaw: Option<Flaw>,
        expect: Expect,
    ) {
        self.seq += 1;
        let (seq, at, copies) = (self.seq, at + self.ahead, self.copies);
        let utterance = Utterance { seq, at, chained: true, content, flaw, copies, expect };
        self.does(due, Action::Say(utterance));
    }

    /// The utterance that was written last.
    fn last(&mut self) -> Option<&mut Utterance> {
        match self.moments.last_mut().map(|moment| &mut moment.action) {
            Some(Action::Say(utterance)) => Some(utterance),
            _ => None,
        }
    }

    fn script(self, precinct: &Precinct, device: &DeviceId, kind: DeviceKind) -> Script {
        Script {
            device: device.clone(),
            precinct: precinct.id,
            kind,
            ahead: self.ahead,
            moments: self.moments,
        }
    }
}

/// A cumulative count that a terminal will send.
struct Reading {
    at: Timestamp,
    identified: u64,
}

/// A terminal's day: an opening, turnout every 30 to 60 minutes, one more at the close, and the closing.
pub fn terminal(day: &Day, precinct: &Precinct, device: &DeviceId) -> Script {
    let first = day.terminals(precinct.id).first() == Some(device);
    let fault = day.fault(precinct.id).filter(|fault| fault.of_terminal() && first);
    let mut chance = Chance::of(day.seed(), "script", device);
    let (open, close) = (day.polls_open(precinct), precinct.polls_close);
    let ahead = if fault == Some(Fault::ClockAhead) { AHEAD } else { Duration::ZERO };
    let mut pen = Pen { moments: Vec::new(), seq: 0, ahead, copies: 1 };
    pen.does(open - minutes(chance.between(27.0, 60.0)), Action::Connect);
    let opening = open - minutes(chance.between(3.0, 25.0));
    pen.says(opening, opening, Content::OpeningTerminal);

    let identified = day.identified_by(precinct, device);
    let mut readings = readings(open, close, identified, &mut chance);
    if fault == Some(Fault::Jump) {
        jump(&mut readings, identified);
    }
    if fault == Some(Fault::ClosingDiffers)
        && let Some(last) = readings.last_mut()
    {
        last.identified = last.identified.saturating_sub(1);
    }
    let middle = readings.len() / 2;
    for (number, reading) in readings.iter().enumerate() {
        if number == middle && middle > 0 {
            stumble(fault, &mut pen, reading, readings[middle - 1].identified);
        }
        let sent = reading.at + seconds(chance.between(1.0, 20.0));
        pen.says(sent, reading.at, Content::Turnout(reading.identified));
    }
    let closing = readings.last().map_or(close, |last| last.at) + minutes(chance.between(2.0, 14.0));
    pen.says(closing, closing, Content::Closing(identified));
    pen.does(closing + minutes(chance.between(20.0, 60.0)), Action::Leave);
    if fault == Some(Fault::Silent) {
        fall_silent(&mut pen.moments, open + 4 * HOUR, open + 4 * HOUR + 130 * MINUTE);
    }
    pen.script(precinct, device, DeviceKind::IdTerminal)
}

fn readings(open: Timestamp, close: Timestamp, identified: u64, chance: &mut Chance) -> Vec<Reading> {
    let period = minutes(chance.between(30.0, 60.0));
    let lean = chance.between(0.93, 1.07);
    let whole = close.since(open).as_secs_f64();
    let mut readings = Vec::new();
    let mut at = open + period.mul_f64(chance.between(0.3, 1.0));
    while at + 12 * MINUTE < close {
        let passed = at.since(open).as_secs_f64() / whole;
        let so_far = (identified as f64 * curve::turnout(passed, lean)).floor() as u64;
        readings.push(Reading { at, identified: so_far.min(identified.saturating_sub(1)) });
        at = at + period;
    }
    // Who stands in the queue at the close is let vote.
    readings.push(Reading { at: close + minutes(chance.between(0.2, 8.0)), identified });
    readings
}

/// More people than any queue, at about a third of the day; nobody then until the curve has caught up.
fn jump(readings: &mut [Reading], identified: u64) {
    let third = (readings.len() / 3).max(1);
    if third >= readings.len() {
        return;
    }
    let elapsed = readings[third].at.since(readings[third - 1].at).as_secs_f64() / 3_600.0;
    let sudden = readings[third - 1].identified + (240.0 * elapsed).ceil() as u64 + 30;
    for reading in &mut readings[third..] {
        reading.identified = reading.identified.max(sudden.min(identified));
    }
}

/// A report that is not accepted, a minute before the right one.
fn stumble(fault: Option<Fault>, pen: &mut Pen, next: &Reading, before: u64) {
    use Verdict::{Quarantined, Rejected};
    let (figure, flaw, verdict, code) = match fault {
        Some(Fault::TurnoutDown) => (before.saturating_sub(1), None, Quarantined, Code::Q05),
        Some(Fault::BreakdownWrong) => (next.identified, Some(Flaw::Breakdown), Quarantined, Code::Q08),
        Some(Fault::WrongLength) => (next.identified, Some(Flaw::ExtraBand), Rejected, Code::F02),
        Some(Fault::TooLarge) => (next.identified, Some(Flaw::Huge), Rejected, Code::F03),
        _ => return,
    };
    let at = next.at - MINUTE;
    pen.flawed(at, at, Content::Turnout(figure), flaw, Expect::refused(verdict, code));
}

/// Off line from one moment to another; what was due between is sent afterwards.
fn fall_silent(moments: &mut Vec<Moment>, from: Timestamp, to: Timestamp) {
    let at = moments.partition_point(|moment| moment.due < from);
    let between = moments[at..].iter_mut().take_while(|moment| moment.due < to);
    for (number, moment) in (1_u32..).zip(between) {
        moment.due = to + number * Duration::from_secs(10);
    }
    let silence = [Moment { due: from, action: Action::Cut }, Moment { due: to, action: Action::Connect }];
    moments.splice(at..at, silence);
}

/// An urn's night: silent until the close, then by modem: its opening, made in the morning, and its tally.
pub fn urn(day: &Day, precinct: &Precinct, device: &DeviceId) -> Script {
    let first = day.urns(precinct.id).first() == Some(device);
    let fault = day.fault(precinct.id).filter(|fault| !fault.of_terminal() && first);
    let mut chance = Chance::of(day.seed(), "script", device);
    let (open, close) = (day.polls_open(precinct), precinct.polls_close);
    let delay = delay(day, precinct, fault, &mut chance);
    let connects = close + delay;
    let night = Night {
        connects,
        opened: match fault {
            Some(Fault::Replaced) => open + DIES + 50 * MINUTE,
            _ => open - minutes(chance.between(10.0, 50.0)),
        },
        counted: close + delay.mul_f64(chance.between(0.2, 0.8)),
        opening: connects + seconds(chance.between(2.0, 10.0)),
        tally: connects + seconds(chance.between(15.0, 40.0)),
    };
    let copies = if fault == Some(Fault::Threefold) { 3 } else { 1 };
    let mut pen = Pen { moments: Vec::new(), seq: 0, ahead: Duration::ZERO, copies };
    match fault {
        None => honest_night(&mut pen, &night, chance.fraction() < 0.08, &mut chance),
        Some(fault) => {
            if fault == Fault::EarlyUrn {
                come_early(&mut pen, day, night.opened, close);
            }
            faulty_night(&mut pen, &night, fault);
        }
    }
    let last = pen.moments.last().map_or(night.tally, |moment| moment.due);
    pen.does(last + minutes(chance.between(10.0, 30.0)), Action::Leave);
    pen.script(precinct, device, DeviceKind::Urn)
}

/// When an urn of a precinct comes on line, after the close. The urns of a precinct share a road and a modem.
fn delay(day: &Day, precinct: &Precinct, fault: Option<Fault>, chance: &mut Chance) -> Duration {
    let rank = Chance::of(day.seed(), "modem", precinct.id).fraction();
    let nearer = if day.definition().about().polls_close == precinct.polls_close { 1.0 } else { 0.3 };
    match fault {
        Some(Fault::LateUrn) => minutes(chance.between(135.0, 150.0)),
        _ => minutes(curve::minutes_until_on_line(rank) * nearer + chance.between(0.0, 2.0)),
    }
}

/// The moments of an urn's night.
struct Night {
    connects: Timestamp,
    /// When the opening was printed.
    opened: Timestamp,
    /// When the tally was printed.
    counted: Timestamp,
    /// When the opening is sent.
    opening: Timestamp,
    /// When the tally is sent.
    tally: Timestamp,
}

fn honest_night(pen: &mut Pen, night: &Night, drops: bool, chance: &mut Chance) {
    pen.does(night.connects, Action::Connect);
    pen.says(night.opening, night.opened, Content::OpeningUrn);
    let mut tally = night.tally;
    if drops {
        let back = night.connects + seconds(chance.between(60.0, 240.0));
        pen.does(night.connects + seconds(12.0), Action::Cut);
        pen.does(back, Action::Connect);
        tally = back + seconds(10.0);
    }
    pen.says(tally, night.counted, Content::Tally);
}

fn faulty_night(pen: &mut Pen, night: &Night, fault: Fault) {
    use Verdict::{Quarantined, Rejected};
    let again = night.tally + 2 * MINUTE;
    pen.does(night.connects, Action::Connect);
    match fault {
        Fault::NoOpening => {}
        Fault::OpeningNotZero => {
            let not_zero = Expect::refused(Quarantined, Code::Q04);
            pen.flawed(night.opening, night.opened, Content::OpeningUrn, Some(Flaw::NotZero), not_zero);
            pen.says(night.opening, night.opened + MINUTE, Content::OpeningUrn);
        }
        Fault::Gap => {
            // The tally, number 2, goes first; it is accepted once number 1 has come.
            let held = Expect { held_first: true, ..Expect::ACCEPTED };
            pen.seq = 1;
            pen.flawed(night.opening, night.counted, Content::Tally, None, held);
            pen.seq = 0;
            pen.says(again, night.opened, Content::OpeningUrn);
            return;
        }
        _ => pen.says(night.opening, night.opened, Content::OpeningUrn),
    }
    let mistake = match fault {
        Fault::SumsWrong => Some((Some(Flaw::Sums), Expect::refused(Quarantined, Code::Q02))),
        Fault::UnknownOption => Some((Some(Flaw::UnknownOption), Expect::refused(Rejected, Code::F01))),
        Fault::TooManyPreferences => Some((Some(Flaw::Preferences), Expect::refused(Quarantined, Code::Q07))),
        Fault::OverRegistered => Some((Some(Flaw::OverRegistered), Expect::refused(Quarantined, Code::Q03))),
        Fault::BrokenChain => Some((None, Expect::refused(Quarantined, Code::S04))),
        _ => None,
    };
    if let Some((flaw, expect)) = mistake {
        pen.flawed(night.tally, night.counted, Content::Tally, flaw, expect);
        if let Some(wrong) = pen.last() {
            wrong.chained = fault != Fault::BrokenChain;
        }
        pen.says(again, night.counted + MINUTE, Content::Tally);
        return;
    }
    pen.says(night.tally, night.counted, Content::Tally);
    match fault {
        Fault::SecondFinal => {
            let second = Expect::refused(Quarantined, Code::Q06);
            pen.flawed(again, night.counted + MINUTE, Content::Tally, None, second);
        }
        Fault::Equivocation => {
            let other = Expect::refused(Quarantined, Code::S03);
            pen.seq -= 1;
            pen.flawed(again, night.counted, Content::Tally, Some(Flaw::OtherFigures), other);
        }
        _ => {}
    }
}

/// On line an hour before the close, with an opening that is too early; then off again.
fn come_early(pen: &mut Pen, day: &Day, opened: Timestamp, close: Timestamp) {
    let early = close - HOUR;
    let tolerance = Duration::from_secs(day.definition().about().limits.early_tolerance_s);
    let before = Some(close - tolerance);
    let too_early = Expect { before, ..Expect::refused(Verdict::Quarantined, Code::Q01) };
    pen.does(early, Action::Connect);
    pen.flawed(early + MINUTE, opened, Content::OpeningUrn, None, too_early);
    pen.does(early + 20 * MINUTE, Action::Leave);
}

fn minutes(minutes: f64) -> Duration {
    Duration::from_secs_f64(minutes * 60.0)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
