//! Snapshots, the newest and earlier ones, and single units.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use feed::{Body, Latest, Position};
use history::{Source, Units, When};

use crate::{
    answer::{Answer, Keep},
    api::past::{self, Whose, moment_of, named, when},
    problem::Problem,
    query::Query,
    state::App,
};

type Result = std::result::Result<HttpResponse, Problem>;

/// The tag of anything made of the newest version; a stall changes its header.
pub(crate) fn tag(latest: &Latest) -> String {
    match latest.stalled_since() {
        None => latest.version().position().to_string(),
        Some(since) => format!("{}-{}", latest.version().position(), since.millis()),
    }
}

/// `GET /elections/{e}/results`
pub(crate) async fn results(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    if let Whose::Archived(election) = app.whose(&of)? {
        return past::results(&request, &app, &election).await;
    }
    let query = Query::of(&request)?;
    match (query.read::<Position>("version")?, query.get("at")?) {
        (Some(_), Some(_)) => Err(Problem::bad("give version or at, not both")),
        (Some(position), None) => {
            let (body, source) = kept(&app, &position).await?;
            let answer = Answer::json(body, position.to_string(), Keep::Forever);
            Answer { source, ..answer }.to(&request).await
        }
        (None, Some(_)) => redirect(&request, &app, &query).await,
        (None, None) => {
            let latest = app.latest();
            let body = Arc::clone(latest.results());
            Answer::json(body, tag(&latest), Keep::Latest).to(&request).await
        }
    }
}

/// A version out of memory, or else out of the history.
async fn kept(app: &App, position: &Position) -> std::result::Result<(Arc<Body>, Option<Source>), Problem> {
    if position.epoch == *app.feed.epoch() {
        if position.version > app.feed.current().number() {
            return Err(Problem::not_found(format!("there is no version {position} yet")));
        }
        if let Some(version) = app.feed.version(position.version) {
            return Ok((app.feed.past(&version), None));
        }
    }
    let election = &app.definition().about().id;
    let moment = app.moment(election, &When::Version(position.clone())).await?;
    let body = app.snapshot_on_record(election, &moment, &Units::Upper).await?;
    Ok((body, Some(moment.source)))
}

/// To the version that was the newest at a moment.
async fn redirect(request: &HttpRequest, app: &App, query: &Query) -> Result {
    let at = moment_of(query, "at")?.unwrap_or_default();
    // Versions are told apart by milliseconds, and named by whole seconds: the last one of that second.
    let at = at + std::time::Duration::from_millis(999);
    if let Some(version) = app.feed.at(at) {
        return Ok(past::redirect(request, version.position()));
    }
    let moment = app.moment(&app.definition().about().id, &When::At(at)).await?;
    Ok(past::redirect(request, &moment.position))
}

/// `GET /elections/{e}/units/{unit}`
pub(crate) async fn unit(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> Result {
    let (election, unit) = of.into_inner();
    let whose = app.whose(&election)?;
    let when = when(&Query::of(&request)?)?;
    if whose != Whose::Running || when != When::Last {
        let unit = unit.parse().map_err(|error| Problem::not_found(format!("{error}")))?;
        let moment = app.moment(app.id_of(&whose), &when).await?;
        let body = app.unit_on_record(app.id_of(&whose), &moment, &Units::One(unit)).await?;
        let (tag, keep) = named(&moment, &when);
        return Answer::json(body, tag, keep).told_by(moment.source).to(&request).await;
    }
    let unit = app.unit(&unit)?;
    let latest = app.latest();
    let json = latest.unit(&unit).ok_or_else(|| Problem::not_found(format!("there is no unit {unit}")))?;
    let mut body = format!("{{{},\"unit\":", latest.header()).into_bytes();
    body.extend_from_slice(&json);
    body.push(b'}');
    Answer::json(Arc::new(Body::new(body)), tag(&latest), Keep::Latest).to(&request).await
}
