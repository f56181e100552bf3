//! The situation room: decisions, devices, the security log. Who decides comes from their token, never from what
//! they send.

pub(crate) mod devices;
pub(crate) mod documents;
pub(crate) mod history;
pub(crate) mod many;
pub(crate) mod protocols;

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{StatusCode, header},
    web,
};
use election::record::{Act, Decision};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{api::seats, port::Refused, problem::Problem, state::App};

/// Longest decision: a protocol with every option of every contest.
pub(crate) const LONGEST: usize = 64 << 10;

/// A decision without its person.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposed {
    reason: String,
    #[serde(default)]
    signature: Option<String>,
    act: Act,
}

/// `POST /api/v1/room/decisions`
pub(crate) async fn decide(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let outcome = consider(&request, body, &app).await;
    let word = match &outcome {
        Ok(_) => "taken",
        Err(problem) => match problem.status_code() {
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => "refused",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "malformed",
        },
    };
    app.instruments.decisions.with_label_values(&[word]).inc();
    answered(outcome)
}

/// The answer of the room: whoever has no token is told how to send one.
fn answered(outcome: Result<HttpResponse, Problem>) -> HttpResponse {
    let problem = match outcome {
        Ok(mut answer) => {
            let no_store = header::HeaderValue::from_static("no-store");
            answer.headers_mut().insert(header::CACHE_CONTROL, no_store);
            return answer;
        }
        Err(problem) => problem,
    };
    let mut answer = problem.error_response();
    if problem.status_code() == StatusCode::UNAUTHORIZED {
        let challenge = header::HeaderValue::from_static("Bearer realm=\"room\"");
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// The person who asks, if it is one of the room's.
fn admit(request: &HttpRequest, app: &App) -> Result<String, Problem> {
    person(request, app).ok_or_else(|| {
        Problem::new(StatusCode::UNAUTHORIZED, "send a token of the situation room: authorization: bearer …")
    })
}

/// What was sent, if it is whole, of bounded length, and in time.
async fn body_of(body: web::Payload, longest: usize, app: &App) -> Result<web::Bytes, Problem> {
    match tokio::time::timeout(app.limits.head, body.to_bytes_limited(longest)).await {
        Err(_) => Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "what was sent did not arrive in time")),
        Ok(Err(_)) => {
            let what = format!("what is sent here has at most {longest} bytes");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, what))
        }
        Ok(Ok(Err(_))) => Err(Problem::bad("what was sent did not arrive whole")),
        Ok(Ok(Ok(bytes))) => Ok(bytes),
    }
}

async fn consider(request: &HttpRequest, body: web::Payload, app: &App) -> Result<HttpResponse, Problem> {
    let by = admit(request, app)?;
    let bytes = body_of(body, LONGEST, app).await?;
    let proposed: Proposed =
        serde_json::from_slice(&bytes).map_err(|error| Problem::bad(format!("decision: {error}")))?;
    if let Some(precinct) = proposed.act.precinct()
        && !app.definition().precincts().contains_key(&precinct)
    {
        return Err(Problem::not_found(format!("there is no precinct {precinct} in this election")));
    }
    match &proposed.act {
        Act::Document { .. } => {
            let what = "send the file itself: POST /api/v1/room/documents";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what));
        }
        Act::DrawLots(drawing) => seats::waits_for_lots(app, drawing)?,
        _ => {}
    }
    let decision = Decision { by, reason: proposed.reason, signature: proposed.signature, act: proposed.act };
    // No limit of time: a decision that was journaled must not be reported as lost.
    match app.inquiry.decide(decision).await {
        Ok(offset) => Ok(HttpResponse::Created().json(json!({"offset": offset}))),
        Err(why) => Err(refused(why)),
    }
}

/// Why a decision was not taken, as a problem.
fn refused(why: Refused) -> Problem {
    match why {
        Refused::Objection(why) => Problem::new(StatusCode::CONFLICT, why),
        Refused::Unfit(why) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why),
        Refused::Unavailable(why) => Problem::unavailable(why),
    }
}

/// What a person has found out about the centre's clock.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    reason: String,
}

/// Longest of them, in bytes.
const LONGEST_FINDING: usize = 2 << 10;

/// `POST /api/v1/room/clock`
pub(crate) async fn confirm_clock(
    request: HttpRequest,
    body: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let noted = async {
        let by = admit(&request, &app)?;
        let bytes = body_of(body, LONGEST_FINDING, &app).await?;
        let Finding { reason } =
            serde_json::from_slice(&bytes).map_err(|error| Problem::bad(format!("clock: {error}")))?;
        if reason.trim().is_empty() {
            return Err(Problem::bad("clock: give a reason: how do you know that it is right?"));
        }
        match app.inquiry.confirm_clock(by, reason).await {
            Ok(offset) => Ok(HttpResponse::Created().json(json!({"offset": offset}))),
            Err(why) => Err(refused(why)),
        }
    };
    answered(noted.await)
}

/// The person whose token the request carries. Every hash is compared, each in constant time.
fn person(request: &HttpRequest, app: &App) -> Option<String> {
    let (scheme, token) = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let sent = Sha256::digest(token.trim());
    let mut found = None;
    for person in &app.room {
        if bool::from(person.token_sha256.ct_eq(sent.as_slice())) {
            found = Some(person.name.clone());
        }
    }
    found.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}
