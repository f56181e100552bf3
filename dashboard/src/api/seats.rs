//! Who has which seats, by one of the two sources, as far as votes may be published.

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use election::{
    ContestId,
    definition::ContestIx,
    seats::{Lots, SeatsView, Source, allocate},
};
use feed::Counted;

use crate::{
    answer::{Answer, Keep},
    api::results::tag,
    problem::Problem,
    query::Query,
    state::App,
};

const SOURCES: [(&str, Source); 2] = [("urns", Source::Urns), ("protocols", Source::Protocols)];

/// `GET /elections/{e}/seats`
pub(crate) async fn seats(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.election(&of)?;
    let query = Query::of(&request)?;
    let source = query.one_of("source", &SOURCES)?;
    let contest = contest(&app, query.get("contest")?)?;
    let counted = app.feed.counted();
    let tag = tag(&counted.latest);
    // A new version is shown at once; within one, a crowd is given what was made for the first.
    let question = format!("seats {} {source:?} {tag}", contest.0);
    let body = app.recent.answer(question, async || Ok(describe(&app, contest, source, &counted))).await?;
    Answer::json(body, tag, Keep::Latest).to(&request).await
}

/// The contest that is asked for, or else the first.
fn contest(app: &App, asked: Option<&str>) -> Result<ContestIx, Problem> {
    let definition = app.definition();
    let Some(text) = asked else { return Ok(ContestIx(0)) };
    let id: ContestId = text.parse().map_err(|error| Problem::bad(format!("contest: {error}")))?;
    let unknown = || {
        let ids = definition.contests().iter().take(8).map(|contest| contest.id.as_str());
        let more = if definition.contests().len() > 8 { ", …" } else { "" };
        Problem::not_found(format!(
            "there is no contest {id}; there are {}{more}",
            ids.collect::<Vec<_>>().join(", ")
        ))
    };
    definition.contest_ix(&id).ok_or_else(unknown)
}

/// The header, and the allocation; while the embargo holds there is none.
fn describe(app: &App, contest: ContestIx, source: Source, counted: &Counted) -> Bytes {
    let definition = app.definition();
    let id = &definition.contest(contest).id;
    let made = || {
        let units = &counted.units;
        let tallied = definition.tallied(contest, source, |unit| units.get(unit).map(AsRef::as_ref))?;
        Some(SeatsView::new(&tallied, &allocate(&tallied, &Lots::default())))
    };
    let allocation = if counted.latest.version().votes() { made() } else { None };
    let rest = serde_json::json!({ "contest": id, "source": source, "allocation": allocation }).to_string();
    format!("{{{},{}", counted.latest.header(), rest.trim_start_matches('{')).into()
}
