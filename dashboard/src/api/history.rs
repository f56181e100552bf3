//! How the night went.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use election::UnitId;
use feed::{Body, Point, rfc3339};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::results::tag,
    problem::Problem,
    query::Query,
    state::App,
};

/// Longest step, seconds: a day.
const LONGEST: u32 = 86_400;

#[derive(Clone, Copy)]
enum Which {
    Reported,
    Turnout,
}

/// `GET /elections/{e}/history`
pub(crate) async fn history(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.election(&of)?;
    let query = Query::of(&request)?;
    let which = query.one_of("series", &[("reported", Which::Reported), ("turnout", Which::Turnout)])?;
    let step = query.read::<u32>("step")?.unwrap_or(300);
    if !(60..=LONGEST).contains(&step) || !step.is_multiple_of(60) {
        return Err(Problem::bad(format!("step: a multiple of 60 seconds, from 60 to {LONGEST}")));
    }
    let unit = query.read::<UnitId>("unit")?.unwrap_or(UnitId::Country);
    let points = app.feed.series().points(&unit, step).ok_or_else(|| {
        Problem::bad(format!("unit: there is no history of {unit}; units above precincts have one"))
    })?;
    let latest = app.latest();
    let name = match which {
        Which::Reported => "reported",
        Which::Turnout => "turnout",
    };
    let points: Vec<Value> = points.iter().map(|at| point(which, at)).collect();
    let body = json!({"unit": unit.to_string(), "series": name, "step": step, "points": points});
    let body = Arc::new(Body::new(body.to_string()));
    Answer::json(body, tag(&latest), Keep::Latest).to(&request).await
}

fn point(which: Which, point: &Point) -> Value {
    match which {
        Which::Reported => json!({
            "at": rfc3339(point.at), "precincts": point.reported_precincts,
            "registered": point.reported_registered, "of_precincts": point.of_precincts,
            "of_registered": point.of_registered, "identified": point.identified,
        }),
        Which::Turnout => json!({
            "at": rfc3339(point.at), "identified": point.identified, "precincts": point.turnout_precincts,
            "registered": point.turnout_registered, "of_precincts": point.of_precincts,
            "of_registered": point.of_registered,
        }),
    }
}
