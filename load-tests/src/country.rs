//! A small country for tests: two regions of three raions, four districts, a list and single-member contests,
//! precincts abroad, by hand, with several urns, and spare urns.

use std::{str::FromStr, sync::Arc};

use election::{
    Count, Definition, Limits, PrecinctId, Timestamp, UnitId,
    builder::Builder,
    definition::{
        About, Contest, ContestIx, ContestKind, ContestOption, Counting, Device, DeviceKind, DeviceStatus,
        ListCandidate, Method, Names, OptionKind, OptionStatus, PlaceName, Precinct, PrecinctContest, Sex,
        ShareOf, Threshold, Unit,
    },
    report::Digest,
};

const HOUR: u64 = 3_600_000;

/// 08:00 of the day.
pub const OPEN: Timestamp = Timestamp::from_millis(400_000 * HOUR);
/// 20:00 of the day.
pub const CLOSE: Timestamp = Timestamp::from_millis(400_012 * HOUR);

pub fn id<T: FromStr<Err: std::fmt::Debug>>(text: impl AsRef<str>) -> T {
    text.as_ref().parse().unwrap()
}

/// A country of this many precincts: every 20th abroad, every 25th by hand.
pub fn country(precincts: u32) -> Arc<Definition> {
    country_with(precincts, |_| [0; 32])
}

/// The same, with public keys.
pub fn country_with(precincts: u32, key: impl Fn(&str) -> [u8; 32]) -> Arc<Definition> {
    let mut devices = Vec::new();
    let precincts: Vec<Precinct> = (1..=precincts).map(precinct).collect();
    for precinct in &precincts {
        let n = precinct.id.get();
        let urns = if precinct.counting == Counting::Manual { 0 } else { 1 + u32::from(n % 5 == 0) };
        let kinds = [(DeviceKind::Urn, "u", urns), (DeviceKind::IdTerminal, "t", 1 + n % 3)];
        for (kind, letter, count) in kinds {
            for m in 0..count {
                let name = format!("{letter}{n}-{m}");
                devices.push(device(&name, kind, Some(precinct.id), DeviceStatus::Active, key(&name)));
            }
        }
    }
    for n in 0..4 {
        let name = format!("spare-{n}");
        devices.push(device(&name, DeviceKind::Urn, None, DeviceStatus::Spare, key(&name)));
    }
    let mut contests = vec![contest("list", "country", 21, true)];
    contests.extend((1..=4).map(|n| contest(&format!("single:{n}"), &format!("district:{n}"), 6, false)));
    let definition =
        Builder { about: about(), digest: Digest([7; 32]), contests, units: units(), precincts, devices };
    Arc::new(definition.build().unwrap())
}

fn about() -> About {
    About {
        id: id("small"),
        name: Names::default(),
        date: "2015-08-20".into(),
        timezone: "UTC".into(),
        polls_open: OPEN,
        polls_close: CLOSE,
        publish_votes_from: CLOSE,
        kind: "parliamentary".into(),
        test: true,
        age_bands: vec![18, 25, 35, 45, 55, 65],
        data_licence: "CC0-1.0".into(),
        limits: Limits::default(),
    }
}

fn units() -> Vec<Unit> {
    let unit = |text: String, parent: String| Unit {
        id: id(text),
        parent: Some(id(parent)),
        name: Some(Names::default()),
    };
    let regions = (0..2).map(|r| unit(format!("region:r{r}"), "country".into()));
    let raions = (0..6).map(|r| unit(format!("raion:a{r}"), format!("region:r{}", r / 3)));
    let districts = (1..=4).map(|d| unit(format!("district:{d}"), "country".into()));
    regions.chain(raions).chain(districts).collect()
}

fn precinct(n: u32) -> Precinct {
    let abroad = n.is_multiple_of(20);
    let registered = Count::new(if abroad { 400 } else { 900 + u64::from(n * 37 % 1_900) });
    let contests = if abroad { vec![0] } else { vec![0, 1 + u16::try_from(n % 4).unwrap()] };
    Precinct {
        id: PrecinctId::new(n).unwrap(),
        parent: if abroad { UnitId::Abroad } else { id(format!("raion:a{}", n % 6)) },
        counting: if n.is_multiple_of(25) { Counting::Manual } else { Counting::Urn },
        registered,
        position: None,
        name: PlaceName::default(),
        address: String::new(),
        phone: String::new(),
        polls_close: if abroad { Timestamp::from_millis(CLOSE.millis() - 3 * HOUR) } else { CLOSE },
        contests: contests
            .into_iter()
            .map(|ix| PrecinctContest { contest: ContestIx(ix), registered })
            .collect(),
    }
}

fn device(
    name: &str,
    kind: DeviceKind,
    precinct: Option<PrecinctId>,
    status: DeviceStatus,
    key: [u8; 32],
) -> Device {
    Device { id: id(name), kind, precinct, contests: vec![], public_key: Some(key), status, replaces: None }
}

fn contest(text: &str, unit: &str, options: u32, lists: bool) -> Contest {
    let option = |n: u32| ContestOption {
        id: id(format!("{}{n}", if lists { "p" } else { "c" })),
        number: Some(n),
        kind: match (n == options, lists) {
            (true, _) => OptionKind::AgainstAll,
            (false, true) => OptionKind::Party,
            (false, false) => OptionKind::Candidate,
        },
        name: Names::default(),
        color: None,
        sex: None,
        party: None,
        status: if n == 3 { OptionStatus::Withdrawn } else { OptionStatus::Active },
        candidates: if lists && n < options { names() } else { vec![] },
    };
    Contest {
        id: id(text),
        of: id(text.split(':').next().unwrap()),
        kind: if lists { ContestKind::ProportionalOpenList } else { ContestKind::SingleMember },
        name: Names::default(),
        unit: id(unit),
        seats: 1,
        method: if lists { Method::Hare } else { Method::Plurality },
        threshold: Threshold::default(),
        share_of: ShareOf::VotesCast,
        seat_cap: None,
        rules: Default::default(),
        options: (1..=options).map(option).collect(),
    }
}

/// A list with gaps in its numbers.
fn names() -> Vec<ListCandidate> {
    (1..=30)
        .filter(|n| n % 7 != 0)
        .map(|number| ListCandidate {
            number,
            name: Names::default(),
            sex: Sex::F,
            status: OptionStatus::Active,
        })
        .collect()
}
