//! What elections without a mistake become.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, fs, path::Path};

use election::{
    ContestId, Count, PrecinctId, Timestamp, UnitId,
    definition::{Counting, DeviceKind, OptionKind, Threshold},
    report::Digest,
    seats::SeatRules,
};
use election_files::{Loaded, load, parse};

const VEC_1: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elections/vec-1");

fn vec_1() -> Loaded {
    load(Path::new(VEC_1)).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

fn precinct(number: u32) -> PrecinctId {
    PrecinctId::new(number).unwrap()
}

fn contest(id: &str) -> ContestId {
    id.parse().unwrap()
}

#[test]
fn the_election_of_the_vectors_is_read_as_it_is_written() {
    let definition = vec_1().definition;
    let about = definition.about();
    assert_eq!(about.id.as_str(), "vec-1");
    assert_eq!(about.polls_open, Timestamp::from_millis(1_764_468_000_000));
    assert_eq!(about.polls_close, Timestamp::from_millis(1_764_511_200_000));
    assert_eq!((about.test, about.age_bands.as_slice()), (true, &[18, 30, 45, 60][..]));
    let list = &definition.contests()[0];
    let options: Vec<_> = list.options.iter().map(|option| option.id.as_str()).collect();
    assert_eq!(options, ["p01", "p02", "none"]);
    assert_eq!(list.options[2].kind, OptionKind::AgainstAll);
    assert_eq!(list.threshold, Threshold { national: Some(500), regional: Some(50), turnout: None });
    assert_eq!(list.rules, SeatRules { women_share: Some(3_000), ..SeatRules::default() });
    assert_eq!((list.seats, list.seat_cap, list.unit.clone()), (54, Some(27), UnitId::Country));
    let numbers: Vec<_> = list.options[0].candidates.iter().map(|candidate| candidate.number).collect();
    assert_eq!(numbers, [1, 2, 17]);
    let first = &definition.precincts()[&precinct(5001)];
    assert_eq!((first.registered, first.counting), (Count::new(1200), Counting::Urn));
    assert_eq!(first.position, Some((73.1234, 39.7712)));
    assert_eq!(first.address, "Гүлчө, Ленин көчөсү 1");
    let ix = definition.contest_ix(&contest("list")).unwrap();
    assert_eq!(definition.precincts()[&precinct(5002)].registered_for(ix), Some(Count::new(900)));
    let urn = &definition.devices()["u-5001-1"];
    assert_eq!((urn.kind, urn.contests.as_slice()), (DeviceKind::Urn, &[ix][..]));
    assert_eq!(Digest(urn.public_key.unwrap()).to_string()[..8], *"98dd1cd1");
}

/// Two districts, remote voting, voters abroad in another time zone, a spare device.
fn with_districts() -> BTreeMap<String, Vec<u8>> {
    let mut files: BTreeMap<String, Vec<u8>> = fs::read_dir(VEC_1)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect();
    let mut add = |file: &str, text: &str| files.get_mut(file).unwrap().extend_from_slice(text.as_bytes());
    add(
        "election.toml",
        "\n[[contest]]\nid = \"single\"\nkind = \"single_member\"\nscope = \"district\"\n\
         name = { ky = \"Округ\", ru = \"Округ\", en = \"District\" }\n",
    );
    add("units.csv", "district:9,country,а,б,c\ndistrict:12,,а,б,c\n");
    add("precinct_contests.csv", "5001,single:12,1150\n5002,single:9,850\n");
    add(
        "options.csv",
        "single:12,c02,2,candidate,а,б,c,,f,Party,withdrawn\nsingle:12,c01,1,candidate,а,б,c,,m,,\n\
         single:9,c01,1,candidate,а,б,c,,m,,active\n",
    );
    add("devices.csv", "u-5001-2,urn,5001,list single:12,,active,\nspare-1,urn,,,,spare,u-5001-1\n");
    files
}

#[test]
fn a_contest_of_districts_is_one_contest_for_each_district() {
    let loaded = parse(&with_districts()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let definition = loaded.definition;
    let ids: Vec<_> = definition.contests().iter().map(|contest| contest.id.as_str()).collect();
    assert_eq!(ids, ["list", "single:9", "single:12"]);
    let twelve = definition.contest(definition.contest_ix(&contest("single:12")).unwrap());
    assert_eq!((twelve.of.as_str(), twelve.unit.to_string()), ("single", "district:12".to_owned()));
    assert_eq!(twelve.name.en, "District");
    let ballot: Vec<_> = twelve.options.iter().map(|option| option.id.as_str()).collect();
    assert_eq!(ballot, ["c01", "c02"]);
    assert_eq!(definition.precincts()[&precinct(5001)].contests.len(), 2);
    assert_eq!(definition.devices()["u-5001-2"].contests.len(), 2);
    let spare = &definition.devices()["spare-1"];
    assert_eq!((spare.precinct, spare.public_key), (None, None));
    assert_eq!(spare.replaces.as_ref().unwrap().as_str(), "u-5001-1");
}

#[test]
fn mistakes_about_the_contests_of_districts_are_told() {
    let told = |file: &str, old: &str, new: &str| {
        let mut files = with_districts();
        let text = String::from_utf8(files[file].clone()).unwrap();
        assert!(text.contains(old), "{old}");
        files.insert(file.to_owned(), text.replace(old, new).into_bytes());
        parse(&files).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        told("precinct_contests.csv", "5001,single:12", "5001,single"),
        "precinct_contests.csv:4: contest: contest single is voted by district: write single: and the \
         district's number"
    );
    assert_eq!(
        told("units.csv", "district:9,", "district:8,"),
        "options.csv:7: contest single:9 is of district:9, which units.csv does not list"
    );
    assert_eq!(
        told("devices.csv", "list single:12", "list single:13"),
        "devices.csv:4: contests: contest single:13 stands neither in options.csv nor in precinct_contests.csv"
    );
    assert_eq!(
        told("devices.csv", "list single:12", "list single:9"),
        "devices.csv:4: device u-5001-2 counts a contest that precinct 5001 does not vote on"
    );
    assert_eq!(
        told("options.csv", "single:9,c01,1,candidate,а,б,c,,m,,active\n", ""),
        "precinct_contests.csv:5: contest single:9 has no options"
    );
}

#[test]
fn polls_close_by_the_clock_of_the_precinct() {
    let mut files = with_districts();
    let text = "precinct,raion,abroad,count,registered,longitude,latitude,name_ky,name_ru,address,phone,timezone,polls_close\n\
        5001,raion:alay-raion,,,1200,,,а,б,,,,21:00\n\
        5002,,true,manual,900,,,а,б,,,Asia/Seoul,\n";
    files.insert("precincts.csv".into(), text.into());
    let definition = parse(&files).unwrap_or_else(|mistakes| panic!("{mistakes}")).definition;
    let home = definition.about().polls_close.millis();
    assert_eq!(definition.precincts()[&precinct(5001)].polls_close.millis(), home + 3_600_000);
    assert_eq!(definition.precincts()[&precinct(5002)].polls_close.millis(), home - 3 * 3_600_000);
    assert_eq!(definition.precincts()[&precinct(5002)].parent, UnitId::Abroad);

    files
        .insert("precincts.csv".into(), text.replace("Asia/Seoul,", "Seoul,").replace("21:00", "9pm").into());
    let told = parse(&files).map(|_| ()).unwrap_err().to_string();
    let expected = "precincts.csv:2: polls_close: \"9pm\" is not a time: write HH:MM in local time, or a full one \
        such as 2025-11-30T14:00:00Z\n\
        precincts.csv:3: timezone: \"Seoul\" is not a time zone: write an IANA name such as Asia/Bishkek";
    assert_eq!(told, expected);
}

#[test]
fn every_byte_of_every_file_is_in_the_digest() {
    let files = with_districts();
    let digest = |files: &BTreeMap<String, Vec<u8>>| parse(files).unwrap().definition.digest();
    let first = digest(&files);
    assert_eq!(first, digest(&files));
    for name in files.keys().filter(|name| name.ends_with(".csv") || name.ends_with(".toml")) {
        let mut changed = files.clone();
        changed.get_mut(name).unwrap().push(b'\n');
        assert_ne!(digest(&changed), first, "{name}");
    }
    let mut stranger = files.clone();
    stranger.insert("notes.txt".into(), b"x".to_vec());
    assert_eq!(digest(&stranger), first);
    let facts = parse(&stranger).unwrap().files;
    assert_eq!((facts.len(), facts["units.csv"].bytes), (7, files["units.csv"].len() as u64));
}

fn layer(ids: &[&str]) -> Vec<u8> {
    let features: Vec<_> = ids
        .iter()
        .map(|id| format!("{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{id}\"}},\"geometry\":null}}"))
        .collect();
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}", features.join(",\n")).into_bytes()
}

#[test]
fn the_shapes_of_a_layer_are_those_of_its_units() {
    let mut files = with_districts();
    files.insert("boundaries/districts.geojson".into(), layer(&["district:9", "district:12"]));
    files.insert("boundaries/precincts.geojson".into(), layer(&["precinct:5001"]));
    let loaded = parse(&files).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(loaded.boundaries.keys().collect::<Vec<_>>(), ["districts", "precincts"]);
    let expected = "boundaries/precincts.geojson:1: there is no shape for precinct:5002 and 0 more: the map \
        cannot show each precinct";
    assert!(loaded.warnings.iter().any(|warning| warning.to_string() == expected), "{:#?}", loaded.warnings);
    let expected = "boundaries/raions.geojson:1: the file is missing: the map cannot show each raion";
    assert!(loaded.warnings.iter().any(|warning| warning.to_string() == expected), "{:#?}", loaded.warnings);

    let told = |ids: &[&str]| {
        let mut files = files.clone();
        files.insert("boundaries/districts.geojson".into(), layer(ids));
        parse(&files).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        told(&["district:9", "district:13"]),
        "boundaries/districts.geojson:3: id: \"district:13\" is not a district of this election"
    );
    assert_eq!(
        told(&["district:9", "district:12", "district:9"]),
        "boundaries/districts.geojson:4: id: district:9 stands here twice"
    );
    files.insert("boundaries/districts.geojson".into(), b"{\"type\":\n3}".to_vec());
    let told = parse(&files).map(|_| ()).unwrap_err().to_string();
    assert!(told.starts_with("boundaries/districts.geojson:2: this is not GeoJSON"), "{told}");
    files.insert("boundaries/districts.geojson".into(), b"{\"type\":\"Topology\",\"features\":[]}".to_vec());
    let told = parse(&files).map(|_| ()).unwrap_err().to_string();
    assert_eq!(told, "boundaries/districts.geojson:1: type: \"Topology\" is not FeatureCollection");
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let told = load(Path::new("/nonexistent/election")).unwrap_err().to_string();
    let what = "there is no such directory: give the directory that election.toml is in";
    assert_eq!(told, format!("/nonexistent/election: {what}"));
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(VEC_1).unwrap().map(|entry| entry.unwrap()) {
        fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
    }
    fs::rename(dir.path().join("list_candidates.csv"), dir.path().join("list_candidate.csv")).unwrap();
    let warnings = load(dir.path()).unwrap().warnings;
    let expected = "list_candidate.csv: this file is not read, did you mean list_candidates.csv?";
    assert!(warnings.iter().any(|warning| warning.to_string() == expected), "{warnings:#?}");
    fs::create_dir(dir.path().join("list_candidates.csv")).unwrap();
    let told = load(dir.path()).unwrap_err().to_string();
    assert!(told.starts_with("list_candidates.csv: cannot be read: "), "{told}");
    let huge = fs::File::create(dir.path().join("options.csv")).unwrap();
    huge.set_len(election_files::MAX_FILE_BYTES + 1).unwrap();
    let told = load(dir.path()).unwrap_err().to_string();
    assert!(told.contains("options.csv: is larger than 536870912 bytes"), "{told}");
}

#[test]
fn the_demonstration_election_has_no_mistake() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ops/elections/kg-demo");
    let loaded = load(Path::new(dir)).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(loaded.definition.precincts().len(), 2_459);
    assert!(loaded.definition.about().test, "a demonstration says that it is one");
    assert_eq!(loaded.boundaries.len(), 4);
}
