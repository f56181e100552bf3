//! What holds for every message.

use device_wire::{
    Authentic, CentreKeys, Channel, DeviceEntry, Keyring, Standing, Topic, VerifyingKey, authenticate,
    encode_command, encode_heartbeat, encode_receipt, encode_report, encode_state, sign, verify_command,
    verify_receipt,
};
use election::{DeviceId, ElectionId, PrecinctId};
use proptest::prelude::*;

use crate::{
    arbitrary,
    world::{check, envelope, key, report, running, topic, topic_of},
};

/// Everybody has the same key.
struct Anybody(VerifyingKey);

impl Keyring for Anybody {
    fn device(&self, _: &DeviceId) -> Option<DeviceEntry> {
        Some(DeviceEntry { key: self.0, standing: Standing::Active })
    }
}

/// Signs a payload for its place and has it judged there.
fn through_the_wire(
    (election, precinct, device): (&ElectionId, PrecinctId, &DeviceId),
    channel: Channel,
    payload: &[u8],
) -> Authentic {
    let topic = Topic { election: election.clone(), precinct, device: device.clone(), channel };
    let envelope = sign(&topic, device.as_str(), payload, &key());
    assert!(minicbor::Decoder::new(&envelope).skip().is_ok());
    let mut decoder = minicbor::Decoder::new(payload);
    assert!(decoder.skip().is_ok() && decoder.position() == payload.len());
    authenticate(&topic.to_string(), envelope, election, &Anybody(key().verifying_key())).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_report_is_read_as_it_was_written(report in arbitrary::report()) {
        let place = (&report.election, report.precinct, &report.device);
        let Authentic::Report(read) = through_the_wire(place, Channel::Report, &encode_report(&report)) else {
            panic!("not a report");
        };
        prop_assert_eq!(&**read.report(), &report);
    }

    #[test]
    fn a_heartbeat_is_read_as_it_was_written(beat in arbitrary::heartbeat()) {
        let place = (&beat.election, beat.precinct, &beat.device);
        let read = through_the_wire(place, Channel::Heartbeat, &encode_heartbeat(&beat));
        let Authentic::Heartbeat(read) = read else { panic!("not a heartbeat") };
        prop_assert_eq!(read.heartbeat(), &beat);
    }

    #[test]
    fn a_state_is_read_as_it_was_written(state in arbitrary::state()) {
        let place = (&running(), "1".parse().unwrap(), &state.device);
        let Authentic::State(read) = through_the_wire(place, Channel::State, &encode_state(&state)) else {
            panic!("not a state");
        };
        prop_assert_eq!(read.state(), &state);
    }

    #[test]
    fn receipts_and_commands_are_read_as_they_were_written(
        receipt in arbitrary::receipt(),
        command in arbitrary::command(),
    ) {
        let centre = CentreKeys::one("centre", key().verifying_key());
        let to = |device: &DeviceId, channel| Topic { device: device.clone(), ..topic(channel) };

        let topic = to(&receipt.device, Channel::Receipt);
        let envelope = sign(&topic, "centre", &encode_receipt(&receipt), &key());
        let read = verify_receipt(&topic.to_string(), &envelope, &centre).unwrap();
        prop_assert_eq!(read.receipt(), &receipt);

        let topic = to(&command.device, Channel::Command);
        let envelope = sign(&topic, "centre", &encode_command(&command), &key());
        let read = verify_command(&topic.to_string(), &envelope, &centre).unwrap();
        prop_assert_eq!(read.command(), &command);
    }

    #[test]
    fn arbitrary_bytes_are_refused_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(check(&topic(Channel::Report), &bytes).is_err());
    }

    /// Past the signature: what an authentic but broken device may say.
    #[test]
    fn an_arbitrary_payload_is_read_or_refused_and_never_panics(
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        channel in proptest::sample::select(vec![Channel::Report, Channel::Heartbeat, Channel::State]),
    ) {
        let envelope = sign(&topic(channel), "t-5001-1", &payload, &key());
        prop_assert!(check(&topic(channel), &envelope).is_err());
    }

    #[test]
    fn a_mutated_payload_is_deterministic_or_refused(
        report in arbitrary::report(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut payload = encode_report(&report);
        let at = at.index(payload.len());
        payload[at] = byte;
        let topic = topic_of(&report);
        let envelope = sign(&topic, report.device.as_str(), &payload, &key());
        let keyring = Anybody(key().verifying_key());
        // An unknown key may hide a change; otherwise what is read is written back to the same bytes.
        if let Ok(Authentic::Report(read)) = authenticate(&topic.to_string(), envelope, &report.election, &keyring) {
            let again = encode_report(read.report());
            prop_assert!(again == payload || again.len() < payload.len());
        }
    }

    #[test]
    fn a_topic_of_arbitrary_text_never_panics(text in ".{0,80}") {
        prop_assert!(Topic::parse(&text).map_or(true, |topic| topic.to_string() == text));
    }
}

#[test]
fn a_single_bit_flipped_anywhere_is_refused() {
    let report = report();
    let envelope = envelope(&report);
    for bit in 0..envelope.len() * 8 {
        let mut flipped = envelope.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(check(&topic_of(&report), &flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn whatever_is_cut_short_is_refused() {
    let report = report();
    let envelope = envelope(&report);
    for length in 0..envelope.len() {
        assert!(check(&topic_of(&report), &envelope[..length]).is_err(), "{length} bytes");
    }
    let topic = topic_of(&report);
    let payload = encode_report(&report);
    for length in 0..payload.len() {
        let envelope = sign(&topic, "t-5001-1", &payload[..length], &key());
        assert!(check(&topic, &envelope).is_err(), "payload of {length} bytes");
    }
}
