//! Snapshots, the newest and earlier ones, and single units.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use feed::{Body, Latest, Position, parse_time};

use crate::{
    answer::{Answer, Keep},
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
    app.election(&of)?;
    let query = Query::of(&request)?;
    match (query.read::<Position>("version")?, query.get("at")?) {
        (Some(_), Some(_)) => Err(Problem::bad("give version or at, not both")),
        (Some(position), None) => {
            let body = kept(&app, &position)?;
            Answer::json(body, position.to_string(), Keep::Forever).to(&request).await
        }
        (None, Some(moment)) => redirect(&request, &app, moment),
        (None, None) => {
            let latest = app.latest();
            let body = Arc::clone(latest.results());
            Answer::json(body, tag(&latest), Keep::Latest).to(&request).await
        }
    }
}

fn kept(app: &App, position: &Position) -> std::result::Result<Arc<Body>, Problem> {
    if position.epoch != *app.feed.epoch() {
        let detail = format!("epoch {} has ended; the one that runs is {}", position.epoch, app.feed.epoch());
        return Err(Problem::gone(detail));
    }
    if position.version > app.feed.current().number() {
        return Err(Problem::not_found(format!("there is no version {position} yet")));
    }
    let version = app.feed.version(position.version);
    let version = version.ok_or_else(|| Problem::gone(format!("version {position} is no longer kept")))?;
    Ok(app.feed.past(&version))
}

/// To the version that was the newest at a moment.
fn redirect(request: &HttpRequest, app: &App, moment: &str) -> Result {
    let at =
        parse_time(moment).ok_or_else(|| Problem::bad("at is no moment such as 2026-10-04T14:00:00Z"))?;
    // Versions are told apart by milliseconds, and named by whole seconds: the last one of that second.
    let at = at + std::time::Duration::from_millis(999);
    let version = app.feed.at(at);
    let version = version.ok_or_else(|| Problem::gone("nothing is kept of a moment so long ago"))?;
    Ok(HttpResponse::TemporaryRedirect()
        .insert_header((header::LOCATION, format!("{}?version={}", request.path(), version.position())))
        .insert_header((header::CACHE_CONTROL, Keep::Latest.header()))
        .finish())
}

/// `GET /elections/{e}/units/{unit}`
pub(crate) async fn unit(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> Result {
    let (election, unit) = of.into_inner();
    app.election(&election)?;
    let unit = app.unit(&unit)?;
    let latest = app.latest();
    let json = latest.unit(&unit).ok_or_else(|| Problem::not_found(format!("there is no unit {unit}")))?;
    let mut body = format!("{{{},\"unit\":", latest.header()).into_bytes();
    body.extend_from_slice(json);
    body.push(b'}');
    Answer::json(Arc::new(Body::new(body)), tag(&latest), Keep::Latest).to(&request).await
}
