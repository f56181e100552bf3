//! The arrows between our crates: each may name only those below it, so that the pure heart stays pure and a room can
//! be read without the next. A new crate, or a new arrow, is a decision: it is written down here, and in `ops/adr`.

#![allow(clippy::unwrap_used, reason = "what cargo says is so, or the test fails")]

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

/// Crate → the crates of ours that it may import.
const ARROWS: [(&str, &[&str]); 16] = [
    ("election", &[]),
    ("election-files", &["election"]),
    ("device-wire", &["election"]),
    ("journal", &["device-wire", "election"]),
    ("broker", &["device-wire"]),
    ("device-gateway", &["broker", "journal", "device-wire", "election"]),
    ("geodata", &["election"]),
    ("feed", &["election"]),
    // Files from strangers: decoded far from the count.
    ("documents", &["election"]),
    // One system call; nothing of the election.
    ("kernel-clock", &[]),
    ("history", &["election", "feed", "journal"]),
    ("actors", &["election", "feed", "device-wire", "journal"]),
    ("dashboard", &["feed", "history", "geodata", "election"]),
    // A black box to the rest: it speaks to the platform as a device and as a reader do.
    ("load-tests", &["device-wire", "feed", "election", "election-files"]),
    // The night from outside: a device maker's wire, and otherwise MQTT and HTTP alone.
    ("e2e", &["device-wire", "election"]),
    ("sanak", EVERYTHING),
];

/// The composition root.
const EVERYTHING: &[&str] = &["*"];

/// Crates whose tests may import what they like: they try the whole.
const TRY_THE_WHOLE: [&str; 2] = ["load-tests", "e2e"];

/// What the tests of any crate may import: an election to try things with is easiest read from its files.
const IN_TESTS: [&str; 1] = ["election-files"];

/// All that the pure heart may import from others: no IO, no async, no clock.
const HEART: [&str; 2] = ["serde", "thiserror"];

fn workspace() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every arrow that the table does not allow, as `from → to`.
fn forbidden(metadata: &Value) -> Vec<String> {
    let table: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let from = package["name"].as_str().unwrap();
        let Some(allowed) = table.get(from) else {
            found.push(format!("{from} is not in the table"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            let in_tests = dependency["kind"] == "dev";
            let ours = !dependency["path"].is_null();
            if in_tests && (!ours || IN_TESTS.contains(&to) || TRY_THE_WHOLE.contains(&from)) {
                continue;
            }
            let fits = if ours {
                to == from || *allowed == EVERYTHING || allowed.contains(&to)
            } else {
                from != "election" || HEART.contains(&to)
            };
            if !fits {
                found.push(format!("{from} → {to}"));
            }
        }
    }
    found
}

#[test]
fn every_arrow_between_crates_stands_in_the_table() {
    assert_eq!(forbidden(&workspace()), Vec::<String>::new());
}

#[test]
fn every_crate_in_the_table_is_in_the_workspace() {
    let metadata = workspace();
    let names: Vec<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    for (from, allowed) in ARROWS {
        for name in allowed.iter().chain([&from]).filter(|name| **name != "*") {
            assert!(names.contains(name), "{name} is no crate of the workspace");
        }
    }
}

#[test]
fn an_arrow_upwards_a_clock_in_the_heart_and_an_unknown_crate_are_found() {
    let package =
        |name: &str, dependencies: Value| serde_json::json!({ "name": name, "dependencies": dependencies });
    let ours = |name: &str, kind: Value| serde_json::json!({ "name": name, "kind": kind, "path": "/x" });
    let theirs = |name: &str, kind: Value| serde_json::json!({ "name": name, "kind": kind, "path": null });
    let metadata = serde_json::json!({ "packages": [
        package("election", serde_json::json!([
            theirs("tokio", Value::Null),
            theirs("proptest", "dev".into()),
            theirs("serde", Value::Null),
        ])),
        package("feed", serde_json::json!([ours("dashboard", Value::Null), ours("election", Value::Null)])),
        package("broker", serde_json::json!([ours("journal", "dev".into()), ours("election-files", "dev".into())])),
        package("actors", serde_json::json!([ours("election-files", Value::Null)])),
        package("load-tests", serde_json::json!([ours("dashboard", "dev".into()), ours("actors", "build".into())])),
        package("utils", serde_json::json!([])),
    ] });
    assert_eq!(
        forbidden(&metadata),
        [
            "election → tokio",
            "feed → dashboard",
            "broker → journal",
            "actors → election-files",
            "load-tests → actors",
            "utils is not in the table"
        ]
    );
}
