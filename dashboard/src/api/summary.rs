//! What a small view of the results needs, in one answer: some units, and as much of the definition as names them.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use election::{
    Definition, UnitId,
    definition::{Contest, Names, Precinct},
};
use serde_json::{Value, json};

use crate::{
    answer::{Answer, Keep},
    api::results::tag,
    problem::Problem,
    query::Query,
    state::App,
};

/// Which units within the one that is asked for come with it.
const PARTS: [(&str, Parts); 5] = [
    ("none", Parts::Of(None)),
    ("regions", Parts::Of(Some("region"))),
    ("raions", Parts::Of(Some("raion"))),
    ("districts", Parts::Of(Some("district"))),
    ("auto", Parts::Auto),
];

#[derive(Clone, Copy)]
enum Parts {
    /// Those of a kind.
    Of(Option<&'static str>),
    /// Those that a map of the contest shows.
    Auto,
}

/// `GET /elections/{e}/summary`
pub(crate) async fn summary(
    request: HttpRequest,
    of: web::Path<String>,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    app.election(&of)?;
    let query = Query::of(&request)?;
    let unit = match query.get("unit")? {
        Some(text) => app.unit(text)?,
        None => UnitId::Country,
    };
    let parts = match query.one_of("parts", &PARTS)? {
        Parts::Of(kind) => kind,
        Parts::Auto => divided(app.definition(), &unit, query.get("contest")?),
    };
    let latest = app.latest();
    let tag = tag(&latest);
    let make = async || {
        let units = with_parts(app.definition(), &unit, parts);
        let mut body = latest.some(units.iter()).to_vec();
        body.pop();
        body.extend_from_slice(b",\"definition\":");
        body.extend_from_slice(excerpt(&app, &units).to_string().as_bytes());
        body.push(b'}');
        Ok(Bytes::from(body))
    };
    let body = app.recent.answer(format!("summary {unit} {parts:?} {tag}"), make).await?;
    Answer::json(body, tag, Keep::Latest).to(&request).await
}

/// What a map of a contest shows of a unit: its regions or raions, or the districts where each votes on its own ballot.
fn divided(definition: &Definition, unit: &UnitId, contest: Option<&str>) -> Option<&'static str> {
    let named =
        |of: &&Contest| contest.is_none_or(|asked| of.of.as_str() == asked || of.id.as_str() == asked);
    let national = definition.contests().iter().find(named).is_none_or(|of| of.unit == UnitId::Country);
    match unit {
        UnitId::Country if national => Some("region"),
        UnitId::Country => Some("district"),
        UnitId::Region(_) => Some("raion"),
        _ => None,
    }
}

/// The unit itself, and those of one kind within it, in the order of their ids.
fn with_parts(definition: &Definition, unit: &UnitId, parts: Option<&str>) -> Vec<UnitId> {
    let within = |each: &UnitId| {
        let mut at = definition.units().get(each).and_then(|of| of.parent.as_ref());
        while let Some(above) = at {
            if above == unit {
                return true;
            }
            at = definition.units().get(above).and_then(|of| of.parent.as_ref());
        }
        false
    };
    let kind = |each: &&UnitId| Some(each.kind()) == parts;
    let found = definition.units().keys().filter(kind).filter(|each| within(each)).cloned();
    std::iter::once(unit.clone()).chain(found).collect()
}

/// The definition without its devices and candidates on lists, and with no units and contests but what is in view: the
/// country's contests always, since its parties' colours are those of every ballot.
fn excerpt(app: &App, units: &[UnitId]) -> Value {
    let definition = app.definition();
    let mut voted: BTreeSet<usize> = BTreeSet::new();
    for unit in units {
        if let UnitId::Precinct(id) = unit {
            let here = definition.precincts().get(id).map(|of| &of.contests);
            voted.extend(here.into_iter().flatten().map(|of| usize::from(of.contest.0)));
        }
    }
    let shown = |(at, contest): &(usize, &Contest)| {
        contest.unit == UnitId::Country || units.contains(&contest.unit) || voted.contains(at)
    };
    let chosen = definition.contests().iter().enumerate().filter(shown);
    let contests: Vec<Value> = chosen.filter_map(|(at, _)| app.fixed.ballot(at)).collect();
    let mut excerpt = app.fixed.about();
    let known = app.fixed.units(units);
    let precincts = units.iter().filter_map(|unit| match unit {
        UnitId::Precinct(id) => definition.precincts().get(id).map(precinct),
        _ => None,
    });
    excerpt["contests"] = contests.into();
    excerpt["units"] = known.into_iter().chain(precincts).collect();
    excerpt
}

/// A precinct as other units stand in the definition; its name is its place's.
fn precinct(of: &Precinct) -> Value {
    let name = Names { ky: of.name.ky.clone(), ru: of.name.ru.clone(), en: String::new() };
    let by_hand = u32::from(of.counting == election::definition::Counting::Manual);
    json!({"id": UnitId::Precinct(of.id).to_string(), "kind": "precinct", "parent": of.parent.to_string(),
        "name": name, "by_hand": by_hand})
}
