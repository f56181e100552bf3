//! oEmbed 1.0 (<https://oembed.com>): a page that is linked to says how it is shown on the page that links.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use serde_json::json;

use super::frame::{Kind, of_page};
use crate::{
    address::Subject, answer::Keep, language::Language, plain::html::escaped, preview::Preview,
    problem::Problem, query::Query, state::App,
};

/// Width in px that a frame is given where nobody asks for less; and the least that it can be read in.
const WIDTH: (u32, u32) = (640, 280);
/// Least height in px.
const LOWEST: u32 = 160;
/// Longest address that is looked at.
const LONGEST: usize = 2_000;

/// `GET /oembed?url=&format=json&maxwidth=&maxheight=`
pub(crate) async fn oembed(request: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let query = Query::of(&request)?;
    if query.get("format")?.is_some_and(|format| format != "json") {
        return Err(Problem::new(StatusCode::NOT_IMPLEMENTED, "format: this is answered as json only"));
    }
    let url = query.get("url")?.ok_or_else(|| Problem::bad("url: which page is to be embedded"))?;
    let elsewhere = || Problem::not_found("url: this is no page of this site that can be embedded");
    let (origin, path, asked) = taken_apart(url, &request).ok_or_else(elsewhere)?;
    let (kind, mut fields) = match Kind::of(path) {
        Some(kind) => (kind, Vec::new()),
        None => of_page(&app, path).ok_or_else(elsewhere)?,
    };
    let language = asked.iter().find(|(name, _)| name == "lang").map(|(_, value)| value.as_str());
    let language = Language::of(language);
    let kept = ["contest", "unit", "source", "mode", "theme", "ink", "ground", "accent", "lang"];
    let given = asked.iter().filter_map(|(name, value)| {
        let name = kept.into_iter().find(|kept| kept == name)?;
        (value.len() <= 64).then(|| (name, value.clone()))
    });
    for (name, value) in given {
        if !fields.iter().any(|(of, _)| *of == name) {
            fields.push((name, value));
        }
    }
    let most = |name: &str, default: u32, least: u32| -> Result<u32, Problem> {
        Ok(query.read::<u32>(name)?.unwrap_or(default).min(default).max(least))
    };
    let (width, height) = (most("maxwidth", WIDTH.0, WIDTH.1)?, most("maxheight", kind.height(), LOWEST)?);
    let address = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let src = format!("{origin}/embed/{}?{address}", kind.name());
    let preview = Preview::of(app.definition(), Subject::of(app.definition(), path).as_ref(), language);
    let html = format!(
        "<iframe src=\"{}\" width=\"{width}\" height=\"{height}\" title=\"{}\" loading=\"lazy\" \
         sandbox=\"allow-scripts allow-same-origin allow-popups\" frameborder=\"0\"></iframe>",
        escaped(src.trim_end_matches('?')),
        escaped(preview.title()),
    );
    let answer = json!({
        "version": "1.0", "type": "rich", "provider_name": "Sanak", "provider_url": origin,
        "title": preview.title(), "html": html, "width": width, "height": height, "cache_age": 300,
    });
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, Keep::Entry.header()))
        .body(answer.to_string()))
}

type Fields = Vec<(String, String)>;

/// An address of this site: its origin, path and fields. Which site this is, the request itself says: an address that
/// names another is not ours to speak for.
fn taken_apart<'a>(url: &'a str, request: &HttpRequest) -> Option<(&'a str, &'a str, Fields)> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| url.starts_with(scheme))?;
    if url.len() > LONGEST {
        return None;
    }
    let rest = url.get(scheme.len()..)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..end)?;
    let own = own_host(request).is_some_and(|own| own.eq_ignore_ascii_case(host));
    let origin = url.get(..scheme.len() + end).filter(|_| own)?;
    let rest = rest.get(end..)?.split('#').next()?;
    let (path, fields) = rest.split_once('?').unwrap_or((rest, ""));
    Some((origin, path, form_urlencoded::parse(fields.as_bytes()).into_owned().collect()))
}

/// What the request was sent to. A forwarded name is not believed: caches tell pages apart by this one alone.
fn own_host(request: &HttpRequest) -> Option<&str> {
    request.headers().get(header::HOST)?.to_str().ok().filter(|host| plain_host(host))
}

/// Letters, digits and what stands between them in a name, a number or a port.
fn plain_host(host: &str) -> bool {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]".contains(letter);
    !host.is_empty() && host.len() <= 255 && host.chars().all(fits)
}

/// Where a page says how it is embedded, for its head; `None` where it is not, or the request names no usable host.
pub(crate) fn discovery(request: &HttpRequest, app: &App) -> Option<String> {
    of_page(app, request.path())?;
    let host = own_host(request)?;
    let connection = request.connection_info();
    let scheme = if connection.scheme() == "https" { "https" } else { "http" };
    let language = Query::of(request).ok()?.get("lang").ok()?.map(|text| Language::of(Some(text)).code());
    let language = language.map(|code| format!("?lang={code}")).unwrap_or_default();
    let page = format!("{scheme}://{host}{}{language}", request.path());
    let fields = form_urlencoded::Serializer::new(String::new())
        .append_pair("url", &page)
        .append_pair("format", "json")
        .finish();
    Some(format!("{scheme}://{host}/oembed?{fields}"))
}
