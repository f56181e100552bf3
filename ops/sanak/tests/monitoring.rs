//! Alerts and dashboards speak of metrics that exist, and every alert has a place in the runbook.
#![allow(clippy::unwrap_used, reason = "what stands in this repository can be read, or the test fails")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

const ALERTS: &str = "ops/prometheus/alerts.yml";
const DASHBOARD: &str = "ops/grafana/sanak.json";
const RUNBOOK: &str = "ops/runbooks/election-night.md";

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every word of a text that begins as our metrics do. What a histogram adds to its name is taken off.
fn metrics(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    words.filter(|word| word.starts_with("sanak_")).map(|word| word.trim_end_matches("_bucket")).collect()
}

/// All production code of the workspace.
fn sources(directory: &Path, into: &mut String) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !["target", "node_modules", "tests", "benches", ".git"].contains(&name.as_str()) {
            sources(&path, into);
        } else if name.ends_with(".rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn alerts_and_dashboards_speak_of_metrics_that_exist() {
    let mut code = String::new();
    sources(&root(), &mut code);
    for file in [ALERTS, DASHBOARD] {
        let text = read(file);
        let named = metrics(&text);
        assert!(named.len() > 10, "{file} names {named:?}");
        for metric in named {
            assert!(
                code.contains(&format!("\"{metric}\"")),
                "{file} speaks of {metric}, which nothing measures"
            );
        }
    }
}

#[test]
fn the_dashboard_is_json_with_a_query_in_each_panel() {
    let dashboard: serde_json::Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(!panel["targets"].as_array().unwrap().is_empty(), "{}", panel["title"]);
    }
}

#[test]
fn the_runbook_says_what_to_do_at_each_alert() {
    let (alerts, runbook) = (read(ALERTS), read(RUNBOOK));
    let names: Vec<&str> = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 10);
    for name in names {
        assert!(runbook.contains(&format!("`{name}`")), "{RUNBOOK} does not say what to do at {name}");
    }
}
