//! What comes from the history: versions that are no longer in memory, and elections that have ended.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use bytes::Bytes;
use election::{ElectionId, Timestamp};
use feed::{Body, Position, Version, parse_time, rfc3339, snapshot};
use history::{Moment, Source, StoreError, Units, When};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    problem::Problem,
    query::Query,
    state::App,
};

type Result<T> = std::result::Result<T, Problem>;

/// Most moments in one answer.
const MOMENTS: u64 = 2_000;
/// Seconds between moments: where nothing is said, and at most.
const STEPS: (u64, u64) = (300, 86_400);
/// Versions are told apart by milliseconds, and moments named by whole seconds: the last one of that second is meant.
const THE_SECOND: Duration = Duration::from_millis(999);

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::unavailable(error.to_string())
    }
}

/// Which election a path is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whose {
    /// The one that runs.
    Running,
    /// Another, which the history may have.
    Archived(ElectionId),
}

/// A version of the running election that was named.
pub(crate) enum Then {
    /// It is in memory.
    Kept(Arc<Version>),
    /// It is on record.
    Recorded(Moment),
}

impl Then {
    /// The members of its header, without the braces around them.
    pub(crate) fn header(&self) -> &str {
        match self {
            Self::Kept(version) => version.header(),
            Self::Recorded(moment) => &moment.header,
        }
    }

    /// Whether votes were out.
    pub(crate) fn votes(&self) -> bool {
        match self {
            Self::Kept(version) => version.votes(),
            Self::Recorded(moment) => moment.votes,
        }
    }

    /// Which store of the history knows it, where it is from there.
    pub(crate) fn source(&self) -> Option<Source> {
        match self {
            Self::Kept(_) => None,
            Self::Recorded(moment) => Some(moment.source),
        }
    }
}

impl App {
    /// A version of the running election, out of memory, or else out of the history; 404 where it is yet to come, 410
    /// where it is on record no more.
    pub(crate) async fn then(&self, position: &Position) -> Result<Then> {
        if position.epoch == *self.feed.epoch() {
            if position.version > self.feed.current().number() {
                return Err(Problem::not_found(format!("there is no version {position} yet")));
            }
            if let Some(version) = self.feed.version(position.version) {
                return Ok(Then::Kept(version));
            }
        }
        let election = &self.definition().about().id;
        Ok(Then::Recorded(self.moment(election, &When::Version(position.clone())).await?))
    }

    /// The version of the running election that was the newest at the end of the second which a query names.
    pub(crate) async fn position_at(&self, query: &Query) -> Result<Position> {
        let at = moment_of(query, "at")?.unwrap_or_default() + THE_SECOND;
        if let Some(version) = self.feed.at(at) {
            return Ok(version.position().clone());
        }
        Ok(self.moment(&self.definition().about().id, &When::At(at)).await?.position)
    }

    /// Reads the `{election}` of a path that archived elections answer too.
    pub(crate) fn whose(&self, text: &str) -> Result<Whose> {
        let unknown =
            || Problem::not_found("there is no such election here: GET /api/v1/elections lists them");
        let id: ElectionId = text.parse().map_err(|_| unknown())?;
        let running = id == self.definition().about().id;
        Ok(if running { Whose::Running } else { Whose::Archived(id) })
    }

    /// The id of an election by which the history knows it.
    pub(crate) fn id_of<'a>(&'a self, whose: &'a Whose) -> &'a ElectionId {
        match whose {
            Whose::Running => &self.definition().about().id,
            Whose::Archived(id) => id,
        }
    }

    /// A version on record; 410 where there is none such.
    pub(crate) async fn moment(&self, of: &ElectionId, when: &When) -> Result<Moment> {
        if let Some(moment) = self.past.moment(of, when).await? {
            return Ok(moment);
        }
        Err(match when {
            When::At(_) => Problem::gone("nothing is on record of a moment so long ago"),
            When::Version(position) => {
                let which = "GET …/moments names those that are";
                Problem::gone(format!("version {position} is not on record; {which}"))
            }
            When::Last => Problem::not_found(format!("there is no election {of} here, nor in the archive")),
        })
    }

    /// A version on record as it was published, of those who ask at once made once.
    pub(crate) async fn snapshot_on_record(
        &self,
        of: &ElectionId,
        moment: &Moment,
        units: &Units,
    ) -> Result<Arc<Body>> {
        let make = async || {
            let units = self.past.units(of, moment, units).await?;
            Ok(snapshot(&moment.header, units.iter().map(|(_, body)| body)))
        };
        self.recent.answer(format!("past {of} {} {units:?}", moment.position), make).await
    }

    /// One unit of a version on record, below the header.
    pub(crate) async fn unit_on_record(
        &self,
        of: &ElectionId,
        moment: &Moment,
        units: &Units,
    ) -> Result<Arc<Body>> {
        let found = self.past.units(of, moment, units).await?;
        let (_, json) =
            found.first().ok_or_else(|| Problem::not_found("there is no such unit in this election"))?;
        let mut body = format!("{{{},\"unit\":", moment.header).into_bytes();
        body.extend_from_slice(json);
        body.push(b'}');
        Ok(Arc::new(Body::new(body)))
    }
}

/// How long an answer about a version on record may be kept: one that was named never changes.
pub(crate) fn named(moment: &Moment, when: &When) -> (String, Keep) {
    let keep = if matches!(when, When::Version(_)) { Keep::Forever } else { Keep::Revalidate };
    (format!("{}-past", moment.position), keep)
}

/// The version that a query names, or the last one.
pub(crate) fn when(query: &Query) -> Result<When> {
    Ok(query.read::<Position>("version")?.map_or(When::Last, When::Version))
}

/// A moment of a query; to the end of the second that it names.
pub(crate) fn moment_of(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    let Some(text) = query.get(name)? else { return Ok(None) };
    let read = parse_time(text);
    read.map(Some).ok_or_else(|| Problem::bad(format!("{name} is no moment such as 2026-10-04T14:00:00Z")))
}

/// To a version, by its name; `rest` is what else stands in the query.
pub(crate) fn redirect(request: &HttpRequest, position: &Position, rest: &str) -> HttpResponse {
    HttpResponse::TemporaryRedirect()
        .insert_header((header::LOCATION, format!("{}?version={position}{rest}", request.path())))
        .insert_header((header::CACHE_CONTROL, Keep::Latest.header()))
        .finish()
}

/// `GET /elections/{e}/results` of an archived election.
pub(crate) async fn results(request: &HttpRequest, app: &App, of: &ElectionId) -> Result<HttpResponse> {
    let query = Query::of(request)?;
    if let Some(at) = moment_of(&query, "at")? {
        if query.get("version")?.is_some() {
            return Err(Problem::bad("give version or at, not both"));
        }
        return Ok(redirect(request, &app.moment(of, &When::At(at + THE_SECOND)).await?.position, ""));
    }
    let when = when(&query)?;
    let moment = app.moment(of, &when).await?;
    let body = app.snapshot_on_record(of, &moment, &Units::Upper).await?;
    let (tag, keep) = named(&moment, &when);
    Answer::json(body, tag, keep).told_by(moment.source).to(request).await
}

/// `GET /elections/{e}/moments`
pub(crate) async fn moments(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse> {
    let whose = app.whose(&of)?;
    let query = Query::of(&request)?;
    let step = query.read::<u64>("step")?.unwrap_or(STEPS.0);
    if !(1..=STEPS.1).contains(&step) {
        return Err(Problem::bad(format!("step: seconds, from 1 to {}", STEPS.1)));
    }
    let (from, to) = (moment_of(&query, "from")?, moment_of(&query, "to")?);
    let make = async || list_moments(&app, app.id_of(&whose), (from, to), step).await;
    let body = app.recent.answer(format!("moments {of} {from:?} {to:?} {step}"), make).await?;
    Answer::fresh(body).to(&request).await
}

async fn list_moments(
    app: &App,
    of: &ElectionId,
    (from, to): (Option<Timestamp>, Option<Timestamp>),
    step: u64,
) -> Result<Bytes> {
    let Some(span) = app.past.span(of).await? else {
        if *of != app.definition().about().id {
            return Err(Problem::not_found(format!("there is no election {of} here, nor in the archive")));
        }
        let none = json!({"election": of, "step": step, "begin": null, "end": null, "moments": []});
        return Ok(none.to_string().into());
    };
    let (begin, end) = (span.begin, span.end);
    if span.cut && from.is_some_and(|from| from < begin) {
        let what = "what was before {} may be in the history's database alone, which cannot be reached now; try again";
        return Err(Problem::unavailable(what.replace("{}", &rfc3339(begin))));
    }
    let to = to.map_or(end, |to| to + THE_SECOND).min(end);
    let from = from.unwrap_or(begin).max(begin);
    let seconds = to.since(from).as_secs();
    let step = step.max(seconds.div_ceil(MOMENTS - 1));
    let moments = app.past.moments(of, (from, to), i64::try_from(step * 1000).unwrap_or(i64::MAX)).await?;
    let moments: Vec<Value> = moments.iter().map(moment_json).collect();
    let body = json!({
        "election": of, "step": step, "begin": rfc3339(begin), "end": rfc3339(end), "moments": moments,
        "history_source": span.source.as_str(), "begins_late": span.cut,
    });
    Ok(body.to_string().into())
}

fn moment_json(of: &Moment) -> Value {
    json!({
        "at": rfc3339(of.at), "epoch": of.position.epoch.as_str(), "version": of.position.version,
        "status": of.status, "votes": of.votes, "reported": of.reported, "precincts": of.precincts,
        "identified": of.identified,
    })
}
