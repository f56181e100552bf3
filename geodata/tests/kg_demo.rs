//! The committed files of the demonstration election, judged from outside.

#![allow(clippy::unwrap_used, reason = "a test may: its helpers stand outside of test functions")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::PathBuf,
};

use election::UnitId;
use geo::{Area, BoundingRect, Contains, Intersects, Validation};
use geojson::FeatureCollection;

type Row = BTreeMap<String, String>;
type Position = (i64, i64);
type Edge = (Position, Position);

const LAYERS: [&str; 4] = ["regions", "raions", "districts", "precincts"];

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops/elections/kg-demo")
}

fn table(name: &str) -> Vec<Row> {
    csv::Reader::from_path(directory().join(name)).unwrap().into_deserialize().map(Result::unwrap).collect()
}

fn number(row: &Row, column: &str) -> u64 {
    row[column].parse().unwrap()
}

fn bytes(layer: &str) -> Vec<u8> {
    fs::read(directory().join(format!("boundaries/{layer}.geojson"))).unwrap()
}

/// Areas by id: the polygons of a layer in degrees.
fn areas(layer: &str) -> BTreeMap<String, geo::MultiPolygon<f64>> {
    let collection: FeatureCollection = String::from_utf8(bytes(layer)).unwrap().parse().unwrap();
    collection
        .features
        .into_iter()
        .map(|feature| {
            let id = feature.property("id").unwrap().as_str().unwrap().to_owned();
            let geometry: geo::Geometry<f64> = feature.geometry.unwrap().try_into().unwrap();
            let polygons = match geometry {
                geo::Geometry::Polygon(polygon) => polygon.into(),
                geo::Geometry::MultiPolygon(polygons) => polygons,
                other => panic!("{id}: {other:?}"),
            };
            (id, polygons)
        })
        .collect()
}

fn rings(polygons: &geo::MultiPolygon<f64>) -> impl Iterator<Item = Vec<Position>> {
    let steps = |degrees: f64| (degrees * 100_000.0).round() as i64;
    polygons
        .iter()
        .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()))
        .map(move |ring| ring.coords().map(|position| (steps(position.x), steps(position.y))).collect())
}

fn edges(polygons: &geo::MultiPolygon<f64>) -> Vec<Edge> {
    let ends = |ring: Vec<Position>| ring.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>();
    rings(polygons).flat_map(ends).collect()
}

/// Twice the area in square steps: exact.
fn exact_area(polygons: &geo::MultiPolygon<f64>) -> i64 {
    edges(polygons).iter().map(|((ax, ay), (bx, by))| ax * by - bx * ay).sum()
}

/// What is left of the edges of several areas when those shared by two of them cancel out.
fn outline<'a>(parts: impl Iterator<Item = &'a geo::MultiPolygon<f64>>) -> BTreeSet<Edge> {
    let mut left = BTreeSet::new();
    for (a, b) in parts.flat_map(edges) {
        if !left.remove(&(b, a)) {
            assert!(left.insert((a, b)), "{a:?} to {b:?} bounds two areas on the same side");
        }
    }
    left
}

/// The precinct areas that each unit of a layer consists of.
fn members(layer: &str) -> BTreeMap<String, Vec<String>> {
    let raions: BTreeMap<String, String> =
        table("units.csv").into_iter().map(|row| (row["id"].clone(), row["parent"].clone())).collect();
    let districts: BTreeMap<String, String> = table("precinct_contests.csv")
        .into_iter()
        .filter_map(|row| Some((row["precinct"].clone(), row["contest"].strip_prefix("single:")?.to_owned())))
        .collect();
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in table("precincts.csv").iter().filter(|row| row["abroad"] == "false") {
        let unit = match layer {
            "raions" => row["raion"].clone(),
            "regions" => raions[&row["raion"]].clone(),
            _ => format!("district:{}", districts[&row["precinct"]]),
        };
        members.entry(unit).or_default().push(format!("precinct:{}", row["precinct"]));
    }
    members
}

#[test]
fn the_committed_files_are_what_is_derived_now() {
    let derived = geodata::derive_demo().unwrap();
    assert_eq!(derived.len(), 11);
    for (name, content) in &derived {
        let committed = fs::read(directory().join(name)).unwrap();
        assert!(committed == *content, "{name} differs: run derive-demo and commit what it writes");
    }
    assert!(geodata::derive_demo().unwrap() == derived);
}

#[test]
fn the_committed_files_of_the_variants_are_what_is_derived_now() {
    for (name, variant) in geodata::Variant::ALL {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops/elections").join(name);
        for (file, content) in geodata::derive_variant(variant).unwrap() {
            let committed = fs::read(directory.join(file)).unwrap();
            assert!(committed == content, "{name}/{file} differs: run derive-demo and commit what it writes");
        }
    }
}

#[test]
fn voters_and_precincts_sum_to_the_country_s() {
    let precincts = table("precincts.csv");
    let (home, abroad): (Vec<&Row>, Vec<&Row>) = precincts.iter().partition(|row| row["abroad"] == "false");
    assert_eq!((home.len(), abroad.len()), (2_400, 59));
    assert_eq!(precincts.iter().map(|row| number(row, "registered")).sum::<u64>(), 4_294_243);
    assert!(precincts.iter().all(|row| (20..=2_650).contains(&number(row, "registered"))));
    let numbers: BTreeSet<&str> = precincts.iter().map(|row| row["precinct"].as_str()).collect();
    assert_eq!(numbers.len(), 2_459);
    assert!(numbers.iter().all(|number| number.len() == 4));
    assert!(abroad.iter().all(|row| !row["timezone"].is_empty() && !row["polls_close"].is_empty()));
}

#[test]
fn polls_close_abroad_before_they_close_at_home_or_with_it() {
    let moment = |clock: &str, zone: &str| {
        format!("2026-10-04T{clock}[{zone}]").parse::<jiff::Zoned>().unwrap().timestamp()
    };
    let home = moment("20:00", "Asia/Bishkek");
    let mut earlier = 0;
    for row in table("precincts.csv").iter().filter(|row| row["abroad"] == "true") {
        let close = moment(&row["polls_close"], &row["timezone"]);
        assert!(close <= home && close > moment("08:00", &row["timezone"]), "precinct {}", row["precinct"]);
        earlier += usize::from(close < home);
    }
    assert!(earlier >= 10, "{earlier} precincts close earlier, so that there is something to hold back");
}

#[test]
fn there_are_about_as_many_devices_as_in_the_country() {
    let devices = table("devices.csv");
    let count = |kind: &str, status: &str| {
        devices.iter().filter(|row| row["kind"] == kind && row["status"] == status).count()
    };
    assert!((2_900..=3_100).contains(&count("urn", "active")), "{}", count("urn", "active"));
    assert!((6_800..=7_200).contains(&count("id_terminal", "active")), "{}", count("id_terminal", "active"));
    assert_eq!(count("urn", "spare"), 18);
    let mut urns: BTreeMap<&str, usize> = BTreeMap::new();
    for row in devices.iter().filter(|row| row["kind"] == "urn" && row["status"] == "active") {
        *urns.entry(&row["precinct"]).or_default() += 1;
    }
    let precincts = table("precincts.csv");
    assert_eq!(precincts.iter().filter(|row| row["count"] == "manual").count(), 12);
    for row in &precincts {
        let urns = urns.get(row["precinct"].as_str()).copied().unwrap_or(0);
        assert_eq!(urns == 0, row["count"] == "manual", "precinct {}", row["precinct"]);
        assert!(urns <= 3);
    }
}

#[test]
fn every_list_and_every_district_has_its_candidates() {
    let options = table("options.csv");
    assert_eq!(options.iter().filter(|row| row["kind"] == "party").count(), 21);
    for district in 1..=36 {
        let of: Vec<&Row> =
            options.iter().filter(|row| row["contest"] == format!("single:{district}")).collect();
        assert!((5..=13).contains(&of.len()));
        assert_eq!(of.iter().filter(|row| row["kind"] == "against_all").count(), 1);
    }
    let listed = table("list_candidates.csv");
    let women = listed.iter().filter(|row| row["sex"] == "f").count();
    assert!(women * 100 >= listed.len() * 30);
    let people: BTreeSet<&String> = listed
        .iter()
        .chain(options.iter().filter(|row| row["kind"] == "candidate"))
        .map(|row| &row["name_ky"])
        .collect();
    assert_eq!(people.len(), listed.len() + options.iter().filter(|row| row["kind"] == "candidate").count());
    let colors: BTreeSet<&String> =
        options.iter().filter(|row| row["contest"] == "list").map(|row| &row["color"]).collect();
    assert_eq!(colors.len(), 22);
}

#[test]
fn precinct_areas_tile_every_larger_area_edge_by_edge() {
    let precincts = areas("precincts");
    assert_eq!(precincts.len(), 2_400);
    for (layer, count) in [("raions", 45), ("regions", 9), ("districts", 36)] {
        let (units, members) = (areas(layer), members(layer));
        assert_eq!(units.len(), count);
        for (id, area) in &units {
            let parts = || members[id].iter().map(|precinct| &precincts[precinct]);
            // All inner edges cancel out, once in each direction; what is left is the outline itself.
            assert_eq!(outline(parts()), edges(area).into_iter().collect::<BTreeSet<_>>(), "{id}");
            assert_eq!(parts().map(exact_area).sum::<i64>(), exact_area(area), "{id}");
            let (sum, whole) = (parts().map(Area::unsigned_area).sum::<f64>(), area.unsigned_area());
            assert!((sum / whole - 1.0).abs() < 1e-9, "{id}");
        }
    }
    let country = outline(areas("regions").values());
    assert_eq!(outline(precincts.values()), country);
}

#[test]
fn every_area_is_valid_and_its_rings_are_wound_as_rfc_7946_says() {
    for layer in LAYERS {
        for (id, polygons) in areas(layer) {
            assert!(polygons.is_valid(), "{id}: {:?}", polygons.validation_errors());
            for polygon in &polygons {
                let wound =
                    |ring: &geo::LineString<f64>| geo::Polygon::new(ring.clone(), vec![]).signed_area();
                assert!(wound(polygon.exterior()) > 0.0, "{id}");
                assert!(polygon.interiors().iter().all(|hole| wound(hole) < 0.0), "{id}");
            }
        }
    }
}

#[test]
fn areas_have_one_part_each() {
    for layer in LAYERS {
        for (id, polygons) in areas(layer) {
            assert_eq!(polygons.0.len(), 1, "{id}");
        }
    }
}

#[test]
fn no_two_raions_overlap() {
    let raions: Vec<_> = areas("raions").into_iter().collect();
    for (index, (id, area)) in raions.iter().enumerate() {
        for (other_id, other) in &raions[index + 1..] {
            let boxes = [area, other].map(|area| area.bounding_rect().unwrap());
            if boxes[0].intersects(&boxes[1]) {
                let inside = |place: &geo::Point<f64>| area.contains(place);
                let nodes = other.iter().flat_map(|polygon| polygon.exterior().points().collect::<Vec<_>>());
                assert_eq!(nodes.filter(inside).count(), 0, "{id} and {other_id}");
            }
        }
    }
}

#[test]
fn every_polling_place_lies_in_its_own_area() {
    let precincts = areas("precincts");
    for row in table("precincts.csv").iter().filter(|row| row["abroad"] == "false") {
        let place = geo::Point::new(row["longitude"].parse().unwrap(), row["latitude"].parse().unwrap());
        let around: Vec<&String> =
            precincts.iter().filter(|(_, area)| area.contains(&place)).map(|(id, _)| id).collect();
        assert_eq!(around, [&format!("precinct:{}", row["precinct"])]);
    }
}

#[test]
fn districts_are_contiguous_over_shared_edges_and_stay_inside_regions() {
    let precincts = areas("precincts");
    let region_of: BTreeMap<String, String> = members("regions")
        .into_iter()
        .flat_map(|(region, precincts)| precincts.into_iter().map(move |precinct| (precinct, region.clone())))
        .collect();
    for (district, parts) in members("districts") {
        let owner: BTreeMap<Edge, &String> = parts
            .iter()
            .flat_map(|id| edges(&precincts[id]).into_iter().map(move |edge| (edge, id)))
            .collect();
        let mut reached = BTreeSet::from([&parts[0]]);
        let mut open = vec![&parts[0]];
        while let Some(id) = open.pop() {
            for (a, b) in edges(&precincts[id]) {
                if let Some(other) = owner.get(&(b, a))
                    && reached.insert(*other)
                {
                    open.push(other);
                }
            }
        }
        assert_eq!(reached.len(), parts.len(), "{district} is not in one piece");
        assert!(parts.iter().all(|id| region_of[id] == region_of[&parts[0]]), "{district}");
    }
}

#[test]
fn voters_of_districts_are_near_the_mean() {
    let registered: BTreeMap<String, u64> = table("precincts.csv")
        .iter()
        .map(|row| (format!("precinct:{}", row["precinct"]), number(row, "registered")))
        .collect();
    let members = members("districts");
    let voters = |parts: &Vec<String>| parts.iter().map(|id| registered[id]).sum::<u64>();
    let mean = members.values().map(voters).sum::<u64>() as f64 / 36.0;
    let osh_city: BTreeSet<&String> = members
        .iter()
        .filter(|(_, parts)| {
            parts.iter().all(|id| id.starts_with("precinct:55") || id.starts_with("precinct:56"))
        })
        .map(|(id, _)| id)
        .collect();
    assert_eq!(osh_city.len(), 2);
    for (id, parts) in &members {
        let limit = if osh_city.contains(id) { 0.3 } else { 0.2 };
        assert!((voters(parts) as f64 / mean - 1.0).abs() <= limit, "{id}: {}", voters(parts));
    }
}

#[test]
fn boundaries_pass_the_checks_an_office_s_own_would_have_to() {
    for layer in LAYERS {
        let known: BTreeSet<UnitId> = areas(layer).keys().map(|id| id.parse().unwrap()).collect();
        let told = geodata::check_boundaries(layer, &bytes(layer), &known);
        assert_eq!(told, Vec::<String>::new());
    }
}

#[test]
fn the_browser_loads_less_than_400_kb_of_boundaries() {
    let compressed = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().len()
    };
    let own: usize = LAYERS.map(|layer| compressed(&bytes(layer))).iter().sum();
    let base = ["lakes", "neighbours", "settlements"].map(|name| geodata::base_layer(name).unwrap());
    let base: usize = base.map(compressed).iter().sum();
    assert!(own + base < 400_000, "{own} + {base} bytes");
}
