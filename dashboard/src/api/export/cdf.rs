//! NIST SP 1500-100 version 2, the common data format of election results, as JSON. Names of classes and members are
//! the standard's.
//!
//! | here | there |
//! | --- | --- |
//! | urns, protocols | `total` counts of a `Device` of type `opscan-precinct`, `manual-count`: two results, never one |
//! | invalid ballots | `BallotsRejected` |
//! | region, raion, precinct | units of type `state`, `county`, `precinct`; what the standard has no word for is `other` |
//! | a list, a candidate, an answer, "against all" | `PartySelection`, `CandidateSelection`, `BallotMeasureSelection` |
//!
//! Preference votes are not in the published units, and so not here.

use std::collections::HashMap;

use election::{
    Definition, UnitId,
    definition::{Contest, ContestKind, ContestOption, Method, Names, OptionKind, OptionStatus},
};
use serde_json::{Value, json};

use super::published::{self, Snapshot, Source, Unit, Unreadable};

/// How deep a report goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// All units but precincts.
    Summary,
    /// Precincts too.
    Precincts,
}

/// Two snapshots of one version: the units above precincts, and the precincts where they are asked for.
pub(super) fn write(
    upper: &[u8],
    precincts: Option<&[u8]>,
    definition: &Definition,
) -> Result<Vec<u8>, Unreadable> {
    let upper = published::read(upper)?;
    let precincts = precincts.map(published::read).transpose()?;
    let units: Vec<&Unit<'_>> =
        upper.units.iter().chain(precincts.iter().flat_map(|snapshot| &snapshot.units)).collect();
    let level = if precincts.is_some() { Level::Precincts } else { Level::Summary };
    Ok(serde_json::to_vec(&report(&upper, &units, level, definition))?)
}

fn report(snapshot: &Snapshot<'_>, units: &[&Unit<'_>], level: Level, definition: &Definition) -> Value {
    let about = definition.about();
    let parts = parts(units);
    let options = || {
        definition.contests().iter().flat_map(|contest| contest.options.iter().map(move |of| (contest, of)))
    };
    let parties = options().filter(|(_, option)| option.kind == OptionKind::Party);
    let candidates = options().filter(|(_, option)| option.kind == OptionKind::Candidate);
    let mut report = class(
        "ElectionReport",
        json!({
            "Format": match level { Level::Summary => "summary-contest", Level::Precincts => "precinct-level" },
            "GeneratedDate": snapshot.generated_at,
            "Issuer": "Sanak",
            "IssuerAbbreviation": "Sanak",
            "IsTest": snapshot.test,
            "Notes": format!(
                "{} version {}:{}. Urns are preliminary: the hand count decides. Data licence: {}.",
                snapshot.election, snapshot.epoch, snapshot.version, about.data_licence
            ),
            "SequenceStart": 1,
            "SequenceEnd": 1,
            "Status": match snapshot.status {
                "pre" => "pre-election",
                "complete" => "unofficial-complete",
                "certified" => "certified",
                _ => "unofficial-partial",
            },
            "VendorApplicationId": concat!("sanak ", env!("CARGO_PKG_VERSION")),
            "GpUnit": units.iter().map(|unit| gp_unit(unit, &parts, definition)).collect::<Vec<_>>(),
            "Party": parties.map(|(contest, option)| party(contest, option)).collect::<Vec<_>>(),
            "Election": [class("Election", json!({
                "Name": text(&about.name),
                "ElectionScopeId": UnitId::Country.to_string(),
                "StartDate": about.date,
                "EndDate": about.date,
                "Type": "general",
                "ExternalIdentifier": [identifier(about.id.as_str())],
                "Candidate": candidates.map(|(contest, option)| candidate(contest, option)).collect::<Vec<_>>(),
                "Contest": definition.contests().iter().map(|of| contest(of, units)).collect::<Vec<_>>(),
            }))],
        }),
    );
    if snapshot.test {
        report["TestType"] = json!("simulation");
    }
    report
}

/// An object of a class of the standard.
fn class(name: &str, mut members: Value) -> Value {
    members["@type"] = format!("ElectionResults.{name}").into();
    members
}

fn identifier(id: &str) -> Value {
    class("ExternalIdentifier", json!({"Type": "other", "OtherType": "sanak", "Value": id}))
}

/// A name in the languages in which there is one.
fn text(names: &Names) -> Value {
    let languages = [("ky", &names.ky), ("ru", &names.ru), ("en", &names.en)];
    let nowhere = languages.iter().all(|(_, name)| name.is_empty());
    // The standard wants one at least.
    let written = languages.iter().filter(|(_, name)| !name.is_empty() || nowhere);
    let text = written
        .map(|(language, name)| class("LanguageString", json!({"Language": language, "Content": name})));
    class("InternationalizedText", json!({"Text": text.collect::<Vec<_>>()}))
}

/// The ids of the units that make up each other one. A district is a second way to divide the country.
fn parts<'a>(units: &[&'a Unit<'a>]) -> HashMap<&'a str, Vec<&'a str>> {
    let mut parts: HashMap<&str, Vec<&str>> = HashMap::new();
    for unit in units.iter().filter(|unit| unit.kind != "district") {
        if let Some(parent) = unit.parent {
            parts.entry(parent).or_default().push(unit.id);
        }
    }
    parts
}

fn gp_unit(unit: &Unit<'_>, parts: &HashMap<&str, Vec<&str>>, definition: &Definition) -> Value {
    let (kind, other) = match unit.kind {
        "country" => ("country", None),
        "region" => ("state", None),
        "raion" => ("county", None),
        "precinct" => ("precinct", None),
        "district" => ("other", Some("electoral-district")),
        kind => ("other", Some(kind)),
    };
    let status = match unit.phase {
        "pre" => "not-processed",
        "reported" | "certified" | "annulled" => "completed",
        _ => "in-process",
    };
    let mut made = class(
        "ReportingUnit",
        json!({
            "@id": unit.id,
            "Type": kind,
            "VotersRegistered": unit.registered,
            "VotersParticipated": unit.turnout.identified,
            "CountStatus": [class("CountStatus", json!({"Type": "total", "Status": status}))],
        }),
    );
    if let Some(other) = other {
        made["OtherType"] = other.into();
    }
    let id = unit.id.parse::<UnitId>();
    match &id {
        Ok(UnitId::Precinct(number)) => {
            made["Number"] = number.to_string().into();
            if let Some(precinct) = definition.precincts().get(number) {
                made["Name"] = precinct.name.ru.clone().into();
            }
        }
        Ok(id) => {
            let name = definition.units().get(id).and_then(|unit| unit.name.as_ref());
            made["Name"] = name.map_or_else(|| unit.id.to_owned(), |name| name.en.clone()).into();
            made["TotalSubUnits"] = unit.precincts.into();
            made["SubUnitsReported"] = unit.reported.precincts.into();
        }
        Err(_) => {}
    }
    if let Some(parts) = parts.get(unit.id) {
        made["ComposingGpUnitIds"] = json!(parts);
    }
    made
}

fn option_id(what: &str, contest: &Contest, option: &ContestOption) -> String {
    format!("{what}:{}/{}", contest.id, option.id)
}

fn party(contest: &Contest, option: &ContestOption) -> Value {
    let mut party =
        class("Party", json!({"@id": option_id("party", contest, option), "Name": text(&option.name)}));
    if let Some(color) = &option.color {
        party["Color"] = color.trim_start_matches('#').into();
    }
    party
}

fn candidate(contest: &Contest, option: &ContestOption) -> Value {
    let id = option_id("candidate", contest, option);
    let mut candidate = class("Candidate", json!({"@id": id, "BallotName": text(&option.name)}));
    if option.status == OptionStatus::Withdrawn {
        candidate["PreElectionStatus"] = "withdrawn".into();
    }
    candidate
}

fn contest(contest: &Contest, units: &[&Unit<'_>]) -> Value {
    let voted: Vec<_> =
        units.iter().filter_map(|unit| Some((unit.id, unit.contests.get(contest.id.as_str())?))).collect();
    let sources =
        || voted.iter().flat_map(|(unit, of)| of.sources().map(|(name, source)| (*unit, name, source)));
    let summaries: Vec<Value> =
        sources().filter_map(|(unit, name, source)| summary(unit, name, source)).collect();
    let selections: Vec<Value> = contest
        .options
        .iter()
        .map(|option| {
            let counts = sources().filter_map(|(unit, name, source)| {
                let count = source.votes.get(option.id.as_str())?;
                Some(counted("VoteCounts", unit, name, json!({"Count": count})))
            });
            selection(contest, option, counts.collect())
        })
        .collect();
    let mut made = json!({
        "@id": format!("contest:{}", contest.id),
        "Name": contest.name.en,
        "ElectoralDistrictId": contest.unit.to_string(),
        "BallotTitle": text(&contest.name),
        "VoteVariation": variation(contest),
        "SummaryCounts": summaries,
        "BallotSelection": selections,
    });
    match contest.kind {
        ContestKind::ProportionalOpenList | ContestKind::Council => class("PartyContest", made),
        ContestKind::Referendum => {
            made["Type"] = "referendum".into();
            class("BallotMeasureContest", made)
        }
        ContestKind::SingleMember | ContestKind::MultiMember | ContestKind::Presidential => {
            // One vote a voter, also where several seats are filled (DOMAIN "Contests").
            made["VotesAllowed"] = 1.into();
            made["NumberElected"] = contest.seats.into();
            class("CandidateContest", made)
        }
    }
}

fn variation(contest: &Contest) -> &'static str {
    match contest.method {
        Method::Hare | Method::Dhondt | Method::SainteLague => "proportional",
        Method::Plurality => "plurality",
        Method::Majority => "majority",
    }
}

fn selection(contest: &Contest, option: &ContestOption, counts: Vec<Value>) -> Value {
    let mut made = json!({"@id": option_id("selection", contest, option), "VoteCounts": counts});
    if let Some(number) = option.number {
        made["SequenceOrder"] = number.into();
    }
    match option.kind {
        OptionKind::Party => {
            made["PartyIds"] = json!([option_id("party", contest, option)]);
            class("PartySelection", made)
        }
        OptionKind::Candidate => {
            made["CandidateIds"] = json!([option_id("candidate", contest, option)]);
            class("CandidateSelection", made)
        }
        OptionKind::AgainstAll | OptionKind::Yes | OptionKind::No => {
            made["Selection"] = text(&option.name);
            class("BallotMeasureSelection", made)
        }
    }
}

/// Ballots of a source in a unit; nothing before they may be published.
fn summary(unit: &str, name: &str, source: &Source<'_>) -> Option<Value> {
    let counts = json!({"BallotsCast": source.ballots?, "BallotsRejected": source.invalid?});
    Some(counted("SummaryCounts", unit, name, counts))
}

/// Counts of a source in a unit.
fn counted(of: &str, unit: &str, source: &str, mut counts: Value) -> Value {
    let by = if source == "urns" { "opscan-precinct" } else { "manual-count" };
    counts["GpUnitId"] = unit.into();
    counts["Type"] = "total".into();
    counts["Device"] = class("Device", json!({"Type": by}));
    class(of, counts)
}
