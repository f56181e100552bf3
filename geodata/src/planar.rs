//! The faces of a planar set of segments, as half-edges.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    grid::{self, Node, compare_angle, doubled_area},
    noding::{Segment, prune_dangling},
};

/// Half-edge `2i` runs along segment `i`, half-edge `2i + 1` against it; the face lies to the left.
pub(crate) struct Planar {
    from: Vec<Node>,
    next: Vec<usize>,
    face_of: Vec<usize>,
    faces: Vec<Face>,
}

/// A bounded area. Face 0 is the unbounded one.
#[derive(Default)]
pub(crate) struct Face {
    /// Rings without closing nodes: the outer one counter-clockwise, then holes.
    pub rings: Vec<Vec<Node>>,
}

impl Face {
    /// Twice the area, in square steps.
    pub fn doubled_area(&self) -> i64 {
        self.rings.iter().map(|ring| doubled_area(ring)).sum()
    }

    /// Whether a place in steps lies inside.
    pub fn contains(&self, place: (f64, f64)) -> bool {
        grid::inside(self.rings.iter().map(Vec::as_slice), place)
    }

    /// A place well inside, in steps. Scan lines run half-way between grid rows, so none meets a node.
    pub fn interior(&self) -> Option<(f64, f64)> {
        let rows = self.rings.first()?.iter().map(|n| n.y);
        let (low, high) = (rows.clone().min()?, rows.max()?);
        let mut best: Option<(f64, f64, f64)> = None;
        for part in 1..12 {
            let y = f64::from(low + (high - low) * part / 12) + 0.5;
            let mut hits = self.hits(y);
            hits.sort_by(f64::total_cmp);
            for pair in hits.chunks_exact(2) {
                let width = pair[1] - pair[0];
                if best.is_none_or(|(widest, ..)| width > widest) {
                    best = Some((width, pair[0] + width / 2.0, y));
                }
            }
        }
        best.map(|(_, x, y)| (x, y))
    }

    fn hits(&self, y: f64) -> Vec<f64> {
        let edges = self.rings.iter().flat_map(|ring| {
            ring.iter().zip(ring.iter().cycle().skip(1)).map(|(a, b)| (a.steps(), b.steps()))
        });
        edges
            .filter(|((_, ay), (_, by))| (*ay > y) != (*by > y))
            .map(|((ax, ay), (bx, by))| ax + (y - ay) / (by - ay) * (bx - ax))
            .collect()
    }
}

impl Planar {
    /// Builds the faces. Segments that bound nothing are dropped.
    pub fn build(mut segments: BTreeSet<Segment>) -> Self {
        prune_dangling(&mut segments);
        let from: Vec<Node> = segments.iter().flat_map(|(a, b)| [*a, *b]).collect();
        let next = link(&from);
        let mut planar = Self { next, face_of: vec![0; from.len()], from, faces: vec![Face::default()] };
        planar.trace_faces();
        planar
    }

    /// All faces; the first is the unbounded one.
    pub fn faces(&self) -> &[Face] {
        &self.faces
    }

    /// How many half-edges there are.
    pub fn half_edges(&self) -> usize {
        self.from.len()
    }

    /// The ends of a half-edge.
    pub fn ends(&self, half: usize) -> Segment {
        (self.from[half], self.from[half ^ 1])
    }

    /// The face to the left.
    pub fn left(&self, half: usize) -> usize {
        self.face_of[half]
    }

    /// The next half-edge around the face to the left.
    pub fn next(&self, half: usize) -> usize {
        self.next[half]
    }

    /// The bounded face around a place in steps.
    pub fn locate(&self, place: (f64, f64)) -> Option<usize> {
        self.faces.iter().skip(1).position(|face| face.contains(place)).map(|index| index + 1)
    }

    fn trace_faces(&mut self) {
        let mut seen = vec![false; self.from.len()];
        let mut holes = Vec::new();
        for start in 0..self.from.len() {
            if seen[start] {
                continue;
            }
            let mut halves = Vec::new();
            let mut half = start;
            while !seen[half] {
                seen[half] = true;
                halves.push(half);
                half = self.next[half];
            }
            let ring: Vec<Node> = halves.iter().map(|h| self.from[*h]).collect();
            if doubled_area(&ring) > 0 {
                for half in &halves {
                    self.face_of[*half] = self.faces.len();
                }
                self.faces.push(Face { rings: vec![ring] });
            } else {
                holes.push((halves, ring));
            }
        }
        self.place_holes(holes);
    }

    /// The outline of a separate part belongs to the smallest face around it.
    fn place_holes(&mut self, holes: Vec<(Vec<usize>, Vec<Node>)>) {
        let owners: Vec<usize> = holes
            .iter()
            .map(|(_, ring)| {
                let on_ring: BTreeSet<Node> = ring.iter().copied().collect();
                let around = self.faces.iter().enumerate().skip(1).filter(|(_, face)| {
                    let outer = &face.rings[0];
                    !outer.iter().any(|n| on_ring.contains(n))
                        && ring.first().is_some_and(|n| grid::inside([outer.as_slice()], n.steps()))
                });
                around.min_by_key(|(_, face)| doubled_area(&face.rings[0])).map_or(0, |(index, _)| index)
            })
            .collect();
        for ((halves, ring), owner) in holes.into_iter().zip(owners) {
            for half in halves {
                self.face_of[half] = owner;
            }
            self.faces[owner].rings.push(ring);
        }
    }
}

/// For each half-edge the one that follows it around the face to its left: at its end, the first to the right
/// of the way back.
fn link(from: &[Node]) -> Vec<usize> {
    let mut leaving: BTreeMap<Node, Vec<usize>> = BTreeMap::new();
    for (half, node) in from.iter().enumerate() {
        leaving.entry(*node).or_default().push(half);
    }
    let mut next = vec![0; from.len()];
    for (node, halves) in &mut leaving {
        halves.sort_by(|a, b| compare_angle(*node, from[a ^ 1], from[b ^ 1]));
        for (position, half) in halves.iter().enumerate() {
            let before = if position == 0 { halves.len() - 1 } else { position - 1 };
            next[half ^ 1] = halves[before];
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noding::make_planar;

    fn square(low: i32, high: i32) -> [Segment; 4] {
        let corner = |x, y| Node { x, y };
        [
            (corner(low, low), corner(high, low)),
            (corner(high, low), corner(high, high)),
            (corner(high, high), corner(low, high)),
            (corner(low, high), corner(low, low)),
        ]
    }

    #[test]
    fn a_square_in_a_square_makes_two_faces_of_which_one_has_a_hole() {
        let planar = Planar::build(make_planar([square(0, 100), square(40, 60)].concat()).unwrap());
        let mut areas: Vec<i64> = planar.faces().iter().skip(1).map(Face::doubled_area).collect();
        areas.sort_unstable();
        assert_eq!(areas, [2 * 400, 2 * 9_600]);
        assert_eq!(planar.locate((5.0, 5.0)).map(|f| planar.faces()[f].rings.len()), Some(2));
        assert_eq!(planar.locate((500.0, 5.0)), None);
    }

    #[test]
    fn the_interior_place_of_a_ring_lies_inside_it_and_not_in_its_hole() {
        let planar = Planar::build(make_planar([square(0, 100), square(3, 97)].concat()).unwrap());
        for face in planar.faces().iter().skip(1) {
            assert!(face.contains(face.interior().unwrap()));
        }
    }

    #[test]
    fn every_half_edge_has_its_face_to_the_left() {
        let lines = [square(0, 100), square(50, 150)].concat();
        let planar = Planar::build(make_planar(lines).unwrap());
        assert_eq!(planar.faces().len(), 4);
        for half in 0..planar.half_edges() {
            assert_eq!(planar.left(half), planar.left(planar.next(half)));
            assert_eq!(planar.ends(half).1, planar.ends(planar.next(half)).0);
        }
    }
}
