//! A unit, and what stands before the units, as JSON. Every text written here is an id or a date, which need
//! no escape.

use std::sync::Arc;

use bytes::Bytes;
use election::{
    Count, Definition, Timestamp, UnitId,
    definition::ContestIx,
    figures::{ContestFigures, Figures, SourceFigures},
};

use crate::{layout::Layout, position::Position, time::rfc3339, version::Status};

/// What of a unit's JSON never changes, made once.
#[derive(Debug)]
pub(crate) struct Encoder {
    layout: Arc<Layout>,
    /// Whether the JSON of precincts is kept.
    keeps_precincts: bool,
    /// `{"id":"region:osh","kind":"region","parent":"country","phase":"`, of each slot above precincts.
    heads: Vec<Box<[u8]>>,
    contests: Vec<ContestKeys>,
}

#[derive(Debug)]
struct ContestKeys {
    /// `"list":{"precincts":`
    open: Box<[u8]>,
    /// `"p01":`, of each option.
    options: Vec<Box<[u8]>>,
}

impl Encoder {
    pub(crate) fn new(definition: &Definition, layout: &Arc<Layout>, kept_precincts: usize) -> Self {
        let heads = (0..layout.upper()).map(|slot| {
            let id = layout.id(slot);
            head(id, definition.units().get(id).and_then(|unit| unit.parent.as_ref())).into()
        });
        let heads = heads.collect();
        let contests = definition.contests().iter().map(|contest| ContestKeys {
            open: format!("\"{}\":{{\"precincts\":", contest.id).into_bytes().into(),
            options: contest
                .options
                .iter()
                .map(|option| format!("\"{}\":", option.id).into_bytes().into())
                .collect(),
        });
        let keeps_precincts = layout.len() - layout.upper() <= kept_precincts;
        Self { layout: Arc::clone(layout), keeps_precincts, heads, contests: contests.collect() }
    }

    /// Whether the JSON of precincts is kept.
    pub(crate) fn keeps_precincts(&self) -> bool {
        self.keeps_precincts
    }

    /// A unit as it is published. Without `votes` it has no `ballots`, `invalid` or `votes` in any form.
    pub(crate) fn unit(&self, slot: usize, figures: &Figures, updated: Timestamp, votes: bool) -> Bytes {
        let mut out = Vec::with_capacity(512 + 1024 * figures.contests.len());
        match self.heads.get(slot) {
            Some(head) => out.extend_from_slice(head),
            None => {
                let parent = self.layout.path(slot).first().map(|above| self.layout.id(*above));
                out.extend_from_slice(&head(self.layout.id(slot), parent));
            }
        }
        out.extend_from_slice(figures.phase().as_str().as_bytes());
        key(&mut out, b"\",\"precincts\":", figures.precincts());
        key(&mut out, b",\"registered\":", figures.registered.get());
        key(&mut out, b",\"reported\":{\"precincts\":", figures.reported());
        key(&mut out, b",\"registered\":", figures.reported_registered.get());
        key(&mut out, b"},\"turnout\":{\"identified\":", figures.turnout.identified.get());
        key(&mut out, b",\"precincts\":", figures.turnout.precincts);
        key(&mut out, b",\"registered\":", figures.turnout.registered.get());
        out.extend_from_slice(b"},\"contests\":{");
        for (at, contest) in figures.contests.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            self.contest(&mut out, contest, votes);
        }
        key(&mut out, b"},\"quarantined\":", figures.quarantined);
        key(&mut out, b",\"discrepancies\":", figures.discrepancies);
        out.extend_from_slice(b",\"updated_at\":\"");
        out.extend_from_slice(rfc3339(updated).as_bytes());
        out.extend_from_slice(b"\"}");
        // Kept for as long as the version is: without the spare room of the buffer.
        out.shrink_to_fit();
        out.into()
    }

    fn contest(&self, out: &mut Vec<u8>, contest: &ContestFigures, votes: bool) {
        let ContestIx(ix) = contest.contest;
        let keys = &self.contests[usize::from(ix)];
        key(out, &keys.open, contest.precincts);
        key(out, b",\"registered\":", contest.registered.get());
        out.extend_from_slice(b",\"urns\":{");
        source(out, keys, &contest.urns, votes);
        out.extend_from_slice(b"},\"protocols\":{");
        source(out, keys, &contest.protocols, votes);
        out.extend_from_slice(b"}}");
    }
}

fn source(out: &mut Vec<u8>, keys: &ContestKeys, figures: &SourceFigures, votes: bool) {
    key(out, b"\"precincts\":", figures.precincts);
    key(out, b",\"registered\":", figures.registered.get());
    if !votes {
        return;
    }
    key(out, b",\"ballots\":", figures.ballots.get());
    key(out, b",\"invalid\":", figures.invalid.get());
    out.extend_from_slice(b",\"votes\":{");
    for (at, (option, count)) in keys.options.iter().zip(&figures.votes).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        key(out, option, Count::get(*count));
    }
    out.push(b'}');
}

fn key(out: &mut Vec<u8>, key: &[u8], number: impl itoa::Integer) {
    out.extend_from_slice(key);
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn head(id: &UnitId, parent: Option<&UnitId>) -> Vec<u8> {
    let parent = parent.map_or("null".to_owned(), |parent| format!("\"{parent}\""));
    let kind = id.kind();
    format!("{{\"id\":\"{id}\",\"kind\":\"{kind}\",\"parent\":{parent},\"phase\":\"").into_bytes()
}

/// What every snapshot, delta and ping says of itself.
pub(crate) struct Header<'a> {
    pub definition: &'a Definition,
    pub position: &'a Position,
    pub at: Timestamp,
    pub speed: f64,
    pub status: Status,
    pub votes: bool,
    pub stalled_since: Option<Timestamp>,
    /// How many drawings of lots it has taken along, it and those before it.
    pub lots: usize,
}

impl Header<'_> {
    /// The header's members, without the braces around them.
    pub(crate) fn members(&self) -> String {
        let Self { position, status, .. } = self;
        let about = self.definition.about();
        let mut out = format!(
            "\"epoch\":\"{}\",\"version\":{},\"generated_at\":\"{}\",\"election\":\"{}\",\"test\":{},\"speed\":{},\"status\":\"{}\"",
            position.epoch,
            position.version,
            rfc3339(self.at),
            about.id,
            about.test,
            self.speed,
            status.as_str(),
        );
        if !self.votes {
            out.push_str(&format!(",\"embargo_until\":\"{}\"", rfc3339(about.publish_votes_from)));
        }
        if self.votes && self.lots > 0 {
            out.push_str(&format!(",\"lots_drawn\":{}", self.lots));
        }
        if let Some(since) = self.stalled_since {
            out.push_str(&format!(",\"stalled_since\":\"{}\"", rfc3339(since)));
        }
        out
    }
}
