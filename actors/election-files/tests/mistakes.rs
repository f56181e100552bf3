//! Every mistake in an election directory is told with its file, line and column.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use election_files::parse;

type Files = BTreeMap<String, Vec<u8>>;

const DIR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/elections/vec-1");
const NAMES: [&str; 7] = [
    "election.toml",
    "units.csv",
    "precincts.csv",
    "precinct_contests.csv",
    "options.csv",
    "list_candidates.csv",
    "devices.csv",
];

fn valid() -> Files {
    NAMES.iter().map(|name| ((*name).to_owned(), std::fs::read(format!("{DIR}/{name}")).unwrap())).collect()
}

/// The valid election with one text of one file replaced, everywhere in it.
fn with(file: &str, old: &str, new: &str) -> Files {
    let mut files = valid();
    replace(&mut files, file, old, new);
    files
}

fn replace(files: &mut Files, file: &str, old: &str, new: &str) {
    let text = String::from_utf8(files[file].clone()).unwrap();
    assert!(text.contains(old), "{file} has no {old}");
    files.insert(file.to_owned(), text.replace(old, new).into_bytes());
}

fn append(file: &str, line: &str) -> Files {
    let mut files = valid();
    files.get_mut(file).unwrap().extend_from_slice(line.as_bytes());
    files
}

#[track_caller]
fn tells(files: &Files, expected: &[&str]) {
    let told = match parse(files) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    };
    assert_eq!(told, expected.join("\n"));
}

#[track_caller]
fn warns(files: &Files, expected: &str) {
    let loaded = parse(files).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.warnings.iter().any(|warning| warning.to_string() == expected), "{:#?}", loaded.warnings);
}

#[test]
fn a_missing_file_is_told_and_so_are_the_mistakes_of_the_others() {
    let mut files = with("devices.csv", "id_terminal", "terminal");
    files.remove("precincts.csv");
    tells(
        &files,
        &[
            "precincts.csv:1: the file is missing",
            "devices.csv:2: kind: \"terminal\" is not urn or id_terminal",
        ],
    );
    for name in NAMES.into_iter().filter(|name| *name != "list_candidates.csv") {
        let mut files = valid();
        files.remove(name);
        tells(&files, &[&format!("{name}:1: the file is missing")]);
    }
}

#[test]
fn a_missing_list_of_candidates_is_a_doubt() {
    let mut files = valid();
    files.remove("list_candidates.csv");
    warns(&files, "list_candidates.csv:1: the file is missing: preference votes can have no names");
}

#[test]
fn a_missing_column_is_told_once() {
    let files = with("precincts.csv", "count,registered", "count,voters");
    tells(&files, &["precincts.csv:1: registered: column is missing"]);
    let files = with("devices.csv", "device,kind", "id,type");
    tells(&files, &["devices.csv:1: device: column is missing", "devices.csv:1: kind: column is missing"]);
}

#[test]
fn a_column_that_stands_twice_is_told() {
    let files = with("precincts.csv", "address,phone", "address,address");
    tells(
        &files,
        &["precincts.csv:1: address: column stands here twice", "precincts.csv:1: phone: column is missing"],
    );
}

#[test]
fn an_unknown_column_is_a_doubt() {
    let mut files = with("units.csv", "name_en\n", "name_en,names_en\n");
    replace(&mut files, "units.csv", "Region\n", "Region,x\n");
    replace(&mut files, "units.csv", "Raion\n", "Raion,x\n");
    warns(&files, "units.csv:1: unknown column \"names_en\" is not read, did you mean name_en?");
}

#[test]
fn columns_may_stand_in_any_order_with_windows_line_ends_and_a_byte_order_mark() {
    let mut files = valid();
    let text = "\u{feff}registered,contest,precinct\r\n\r\n1200,list,5001\r\n900,list,5002\r\n,,\r\n";
    files.insert("precinct_contests.csv".into(), text.into());
    tells(&files, &[]);
    let text = "\u{feff}registered,contest,precinct\r\n\r\n1200,list,5001\r\n\r\n\r\n9OO,list,5002\r\n";
    files.insert("precinct_contests.csv".into(), text.into());
    let wrong = "registered: \"9OO\" is not a whole number from 0 to 1000000000";
    tells(&files, &[&format!("precinct_contests.csv:6: {wrong}")]);
    let mut toml = b"\xef\xbb\xbf".to_vec();
    toml.append(&mut valid()["election.toml"].clone());
    let mut files = valid();
    files.insert("election.toml".into(), toml);
    tells(&files, &[]);
}

#[test]
fn semicolons_instead_of_commas_are_explained() {
    let files = with("units.csv", ",", ";");
    let what = "columns are separated by semicolons or tabs: save the file with commas";
    tells(&files, &[&format!("units.csv:1: {what}")]);
}

#[test]
fn an_empty_file_is_told() {
    let mut files = valid();
    files.insert("options.csv".into(), Vec::new());
    tells(&files, &["options.csv:1: the file is empty: its first line names the columns"]);
}

#[test]
fn a_file_that_is_not_utf_8_is_told_with_the_first_such_line() {
    let mut files = append("units.csv", "raion:x,region:osh,\u{e9},b,c\n");
    let bytes = files.get_mut("units.csv").unwrap();
    let at = bytes.iter().rposition(|byte| *byte == 0xc3).unwrap();
    bytes[at] = 0xff;
    tells(&files, &["units.csv:4: this is not UTF-8: save the file as UTF-8"]);
}

#[test]
fn a_record_with_another_number_of_fields_is_told() {
    let files = append("units.csv", "raion:x,region:osh,a,b\n");
    tells(&files, &["units.csv:4: 4 fields where the first line names 5 columns"]);
}

#[test]
fn a_quotation_mark_that_is_not_closed_is_told_where_it_opens() {
    let rest = "x,".repeat(3_000);
    let files = append("units.csv", &format!("raion:x,region:osh,a,b,\"{rest}\n"));
    tells(&files, &["units.csv:4: name_en: longer than 4096 bytes: is a quotation mark not closed?"]);
    let files = append("units.csv", "raion:x,region:osh,a,b,\"c\nd\"\n");
    tells(&files, &["units.csv:4: name_en: has a line break or another control character"]);
}

#[test]
fn a_bad_id_is_told_in_each_file() {
    let digits = "a precinct number: decimal, without leading zero";
    let files = with("precincts.csv", "5002,", "05002,");
    tells(&files, &[&format!("precincts.csv:3: precinct: \"05002\" is not {digits}")]);
    let files = with("options.csv", "list,p02", "list,P_02");
    let slug = "a-z, 0-9 and -, 1 to 32 characters";
    tells(&files, &[&format!("options.csv:3: option: \"P_02\" is not an option id: {slug}")]);
    let files = with("devices.csv", "u-5001-1", "U-5001-1");
    let device = "a device id: a-z, 0-9 and -, 1 to 23 characters";
    tells(&files, &[&format!("devices.csv:3: device: \"U-5001-1\" is not {device}")]);
    let files = with("election.toml", "id = \"vec-1\"", "id = \"Vec 1\"");
    tells(&files, &[&format!("election.toml:2: id: \"Vec 1\" is not an election id: {slug}")]);
    let files = with("units.csv", "region:osh,country", "oblast:osh,country");
    let unit = "a unit: country, abroad, region:…, raion:…, district:… or precinct:…";
    tells(
        &files,
        &[
            &format!("units.csv:2: id: \"oblast:osh\" is not {unit}"),
            "units.csv:3: raion:alay-raion is below region:osh, which units.csv does not list",
        ],
    );
}

#[test]
fn an_id_that_stands_twice_is_told_with_both_lines() {
    let line = "5001,raion:alay-raion,false,urn,7,,,a,b,c,d\n";
    tells(
        &append("precincts.csv", line),
        &["precincts.csv:4: precinct: precinct 5001 stands in line 2 already"],
    );
    let line = "region:osh,country,a,b,c\n";
    tells(&append("units.csv", line), &["units.csv:4: id: region:osh stands in line 2 already"]);
    let line = "list,p01,9,party,a,b,c,,,,\n";
    let what = "option p01 of contest list stands in line 2 already";
    tells(&append("options.csv", line), &[&format!("options.csv:5: option: {what}")]);
    let line = "list,p03,1,party,a,b,c,,,,\n";
    let what = "number 1 of contest list stands in line 2 already";
    tells(&append("options.csv", line), &[&format!("options.csv:5: number: {what}")]);
    let line = "list,p01,17,a,b,c,f,active\n";
    let what = "number 17 of option p01 stands in line 4 already";
    tells(&append("list_candidates.csv", line), &[&format!("list_candidates.csv:6: number: {what}")]);
    let line = "5001,list,3\n";
    let what = "contest list of precinct 5001 stands in line 2 already";
    tells(&append("precinct_contests.csv", line), &[&format!("precinct_contests.csv:4: contest: {what}")]);
    let line = "u-5001-1,urn,5001,,,spare,\n";
    tells(&append("devices.csv", line), &["devices.csv:4: device: device u-5001-1 stands in line 3 already"]);
}

#[test]
fn an_unknown_raion_is_told_with_the_one_that_was_probably_meant() {
    let files = with("precincts.csv", "5002,raion:alay-raion", "5002,raion:alai-raion");
    let what = "units.csv does not list raion:alai-raion, did you mean raion:alay-raion?";
    tells(&files, &[&format!("precincts.csv:3: raion: {what}")]);
    let files = with("precincts.csv", "5002,raion:alay-raion", "5002,region:osh");
    tells(&files, &["precincts.csv:3: raion: region:osh is not a raion"]);
}

#[test]
fn a_precinct_is_in_a_raion_or_abroad() {
    let files = with("precincts.csv", "5002,raion:alay-raion,false", "5002,raion:alay-raion,true");
    tells(&files, &["precincts.csv:3: raion: must be empty for a precinct abroad"]);
    let files = with("precincts.csv", "5002,raion:alay-raion,false", "5002,,");
    let what = "is empty: name its raion, or write true under abroad";
    tells(&files, &[&format!("precincts.csv:3: raion: {what}")]);
    let files = with("precincts.csv", "5002,raion:alay-raion,false", "5002,,yes");
    tells(&files, &["precincts.csv:3: abroad: \"yes\" is not true or false"]);
    tells(&with("precincts.csv", "5002,raion:alay-raion,false", "5002,,true"), &[]);
}

#[test]
fn a_bad_number_is_told() {
    let number = "is not a whole number from 0 to 1000000000";
    for bad in ["1 200", "-1", "+5", "1.5", "1000000001", "99999999999999999999"] {
        let files = with("precincts.csv", "manual,900", &format!("manual,{bad}"));
        tells(&files, &[&format!("precincts.csv:3: registered: \"{bad}\" {number}")]);
    }
    let files = with("precincts.csv", "manual,900", "manual,");
    tells(&files, &["precincts.csv:3: registered: is empty"]);
    let files = with("list_candidates.csv", "p01,17", "p01,x");
    tells(&files, &["list_candidates.csv:4: number: \"x\" is not a whole number from 0 to 99999"]);
}

#[test]
fn a_bad_position_is_told() {
    let files = with("precincts.csv", "73.2011,39.8022", "733.2011,39.8022");
    tells(&files, &["precincts.csv:3: longitude: \"733.2011\" is not degrees from -180 to 180"]);
    let files = with("precincts.csv", "73.2011,39.8022", "73.2011,NaN");
    tells(&files, &["precincts.csv:3: latitude: \"NaN\" is not degrees from -90 to 90"]);
    let files = with("precincts.csv", "73.2011,39.8022", "73.2011,");
    tells(&files, &["precincts.csv:3: latitude: is empty where longitude is not"]);
    let files = with("precincts.csv", "73.2011,39.8022", ",39.8022");
    tells(&files, &["precincts.csv:3: longitude: is empty where latitude is not"]);
    tells(&with("precincts.csv", "73.2011,39.8022", ","), &[]);
}

#[test]
fn an_empty_name_is_told() {
    let files = with("units.csv", "Алай району", "");
    tells(&files, &["units.csv:3: name_ky: is empty"]);
    let files = with("precincts.csv", "Дом культуры", " ");
    tells(&files, &["precincts.csv:3: name_ru: is empty"]);
}

#[test]
fn a_wrong_word_is_told_with_those_that_are_allowed() {
    let files = with("precincts.csv", "manual", "hand");
    tells(&files, &["precincts.csv:3: count: \"hand\" is not urn or manual"]);
    let files = with("options.csv", "2,party", "2,partie");
    let kinds = "party, candidate, against_all, yes or no";
    tells(&files, &[&format!("options.csv:3: kind: \"partie\" is not {kinds}")]);
    let files = with("options.csv", "#d62728,,,active", "#d62728,x,,gone");
    tells(
        &files,
        &[
            "options.csv:3: sex: \"x\" is not f or m",
            "options.csv:3: status: \"gone\" is not active or withdrawn",
        ],
    );
    let files = with("devices.csv", "active", "Active");
    let statuses = "active, spare or revoked";
    tells(
        &files,
        &[
            &format!("devices.csv:2: status: \"Active\" is not {statuses}"),
            &format!("devices.csv:3: status: \"Active\" is not {statuses}"),
        ],
    );
    let files = with("election.toml", "\"proportional_open_list\"", "\"lists\"");
    let kinds = "proportional_open_list, single_member, multi_member, presidential, referendum or council";
    tells(&files, &[&format!("election.toml:17: contest.kind: \"lists\" is not {kinds}")]);
}

#[test]
fn an_unknown_contest_is_told() {
    let files = with("options.csv", "list,none", "lists,none");
    let what = "contest lists is not declared in election.toml, did you mean list?";
    tells(&files, &[&format!("options.csv:4: contest: {what}")]);
    let files = with("precinct_contests.csv", "5002,list", "5002,president");
    let what = "contest president is not declared in election.toml";
    tells(&files, &[&format!("precinct_contests.csv:3: contest: {what}")]);
    let files = with("devices.csv", "5001,list", "5001,list;lost");
    let what = "contest lost is not declared in election.toml, did you mean list?";
    tells(&files, &[&format!("devices.csv:3: contests: {what}")]);
    let files = with("precinct_contests.csv", "5002,list", "5002,list:12");
    let what = "contest list has the scope country: write list alone";
    tells(&files, &[&format!("precinct_contests.csv:3: contest: {what}")]);
}

#[test]
fn an_unknown_option_is_told() {
    let files = with("list_candidates.csv", "list,p02", "list,p03");
    let what = "contest list has no option p03 in options.csv, did you mean p01?";
    tells(&files, &[&format!("list_candidates.csv:5: option: {what}")]);
}

#[test]
fn a_bad_colour_is_told() {
    let files = with("options.csv", "#d62728", "red");
    tells(&files, &["options.csv:3: color: \"red\" is not a colour: write #rrggbb"]);
}

#[test]
fn an_unknown_precinct_is_told() {
    let files = with("devices.csv", "t-5001-1,id_terminal,5001", "t-5001-1,id_terminal,5003");
    tells(&files, &["devices.csv:2: precinct: precincts.csv does not list precinct 5003"]);
    let files = append("precinct_contests.csv", "5003,list,7\n");
    tells(&files, &["precinct_contests.csv:4: precinct: precincts.csv does not list precinct 5003"]);
}

#[test]
fn a_bad_key_is_told() {
    let key = "98dd1cd136ad27d0f6edccaf5822dbdb43e33fcf0c5846aef98886c9b1885340";
    let files = with("devices.csv", key, &key[..62]);
    let start = &key[..48];
    let what = format!("\"{start}…\" is not a key: write 64 hex digits, or nothing");
    tells(&files, &[&format!("devices.csv:3: public_key: {what}")]);
    let files = with("devices.csv", key, &key.replace('e', "g"));
    assert!(parse(&files).is_err());
    let terminal = "d66a146b207d7839febaa2a5a6ea38c9ca1ff68f6e9260f24909ca11a7fc9701";
    let files = with("devices.csv", key, terminal);
    let what = "is the key of the device in line 2: each has its own";
    tells(&files, &[&format!("devices.csv:3: public_key: {what}")]);
}

#[test]
fn a_device_cannot_replace_itself_or_a_stranger() {
    let files = with("devices.csv", "b1885340,active,", "b1885340,active,u-5001-1");
    tells(&files, &["devices.csv:3: replaces: device u-5001-1 cannot replace itself"]);
    let files = with("devices.csv", "b1885340,active,", "b1885340,active,u-5001-0");
    let what = "device u-5001-1 replaces u-5001-0, which devices.csv does not list";
    tells(&files, &[&format!("devices.csv:3: {what}")]);
}

#[test]
fn cross_checks_of_the_definition_are_told_with_their_line() {
    let files = with("devices.csv", "t-5001-1,id_terminal,5001,", "t-5001-1,id_terminal,5001,list");
    tells(&files, &["devices.csv:2: device t-5001-1 is an ID terminal: it counts no contest"]);
    let files = with("precinct_contests.csv", "5002,list,900\n", "");
    let what = "precinct 5002 votes on nothing: precinct_contests.csv has no row for it";
    tells(&files, &[&format!("precincts.csv:3: {what}")]);
    let files = with("units.csv", "raion:alay-raion,region:osh", "raion:alay-raion,country");
    tells(&files, &["units.csv:3: raion:alay-raion cannot be below country"]);
    let files = with("devices.csv", "u-5001-1,urn,5001", "u-5001-1,urn,");
    tells(&files, &["devices.csv:3: device u-5001-1 is active but stands in no precinct"]);
    let files = with("devices.csv", "list", "list list");
    tells(&files, &["devices.csv:3: contests: contest list stands here twice"]);
}

#[test]
fn what_is_allowed_but_probably_not_meant_is_a_doubt() {
    let files = with("precincts.csv", "manual", "urn");
    let what = "precinct 5002 counts by urn but has no active urn for each of its contests";
    warns(&files, &format!("precincts.csv:3: {what}"));
}

#[test]
fn units_that_exist_by_themselves_are_not_listed() {
    let files = append("units.csv", "abroad,country,a,b,c\n");
    tells(&files, &["units.csv:4: id: abroad exists by itself: leave this line out"]);
    let files = append("units.csv", "precinct:5001,raion:alay-raion,a,b,c\n");
    tells(&files, &["units.csv:4: id: precinct:5001 belongs in precincts.csv"]);
    let files = append("units.csv", "raion:x,,a,b,c\n");
    tells(&files, &["units.csv:4: parent: is empty"]);
    tells(&append("units.csv", "district:1,,a,b,c\n"), &[]);
}

#[test]
fn mistakes_of_all_files_are_told_at_once_in_their_order() {
    let mut files = with("devices.csv", "id_terminal", "box");
    replace(&mut files, "precincts.csv", "manual,900", "manual,many");
    replace(&mut files, "election.toml", "20:00", "20.00");
    replace(&mut files, "units.csv", "Алай району", "");
    replace(&mut files, "options.csv", "#d62728", "red");
    let told = parse(&files).unwrap_err();
    let places: Vec<_> = told.iter().map(|told| format!("{}:{}", told.file, told.line)).collect();
    let expected = ["election.toml:9", "units.csv:3", "precincts.csv:3", "options.csv:3", "devices.csv:2"];
    assert_eq!(places, expected);
    assert_eq!(told.count(), 5);
}
