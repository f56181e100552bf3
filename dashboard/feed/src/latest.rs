//! The newest state, and the frames in which readers take it.

use std::{
    collections::HashMap,
    io::Write,
    ops::RangeInclusive,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bytes::Bytes;
use election::{Timestamp, UnitId};
use flate2::{Compression, write::ZlibEncoder};

use crate::{
    body::Body,
    encode::Encoder,
    filter::UnitFilter,
    position::Position,
    precinct::Shown,
    version::{Version, frame},
};

/// Frames kept for other readers, beside the newest delta, as they are; deflated ones take a tenth of it more: enough for a crowd that comes back at once.
const FRAMES_KEPT: usize = 16 << 20;

/// A message of the live feed.
#[derive(Debug, Clone)]
pub struct Frame {
    /// What its reader holds after it.
    pub position: Position,
    /// How many units are in it.
    pub units: usize,
    /// The JSON object.
    pub json: Bytes,
    /// Made once for all who take it deflated; `None` where no other reader shares this frame.
    deflated: Option<Arc<OnceLock<Bytes>>>,
}

/// Below this, and above it, a frame goes as it is: there is little to win, or too long to wait.
const DEFLATED: RangeInclusive<usize> = 1 << 10..=8 << 20;
/// The fastest: a frame lives a quarter of a second.
const DEFLATE_LEVEL: u32 = 1;

impl Frame {
    /// A frame that one reader takes.
    pub fn own(position: Position, units: usize, json: Bytes) -> Self {
        Self { position, units, json, deflated: None }
    }

    fn shared(self) -> Self {
        let worth = DEFLATED.contains(&self.json.len());
        Self { deflated: worth.then(Arc::default), ..self }
    }

    /// The JSON as a zlib stream (RFC 1950), where that pays for its readers. The first call does the work; others that
    /// come meanwhile wait for it.
    pub fn deflated(&self) -> Option<Bytes> {
        let made = self.deflated.as_ref()?.get_or_init(|| {
            let mut out = ZlibEncoder::new(Vec::new(), Compression::new(DEFLATE_LEVEL));
            // Writing to memory does not fail; nothing is made of it if it does, and the frame goes as it is.
            let written = out.write_all(&self.json).and_then(|()| out.finish());
            written.map(Bytes::from).unwrap_or_default()
        });
        Some(made.clone()).filter(|made| !made.is_empty())
    }
}

/// What a reader is given next.
#[derive(Debug, Clone)]
pub enum Next {
    /// It holds the newest version.
    Current,
    /// From what it holds to the newest version, merged.
    Delta(Frame),
    /// Everything: what it holds is of another epoch, or of no version yet.
    Snapshot(Frame),
}

/// The newest version with its precincts and all that readers share of it.
#[derive(Debug)]
pub struct Latest {
    version: Arc<Version>,
    stalled_since: Option<Timestamp>,
    header: String,
    encoder: Arc<Encoder>,
    precincts: Box<[Arc<Shown>]>,
    results: OnceLock<Arc<Body>>,
    all_precincts: OnceLock<Arc<Body>>,
    ping: Frame,
    frames: Mutex<Frames>,
}

/// What an entry takes beside its frame's bytes, about.
const ENTRY: usize = 256;

/// Frames by what their reader held (0: nothing) and the units it follows.
#[derive(Debug, Default)]
struct Frames {
    by: HashMap<(u64, UnitFilter), Frame>,
    bytes: usize,
}

impl Frames {
    /// Keeps a frame for others who ask for the same, if there is room. The first to have been kept stays.
    fn keep(&mut self, asked: (u64, UnitFilter), made: &Frame) -> bool {
        let bytes = made.json.len() + ENTRY;
        if self.bytes + bytes > FRAMES_KEPT || self.by.contains_key(&asked) {
            return false;
        }
        self.bytes += bytes;
        self.by.insert(asked, made.clone());
        true
    }
}

impl Latest {
    pub(crate) fn new(
        version: Arc<Version>,
        encoder: Arc<Encoder>,
        precincts: Box<[Arc<Shown>]>,
        stalled: Option<(Timestamp, String)>,
    ) -> Self {
        let (stalled_since, header) = match stalled {
            Some((since, header)) => (Some(since), header),
            None => (None, version.header.clone()),
        };
        let ping = format!("{{\"type\":\"ping\",{header}}}").into();
        let ping = Frame::own(version.position.clone(), 0, ping);
        Self {
            version,
            stalled_since,
            header,
            encoder,
            precincts,
            results: OnceLock::new(),
            all_precincts: OnceLock::new(),
            ping,
            frames: Mutex::default(),
        }
    }

    /// The version.
    pub fn version(&self) -> &Arc<Version> {
        &self.version
    }

    /// Since when no newer version could be published, if that is so.
    pub fn stalled_since(&self) -> Option<Timestamp> {
        self.stalled_since
    }

    /// The members of the header, `stalled_since` included, without the braces around them.
    pub fn header(&self) -> &str {
        &self.header
    }

    pub(crate) fn precincts(&self) -> &[Arc<Shown>] {
        &self.precincts
    }

    /// The JSON of any unit.
    pub fn unit(&self, id: &UnitId) -> Option<Bytes> {
        self.version.layout.slot(id).map(|slot| self.json(slot))
    }

    /// Every unit that has changed after version `from` of this epoch, precincts included, with its JSON. Units stand in
    /// an order that is always the same; from 0 on these are all of them.
    pub fn changed_since(&self, from: u64) -> impl Iterator<Item = (&UnitId, Bytes)> {
        let layout = &self.version.layout;
        let changed = (0..layout.len()).filter(move |slot| self.changed(*slot) > from);
        changed.map(|slot| (layout.id(slot), self.json(slot)))
    }

    /// Every unit of the election, precincts included, in the order of [`Latest::changed_since`].
    pub fn units(&self) -> impl Iterator<Item = &UnitId> {
        let layout = &self.version.layout;
        (0..layout.len()).map(|slot| layout.id(slot))
    }

    /// The snapshot of all units but precincts.
    pub fn results(&self) -> &Arc<Body> {
        let units = || self.version.units.iter().map(|unit| unit.json.clone());
        self.results.get_or_init(|| Arc::new(Body::new(frame(&[&self.header], units()))))
    }

    /// The snapshot of the precincts.
    pub fn all_precincts(&self) -> &Arc<Body> {
        let upper = self.version.units.len();
        let units = || (upper..upper + self.precincts.len()).map(|slot| self.json(slot));
        self.all_precincts.get_or_init(|| Arc::new(Body::new(frame(&[&self.header], units()))))
    }

    /// A snapshot of some units, in the order given; unknown ones are passed over.
    pub fn some<'a>(&self, ids: impl Iterator<Item = &'a UnitId>) -> Bytes {
        frame(&[&self.header], ids.filter_map(|id| self.unit(id)))
    }

    /// What is sent every 10 s without change.
    pub fn ping(&self) -> Frame {
        self.ping.clone()
    }

    /// The snapshot frame of the live feed.
    pub fn snapshot(&self, filter: &UnitFilter) -> Frame {
        self.frame(0, filter)
    }

    /// What brings a reader from `since` to here.
    pub fn next(&self, since: &Position, filter: &UnitFilter) -> Next {
        let here = &self.version.position;
        match () {
            () if since.epoch != here.epoch || since.version > here.version || since.version == 0 => {
                Next::Snapshot(self.snapshot(filter))
            }
            () if since.version == here.version => Next::Current,
            () => Next::Delta(self.frame(since.version, filter)),
        }
    }

    /// Since which version a unit has been as it is.
    fn changed(&self, slot: usize) -> u64 {
        match slot.checked_sub(self.version.units.len()) {
            None => self.version.units[slot].changed,
            Some(precinct) => self.precincts[precinct].changed,
        }
    }

    fn json(&self, slot: usize) -> Bytes {
        match slot.checked_sub(self.version.units.len()) {
            None => self.version.units[slot].json.clone(),
            Some(precinct) => self.precincts[precinct].json(&self.encoder, slot),
        }
    }

    /// The frame from version `from`; from 0 it is a snapshot. Readers who follow the same units share it. It is deflated
    /// where that is done for many: always for whole kinds, for single units from the second reader on.
    fn frame(&self, from: u64, filter: &UnitFilter) -> Frame {
        let asked = (from, filter.clone());
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = frames.by.get(&asked) {
            return made.clone();
        }
        if filter.is_of_kinds() {
            // Held while assembling: whoever else wants this frame would have to wait for it anyhow.
            let made = self.assemble(from, filter);
            let shared = made.clone().shared();
            return if frames.keep(asked, &shared) { shared } else { made };
        }
        drop(frames);
        let made = self.assemble(from, filter);
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).keep(asked, &made.clone().shared());
        made
    }

    fn assemble(&self, from: u64, filter: &UnitFilter) -> Frame {
        let layout = &self.version.layout;
        let changed: Vec<Bytes> = filter
            .slots(layout)
            .filter(|slot| self.changed(*slot) > from)
            .map(|slot| self.json(slot))
            .collect();
        let units = changed.len();
        let json = if from == 0 {
            frame(&["\"type\":\"snapshot\",", &self.header], changed.into_iter())
        } else {
            let from = format!(",\"from\":{from}");
            frame(&["\"type\":\"delta\",", &self.header, &from], changed.into_iter())
        };
        Frame::own(self.version.position.clone(), units, json)
    }
}
