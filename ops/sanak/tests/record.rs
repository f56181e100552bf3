//! The record of a night, looked at from outside: `sanak journal check` and `export`.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

use std::{
    fs,
    os::unix::fs::FileExt,
    path::Path,
    process::{Command, Output},
};

use device_gateway::Keys;
use device_wire::{
    Authentic, AuthenticReport, SigningKey, Topic, authenticate, encode_report, keys::parse_private, sign,
};
use election::{
    Count, DeviceId, Timestamp,
    record::{Act, Decision, Observation, PublicKey},
    report::{Body, Digest, Report},
};
use journal::{Entry, Journal, Options};
use serde_json::Value;
use tempfile::TempDir;

const ELECTION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors/election-files/tests/elections/vec-1");
const VECTORS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../device-gateway/wire/vectors/device-v1.json");

/// The good reports of the independent vectors, a decision and an observation, on record in a data directory.
/// Returns it, and the envelopes of the reports in hex.
fn night() -> (TempDir, Vec<String>) {
    let data = tempfile::tempdir().unwrap();
    let definition = election_files::load(Path::new(ELECTION)).unwrap().definition;
    let (keys, _) = Keys::of(&definition);
    let (journal, _) =
        Journal::open(&data.path().join("journal"), definition.digest(), Options::default()).unwrap();
    let (appender, thread) = journal.start(|_: Vec<journal::Released<()>>| ()).unwrap();
    let vectors: Value = serde_json::from_str(&fs::read_to_string(VECTORS).unwrap()).unwrap();
    let mut envelopes = Vec::new();
    let mut append = |entry| {
        let at = Timestamp::from_millis(1_764_500_000_000 + envelopes.len() as u64);
        if let Entry::Report(report) = &entry {
            envelopes.push(hex::encode(report.envelope()));
        }
        appender.append_blocking(entry, at, ()).unwrap();
    };
    for message in vectors["messages"].as_array().unwrap() {
        let text = |key: &str| message[key].as_str().unwrap_or_default();
        let Ok(envelope) = hex::decode(text("envelope")) else { continue };
        let checked = authenticate(text("topic"), envelope, &definition.about().id, &keys);
        if let Ok(Authentic::Report(report)) = checked {
            append(Entry::Report(report));
        }
    }
    append(Entry::Observation(Observation::Clock { reached: Timestamp::from_millis(1_764_511_200_000) }));
    append(Entry::Decision(Decision {
        by: "Aigul Asanova".into(),
        reason: "the hand count is in".into(),
        signature: None,
        act: Act::Protocol { precinct: "5002".parse().unwrap(), contests: Vec::new() },
    }));
    drop(appender);
    thread.join().unwrap();
    assert!(envelopes.len() >= 4, "the vectors have a day of two devices");
    (data, envelopes)
}

fn sanak(arguments: &[&str], data: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sanak")).args(arguments).arg("--data").arg(data).output().unwrap()
}

fn check(data: &Path, election: &Path) -> Output {
    sanak(&["journal", "check", "--election", election.to_str().unwrap()], data)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_sound_journal_is_said_to_be_sound() {
    let (data, envelopes) = night();
    let output = check(data.path(), Path::new(ELECTION));
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    let reports = envelopes.len();
    assert!(
        said.starts_with(&format!("{} records: {reports} reports, 1 decisions, 1 observations", reports + 2))
    );
    assert!(said.contains("sound: every checksum and every signature holds"), "{said}");
}

#[test]
fn one_changed_byte_is_found_and_named_by_file_and_record() {
    let (data, _) = night();
    let segment = fs::read_dir(data.path().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(&segment).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    let mut byte = [0];
    file.read_exact_at(&mut byte, middle).unwrap();
    file.write_all_at(&[byte[0] ^ 1], middle).unwrap();

    let output = check(data.path(), Path::new(ELECTION));
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let fault = text(&output.stderr);
    assert!(
        fault.starts_with(&format!("{}: byte ", segment.display())) && fault.contains("record "),
        "{fault}"
    );
    assert!(text(&output.stdout).contains("NOT SOUND"));
    let exported = sanak(&["journal", "export"], data.path());
    assert_eq!(exported.status.code(), Some(1), "what is missing is not passed over");
    assert_eq!(text(&exported.stderr), fault);
}

#[test]
fn a_journal_of_other_election_files_is_refused_in_one_sentence() {
    let (data, _) = night();
    let other = tempfile::tempdir().unwrap();
    for file in fs::read_dir(ELECTION).unwrap() {
        let file = file.unwrap();
        let content = fs::read_to_string(file.path()).unwrap();
        let terminals = "d66a146b207d7839febaa2a5a6ea38c9ca1ff68f6e9260f24909ca11a7fc9701";
        let centres = "be7a6b3782c1e400b7eb76705e19f57b6f9f170b2bde73ca0bc6049b4ccbe893";
        fs::write(other.path().join(file.file_name()), content.replace(terminals, centres)).unwrap();
    }
    let output = check(data.path(), other.path());
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("was begun with other election files: name those"), "{told}");
    assert_eq!(told.lines().count(), 1, "its records are not judged by files that are not theirs:\n{told}");
}

/// A report of the terminal's, the decision that it signs with another key, and a report signed with `second`.
fn reissued(second: &SigningKey) -> TempDir {
    let data = tempfile::tempdir().unwrap();
    let definition = election_files::load(Path::new(ELECTION)).unwrap().definition;
    let (journal, _) =
        Journal::open(&data.path().join("journal"), definition.digest(), Options::default()).unwrap();
    let (appender, thread) = journal.start(|_: Vec<journal::Released<()>>| ()).unwrap();
    let report = |seq: u64, prev, key: &SigningKey| {
        let device: DeviceId = "t-5001-1".parse().unwrap();
        let topic: Topic = "sanak/1/vec-1/5001/t-5001-1/report".parse().unwrap();
        let (election, precinct) = (topic.election.clone(), topic.precinct);
        let body = Body::OpeningTerminal { identified: Count::ZERO };
        let at = Timestamp::from_millis(1_764_500_000_000);
        let report = Report { election, precinct, device, seq, prev, at, body };
        let envelope = sign(&topic, "t-5001-1", &encode_report(&report), key);
        AuthenticReport::from_journal(&topic.to_string(), envelope.into()).unwrap()
    };
    let first = report(1, Digest::NONE, &old_key());
    let behind = report(2, first.digest(), second);
    let decision = Decision {
        by: "Aigul Asanova".into(),
        reason: "its board was changed".into(),
        signature: None,
        act: Act::Reissue {
            precinct: "5001".parse().unwrap(),
            device: "t-5001-1".parse().unwrap(),
            public_key: PublicKey(new_key().verifying_key().to_bytes()),
        },
    };
    for entry in [Entry::Report(first), Entry::Decision(decision), Entry::Report(behind)] {
        appender.append_blocking(entry, Timestamp::from_millis(1_764_500_000_000), ()).unwrap();
    }
    drop(appender);
    thread.join().unwrap();
    data
}

fn old_key() -> SigningKey {
    let vectors: Value = serde_json::from_str(&fs::read_to_string(VECTORS).unwrap()).unwrap();
    parse_private(vectors["keys"]["terminal"]["private"].as_str().unwrap()).unwrap()
}

fn new_key() -> SigningKey {
    SigningKey::from_bytes(&[42; 32])
}

#[test]
fn each_signature_is_checked_with_the_key_that_was_in_force_at_its_place() {
    let data = reissued(&new_key());
    let output = check(data.path(), Path::new(ELECTION));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let data = reissued(&old_key());
    let output = check(data.path(), Path::new(ELECTION));
    assert_eq!(output.status.code(), Some(1));
    let faults = text(&output.stderr);
    assert!(faults.contains("record 3: report 2 of t-5001-1: E03"), "{faults}");
    assert_eq!(faults.lines().count(), 1, "{faults}");
}

#[test]
fn every_record_is_exported_with_the_bytes_that_were_signed() {
    let (data, envelopes) = night();
    let output = sanak(&["journal", "export"], data.path());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<Value> =
        text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let offsets: Vec<u64> = lines.iter().map(|line| line["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (1..=envelopes.len() as u64 + 2).collect::<Vec<_>>());
    let reports = lines.iter().filter(|line| line["record"] == "report");
    let exported: Vec<&str> = reports.map(|line| line["report"]["envelope"].as_str().unwrap()).collect();
    assert_eq!(exported, envelopes);

    let of = |kind: &str| lines.iter().find(|line| line["report"]["type"] == kind).unwrap()["report"].clone();
    assert_eq!(of("turnout")["body"]["by_age"].as_array().unwrap().len(), 4);
    assert_eq!(of("turnout")["body"]["by_sex"]["f"], 230);
    let tally = of("tally");
    assert_eq!(tally["body"]["contests"][0]["contest"], "list");
    assert_eq!(tally["device"], "u-5001-1");
    let last = lines.last().unwrap();
    assert_eq!(last["decision"]["by"], "Aigul Asanova");
    assert_eq!(last["arrived"], "2025-11-30T10:53:20Z");
}

#[test]
fn no_journal_is_a_failure_and_wrong_election_files_are_a_mistake() {
    let empty = tempfile::tempdir().unwrap();
    let output = check(empty.path(), Path::new(ELECTION));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no journal in this directory"));
    let output = check(empty.path(), Path::new("/nowhere"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("/nowhere"), "{}", text(&output.stderr));
}
