//! What devices send: reports, heartbeats, states.

use serde_json::Value;

use super::by_hand::{
    Entries, array, as_given, bytes, envelope, key, map, message, parts, raw, signature, signed, text, uint,
    with, without,
};

const REPORT: &str = "sanak/1/vec-1/5001/t-5001-1/report";
const URN_REPORT: &str = "sanak/1/vec-1/5001/u-5001-1/report";
const HEARTBEAT: &str = "sanak/1/vec-1/5001/t-5001-1/heartbeat";
const STATE: &str = "sanak/1/vec-1/5001/t-5001-1/state";
/// Noon, Bishkek.
const AT: u64 = 1_764_482_400_000;
/// Zeros that fill an envelope of one report with the key `pad` to 262,144 bytes exactly.
const PAD_TO_LIMIT: usize = 262_144 - 233;

/// A turnout report of the terminal, number 2.
fn turnout() -> Entries {
    vec![
        ("v", uint(1)),
        ("election", text("vec-1")),
        ("precinct", uint(5001)),
        ("device", text("t-5001-1")),
        ("seq", uint(2)),
        ("prev", bytes(&[0xab; 32])),
        ("at", uint(AT)),
        ("type", text("turnout")),
        ("body", map(vec![("identified", uint(412))])),
    ]
}

/// The same with another body.
fn turnout_with(body: Entries) -> Entries {
    with(turnout(), "body", map(body))
}

/// A tally of the urn, number 2, of these contests.
fn tally(contests: &[Vec<u8>]) -> Entries {
    let entries = with(turnout(), "device", text("u-5001-1"));
    let body = map(vec![("ballots", uint(400)), ("contests", array(contests))]);
    with(with(entries, "type", text("tally")), "body", body)
}

fn contest(id: &str, votes: Vec<u8>) -> Entries {
    vec![("contest", text(id)), ("ballots", uint(400)), ("invalid", uint(7)), ("votes", votes)]
}

fn votes() -> Vec<u8> {
    map(vec![("p01", uint(250)), ("p02", uint(131)), ("none", uint(12))])
}

/// A payload signed right by the terminal, on its report topic.
fn terminal(name: &str, payload: &[u8], expect: &str) -> Value {
    message(name, REPORT, &signed("t-5001-1", REPORT, payload, &key("terminal")), expect)
}

fn urn(name: &str, entries: Entries, expect: &str) -> Value {
    message(name, URN_REPORT, &signed("u-5001-1", URN_REPORT, &map(entries), &key("urn")), expect)
}

fn answered(mut message: Value, seq: Option<u64>) -> Value {
    message["answered"] = true.into();
    message["answer_seq"] = seq.into();
    message
}

fn unanswered(mut message: Value) -> Value {
    message["answered"] = false.into();
    message
}

pub fn messages() -> Vec<Value> {
    [well_formed(), envelopes(), payloads(), bodies(), devices(), places(), status()].concat()
}

fn well_formed() -> Vec<Value> {
    let by_district = map(vec![("12", uint(400)), ("3", uint(12))]);
    let preferences = map(vec![("p01", raw("a3 01 18 5a 18 18 18 28 19 01 00 03")), ("p02", raw("a0"))]);
    let opening = with(turnout(), "type", text("opening"));
    let list = || contest("list", votes());
    let both_forms = vec![
        ("ballots", uint(0)),
        ("contests", array(&[map(contest("list", raw("a0")))])),
        ("identified", text("ignored in an urn's opening")),
    ];
    vec![
        terminal(
            "turnout by district",
            &map(turnout_with(vec![("identified", uint(412)), ("by_district", by_district)])),
            "ok",
        ),
        terminal("closing", &map(with(turnout(), "type", text("closing"))), "ok"),
        terminal(
            "opening of a terminal, with one key of an urn's",
            &map(with(opening, "body", map(vec![("ballots", text("ignored")), ("identified", uint(0))]))),
            "ok",
        ),
        urn(
            "opening of an urn, with a key of a terminal's",
            with(with(tally(&[]), "type", text("opening")), "body", map(both_forms)),
            "ok",
        ),
        urn("tally of two contests", tally(&[map(list()), map(contest("single:12", votes()))]), "ok"),
        urn(
            "tally with preferences, of one list none",
            tally(&[map(with(list(), "preferences", preferences))]),
            "ok",
        ),
        urn("tally without contests", tally(&[]), "F02"),
        terminal(
            "unknown keys of every kind",
            &map(with(
                with(with(turnout(), "note", raw("f6")), "x", raw("fb 3f f1 99 99 99 99 99 9a")),
                "extra",
                raw("82 c1 1a 51 4b 67 b0 a2 20 f4 61 61 f9 7e 00"),
            )),
            "ok",
        ),
        terminal("count of 2^64 - 1", &map(turnout_with(vec![("identified", uint(u64::MAX))])), "F03"),
        terminal("eight levels of nesting", &map(with(turnout(), "x", raw("81 81 81 81 81 81 80"))), "ok"),
        terminal("262,144 bytes", &map(padded(0)), "ok"),
        unanswered(terminal("262,145 bytes", &map(padded(1)), "E06")),
    ]
}

/// A report that fills its envelope to the limit, and so many bytes over it.
fn padded(over: usize) -> Entries {
    with(turnout(), "pad", bytes(&vec![0; PAD_TO_LIMIT + over]))
}

/// E01 of topic and envelope: nobody is answered.
fn envelopes() -> Vec<Value> {
    let payload = map(turnout());
    let right = parts("t-5001-1", REPORT, &payload, &key("terminal"));
    let good = envelope(&right);
    let replaced = |index: usize, part: Vec<u8>| {
        let mut parts = right.clone();
        parts[index] = part;
        envelope(&parts)
    };
    // Signed for what it is, so that only its form is wrong.
    let protected = |header: Vec<u8>| {
        let signature = signature(&header, REPORT, &payload, &key("terminal"));
        envelope(&[bytes(&header), raw("a0"), right[2].clone(), bytes(&signature)])
    };
    let kid = bytes(b"t-5001-1");
    let cases = [
        ("tag missing", good[1..].to_vec()),
        ("tag 17 (COSE_Mac0)", [raw("d1"), good[1..].to_vec()].concat()),
        ("tag 18 in two bytes", [raw("d8 12"), good[1..].to_vec()].concat()),
        ("tag 18 twice", [raw("d2"), good.clone()].concat()),
        ("three parts", envelope(&right[..3])),
        ("five parts", envelope(&[right.as_slice(), &[raw("f6")]].concat())),
        ("array of indefinite length", [raw("d2 9f"), right.concat(), raw("ff")].concat()),
        ("payload nil", replaced(2, raw("f6"))),
        ("payload a text", replaced(2, text("{}"))),
        ("payload in chunks", replaced(2, [raw("5f"), right[2].clone(), raw("ff")].concat())),
        ("payload length not shortest", replaced(2, [raw("59 00"), right[2][1..].to_vec()].concat())),
        ("unprotected header nil", replaced(1, raw("f6"))),
        ("signature of 63 bytes", replaced(3, bytes(&[1; 63]))),
        ("signature of 65 bytes", replaced(3, bytes(&[1; 65]))),
        ("protected header empty", protected(vec![])),
        ("protected header without kid", protected(raw("a1 01 27"))),
        ("protected header without alg", protected([raw("a1 04"), kid.clone()].concat())),
        ("protected header out of order", protected([raw("a2 04"), kid.clone(), raw("01 27")].concat())),
        ("alg not in its shortest form", protected([raw("a2 01 38 07 04"), kid.clone()].concat())),
        ("alg twice", protected([raw("a3 01 27 01 27 04"), kid.clone()].concat())),
        ("kid a text", protected([raw("a2 01 27 04"), text("t-5001-1")].concat())),
        ("bytes after the protected header", protected([raw("a2 01 27 04"), kid, raw("00")].concat())),
    ];
    let on = |name, topic| {
        unanswered(message(name, topic, &signed("t-5001-1", topic, &payload, &key("terminal")), "E01"))
    };
    let mut messages: Vec<_> =
        cases.iter().map(|(name, envelope)| unanswered(message(name, REPORT, envelope, "E01"))).collect();
    messages.extend([
        on("topic of version 2", "sanak/2/vec-1/5001/t-5001-1/report"),
        on("topic with a leading zero", "sanak/1/vec-1/05001/t-5001-1/report"),
        on("topic with a seventh part", "sanak/1/vec-1/5001/t-5001-1/report/x"),
        on("topic of an unknown channel", "sanak/1/vec-1/5001/t-5001-1/log"),
        on("topic of the centre", "sanak/1/vec-1/5001/t-5001-1/receipt"),
    ]);
    messages
}

/// E01 of the payload as a whole: the device is answered, with the number as far as it can be read.
fn payloads() -> Vec<Value> {
    let good = map(turnout());
    let mut swapped = turnout();
    swapped.sort_by_key(|(key, _)| text(key));
    swapped.swap(0, 1);
    let changed = |key, value| map(with(turnout(), key, value));
    let mut duplicate = turnout();
    duplicate.sort_by_key(|(key, _)| text(key));
    duplicate.insert(3, duplicate[2].clone());
    let cases: [(&str, Vec<u8>, Option<u64>); 29] = [
        ("keys out of order", as_given(&swapped), None),
        ("key twice", as_given(&duplicate), Some(2)),
        ("number not in its shortest form", changed("precinct", raw("1a 00 00 13 89")), Some(2)),
        ("seq not in its shortest form", changed("seq", raw("18 02")), None),
        ("map of indefinite length", [raw("bf"), good[1..].to_vec(), raw("ff")].concat(), None),
        ("text of indefinite length", changed("type", raw("7f 67 74 75 72 6e 6f 75 74 ff")), Some(2)),
        ("nine levels of nesting", changed("x", raw("81 81 81 81 81 81 81 80")), None),
        ("text that is not UTF-8", changed("type", raw("64 c3 28 a0 a1")), Some(2)),
        ("float not in its shortest form", changed("zz", raw("fa 3f c0 00 00")), None),
        ("key that is not a text", [raw("aa 00 00"), good[1..].to_vec()].concat(), None),
        ("payload nil inside", raw("f6"), None),
        ("payload empty", vec![], None),
        ("payload an array", array(std::slice::from_ref(&good)), None),
        ("bytes after the payload", [good.clone(), raw("00")].concat(), Some(2)),
        ("payload cut short", good[..good.len() - 1].to_vec(), Some(2)),
        ("v = 2", changed("v", uint(2)), Some(2)),
        ("v missing", map(without(turnout(), "v")), Some(2)),
        ("seq 0", changed("seq", uint(0)), None),
        ("seq missing", map(without(turnout(), "seq")), None),
        ("seq negative", changed("seq", raw("21")), None),
        ("prev of 31 bytes", changed("prev", bytes(&[0; 31])), Some(2)),
        ("prev missing", map(without(turnout(), "prev")), Some(2)),
        ("at a float", changed("at", raw("f9 3c 00")), None),
        ("type unknown", changed("type", text("recount")), Some(2)),
        ("election not an id", changed("election", text("Vec-1")), Some(2)),
        ("precinct 0", changed("precinct", uint(0)), Some(2)),
        ("body missing", map(without(turnout(), "body")), Some(2)),
        ("body nil in place of a map", changed("body", raw("f6")), Some(2)),
        (
            "body of 2^32 entries that are not there",
            changed("body", raw("bb 00 00 00 01 00 00 00 00")),
            Some(2),
        ),
    ];
    cases
        .iter()
        .map(|(name, payload, seq)| {
            let mut message = answered(terminal(name, payload, "E01"), *seq);
            if seq.is_none() {
                message["note"] = "how much of the number can be read is not prescribed here".into();
            }
            message
        })
        .collect()
}

/// E01 of a report's body.
fn bodies() -> Vec<Value> {
    let identified = || ("identified", uint(412));
    let broken = |name, body| answered(terminal(name, &map(turnout_with(body)), "E01"), Some(2));
    let list = |key, value| map(with(contest("list", votes()), key, value));
    let broken_tally = |name, contest| answered(urn(name, tally(&[contest]), "E01"), Some(2));
    vec![
        broken("identified missing", vec![]),
        broken("by_sex without m", vec![identified(), ("by_sex", map(vec![("f", uint(230))]))]),
        broken("by_sex without f", vec![identified(), ("by_sex", map(vec![("m", uint(182))]))]),
        broken("by_sex nil", vec![identified(), ("by_sex", raw("f6"))]),
        broken("by_age with a float", vec![identified(), ("by_age", raw("82 01 f9 3c 00"))]),
        broken("by_age with a negative count", vec![identified(), ("by_age", raw("82 01 20"))]),
        broken("by_district with a number for a key", vec![identified(), ("by_district", raw("a1 0c 01"))]),
        broken_tally("contest that is not an id", list("contest", text("List"))),
        broken_tally("votes in an array", list("votes", raw("82 01 02"))),
        broken_tally("option that is not an id", list("votes", map(vec![("P01", uint(1))]))),
        broken_tally("options out of order", list("votes", as_given(&[("none", uint(1)), ("p01", uint(2))]))),
        broken_tally("invalid missing", map(without(contest("list", votes()), "invalid"))),
        broken_tally("votes missing", map(without(contest("list", votes()), "votes"))),
        broken_tally(
            "preferences with a text for a number",
            list("preferences", raw("a1 63 70 30 31 a1 61 31 01")),
        ),
        broken_tally(
            "preferences with a negative number",
            list("preferences", raw("a1 63 70 30 31 a1 20 01")),
        ),
        broken_tally(
            "preferences with numbers out of order",
            list("preferences", raw("a1 63 70 30 31 a2 02 01 01 01")),
        ),
        answered(
            urn(
                "opening of neither form",
                with(with(tally(&[]), "type", text("opening")), "body", map(vec![("ballots", uint(0))])),
                "E01",
            ),
            Some(2),
        ),
    ]
}

/// E02, E03, E07: who signed.
fn devices() -> Vec<Value> {
    let payload = map(turnout());
    let shut = |device: &'static str, name: &str| {
        let topic = format!("sanak/1/vec-1/5001/{device}/report");
        let payload = map(with(turnout(), "device", text(device)));
        (topic.clone(), signed(device, &topic, &payload, &key(name)))
    };
    let (revoked, by_revoked) = shut("u-5001-8", "revoked");
    let (spare, by_spare) = shut("u-spare-1", "spare");
    let (_, by_stranger) = shut("u-5001-8", "terminal");
    let kid_not_utf8 = {
        let header = raw("a2 01 27 04 42 c3 28");
        let signature = signature(&header, REPORT, &payload, &key("terminal"));
        envelope(&[bytes(&header), raw("a0"), bytes(&payload), bytes(&signature)])
    };
    let mut doubled = signed("t-5001-1", REPORT, &payload, &key("terminal"));
    add_order(&mut doubled);
    vec![
        answered(message("revoked device", &revoked, &by_revoked, "E07"), Some(2)),
        answered(message("spare device", &spare, &by_spare, "E07"), Some(2)),
        unanswered(message("in the name of a revoked device", &revoked, &by_stranger, "E07")),
        unanswered(message("kid that is not UTF-8", REPORT, &kid_not_utf8, "E02")),
        unanswered(message(
            "kid of the centre",
            REPORT,
            &signed("centre", REPORT, &payload, &key("centre")),
            "E02",
        )),
        unanswered(message("signed without the topic", REPORT, &with_signature(&payload, ""), "E03")),
        unanswered(message(
            "signed for the heartbeat topic",
            REPORT,
            &with_signature(&payload, HEARTBEAT),
            "E03",
        )),
        unanswered(message("signature with S + L (RFC 8032 §5.1.7 forbids it)", REPORT, &doubled, "E03")),
    ]
}

/// The terminal's envelope with a signature for another topic.
fn with_signature(payload: &[u8], topic: &str) -> Vec<u8> {
    envelope(&parts("t-5001-1", topic, payload, &key("terminal")))
}

/// Adds the order of the group to the second half of the signature at the end: lax verification takes it.
fn add_order(envelope: &mut [u8]) {
    let order = raw("edd3f55c1a631258d69cf7a2def9de14 00000000000000000000000000000010");
    let from = envelope.len() - 32;
    let mut carry = 0;
    for (byte, add) in envelope[from..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
}

/// E04, E05: where it belongs.
fn places() -> Vec<Value> {
    let payload = map(turnout());
    let elsewhere = "sanak/1/vec-1/5002/t-5001-1/report";
    let other_election = "sanak/1/vec-2/5001/t-5001-1/report";
    let other = map(with(turnout(), "election", text("vec-2")));
    let by_terminal = |topic, payload: &[u8]| signed("t-5001-1", topic, payload, &key("terminal"));
    vec![
        answered(
            message("topic of another precinct", elsewhere, &by_terminal(elsewhere, &payload), "E04"),
            Some(2),
        ),
        answered(
            message(
                "another election, in which all agree",
                other_election,
                &by_terminal(other_election, &other),
                "E05",
            ),
            Some(2),
        ),
        answered(
            message(
                "payload malformed and of another election",
                other_election,
                &by_terminal(other_election, &map(without(with(turnout(), "election", text("vec-2")), "at"))),
                "E01",
            ),
            Some(2),
        ),
    ]
}

/// Heartbeats and states: what is wrong with them is never answered.
fn status() -> Vec<Value> {
    let heartbeat = || {
        let place = without(without(without(without(turnout(), "seq"), "prev"), "type"), "body");
        [place, vec![("uptime", uint(60)), ("counter", uint(1)), ("last_seq", uint(0))]].concat()
    };
    let state = |presence| {
        vec![
            ("v", uint(1)),
            ("device", text("t-5001-1")),
            ("state", text(presence)),
            ("boot", uint(4)),
            ("at", uint(AT)),
        ]
    };
    let beat = |name, entries: Entries, expect| {
        message(name, HEARTBEAT, &signed("t-5001-1", HEARTBEAT, &map(entries), &key("terminal")), expect)
    };
    let present = |name, entries: Entries, expect| {
        message(name, STATE, &signed("t-5001-1", STATE, &map(entries), &key("terminal")), expect)
    };
    let full = [
        ("battery", uint(100)),
        ("mains", raw("f4")),
        ("signal", raw("38 6e")),
        ("paper", uint(0)),
        ("firmware", text("2.0")),
        ("errors", array(&[text("printer: paper low"), text("камера")])),
        ("shown", uint(412)),
    ];
    vec![
        beat("heartbeat with nothing optional", heartbeat(), "ok"),
        beat("heartbeat with everything", [heartbeat(), full.to_vec()].concat(), "ok"),
        unanswered(beat("heartbeat with a battery of 101", with(heartbeat(), "battery", uint(101)), "E01")),
        unanswered(beat("heartbeat without counter", without(heartbeat(), "counter"), "E01")),
        unanswered(beat("heartbeat of another precinct", with(heartbeat(), "precinct", uint(5002)), "E04")),
        unanswered(beat("report on the heartbeat topic", turnout(), "E01")),
        present("state online", state("online"), "ok"),
        unanswered(present("state asleep", state("asleep"), "E01")),
        unanswered(present(
            "state of another device",
            with(state("online"), "device", text("u-5001-1")),
            "E04",
        )),
    ]
}
