//! Empty land: who it belongs to.
//!
//! Plain Voronoi cells of a row of villages run as needles far up into the mountains. So a polling place has
//! the land nearest to it only within a reach; what lies beyond belongs to the nearest of a few places of the
//! raion that stand well apart, and those have it whole.

use crate::grid::{self, LONGITUDE_SCALE, Node};

/// A line between two places in steps.
pub(crate) type Line = [(f64, f64); 2];

/// How far a place's own land reaches, in steps (10 km).
const REACH: i32 = 9_000;
/// Least distance between places that have empty land, in steps (15.5 km).
const APART: f64 = 14_000.0;
/// How far a line runs into another's land, in steps. What hangs over is pruned.
const OVERSHOOT: f64 = 6.0;
/// Twelve directions, in thousandths.
const DIRECTIONS: [(i32, i32); 12] = [
    (1_000, 0),
    (866, 500),
    (500, 866),
    (0, 1_000),
    (-500, 866),
    (-866, 500),
    (-1_000, 0),
    (-866, -500),
    (-500, -866),
    (0, -1_000),
    (500, -866),
    (866, -500),
];

/// The polling places of one raion, and which of them have empty land.
pub(crate) struct Outskirts {
    places: Vec<Node>,
    rings: Vec<Vec<Node>>,
    owners: Vec<usize>,
}

impl Outskirts {
    /// Chooses the owners of empty land: the loneliest places first.
    pub fn new(places: Vec<Node>) -> Self {
        let lonely = |place: &usize| {
            let others = places.iter().enumerate().filter(|(other, _)| other != place);
            others.map(|(_, node)| node.distance(places[*place])).fold(f64::MAX, f64::min)
        };
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by(|a, b| lonely(b).total_cmp(&lonely(a)));
        let mut owners: Vec<usize> = Vec::new();
        for place in order {
            if owners.iter().all(|owner| places[*owner].distance(places[place]) >= APART) {
                owners.push(place);
            }
        }
        let rings = places.iter().map(|place| ring(*place)).collect();
        Self { places, rings, owners }
    }

    /// The place that land belongs to, as an index.
    pub fn owner(&self, land: (f64, f64)) -> Option<usize> {
        let nearest = self.nearest(0..self.places.len(), land)?;
        if grid::inside([self.rings[nearest].as_slice()], land) {
            return Some(nearest);
        }
        self.nearest(self.owners.iter().copied(), land)
    }

    /// The lines along which own land ends, in steps: of each place's ring what is nearer to it than to others.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for (place, ring) in self.rings.iter().enumerate() {
            let ends = ring.iter().zip(ring.iter().cycle().skip(1));
            lines.extend(ends.filter_map(|(a, b)| self.nearer_part(place, [a.steps(), b.steps()])));
        }
        lines
    }

    /// The places that have empty land.
    pub fn owners(&self) -> Vec<Node> {
        self.owners.iter().map(|owner| self.places[*owner]).collect()
    }

    /// The part of a line that is nearer to a place than to any other.
    fn nearer_part(&self, place: usize, [a, b]: Line) -> Option<Line> {
        let (px, py) = self.places[place].steps();
        let (mut from, mut to) = (0.0_f64, 1.0_f64);
        for (other, node) in self.places.iter().enumerate() {
            if other == place {
                continue;
            }
            let (ox, oy) = node.steps();
            let (dx, dy) = ((ox - px) * LONGITUDE_SCALE, oy - py);
            // Positive on the other's side of the line half-way between the two.
            let side = |(x, y): (f64, f64)| {
                2.0 * (dx * (x - px) * LONGITUDE_SCALE + dy * (y - py)) - dx * dx - dy * dy
            };
            let (at_a, at_b) = (side(a), side(b));
            match (at_a > 0.0, at_b > 0.0) {
                (true, true) => return None,
                (true, false) => from = from.max(at_a / (at_a - at_b)),
                (false, true) => to = to.min(at_a / (at_a - at_b)),
                (false, false) => {}
            }
        }
        if from >= to {
            return None;
        }
        // Where another's land begins the line goes a little on, since the lines between places are rounded.
        let beyond = OVERSHOOT / ((b.0 - a.0).abs() + (b.1 - a.1).abs());
        let at = |t: f64| (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
        let start = if from > 0.0 { from - beyond } else { from };
        let end = if to < 1.0 { to + beyond } else { to };
        Some([at(start), at(end)])
    }

    fn nearest(&self, among: impl Iterator<Item = usize>, (x, y): (f64, f64)) -> Option<usize> {
        let squared = |place: &usize| {
            let (px, py) = self.places[*place].steps();
            let (dx, dy) = ((px - x) * LONGITUDE_SCALE, py - y);
            dx * dx + dy * dy
        };
        among.min_by(|a, b| squared(a).total_cmp(&squared(b)))
    }
}

fn ring(place: Node) -> Vec<Node> {
    let (x, y) = place.steps();
    let reach = |part: i32| f64::from(part * REACH) / 1_000.0;
    DIRECTIONS
        .iter()
        .map(|(dx, dy)| Node::nearest(x + reach(*dx) / LONGITUDE_SCALE, y + reach(*dy)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    #[test]
    fn land_nearby_is_its_own_place_s_and_empty_land_the_loneliest_place_s() {
        let outskirts = Outskirts::new(vec![n(0, 0), n(1_000, 0), n(12_000, 0)]);
        assert_eq!(outskirts.owner((100.0, 3_000.0)), Some(0));
        assert_eq!(outskirts.owner((900.0, 3_000.0)), Some(1));
        assert_eq!(outskirts.owner((0.0, 30_000.0)), Some(2));
        assert_eq!(outskirts.owners(), [n(12_000, 0)]);
    }

    #[test]
    fn rings_end_where_the_land_of_others_begins() {
        let lines = Outskirts::new(vec![n(0, 0), n(1_000, 0)]).lines();
        let length = |[a, b]: &Line| ((a.0 - b.0).powi(2) + (a.1 - b.1).powi(2)).sqrt();
        assert!(lines.iter().all(|line| length(line) > 0.0));
        // A dozen sides each, of which about half lie on the other's side.
        assert!((12..=16).contains(&lines.len()), "{}", lines.len());
        assert!(lines.iter().flatten().any(|(x, _)| (x - 500.0).abs() < OVERSHOOT));
    }
}
