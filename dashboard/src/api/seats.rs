//! Who has which seats, by one of the two sources, as far as votes may be published.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use bytes::Bytes;
use election::{
    ContestId,
    definition::ContestIx,
    figures::Phase,
    seats::{Drawing, Drawn, Lots, NamedTie, SeatsView, Source, allocate},
};
use feed::{Counted, rfc3339};
use serde_json::{Value, json};

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
        let lots = Lots::on_record(counted.lots.iter().map(AsRef::as_ref), contest, source);
        Some(SeatsView::new(&tallied, &allocate(&tallied, &lots)))
    };
    let votes = counted.latest.version().votes();
    let allocation = if votes { made() } else { None };
    let lots = counted.lots.iter().filter(|drawn| votes && drawn.concerns(contest, source));
    let lots: Vec<Value> = lots.map(|drawn| lot(drawn)).collect();
    let rest = json!({ "contest": id, "source": source, "allocation": allocation, "lots": lots }).to_string();
    format!("{{{},{}", counted.latest.header(), rest.trim_start_matches('{')).into()
}

/// Lots that were drawn, as they are listed.
pub(crate) fn lot(of: &Drawn) -> Value {
    let Drawn { offset, at, decision, drawing, .. } = of;
    json!({
        "offset": offset, "at": rfc3339(*at), "by": decision.by, "reason": decision.reason,
        "signature": decision.signature, "contest": drawing.contest, "source": drawing.source, "tie": drawing.tie,
        "drawn": drawing.drawn,
    })
}

/// Whether the seats wait for exactly these lots, or hang on what was drawn for the same tie before. Lots are drawn for
/// a result that is whole: more votes could make another tie of the same names, for which nobody has drawn.
///
/// # Errors
/// 404 without such a contest; 409 where it has not reported whole, where there is no such tie now (with those there
/// are), or where what was drawn does not settle it; 422 where it can settle none.
pub(crate) fn waits_for_lots(app: &App, drawing: &Drawing) -> Result<(), Problem> {
    let ix = contest(app, Some(drawing.contest.as_str()))?;
    let (id, source) = (&drawing.contest, drawing.source);
    let conflict = |why: String| Err(Problem::new(StatusCode::CONFLICT, format!("{id}: {why}")));
    let counted = app.feed.counted();
    if !counted.latest.version().votes() {
        return conflict("votes are not published yet: there is nothing to draw lots for".to_owned());
    }
    let contest = app.definition().contest(ix);
    let units = &counted.units;
    let tallied = app.definition().tallied(ix, source, |unit| units.get(unit).map(AsRef::as_ref));
    let (Some(tallied), Some(unit)) = (tallied, units.get(&contest.unit)) else { return Ok(()) };
    let (reported, annulled) = (tallied.figures.precincts, unit.phases[Phase::Annulled as usize]);
    if reported + annulled < tallied.precincts {
        let missing = tallied.precincts - reported - annulled;
        return conflict(format!(
            "{missing} of its precincts have not reported by the {source}: draw lots then"
        ));
    }
    let ties = |lots: &Lots| SeatsView::new(&tallied, &allocate(&tallied, lots)).ties;
    let stands = |ties: &[NamedTie]| ties.iter().any(|tie| tie.is_same(&drawing.tie));
    // Drawn again: the tie stands where what was drawn for it is left out.
    let all = || counted.lots.iter().map(AsRef::as_ref);
    let others = Lots::on_record(all().filter(|of| !of.drawing.tie.is_same(&drawing.tie)), ix, source);
    if !stands(&ties(&others)) {
        let open = ties(&Lots::on_record(all(), ix, source));
        let open = if open.is_empty() { "none".to_owned() } else { json!(open).to_string() };
        return conflict(format!("there is no such tie among the {source}; open: {open}"));
    }
    let settled = others.and(contest, drawing);
    let settled = settled.map_err(|why| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why.to_string()))?;
    if stands(&ties(&settled)) {
        return conflict("the law does not let these win together: draw again for the places".to_owned());
    }
    Ok(())
}
