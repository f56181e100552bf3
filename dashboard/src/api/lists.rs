//! The public lists: who is missing, what is in quarantine, what was corrected.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use feed::{Corrected, rfc3339};
use serde_json::{Value, json};

use crate::{answer::Answer, problem::Problem, state::App};

type Result = std::result::Result<HttpResponse, Problem>;

/// The header's members, and a list beside them.
fn listed(app: &App, name: &str, list: Vec<Value>) -> Bytes {
    format!("{{{},\"{name}\":{}}}", app.latest().header(), Value::from(list)).into()
}

/// `GET /elections/{e}/missing`
pub(crate) async fn missing(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let make = async || {
        let missing = app.ask(app.inquiry.missing()).await?;
        let one = |entry: &crate::port::MissingEntry| {
            json!({
                "precinct": entry.precinct, "parent": entry.parent.to_string(), "phase": entry.phase.as_str(),
                "registered": entry.registered, "urns": entry.urns, "urns_reported": entry.urns_reported,
                "terminals": entry.terminals, "closings": entry.closings,
            })
        };
        Ok(listed(&app, "precincts", missing.iter().map(one).collect()))
    };
    let body = app.recent.answer("missing".to_owned(), make).await?;
    Answer::fresh(body).to(&request).await
}

/// `GET /elections/{e}/quarantine`
pub(crate) async fn quarantine(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let make = async || {
        let quarantine = app.ask(app.inquiry.quarantine()).await?;
        let one = |entry: &crate::port::QuarantineEntry| {
            json!({
                "offset": entry.offset, "precinct": entry.precinct, "device": entry.device,
                "seq": entry.seq, "type": entry.report_type, "codes": entry.codes,
                "arrived": rfc3339(entry.arrived),
            })
        };
        Ok(listed(&app, "reports", quarantine.iter().map(one).collect()))
    };
    let body = app.recent.answer("quarantine".to_owned(), make).await?;
    Answer::fresh(body).to(&request).await
}

/// `GET /elections/{e}/corrections`
pub(crate) async fn corrections(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let make =
        async || Ok(listed(&app, "corrections", app.feed.corrections().iter().map(correction).collect()));
    let body = app.recent.answer("corrections".to_owned(), make).await?;
    Answer::fresh(body).to(&request).await
}

/// A correction as it is listed.
pub(crate) fn correction(of: &Corrected) -> Value {
    json!({
        "units": of.correction.units.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reason": of.correction.reason, "at": rfc3339(of.correction.at), "position": of.position.to_string(),
    })
}
