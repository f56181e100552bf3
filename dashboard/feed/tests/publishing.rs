//! What readers see of what is published.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)] // a test that cannot go on says so

#[allow(dead_code)] // each test uses a part of it
mod country;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use country::{CLOSE, Night, OPEN, SMALL};
use election::{UnitId, figures::Phase};
use feed::{Breach, Feed, Next, Options, Position, UnitFilter};
use serde_json::{Value, json};

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

/// A reader that follows the rule of the protocol and nothing else.
#[derive(Default)]
struct Reader {
    held: Option<Position>,
    units: BTreeMap<String, Value>,
}

impl Reader {
    fn take(&mut self, feed: &Feed, filter: &UnitFilter) -> &'static str {
        let latest = feed.latest();
        let next = match &self.held {
            Some(held) => latest.next(held, filter),
            None => Next::Snapshot(latest.snapshot(filter)),
        };
        let (frame, kind) = match next {
            Next::Current => return "current",
            Next::Delta(frame) => (frame, "delta"),
            Next::Snapshot(frame) => (frame, "snapshot"),
        };
        let object = read(&frame.json);
        assert_eq!(object["type"], kind);
        assert_eq!(object["version"], frame.position.version);
        assert_eq!(object["units"].as_array().unwrap().len(), frame.units);
        if kind == "delta" {
            let held = self.held.as_ref().unwrap().version;
            assert!(object["from"].as_u64().unwrap() <= held && held < frame.position.version);
        } else {
            self.units.clear();
        }
        for unit in object["units"].as_array().unwrap() {
            self.units.insert(unit["id"].as_str().unwrap().to_owned(), unit.clone());
        }
        self.held = Some(frame.position);
        kind
    }

    /// What a snapshot of the same units says now.
    fn agrees_with(&self, feed: &Feed, filter: &UnitFilter) -> bool {
        let mut fresh = Reader::default();
        fresh.take(feed, filter);
        fresh.units == self.units
    }
}

#[test]
fn the_first_version_shows_the_election_before_anything_happened() {
    let feed = country::feed(&country::definition(SMALL));
    let snapshot = read(feed.latest().results().plain());
    assert_eq!(
        (&snapshot["epoch"], &snapshot["version"], &snapshot["status"], &snapshot["speed"]),
        (&json!("e1"), &json!(1), &json!("pre"), &json!(1))
    );
    assert_eq!(snapshot["generated_at"], "2026-10-04T01:59:59Z");
    assert_eq!(snapshot["embargo_until"], "2026-10-04T14:00:00Z");
    assert_eq!(snapshot["test"], true);
    assert!(snapshot.get("stalled_since").is_none());
    let country = &snapshot["units"][0];
    assert_eq!((&country["id"], &country["parent"]), (&json!("country"), &Value::Null));
    assert_eq!((&country["precincts"], &country["registered"]), (&json!(9), &json!(9000)));
    assert_eq!(country["contests"]["list"]["urns"], json!({"precincts": 0, "registered": 0}));
    assert_eq!(read(feed.latest().all_precincts().plain())["units"].as_array().unwrap().len(), 9);
}

#[test]
fn a_unit_is_published_as_the_protocol_writes_it() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.votes = true;
    night.turnout(1, 700);
    night.report(1, 200);
    feed.publish(night.cut()).unwrap();
    let unit = read(&feed.latest().unit(&"precinct:1".parse().unwrap()).unwrap());
    let source = json!({"precincts": 1, "registered": 1000, "ballots": 601, "invalid": 1,
        "votes": {"p01": 200, "p02": 200, "p03": 200}});
    assert_eq!(unit["contests"]["list"]["urns"], source);
    assert_eq!(unit["contests"]["single:1"]["urns"]["ballots"], 401);
    assert_eq!(unit["contests"]["list"]["protocols"]["votes"], json!({"p01": 0, "p02": 0, "p03": 0}));
    assert_eq!(unit["turnout"], json!({"identified": 700, "precincts": 1, "registered": 1000}));
    assert_eq!(unit["reported"], json!({"precincts": 1, "registered": 1000}));
    assert_eq!((&unit["phase"], &unit["parent"]), (&json!("reported"), &json!("raion:r1-1")));
    assert_eq!((&unit["quarantined"], &unit["discrepancies"]), (&json!(0), &json!(0)));
    assert_eq!(unit["updated_at"], "2026-10-04T02:00:00Z");
    let district = read(&feed.latest().unit(&"district:1".parse().unwrap()).unwrap());
    assert_eq!(district["contests"].as_object().unwrap().keys().collect::<Vec<_>>(), ["single:1"]);
}

#[test]
fn the_json_of_precincts_is_the_same_whether_it_is_kept_or_not() {
    let definition = country::definition(SMALL);
    let feed_with = |kept_precincts| {
        let options = Options { kept_precincts, ..Options::starting(OPEN - Duration::from_secs(1)) };
        Feed::new(Arc::clone(&definition), "e1".parse().unwrap(), options).unwrap()
    };
    let (kept, made) = (feed_with(9), feed_with(8));
    let mut night = Night::new(&definition);
    for step in 0..4 {
        // Counted under the embargo, shown with the third version.
        night.votes = step > 1;
        night.turnout(step + 1, 300);
        night.report(step + 1, 100);
        let cut = night.cut();
        kept.publish(cut.clone()).unwrap();
        made.publish(cut).unwrap();
        let every = kept.filter("country,precincts").unwrap();
        for _ in 0..2 {
            let (one, other) = (kept.latest(), made.latest());
            assert_eq!(one.all_precincts().plain(), other.all_precincts().plain());
            assert_eq!(one.snapshot(&every).json, other.snapshot(&every).json);
            assert!(one.changed_since(1).eq(other.changed_since(1)));
        }
        let votes = kept.latest().all_precincts().plain().windows(7).any(|part| part == b"\"votes\"");
        assert_eq!(votes, step > 1, "no vote before its time");
    }
}

#[test]
fn a_reader_who_applies_deltas_holds_what_a_snapshot_says() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let every = feed.filter("country,abroad,regions,raions,districts,precincts").unwrap();
    let upper = UnitFilter::default();
    let one = feed.filter("precinct:3,raion:r1-1").unwrap();
    let (mut quick, mut slow, mut narrow) = (Reader::default(), Reader::default(), Reader::default());
    assert_eq!((quick.take(&feed, &every), slow.take(&feed, &upper)), ("snapshot", "snapshot"));
    narrow.take(&feed, &one);
    for round in 1..=9 {
        night.turnout(round, 100 + u64::from(round));
        feed.publish(night.cut()).unwrap();
        assert_eq!(quick.take(&feed, &every), "delta");
        assert_eq!(quick.take(&feed, &every), "current");
        if round % 4 == 0 {
            assert_eq!(slow.take(&feed, &upper), "delta");
            assert!(slow.agrees_with(&feed, &upper));
        }
        narrow.take(&feed, &one);
        assert!(quick.agrees_with(&feed, &every) && narrow.agrees_with(&feed, &one));
    }
    assert_eq!((quick.units.len(), narrow.units.len()), (9 + 2 + 2 + 4 + 2, 2));
}

#[test]
fn readers_of_the_same_kinds_are_given_the_same_bytes() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let held = feed.current().position().clone();
    night.turnout(1, 5);
    feed.publish(night.cut()).unwrap();
    let at = || match feed.delta(&held, &UnitFilter::default()) {
        Next::Delta(frame) => frame.json.as_ptr(),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(), at());
    let body = feed.latest();
    assert_eq!(body.results().gzip().as_ptr(), feed.latest().results().gzip().as_ptr());
}

#[test]
fn readers_of_the_same_single_units_share_their_frame_too_and_take_it_deflated_from_the_second_on() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let held = feed.current().position().clone();
    night.turnout(1, 5);
    feed.publish(night.cut()).unwrap();
    let filter = feed.filter("country,regions,raions,districts,precinct:1").unwrap();
    let take = || match feed.delta(&held, &filter) {
        Next::Delta(frame) => frame,
        other => panic!("{other:?}"),
    };
    let (first, second, third) = (take(), take(), take());
    assert_eq!(first.json.as_ptr(), second.json.as_ptr());
    assert_eq!(first.deflated(), None, "a reader alone is not worth it");
    assert_eq!(second.deflated().unwrap().as_ptr(), third.deflated().unwrap().as_ptr());
}

#[test]
fn who_comes_from_another_epoch_or_from_the_future_takes_a_snapshot() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.turnout(1, 5);
    feed.publish(night.cut()).unwrap();
    for since in ["e0:1", "e1:3", "e1:0"] {
        let next = feed.delta(&since.parse().unwrap(), &UnitFilter::default());
        assert!(matches!(next, Next::Snapshot(_)), "{since}");
    }
}

#[test]
fn no_vote_is_in_any_byte_until_all_of_them_appear_in_one_version() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let all = feed.filter("country,abroad,regions,raions,districts,precincts").unwrap();
    night.report(9, 40);
    feed.publish(night.cut()).unwrap();
    let before = feed.current().position().clone();
    let latest = feed.latest();
    let bodies = [latest.results().plain(), latest.all_precincts().plain(), &latest.snapshot(&all).json];
    for body in bodies {
        let text = std::str::from_utf8(body).unwrap();
        assert!(text.contains("embargo_until"));
        for word in ["ballots", "invalid", "votes", "p01"] {
            assert!(!text.contains(word), "{word}");
        }
    }
    let abroad = read(&latest.unit(&UnitId::Abroad).unwrap());
    assert_eq!(abroad["contests"]["list"]["urns"], json!({"precincts": 1, "registered": 1000}));

    night.votes = true;
    let position = feed.publish(night.cut()).unwrap();
    assert_eq!(position.version, before.version + 1);
    let Next::Delta(frame) = feed.delta(&before, &all) else { panic!() };
    let delta = read(&frame.json);
    assert_eq!(delta["units"].as_array().unwrap().len(), 19);
    assert!(delta.get("embargo_until").is_none());
    assert!(delta["units"].as_array().unwrap().iter().all(|unit| {
        unit["contests"].as_object().unwrap().values().all(|contest| contest["urns"].get("votes").is_some())
    }));
    night.votes = false;
    assert_eq!(feed.publish(night.cut()), Err(Breach::VotesWithdrawn));
}

#[test]
fn what_changed_nothing_makes_no_version() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.turnout(1, 5);
    let cut = night.cut();
    let position = feed.publish(cut.clone()).unwrap();
    assert_eq!(feed.publish(cut), Ok(position.clone()));
    assert_eq!(feed.publish(night.cut()), Ok(position));
}

#[test]
fn a_refused_cut_changes_nothing_but_the_age_and_is_part_of_the_next_one() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let mut readers = feed.watch();
    night.turnout(1, 10);
    feed.publish(night.cut()).unwrap();
    let good = feed.current();
    let held = feed.latest().results().plain().clone();

    night.turnout(2, 20);
    let mut torn = night.cut();
    torn.changes.retain(|change| change.unit != UnitId::Country);
    let refused = torn.at;
    let breach = feed.publish(torn).unwrap_err();
    assert_eq!(breach, Breach::NotTheSum { unit: UnitId::Country, figure: "turnout" });
    assert_eq!(feed.current().position(), good.position());
    let stalled = read(feed.latest().results().plain());
    assert_eq!(stalled["stalled_since"], feed::rfc3339(refused));
    assert_eq!(stalled["units"], read(&held)["units"]);
    assert_eq!(read(&feed.latest().ping().json)["stalled_since"], feed::rfc3339(refused));
    assert!(readers.has_changed().unwrap());
    let past = read(feed.past(&good).plain());
    assert!(past.get("stalled_since").is_none(), "a version is immutable");

    night.turnout(3, 30);
    feed.publish(night.cut()).unwrap();
    let snapshot = read(feed.latest().results().plain());
    assert!(snapshot.get("stalled_since").is_none());
    assert_eq!(snapshot["units"][0]["turnout"]["identified"], 60);
    assert_eq!(readers.borrow_and_update().version().number(), good.number() + 1);
}

#[test]
fn an_audit_can_stall_and_resume_without_a_new_version() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    feed.stall(OPEN);
    feed.stall(CLOSE);
    assert_eq!(feed.latest().stalled_since(), Some(OPEN), "the first moment stands");
    feed.publish(night.cut()).unwrap();
    assert_eq!(feed.latest().stalled_since(), Some(OPEN), "an idle cut proves nothing");
    feed.resume();
    assert_eq!(feed.latest().stalled_since(), None);
    assert_eq!(feed.current().number(), 1);
}

#[test]
fn a_unit_that_does_not_exist_is_refused_and_does_not_hold_the_next_cut() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.turnout(1, 5);
    let mut cut = night.cut();
    cut.changes[0].unit = "region:atlantis".parse().unwrap();
    let whole = night.cut();
    assert!(matches!(feed.publish(cut.clone()), Err(Breach::UnknownUnit(_))));
    cut.changes.retain(|change| change.unit.to_string() != "region:atlantis");
    night.turnout(1, 6);
    feed.publish(night.cut()).unwrap();
    drop(whole);
    assert_eq!(feed.latest().stalled_since(), None);
}

#[test]
fn a_count_falls_only_where_a_correction_says_why() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.votes = true;
    night.report(1, 200);
    feed.publish(night.cut()).unwrap();
    let high = Arc::new(night.of(1));
    night.report(1, 150);
    let mut cut = night.cut();
    let breach = feed.publish(cut.clone()).unwrap_err();
    assert!(matches!(&breach, Breach::Fell { from: 601, to: 451, .. }), "{breach}");
    let low = Arc::new(night.of(1));
    cut.corrections.push(country::correction(1, &high, &low, cut.at));
    let position = feed.publish(cut.clone()).unwrap();
    let corrected = feed.corrections();
    assert_eq!((corrected.len(), &corrected[0].position), (1, &position));
    assert_eq!(corrected[0].correction.decision.reason, "counted twice");
    night.report(1, 140);
    assert!(matches!(feed.publish(night.cut()), Err(Breach::Fell { .. })), "one correction, one fall");
}

#[test]
fn a_count_falls_by_no_more_than_its_correction_says() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.votes = true;
    night.report(1, 200);
    night.report(2, 200);
    feed.publish(night.cut()).unwrap();
    let high = Arc::new(night.of(1));
    night.report(1, 150);
    let corrected = country::correction(1, &high, &Arc::new(night.of(1)), night.now);
    night.report(1, 149);
    let mut cut = night.cut();
    cut.corrections.push(corrected);
    let breach = feed.publish(cut).unwrap_err();
    assert!(matches!(&breach, Breach::Fell { .. }), "{breach}");
    night.report(1, 150);
    let position = feed.publish(night.cut()).unwrap();
    assert_eq!(feed.corrections()[0].position, position, "the correction waited for the version it is of");
    night.report(2, 199);
    assert!(matches!(feed.publish(night.cut()), Err(Breach::Fell { .. })), "it is of one precinct");
}

#[test]
fn under_the_embargo_a_hidden_count_may_be_replaced() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    night.report(1, 200);
    feed.publish(night.cut()).unwrap();
    night.report(1, 150);
    feed.publish(night.cut()).unwrap();
}

#[test]
fn versions_are_kept_up_to_their_number_and_found_by_number_and_time() {
    let definition = country::definition(SMALL);
    let options = Options { kept_versions: 3, ..Options::starting(OPEN - Duration::from_secs(1)) };
    let (feed, mut night) = (country::feed_with(&definition, options), Night::new(&definition));
    for round in 1..=5 {
        night.turnout(1, round);
        feed.publish(night.cut()).unwrap();
    }
    assert_eq!(feed.current().number(), 6);
    assert!(feed.version(3).is_none() && feed.version(7).is_none());
    let fourth = feed.version(4).unwrap();
    let past = read(feed.past(&fourth).plain());
    assert_eq!((&past["version"], &past["units"][0]["turnout"]["identified"]), (&json!(4), &json!(3)));
    assert_eq!(feed.at(fourth.at()).unwrap().number(), 4);
    assert_eq!(feed.at(fourth.at() + Duration::from_millis(249)).unwrap().number(), 4);
    assert_eq!(feed.at(CLOSE).unwrap().number(), 6);
    assert!(feed.at(OPEN).is_none(), "no longer kept");
    assert_eq!(feed.past(&fourth).plain().as_ptr(), feed.past(&fourth).plain().as_ptr());
}

#[test]
fn versions_are_kept_up_to_their_bytes() {
    let definition = country::definition(SMALL);
    let options = Options { kept_bytes: 20_000, ..Options::starting(OPEN) };
    let (feed, mut night) = (country::feed_with(&definition, options), Night::new(&definition));
    for round in 1..=200 {
        night.turnout(1, round);
        feed.publish(night.cut()).unwrap();
    }
    assert!(feed.version(2).is_none());
    assert!(feed.version(200).is_some());
}

#[test]
fn the_status_follows_the_country() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    let expected = [
        (Phase::Open, "open"),
        (Phase::Counting, "counting"),
        (Phase::Reported, "complete"),
        (Phase::Certified, "certified"),
    ];
    for (phase, status) in expected {
        night.phase(phase);
        feed.publish(night.cut()).unwrap();
        assert_eq!(feed.current().status().as_str(), status);
    }
}

#[test]
fn a_filter_names_kinds_or_units_of_this_election() {
    let feed = country::feed(&country::definition(SMALL));
    let units = |text| feed.latest().snapshot(&feed.filter(text).unwrap()).units;
    assert_eq!((units("country"), units("regions,districts"), units("precincts")), (1, 4, 9));
    assert_eq!(units("regions,region:r1,precinct:2,precinct:2"), 3);
    for (bad, says) in [
        ("", "neither a kind"),
        ("region", "neither a kind"),
        ("country,,", "neither a kind"),
        ("region:atlantis", "no unit region:atlantis"),
        ("precinct:10", "no unit precinct:10"),
    ] {
        assert!(feed.filter(bad).unwrap_err().to_string().contains(says), "{bad}");
    }
    let many = vec!["precinct:1"; 600].join(",");
    assert!(feed.filter(&many).unwrap_err().to_string().contains("at most"));
}

#[test]
fn the_series_gives_what_was_known_at_the_end_of_each_step() {
    let definition = country::definition(SMALL);
    let (feed, mut night) = (country::feed(&definition), Night::new(&definition));
    for minute in [0, 4, 11] {
        night.now = OPEN + Duration::from_secs(60 * minute);
        night.turnout(1, 100 + minute);
        feed.publish(night.cut()).unwrap();
    }
    let points = feed.series().points(&UnitId::Country, 300).unwrap();
    let seen: Vec<_> =
        points.iter().map(|point| (point.at.since(OPEN).as_secs(), point.identified)).collect();
    assert_eq!(seen, [(300, 104), (600, 104), (660, 111)]);
    assert_eq!((points[0].of_precincts, points[0].of_registered, points[0].turnout_precincts), (9, 9000, 1));
    assert_eq!(feed.series().points(&"district:2".parse().unwrap(), 300).unwrap(), []);
    assert!(feed.series().points(&"precinct:1".parse().unwrap(), 300).is_none());
    assert!(feed.series().points(&"region:atlantis".parse().unwrap(), 300).is_none());
}

#[test]
fn a_series_is_bounded_even_when_clocks_leap() {
    let definition = country::definition(SMALL);
    let feed = country::feed(&definition);
    let mut figures = Night::new(&definition).of(1);
    for minute in 0..10_000u64 {
        figures.turnout.identified = election::Count::new(minute);
        feed.series().record(OPEN + Duration::from_secs(60 * minute), &UnitId::Country, &figures);
    }
    feed.series().record(OPEN, &UnitId::Country, &figures);
    let points = feed.series().points(&UnitId::Country, 0).unwrap();
    assert_eq!((points.len(), points.last().unwrap().identified), (4_320, 9_999));
    let hours = feed.series().points(&UnitId::Country, 3_600).unwrap();
    assert_eq!(hours.len(), 73);
}
