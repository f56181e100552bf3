//! What does not change during an election, made once at the start.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use election::{
    Count, Definition, PrecinctId, UnitId,
    definition::{
        Contest, ContestOption, Counting, Device, DeviceKind, DeviceStatus, PlaceName, Precinct, Threshold,
    },
    seats::SeatRules,
};
use feed::{Body, rfc3339};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    api::shapes,
    port::{Inquiry, Registered},
    state::Layers,
};

/// The description of this interface.
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

/// A body and its tag.
pub(crate) type Tagged = (Arc<Body>, String);

/// Bodies that never change.
pub(crate) struct Fixed {
    /// The definition without the devices.
    pub without_keys: Tagged,
    /// The definition without the devices, and without the candidates on lists.
    pub without_candidates: Tagged,
    description: Value,
    /// The definition with every device as decisions have left it, and after how many of them.
    register: Mutex<Option<(u64, Tagged)>>,
    /// Every precinct's place, from the first time that somebody asks.
    places: OnceLock<Tagged>,
    /// Active urns and terminals of each precinct.
    devices: HashMap<PrecinctId, (u32, u32)>,
    /// Geometry by layer.
    pub layers: Layers,
    /// Outlines by layer, each made when it is first asked for.
    shapes: Mutex<BTreeMap<String, Option<Tagged>>>,
    /// The description of this interface.
    pub openapi: Tagged,
}

impl Fixed {
    pub(crate) fn new(
        definition: &Definition,
        centre_keys: &[(String, [u8; 32])],
        boundaries: BTreeMap<String, Vec<u8>>,
    ) -> Self {
        let description = describe(definition, centre_keys);
        let without_keys = tagged(description.to_string());
        let mut ballots = description.clone();
        for contest in ballots["contests"].as_array_mut().into_iter().flatten() {
            without_candidates(contest);
        }
        let without_candidates = tagged(ballots.to_string());
        Self {
            description,
            without_keys,
            without_candidates,
            register: Mutex::default(),
            places: OnceLock::new(),
            devices: devices(definition),
            layers: boundaries.into_iter().map(|(layer, bytes)| (layer, tagged(bytes))).collect(),
            shapes: Mutex::default(),
            openapi: tagged(OPENAPI),
        }
    }

    /// Every precinct's place.
    pub(crate) fn places(&self, definition: &Definition) -> &Tagged {
        self.places.get_or_init(|| {
            let mut all = Vec::new();
            let ids = definition.precincts().keys();
            write_list(&mut all, ids.filter_map(|id| self.place(definition, *id)));
            tagged(all)
        })
    }

    /// A precinct's place, with its active devices.
    pub(crate) fn place<'a>(&self, definition: &'a Definition, id: PrecinctId) -> Option<Place<'a>> {
        let precinct = definition.precincts().get(&id)?;
        Some(Place::of(definition, precinct, self.devices.get(&id).copied().unwrap_or_default()))
    }

    /// Outlines of a layer; `None` where it has no areas.
    pub(crate) fn shapes(&self, layer: &str) -> Option<Tagged> {
        let (areas, _) = self.layers.get(layer)?;
        let mut made = self.shapes.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || {
            let lakes = self.layers.get("lakes").map(|(body, _)| body.plain().as_ref());
            shapes::shapes(areas.plain(), lakes).map(|shapes| tagged(shapes.to_string()))
        };
        made.entry(layer.to_owned()).or_insert_with(make).clone()
    }

    /// What the definition says of the election as a whole.
    pub(crate) fn about(&self) -> Value {
        let names = [
            "id",
            "name",
            "date",
            "timezone",
            "polls_open",
            "polls_close",
            "publish_votes_from",
            "kind",
            "test",
            "data_licence",
        ];
        names.into_iter().map(|name| (name, self.description[name].clone())).collect()
    }

    /// A contest of the definition without the candidates on its lists.
    pub(crate) fn ballot(&self, at: usize) -> Option<Value> {
        let mut contest = self.description["contests"].get(at)?.clone();
        without_candidates(&mut contest);
        Some(contest)
    }

    /// Units above precincts as they stand in the definition.
    pub(crate) fn units(&self, of: &[UnitId]) -> Vec<Value> {
        let wanted: Vec<String> = of.iter().map(UnitId::to_string).collect();
        let all = self.description["units"].as_array().into_iter().flatten();
        all.filter(|unit| wanted.iter().any(|id| unit["id"] == *id)).cloned().collect()
    }

    /// The definition with every device as it is registered now.
    pub(crate) fn with_keys(&self, definition: &Definition, inquiry: &dyn Inquiry) -> Tagged {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = inquiry.register_changes();
        if let Some((_, made)) = register.as_ref().filter(|(after, _)| *after == changes) {
            return made.clone();
        }
        let mut text = self.description.to_string().into_bytes();
        text.truncate(text.len() - 1); // its last brace: the devices come before it
        text.extend(b",\"devices\":");
        let devices = definition.devices().values();
        write_list(&mut text, devices.map(|of| device(of, inquiry.registered(&of.id))));
        text.push(b'}');
        let made = tagged(text);
        *register = Some((changes, made.clone()));
        made
    }
}

/// Writes a list in JSON one by one: of a million the values together would take many times the room of the text.
fn write_list<T: Serialize>(text: &mut Vec<u8>, values: impl Iterator<Item = T>) {
    text.push(b'[');
    for (nth, value) in values.enumerate() {
        if nth > 0 {
            text.push(b',');
        }
        // Texts and numbers into memory: nothing in this can fail.
        let _ = serde_json::to_writer(&mut *text, &value);
    }
    text.push(b']');
}

fn without_candidates(contest: &mut Value) {
    for option in contest["options"].as_array_mut().into_iter().flatten() {
        if let Some(option) = option.as_object_mut() {
            option.remove("candidates");
        }
    }
}

fn tagged(bytes: impl Into<bytes::Bytes>) -> Tagged {
    let bytes = bytes.into();
    let tag = tag(&bytes);
    (Arc::new(Body::new(bytes)), tag)
}

/// A tag of some bytes: half of their SHA-256 is plenty.
pub(crate) fn tag(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The definition of an election as `GET /elections/{e}` answers it, without the devices.
pub fn description(definition: &Definition, centre_keys: &[(String, [u8; 32])]) -> String {
    describe(definition, centre_keys).to_string()
}

fn describe(definition: &Definition, centre_keys: &[(String, [u8; 32])]) -> Value {
    let about = definition.about();
    let by_hand = by_hand(definition);
    let units: Vec<Value> = definition
        .units()
        .values()
        .map(|unit| {
            json!({"id": unit.id.to_string(), "kind": unit.id.kind(),
                "parent": unit.parent.as_ref().map(UnitId::to_string), "name": unit.name,
                "by_hand": by_hand.get(&unit.id).copied().unwrap_or(0)})
        })
        .collect();
    let keys: Vec<Value> =
        centre_keys.iter().map(|(kid, key)| json!({"kid": kid, "public_key": hex(key)})).collect();
    json!({
        "id": about.id, "name": about.name, "date": about.date, "timezone": about.timezone,
        "polls_open": rfc3339(about.polls_open), "polls_close": rfc3339(about.polls_close),
        "publish_votes_from": rfc3339(about.publish_votes_from), "kind": about.kind, "test": about.test,
        "data_licence": about.data_licence, "age_bands": about.age_bands,
        "precincts": definition.precincts().len(), "registered": definition.registered(),
        "definition": definition.digest().to_string(),
        "contests": definition.contests().iter().map(contest).collect::<Vec<_>>(),
        "units": units, "centre_keys": keys,
    })
}

/// How many precincts of each unit have no urns: they report by protocol only.
fn by_hand(definition: &Definition) -> BTreeMap<UnitId, u32> {
    let mut by_hand = BTreeMap::new();
    for precinct in definition.precincts().values().filter(|of| of.counting == Counting::Manual) {
        for unit in definition.path(precinct) {
            *by_hand.entry(unit).or_default() += 1;
        }
    }
    by_hand
}

fn contest(contest: &Contest) -> Value {
    let scope = if contest.unit == UnitId::Country { "country" } else { "district" };
    let Threshold { national, regional, turnout } = contest.threshold;
    let mut threshold = (national.is_some() || regional.is_some() || turnout.is_some())
        .then(|| json!({"national": national.map(percent), "regional": regional.map(percent)}));
    if let (Some(threshold), Some(turnout)) = (&mut threshold, turnout) {
        threshold["turnout"] = percent(turnout).into();
    }
    let rules = SeatRules { against_all: Some(contest.against_all()), ..contest.rules };
    json!({
        "id": contest.id, "of": contest.of, "kind": contest.kind, "scope": scope,
        "unit": contest.unit.to_string(), "name": contest.name, "seats": contest.seats,
        "method": contest.method, "threshold": threshold, "share_of": contest.share_of,
        "withdrawn_votes": contest.rules.withdrawn_votes,
        "seat_cap": contest.seat_cap, "rules": rules,
        "options": contest.options.iter().map(option).collect::<Vec<_>>(),
    })
}

fn option(option: &ContestOption) -> Value {
    let candidates: Vec<Value> = option
        .candidates
        .iter()
        .map(|of| json!({"number": of.number, "name": of.name, "sex": of.sex, "status": of.status}))
        .collect();
    let mut value = json!({
        "id": option.id, "number": option.number, "kind": option.kind, "name": option.name,
        "color": option.color, "sex": option.sex, "party": option.party, "status": option.status,
    });
    if !candidates.is_empty() {
        value["candidates"] = candidates.into();
    }
    value
}

fn device(device: &Device, now: Option<Registered>) -> Value {
    let (key, status) = (device.public_key, device.status);
    let now = now.unwrap_or(Registered { status, public_key: key, superseded: Vec::new() });
    let mut value = json!({
        "id": device.id, "kind": device.kind, "precinct": device.precinct,
        "public_key": now.public_key.map(|key| hex(&key)), "status": now.status,
    });
    if !now.superseded.is_empty() {
        value["superseded_keys"] = now.superseded.iter().map(|key| hex(key)).collect();
    }
    value
}

/// Active urns and terminals of each precinct.
fn devices(definition: &Definition) -> HashMap<PrecinctId, (u32, u32)> {
    let mut devices: HashMap<PrecinctId, (u32, u32)> = HashMap::new();
    for device in definition.devices().values().filter(|of| of.status == DeviceStatus::Active) {
        if let Some(at) = device.precinct {
            let (urns, terminals) = devices.entry(at).or_default();
            match device.kind {
                DeviceKind::Urn => *urns += 1,
                DeviceKind::IdTerminal => *terminals += 1,
            }
        }
    }
    devices
}

/// A precinct's place, as `GET /elections/{e}/places` has it.
#[derive(Serialize)]
pub(crate) struct Place<'a> {
    address: &'a str,
    count: Counting,
    districts: Vec<String>,
    lat: Option<f64>,
    lon: Option<f64>,
    name: &'a PlaceName,
    parent: String,
    polls_close: String,
    precinct: PrecinctId,
    registered: Count,
    terminals: u32,
    urns: u32,
}

impl<'a> Place<'a> {
    fn of(definition: &Definition, precinct: &'a Precinct, (urns, terminals): (u32, u32)) -> Self {
        let path = definition.path(precinct);
        let districts = path.iter().filter(|unit| matches!(unit, UnitId::District(_)));
        Self {
            address: &precinct.address,
            count: precinct.counting,
            districts: districts.map(UnitId::to_string).collect(),
            lat: precinct.position.map(|at| at.1),
            lon: precinct.position.map(|at| at.0),
            name: &precinct.name,
            parent: precinct.parent.to_string(),
            polls_close: rfc3339(precinct.polls_close),
            precinct: precinct.id,
            registered: precinct.registered,
            terminals,
            urns,
        }
    }
}

/// Hundredths of a percent as a decimal string of percent: 50 is `0.5`.
fn percent(hundredths: u32) -> String {
    let (whole, rest) = (hundredths / 100, hundredths % 100);
    match (rest, rest % 10) {
        (0, _) => whole.to_string(),
        (_, 0) => format!("{whole}.{}", rest / 10),
        _ => format!("{whole}.{rest:02}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_a_decimal_string() {
        assert_eq!([500, 50, 705, 1000, 0].map(percent), ["5", "0.5", "7.05", "10", "0"]);
    }
}
