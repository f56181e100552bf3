//! Reports on record, searched, and how a device went through the night.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, web};
use election::{DeviceId, PrecinctId, precinct::ReportEntry, report::ReportType};
use feed::rfc3339;
use history::{ReportRow, ReportsWanted};
use serde_json::{Value, json};

use super::{admit, answered};
use crate::{api::past::moment_of, problem::Problem, query::Query, state::App};

/// Reports in one answer, where the asker does not say; and at most.
const ROWS: (u32, u32) = (100, 1_000);
/// Most of each kind in a device's history.
const OF_A_DEVICE: u32 = 1_000;

/// `GET /api/v1/room/reports`
pub(crate) async fn reports(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let list = async {
        admit(&request, &app)?;
        let wanted = wanted(&Query::of(&request)?)?;
        let election = &app.definition().about().id;
        // One more tells whether there is another page.
        let asked = ReportsWanted { limit: wanted.limit + 1, ..wanted.clone() };
        let mut found = app.past.reports(election, &asked).await?;
        let more = found.len() > wanted.limit as usize;
        found.truncate(wanted.limit as usize);
        let next = found.last().filter(|_| more).map(|last| last.offset);
        Ok(HttpResponse::Ok().json(json!({
            "reports": rows(&app, &found).await?, "next": next, "history_source": app.past.source().as_str(),
        })))
    };
    answered(list.await)
}

fn wanted(query: &Query) -> Result<ReportsWanted, Problem> {
    let types = [ReportType::Opening, ReportType::Turnout, ReportType::Closing, ReportType::Tally];
    let report_type = match query.get("type")? {
        Some(_) => Some(query.one_of("type", &types.map(|of| (of.as_str(), of)))?),
        None => None,
    };
    Ok(ReportsWanted {
        device: query.read::<DeviceId>("device")?,
        precinct: query.read::<PrecinctId>("precinct")?,
        report_type,
        from: moment_of(query, "from")?,
        to: moment_of(query, "to")?,
        after: query.read("after")?.unwrap_or(0),
        limit: query.read("limit")?.unwrap_or(ROWS.0).clamp(1, ROWS.1),
        newest: false,
    })
}

/// `GET /api/v1/room/devices/{device}/history`
pub(crate) async fn device(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> HttpResponse {
    let one = async {
        admit(&request, &app)?;
        let unknown = || Problem::not_found("there is no such device in this election");
        let id: DeviceId = of.parse().map_err(|_| unknown())?;
        if !app.definition().devices().contains_key(&id) {
            return Err(unknown());
        }
        let election = &app.definition().about().id;
        let wanted = ReportsWanted {
            device: Some(id.clone()),
            limit: OF_A_DEVICE,
            newest: true,
            ..ReportsWanted::default()
        };
        let reports = app.past.reports(election, &wanted).await?;
        let observations = app.past.observations(election, &id, OF_A_DEVICE).await?;
        let decisions = app.past.decisions(election, &id, OF_A_DEVICE).await?;
        let observations: Vec<Value> = observations
            .iter()
            .map(
                |of| json!({"offset": of.offset, "at": rfc3339(of.at), "code": of.code, "raised": of.raised}),
            )
            .collect();
        let decisions: Vec<Value> = decisions
            .iter()
            .map(|of| {
                json!({
                    "offset": of.offset, "at": rfc3339(of.at), "by": of.by, "reason": of.reason, "act": of.act,
                })
            })
            .collect();
        Ok(HttpResponse::Ok().json(json!({
            "device": id, "reports": rows(&app, &reports).await?, "observations": observations,
            "decisions": decisions, "history_source": app.past.source().as_str(),
        })))
    };
    answered(one.await)
}

/// Reports with the verdicts now in force, which their precincts know.
async fn rows(app: &App, reports: &[ReportRow]) -> Result<Vec<Value>, Problem> {
    let precincts: BTreeSet<u64> = reports.iter().map(|report| report.precinct).collect();
    let mut judged: BTreeMap<u64, ReportEntry> = BTreeMap::new();
    for number in precincts {
        let Some(precinct) = u32::try_from(number).ok().and_then(PrecinctId::new) else { continue };
        let detail = app.ask(app.inquiry.precinct(precinct)).await?;
        let reports = detail.into_iter().flat_map(|detail| detail.reports);
        judged.extend(reports.map(|(_, _, entry)| (entry.offset.0, entry)));
    }
    let row = |report: &ReportRow| {
        let judged = judged.get(&report.offset);
        json!({
            "offset": report.offset, "arrived": rfc3339(report.arrived), "at": report.at.map(rfc3339),
            "device": report.device, "precinct": report.precinct, "seq": report.seq,
            "type": report.report_type, "bytes": report.bytes,
            "digest": report.digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            "verdict": judged.map(|entry| entry.verdict), "codes": judged.map(|entry| &entry.codes),
        })
    };
    Ok(reports.iter().map(row).collect())
}
