//! The history of a whole night: what was shown at any moment is still there after a kill, and goes into an archive.
#![allow(clippy::unwrap_used, missing_docs)] // a test that cannot go on says so

use std::{path::Path, time::Duration};

use e2e::{Demo, binary};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

fn named(moment: &Value) -> String {
    format!("/results?version={}:{}", moment["epoch"].as_str().unwrap(), moment["version"])
}

/// Runs `sanak archive`: its exit code, and what it said.
async fn archive(arguments: &[&str], dirs: [&Path; 2]) -> (Option<i32>, String) {
    let dirs = dirs.map(|dir| dir.display().to_string());
    let arguments = arguments.iter().map(|of| of.replace("{0}", &dirs[0]).replace("{1}", &dirs[1]));
    let run = Command::new(binary()).arg("archive").args(arguments).output().await.unwrap();
    (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_every_moment_of_the_night_is_shown_as_it_was_and_the_night_can_be_archived() {
    let data = TempDir::new().unwrap();
    let demo = Demo::start(data.path(), 12, 2_000, 5).await;
    let complete = |results: &Value| results["status"] == "complete";
    let last = demo.wait_until("the end of the night", Duration::from_secs(90), complete).await;
    // The follower comes by five times a second.
    let line = loop {
        let line = demo.get("/moments?step=60").await;
        let newest = line["moments"].as_array().unwrap().last().cloned().unwrap_or_default();
        if newest["status"] == "complete" {
            break line;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let moments = line["moments"].as_array().unwrap();
    assert!(moments.len() > 10, "{} moments", moments.len());
    let mut shown = Vec::new();
    for moment in moments {
        let results = demo.get(&named(moment)).await;
        assert_eq!(results["generated_at"], moment["at"]);
        assert_eq!(results["units"][0]["turnout"]["identified"], moment["identified"]);
        let with_votes = results.to_string().contains("\"votes\"");
        assert_eq!(with_votes, moment["votes"] == true, "{moment}");
        shown.push((named(moment), results));
    }
    assert!(moments[0]["votes"] == false && moments[moments.len() - 1]["votes"] == true);
    demo.kill().await;

    let demo = Demo::start(data.path(), 12, 2_000, 5).await;
    demo.wait_until("what was counted before", Duration::from_secs(30), complete).await;
    assert_ne!(demo.get("/results").await["epoch"], last["epoch"]);
    for (path, before) in &shown {
        assert_eq!(demo.get(path).await, *before, "{path}");
    }
    let at = moments[moments.len() / 2]["at"].as_str().unwrap();
    let then = demo.get(&format!("/results?at={at}")).await;
    assert_eq!(then["generated_at"], at);
    let precinct = demo.get("/precincts").await["units"][0]["id"].as_str().unwrap().to_owned();
    let votes = demo.get(&format!("/history?unit={precinct}&series=votes")).await;
    let points = votes["points"].as_array().unwrap();
    assert!(points.last().is_some_and(|point| point["ballots"].as_u64() > Some(0)), "{votes}");
    demo.kill().await;

    let (files, other) = (data.path().join("files"), data.path().join("other"));
    let export = ["export", "--data", "{0}", "--election", "kg-demo", "--out", "{1}"];
    let (code, said) = archive(&export, [data.path(), &files]).await;
    assert!(code == Some(0) && said.contains("exported"), "{said}");
    let import = ["import", "{1}", "--data", "{0}"];
    let (code, said) = archive(&import, [&other, &files]).await;
    assert!(code == Some(0) && said.contains("and sealed it"), "{said}");
    let (code, said) = archive(&import, [&other, &files]).await;
    assert!(code == Some(1) && said.contains("is here already"), "{said}");
    let (code, said) = archive(&["seal", "--data", "{0}", "--election", "kg-demo"], [&other, &files]).await;
    assert!(code == Some(1) && said.contains("is sealed already"), "{said}");
    let (code, said) =
        archive(&["export", "--data", "{1}", "--election", "kg-demo", "--out", "x"], [&other, &files]).await;
    assert!(code == Some(2) && said.contains("there is no history here"), "{said}");
    let (code, said) = archive(&["seal", "--election", "kg-demo"], [&other, &files]).await;
    assert!(code == Some(2) && said.contains("give --data"), "{said}");
}
