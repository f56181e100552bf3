//! The election itself: definition, places, geometry, and the description of this interface.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use election::UnitId;
use feed::{Body, rfc3339};
use history::Recorded;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::{
        fixed::{Tagged, tag},
        past::Whose,
    },
    problem::Problem,
    query::Query,
    state::App,
};

type Result = std::result::Result<HttpResponse, Problem>;

fn fixed((body, tag): &Tagged) -> Answer {
    Answer::json(Arc::clone(body), tag.clone(), Keep::Revalidate)
}

/// `GET /elections`
pub(crate) async fn elections(request: HttpRequest, app: web::Data<App>) -> Result {
    let about = app.definition().about();
    let latest = app.latest();
    let country = app.feed.figures(&UnitId::Country).map(|(figures, _)| figures).unwrap_or_default();
    let running = json!({
        "id": about.id, "name": about.name, "date": about.date, "kind": about.kind, "test": about.test,
        "status": latest.version().status().as_str(), "precincts": app.definition().precincts().len(),
        "registered": app.definition().registered(), "reported": country.reported(),
        "turnout": {
            "identified": country.turnout.identified, "registered": country.turnout.registered,
        },
        "archived": false,
    });
    let archived = app.archive.list(&app.past).await;
    let archived = archived.iter().filter(|of| of.election.id != about.id.as_str()).map(listed);
    let list: Value = [running].into_iter().chain(archived).collect();
    Answer::fresh(Arc::new(Body::new(list.to_string()))).to(&request).await
}

/// An archived election in the list.
fn listed(of: &Recorded) -> Value {
    let Recorded { election: of, last } = of;
    let last = last.as_ref();
    json!({
        "id": of.id, "name": serde_json::from_str::<Value>(&of.name).unwrap_or_default(), "date": of.date,
        "kind": of.kind, "test": of.test, "status": last.map(|last| last.status.as_str()),
        "precincts": of.precincts, "registered": of.registered, "reported": last.map(|last| last.reported),
        "turnout": last.map(|last| json!({
            "identified": last.identified, "registered": last.turnout_registered,
        })),
        "archived": true, "sealed_at": of.sealed_at.map(rfc3339),
    })
}

/// `GET /elections/{e}`
pub(crate) async fn election(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    if let Whose::Archived(election) = app.whose(&of)? {
        let unknown =
            || Problem::not_found(format!("there is no election {election} here, nor in the archive"));
        let body = app.past.definition(&election).await?.ok_or_else(unknown)?;
        let tag = tag(&body);
        return Answer::json(Arc::new(Body::new(body)), tag, Keep::Revalidate).to(&request).await;
    }
    let query = Query::of(&request)?;
    let either = [("true", true), ("false", false)];
    let (keys, candidates) = (query.one_of("keys", &either)?, query.one_of("candidates", &either)?);
    if keys {
        let shared = app.clone();
        // Ten thousand devices are written anew after a decision: away from the threads that serve.
        let made = web::block(move || shared.fixed.with_keys(shared.definition(), &*shared.inquiry)).await;
        return fixed(&made.map_err(|_| Problem::unavailable("the server is busy; try again"))?)
            .to(&request)
            .await;
    }
    let definition = if candidates { &app.fixed.without_keys } else { &app.fixed.without_candidates };
    fixed(definition).to(&request).await
}

/// `GET /elections/{e}/places`
pub(crate) async fn places(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    fixed(app.fixed.places(app.definition())).to(&request).await
}

/// `GET /elections/{e}/boundaries/{layer}.geojson`
pub(crate) async fn boundaries(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> Result {
    let (election, layer) = of.into_inner();
    app.election(&election)?;
    let tagged = app.fixed.layers.get(&layer).ok_or_else(|| {
        let layers: Vec<&str> = app.fixed.layers.keys().map(String::as_str).collect();
        Problem::not_found(format!("there is no such layer; there are {}", layers.join(", ")))
    })?;
    Answer { content_type: "application/geo+json", ..fixed(tagged) }.to(&request).await
}

/// `GET /elections/{e}/shapes/{layer}.json`
pub(crate) async fn shapes(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> Result {
    let (election, layer) = of.into_inner();
    app.election(&election)?;
    // Precincts are too many for a small map.
    if !["regions", "raions", "districts"].contains(&layer.as_str()) {
        return Err(Problem::not_found("there are outlines of regions, raions and districts"));
    }
    let shared = app.clone();
    let asked = layer.clone();
    let made = web::block(move || shared.fixed.shapes(&asked)).await;
    let made = made.map_err(|_| Problem::unavailable("the server is busy; try again"))?;
    let made =
        made.ok_or_else(|| Problem::not_found(format!("this election has no boundaries of {layer}")))?;
    fixed(&made).to(&request).await
}

/// `GET /openapi.json`
pub(crate) async fn openapi(request: HttpRequest, app: web::Data<App>) -> Result {
    fixed(&app.fixed.openapi).to(&request).await
}
