//! What every answer carries, and what is settled before any handler is asked.

use std::time::Instant;

use actix_web::{
    Error, HttpResponse,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use crate::{problem::Problem, state::App, visitors::Visit};

/// The page: its own scripts, MapLibre's workers and images, the live feed, and no third party.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; child-src 'self' blob:; \
     manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
/// A part of the page on other people's pages: nothing of third parties, nothing inline; anybody may frame it.
const EMBED_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors *";
/// Data never acts, whatever a browser takes it for: scans that people sent in are data too.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// Refuses crowds, answers preflights, measures, and adds the headers.
pub(crate) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let reach = Reach::of(request.path());
    let crowded = request.conn_data::<Visit>().is_some_and(Visit::is_crowded);
    let mut answer = if crowded {
        if let Some(app) = &app {
            app.instruments.crowded.inc();
        }
        let mut refusal = refuse_crowd();
        refusal.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        request.into_response(refusal)
    } else if *request.method() == Method::OPTIONS && reach == Reach::Public {
        request.into_response(preflight())
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if let Some(app) = app {
        let route = answer.request().match_pattern().unwrap_or_else(|| "none".to_owned());
        let class = format!("{}xx", answer.status().as_u16() / 100);
        app.instruments.requests.with_label_values(&[route.as_str(), class.as_str()]).inc();
        app.instruments.seconds.observe(began.elapsed().as_secs_f64());
    }
    dress(answer.headers_mut(), reach);
    Ok(answer)
}

/// Who may read an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Any page of any origin.
    Public,
    /// The situation room.
    Room,
    /// What other pages embed: frames, and the program that draws the elements.
    Embed,
    /// Our page.
    Page,
}

impl Reach {
    fn of(path: &str) -> Self {
        match path {
            _ if path.starts_with("/api/v1/room") => Self::Room,
            "/healthz" | "/readyz" => Self::Public,
            _ if path.starts_with("/api/") || path == "/oembed" => Self::Public,
            _ if path.starts_with("/embed/") => Self::Embed,
            _ => Self::Page,
        }
    }
}

fn refuse_crowd() -> HttpResponse {
    use actix_web::ResponseError;
    Problem::too_many("this client has too many connections open; close some").error_response()
}

fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"))
        .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, "if-none-match, last-event-id, cache-control"))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

fn dress(headers: &mut HeaderMap, reach: Reach) {
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    match reach {
        Reach::Public => {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            set(header::ACCESS_CONTROL_EXPOSE_HEADERS, "etag, history-source, location, retry-after");
            set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
            set(header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        }
        Reach::Room => {
            set(header::CACHE_CONTROL, "no-store");
            set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
            set(header::CONTENT_SECURITY_POLICY, DATA_POLICY);
        }
        Reach::Embed => {
            set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
            set(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
            set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
            set(header::CONTENT_SECURITY_POLICY, EMBED_POLICY);
        }
        Reach::Page => {
            set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
            set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
            set(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
            set(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        }
    }
}
