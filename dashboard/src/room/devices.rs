//! The situation room's view of the devices, its commands to them, and the security log.

use actix_web::{HttpRequest, HttpResponse, web};
use election::{
    DeviceId,
    definition::DeviceKind,
    liveness::{DeviceLife, DevicesWanted, Point},
    report::{Order, Seq},
};
use feed::rfc3339;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{admit, answered, body_of};
use crate::{
    port::{DeviceEntry, Refused},
    problem::Problem,
    query::Query,
    state::App,
};

/// Devices in one answer, where the asker does not say; and at most.
const ROWS: (usize, usize) = (500, 10_000);
/// Longest command.
const LONGEST: usize = 4 << 10;
/// Seconds between heartbeats that a device can be asked for.
const INTERVALS: std::ops::RangeInclusive<u64> = 5..=3_600;

/// `GET /api/v1/room/devices`
pub(crate) async fn devices(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let list = async {
        admit(&request, &app)?;
        let wanted = wanted(&Query::of(&request)?)?;
        let devices = app.ask(app.inquiry.devices(wanted)).await?;
        let counts = DeviceLife::ALL.map(|state| {
            (state.as_str().to_owned(), Value::from(devices.counts.get(&state).copied().unwrap_or(0)))
        });
        Ok(HttpResponse::Ok().json(json!({
            "counts": Value::Object(counts.into_iter().collect()),
            "devices": devices.rows.iter().map(row).collect::<Vec<_>>(),
            "next": devices.rows.last().filter(|_| devices.more).map(|last| &last.row.device),
        })))
    };
    answered(list.await)
}

/// `GET /api/v1/room/devices/{device}`
pub(crate) async fn device(request: HttpRequest, of: web::Path<String>, app: web::Data<App>) -> HttpResponse {
    let one = async {
        admit(&request, &app)?;
        let unknown = || Problem::not_found("there is no such device in use");
        let id: DeviceId = of.parse().map_err(|_| unknown())?;
        let (entry, history) = app.ask(app.inquiry.device(id)).await?.ok_or_else(unknown)?;
        let history: Vec<_> = history.iter().map(point).collect();
        Ok(HttpResponse::Ok().json(json!({"device": row(&entry), "history": history})))
    };
    answered(one.await)
}

/// `GET /api/v1/room/refusals`
pub(crate) async fn refusals(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let list = || {
        admit(&request, &app)?;
        let samples = app.inquiry.refusals();
        let one = |sample: &crate::port::RefusalEntry| {
            json!({
                "at": rfc3339(sample.at), "what": sample.what, "why": sample.why, "of": sample.of,
                "size": sample.size,
            })
        };
        let samples: Vec<_> = samples.iter().map(one).collect();
        Ok(HttpResponse::Ok().json(json!({"refusals": samples})))
    };
    answered(list())
}

/// A command as it is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    device: DeviceId,
    cmd: Cmd,
    #[serde(default)]
    from: Option<Seq>,
    #[serde(default)]
    interval: Option<u64>,
}

/// What a device can be told by hand.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cmd {
    Resend,
    Heartbeat,
    Disconnect,
}

impl Wish {
    fn order(&self) -> Result<Order, Problem> {
        match (self.cmd, self.from, self.interval) {
            (Cmd::Resend, Some(from), None) if from > 0 => Ok(Order::Resend { from }),
            (Cmd::Resend, ..) => {
                Err(Problem::bad("resend: give from, the first number to send again, from 1"))
            }
            (Cmd::Heartbeat, None, Some(interval)) if INTERVALS.contains(&interval) => {
                Ok(Order::Heartbeat { interval })
            }
            (Cmd::Heartbeat, ..) => {
                let (least, most) = (INTERVALS.start(), INTERVALS.end());
                Err(Problem::bad(format!("heartbeat: give interval, {least} to {most} seconds")))
            }
            (Cmd::Disconnect, None, None) => Ok(Order::Disconnect),
            (Cmd::Disconnect, ..) => Err(Problem::bad("disconnect: takes nothing beside the device")),
        }
    }
}

/// `POST /api/v1/room/commands`
pub(crate) async fn command(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let told = async {
        let by = admit(&request, &app)?;
        let bytes = body_of(body, LONGEST, &app).await?;
        let wish: Wish =
            serde_json::from_slice(&bytes).map_err(|error| Problem::bad(format!("command: {error}")))?;
        let order = wish.order()?;
        match app.ask(app.inquiry.command(by, wish.device, order)).await? {
            Ok((id, delivered)) => {
                Ok(HttpResponse::Accepted().json(json!({"id": id, "delivered": delivered})))
            }
            Err(Refused::Objection(why) | Refused::Unfit(why)) => Err(Problem::not_found(why)),
            Err(Refused::Unavailable(why)) => Err(Problem::unavailable(why)),
        }
    };
    answered(told.await)
}

fn wanted(query: &Query) -> Result<DevicesWanted, Problem> {
    let states: Vec<_> = DeviceLife::ALL.map(|state| (state.as_str(), Some(state))).into();
    let all = [("all", None)];
    let states: Vec<_> = all.into_iter().chain(states).collect();
    let kinds = [DeviceKind::Urn, DeviceKind::IdTerminal].map(|kind| (kind.as_str(), Some(kind)));
    let kinds: Vec<_> = [("all", None)].into_iter().chain(kinds).collect();
    Ok(DevicesWanted {
        precinct: query.read("precinct")?,
        state: query.one_of("state", &states)?,
        kind: query.one_of("kind", &kinds)?,
        after: query.read("after")?,
        limit: query.read("limit")?.unwrap_or(ROWS.0).clamp(1, ROWS.1),
    })
}

fn row(entry: &DeviceEntry) -> Value {
    let of = &entry.row;
    json!({
        "device": of.device, "kind": of.kind, "precinct": of.precinct, "state": of.state,
        "since": rfc3339(of.since), "heard": of.heard.map(rfc3339), "finished": of.finished,
        "boot": of.boot, "connections": of.connections, "vitals": of.vitals, "flags": of.flags,
        "gap": entry.gap, "over_quota": entry.over_quota,
    })
}

fn point(of: &Point) -> Value {
    json!({
        "at": rfc3339(of.at()), "state": of.state(), "battery": of.battery(), "mains": of.mains(),
        "signal": of.signal(), "paper": of.paper(),
    })
}
