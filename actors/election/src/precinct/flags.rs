//! W: what is counted but does not look right. A flag stands as long as its reason does.

use std::{collections::BTreeSet, time::Duration};

use serde::Serialize;

use crate::{
    count::Count,
    definition::{ContestIx, DeviceKind},
    figures::SourceFigures,
    ids::{ContestId, DeviceId},
    precinct::{Precinct, judge::Arrived, paper::same, state::Counted},
    report::Body,
    rules::Code,
};

/// An open discrepancy: a rule, and what breaks it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Flag {
    /// Which rule.
    pub code: Code,
    /// The device concerned, if it is one.
    pub device: Option<DeviceId>,
    /// The contest concerned, if it is one.
    pub contest: Option<ContestId>,
}

impl Flag {
    fn device(code: Code, device: &DeviceId) -> Self {
        Self { code, device: Some(device.clone()), contest: None }
    }
}

impl Precinct {
    /// Flags that an accepted report raises by itself and that nothing later takes back: a clock in the
    /// future (W03), a jump that no queue can make (W05).
    pub(super) fn events_of(&self, device: &Counted, arrived: &Arrived) -> Vec<Flag> {
        let limits = &self.definition.about().limits;
        let report = &arrived.report;
        let mut flags = Vec::new();
        if report.at > arrived.arrived + Duration::from_secs(limits.clock_s) {
            flags.push(Flag::device(Code::W03, &report.device));
        }
        if let Body::Turnout(now) | Body::Closing(now) = &report.body {
            let before = device.last_count().map(|last| (last.at, last.identified));
            let before = before.or(device.opening.map(|(_, at)| (at, Count::ZERO)));
            if let Some((at, identified)) = before {
                // identified − before > jump_per_hour × hours, in whole numbers.
                let more = u128::from(now.identified.get().saturating_sub(identified.get()));
                let elapsed = report.at.since(at).as_millis();
                if more * 3_600_000 > u128::from(limits.jump_per_hour) * elapsed {
                    flags.push(Flag::device(Code::W05, &report.device));
                }
            }
        }
        flags
    }

    /// Every flag that stands now: those that events raised, and those that the figures show.
    pub(super) fn standing_flags(&self) -> BTreeSet<Flag> {
        let mut flags: BTreeSet<Flag> = self.events.keys().cloned().collect();
        self.flag_devices(&mut flags);
        self.flag_turnout(&mut flags);
        for here in &self.entry().contests {
            self.flag_contest(here.contest, here.registered, &mut flags);
        }
        flags
    }

    fn flag_devices(&self, flags: &mut BTreeSet<Flag>) {
        for (id, device) in self.devices.iter() {
            if let (Some(closing), Some(turnout)) = (device.closing(), device.turnout())
                && closing.identified != turnout.identified
            {
                flags.insert(Flag::device(Code::W08, id));
            }
            if device.tally.is_some() && device.opening.is_none() {
                flags.insert(Flag::device(Code::W12, id));
            }
        }
    }

    fn flag_turnout(&self, flags: &mut BTreeSet<Flag>) {
        let registered = self.entry().registered;
        let limit = self.definition.about().limits.turnout;
        if !registered.is_zero() && over_share(self.identified(), registered, limit) {
            flags.insert(Flag { code: Code::W05, device: None, contest: None });
        }
    }

    fn flag_contest(&self, contest: ContestIx, registered: Count, flags: &mut BTreeSet<Flag>) {
        let urns = self.urns(contest);
        let mut raise = |code| {
            let id = self.definition.contest(contest).id.clone();
            flags.insert(Flag { code, device: None, contest: Some(id) });
        };
        let SourceFigures { ballots, invalid, .. } = urns;
        if self.closed() {
            let identified = self.identified().get();
            let fewer = identified.saturating_sub(ballots.get());
            if ballots.get() > identified {
                raise(Code::W01);
            }
            if urns.precincts == 1 && fewer > 15 && u128::from(fewer) * 100 > u128::from(identified) * 2 {
                raise(Code::W02);
            }
        }
        if over_share(invalid, ballots, self.definition.about().limits.invalid_share) {
            raise(Code::W04);
        }
        if ballots > registered {
            raise(Code::W11);
        }
        if let Some(protocol) = self.people().protocol_of(contest)
            && urns.precincts == 1
            && !same(protocol, &urns)
        {
            raise(Code::W07);
        }
        if self.copies_differ(contest) {
            raise(Code::W13);
        }
    }

    /// Whether every active ID terminal has closed, or people set how many were identified.
    fn closed(&self) -> bool {
        if self.people().turnout.is_some() {
            return true;
        }
        let mut terminals = self
            .devices
            .values()
            .filter(|device| device.kind == DeviceKind::IdTerminal && device.active)
            .peekable();
        terminals.peek().is_some() && terminals.all(|terminal| terminal.closing().is_some())
    }
}

/// Whether `part` of `whole` is more than `limit` hundredths of a percent.
fn over_share(part: Count, whole: Count, limit: u64) -> bool {
    u128::from(part.get()) * 10_000 > u128::from(whole.get()) * u128::from(limit)
}
