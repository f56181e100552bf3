//! Makes `vectors/device-v1-more.json`: `cargo run -p device-wire --example vectors > FILE`.
//!
//! Everything is encoded and signed by hand here, so that the vectors do not inherit a mistake of the crate.

mod by_hand;
mod down;
mod up;

use std::io::Write;

use serde_json::{Value, json};

/// The vectors as the file has them.
pub fn generate() -> String {
    let vectors = json!({
        "about": "More vectors for PROTOCOL version 1, beside device-v1.json. Private keys are SHA-256 of the \
                  names; test use only. See README.md.",
        "election": { "id": "vec-1", "age_bands": [18, 30, 45, 60] },
        "keys": keys(),
        "messages": up::messages(),
        "receipts": down::receipts(),
        "commands": down::commands(),
    });
    format!("{vectors:#}\n")
}

fn keys() -> Value {
    let key = |name: &str| by_hand::key(name);
    let entry = |name: &str, of: Value| {
        let mut entry = json!({
            "private": hex::encode(key(name).to_bytes()),
            "public": hex::encode(key(name).verifying_key().to_bytes()),
        });
        if let (Some(entry), Some(of)) = (entry.as_object_mut(), of.as_object()) {
            entry.extend(of.clone());
        }
        entry
    };
    json!({
        "terminal": entry("terminal", json!({ "device": "t-5001-1", "standing": "active" })),
        "urn": entry("urn", json!({ "device": "u-5001-1", "standing": "active" })),
        "revoked": entry("revoked", json!({ "device": "u-5001-8", "standing": "revoked" })),
        "spare": entry("spare", json!({ "device": "u-spare-1", "standing": "spare" })),
        "centre": entry("centre", json!({})),
    })
}

#[cfg_attr(test, allow(dead_code))]
fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(generate().as_bytes())
}
