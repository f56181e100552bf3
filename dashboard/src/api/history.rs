//! How the night went.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use election::{ElectionId, Timestamp, UnitId};
use feed::{Body, Point, rfc3339};
use history::{Source, Span, State};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::{past::Whose, results::tag},
    problem::Problem,
    query::Query,
    state::App,
};

/// Longest step, seconds: a day.
const LONGEST: u32 = 86_400;

/// Most points of a line of votes.
const VOTES: u32 = 1_500;
/// Most points of the other lines, as of those in memory: three days by the minute.
const POINTS: u32 = 4_320;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Reported,
    Turnout,
    Votes,
}

/// `GET /elections/{e}/history`
pub(crate) async fn history(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let whose = app.whose(&of)?;
    let query = Query::of(&request)?;
    let words = [("reported", Which::Reported), ("turnout", Which::Turnout), ("votes", Which::Votes)];
    let which = query.one_of("series", &words)?;
    let step = query.read::<u32>("step")?.unwrap_or(300);
    if !(60..=LONGEST).contains(&step) || !step.is_multiple_of(60) {
        return Err(Problem::bad(format!("step: a multiple of 60 seconds, from 60 to {LONGEST}")));
    }
    let unit = query.read::<UnitId>("unit")?.unwrap_or(UnitId::Country);
    if which == Which::Votes {
        let line = Line { app: &app, election: app.id_of(&whose), unit: &unit, step };
        return line.votes(&request, &query).await;
    }
    let in_memory = match whose {
        Whose::Running => app.feed.series().points(&unit, step),
        Whose::Archived(_) => None,
    };
    let (points, tag, source) = match in_memory {
        Some(points) => (points, Some(tag(&app.latest())), None),
        None => {
            let line = Line { app: &app, election: app.id_of(&whose), unit: &unit, step };
            let (points, source) = line.points().await?;
            (points, None, Some(source))
        }
    };
    let name = words.iter().find(|(_, of)| *of == which).map(|(word, _)| *word);
    let points: Vec<Value> = points.iter().map(|at| point(which, at)).collect();
    let mut body = json!({"unit": unit.to_string(), "series": name, "step": step, "points": points});
    if let Some(source) = source {
        body["history_source"] = source.as_str().into();
    }
    let body = Arc::new(Body::new(body.to_string()));
    match tag {
        Some(tag) => Answer::json(body, tag, Keep::Latest),
        None => Answer::fresh(body),
    }
    .to(&request)
    .await
}

/// The line of a unit on record.
struct Line<'a> {
    app: &'a App,
    election: &'a ElectionId,
    unit: &'a UnitId,
    step: u32,
}

impl Line<'_> {
    /// The states of the unit, and until when they are known, and by whom.
    async fn states(&self, most: (u32, bool)) -> Result<(Vec<State>, Span), Problem> {
        let unknown = || {
            Problem::bad(format!("unit: there is no history of {} in election {}", self.unit, self.election))
        };
        let span = self.app.past.span(self.election).await?.ok_or_else(unknown)?;
        let step = i64::from(self.step) * 1000;
        let states = self.app.past.line(self.election, self.unit, step, most).await?;
        if states.is_empty() { Err(unknown()) } else { Ok((states, span)) }
    }

    async fn points(&self) -> Result<(Vec<Point>, Source), Problem> {
        let (states, span) = self.states((POINTS, false)).await?;
        let number = |of: i64| u32::try_from(of).unwrap_or_default();
        let wide = |of: i64| u64::try_from(of).unwrap_or_default();
        let point = |(at, of): (Timestamp, &State)| Point {
            at,
            reported_precincts: number(of.reported),
            reported_registered: wide(of.reported_registered),
            identified: wide(of.identified),
            turnout_precincts: number(of.turnout_precincts),
            turnout_registered: wide(of.turnout_registered),
            of_precincts: number(of.precincts),
            of_registered: wide(of.registered),
        };
        Ok((steps(&states, span.end, self.step, POINTS).map(point).collect(), span.source))
    }

    async fn votes(&self, request: &HttpRequest, query: &Query) -> Result<HttpResponse, Problem> {
        let source = query.one_of("source", &[("urns", "urns"), ("protocols", "protocols")])?;
        let (states, span) = self.states((VOTES, true)).await?;
        let read = |state: &State| serde_json::from_slice::<Value>(&state.body).unwrap_or_default();
        let bodies: Vec<(Timestamp, Value)> = states.iter().map(|state| (state.at, read(state))).collect();
        let last = bodies.last().and_then(|(_, body)| body["contests"].as_object());
        let first_contest = self.app.definition().contests().iter().map(|contest| contest.id.as_str());
        let stands = |contest: &&str| last.is_some_and(|contests| contests.contains_key(*contest));
        let contest = match query.get("contest")? {
            Some(contest) => contest.to_owned(),
            None => {
                let own = first_contest.into_iter().find(stands).map(str::to_owned);
                own.or_else(|| last.and_then(|of| of.keys().next().cloned())).unwrap_or_default()
            }
        };
        if !stands(&contest.as_str()) {
            let what = format!("contest: {contest:.40} does not stand in {}", self.unit);
            return Err(Problem::bad(what));
        }
        // Before votes may be published there is no line of them, not even of nought.
        let shown =
            bodies.iter().position(|(_, body)| !body["contests"][&contest][source]["votes"].is_null());
        let shown = shown.map_or(&[][..], |at| &bodies[at..]);
        let points: Vec<Value> = steps(shown, span.end, self.step, VOTES)
            .map(|(at, (_, body))| votes(at, &body["contests"][&contest], source))
            .collect();
        let body = json!({
            "unit": self.unit.to_string(), "series": "votes", "contest": contest, "source": source,
            "step": self.step, "points": points, "history_source": span.source.as_str(),
        });
        Answer::fresh(Arc::new(Body::new(body.to_string()))).to(request).await
    }
}

/// What has a moment from which it is so.
trait Since {
    fn since(&self) -> Timestamp;
}

impl Since for State {
    fn since(&self) -> Timestamp {
        self.at
    }
}

impl Since for (Timestamp, Value) {
    fn since(&self) -> Timestamp {
        self.0
    }
}

/// At the end of each step what was so then, from the first state until the last moment known: the newest of them.
fn steps<T: Since>(
    states: &[T],
    until: Timestamp,
    step: u32,
    most: u32,
) -> impl Iterator<Item = (Timestamp, &T)> {
    let step = u64::from(step) * 1000;
    let first = states.first().map_or(until, Since::since);
    let last = until.millis() / step;
    let begin = (first.millis() / step).max((last + 1).saturating_sub(u64::from(most)));
    let ends = (begin..=last).map(move |at| Timestamp::from_millis(((at + 1) * step).min(until.millis())));
    ends.filter_map(move |end| {
        let known = states.partition_point(|state| state.since() <= end);
        states.get(known.checked_sub(1)?).map(|state| (end, state))
    })
}

fn votes(at: Timestamp, contest: &Value, source: &str) -> Value {
    let of = &contest[source];
    json!({
        "at": rfc3339(at), "precincts": of["precincts"], "registered": of["registered"],
        "of_precincts": contest["precincts"], "of_registered": contest["registered"], "ballots": of["ballots"],
        "invalid": of["invalid"], "votes": of["votes"],
    })
}

fn point(which: Which, point: &Point) -> Value {
    match which {
        Which::Reported => json!({
            "at": rfc3339(point.at), "precincts": point.reported_precincts,
            "registered": point.reported_registered, "of_precincts": point.of_precincts,
            "of_registered": point.of_registered, "identified": point.identified,
        }),
        Which::Turnout | Which::Votes => json!({
            "at": rfc3339(point.at), "identified": point.identified, "precincts": point.turnout_precincts,
            "registered": point.turnout_registered, "of_precincts": point.of_precincts,
            "of_registered": point.of_registered,
        }),
    }
}
