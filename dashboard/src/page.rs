//! The page, as its own tools built it, carried in the binary.

use std::{collections::HashMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use feed::Body;
use rust_embed::RustEmbed;

use crate::{
    address::Subject,
    answer::{Answer, Keep},
    api::fixed::tag,
    embed,
    language::Language,
    plain,
    preview::Preview,
    problem::Problem,
    query::Query,
    state::App,
};

/// What the name of a file's brotli form ends with.
const BROTLI: &str = ".br";
/// The situation room is a page of its own: nothing of it is in the public one, and nothing known is in it without a token.
const ROOM: &str = "/room";
const ROOM_FILE: &str = "room.html";
/// The layers of the map that are seen first.
const FIRST_SEEN: [&str; 2] = ["regions", "lakes"];

#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Built;

/// The page's files by path.
pub(crate) struct Page(HashMap<String, Asset>);

struct Asset {
    body: Arc<Body>,
    content_type: &'static str,
    tag: String,
    keep: Keep,
}

impl Page {
    /// What was built when this binary was.
    pub(crate) fn embedded() -> Self {
        Self::of(Built::iter().filter_map(|path| {
            let file = Built::get(&path)?;
            Some((path.into_owned(), file.data.into_owned()))
        }))
    }

    /// Of files by path; `NAME.br` is the brotli form of `NAME`, made by the page's own tools with all effort.
    pub(crate) fn of(files: impl Iterator<Item = (String, Vec<u8>)>) -> Self {
        let mut files: HashMap<String, Vec<u8>> = files.collect();
        let names: Vec<String> = files.keys().filter(|path| !path.ends_with(BROTLI)).cloned().collect();
        let assets = names.into_iter().filter_map(|path| {
            let bytes = files.remove(&path)?;
            let tag = tag(&bytes);
            let body = match files.remove(&format!("{path}{BROTLI}")) {
                Some(brotli) => Body::with_brotli(bytes, brotli),
                None => Body::new(bytes),
            };
            let asset =
                Asset { content_type: content_type(&path), tag, keep: keep(&path), body: Arc::new(body) };
            Some((path, asset))
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
    let file = if path == ROOM { ROOM_FILE } else { path };
    if let Some(asset) = app.page.file(file) {
        let body = Arc::clone(&asset.body);
        let tag = Some(asset.tag.clone());
        return Answer { body, content_type: asset.content_type, tag, keep: asset.keep, source: None }
            .to(&request)
            .await;
    }
    if let Some(kind) = embed::Kind::of(path) {
        return embed::frame(&request, &app, kind).await;
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

/// The page, saying in its head what the address is about, and in its body what is known of it.
async fn within(request: &HttpRequest, app: &App, index: &str) -> Result<HttpResponse, Problem> {
    let query = Query::of(request)?;
    let language = Language::of(query.get("lang").ok().flatten());
    let subject = Subject::of(app.definition(), request.path());
    let embeddable = embed::discovery(request, app);
    let page = query.get("page").ok().flatten().and_then(|page| page.parse::<u32>().ok()).unwrap_or(1);
    // A new version is shown at once; within one, a crowd is given what was made for the first.
    let tag_of_figures = crate::api::results::tag(&app.latest());
    let question = format!("page {subject:?} {} {page} {embeddable:?} {tag_of_figures}", language.code());
    let make = async || {
        let tables = match &subject {
            // The page is still the page while the count does not answer.
            Some(subject) => plain::page(app, subject, &query, language).await.unwrap_or_default(),
            None => String::new(),
        };
        let preview = Preview::of(app.definition(), subject.as_ref(), language);
        let begins = begins(app, subject.as_ref());
        Ok(preview.within(index, embeddable.as_deref(), &begins, &tables).into())
    };
    let body = app.recent.answer(question, make).await?;
    let tag = tag(body.plain());
    Answer {
        body,
        content_type: content_type("index.html"),
        tag: Some(tag),
        keep: Keep::Latest,
        source: None,
    }
    .to(request)
    .await
}

/// What the page's program begins with: which election runs here, and what it asks for first, so that these answers are
/// on their way while the program still is.
fn begins(app: &App, subject: Option<&Subject>) -> String {
    let id = &app.definition().about().id;
    let mut asked = Vec::new();
    if subject.is_some() {
        asked.extend(["?keys=false&amp;candidates=false".to_owned(), "/results".to_owned()]);
    }
    if matches!(subject, Some(Subject::Unit(_) | Subject::Contest(_))) {
        let known = FIRST_SEEN.into_iter().filter(|layer| app.fixed.layers.contains_key(*layer));
        asked.extend(known.map(|layer| format!("/boundaries/{layer}.geojson")));
    }
    let mut head = format!("\n    <meta name=\"sanak-election\" content=\"{id}\" />");
    for path in asked {
        // As the program asks (`fetch` of the same origin): else the browser would ask twice.
        head.push_str(&format!(
            "\n    <link rel=\"preload\" as=\"fetch\" crossorigin=\"anonymous\" \
             href=\"/api/v1/elections/{id}{path}\" />"
        ));
    }
    head
}

/// How long a file may be kept: for ever where its name carries a digest of its content.
fn keep(path: &str) -> Keep {
    match path {
        _ if path.starts_with("assets/") || path.starts_with("embed/assets/") => Keep::Forever,
        _ if path.starts_with("embed/") => Keep::Entry,
        _ => Keep::Revalidate,
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
    fn what_was_compressed_beforehand_says_the_same_as_its_file() {
        let page = Page::embedded();
        for (path, asset) in &page.0 {
            if asset.body.has_brotli() {
                let mut read = Vec::new();
                std::io::Read::read_to_end(
                    &mut brotli::Decompressor::new(&asset.body.brotli()[..], 4096),
                    &mut read,
                )
                .unwrap();
                assert!(read == asset.body.plain()[..], "{path}");
            }
        }
    }

    #[test]
    fn an_address_within_the_page_is_the_page_and_a_missing_file_is_not() {
        let page = Page::of(
            [("index.html", "<!doctype html>"), ("assets/app-1a2b.js", "1")]
                .map(|(path, text)| (path.to_owned(), text.into()))
                .into_iter(),
        );
        assert_eq!(page.index("/", false), Some("<!doctype html>"));
        assert_eq!(page.file("/assets/app-1a2b.js").unwrap().keep, Keep::Forever);
        let kept = ["embed/assets/elements-3c.js", "embed/sanak.js", "icon.svg"].map(keep);
        assert_eq!(kept, [Keep::Forever, Keep::Entry, Keep::Revalidate]);
        assert!(page.file("/kg-demo/region/osh").is_none());
        assert_eq!(page.index("/kg-demo/region/osh", true), Some("<!doctype html>"));
        assert_eq!(page.index("/assets/gone.js", false), None);
        let with = Page::of(
            [("a.js", "plain"), ("a.js.br", "small")]
                .map(|(path, text)| (path.to_owned(), text.into()))
                .into_iter(),
        );
        assert_eq!(&with.file("/a.js").unwrap().body.brotli()[..], b"small");
        assert!(with.file("/a.js.br").is_none(), "a form of a file is no file");
        let none = Page::of(std::iter::empty());
        assert_eq!(none.index("/", true), None);
    }
}
