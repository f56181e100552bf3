//! The election itself: definition, places, geometry, and the description of this interface.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use feed::Body;
use serde_json::json;

use crate::{
    answer::{Answer, Keep},
    api::fixed::Tagged,
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
    let status = app.latest().version().status().as_str();
    let list = json!([{
        "id": about.id, "name": about.name, "date": about.date, "kind": about.kind, "test": about.test,
        "status": status, "precincts": app.definition().precincts().len(),
        "registered": app.definition().registered(),
    }]);
    let tag = format!("{}-{status}", app.feed.epoch());
    Answer::json(Arc::new(Body::new(list.to_string())), tag, Keep::Latest).to(&request).await
}

/// `GET /elections/{e}`
pub(crate) async fn election(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let keys = Query::of(&request)?.one_of("keys", &[("true", true), ("false", false)])?;
    if keys {
        let shared = app.clone();
        // Ten thousand devices are written anew after a decision: away from the threads that serve.
        let made = web::block(move || shared.fixed.with_keys(shared.definition(), &*shared.inquiry)).await;
        return fixed(&made.map_err(|_| Problem::unavailable("the server is busy; try again"))?)
            .to(&request)
            .await;
    }
    fixed(&app.fixed.without_keys).to(&request).await
}

/// `GET /elections/{e}/places`
pub(crate) async fn places(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    fixed(&app.fixed.places).to(&request).await
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

/// `GET /openapi.json`
pub(crate) async fn openapi(request: HttpRequest, app: web::Data<App>) -> Result {
    fixed(&app.fixed.openapi).to(&request).await
}
