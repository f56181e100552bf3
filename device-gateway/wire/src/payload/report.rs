//! Reports.

use election::report::{Body, Report, ReportType, Seq};

use super::{
    VERSION,
    field::{self, at, digest, id, precinct, put_count, required, seq, set, version},
    tally::{read_tally, read_turnout, write_tally, write_turnout},
};
use crate::cbor::{Malformed, Reader, Writer};

type Result<T> = std::result::Result<T, Malformed>;

/// The payload of a report.
pub fn encode_report(report: &Report) -> Vec<u8> {
    Writer::encode(|w| {
        w.map(|m| {
            m.text("v", |w| w.uint(VERSION));
            m.text("election", |w| w.text(report.election.as_str()));
            m.text("precinct", |w| w.uint(report.precinct.get().into()));
            m.text("device", |w| w.text(report.device.as_str()));
            m.text("seq", |w| w.uint(report.seq));
            m.text("prev", |w| w.bytes(&report.prev.0));
            m.text("at", |w| w.uint(report.at.millis()));
            m.text("type", |w| w.text(report.body.report_type().as_str()));
            m.text("body", |w| write_body(w, &report.body));
        });
    })
}

fn write_body(w: &mut Writer, body: &Body) {
    match body {
        Body::OpeningTerminal { identified } => {
            w.map(|m| m.text("identified", |w| put_count(w, *identified)));
        }
        Body::OpeningUrn(tally) | Body::Tally(tally) => write_tally(w, tally),
        Body::Turnout(turnout) | Body::Closing(turnout) => write_turnout(w, turnout),
    }
}

pub(crate) fn decode_report(bytes: &[u8]) -> Result<Report> {
    let (mut v, mut election, mut place, mut device) = (None, None, None, None);
    let (mut number, mut prev, mut made, mut kind, mut body) = (None, None, None, None, None);
    field::payload(bytes, |key, reader| match key {
        "v" => set(&mut v, "v", version(reader)),
        "election" => set(&mut election, "election", id(reader)),
        "precinct" => set(&mut place, "precinct", precinct(reader)),
        "device" => set(&mut device, "device", id(reader)),
        "seq" => set(&mut number, "seq", seq(reader)),
        "prev" => set(&mut prev, "prev", digest(reader)),
        "at" => set(&mut made, "at", at(reader)),
        "type" => set(&mut kind, "type", report_type(reader)),
        // How a body is read depends on the type, which stands after it.
        "body" => set(&mut body, "body", reader.skip().map(|item| reader.nested(item))),
        _ => reader.skip().map(drop),
    })?;
    required("v", v)?;
    let kind = required("type", kind)?;
    Ok(Report {
        election: required("election", election)?,
        precinct: required("precinct", place)?,
        device: required("device", device)?,
        seq: required("seq", number)?,
        prev: required("prev", prev)?,
        at: required("at", made)?,
        body: read_body(kind, required("body", body)?).map_err(|malformed| malformed.of("body"))?,
    })
}

fn report_type(reader: &mut Reader<'_>) -> Result<ReportType> {
    match reader.text()? {
        "opening" => Ok(ReportType::Opening),
        "turnout" => Ok(ReportType::Turnout),
        "closing" => Ok(ReportType::Closing),
        "tally" => Ok(ReportType::Tally),
        _ => Err(Malformed::new("not a type of report")),
    }
}

fn read_body(kind: ReportType, mut reader: Reader<'_>) -> Result<Body> {
    match kind {
        ReportType::Opening => read_opening(reader),
        ReportType::Turnout => read_turnout(&mut reader).map(Body::Turnout),
        ReportType::Closing => read_turnout(&mut reader).map(Body::Closing),
        ReportType::Tally => read_tally(&mut reader).map(Body::Tally),
    }
}

/// An opening is an urn's where it has `ballots` and `contests`, otherwise a terminal's.
fn read_opening(mut reader: Reader<'_>) -> Result<Body> {
    let (mut ballots, mut contests, mut identified) = (false, false, None);
    let mut again = reader.clone();
    field::map(&mut reader, |key, reader| {
        match key {
            "ballots" => ballots = true,
            "contests" => contests = true,
            "identified" => {
                let item = reader.skip()?;
                identified = Some(reader.nested(item));
                return Ok(());
            }
            _ => {}
        }
        reader.skip().map(drop)
    })?;
    if ballots && contests {
        return read_tally(&mut again).map(Body::OpeningUrn);
    }
    let mut identified = required("identified", identified)?;
    let identified = field::count(&mut identified).map_err(|malformed| malformed.of("identified"))?;
    Ok(Body::OpeningTerminal { identified })
}

/// The number of a report whose payload is not well formed, as far as it can be read: so that the device
/// learns which of its reports is meant.
pub(crate) fn seq_of(payload: &[u8]) -> Option<Seq> {
    let mut number = None;
    // An error ends the reading; what was read before it stands.
    let _ = field::payload(payload, |key, reader| match key {
        "seq" => set(&mut number, "seq", seq(reader)),
        _ => reader.skip().map(drop),
    });
    number
}
