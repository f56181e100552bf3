//! The live feed: the same frames over WebSocket and as server-sent events (PROTOCOL §3).

mod direct;
mod events;
mod framing;
mod heard;
mod reader;
mod seats;

use std::{rc::Rc, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    body::{BodyStream, BoxBody},
    http::{StatusCode, header},
    web,
};
use feed::{Position, UnitFilter};

use crate::{problem::Problem, query::Query, socket::Socket, state::App};
use direct::Direct;
use framing::Framing;
use heard::Heard;
use reader::Reader;

pub(crate) use direct::Crowd;
pub(crate) use seats::Seats;

/// What a reader has to take, or else all that is left for it, each time within the limit that it may take nothing in:
/// about a kilobyte a second, as the slowest of mobile networks carries. So every frame is taken whole within a bound that
/// grows with its length, and a byte now and then keeps no seat. It cannot be much less: kernels tell of room in such parts.
const PART: usize = 32 << 10;

/// What a reader follows, and what it holds.
fn wish(request: &HttpRequest, app: &App) -> Result<(UnitFilter, Option<Position>), Problem> {
    let query = Query::of(request)?;
    let filter = match query.get("units")?.filter(|text| !text.is_empty()) {
        Some(text) => app.feed.filter(text).map_err(Problem::bad)?,
        None => UnitFilter::default(),
    };
    Ok((filter, query.read("since")?))
}

/// `GET /elections/{e}/live`
pub(crate) async fn web_socket(
    request: HttpRequest,
    body: web::Payload,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.election(&of)?;
    let (filter, since) = wish(&request, &app)?;
    let encodings = [("none", Framing::WebSocket), ("deflate", Framing::Deflated)];
    let framing = Query::of(&request)?.one_of("encoding", &encodings)?;
    let mut answer = actix_http::ws::handshake(request.head()).map_err(|error| {
        let detail = format!("this is a WebSocket: {error}; /events has the same as server-sent events");
        Problem::new(StatusCode::UPGRADE_REQUIRED, detail)
    })?;
    let (Some(crowd), Some(socket)) = (request.app_data::<Rc<Crowd>>(), request.conn_data::<Socket>()) else {
        return Err(Problem::unavailable("this connection cannot carry a WebSocket"));
    };
    let seat = app.seats.take("websocket")?;
    let reader = Reader::new(app.into_inner(), (filter, since), framing, seat);
    let reader = Direct::new(crowd, reader, socket.clone(), Heard::new(body));
    let body = BoxBody::new(BodyStream::new(reader));
    let answer = answer.message_body(body).map_err(Problem::bad)?;
    Ok(answer.into())
}

/// `GET /elections/{e}/events`
pub(crate) async fn events(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.election(&of)?;
    let (filter, mut since) = wish(&request, &app)?;
    if let Some(last) = request.headers().get("last-event-id") {
        let last = last.to_str().ok().and_then(|last| last.parse().ok());
        since = Some(last.ok_or_else(|| Problem::bad("last-event-id is no position such as k3x9:412"))?);
    }
    let Some(socket) = request.conn_data::<Socket>() else {
        return Err(Problem::unavailable("this connection cannot carry events"));
    };
    let seat = app.seats.take("events")?;
    let app = app.into_inner();
    let reader = Reader::new(Arc::clone(&app), (filter, since), Framing::Events, seat);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(events::events(reader, &app, socket.clone()))))
}
