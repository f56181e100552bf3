//! Writes what the fuzz targets (load-tests/fuzz) begin with: `fuzz_seeds DIR` makes `DIR/envelope`,
//! `DIR/payload` and `DIR/precinct` from the vectors.

use std::{error::Error, fs, path::PathBuf};

use device_wire::SignedEnvelope;
use serde_json::Value;

const VECTORS: &str = include_str!("../vectors/device-v1.json");

fn main() -> Result<(), Box<dyn Error>> {
    let dir: PathBuf = std::env::args_os().nth(1).ok_or("usage: fuzz_seeds DIR")?.into();
    let vectors: Value = serde_json::from_str(VECTORS)?;
    for target in ["envelope", "payload", "precinct"] {
        fs::create_dir_all(dir.join(target))?;
    }
    for (number, message) in vectors["messages"].as_array().into_iter().flatten().enumerate() {
        let (Some(topic), Some(hex)) = (message["topic"].as_str(), message["envelope"].as_str()) else {
            continue;
        };
        let envelope = hex::decode(hex)?;
        // As `arbitrary` reads a text and the rest: the length of the text stands last.
        let length = u8::try_from(topic.len())?;
        let bytes = [topic.as_bytes(), &envelope, &[length]].concat();
        fs::write(dir.join(format!("envelope/vector-{number:03}")), bytes)?;
        if let Ok(opened) = SignedEnvelope::open(topic, &envelope) {
            let urn = u8::from(topic.contains("/u-"));
            let channel =
                ["report", "heartbeat", "state"].iter().position(|of| topic.ends_with(of)).unwrap_or(0);
            let which = urn | (u8::try_from(channel)? << 1);
            fs::write(
                dir.join(format!("payload/vector-{number:03}")),
                [&[which], opened.payload()].concat(),
            )?;
        }
        fs::write(dir.join(format!("precinct/vector-{number:03}")), &envelope)?;
    }
    Ok(())
}
