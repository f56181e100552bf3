//! `boundaries/*.geojson`: the same nodes in every layer, one feature a line.

use std::fmt::Write;

use crate::{
    grid::{Node, STEPS_PER_DEGREE},
    tiling::Polygon,
};

/// An area with the id of its unit.
pub(crate) struct Area<'a> {
    /// Unit id, such as `raion:alai-raion`.
    pub id: String,
    /// Whether the outline is only about right.
    pub approximate: bool,
    /// Its polygons.
    pub polygons: &'a [Polygon],
}

/// RFC 7946 GeoJSON.
pub(crate) fn layer<'a>(areas: impl IntoIterator<Item = Area<'a>>) -> Vec<u8> {
    let features: Vec<String> = areas.into_iter().map(|area| feature(&area)).collect();
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}\n", features.join(",\n")).into_bytes()
}

fn feature(area: &Area<'_>) -> String {
    let polygons: Vec<String> = area.polygons.iter().map(polygon).collect();
    let geometry = match polygons.as_slice() {
        [one] => format!("\"Polygon\",\"coordinates\":{one}"),
        several => format!("\"MultiPolygon\",\"coordinates\":[{}]", several.join(",")),
    };
    let approximate = if area.approximate { ",\"approximate\":true" } else { "" };
    format!(
        "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{}\"{approximate}}},\"geometry\":{{\"type\":{geometry}}}}}",
        area.id
    )
}

fn polygon(rings: &Polygon) -> String {
    let rings: Vec<String> = rings
        .iter()
        .map(|ring| {
            let closed = ring.iter().chain(ring.first());
            let positions: Vec<String> = closed.map(|node| position(*node)).collect();
            format!("[{}]", positions.join(","))
        })
        .collect();
    format!("[{}]", rings.join(","))
}

fn position(node: Node) -> String {
    let mut text = String::from("[");
    degrees(&mut text, node.x);
    text.push(',');
    degrees(&mut text, node.y);
    text.push(']');
    text
}

/// Decimal degrees of whole steps, without trailing zeros.
fn degrees(text: &mut String, steps: i32) {
    let per_degree = STEPS_PER_DEGREE as u32;
    let (whole, part) = (steps.unsigned_abs() / per_degree, steps.unsigned_abs() % per_degree);
    let sign = if steps < 0 { "-" } else { "" };
    let decimals = format!("{part:05}");
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    // Writing to a string cannot fail.
    let _ = write!(text, "{sign}{whole}{point}{decimals}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_written_with_closed_rings_and_without_trailing_zeros() {
        let ring = [(7_400_000, 4_250_010), (7_500_000, 4_250_010), (7_400_000, -1)];
        let polygons = [vec![ring.map(|(x, y)| Node { x, y }).to_vec()]];
        let written = layer([Area { id: "region:osh".into(), approximate: true, polygons: &polygons }]);
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "{\"type\":\"FeatureCollection\",\"features\":[\n{\"type\":\"Feature\",\"properties\":\
             {\"id\":\"region:osh\",\"approximate\":true},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":\
             [[[74,42.5001],[75,42.5001],[74,-0.00001],[74,42.5001]]]}}\n]}\n"
        );
    }
}
