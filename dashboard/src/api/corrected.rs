//! A correction as it is listed: who changed what, and what stood there before.

use election::{
    Correction, Definition, UnitId,
    definition::Contest,
    figures::{ContestFigures, Figures, SourceFigures},
    precinct::Ruled,
    record::Act,
    report::Verdict,
};
use feed::{Corrected, rfc3339};
use serde_json::{Map, Value, json};

/// A row of the list. Without `votes` it has no ballots, invalid or votes in any form.
pub(crate) fn correction(definition: &Definition, of: &Corrected, votes: bool) -> Value {
    let Correction { offset, at, precinct, decision, before, after } = &*of.correction;
    let above = definition.precincts().get(precinct).map(|precinct| definition.path(precinct));
    let units: Vec<String> =
        [UnitId::Precinct(*precinct)].iter().chain(above.iter().flatten()).map(ToString::to_string).collect();
    let mut row = json!({
        "offset": offset, "at": rfc3339(*at), "precinct": precinct, "units": units,
        "act": decision.act.name(), "by": decision.by, "reason": decision.reason,
        "signature": decision.signature, "position": of.position.to_string(),
        "before": figures(definition, before, after, votes),
        "after": figures(definition, after, before, votes),
    });
    if let Act::Correct { source, tally, .. } = &decision.act {
        row["source"] = json!(source);
        row["contest"] = json!(tally.contest);
    }
    row
}

/// What people decided about a report that was in quarantine; null where nobody did.
pub(crate) fn decision(verdict: Verdict, ruled: Option<&Ruled>) -> Value {
    let act = if verdict == Verdict::Accepted { "release" } else { "refuse" };
    ruled.map_or(Value::Null, |Ruled { by, reason, at, offset }| {
        json!({"act": act, "by": &**by, "reason": &**reason, "at": rfc3339(*at), "offset": offset})
    })
}

/// The figures of one side that are not those of the other.
fn figures(definition: &Definition, these: &Figures, others: &Figures, votes: bool) -> Value {
    let mut out = json!({"phase": these.phase().as_str()});
    if these.turnout != others.turnout {
        let turnout = &these.turnout;
        out["turnout"] = json!({
            "identified": turnout.identified, "precincts": turnout.precincts, "registered": turnout.registered,
        });
    }
    let mut contests = Map::new();
    for (here, there) in these.contests.iter().zip(&others.contests) {
        let contest = definition.contest(here.contest);
        let sources = sources(contest, here, there, votes);
        if !sources.is_empty() {
            contests.insert(contest.id.to_string(), sources.into());
        }
    }
    if !contests.is_empty() {
        out["contests"] = contests.into();
    }
    out
}

fn sources(
    contest: &Contest,
    here: &ContestFigures,
    there: &ContestFigures,
    votes: bool,
) -> Map<String, Value> {
    let both = [("urns", &here.urns, &there.urns), ("protocols", &here.protocols, &there.protocols)];
    let differ = both.into_iter().filter(|(_, this, other)| this != other);
    differ.map(|(name, this, other)| (name.to_owned(), source(contest, this, other, votes))).collect()
}

fn source(contest: &Contest, this: &SourceFigures, other: &SourceFigures, votes: bool) -> Value {
    let mut out = json!({"precincts": this.precincts, "registered": this.registered});
    if !votes {
        return out;
    }
    if let (Some(out), Value::Object(counted)) = (out.as_object_mut(), counted(contest, this)) {
        out.extend(counted);
    }
    if this.preferences != other.preferences {
        out["preferences"] = preferences(contest, this);
    }
    out
}

/// Ballots, invalid ones and votes.
pub(crate) fn counted(contest: &Contest, of: &SourceFigures) -> Value {
    let options = contest.options.iter();
    let votes: Map<String, Value> =
        options.zip(&of.votes).map(|(option, count)| (option.id.to_string(), json!(count))).collect();
    json!({"ballots": of.ballots, "invalid": of.invalid, "votes": votes})
}

/// Preference votes by list and number, without those that are zero.
pub(crate) fn preferences(contest: &Contest, of: &SourceFigures) -> Value {
    let mut place = 0..;
    let mut lists = Map::new();
    for option in &contest.options {
        let mut numbers = Map::new();
        for (name, at) in option.candidates.iter().zip(place.by_ref()) {
            let count = of.preferences.get(at);
            if !count.is_zero() {
                numbers.insert(name.number.to_string(), json!(count));
            }
        }
        if !numbers.is_empty() {
            lists.insert(option.id.to_string(), numbers.into());
        }
    }
    lists.into()
}
