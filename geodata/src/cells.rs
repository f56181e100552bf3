//! Precinct areas: in each raion, the part nearer to one polling place than to any other of that raion, and
//! beyond the reach of all of them whole pieces of empty land (`outskirts`).
//!
//! Voronoi cells are cut along the raion's boundary, everything is made planar at once, and faces go to
//! precincts. A piece of a cell that the boundary cuts off joins the neighbour it touches most.

use std::collections::{BTreeMap, BTreeSet};

use spade::{DelaunayTriangulation, Point2, Triangulation, handles::VoronoiVertex};

use crate::{
    error::GeodataError,
    grid::{LONGITUDE_SCALE, Node},
    noding::{Segment, make_planar},
    outskirts::{Line, Outskirts},
    places::boundaries,
    planar::Planar,
    raions::Country,
    tiling::Tiling,
};

/// Corners 200° from a raion's first site. With them every cell is bounded, far outside the country.
const FAR: [(f64, f64); 4] = [(-2e7, -2e7), (2e7, -2e7), (2e7, 2e7), (-2e7, 2e7)];

/// A polling place: where, and in which raion.
pub(crate) type Site = (Node, usize);

/// Divides the country among the sites. A label of the result is an index into `sites`.
pub(crate) fn cells(country: &Country, sites: &[Site]) -> Result<Tiling, GeodataError> {
    let boundaries = boundaries(country);
    let mut of_raion: Vec<Vec<usize>> = vec![Vec::new(); boundaries.len()];
    for (index, (_, raion)) in sites.iter().enumerate() {
        of_raion[*raion].push(index);
    }
    let outskirts: Vec<Outskirts> = of_raion
        .iter()
        .map(|members| Outskirts::new(members.iter().map(|site| sites[*site].0).collect()))
        .collect();
    let mut lines: BTreeSet<Segment> = boundaries.iter().flatten().copied().collect();
    for ((boundary, members), outskirts) in boundaries.iter().zip(&of_raion).zip(&outskirts) {
        let nodes: Vec<Node> = members.iter().map(|site| sites[*site].0).collect();
        let between_owners = voronoi_edges(&outskirts.owners())?;
        for line in voronoi_edges(&nodes)?.into_iter().chain(between_owners).chain(outskirts.lines()) {
            lines.extend(clip(line, boundary));
        }
    }
    let planar = Planar::build(make_planar(lines)?);
    let owner = |place: (f64, f64)| {
        let raion = country.tiling.locate(place)?;
        Some(of_raion[raion][outskirts[raion].owner(place)?])
    };
    let mut tiling = Tiling::new(planar, owner);
    let anchors = anchors(&tiling, sites)?;
    let strays = tiling.strays(&anchors);
    let origin: BTreeMap<usize, usize> =
        strays.iter().filter_map(|face| Some((*face, sites[tiling.label(*face)?].1))).collect();
    tiling.settle(strays, |face, site| origin.get(&face) == Some(&sites[site].1))?;
    Ok(tiling)
}

/// The face that each site lies in. No two may share one.
fn anchors(tiling: &Tiling, sites: &[Site]) -> Result<BTreeMap<usize, usize>, GeodataError> {
    let mut anchors = BTreeMap::new();
    for (index, (node, _)) in sites.iter().enumerate() {
        let face = tiling.planar.locate(node.steps());
        let own = face.filter(|face| tiling.label(*face) == Some(index));
        let Some(own) = own else {
            let [lon, lat] = node.degrees();
            let what = format!("the precinct at {lon}, {lat}");
            return Err(GeodataError::NoRoom { what, area: "its own cell".into() });
        };
        anchors.insert(index, own);
    }
    Ok(anchors)
}

/// Edges between the Voronoi cells of the nodes, in steps.
fn voronoi_edges(nodes: &[Node]) -> Result<Vec<Line>, GeodataError> {
    // Near zero there are more digits behind the point.
    let (origin_x, origin_y) = nodes.first().map_or((0.0, 0.0), |node| node.steps());
    let scaled = nodes.iter().map(|node| {
        let (x, y) = node.steps();
        ((x - origin_x) * LONGITUDE_SCALE, y - origin_y)
    });
    let points = scaled.chain(FAR).map(|(x, y)| Point2::new(x, y)).collect();
    let delaunay = DelaunayTriangulation::<Point2<f64>>::bulk_load_stable(points)
        .map_err(|error| GeodataError::BaseLayer { layer: "precinct-points", reason: error.to_string() })?;
    let place = |vertex: &VoronoiVertex<'_, Point2<f64>, (), (), ()>| match vertex {
        VoronoiVertex::Inner(face) => {
            let centre = face.circumcenter();
            Some((centre.x / LONGITUDE_SCALE + origin_x, centre.y + origin_y))
        }
        VoronoiVertex::Outer(_) => None,
    };
    Ok(delaunay
        .undirected_voronoi_edges()
        .filter_map(|edge| {
            let [a, b] = edge.vertices();
            Some([place(&a)?, place(&b)?])
        })
        .collect())
}

/// The parts of a line inside a boundary.
fn clip([a, b]: Line, boundary: &[Segment]) -> Vec<Segment> {
    let at = |t: f64| (a.0 + t * (b.0 - a.0), a.1 + t * (b.1 - a.1));
    let mut cuts: Vec<f64> = boundary.iter().filter_map(|segment| meeting([a, b], *segment)).collect();
    cuts.extend([0.0, 1.0]);
    cuts.sort_by(f64::total_cmp);
    let mut parts = Vec::new();
    for pair in cuts.windows(2) {
        let (from, to) = (at(pair[0]), at(pair[1]));
        if pair[0] < pair[1] && within(boundary, at((pair[0] + pair[1]) / 2.0)) {
            parts.push((Node::nearest(from.0, from.1), Node::nearest(to.0, to.1)));
        }
    }
    parts
}

/// How far along a line it meets a segment, as a share of its length.
fn meeting([(ax, ay), (bx, by)]: Line, (c, d): Segment) -> Option<f64> {
    let ((cx, cy), (dx, dy)) = (c.steps(), d.steps());
    let (ux, uy, vx, vy) = (bx - ax, by - ay, dx - cx, dy - cy);
    let denominator = ux * vy - uy * vx;
    if denominator == 0.0 {
        return None;
    }
    let t = ((cx - ax) * vy - (cy - ay) * vx) / denominator;
    let s = ((cx - ax) * uy - (cy - ay) * ux) / denominator;
    ((0.0..=1.0).contains(&t) && (0.0..=1.0).contains(&s)).then_some(t)
}

/// Whether a place lies inside a boundary given as loose segments.
fn within(boundary: &[Segment], (x, y): (f64, f64)) -> bool {
    let crossed = boundary.iter().filter(|(a, b)| {
        let ((ax, ay), (bx, by)) = (a.steps(), b.steps());
        (ay > y) != (by > y) && x < ax + (y - ay) / (by - ay) * (bx - ax)
    });
    crossed.count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn n(x: i32, y: i32) -> Node {
        Node { x, y }
    }

    #[test]
    fn a_line_is_cut_to_its_parts_inside() {
        let ring = [n(0, 0), n(100, 0), n(100, 100), n(60, 100), n(60, 50), n(40, 50), n(40, 100), n(0, 100)];
        let boundary: Vec<Segment> = ring.iter().copied().zip(ring.iter().copied().cycle().skip(1)).collect();
        let parts = clip([(-10.0, 75.0), (110.0, 75.0)], &boundary);
        assert_eq!(parts, [(n(0, 75), n(40, 75)), (n(60, 75), n(100, 75))]);
    }

    #[test]
    fn the_edge_between_two_sites_lies_half_way() {
        let edges = voronoi_edges(&[n(0, 0), n(100, 0)]).unwrap();
        assert!(edges.iter().any(|[a, b]| (a.0 - 50.0).abs() < 0.01 && (b.0 - 50.0).abs() < 0.01));
    }
}
