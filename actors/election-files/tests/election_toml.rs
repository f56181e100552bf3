//! Mistakes and defaults of `election.toml`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, time::Duration};

use election::{
    Limits, Timestamp,
    definition::{ContestKind, Method, ShareOf, Threshold},
    seats::{
        AgainstAll, OneSex, OutsidePremises, PreferenceTies, Rounding, SeatRules, Surplus, WithdrawnVotes,
    },
};
use election_files::{Loaded, parse};

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elections/vec-1");

fn files(toml: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(DIR).unwrap().map(|entry| entry.unwrap());
    let read = |entry: std::fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    };
    let mut files: BTreeMap<_, _> = entries.map(read).collect();
    files.insert("election.toml".into(), toml.into());
    files
}

/// The valid document with one text replaced.
fn with(old: &str, new: &str) -> String {
    let text = std::fs::read_to_string(format!("{DIR}/election.toml")).unwrap();
    assert!(text.contains(old), "there is no {old}");
    text.replacen(old, new, 1)
}

#[track_caller]
fn tells(toml: &str, expected: &[&str]) {
    let told = parse(&files(toml)).map(|_| String::new()).unwrap_or_else(|told| told.to_string());
    assert_eq!(told, expected.join("\n"));
}

#[track_caller]
fn loads(toml: &str) -> Loaded {
    parse(&files(toml)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

#[test]
fn broken_grammar_is_told_with_its_line() {
    let told = parse(&files(&with("test = true", "test = = true"))).unwrap_err().to_string();
    assert!(told.starts_with("election.toml:11: this is not TOML: "), "{told}");
    let told = parse(&files(&with("test = true", "test = true\ntest = false"))).unwrap_err().to_string();
    assert!(told.starts_with("election.toml:12: this is not TOML: duplicate key"), "{told}");
}

#[test]
fn a_document_that_nests_without_end_is_refused() {
    let deep = format!("test = {}", "[".repeat(100_000));
    let told = parse(&files(&with("test = true", &deep))).unwrap_err().to_string();
    assert!(told.contains("election.toml:11: this is not TOML: "), "{}", told.len());
}

#[test]
fn a_missing_key_is_told_where_its_table_begins() {
    tells(&with("data_licence = \"CC-BY-4.0\"\n", ""), &["election.toml:1: data_licence: is missing"]);
    tells(&with("name.ru = \"Проверочные выборы\"\n", ""), &["election.toml:3: name.ru: is missing"]);
    tells(&with("date = \"2025-11-30\"\n", ""), &["election.toml:1: date: is missing"]);
    tells(&with("name.en = \"Party lists\"\n", ""), &["election.toml:18: contest.name.en: is missing"]);
    let told = parse(&files(&with("kind = \"proportional_open_list\"\n", ""))).unwrap_err().to_string();
    assert_eq!(told, "election.toml:15: contest.kind: is missing");
}

#[test]
fn an_unknown_key_is_told_with_the_one_that_was_probably_meant() {
    tells(
        &with("polls_close", "polls_closed"),
        &[
            "election.toml:1: polls_close: is missing",
            "election.toml:9: polls_closed: unknown key, did you mean polls_close?",
        ],
    );
    tells(
        &with("threshold.national", "threshold.nation"),
        &["election.toml:24: contest.threshold.nation: unknown key, did you mean national?"],
    );
    tells(&with("seat_cap", "ceiling"), &["election.toml:27: contest.ceiling: unknown key"]);
    tells(
        &with("[[contest]]", "[rules]\nturnout = \"95\"\n\n[[contest]]"),
        &["election.toml:16: rules.turnout: unknown key"],
    );
}

#[test]
fn a_value_of_another_type_is_told() {
    tells(
        &with("test = true", "test = \"yes\""),
        &["election.toml:11: test: must be true or false, not string"],
    );
    tells(
        &with("seats = 54", "seats = \"54\""),
        &["election.toml:22: contest.seats: must be a whole number, not string"],
    );
    tells(&with("seats = 54", "seats = 0"), &["election.toml:22: contest.seats: must be from 1 to 10000"]);
    tells(&with("seats = 54", "seats = -1"), &["election.toml:22: contest.seats: must be from 1 to 10000"]);
    tells(
        &with("\"CC-BY-4.0\"", "4"),
        &["election.toml:13: data_licence: must be a text in quotation marks, not integer"],
    );
    tells(&with("\"CC-BY-4.0\"", "\" \""), &["election.toml:13: data_licence: is empty"]);
    tells(
        &with("\"CC-BY-4.0\"", "\"a\\nb\""),
        &["election.toml:13: data_licence: has a line break or another control character"],
    );
    let long = format!("\"{}\"", "x".repeat(1_001));
    tells(&with("\"CC-BY-4.0\"", &long), &["election.toml:13: data_licence: longer than 1,000 bytes"]);
    tells(
        &with("[18, 30, 45, 60]", "18"),
        &["election.toml:12: age_bands: must be a list of whole numbers, not integer"],
    );
    tells(&with("[18, 30, 45, 60]", "[18, 300]"), &["election.toml:12: age_bands: must be from 0 to 255"]);
    tells(&with("[18, 30, 45, 60]", "[30, 18]"), &["election.toml:12: age_bands do not rise"]);
    tells(
        &with("[[contest]]\n", "[[contest]]\nquotas = 3\n").replace("quotas.women_share = \"30\"\n", ""),
        &["election.toml:16: contest.quotas: must be a table, not integer"],
    );
    tells(
        &with("kind = \"parliamentary\"", "kind = \"The Best\""),
        &[
            "election.toml:10: kind: \"The Best\" is not a kind of election: write a word such as parliamentary",
        ],
    );
}

#[test]
fn a_bad_share_is_told() {
    let expected = "is not a share in percent from 0 to 100 with at most two decimals, such as \"0.5\"";
    tells(
        &with("\"0.5\"", "\"0,5\""),
        &[&format!("election.toml:25: contest.threshold.regional: \"0,5\" {expected}")],
    );
    tells(
        &with("women_share = \"30\"", "women_share = \"130\""),
        &[&format!("election.toml:28: contest.quotas.women_share: \"130\" {expected}")],
    );
    let quoted = "must be a decimal in quotation marks, such as \"0.5\", not float";
    tells(&with("\"0.5\"", "0.5"), &[&format!("election.toml:25: contest.threshold.regional: {quoted}")]);
}

#[test]
fn a_bad_date_time_or_time_zone_is_told_once() {
    tells(
        &with("2025-11-30", "30.11.2025"),
        &["election.toml:6: date: \"30.11.2025\" is not a date: write YYYY-MM-DD"],
    );
    let zone = "is not a time zone: write an IANA name such as Asia/Bishkek";
    tells(
        &with("Asia/Bishkek", "Asia/Biskek"),
        &[&format!("election.toml:7: timezone: \"Asia/Biskek\" {zone}")],
    );
    let time = "is not a time: write HH:MM in local time, or a full one such as 2025-11-30T14:00:00Z";
    tells(&with("20:00", "8 pm"), &[&format!("election.toml:9: polls_close: \"8 pm\" {time}")]);
    tells(&with("08:00", "8:00"), &[&format!("election.toml:8: polls_open: \"8:00\" {time}")]);
    tells(&with("20:00", "07:00"), &["election.toml:9: polls_close is not after polls_open"]);
    tells(
        &with("kind = ", "publish_votes_from = \"19:00\"\nkind = "),
        &[
            "election.toml:10: publish_votes_from is before polls_close: votes would be shown while people vote",
        ],
    );
}

#[test]
fn contests_are_declared_once_and_without_a_district() {
    let second = "[[contest]]\nid = \"list\"\nkind = \"council\"\nname = {ky = \"a\", ru = \"b\", en = \"c\"}\n\n[[contest]]";
    tells(
        &with("[[contest]]", second),
        &["election.toml:21: contest.id: contest list stands in line 15 already"],
    );
    let told = parse(&files(&with("id = \"list\"", "id = \"list:1\""))).unwrap_err().to_string();
    assert_eq!(
        told,
        "election.toml:16: contest.id: \"list:1\" names a district: declare the contest once, for all districts"
    );
    let none = with("[[contest]]", "[contest]");
    tells(&none, &["election.toml:15: contest: must be a list of tables, not table"]);
}

#[test]
fn what_is_not_said_has_its_default() {
    let toml = r#"
        id = "vec-1"
        name = { ky = "а", ru = "б", en = "c" }
        date = 2025-11-30
        timezone = "Asia/Bishkek"
        polls_open = 08:00:00
        polls_close = "2025-11-30T14:00:00Z"
        data_licence = "CC0-1.0"
        [[contest]]
        id = "list"
        kind = "council"
        name = { ky = "а", ru = "б", en = "c" }
    "#;
    let definition = loads(toml).definition;
    let about = definition.about();
    assert_eq!((about.kind.as_str(), about.test, about.age_bands.len()), ("parliamentary", false, 0));
    assert_eq!(about.publish_votes_from, about.polls_close);
    assert_eq!(about.polls_close.since(about.polls_open), Duration::from_secs(12 * 3600));
    assert_eq!(about.limits, Limits::default());
    let contest = &definition.contests()[0];
    assert_eq!((contest.kind, contest.method), (ContestKind::Council, Method::Hare));
    assert_eq!((contest.seats, contest.share_of, contest.seat_cap), (1, ShareOf::VotesCast, None));
    assert_eq!(contest.threshold, Threshold::default());
    assert_eq!(contest.rules, SeatRules::default());
    for (kind, method) in [
        ("single_member", Method::Plurality),
        ("multi_member", Method::Plurality),
        ("referendum", Method::Plurality),
        ("presidential", Method::Majority),
        ("proportional_open_list", Method::Hare),
    ] {
        let definition = loads(&toml.replace("council", kind)).definition;
        assert_eq!(definition.contests()[0].method, method, "{kind}");
    }
}

#[test]
fn rules_that_are_given_replace_their_defaults() {
    let rules = "publish_votes_from = \"21:00\"\n[rules]\nq01_tolerance_s = 60\nclock_limit_s = 61\ninvalid_share_limit = \"5.5\"\nturnout_limit = \"90\"\njump_per_hour = 62\nsilent_after_s = 63\nlate_after_s = 64\n\n[[contest]]";
    let definition = loads(&with("[[contest]]", rules)).definition;
    let expected = Limits {
        early_tolerance_s: 60,
        clock_s: 61,
        invalid_share: 550,
        turnout: 9_000,
        jump_per_hour: 62,
        silent_s: 63,
        late_s: 64,
    };
    assert_eq!(definition.about().limits, expected);
    assert_eq!(definition.about().publish_votes_from, Timestamp::from_millis(1_764_514_800_000));
    let bad = with("[[contest]]", "[rules]\nclock_limit_s = 100000\n\n[[contest]]");
    tells(&bad, &["election.toml:16: rules.clock_limit_s: must be from 0 to 86400"]);
}

#[test]
fn what_the_law_leaves_room_for_is_said_by_the_election() {
    let keys = "seat_cap = 27
seat_cap_surplus = \"vacant\"
withdrawn_votes = \"excluded\"
against_all = \"ignored\"
outside_premises = \"protocols\"
quotas.women_rounding = \"nearest\"
quotas.preference_ties = \"list-order\"
quotas.max_one_sex = 40
quotas.one_sex_district = \"waive\"
threshold.turnout = \"33.33\"
";
    let definition = loads(&with("seat_cap = 27\n", keys)).definition;
    let contest = &definition.contests()[0];
    let expected = SeatRules {
        women_share: Some(3_000),
        women_rounding: Rounding::Nearest,
        preference_ties: PreferenceTies::ListOrder,
        max_one_sex: Some(40),
        one_sex_district: OneSex::Waive,
        surplus: Surplus::Vacant,
        withdrawn_votes: WithdrawnVotes::Excluded,
        against_all: Some(AgainstAll::Ignored),
        outside_premises: OutsidePremises::Protocols,
    };
    assert_eq!((contest.rules, contest.threshold.turnout), (expected, Some(3_333)));
    tells(
        &with("seat_cap = 27\n", "seat_cap_surplus = \"lost\"\n"),
        &["election.toml:27: contest.seat_cap_surplus: \"lost\" is not redistribute or vacant"],
    );
    tells(
        &with("quotas.women_share", "quotas.woman_rounding = \"up\"\nquotas.women_share"),
        &["election.toml:28: contest.quotas.woman_rounding: unknown key, did you mean women_rounding?"],
    );
}

#[test]
fn a_rule_that_does_not_fit_the_kind_is_told() {
    let told = |old: &str, new: &str, expected: &str| {
        tells(&with(old, new), &[&format!("election.toml:15: contest list {expected}")]);
    };
    told("\"hare\"", "\"plurality\"", "is of lists: its method is hare, dhondt or sainte-lague");
    told(
        "seat_cap = 27",
        "against_all = \"first\"",
        "gives against_all an effect that it can have among candidates alone: write ignored",
    );
    told(
        "seat_cap = 27",
        "quotas.max_one_sex = 26",
        "has more seats than quotas.max_one_sex lets both sexes fill",
    );
    let kind = |kind: &str, method: &str, seats: &str| {
        with("\"proportional_open_list\"", kind)
            .replace("method = \"hare\"", &format!("method = {method}"))
            .replace("seats = 54", &format!("seats = {seats}"))
    };
    for (toml, expected) in [
        (kind("\"multi_member\"", "\"hare\"", "3"), "is of no lists: its method is plurality or majority"),
        (kind("\"single_member\"", "\"majority\"", "1"), "is of a district: its method is plurality"),
        (kind("\"presidential\"", "\"majority\"", "2"), "has one result: leave seats out, or write 1"),
        (
            kind("\"presidential\"", "\"majority\"", "1").replace("seat_cap = 27", "against_all = \"above\""),
            "has one seat: against_all is first or ignored",
        ),
    ] {
        tells(&toml, &[&format!("election.toml:15: contest list {expected}")]);
    }
    let regional = kind("\"council\"", "\"hare\"", "5").replace("\"country\"", "\"district\"");
    let mut files = files(&regional);
    for (file, old, new) in [
        ("options.csv", "list,", "list:1,"),
        ("list_candidates.csv", "list,", "list:1,"),
        ("precinct_contests.csv", ",list,", ",list:1,"),
        ("devices.csv", ",list,", ",list:1,"),
    ] {
        let text = String::from_utf8(files[file].clone()).unwrap();
        files.insert(file.to_owned(), text.replace(old, new).into());
    }
    let mut units = files["units.csv"].clone();
    units.extend_from_slice("district:1,country,а,б,c\n".as_bytes());
    files.insert("units.csv".into(), units);
    let told = parse(&files).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains("is of a district: threshold.regional is for the country"), "{told}");
}

#[test]
fn a_referendum_without_yes_or_no_is_a_doubt() {
    let toml = with("\"proportional_open_list\"", "\"referendum\"")
        .replace("method = \"hare\"", "method = \"plurality\"")
        .replace("seats = 54", "seats = 1");
    let warnings = loads(&toml).warnings;
    let expected = "election.toml:15: contest list is a referendum: it needs one yes and one no";
    assert!(warnings.iter().any(|warning| warning.to_string() == expected), "{warnings:#?}");
}
