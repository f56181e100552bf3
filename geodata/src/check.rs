//! Checks of boundaries that an election office brings: RFC 7946, known ids, and within bounds.

use std::collections::BTreeSet;

use election::UnitId;
use serde_json::Value;

/// Largest layer that is read, in bytes.
pub const MAX_LAYER_BYTES: usize = 32 * 1024 * 1024;
/// Most positions in one layer: beyond it no browser would draw it.
pub const MAX_POSITIONS: usize = 1_000_000;
/// Mistakes told of one layer; the rest is only counted.
const MAX_MISTAKES: usize = 50;

/// Checks one layer of boundaries and tells every mistake in a sentence; none means that it can be served.
///
/// `layer` is its file name, for the sentences. `known` are the units that may have an area in it. A unit
/// without an area is no mistake: it only cannot be shown.
///
/// Checked are size, the form of RFC 7946 (closed rings, outer rings counter-clockwise and holes clockwise,
/// WGS 84), and that each area has the id of a known unit, once.
pub fn check_boundaries(layer: &str, bytes: &[u8], known: &BTreeSet<UnitId>) -> Vec<String> {
    let mut check =
        Check { layer, known, seen: BTreeSet::new(), positions: 0, mistakes: Vec::new(), more: 0 };
    check.layer(bytes);
    if check.more > 0 {
        check.mistakes.push(format!("{layer}: {} more mistakes", check.more));
    }
    check.mistakes
}

struct Check<'a> {
    layer: &'a str,
    known: &'a BTreeSet<UnitId>,
    seen: BTreeSet<UnitId>,
    positions: usize,
    mistakes: Vec<String>,
    more: usize,
}

impl Check<'_> {
    fn tell(&mut self, place: &str, what: &str) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(format!("{}: {place}: {what}", self.layer));
        } else {
            self.more += 1;
        }
    }

    fn layer(&mut self, bytes: &[u8]) {
        if bytes.len() > MAX_LAYER_BYTES {
            return self.tell("file", &format!("larger than {MAX_LAYER_BYTES} bytes: simplify the areas"));
        }
        // serde_json itself refuses nesting deeper than 128.
        let root: Value = match serde_json::from_slice(bytes) {
            Ok(root) => root,
            Err(error) => return self.tell("file", &format!("not JSON: {error}")),
        };
        if root["type"] != "FeatureCollection" {
            return self.tell("type", "must be FeatureCollection");
        }
        if root.get("crs").is_some() {
            self.tell("crs", "RFC 7946 knows none: give degrees in WGS 84 and leave it out");
        }
        let Some(features) = root["features"].as_array() else {
            return self.tell("features", "must be a list");
        };
        for (index, feature) in features.iter().enumerate() {
            self.feature(index, feature);
            if self.positions > MAX_POSITIONS {
                return self
                    .tell("features", &format!("more than {MAX_POSITIONS} positions: simplify the areas"));
            }
        }
    }

    fn feature(&mut self, index: usize, feature: &Value) {
        let id = feature["properties"]["id"].as_str();
        let place = match id {
            Some(id) => format!("feature {} ({})", index + 1, id.chars().take(48).collect::<String>()),
            None => format!("feature {}", index + 1),
        };
        if feature["type"] != "Feature" {
            self.tell(&place, "type must be Feature");
        }
        match id.map(str::parse::<UnitId>) {
            None => self.tell(&place, "property id is missing: write the unit's id"),
            Some(Err(error)) => self.tell(&place, &error.to_string()),
            Some(Ok(unit)) if !self.known.contains(&unit) => {
                self.tell(&place, "is no unit that belongs in this layer");
            }
            Some(Ok(unit)) => {
                if !self.seen.insert(unit) {
                    self.tell(&place, "stands twice: make one MultiPolygon of its parts");
                }
            }
        }
        let coordinates = &feature["geometry"]["coordinates"];
        match feature["geometry"]["type"].as_str() {
            Some("Polygon") => self.polygon(&place, coordinates),
            Some("MultiPolygon") => match coordinates.as_array() {
                Some(polygons) if !polygons.is_empty() => {
                    for polygon in polygons {
                        self.polygon(&place, polygon);
                    }
                }
                _ => self.tell(&place, "coordinates must be a list of polygons"),
            },
            _ => self.tell(&place, "geometry must be a Polygon or a MultiPolygon"),
        }
    }

    fn polygon(&mut self, place: &str, polygon: &Value) {
        let Some(rings) = polygon.as_array().filter(|rings| !rings.is_empty()) else {
            return self.tell(place, "a polygon must be a list of rings");
        };
        for (index, ring) in rings.iter().enumerate() {
            self.ring(&format!("{place}, ring {}", index + 1), index > 0, ring);
        }
    }

    fn ring(&mut self, place: &str, hole: bool, ring: &Value) {
        let Some(ring) = ring.as_array() else { return self.tell(place, "must be a list of positions") };
        self.positions += ring.len();
        if ring.len() < 4 {
            return self.tell(place, "has fewer than four positions");
        }
        let Some(positions) = ring.iter().map(position).collect::<Option<Vec<_>>>() else {
            let what = "has a position that is not longitude from -180 to 180 and latitude from -90 to 90";
            return self.tell(place, what);
        };
        if positions.first() != positions.last() {
            return self.tell(place, "is not closed: repeat its first position at its end");
        }
        let area = doubled_area(&positions);
        if area == 0.0 {
            self.tell(place, "encloses nothing");
        } else if hole && area > 0.0 {
            self.tell(place, "is a hole and must run clockwise");
        } else if !hole && area < 0.0 {
            self.tell(place, "is an outer ring and must run counter-clockwise");
        }
    }
}

fn position(value: &Value) -> Option<[f64; 2]> {
    let [lon, lat, rest @ ..] = value.as_array()?.as_slice() else { return None };
    let (lon, lat) = (lon.as_f64()?, lat.as_f64()?);
    (rest.len() <= 1 && lon.abs() <= 180.0 && lat.abs() <= 90.0).then_some([lon, lat])
}

/// Twice the signed area, in square degrees, reckoned from the first position to keep digits.
fn doubled_area(positions: &[[f64; 2]]) -> f64 {
    let [x, y] = positions.first().copied().unwrap_or_default();
    let part = |pair: &[[f64; 2]]| (pair[0][0] - x) * (pair[1][1] - y) - (pair[1][0] - x) * (pair[0][1] - y);
    positions.windows(2).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SQUARE: &str = "[[70,40],[71,40],[71,41],[70,41],[70,40]]";

    fn known() -> BTreeSet<UnitId> {
        ["region:osh", "region:talas"].map(|id| id.parse().unwrap()).into()
    }

    fn area(id: &str, kind: &str, coordinates: &str) -> String {
        format!(
            r#"{{"type":"Feature","properties":{{"id":"{id}"}},"geometry":{{"type":"{kind}","coordinates":{coordinates}}}}}"#
        )
    }

    fn told(features: &[String]) -> Vec<String> {
        let text = format!(r#"{{"type":"FeatureCollection","features":[{}]}}"#, features.join(","));
        check_boundaries("regions.geojson", text.as_bytes(), &known())
    }

    fn one(coordinates: &str) -> String {
        told(&[area("region:osh", "Polygon", coordinates)]).join("\n")
    }

    #[test]
    fn good_areas_pass() {
        let hole = "[[70.1,40.1],[70.1,40.2],[70.2,40.2],[70.1,40.1]]";
        let polygon = area("region:osh", "Polygon", &format!("[{SQUARE},{hole}]"));
        let several = area("region:talas", "MultiPolygon", &format!("[[{SQUARE}]]"));
        assert_eq!(told(&[polygon, several]), Vec::<String>::new());
    }

    #[test]
    fn rings_that_are_open_reversed_empty_or_off_the_earth_are_told() {
        assert!(one("[[[70,40],[71,40],[71,41],[70,41]]]").ends_with("repeat its first position at its end"));
        assert!(one("[[[70,40],[71,41],[71,40],[70,40]]]").ends_with("must run counter-clockwise"));
        assert!(one(&format!("[{SQUARE},{SQUARE}]")).ends_with("ring 2: is a hole and must run clockwise"));
        assert!(one("[[[70,40],[71,40],[72,40],[70,40]]]").ends_with("encloses nothing"));
        assert!(one("[[[70,40],[71,40],[70,40]]]").ends_with("fewer than four positions"));
        assert!(one("[[[70,40],[271,40],[71,41],[70,40]]]").contains("longitude from -180 to 180"));
        assert!(one("[[[70,40],[71],[71,41],[70,40]]]").contains("longitude from -180 to 180"));
        assert!(one("[3]").ends_with("must be a list of positions"));
        assert!(one("[]").ends_with("must be a list of rings"));
    }

    #[test]
    fn ids_that_are_missing_unknown_or_twice_are_told() {
        let good = format!("[{SQUARE}]");
        let told = told(&[
            area("region:osh", "Polygon", &good),
            area("region:osh", "Polygon", &good),
            area("region:nowhere", "Polygon", &good),
            area("osh", "Polygon", &good),
            area("region:talas", "Point", "[70,40]"),
            r#"{"geometry":{"type":"MultiPolygon","coordinates":3}}"#.to_owned(),
        ]);
        let expected = [
            "feature 2 (region:osh): stands twice",
            "feature 3 (region:nowhere): is no unit that belongs in this layer",
            "feature 4 (osh): \"osh\" is not a unit",
            "feature 5 (region:talas): geometry must be",
            "feature 6: type must be Feature",
            "feature 6: property id is missing",
            "feature 6: coordinates must be a list of polygons",
        ];
        assert_eq!(told.len(), expected.len(), "{told:#?}");
        for (told, expected) in told.iter().zip(expected) {
            assert!(told.starts_with(&format!("regions.geojson: {expected}")), "{told}");
        }
    }

    #[test]
    fn what_is_no_feature_collection_or_too_large_is_told() {
        let check = |text: &str| check_boundaries("a", text.as_bytes(), &known()).join("\n");
        assert!(check("{").starts_with("a: file: not JSON"));
        assert_eq!(check("[]"), "a: type: must be FeatureCollection");
        assert_eq!(check(r#"{"type":"FeatureCollection"}"#), "a: features: must be a list");
        assert!(check(r#"{"type":"FeatureCollection","crs":{},"features":[]}"#).starts_with("a: crs: "));
        assert!(check(&"[".repeat(200)).contains("recursion limit"));
        assert!(check(&" ".repeat(MAX_LAYER_BYTES + 1)).starts_with("a: file: larger than"));
        let long = format!("[[{}]]", vec!["[70,40]"; MAX_POSITIONS + 1].join(","));
        assert!(one(&long).contains("more than 1000000 positions"));
    }

    #[test]
    fn a_layer_full_of_mistakes_is_told_within_bounds() {
        let told = told(&vec![area("x", "Point", "[]"); 1_000]);
        assert_eq!(told.len(), MAX_MISTAKES + 1);
        assert!(told.last().unwrap().ends_with("1950 more mistakes"));
    }
}
