//! Faces with labels: which area each belongs to, and the exact outlines of areas of any level.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::GeodataError,
    grid::{self, Node, doubled_area},
    planar::Planar,
};

/// Rings without closing nodes: the outer one counter-clockwise, then holes, clockwise (RFC 7946).
pub(crate) type Polygon = Vec<Vec<Node>>;

/// A planar set whose bounded faces carry the index of the area they belong to.
pub(crate) struct Tiling {
    /// The faces.
    pub planar: Planar,
    labels: Vec<Option<usize>>,
}

impl Tiling {
    /// Labels every bounded face by a place in its interior.
    pub fn new(planar: Planar, label: impl Fn((f64, f64)) -> Option<usize>) -> Self {
        let bounded = planar.faces().iter().skip(1);
        let labels =
            std::iter::once(None).chain(bounded.map(|face| face.interior().and_then(&label))).collect();
        Self { planar, labels }
    }

    /// The area that a face belongs to.
    pub fn label(&self, face: usize) -> Option<usize> {
        self.labels[face]
    }

    /// The area around a place in steps.
    pub fn locate(&self, place: (f64, f64)) -> Option<usize> {
        self.planar.locate(place).and_then(|face| self.labels[face])
    }

    /// The areas to the left and to the right of a half-edge.
    pub fn sides(&self, half: usize) -> (Option<usize>, Option<usize>) {
        (self.labels[self.planar.left(half)], self.labels[self.planar.left(half ^ 1)])
    }

    /// Faces cut off from the main part of their area: the part with the anchor face, or else the largest.
    pub fn strays(&self, anchors: &BTreeMap<usize, usize>) -> BTreeSet<usize> {
        let mut parts: BTreeMap<usize, Vec<Vec<usize>>> = BTreeMap::new();
        for part in self.connected_parts() {
            if let Some(label) = self.labels[part[0]] {
                parts.entry(label).or_default().push(part);
            }
        }
        let area = |part: &Vec<usize>| -> i64 {
            part.iter().map(|face| self.planar.faces()[*face].doubled_area()).sum()
        };
        let mut strays = BTreeSet::new();
        for (label, mut parts) in parts {
            let anchor = anchors.get(&label);
            parts.sort_by_key(|part| (anchor.is_some_and(|face| part.contains(face)), area(part)));
            parts.pop();
            strays.extend(parts.into_iter().flatten());
        }
        strays
    }

    /// Gives each pending face to the neighbouring area it shares the longest boundary with, from the outside
    /// in, among the areas it is `allowed` to join.
    pub fn settle(
        &mut self,
        mut pending: BTreeSet<usize>,
        allowed: impl Fn(usize, usize) -> bool,
    ) -> Result<(), GeodataError> {
        let neighbours = self.neighbours();
        while !pending.is_empty() {
            let mut joined = Vec::new();
            for face in &pending {
                let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
                for (other, length) in &neighbours[*face] {
                    if let (false, Some(label)) = (pending.contains(other), self.labels[*other])
                        && allowed(*face, label)
                    {
                        *shared.entry(label).or_default() += length;
                    }
                }
                if let Some((label, _)) = shared.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)) {
                    joined.push((*face, label));
                }
            }
            if joined.is_empty() {
                return Err(GeodataError::Stranded { count: pending.len() });
            }
            for (face, label) in joined {
                self.labels[face] = Some(label);
                pending.remove(&face);
            }
        }
        Ok(())
    }

    /// Pairs of areas that share a boundary, with its length in steps; the lesser index first.
    pub fn shared_boundaries(&self) -> BTreeMap<(usize, usize), f64> {
        let mut shared = BTreeMap::new();
        for half in 0..self.planar.half_edges() {
            if let (Some(left), Some(right)) = self.sides(half)
                && left < right
            {
                let (a, b) = self.planar.ends(half);
                *shared.entry((left, right)).or_default() += a.distance(b);
            }
        }
        shared
    }

    /// The polygons of every area of one level; `level` says which such area a label is part of.
    pub fn outlines<K: Ord + Copy>(&self, level: impl Fn(usize) -> K) -> BTreeMap<K, Vec<Polygon>> {
        let keys: Vec<Option<K>> = self.labels.iter().map(|label| label.map(&level)).collect();
        let key = |half: usize| keys[self.planar.left(half)];
        let outer = |half: usize| key(half).is_some() && key(half) != key(half ^ 1);
        let mut seen = vec![false; self.planar.half_edges()];
        let mut rings: BTreeMap<K, Vec<Vec<Node>>> = BTreeMap::new();
        for start in 0..seen.len() {
            let Some(area) = key(start).filter(|_| outer(start) && !seen[start]) else { continue };
            let mut ring = Vec::new();
            let mut half = start;
            while !seen[half] {
                seen[half] = true;
                ring.push(self.planar.ends(half).0);
                half = self.planar.next(half);
                while !outer(half) {
                    half = self.planar.next(half ^ 1);
                }
            }
            rings.entry(area).or_default().extend(part_at_repeated_nodes(ring));
        }
        rings.into_iter().map(|(area, rings)| (area, polygons(rings))).collect()
    }

    fn neighbours(&self) -> Vec<Vec<(usize, f64)>> {
        let mut neighbours = vec![Vec::new(); self.labels.len()];
        for half in 0..self.planar.half_edges() {
            let (a, b) = self.planar.ends(half);
            let (left, right) = (self.planar.left(half), self.planar.left(half ^ 1));
            if left != right {
                neighbours[left].push((right, a.distance(b)));
            }
        }
        neighbours
    }

    fn connected_parts(&self) -> Vec<Vec<usize>> {
        let neighbours = self.neighbours();
        let mut seen = vec![false; self.labels.len()];
        let mut parts = Vec::new();
        for start in 0..seen.len() {
            if std::mem::replace(&mut seen[start], true) {
                continue;
            }
            let mut part = vec![start];
            let mut done = 0;
            while let Some(&face) = part.get(done) {
                done += 1;
                for (other, _) in &neighbours[face] {
                    if self.labels[*other] == self.labels[face] && !seen[*other] {
                        seen[*other] = true;
                        part.push(*other);
                    }
                }
            }
            parts.push(part);
        }
        parts
    }
}

/// A ring that comes back to a node is cut there: a hole that touches the outer ring becomes a ring of its own.
fn part_at_repeated_nodes(ring: Vec<Node>) -> Vec<Vec<Node>> {
    let mut rings = Vec::new();
    let mut open: Vec<Node> = Vec::new();
    for node in ring {
        if let Some(position) = open.iter().position(|n| *n == node) {
            rings.push(open.split_off(position));
        }
        open.push(node);
    }
    rings.push(open);
    rings
}

/// Puts each hole into the smallest outer ring around it.
fn polygons(rings: Vec<Vec<Node>>) -> Vec<Polygon> {
    let (outers, holes): (Vec<_>, Vec<_>) = rings.into_iter().partition(|ring| doubled_area(ring) > 0);
    let mut polygons: Vec<Polygon> = outers.into_iter().map(|outer| vec![outer]).collect();
    for hole in holes {
        let ((ax, ay), (bx, by)) = (hole[0].steps(), hole[1].steps());
        let on_hole = ((ax + bx) / 2.0, (ay + by) / 2.0);
        let around = polygons.iter_mut().filter(|polygon| grid::inside([polygon[0].as_slice()], on_hole));
        if let Some(polygon) = around.min_by_key(|polygon| doubled_area(&polygon[0])) {
            polygon.push(hole);
        }
    }
    polygons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noding::{Segment, make_planar};

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    fn rectangle(a: Node, b: Node) -> [Segment; 4] {
        [(a, n(b.x, a.y)), (n(b.x, a.y), b), (b, n(a.x, b.y)), (n(a.x, b.y), a)]
    }

    fn strip() -> Tiling {
        let lines = [
            rectangle(n(0, 0), n(100, 100)),
            rectangle(n(100, 0), n(200, 100)),
            rectangle(n(200, 0), n(220, 100)),
        ];
        let planar = Planar::build(make_planar(lines.concat()).unwrap());
        // The first and the last rectangle are one area in two parts.
        Tiling::new(planar, |(x, _)| Some(usize::from(x > 100.0 && x < 200.0)))
    }

    #[test]
    fn the_smaller_part_of_an_area_is_a_stray_and_joins_its_neighbour() {
        let mut tiling = strip();
        let strays = tiling.strays(&BTreeMap::new());
        assert_eq!(strays.len(), 1);
        tiling.settle(strays, |_, _| true).unwrap();
        let outlines = tiling.outlines(|label| label);
        assert_eq!(outlines[&1].len(), 1);
        assert_eq!(doubled_area(&outlines[&1][0][0]), 2 * 120 * 100);
        assert_eq!(tiling.shared_boundaries()[&(0, 1)], 100.0);
    }

    #[test]
    fn the_part_with_the_anchor_stays() {
        let tiling = strip();
        let anchor = tiling.planar.locate((210.0, 50.0)).unwrap();
        let strays = tiling.strays(&BTreeMap::from([(0, anchor)]));
        assert!(!strays.contains(&anchor) && strays.len() == 1);
    }

    #[test]
    fn a_face_that_may_join_nothing_is_an_error() {
        let mut tiling = strip();
        let strays = tiling.strays(&BTreeMap::new());
        assert!(matches!(tiling.settle(strays, |_, _| false), Err(GeodataError::Stranded { count: 1 })));
    }

    #[test]
    fn a_hole_that_touches_the_outer_ring_is_a_ring_of_its_own() {
        let lines = [
            rectangle(n(0, 0), n(100, 100)).to_vec(),
            vec![(n(0, 0), n(40, 20)), (n(40, 20), n(20, 40)), (n(20, 40), n(0, 0))],
        ];
        let planar = Planar::build(make_planar(lines.concat()).unwrap());
        let tiling =
            Tiling::new(planar, |(x, y)| Some(usize::from(x + y < 60.0 && x < 2.0 * y && y < 2.0 * x)));
        let outlines = tiling.outlines(|label| label);
        let outer = &outlines[&0][0];
        assert_eq!(outer.len(), 2);
        assert_eq!(doubled_area(&outer[0]), 20_000);
        assert_eq!(doubled_area(&outer[1]), -doubled_area(&outlines[&1][0][0]));
    }
}
