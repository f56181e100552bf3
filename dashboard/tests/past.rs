//! What comes from the history: earlier runs, the time line, votes over time, other elections, the search of reports.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use std::{sync::Arc, time::Duration};

use election::{
    Count,
    record::{Act, Decision},
    report::Offset,
    seats::{Drawing, Drawn, Name, NamedTie, TiePlace},
};
use feed::{Feed, Options};
use history::{Record, Value as Cell, table};
use serde_json::{Value, json};
use support::{
    House, Hung, TOKEN,
    country::{self, CLOSE, Night, OPEN, SMALL},
    problem,
};

/// A day: the run before was the day before, so that none of its moments is in this one's memory.
const DAY: Duration = Duration::from_secs(86_400);

/// A run of the service before this one, all of whose versions are on record: their feed.
fn earlier_run(house: &mut House) -> Feed {
    let definition = country::definition(SMALL);
    let options = Options::starting(OPEN - DAY - Duration::from_secs(1));
    let feed = Feed::new(Arc::clone(&definition), "e0".parse().unwrap(), options).unwrap();
    let mut night = Night::new(&definition);
    night.now = OPEN - DAY;
    night.turnout(1, 50);
    feed.publish(night.cut()).unwrap();
    house.record(&feed);
    night.now = CLOSE - DAY;
    night.votes = true;
    night.report(1, 20);
    feed.publish(night.cut()).unwrap();
    house.record(&feed);
    feed
}

#[actix_web::test]
async fn a_version_of_an_earlier_run_is_read_from_the_history_and_may_be_kept_for_ever() {
    let mut house = House::open().await;
    let feed = earlier_run(&mut house);
    let answer = house.get(&house.election("/results?version=e0:3")).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(answer.headers()["history-source"], "file");
    assert_eq!(answer.bytes().await.unwrap(), feed.version(3).unwrap().snapshot());
    let first = house.get(&house.election("/results?version=e0:2")).await.bytes().await.unwrap();
    assert_eq!(first, feed.version(2).unwrap().snapshot());
    let (status, what) = house.problem(&house.election("/results?version=e0:9")).await;
    assert!(status == 410 && what.contains("is not on record"), "{status} {what}");
    let unit = house.json(&house.election("/units/precinct:1?version=e0:3")).await;
    assert_eq!((&unit["epoch"], &unit["unit"]["turnout"]["identified"]), (&"e0".into(), &50.into()));
    let (status, _) = house.problem(&house.election("/units/precinct:1?version=e7:1")).await;
    assert_eq!(status, 410);
    let (status, _) = house.problem(&house.election("/units/precinct:77?version=e0:3")).await;
    assert_eq!(status, 404);
}

#[actix_web::test]
async fn a_moment_before_this_run_leads_to_the_version_of_then() {
    let mut house = House::open().await;
    earlier_run(&mut house);
    let at = house.get(&house.election("/results?at=2026-10-03T09:00:00Z")).await;
    assert_eq!(at.status(), 307);
    assert_eq!(at.headers()["location"], "/api/v1/elections/kg-test/results?version=e0:2");
    let this_run = house.get(&house.election("/results?at=2026-10-04T09:00:00Z")).await;
    assert_eq!(this_run.headers()["location"], "/api/v1/elections/kg-test/results?version=e1:1");
    let before = house.get(&house.election("/results?at=2020-10-04T09:00:00Z")).await;
    assert_eq!(problem(before).await.0, 410);
    let garbage = house.problem(&house.election("/results?at=yesterday")).await;
    assert_eq!(garbage.0, 400);
}

#[actix_web::test]
async fn precincts_of_a_version_on_record_can_be_chosen_by_where_they_stand() {
    let mut house = House::open().await;
    earlier_run(&mut house);
    let all = house.json(&house.election("/precincts?version=e0:3")).await;
    assert_eq!(all["units"].as_array().unwrap().len(), 9);
    let some = house.json(&house.election("/precincts?version=e0:3&raion=r1-1")).await;
    let some: Vec<&str> =
        some["units"].as_array().unwrap().iter().map(|of| of["id"].as_str().unwrap()).collect();
    assert_eq!(some, ["precinct:1", "precinct:5"]);
    let count = async |query: &str| {
        let found = house.json(&house.election(&format!("/precincts?version=e0:3&{query}"))).await;
        found["units"].as_array().unwrap().len()
    };
    assert_eq!((count("phase=reported").await, count("phase=pre").await), (1, 8));
    assert_eq!((count("discrepancy=true").await, count("discrepancy=false&region=r1").await > 1), (0, true));
    for (wrong, why) in [
        ("discrepancy=W01", "not on record"),
        ("region=nowhere", "there is no region:nowhere"),
        ("raion=region:r1", "is no raion"),
        ("phase=soon", "phase"),
    ] {
        let (status, what) =
            house.problem(&house.election(&format!("/precincts?version=e0:3&{wrong}"))).await;
        assert!(status == 400 && what.contains(why), "{wrong}: {what}");
    }
}

#[actix_web::test]
async fn the_time_line_names_versions_that_can_be_read() {
    let mut house = House::open().await;
    let empty = house.json(&house.election("/moments?step=1")).await;
    assert_eq!((&empty["begin"], empty["moments"].as_array().unwrap().len()), (&serde_json::Value::Null, 0));
    earlier_run(&mut house);
    let line = house.json(&house.election("/moments")).await;
    assert_eq!((&line["begin"], &line["step"]), (&"2026-10-03T02:00:00Z".into(), &300.into()));
    assert_eq!(line["history_source"], "file");
    let moments = line["moments"].as_array().unwrap();
    assert_eq!(moments.len(), 2);
    assert_eq!((&moments[0]["identified"], &moments[0]["votes"]), (&50.into(), &false.into()));
    assert_eq!((&moments[1]["reported"], &moments[1]["precincts"]), (&1.into(), &9.into()));
    for moment in moments {
        let version = format!("{}:{}", moment["epoch"].as_str().unwrap(), moment["version"]);
        let then = house.json(&house.election(&format!("/results?version={version}"))).await;
        assert_eq!(then["generated_at"], moment["at"]);
    }
    let night = house.json(&house.election("/moments?from=2026-10-03T12:00:00Z&step=1")).await;
    assert_eq!(night["moments"].as_array().unwrap().len(), 1);
    assert!(night["step"].as_u64().unwrap() >= 1);
    for wrong in ["step=0", "step=86401", "from=noon"] {
        assert_eq!(house.problem(&house.election(&format!("/moments?{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn votes_over_time_begin_when_they_may_be_shown_and_a_precinct_has_a_line_too() {
    let mut house = House::open().await;
    earlier_run(&mut house);
    let votes = house.json(&house.election("/history?unit=precinct:1&series=votes&step=3600")).await;
    assert_eq!((&votes["contest"], &votes["source"]), (&"list".into(), &"urns".into()));
    let points = votes["points"].as_array().unwrap();
    assert_eq!(points.len(), 1);
    assert_eq!((&points[0]["votes"]["p01"], &points[0]["ballots"]), (&20.into(), &61.into()));
    let single = house.json(&house.election("/history?series=votes&unit=district:1&step=3600")).await;
    assert_eq!(single["contest"], "single:1");
    let turnout = house.json(&house.election("/history?series=turnout&unit=precinct:1&step=3600")).await;
    let points = turnout["points"].as_array().unwrap();
    assert_eq!(points.len(), 13);
    assert!(points.iter().all(|point| point["identified"] == 50));
    for wrong in
        ["unit=precinct:77&series=turnout", "series=votes&contest=nothing", "series=votes&source=both"]
    {
        assert_eq!(house.problem(&house.election(&format!("/history?{wrong}"))).await.0, 400, "{wrong}");
    }
}

#[actix_web::test]
async fn an_archived_election_is_listed_and_read_beside_the_one_that_runs() {
    let mut house = House::open().await;
    earlier_run(&mut house);
    let rename = |row: &mut Vec<Cell>| row[0] = Cell::text("kg-2021");
    let rows = |table| house.outbox.rows(table, "kg-test", (-1, i64::MAX), 1_000).unwrap();
    let kept: Vec<_> = table::TABLES.map(|table| (table.name, rows(table))).into();
    let mut about = house.outbox.about("kg-test").unwrap().unwrap();
    about.definition = r#"{"id":"kg-2021"}"#.into();
    (about.election.id, about.election.date) = ("kg-2021".into(), "2021-11-28".into());
    about.election.sealed_at = Some(election::Timestamp::from_millis(1_700_000_000_000));
    let taken = house.outbox.import::<history::SqliteError>(&about, |table, put| {
        let (_, rows) = kept.iter().find(|(name, _)| *name == table.name).unwrap();
        rows.iter().cloned().try_for_each(|mut row| {
            rename(&mut row);
            put(row)
        })
    });
    assert!(taken.unwrap());
    let list = house.json(&house.url("/api/v1/elections")).await;
    assert_eq!((&list[0]["id"], &list[0]["archived"]), (&"kg-test".into(), &false.into()));
    assert_eq!((&list[1]["id"], &list[1]["archived"]), (&"kg-2021".into(), &true.into()));
    assert_eq!((&list[1]["turnout"]["identified"], &list[1]["reported"]), (&50.into(), &1.into()));
    assert_eq!((list.as_array().unwrap().len(), &list[1]["sealed_at"]), (2, &"2023-11-14T22:13:20Z".into()));
    let base = house.url("/api/v1/elections/kg-2021");
    assert_eq!(house.json(&base).await["id"], "kg-2021");
    let results = house.json(&format!("{base}/results")).await;
    assert_eq!((&results["version"], results["units"].as_array().unwrap().len()), (&3.into(), 10));
    assert_eq!(house.json(&format!("{base}/results?version=e0:2")).await["version"], 2);
    let at = house.get(&format!("{base}/results?at=2026-10-03T05:00:00Z")).await;
    assert!(at.headers()["location"].to_str().unwrap().ends_with("kg-2021/results?version=e0:2"));
    assert_eq!(house.json(&format!("{base}/precincts")).await["units"].as_array().unwrap().len(), 9);
    assert_eq!(house.json(&format!("{base}/units/region:r1")).await["unit"]["id"], "region:r1");
    assert_eq!(house.json(&format!("{base}/moments")).await["moments"].as_array().unwrap().len(), 2);
    assert_eq!(
        house.json(&format!("{base}/history?series=reported")).await["points"].as_array().unwrap().len(),
        145
    );
    let some = house.json(&format!("{base}/precincts?raion=r1-1")).await;
    assert_eq!(some["units"].as_array().unwrap().len(), 2);
    assert_eq!(house.problem(&format!("{base}/precincts?region=r9")).await.0, 400);
    for running in ["/missing", "/places", "/boundaries/regions.geojson"] {
        let (status, what) = house.problem(&format!("{base}{running}")).await;
        assert!(status == 404 && what.contains("of an archived one it is not on record"), "{what}");
    }
    for nobody in ["", "/results", "/moments", "/results?at=2026-10-03T05:00:00Z"] {
        let (status, _) = house.problem(&house.url(&format!("/api/v1/elections/kg-1990{nobody}"))).await;
        assert!([404, 410].contains(&status), "{nobody}: {status}");
    }
}

#[actix_web::test]
async fn the_room_searches_reports_and_sees_how_a_device_went_through_the_night() {
    let mut house = House::open().await;
    let report = |place: i64, device: &str| {
        let (at, bytes) =
            (i64::try_from(OPEN.millis()).unwrap() + place * 1000, || Cell::Bytes(vec![0xab; 32].into()));
        let row = vec![
            Cell::text("kg-test"),
            Cell::Int(place),
            Cell::Time(at),
            Cell::Time(at),
            Cell::text(device),
            Cell::Int(1),
            Cell::Int(place),
            Cell::text("tally"),
            bytes(),
            bytes(),
        ];
        Record { table: &table::REPORT, row }
    };
    house.outbox.add_records("kg-test", &[report(5, "u-1"), report(6, "t-1"), report(7, "u-1")], 7).unwrap();
    let url = house.url("/api/v1/room/reports?device=u-1&type=tally&limit=1");
    assert_eq!(problem(house.get(&url).await).await.0, 401);
    let asked = async |path: &str| {
        let answer = house.http.get(house.url(path)).bearer_auth(TOKEN).send().await.unwrap();
        answer.json::<serde_json::Value>().await.unwrap()
    };
    let page = asked("/api/v1/room/reports?device=u-1&type=tally&limit=1").await;
    assert_eq!((&page["next"], &page["reports"][0]["verdict"]), (&5.into(), &"accepted".into()));
    assert_eq!((&page["reports"][0]["codes"][0], &page["reports"][0]["bytes"]), (&"W12".into(), &32.into()));
    let rest = asked("/api/v1/room/reports?device=u-1&after=5").await;
    assert_eq!((&rest["next"], &rest["reports"][0]["offset"]), (&serde_json::Value::Null, &7.into()));
    assert_eq!(rest["reports"][0]["verdict"], serde_json::Value::Null);
    let device = asked("/api/v1/room/devices/u-1/history").await;
    assert_eq!((&device["device"], device["reports"].as_array().unwrap().len()), (&"u-1".into(), 2));
    assert_eq!(asked("/api/v1/room/devices/u-99/history").await["status"], 404);
    assert_eq!(asked("/api/v1/room/reports?type=guess").await["status"], 400);
}

#[actix_web::test]
async fn a_history_that_hangs_takes_down_no_route_that_does_not_need_it() {
    let house = House::remembering(SMALL, |_| {}, Some(Arc::new(Hung))).await;
    for path in ["/moments", "/results?version=e0:3", "/history?series=votes", "/precincts?version=e0:3"] {
        let (status, what) = house.problem(&house.election(path)).await;
        assert!(status == 503 && what.contains("the history did not answer in time"), "{path}: {what}");
    }
    for path in
        ["/results", "/precincts", "/results?version=e1:1", "/history?series=turnout", "/units/country"]
    {
        house.json(&house.election(path)).await;
    }
    let list = house.json(&house.url("/api/v1/elections")).await;
    assert_eq!(list.as_array().unwrap().len(), 1);
}

/// Lots that the two level candidates of a district drew.
fn drawn(house: &House, winner: &str) -> Arc<Drawn> {
    let tie = NamedTie {
        place: TiePlace::Seats,
        list: None,
        options: ["c01", "c02"].map(|id| id.parse().unwrap()).into(),
        numbers: Vec::new(),
        seats: 1,
    };
    let drawing = Drawing {
        contest: "single:1".parse().unwrap(),
        source: election::seats::Source::Urns,
        tie,
        drawn: vec![Name::Option(winner.parse().unwrap())],
    };
    let decision = Decision {
        by: "B. Asanova".into(),
        reason: "in the presence of both".into(),
        signature: None,
        act: Act::DrawLots(Box::new(drawing)),
    };
    let drawn = Drawn::of(house.feed.definition(), &decision, (Offset(50), OPEN)).unwrap().unwrap();
    Arc::new(drawn)
}

#[actix_web::test]
async fn seats_of_an_earlier_version_are_what_they_were_when_it_was_the_newest() {
    let mut house = House::open().await;
    let asked = ["contest=list&source=urns", "contest=list&source=protocols", "contest=single:1", ""];
    let mut then: Vec<(String, Vec<Value>)> = Vec::new();
    for step in 0..5 {
        match step {
            0 => house.night.report(1, 20),
            1 => house.night.votes = true,
            2 => house.night.report(2, 40),
            3 => house.night.change(5, |figures| {
                let list = &mut figures.contests[0].protocols;
                (list.precincts, list.registered, list.ballots) = (1, Count::new(1000), Count::new(60));
                list.votes = [30, 20, 10].map(Count::new).into_iter().collect();
            }),
            _ => {}
        }
        let mut cut = house.night.cut();
        cut.lots = if step == 4 { vec![drawn(&house, "c02")] } else { Vec::new() };
        let position = house.feed.publish(cut).unwrap().to_string();
        let feed = Arc::clone(&house.feed);
        house.record(&feed);
        let mut seats = Vec::new();
        for query in asked {
            seats.push(house.json(&house.election(&format!("/seats?{query}"))).await);
        }
        then.push((position, seats));
    }
    let single = |of: &(String, Vec<Value>)| of.1[2].clone();
    assert_eq!(single(&then[0])["allocation"], json!(null), "votes were not out");
    assert_eq!(single(&then[3])["allocation"]["ties"][0]["seats"], 1);
    assert_eq!(
        (single(&then[4])["allocation"]["ties"].clone(), &single(&then[4])["lots"][0]["drawn"]),
        (json!([]), &json!(["c02"]))
    );
    assert_eq!(
        (&single(&then[3]).get("lots").unwrap().as_array().unwrap().len(), &then[4].1[0]["version"]),
        (&0, &json!(6))
    );
    for (position, seats) in &then {
        for (query, was) in asked.iter().zip(seats) {
            let url = house.election(&format!("/seats?{query}&version={position}"));
            let answer = house.get(&url).await;
            assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"), "{url}");
            assert_eq!(answer.json::<Value>().await.unwrap(), *was, "{url}");
        }
    }
    // The next run of the service has them from the history, once it has read the record as far as they go.
    let definition = Arc::clone(house.feed.definition());
    let options = Options::starting(house.night.now);
    let next = Feed::new(definition, "e2".parse().unwrap(), options).unwrap();
    let mut later = House::running(next, |_| {}, Some(house.on_record())).await;
    let with_lots = later.election("/seats?contest=single:1&version=e1:6");
    let (status, what) = later.problem(&with_lots).await;
    assert!(status == 503 && what.contains("still being read"), "{status} {what}");
    let mut cut = later.night.cut();
    cut.lots = vec![drawn(&later, "c02")];
    later.feed.publish(cut).unwrap();
    for (position, seats) in &then {
        for (query, was) in asked.iter().zip(seats) {
            let url = later.election(&format!("/seats?{query}&version={position}"));
            let answer = later.get(&url).await;
            assert_eq!(answer.headers()["history-source"], "file", "{url}");
            assert_eq!(answer.json::<Value>().await.unwrap(), *was, "{url}");
        }
    }
}

#[actix_web::test]
async fn seats_are_asked_for_by_a_moment_and_of_versions_that_there_are() {
    let mut house = House::open().await;
    earlier_run(&mut house);
    let at =
        house.get(&house.election("/seats?at=2026-10-03T09:00:00Z&contest=single:1&source=protocols")).await;
    assert_eq!(at.status(), 307);
    assert_eq!(
        at.headers()["location"],
        "/api/v1/elections/kg-test/seats?version=e0:2&contest=single:1&source=protocols"
    );
    let now = house.get(&house.election("/seats?at=2026-10-04T09:00:00Z")).await;
    assert_eq!(
        now.headers()["location"],
        "/api/v1/elections/kg-test/seats?version=e1:1&contest=list&source=urns"
    );
    let before = house.json(&house.election("/seats?version=e0:2")).await;
    assert_eq!((&before["allocation"], &before["version"]), (&json!(null), &json!(2)));
    let after = house.json(&house.election("/seats?version=e0:3")).await;
    let seats = |of: &Value| {
        of["allocation"]["options"]
            .as_array()
            .unwrap()
            .iter()
            .map(|of| of["seats"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!((seats(&after), &after["allocation"]["ballots"]), (54, &json!(61)));
    for (query, status) in [
        ("version=e1:9", 404),
        ("version=e0:9", 410),
        ("version=e7:1", 410),
        ("at=2020-10-04T09:00:00Z", 410),
        ("at=noon", 400),
        ("version=9", 400),
        ("version=e0:3&at=2026-10-03T09:00:00Z", 400),
        ("version=e0:3&contest=mayor", 404),
        ("version=e0:3&source=both", 400),
    ] {
        assert_eq!(house.problem(&house.election(&format!("/seats?{query}"))).await.0, status, "{query}");
    }
}
