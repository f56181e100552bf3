//! What the platform should show, added up from what was sent and receipted and from nothing else.

use std::collections::BTreeMap;

use election::{
    Definition, DeviceId, PrecinctId, UnitId,
    definition::{ContestIx, Counting, Device, DeviceKind, DeviceStatus, Precinct},
};

use crate::{
    chance::Chance,
    ledger::{Counted, Ledger},
};

/// What every unit should show, precincts included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// By unit.
    pub units: BTreeMap<UnitId, UnitTotals>,
    /// Precincts in which every contest has reported.
    pub reported: u32,
}

/// What one unit should show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitTotals {
    /// People identified.
    pub identified: u64,
    /// By contest.
    pub contests: BTreeMap<ContestIx, Sources>,
}

/// The two sources of a contest, which never mix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Preliminary, by the urns.
    pub urns: Sums,
    /// The hand count.
    pub protocols: Sums,
}

/// Sums of one contest from one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// Precincts that have reported in full.
    pub precincts: u64,
    /// Registered voters of those.
    pub registered: u64,
    /// Ballots.
    pub ballots: u64,
    /// Of those, invalid.
    pub invalid: u64,
    /// Votes per option, in the order of the contest's options.
    pub votes: Vec<u64>,
}

impl Ledger {
    /// What the platform should show once everything that was receipted is counted.
    pub fn totals(&self, definition: &Definition) -> Totals {
        let mut totals = Totals::default();
        for unit in definition.units().keys() {
            totals.units.insert(unit.clone(), UnitTotals::of(definition, unit));
        }
        let devices = by_precinct(definition, self);
        for precinct in definition.precincts().values() {
            let here = devices.get(&precinct.id).map_or(&[][..], Vec::as_slice);
            let figures = self.precinct(definition, precinct, here);
            totals.reported += u32::from(self.has_reported(definition, precinct, here));
            for unit in above(definition, precinct) {
                if let Some(sum) = totals.units.get_mut(&unit) {
                    sum.add(&figures);
                }
            }
            totals.units.insert(UnitId::Precinct(precinct.id), figures);
        }
        totals
    }

    /// One precinct, from its devices and its protocol.
    fn precinct(&self, definition: &Definition, precinct: &Precinct, devices: &[&Device]) -> UnitTotals {
        let mut figures = UnitTotals::of(definition, &UnitId::Precinct(precinct.id));
        for device in devices {
            let Some(line) = self.lines.get(&device.id) else { continue };
            match device.kind {
                DeviceKind::IdTerminal => figures.identified += line.identified().get(),
                DeviceKind::Urn => {
                    for counted in line.tally().unwrap_or_default() {
                        if let Some(contest) = figures.contests.get_mut(&counted.contest) {
                            contest.urns.count(counted);
                        }
                    }
                }
            }
        }
        for here in &precinct.contests {
            let Some(contest) = figures.contests.get_mut(&here.contest) else { continue };
            if self.urns_are_in(here.contest, devices) {
                contest.urns.precincts = 1;
                contest.urns.registered = here.registered.get();
            }
            let options = &definition.contest(here.contest).options;
            let id = &definition.contest(here.contest).id;
            let lines = self.protocols.get(&precinct.id);
            if let Some(line) = lines.and_then(|lines| lines.iter().find(|line| line.tally.contest == *id)) {
                contest.protocols = Sums {
                    precincts: 1,
                    registered: here.registered.get(),
                    ballots: line.tally.ballots.get(),
                    invalid: line.tally.invalid.get(),
                    votes: options
                        .iter()
                        .map(|option| line.tally.votes.get(&option.id).map_or(0, |votes| votes.get()))
                        .collect(),
                };
            }
        }
        figures
    }

    /// Whether every active urn of a contest has an accepted final report, and there is one.
    fn urns_are_in(&self, contest: ContestIx, devices: &[&Device]) -> bool {
        let mut urns = self.active_urns(contest, devices).peekable();
        let in_by = |urn: &DeviceId| self.lines.get(urn).is_some_and(|line| line.tally().is_some());
        urns.peek().is_some() && urns.all(|urn| in_by(&urn.id))
    }

    fn active_urns<'a>(
        &'a self,
        contest: ContestIx,
        devices: &'a [&'a Device],
    ) -> impl Iterator<Item = &'a Device> {
        devices.iter().copied().filter(move |device| {
            device.kind == DeviceKind::Urn
                && !self.replacements.contains_key(&device.id)
                && (device.contests.is_empty() || device.contests.contains(&contest))
        })
    }

    fn has_reported(&self, definition: &Definition, precinct: &Precinct, devices: &[&Device]) -> bool {
        precinct.contests.iter().all(|here| {
            let id = &definition.contest(here.contest).id;
            let by_hand = precinct.counting == Counting::Manual
                || self.active_urns(here.contest, devices).next().is_none();
            if by_hand {
                let lines = self.protocols.get(&precinct.id);
                lines.is_some_and(|lines| lines.iter().any(|line| line.tally.contest == *id))
            } else {
                self.urns_are_in(here.contest, devices)
            }
        })
    }
}

impl Totals {
    /// Sixteen hexadecimal digits that are equal where all figures are.
    pub fn fingerprint(&self) -> String {
        format!("{:016x}", Chance::of(0, "totals", format_args!("{self:?}")).number())
    }
}

impl UnitTotals {
    /// Zeroes for each contest that stands in a unit: country-wide ones everywhere but in districts, a
    /// district's in that district, and in a precinct those that are voted there.
    fn of(definition: &Definition, unit: &UnitId) -> Self {
        let stands = |ix: &ContestIx| match unit {
            UnitId::Precinct(id) => {
                definition.precincts().get(id).is_some_and(|here| here.registered_for(*ix).is_some())
            }
            UnitId::District(_) => definition.contest(*ix).unit == *unit,
            _ => definition.contest(*ix).unit == UnitId::Country,
        };
        let contests = (0..definition.contests().len())
            .filter_map(|at| u16::try_from(at).ok().map(ContestIx))
            .filter(stands)
            .map(|ix| {
                let none = Sums { votes: vec![0; definition.contest(ix).options.len()], ..Sums::default() };
                (ix, Sources { urns: none.clone(), protocols: none })
            })
            .collect();
        Self { identified: 0, contests }
    }

    fn add(&mut self, more: &UnitTotals) {
        self.identified += more.identified;
        for (contest, sum) in &mut self.contests {
            if let Some(more) = more.contests.get(contest) {
                sum.urns.add(&more.urns);
                sum.protocols.add(&more.protocols);
            }
        }
    }
}

impl Sums {
    fn add(&mut self, more: &Sums) {
        self.precincts += more.precincts;
        self.registered += more.registered;
        self.ballots += more.ballots;
        self.invalid += more.invalid;
        for (votes, more) in self.votes.iter_mut().zip(&more.votes) {
            *votes += more;
        }
    }

    fn count(&mut self, counted: &Counted) {
        self.ballots += counted.ballots.get();
        self.invalid += counted.invalid.get();
        for (votes, more) in self.votes.iter_mut().zip(&counted.votes) {
            *votes += more.get();
        }
    }
}

/// The devices of each precinct: those in use from the start, and spares that took a place.
fn by_precinct<'a>(definition: &'a Definition, ledger: &Ledger) -> BTreeMap<PrecinctId, Vec<&'a Device>> {
    let mut devices: BTreeMap<PrecinctId, Vec<&Device>> = BTreeMap::new();
    for device in definition.devices().values() {
        let at = match device.status {
            DeviceStatus::Active => device.precinct,
            DeviceStatus::Spare if ledger.replacements.values().any(|new| *new == device.id) => {
                ledger.lines.get(&device.id).map(|line| line.precinct)
            }
            DeviceStatus::Spare | DeviceStatus::Revoked => None,
        };
        if let Some(at) = at {
            devices.entry(at).or_default().push(device);
        }
    }
    devices
}

/// The units above a precinct: its parents, and the districts whose contests are voted there.
fn above(definition: &Definition, precinct: &Precinct) -> Vec<UnitId> {
    let mut units = Vec::new();
    let mut next = Some(&precinct.parent);
    while let Some(id) = next {
        units.push(id.clone());
        next = definition.units().get(id).and_then(|unit| unit.parent.as_ref());
    }
    for here in &precinct.contests {
        let unit = &definition.contest(here.contest).unit;
        if !units.contains(unit) {
            units.push(unit.clone());
        }
    }
    units
}
