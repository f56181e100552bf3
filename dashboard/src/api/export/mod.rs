//! Downloads: the newest version as a spreadsheet or a map takes it. Each is made of the bytes that were published, so
//! that nothing stands in a download that does not stand in the feed, and made once a version.

mod cdf;
mod geojson;
pub(crate) mod published;
mod table;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;

use crate::{
    answer::{Answer, Keep},
    api::results::tag,
    problem::Problem,
    query::Query,
    state::App,
};
use cdf::Level;
use table::{Delimiter, Table};

type Result = std::result::Result<HttpResponse, Problem>;

/// RFC 7111 and RFC 4180: the first row has names.
const CSV: &str = "text/csv; charset=utf-8; header=present";

/// `GET /elections/{e}/export/results.csv`
pub(crate) async fn results(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    spreadsheet(&request, &of, app, Table::Results).await
}

/// `GET /elections/{e}/export/precincts.csv`
pub(crate) async fn precincts(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    spreadsheet(&request, &of, app, Table::Precincts).await
}

async fn spreadsheet(request: &HttpRequest, of: &str, app: web::Data<App>, table: Table) -> Result {
    app.election(of)?;
    let query = Query::of(request)?;
    let excel = query.one_of("excel", &[("0", Delimiter::Comma), ("1", Delimiter::Excel)])?;
    let latest = app.latest();
    let tag = tag(&latest);
    let make = async || {
        let (body, definition) = match table {
            Table::Results => (latest.results().plain().clone(), app.definition().clone()),
            Table::Precincts => (latest.all_precincts().plain().clone(), app.definition().clone()),
        };
        away(&app, move || table::write(&body, &definition, table, excel)).await
    };
    let body = app.recent.answer(format!("{table:?} {excel:?} {tag}"), make).await?;
    let answer = Answer { body, content_type: CSV, tag: Some(tag), keep: Keep::Latest, source: None };
    named(answer.to(request).await?, &format!("{}-{}.csv", app.definition().about().id, table.name()))
}

/// `GET /elections/{e}/export/results.geojson`
pub(crate) async fn map(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let layers = ["regions", "raions", "districts"].map(|layer| (layer, layer));
    let layer = Query::of(&request)?.one_of("layer", &layers)?;
    let latest = app.latest();
    let tag = tag(&latest);
    let Some((geometry, _)) = app.fixed.layers.get(layer) else {
        return Err(Problem::not_found(format!("this election has no boundaries of {layer}")));
    };
    let make = async || {
        let (body, geometry) = (latest.results().plain().clone(), geometry.plain().clone());
        let definition = app.definition().clone();
        away(&app, move || geojson::write(&body, &geometry, &definition)).await
    };
    let body = app.recent.answer(format!("map {layer} {tag}"), make).await?;
    let answer = Answer {
        body,
        content_type: "application/geo+json",
        tag: Some(tag),
        keep: Keep::Latest,
        source: None,
    };
    named(answer.to(&request).await?, &format!("{}-{layer}.geojson", app.definition().about().id))
}

/// `GET /elections/{e}/export/cdf.json`
pub(crate) async fn cdf(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> Result {
    app.election(&of)?;
    let levels = [("summary", Level::Summary), ("precincts", Level::Precincts)];
    let level = Query::of(&request)?.one_of("level", &levels)?;
    let latest = app.latest();
    let tag = tag(&latest);
    let make = async || {
        let upper = latest.results().plain().clone();
        let precincts = (level == Level::Precincts).then(|| latest.all_precincts().plain().clone());
        let definition = app.definition().clone();
        away(&app, move || cdf::write(&upper, precincts.as_deref(), &definition)).await
    };
    let answer = match level {
        Level::Summary => {
            Answer::json(app.recent.answer(format!("cdf {tag}"), make).await?, tag, Keep::Latest)
        }
        // Tens of megabytes: one for all who ask within a second, whichever versions pass meanwhile.
        Level::Precincts => Answer::fresh(app.recent.answer("cdf precincts".to_owned(), make).await?),
    };
    named(answer.to(&request).await?, &format!("{}-cdf.json", app.definition().about().id))
}

/// Computes away from the threads that serve, one at a time: a download is large while it is made.
async fn away(
    app: &App,
    make: impl FnOnce() -> std::result::Result<Vec<u8>, published::Unreadable> + Send + 'static,
) -> std::result::Result<Bytes, Problem> {
    let stopping = |_| Problem::unavailable("the server is stopping");
    let _one_at_a_time = app.exports.acquire().await.map_err(stopping)?;
    let made = web::block(make).await.map_err(|_| Problem::unavailable("the server is busy; try again"))?;
    made.map(Bytes::from).map_err(|error| Problem::unavailable(error.to_string()))
}

/// A browser saves it under this name. Ids of elections need no quoting.
fn named(mut answer: HttpResponse, file: &str) -> Result {
    let value = format!("attachment; filename=\"{file}\"");
    let value = value.parse().map_err(|_| Problem::unavailable("the file has no name"))?;
    answer.headers_mut().insert(actix_web::http::header::CONTENT_DISPOSITION, value);
    Ok(answer)
}
