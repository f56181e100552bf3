//! What is known of one device.

use election::{
    Code, Definition, DeviceId, Limits, PrecinctId, Timestamp,
    definition::DeviceKind,
    liveness::{ClockFlag, DeviceLife, DeviceRow, History, Mark, Moment, Signs, Vitals},
    report::{DeviceState, Presence},
};

use super::Sign;

/// A sign from before one that was taken: sent twice, overtaken, or played again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stale {
    Heartbeat,
    State,
}

impl Stale {
    /// Name in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::State => "state",
        }
    }
}

/// The flags of one device that stand on record, of those that clocks and heartbeats cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Raised(u8);

impl Raised {
    const CODES: [Code; 4] = [Code::W03, Code::W06, Code::W09, Code::W10];

    fn bit(code: Code) -> u8 {
        Self::CODES.iter().position(|known| *known == code).map_or(0, |at| 1 << at)
    }

    /// Whether a flag stands.
    pub fn has(self, code: Code) -> bool {
        self.0 & Self::bit(code) != 0
    }

    /// Notes that a flag stands from now on, or no longer.
    pub fn set(&mut self, code: Code, raised: bool) {
        if raised {
            self.0 |= Self::bit(code);
        } else {
            self.0 &= !Self::bit(code);
        }
    }

    fn all(self) -> Vec<Code> {
        Self::CODES.into_iter().filter(|code| self.has(*code)).collect()
    }
}

/// What is known of one device.
pub(super) struct Watch {
    pub precinct: PrecinctId,
    pub signs: Signs,
    pub state: DeviceLife,
    pub history: History,
    /// The last signs that were taken of it.
    pub mark: Mark,
    /// W03, as it stands.
    pub clock: ClockFlag,
    /// Its flags on record.
    pub raised: Raised,
    since: Timestamp,
    connections: u32,
    vitals: Option<Box<Vitals>>,
}

impl Watch {
    /// A device of which nothing was heard; `None` where there is no such precinct.
    pub fn new(definition: &Definition, kind: DeviceKind, precinct: PrecinctId) -> Option<Self> {
        let closes = definition.precincts().get(&precinct)?.polls_close;
        let about = definition.about();
        let opens = closes - about.polls_close.since(about.polls_open);
        Some(Self {
            precinct,
            signs: Signs { kind, opens, closes, active: true, heard: None, gone: false, finished: false },
            state: DeviceLife::NeverSeen,
            history: History::default(),
            mark: Mark::default(),
            clock: ClockFlag::default(),
            raised: Raised::default(),
            since: Timestamp::default(),
            connections: 0,
            vitals: None,
        })
    }

    /// Takes a sign of life; the flags that it raises or lowers.
    ///
    /// # Errors
    /// [`Stale`]: nothing has changed then.
    pub fn hear(&mut self, sign: Sign, limits: &Limits, now: Moment) -> Result<Vec<(Code, bool)>, Stale> {
        let mut flags = Vec::new();
        let is_report = matches!(sign, Sign::Report { .. });
        match sign {
            Sign::Report { last } => self.signs.finished |= last,
            Sign::Heartbeat(heartbeat) if !self.mark.heartbeat(heartbeat.counter) => {
                return Err(Stale::Heartbeat);
            }
            Sign::Heartbeat(heartbeat) => {
                let vitals = Vitals::of(&heartbeat, now.night);
                flags.push((Code::W03, self.clock.judge(&vitals, limits, now.night)));
                self.vitals = Some(Box::new(vitals));
            }
            Sign::State(DeviceState { boot, state, .. }) if !self.mark.state(boot, state) => {
                return Err(Stale::State);
            }
            Sign::State(DeviceState { state: Presence::Offline, .. }) => {
                self.signs.gone = true;
                return Ok(flags);
            }
            Sign::State(_) => {}
            // Who holds a socket and says nothing is not heard.
            Sign::Connected => {
                self.connections = self.connections.saturating_add(1);
                self.signs.gone = false;
                return Ok(flags);
            }
            Sign::Gone => {
                self.signs.gone = true;
                return Ok(flags);
            }
        }
        let night = self.signs.heard.map_or(now.night, |heard| heard.night.max(now.night));
        self.signs.heard = Some(Moment { night, ..now });
        self.signs.gone = false;
        flags.push((Code::W09, false));
        // A report that comes too early has a code of its own (Q01).
        if !is_report && self.signs.is_early(limits, now.night) {
            flags.push((Code::W06, true));
        }
        Ok(flags)
    }

    /// Brings state and history up to date.
    pub fn note(&mut self, limits: &Limits, now: Moment) -> DeviceLife {
        let state = self.signs.state(limits, now);
        if state != self.state || self.since == Timestamp::default() {
            self.since = now.night;
        }
        self.state = state;
        self.history.note(now.night, state, self.vitals.as_deref());
        state
    }

    pub fn row(&self, device: &DeviceId) -> DeviceRow {
        DeviceRow {
            device: device.clone(),
            kind: self.signs.kind,
            precinct: self.precinct,
            state: self.state,
            since: self.since,
            heard: self.signs.heard.map(|heard| heard.night),
            finished: self.signs.finished,
            boot: self.mark.boot,
            connections: self.connections,
            vitals: self.vitals.as_deref().cloned(),
            flags: self.raised.all(),
        }
    }
}
