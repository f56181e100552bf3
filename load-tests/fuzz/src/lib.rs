//! What the fuzz targets share: the small election of the device vectors, and its keys.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

use device_wire::{DeviceEntry, Keyring, SigningKey, Standing, keys::parse_private};
use election::{Definition, DeviceId, ElectionId};
use serde_json::Value;

/// The devices of the vectors: an ID terminal and an urn of one precinct.
pub const DEVICES: [(&str, &str); 2] = [("terminal", "t-5001-1"), ("urn", "u-5001-1")];

/// The vectors, as `device-wire` carries them.
pub static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    let path = here().join("../../device-gateway/wire/vectors/device-v1.json");
    serde_json::from_slice(&std::fs::read(path).expect("the vectors")).expect("JSON")
});

/// The election of the vectors.
pub static DEFINITION: LazyLock<Arc<Definition>> = LazyLock::new(|| {
    let dir = here().join("../../actors/election-files/tests/elections/vec-1");
    Arc::new(election_files::load(&dir).expect("the election of the vectors").definition)
});

/// Its id.
pub static ELECTION: LazyLock<ElectionId> = LazyLock::new(|| DEFINITION.about().id.clone());

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The private key of a device by its name in the vectors.
pub fn key_of(name: &str) -> SigningKey {
    parse_private(VECTORS["keys"][name]["private"].as_str().expect("a key")).expect("64 hex digits")
}

/// The keys of the two devices.
#[derive(Debug)]
pub struct Keys(Vec<(DeviceId, DeviceEntry)>);

/// Both devices may speak.
pub static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let entry = |(name, device): &(&str, &str)| {
        let key = key_of(name).verifying_key();
        (device.parse().expect("an id"), DeviceEntry { key, standing: Standing::Active })
    };
    Keys(DEVICES.iter().map(entry).collect())
});

impl Keyring for Keys {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        self.0.iter().find(|(device, _)| device == id).map(|(_, entry)| *entry)
    }
}
