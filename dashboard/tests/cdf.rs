//! What `export/cdf.json` gives, against the rules of the schema of NIST SP 1500-100 version 2: which members a class
//! must and may have, their types, and that every reference leads somewhere.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::House;

/// A type that a member has.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Whole,
    Number,
    Bool,
    /// RFC 3339.
    Moment,
    /// `YYYY-MM-DD`.
    Date,
    /// Six digits.
    Color,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An object of one of these classes.
    Class(&'static [&'static str]),
    /// A list of them.
    List(&'static [&'static str]),
    /// The `@id` of an object of one of these classes.
    Ref(&'static [&'static str]),
    /// A list of them, not empty.
    Refs(&'static [&'static str]),
}
use Is::*;

type Rules = (&'static str, &'static [&'static str], &'static [(&'static str, Is)]);

const UNIT: &[&str] = &["ReportingUnit", "ReportingDevice"];
const PARTY: &[&str] = &["Party", "Coalition"];
const COUNTS: &[&str] = &["total", "election-day", "early", "absentee", "other"];
const SELECTIONS: &[&str] = &["CandidateSelection", "PartySelection", "BallotMeasureSelection"];
const CONTESTS: &[&str] = &["PartyContest", "BallotMeasureContest", "CandidateContest", "RetentionContest"];

const OF_CONTEST: [(&str, Is); 9] = [
    ("@id", Text),
    ("Name", Text),
    ("ElectoralDistrictId", Ref(&["ReportingUnit"])),
    ("BallotTitle", Class(&["InternationalizedText"])),
    ("VoteVariation", Word(&["proportional", "plurality", "majority", "n-of-m", "other"])),
    ("SummaryCounts", List(&["SummaryCounts"])),
    ("BallotSelection", List(SELECTIONS)),
    ("SubUnitsReported", Whole),
    ("TotalSubUnits", Whole),
];

/// Required members, and those that may stand.
fn rules() -> Vec<Rules> {
    vec![
        (
            "ElectionReport",
            &[
                "Format",
                "GeneratedDate",
                "Issuer",
                "IssuerAbbreviation",
                "SequenceStart",
                "SequenceEnd",
                "Status",
                "VendorApplicationId",
            ],
            &[
                ("Format", Word(&["precinct-level", "summary-contest"])),
                ("GeneratedDate", Moment),
                ("Issuer", Text),
                ("IssuerAbbreviation", Text),
                ("IsTest", Bool),
                ("TestType", Text),
                ("Notes", Text),
                ("SequenceStart", Whole),
                ("SequenceEnd", Whole),
                (
                    "Status",
                    Word(&[
                        "certified",
                        "correction",
                        "pre-election",
                        "recount",
                        "unofficial-complete",
                        "unofficial-partial",
                    ]),
                ),
                ("VendorApplicationId", Text),
                ("GpUnit", List(UNIT)),
                ("Party", List(PARTY)),
                ("Election", List(&["Election"])),
            ],
        ),
        (
            "Election",
            &["ElectionScopeId", "StartDate", "EndDate", "Name", "Type"],
            &[
                ("ElectionScopeId", Ref(&["ReportingUnit"])),
                ("StartDate", Date),
                ("EndDate", Date),
                ("Name", Class(&["InternationalizedText"])),
                ("Type", Word(&["general", "special", "runoff", "primary", "other"])),
                ("ExternalIdentifier", List(&["ExternalIdentifier"])),
                ("Candidate", List(&["Candidate"])),
                ("Contest", List(CONTESTS)),
            ],
        ),
        (
            "ReportingUnit",
            &["Type", "@id"],
            &[
                ("@id", Text),
                ("Type", Word(&["country", "state", "county", "precinct", "other"])),
                ("OtherType", Text),
                ("Name", Text),
                ("Number", Text),
                ("VotersRegistered", Whole),
                ("VotersParticipated", Whole),
                ("TotalSubUnits", Whole),
                ("SubUnitsReported", Whole),
                ("CountStatus", List(&["CountStatus"])),
                ("ComposingGpUnitIds", Refs(UNIT)),
            ],
        ),
        (
            "CountStatus",
            &["Status", "Type"],
            &[
                ("Status", Word(&["completed", "in-process", "not-processed", "unknown"])),
                ("Type", Word(COUNTS)),
            ],
        ),
        (
            "ExternalIdentifier",
            &["Type", "Value"],
            &[("Type", Word(&["national-level", "ocd-id", "other"])), ("OtherType", Text), ("Value", Text)],
        ),
        ("InternationalizedText", &["Text"], &[("Text", List(&["LanguageString"]))]),
        ("LanguageString", &["Content", "Language"], &[("Content", Text), ("Language", Text)]),
        (
            "Party",
            &["Name", "@id"],
            &[("@id", Text), ("Name", Class(&["InternationalizedText"])), ("Color", Color)],
        ),
        (
            "Candidate",
            &["BallotName", "@id"],
            &[
                ("@id", Text),
                ("BallotName", Class(&["InternationalizedText"])),
                ("PreElectionStatus", Word(&["filed", "qualified", "withdrawn", "write-in"])),
            ],
        ),
        ("PartyContest", &["ElectoralDistrictId", "Name", "@id"], &OF_CONTEST),
        (
            "BallotMeasureContest",
            &["ElectoralDistrictId", "Name", "@id"],
            const {
                &with(("Type", Word(&["ballot-measure", "initiative", "other", "referendum"])), OF_CONTEST[7])
            },
        ),
        (
            "CandidateContest",
            &["VotesAllowed", "ElectoralDistrictId", "Name", "@id"],
            const { &with(("VotesAllowed", Whole), ("NumberElected", Whole)) },
        ),
        (
            "PartySelection",
            &["PartyIds", "@id"],
            &[
                ("@id", Text),
                ("PartyIds", Refs(PARTY)),
                ("SequenceOrder", Whole),
                ("VoteCounts", List(&["VoteCounts"])),
            ],
        ),
        (
            "CandidateSelection",
            &["CandidateIds", "@id"],
            &[
                ("@id", Text),
                ("CandidateIds", Refs(&["Candidate"])),
                ("SequenceOrder", Whole),
                ("VoteCounts", List(&["VoteCounts"])),
            ],
        ),
        (
            "BallotMeasureSelection",
            &["Selection", "@id"],
            &[
                ("@id", Text),
                ("Selection", Class(&["InternationalizedText"])),
                ("SequenceOrder", Whole),
                ("VoteCounts", List(&["VoteCounts"])),
            ],
        ),
        (
            "VoteCounts",
            &["Count", "Type"],
            &[
                ("Count", Number),
                ("Type", Word(COUNTS)),
                ("GpUnitId", Ref(UNIT)),
                ("Device", Class(&["Device"])),
            ],
        ),
        (
            "SummaryCounts",
            &["Type"],
            &[
                ("BallotsCast", Whole),
                ("BallotsRejected", Whole),
                ("Type", Word(COUNTS)),
                ("GpUnitId", Ref(UNIT)),
                ("Device", Class(&["Device"])),
            ],
        ),
        ("Device", &[], &[("Type", Word(&["opscan-precinct", "manual-count", "electronic", "other"]))]),
    ]
}

/// Those of every contest, and two more.
const fn with(one: (&'static str, Is), two: (&'static str, Is)) -> [(&'static str, Is); 11] {
    let of = OF_CONTEST;
    [of[0], of[1], of[2], of[3], of[4], of[5], of[6], of[7], of[8], one, two]
}

/// Every `@id`, as `class id`; each stands once.
fn ids(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(id) = members.get("@id") {
                assert!(found.insert(format!("{} {}", class_of(value), id.as_str().unwrap())), "twice: {id}");
            }
            members.values().for_each(|member| ids(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        _ => {}
    }
}

fn class_of(value: &Value) -> &str {
    value["@type"]
        .as_str()
        .and_then(|name| name.strip_prefix("ElectionResults."))
        .unwrap_or_else(|| panic!("no class: {value}"))
}

fn check(value: &Value, rules: &[Rules], ids: &BTreeSet<String>) {
    let class = class_of(value);
    let (_, required, allowed) =
        rules.iter().find(|(name, ..)| *name == class).unwrap_or_else(|| panic!("{class}"));
    for name in *required {
        assert!(value.get(name).is_some(), "{class} needs {name}: {value}");
    }
    for (name, member) in value.as_object().unwrap().iter().filter(|(name, _)| *name != "@type") {
        let (_, is) =
            allowed.iter().find(|(of, _)| of == name).unwrap_or_else(|| panic!("{class} has no {name}"));
        let right = match is {
            Text => member.is_string(),
            Whole => member.is_i64() || member.is_u64(),
            Number => member.is_number(),
            Bool => member.is_boolean(),
            Moment => member.as_str().is_some_and(|text| text.ends_with('Z') && text.contains('T')),
            Date => member.as_str().is_some_and(|text| text.len() == 10 && text.split('-').count() == 3),
            Color => member
                .as_str()
                .is_some_and(|text| text.len() == 6 && text.bytes().all(|of| of.is_ascii_hexdigit())),
            Word(words) => member.as_str().is_some_and(|text| words.contains(&text)),
            Class(classes) => inside(member, classes, rules, ids),
            List(classes) => member.as_array().unwrap().iter().all(|item| inside(item, classes, rules, ids)),
            Ref(classes) => leads(member, classes, ids),
            Refs(classes) => {
                let items = member.as_array().unwrap();
                !items.is_empty() && items.iter().all(|item| leads(item, classes, ids))
            }
        };
        assert!(right, "{class}.{name}: {member}");
    }
}

fn inside(value: &Value, classes: &[&str], rules: &[Rules], ids: &BTreeSet<String>) -> bool {
    check(value, rules, ids);
    classes.contains(&class_of(value))
}

fn leads(to: &Value, classes: &[&str], ids: &BTreeSet<String>) -> bool {
    classes.iter().any(|class| ids.contains(&format!("{class} {}", to.as_str().unwrap())))
}

fn sound(report: &Value) {
    let mut all = BTreeSet::new();
    ids(report, &mut all);
    check(report, &rules(), &all);
}

/// Votes of an option in a unit by one kind of device.
fn votes(report: &Value, contest: &str, option: &str, unit: &str, device: &str) -> Value {
    let of = |list: &Value, id: String| {
        list.as_array().unwrap().iter().find(|item| item["@id"] == id).unwrap().clone()
    };
    let contest_of = of(&report["Election"][0]["Contest"], format!("contest:{contest}"));
    let selection = of(&contest_of["BallotSelection"], format!("selection:{contest}/{option}"));
    let mut counts = selection["VoteCounts"].as_array().unwrap().iter();
    counts
        .find(|count| count["GpUnitId"] == unit && count["Device"]["Type"] == device)
        .map_or(Value::Null, |count| count["Count"].clone())
}

#[tokio::test]
async fn the_common_data_format_follows_its_rules_and_holds_what_the_feed_holds() {
    let mut house = House::open().await;
    let url = house.election("/export/cdf.json");
    let answer = house.get(&url).await;
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"kg-test-cdf.json\"");
    let closed: Value = answer.json().await.unwrap();
    sound(&closed);
    assert!(
        !closed.to_string().contains("\"Count\"") && !closed.to_string().contains("BallotsCast"),
        "the embargo holds"
    );

    house.night.votes = true;
    house.night.report(1, 10);
    house.publish();
    let snapshot = house.json(&house.election("/results")).await;
    let precincts = house.json(&house.election("/precincts")).await;
    for (level, units) in [("summary", vec![&snapshot]), ("precincts", vec![&snapshot, &precincts])] {
        let report = house.json(&format!("{url}?level={level}")).await;
        sound(&report);
        assert_eq!((&report["IsTest"], &report["GeneratedDate"]), (&json!(true), &snapshot["generated_at"]));
        let mut compared = 0;
        for unit in units.iter().flat_map(|of| of["units"].as_array().unwrap()) {
            for (contest, of) in unit["contests"].as_object().unwrap() {
                for (source, device) in [("urns", "opscan-precinct"), ("protocols", "manual-count")] {
                    for (option, count) in of[source]["votes"].as_object().unwrap() {
                        assert_eq!(
                            votes(&report, contest, option, unit["id"].as_str().unwrap(), device),
                            *count
                        );
                        compared += count.as_u64().unwrap();
                    }
                }
            }
        }
        assert!(compared > 0);
        let format = if level == "summary" { "summary-contest" } else { "precinct-level" };
        assert_eq!(report["Format"], format);
    }
    assert_eq!(house.problem(&format!("{url}?level=all")).await.0, 400);
}
