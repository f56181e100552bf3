//! Who has which seats, by one of the two sources, as far as votes may be published.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use bytes::Bytes;
use election::{
    ContestId, UnitId,
    definition::ContestIx,
    figures::{Figures, Phase},
    seats::{Drawing, Drawn, Lots, NamedTie, SeatsView, Source, allocate},
};
use feed::{Position, contests_of, rfc3339};
use history::Units;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::{
        past::{self, Then},
        results::tag,
    },
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
    let of = (contest(&app, query.get("contest")?)?, source);
    match (query.read::<Position>("version")?, query.get("at")?) {
        (Some(_), Some(_)) => Err(Problem::bad("give version or at, not both")),
        (Some(position), None) => earlier(&request, &app, of, &position).await,
        (None, Some(_)) => {
            let rest = format!("&contest={}&source={source}", app.definition().contest(of.0).id);
            Ok(past::redirect(&request, &app.position_at(&query).await?, &rest))
        }
        (None, None) => newest(&request, &app, of).await,
    }
}

/// A contest, and one of its two results.
type Of = (ContestIx, Source);

async fn newest(request: &HttpRequest, app: &App, of: Of) -> Result<HttpResponse, Problem> {
    let counted = app.feed.counted();
    let tag = tag(&counted.latest);
    // A new version is shown at once; within one, a crowd is given what was made for the first.
    let question = format!("seats {} {:?} {tag}", of.0.0, of.1);
    let make = async || {
        let unit = |id: &UnitId| counted.units.get(id).map(AsRef::as_ref);
        let votes = counted.latest.version().votes();
        Ok(describe(app, of, counted.latest.header(), (votes, &counted.lots), |lots| {
            let tallied = app.definition().tallied(of.0, of.1, unit)?;
            Some(SeatsView::new(&tallied, &allocate(&tallied, lots)))
        }))
    };
    let body = app.recent.answer(question, make).await?;
    Answer::json(body, tag, Keep::Latest).to(request).await
}

/// The seats by an earlier version: the same function of what was published in it and of the lots that were on record.
/// Preference votes are in no version, so that who of a list is elected is left open.
async fn earlier(
    request: &HttpRequest,
    app: &App,
    of: Of,
    position: &Position,
) -> Result<HttpResponse, Problem> {
    let then = app.then(position).await?;
    let question = format!("seats {} {:?} then {position}", of.0.0, of.1);
    let make = async || {
        let units = if then.votes() { units(app, of.0, &then).await? } else { BTreeMap::new() };
        let lots = lots(app, then.header())?;
        Ok(describe(app, of, then.header(), (then.votes(), &lots), |lots| {
            let tallied = app.definition().tallied(of.0, of.1, |id| units.get(id))?;
            let view = SeatsView::new(&tallied, &allocate(&tallied, lots));
            Some(view.without_names(tallied.contest))
        }))
    };
    let body = app.recent.answer(question, make).await?;
    let answer = Answer::json(body, position.to_string(), Keep::Forever);
    Answer { source: then.source(), ..answer }.to(request).await
}

/// The figures of the units from which the seats of a contest follow, as they were published in a version.
async fn units(app: &App, contest: ContestIx, then: &Then) -> Result<BTreeMap<UnitId, Figures>, Problem> {
    let of = app.definition().contest(contest);
    let regions = app.definition().units().keys().filter(|id| matches!(id, UnitId::Region(_)));
    let regions = regions.filter(|_| of.threshold.regional.is_some());
    let wanted: Vec<&UnitId> = regions.chain([&of.unit]).collect();
    let published: Vec<(UnitId, Bytes)> = match then {
        Then::Kept(version) => {
            let unit = |id: &&UnitId| Some(((*id).clone(), version.unit(id)?.clone()));
            wanted.iter().filter_map(unit).collect()
        }
        Then::Recorded(moment) => {
            let some = if wanted.len() == 1 { Units::One(of.unit.clone()) } else { Units::Upper };
            let found = app.past.units(&app.definition().about().id, moment, &some).await?;
            let named = found.into_iter().filter_map(|(id, body)| Some((id.parse().ok()?, body)));
            named.filter(|(id, _)| wanted.contains(&id)).collect()
        }
    };
    let read = |(id, body): (UnitId, Bytes)| {
        let figures = contests_of(app.definition(), &body);
        figures.map(|figures| (id, figures)).map_err(|error| {
            tracing::error!(%error, "a unit on record cannot be read");
            Problem::unavailable("this version is not on record as it was published")
        })
    };
    published.into_iter().map(read).collect()
}

/// What a version's header says of lots.
#[derive(Deserialize)]
struct Taken {
    /// Left out where there are none.
    #[serde(default)]
    lots_drawn: usize,
}

/// The lots that were on record in a version, which are the first ones of the journal's.
fn lots(app: &App, header: &str) -> Result<Vec<Arc<Drawn>>, Problem> {
    let unreadable = |_| Problem::unavailable("this version is not on record as it was published");
    let Taken { lots_drawn: taken } = serde_json::from_str(&format!("{{{header}}}")).map_err(unreadable)?;
    let mut lots = app.feed.counted().lots;
    if lots.len() < taken {
        return Err(Problem::unavailable("the count is still being read from the record; try again"));
    }
    lots.truncate(taken);
    Ok(lots)
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

/// The header, and the allocation that follows with the lots; while the embargo holds there is none.
fn describe(
    app: &App,
    (contest, source): Of,
    header: &str,
    (votes, lots): (bool, &[Arc<Drawn>]),
    allocation: impl FnOnce(&Lots) -> Option<SeatsView>,
) -> Bytes {
    let id = &app.definition().contest(contest).id;
    let on_record = || Lots::on_record(lots.iter().map(AsRef::as_ref), contest, source);
    let allocation = if votes { allocation(&on_record()) } else { None };
    let lots = lots.iter().filter(|drawn| votes && drawn.concerns(contest, source));
    let lots: Vec<Value> = lots.map(|drawn| lot(drawn)).collect();
    let rest = json!({ "contest": id, "source": source, "allocation": allocation, "lots": lots }).to_string();
    format!("{{{header},{}", rest.trim_start_matches('{')).into()
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
