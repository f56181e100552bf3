//! The page, as its own tools built it, carried in the binary.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use feed::Body;
use rust_embed::RustEmbed;

use crate::{
    answer::{Answer, Keep},
    problem::Problem,
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
                tag: crate::api::fixed::tag(&bytes),
                hashed: path.starts_with("assets/"),
                body: Arc::new(Body::new(bytes)),
            };
            (path, asset)
        });
        Self(assets.collect())
    }

    /// The file at a path; the page itself where a browser asks for an address within it.
    fn find(&self, path: &str, wants_html: bool) -> Option<&Asset> {
        let path = path.trim_start_matches('/');
        let index = || self.0.get("index.html");
        match self.0.get(path) {
            Some(asset) => Some(asset),
            None if path.is_empty() || wants_html => index(),
            None => None,
        }
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
    match app.page.find(path, accept.contains("text/html")) {
        Some(asset) => {
            let keep = if asset.hashed { Keep::Forever } else { Keep::Revalidate };
            let body = Arc::clone(&asset.body);
            let tag = Some(asset.tag.clone());
            Answer { body, content_type: asset.content_type, tag, keep }.to(&request).await
        }
        None if path == "/" => Ok(HttpResponse::ServiceUnavailable()
            .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body("The page is not in this binary: run `make web`, then build it again.\n")),
        None => Err(Problem::not_found("there is no such file")),
    }
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
        assert!(page.find("/", false).unwrap().content_type.starts_with("text/html"));
        assert!(page.find("/assets/app-1a2b.js", false).unwrap().hashed);
        assert!(!page.find("/region/osh", true).unwrap().hashed);
        assert!(page.find("/assets/gone.js", false).is_none());
        let none = Page::of(std::iter::empty());
        assert!(none.find("/", true).is_none());
    }
}
