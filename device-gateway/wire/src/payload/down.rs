//! What the centre says to a device: receipts and commands.

use election::{
    Code, Timestamp,
    report::{Command, Offset, Order, Receipt, Verdict},
};

use super::{
    VERSION,
    field::{self, at, digest, id, required, seq, set, version},
};
use crate::cbor::{Malformed, Reader, Writer};

type Result<T> = std::result::Result<T, Malformed>;

/// The payload of a receipt.
pub fn encode_receipt(receipt: &Receipt) -> Vec<u8> {
    Writer::encode(|w| {
        w.map(|m| {
            m.text("v", |w| w.uint(VERSION));
            m.text("device", |w| w.text(receipt.device.as_str()));
            m.text("seq", |w| w.uint(receipt.seq));
            m.text("digest", |w| w.bytes(&receipt.digest.0));
            m.text("verdict", |w| w.text(receipt.verdict.as_str()));
            m.optional("code", receipt.code, |w, code| w.text(code.as_str()));
            m.optional("was", receipt.was, |w, was| w.text(was.as_str()));
            m.optional("offset", receipt.offset, |w, offset| w.uint(offset.0));
            m.text("at", |w| w.uint(receipt.at.millis()));
        });
    })
}

pub(crate) fn decode_receipt(bytes: &[u8]) -> Result<Receipt> {
    let (mut v, mut device, mut number, mut of, mut result) = (None, None, None, None, None);
    let (mut code, mut was, mut offset, mut made) = (None, None, None, None);
    field::payload(bytes, |key, reader| match key {
        "v" => set(&mut v, "v", version(reader)),
        "device" => set(&mut device, "device", id(reader)),
        "seq" => set(&mut number, "seq", reader.uint()),
        "digest" => set(&mut of, "digest", digest(reader)),
        "verdict" => set(&mut result, "verdict", verdict(reader)),
        "code" => set(&mut code, "code", read_code(reader)),
        "was" => set(&mut was, "was", verdict(reader)),
        "offset" => set(&mut offset, "offset", reader.uint().map(Offset)),
        "at" => set(&mut made, "at", at(reader)),
        _ => reader.skip().map(drop),
    })?;
    required("v", v)?;
    Ok(Receipt {
        device: required("device", device)?,
        seq: required("seq", number)?,
        digest: required("digest", of)?,
        verdict: required("verdict", result)?,
        code,
        was,
        offset,
        // A device acts on digest and verdict; the published receipt vector carries no time.
        at: made.unwrap_or(Timestamp::from_millis(0)),
    })
}

/// A verdict. One that is not known here is no reason to forget a report, so the receipt is refused.
fn verdict(reader: &mut Reader<'_>) -> Result<Verdict> {
    use Verdict::{Accepted, Duplicate, Held, Quarantined, Rejected};
    let text = reader.text()?;
    [Accepted, Duplicate, Held, Quarantined, Rejected]
        .into_iter()
        .find(|known| known.as_str() == text)
        .ok_or(Malformed::new("not a verdict"))
}

fn read_code(reader: &mut Reader<'_>) -> Result<Code> {
    let text = reader.text()?;
    Code::ALL.iter().copied().find(|known| known.as_str() == text).ok_or(Malformed::new("not a code"))
}

/// The payload of a command.
pub fn encode_command(command: &Command) -> Vec<u8> {
    let (cmd, from, interval) = match command.order {
        Order::Resend { from } => ("resend", Some(from), None),
        Order::Heartbeat { interval } => ("heartbeat", None, Some(interval)),
        Order::Disconnect => ("disconnect", None, None),
    };
    Writer::encode(|w| {
        w.map(|m| {
            m.text("v", |w| w.uint(VERSION));
            m.text("device", |w| w.text(command.device.as_str()));
            m.text("id", |w| w.uint(command.id));
            m.text("at", |w| w.uint(command.at.millis()));
            m.text("cmd", |w| w.text(cmd));
            m.optional("from", from, Writer::uint);
            m.optional("interval", interval, Writer::uint);
        });
    })
}

pub(crate) fn decode_command(bytes: &[u8]) -> Result<Command> {
    let (mut v, mut device, mut number, mut made) = (None, None, None, None);
    let (mut cmd, mut from, mut interval) = (None, None, None);
    field::payload(bytes, |key, reader| match key {
        "v" => set(&mut v, "v", version(reader)),
        "device" => set(&mut device, "device", id(reader)),
        "id" => set(&mut number, "id", reader.uint()),
        "at" => set(&mut made, "at", at(reader)),
        "cmd" => set(&mut cmd, "cmd", reader.text()),
        "from" => set(&mut from, "from", seq(reader)),
        "interval" => set(&mut interval, "interval", reader.uint()),
        _ => reader.skip().map(drop),
    })?;
    required("v", v)?;
    Ok(Command {
        device: required("device", device)?,
        id: required("id", number)?,
        at: required("at", made)?,
        order: match required("cmd", cmd)? {
            "resend" => Order::Resend { from: required("from", from)? },
            "heartbeat" => Order::Heartbeat { interval: required("interval", interval)? },
            "disconnect" => Order::Disconnect,
            _ => return Err(Malformed::new("not a command").of("cmd")),
        },
    })
}
