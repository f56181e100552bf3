//! The device vectors that an independent implementation made.

use std::path::{Path, PathBuf};

use device_wire::SigningKey;
use serde_json::Value;

/// One message.
#[derive(Debug, Clone)]
pub struct Vector {
    /// What it shows.
    pub name: String,
    /// Where it is published.
    pub topic: String,
    /// The bytes.
    pub envelope: Vec<u8>,
    /// `ok`, or the code of the first check that fails.
    pub expect: String,
}

/// All of them, and the centre's key.
pub struct Vectors {
    messages: Vec<Vector>,
    /// Seed of the centre's key, 64 hex digits.
    pub centre: String,
}

impl Vectors {
    /// Reads the vectors that `device-wire` carries.
    pub fn read() -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../device-gateway/wire/vectors/device-v1.json");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let all: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let messages = all["messages"].as_array().into_iter().flatten().map(|message| Vector {
            name: text(&message["name"]),
            topic: text(&message["topic"]),
            envelope: hex::decode(text(&message["envelope"])).unwrap_or_default(),
            expect: text(&message["expect"]),
        });
        Self { messages: messages.collect(), centre: text(&all["keys"]["centre"]["private"]) }
    }

    /// The files of the election that they are of.
    pub fn election() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/election-files/tests/elections/vec-1")
    }

    /// All messages.
    pub fn all(&self) -> &[Vector] {
        &self.messages
    }

    /// The message of this name.
    pub fn named(&self, name: &str) -> &Vector {
        let found = self.messages.iter().find(|message| message.name == name);
        found.unwrap_or_else(|| panic!("there is no vector \"{name}\""))
    }

    /// The centre's key.
    pub fn centre_key(&self) -> SigningKey {
        let mut seed = [0; 32];
        hex::decode_to_slice(&self.centre, &mut seed).unwrap_or_else(|error| panic!("centre's key: {error}"));
        SigningKey::from_bytes(&seed)
    }
}
