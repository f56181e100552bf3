//! The public lists: who is missing, what is in quarantine, what was corrected.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use feed::rfc3339;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    api::{corrected, seats},
    problem::Problem,
    query::Query,
    state::App,
};

type Result = std::result::Result<HttpResponse, Problem>;

/// Reports in one answer, where the asker does not say; and at most. How many there are is up to the devices.
const ROWS: (usize, usize) = (1_000, 5_000);

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
    let query = Query::of(&request)?;
    let after = query.read::<u64>("after")?.unwrap_or(0);
    let limit = query.read("limit")?.unwrap_or(ROWS.0).clamp(1, ROWS.1);
    let make = async || {
        let all = app.ask(app.inquiry.quarantine()).await?;
        let rest = all.get(all.partition_point(|entry| entry.offset.0 <= after)..).unwrap_or_default();
        let page = rest.get(..limit).unwrap_or(rest);
        let next = page.last().filter(|_| rest.len() > limit).map(|last| last.offset);
        let rows: Vec<Value> = page.iter().map(quarantined).collect();
        let (header, total, next) = (app.latest().header().to_owned(), all.len(), json!(next));
        Ok(format!("{{{header},\"total\":{total},\"next\":{next},\"reports\":{}}}", Value::from(rows)).into())
    };
    let body = app.recent.answer(format!("quarantine {after} {limit}"), make).await?;
    Answer::fresh(body).to(&request).await
}

fn quarantined(entry: &crate::port::QuarantineEntry) -> Value {
    json!({
        "offset": entry.offset, "precinct": entry.precinct, "device": entry.device, "seq": entry.seq,
        "type": entry.report_type, "codes": entry.codes, "arrived": rfc3339(entry.arrived),
        "verdict": entry.verdict, "decision": corrected::decision(entry.verdict, entry.ruled.as_ref()),
    })
}

/// `GET /elections/{e}/corrections`
pub(crate) async fn corrections(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let make = async || {
        // Votes that are shown by now may be shown here.
        let votes = app.latest().version().votes();
        let all = app.feed.corrections();
        let rows = all.iter().map(|of| corrected::correction(app.definition(), of, votes));
        let rows: Vec<Value> = rows.collect();
        let counted = app.feed.counted();
        let lots = counted.lots.iter().filter(|_| counted.latest.version().votes());
        let lots: Vec<Value> = lots.map(|drawn| seats::lot(drawn)).collect();
        let header = app.latest().header().to_owned();
        Ok(format!("{{{header},\"corrections\":{},\"lots\":{}}}", json!(rows), json!(lots)).into())
    };
    let body = app.recent.answer("corrections".to_owned(), make).await?;
    Answer::fresh(body).to(&request).await
}
