//! The page, as its own tools built it, carried in the binary.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use feed::Body;
use rust_embed::RustEmbed;

use crate::{
    answer::{Answer, Keep},
    api::fixed::tag,
    preview::{Language, Preview},
    problem::Problem,
    query::Query,
    state::App,
};

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

/// The page's files by path.
pub(crate) struct Page(HashMap<String, Asset>);

struct Asset {
    body: Arc<Body>,
    content_type: &'static str,
    tag: String,
    /// Its name carries a digest of its content.
    hashed: bool,
}

impl Page {
    /// What was built when this binary was.
    pub(crate) fn embedded() -> Self {
        Self::of(Built::iter().filter_map(|path| {
            let file = Built::get(&path)?;
            Some((path.into_owned(), file.data.into_owned()))
        }))
    }

    pub(crate) fn of(files: impl Iterator<Item = (String, Vec<u8>)>) -> Self {
        let assets = files.map(|(path, bytes)| {
            let asset = Asset {
                content_type: content_type(&path),
                tag: tag(&bytes),
                hashed: path.starts_with("assets/"),
                body: Arc::new(Body::new(bytes)),
            };
            (path, asset)
        });
        Self(assets.collect())
    }

    /// The file at a path.
    fn file(&self, path: &str) -> Option<&Asset> {
        self.0.get(path.trim_start_matches('/'))
    }

    /// The page itself, where a browser asks for an address within it.
    fn index(&self, path: &str, wants_html: bool) -> Option<&str> {
        let index = || std::str::from_utf8(self.0.get("index.html")?.body.plain()).ok();
        if path == "/" || wants_html { index() } else { None }
    }
}

/// Every path that is no API's.
pub(crate) async fn page(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let path = request.path();
    if path.starts_with("/api/") {
        return Err(Problem::not_found("there is nothing here; /api/v1/openapi.json lists what there is"));
    }
    if !request.method().is_safe() {
        return Err(Problem::method("GET, HEAD"));
    }
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or("");
    if let Some(asset) = app.page.file(path) {
        let keep = if asset.hashed { Keep::Forever } else { Keep::Revalidate };
        let body = Arc::clone(&asset.body);
        let tag = Some(asset.tag.clone());
        return Answer { body, content_type: asset.content_type, tag, keep }.to(&request).await;
    }
    match app.page.index(path, accept.contains("text/html")) {
        Some(index) => within(&request, &app, index).await,
        None if path == "/" => Ok(HttpResponse::ServiceUnavailable()
            .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body("The page is not in this binary: run `make web`, then build it again.\n")),
        None => Err(Problem::not_found("there is no such file")),
    }
}

/// The page, saying in its head what the address is about.
async fn within(request: &HttpRequest, app: &App, index: &str) -> Result<HttpResponse, Problem> {
    let query = Query::of(request).ok();
    let language = Language::of(query.as_ref().and_then(|query| query.get("lang").ok().flatten()));
    let page = Preview::of(app.definition(), request.path(), language).within(index);
    let tag = tag(page.as_bytes());
    // One text in a few thousand addresses: those who come at once share it.
    let body = app.recent.answer(format!("page {tag}"), async || Ok(page.into())).await?;
    let content_type = content_type("index.html");
    Answer { body, content_type, tag: Some(tag), keep: Keep::Revalidate }.to(request).await
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("geojson") => "application/geo+json",
        Some("webmanifest") => "application/manifest+json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webp") => "image/webp",
        Some("woff2") => "font/woff2",
        Some("wasm") => "application/wasm",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_within_the_page_is_the_page_and_a_missing_file_is_not() {
        let page = Page::of(
            [("index.html", "<!doctype html>"), ("assets/app-1a2b.js", "1")]
                .map(|(path, text)| (path.to_owned(), text.into()))
                .into_iter(),
        );
        assert_eq!(page.index("/", false), Some("<!doctype html>"));
        assert!(page.file("/assets/app-1a2b.js").unwrap().hashed);
        assert!(page.file("/kg-demo/region/osh").is_none());
        assert_eq!(page.index("/kg-demo/region/osh", true), Some("<!doctype html>"));
        assert_eq!(page.index("/assets/gone.js", false), None);
        let none = Page::of(std::iter::empty());
        assert_eq!(none.index("/", true), None);
    }
}
