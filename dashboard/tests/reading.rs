//! What is read over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use std::{
    io::{Read, Write},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use election::Count;
use serde_json::{Value, json};
use support::{House, country, problem};

#[tokio::test]
async fn the_elections_and_their_definition_are_described() {
    let house = House::open().await;
    let list = house.json(&house.url("/api/v1/elections")).await;
    assert_eq!((&list[0]["id"], &list[0]["status"]), (&json!("kg-test"), &json!("pre")));
    assert_eq!((&list[0]["precincts"], &list[0]["registered"]), (&json!(9), &json!(9000)));
    let election = house.json(&house.election("")).await;
    assert_eq!(election["polls_close"], "2026-10-04T14:00:00Z");
    assert_eq!(election["contests"][0]["threshold"], json!({"national": "5", "regional": "0.5"}));
    assert_eq!(election["contests"][1]["id"], "single:1");
    assert_eq!(
        (&election["contests"][1]["unit"], &election["contests"][1]["scope"]),
        (&json!("district:1"), &json!("district"))
    );
    assert_eq!(election["contests"][0]["options"][0]["id"], "p01");
    assert_eq!(
        election["units"][0],
        json!({"id": "country", "kind": "country", "parent": null, "name": null, "by_hand": 0})
    );
    assert_eq!(election["centre_keys"][0], json!({"kid": "centre", "public_key": "cd".repeat(32)}));
    assert_eq!(election["devices"].as_array().unwrap().len(), 18);
    let urn = |election: &Value| {
        let devices = election["devices"].as_array().unwrap().iter();
        devices.clone().find(|device| device["id"] == "u-1").unwrap().clone()
    };
    assert_eq!((&urn(&election)["status"], urn(&election).get("superseded_keys")), (&json!("active"), None));
    house.desk.revoked.store(true, Ordering::Relaxed);
    let after = urn(&house.json(&house.election("")).await);
    assert_eq!(after["status"], "revoked", "a decision is seen at once");
    assert_eq!(after["superseded_keys"], json!(["06".repeat(32)]));
    let without = house.json(&house.election("?keys=false")).await;
    assert!(without.get("devices").is_none());
    assert_eq!(house.problem(&house.election("?keys=perhaps")).await.0, 400);
    let ballots = house.json(&house.election("?keys=false&candidates=false")).await;
    assert_eq!(ballots["contests"][0]["options"][0]["id"], "p01");
    assert!(ballots["contests"][0]["options"][0].get("candidates").is_none());
    let places = house.json(&house.election("/places")).await;
    assert_eq!(places.as_array().unwrap().len(), 9);
    assert_eq!(
        (&places[0]["precinct"], &places[0]["urns"], &places[0]["terminals"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!((&places[0]["districts"], &places[8]["parent"]), (&json!(["district:1"]), &json!("abroad")));
    assert_eq!(places[0]["name"]["ky"], "мектеп 1");
}

#[tokio::test]
async fn a_snapshot_is_told_apart_by_its_tag_and_not_sent_twice() {
    let mut house = House::open().await;
    let url = house.election("/results");
    let first = house.get(&url).await;
    assert_eq!(first.headers()["cache-control"], "public, max-age=1, stale-while-revalidate=10");
    let tag = first.headers()["etag"].clone();
    assert_eq!(tag, "W/\"e1:1\"");
    let again = house.http.get(&url).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((again.status().as_u16(), again.headers()["etag"].clone()), (304, tag.clone()));
    assert!(again.bytes().await.unwrap().is_empty());
    house.night.turnout(1, 10);
    house.publish();
    let changed = house.http.get(&url).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((changed.status().as_u16(), changed.headers()["etag"].to_str().unwrap()), (200, "W/\"e1:2\""));
    let head = house.http.head(&url).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.bytes().await.unwrap().is_empty());
    // While publication is stalled the same version has another header, and another tag.
    house.feed.stall(house.night.now);
    let stalled = house.http.get(&url).header("if-none-match", "W/\"e1:2\"").send().await.unwrap();
    assert_eq!(stalled.status(), 200);
    let body: serde_json::Value = stalled.json().await.unwrap();
    assert!(body["stalled_since"].is_string());
}

#[tokio::test]
async fn bodies_are_compressed_as_the_reader_wishes_and_say_the_same() {
    let house = House::open().await;
    let url = house.election("/results");
    let plain = house.get(&url).await.bytes().await.unwrap();
    for (wish, given) in [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")] {
        let answer = house.http.get(&url).header("accept-encoding", wish).send().await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], given);
        assert_eq!(answer.headers()["vary"], "accept-encoding");
        let bytes = answer.bytes().await.unwrap();
        assert!(bytes.len() < plain.len() / 4, "{wish}");
        let mut read = Vec::new();
        match given {
            "br" => brotli::Decompressor::new(&bytes[..], 4096).read_to_end(&mut read).unwrap(),
            _ => flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut read).unwrap(),
        };
        assert_eq!(read, plain);
    }
}

#[tokio::test]
async fn an_earlier_version_is_immutable_and_found_by_its_moment() {
    let mut house = House::open().await;
    for round in 1..=3 {
        house.night.now = house.night.now + Duration::from_secs(10);
        house.night.turnout(1, round);
        house.publish();
    }
    let second = house.get(&house.election("/results?version=e1:2")).await;
    assert_eq!(second.headers()["cache-control"], "public, max-age=31536000, immutable");
    let second: serde_json::Value = second.json().await.unwrap();
    assert_eq!((&second["version"], &second["units"][0]["turnout"]["identified"]), (&json!(2), &json!(1)));
    let moment = second["generated_at"].as_str().unwrap();
    let moved = house.get(&house.election(&format!("/results?at={moment}"))).await;
    assert_eq!(moved.status(), 307);
    assert_eq!(moved.headers()["location"], "/api/v1/elections/kg-test/results?version=e1:2");
    for (query, status) in [
        ("version=e0:2", 410),
        ("version=e1:0", 410),
        ("version=e1:9", 404),
        ("version=2", 400),
        ("version=e1:2&version=e1:3", 400),
        ("version=e1:2&at=2026-10-04T14:00:00Z", 400),
        ("at=yesterday", 400),
        ("at=2020-01-01T00:00:00Z", 410),
    ] {
        assert_eq!(house.problem(&house.election(&format!("/results?{query}"))).await.0, status, "{query}");
    }
}

#[tokio::test]
async fn a_unit_stands_in_its_header() {
    let house = House::open().await;
    for id in ["country", "abroad", "region:r1", "raion:r1-2", "district:2", "precinct:9"] {
        let body = house.json(&house.election(&format!("/units/{id}"))).await;
        assert_eq!((&body["unit"]["id"], &body["test"]), (&json!(id), &json!(true)));
        assert_eq!(body["embargo_until"], "2026-10-04T14:00:00Z");
    }
    for id in ["region:atlantis", "precinct:10", "precinct:01", "nothing", "%ff"] {
        assert_eq!(house.problem(&house.election(&format!("/units/{id}"))).await.0, 404, "{id}");
    }
}

#[tokio::test]
async fn precincts_are_filtered_by_place_phase_and_discrepancy() {
    let mut house = House::open().await;
    house.night.report(3, 10);
    house.night.change(4, |figures| figures.discrepancies = 2);
    house.publish();
    let url = |query: &str| house.election(&format!("/precincts{query}"));
    for (query, expected) in [
        ("", (1..=9).collect()),
        ("?region=r1", vec![1, 2, 5, 6]),
        ("?region=region:r1&district=1", vec![1, 5]),
        ("?raion=r2-1", vec![3, 7]),
        ("?phase=reported", vec![3]),
        ("?phase=reported&region=r1", vec![]),
        ("?discrepancy=true", vec![4]),
        ("?discrepancy=false&region=r2", vec![3, 7, 8]),
        ("?discrepancy=W12", vec![1]),
        ("?discrepancy=W01", vec![]),
    ] {
        let body = house.json(&url(query)).await;
        let units = body["units"].as_array().unwrap();
        let ids: Vec<u32> = units
            .iter()
            .map(|unit| unit["id"].as_str().unwrap().strip_prefix("precinct:").unwrap().parse().unwrap())
            .collect();
        assert_eq!(ids, expected, "{query}");
    }
    for bad in [
        "?region=atlantis",
        "?region=raion:r1-1",
        "?raion=%20",
        "?phase=late",
        "?discrepancy=Q01",
        "?phase=pre&phase=open",
    ] {
        assert_eq!(house.problem(&url(bad)).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_precinct_shows_its_reports_and_open_rules() {
    let mut house = House::open().await;
    house.night.report(1, 10);
    house.publish();
    let before = Arc::new(house.night.of(1));
    house.night.report(1, 5);
    house.night.turnout(1, 40);
    let mut cut = house.night.cut();
    let after = Arc::new(house.night.of(1));
    cut.corrections.push(country::correction(1, &before, &after, cut.at));
    house.feed.publish(cut).unwrap();
    let body = house.json(&house.election("/precincts/1")).await;
    assert_eq!((&body["unit"]["id"], &body["place"]["precinct"]), (&json!("precinct:1"), &json!(1)));
    assert_eq!(
        body["reports"][0],
        json!({"offset": 5, "device": "u-1", "kind": "urn", "seq": 2, "type": "tally",
            "at": "2026-10-04T02:00:00Z", "arrived": "2026-10-04T02:00:00Z", "digest": "ab".repeat(32),
            "verdict": "accepted", "codes": ["W12"], "decision": null})
    );
    assert_eq!(
        body["discrepancies"],
        json!([{"code": "W12", "device": "u-1", "contest": null, "since": "2026-10-04T02:00:00Z"}])
    );
    assert_eq!(
        (&body["corrections"][0]["reason"], &body["documents"][1]["kind"], &body["protocol"]),
        (&json!("counted twice"), &json!("id_final"), &json!("awaited"))
    );
    let listed = house.json(&house.election("/corrections")).await;
    assert_eq!(listed["corrections"], body["corrections"]);
    let row = &listed["corrections"][0];
    let who = ["offset", "precinct", "act", "by", "signature"].map(|name| row[name].clone());
    assert_eq!(who, [json!(4711), json!(1), json!("correct_turnout"), json!("B. Asanova"), Value::Null]);
    assert_eq!(row["units"], json!(["precinct:1", "raion:r1-1", "region:r1", "district:1", "country"]));
    assert_eq!(row["position"], house.feed.current().position().to_string());
    let turnout = json!({"identified": 40, "precincts": 1, "registered": 1000});
    assert_eq!((&row["after"]["turnout"], &row["before"]["phase"]), (&turnout, &json!("reported")));
    // The embargo holds: who reported is shown, what was counted is not.
    let hidden = json!({"precincts": 1, "registered": 1000});
    assert_eq!(row["before"]["contests"]["list"], json!({"urns": hidden}));
    house.night.votes = true;
    house.publish();
    let body = house.json(&house.election("/precincts/1")).await;
    let row = &body["corrections"][0];
    let list = |side: &str| row[side]["contests"]["list"]["urns"]["votes"].clone();
    assert_eq!(list("before"), json!({"p01": 10, "p02": 10, "p03": 10}));
    assert_eq!(list("after"), json!({"p01": 5, "p02": 5, "p03": 5}));
    assert_eq!(row["after"]["contests"]["single:1"]["urns"]["ballots"], 11);
    for bad in ["10", "x", "0", "1.5", "4294967297"] {
        assert_eq!(house.problem(&house.election(&format!("/precincts/{bad}"))).await.0, 404, "{bad}");
    }
}

#[tokio::test]
async fn a_signed_report_with_votes_stays_here_while_the_embargo_holds() {
    let mut house = House::open().await;
    let base = house.election("/precincts/1/reports");
    let url = |offset: &str| format!("{base}/{offset}.cose");
    let opening = house.get(&url("6")).await;
    assert_eq!(opening.headers()["content-type"], "application/cose; cose-type=\"cose-sign1\"");
    assert_eq!(opening.bytes().await.unwrap()[..], [0xd2, 0x84]);
    let (status, detail) = house.problem(&url("5")).await;
    assert_eq!(status, 403);
    assert!(detail.contains("2026-10-04T14:00:00Z"), "{detail}");
    for unknown in ["99", "x", "-1"] {
        assert_eq!(house.problem(&url(unknown)).await.0, 404, "{unknown}");
    }
    assert_eq!(house.problem(&house.election("/precincts/2/reports/5.cose")).await.0, 404);
    house.night.votes = true;
    house.feed.publish(house.night.cut()).unwrap();
    assert_eq!(house.get(&url("5")).await.status(), 200);
}

#[tokio::test]
async fn the_public_lists_say_who_is_missing_and_what_is_held_back() {
    let house = House::open().await;
    let missing = house.json(&house.election("/missing")).await;
    assert_eq!(
        missing["precincts"],
        json!([{"precinct": 1, "parent": "raion:r1-1", "phase": "counting", "registered": 1000, "urns": 2,
            "urns_reported": 1, "terminals": 3, "closings": 2}])
    );
    assert_eq!((&missing["epoch"], &missing["test"]), (&json!("e1"), &json!(true)));
    let quarantine = house.json(&house.election("/quarantine")).await;
    assert_eq!(
        quarantine["reports"].as_array().unwrap()[..2],
        [
            json!({"offset": 9, "precinct": 1, "device": "u-1", "seq": 2, "type": "tally", "codes": ["Q02"],
            "arrived": "2026-10-04T02:00:00Z", "verdict": "quarantined", "decision": null}),
            json!({"offset": 12, "precinct": 2, "device": "u-2", "seq": 2, "type": "tally", "codes": ["Q03"],
            "arrived": "2026-10-04T02:00:00Z", "verdict": "accepted", "decision": {"act": "release",
                "by": "B. Asanova", "reason": "voters of two lists", "at": "2026-10-04T02:00:00Z",
                "offset": 13}})
        ]
    );
    assert_eq!((&quarantine["total"], &quarantine["next"]), (&json!(3), &json!(null)));
    assert_eq!(house.json(&house.election("/corrections")).await["corrections"], json!([]));
}

#[tokio::test]
async fn the_quarantine_is_read_page_by_page_to_its_end() {
    let house = House::open().await;
    let mut pages = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = house.json(&house.election(&format!("/quarantine{query}"))).await;
        assert_eq!((&page["total"], &page["epoch"]), (&json!(3), &json!("e1")));
        let offsets = page["reports"].as_array().unwrap().iter().map(|report| report["offset"].clone());
        pages.push(offsets.collect::<Vec<_>>());
        let Some(next) = page["next"].as_u64() else { break };
        query = format!("?limit=2&after={next}");
    }
    assert_eq!(pages, [vec![json!(9), json!(12)], vec![json!(30)]]);
    let beyond = house.json(&house.election("/quarantine?after=30&limit=0")).await;
    assert_eq!((&beyond["reports"], &beyond["next"]), (&json!([]), &json!(null)));
    for wrong in ["?after=x", "?limit=-1", "?limit=1&limit=2"] {
        assert_eq!(house.problem(&house.election(&format!("/quarantine{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_crowd_that_asks_the_same_asks_the_actors_once() {
    let house = House::open().await;
    let url = house.election("/missing");
    let crowd = (0..40).map(|_| house.get(&url));
    for answer in futures_util::future::join_all(crowd).await {
        assert_eq!(answer.status(), 200);
    }
    assert!(house.desk.asked.load(Ordering::Relaxed) <= 2);
}

#[tokio::test]
async fn actors_that_do_not_answer_hold_nobody_for_long() {
    let house = House::open().await;
    house.desk.silent.store(true, Ordering::Relaxed);
    for path in [
        "/missing",
        "/quarantine",
        "/precincts/1",
        "/precincts/1/reports/5.cose",
        "/precincts?discrepancy=W01",
    ] {
        assert_eq!(house.problem(&house.election(path)).await.0, 503, "{path}");
    }
    assert_eq!(house.get(&house.election("/results")).await.status(), 200);
}

#[tokio::test]
async fn history_is_given_in_steps() {
    let mut house = House::open().await;
    house.night.turnout(1, 10);
    house.publish();
    house.night.now = house.night.now + Duration::from_secs(600);
    house.night.report(1, 3);
    house.publish();
    let url = |query: &str| house.election(&format!("/history{query}"));
    let reported = house.json(&url("")).await;
    assert_eq!(
        (&reported["unit"], &reported["series"], &reported["step"]),
        (&json!("country"), &json!("reported"), &json!(300))
    );
    let points = reported["points"].as_array().unwrap();
    assert_eq!(
        points.last().unwrap(),
        &json!({"at": "2026-10-04T02:10:00Z", "precincts": 1, "registered": 1000, "of_precincts": 9,
            "of_registered": 9000, "identified": 10})
    );
    assert_eq!((points.len(), &points[0]["at"]), (3, &json!("2026-10-04T02:05:00Z")));
    let turnout = house.json(&url("?series=turnout&unit=raion:r1-1&step=60")).await;
    assert_eq!(
        (&turnout["points"][0]["identified"], &turnout["points"][0]["precincts"]),
        (&json!(10), &json!(1))
    );
    for bad in
        ["?step=0", "?step=90", "?step=-60", "?step=99999960", "?unit=precinct:1", "?unit=x", "?series=votes"]
    {
        assert_eq!(house.problem(&url(bad)).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn seats_follow_from_the_votes_of_one_source_once_they_may_be_shown() {
    let mut house = House::open().await;
    house.night.report(9, 100);
    house.night.change(1, |figures| {
        let list = &mut figures.contests[0].protocols;
        (list.precincts, list.registered, list.ballots) = (1, Count::new(1000), Count::new(60));
        list.votes = [30, 20, 10].map(Count::new).into_iter().collect();
    });
    house.publish();
    let base = house.election("/seats");
    let url = |query: &str| format!("{base}{query}");
    let before = house.json(&url("?contest=list")).await;
    assert_eq!((&before["allocation"], &before["contest"]), (&json!(null), &json!("list")));
    assert_eq!(before["embargo_until"], "2026-10-04T14:00:00Z");
    house.night.votes = true;
    house.feed.publish(house.night.cut()).unwrap();
    let urns = house.json(&url("?contest=list")).await;
    assert_eq!((&urns["source"], &urns["version"]), (&json!("urns"), &json!(3)));
    let urns = &urns["allocation"];
    // 100 votes for each of three lists: 18 of 54 seats each; 301 ballots in the denominator.
    assert_eq!(
        (&urns["ballots"], &urns["denominator"], &urns["decided"]),
        (&json!(301), &json!(301), &json!(false))
    );
    assert_eq!(urns["quota"], json!({"numerator": 300, "denominator": 54}));
    assert_eq!(urns["reported"]["precincts"], json!({"numerator": 1, "denominator": 9}));
    assert_eq!(urns["reported"]["outstanding"], 8000);
    let first = &urns["options"][0];
    assert_eq!(
        (&first["option"], &first["seats"], &first["seats_least"]),
        (&json!("p01"), &json!(18), &json!(0))
    );
    assert_eq!(first["thresholds"].as_array().unwrap().len(), 3, "the country and two regions");
    let protocols = house.json(&url("?contest=list&source=protocols")).await;
    let seats = |of: &serde_json::Value| {
        of["allocation"]["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["seats"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(seats(&protocols), [27, 18, 9]);
    let district = house.json(&url("?contest=single:1")).await;
    assert_eq!(district["allocation"]["result"], "no_votes");
    let answer = house.get(&url("")).await; // the first contest, where none is named
    assert_eq!(answer.headers()["etag"], "W/\"e1:3\"");
    for (query, status) in
        [("?contest=x:y:z", 400), ("?contest=mayor", 404), ("?contest=list&source=both", 400)]
    {
        assert_eq!(house.problem(&url(query)).await.0, status, "{query}");
    }
}

#[tokio::test]
async fn boundaries_are_served_by_layer() {
    let house = House::open().await;
    let layer = house.get(&house.election("/boundaries/regions.geojson")).await;
    assert_eq!(layer.headers()["content-type"], "application/geo+json");
    assert!(layer.headers().contains_key("etag"));
    let (status, detail) = house.problem(&house.election("/boundaries/oceans.geojson")).await;
    assert_eq!((status, detail.contains("regions")), (404, true));
}

#[tokio::test]
async fn no_body_carries_votes_before_they_may_be_published_and_all_do_after() {
    let mut house = House::open().await;
    house.night.report(9, 4321);
    house.publish();
    let reads = [
        "/results",
        "/results?version=e1:2",
        "/precincts",
        "/precincts?phase=reported",
        "/precincts/9",
        "/units/abroad",
        "/units/precinct:9",
        "/history",
        "/history?series=turnout",
        "/seats?contest=list",
        "/seats?contest=list&source=protocols",
        "/seats?contest=single:1",
        "/missing",
        "/quarantine",
        "/corrections",
    ];
    for path in reads {
        let text = house.get(&house.election(path)).await.text().await.unwrap();
        for secret in ["4321", "ballots", "invalid", "\"votes\"", "12964", "12963"] {
            assert!(!text.contains(secret), "{path} has {secret}");
        }
    }
    let pages = [
        "/kg-test",
        "/kg-test/abroad",
        "/kg-test/precinct/9",
        "/kg-test/contest/single",
        "/kg-test/corrections",
        "/embed/results?unit=abroad",
        "/embed/map",
        "/api/v1/elections/kg-test/summary?unit=abroad&parts=auto",
    ];
    for path in pages {
        let request = house.http.get(house.url(path)).header("accept", "text/html");
        let text = request.send().await.unwrap().text().await.unwrap();
        for secret in ["4321", "4\u{202f}321", "\"votes\"", "12964", "12963"] {
            assert!(!text.contains(secret), "{path} has {secret}");
        }
    }
    // Columns and properties have their names in every download: it is the counts that must not be there.
    let downloads = [
        "/export/results.csv",
        "/export/results.csv?excel=1",
        "/export/precincts.csv",
        "/export/precincts.csv?excel=1",
        "/export/results.geojson",
        "/export/results.geojson?layer=raions",
        "/export/results.geojson?layer=districts",
        "/export/cdf.json",
        "/export/cdf.json?level=precincts",
    ];
    for path in downloads {
        let answer = house.get(&house.election(path)).await;
        assert_eq!(answer.status(), 200, "{path}");
        let text = answer.text().await.unwrap();
        for secret in ["4321", "12964", "12963", "BallotsCast", "\"Count\"", "\"ballots\"", "\"votes\""] {
            assert!(!text.contains(secret), "{path} has {secret}");
        }
    }
    house.night.votes = true;
    house.feed.publish(house.night.cut()).unwrap();
    // The same reads find what they are searched for once it is there; the largest one is a second old at most.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    for path in ["/export/results.csv", "/export/precincts.csv", "/export/cdf.json?level=precincts"] {
        let text = house.get(&house.election(path)).await.text().await.unwrap();
        assert!(text.contains("4321") && text.contains("12964"), "{path}");
    }
    for path in ["/results", "/precincts", "/units/abroad", "/precincts/9"] {
        let text = house.get(&house.election(path)).await.text().await.unwrap();
        assert!(text.contains("\"p01\":4321") && !text.contains("embargo_until"), "{path}");
    }
    for path in ["/kg-test/abroad", "/kg-test/precinct/9", "/embed/results?unit=abroad"] {
        let request = house.http.get(house.url(path)).header("accept", "text/html");
        let text = request.send().await.unwrap().text().await.unwrap();
        assert!(text.contains("4\u{202f}321"), "{path}: build the page first: make web");
    }
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_document() {
    let house = House::open().await;
    for path in [
        "/api/v1/nothing",
        "/api/v2/elections",
        "/api/v1/elections/other",
        "/api/v1/elections/other/results",
        "/api/v1/elections/%00/results",
        "/api/v1/elections/kg-test/nothing",
        "/no-such-file.js",
    ] {
        assert_eq!(house.problem(&house.url(path)).await.0, 404, "{path}");
    }
    for path in ["/results", "/live", "/precincts/1"] {
        let answer = house.http.delete(house.election(path)).send().await.unwrap();
        assert_eq!(answer.headers()["allow"], "GET, HEAD, OPTIONS");
        assert_eq!(problem(answer).await.0, 405, "{path}");
    }
    let posted = house.http.post(house.url("/")).body("x").send().await.unwrap();
    assert_eq!(problem(posted).await.0, 405);
    let long = format!("/results?version={}", "9".repeat(20_000));
    assert_eq!(house.problem(&house.election(&long)).await.0, 400);
}

#[tokio::test]
async fn any_page_may_read_what_is_public_and_none_the_room() {
    let house = House::open().await;
    let preflight = house
        .http
        .request(reqwest::Method::OPTIONS, house.election("/results"))
        .header("origin", "https://media.example")
        .header("access-control-request-method", "GET")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (preflight.status().as_u16(), &preflight.headers()["access-control-allow-origin"]),
        (204, &"*".parse().unwrap())
    );
    for path in ["/results", "/nothing"] {
        assert_eq!(house.get(&house.election(path)).await.headers()["access-control-allow-origin"], "*");
    }
    let room = house
        .http
        .request(reqwest::Method::OPTIONS, house.url("/api/v1/room/decisions"))
        .send()
        .await
        .unwrap();
    assert_eq!(room.status(), 405);
    assert!(room.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy_or_says_how_to_build_it() {
    let house = House::open().await;
    let answer = house.get(&house.url("/")).await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("worker-src 'self' blob:") && policy.contains("img-src 'self' data: blob:"));
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    match status {
        200 => assert!(text.contains("<html")),
        _ => assert!(status == 503 && text.contains("make web"), "{status} {text}"),
    }
}

#[tokio::test]
async fn an_address_within_the_page_says_in_its_head_what_it_is_about() {
    let house = House::open().await;
    let election = house.json(&house.url("/api/v1/elections")).await[0]["id"].as_str().unwrap().to_owned();
    let head = async |path: &str| {
        let request = reqwest::Client::new().get(house.url(path)).header("accept", "text/html");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "build the page first: make web");
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8");
        let text = answer.text().await.unwrap();
        text.split_once("og:title\" content=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
    };
    let country = head(&format!("/{election}?lang=en")).await;
    let about =
        |text: &str| format!("Simulation · {text} · {}", country.strip_prefix("Simulation · ").unwrap());
    let unit = house.json(&house.election("?keys=false")).await["units"]
        .as_array()
        .unwrap()
        .iter()
        .find(|unit| unit["kind"] == "region")
        .cloned()
        .unwrap();
    let region = unit["id"].as_str().unwrap().strip_prefix("region:").unwrap().to_owned();
    let name = unit["name"]["en"].as_str().unwrap();
    assert_eq!(head(&format!("/{election}/region/{region}?lang=en")).await, about(name));
    assert_eq!(head(&format!("/{election}/missing?lang=en")).await, about("Precincts still missing"));
    assert_eq!(
        head(&format!("/{election}/abroad?lang=en&lang=ru")).await,
        head(&format!("/{election}/abroad")).await
    );
    for nowhere in ["region/nowhere", "planet/mars", "precinct/<script>", "contest/none"] {
        assert_eq!(head(&format!("/{election}/{nowhere}?lang=en")).await, country);
    }
    let precinct = house.json(&house.election("/places")).await[0]["precinct"].as_u64().unwrap();
    assert!(
        head(&format!("/{election}/precinct/{precinct}?lang=en"))
            .await
            .contains(&format!("Precinct {precinct}"))
    );
}

#[tokio::test]
async fn health_and_metrics_have_an_address_of_their_own() {
    let house = House::open().await;
    house.get(&house.election("/results")).await;
    let registry = house.registry.clone();
    let desk = std::sync::Arc::clone(&house.desk) as std::sync::Arc<dyn dashboard::Inquiry>;
    let operators = dashboard::metrics("127.0.0.1:0".parse().unwrap(), registry, desk).await.unwrap();
    let url = |path: &str| format!("http://{}{path}", operators.address);
    let text = house.get(&url("/metrics")).await.text().await.unwrap();
    let line = "sanak_http_requests_total{class=\"2xx\",route=\"/api/v1/elections/{election}/results\"} 1";
    assert!(text.contains(line), "{text}");
    assert_eq!(house.json(&url("/healthz")).await, json!({"status": "ok"}));
    assert_eq!(house.json(&house.url("/readyz")).await["ready"], true);
    house.desk.broken.store(true, Ordering::Relaxed);
    let answer = house.get(&url("/readyz")).await;
    assert_eq!(answer.status(), 503);
    let body: serde_json::Value = answer.json().await.unwrap();
    let journal = json!({"what": "journal", "ready": false, "why": "the disk is full"});
    let clock = json!({"what": "clock", "ready": true, "warning": "not synchronised"});
    assert_eq!(body["parts"], json!([journal, clock]));
    operators.stop().await;
}

#[tokio::test]
async fn one_client_cannot_take_every_connection() {
    let house = House::with(|config| config.limits.connections_per_client = 3).await;
    let held: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(house.server.address).unwrap()).collect();
    support::until(|| house.measured("sanak_http_connections") >= 3.0).await;
    let (status, _) = house.problem(&house.election("/results")).await;
    assert_eq!(status, 429);
    drop(held);
    support::until(|| house.measured("sanak_http_connections") == 0.0).await;
    assert_eq!(house.get(&house.election("/results")).await.status(), 200);
}

#[tokio::test]
async fn who_never_ends_a_request_is_shown_out() {
    let house = House::with(|config| config.limits.head = Duration::from_millis(200)).await;
    let mut slow = std::net::TcpStream::connect(house.server.address).unwrap();
    slow.write_all(b"GET /api/v1/elections HTTP/1.1\r\nhost: x\r\n").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut text = String::new();
    tokio::task::spawn_blocking(move || slow.read_to_string(&mut text).map(|_| text))
        .await
        .unwrap()
        .map(|text| assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}"))
        .unwrap();
}

#[tokio::test]
async fn the_description_of_the_interface_is_served_and_its_reads_answer() {
    let house = House::open().await;
    let description = house.json(&house.url("/api/v1/openapi.json")).await;
    assert_eq!(description["openapi"], "3.1.0");
    for (path, operations) in description["paths"].as_object().unwrap() {
        if operations.get("get").is_none() || path.ends_with("/live") || path.ends_with("/events") {
            continue;
        }
        let named = [
            ("{election}", "kg-test"),
            ("{layer}", "regions"),
            ("{unit}", "country"),
            ("{precinct}", "1"),
            ("{offset}", "6"),
            ("{device}", "t-1"),
            ("{digest}", "0303030303030303030303030303030303030303030303030303030303030303"),
        ];
        let path = named.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
        let request = house.http.get(house.url(&format!("/api/v1{path}")));
        let request = if path.starts_with("/room/") { request.bearer_auth(support::TOKEN) } else { request };
        assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_said_at_once() {
    let house = House::open().await;
    let definition = support::country::definition(support::country::SMALL);
    let parts = dashboard::Parts {
        feed: std::sync::Arc::new(support::country::feed(&definition)),
        boundaries: Default::default(),
        centre_keys: Vec::new(),
        inquiry: std::sync::Arc::new(support::Desk::default()),
        papers: std::sync::Arc::new(support::Desk::default()),
        past: history::Past::new(std::sync::Arc::new(support::Hung)),
        registry: prometheus::Registry::new(),
    };
    let error = dashboard::start(dashboard::Config::on(house.server.address), parts).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}

#[tokio::test]
async fn downloads_hold_what_the_feed_holds_and_no_more() {
    let mut house = House::open().await;
    let rows = |text: &str| {
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let row = |record: csv::StringRecord| -> std::collections::HashMap<String, String> {
            names.iter().cloned().zip(record.iter().map(str::to_owned)).collect()
        };
        reader.records().map(|record| row(record.unwrap())).collect::<Vec<_>>()
    };
    let answer = house.get(&house.election("/export/results.csv")).await;
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8; header=present");
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"kg-test-results.csv\"");
    let closed = rows(&answer.text().await.unwrap());
    // Before votes may be published there is a row for each option, and no vote in it.
    assert!(closed.iter().all(|row| row["votes"].is_empty() && row["ballots"].is_empty()));
    house.night.votes = true;
    house.night.report(1, 10);
    house.publish();
    let url = house.election("/export/results.csv");
    let open = rows(&house.get(&url).await.text().await.unwrap());
    let snapshot = house.json(&house.election("/results")).await;
    let mut compared = 0;
    for row in &open {
        let units = snapshot["units"].as_array().unwrap();
        let unit = units.iter().find(|unit| unit["id"] == row["unit"]).unwrap();
        let source = &unit["contests"][&row["contest"]][&row["source"]];
        assert_eq!(row["votes"], source["votes"][&row["option"]].to_string());
        assert_eq!(row["ballots"], source["ballots"].to_string());
        assert_eq!((row["test"].as_str(), row["data_licence"].is_empty()), ("true", false));
        compared += 1;
    }
    assert_eq!(compared, closed.len());
    assert!(open.iter().any(|row| row["votes"] != "0"));
    let precincts = rows(&house.get(&house.election("/export/precincts.csv")).await.text().await.unwrap());
    assert!(!precincts.is_empty() && precincts.iter().all(|row| row["unit"] == "precinct:1"));
    let excel = house.get(&house.election("/export/results.csv?excel=1")).await.bytes().await.unwrap();
    assert!(excel.starts_with(b"\xef\xbb\xbfelection;test;"));
    assert_eq!(house.problem(&house.election("/export/results.csv?excel=2")).await.0, 400);
}

#[tokio::test]
async fn a_map_is_its_boundaries_with_the_units_of_the_version() {
    let house = House::open().await;
    let answer = house.get(&house.election("/export/results.geojson")).await;
    assert_eq!(answer.headers()["content-type"], "application/geo+json");
    let map: Value = answer.json().await.unwrap();
    let snapshot = house.json(&house.election("/results")).await;
    assert_eq!((&map["version"], &map["test"]), (&snapshot["version"], &json!(true)));
    let feature = &map["features"][0];
    let of = snapshot["units"].as_array().unwrap().iter().find(|unit| unit["id"] == feature["id"]).unwrap();
    assert_eq!(feature["properties"]["turnout"], of["turnout"]);
    assert!(feature["geometry"]["coordinates"].is_array());
    assert_eq!(house.problem(&house.election("/export/results.geojson?layer=lakes")).await.0, 400);
}

#[tokio::test]
async fn what_votes_stand_on_is_not_shown_before_they_may_be_published() {
    let mut house = House::open().await;
    let detail = house.json(&house.election("/precincts/1")).await;
    let (protocol, closing) = (&detail["documents"][0], &detail["documents"][1]);
    assert_eq!((&protocol["kind"], &protocol["digest"]), (&json!("protocol"), &Value::Null));
    assert_eq!(closing["digest"], "03".repeat(32));
    let url = |digit: &str| format!("/precincts/1/documents/{}", digit.repeat(32));
    assert_eq!(house.problem(&house.election(&url("04"))).await.0, 403);
    let shown = house.get(&house.election(&url("03"))).await;
    assert_eq!(shown.headers()["content-disposition"], "attachment; filename=\"1-030303030303.pdf\"");
    assert_eq!(house.problem(&house.election(&url("09"))).await.0, 404);
    house.night.votes = true;
    house.publish();
    let detail = house.json(&house.election("/precincts/1")).await;
    assert_eq!(detail["documents"][0]["digest"], "04".repeat(32));
    // What the shelf has lost is said, and not made up.
    assert_eq!(house.problem(&house.election(&url("04"))).await.0, 503);
    // Who has it is told so without a look at the shelf.
    let tag = format!("W/\"{}\"", "04".repeat(32));
    let held = house.http.get(house.election(&url("04"))).header("if-none-match", tag).send().await.unwrap();
    assert_eq!(held.status(), 304);
}
