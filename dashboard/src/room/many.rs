//! One reason for many: quarantined reports all over the country, and units of many precincts. Each precinct
//! has a decision of its own on record, all with the same person and reason.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use election::{
    Code, PrecinctId, UnitId,
    figures::Phase,
    record::{Act, Decision},
    report::{Offset, Verdict},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LONGEST, admit, answered, body_of, refused};
use crate::{problem::Problem, state::App};

/// Precincts that are named where many cannot be decided about.
const NAMED: usize = 5;

/// What is to become of reports in quarantine.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sorting {
    act: Sort,
    reason: String,
    #[serde(default)]
    signature: Option<String>,
    /// Those with one of these codes.
    #[serde(default)]
    codes: Option<BTreeSet<Code>>,
    /// Those of these precincts.
    #[serde(default)]
    precincts: Option<BTreeSet<PrecinctId>>,
    /// These, by their places in the journal.
    #[serde(default)]
    reports: Option<BTreeSet<Offset>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Sort {
    Release,
    Refuse,
}

/// What is to become of the results of all precincts of a unit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ruling {
    unit: UnitId,
    act: Rule,
    reason: String,
    #[serde(default)]
    signature: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Rule {
    Certify,
    Uncertify,
    Annul,
    Reinstate,
}

impl Rule {
    /// Whether a precinct in this phase is meant at all.
    fn concerns(self, phase: Phase) -> bool {
        match self {
            Self::Certify => !matches!(phase, Phase::Certified | Phase::Annulled),
            Self::Uncertify => phase == Phase::Certified,
            Self::Annul => phase != Phase::Annulled,
            Self::Reinstate => phase == Phase::Annulled,
        }
    }

    fn of(self, precinct: PrecinctId) -> Act {
        match self {
            Self::Certify => Act::Certify { precinct },
            Self::Uncertify => Act::Uncertify { precinct },
            Self::Annul => Act::Annul { precinct },
            Self::Reinstate => Act::Reinstate { precinct },
        }
    }
}

/// `POST /api/v1/room/quarantine`
pub(crate) async fn quarantine(
    request: HttpRequest,
    body: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let sorted = async {
        let by = admit(&request, &app)?;
        let Sorting { act, reason, signature, codes, precincts, reports } =
            read(&body_of(body, LONGEST, &app).await?)?;
        if codes.is_none() && precincts.is_none() && reports.is_none() {
            return Err(Problem::bad("say which reports: codes, precincts or reports"));
        }
        let all = app.ask(app.inquiry.quarantine()).await?;
        let mut chosen: BTreeMap<PrecinctId, Vec<Offset>> = BTreeMap::new();
        for entry in all.iter().filter(|entry| entry.verdict == Verdict::Quarantined) {
            let of_codes =
                codes.as_ref().is_none_or(|codes| entry.codes.iter().any(|code| codes.contains(code)));
            let of_precincts = precincts.as_ref().is_none_or(|of| of.contains(&entry.precinct));
            let of_reports = reports.as_ref().is_none_or(|of| of.contains(&entry.offset));
            if of_codes && of_precincts && of_reports {
                chosen.entry(entry.precinct).or_default().push(entry.offset);
            }
        }
        if chosen.is_empty() {
            return Err(Problem::new(StatusCode::CONFLICT, "no such report is in quarantine"));
        }
        let acts = chosen.into_iter().map(|(precinct, reports)| match act {
            Sort::Release => (precinct, Act::Release { precinct, reports }),
            Sort::Refuse => (precinct, Act::Refuse { precinct, reports }),
        });
        decide_all(&app, Person { by, reason, signature }, acts.collect()).await
    };
    answered(sorted.await)
}

/// `POST /api/v1/room/units`
pub(crate) async fn units(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let ruled = async {
        let by = admit(&request, &app)?;
        let Ruling { unit, act, reason, signature } = read(&body_of(body, LONGEST, &app).await?)?;
        let unit = app.unit(&unit.to_string())?;
        let acts = meant(&app, &unit, act);
        if acts.is_empty() {
            return Err(Problem::new(StatusCode::CONFLICT, format!("{unit}: there is nothing to decide")));
        }
        let person = Person { by, reason, signature };
        // All, or none: a region is not certified in half because one precinct is not ready.
        let mut against = Vec::new();
        for (precinct, act) in &acts {
            if let Err(why) = app.inquiry.consider(person.decision(act.clone())).await {
                against.push((*precinct, why));
            }
        }
        if let Some((_, first)) = against.first() {
            let status = refused(first.clone()).status();
            let named = against.iter().take(NAMED).map(|(precinct, why)| format!("{precinct}: {why}"));
            let named = named.collect::<Vec<_>>().join("; ");
            let detail = format!("{} of {} precincts cannot: {named}", against.len(), acts.len());
            return Err(Problem::new(status, detail));
        }
        decide_all(&app, person, acts).await
    };
    answered(ruled.await)
}

/// What is to be decided about each precinct of a unit.
fn meant(app: &App, unit: &UnitId, rule: Rule) -> Vec<(PrecinctId, Act)> {
    let definition = app.definition();
    let figures = app.feed.precincts();
    let of_unit = definition.precincts().values().zip(&figures).filter(|(precinct, _)| {
        *unit == UnitId::Precinct(precinct.id) || definition.path(precinct).contains(unit)
    });
    let concerned = of_unit.filter(|(_, figures)| rule.concerns(figures.phase()));
    concerned.map(|(precinct, _)| (precinct.id, rule.of(precinct.id))).collect()
}

/// Who decides, and why.
struct Person {
    by: String,
    reason: String,
    signature: Option<String>,
}

impl Person {
    fn decision(&self, act: Act) -> Decision {
        let Self { by, reason, signature } = self;
        Decision { by: by.clone(), reason: reason.clone(), signature: signature.clone(), act }
    }
}

/// One decision a precinct, one after the other; what became of each. What was taken stands also when nobody
/// waits for the rest: it may be asked for again.
async fn decide_all(
    app: &App,
    person: Person,
    acts: Vec<(PrecinctId, Act)>,
) -> Result<HttpResponse, Problem> {
    let mut outcomes: Vec<Value> = Vec::new();
    let mut taken = 0;
    for (precinct, act) in acts {
        let reports = match &act {
            Act::Release { reports, .. } | Act::Refuse { reports, .. } => json!(reports),
            _ => Value::Null,
        };
        let decided = app.inquiry.decide(person.decision(act)).await;
        let word = if decided.is_ok() { "taken" } else { "refused" };
        app.instruments.decisions.with_label_values(&[word]).inc();
        let (offset, problem) = match decided {
            Ok(offset) => {
                taken += 1;
                (json!(offset), Value::Null)
            }
            Err(why) => (Value::Null, json!(why.to_string())),
        };
        let mut outcome = json!({"precinct": precinct, "offset": offset, "problem": problem});
        if !reports.is_null() {
            outcome["reports"] = reports;
        }
        outcomes.push(outcome);
    }
    let refused = outcomes.len() - taken;
    Ok(HttpResponse::Ok().json(json!({"taken": taken, "refused": refused, "outcomes": outcomes})))
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| Problem::bad(format!("decision: {error}")))
}
