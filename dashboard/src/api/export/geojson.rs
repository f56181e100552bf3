//! GeoJSON (RFC 7946): the boundaries of a layer, with each unit's figures as its properties.

use std::collections::HashMap;

use election::{Definition, UnitId};
use serde_json::{Map, Value, json};

use super::published::Unreadable;

/// The features of a layer that are units of the snapshot.
pub(super) fn write(body: &[u8], geometry: &[u8], definition: &Definition) -> Result<Vec<u8>, Unreadable> {
    let mut snapshot: Map<String, Value> = serde_json::from_slice(body)?;
    let mut layer: Value = serde_json::from_slice(geometry)?;
    let units = snapshot.remove("units");
    let units = units.as_ref().and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let units: HashMap<&str, &Value> =
        units.iter().filter_map(|unit| Some((unit["id"].as_str()?, unit))).collect();
    let features = layer["features"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let features: Vec<Value> = features
        .into_iter()
        .filter_map(|mut feature| {
            let id = feature["properties"]["id"].as_str()?.to_owned();
            let mut properties = (*units.get(id.as_str())?).clone();
            let unit = id.parse::<UnitId>().ok();
            properties["name"] = json!(unit.and_then(|id| definition.units().get(&id)?.name.clone()));
            Some(json!({"type": "Feature", "id": id, "geometry": feature["geometry"].take(),
                "properties": properties}))
        })
        .collect();
    // What the feed says of itself, and under which terms (RFC 7946 §6.1: foreign members).
    snapshot.insert("data_licence".into(), json!(definition.about().data_licence));
    snapshot.insert("type".into(), json!("FeatureCollection"));
    snapshot.insert("features".into(), features.into());
    Ok(serde_json::to_vec(&snapshot)?)
}
