//! An outbox in a file: restarts, power loss, damage.

use std::{fs, path::Path, time::Duration};

use device_wire::{
    Authentic, AuthenticReport, Channel, SignedEnvelope, SigningKey,
    device::{Identity, LogError, Outbox, OutboxError, Outcome, Vitals},
};
use election::{
    Code, Count, Timestamp,
    report::{Body, Turnout, Verdict},
};

use crate::{
    outbox::{identity, make, receipt},
    world::{check, running},
};

const NOW: Duration = Duration::ZERO;

fn open(path: &Path) -> Outbox {
    Outbox::open(path, identity()).unwrap()
}

#[test]
fn a_restart_goes_on_where_it_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    outbox.on_receipt(&receipt(&envelopes[1], Verdict::Accepted, None), NOW).unwrap();
    drop(outbox);

    for _ in 0..2 {
        let mut outbox = open(&path);
        assert_eq!((outbox.last_seq(), outbox.pending()), (3, 2));
        let due = outbox.due(NOW, &mut || 0);
        assert_eq!(due, [envelopes[0].clone(), envelopes[2].clone()]);
    }
    let mut outbox = open(&path);
    let fourth = make(&mut outbox, 4);
    let Authentic::Report(fourth) = check(&identity().topic(Channel::Report), &fourth).unwrap() else {
        panic!()
    };
    assert_eq!((fourth.report().seq, fourth.report().prev), (4, device_wire::digest(&envelopes[2])));
}

#[test]
fn with_another_key_what_waits_is_signed_anew_and_numbers_and_chain_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    let envelopes: Vec<_> = (1..=3).map(|n| make(&mut outbox, n)).collect();
    outbox.on_receipt(&receipt(&envelopes[0], Verdict::Accepted, None), NOW).unwrap();
    drop(outbox);
    let key = SigningKey::from_bytes(&[9; 32]);
    let renewed = Identity { key: key.clone(), ..identity() };
    let mut outbox = Outbox::open(&path, renewed.clone()).unwrap();
    let fourth = make(&mut outbox, 4);
    let due = outbox.due(NOW, &mut || 0);
    assert_eq!((due.len(), due.last()), (3, Some(&fourth)));
    let mut prev = device_wire::digest(&envelopes[0]);
    for (seq, envelope) in (2..).zip(&due) {
        let topic = identity().topic(Channel::Report).to_string();
        let opened = SignedEnvelope::open(&topic, envelope).unwrap();
        assert!(opened.is_signed_by(&key.verifying_key()), "{seq}");
        let report = AuthenticReport::from_journal(&topic, envelope.clone()).unwrap();
        assert_eq!((report.report().seq, report.report().prev), (seq, prev));
        prev = report.digest();
    }
    // The same key once more changes nothing.
    drop(outbox);
    assert_eq!(Outbox::open(&path, renewed).unwrap().due(NOW, &mut || 0), due);
}

#[test]
fn power_may_fail_at_any_byte_and_no_number_is_used_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    let start = fs::metadata(&path).unwrap().len();
    let mut stored = Vec::new();
    for n in 1..=3 {
        let envelope = make(&mut outbox, n);
        stored.push(fs::metadata(&path).unwrap().len());
        outbox.on_receipt(&receipt(&envelope, Verdict::Accepted, None), NOW).unwrap();
    }
    drop(outbox);
    let bytes = fs::read(&path).unwrap();
    for cut in usize::try_from(start).unwrap()..=bytes.len() {
        fs::write(&path, &bytes[..cut]).unwrap();
        let sent = stored.iter().filter(|length| **length <= cut as u64).count() as u64;
        assert_eq!(open(&path).last_seq(), sent, "cut at {cut}");
    }
}

#[test]
fn damage_is_an_error_and_never_a_number_used_twice() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    make(&mut outbox, 1);
    let middle = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap() - 20;
    make(&mut outbox, 2);
    drop(outbox);
    let mut bytes = fs::read(&path).unwrap();
    bytes[middle] ^= 0x10;
    fs::write(&path, bytes).unwrap();
    let error = Outbox::open(&path, identity()).unwrap_err();
    assert!(matches!(error, OutboxError::Log(LogError::Damaged { .. })), "{error}");
}

#[test]
fn two_processes_cannot_share_an_outbox() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let first = open(&path);
    let error = Outbox::open(&path, identity()).unwrap_err();
    assert!(matches!(error, OutboxError::Log(LogError::InUse { .. })), "{error}");
    drop(first);
    open(&path);
}

#[test]
fn a_file_is_opened_only_as_what_it_was_made_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let wrong = Identity { precinct: "5002".parse().unwrap(), ..identity() };
    let envelope = make(&mut Outbox::open(&path, wrong.clone()).unwrap(), 1);

    let error = Outbox::open(&path, identity()).unwrap_err();
    assert!(error.to_string().contains("made for vec-1/5002/t-5001-1"), "{error}");

    // Refused, mended and restarted in between: what was learnt from the receipt is learnt again.
    let mut outbox = Outbox::open(&path, wrong.clone()).unwrap();
    let refused = receipt(&envelope, Verdict::Rejected, Some(Code::E04));
    assert_eq!(outbox.on_receipt(&refused, NOW).unwrap(), Outcome::Mend { seq: 1, code: Code::E04 });
    drop(outbox);
    let mut outbox = Outbox::open(&path, wrong).unwrap();
    outbox.mend(running(), "5001".parse().unwrap(), |body| body).unwrap();
    drop(outbox);
    let due = open(&path).due(NOW, &mut || 0);
    assert!(check(&identity().topic(Channel::Report), &due[0]).is_ok());
}

#[test]
fn what_no_outbox_wrote_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    fs::write(&path, "seq = 7\n").unwrap();
    assert!(matches!(
        Outbox::open(&path, identity()),
        Err(OutboxError::Log(LogError::Damaged { at: 0, .. }))
    ));
    // Whole, but without its first record.
    fs::write(&path, "outbox 1").unwrap();
    let error = Outbox::open(&path, identity()).unwrap_err();
    assert!(matches!(error, OutboxError::Foreign { .. }), "{error}");
    let nowhere = directory.path().join("none").join("outbox");
    assert!(matches!(Outbox::open(&nowhere, identity()), Err(OutboxError::Log(LogError::Io { .. }))));
}

#[test]
fn boots_and_heartbeats_rise_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let (mut last_boot, mut last_counter) = (0, 0);
    for _ in 0..3 {
        let mut outbox = open(&path);
        let (online, _) = outbox.connect(Timestamp::from_millis(0)).unwrap();
        let Authentic::State(state) = check(&identity().topic(Channel::State), &online).unwrap() else {
            panic!()
        };
        assert!(state.state().boot > last_boot);
        last_boot = state.state().boot;
        for _ in 0..150 {
            let bytes = outbox.heartbeat(Vitals::default(), Timestamp::from_millis(0)).unwrap();
            let topic = identity().topic(Channel::Heartbeat);
            let Authentic::Heartbeat(beat) = check(&topic, &bytes).unwrap() else { panic!() };
            assert!(beat.heartbeat().counter > last_counter);
            last_counter = beat.heartbeat().counter;
        }
    }
    assert!((450..=800).contains(&last_counter), "{last_counter}");
}

#[test]
fn the_file_stays_short() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    let by_age = Some(vec![Count::new(u64::MAX); 20_000]);
    let body = || Body::Turnout(Turnout { by_age: by_age.clone(), ..Turnout::default() });
    for _ in 0..12 {
        let envelope = outbox.make(body(), Timestamp::from_millis(0)).unwrap();
        outbox.on_receipt(&receipt(&envelope, Verdict::Accepted, None), NOW).unwrap();
    }
    assert!(fs::metadata(&path).unwrap().len() < 1_500_000);
    outbox.make(body(), Timestamp::from_millis(0)).unwrap();
    drop(outbox);
    let outbox = open(&path);
    assert_eq!((outbox.last_seq(), outbox.pending()), (13, 1));
    assert!(fs::metadata(&path).unwrap().len() < 200_000);
}

#[test]
fn a_mending_that_cannot_be_stored_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox");
    let mut outbox = open(&path);
    let envelope = make(&mut outbox, 1);
    let precinct = identity().precinct;
    outbox.on_receipt(&receipt(&envelope, Verdict::Rejected, Some(Code::E01)), NOW).unwrap();
    let too_large = |_| {
        let by_age = Some(vec![Count::new(u64::MAX); 30_000]);
        Body::Turnout(Turnout { by_age, ..Turnout::default() })
    };
    assert!(matches!(outbox.mend(running(), precinct, too_large), Err(OutboxError::TooLarge)));

    drop(directory);
    let error = outbox.mend(running(), precinct, |body| body).unwrap_err();
    assert!(matches!(error, OutboxError::Log(LogError::Io { .. })), "{error}");
    // Still refused, so still not sent; and nothing more is written.
    assert_eq!((outbox.due(NOW, &mut || 0).len(), outbox.pending()), (0, 1));
    let next = outbox.make(Body::OpeningTerminal { identified: Count::ZERO }, Timestamp::from_millis(0));
    assert!(matches!(next, Err(OutboxError::Log(LogError::Failed { .. }))));
    assert_eq!(outbox.last_seq(), 1);
}
