//! The feed: takes cuts, lets the guard look, keeps versions, wakes readers.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use election::{
    Correction, Definition, Timestamp, UnitId,
    figures::{BrokenSum, Figures},
    precinct::Precinct,
    rollup,
    seats::Drawn,
};
use tokio::sync::watch;

use crate::{
    body::Body,
    correction::Corrected,
    encode::{Encoder, Header},
    filter::{FilterError, UnitFilter},
    guard::{Breach, Candidate},
    latest::{Latest, Next},
    layout::Layout,
    position::{Epoch, Position},
    precinct::Shown,
    series::Series,
    sums::Sums,
    version::{Encoded, Status, Version},
};

/// Answers for versions that are no longer the newest, kept for the readers of a time machine.
const PAST_BODIES: usize = 32;

/// What a feed is begun with.
#[derive(Debug, Clone)]
pub struct Options {
    /// `generated_at` of the first version, which shows the election before anything happened.
    pub at: Timestamp,
    /// 1 except in a simulation.
    pub speed: f64,
    /// Most versions kept.
    pub kept_versions: usize,
    /// Most bytes kept in them.
    pub kept_bytes: usize,
    /// Of elections with more precincts than this the JSON of precincts is not kept, but made whenever it is asked for.
    pub kept_precincts: usize,
}

impl Options {
    /// The defaults, from this moment on: 20,000 versions, but no more than 128 MiB of them, and 100,000 precincts.
    pub fn starting(at: Timestamp) -> Self {
        Self { at, speed: 1.0, kept_versions: 20_000, kept_bytes: 128 << 20, kept_precincts: 100_000 }
    }
}

/// A unit's figures from now on: whole and absolute, never an increment.
#[derive(Debug, Clone)]
pub struct Change {
    /// Which unit.
    pub unit: UnitId,
    /// All of its figures.
    pub figures: Arc<Figures>,
    /// When a record last changed them.
    pub updated: Timestamp,
}

/// Everything that changed since the cut before it.
#[derive(Debug, Clone)]
pub struct Cut {
    /// `generated_at`.
    pub at: Timestamp,
    /// Whether votes may be shown. False while the embargo holds: no ballots, invalid or votes leave the
    /// system in any form.
    pub votes: bool,
    /// What changed: a precinct's change and those of the units above it in the same cut.
    pub changes: Vec<Change>,
    /// Why counts may fall in this cut, and by how much.
    pub corrections: Vec<Arc<Correction>>,
    /// Lots that were drawn.
    pub lots: Vec<Arc<Drawn>>,
    /// 1 except in a simulation.
    pub speed: f64,
}

/// One version with its figures as numbers.
#[derive(Debug, Clone)]
pub struct Counted {
    /// The version.
    pub latest: Arc<Latest>,
    /// The figures of every unit above precincts in it. While [`Version::votes`] is false they have votes that
    /// nobody outside may see.
    pub units: BTreeMap<UnitId, Arc<Figures>>,
    /// Lots on record, in the order of the journal.
    pub lots: Vec<Arc<Drawn>>,
}

/// The versions of one election.
pub struct Feed {
    definition: Arc<Definition>,
    layout: Arc<Layout>,
    encoder: Arc<Encoder>,
    epoch: Epoch,
    options: Options,
    writer: Mutex<Writer>,
    latest: watch::Sender<Arc<Latest>>,
    kept: RwLock<Kept>,
    corrections: RwLock<Vec<Corrected>>,
    past: Mutex<VecDeque<(u64, Arc<Body>)>>,
    series: Series,
}

/// What is published, and what waits to be.
struct Writer {
    figures: Vec<Arc<Figures>>,
    updated: Vec<Timestamp>,
    sums: Sums,
    /// Changes of cuts that were refused, or of this one.
    pending: BTreeMap<usize, (Arc<Figures>, Timestamp)>,
    corrections: Vec<Arc<Correction>>,
    /// Lots that were published, or wait to be: they take effect with a version.
    lots: Vec<Arc<Drawn>>,
    /// How many of them are published.
    lots_published: usize,
    votes: bool,
    /// Whether the last cut was refused, so that an idle one may end the stall.
    refused: bool,
}

#[derive(Default)]
struct Kept {
    versions: VecDeque<Arc<Version>>,
    bytes: usize,
}

impl Feed {
    /// A feed whose version 1 shows the election before anything happened, without votes.
    ///
    /// # Errors
    /// [`Breach::Overflow`] when the definition's registered voters pass 2^64.
    pub fn new(definition: Arc<Definition>, epoch: Epoch, options: Options) -> Result<Feed, Breach> {
        let layout = Arc::new(Layout::new(&definition));
        let figures = untouched(&definition, &layout)?;
        let sums = Sums::new(&layout, &figures)?;
        let updated = vec![options.at; layout.len()];
        let encoder = Arc::new(Encoder::new(&definition, &layout, options.kept_precincts));
        let series = Series::new(Arc::clone(&layout));
        let encode = |slot| encoder.unit(slot, &figures[slot], options.at, false);
        let upper = (0..layout.upper()).map(|slot| Arc::new(Encoded { changed: 1, json: encode(slot) }));
        let upper: Box<[Arc<Encoded>]> = upper.collect();
        let precincts = figures[layout.upper()..].iter();
        let precincts = precincts.map(|figures| Arc::new(Shown::new(1, figures, options.at, false)));
        let precincts: Box<[Arc<Shown>]> = precincts.collect();
        let writer = Writer {
            figures,
            updated,
            sums,
            pending: BTreeMap::new(),
            corrections: Vec::new(),
            lots: Vec::new(),
            lots_published: 0,
            votes: false,
            refused: false,
        };
        let stamp = Stamp {
            position: Position { epoch: epoch.clone(), version: 1 },
            at: options.at,
            speed: options.speed,
            votes: false,
        };
        let first = Arc::new(version(&definition, &layout, &writer, stamp, upper));
        let kept = Kept { versions: VecDeque::from([Arc::clone(&first)]), bytes: first.weight };
        let latest = watch::Sender::new(Arc::new(Latest::new(first, Arc::clone(&encoder), precincts, None)));
        Ok(Feed {
            definition,
            layout,
            encoder,
            epoch,
            options,
            writer: Mutex::new(writer),
            latest,
            kept: RwLock::new(kept),
            corrections: RwLock::default(),
            past: Mutex::default(),
            series,
        })
    }

    /// Publishes what changed as the next version, if the guard finds nothing against it. A cut in which
    /// nothing changed makes no version.
    ///
    /// After a breach the last good version stays, `stalled_since` is set, and the changes wait: they are
    /// part of the next cut, which need name only what changed since. The next good version ends the stall.
    ///
    /// # Errors
    /// The first rule that the version would break.
    pub fn publish(&self, cut: Cut) -> Result<Position, Breach> {
        let mut writer = self.writer();
        let unknown = self.take_in(&mut writer, &cut);
        let revealed = cut.votes && !writer.votes;
        let decided = !writer.corrections.is_empty() || writer.lots.len() > writer.lots_published;
        let idle = writer.pending.is_empty() && !decided && cut.votes == writer.votes;
        let checked = match unknown {
            Some(unit) => Err(Breach::UnknownUnit(unit)),
            None if idle => {
                if std::mem::take(&mut writer.refused) {
                    self.resume_with(&writer);
                }
                return Ok(self.current().position.clone());
            }
            None => self.check(&writer, cut.votes),
        };
        match checked {
            Ok(touched) => {
                writer.sums.commit(touched);
                Ok(self.commit(&mut writer, &cut, revealed))
            }
            Err(breach) => {
                writer.refused = true;
                self.stall_with(&writer, cut.at);
                Err(breach)
            }
        }
    }

    /// Says from now on, in every header, that nothing newer could be published since this moment. For what
    /// only others can see, such as an audit that found a difference. The first moment stands.
    pub fn stall(&self, since: Timestamp) {
        self.stall_with(&self.writer(), since);
    }

    /// Takes [`Feed::stall`] back.
    pub fn resume(&self) {
        self.resume_with(&self.writer());
    }

    /// The newest version.
    pub fn current(&self) -> Arc<Version> {
        Arc::clone(self.latest.borrow().version())
    }

    /// The newest version with its precincts and what readers share of it.
    pub fn latest(&self) -> Arc<Latest> {
        Arc::clone(&self.latest.borrow())
    }

    /// Wakes its reader on each version, and when a stall begins or ends. The value is the newest state: who
    /// looks seldom misses what was between.
    pub fn watch(&self) -> watch::Receiver<Arc<Latest>> {
        self.latest.subscribe()
    }

    /// A version by its number, while it is kept.
    pub fn version(&self, number: u64) -> Option<Arc<Version>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let first = kept.versions.front()?.number();
        let at = usize::try_from(number.checked_sub(first)?).ok()?;
        kept.versions.get(at).cloned()
    }

    /// The version that was the newest at a moment, while it is kept.
    pub fn at(&self, moment: Timestamp) -> Option<Arc<Version>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let after = kept.versions.partition_point(|version| version.at <= moment);
        kept.versions.get(after.checked_sub(1)?).cloned()
    }

    /// The snapshot of a version that is kept, shared among those who ask for the same one.
    pub fn past(&self, version: &Version) -> Arc<Body> {
        let latest = self.latest();
        if latest.version().number() == version.number() && latest.stalled_since().is_none() {
            return Arc::clone(latest.results());
        }
        let mut past = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, body)) = past.iter().find(|(number, _)| *number == version.number()) {
            return Arc::clone(body);
        }
        let body = Arc::new(Body::new(version.snapshot()));
        past.push_back((version.number(), Arc::clone(&body)));
        if past.len() > PAST_BODIES {
            past.pop_front();
        }
        body
    }

    /// What brings a reader from `since` to the newest version.
    pub fn delta(&self, since: &Position, filter: &UnitFilter) -> Next {
        self.latest().next(since, filter)
    }

    /// Reads a filter such as `country,regions,precinct:5123`.
    ///
    /// # Errors
    /// Says which word is neither a kind nor a unit of this election.
    pub fn filter(&self, text: &str) -> Result<UnitFilter, FilterError> {
        UnitFilter::parse(text, &self.layout)
    }

    /// How the night went.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// Every correction that was published, oldest first.
    pub fn corrections(&self) -> Vec<Corrected> {
        self.corrections.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The published figures of a unit, and when a record last changed them.
    pub fn figures(&self, unit: &UnitId) -> Option<(Arc<Figures>, Timestamp)> {
        let slot = self.layout.slot(unit)?;
        let writer = self.writer();
        Some((Arc::clone(&writer.figures[slot]), writer.updated[slot]))
    }

    /// The newest version and the figures in it of every unit above precincts.
    pub fn counted(&self) -> Counted {
        let writer = self.writer(); // the newest version changes under its lock alone
        let unit = |slot: usize| (self.layout.id(slot).clone(), Arc::clone(&writer.figures[slot]));
        let units = (0..self.layout.upper()).map(unit).collect();
        let lots = writer.lots[..writer.lots_published].to_vec();
        Counted { units, lots, latest: self.latest() }
    }

    /// The published figures of every precinct, in the order of their numbers.
    pub fn precincts(&self) -> Vec<Arc<Figures>> {
        self.writer().figures[self.layout.upper()..].to_vec()
    }

    /// The election that is shown.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// This run.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a cut's changes beside those that wait, and says which unit is unknown.
    fn take_in(&self, writer: &mut Writer, cut: &Cut) -> Option<UnitId> {
        let mut unknown = None;
        for change in &cut.changes {
            match self.layout.slot(&change.unit) {
                None => unknown = Some(change.unit.clone()),
                Some(slot) if *writer.figures[slot] == *change.figures => {
                    writer.pending.remove(&slot);
                }
                Some(slot) => {
                    writer.pending.insert(slot, (Arc::clone(&change.figures), change.updated));
                }
            }
        }
        writer.corrections.extend(cut.corrections.iter().cloned());
        writer.lots.extend(cut.lots.iter().cloned());
        unknown
    }

    fn check(&self, writer: &Writer, votes: bool) -> Result<BTreeMap<usize, Figures>, Breach> {
        let changed =
            writer.pending.iter().map(|(slot, (figures, _))| (*slot, Arc::clone(figures))).collect();
        let falls = self.falls(&writer.corrections)?;
        let candidate = Candidate {
            layout: &self.layout,
            before: &writer.figures,
            changed: &changed,
            sums: &writer.sums,
            falls: &falls,
            votes: (writer.votes, votes),
        };
        candidate.check()
    }

    /// By how much the counts of each unit may fall for these corrections: of the precincts corrected, and of
    /// the units above them.
    fn falls(&self, corrections: &[Arc<Correction>]) -> Result<BTreeMap<usize, Figures>, BrokenSum> {
        let mut falls: BTreeMap<usize, Figures> = BTreeMap::new();
        let none = Figures::default();
        for correction in corrections {
            let Some(precinct) = self.layout.slot(&UnitId::Precinct(correction.precinct)) else { continue };
            let fall = correction.falls();
            for slot in self.layout.path(precinct).iter().copied().chain([precinct]) {
                let contests = || Figures::empty(self.layout.contests(slot).iter().copied());
                let sum = falls.entry(slot).or_insert_with(contests);
                sum.replace(self.layout.id(slot), &none, &fall)?;
            }
        }
        Ok(falls)
    }

    /// Makes the version that the guard has passed.
    fn commit(&self, writer: &mut Writer, cut: &Cut, revealed: bool) -> Position {
        let latest = self.latest();
        let before = latest.version();
        let at = cut.at.max(before.at);
        let position = Position { epoch: self.epoch.clone(), version: before.number() + 1 };
        let changed: Vec<usize> = writer.pending.keys().copied().collect();
        for (slot, (figures, updated)) in std::mem::take(&mut writer.pending) {
            self.series.record(at, self.layout.id(slot), &figures);
            writer.figures[slot] = figures;
            writer.updated[slot] = updated;
        }
        writer.lots_published = writer.lots.len();
        writer.votes = cut.votes;
        writer.refused = false;
        let mut upper = before.units.clone();
        let mut precincts: Box<[Arc<Shown>]> = latest.precincts().into();
        // What is shown for the first time has changed in every unit.
        let encode = if revealed { (0..self.layout.len()).collect() } else { changed };
        for slot in encode {
            let (changed, figures, updated) = (position.version, &writer.figures[slot], writer.updated[slot]);
            match slot.checked_sub(upper.len()) {
                None => {
                    let json = self.encoder.unit(slot, figures, updated, cut.votes);
                    upper[slot] = Arc::new(Encoded { changed, json });
                }
                Some(precinct) => {
                    precincts[precinct] = Arc::new(Shown::new(changed, figures, updated, cut.votes));
                }
            }
        }
        let corrected = std::mem::take(&mut writer.corrections)
            .into_iter()
            .map(|correction| Corrected { correction, position: position.clone() });
        self.corrections.write().unwrap_or_else(PoisonError::into_inner).extend(corrected);
        let stamp = Stamp { position: position.clone(), at, speed: cut.speed, votes: cut.votes };
        let version = Arc::new(version(&self.definition, &self.layout, writer, stamp, upper));
        self.keep(Arc::clone(&version));
        self.latest.send_replace(Arc::new(Latest::new(version, Arc::clone(&self.encoder), precincts, None)));
        position
    }

    fn keep(&self, version: Arc<Version>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += version.weight;
        kept.versions.push_back(version);
        while kept.versions.len() > self.options.kept_versions.max(1)
            || (kept.bytes > self.options.kept_bytes && kept.versions.len() > 1)
        {
            let Some(oldest) = kept.versions.pop_front() else { break };
            kept.bytes -= oldest.weight;
        }
    }

    /// Takes the writer's lock as witness: the newest state changes under it alone.
    fn stall_with(&self, _writer: &Writer, since: Timestamp) {
        let latest = self.latest();
        if latest.stalled_since().is_some() {
            return;
        }
        let version = latest.version();
        let header = Header {
            definition: &self.definition,
            position: &version.position,
            at: version.at,
            speed: version.speed,
            status: version.status,
            votes: version.votes,
            stalled_since: Some(since),
            lots: version.lots,
        };
        let stalled = Some((since, header.members()));
        let stalled = self.again(&latest, stalled);
        self.latest.send_replace(Arc::new(stalled));
    }

    /// The newest version under another header.
    fn again(&self, latest: &Latest, stalled: Option<(Timestamp, String)>) -> Latest {
        let encoder = Arc::clone(&self.encoder);
        Latest::new(Arc::clone(latest.version()), encoder, latest.precincts().into(), stalled)
    }

    fn resume_with(&self, _writer: &Writer) {
        let latest = self.latest();
        if latest.stalled_since().is_some() {
            let good = self.again(&latest, None);
            self.latest.send_replace(Arc::new(good));
        }
    }
}

/// What a version is marked with.
struct Stamp {
    position: Position,
    at: Timestamp,
    speed: f64,
    votes: bool,
}

fn version(
    definition: &Definition,
    layout: &Arc<Layout>,
    writer: &Writer,
    stamp: Stamp,
    units: Box<[Arc<Encoded>]>,
) -> Version {
    let Stamp { position, at, speed, votes } = stamp;
    let country = layout.slot(&UnitId::Country).map(|slot| writer.figures[slot].phase());
    let status = country.map_or(Status::Pre, Status::from);
    let lots = writer.lots_published;
    let stalled_since = None;
    let header = Header { definition, position: &position, at, speed, status, votes, stalled_since, lots };
    let header = header.members();
    let new = units.iter().filter(|unit| unit.changed == position.version).map(|unit| unit.json.len());
    let weight = new.sum::<usize>() + header.len() + size_of::<Version>() + size_of_val(&*units);
    Version { position, at, speed, status, votes, lots, header, layout: Arc::clone(layout), units, weight }
}

/// The figures of every slot before anything happened.
fn untouched(definition: &Arc<Definition>, layout: &Layout) -> Result<Vec<Arc<Figures>>, Breach> {
    let mut contributions = rollup::Contributions::new(Arc::clone(definition));
    for precinct in Precinct::each(definition) {
        contributions.put(precinct.id(), precinct.figures());
    }
    let mut sums = contributions.sums()?;
    let figures = (0..layout.len()).map(|slot| match layout.id(slot) {
        UnitId::Precinct(id) => contributions.of(*id).cloned().unwrap_or_default(),
        unit => Arc::new(sums.remove(unit).unwrap_or_default()),
    });
    Ok(figures.collect())
}
