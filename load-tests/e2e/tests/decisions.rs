//! What people decide, through the door of the situation room, and what every reader is shown of it: on a country
//! with the odd places that a real one has.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{collections::BTreeMap, fmt::Write, path::Path};

use device_wire::{CentreKeys, Channel, device::Outbox};
use e2e::{Builder, Client, OTHERS, Record, Sanak, Vectors, identity, now};
use election::{
    Count,
    report::{Body, ContestTally, Receipt, Tally, Turnout, Verdict},
};
use serde_json::{Value, json};
use tempfile::TempDir;

const ELECTION: &str = "mixed";

/// Precinct 5001 has an urn and a terminal; 5002 an urn and no list of voters; 5003 counts by hand, alone in its
/// district; 9001 lies abroad and counts by hand. The list is voted everywhere, one seat in each district.
///
/// Its votes may be published at once, or not before the moment that is given.
fn write_election(dir: &Path, votes_from: Option<&str>) {
    let small =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/election-files/tests/elections/vec-1");
    std::fs::copy(small.join("list_candidates.csv"), dir.join("list_candidates.csv")).unwrap();
    let about = std::fs::read_to_string(small.join("election.toml")).unwrap().replace("vec-1", ELECTION);
    let embargo = votes_from.map_or(String::new(), |from| format!("publish_votes_from = \"{from}\"\n"));
    let single = "\n[[contest]]\nid = \"single\"\nkind = \"single_member\"\nscope = \"district\"\nseats = 1\n\
        method = \"plurality\"\nshare_of = \"votes_cast\"\nname.ky = \"Округ\"\nname.ru = \"Округ\"\n\
        name.en = \"District\"\n";
    let mut options = std::fs::read_to_string(small.join("options.csv")).unwrap();
    for district in [1, 2] {
        for (number, option) in [(1, "c1"), (2, "c2")] {
            let _ =
                writeln!(options, "single:{district},{option},{number},candidate,А,А,A,#1f77b4,f,,active");
        }
        let _ = writeln!(
            options,
            "single:{district},none,,against_all,Баарына каршы,Против всех,Against all,,,,active"
        );
    }
    let mut devices = "device,kind,precinct,contests,public_key,status,replaces\n".to_owned();
    for (device, kind, precinct) in
        [("u-5001-1", "urn", 5001), ("t-5001-1", "id_terminal", 5001), ("u-5002-1", "urn", 5002)]
    {
        let key = hex::encode(identity(ELECTION, device, precinct).key.verifying_key().to_bytes());
        let _ = writeln!(devices, "{device},{kind},{precinct},,{key},active,");
    }
    let units = "id,parent,name_ky,name_ru,name_en\nregion:osh,country,Ош,Ош,Osh\n\
        raion:alay-raion,region:osh,Алай,Алай,Alay\nregion:chui,country,Чүй,Чуй,Chui\n\
        raion:jayil-raion,region:chui,Жайыл,Жайыл,Jayil\ndistrict:1,country,1,1,1\ndistrict:2,country,2,2,2\n";
    let precincts = "precinct,raion,abroad,count,registered,longitude,latitude,name_ky,name_ru,address,phone\n\
        5001,raion:alay-raion,false,urn,1200,73.1,39.7,Мектеп,Школа,,\n\
        5002,raion:alay-raion,false,urn,0,73.2,39.8,Мектеп,Школа,,\n\
        5003,raion:jayil-raion,false,manual,700,73.8,42.8,Мектеп,Школа,,\n\
        9001,,true,manual,300,37.6,55.7,Элчилик,Посольство,,\n";
    let voted = "precinct,contest,registered\n5001,list,1200\n5001,single:1,1200\n5002,list,0\n5002,single:1,0\n\
        5003,list,700\n5003,single:2,700\n9001,list,300\n";
    for (file, text) in [
        ("election.toml", format!("{embargo}{about}{single}").as_str()),
        ("options.csv", &options),
        ("devices.csv", &devices),
        ("units.csv", units),
        ("precincts.csv", precincts),
        ("precinct_contests.csv", voted),
    ] {
        std::fs::write(dir.join(file), text).unwrap();
    }
}

struct Scene {
    sanak: Sanak,
    election: TempDir,
    vectors: Vectors,
    outboxes: BTreeMap<&'static str, Outbox>,
}

impl Scene {
    /// The polls have closed long ago: votes may be published as soon as the clock has been noted.
    async fn new() -> Self {
        let scene = Self::with(None).await;
        scene.wait_for("/results", |shown| shown.get("embargo_until").is_none()).await;
        scene
    }

    async fn with(votes_from: Option<&str>) -> Self {
        let vectors = Vectors::read();
        let election = TempDir::new().unwrap();
        write_election(election.path(), votes_from);
        let sanak = Builder::new(election.path(), &vectors.centre).start().await;
        let devices = [("u-5001-1", 5001), ("t-5001-1", 5001), ("u-5002-1", 5002)];
        let outboxes =
            devices.map(|(device, at)| (device, Outbox::in_memory(identity(ELECTION, device, at)))).into();
        Self { sanak, election, vectors, outboxes }
    }

    async fn send(&mut self, device: &'static str, body: Body) -> Receipt {
        let outbox = self.outboxes.get_mut(device).unwrap();
        let envelope = outbox.make(body, now()).unwrap().to_vec();
        let topic = |channel| outbox.identity().topic(channel).to_string();
        let centre = CentreKeys::one("centre", self.vectors.centre_key().verifying_key());
        let mut client =
            Client::connect(self.sanak.ready().mqtt, device, &topic(Channel::Receipt), centre).await;
        client.publish(&topic(Channel::Report), envelope).await;
        client.receipt().await
    }

    /// Has a decision taken: its place in the journal.
    async fn decide(&self, act: Value) -> u64 {
        let (status, answer) = self.decided(act).await;
        assert_eq!(status, 201, "{answer}");
        answer["offset"].as_u64().unwrap()
    }

    async fn decided(&self, act: Value) -> (u16, Value) {
        self.sanak.act("/decisions", json!({"reason": "as the protocol says", "act": act})).await
    }

    /// Has somebody else decide: status and answer.
    async fn decided_by(&self, token: &str, act: &Value) -> (u16, Value) {
        let decision = json!({"reason": "as the protocol says", "act": act}).to_string();
        self.sanak.decide(token, decision).await
    }

    async fn get(&self, of: &str) -> Value {
        self.sanak.get(&path(of)).await.1
    }

    async fn wait_for(&self, of: &str, enough: impl Fn(&Value) -> bool) -> Value {
        self.sanak.wait_for(&path(of), enough).await
    }

    /// What does not change when the service is started again.
    async fn lasting(&self) -> Value {
        let mut all = json!({});
        for of in ["/results", "/precincts", "/corrections", "/quarantine", "/precincts/5001"] {
            let mut shown = self.get(of).await;
            let members = shown.as_object_mut().unwrap();
            for own in ["epoch", "version", "generated_at"] {
                members.remove(own);
            }
            for list in ["units", "corrections"] {
                for row in shown[list].as_array_mut().into_iter().flatten() {
                    (row["position"], row["updated_at"]) = (Value::Null, Value::Null);
                }
            }
            shown["unit"]["updated_at"] = Value::Null;
            all[of] = shown;
        }
        all
    }
}

fn path(of: &str) -> String {
    format!("/elections/{ELECTION}{of}")
}

fn line(contest: &str, votes: [(&str, u32); 3], invalid: u32) -> ContestTally {
    let invalid = Count::from(invalid);
    let votes: BTreeMap<_, _> =
        votes.map(|(option, count)| (option.parse().unwrap(), Count::from(count))).into();
    let ballots = Count::checked_sum(votes.values().copied().chain([invalid])).unwrap();
    ContestTally { contest: contest.parse().unwrap(), ballots, invalid, votes, preferences: BTreeMap::new() }
}

fn urn(list: [u32; 3], single: [u32; 3]) -> Tally {
    let [p01, p02, none] = list;
    let [c1, c2, against] = single;
    let contests = vec![
        line("list", [("p01", p01), ("p02", p02), ("none", none)], 2),
        line("single:1", [("c1", c1), ("c2", c2), ("none", against)], 2),
    ];
    Tally { ballots: Count::checked_sum(contests.iter().map(|of| of.ballots)).unwrap(), contests }
}

fn empty() -> Tally {
    let contests = ["list", "single:1"].map(|contest| ContestTally {
        contest: contest.parse().unwrap(),
        ballots: Count::ZERO,
        invalid: Count::ZERO,
        votes: BTreeMap::new(),
        preferences: BTreeMap::new(),
    });
    Tally { ballots: Count::ZERO, contests: contests.into() }
}

fn ballots<'a>(unit: &'a Value, contest: &str, source: &str) -> &'a Value {
    &unit["contests"][contest][source]["ballots"]
}

/// 5001 and 5002 by their urns, 9001 by hand; 5003 and with it its district has not reported.
async fn a_night(scene: &mut Scene) {
    for device in ["u-5001-1", "u-5002-1"] {
        assert_eq!(scene.send(device, Body::OpeningUrn(empty())).await.verdict, Verdict::Accepted);
    }
    let closing = Turnout { identified: Count::from(122), ..Turnout::default() };
    assert_eq!(scene.send("t-5001-1", Body::Closing(closing)).await.verdict, Verdict::Accepted);
    let tally = scene.send("u-5001-1", Body::Tally(urn([60, 40, 20], [30, 40, 50]))).await;
    assert_eq!(tally.verdict, Verdict::Accepted);
    let no_list = scene.send("u-5002-1", Body::Tally(urn([8, 5, 5], [5, 5, 8]))).await;
    assert_eq!(no_list.verdict, Verdict::Quarantined, "there are no voters on a list of 5002");
    let line = json!({
        "contest": "list", "received": 300, "issued": 101, "cancelled": 199, "portable": 3, "ballots": 100,
        "invalid": 0, "valid": 100, "votes": {"p01": 10, "p02": 20, "none": 70},
    });
    let protocol = json!({"act": "protocol", "precinct": 9001, "contests": [line]});
    scene.decide(protocol.clone()).await;
    let waiting = scene.sanak.room("/protocols").await.1["protocols"][0].clone();
    assert_eq!((&waiting["precinct"], &waiting["state"]), (&json!(9001), &json!("once")));
    assert_eq!((&waiting["may_enter"], waiting.to_string().contains("70")), (&json!(false), false));
    assert_eq!(*ballots(&scene.get("/units/abroad").await["unit"], "list", "protocols"), json!(0));
    let entry = json!({"reason": "as the protocol says", "act": protocol}).to_string();
    let (status, answer) = scene.sanak.decide(OTHERS[0], entry).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(scene.sanak.room("/protocols").await.1["protocols"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_with_odd_places_is_shown_as_it_is() {
    let mut scene = Scene::new().await;
    a_night(&mut scene).await;
    let waits = scene.wait_for("/quarantine", |list| list["reports"][0].is_object()).await;
    assert_eq!(
        (&waits["reports"][0]["codes"], &waits["reports"][0]["decision"]),
        (&json!(["Q03"]), &Value::Null)
    );
    let many = json!({"act": "release", "reason": "voters of any precinct vote here", "codes": ["Q03"]});
    let (status, answer) = scene.sanak.act("/quarantine", many).await;
    assert_eq!((status, &answer["taken"], &answer["refused"]), (200, &json!(1), &json!(0)), "{answer}");

    let country = |shown: &Value| {
        shown["units"].as_array().unwrap().iter().find(|unit| unit["id"] == "country").cloned()
    };
    let shown = scene
        .wait_for("/results", |shown| *ballots(&country(shown).unwrap(), "list", "urns") == json!(142))
        .await;
    let whole = country(&shown).unwrap();
    assert_eq!(whole["contests"]["list"]["protocols"]["votes"], json!({"p01": 10, "p02": 20, "none": 70}));
    assert_eq!(whole["contests"]["list"]["precincts"], 4);
    let abroad = scene.get("/units/abroad").await["unit"].clone();
    assert_eq!((&abroad["phase"], ballots(&abroad, "list", "protocols")), (&json!("reported"), &json!(100)));
    assert_eq!(ballots(&abroad, "list", "urns"), 0, "the two results never mix");
    let district = scene.get("/units/district:2").await["unit"].clone();
    assert_eq!((&district["phase"], &district["reported"]["precincts"]), (&json!("counting"), &json!(0)));
    assert_eq!(ballots(&district, "single:2", "protocols"), 0);
    let nobody = scene.get("/precincts/5002").await;
    assert_eq!((&nobody["unit"]["phase"], &nobody["unit"]["registered"]), (&json!("reported"), &json!(0)));
    assert_eq!(ballots(&nobody["unit"], "single:1", "urns"), 20);
    let released = nobody["reports"].as_array().unwrap().iter().find(|of| of["type"] == "tally").unwrap();
    assert_eq!((&released["verdict"], &released["decision"]["act"]), (&json!("accepted"), &json!("release")));

    let against = scene.get("/seats?contest=single:1&source=urns").await["allocation"].clone();
    assert_eq!(
        (&against["result"], &against["seats"], &against["vacant"]),
        (&json!("none_elected"), &json!(1), &json!(1))
    );
    let silent = scene.get("/seats?contest=single:2&source=protocols").await["allocation"].clone();
    assert_eq!((&silent["result"], &silent["decided"]), (&json!("no_votes"), &json!(false)));
    assert_eq!(silent["reported"]["precincts"], json!({"numerator": 0, "denominator": 1}));
    let list = scene.get("/seats?contest=list&source=urns").await["allocation"].clone();
    assert_eq!((&list["ballots"], &list["decided"]), (&json!(142), &json!(false)));
    let by_hand = scene.get("/seats?contest=list&source=protocols").await["allocation"].clone();
    assert_eq!(by_hand["ballots"], 100);
    let missing = scene.get("/missing").await;
    assert_eq!(missing["precincts"].as_array().unwrap().len(), 1);
    scene.sanak.assert_no_errors_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_is_public_checked_first_and_kept_across_a_restart() {
    let mut scene = Scene::new().await;
    a_night(&mut scene).await;
    // A second final: released, it replaces the first, and what fell stands on the list.
    let second = scene.send("u-5001-1", Body::Tally(urn([50, 40, 20], [30, 40, 40]))).await;
    assert_eq!(second.verdict, Verdict::Quarantined);
    let report = second.offset.unwrap();
    let release = json!({"act": "release", "precinct": 5001, "reports": [report]});
    let (status, problem) =
        scene.decided(json!({"act": "release", "precinct": 5001, "reports": [report.0 + 100]})).await;
    assert!(
        status == 409 && problem["detail"].as_str().unwrap().contains("is not in quarantine"),
        "{problem}"
    );
    let decision = scene.decide(release.clone()).await;
    assert_eq!(scene.decided(release).await.0, 409, "it is decided");
    let list = scene.wait_for("/corrections", |list| list["corrections"][0].is_object()).await;
    let row = &list["corrections"][0];
    assert_eq!(
        (&row["offset"], &row["act"], &row["by"], &row["reason"]),
        (&json!(decision), &json!("release"), &json!("Tester"), &json!("as the protocol says"))
    );
    let of = |side: &str, contest: &str| row[side]["contests"][contest]["urns"]["ballots"].clone();
    assert_eq!((of("before", "list"), of("after", "list")), (json!(122), json!(112)));

    // Figures are set by people: checked first.
    let set = |ballots: u32| {
        json!({"act": "correct", "precinct": 9001, "source": "protocols", "contest": "list", "ballots": ballots,
            "invalid": 1, "votes": {"p01": 9, "p02": 20, "none": 70}, "preferences": {"p01": {"1": 4, "17": 2}}})
    };
    let (status, problem) = scene.decided(set(101)).await;
    assert_eq!(status, 422, "{problem}");
    scene.decide(set(100)).await;
    let shown = scene.wait_for("/corrections", |list| list["corrections"][1].is_object()).await;
    let row = &shown["corrections"][1];
    assert_eq!(
        (&row["act"], &row["source"], &row["contest"]),
        (&json!("correct"), &json!("protocols"), &json!("list"))
    );
    let after = &row["after"]["contests"]["list"]["protocols"];
    assert_eq!(after["preferences"], json!({"p01": {"1": 4, "17": 2}}));

    // Certified: nothing changes any more, whatever comes.
    let rule =
        |unit: &str, act: &str| json!({"unit": unit, "act": act, "reason": "session of the commission"});
    let (status, problem) = scene.sanak.act("/units", rule("region:osh", "certify")).await;
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains("5002"), "{problem}");
    assert_eq!(scene.sanak.act("/units", rule("precinct:5001", "certify")).await.0, 200);
    scene.wait_for("/precincts/5001", |shown| shown["unit"]["phase"] == "certified").await;
    let late = scene.send("u-5001-1", Body::Tally(urn([1, 1, 1], [1, 1, 1]))).await;
    assert_eq!(late.verdict, Verdict::Quarantined);
    let (status, _) = scene.decided(json!({"act": "annul", "precinct": 5001})).await;
    assert_eq!(status, 409, "lift the certification first");

    // Annulled: abroad leaves every sum.
    assert_eq!(scene.sanak.act("/units", rule("abroad", "annul")).await.0, 200);
    let abroad = scene.wait_for("/units/abroad", |shown| shown["unit"]["phase"] == "annulled").await;
    assert_eq!(ballots(&abroad["unit"], "list", "protocols"), 0);
    let open = scene.get("/precincts/5001").await["discrepancies"][0].clone();
    if open.is_object() {
        let (code, device, contest) = (&open["code"], &open["device"], &open["contest"]);
        let resolve =
            json!({"act": "resolve", "precinct": 5001, "code": code, "device": device, "contest": contest});
        scene.decide(resolve).await;
    }
    let refused = json!({"act": "refuse", "reason": "too late", "precincts": [5001, 5002]});
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await; // the list is a second old at most
    let (status, answer) = scene.sanak.act("/quarantine", refused).await;
    assert_eq!((status, &answer["taken"]), (200, &json!(2)), "{answer}");
    scene.wait_for("/results", |shown| shown["units"][0]["quarantined"] == 0).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;

    let before = scene.lasting().await;
    assert_eq!(before["/corrections"]["corrections"].as_array().unwrap().len(), 3);
    scene.sanak = scene.sanak.kill_and_restart().await;
    scene.wait_for("/units/abroad", |shown| shown["unit"]["phase"] == "annulled").await;
    assert_eq!(scene.lasting().await, before);
    let data = scene.sanak.data();
    scene.sanak.stop().await;
    Record::checked(&data, scene.election.path());
}

#[tokio::test(flavor = "multi_thread")]
async fn lots_that_were_drawn_are_on_record_and_hold_for_their_tie_alone() {
    const SEATS: &str = "/seats?contest=single:1&source=urns";
    let mut scene = Scene::new().await;
    a_night(&mut scene).await;
    let tie = json!({"place": "seats", "list": null, "options": ["c1", "c2"], "numbers": [], "seats": 1});
    let draw = |contest: &str, winner: &str| json!({"act": "draw_lots", "contest": contest, "source": "urns", "tie": tie, "drawn": [winner]});
    let (status, problem) = scene.decided(draw("single:1", "c2")).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(scene.decided(draw("single:7", "c2")).await.0, 404);

    let set = |c1: u32, c2: u32| {
        json!({"act": "correct", "precinct": 5001, "source": "urns", "contest": "single:1", "ballots": 122,
            "invalid": 2, "votes": {"c1": c1, "c2": c2, "none": 120 - c1 - c2}})
    };
    scene.decide(set(45, 45)).await;
    let tie_stands = |shown: &Value| shown["allocation"]["result"] == "tied";
    scene.wait_for(SEATS, tie_stands).await;
    let (status, problem) = scene.decided(draw("single:1", "c2")).await;
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains("1 of its precincts"), "{problem}");
    let many = json!({"act": "release", "reason": "voters of any precinct vote here", "codes": ["Q03"]});
    assert_eq!(scene.sanak.act("/quarantine", many).await.0, 200);
    let whole = |shown: &Value| tie_stands(shown) && shown["allocation"]["ballots"] == 142;
    let tied = scene.wait_for(SEATS, whole).await;
    assert_eq!((&tied["allocation"]["ties"], &tied["lots"]), (&json!([tie]), &json!([])));
    let (status, problem) = scene.decided(draw("single:1", "none")).await;
    assert_eq!(status, 422, "{problem}");

    let seats = |shown: &Value| -> Vec<u64> {
        let options = shown["allocation"]["options"].as_array().unwrap();
        options.iter().map(|option| option["seats"].as_u64().unwrap()).collect()
    };
    let offset = scene.decide(draw("single:1", "c2")).await;
    let drawn = scene.wait_for(SEATS, |shown| shown["lots"][0].is_object()).await;
    assert_eq!((seats(&drawn), &drawn["allocation"]["ties"]), (vec![0, 1, 0], &json!([])));
    let lot = &drawn["lots"][0];
    assert_eq!(
        (&lot["offset"], &lot["by"], &lot["tie"], &lot["drawn"]),
        (&json!(offset), &json!("Tester"), &tie, &json!(["c2"]))
    );
    assert!(drawn["version"].as_u64() > tied["version"].as_u64(), "whoever keeps a version sees the change");
    let listed = scene.wait_for("/corrections", |list| list["lots"][0].is_object()).await;
    assert_eq!(listed["lots"][0], *lot);

    scene.sanak = scene.sanak.kill_and_restart().await;
    let again = scene.wait_for(SEATS, |shown| shown["lots"][0].is_object()).await;
    assert_eq!((&again["lots"], seats(&again)), (&drawn["lots"], vec![0, 1, 0]));

    // Entered wrongly, it is entered again: both stand on record, the later one holds.
    scene.decide(draw("single:1", "c1")).await;
    let both = scene.wait_for(SEATS, |shown| shown["lots"][1].is_object()).await;
    assert_eq!(seats(&both), [1, 0, 0]);
    // The figures change, and with them the tie goes.
    scene.decide(set(44, 45)).await;
    let votes = scene.wait_for(SEATS, |shown| shown["allocation"]["options"][0]["votes"] == 49).await;
    assert_eq!((seats(&votes), &votes["allocation"]["ties"]), (vec![0, 1, 0], &json!([])));
    assert_eq!(scene.decided(draw("single:1", "c1")).await.0, 409);
    scene.sanak.assert_no_errors_logged();
    let data = scene.sanak.data();
    scene.sanak.stop().await;
    Record::checked(&data, scene.election.path());
}

/// What the commission of 5001 has signed, entered by two, and a copy of its list contest that observers hold: on the
/// list the hand count gives one vote to another than the urn did, and the copy gives it to a third.
async fn paper_of_5001(scene: &Scene) {
    let form = |contest: &str, votes: Value| {
        json!({"contest": contest, "received": 1200, "issued": 122, "cancelled": 1078, "portable": 0,
            "ballots": 122, "invalid": 2, "valid": 120, "votes": votes})
    };
    let contests = [
        form("list", json!({"p01": 60, "p02": 41, "none": 19})),
        form("single:1", json!({"c1": 30, "c2": 40, "none": 50})),
    ];
    let protocol = json!({"act": "protocol", "precinct": 5001, "contests": contests});
    scene.decide(protocol.clone()).await;
    let (status, answer) = scene.decided_by(OTHERS[0], &protocol).await;
    assert_eq!(status, 201, "{answer}");
    observers_say(scene, [61, 40, 19]).await;
}

/// What the copy of the list contest of 5001 that observers hold says, in place of what it said before.
async fn observers_say(scene: &Scene, [p01, p02, none]: [u32; 3]) {
    let mut copy = list_of_5001(p01, p02, none);
    copy["contest"] = json!("list");
    scene
        .decide(json!({"act": "copy", "precinct": 5001, "holder": "Observers' union", "contests": [copy]}))
        .await;
}

/// The list contest of 5001 as a source may give it.
fn list_of_5001(p01: u32, p02: u32, none: u32) -> Value {
    json!({"ballots": 122, "invalid": 2, "votes": {"p01": p01, "p02": p02, "none": none}})
}

/// The row of a contest where the sources stand side by side.
fn side_by_side(shown: &Value, contest: &str) -> Value {
    let rows = shown["reconciliation"].as_array().into_iter().flatten();
    rows.clone().find(|row| row["contest"] == contest).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn four_sources_of_a_precinct_stand_side_by_side_and_say_where_they_differ() {
    let mut scene = Scene::new().await;
    a_night(&mut scene).await;
    let before = scene
        .wait_for("/precincts/5001", |shown| side_by_side(shown, "list")["urns"]["ballots"] == json!(122))
        .await;
    let before = side_by_side(&before, "list");
    assert_eq!(
        (&before["protocol"], &before["copies"], &before["codes"]),
        (&Value::Null, &json!([]), &json!([]))
    );
    paper_of_5001(&scene).await;
    let shown = scene
        .wait_for("/precincts/5001", |shown| side_by_side(shown, "list")["codes"] == json!(["W07", "W13"]))
        .await;
    assert_eq!(shown["protocol"], "settled");
    let mut copy = list_of_5001(61, 40, 19);
    copy["holder"] = json!("Observers' union");
    assert_eq!(
        side_by_side(&shown, "list"),
        json!({"contest": "list", "identified": 122, "urns": list_of_5001(60, 40, 20),
            "protocol": list_of_5001(60, 41, 19), "copies": [copy], "codes": ["W07", "W13"]})
    );
    // In the other contest the hand count is the urn's, and nobody holds a copy of it.
    let single = json!({"ballots": 122, "invalid": 2, "votes": {"c1": 30, "c2": 40, "none": 50}});
    assert_eq!(
        side_by_side(&shown, "single:1"),
        json!({"contest": "single:1", "identified": 122, "urns": single, "protocol": single, "copies": [],
            "codes": []})
    );
    // The copy is read again, and says what the protocol does: what remains is between urns and protocol.
    observers_say(&scene, [60, 41, 19]).await;
    let shown = scene
        .wait_for("/precincts/5001", |shown| side_by_side(shown, "list")["codes"] == json!(["W07"]))
        .await;
    let copies = side_by_side(&shown, "list")["copies"].clone();
    assert_eq!((&copies[0]["votes"]["p01"], copies.as_array().map(Vec::len)), (&json!(60), Some(1)));
    scene.sanak.assert_no_errors_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn before_votes_may_be_published_only_who_was_identified_and_which_rules_are_broken_is_shown() {
    let mut scene = Scene::with(Some("2199-01-01T00:00:00Z")).await;
    assert_eq!(scene.send("u-5001-1", Body::OpeningUrn(empty())).await.verdict, Verdict::Accepted);
    let closing = Turnout { identified: Count::from(122), ..Turnout::default() };
    assert_eq!(scene.send("t-5001-1", Body::Closing(closing)).await.verdict, Verdict::Accepted);
    let tally = scene.send("u-5001-1", Body::Tally(urn([60, 40, 20], [30, 40, 50]))).await;
    assert_eq!(tally.verdict, Verdict::Accepted);
    paper_of_5001(&scene).await;
    let shown = scene
        .wait_for("/precincts/5001", |shown| side_by_side(shown, "list")["codes"] == json!(["W07", "W13"]))
        .await;
    assert_eq!(shown["embargo_until"], "2199-01-01T00:00:00Z");
    assert_eq!(
        shown["reconciliation"],
        json!([{"contest": "list", "identified": 122, "codes": ["W07", "W13"]},
            {"contest": "single:1", "identified": 122, "codes": []}])
    );
    for of in ["/precincts/5001", "/results", "/precincts", "/corrections", "/quarantine", "/missing"] {
        let text = scene.get(of).await.to_string();
        for secret in ["\"ballots\"", "\"invalid\"", "\"votes\"", "Observers"] {
            assert!(!text.contains(secret), "{of} has {secret}: {text}");
        }
    }
    scene.sanak.assert_no_errors_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_read_a_protocol_differently_a_third_person_decides() {
    let mut scene = Scene::new().await;
    let entry = |votes: u32| {
        let form = |contest: &str, option: &str| {
            json!({"contest": contest, "received": 700, "issued": votes, "cancelled": 700 - votes,
                "portable": 0, "ballots": votes, "invalid": 0, "valid": votes, "votes": {option: votes}})
        };
        json!({"act": "protocol", "precinct": 5003,
            "contests": [form("list", "p01"), form("single:2", "c1")]})
    };
    scene.decide(entry(70)).await;
    let (status, answer) = scene.decided_by(OTHERS[0], &entry(77)).await;
    assert_eq!(status, 201, "{answer}");
    let waiting = scene.sanak.room("/protocols").await.1["protocols"][0].clone();
    assert_eq!(
        (&waiting["precinct"], &waiting["state"], &waiting["may_enter"]),
        (&json!(5003), &json!("differing"), &json!(false))
    );
    let by: Vec<&Value> = waiting["entries"].as_array().unwrap().iter().map(|entry| &entry["by"]).collect();
    assert_eq!(by, [&json!("Tester"), &json!("Second")]);
    let differences = waiting["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 10, "five lines of two contests: {waiting}");
    let votes = json!({"contest": "list", "line": {"votes": "p01"}, "first": 70, "second": 77});
    assert!(differences.contains(&votes), "{waiting}");
    let shown = scene.wait_for("/precincts/5003", |shown| shown["protocol"] == "differing").await;
    assert_eq!(
        side_by_side(&shown, "list")["protocol"],
        Value::Null,
        "nothing counts that two read differently"
    );
    assert_eq!(*ballots(&shown["unit"], "list", "protocols"), json!(0));

    // Neither of the two settles it, not even by agreeing with the other.
    for (token, votes) in [(None, 77), (Some(OTHERS[0]), 70)] {
        let (status, problem) = match token {
            None => scene.decided(entry(votes)).await,
            Some(token) => scene.decided_by(token, &entry(votes)).await,
        };
        assert_eq!(status, 409, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("a third person"), "{problem}");
    }
    let (status, answer) = scene.decided_by(OTHERS[1], &entry(77)).await;
    assert_eq!(status, 201, "{answer}");
    let shown = scene.wait_for("/precincts/5003", |shown| shown["protocol"] == "settled").await;
    assert_eq!(side_by_side(&shown, "list")["protocol"]["votes"]["p01"], 77);
    let district = scene
        .wait_for("/units/district:2", |shown| *ballots(&shown["unit"], "single:2", "protocols") == json!(77))
        .await;
    assert_eq!(district["unit"]["phase"], "reported");
    assert_eq!(scene.sanak.room("/protocols").await.1["protocols"], json!([]));
    let (status, problem) = scene.decided_by(OTHERS[1], &entry(70)).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("act correct"), "{problem}");

    // All three are on record: it is the same after a restart.
    scene.sanak = scene.sanak.kill_and_restart().await;
    let again =
        scene.wait_for("/precincts/5003", |shown| side_by_side(shown, "list")["protocol"].is_object()).await;
    assert_eq!(side_by_side(&again, "list"), side_by_side(&shown, "list"));
    let data = scene.sanak.data();
    scene.sanak.stop().await;
    Record::checked(&data, scene.election.path());
}
