//! The base layers, as they are carried in the program. See `base/README.md` for sources and licences.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{error::GeodataError, grid::Node};

const REGIONS: &[u8] = include_bytes!("../base/regions.geojson");
const RAIONS: &[u8] = include_bytes!("../base/raions.geojson");
const LAKES: &[u8] = include_bytes!("../base/lakes.geojson");
const NEIGHBOURS: &[u8] = include_bytes!("../base/neighbours.geojson");
const SETTLEMENTS: &[u8] = include_bytes!("../base/settlements.geojson");
const PRECINCT_POINTS: &[u8] = include_bytes!("../base/precinct-points.geojson");

/// A layer that is drawn beneath every election's own areas: `lakes`, `neighbours` or `settlements`, as
/// RFC 7946 GeoJSON. `None` for any other name.
///
/// Areas cover lakes; a map draws the lakes above them.
pub fn base_layer(name: &str) -> Option<&'static [u8]> {
    match name {
        "lakes" => Some(LAKES),
        "neighbours" => Some(NEIGHBOURS),
        "settlements" => Some(SETTLEMENTS),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Collection<P> {
    features: Vec<Feature<P>>,
}

/// One feature of a base layer.
#[derive(Deserialize)]
pub(crate) struct Feature<P> {
    /// What is known of it.
    pub properties: P,
    geometry: Geometry,
}

type Positions = Vec<[f64; 2]>;

#[derive(Deserialize)]
#[serde(tag = "type", content = "coordinates")]
enum Geometry {
    Point([f64; 2]),
    Polygon(Vec<Positions>),
    MultiPolygon(Vec<Vec<Positions>>),
}

impl<P> Feature<P> {
    /// All rings on the grid, without closing nodes. By the even-odd rule they cover the feature.
    pub fn rings(&self) -> Vec<Vec<Node>> {
        let polygons = match &self.geometry {
            Geometry::Point(_) => &[][..],
            Geometry::Polygon(rings) => std::slice::from_ref(rings),
            Geometry::MultiPolygon(polygons) => polygons,
        };
        polygons.iter().flatten().map(|ring| open_ring(ring)).collect()
    }

    /// The position of a point feature.
    pub fn point(&self) -> Option<Node> {
        match self.geometry {
            Geometry::Point(position) => Some(Node::from_degrees(position)),
            _ => None,
        }
    }
}

fn open_ring(positions: &[[f64; 2]]) -> Vec<Node> {
    let mut ring: Vec<Node> = positions.iter().map(|position| Node::from_degrees(*position)).collect();
    ring.dedup();
    if ring.len() > 1 && ring.first() == ring.last() {
        ring.pop();
    }
    ring
}

/// A name in the three languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Names {
    /// Kyrgyz.
    #[serde(rename = "name_ky")]
    pub ky: String,
    /// Russian.
    #[serde(rename = "name_ru")]
    pub ru: String,
    /// English.
    #[serde(rename = "name_en")]
    pub en: String,
}

/// An oblast, or a city of republican significance.
#[derive(Deserialize)]
pub(crate) struct Region {
    /// The part of its unit id after the colon.
    pub id: String,
    /// Its names.
    #[serde(flatten)]
    pub names: Names,
    /// Whether the outline is only about right.
    pub approximate: bool,
}

/// A second-level unit.
#[derive(Deserialize)]
pub(crate) struct Raion {
    /// The part of its unit id after the colon.
    pub id: String,
    /// The id of its region.
    pub region: String,
    /// Its names.
    #[serde(flatten)]
    pub names: Names,
    /// Whether the outline is only about right.
    pub approximate: bool,
}

/// A town or village.
#[derive(Deserialize)]
pub(crate) struct Settlement {
    /// Name in Latin letters.
    pub name: String,
    /// Residents; 0 where unknown.
    pub population: u32,
}

/// A synthetic polling place.
#[derive(Deserialize)]
pub(crate) struct PrecinctPoint {
    /// Id of its raion.
    pub raion: String,
    /// The settlement nearby.
    pub near: String,
    /// The same in Cyrillic letters.
    pub near_cyrillic: Option<String>,
}

/// A layer without properties that matter here.
#[derive(Deserialize)]
pub(crate) struct Plain {}

fn read<P: DeserializeOwned>(layer: &'static str, bytes: &[u8]) -> Result<Vec<Feature<P>>, GeodataError> {
    serde_json::from_slice::<Collection<P>>(bytes)
        .map(|collection| collection.features)
        .map_err(|error| GeodataError::BaseLayer { layer, reason: error.to_string() })
}

/// The nine regions.
pub(crate) fn regions() -> Result<Vec<Feature<Region>>, GeodataError> {
    read("regions", REGIONS)
}

/// The 45 raions.
pub(crate) fn raions() -> Result<Vec<Feature<Raion>>, GeodataError> {
    read("raions", RAIONS)
}

/// Towns and villages.
pub(crate) fn settlements() -> Result<Vec<Feature<Settlement>>, GeodataError> {
    read("settlements", SETTLEMENTS)
}

/// Polling places, one a precinct at home.
pub(crate) fn precinct_points() -> Result<Vec<Feature<PrecinctPoint>>, GeodataError> {
    read("precinct-points", PRECINCT_POINTS)
}

/// Rings of all lakes.
pub(crate) fn lakes() -> Result<Vec<Vec<Node>>, GeodataError> {
    Ok(read::<Plain>("lakes", LAKES)?.iter().flat_map(Feature::rings).collect())
}

/// Rings of all neighbouring countries.
pub(crate) fn neighbours() -> Result<Vec<Vec<Node>>, GeodataError> {
    Ok(read::<Plain>("neighbours", NEIGHBOURS)?.iter().flat_map(Feature::rings).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layers_hold_what_their_readme_says() {
        assert_eq!(regions().unwrap().len(), 9);
        assert_eq!(raions().unwrap().len(), 45);
        assert_eq!(precinct_points().unwrap().len(), 2_400);
        assert_eq!(settlements().unwrap().len(), 111);
        assert_eq!(lakes().unwrap().len(), 3);
        assert!(base_layer("lakes").is_some() && base_layer("regions").is_none());
    }

    #[test]
    fn a_layer_of_another_shape_is_an_error_that_names_it() {
        let error = read::<Region>("regions", b"{\"features\": 3}").err().unwrap();
        assert!(error.to_string().starts_with("base layer regions: "), "{error}");
    }
}
