//! Precincts of a version on record, chosen by what was published of them: of the running election and of archived ones
//! alike.

use std::collections::{BTreeMap, HashMap};

use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use election::{ElectionId, UnitId, figures::Phase};
use history::{Moment, Units, When};
use serde::{Deserialize, de::IgnoredAny};

use super::past::named;
use crate::{answer::Answer, problem::Problem, query::Query, state::App};

/// A unit with its published bytes.
type Shown = (String, Bytes);

/// Which precincts are wanted.
#[derive(Debug, Default)]
struct Wanted {
    within: Vec<UnitId>,
    phase: Option<Phase>,
    discrepancy: Option<bool>,
}

impl Wanted {
    fn of(query: &Query) -> Result<Self, Problem> {
        let mut within = Vec::new();
        for kind in ["region", "raion", "district"] {
            let Some(text) = query.get(kind)? else { continue };
            let text = if text.contains(':') { text.to_owned() } else { format!("{kind}:{text}") };
            let unit: UnitId = text.parse().map_err(|error| Problem::bad(format!("{kind}: {error}")))?;
            if unit.kind() != kind {
                return Err(Problem::bad(format!("{kind}: {unit} is no {kind}")));
            }
            within.push(unit);
        }
        let phases = Phase::ALL.map(|phase| (phase.as_str(), phase));
        let phase = match query.get("phase")? {
            Some(_) => Some(query.one_of("phase", &phases)?),
            None => None,
        };
        let discrepancy = match query.get("discrepancy")? {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                let what = "discrepancy: of a version on record true or false; which flags were open is not on record";
                return Err(Problem::bad(what));
            }
        };
        Ok(Self { within, phase, discrepancy })
    }

    fn is_all(&self) -> bool {
        self.within.is_empty() && self.phase.is_none() && self.discrepancy.is_none()
    }
}

/// `GET /elections/{e}/precincts` of a version on record.
pub(crate) async fn precincts(
    request: &HttpRequest,
    app: &App,
    election: &ElectionId,
    (query, when): (&Query, &When),
) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::of(query)?;
    let moment = app.moment(election, when).await?;
    let body = if wanted.is_all() {
        app.snapshot_on_record(election, &moment, &Units::Precincts).await?
    } else {
        let question = format!("past {election} {} {wanted:?}", moment.position);
        app.recent.answer(question, async || some(app, election, &moment, &wanted).await).await?
    };
    let (tag, keep) = named(&moment, when);
    Answer::json(body, tag, keep).told_by(moment.source).to(request).await
}

async fn some(app: &App, election: &ElectionId, moment: &Moment, wanted: &Wanted) -> Result<Bytes, Problem> {
    let upper = app.past.units(election, moment, &Units::Upper).await?;
    let precincts = app.past.units(election, moment, &Units::Precincts).await?;
    if let Some(unknown) = wanted.within.iter().find(|of| !upper.iter().any(|(id, _)| *id == of.to_string()))
    {
        return Err(Problem::bad(format!("{}: there is no {unknown} in this election", unknown.kind())));
    }
    Ok(feed::snapshot(&moment.header, chosen(wanted, &upper, &precincts).iter().map(|(_, body)| body)))
}

/// What is read of a published unit.
#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    parent: Option<String>,
    phase: String,
    #[serde(default)]
    discrepancies: u64,
    #[serde(default)]
    contests: BTreeMap<String, IgnoredAny>,
}

fn read((_, body): &Shown) -> Option<Read> {
    serde_json::from_slice(body).ok()
}

fn chosen<'a>(wanted: &Wanted, upper: &[Shown], precincts: &'a [Shown]) -> Vec<&'a Shown> {
    let parents: HashMap<&str, String> =
        upper.iter().filter_map(|of| Some((of.0.as_str(), read(of)?.parent?))).collect();
    let within: Vec<String> = wanted.within.iter().map(UnitId::to_string).collect();
    let here = |of: &&Shown| {
        let Some(read) = read(of) else { return false };
        let is_within = |unit: &String| match unit.strip_prefix("district:") {
            // A district is no part of the tree: its precincts are those that vote in its contest.
            Some(district) => read
                .contests
                .keys()
                .any(|contest| contest.split_once(':').is_some_and(|(_, of)| of == district)),
            None => {
                let up = |of: &&str| parents.get(*of).map(String::as_str);
                std::iter::successors(read.parent.as_deref(), up).any(|above| above == unit)
            }
        };
        within.iter().all(is_within)
            && wanted.phase.is_none_or(|phase| read.phase == phase.as_str())
            && wanted.discrepancy.is_none_or(|some| (read.discrepancies > 0) == some)
    };
    precincts.iter().filter(here).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(id: &str, rest: &str) -> Shown {
        (id.to_owned(), format!("{{\"id\":\"{id}\",\"phase\":\"open\"{rest}}}").into())
    }

    #[test]
    fn a_precinct_is_found_by_the_raion_it_is_in_the_region_above_it_and_the_district_it_votes_in() {
        let upper = [
            shown("country", ""),
            shown("region:r1", r#","parent":"country""#),
            shown("raion:a", r#","parent":"region:r1""#),
            shown("district:2", r#","parent":null"#),
        ];
        let precincts = [
            shown(
                "precinct:1",
                r#","parent":"raion:a","contests":{"list":{},"single:2":{}},"discrepancies":1"#,
            ),
            shown("precinct:2", r#","parent":"region:r1","contests":{"list":{}}"#),
        ];
        let found = |wanted: Wanted| {
            chosen(&wanted, &upper, &precincts).iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>()
        };
        let within = |unit: &str| Wanted { within: vec![unit.parse().unwrap()], ..Wanted::default() };
        assert_eq!(found(within("region:r1")), ["precinct:1", "precinct:2"]);
        assert_eq!(found(within("raion:a")), ["precinct:1"]);
        assert_eq!(found(within("district:2")), ["precinct:1"]);
        assert_eq!(found(Wanted { discrepancy: Some(false), ..Wanted::default() }), ["precinct:2"]);
        assert_eq!(found(Wanted { phase: Some(Phase::Counting), ..Wanted::default() }), [""; 0]);
    }
}
