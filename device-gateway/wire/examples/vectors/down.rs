//! What the centre sends: receipts and commands.

use serde_json::{Value, json};

use super::by_hand::{Entries, bytes, key, map, message, signed, text, uint, with, without};

const RECEIPT: &str = "sanak/1/vec-1/5001/t-5001-1/receipt";
const COMMAND: &str = "sanak/1/vec-1/5001/t-5001-1/command";
/// Half past eight in the evening, Bishkek.
const AT: u64 = 1_764_513_000_000;

fn receipt(seq: u64, verdict: &str) -> Entries {
    vec![
        ("v", uint(1)),
        ("device", text("t-5001-1")),
        ("seq", uint(seq)),
        ("digest", bytes(&[0xd1; 32])),
        ("verdict", text(verdict)),
        ("at", uint(AT)),
    ]
}

/// A receipt of the centre, and what it says.
fn given(name: &str, seq: u64, verdict: &'static str, more: &[(&'static str, Value)]) -> Value {
    let mut says = json!({ "seq": seq, "verdict": verdict });
    let mut entries = receipt(seq, verdict);
    for (field, value) in more {
        says[*field] = value.clone();
        let encoded = value.as_u64().map(uint).or(value.as_str().map(text)).unwrap_or_default();
        entries.push((field, encoded));
    }
    let mut message = from_centre(name, RECEIPT, entries, "ok");
    message["says"] = says;
    message
}

fn from_centre(name: &str, topic: &str, entries: Entries, expect: &str) -> Value {
    message(name, topic, &signed("centre", topic, &map(entries), &key("centre")), expect)
}

pub fn receipts() -> Vec<Value> {
    let good = || with(receipt(2, "accepted"), "offset", uint(7));
    let signed_as = |kid, name| signed(kid, RECEIPT, &map(good()), &key(name));
    vec![
        given("accepted", 2, "accepted", &[("offset", json!(7))]),
        given("accepted and flagged", 2, "accepted", &[("offset", json!(7)), ("code", json!("W12"))]),
        given(
            "duplicate of an accepted report",
            2,
            "duplicate",
            &[("offset", json!(7)), ("code", json!("S01")), ("was", json!("accepted"))],
        ),
        given(
            "duplicate of a held report",
            3,
            "duplicate",
            &[("offset", json!(70_000)), ("code", json!("S01")), ("was", json!("held"))],
        ),
        given("held", 3, "held", &[("offset", json!(70_000)), ("code", json!("S02"))]),
        given("quarantined, sums", 2, "quarantined", &[("offset", json!(8)), ("code", json!("Q02"))]),
        given("quarantined, chain", 2, "quarantined", &[("offset", json!(8)), ("code", json!("S04"))]),
        given("rejected, unknown option", 2, "rejected", &[("offset", json!(9)), ("code", json!("F01"))]),
        given("rejected, malformed, number unknown", 0, "rejected", &[("code", json!("E01"))]),
        given("rejected, wrong precinct", 2, "rejected", &[("code", json!("E04"))]),
        given("rejected, another election", 2, "rejected", &[("code", json!("E05"))]),
        given("rejected, revoked", 2, "rejected", &[("code", json!("E07"))]),
        message(
            "receipt of a key that is not the centre's",
            RECEIPT,
            &signed_as("t-5001-1", "terminal"),
            "E02",
        ),
        message("receipt in the centre's name", RECEIPT, &signed_as("centre", "terminal"), "E03"),
        message(
            "receipt moved to another device's topic",
            "sanak/1/vec-1/5001/u-5001-1/receipt",
            &signed_as("centre", "centre"),
            "E03",
        ),
        message("receipt on the command topic", COMMAND, &signed_as("centre", "centre"), "E01"),
        from_centre("receipt for another device", RECEIPT, with(good(), "device", text("u-5001-1")), "E04"),
        from_centre("receipt with an unknown verdict", RECEIPT, with(good(), "verdict", text("lost")), "E01"),
        from_centre("receipt with an unknown code", RECEIPT, with(good(), "code", text("Z99")), "E01"),
        from_centre("receipt without a digest", RECEIPT, without(good(), "digest"), "E01"),
        from_centre("receipt of version 2", RECEIPT, with(good(), "v", uint(2)), "E01"),
    ]
}

fn command(id: u64, cmd: &str) -> Entries {
    vec![("v", uint(1)), ("device", text("t-5001-1")), ("id", uint(id)), ("at", uint(AT)), ("cmd", text(cmd))]
}

pub fn commands() -> Vec<Value> {
    let ordered = |name, entries, says: Value| {
        let mut message = from_centre(name, COMMAND, entries, "ok");
        message["says"] = says;
        message
    };
    vec![
        ordered(
            "resend from 5",
            with(command(1, "resend"), "from", uint(5)),
            json!({ "id": 1, "cmd": "resend", "from": 5 }),
        ),
        ordered(
            "heartbeat every 30 s",
            with(command(2, "heartbeat"), "interval", uint(30)),
            json!({ "id": 2, "cmd": "heartbeat", "interval": 30 }),
        ),
        ordered(
            "disconnect",
            command(1 << 40, "disconnect"),
            json!({ "id": 1_u64 << 40, "cmd": "disconnect" }),
        ),
        from_centre("resend without from", COMMAND, command(3, "resend"), "E01"),
        from_centre("heartbeat without interval", COMMAND, command(4, "heartbeat"), "E01"),
        from_centre("unknown command", COMMAND, command(5, "reboot"), "E01"),
        from_centre("command of version 2", COMMAND, with(command(6, "disconnect"), "v", uint(2)), "E01"),
        from_centre(
            "command for another device",
            COMMAND,
            with(command(7, "disconnect"), "device", text("u-5001-1")),
            "E04",
        ),
    ]
}
