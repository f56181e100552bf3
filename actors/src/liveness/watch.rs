//! What is known of one device.

use election::{
    Code, Definition, DeviceId, Limits, PrecinctId, Timestamp,
    definition::DeviceKind,
    liveness::{DeviceLife, DeviceRow, History, Moment, Signs, Vitals},
    report::{DeviceState, Presence},
};

use super::Sign;

/// What is known of one device.
pub(super) struct Watch {
    pub precinct: PrecinctId,
    pub signs: Signs,
    pub state: DeviceLife,
    pub history: History,
    since: Timestamp,
    counter: u64,
    boot: u64,
    connections: u32,
    vitals: Option<Vitals>,
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
            since: Timestamp::default(),
            counter: 0,
            boot: 0,
            connections: 0,
            vitals: None,
        })
    }

    /// Takes a sign of life; the flags that it raises or lowers.
    pub fn hear(&mut self, sign: Sign, limits: &Limits, now: Moment) -> Vec<(Code, bool)> {
        let mut flags = Vec::new();
        let is_report = matches!(sign, Sign::Report { .. });
        match sign {
            Sign::Report { last } => self.signs.finished |= last,
            Sign::Heartbeat(heartbeat) if heartbeat.counter <= self.counter => return flags,
            Sign::Heartbeat(heartbeat) => {
                self.counter = heartbeat.counter;
                let vitals = Vitals::of(&heartbeat, now.night);
                flags.push((Code::W03, vitals.clock_is_off(limits)));
                self.vitals = Some(vitals);
            }
            Sign::State(DeviceState { boot, .. }) if boot < self.boot => return flags,
            Sign::State(DeviceState { boot, state, .. }) => {
                self.boot = boot;
                if state == Presence::Offline {
                    self.signs.gone = true;
                    return flags;
                }
            }
            // Who holds a socket and says nothing is not heard.
            Sign::Connected => {
                self.connections = self.connections.saturating_add(1);
                self.signs.gone = false;
                return flags;
            }
            Sign::Gone => {
                self.signs.gone = true;
                return flags;
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
        flags
    }

    /// Brings state and history up to date.
    pub fn note(&mut self, limits: &Limits, now: Moment) -> DeviceLife {
        let state = self.signs.state(limits, now);
        if state != self.state || self.since == Timestamp::default() {
            self.since = now.night;
        }
        self.state = state;
        self.history.note(now.night, state, self.vitals.as_ref());
        state
    }

    pub fn row(&self, device: &DeviceId, flags: Vec<Code>) -> DeviceRow {
        DeviceRow {
            device: device.clone(),
            kind: self.signs.kind,
            precinct: self.precinct,
            state: self.state,
            since: self.since,
            heard: self.signs.heard.map(|heard| heard.night),
            finished: self.signs.finished,
            boot: self.boot,
            connections: self.connections,
            vitals: self.vitals.clone(),
            flags,
        }
    }
}
