//! Heartbeats and states.

use election::report::{DeviceState, Heartbeat, Presence};

use super::{
    VERSION,
    field::{self, at, count, excerpt, id, percent, precinct, put_count, required, set, version},
};
use crate::cbor::{Malformed, Reader, Writer};

type Result<T> = std::result::Result<T, Malformed>;

/// Of `firmware`, in characters; the rest is dropped.
const FIRMWARE_KEPT: usize = 64;
/// Of `errors`; the rest are dropped.
const ERRORS_KEPT: usize = 32;
/// Of each of the `errors`, in characters; the rest is dropped.
const ERROR_KEPT: usize = 200;

/// The payload of a heartbeat.
pub fn encode_heartbeat(heartbeat: &Heartbeat) -> Vec<u8> {
    Writer::encode(|w| {
        w.map(|m| {
            m.text("v", |w| w.uint(VERSION));
            m.text("election", |w| w.text(heartbeat.election.as_str()));
            m.text("precinct", |w| w.uint(heartbeat.precinct.get().into()));
            m.text("device", |w| w.text(heartbeat.device.as_str()));
            m.text("at", |w| w.uint(heartbeat.at.millis()));
            m.text("uptime", |w| w.uint(heartbeat.uptime));
            m.text("counter", |w| w.uint(heartbeat.counter));
            m.text("last_seq", |w| w.uint(heartbeat.last_seq));
            m.optional("battery", heartbeat.battery, |w, percent| w.uint(percent.into()));
            m.optional("mains", heartbeat.mains, Writer::bool);
            m.optional("signal", heartbeat.signal, Writer::int);
            m.optional("paper", heartbeat.paper, |w, percent| w.uint(percent.into()));
            m.optional("firmware", heartbeat.firmware.as_deref(), Writer::text);
            let errors = (!heartbeat.errors.is_empty()).then_some(&heartbeat.errors);
            m.optional("errors", errors, |w, errors| {
                w.array(errors.len());
                errors.iter().for_each(|error| w.text(error));
            });
            m.optional("shown", heartbeat.shown, put_count);
        });
    })
}

pub(crate) fn decode_heartbeat(bytes: &[u8]) -> Result<Heartbeat> {
    let (mut v, mut election, mut place, mut device, mut made) = (None, None, None, None, None);
    let (mut uptime, mut counter, mut last_seq) = (None, None, None);
    let (mut battery, mut mains, mut signal, mut paper) = (None, None, None, None);
    let (mut firmware, mut errors, mut shown) = (None, None, None);
    field::payload(bytes, |key, reader| match key {
        "v" => set(&mut v, "v", version(reader)),
        "election" => set(&mut election, "election", id(reader)),
        "precinct" => set(&mut place, "precinct", precinct(reader)),
        "device" => set(&mut device, "device", id(reader)),
        "at" => set(&mut made, "at", at(reader)),
        "uptime" => set(&mut uptime, "uptime", reader.uint()),
        "counter" => set(&mut counter, "counter", reader.uint()),
        "last_seq" => set(&mut last_seq, "last_seq", reader.uint()),
        "battery" => set(&mut battery, "battery", percent(reader)),
        "mains" => set(&mut mains, "mains", reader.bool()),
        "signal" => set(&mut signal, "signal", reader.int()),
        "paper" => set(&mut paper, "paper", percent(reader)),
        "firmware" => set(&mut firmware, "firmware", excerpt(reader, FIRMWARE_KEPT)),
        "errors" => set(&mut errors, "errors", read_errors(reader)),
        "shown" => set(&mut shown, "shown", count(reader)),
        _ => reader.skip().map(drop),
    })?;
    required("v", v)?;
    Ok(Heartbeat {
        election: required("election", election)?,
        precinct: required("precinct", place)?,
        device: required("device", device)?,
        at: required("at", made)?,
        uptime: required("uptime", uptime)?,
        counter: required("counter", counter)?,
        last_seq: required("last_seq", last_seq)?,
        battery,
        mains,
        signal,
        paper,
        firmware,
        errors: errors.unwrap_or_default(),
        shown,
    })
}

fn read_errors(reader: &mut Reader<'_>) -> Result<Vec<String>> {
    let mut errors = Vec::new();
    reader.array(|reader| {
        let error = excerpt(reader, ERROR_KEPT)?;
        if errors.len() < ERRORS_KEPT {
            errors.push(error);
        }
        Ok(())
    })?;
    Ok(errors)
}

/// The payload of a state message, and of the Last Will.
pub fn encode_state(state: &DeviceState) -> Vec<u8> {
    Writer::encode(|w| {
        w.map(|m| {
            m.text("v", |w| w.uint(VERSION));
            m.text("device", |w| w.text(state.device.as_str()));
            m.text("state", |w| w.text(presence_str(state.state)));
            m.text("boot", |w| w.uint(state.boot));
            m.text("at", |w| w.uint(state.at.millis()));
        });
    })
}

pub(crate) fn decode_state(bytes: &[u8]) -> Result<DeviceState> {
    let (mut v, mut device, mut state, mut boot, mut made) = (None, None, None, None, None);
    field::payload(bytes, |key, reader| match key {
        "v" => set(&mut v, "v", version(reader)),
        "device" => set(&mut device, "device", id(reader)),
        "state" => set(&mut state, "state", read_presence(reader)),
        "boot" => set(&mut boot, "boot", reader.uint()),
        "at" => set(&mut made, "at", at(reader)),
        _ => reader.skip().map(drop),
    })?;
    required("v", v)?;
    Ok(DeviceState {
        device: required("device", device)?,
        state: required("state", state)?,
        boot: required("boot", boot)?,
        at: required("at", made)?,
    })
}

fn presence_str(presence: Presence) -> &'static str {
    match presence {
        Presence::Online => "online",
        Presence::Offline => "offline",
    }
}

fn read_presence(reader: &mut Reader<'_>) -> Result<Presence> {
    match reader.text()? {
        "online" => Ok(Presence::Online),
        "offline" => Ok(Presence::Offline),
        _ => Err(Malformed::new("neither online nor offline")),
    }
}
