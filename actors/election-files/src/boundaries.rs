//! The GeoJSON layers: whether each shape is that of a unit which exists. Their geometry is not judged here.

use std::collections::{BTreeMap, BTreeSet};

use election::{Definition, UnitId};
use serde::Deserialize;

use crate::{
    mistakes::{Ledger, quoted},
    table::text,
};

/// A layer, its file, and the `kind` of its units.
pub(crate) const LAYERS: [(&str, &str, &str); 4] = [
    ("regions", "boundaries/regions.geojson", "region"),
    ("raions", "boundaries/raions.geojson", "raion"),
    ("districts", "boundaries/districts.geojson", "district"),
    ("precincts", "boundaries/precincts.geojson", "precinct"),
];

#[derive(Deserialize)]
struct Collection {
    #[serde(rename = "type")]
    kind: String,
    features: Vec<Feature>,
}

#[derive(Deserialize)]
struct Feature {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    id: String,
}

/// Checks every layer that is given against the definition.
pub(crate) fn check(ledger: &Ledger, files: &BTreeMap<String, Vec<u8>>, definition: &Definition) {
    for (_, file, kind) in LAYERS {
        let expected = expected(definition, kind);
        match files.get(file) {
            Some(bytes) => check_layer(ledger, file, bytes, kind, &expected),
            None if expected.is_empty() => {}
            None => ledger.warn(file, 1, "", format!("the file is missing: the map cannot show each {kind}")),
        }
    }
}

/// The units that a layer should have a shape for. Precincts abroad have none.
fn expected(definition: &Definition, kind: &str) -> BTreeSet<UnitId> {
    if kind == "precinct" {
        let at_home = definition.precincts().values().filter(|precinct| precinct.parent != UnitId::Abroad);
        return at_home.map(|precinct| UnitId::Precinct(precinct.id)).collect();
    }
    definition.units().keys().filter(|id| id.kind() == kind).cloned().collect()
}

fn check_layer(ledger: &Ledger, file: &str, bytes: &[u8], kind: &str, expected: &BTreeSet<UnitId>) {
    let Some(text) = text(ledger, bytes, file) else { return };
    let collection: Collection = match serde_json::from_str(text) {
        Ok(collection) => collection,
        Err(error) => {
            let what = format!("this is not GeoJSON whose features have a property id: {error}");
            return ledger.tell(file, error.line().max(1) as u64, "", what);
        }
    };
    if collection.kind != "FeatureCollection" {
        ledger.tell(file, 1, "type", format!("{} is not FeatureCollection", quoted(&collection.kind)));
    }
    let mut shown = BTreeSet::new();
    for Feature { properties: Properties { id } } in collection.features {
        let unit = id.parse::<UnitId>().ok();
        match unit.filter(|unit| expected.contains(unit)) {
            None => {
                let what = format!("{} is not a {kind} of this election", quoted(&id));
                ledger.tell(file, line_of(text, &id), "id", what);
            }
            Some(unit) => {
                if !shown.insert(unit) {
                    ledger.tell(file, line_of(text, &id), "id", format!("{id} stands here twice"));
                }
            }
        }
    }
    warn_of_missing(ledger, file, kind, expected.difference(&shown));
}

fn warn_of_missing<'u>(
    ledger: &Ledger,
    file: &str,
    kind: &str,
    mut missing: impl Iterator<Item = &'u UnitId>,
) {
    if let Some(first) = missing.next() {
        let more = missing.count();
        let what = format!("there is no shape for {first} and {more} more: the map cannot show each {kind}");
        ledger.warn(file, 1, "", what);
    }
}

/// The line in which an id is written: of a shape that stands twice, the last one.
fn line_of(text: &str, id: &str) -> u64 {
    let at = text.rfind(&format!("\"{id}\"")).unwrap_or(0);
    text.get(..at).unwrap_or_default().bytes().map(|byte| u64::from(byte == b'\n')).sum::<u64>() + 1
}
