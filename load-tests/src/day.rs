//! The day of an election as it will be: who comes, where, and how many ballots each urn will hold. All of it
//! follows from the definition and a seed, so two runs, or one that was interrupted, say the same.

use std::{collections::BTreeMap, sync::Arc};

use election::{
    Count, Definition, DeviceId, PrecinctId, Timestamp, UnitId,
    definition::{ContestIx, Counting, Device, DeviceKind, DeviceStatus, Precinct},
    report::{BySex, Turnout},
};

use crate::{
    chance::Chance,
    curve,
    faults::{Fault, first_list},
    votes::Leanings,
};

/// Share of the registered voters who come: 1,584,446 of 4,294,243 in 2025.
const TURNOUT_SHARE: f64 = 0.369;

/// The most that one terminal identifies in a day. Twelve hours of a queue; below the 240 an hour of W05 even
/// in the busiest one.
const TERMINAL_DAY: u64 = 1_500;

/// Precincts for each of which every fault befalls one.
const PRECINCTS_A_FAULT: usize = 800;

/// An election day, derived from a definition and a seed.
#[derive(Debug)]
pub struct Day {
    definition: Arc<Definition>,
    seed: u64,
    places: BTreeMap<PrecinctId, Place>,
    leanings: Leanings,
    scale: f64,
}

/// The devices of a precinct that will count, and what goes wrong there.
#[derive(Debug, Default)]
struct Place {
    urns: Vec<DeviceId>,
    terminals: Vec<DeviceId>,
    fault: Option<Fault>,
    replaced: Option<DeviceId>,
}

impl Day {
    /// The day of an election, with or without scripted faults.
    pub fn new(definition: Arc<Definition>, seed: u64, faults: bool) -> Self {
        let mut places: BTreeMap<PrecinctId, Place> =
            definition.precincts().keys().map(|id| (*id, Place::default())).collect();
        for device in definition.devices().values().filter(|device| device.status == DeviceStatus::Active) {
            if let Some(place) = device.precinct.and_then(|at| places.get_mut(&at)) {
                match device.kind {
                    DeviceKind::Urn => place.urns.push(device.id.clone()),
                    DeviceKind::IdTerminal => place.terminals.push(device.id.clone()),
                }
            }
        }
        let leanings = Leanings::new(&definition, seed);
        let mut day = Self { definition, seed, places, leanings, scale: 1.0 };
        day.scale = day.calibrate();
        if faults {
            day.assign_faults();
        }
        day
    }

    /// The definition it is derived from.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// The seed it is derived from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// What goes wrong in a precinct.
    pub fn fault(&self, precinct: PrecinctId) -> Option<Fault> {
        self.places.get(&precinct)?.fault
    }

    /// Urns whose count will stand, the spare that takes another's place included.
    pub fn urns(&self, precinct: PrecinctId) -> &[DeviceId] {
        self.places.get(&precinct).map_or(&[], |place| &place.urns)
    }

    /// ID terminals.
    pub fn terminals(&self, precinct: PrecinctId) -> &[DeviceId] {
        self.places.get(&precinct).map_or(&[], |place| &place.terminals)
    }

    /// The urn that dies in a precinct and the spare that takes its place.
    pub fn replacement(&self, precinct: PrecinctId) -> Option<(&DeviceId, &DeviceId)> {
        let place = self.places.get(&precinct)?;
        Some((place.replaced.as_ref()?, place.urns.first()?))
    }

    /// Where a device that will speak stands; `None` of one that stays in its box.
    pub fn place_of(&self, device: &DeviceId) -> Option<PrecinctId> {
        let listed = self.definition.devices().get(device)?;
        let stands = |at: PrecinctId| {
            let place = self.places.get(&at)?;
            (place.urns.contains(device) || place.terminals.contains(device)).then_some(at)
        };
        match listed.status {
            DeviceStatus::Active => listed.precinct.and_then(stands),
            DeviceStatus::Spare => self
                .places
                .iter()
                .find(|(_, place)| place.replaced.is_some() && place.urns.contains(device))
                .map(|(at, _)| *at),
            DeviceStatus::Revoked => None,
        }
    }

    /// When polls open in a precinct: as long before they close there as at home.
    pub fn polls_open(&self, precinct: &Precinct) -> Timestamp {
        let about = self.definition.about();
        precinct.polls_close - about.polls_close.since(about.polls_open)
    }

    /// Whether a precinct reports by the commission's protocol: it counts by hand, or has a contest that no
    /// urn counts.
    pub fn by_hand(&self, precinct: &Precinct) -> bool {
        precinct.counting == Counting::Manual
            || precinct.contests.iter().any(|here| self.urns_of(precinct, here.contest).is_empty())
    }

    /// People who will have been identified in a precinct.
    pub fn identified(&self, precinct: &Precinct) -> u64 {
        let came = (self.base(precinct) * self.scale * self.zeal(precinct)).round() as u64;
        let came = match self.fault(precinct.id) {
            // Nearly all of them: a few ballots more than voters are then a few more than people, too.
            Some(Fault::UrnsOverRegistered) => came.max(precinct.registered.get() * 94 / 100),
            _ => came,
        };
        match self.terminals(precinct.id).len() as u64 {
            0 => came,
            terminals => came.min(terminals * TERMINAL_DAY),
        }
    }

    /// People whom one terminal will have identified.
    pub fn identified_by(&self, precinct: &Precinct, terminal: &DeviceId) -> u64 {
        let terminals = self.terminals(precinct.id);
        let weights: Vec<f64> =
            terminals.iter().map(|id| Chance::of(self.seed, "queue", id).between(0.92, 1.08)).collect();
        let parts = curve::split(self.identified(precinct), &weights);
        terminals.iter().position(|id| id == terminal).map_or(0, |at| parts[at])
    }

    /// Ballots of a contest in all urns of a precinct, or in its box where it counts by hand.
    pub fn ballots(&self, precinct: &Precinct, contest: ContestIx) -> u64 {
        let identified = self.identified(precinct);
        let registered = precinct.registered_for(contest).map_or(0, Count::get);
        let came = self.came_for(precinct, identified, registered);
        match self.fault(precinct.id) {
            Some(Fault::MoreBallots) => (identified + 3).min(registered),
            Some(Fault::FewerBallots) => identified - (identified / 20).max(20).min(identified),
            Some(Fault::UrnsOverRegistered) if self.is_first(precinct, contest) => registered + 2,
            _ => {
                // Now and then somebody keeps the ballot.
                let kept = Chance::of(self.seed, "kept", format_args!("{}/{}", precinct.id, contest.0));
                came - kept.clone().below(came.min(1_000) / 250 + 1)
            }
        }
    }

    /// Ballots of a contest that each urn of a precinct holds, in the order of [`Day::urns_of`].
    pub fn ballots_by_urn(&self, precinct: &Precinct, contest: ContestIx) -> Vec<(DeviceId, u64)> {
        let urns = self.urns_of(precinct, contest);
        let weights: Vec<f64> =
            urns.iter().map(|id| Chance::of(self.seed, "urn", id).between(0.8, 1.2)).collect();
        let parts = curve::split(self.ballots(precinct, contest), &weights);
        urns.into_iter().cloned().zip(parts).collect()
    }

    /// Urns of a precinct that count a contest.
    pub fn urns_of(&self, precinct: &Precinct, contest: ContestIx) -> Vec<&DeviceId> {
        let counts = |urn: &&DeviceId| {
            self.definition
                .devices()
                .get(*urn)
                .is_some_and(|urn| urn.contests.is_empty() || urn.contests.contains(&contest))
        };
        self.urns(precinct.id).iter().filter(counts).collect()
    }

    /// What a terminal says when it has identified this many.
    pub fn turnout(&self, precinct: &Precinct, terminal: &DeviceId, identified: u64) -> Turnout {
        let mut chance = Chance::of(self.seed, "people", terminal);
        let women = chance.between(0.50, 0.56);
        let halves = curve::split(identified, &[women, 1.0 - women]);
        let bands = self.definition.about().age_bands.len();
        // The middle-aged vote most.
        let ages: Vec<f64> = (0..bands)
            .map(|band| {
                let middle = (bands as f64 - 1.0) / 2.0;
                chance.between(0.9, 1.1) / (1.0 + 0.15 * (band as f64 - middle).powi(2))
            })
            .collect();
        Turnout {
            identified: Count::new(identified),
            by_sex: Some(BySex { f: Count::new(halves[0]), m: Count::new(halves[1]) }),
            by_age: (bands > 0)
                .then(|| curve::split(identified, &ages).into_iter().map(Count::new).collect()),
            by_district: self.by_district(precinct, identified),
        }
    }

    /// How people of a precinct vote in a contest: a weight for each option.
    pub fn weights(&self, precinct: &Precinct, contest: ContestIx) -> Vec<f64> {
        self.leanings.weights(&self.definition, precinct, contest)
    }

    /// By the voter's district, where voters of several vote at one place.
    fn by_district(
        &self,
        precinct: &Precinct,
        identified: u64,
    ) -> Option<BTreeMap<election::UnitName, Count>> {
        let (districts, weights): (Vec<_>, Vec<_>) = precinct
            .contests
            .iter()
            .filter_map(|here| match &self.definition.contest(here.contest).unit {
                UnitId::District(name) => Some((name.clone(), here.registered.get().max(1) as f64)),
                _ => None,
            })
            .unzip();
        let several = districts.windows(2).any(|pair| pair[0] != pair[1]);
        several.then(|| {
            let mut by_district = BTreeMap::new();
            for (district, part) in districts.into_iter().zip(curve::split(identified, &weights)) {
                let sum: &mut Count = by_district.entry(district).or_default();
                *sum = Count::new(sum.get() + part);
            }
            by_district
        })
    }

    /// How many may vote in a precinct: its list, or the largest of its contests' where it has none.
    fn base(&self, precinct: &Precinct) -> f64 {
        let listed = precinct.registered.get();
        let largest = precinct.contests.iter().map(|here| here.registered.get()).max();
        (if listed > 0 { listed } else { largest.unwrap_or(0) }) as f64
    }

    /// Of those identified, who may vote in a contest with this many registered voters.
    fn came_for(&self, precinct: &Precinct, identified: u64, registered: u64) -> u64 {
        let share = registered as f64 / self.base(precinct).max(1.0);
        let came = if share > 0.9 { identified } else { (identified as f64 * share).floor() as u64 };
        came.min(registered)
    }

    fn is_first(&self, precinct: &Precinct, contest: ContestIx) -> bool {
        precinct.contests.first().is_some_and(|first| first.contest == contest)
    }

    /// How eager people of a precinct are to vote, next to the country's average before calibration.
    fn zeal(&self, precinct: &Precinct) -> f64 {
        let above = self.definition.units().get(&precinct.parent).and_then(|unit| unit.parent.as_ref());
        let region = above.unwrap_or(&precinct.parent);
        let region = Chance::of(self.seed, "zeal of region", region).normal();
        let place = Chance::of(self.seed, "zeal", precinct.id).normal();
        (0.08 * region + 0.15 * place).clamp(-0.6, 0.6).exp()
    }

    /// What brings the country to [`TURNOUT_SHARE`].
    fn calibrate(&self) -> f64 {
        let sums = self.definition.precincts().values().fold((0.0, 0.0), |(all, eager), precinct| {
            let base = self.base(precinct);
            (all + base, eager + base * self.zeal(precinct))
        });
        if sums.1 > 0.0 { TURNOUT_SHARE * sums.0 / sums.1 } else { TURNOUT_SHARE }
    }

    fn assign_faults(&mut self) {
        let definition = Arc::clone(&self.definition);
        let mut order: Vec<&Precinct> = definition.precincts().values().collect();
        order.sort_by_cached_key(|precinct| Chance::of(self.seed, "fault", precinct.id).number());
        let rounds = (order.len() / PRECINCTS_A_FAULT).max(1);
        let mut budget = order.len() / 2;
        let mut spares: Vec<&Device> =
            definition.devices().values().filter(|device| is_spare_urn(device)).collect();
        for fault in std::iter::repeat_n(Fault::ALL, rounds).flatten() {
            let found = order.iter().position(|precinct| self.suits(fault, precinct, &spares));
            let Some(at) = found.filter(|_| budget > 0) else { continue };
            let precinct = order.remove(at);
            budget -= 1;
            self.befall(fault, precinct, &mut spares);
        }
    }

    fn befall(&mut self, fault: Fault, precinct: &Precinct, spares: &mut Vec<&Device>) {
        let Some(place) = self.places.get_mut(&precinct.id) else { return };
        place.fault = Some(fault);
        if fault == Fault::Replaced
            && let Some(at) = spares.iter().position(|spare| is_free_for(spare, precinct.id))
            && let Some(first) = place.urns.first_mut()
        {
            let spare = spares.remove(at).id.clone();
            place.replaced = Some(std::mem::replace(first, spare));
        }
    }

    /// Whether a fault can be shown in a precinct.
    fn suits(&self, fault: Fault, precinct: &Precinct, spares: &[&Device]) -> bool {
        let (urns, terminals) = (self.urns(precinct.id), self.terminals(precinct.id));
        let all_of_it = |urn: &DeviceId| {
            self.definition.devices().get(urn).is_some_and(|device| device.contests.is_empty())
        };
        let identified = self.identified(precinct);
        let roomy = precinct
            .contests
            .iter()
            .all(|here| here.registered >= precinct.registered && here.registered.get() > identified + 10);
        if precinct.parent == UnitId::Abroad
            || self.by_hand(precinct)
            || terminals.is_empty()
            || identified < 100
            || !roomy
            || !urns.iter().all(all_of_it)
        {
            return false;
        }
        match fault {
            Fault::Jump => self.identified_by(precinct, &terminals[0]) >= 600,
            Fault::UrnsOverRegistered => urns.len() >= 2,
            Fault::Replaced => spares.iter().any(|spare| is_free_for(spare, precinct.id)),
            Fault::TooManyPreferences => {
                precinct.contests.iter().any(|here| first_list(&self.definition, here.contest).is_some())
            }
            _ => true,
        }
    }
}

fn is_spare_urn(device: &Device) -> bool {
    device.kind == DeviceKind::Urn && device.status == DeviceStatus::Spare && device.contests.is_empty()
}

fn is_free_for(spare: &Device, precinct: PrecinctId) -> bool {
    spare.precinct.is_none_or(|at| at == precinct)
}
