//! Whether the service lives, and whether it is ready.

use std::sync::Arc;

use actix_web::{HttpResponse, http::header, web};
use serde_json::json;

use crate::{port::Inquiry, state::App};

/// `GET /healthz`: it answers, so it lives.
pub(crate) async fn healthz() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({"status": "ok"}))
}

/// `GET /readyz` of the public server.
pub(crate) async fn readyz(app: web::Data<App>) -> HttpResponse {
    readiness(app.inquiry.as_ref())
}

/// `GET /readyz` of the operators' server.
pub(crate) async fn readyz_of(inquiry: web::Data<Arc<dyn Inquiry>>) -> HttpResponse {
    readiness(inquiry.as_ref().as_ref())
}

fn readiness(inquiry: &dyn Inquiry) -> HttpResponse {
    let readiness = inquiry.ready();
    let parts: Vec<_> = readiness
        .0
        .iter()
        .map(|part| match &part.state {
            Ok(()) => match &part.warning {
                Some(warning) => json!({"what": part.what, "ready": true, "warning": warning}),
                None => json!({"what": part.what, "ready": true}),
            },
            Err(why) => json!({"what": part.what, "ready": false, "why": why}),
        })
        .collect();
    let ready = readiness.is_ready();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer.json(json!({"ready": ready, "parts": parts}))
}
