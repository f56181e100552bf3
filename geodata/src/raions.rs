//! The raions as one exact tiling of the country, mended and simplified.
//!
//! The raions of the base layer overlap a little, leave gaps, and have strewn parts a grid cell wide. Here the
//! regions decide: what lies in a region belongs to one of its raions, and every raion is in one piece.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::{self, Feature, Raion, Region},
    error::GeodataError,
    grid::{self, Node},
    noding::{Segment, make_planar},
    planar::Planar,
    simplify::simplify,
    tiling::Tiling,
};

/// Steps of latitude by which a line between two raions of one region may move: less than the grid it was
/// derived on (925 m), so that its staircases go.
const RAION_TOLERANCE: f64 = 650.0;
/// The same between regions, which are real.
const REGION_TOLERANCE: f64 = 300.0;
/// Twice the area below which something in no country is a crack between layers (square steps; 50 km²).
const CRACK: i64 = 2 * 60_000_000;

/// Raions and regions of the country, and which place is in which.
pub(crate) struct Country {
    /// Regions, in the base layer's order.
    pub regions: Vec<Feature<Region>>,
    /// Raions, in the base layer's order. A label of `tiling` is an index here.
    pub raions: Vec<Feature<Raion>>,
    /// The region of each raion.
    pub region_of: Vec<usize>,
    /// Simplified areas.
    pub tiling: Tiling,
}

impl Country {
    /// Reads the base layers and mends them.
    pub fn load() -> Result<Self, GeodataError> {
        let (regions, raions) = (base::regions()?, base::raions()?);
        let region_of = raions
            .iter()
            .map(|raion| {
                regions.iter().position(|region| region.properties.id == raion.properties.region).ok_or_else(
                    || GeodataError::BaseLayer {
                        layer: "raions",
                        reason: format!("{}: no such region", raion.properties.region),
                    },
                )
            })
            .collect::<Result<Vec<usize>, _>>()?;
        let mended = mend(&regions, &raions, &region_of)?;
        let tiling = simplified(&mended, &region_of)?;
        Ok(Self { regions, raions, region_of, tiling })
    }
}

fn edges(rings: &[Vec<Node>]) -> impl Iterator<Item = Segment> {
    rings.iter().flat_map(|ring| ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)))
}

fn around(rings: &[Vec<Node>], place: (f64, f64)) -> bool {
    grid::inside(rings.iter().map(Vec::as_slice), place)
}

fn mend(
    regions: &[Feature<Region>],
    raions: &[Feature<Raion>],
    region_of: &[usize],
) -> Result<Tiling, GeodataError> {
    let region_rings: Vec<_> = regions.iter().map(Feature::rings).collect();
    let raion_rings: Vec<_> = raions.iter().map(Feature::rings).collect();
    let neighbours = base::neighbours()?;
    let lines =
        region_rings.iter().chain(&raion_rings).flat_map(|rings| edges(rings)).chain(edges(&neighbours));
    let planar = Planar::build(make_planar(lines)?);

    let region_at = |place| region_rings.iter().position(|rings| around(rings, place));
    let mut tiling = Tiling::new(planar, |place| {
        let region = region_at(place)?;
        (0..raions.len()).find(|raion| region_of[*raion] == region && around(&raion_rings[*raion], place))
    });
    let mut home = BTreeMap::new();
    let mut pending = tiling.strays(&BTreeMap::new());
    for (index, face) in tiling.planar.faces().iter().enumerate().skip(1) {
        let Some(place) = face.interior() else { continue };
        if let Some(region) = region_at(place) {
            home.insert(index, region);
            if tiling.label(index).is_none() {
                pending.insert(index);
            }
        } else if face.doubled_area() < CRACK && !around(&neighbours, place) {
            pending.insert(index);
        }
    }
    tiling.settle(pending, |face, raion| home.get(&face).is_none_or(|region| region_of[raion] == *region))?;
    Ok(tiling)
}

/// The same areas with fewer nodes. The border of the country stays as it is, since neighbours share it.
fn simplified(tiling: &Tiling, region_of: &[usize]) -> Result<Tiling, GeodataError> {
    let mut lines: BTreeSet<Segment> = BTreeSet::new();
    for (line, (left, right)) in arcs(tiling) {
        let kept = match (left, right) {
            (Some(a), Some(b)) if region_of[a] == region_of[b] => simplify(&line, RAION_TOLERANCE),
            (Some(_), Some(_)) => simplify(&line, REGION_TOLERANCE),
            _ => line,
        };
        lines.extend(kept.windows(2).map(|pair| (pair[0], pair[1])));
    }
    let planar = Planar::build(make_planar(lines)?);
    let mut simpler = Tiling::new(planar, |place| tiling.locate(place));
    let strays = simpler.strays(&BTreeMap::new());
    simpler.settle(strays, |_, _| true)?;
    Ok(simpler)
}

type Sides = (Option<usize>, Option<usize>);

/// Boundaries between areas, cut where three or more meet.
fn arcs(tiling: &Tiling) -> Vec<(Vec<Node>, Sides)> {
    let mut leaving: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
    for half in 0..tiling.planar.half_edges() {
        let (left, right) = tiling.sides(half);
        if left != right {
            leaving.entry(tiling.planar.ends(half).0).or_default().push(half);
        }
    }
    let mut seen = BTreeSet::new();
    let mut arcs = Vec::new();
    // Junctions first; what is then left over are closed lines, which begin anywhere.
    let junctions = leaving.iter().filter(|(_, halves)| halves.len() != 2);
    for start in junctions.chain(leaving.iter()).flat_map(|(_, halves)| halves.iter().copied()) {
        if seen.contains(&start) {
            continue;
        }
        let mut line = vec![tiling.planar.ends(start).0];
        let mut half = start;
        loop {
            seen.extend([half, half ^ 1]);
            let end = tiling.planar.ends(half).1;
            line.push(end);
            match leaving[&end].as_slice() {
                [a, b] => half = if *a == half ^ 1 { *b } else { *a },
                _ => break,
            }
            if seen.contains(&half) {
                break;
            }
        }
        arcs.push((line, tiling.sides(start)));
    }
    arcs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_raion_is_in_one_piece_and_every_region_too() {
        let country = Country::load().unwrap();
        let raions = country.tiling.outlines(|raion| raion);
        assert_eq!(raions.len(), 45);
        assert!(raions.values().all(|polygons| polygons.len() == 1));
        let regions = country.tiling.outlines(|raion| country.region_of[raion]);
        assert_eq!(regions.len(), 9);
        assert!(regions.values().all(|polygons| polygons.len() == 1));
    }

    #[test]
    fn regions_keep_their_area_within_two_percent() {
        let country = Country::load().unwrap();
        let regions = country.tiling.outlines(|raion| country.region_of[raion]);
        for (index, region) in country.regions.iter().enumerate() {
            let area =
                |rings: &[Vec<Node>]| rings.iter().map(|r| grid::doubled_area(r)).sum::<i64>().abs() as f64;
            let (now, before) = (area(&regions[&index].concat()), area(&region.rings()));
            assert!((now / before - 1.0).abs() < 0.02, "{}: {now} of {before}", region.properties.id);
        }
    }
}
