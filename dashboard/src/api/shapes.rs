//! Boundaries as outlines on a small grid, for maps that are drawn without a map library.
//!
//! Points are put on whole steps of the grid: neighbours share theirs, so that no gap opens between them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// Width of the drawing, steps; its height follows from what is drawn.
const WIDTH: f64 = 1_000.0;
/// Farthest from the equator that is drawn, as everywhere on the web.
const LIMIT: f64 = 85.05;

#[derive(Deserialize)]
struct Layer<'a> {
    #[serde(borrow)]
    features: Vec<Feature<'a>>,
}

#[derive(Deserialize)]
struct Feature<'a> {
    #[serde(borrow)]
    properties: Option<Properties<'a>>,
    geometry: Option<Geometry>,
}

#[derive(Deserialize)]
struct Properties<'a> {
    #[serde(borrow)]
    id: Option<std::borrow::Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    coordinates: Value,
}

type Ring = Vec<Vec<f64>>;
type Rings = Vec<Ring>;

/// Outlines of a layer and of the water on it. `None` where the layer has no areas.
pub(crate) fn shapes(layer: &[u8], water: Option<&[u8]>) -> Option<Value> {
    let areas: BTreeMap<String, Rings> =
        read(layer).into_iter().filter_map(|(id, rings)| Some((id?, rings))).collect();
    let frame = Frame::around(areas.values().flatten())?;
    let paths: serde_json::Map<String, Value> =
        areas.iter().map(|(id, rings)| (id.clone(), frame.path(rings).into())).collect();
    let lakes = water.map(read).unwrap_or_default();
    let land = |point: &Vec<f64>| areas.values().any(|rings| holds(rings, point));
    let inside = lakes.iter().filter(|(_, rings)| rings.iter().flatten().any(land));
    let lakes: String = inside.map(|(_, rings)| frame.path(rings)).collect();
    Some(json!({"width": WIDTH, "height": frame.height.ceil(), "areas": paths, "water": lakes}))
}

/// Every feature's rings, and its id where it has one.
fn read(bytes: &[u8]) -> Vec<(Option<String>, Rings)> {
    // What is no polygon, a point among them, has no outline.
    let features = serde_json::from_slice::<Layer<'_>>(bytes).map(|layer| layer.features).unwrap_or_default();
    let one = |feature: Feature<'_>| {
        let Geometry { kind, coordinates } = feature.geometry?;
        let rings: Rings = match kind.as_str() {
            "Polygon" => serde_json::from_value(coordinates).ok()?,
            "MultiPolygon" => {
                serde_json::from_value::<Vec<Rings>>(coordinates).ok()?.into_iter().flatten().collect()
            }
            _ => return None,
        };
        Some((feature.properties.and_then(|of| of.id).map(|id| id.into_owned()), rings))
    };
    features.into_iter().filter_map(one).collect()
}

/// Whether a point lies in an area: a line from it to the east crosses its outline an odd number of times.
fn holds(rings: &[Ring], point: &[f64]) -> bool {
    let [x, y] = *point else { return false };
    let crossed = |from: &[f64], to: &[f64]| match (from, to) {
        (&[ax, ay, ..], &[bx, by, ..]) => (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax,
        _ => false,
    };
    let sides = rings.iter().flat_map(|ring| ring.windows(2));
    sides.filter(|side| matches!(side, [from, to] if crossed(from, to))).count() % 2 == 1
}

/// From degrees to steps of the grid.
struct Frame {
    west: f64,
    north: f64,
    scale: f64,
    height: f64,
}

/// Web Mercator, in radians.
fn projected(point: &[f64]) -> Option<(f64, f64)> {
    let (x, y) = (*point.first()?, *point.get(1)?);
    (x.is_finite() && y.is_finite()).then(|| {
        let latitude = y.clamp(-LIMIT, LIMIT).to_radians();
        (x.to_radians(), (std::f64::consts::FRAC_PI_4 + latitude / 2.0).tan().ln())
    })
}

impl Frame {
    fn around<'a>(rings: impl Iterator<Item = &'a Ring>) -> Option<Self> {
        let points = rings.flatten().filter_map(|point| projected(point));
        let none = (f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY);
        let (west, south, east, north) =
            points.fold(none, |(w, s, e, n), (x, y)| (w.min(x), s.min(y), e.max(x), n.max(y)));
        let scale = WIDTH / (east - west);
        let frame = Self { west, north, scale, height: (north - south) * scale };
        (east > west && north > south).then_some(frame)
    }

    fn at(&self, point: &[f64]) -> Option<(i32, i32)> {
        let (x, y) = projected(point)?;
        let step = |value: f64| (value * self.scale).round().clamp(-32_000.0, 32_000.0) as i32;
        Some((step(x - self.west), step(self.north - y)))
    }

    /// The rings as an SVG path. Rings that shrink to less than an area are left out.
    fn path(&self, rings: &[Ring]) -> String {
        let mut path = String::new();
        for ring in rings {
            let mut points: Vec<(i32, i32)> = ring.iter().filter_map(|point| self.at(point)).collect();
            points.dedup();
            if points.first() == points.last() {
                points.pop();
            }
            let Some(((x, y), rest)) = points.split_first().filter(|(_, rest)| rest.len() > 1) else {
                continue;
            };
            path.push_str(&format!("M{x} {y}l"));
            let mut before = (*x, *y);
            let steps = rest.iter().map(|&(x, y)| {
                let step = (x - before.0, y - before.1);
                before = (x, y);
                format!("{} {}", step.0, step.1)
            });
            path.push_str(&steps.collect::<Vec<_>>().join(" "));
            path.push('z');
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAND: &[u8] = br#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"id":"region:a"},"geometry":{"type":"Polygon","coordinates":
            [[[70,40],[75,40],[75,40.00001],[75,43],[70,43],[70,40]]]}},
        {"type":"Feature","properties":{"id":"region:b"},"geometry":{"type":"MultiPolygon","coordinates":
            [[[[75,40],[80,40],[80,43],[75,43],[75,40]]],[[[71,41],[71.00001,41],[71,41.00001],[71,41]]]]}},
        {"type":"Feature","properties":{"id":"region:c"},"geometry":{"type":"Point","coordinates":[71,41]}},
        {"type":"Feature","properties":{"id":"region:d"},"geometry":null},
        {"type":"Feature","properties":null,"geometry":{"type":"Polygon","coordinates":[]}}]}"#;
    const LAKES: &[u8] = br#"{"type":"FeatureCollection","features":[
        {"type":"Feature","properties":{"name":"in"},"geometry":{"type":"Polygon","coordinates":[[[71,41],[72,41],[72,42],[71,41]]]}},
        {"type":"Feature","properties":{"name":"out"},"geometry":{"type":"Polygon","coordinates":[[[77,39],[78,39],[78,39.9],[77,39]]]}}]}"#;

    #[test]
    fn neighbours_meet_on_the_grid_and_what_has_no_area_is_left_out() {
        let made = shapes(LAND, Some(LAKES)).unwrap();
        assert_eq!(
            made["areas"],
            json!({"region:a": "M0 401l500 0 0 -401 -500 0z", "region:b": "M500 401l500 0 0 -401 -500 0z"})
        );
        assert_eq!((&made["width"], &made["height"]), (&json!(1000.0), &json!(401.0)));
        let water = made["water"].as_str().unwrap();
        assert!(water.starts_with("M100 ") && water.matches('M').count() == 1, "{water}");
    }

    #[test]
    fn a_layer_without_areas_has_no_outline() {
        for nothing in [
            &b"[]"[..],
            b"{\"features\":[]}",
            b"{\"features\":[{\"properties\":{\"id\":\"x\"},\"geometry\":null}]}",
        ] {
            assert_eq!(shapes(nothing, None), None);
        }
    }
}
