//! Each check, and the order of the checks.

use device_wire::{Authentic, Channel, MAX_ENVELOPE, Refusal, Topic, encode_report, sign};
use election::{Code, report::Report};

use crate::world::{check, envelope, key, report, topic, topic_of};

fn refused(topic: &Topic, bytes: &[u8]) -> Refusal {
    check(topic, bytes).unwrap_err()
}

fn signed(topic: &Topic, report: &Report) -> Vec<u8> {
    sign(topic, report.device.as_str(), &encode_report(report), &key())
}

#[test]
fn a_good_report_is_authentic() {
    let report = report();
    let envelope = envelope(&report);
    let Authentic::Report(authentic) = check(&topic_of(&report), &envelope).unwrap() else { panic!() };
    assert_eq!(**authentic.report(), report);
    assert_eq!(authentic.device().as_str(), "t-5001-1");
    assert_eq!(authentic.envelope()[..], envelope[..]);
    assert_eq!(authentic.digest(), device_wire::digest(&envelope));
}

#[test]
fn size_comes_before_everything() {
    let refusal = device_wire::authenticate(
        "no topic",
        vec![0; MAX_ENVELOPE + 1],
        &crate::world::running(),
        &crate::world::devices(),
    );
    assert_eq!(refusal.unwrap_err().code, Code::E06);
    assert_eq!(refused(&topic(Channel::Report), &vec![0; MAX_ENVELOPE]).code, Code::E01);
}

#[test]
fn a_topic_of_the_centre_is_malformed_from_a_device() {
    for channel in [Channel::Receipt, Channel::Command] {
        let envelope = signed(&topic(channel), &report());
        let refusal = refused(&topic(channel), &envelope);
        assert_eq!((refusal.code, refusal.answer), (Code::E01, None));
    }
}

#[test]
fn a_shut_device_is_answered_only_when_it_signed() {
    let report = Report { device: "x-9".parse().unwrap(), seq: 4, ..report() };
    let mut envelope = envelope(&report);
    let refusal = refused(&topic_of(&report), &envelope);
    assert_eq!(refusal.code, Code::E07);
    let answer = refusal.answer.unwrap();
    assert_eq!((answer.device.as_str(), answer.seq), ("x-9", Some(4)));
    assert_eq!(answer.topic.to_string(), "sanak/1/vec-1/5001/x-9/receipt");
    assert_eq!(answer.digest, device_wire::digest(&envelope));

    *envelope.last_mut().unwrap() ^= 1;
    let refusal = refused(&topic_of(&report), &envelope);
    assert_eq!((refusal.code, refusal.answer), (Code::E07, None));
}

#[test]
fn a_payload_for_another_place_is_answered_where_it_was_signed_for() {
    let elsewhere = Topic::parse("sanak/1/vec-1/5002/t-5001-1/report").unwrap();
    let refusal = refused(&elsewhere, &signed(&elsewhere, &report()));
    assert_eq!(refusal.code, Code::E04);
    let answer = refusal.answer.unwrap();
    assert_eq!(answer.topic.to_string(), "sanak/1/vec-1/5002/t-5001-1/receipt");
    assert_eq!(answer.seq, Some(1));
}

#[test]
fn an_answer_goes_to_the_device_that_signed_and_to_no_other() {
    let others = Topic { device: "u-5001-1".parse().unwrap(), ..topic(Channel::Report) };
    let refusal = refused(&others, &signed(&others, &report()));
    assert_eq!(refusal.code, Code::E04);
    let answer = refusal.answer.unwrap();
    assert_eq!((answer.device.as_str(), answer.topic.device.as_str()), ("t-5001-1", "t-5001-1"));
}

#[test]
fn another_election_is_e05_once_all_agree_on_it() {
    let other = Report { election: "vec-2".parse().unwrap(), ..report() };
    let refusal = refused(&topic_of(&other), &envelope(&other));
    assert_eq!(refusal.code, Code::E05);
    assert!(refusal.answer.is_some());
    assert_eq!(refused(&topic(Channel::Report), &signed(&topic(Channel::Report), &other)).code, Code::E04);
}

#[test]
fn a_malformed_payload_is_answered_with_as_much_as_can_be_read() {
    let topic = topic(Channel::Report);
    let send = |payload: &[u8]| refused(&topic, &sign(&topic, "t-5001-1", payload, &key()));
    let good = encode_report(&report());

    let refusal = send(&good[..good.len() - 1]);
    assert_eq!(refusal.code, Code::E01);
    assert_eq!(refusal.answer.unwrap().seq, Some(1));

    let refusal = send(&[0xf6]);
    assert_eq!((refusal.code, refusal.answer.unwrap().seq), (Code::E01, None));
}

#[test]
fn heartbeats_and_states_are_never_answered() {
    for channel in [Channel::Heartbeat, Channel::State] {
        let refusal = refused(&topic(channel), &sign(&topic(channel), "t-5001-1", &[0xa0], &key()));
        assert_eq!((refusal.code, refusal.answer), (Code::E01, None));
    }
}

#[test]
fn a_refusal_says_which_field_is_wrong() {
    let mut payload = encode_report(&report());
    let at = payload.windows(4).position(|window| window == b"cseq").unwrap();
    payload[at + 4] = 0;
    let topic = topic(Channel::Report);
    let refusal = refused(&topic, &sign(&topic, "t-5001-1", &payload, &key()));
    assert_eq!(refusal.to_string(), "E01: payload: seq: numbers begin with 1");
}
