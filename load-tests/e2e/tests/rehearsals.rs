//! `sanak fleet` and `sanak viewers` against a real service: what they find is so, and what is not so they find.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::fs;

use e2e::{Synthetic, sanak};
use serde_json::Value;

/// A small night: terminals and urns within a few seconds.
const NIGHT: &str = r#"
title = "A small night"
connect_within = "1s"
heartbeat = "2s"
[[load]]
what = "turnout"
for = "3s"
reports = 3
[[load]]
what = "closings"
from = "3s"
for = "2s"
[[load]]
what = "tallies"
for = "4s"
[objectives]
receipt_p99 = "20s"
frame_p99 = "20s"
"#;

fn scenario(of: &Synthetic, name: &str, text: &str) -> String {
    let path = of.path(name);
    fs::write(&path, text).unwrap();
    path
}

fn objective<'a>(report: &'a Value, what: &str) -> &'a Value {
    let all = report["objectives"].as_array().unwrap();
    all.iter().find(|objective| objective["what"].as_str().unwrap().contains(what)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_night_is_receipted_shown_and_seen_and_said_again_it_changes_nothing() {
    let country = Synthetic::new(20).await;
    let mut service = country.serve().start().await;
    let night = scenario(&country, "night.toml", NIGHT);
    let arguments = ["--scenario", night.as_str(), "--viewers", "15"];
    let (code, said, report) = country.rehearse(&service, "first", &arguments).await;
    assert_eq!(code, Some(0), "{said}");
    // Each of 20 terminals: opening, two of turnout, closing; each urn: opening and tally.
    assert_eq!(
        (&report["counts"]["devices"], &report["counts"]["reports"]),
        (&40.into(), &120.into()),
        "{said}"
    );
    assert_eq!((&report["counts"]["lost"], &report["counts"]["unexpected"]), (&0.into(), &0.into()));
    assert_eq!((&report["totals"]["differ"], &report["totals"]["reported"]), (&0.into(), &20.into()));
    assert_eq!(report["receipt"]["count"], 120);
    let seen = &report["viewers"];
    assert_eq!((&seen["connected"], &seen["breaches"]), (&15.into(), &0.into()), "{seen:#}");
    assert_eq!(report["frame"]["count"], 15 * 20, "each viewer saw each precinct: {seen:#}");
    assert!(report["cost"]["service_us_a_report"].as_f64().unwrap() > 0.0);
    assert!(report["looks"][1]["gauges"]["sanak_device_connections_count"].as_f64().unwrap() > 0.0);
    let page = fs::read_to_string(country.path("first/report.html")).unwrap();
    assert!(page.contains("Everything held.") && page.contains("<svg"), "{}", &page[..400]);
    for asks in ["src=", "href=", "url(", "@import", "<script"] {
        assert!(!page.contains(asks), "a page that asks for something: {asks}");
    }

    let (code, said, again) = country.rehearse(&service, "again", &["--scenario", &night]).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(again["counts"]["duplicates"], 120, "the same seed says the same bytes");
    service.assert_no_errors_logged();

    let compared = sanak(&[
        "fleet",
        "compare",
        &country.path("first/report.json"),
        &country.path("again/report.json"),
        "--out",
        &country.path("difference.html"),
    ])
    .await;
    let table = String::from_utf8(compared.stdout).unwrap();
    assert!(compared.status.success() && table.contains("publish to receipt, p99"), "{table}");
    assert!(fs::read_to_string(country.path("difference.html")).unwrap().contains("<td>120<td>120"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objective_that_is_missed_ends_with_1_and_so_does_a_total_that_differs() {
    let country = Synthetic::new(6).await;
    let service = country.serve().start().await;
    let night = scenario(&country, "night.toml", NIGHT);
    let arguments = ["--scenario", night.as_str(), "--objective", "receipt_max=0ms"];
    let (code, said, report) = country.rehearse(&service, "missed", &arguments).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(objective(&report, "receipt, all")["met"], false);
    assert!(said.contains("MISSED") && said.contains("report.html"), "{said}");
    let page = fs::read_to_string(country.path("missed/report.html")).unwrap();
    assert!(page.contains("One objective was missed."));

    // Another seed says other figures under the same numbers: the first ones stand (S03), and that is no night to go by.
    let (code, said, report) =
        country.rehearse(&service, "other", &["--scenario", &night, "--seed", "2"]).await;
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(objective(&report, "totals")["met"], false, "{said}");
    assert_eq!(objective(&report, "unexpected")["met"], false, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_and_hostile_devices_change_no_total() {
    let country = Synthetic::new(20).await;
    let chaos = format!(
        "{NIGHT}\n[chaos]\nduplicates = 0.4\nreordered = 0.4\nreconnects = 0.5\nskewed = 0.2\nskew = \"10m\"\n"
    );
    let (chaos, hostile) =
        (scenario(&country, "chaos.toml", &chaos), format!("{NIGHT}\n[hostile]\nshare = 0.2\nrate = 20\n"));
    let service = country.serve().start().await;
    let (code, said, report) = country.rehearse(&service, "chaos", &["--scenario", &chaos]).await;
    assert_eq!(code, Some(0), "{said}");
    let counts = &report["counts"];
    assert!(counts["duplicates"].as_u64() > Some(10) && counts["held"].as_u64() > Some(3), "{counts:#}");
    assert!(counts["attempts"].as_u64() > Some(60), "lines were cut: {counts:#}");

    let other = Synthetic::new(20).await;
    let hostile = scenario(&other, "hostile.toml", &hostile);
    let service = other.serve().start().await;
    let (code, said, report) = other.rehearse(&service, "hostile", &["--scenario", &hostile]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        report["counts"]["hostile"].as_u64() > Some(50) && report["totals"]["reported"].as_u64() < Some(20)
    );
    assert!(service.metric("sanak_refused_messages_total").await > 10.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_and_slow_lines_lose_nothing() {
    let country = Synthetic::new(12).await;
    let text = r#"
title = "A storm over villages"
connected = "all"
connect_within = "1s"
lasts = "12s"
[modem]
share = 0.5
delay = "100ms"
jitter = "200ms"
loss = 0.05
cuts_a_minute = 6.0
[[load]]
what = "turnout"
for = "8s"
rate = 10.0
[[load]]
what = "tallies"
for = "8s"
[[storm]]
at = "3s"
[objectives]
back_within = "30s"
"#;
    let storm = scenario(&country, "storm.toml", text);
    let service = country.serve().start().await;
    let (code, said, report) = country.rehearse(&service, "storm", &["--scenario", &storm]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(report["back"][0].as_f64().unwrap() > 0.5, "{said}");
    assert_eq!(report["counts"]["reports"], 80 + 24);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_alone_check_every_frame() {
    let country = Synthetic::new(10).await;
    let service = country.serve().start().await;
    let night = scenario(&country, "night.toml", NIGHT);
    let url = format!("http://{}", service.ready().http);
    let arguments = ["viewers", "--url", &url, "--election", "synthetic", "-n", "20", "--for", "14s"];
    let more = ["--slow", "2", "--reconnecting", "4", "--witness"];
    let all: Vec<&str> = arguments.iter().chain(&more).copied().collect();
    let fleet = ["--scenario", night.as_str()];
    let (output, (code, said, _)) = tokio::join!(sanak(&all), country.rehearse(&service, "night", &fleet));
    assert_eq!(code, Some(0), "{said}");
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(output.status.success(), "{seen:#}");
    assert_eq!((&seen["connected"], &seen["breaches"], &seen["ended"]), (&20.into(), &0.into(), &0.into()));
    assert!(seen["attempts"].as_u64() > Some(24) && seen["versions"].as_u64() > Some(2), "{seen:#}");

    let nobody =
        sanak(&["viewers", "--url", "http://127.0.0.1:9", "--election", "x", "-n", "1", "--for", "1s"]).await;
    assert_eq!(nobody.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_begin_says_why_and_ends_with_2() {
    let country = Synthetic::new(2).await;
    let election = country.path("country/election");
    let run = async |more: &[&str]| {
        let with = ["fleet", "--election", &election, "--broker", "mqtt://127.0.0.1:9"];
        let all: Vec<&str> = with.iter().chain(more).copied().collect();
        let output = sanak(&all).await;
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["--keys-from-seed", "1", "--scenario", "brust"]).await.contains("did you mean burst?"));
    assert!(run(&[]).await.contains("--bundles, or --keys-from-seed"));
    assert!(run(&["--keys-from-seed", "7"]).await.contains("another one than devices.csv names"));
    assert!(run(&["--keys-from-seed", "1"]).await.contains("--url or --bundles"));
    assert!(run(&["--keys-from-seed", "1", "--objective", "p99=1s"]).await.contains("unknown key p99"));
    assert!(run(&["--keys-from-seed", "1", "--rate", "5"]).await.contains("no load of burst has a rate"));

    // A real election, and one whose polls are open, hear nothing from a rehearsal.
    let service = country.serve().start().await;
    let url = format!("http://{}", service.ready().http);
    let about = country.path("country/election/election.toml");
    let text = fs::read_to_string(&about).unwrap();
    fs::write(&about, text.replace("test = true", "test = false")).unwrap();
    assert!(run(&["--keys-from-seed", "1", "--url", &url]).await.contains("not marked as a test"));
    let date = text.lines().find(|line| line.starts_with("date")).unwrap();
    fs::write(&about, text.replace(date, "date = \"2199-01-01\"")).unwrap();
    assert!(run(&["--keys-from-seed", "1", "--url", &url]).await.contains("every tally is early"));
    fs::write(&about, text).unwrap();
    let night = scenario(&country, "night.toml", NIGHT);
    let soon = ["--keys-from-seed", "1", "--url", &url, "--patience", "1s", "--scenario", &night];
    assert!(run(&soon).await.contains("no device came on line"));

    let listed = sanak(&["fleet", "--list"]).await;
    assert!(listed.status.success() && String::from_utf8(listed.stdout).unwrap().contains("steady"));
}
