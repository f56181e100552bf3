//! Scans that people add, and the originals that they alone see.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use election::{
    document::{Document, DocumentKind, Media, Scan},
    record::{Act, Decision},
    report::Digest,
};
use serde_json::json;

use super::{admit, answered, refused};
use crate::{
    answer::{self, Keep},
    problem::Problem,
    query::Query,
    state::App,
};

/// Largest file that is read; what is looked into is smaller still.
const LONGEST: usize = 33 << 20;
/// How long a file may take to arrive: a scan of 10 MiB over a village's line of a megabit.
const PATIENCE: Duration = Duration::from_secs(180);

/// `POST /api/v1/room/documents?precinct=…&kind=…&reason=…`, the file itself as the body.
pub(crate) async fn add(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    answered(take_in(&request, body, &app).await)
}

async fn take_in(request: &HttpRequest, body: web::Payload, app: &App) -> Result<HttpResponse, Problem> {
    let by = admit(request, app)?;
    let query = Query::of(request)?;
    let missing = |what: &str| Problem::bad(format!("{what} is missing: ?precinct=…&kind=…&reason=…"));
    let precinct = app.precinct(query.get("precinct")?.ok_or_else(|| missing("precinct"))?)?;
    let kinds = DocumentKind::ALL.map(|kind| (kind.as_str(), kind));
    query.get("kind")?.ok_or_else(|| missing("kind"))?;
    let kind = query.one_of("kind", &kinds)?;
    let reason = query.get("reason")?.ok_or_else(|| missing("reason"))?.to_owned();
    let _one_of_few =
        app.uploads.acquire().await.map_err(|_| Problem::unavailable("the server is stopping"))?;
    let file = read(request, body).await?;
    let scan = app.papers.keep(file).await.map_err(refused)?;
    let decision = Decision { by, reason, signature: None, act: Act::Document { precinct, kind, scan } };
    let offset = app.inquiry.decide(decision).await.map_err(refused)?;
    let Scan { original, served, served_media, .. } = scan;
    Ok(HttpResponse::Created().json(json!({
        "offset": offset, "kind": kind, "original": original.to_string(), "served": served.to_string(),
        "media_type": served_media.mime(),
    })))
}

async fn read(request: &HttpRequest, body: web::Payload) -> Result<web::Bytes, Problem> {
    let too_large = || {
        let what = "the file is too large: at most 32 MiB are taken; scan with a lower resolution";
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, what)
    };
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse().ok()).is_some_and(|length: u64| length > LONGEST as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(PATIENCE, body.to_bytes_limited(LONGEST)).await {
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "the file did not arrive in time")),
        Ok(Err(_)) => Err(too_large()),
        Ok(Ok(Err(_))) => Err(Problem::bad("the file did not arrive whole")),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

/// `GET /api/v1/room/precincts/{n}/documents/{digest}`: the original.
pub(crate) async fn original(
    request: HttpRequest,
    of: web::Path<(String, String)>,
    app: web::Data<App>,
) -> HttpResponse {
    let found = async {
        admit(&request, &app)?;
        let (number, digest) = of.into_inner();
        let document = find(&app, &number, &digest, |scan| scan.original).await?;
        let Scan { original, original_media, .. } = document.scan;
        file(&request, &app, &number, original, original_media, Keep::Revalidate).await
    };
    answered(found.await)
}

/// The document of a precinct with this digest.
pub(crate) async fn find(
    app: &App,
    number: &str,
    digest: &str,
    of: impl Fn(&Scan) -> Digest,
) -> Result<std::sync::Arc<Document>, Problem> {
    let id = app.precinct(number)?;
    let none = || Problem::not_found(format!("precinct {id} has no document with this digest"));
    let detail = app.ask(app.inquiry.precinct(id)).await?.ok_or_else(none)?;
    let mut documents = detail.documents.into_iter();
    documents.find(|document| of(&document.scan).to_string() == digest).ok_or_else(none)
}

/// A file as an answer, not read for who has it: its digest is its tag (the policy of all data lets nothing in it act). A picture is shown, a PDF saved.
pub(crate) async fn file(
    request: &HttpRequest,
    app: &App,
    number: &str,
    digest: Digest,
    media: Media,
    keep: Keep,
) -> Result<HttpResponse, Problem> {
    let tag = digest.to_string();
    if let Some(unchanged) = answer::unchanged(request.headers(), &tag, keep) {
        return Ok(unchanged);
    }
    let bytes = app.papers.fetch(digest).await.map_err(refused)?;
    let shown = if media == Media::Pdf { "attachment" } else { "inline" };
    let name = format!("{shown}; filename=\"{number}-{:.12}.{}\"", digest.to_string(), media.extension());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, media.mime()))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, keep.header()))
        .insert_header((header::ETAG, answer::weak(&tag)))
        .body(bytes))
}
