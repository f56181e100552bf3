//! The situation room's decisions.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use serde_json::{Value, json};
use support::{House, TOKEN, problem};

fn replacement(reason: &str) -> Value {
    json!({"reason": reason, "act": {"act": "replace", "precinct": 1, "old": "u-1", "new": "u-9"}})
}

async fn post(house: &House, token: Option<&str>, body: String) -> reqwest::Response {
    let mut request = house.http.post(house.url("/api/v1/room/decisions")).body(body);
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    request.send().await.unwrap()
}

async fn read(house: &House, path: &str) -> reqwest::Response {
    let request = house.http.get(house.url(path)).header("authorization", bearer());
    request.send().await.unwrap()
}

#[tokio::test]
async fn the_room_sees_every_device_with_its_state_vitals_and_gap() {
    let house = House::open().await;
    let answer = read(&house, "/api/v1/room/devices?kind=id_terminal&limit=1").await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["cache-control"]),
        (200, &"no-store".parse().unwrap())
    );
    let list: Value = answer.json().await.unwrap();
    assert_eq!(
        (&list["next"], &list["counts"]["on_line"], &list["counts"]["silent"]),
        (&json!("t-1"), &json!(2), &json!(0))
    );
    let first = &list["devices"][0];
    assert_eq!((&first["state"], &first["kind"]), (&json!("on_line"), &json!("id_terminal")));
    assert_eq!((&first["gap"], &first["over_quota"]), (&json!({"from": 2, "through": 3}), &json!(null)));
    assert_eq!((&first["vitals"]["battery"], &first["vitals"]["clock_skew_ms"]), (&json!(71), &json!(-1250)));
    let rest: Value = read(&house, "/api/v1/room/devices?after=t-1").await.json().await.unwrap();
    assert_eq!((rest["devices"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    assert_eq!(rest["devices"][0]["over_quota"], "bytes");
    let none: Value = read(&house, "/api/v1/room/devices?state=silent").await.json().await.unwrap();
    assert_eq!(none["devices"], json!([]));
    for (query, said) in
        [("state=lost", "state is one of"), ("kind=x", "kind is one of"), ("precinct=x", "precinct")]
    {
        let (status, detail) = problem(read(&house, &format!("/api/v1/room/devices?{query}")).await).await;
        assert!(status == 400 && detail.starts_with(said), "{detail}");
    }
    let one: Value = read(&house, "/api/v1/room/devices/t-1").await.json().await.unwrap();
    assert_eq!((&one["history"][0]["signal"], &one["history"][0]["paper"]), (&json!(-97), &Value::Null));
    for unknown in ["t-9", "T_9"] {
        assert_eq!(problem(read(&house, &format!("/api/v1/room/devices/{unknown}")).await).await.0, 404);
    }
}

#[tokio::test]
async fn the_room_sees_what_was_refused_and_nobody_else_does() {
    let house = House::open().await;
    let list: Value = read(&house, "/api/v1/room/refusals").await.json().await.unwrap();
    assert_eq!(
        (&list["refusals"][0]["what"], &list["refusals"][0]["of"]),
        (&json!("E03"), &json!("t/1/<&\""))
    );
    for path in ["refusals", "devices", "devices/t-1"] {
        let answer = house.get(&house.url(&format!("/api/v1/room/{path}"))).await;
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"room\"");
        assert_eq!(problem(answer).await.0, 401, "{path}");
    }
}

#[tokio::test]
async fn a_device_is_told_what_to_do_in_the_name_of_who_holds_the_token() {
    let house = House::open().await;
    let tell = |body: Value, token: Option<String>| {
        let mut request = house.http.post(house.url("/api/v1/room/commands")).body(body.to_string());
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.send()
    };
    for command in [
        json!({"device": "t-1", "cmd": "heartbeat", "interval": 30}),
        json!({"device": "t-1", "cmd": "resend", "from": 2}),
        json!({"device": "t-1", "cmd": "disconnect"}),
    ] {
        let answer = tell(command, Some(bearer())).await.unwrap();
        assert_eq!(answer.status(), 202);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"id": 7, "delivered": true}));
    }
    assert_eq!(house.desk.commanded.lock().unwrap()[0].0, "B. Asanova");
    for (command, status) in [
        (json!({"device": "t-1", "cmd": "heartbeat", "interval": 4}), 400),
        (json!({"device": "t-1", "cmd": "heartbeat", "from": 4}), 400),
        (json!({"device": "t-1", "cmd": "resend", "from": 0}), 400),
        (json!({"device": "t-1", "cmd": "disconnect", "from": 1}), 400),
        (json!({"device": "t-1", "cmd": "explode"}), 400),
        (json!({"device": "t-1", "cmd": "disconnect", "by": "somebody else"}), 400),
        (json!({"device": "t-9", "cmd": "disconnect"}), 404),
        (json!({"device": "t-1", "cmd": "x".repeat(5_000)}), 413),
    ] {
        assert_eq!(
            problem(tell(command.clone(), Some(bearer())).await.unwrap()).await.0,
            status,
            "{command}"
        );
    }
    let anybody = tell(json!({"device": "t-1", "cmd": "disconnect"}), None).await.unwrap();
    assert_eq!(problem(anybody).await.0, 401);
    assert_eq!(house.desk.commanded.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_clock_in_doubt_is_confirmed_in_the_name_of_who_holds_the_token_and_with_a_reason() {
    let house = House::open().await;
    let confirm = async |body: &str, token: Option<String>| {
        let mut request = house.http.post(house.url("/api/v1/room/clock")).body(body.to_owned());
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.send().await.unwrap()
    };
    let answer = confirm(r#"{"reason": "two watches"}"#, Some(bearer())).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"offset": 78}));
    let noted = house.desk.confirmed.lock().unwrap()[0].clone();
    assert_eq!(noted, ("B. Asanova".to_owned(), "two watches".to_owned()));
    let long = json!({"reason": "x".repeat(3_000)}).to_string();
    for (body, status) in [
        (r#"{"reason": " "}"#, 400),
        (r#"{"reason": "x", "by": "somebody else"}"#, 400),
        ("now", 400),
        (r#"{"reason": "not needed"}"#, 409),
        (long.as_str(), 413),
    ] {
        assert_eq!(problem(confirm(body, Some(bearer())).await).await.0, status, "{body}");
    }
    assert_eq!(problem(confirm(r#"{"reason": "x"}"#, None).await).await.0, 401);
    assert_eq!(house.desk.confirmed.lock().unwrap().len(), 2);
}

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

#[tokio::test]
async fn a_decision_is_taken_in_the_name_of_who_holds_the_token() {
    let house = House::open().await;
    let answer = post(&house, Some(&bearer()), replacement("it died at 15:00").to_string()).await;
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"offset": 77}));
    let decided = house.desk.decided.lock().unwrap();
    assert_eq!((decided[0].by.as_str(), decided[0].reason.as_str()), ("B. Asanova", "it died at 15:00"));
}

#[tokio::test]
async fn an_objection_and_a_fault_are_told_apart() {
    let house = House::open().await;
    let objected = post(&house, Some(&bearer()), replacement("object").to_string()).await;
    assert_eq!(problem(objected).await, (409, "device u-1 has sent its final report".to_owned()));
    let full = post(&house, Some(&bearer()), replacement("full").to_string()).await;
    assert_eq!(problem(full).await.0, 503);
}

#[tokio::test]
async fn nobody_decides_without_a_token() {
    let house = House::open().await;
    let basic = format!("Basic {TOKEN}");
    for token in
        [None, Some(""), Some("Bearer"), Some("Bearer wrong"), Some(basic.as_str()), Some("Bearer \u{7f}")]
    {
        let Some(answer) = (match token {
            Some("Bearer \u{7f}") => None, // no client lets such a header out
            token => Some(post(&house, token, replacement("x").to_string()).await),
        }) else {
            continue;
        };
        assert_eq!(answer.headers()["www-authenticate"], "Bearer realm=\"room\"");
        assert_eq!(problem(answer).await.0, 401, "{token:?}");
    }
    assert!(house.desk.decided.lock().unwrap().is_empty());
    assert_eq!(house.measured("sanak_room_decisions_total"), 5.0);
}

#[tokio::test]
async fn a_malformed_decision_is_refused_before_anybody_hears_of_it() {
    let house = House::open().await;
    let mut forged = replacement("x");
    forged["by"] = json!("somebody else");
    let mut elsewhere = replacement("x");
    elsewhere["act"]["precinct"] = json!(4711);
    let mut unknown = replacement("x");
    unknown["act"]["act"] = json!("abolish");
    for (body, status) in [
        (String::new(), 400),
        ("[".repeat(60_000), 400),
        (forged.to_string(), 400),
        (unknown.to_string(), 400),
        (elsewhere.to_string(), 404),
        (format!("{{\"reason\":\"{}\"", "x".repeat(100_000)), 413),
    ] {
        let answer = post(&house, Some(&bearer()), body.clone()).await;
        assert_eq!(problem(answer).await.0, status, "{}", &body[..body.len().min(80)]);
    }
    let read = house.get(&house.url("/api/v1/room/decisions")).await;
    assert_eq!(read.headers()["allow"], "POST");
    assert_eq!(problem(read).await.0, 405);
    assert!(house.desk.decided.lock().unwrap().is_empty());
}

async fn act(house: &House, path: &str, body: Value) -> reqwest::Response {
    let request = house.http.post(house.url(&format!("/api/v1/room{path}"))).body(body.to_string());
    request.header("authorization", bearer()).send().await.unwrap()
}

#[tokio::test]
async fn quarantined_reports_are_decided_about_many_for_one_reason() {
    let house = House::open().await;
    let refuse =
        json!({"act": "refuse", "reason": "wrong firmware", "signature": "ab", "codes": ["Q02", "Q03"]});
    let answer: Value = act(&house, "/quarantine", refuse).await.json().await.unwrap();
    let outcome = json!({"precinct": 1, "reports": [9, 30], "offset": 77, "problem": null});
    assert_eq!(
        answer,
        json!({"taken": 1, "refused": 0, "outcomes": [outcome]}),
        "the other is decided already"
    );
    let decided = house.desk.decided.lock().unwrap().pop().unwrap();
    assert_eq!(
        serde_json::to_value(&decided).unwrap(),
        json!({
            "by": "B. Asanova", "reason": "wrong firmware", "signature": "ab",
            "act": {"act": "refuse", "precinct": 1, "reports": [9, 30]},
        })
    );
    let object = json!({"act": "release", "reason": "object", "precincts": [1, 2], "reports": [9]});
    let answer: Value = act(&house, "/quarantine", object).await.json().await.unwrap();
    assert_eq!((&answer["taken"], &answer["refused"]), (&json!(0), &json!(1)));
    assert_eq!(answer["outcomes"][0]["problem"], "device u-1 has sent its final report");
    for (body, status) in [
        (json!({"act": "release", "reason": "x"}), 400),
        (json!({"act": "burn", "reason": "x", "codes": ["Q02"]}), 400),
        (json!({"act": "release", "reason": "x", "codes": ["Q99"]}), 400),
        (json!({"act": "release", "reason": "x", "codes": ["Q05"]}), 409),
        (json!({"act": "release", "reason": "x", "precincts": [7]}), 409),
        (json!({"act": "release", "reason": "x".repeat(70_000), "codes": ["Q02"]}), 413),
    ] {
        assert_eq!(problem(act(&house, "/quarantine", body.clone()).await).await.0, status, "{body:.80}");
    }
    let anybody = house.http.post(house.url("/api/v1/room/quarantine")).body("{}").send().await.unwrap();
    assert_eq!(problem(anybody).await.0, 401);
}

#[tokio::test]
async fn a_unit_is_certified_whole_or_not_at_all() {
    let mut house = House::open().await;
    house.night.phase(election::figures::Phase::Reported);
    house.publish();
    let certify = |unit: &str, reason: &str| json!({"unit": unit, "act": "certify", "reason": reason});
    let (status, detail) = problem(act(&house, "/units", certify("country", "not ready")).await).await;
    assert_eq!(status, 409);
    assert_eq!(
        detail,
        "2 of 9 precincts cannot: 1: the precinct has not reported; 3: the precinct has not reported"
    );
    assert!(house.desk.decided.lock().unwrap().is_empty(), "nothing is certified in half");
    let answer: Value = act(&house, "/units", certify("abroad", "final")).await.json().await.unwrap();
    assert_eq!(answer["outcomes"], json!([{"precinct": 9, "offset": 77, "problem": null}]));
    let answer: Value = act(&house, "/units", certify("district:1", "final")).await.json().await.unwrap();
    assert_eq!(answer["taken"], 4);
    let answer: Value = act(&house, "/units", certify("precinct:3", "final")).await.json().await.unwrap();
    assert_eq!(answer["outcomes"][0]["precinct"], 3);
    let lift = json!({"unit": "country", "act": "uncertify", "reason": "x"});
    assert_eq!(problem(act(&house, "/units", lift).await).await.0, 409, "nothing is certified there");
    for (body, status) in [
        (certify("region:nowhere", "x"), 404),
        (certify("nowhere", "x"), 400),
        (json!({"unit": "country", "act": "forget", "reason": "x"}), 400),
    ] {
        assert_eq!(problem(act(&house, "/units", body).await).await.0, status);
    }
    let unfit = post(&house, Some(&bearer()), replacement("uneven").to_string()).await;
    assert_eq!(problem(unfit).await.0, 422);
}
