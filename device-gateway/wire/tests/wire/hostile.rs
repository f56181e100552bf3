//! What a hostile sender may try, up to the largest envelope there is.

use std::time::{Duration, Instant};

use device_wire::{Channel, MAX_ENVELOPE, encode_report, sign};
use election::Code;

use crate::world::{check, key, report, topic};

/// Far more than linear time takes in an unoptimised build, far less than quadratic does.
const AT_MOST: Duration = Duration::from_secs(2);

fn repeated(bytes: &[u8], length: usize) -> Vec<u8> {
    bytes.iter().copied().cycle().take(length).collect()
}

#[test]
fn bombs_cost_no_more_than_their_length() {
    let bombs: [&[u8]; 8] = [
        &[0x81],
        &[0xa1],
        &[0xa1, 0x00],
        &[0xc1],
        &[0xd2, 0x84],
        &[0x9f],
        &[0x9b, 0xff],
        &[0xd2, 0x84, 0x40],
    ];
    for bomb in bombs {
        let started = Instant::now();
        let bytes = repeated(bomb, MAX_ENVELOPE);
        assert_eq!(check(&topic(Channel::Report), &bytes).unwrap_err().code, Code::E01, "{bomb:02x?}");
        // The same behind a good signature.
        let envelope = sign(&topic(Channel::Report), "t-5001-1", &bytes[..MAX_ENVELOPE - 200], &key());
        let refusal = check(&topic(Channel::Report), &envelope).unwrap_err();
        assert_eq!((refusal.code, refusal.answer.is_some()), (Code::E01, true), "{bomb:02x?}");
        assert!(started.elapsed() < AT_MOST, "{bomb:02x?}");
    }
}

/// A report with one more key, `pad`, in its place between `at` and `seq`.
fn with_pad(item: &[u8]) -> Vec<u8> {
    let mut payload = encode_report(&report());
    assert_eq!(payload[0], 0xa9);
    payload[0] = 0xaa;
    let seq = payload.windows(4).position(|window| window == b"cseq").unwrap();
    payload.splice(seq..seq, [b"cpad".as_slice(), item].concat());
    payload
}

fn send(payload: &[u8]) -> Result<(), Code> {
    let topic = topic(Channel::Report);
    check(&topic, &sign(&topic, "t-5001-1", payload, &key())).map(drop).map_err(|refusal| refusal.code)
}

#[test]
fn an_unknown_key_is_ignored_but_read_as_strictly() {
    for good in ["00", "f6", "fb3ff199999999999a", "8101", "a2800081000a", "818181818181810a"] {
        assert_eq!(send(&with_pad(&hex::decode(good).unwrap())), Ok(()), "{good}");
    }
    for bad in
        ["1800", "9f00ff", "a201000100", "61ff", "81818181818181810a", "fa3fc00000", "c1c1c1c1c1c1c1c100"]
    {
        assert_eq!(send(&with_pad(&hex::decode(bad).unwrap())), Err(Code::E01), "{bad}");
    }
}

#[test]
fn a_quarter_of_a_million_ignored_entries_are_read_in_no_time() {
    let started = Instant::now();
    let entries = 0x3_f000u32;
    let array = [vec![0x9a], entries.to_be_bytes().to_vec(), vec![0; entries as usize]].concat();
    assert_eq!(send(&with_pad(&array)), Ok(()));
    // Keys that differ only at their end are compared from the start, each with the one before it alone.
    let keys = 120u8;
    let mut map = vec![0xb8, keys];
    for key in 0..keys {
        map.extend([0x59, 0x07, 0xd0]);
        map.extend(repeated(&[0], 1999));
        map.extend([key, 0xf6]);
    }
    assert_eq!(send(&with_pad(&map)), Ok(()));
    assert!(started.elapsed() < AT_MOST);
}

#[test]
fn a_claim_of_more_than_there_is_allocates_nothing() {
    let started = Instant::now();
    for claim in ["9b00ffffffffffffff", "bb00ffffffffffffff", "5b00ffffffffffffff", "7b00ffffffffffffff"] {
        assert_eq!(send(&with_pad(&hex::decode(claim).unwrap())), Err(Code::E01), "{claim}");
    }
    assert!(started.elapsed() < AT_MOST);
}
