//! Polling places, mended: each on land, well inside its own raion, and apart from the others.

use crate::{
    base::{self, PrecinctPoint},
    error::GeodataError,
    grid::{self, Node, distance_to_segment},
    noding::Segment,
    raions::Country,
};

/// Least distance between two places, and between a place and its raion's boundary, in steps (55 m).
const CLEARANCE: f64 = 50.0;
/// How far a place may be moved, in steps (half a degree).
const REACH: i32 = 50_000;
/// Sixteen directions as whole numbers, so that no platform rounds them differently.
const DIRECTIONS: [(i32, i32); 16] = [
    (16, 0),
    (15, 6),
    (11, 11),
    (6, 15),
    (0, 16),
    (-6, 15),
    (-11, 11),
    (-15, 6),
    (-16, 0),
    (-15, -6),
    (-11, -11),
    (-6, -15),
    (0, -16),
    (6, -15),
    (11, -11),
    (15, -6),
];

/// One polling place at home.
pub(crate) struct Place {
    /// Where it is.
    pub node: Node,
    /// Index of its raion.
    pub raion: usize,
    /// What the base layer says of it.
    pub point: PrecinctPoint,
}

/// All polling places, in the base layer's order.
pub(crate) fn places(country: &Country) -> Result<Vec<Place>, GeodataError> {
    let ground = Ground::new(country)?;
    let mut places: Vec<Place> = Vec::new();
    for feature in base::precinct_points()? {
        let id = &feature.properties.raion;
        let listed = country.raions.iter().position(|raion| raion.properties.id == *id);
        let (Some(listed), Some(node)) = (listed, feature.point()) else {
            let reason = format!("a point without position or in an unknown raion {id}");
            return Err(GeodataError::BaseLayer { layer: "precinct-points", reason });
        };
        // Strewn parts of a raion have joined its neighbours, and their places with them.
        let here = country.tiling.locate(node.steps());
        let raion = here.filter(|r| country.region_of[*r] == country.region_of[listed]).unwrap_or(listed);
        let free = |node: Node| {
            ground.suits(node, raion) && places.iter().all(|other| other.node.distance(node) >= CLEARANCE)
        };
        let node = around(node).find(|node| free(*node)).ok_or_else(|| GeodataError::NoRoom {
            what: format!("a polling place near {}", feature.properties.near),
            area: id.clone(),
        })?;
        places.push(Place { node, raion, point: feature.properties });
    }
    Ok(places)
}

/// The node itself, then others ever further away.
fn around(start: Node) -> impl Iterator<Item = Node> {
    let rings = (1..REACH / 160).flat_map(move |ring| {
        DIRECTIONS
            .iter()
            .map(move |(dx, dy)| Node { x: start.x + dx * ring * 13, y: start.y + dy * ring * 10 })
    });
    std::iter::once(start).chain(rings)
}

/// Where polling places may stand.
struct Ground<'a> {
    country: &'a Country,
    lakes: Vec<Vec<Node>>,
    boundaries: Vec<Vec<Segment>>,
}

impl<'a> Ground<'a> {
    fn new(country: &'a Country) -> Result<Self, GeodataError> {
        Ok(Self { country, lakes: base::lakes()?, boundaries: boundaries(country) })
    }

    fn suits(&self, node: Node, raion: usize) -> bool {
        self.country.tiling.locate(node.steps()) == Some(raion)
            && !grid::inside(self.lakes.iter().map(Vec::as_slice), node.steps())
            && self.boundaries[raion].iter().all(|(a, b)| distance_to_segment(node, *a, *b) >= CLEARANCE)
    }
}

/// The boundary of each raion, as the segments it consists of.
pub(crate) fn boundaries(country: &Country) -> Vec<Vec<Segment>> {
    let mut boundaries = vec![Vec::new(); country.raions.len()];
    for half in 0..country.tiling.planar.half_edges() {
        if let (Some(left), right) = country.tiling.sides(half)
            && right != Some(left)
        {
            boundaries[left].push(country.tiling.planar.ends(half));
        }
    }
    boundaries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_on_land_in_its_own_raion_and_few_were_moved() {
        let country = Country::load().unwrap();
        let (places, points) = (places(&country).unwrap(), base::precinct_points().unwrap());
        let lakes = base::lakes().unwrap();
        let mut moved = 0;
        for (place, point) in places.iter().zip(&points) {
            assert_eq!(country.tiling.locate(place.node.steps()), Some(place.raion));
            assert!(!grid::inside(lakes.iter().map(Vec::as_slice), place.node.steps()));
            moved += usize::from(point.point() != Some(place.node));
        }
        assert_eq!(places.len(), 2_400);
        assert!(moved < 120, "{moved} places were moved");
    }
}
