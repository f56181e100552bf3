//! A device's outbox and a centre: every verdict, and a network that loses what it likes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use device_wire::{
    Authentic, AuthenticCommand, AuthenticReceipt, AuthenticReport, CentreKeys, Channel, Topic,
    device::{Identity, Outbox, OutboxError, Outcome, Told, Vitals},
    digest, encode_command, encode_receipt, sign, verify_command, verify_receipt,
};
use election::{
    Code, Count, Timestamp,
    report::{Body, Command, Digest, Order, Presence, Receipt, Seq, Turnout, Verdict},
};
use proptest::prelude::*;

use crate::world::{check, key, running};

pub fn identity() -> Identity {
    Identity {
        election: running(),
        precinct: "5001".parse().unwrap(),
        device: "t-5001-1".parse().unwrap(),
        key: key(),
    }
}

pub fn turnout(identified: u64) -> Body {
    Body::Turnout(Turnout { identified: Count::new(identified), ..Turnout::default() })
}

pub fn make(outbox: &mut Outbox, identified: u64) -> Arc<[u8]> {
    outbox.make(turnout(identified), Timestamp::from_millis(1000 * identified)).unwrap()
}

/// A receipt of the centre for an envelope of `t-5001-1`.
pub fn receipt(envelope: &[u8], verdict: Verdict, code: Option<Code>) -> AuthenticReceipt {
    let topic = identity().topic(Channel::Receipt);
    let payload = encode_receipt(&Receipt {
        device: topic.device.clone(),
        seq: 0,
        digest: digest(envelope),
        verdict,
        code,
        was: None,
        offset: None,
        at: Timestamp::from_millis(0),
    });
    let signed = sign(&topic, "centre", &payload, &key());
    verify_receipt(&topic.to_string(), &signed, &CentreKeys::one("centre", key().verifying_key())).unwrap()
}

/// A command of the centre to a device.
fn command(to: &Identity, id: u64, order: Order) -> AuthenticCommand {
    let topic = to.topic(Channel::Command);
    let at = Timestamp::from_millis(0);
    let payload = encode_command(&Command { device: topic.device.clone(), id, at, order });
    let signed = sign(&topic, "centre", &payload, &key());
    verify_command(&topic.to_string(), &signed, &CentreKeys::one("centre", key().verifying_key())).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// No jitter: the middle of its range.
fn steady() -> impl FnMut() -> u32 {
    || 200
}

fn authentic(topic: &Topic, envelope: &[u8]) -> AuthenticReport {
    match check(topic, envelope).unwrap() {
        Authentic::Report(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reports_are_numbered_and_chained() {
    let mut outbox = Outbox::in_memory(identity());
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    let mut prev = Digest::NONE;
    for (seq, envelope) in (1..).zip(&envelopes) {
        let report = authentic(&outbox.identity().topic(Channel::Report), envelope);
        assert_eq!((report.report().seq, report.report().prev), (seq, prev));
        prev = report.digest();
    }
    assert_eq!((outbox.last_seq(), outbox.pending()), (3, 3));
}

#[test]
fn a_report_is_repeated_with_growing_waits_until_its_receipt() {
    let mut outbox = Outbox::in_memory(identity());
    let envelope = make(&mut outbox, 1);
    let mut sent = Vec::new();
    for now in 0..200 {
        for due in outbox.due(seconds(now), &mut steady()) {
            assert_eq!(due, envelope);
            sent.push(now);
        }
    }
    assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
    assert_eq!(outbox.next_due(), Some(seconds(243)));

    outbox.reconnected();
    assert_eq!(outbox.due(seconds(200), &mut steady()).len(), 1);
    assert_eq!(outbox.next_due(), Some(seconds(201)));

    let done = outbox.on_receipt(&receipt(&envelope, Verdict::Accepted, None), seconds(200)).unwrap();
    assert_eq!(done, Outcome::Done { seq: 1, verdict: Verdict::Accepted });
    assert_eq!((outbox.pending(), outbox.next_due()), (0, None));
    let again = outbox.on_receipt(&receipt(&envelope, Verdict::Accepted, None), seconds(200)).unwrap();
    assert_eq!(again, Outcome::Unknown);
}

#[test]
fn each_final_verdict_lets_the_report_go() {
    for (verdict, code, fault) in [
        (Verdict::Accepted, Some(Code::W12), false),
        (Verdict::Duplicate, Some(Code::S01), false),
        (Verdict::Quarantined, Some(Code::Q02), false),
        (Verdict::Rejected, Some(Code::F01), true),
        (Verdict::Rejected, None, true),
    ] {
        let mut outbox = Outbox::in_memory(identity());
        let envelope = make(&mut outbox, 1);
        let outcome = outbox.on_receipt(&receipt(&envelope, verdict, code), seconds(0)).unwrap();
        let expected =
            if fault { Outcome::Fault { seq: 1, code } } else { Outcome::Done { seq: 1, verdict } };
        assert_eq!((outcome, outbox.pending()), (expected, 0), "{verdict:?}");
    }
}

#[test]
fn held_sends_what_is_missing_and_little_else() {
    let mut outbox = Outbox::in_memory(identity());
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    for now in [0, 1, 3, 7] {
        assert_eq!(outbox.due(seconds(now), &mut steady()).len(), 3, "{now}");
    }
    let held = receipt(&envelopes[2], Verdict::Held, Some(Code::S02));
    assert_eq!(outbox.on_receipt(&held, seconds(7)).unwrap(), Outcome::Held { seq: 3, missing: 2 });
    // Just sent, so not within the second; otherwise at once, long before their time.
    assert_eq!(outbox.due(seconds(7), &mut steady()).len(), 0);
    assert_eq!(outbox.due(seconds(8), &mut steady()), envelopes[..2]);
    assert_eq!(outbox.on_receipt(&receipt(&envelopes[0], Verdict::Accepted, None), seconds(8)).unwrap(), {
        Outcome::Done { seq: 1, verdict: Verdict::Accepted }
    });
    outbox.on_receipt(&receipt(&envelopes[1], Verdict::Accepted, None), seconds(8)).unwrap();
    assert_eq!(outbox.next_due(), Some(seconds(67)));
    let last = outbox.on_receipt(&receipt(&envelopes[2], Verdict::Accepted, None), seconds(9)).unwrap();
    assert_eq!((last, outbox.pending()), (Outcome::Done { seq: 3, verdict: Verdict::Accepted }, 0));
}

#[test]
fn the_centre_may_ask_for_reports_again() {
    let mut outbox = Outbox::in_memory(identity());
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    for now in [0, 1, 3] {
        outbox.due(seconds(now), &mut steady());
    }
    outbox.resend(2, seconds(3));
    assert_eq!(outbox.due(seconds(4), &mut steady()), envelopes[1..]);
}

#[test]
fn a_command_is_obeyed_once_and_only_by_whom_it_names() {
    let mut outbox = Outbox::in_memory(identity());
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    for now in [0, 1, 3] {
        outbox.due(seconds(now), &mut steady());
    }
    let told = command(&identity(), 5, Order::Resend { from: 2 });
    assert_eq!(outbox.on_command(&told, seconds(3)), Told::Resend(2));
    assert_eq!(outbox.due(seconds(4), &mut steady()), envelopes[1..]);
    assert_eq!(outbox.on_command(&told, seconds(9)), Told::Nothing, "played again");
    let interval = command(&identity(), 6, Order::Heartbeat { interval: 30 });
    assert_eq!(outbox.on_command(&interval, seconds(9)), Told::Heartbeat(seconds(30)));
    let other = Identity { device: "t-9".parse().unwrap(), ..identity() };
    assert_eq!(outbox.on_command(&command(&other, 7, Order::Disconnect), seconds(9)), Told::Nothing);
    let leave = command(&identity(), 7, Order::Disconnect);
    assert_eq!(outbox.on_command(&leave, seconds(9)), Told::Disconnect);
}

#[test]
fn a_refused_report_and_all_after_it_are_mended_with_their_numbers() {
    let wrong = Identity { precinct: "5002".parse().unwrap(), ..identity() };
    let mut outbox = Outbox::in_memory(wrong);
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    let refused = receipt(&envelopes[0], Verdict::Rejected, Some(Code::E04));
    let outcome = outbox.on_receipt(&refused, seconds(0)).unwrap();
    assert_eq!(outcome, Outcome::Mend { seq: 1, code: Code::E04 });
    assert_eq!((outbox.due(seconds(1000), &mut steady()).len(), outbox.next_due()), (0, None));

    outbox.mend(running(), "5001".parse().unwrap(), |body| body).unwrap();
    let mut prev = Digest::NONE;
    let mended = outbox.due(seconds(1000), &mut steady());
    for (seq, envelope) in (1..=3).zip(&mended) {
        let report = authentic(&identity().topic(Channel::Report), envelope);
        assert_eq!((report.report().seq, report.report().prev), (seq, prev));
        assert_eq!(report.report().body, turnout(seq));
        prev = report.digest();
    }
    assert_eq!(authentic(&identity().topic(Channel::Report), &make(&mut outbox, 4)).report().prev, prev);
}

#[test]
fn mending_leaves_alone_what_the_centre_holds() {
    let mut outbox = Outbox::in_memory(identity());
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    outbox.on_receipt(&receipt(&envelopes[2], Verdict::Held, Some(Code::S02)), seconds(0)).unwrap();
    outbox.on_receipt(&receipt(&envelopes[1], Verdict::Rejected, Some(Code::E01)), seconds(0)).unwrap();
    assert_eq!(outbox.due(seconds(0), &mut steady()), envelopes[..1]);

    outbox.mend(running(), "5001".parse().unwrap(), |_| turnout(22)).unwrap();
    let due = outbox.due(seconds(100), &mut steady());
    assert_eq!((&due[0], &due[2]), (&envelopes[0], &envelopes[2]));
    let mended = authentic(&identity().topic(Channel::Report), &due[1]);
    assert_eq!((mended.report().seq, &mended.report().body), (2, &turnout(22)));
    assert_eq!(mended.report().prev, digest(&envelopes[0]));
    let fourth = make(&mut outbox, 4);
    assert_eq!(authentic(&identity().topic(Channel::Report), &fourth).report().prev, digest(&envelopes[2]));
}

#[test]
fn a_device_that_is_shut_out_stops() {
    let mut outbox = Outbox::in_memory(identity());
    let envelope = make(&mut outbox, 1);
    let outcome =
        outbox.on_receipt(&receipt(&envelope, Verdict::Rejected, Some(Code::E07)), seconds(0)).unwrap();
    assert_eq!(outcome, Outcome::Stopped);
    assert_eq!((outbox.due(seconds(99), &mut steady()).len(), outbox.next_due()), (0, None));
    assert!(matches!(outbox.make(turnout(2), Timestamp::from_millis(0)), Err(OutboxError::Stopped)));
}

#[test]
fn a_spare_that_spoke_too_early_goes_on_with_the_same_report_when_it_is_let() {
    let mut outbox = Outbox::in_memory(identity());
    let early = make(&mut outbox, 1);
    assert_eq!(outbox.due(seconds(0), &mut steady()).len(), 1);
    outbox.on_receipt(&receipt(&early, Verdict::Rejected, Some(Code::E07)), seconds(0)).unwrap();
    outbox.resume();
    assert_eq!(outbox.due(seconds(0), &mut steady()), [std::sync::Arc::clone(&early)]);
    let second = make(&mut outbox, 2);
    assert_eq!(authentic(&identity().topic(Channel::Report), &second).report().prev, digest(&early));
    // Who is still shut out stops again.
    let again = outbox.on_receipt(&receipt(&early, Verdict::Rejected, Some(Code::E07)), seconds(1)).unwrap();
    assert_eq!(again, Outcome::Stopped);
    outbox.resume();
    let done = outbox.on_receipt(&receipt(&early, Verdict::Accepted, None), seconds(2)).unwrap();
    assert_eq!(done, Outcome::Done { seq: 1, verdict: Verdict::Accepted });
}

#[test]
fn a_report_too_large_is_never_made() {
    let mut outbox = Outbox::in_memory(identity());
    let body =
        Body::Turnout(Turnout { by_age: Some(vec![Count::new(u64::MAX); 30_000]), ..Turnout::default() });
    assert!(matches!(outbox.make(body, Timestamp::from_millis(0)), Err(OutboxError::TooLarge)));
    assert_eq!((outbox.last_seq(), outbox.pending()), (0, 0));
}

#[test]
fn another_devices_receipt_does_nothing() {
    let mut outbox = Outbox::in_memory(Identity { device: "u-5001-1".parse().unwrap(), ..identity() });
    let envelope = make(&mut outbox, 1);
    let outcome = outbox.on_receipt(&receipt(&envelope, Verdict::Accepted, None), seconds(0)).unwrap();
    assert_eq!((outcome, outbox.pending()), (Outcome::Unknown, 1));
}

#[test]
fn states_and_heartbeats_are_authentic_and_rise() {
    let mut outbox = Outbox::in_memory(identity());
    let at = Timestamp::from_millis(5);
    for boot in 1..=2 {
        let (online, will) = outbox.connect(at).unwrap();
        for (bytes, presence) in [(online, Presence::Online), (will, Presence::Offline)] {
            let Authentic::State(state) = check(&identity().topic(Channel::State), &bytes).unwrap() else {
                panic!()
            };
            assert_eq!((state.state().boot, state.state().state), (boot, presence));
        }
    }
    make(&mut outbox, 1);
    for counter in 1..=3 {
        let vitals = Vitals { uptime: 9, battery: Some(80), ..Vitals::default() };
        let bytes = outbox.heartbeat(vitals, at).unwrap();
        let topic = identity().topic(Channel::Heartbeat);
        let Authentic::Heartbeat(beat) = check(&topic, &bytes).unwrap() else { panic!() };
        let beat = beat.heartbeat();
        assert_eq!((beat.counter, beat.last_seq, beat.battery, beat.uptime), (counter, 1, Some(80), 9));
    }
}

#[test]
fn ten_thousand_simulated_devices_fit_in_a_few_megabytes() {
    assert!(size_of::<Outbox>() <= 512, "{} bytes", size_of::<Outbox>());
}

/// What a centre does with authentic reports, as far as numbers and digests go.
#[derive(Default)]
struct Centre(BTreeMap<Seq, Digest>);

impl Centre {
    fn receive(&mut self, envelope: &[u8]) -> AuthenticReceipt {
        let report = authentic(&identity().topic(Channel::Report), envelope);
        let seq = report.report().seq;
        if let Some(digest) = self.0.get(&seq) {
            assert_eq!(*digest, report.digest(), "report {seq} has two contents");
            return receipt(envelope, Verdict::Duplicate, Some(Code::S01));
        }
        self.0.insert(seq, report.digest());
        let gap = (1..seq).any(|before| !self.0.contains_key(&before));
        if gap {
            receipt(envelope, Verdict::Held, Some(Code::S02))
        } else {
            receipt(envelope, Verdict::Accepted, None)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// However messages and receipts are lost, every report arrives, once each, and the outbox empties.
    #[test]
    fn a_network_that_loses_things_only_delays_them(
        lost in proptest::collection::vec(any::<bool>(), 200),
        reports in 1..8u64,
    ) {
        let (mut outbox, mut centre, mut lost) = (Outbox::in_memory(identity()), Centre::default(), lost.into_iter());
        let mut made = 0;
        for now in 0..20_000 {
            if made < reports && now >= made * 5 {
                made += 1;
                make(&mut outbox, made);
            }
            for envelope in outbox.due(seconds(now), &mut steady()) {
                if lost.next() == Some(true) {
                    continue;
                }
                let receipt = centre.receive(&envelope);
                if lost.next() != Some(true) {
                    outbox.on_receipt(&receipt, seconds(now)).unwrap();
                }
            }
        }
        prop_assert_eq!(outbox.pending(), 0);
        prop_assert_eq!(centre.0.len() as u64, reports);
    }
}
