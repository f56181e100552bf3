//! What is read under `/api/v1` (PROTOCOL §3).

pub(crate) mod fixed;

mod chosen;
pub(crate) mod corrected;
mod election;
pub(crate) mod export;
mod history;
mod lists;
pub(crate) mod past;
mod precinct;
mod precincts;
pub(crate) mod results;
pub(crate) mod seats;
mod shapes;
mod summary;

use actix_web::{
    Route,
    guard::{Any, Get, Head},
    web,
};

use crate::{live, problem::Problem, room};

/// A path below `/api/v1`, and who answers it.
type Resource = (&'static str, fn() -> Route);

/// Everything that the public reads. `openapi.json` describes each of these and the room's, and no other. Paths are tried in
/// this order, at some microseconds each: what crowds ask for stands first.
const READS: &[Resource] = &[
    ("/elections/{election}/results", || read().to(results::results)),
    ("/elections/{election}/precincts", || read().to(precincts::precincts)),
    ("/elections/{election}/live", || web::get().to(live::web_socket)),
    ("/elections/{election}/events", || web::get().to(live::events)),
    ("/elections", || read().to(election::elections)),
    ("/elections/{election}", || read().to(election::election)),
    ("/elections/{election}/places", || read().to(election::places)),
    ("/elections/{election}/boundaries/{layer}.geojson", || read().to(election::boundaries)),
    ("/elections/{election}/shapes/{layer}.json", || read().to(election::shapes)),
    ("/elections/{election}/summary", || read().to(summary::summary)),
    ("/elections/{election}/units/{unit}", || read().to(results::unit)),
    ("/elections/{election}/precincts/{precinct}", || read().to(precinct::precinct)),
    ("/elections/{election}/precincts/{precinct}/reports/{offset}.cose", || read().to(precinct::envelope)),
    ("/elections/{election}/precincts/{precinct}/documents/{digest}", || read().to(precinct::document)),
    ("/elections/{election}/seats", || read().to(seats::seats)),
    ("/elections/{election}/missing", || read().to(lists::missing)),
    ("/elections/{election}/quarantine", || read().to(lists::quarantine)),
    ("/elections/{election}/corrections", || read().to(lists::corrections)),
    ("/elections/{election}/history", || read().to(history::history)),
    ("/elections/{election}/moments", || read().to(past::moments)),
    ("/elections/{election}/export/results.csv", || read().to(export::results)),
    ("/elections/{election}/export/precincts.csv", || read().to(export::precincts)),
    ("/elections/{election}/export/results.geojson", || read().to(export::map)),
    ("/elections/{election}/export/cdf.json", || read().to(export::cdf)),
    ("/openapi.json", || read().to(election::openapi)),
    ("/healthz", || read().to(crate::health::healthz)),
    ("/readyz", || read().to(crate::health::readyz)),
];

/// What the situation room reads, with a token.
const ROOM_READS: &[Resource] = &[
    ("/room/devices", || read().to(room::devices::devices)),
    ("/room/devices/{device}", || read().to(room::devices::device)),
    ("/room/devices/{device}/history", || read().to(room::history::device)),
    ("/room/reports", || read().to(room::history::reports)),
    ("/room/precincts/{precinct}/documents/{digest}", || read().to(room::documents::original)),
    ("/room/protocols", || read().to(room::protocols::protocols)),
    ("/room/refusals", || read().to(room::devices::refusals)),
];

/// What the situation room does, with a token.
const ROOM_ACTS: &[Resource] = &[
    ("/room/decisions", || web::post().to(room::decide)),
    ("/room/clock", || web::post().to(room::confirm_clock)),
    ("/room/quarantine", || web::post().to(room::many::quarantine)),
    ("/room/units", || web::post().to(room::many::units)),
    ("/room/documents", || web::post().to(room::documents::add)),
    ("/room/commands", || web::post().to(room::devices::command)),
];

fn read() -> Route {
    web::route().guard(Any(Get()).or(Head()))
}

/// Registers every path; another method on one of them is a problem that says which is answered.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for (path, route) in READS.iter().chain(ROOM_READS) {
        let resource = web::resource(*path).route(route());
        config.service(resource.default_service(web::to(|| async { refuse("GET, HEAD, OPTIONS") })));
    }
    for (path, route) in ROOM_ACTS {
        let resource = web::resource(*path).route(route());
        config.service(resource.default_service(web::to(|| async { refuse("POST") })));
    }
}

fn refuse(allow: &'static str) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::method(allow))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_names_every_path_and_no_other() {
        let description: serde_json::Value = serde_json::from_str(fixed::OPENAPI).unwrap();
        let described: BTreeSet<&str> =
            description["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let answered = READS.iter().chain(ROOM_READS).chain(ROOM_ACTS);
        let answered: BTreeSet<&str> = answered.map(|(path, _)| *path).collect();
        assert_eq!(described, answered);
    }

    #[test]
    fn every_reference_of_the_description_holds() {
        let description: serde_json::Value = serde_json::from_str(fixed::OPENAPI).unwrap();
        let mut waiting = vec![&description];
        let mut seen = 0;
        while let Some(value) = waiting.pop() {
            match value {
                serde_json::Value::Object(members) => {
                    if let Some(reference) = members.get("$ref") {
                        let at = reference.as_str().unwrap().trim_start_matches('#');
                        assert!(description.pointer(at).is_some(), "{at}");
                        seen += 1;
                    }
                    waiting.extend(members.values());
                }
                serde_json::Value::Array(items) => waiting.extend(items),
                _ => {}
            }
        }
        assert!(seen > 20);
    }
}
