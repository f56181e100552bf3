//! The integer grid that every boundary lives on.
//!
//! A node is a position in steps of 0.00001° (about a metre). Orientation and area are exact on it, so two
//! areas share a boundary exactly or not at all: there is no epsilon anywhere in the topology.

use std::cmp::Ordering;

/// Grid steps in one degree: five decimals, as the base layers have.
pub(crate) const STEPS_PER_DEGREE: f64 = 100_000.0;

/// Width of a degree of longitude over that of latitude, near 41.4° N. A constant, because trigonometric
/// functions may differ in the last bit between platforms.
pub(crate) const LONGITUDE_SCALE: f64 = 0.75;

/// A position on the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node {
    /// Longitude in steps.
    pub x: i32,
    /// Latitude in steps.
    pub y: i32,
}

impl Node {
    /// The grid position nearest to a place in degrees.
    pub fn from_degrees([lon, lat]: [f64; 2]) -> Self {
        Self::nearest(lon * STEPS_PER_DEGREE, lat * STEPS_PER_DEGREE)
    }

    /// The grid position nearest to a place in steps.
    pub fn nearest(x: f64, y: f64) -> Self {
        Self { x: x.round() as i32, y: y.round() as i32 }
    }

    /// Steps as floating point numbers: exact.
    pub fn steps(self) -> (f64, f64) {
        (f64::from(self.x), f64::from(self.y))
    }

    /// Longitude and latitude in degrees.
    pub fn degrees(self) -> [f64; 2] {
        [f64::from(self.x) / STEPS_PER_DEGREE, f64::from(self.y) / STEPS_PER_DEGREE]
    }

    /// Ground distance in steps of latitude (one is 1.11 m).
    pub fn distance(self, other: Self) -> f64 {
        let (dx, dy) = (f64::from(self.x - other.x) * LONGITUDE_SCALE, f64::from(self.y - other.y));
        (dx * dx + dy * dy).sqrt()
    }
}

fn sides(from: Node, to: Node) -> (i64, i64) {
    (i64::from(to.x) - i64::from(from.x), i64::from(to.y) - i64::from(from.y))
}

/// Twice the signed area of the triangle: positive when `c` lies to the left of `a` → `b`.
pub(crate) fn cross(a: Node, b: Node, c: Node) -> i64 {
    let ((ux, uy), (vx, vy)) = (sides(a, b), sides(a, c));
    ux * vy - uy * vx
}

/// Inner product of `a` → `b` and `a` → `c`.
pub(crate) fn dot(a: Node, b: Node, c: Node) -> i64 {
    let ((ux, uy), (vx, vy)) = (sides(a, b), sides(a, c));
    ux * vx + uy * vy
}

/// Twice the signed area of a ring given without its closing node: positive when counter-clockwise.
pub(crate) fn doubled_area(ring: &[Node]) -> i64 {
    let Some(&origin) = ring.first() else { return 0 };
    ring.windows(2).map(|pair| cross(origin, pair[0], pair[1])).sum()
}

/// Orders directions by angle, counter-clockwise from east, exactly.
pub(crate) fn compare_angle(origin: Node, a: Node, b: Node) -> Ordering {
    let lower = |n: Node| {
        let (x, y) = sides(origin, n);
        y < 0 || (y == 0 && x < 0)
    };
    lower(a).cmp(&lower(b)).then_with(|| 0.cmp(&cross(origin, a, b)))
}

/// Ground distance in steps of latitude from a node to a segment.
pub(crate) fn distance_to_segment(p: Node, a: Node, b: Node) -> f64 {
    let scaled = |n: Node| (f64::from(n.x) * LONGITUDE_SCALE, f64::from(n.y));
    let ((px, py), (ax, ay), (bx, by)) = (scaled(p), scaled(a), scaled(b));
    let (dx, dy) = (bx - ax, by - ay);
    let squared = dx * dx + dy * dy;
    let t = if squared == 0.0 { 0.0 } else { (((px - ax) * dx + (py - ay) * dy) / squared).clamp(0.0, 1.0) };
    let (ex, ey) = (ax + t * dx - px, ay + t * dy - py);
    (ex * ex + ey * ey).sqrt()
}

/// Whether a place in steps lies inside closed rings by the even-odd rule.
pub(crate) fn inside<'a>(rings: impl IntoIterator<Item = &'a [Node]>, (x, y): (f64, f64)) -> bool {
    let mut odd = false;
    for ring in rings {
        let mut previous = match ring.last() {
            Some(node) => node.steps(),
            None => continue,
        };
        for node in ring {
            let current = node.steps();
            let (ax, ay) = previous;
            let (bx, by) = current;
            if (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax) {
                odd = !odd;
            }
            previous = current;
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    #[test]
    fn a_counter_clockwise_square_has_a_positive_area() {
        let square = [n(0, 0), n(10, 0), n(10, 10), n(0, 10)];
        assert_eq!(doubled_area(&square), 200);
        assert!(inside([&square[..]], (5.0, 5.0)) && !inside([&square[..]], (15.0, 5.0)));
    }

    #[test]
    fn directions_are_ordered_counter_clockwise_from_east() {
        let mut around = [n(0, -1), n(-1, 0), n(1, 1), n(0, 1), n(1, 0), n(-1, -1)];
        around.sort_by(|a, b| compare_angle(n(0, 0), *a, *b));
        assert_eq!(around, [n(1, 0), n(1, 1), n(0, 1), n(-1, 0), n(-1, -1), n(0, -1)]);
    }

    #[test]
    fn degrees_read_back_as_written() {
        let place = Node::from_degrees([74.61234, 42.87654]);
        assert_eq!(place, n(7_461_234, 4_287_654));
        assert_eq!(place.degrees(), [74.61234, 42.87654]);
    }
}
