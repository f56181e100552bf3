//! The vectors, ours and those of an independent implementation.

use std::{fs, path::Path, sync::Arc};

use device_wire::{
    Authentic, AuthenticReport, CentreKeys, Refusal, SigningKey, Standing, authenticate, digest, keys,
    verify_command, verify_receipt,
};
use election::{
    Code,
    report::{Body, Offset, Order, Verdict},
};
use serde_json::Value;

use crate::world::Devices;

#[path = "../../examples/vectors/main.rs"]
mod generator;

fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}"))
}

/// The bytes of a message: `envelope` in hex, or `parts` of hex and repetitions where it is long.
fn bytes(message: &Value) -> Vec<u8> {
    let Some(parts) = message["parts"].as_array() else {
        return hex::decode(text(message, "envelope")).unwrap();
    };
    parts
        .iter()
        .flat_map(|part| {
            let times = part["times"].as_u64().unwrap_or(1);
            hex::decode(text(part, "hex")).unwrap().repeat(usize::try_from(times).unwrap())
        })
        .collect()
}

fn private_key(vectors: &Value, name: &str) -> SigningKey {
    let key = keys::parse_private(text(&vectors["keys"][name], "private")).unwrap();
    let public = keys::public_to_hex(&key.verifying_key());
    assert_eq!(public, text(&vectors["keys"][name], "public"));
    key
}

fn devices(vectors: &Value) -> Devices {
    let keys = vectors["keys"].as_object().unwrap().iter();
    Devices(
        keys.filter(|(_, key)| key["device"].is_string())
            .map(|(name, key)| {
                let standing = match key["standing"].as_str() {
                    None | Some("active") => Standing::Active,
                    _ => Standing::Shut,
                };
                let public = private_key(vectors, name).verifying_key();
                (text(key, "device").parse().unwrap(), (public, standing))
            })
            .collect(),
    )
}

fn judge(vectors: &Value, message: &Value) -> Result<Authentic, Refusal> {
    let running = text(&vectors["election"], "id").parse().unwrap();
    authenticate(text(message, "topic"), bytes(message), &running, &devices(vectors))
}

/// Every message of a file gets the code it says. S, F and Q are judged behind the wire: here they pass.
fn check_messages(vectors: &Value) -> usize {
    let messages = vectors["messages"].as_array().unwrap();
    for message in messages {
        let (name, expected) = (text(message, "name"), text(message, "expect"));
        assert_eq!(digest(&bytes(message)).to_string(), text(message, "sha256"), "{name}");
        match judge(vectors, message) {
            Ok(_) => assert!(!expected.starts_with('E'), "{name}: taken, expected {expected}"),
            Err(refusal) => {
                assert_eq!(refusal.code.as_str(), expected, "{name}: {refusal}");
                if let Some(answered) = message["answered"].as_bool() {
                    assert_eq!(refusal.answer.is_some(), answered, "{name}");
                }
                let seq = refusal.answer.and_then(|answer| answer.seq);
                assert!(message["answer_seq"].is_null() || seq == message["answer_seq"].as_u64(), "{name}");
            }
        }
    }
    messages.len()
}

#[test]
fn the_independent_vectors_get_their_codes() {
    assert_eq!(check_messages(&load("device-v1.json")), 30);
}

#[test]
fn our_own_vectors_get_their_codes() {
    assert_eq!(check_messages(&load("device-v1-more.json")), 105);
}

#[test]
fn our_own_vectors_are_those_that_the_generator_makes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/device-v1-more.json");
    assert!(
        fs::read_to_string(path).unwrap() == generator::generate(),
        "run: cargo run -p device-wire --example vectors > device-gateway/wire/vectors/device-v1-more.json"
    );
}

#[test]
fn what_the_independent_vectors_say_is_what_is_read() {
    let vectors = load("device-v1.json");
    let read = |name: &str| -> AuthenticReport {
        let messages = vectors["messages"].as_array().unwrap();
        let message = messages.iter().find(|message| text(message, "name") == name).unwrap();
        match judge(&vectors, message).unwrap() {
            Authentic::Report(report) => report,
            other => panic!("{other:?}"),
        }
    };
    let opening = read("terminal opening");
    let turnout = read("terminal turnout with breakdowns, second in the chain");
    assert_eq!(turnout.report().prev, opening.digest());
    assert_eq!(turnout.report().at.millis(), 1_764_475_200_000);
    let Body::Turnout(body) = &turnout.report().body else { panic!() };
    assert_eq!(body.identified.get(), 412);
    assert_eq!(body.by_sex.map(|by_sex| (by_sex.f.get(), by_sex.m.get())), Some((230, 182)));
    let tally = read("urn tally with preferences");
    let Body::Tally(body) = &tally.report().body else { panic!() };
    let list = &body.contests[0];
    assert_eq!(list.votes["p01"].get(), 250);
    assert_eq!(list.preferences["p01"][&17].get(), 3);
    assert!(matches!(read("urn opening").report().body, Body::OpeningUrn(_)));
    let large = read("count of 2^63");
    assert!(matches!(&large.report().body, Body::Turnout(body) if body.identified.get() == 1 << 63));
}

#[test]
fn what_is_read_is_written_again_to_the_same_bytes() {
    let vectors = load("device-v1.json");
    for message in vectors["messages"].as_array().unwrap() {
        let Ok(authentic) = judge(&vectors, message) else { continue };
        let name = if text(message, "topic").contains("/u-") { "urn" } else { "terminal" };
        let key = private_key(&vectors, name);
        let (topic, payload) = match &authentic {
            Authentic::Report(report) => (report.topic(), device_wire::encode_report(report.report())),
            Authentic::Heartbeat(beat) => (beat.topic(), device_wire::encode_heartbeat(beat.heartbeat())),
            Authentic::State(state) => (state.topic(), device_wire::encode_state(state.state())),
        };
        let again = device_wire::sign(topic, topic.device.as_str(), &payload, &key);
        // The heartbeat says `errors: []`, which we leave out.
        if !matches!(authentic, Authentic::Heartbeat(_)) {
            assert_eq!(hex::encode(again), text(message, "envelope"), "{}", text(message, "name"));
        }
    }
}

#[test]
fn a_report_from_the_journal_is_the_one_that_was_verified() {
    let vectors = load("device-v1.json");
    let mut reports = 0;
    for message in vectors["messages"].as_array().unwrap() {
        let (topic, bytes) = (text(message, "topic"), Arc::<[u8]>::from(bytes(message)));
        if let Ok(Authentic::Report(live)) = judge(&vectors, message) {
            let read = AuthenticReport::from_journal(topic, bytes).unwrap();
            assert_eq!(
                (read.report(), read.digest(), read.topic()),
                (live.report(), live.digest(), live.topic())
            );
            reports += 1;
        } else if !matches!(text(message, "expect"), "E02" | "E03") {
            assert!(AuthenticReport::from_journal(topic, bytes).is_err(), "{}", text(message, "name"));
        }
    }
    assert_eq!(reports, 10);
}

#[test]
fn the_independent_receipt_verifies_for_its_device_alone() {
    let vectors = load("device-v1.json");
    let centre = CentreKeys::one("centre", private_key(&vectors, "centre").verifying_key());
    let (topic, envelope) = (text(&vectors["receipt"], "topic"), bytes(&vectors["receipt"]));
    let verified = verify_receipt(topic, &envelope, &centre).unwrap();
    let receipt = verified.receipt();
    assert_eq!((receipt.seq, receipt.verdict, receipt.offset), (1, Verdict::Accepted, Some(Offset(0))));
    assert_eq!(receipt.digest.to_string(), text(&vectors["messages"][0], "sha256"));

    let other = topic.replace("t-5001-1", "t-5001-2");
    assert_eq!(verify_receipt(&other, &envelope, &centre).unwrap_err().code, Code::E03);
    let another = CentreKeys::one("centre-2", private_key(&vectors, "centre").verifying_key());
    assert_eq!(verify_receipt(topic, &envelope, &another).unwrap_err().code, Code::E02);
    let commands = topic.replace("receipt", "command");
    assert_eq!(verify_receipt(&commands, &envelope, &centre).unwrap_err().code, Code::E01);
}

#[test]
fn our_own_receipts_and_commands_say_what_they_should() {
    let vectors = load("device-v1-more.json");
    let centre = CentreKeys::one("centre", private_key(&vectors, "centre").verifying_key());
    for message in vectors["receipts"].as_array().unwrap() {
        let name = text(message, "name");
        match verify_receipt(text(message, "topic"), &bytes(message), &centre) {
            Ok(verified) => {
                let (receipt, says) = (verified.receipt(), &message["says"]);
                assert_eq!(receipt.verdict.as_str(), text(says, "verdict"), "{name}");
                assert_eq!(receipt.code.map(Code::as_str), says["code"].as_str(), "{name}");
                assert_eq!(receipt.was.map(Verdict::as_str), says["was"].as_str(), "{name}");
                assert_eq!(receipt.offset.map(|offset| offset.0), says["offset"].as_u64(), "{name}");
                assert_eq!(Some(receipt.seq), says["seq"].as_u64(), "{name}");
            }
            Err(refusal) => assert_eq!(refusal.code.as_str(), text(message, "expect"), "{name}"),
        }
    }
    for message in vectors["commands"].as_array().unwrap() {
        let name = text(message, "name");
        match verify_command(text(message, "topic"), &bytes(message), &centre) {
            Ok(verified) => {
                let (cmd, number) = match verified.command().order {
                    Order::Resend { from } => ("resend", Some(from)),
                    Order::Heartbeat { interval } => ("heartbeat", Some(interval)),
                    Order::Disconnect => ("disconnect", None),
                };
                let says = &message["says"];
                assert_eq!(cmd, text(says, "cmd"), "{name}");
                let expected = says["from"].as_u64().or(says["interval"].as_u64());
                assert_eq!(number, expected, "{name}");
                assert_eq!(Some(verified.command().id), says["id"].as_u64(), "{name}");
            }
            Err(refusal) => assert_eq!(refusal.code.as_str(), text(message, "expect"), "{name}"),
        }
    }
}
