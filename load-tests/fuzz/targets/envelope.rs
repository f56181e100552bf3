//! Anything, from anybody: never a panic, and nothing is authentic but what a device signed.
#![no_main]

use device_wire::authenticate;
use fuzz::{ELECTION, KEYS, VECTORS};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, &[u8])| {
    let (topic, bytes) = input;
    if authenticate(topic, bytes, &ELECTION, &*KEYS).is_ok() {
        let signed = VECTORS["messages"].as_array().into_iter().flatten();
        let known =
            signed.filter_map(|message| message["envelope"].as_str()).any(|hex| hex == hex::encode(bytes));
        assert!(known, "a forged envelope is authentic");
    }
});
