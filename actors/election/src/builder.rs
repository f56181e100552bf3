//! The only way to a [`Definition`]: every reference is checked, and every mistake is told at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    definition::{
        About, Contest, ContestIx, Counting, Definition, Device, DeviceKind, DeviceStatus, Precinct, Unit,
    },
    ids::{ContestId, DeviceId, PrecinctId, UnitId},
    report::Digest,
};

/// A mistake in a definition and the thing it concerns, so that the reader of the files can find the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// What is concerned.
    pub subject: Subject,
    /// What is wrong, and what to do.
    pub what: String,
}

/// What a [`Mistake`] concerns.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The election as a whole.
    Election,
    /// A unit.
    Unit(UnitId),
    /// A contest.
    Contest(ContestId),
    /// A precinct.
    Precinct(PrecinctId),
    /// A device.
    Device(DeviceId),
}

/// Parts of a definition, not yet checked against each other.
#[derive(Debug)]
pub struct Builder {
    /// The election as a whole.
    pub about: About,
    /// SHA-256 over the files.
    pub digest: Digest,
    /// Contests in their final order: [`ContestIx`] in precincts and devices are positions here.
    pub contests: Vec<Contest>,
    /// Units from `units.csv`; `country` and `abroad` are added here.
    pub units: Vec<Unit>,
    /// Precincts.
    pub precincts: Vec<Precinct>,
    /// Devices.
    pub devices: Vec<Device>,
}

impl Builder {
    /// Checks every reference.
    ///
    /// # Errors
    /// All mistakes found, in the order of the parts.
    pub fn build(self) -> Result<Definition, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let units = index_units(self.units, &mut mistakes);
        check_about(&self.about, &mut mistakes);
        let contest_index = check_contests(&self.contests, &units, &mut mistakes);
        let precincts = index_precincts(self.precincts, &units, self.contests.len(), &mut mistakes);
        let devices = index_devices(self.devices, &precincts, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        Ok(Definition {
            about: self.about,
            digest: self.digest,
            contests: self.contests,
            contest_index,
            units,
            precincts,
            devices,
        })
    }
}

fn mistake(mistakes: &mut Vec<Mistake>, subject: Subject, what: impl Into<String>) {
    mistakes.push(Mistake { subject, what: what.into() });
}

fn check_about(about: &About, mistakes: &mut Vec<Mistake>) {
    if about.polls_open >= about.polls_close {
        mistake(mistakes, Subject::Election, "polls_close is not after polls_open");
    }
    if about.publish_votes_from < about.polls_close {
        mistake(
            mistakes,
            Subject::Election,
            "publish_votes_from is before polls_close: votes would be shown while people vote",
        );
    }
    if !about.age_bands.is_sorted_by(|a, b| a < b) {
        mistake(mistakes, Subject::Election, "age_bands do not rise");
    }
}

fn index_units(listed: Vec<Unit>, mistakes: &mut Vec<Mistake>) -> BTreeMap<UnitId, Unit> {
    let mut units = BTreeMap::new();
    let country = Unit { id: UnitId::Country, parent: None, name: None };
    let abroad = Unit { id: UnitId::Abroad, parent: Some(UnitId::Country), name: None };
    units.insert(UnitId::Country, country);
    units.insert(UnitId::Abroad, abroad);
    for unit in listed {
        let id = unit.id.clone();
        if units.insert(id.clone(), unit).is_some() {
            mistake(mistakes, Subject::Unit(id.clone()), format!("{id} stands here twice"));
        }
    }
    for unit in units.values() {
        let Some(parent) = &unit.parent else { continue };
        let fits = match unit.id {
            UnitId::Raion(_) => matches!(parent, UnitId::Region(_)),
            _ => *parent == UnitId::Country,
        };
        if !fits {
            let what = format!("{} cannot be below {parent}", unit.id);
            mistake(mistakes, Subject::Unit(unit.id.clone()), what);
        } else if !units.contains_key(parent) {
            let what = format!("{} is below {parent}, which units.csv does not list", unit.id);
            mistake(mistakes, Subject::Unit(unit.id.clone()), what);
        }
    }
    units
}

fn check_contests(
    contests: &[Contest],
    units: &BTreeMap<UnitId, Unit>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<ContestId, ContestIx> {
    let mut index = BTreeMap::new();
    if contests.is_empty() {
        mistake(mistakes, Subject::Election, "there is no contest");
    }
    for (at, contest) in contests.iter().enumerate() {
        let subject = || Subject::Contest(contest.id.clone());
        let Ok(at) = u16::try_from(at) else {
            mistake(mistakes, Subject::Election, "there are more than 65,536 contests");
            break;
        };
        if index.insert(contest.id.clone(), ContestIx(at)).is_some() {
            mistake(mistakes, subject(), format!("contest {} stands here twice", contest.id));
        }
        if !units.contains_key(&contest.unit) {
            let what =
                format!("contest {} is of {}, which units.csv does not list", contest.id, contest.unit);
            mistake(mistakes, subject(), what);
        }
        if contest.options.is_empty() {
            mistake(mistakes, subject(), format!("contest {} has no options", contest.id));
        }
        if contest.seats == 0 {
            mistake(mistakes, subject(), format!("contest {} has no seats", contest.id));
        }
        let distinct: BTreeSet<_> = contest.options.iter().map(|option| &option.id).collect();
        if distinct.len() != contest.options.len() {
            mistake(mistakes, subject(), format!("contest {} has an option twice", contest.id));
        }
    }
    index
}

fn index_precincts(
    listed: Vec<Precinct>,
    units: &BTreeMap<UnitId, Unit>,
    contests: usize,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<PrecinctId, Precinct> {
    let mut precincts = BTreeMap::new();
    if listed.is_empty() {
        mistake(mistakes, Subject::Election, "there is no precinct");
    }
    for mut precinct in listed {
        let id = precinct.id;
        let parent = &precinct.parent;
        if !matches!(parent, UnitId::Abroad | UnitId::Raion(_)) || !units.contains_key(parent) {
            let what = format!("precinct {id} is in {parent}, which units.csv does not list as a raion");
            mistake(mistakes, Subject::Precinct(id), what);
        }
        if precinct.contests.is_empty() {
            let what = format!("precinct {id} votes on nothing: precinct_contests.csv has no row for it");
            mistake(mistakes, Subject::Precinct(id), what);
        }
        precinct.contests.sort_by_key(|here| here.contest);
        if precinct.contests.windows(2).any(|pair| pair[0].contest == pair[1].contest) {
            mistake(mistakes, Subject::Precinct(id), format!("precinct {id} has a contest twice"));
        }
        debug_assert!(precinct.contests.iter().all(|here| usize::from(here.contest.0) < contests));
        if precincts.insert(id, precinct).is_some() {
            mistake(mistakes, Subject::Precinct(id), format!("precinct {id} stands here twice"));
        }
    }
    precincts
}

fn index_devices(
    listed: Vec<Device>,
    precincts: &BTreeMap<PrecinctId, Precinct>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<DeviceId, Device> {
    let mut devices: BTreeMap<DeviceId, Device> = BTreeMap::new();
    for device in listed {
        let id = device.id.clone();
        let subject = || Subject::Device(id.clone());
        match device.precinct {
            Some(at) => match precincts.get(&at) {
                None => {
                    let what =
                        format!("device {id} stands in precinct {at}, which precincts.csv does not list");
                    mistake(mistakes, subject(), what);
                }
                Some(precinct) => {
                    for contest in &device.contests {
                        if precinct.registered_for(*contest).is_none() {
                            let what =
                                format!("device {id} counts a contest that precinct {at} does not vote on");
                            mistake(mistakes, subject(), what);
                        }
                    }
                }
            },
            None if device.status == DeviceStatus::Active => {
                mistake(mistakes, subject(), format!("device {id} is active but stands in no precinct"));
            }
            None => {}
        }
        if device.kind == DeviceKind::IdTerminal && !device.contests.is_empty() {
            mistake(mistakes, subject(), format!("device {id} is an ID terminal: it counts no contest"));
        }
        if devices.insert(id.clone(), device).is_some() {
            mistake(mistakes, subject(), format!("device {id} stands here twice"));
        }
    }
    for device in devices.values() {
        if let Some(old) = &device.replaces
            && !devices.contains_key(old)
        {
            let what = format!("device {} replaces {old}, which devices.csv does not list", device.id);
            mistake(mistakes, Subject::Device(device.id.clone()), what);
        }
    }
    devices
}

impl Definition {
    /// What is allowed but probably not meant: a precinct that counts by urn and has no active urn for one
    /// of its contests can report only after a replacement, or by protocol.
    pub fn doubts(&self) -> Vec<Mistake> {
        let mut urns: BTreeMap<PrecinctId, Vec<&Device>> = BTreeMap::new();
        for device in self.devices().values() {
            if device.kind == DeviceKind::Urn
                && device.status == DeviceStatus::Active
                && let Some(at) = device.precinct
            {
                urns.entry(at).or_default().push(device);
            }
        }
        let mut doubts = Vec::new();
        for precinct in self.precincts().values() {
            let id = precinct.id;
            let urns = urns.get(&id).map_or(&[][..], Vec::as_slice);
            let counted =
                |contest| urns.iter().any(|urn| urn.contests.is_empty() || urn.contests.contains(&contest));
            match precinct.counting {
                Counting::Manual if !urns.is_empty() => mistake(
                    &mut doubts,
                    Subject::Precinct(id),
                    format!("precinct {id} counts by hand but has an active urn"),
                ),
                Counting::Urn if precinct.contests.iter().any(|here| !counted(here.contest)) => mistake(
                    &mut doubts,
                    Subject::Precinct(id),
                    format!("precinct {id} counts by urn but has no active urn for each of its contests"),
                ),
                _ => {}
            }
        }
        doubts
    }
}
