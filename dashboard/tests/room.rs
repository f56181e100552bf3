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
