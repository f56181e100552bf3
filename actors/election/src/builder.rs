//! The only way to a [`Definition`]: every reference is checked, and every mistake is told at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    definition::{
        About, Contest, ContestIx, ContestKind, Counting, Definition, Device, DeviceKind, DeviceStatus,
        Method, OptionKind, Precinct, Unit,
    },
    ids::{ContestId, DeviceId, PrecinctId, UnitId},
    report::Digest,
    seats::AgainstAll,
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
        for what in check_rules(contest) {
            mistake(mistakes, subject(), format!("contest {} {what}", contest.id));
        }
        let distinct: BTreeSet<_> = contest.options.iter().map(|option| &option.id).collect();
        if distinct.len() != contest.options.len() {
            mistake(mistakes, subject(), format!("contest {} has an option twice", contest.id));
        }
    }
    index
}

/// Whether method, seats and parameters fit the kind of a contest.
fn check_rules(contest: &Contest) -> Vec<&'static str> {
    use ContestKind as Kind;
    let (kind, method, rules) = (contest.kind, contest.method, &contest.rules);
    let lists = matches!(kind, Kind::ProportionalOpenList | Kind::Council);
    let one = matches!(kind, Kind::SingleMember | Kind::Presidential | Kind::Referendum);
    let shares_out = matches!(method, Method::Hare | Method::Dhondt | Method::SainteLague);
    let one_result = matches!(kind, Kind::Presidential | Kind::Referendum);
    let regional = contest.threshold.regional.is_some();
    [
        (lists && !shares_out, "is of lists: its method is hare, dhondt or sainte-lague"),
        (!lists && shares_out, "is of no lists: its method is plurality or majority"),
        (!lists && !one_result && method == Method::Majority, "is of a district: its method is plurality"),
        (one && contest.seats > 1, "has one result: leave seats out, or write 1"),
        (
            rules.max_one_sex.is_some_and(|most| most.saturating_mul(2) < contest.seats),
            "has more seats than quotas.max_one_sex lets both sexes fill",
        ),
        (
            (lists || kind == Kind::Referendum) && contest.against_all() != AgainstAll::Ignored,
            "gives against_all an effect that it can have among candidates alone: write ignored",
        ),
        (
            kind == Kind::Presidential && contest.against_all() == AgainstAll::Above,
            "has one seat: against_all is first or ignored",
        ),
        (
            regional && contest.unit != UnitId::Country,
            "is of a district: threshold.regional is for the country",
        ),
    ]
    .into_iter()
    .filter_map(|(wrong, what)| wrong.then_some(what))
    .collect()
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
        precinct.contests.shrink_to_fit();
        if precinct.contests.windows(2).any(|pair| pair[0].contest == pair[1].contest) {
            mistake(mistakes, Subject::Precinct(id), format!("precinct {id} has a contest twice"));
        }
        debug_assert!(precinct.contests.iter().all(|here| usize::from(here.contest.0) < contests));
        if precincts.insert(id, precinct).is_some() {
            mistake(mistakes, Subject::Precinct(id), format!("precinct {id} stands here twice"));
        }
    }
    packed(precincts)
}

/// The same map without spare room: what was inserted in order leaves half of each node empty, and a definition stays as
/// it is for the whole night.
fn packed<K: Ord, V>(map: BTreeMap<K, V>) -> BTreeMap<K, V> {
    map.into_iter().collect()
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
    packed(devices)
}

impl Definition {
    /// What is allowed but probably not meant: a precinct that counts by urn and has no active urn for one
    /// of its contests can report only after a replacement, or by protocol; a referendum without yes or no
    /// has no answer.
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
        for contest in self.contests().iter().filter(|contest| contest.kind == ContestKind::Referendum) {
            let once = |kind| contest.options.iter().filter(|option| option.kind == kind).count() == 1;
            if !once(OptionKind::Yes) || !once(OptionKind::No) {
                let what = format!("contest {} is a referendum: it needs one yes and one no", contest.id);
                mistake(&mut doubts, Subject::Contest(contest.id.clone()), what);
            }
        }
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
