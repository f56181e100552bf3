//! Signatures found good not long ago. A device repeats a report until it has its receipt, and under load repetitions
//! come when a verification is dearest: equal bytes for the same topic and key prove the same the second time.

use std::{cell::RefCell, sync::Arc};

use device_wire::{Channel, DeviceEntry, Keyring, SignedEnvelope, VerifyingKey};
use election::{DeviceId, report::Digest};

use crate::{keys::Keys, recent::Recent};

/// Remembered at least, of the reports of one worker's devices; at most twice as many, some 3 MiB.
const REMEMBERED: usize = 32_768;

/// The register, and which reports were found to be signed with keys in it.
pub(crate) struct Proven {
    keys: Arc<Keys>,
    good: RefCell<Recent<Digest, ()>>,
}

impl Proven {
    pub(crate) fn of(keys: Arc<Keys>) -> Self {
        Self { keys, good: RefCell::new(Recent::of(REMEMBERED)) }
    }
}

impl Keyring for Proven {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        self.keys.device(id)
    }

    fn is_signed_by(&self, envelope: &SignedEnvelope<'_>, key: &VerifyingKey) -> bool {
        // Nothing else is repeated.
        if envelope.topic().channel != Channel::Report {
            return envelope.is_signed_by(key);
        }
        let proof = envelope.proof(key);
        let mut good = self.good.borrow_mut();
        if good.get(&proof).is_some() {
            return true;
        }
        let signed = envelope.is_signed_by(key);
        if signed {
            good.insert(proof, ());
        }
        signed
    }
}

#[cfg(test)]
mod tests {
    use device_wire::{SigningKey, Topic, sign};

    use super::*;

    fn topic(device: &str, channel: Channel) -> Topic {
        Topic {
            election: "kg-demo".parse().unwrap(),
            precinct: "5123".parse().unwrap(),
            device: device.parse().unwrap(),
            channel,
        }
    }

    fn remembered(proven: &Proven) -> usize {
        proven.good.borrow().len()
    }

    #[test]
    fn what_was_found_good_is_good_again_for_the_same_bytes_topic_and_key_alone() {
        let proven = Proven::of(Arc::new(Keys::with(&["term-1"])));
        let [key, other] = [1, 2].map(|seed| SigningKey::from_bytes(&[seed; 32]));
        let of = topic("term-1", Channel::Report);
        let bytes = sign(&of, "term-1", b"a report", &key);
        let ask = |topic: &Topic, bytes: &[u8], key: &SigningKey| {
            let name = topic.to_string();
            let envelope = SignedEnvelope::open(&name, bytes).unwrap();
            let told = proven.is_signed_by(&envelope, &key.verifying_key());
            assert_eq!(told, envelope.is_signed_by(&key.verifying_key()), "as if it remembered nothing");
            told
        };
        assert!(!ask(&of, &bytes, &other));
        assert_eq!(remembered(&proven), 0, "what is not good is not remembered");
        assert!(ask(&of, &bytes, &key) && ask(&of, &bytes, &key));
        assert_eq!(remembered(&proven), 1);
        assert!(!ask(&of, &bytes, &other));
        assert!(!ask(&topic("term-2", Channel::Report), &bytes, &key));
        let last = bytes.len() - 1;
        for at in [last, last - 40, 40] {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            let name = of.to_string();
            let Ok(envelope) = SignedEnvelope::open(&name, &forged) else { continue };
            assert!(!proven.is_signed_by(&envelope, &key.verifying_key()), "byte {at}");
        }
        let beat = topic("term-1", Channel::Heartbeat);
        assert!(ask(&beat, &sign(&beat, "term-1", b"a heartbeat", &key), &key));
        assert_eq!(remembered(&proven), 1, "a heartbeat is never repeated");
    }
}
