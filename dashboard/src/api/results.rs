//! Snapshots, the newest and earlier ones, and single units.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use feed::{Body, Latest, Position};
use history::{Units, When};

use crate::{
    answer::{Answer, Keep},
    api::past::{self, Then, Whose, named, when},
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
            let then = app.then(&position).await?;
            let body = snapshot(&app, &then).await?;
            let answer = Answer::json(body, position.to_string(), Keep::Forever);
            Answer { source: then.source(), ..answer }.to(&request).await
        }
        (None, Some(_)) => Ok(past::redirect(&request, &app.position_at(&query).await?, "")),
        (None, None) => {
            let latest = app.latest();
            let body = Arc::clone(latest.results());
            Answer::json(body, tag(&latest), Keep::Latest).to(&request).await
        }
    }
}

/// A version as it was published.
async fn snapshot(app: &App, then: &Then) -> std::result::Result<Arc<Body>, Problem> {
    match then {
        Then::Kept(version) => Ok(app.feed.past(version)),
        Then::Recorded(moment) => {
            let election = &app.definition().about().id;
            app.snapshot_on_record(election, moment, &Units::Upper).await
        }
    }
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
