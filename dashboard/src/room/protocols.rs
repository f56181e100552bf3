//! Protocols on their way into the record: entered once, or by two people who differ.

use actix_web::{HttpRequest, HttpResponse, web};
use election::{
    PrecinctId,
    hand_count::{Entry, HandCount},
};
use feed::rfc3339;
use serde_json::{Value, json};

use super::{admit, answered};
use crate::{problem::Problem, state::App};

/// `GET /api/v1/room/protocols`
pub(crate) async fn protocols(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    answered(list(&request, &app).await)
}

async fn list(request: &HttpRequest, app: &App) -> Result<HttpResponse, Problem> {
    let who = admit(request, app)?;
    let waiting = app.ask(app.inquiry.protocols()).await?;
    let rows: Vec<Value> = waiting.iter().map(|(precinct, count)| row(*precinct, count, &who)).collect();
    Ok(HttpResponse::Ok().json(json!({"protocols": rows})))
}

/// Whoever is to enter a protocol sees no figure of those who did: only the differences are shown, and only where
/// two have entered it.
fn row(precinct: PrecinctId, count: &HandCount, who: &str) -> Value {
    let entered: Vec<&Entry> = match count {
        HandCount::Once(entry) => vec![entry],
        HandCount::Differing(first, second) => vec![first, second],
        HandCount::Awaited | HandCount::Settled { .. } => Vec::new(),
    };
    let entries: Vec<Value> = entered
        .iter()
        .map(|entry| json!({"by": &*entry.by, "at": rfc3339(entry.at), "offset": entry.offset}))
        .collect();
    json!({
        "precinct": precinct, "state": state(count), "entries": entries, "differences": count.differences(),
        "may_enter": !entered.iter().any(|entry| &*entry.by == who),
    })
}

/// How far it has come, in a word.
pub(crate) fn state(count: &HandCount) -> &'static str {
    match count {
        HandCount::Awaited => "awaited",
        HandCount::Once(_) => "once",
        HandCount::Differing(..) => "differing",
        HandCount::Settled { .. } => "settled",
    }
}
