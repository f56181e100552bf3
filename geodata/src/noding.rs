//! Makes a set of segments planar: afterwards two segments meet at a shared end or not at all.
//!
//! Crossings are rounded to the grid, and a segment that passes closer to a node than rounding can tell is
//! led through that node (snap rounding, repeated until nothing changes).

use std::collections::BTreeSet;

use crate::{
    error::GeodataError,
    grid::{Node, cross, dot},
};

/// Rounds after which the input is taken to be hopeless. Real layers settle in three or four.
const MAX_ROUNDS: usize = 40;

/// A segment, its lesser end first.
pub(crate) type Segment = (Node, Node);

/// The planar set that covers the same lines.
pub(crate) fn make_planar(
    lines: impl IntoIterator<Item = Segment>,
) -> Result<BTreeSet<Segment>, GeodataError> {
    let mut segments: BTreeSet<Segment> = lines.into_iter().filter_map(ordered).collect();
    for _ in 0..MAX_ROUNDS {
        let list: Vec<Segment> = segments.iter().copied().collect();
        let splits = find_splits(&list);
        if splits.iter().all(Vec::is_empty) {
            return Ok(segments);
        }
        segments = list.iter().zip(splits).flat_map(|(segment, at)| split(*segment, at)).collect();
    }
    Err(GeodataError::NotPlanar)
}

fn ordered((a, b): Segment) -> Option<Segment> {
    match a.cmp(&b) {
        std::cmp::Ordering::Less => Some((a, b)),
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some((b, a)),
    }
}

/// For each segment the nodes it has to be led through. `list` is in order of x, so the sweep stops early.
fn find_splits(list: &[Segment]) -> Vec<Vec<Node>> {
    let mut splits = vec![Vec::new(); list.len()];
    for (i, &first) in list.iter().enumerate() {
        let (low, high) = (first.0.y.min(first.1.y), first.0.y.max(first.1.y));
        for (j, &second) in list.iter().enumerate().skip(i + 1) {
            if second.0.x > first.1.x + 1 {
                break;
            }
            if second.0.y.min(second.1.y) > high + 1 || second.0.y.max(second.1.y) < low - 1 {
                continue;
            }
            for end in [second.0, second.1] {
                if touches(end, first) {
                    splits[i].push(end);
                }
            }
            for end in [first.0, first.1] {
                if touches(end, second) {
                    splits[j].push(end);
                }
            }
            if let Some(at) = crossing(first, second) {
                for (index, segment) in [(i, first), (j, second)] {
                    if at != segment.0 && at != segment.1 {
                        splits[index].push(at);
                    }
                }
            }
        }
    }
    splits
}

/// Whether a node lies on a segment, within three quarters of a step, other than at its ends.
fn touches(p: Node, (a, b): Segment) -> bool {
    if p == a || p == b {
        return false;
    }
    let (along, length) = (dot(a, b, p), dot(a, b, b));
    if along <= 0 || along >= length {
        return false;
    }
    let off = i128::from(cross(a, b, p));
    off * off * 16 < i128::from(length) * 9
}

/// Where two segments cross inside both, rounded to the grid.
fn crossing((a, b): Segment, (c, d): Segment) -> Option<Node> {
    let (c_side, d_side) = (cross(a, b, c), cross(a, b, d));
    let (a_side, b_side) = (cross(c, d, a), cross(c, d, b));
    let apart = |p: i64, q: i64| (p > 0 && q < 0) || (p < 0 && q > 0);
    if !apart(c_side, d_side) || !apart(a_side, b_side) {
        return None;
    }
    let t = a_side as f64 / (a_side - b_side) as f64;
    let ((ax, ay), (bx, by)) = (a.steps(), b.steps());
    Some(Node::nearest(ax + t * (bx - ax), ay + t * (by - ay)))
}

fn split((a, b): Segment, mut at: Vec<Node>) -> Vec<Segment> {
    at.sort_by_key(|p| (dot(a, b, *p), *p));
    at.dedup();
    let mut pieces = Vec::with_capacity(at.len() + 1);
    let mut from = a;
    for to in at.into_iter().chain([b]) {
        pieces.extend(ordered((from, to)));
        from = to;
    }
    pieces
}

/// Drops segments that end in nothing, until none is left: they bound no area.
pub(crate) fn prune_dangling(segments: &mut BTreeSet<Segment>) {
    loop {
        let mut degree = std::collections::BTreeMap::new();
        for (a, b) in segments.iter() {
            *degree.entry(*a).or_insert(0_u32) += 1;
            *degree.entry(*b).or_insert(0_u32) += 1;
        }
        let before = segments.len();
        segments.retain(|(a, b)| degree[a] > 1 && degree[b] > 1);
        if segments.len() == before {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    #[test]
    fn crossing_segments_are_cut_at_a_shared_node() {
        let planar = make_planar([(n(0, 0), n(10, 10)), (n(0, 10), n(10, 0))]).unwrap();
        assert_eq!(planar.len(), 4);
        assert!(planar.iter().all(|(a, b)| *a == n(5, 5) || *b == n(5, 5)));
    }

    #[test]
    fn a_segment_is_led_through_a_node_it_almost_touches() {
        let planar = make_planar([(n(0, 0), n(1000, 1)), (n(400, 0), n(400, 90))]).unwrap();
        assert!(planar.contains(&(n(0, 0), n(400, 0))) && planar.contains(&(n(400, 0), n(1000, 1))));
    }

    #[test]
    fn overlapping_segments_become_one() {
        let planar = make_planar([(n(0, 0), n(10, 0)), (n(5, 0), n(15, 0)), (n(3, 3), n(3, 3))]).unwrap();
        assert_eq!(planar.len(), 3);
    }

    #[test]
    fn dangling_segments_are_pruned_and_rings_are_kept() {
        let mut planar = make_planar([
            (n(0, 0), n(10, 0)),
            (n(10, 0), n(0, 10)),
            (n(0, 10), n(0, 0)),
            (n(10, 0), n(20, 0)),
            (n(20, 0), n(30, 5)),
        ])
        .unwrap();
        prune_dangling(&mut planar);
        assert_eq!(planar.len(), 3);
    }
}
