//! Answers whose bytes many readers share: encodings, tags, and how long they may be kept.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap},
    web,
};
use bytes::Bytes;
use feed::Body;
use history::Source;

use crate::{api::fixed::tag, problem::Problem};

/// Below this, compression costs more than it saves.
const SMALL: usize = 1024;

/// The header that says which store of the history an answer is from: what was published has no room for it.
const HISTORY_SOURCE: &str = "history-source";

/// How long an answer may be kept by those who pass it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The newest of something that changes four times a second.
    Latest,
    /// What never changes at this address.
    Forever,
    /// What names other files, and may be some minutes behind.
    Entry,
    /// What changes seldom, and may be used only after asking whether it has.
    Revalidate,
}

impl Keep {
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Latest => "public, max-age=1, stale-while-revalidate=10",
            Self::Forever => "public, max-age=31536000, immutable",
            Self::Entry => "public, max-age=300, stale-while-revalidate=86400",
            Self::Revalidate => "no-cache",
        }
    }
}

/// An answer to be given.
pub(crate) struct Answer {
    pub body: Arc<Body>,
    pub content_type: &'static str,
    /// The weak tag of its content, without quotes: every encoding of it has the same.
    pub tag: Option<String>,
    pub keep: Keep,
    /// Which store of the history it is from, where it is from there.
    pub source: Option<Source>,
}

impl Answer {
    /// JSON with a tag.
    pub(crate) fn json(body: Arc<Body>, tag: String, keep: Keep) -> Self {
        Self { body, content_type: "application/json", tag: Some(tag), keep, source: None }
    }

    /// JSON that was made for this moment: its bytes are its tag.
    pub(crate) fn fresh(body: Arc<Body>) -> Self {
        let tag = tag(body.plain());
        Self::json(body, tag, Keep::Latest)
    }

    /// The same, from this store of the history.
    pub(crate) fn told_by(self, source: Source) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The response: 304 where the reader has it, else in the best encoding that it takes.
    pub(crate) async fn to(self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        let headers = request.headers();
        if let Some(unchanged) = self.tag.as_ref().and_then(|tag| unchanged(headers, tag, self.keep)) {
            return Ok(unchanged);
        }
        let tag = self.tag.as_deref().map(weak);
        let mut answer = HttpResponse::Ok();
        answer
            .insert_header((header::CONTENT_TYPE, self.content_type))
            .insert_header((header::CACHE_CONTROL, self.keep.header()))
            .insert_header((header::VARY, "accept-encoding"));
        if let Some(tag) = tag {
            answer.insert_header((header::ETAG, tag));
        }
        if let Some(source) = self.source {
            answer.insert_header((HISTORY_SOURCE, source.as_str()));
        }
        let bytes = if self.body.plain().len() >= SMALL && compressible(self.content_type) {
            let (encoding, bytes) = encoded(&self.body, headers).await?;
            if let Some(encoding) = encoding {
                answer.insert_header((header::CONTENT_ENCODING, encoding));
            }
            bytes
        } else {
            self.body.plain().clone()
        };
        Ok(answer.body(bytes))
    }
}

/// The answer to a reader that has what the tag names; `None` where it has not.
pub(crate) fn unchanged(headers: &HeaderMap, tag: &str, keep: Keep) -> Option<HttpResponse> {
    let tag = weak(tag);
    matches(headers, &tag).then(|| {
        HttpResponse::NotModified()
            .insert_header((header::CACHE_CONTROL, keep.header()))
            .insert_header((header::VARY, "accept-encoding"))
            .insert_header((header::ETAG, tag))
            .finish()
    })
}

/// A tag as it stands in a header.
pub(crate) fn weak(tag: &str) -> String {
    format!("W/\"{tag}\"")
}

fn compressible(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || ["json", "javascript", "xml", "wasm"].iter().any(|kind| content_type.contains(kind))
}

/// The body in the best encoding that the reader takes; compressed away from the threads that serve.
async fn encoded(body: &Arc<Body>, headers: &HeaderMap) -> Result<(Option<&'static str>, Bytes), Problem> {
    let (brotli, gzip) = (accepts(headers, "br"), accepts(headers, "gzip"));
    let busy = |_| Problem::unavailable("the server is busy; try again");
    if brotli && body.has_brotli() {
        return Ok((Some("br"), body.brotli().clone()));
    }
    let shared = Arc::clone(body);
    if brotli {
        let bytes = web::block(move || shared.brotli().clone()).await.map_err(busy)?;
        return Ok((Some("br"), bytes));
    }
    if gzip {
        let made = body.has_gzip();
        let bytes = match made {
            true => body.gzip().clone(),
            false => web::block(move || shared.gzip().clone()).await.map_err(busy)?,
        };
        return Ok((Some("gzip"), bytes));
    }
    Ok((None, body.plain().clone()))
}

/// Whether `Accept-Encoding` names a coding, and not with a weight of nought.
fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|item| {
        let mut parts = item.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

/// Whether `If-None-Match` has the tag, by the weak comparison of RFC 9110 §8.8.3.2.
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let tag = opaque(tag);
    values.flat_map(|value| value.split(',')).any(|held| held.trim() == "*" || opaque(held) == tag)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        TestRequest::default().insert_header((name, value)).to_http_request().headers().clone()
    }

    #[test]
    fn a_coding_is_taken_where_it_is_named_with_weight() {
        for (value, taken) in [
            ("gzip, deflate, br", true),
            ("BR;q=0.5", true),
            ("br;q=0, gzip", false),
            ("gzip", false),
            ("br;q=x", false),
        ] {
            assert_eq!(accepts(&headers(header::ACCEPT_ENCODING, value), "br"), taken, "{value}");
        }
    }

    #[test]
    fn a_tag_matches_weakly_in_a_list_or_by_a_star() {
        for (value, same) in [
            ("W/\"e1:4\"", true),
            ("\"e1:4\"", true),
            ("\"a\", W/\"e1:4\"", true),
            ("*", true),
            ("W/\"e1:5\"", false),
        ] {
            assert_eq!(matches(&headers(header::IF_NONE_MATCH, value), "W/\"e1:4\""), same, "{value}");
        }
    }
}
