//! `precincts.csv` and `precinct_contests.csv`: numbers, names, addresses and voters of all precincts.

use super::{abroad::CITIES, tables::Table};
use crate::{
    apportion::apportion, error::GeodataError, grid::Node, places::Place, raions::Country, seed::Stream,
    voters,
};

/// First precinct number of each region, in the order in which districts are numbered too.
pub(crate) const FIRST_NUMBERS: [(&str, u32); 9] = [
    ("bishkek", 1001),
    ("chuy", 7001),
    ("issyk-kul", 4001),
    ("naryn", 3001),
    ("talas", 8001),
    ("jalal-abad", 2001),
    ("osh", 5001),
    ("osh-city", 5501),
    ("batken", 6001),
];
const FIRST_ABROAD: u32 = 9001;
/// Small precincts at home that count by hand, in all.
const MANUAL: usize = 12;

const STREETS: [&str; 20] = [
    "ул. Манаса",
    "ул. Токтогула",
    "ул. Ленина",
    "ул. Гагарина",
    "ул. Мира",
    "ул. Советская",
    "ул. Чуйская",
    "ул. Достук",
    "ул. Школьная",
    "ул. Центральная",
    "ул. Ала-Тоо",
    "ул. Садовая",
    "ул. Набережная",
    "ул. Молодежная",
    "ул. Горная",
    "ул. Бирлик",
    "ул. Тополиная",
    "ул. Родниковая",
    "ул. Юбилейная",
    "ул. Новая",
];

/// A precinct, as the files have it.
pub(crate) struct Precinct {
    /// Official number.
    pub number: u32,
    /// Index of the polling place at home; of the city abroad.
    pub at: At,
    /// Voters on its list.
    pub registered: u64,
    /// Whether it counts by hand, without urns.
    pub manual: bool,
    node: Node,
    name: [String; 2],
    address: String,
}

/// Where a precinct is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Index of the place.
    Home(usize),
    /// Index of the city.
    Abroad(usize),
}

/// Every precinct in order of its number.
pub(crate) fn precincts(
    country: &Country,
    places: &[Place],
    home_voters: &[u64],
    seed: u64,
) -> Vec<Precinct> {
    let mut stream = Stream::new(seed, "addresses");
    let mut precincts = Vec::new();
    for (id, first) in FIRST_NUMBERS {
        let region = country.regions.iter().position(|region| region.properties.id == id);
        let mut members: Vec<usize> = (0..places.len())
            .filter(|place| Some(country.region_of[places[*place].raion]) == region)
            .collect();
        members.sort_by_key(|place| {
            let place = &places[*place];
            (place.raion, place.point.near.clone(), place.node)
        });
        let mut schools = std::collections::BTreeMap::new();
        for (number, place) in (first..).zip(members) {
            let near = place_name(&places[place]);
            let school = schools.entry(near.clone()).and_modify(|school| *school += 1).or_insert(1);
            let street = stream.pick(&STREETS).copied().unwrap_or_default();
            precincts.push(Precinct {
                number,
                at: At::Home(place),
                registered: home_voters[place],
                manual: false,
                node: places[place].node,
                name: [
                    format!("{near}, № {school} орто мектеп"),
                    format!("{near}, средняя школа № {school}"),
                ],
                address: format!("{near}, {street}, {}", 1 + stream.below(180)),
            });
        }
    }
    choose_manual(&mut precincts);
    precincts.extend(abroad(country));
    precincts.sort_by_key(|precinct| precinct.number);
    precincts
}

/// Of the smallest precincts every fifth, so that they lie in different regions.
fn choose_manual(precincts: &mut [Precinct]) {
    let mut order: Vec<usize> = (0..precincts.len()).collect();
    order.sort_by_key(|index| (precincts[*index].registered, precincts[*index].number));
    for index in order.into_iter().step_by(5).take(MANUAL) {
        precincts[index].manual = true;
    }
}

/// The settlement a place stands by, in Cyrillic letters.
fn place_name(place: &Place) -> String {
    place.point.near_cyrillic.clone().unwrap_or_else(|| match place.point.near.as_str() {
        "Nookat" => "Ноокат".to_owned(),
        other => other.to_owned(),
    })
}

fn abroad(country: &Country) -> Vec<Precinct> {
    let seats: Vec<(usize, usize)> = CITIES
        .iter()
        .enumerate()
        .flat_map(|(city, of)| (0..of.precincts).map(move |index| (city, index)))
        .collect();
    let weights: Vec<u64> = seats
        .iter()
        .enumerate()
        .map(|(at, (city, _))| CITIES[*city].weight * (90 + at as u64 * 37 % 20))
        .collect();
    let voters = apportion(voters::by_region(country).1, &weights);
    let precinct = |((number, (city, index)), registered): ((u32, (usize, usize)), u64)| {
        let of = &CITIES[city];
        // Several in one city stand a few hundred metres apart, so that their dots can be told apart.
        let [lon, lat] = of.place;
        let (east, north) = ((index % 3) as f64, (index / 3) as f64);
        let numbered = |name: &str| match of.precincts {
            1 => name.to_owned(),
            _ => format!("{name} № {}", index + 1),
        };
        Precinct {
            number,
            at: At::Abroad(city),
            registered,
            manual: false,
            node: Node::from_degrees([lon + east * 0.05, lat + north * 0.03]),
            name: [numbered(of.ky), numbered(of.ru)],
            address: of.ru.to_owned(),
        }
    };
    (FIRST_ABROAD..).zip(seats).zip(voters).map(precinct).collect()
}

/// `precincts.csv`.
pub(crate) fn table(
    country: &Country,
    places: &[Place],
    precincts: &[Precinct],
) -> Result<Vec<u8>, GeodataError> {
    let header = [
        "precinct",
        "raion",
        "abroad",
        "count",
        "registered",
        "longitude",
        "latitude",
        "name_ky",
        "name_ru",
        "address",
        "phone",
        "timezone",
        "polls_close",
    ];
    let mut table = Table::new("precincts.csv", &header)?;
    for precinct in precincts {
        let (raion, is_abroad, timezone, close) = match precinct.at {
            At::Home(place) => {
                (format!("raion:{}", country.raions[places[place].raion].properties.id), "false", "", "")
            }
            At::Abroad(city) => (String::new(), "true", CITIES[city].timezone, CITIES[city].polls_close),
        };
        let [lon, lat] = precinct.node.degrees();
        table.row(&[
            &precinct.number.to_string(),
            &raion,
            is_abroad,
            if precinct.manual { "manual" } else { "urn" },
            &precinct.registered.to_string(),
            &format!("{lon:.5}"),
            &format!("{lat:.5}"),
            &precinct.name[0],
            &precinct.name[1],
            &precinct.address,
            "",
            timezone,
            close,
        ])?;
    }
    table.finish()
}

/// `precinct_contests.csv`: the lists everywhere, the districts' contests at home.
pub(crate) fn contests(precincts: &[Precinct], district_of: &[usize]) -> Result<Vec<u8>, GeodataError> {
    let mut table = Table::new("precinct_contests.csv", &["precinct", "contest", "registered"])?;
    for precinct in precincts {
        let (number, registered) = (precinct.number.to_string(), precinct.registered.to_string());
        table.row(&[&number, "list", &registered])?;
        if let At::Home(place) = precinct.at {
            table.row(&[&number, &format!("single:{}", district_of[place] + 1), &registered])?;
        }
    }
    table.finish()
}
