//! Fewer nodes on a line: Douglas and Peucker's rule, which keeps the ends. Lines are arcs between junctions,
//! each simplified once for both areas beside it, so no gap can open.

use crate::grid::{Node, distance_to_segment};

/// The nodes to keep so that none dropped was further than `tolerance` (steps of latitude) from the line.
pub(crate) fn simplify(line: &[Node], tolerance: f64) -> Vec<Node> {
    let (Some(&first), Some(&last)) = (line.first(), line.last()) else { return Vec::new() };
    if first == last && line.len() > 3 {
        // A closed line has no far end: the node furthest from its start serves as one.
        let far = furthest(&line[1..line.len() - 1], |node| node.distance(first)).map_or(1, |(at, _)| at + 1);
        let mut kept = simplify(&line[..=far], tolerance);
        kept.extend(simplify(&line[far..], tolerance).into_iter().skip(1));
        return kept;
    }
    if line.len() < 3 {
        return line.to_vec();
    }
    match furthest(&line[1..line.len() - 1], |node| distance_to_segment(node, first, last)) {
        Some((at, distance)) if distance > tolerance => {
            let mut kept = simplify(&line[..=at + 1], tolerance);
            kept.extend(simplify(&line[at + 1..], tolerance).into_iter().skip(1));
            kept
        }
        _ => vec![first, last],
    }
}

fn furthest(nodes: &[Node], distance: impl Fn(Node) -> f64) -> Option<(usize, f64)> {
    nodes.iter().map(|node| distance(*node)).enumerate().max_by(|a, b| a.1.total_cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    #[test]
    fn small_wiggles_go_and_corners_stay() {
        let line = [n(0, 0), n(50, 3), n(100, 0), n(100, 50), n(97, 70), n(100, 100)];
        assert_eq!(simplify(&line, 10.0), [n(0, 0), n(100, 0), n(100, 100)]);
    }

    #[test]
    fn a_closed_line_stays_closed() {
        let line = [n(0, 0), n(50, 1), n(100, 0), n(100, 100), n(0, 100), n(0, 0)];
        let kept = simplify(&line, 10.0);
        assert_eq!(kept.first(), kept.last());
        assert_eq!(kept.len(), 5);
    }
}
