//! A small country through its day and night.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use e2e::{Demo, binary};
use serde_json::Value;
use tokio::process::Command;

const PATIENCE: Duration = Duration::from_secs(240);

/// Counts of every unit, without what a restart may change.
fn counts(results: &Value) -> BTreeMap<String, Value> {
    let units = results["units"].as_array().cloned().unwrap_or_default();
    units.into_iter().map(|unit| (unit["id"].to_string(), counts_of(unit))).collect()
}

fn counts_of(mut unit: Value) -> Value {
    // When a device was silent, and when a figure last changed, depends on the clock of each run.
    for moment in ["updated_at", "discrepancies", "quarantined"] {
        unit[moment] = Value::Null;
    }
    unit
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_ends_with_everything_reported_nothing_lost_and_the_fleets_own_totals() {
    let run = Command::new(binary())
        .args(["demo", "--once", "--precincts", "80", "--speed", "900", "--http", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let run = tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap();
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(run.status.success(), "{summary:#}");
    assert_eq!((summary["reported"].clone(), summary["lost"].clone()), (80.into(), 0.into()));
    assert_eq!(summary["totals_match"], true);
    assert_eq!(summary["unexpected_verdicts"], 0, "{summary:#}");
    assert!(summary["duplicates"].as_u64().unwrap() > 0, "the script repeats some on purpose");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_night_it_goes_on_to_the_same_totals() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let complete = |results: &Value| results["status"] == "complete";
    let uninterrupted = Demo::start(whole.path(), 60, 900, 5).await;
    let expected = counts(&uninterrupted.wait_until("the end", PATIENCE, complete).await);
    uninterrupted.kill().await;

    let demo = Demo::start(broken.path(), 60, 900, 5).await;
    let some = |results: &Value| {
        let reported = results["units"][0]["contests"]["list"]["urns"]["precincts"].as_u64();
        results["status"] == "counting" && reported.is_some_and(|reported| reported > 10)
    };
    let before = demo.wait_until("the first results", PATIENCE, some).await;
    demo.kill().await;
    let demo = Demo::start(broken.path(), 60, 900, 5).await;
    let after = demo.get("/results").await;
    for (unit, of) in counts(&before) {
        let now = &counts(&after)[&unit];
        let shown = |of: &Value| of["contests"]["list"]["urns"]["ballots"].as_u64().unwrap_or(0);
        assert!(shown(now) >= shown(&of), "{unit} fell by the restart");
    }
    let resumed = demo.wait_until("the end", PATIENCE, complete).await;
    assert_ne!(resumed["epoch"], before["epoch"]);
    assert_eq!(counts(&resumed), expected);
    demo.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_vote_leaves_before_polls_close_at_home_and_then_all_appear_in_one_version() {
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path(), 120, 600, 3).await;
    let abroad = |results: &Value| {
        let units = results["units"].as_array().into_iter().flatten();
        units.clone().find(|unit| unit["id"] == "abroad").cloned().unwrap_or_default()
    };
    // A precinct abroad has reported in full: its tally is receipted, and shown as reported only.
    let early = |results: &Value| {
        results["embargo_until"].is_string() && abroad(results)["contests"]["list"]["urns"]["precincts"] != 0
    };
    demo.wait_until("a tally from abroad under embargo", PATIENCE, early).await;
    for path in ["/results", "/precincts", "/units/abroad", "/units/country", "/missing", "/quarantine"] {
        let text = demo.get(path).await.to_string();
        for word in ["\"ballots\"", "\"invalid\"", "\"votes\""] {
            assert!(!text.contains(word), "{word} in {path}");
        }
    }
    let released = |results: &Value| !results["embargo_until"].is_string();
    let first = demo.wait_until("the end of the embargo", PATIENCE, released).await;
    let votes = abroad(&first)["contests"]["list"]["urns"]["ballots"].as_u64();
    assert!(votes.is_some_and(|votes| votes > 0), "they were there all along");
    let units = first["units"].as_array().unwrap();
    let with_votes = units.iter().filter(|unit| unit["contests"].to_string().contains("\"ballots\"")).count();
    let with_contests =
        units.iter().filter(|unit| unit["contests"].as_object().is_some_and(|of| !of.is_empty())).count();
    assert_eq!(with_votes, with_contests, "no unit lags behind");
    demo.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_map_has_every_layer_that_the_page_asks_for() {
    let data = tempfile::tempdir().unwrap();
    let demo = Demo::start(data.path(), 12, 60, 1).await;
    for layer in ["regions", "raions", "districts", "precincts", "lakes", "neighbours", "settlements"] {
        let geometry = demo.get(&format!("/boundaries/{layer}.geojson")).await;
        assert!(geometry["features"].as_array().is_some_and(|features| !features.is_empty()), "{layer}");
    }
    demo.kill().await;
}
