//! The files of the demonstration election, from nothing but the base layers and a seed.

mod abroad;
mod ballots;
mod boundaries;
mod devices;
mod names;
mod parties;
mod precincts;
mod tables;
mod variants;

pub use self::variants::{Variant, derive_variant};
use self::{
    boundaries::{Area, layer},
    names::People,
    precincts::{At, FIRST_NUMBERS, Precinct},
    tables::Table,
};
use crate::{
    base::Names,
    cells,
    districts::{self, Cell, DISTRICTS},
    error::GeodataError,
    places::{self, Place},
    raions::Country,
    tiling::Tiling,
    voters,
};

/// The seed of the committed files.
const SEED: u64 = 2026;

/// Path in the election's directory, and content.
pub type ElectionFile = (&'static str, Vec<u8>);

/// Derives every file of `kg-demo`: the same bytes on every run and machine.
///
/// # Errors
/// When a base layer was changed so that areas or districts cannot be derived from it any more.
pub fn derive_demo() -> Result<Vec<ElectionFile>, GeodataError> {
    let country = Country::load()?;
    let places = places::places(&country)?;
    let voters = voters::at_home(&country, &places, SEED)?;
    let sites: Vec<cells::Site> = places.iter().map(|place| (place.node, place.raion)).collect();
    let tiling = cells::cells(&country, &sites)?;
    let district_of = divide(&country, &places, &voters, &tiling)?;
    let precincts = precincts::precincts(&country, &places, &voters, SEED);
    let mut people = People::new(SEED);
    let mut files = vec![
        ("election.toml", include_bytes!("election.toml").to_vec()),
        ("units.csv", units(&country)?),
        ("precincts.csv", precincts::table(&country, &places, &precincts)?),
        ("precinct_contests.csv", precincts::contests(&precincts, &district_of)?),
        ("options.csv", ballots::options(&mut people, SEED)?),
        ("list_candidates.csv", ballots::list_candidates(&mut people, SEED)?),
        ("devices.csv", devices::devices(&country, &precincts)?),
    ];
    files.extend(layers(&country, &places, &district_of, &precincts, &tiling));
    Ok(files)
}

fn divide(
    country: &Country,
    places: &[Place],
    voters: &[u64],
    tiling: &Tiling,
) -> Result<Vec<usize>, GeodataError> {
    let cells: Vec<Cell> = places
        .iter()
        .zip(voters)
        .map(|(place, voters)| Cell {
            voters: *voters,
            node: place.node,
            raion: place.raion,
            region: country.region_of[place.raion],
        })
        .collect();
    let order: Vec<(usize, &str)> = FIRST_NUMBERS
        .iter()
        .filter_map(|(id, _)| {
            Some((country.regions.iter().position(|region| region.properties.id == *id)?, *id))
        })
        .collect();
    districts::districts(&cells, tiling.shared_boundaries().into_keys(), &order, SEED)
}

fn units(country: &Country) -> Result<Vec<u8>, GeodataError> {
    let mut table = Table::new("units.csv", &["id", "parent", "name_ky", "name_ru", "name_en"])?;
    let mut row =
        |id: String, parent: &str, names: &Names| table.row(&[&id, parent, &names.ky, &names.ru, &names.en]);
    for region in &country.regions {
        row(format!("region:{}", region.properties.id), "country", &region.properties.names)?;
    }
    for raion in &country.raions {
        let raion = &raion.properties;
        row(format!("raion:{}", raion.id), &format!("region:{}", raion.region), &raion.names)?;
    }
    for number in 1..=DISTRICTS {
        let names = Names {
            ky: format!("Шайлоо округу № {number}"),
            ru: format!("Избирательный округ № {number}"),
            en: format!("District {number}"),
        };
        row(format!("district:{number}"), "country", &names)?;
    }
    table.finish()
}

fn layers(
    country: &Country,
    places: &[Place],
    district_of: &[usize],
    precincts: &[Precinct],
    tiling: &Tiling,
) -> [ElectionFile; 4] {
    let raion_of = |place: usize| places[place].raion;
    let cells = tiling.outlines(|place| place);
    let districts = tiling.outlines(|place| district_of[place]);
    let raions = tiling.outlines(raion_of);
    let regions = tiling.outlines(|place| country.region_of[raion_of(place)]);
    let named = regions.iter().map(|(index, polygons)| {
        let region = &country.regions[*index].properties;
        Area { id: format!("region:{}", region.id), approximate: region.approximate, polygons }
    });
    let regions = layer(named);
    let named = raions.iter().map(|(index, polygons)| {
        let raion = &country.raions[*index].properties;
        Area { id: format!("raion:{}", raion.id), approximate: raion.approximate, polygons }
    });
    let raions = layer(named);
    let named = districts.iter().map(|(index, polygons)| Area {
        id: format!("district:{}", index + 1),
        approximate: false,
        polygons,
    });
    let districts = layer(named);
    let named = precincts.iter().filter_map(|precinct| match precinct.at {
        At::Home(place) => {
            let polygons = cells.get(&place)?;
            Some(Area { id: format!("precinct:{}", precinct.number), approximate: false, polygons })
        }
        At::Abroad(_) => None,
    });
    [
        ("boundaries/regions.geojson", regions),
        ("boundaries/raions.geojson", raions),
        ("boundaries/districts.geojson", districts),
        ("boundaries/precincts.geojson", layer(named)),
    ]
}
