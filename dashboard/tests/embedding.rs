//! What other pages embed, and what is read without script.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod support;

use std::sync::Arc;

use election::{Count, Definition, definition::OptionStatus, seats::WithdrawnVotes};
use serde_json::{Value, json};
use support::{
    House,
    country::{self, SMALL},
    problem,
};

/// A page as a browser asks for it.
async fn page(house: &House, path: &str) -> reqwest::Response {
    house.http.get(house.url(path)).header("accept", "text/html").send().await.unwrap()
}

async fn text(house: &House, path: &str) -> String {
    let answer = page(house, path).await;
    assert_eq!(answer.status(), 200, "{path}: build the page first: make web");
    answer.text().await.unwrap()
}

fn embedded(house: &House, url: &str, more: &str) -> String {
    let url: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
    house.url(&format!("/oembed?url={url}{more}"))
}

#[tokio::test]
async fn a_frame_may_be_framed_by_anybody_and_brings_nothing_inline() {
    let house = House::open().await;
    for kind in ["map", "results", "turnout", "progress"] {
        let answer = page(&house, &format!("/embed/{kind}?lang=en&unit=region:r1&theme=dark")).await;
        assert_eq!(answer.status(), 200);
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors *") && policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("data:"), "{policy}");
        assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(header("access-control-allow-origin"), "*");
        assert!(header("cache-control").starts_with("public, max-age=1,"));
        assert!(answer.headers().get("set-cookie").is_none());
        let tag = header("etag");
        let html = answer.text().await.unwrap();
        assert!(
            html.contains(&format!("<sanak-{kind} lang=\"en\" unit=\"region:r1\" theme=\"dark\">")),
            "{html}"
        );
        assert!(
            html.contains("Simulation") && html.contains("CC-BY-4.0") && html.contains("<table>"),
            "{html}"
        );
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains("onload"), "{html}");
        let again = house.http.get(house.url(&format!("/embed/{kind}?lang=en&unit=region:r1&theme=dark")));
        assert_eq!(again.header("if-none-match", tag).send().await.unwrap().status(), 304);
    }
    assert!(
        page(&house, "/").await.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'self'")
    );
}

#[tokio::test]
async fn what_a_frame_is_asked_for_is_checked_and_never_markup() {
    let house = House::open().await;
    let html = text(&house, "/embed/map?ink=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&contest=single").await;
    assert!(html.contains("ink=\"&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;\""), "{html}");
    let long = format!("ink={}", "a".repeat(65));
    for (query, status) in [
        ("unit=region:atlantis", 404),
        ("unit=%3Cb%3E", 404),
        ("contest=none", 404),
        ("election=kg-other", 404),
        ("lang=en&lang=ru", 400),
        (long.as_str(), 400),
    ] {
        assert_eq!(
            problem(page(&house, &format!("/embed/results?{query}")).await).await.0,
            status,
            "{query}"
        );
    }
    assert_eq!(house.get(&house.url("/embed/everything")).await.status(), 404);
}

#[tokio::test]
async fn a_link_to_a_page_says_how_it_is_embedded() {
    let house = House::open().await;
    let own = house.url("");
    let oembed =
        async |path: &str, more: &str| house.json(&embedded(&house, &format!("{own}{path}"), more)).await;
    let answer = oembed("/kg-test/region/r1?lang=en", "&format=json&maxwidth=400").await;
    assert_eq!(
        ["version", "type", "provider_name", "title"].map(|name| answer[name].as_str().unwrap().to_owned()),
        ["1.0", "rich", "Sanak", "Simulation · Region · Test election"]
    );
    assert_eq!((&answer["width"], &answer["height"]), (&json!(400), &json!(640)));
    let html = answer["html"].as_str().unwrap();
    assert!(
        html.contains(&format!("src=\"{own}/embed/results?unit=region%3Ar1&amp;lang=en\" width=\"400\"")),
        "{html}"
    );
    for (path, frame) in [
        ("/", "/embed/results\""),
        ("/kg-test/contest/single", "/embed/map?contest=single\""),
        ("/kg-test/contest/list", "/embed/results?contest=list\""),
        ("/kg-test/missing", "/embed/progress\""),
        (
            "/embed/turnout?unit=raion:r1-1&theme=dark&evil=1",
            "/embed/turnout?unit=raion%3Ar1-1&amp;theme=dark\"",
        ),
        ("/kg-test/precinct/1#reports", "/embed/results?unit=precinct%3A1\""),
        ("/kg-test?ink=%22onload=x", "/embed/results?ink=%22onload%3Dx\""),
    ] {
        let answer = oembed(path, "&maxwidth=9999&maxheight=1").await;
        let html = answer["html"].as_str().unwrap();
        assert!(html.contains(frame), "{path}: {html}");
        assert_eq!((&answer["width"], &answer["height"]), (&json!(640), &json!(160)));
    }
    for (url, more, status) in [
        ("https://elsewhere.example/kg-test", "", 404),
        ("ftp://127.0.0.1/kg-test", "", 404),
        ("kg-test", "", 404),
        (&*format!("{own}/kg-other"), "", 404),
        (&*format!("{own}/kg-test/region/nowhere"), "", 404),
        (&*format!("{own}/data"), "", 404),
        (&*format!("{own}/{}", "x".repeat(2_000)), "", 404),
        (&*format!("{own}/kg-test"), "&format=xml", 501),
        (&*format!("{own}/kg-test"), "&maxwidth=wide", 400),
    ] {
        assert_eq!(house.problem(&embedded(&house, url, more)).await.0, status, "{url}{more}");
    }
    assert_eq!(house.problem(&house.url("/oembed")).await.0, 400);
}

#[tokio::test]
async fn a_page_names_its_embedding_in_its_head_where_there_is_one() {
    let house = House::open().await;
    let html = text(&house, "/kg-test/district/2?lang=ru").await;
    let link =
        html.split_once("type=\"application/json+oembed\" href=\"").unwrap().1.split_once('"').unwrap().0;
    let answer = house.json(&link.replace("&amp;", "&")).await;
    assert!(
        answer["html"].as_str().unwrap().contains("/embed/results?unit=district%3A2&amp;lang=ru"),
        "{answer}"
    );
    assert!(!text(&house, "/kg-test/planet/mars").await.contains("json+oembed"));
    let behind = house.http.get(house.url("/kg-test")).header("accept", "text/html");
    let behind = behind.header("host", "results.example").header("x-forwarded-proto", "https");
    let html = behind.send().await.unwrap().text().await.unwrap();
    assert!(
        html.contains(
            "href=\"https://results.example/oembed?url=https%3A%2F%2Fresults.example%2Fkg-test&amp;"
        ),
        "{html}"
    );
    for (name, forged) in [("host", "a\"><b>"), ("x-forwarded-host", "evil.example")] {
        let request =
            house.http.get(house.url("/kg-test")).header("accept", "text/html").header(name, forged);
        assert!(!request.send().await.unwrap().text().await.unwrap().contains(forged), "{name}");
    }
}

#[tokio::test]
async fn the_main_pages_are_tables_of_what_was_published() {
    let mut house = House::open().await;
    house.night.votes = true;
    for precinct in 1..=4 {
        house.night.report(precinct, 1_700);
        house.night.turnout(precinct, 612);
    }
    house.publish();
    let country = text(&house, "/kg-test?lang=en").await;
    for part in [
        "<th scope=\"row\">Identified voters</th><td class=\"num\">2,448</td>",
        "<th scope=\"row\">p 1</th><td class=\"num\">6,800</td>",
        "<a href=\"/kg-test/region/r1?lang=en\">Region</a>",
        "Simulation: invented parties",
        "Preliminary",
        "<html lang=\"en\">",
    ] {
        assert!(country.contains(part), "{part}\n{country}");
    }
    let raion = text(&house, "/kg-test/raion/r1-1").await;
    assert!(raion.contains("1\u{202f}700") && raion.contains("/kg-test/precinct/1?lang=ky"), "{raion}");
    let districts = text(&house, "/kg-test/contest/single?lang=ru").await;
    assert!(
        districts.contains("/kg-test/district/2?lang=ru") && districts.contains("равенство"),
        "{districts}"
    );
    let precinct = text(&house, "/kg-test/precinct/1?lang=en").await;
    for part in [
        "Signed reports",
        "u-1",
        "accepted W12",
        "/precincts/1/reports/5.cose",
        "abababababab",
        "Ленин көчөсү, 1",
    ] {
        assert!(precinct.contains(part), "{part}\n{precinct}");
    }
    let missing = text(&house, "/kg-test/missing?lang=en").await;
    assert!(missing.contains("Precincts still missing: 1–1 / 1") && missing.contains("1 / 2"), "{missing}");
    let quarantine = text(&house, "/kg-test/quarantine?lang=en&page=99").await;
    assert!(
        quarantine.contains("Q02") && quarantine.contains("voters of two lists (B. Asanova)"),
        "{quarantine}"
    );
    assert!(text(&house, "/kg-test/corrections?lang=en").await.contains("The list is empty."));
    house.feed.stall(house.night.now);
    assert!(text(&house, "/kg-test?lang=en").await.contains("Publication stands still"));
}

#[tokio::test]
async fn the_room_is_a_page_of_its_own_of_which_the_public_loads_nothing() {
    let house = House::open().await;
    let room = page(&house, "/room").await;
    assert_eq!(room.status(), 200);
    assert!(room.headers()["content-security-policy"].to_str().unwrap().contains("frame-ancestors 'self'"));
    let room = room.text().await.unwrap();
    assert!(room.contains("/assets/room-") && room.contains("noindex"), "{room}");
    let public = text(&house, "/?lang=en").await;
    assert!(public.contains("Simulation") && !public.contains("/assets/room-"), "{public}");
    assert!(!room.contains("Simulation"), "no figure and no name without a token: {room}");
}

/// A list whose first party withdrew after ballots were printed.
fn withdrawn(rule: WithdrawnVotes) -> Arc<Definition> {
    let mut builder = country::builder(SMALL);
    builder.contests[0].rules.withdrawn_votes = rule;
    builder.contests[0].options[0].status = OptionStatus::Withdrawn;
    Arc::new(builder.build().unwrap())
}

#[tokio::test]
async fn votes_for_whoever_withdrew_are_in_no_share_and_lead_nowhere_where_the_rule_leaves_them_out() {
    for (rule, first, second, leader) in [
        (WithdrawnVotes::Excluded, "", "75.0%", "<td>p 2</td><td class=\"num\">75.0%</td>"),
        (WithdrawnVotes::Valid, "60.0%", "30.0%", "<td>p 1</td><td class=\"num\">60.0%</td>"),
    ] {
        let mut house = House::electing(withdrawn(rule), |_| {}, None).await;
        house.night.votes = true;
        house.night.report(1, 0);
        house.night.change(1, |figures| {
            let urns = &mut figures.contests[0].urns;
            for (votes, cast) in urns.votes.iter_mut().zip([600, 300, 99]) {
                *votes = Count::new(cast);
            }
            urns.ballots = Count::new(1000);
        });
        house.publish();
        let country = text(&house, "/kg-test?lang=en").await;
        for row in [
            format!(
                "<th scope=\"row\">p 1 (withdrawn)</th><td class=\"num\">600</td><td class=\"num\">{first}</td>"
            ),
            format!("<th scope=\"row\">p 2</th><td class=\"num\">300</td><td class=\"num\">{second}</td>"),
            leader.to_owned(),
        ] {
            assert!(country.contains(&row), "{row}\n{country}");
        }
    }
}

#[tokio::test]
async fn a_page_is_made_once_a_version_and_not_sent_twice() {
    let mut house = House::open().await;
    let first = page(&house, "/kg-test").await;
    let tag = first.headers()["etag"].clone();
    let again = async |tag: &reqwest::header::HeaderValue| {
        let request = house.http.get(house.url("/kg-test")).header("accept", "text/html");
        request.header("if-none-match", tag).send().await.unwrap().status().as_u16()
    };
    assert_eq!(again(&tag).await, 304);
    house.night.turnout(1, 77);
    house.feed.publish(house.night.cut()).unwrap();
    let request = house.http.get(house.url("/kg-test")).header("accept", "text/html");
    assert_eq!(request.header("if-none-match", &tag).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_page_whose_count_does_not_answer_is_still_the_page() {
    let house = House::open().await;
    house.desk.silent.store(true, std::sync::atomic::Ordering::Relaxed);
    let html = text(&house, "/kg-test/missing?lang=en").await;
    assert!(html.contains("<div id=\"app\"></div>") && !html.contains("<table>"), "{html}");
}

#[tokio::test]
async fn a_summary_has_a_unit_its_parts_and_the_words_that_name_them() {
    let house = House::open().await;
    let ids = |summary: &Value, of: &str| -> Vec<String> {
        let list = if of == "units" { &summary["units"] } else { &summary["definition"][of] };
        list.as_array().unwrap().iter().map(|each| each["id"].as_str().unwrap().to_owned()).collect()
    };
    for (query, units, contests) in [
        ("", vec!["country"], vec!["list"]),
        ("?parts=auto", vec!["country", "region:r1", "region:r2"], vec!["list"]),
        (
            "?parts=auto&contest=single",
            vec!["country", "district:1", "district:2"],
            vec!["list", "single:1", "single:2"],
        ),
        (
            "?unit=region:r2&parts=auto&contest=list",
            vec!["region:r2", "raion:r2-1", "raion:r2-2"],
            vec!["list"],
        ),
        ("?unit=district:2&parts=auto", vec!["district:2"], vec!["list", "single:2"]),
        ("?parts=raions&unit=region:r1", vec!["region:r1", "raion:r1-1", "raion:r1-2"], vec!["list"]),
        ("?unit=precinct:1", vec!["precinct:1"], vec!["list", "single:1"]),
    ] {
        let summary = house.json(&house.election(&format!("/summary{query}"))).await;
        assert_eq!(ids(&summary, "units"), units, "{query}");
        assert_eq!(ids(&summary, "contests"), contests, "{query}");
        let named = summary["definition"]["units"].as_array().unwrap().len();
        assert_eq!(named, units.len(), "{query}");
        assert_eq!(
            (&summary["test"], &summary["definition"]["data_licence"]),
            (&json!(true), &json!("CC-BY-4.0"))
        );
    }
    let precinct = house.json(&house.election("/summary?unit=precinct:1")).await;
    assert_eq!(precinct["definition"]["units"][0]["name"]["ky"], "мектеп 1");
    for bad in ["?unit=planet:mars", "?parts=everything"] {
        assert!(
            [400, 404].contains(&house.problem(&house.election(&format!("/summary{bad}"))).await.0),
            "{bad}"
        );
    }
}

#[tokio::test]
async fn outlines_are_of_areas_only() {
    let house = House::open().await;
    let shapes = house.json(&house.election("/shapes/regions.json")).await;
    assert!(shapes["areas"]["region:elsewhere"].as_str().unwrap().starts_with('M'));
    assert_eq!(shapes["areas"].as_object().unwrap().len(), 1);
    for none in ["precincts", "oceans"] {
        assert_eq!(house.problem(&house.election(&format!("/shapes/{none}.json"))).await.0, 404);
    }
}
