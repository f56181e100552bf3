//! Any payload with a good signature: never a panic, and what is taken says the same when it is written again.
#![no_main]

use device_wire::{
    Authentic, Channel, Topic, authenticate, encode_heartbeat, encode_report, encode_state, sign,
};
use fuzz::{DEVICES, ELECTION, KEYS, key_of};
use libfuzzer_sys::fuzz_target;

fn read(topic: &Topic, key: &device_wire::SigningKey, payload: &[u8]) -> Option<Authentic> {
    let envelope = sign(topic, topic.device.as_str(), payload, key);
    authenticate(&topic.to_string(), envelope, &ELECTION, &*KEYS).ok()
}

fuzz_target!(|input: (u8, &[u8])| {
    let (which, payload) = input;
    let (name, device) = DEVICES[usize::from(which & 1)];
    let channel = [Channel::Report, Channel::Heartbeat, Channel::State][usize::from(which >> 1) % 3];
    let (device, precinct) = (device.parse().expect("an id"), "5001".parse().expect("a precinct"));
    let topic = Topic { election: ELECTION.clone(), precinct, device, channel };
    let key = key_of(name);
    let Some(taken) = read(&topic, &key, payload) else { return };
    let written = match &taken {
        Authentic::Report(of) => encode_report(of.report()),
        Authentic::Heartbeat(of) => encode_heartbeat(of.heartbeat()),
        Authentic::State(of) => encode_state(of.state()),
    };
    let again = read(&topic, &key, &written).expect("what is written can be read");
    match (taken, again) {
        (Authentic::Report(first), Authentic::Report(second)) => assert_eq!(first.report(), second.report()),
        (Authentic::Heartbeat(first), Authentic::Heartbeat(second)) => {
            assert_eq!(first.heartbeat(), second.heartbeat());
        }
        (Authentic::State(first), Authentic::State(second)) => assert_eq!(first.state(), second.state()),
        _ => panic!("another kind of message"),
    }
});
