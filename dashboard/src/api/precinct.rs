//! One precinct, and the signed reports it is made of.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use bytes::Bytes;
use election::{
    Definition, PrecinctId, UnitId,
    definition::DeviceKind,
    document::{Document, Scan},
    figures::SourceFigures,
    precinct::Reconciliation,
    report::Offset,
};
use feed::rfc3339;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::{corrected, results::tag},
    port::PrecinctDetail,
    problem::Problem,
    room::{self, protocols},
    state::App,
};

/// `GET /elections/{e}/precincts/{n}`
pub(crate) async fn precinct(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let (election, number) = of.into_inner();
    app.election(&election)?;
    let id = app.precinct(&number)?;
    // A new version is shown at once; within one, a crowd asks once a second.
    let question = format!("precinct {id} {}", tag(&app.latest()));
    let body = app.recent.answer(question, async || describe(&app, id).await).await?;
    Answer::fresh(body).to(&request).await
}

async fn describe(app: &App, id: PrecinctId) -> Result<Bytes, Problem> {
    let unknown = || Problem::not_found(format!("there is no precinct {id} in this election"));
    let detail = app.ask(app.inquiry.precinct(id)).await?.ok_or_else(unknown)?;
    let place = app.fixed.place(app.definition(), id).ok_or_else(unknown)?;
    let latest = app.latest();
    let unit = UnitId::Precinct(id);
    let figures = latest.unit(&unit).ok_or_else(unknown)?;
    let votes = latest.version().votes();
    let all = app.feed.corrections();
    let of_it = all.iter().filter(|of| of.correction.precinct == id);
    let corrections: Vec<Value> =
        of_it.map(|of| corrected::correction(app.definition(), of, votes)).collect();
    let rest = json!({
        "place": place, "reports": reports(&detail), "discrepancies": discrepancies(&detail),
        "corrections": corrections, "documents": documents(&detail, votes), "protocol": protocols::state(&detail.hand_count),
        "reconciliation": reconciliation(app.definition(), &detail, votes),
    })
    .to_string();
    let mut body = format!("{{{},\"unit\":", latest.header()).into_bytes();
    body.extend_from_slice(&figures);
    body.push(b',');
    body.extend_from_slice(rest.trim_start_matches('{').as_bytes());
    Ok(body.into())
}

fn reports(detail: &PrecinctDetail) -> Vec<Value> {
    let one = |(device, kind, entry): &(_, DeviceKind, election::precinct::ReportEntry)| {
        json!({
            "offset": entry.offset, "device": device, "kind": kind, "seq": entry.seq,
            "type": entry.report_type, "at": rfc3339(entry.at), "arrived": rfc3339(entry.arrived),
            "digest": entry.digest.to_string(), "verdict": entry.verdict, "codes": entry.codes,
            "decision": corrected::decision(entry.verdict, entry.ruled.as_deref()),
        })
    };
    detail.reports.iter().map(one).collect()
}

/// The sources side by side. Before votes may be published only who was identified, and which rules are broken.
fn reconciliation(definition: &Definition, detail: &PrecinctDetail, votes: bool) -> Vec<Value> {
    let one = |of: &Reconciliation| {
        let contest = definition.contest(of.contest);
        let source = |figures: &SourceFigures| {
            let mut counted = corrected::counted(contest, figures);
            let preferences = corrected::preferences(contest, figures);
            if preferences.as_object().is_some_and(|lists| !lists.is_empty()) {
                counted["preferences"] = preferences;
            }
            counted
        };
        let mut row = json!({"contest": contest.id, "identified": of.identified, "codes": of.codes});
        if votes {
            row["urns"] = of.urns.as_ref().map_or(Value::Null, source);
            row["protocol"] = of.protocol.as_ref().map_or(Value::Null, source);
            let copy = |(holder, figures): &(_, SourceFigures)| {
                let holder: &std::sync::Arc<str> = holder;
                let mut copy = source(figures);
                copy["holder"] = json!(**holder);
                copy
            };
            row["copies"] = of.copies.iter().map(copy).collect();
        }
        row
    };
    detail.reconciliation.iter().map(one).collect()
}

fn discrepancies(detail: &PrecinctDetail) -> Vec<Value> {
    let one = |(flag, since): &(election::precinct::Flag, election::Timestamp)| json!({"code": flag.code, "device": flag.device, "contest": flag.contest, "since": rfc3339(*since)});
    detail.flags.iter().map(one).collect()
}

/// Every scan on record. What votes stand on is named, and not linked, before they may be published.
fn documents(detail: &PrecinctDetail, votes: bool) -> Vec<Value> {
    let one = |of: &std::sync::Arc<Document>| {
        let shown = votes || !of.kind.carries_votes();
        json!({
            "kind": of.kind, "offset": of.offset, "at": rfc3339(of.at), "by": &*of.by,
            "media_type": of.scan.served_media, "bytes": of.scan.served_bytes,
            "digest": shown.then(|| of.scan.served.to_string()),
            "original": {"media_type": of.scan.original_media, "bytes": of.scan.original_bytes,
                "digest": of.scan.original.to_string()},
        })
    };
    detail.documents.iter().map(one).collect()
}

/// `GET /elections/{e}/precincts/{n}/documents/{digest}`
pub(crate) async fn document(
    request: HttpRequest,
    of: web::Path<(String, String, String)>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let (election, number, digest) = of.into_inner();
    app.election(&election)?;
    let document = room::documents::find(&app, &number, &digest, |scan| scan.served).await?;
    if document.kind.carries_votes() && !app.latest().version().votes() {
        let from = rfc3339(app.definition().about().publish_votes_from);
        let detail = format!("votes stand on this document, which are not published before {from}");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let Scan { served, served_media, .. } = document.scan;
    room::documents::file(&request, &app, &number, served, served_media, Keep::Forever).await
}

/// `GET /elections/{e}/precincts/{n}/reports/{offset}.cose`
pub(crate) async fn envelope(
    of: web::Path<(String, String, String)>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let (election, number, offset) = of.into_inner();
    app.election(&election)?;
    let id = app.precinct(&number)?;
    let none = || Problem::not_found(format!("precinct {id} has no report at this offset"));
    let offset = offset.parse().map(Offset).map_err(|_| none())?;
    let envelope = app.ask(app.inquiry.envelope(id, offset)).await?.ok_or_else(none)?;
    // Judged after the answer: votes that are shown by now may go.
    if envelope.carries_votes && !app.latest().version().votes() {
        let from = rfc3339(app.definition().about().publish_votes_from);
        let detail = format!("this report carries votes, which are not published before {from}");
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/cose; cose-type=\"cose-sign1\""))
        .insert_header((header::CACHE_CONTROL, Keep::Forever.header()))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{id}-{}.cose\"", offset.0),
        ))
        .body(envelope.bytes))
}
