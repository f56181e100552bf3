//! A country of any size, and figures for it that roll up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use election::{
    Correction, Count, Definition, PrecinctId, Timestamp, UnitId,
    builder::Builder,
    definition::{
        About, Contest, ContestIx, ContestKind, ContestOption, Counting, Device, DeviceKind, DeviceStatus,
        Method, Names, OptionKind, OptionStatus, PlaceName, Precinct, PrecinctContest, ShareOf, Threshold,
        Unit,
    },
    figures::{Figures, Phase},
    precinct,
    record::{Act, Decision},
    report::{Digest, Offset},
    rollup::{Contributions, empty_units},
};
use feed::{Change, Cut, Epoch, Feed, Options};

/// 08:00 in Bishkek on the day.
pub const OPEN: Timestamp = Timestamp::from_millis(1_791_079_200_000);
/// 20:00.
pub const CLOSE: Timestamp = Timestamp::from_millis(1_791_122_400_000);

/// How large a country is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub regions: usize,
    pub raions: usize,
    pub districts: usize,
    pub home: u32,
    pub abroad: u32,
    pub parties: usize,
    pub candidates: usize,
}

/// Two regions of two raions, two districts, nine precincts of which one is abroad.
pub const SMALL: Size =
    Size { regions: 2, raions: 2, districts: 2, home: 8, abroad: 1, parties: 3, candidates: 2 };

/// As large as the demonstration election.
pub const WHOLE: Size =
    Size { regions: 9, raions: 6, districts: 36, home: 2400, abroad: 59, parties: 21, candidates: 8 };

fn names(text: &str) -> Names {
    Names { ky: format!("{text} ky"), ru: format!("{text} ru"), en: text.to_owned() }
}

fn options(count: usize, kind: OptionKind, prefix: &str) -> Vec<ContestOption> {
    (1..=count)
        .map(|number| ContestOption {
            id: format!("{prefix}{number:02}").parse().unwrap(),
            number: u32::try_from(number).ok(),
            kind,
            name: names(&format!("{prefix} {number}")),
            color: (kind == OptionKind::Party).then(|| "#2f6f9f".to_owned()),
            sex: None,
            party: None,
            status: OptionStatus::Active,
            candidates: Vec::new(),
        })
        .collect()
}

fn contest(id: &str, of: &str, unit: UnitId, kind: ContestKind, options: Vec<ContestOption>) -> Contest {
    let list = kind == ContestKind::ProportionalOpenList;
    Contest {
        id: id.parse().unwrap(),
        of: of.parse().unwrap(),
        kind,
        name: names(id),
        unit,
        seats: if list { 54 } else { 1 },
        method: if list { Method::Hare } else { Method::Plurality },
        threshold: match list {
            true => Threshold { national: Some(500), regional: Some(50), turnout: None },
            false => Threshold::default(),
        },
        share_of: ShareOf::VotesCast,
        seat_cap: None,
        rules: Default::default(),
        options,
    }
}

fn about() -> About {
    About {
        id: "kg-test".parse().unwrap(),
        name: names("Test election"),
        date: "2026-10-04".into(),
        timezone: "Asia/Bishkek".into(),
        polls_open: OPEN,
        polls_close: CLOSE,
        publish_votes_from: CLOSE,
        kind: "parliamentary".into(),
        test: true,
        age_bands: vec![18, 30],
        data_licence: "CC-BY-4.0".into(),
        limits: Default::default(),
    }
}

fn precinct(number: u32, parent: UnitId, contests: Vec<PrecinctContest>) -> Precinct {
    Precinct {
        id: PrecinctId::new(number).unwrap(),
        parent,
        counting: Counting::Urn,
        registered: Count::new(1000),
        position: Some((74.6, 42.87)),
        name: PlaceName { ky: format!("мектеп {number}"), ru: format!("школа {number}") },
        address: "Ленин көчөсү, 1".into(),
        phone: "+996 312 000000".into(),
        polls_close: CLOSE,
        contests,
    }
}

/// A country of this size: precincts 1.., those abroad last; each home precinct votes on the list and in its
/// district, and has one urn and one terminal.
pub fn definition(size: Size) -> Arc<Definition> {
    Arc::new(builder(size).build().unwrap())
}

/// The same before it is built, for a test that wants something in it to be otherwise.
pub fn builder(size: Size) -> Builder {
    let mut units = Vec::new();
    let mut raions = Vec::new();
    for region in 1..=size.regions {
        let id: UnitId = format!("region:r{region}").parse().unwrap();
        units.push(Unit { id: id.clone(), parent: Some(UnitId::Country), name: Some(names("Region")) });
        for raion in 1..=size.raions {
            let raion: UnitId = format!("raion:r{region}-{raion}").parse().unwrap();
            units.push(Unit { id: raion.clone(), parent: Some(id.clone()), name: Some(names("Raion")) });
            raions.push(raion);
        }
    }
    let parties = options(size.parties, OptionKind::Party, "p");
    let list = contest("list", "list", UnitId::Country, ContestKind::ProportionalOpenList, parties);
    let mut contests = vec![list];
    for district in 1..=size.districts {
        let unit: UnitId = format!("district:{district}").parse().unwrap();
        units.push(Unit { id: unit.clone(), parent: Some(UnitId::Country), name: Some(names("District")) });
        let people = options(size.candidates, OptionKind::Candidate, "c");
        contests.push(contest(
            &format!("single:{district}"),
            "single",
            unit,
            ContestKind::SingleMember,
            people,
        ));
    }
    let (mut precincts, mut devices) = (Vec::new(), Vec::new());
    for number in 1..=size.home + size.abroad {
        let at = usize::try_from(number - 1).unwrap();
        let voted = |ix: usize, registered| PrecinctContest {
            contest: ContestIx(u16::try_from(ix).unwrap()),
            registered: Count::new(registered),
        };
        let mut voted_here = vec![voted(0, 1000)];
        if number <= size.home {
            voted_here.push(voted(1 + at % size.districts, 990));
        }
        let parent = if number > size.home { UnitId::Abroad } else { raions[at % raions.len()].clone() };
        precincts.push(precinct(number, parent, voted_here));
        for (kind, prefix) in [(DeviceKind::Urn, 'u'), (DeviceKind::IdTerminal, 't')] {
            devices.push(Device {
                id: format!("{prefix}-{number}").parse().unwrap(),
                kind,
                precinct: PrecinctId::new(number),
                contests: Vec::new(),
                public_key: Some([7; 32]),
                status: DeviceStatus::Active,
                replaces: None,
            });
        }
    }
    Builder { about: about(), digest: Digest([1; 32]), contests, units, precincts, devices }
}

/// Why a precinct's figures may fall from the one to the other.
pub fn correction(
    number: u32,
    before: &Arc<Figures>,
    after: &Arc<Figures>,
    at: Timestamp,
) -> Arc<Correction> {
    let precinct = PrecinctId::new(number).unwrap();
    let decision = Decision {
        by: "B. Asanova".into(),
        reason: "counted twice".into(),
        signature: None,
        act: Act::CorrectTurnout { precinct, identified: after.turnout.identified },
    };
    let (decision, before, after) = (Arc::new(decision), Arc::clone(before), Arc::clone(after));
    Arc::new(Correction { offset: Offset(4711), at, precinct, decision, before, after })
}

/// A feed of this definition, one second before polls open.
pub fn feed(definition: &Arc<Definition>) -> Feed {
    feed_with(definition, Options::starting(OPEN - Duration::from_secs(1)))
}

pub fn feed_with(definition: &Arc<Definition>, options: Options) -> Feed {
    Feed::new(Arc::clone(definition), "e1".parse::<Epoch>().unwrap(), options).unwrap()
}

/// The figures of all precincts and units, rolled up as the actors do it.
pub struct Night {
    pub definition: Arc<Definition>,
    contributions: Contributions,
    units: BTreeMap<UnitId, Figures>,
    changed: BTreeSet<UnitId>,
    pub now: Timestamp,
    pub votes: bool,
}

impl Night {
    pub fn new(definition: &Arc<Definition>) -> Self {
        let mut night = Self {
            definition: Arc::clone(definition),
            contributions: Contributions::new(Arc::clone(definition)),
            units: empty_units(definition),
            changed: BTreeSet::new(),
            now: OPEN,
            votes: false,
        };
        for (id, precinct) in precinct::Precinct::all(definition) {
            night.put(id, precinct.figures());
        }
        night.changed.clear();
        night
    }

    /// What a precinct adds now.
    pub fn of(&self, number: u32) -> Figures {
        (**self.contributions.of(PrecinctId::new(number).unwrap()).unwrap()).clone()
    }

    /// Gives a precinct these figures and follows them upwards.
    pub fn put(&mut self, id: PrecinctId, figures: Figures) {
        let Some(change) = self.contributions.put(id, figures) else { return };
        self.changed.insert(UnitId::Precinct(id));
        for unit in self.contributions.path(id).iter() {
            self.units.get_mut(unit).unwrap().replace(unit, &change.before, &change.after).unwrap();
            self.changed.insert(unit.clone());
        }
    }

    /// Changes a precinct's figures.
    pub fn change(&mut self, number: u32, by: impl FnOnce(&mut Figures)) {
        let mut figures = self.of(number);
        by(&mut figures);
        self.put(PrecinctId::new(number).unwrap(), figures);
    }

    /// People have been identified in a precinct.
    pub fn turnout(&mut self, number: u32, identified: u64) {
        self.change(number, |figures| {
            figures.turnout.identified = Count::new(identified);
            figures.turnout.precincts = 1;
            figures.turnout.registered = figures.registered;
        });
    }

    /// A precinct's urn has reported: so many votes for each option of each contest, and one invalid ballot.
    pub fn report(&mut self, number: u32, each: u64) {
        self.change(number, |figures| {
            figures.phases = [0; 6];
            figures.phases[Phase::Reported as usize] = 1;
            figures.reported_registered = figures.registered;
            for contest in &mut figures.contests {
                contest.urns.precincts = 1;
                contest.urns.registered = contest.registered;
                contest.urns.votes.iter_mut().for_each(|votes| *votes = Count::new(each));
                contest.urns.invalid = Count::new(1);
                contest.urns.ballots = Count::new(each * contest.urns.votes.len() as u64 + 1);
            }
        });
    }

    /// The whole country is in a phase.
    pub fn phase(&mut self, phase: Phase) {
        let all: Vec<u32> = self.definition.precincts().keys().map(|id| id.get()).collect();
        for number in all {
            self.change(number, |figures| {
                figures.phases = [0; 6];
                figures.phases[phase as usize] = 1;
            });
        }
    }

    /// Everything that changed since the last cut, a quarter of a second later.
    pub fn cut(&mut self) -> Cut {
        self.now = self.now + Duration::from_millis(250);
        let changes = std::mem::take(&mut self.changed).into_iter().map(|unit| Change {
            figures: Arc::new(match &unit {
                UnitId::Precinct(id) => (**self.contributions.of(*id).unwrap()).clone(),
                _ => self.units[&unit].clone(),
            }),
            unit,
            updated: self.now,
        });
        Cut {
            at: self.now,
            votes: self.votes,
            changes: changes.collect(),
            corrections: Vec::new(),
            lots: Vec::new(),
            speed: 1.0,
        }
    }
}
