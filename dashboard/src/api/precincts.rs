//! The precincts, all of them or those that a reader asks for.

use std::{collections::BTreeSet, str::FromStr, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, web};
use election::{Code, PrecinctId, UnitId, figures::Phase};
use history::When;

use crate::{
    answer::{Answer, Keep},
    api::{
        chosen,
        past::{Whose, when},
        results::tag,
    },
    problem::Problem,
    query::Query,
    state::App,
};

/// What a reader asks for.
#[derive(Debug)]
struct Wanted {
    within: Vec<UnitId>,
    phase: Option<Phase>,
    discrepancy: Option<Discrepancy>,
}

#[derive(Debug, Clone, Copy)]
enum Discrepancy {
    /// With any open flag, or without.
    Any(bool),
    /// With an open flag of this code.
    Code(Code),
}

impl FromStr for Discrepancy {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "true" => Ok(Self::Any(true)),
            "false" => Ok(Self::Any(false)),
            _ => Code::ALL
                .iter()
                .find(|code| code.as_str() == text && text.starts_with('W'))
                .map(|code| Self::Code(*code))
                .ok_or("give true, false, or a code from W01 to W13"),
        }
    }
}

impl Wanted {
    fn of(query: &Query, app: &App) -> Result<Self, Problem> {
        let mut within = Vec::new();
        for kind in ["region", "raion", "district"] {
            if let Some(text) = query.get(kind)? {
                let text = if text.contains(':') { text.to_owned() } else { format!("{kind}:{text}") };
                let unit: UnitId = text.parse().map_err(|error| Problem::bad(format!("{kind}: {error}")))?;
                if unit.kind() != kind || !app.definition().units().contains_key(&unit) {
                    return Err(Problem::bad(format!("{kind}: there is no {kind} {unit} in this election")));
                }
                within.push(unit);
            }
        }
        let phases = Phase::ALL.map(|phase| (phase.as_str(), phase));
        let phase = match query.get("phase")? {
            Some(_) => Some(query.one_of("phase", &phases)?),
            None => None,
        };
        Ok(Self { within, phase, discrepancy: query.read("discrepancy")? })
    }

    fn is_all(&self) -> bool {
        self.within.is_empty() && self.phase.is_none() && self.discrepancy.is_none()
    }
}

/// `GET /elections/{e}/precincts`
pub(crate) async fn precincts(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let whose = app.whose(&of)?;
    let query = Query::of(&request)?;
    let when = when(&query)?;
    if whose != Whose::Running || when != When::Last {
        return chosen::precincts(&request, &app, app.id_of(&whose), (&query, &when)).await;
    }
    let wanted = Wanted::of(&query, &app)?;
    let latest = app.latest();
    if wanted.is_all() {
        let body = Arc::clone(latest.all_precincts());
        return Answer::json(body, tag(&latest), Keep::Latest).to(&request).await;
    }
    let flagged: Option<BTreeSet<PrecinctId>> = match wanted.discrepancy {
        Some(Discrepancy::Code(code)) => {
            Some(app.ask(app.inquiry.flagged(code)).await?.into_iter().collect())
        }
        _ => None,
    };
    // By what is meant, not by how it is written: a crowd of spellings is one question.
    let question = format!("precincts {} {wanted:?}", tag(&latest));
    let make = async || {
        let units: Vec<UnitId> = now(&app, &wanted, flagged.as_ref()).map(UnitId::Precinct).collect();
        Ok(latest.some(units.iter()))
    };
    let body = app.recent.answer(question, make).await?;
    match flagged {
        // Which flags are open is the actors' to say, and not part of a version.
        Some(_) => Answer::fresh(body).to(&request).await,
        None => Answer::json(body, tag(&latest), Keep::Latest).to(&request).await,
    }
}

fn now<'a>(
    app: &'a App,
    wanted: &'a Wanted,
    flagged: Option<&'a BTreeSet<PrecinctId>>,
) -> impl Iterator<Item = PrecinctId> + 'a {
    let definition = app.definition();
    let figures = app.feed.precincts();
    definition.precincts().values().zip(figures).filter_map(move |(precinct, figures)| {
        let path = if wanted.within.is_empty() { Vec::new() } else { definition.path(precinct) };
        let here = wanted.within.iter().all(|unit| path.contains(unit))
            && wanted.phase.is_none_or(|phase| figures.phase() == phase)
            && flagged.is_none_or(|flagged| flagged.contains(&precinct.id))
            && match wanted.discrepancy {
                Some(Discrepancy::Any(some)) => (figures.discrepancies > 0) == some,
                Some(Discrepancy::Code(_)) | None => true,
            };
        here.then_some(precinct.id)
    })
}
