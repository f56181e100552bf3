//! Cuts a version of all units at one point of the night, audits it from time to time, and hands it to the
//! feed, whose guard has the last word.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message};
use election::{
    Correction, PrecinctId, Timestamp, UnitId,
    figures::{BrokenSum, Figures},
    record::Observation,
    seats::Drawn,
};
use feed::{Change, Feed};

use crate::{
    country::{Country, Cut, FormAnew},
    ports::{Recorder, Tempo},
    system::Alarms,
    unit::Part,
};

/// How often a version is cut, in real time (ARCHITECTURE, life of a report, 6).
const CUT_EVERY: Duration = Duration::from_millis(250);
/// After a version it rests this many times as long as that took: of a country so large, or a machine so busy, that
/// versions are dear there are fewer, and the count has its share of the thread.
const REST: u32 = 4;
/// …but no longer than this, whatever held the machine up.
const LONGEST_REST: Duration = Duration::from_secs(2);
/// How often every sum is formed anew and compared, in real time.
const AUDIT_EVERY: Duration = if cfg!(test) { Duration::from_millis(500) } else { Duration::from_secs(30) };

/// A unit that has not shown its figures after this, in real time, is gone.
const UNANSWERED: Duration = if cfg!(test) { Duration::from_secs(1) } else { Duration::from_secs(5) };

/// The actor that publishes.
pub(crate) struct Publisher {
    feed: Arc<Feed>,
    tempo: Arc<dyn Tempo>,
    recorder: Arc<dyn Recorder>,
    alarms: Alarms,
    country: Option<Addr<Country>>,
    number: u64,
    open: Option<OpenCut>,
    rests_until: Instant,
    audited: Instant,
    /// Publication is held: since when, and why.
    held: Option<Held>,
    /// The record says that publication is held, and not yet that it goes on.
    held_on_record: bool,
    /// What became of publication and is not on record yet.
    unnoted: VecDeque<(Observation, Timestamp)>,
    /// Decisions that no version has taken along.
    corrections: Vec<Arc<Correction>>,
    /// Lots that no version has taken along.
    lots: Vec<Arc<Drawn>>,
    /// What has changed since the last version that was published.
    pending: BTreeMap<UnitId, Change>,
    /// What stands in the last version, of units above precincts.
    published: HashMap<UnitId, Arc<Figures>>,
}

/// An observation of publication did not reach stable storage: it is made again.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Unrecorded(pub Observation);

/// Sums of all units formed anew, and what the units show: equal, or something is wrong.
type Audit = (BTreeMap<UnitId, Figures>, BTreeMap<UnitId, Arc<Figures>>);

/// A time in which nothing newer could be published.
struct Held {
    since: Instant,
    why: String,
    /// When the sums were last formed anew because of it.
    mended: Instant,
}

/// A cut that waits for the units to show what they hold.
struct OpenCut {
    number: u64,
    begun: Instant,
    waiting: usize,
    votes: bool,
    audit: Option<Audit>,
    broken: Option<BrokenSum>,
}

/// Whom to ask for a cut.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Begin(pub Addr<Country>);

/// The country's part of a cut, and how many more parts there will be.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct CutBegins {
    pub number: u64,
    pub parts: usize,
    pub country: Option<(Arc<Figures>, Timestamp)>,
    pub precincts: Vec<(PrecinctId, Arc<Figures>, Timestamp)>,
    pub corrections: Vec<Arc<Correction>>,
    pub lots: Vec<Arc<Drawn>>,
    pub votes: bool,
    pub sums: Option<Result<BTreeMap<UnitId, Figures>, BrokenSum>>,
    pub broken: Option<BrokenSum>,
}

impl CutBegins {
    /// Nothing has changed since the cut before.
    pub(crate) fn nothing(number: u64) -> Self {
        Self {
            number,
            parts: 0,
            country: None,
            precincts: Vec::new(),
            corrections: Vec::new(),
            lots: Vec::new(),
            votes: false,
            sums: None,
            broken: None,
        }
    }
}

impl Publisher {
    pub(crate) fn new(
        feed: Arc<Feed>,
        tempo: Arc<dyn Tempo>,
        recorder: Arc<dyn Recorder>,
        alarms: Alarms,
        held_on_record: bool,
    ) -> Self {
        Self {
            feed,
            tempo,
            recorder,
            alarms,
            country: None,
            number: 0,
            open: None,
            rests_until: Instant::now(),
            audited: Instant::now(),
            held: None,
            held_on_record,
            unnoted: VecDeque::new(),
            corrections: Vec::new(),
            lots: Vec::new(),
            pending: BTreeMap::new(),
            published: HashMap::new(),
        }
    }

    fn cut(&mut self) {
        self.note_what_waits();
        if self.open.as_ref().is_some_and(|open| open.begun.elapsed() > UNANSWERED) {
            self.open = None;
            self.hold("a unit does not show its figures");
        }
        let (Some(country), None) = (&self.country, &self.open) else { return };
        if Instant::now() < self.rests_until {
            return;
        }
        self.number += 1;
        // While publication is held every cut is audited: the first sound one is published.
        let audit = self.held.is_some() || self.audited.elapsed() >= AUDIT_EVERY;
        if audit {
            self.audited = Instant::now();
        }
        self.open = Some(OpenCut {
            number: self.number,
            begun: Instant::now(),
            waiting: usize::MAX,
            votes: false,
            audit: audit.then(Default::default),
            broken: None,
        });
        country.do_send(Cut { number: self.number, audit });
    }

    fn change(&mut self, unit: UnitId, figures: Arc<Figures>, updated: Timestamp) {
        let same = self.published.get(&unit).is_some_and(|known| *known == figures);
        // What was refused before waits in the feed: there, only what it should be can take its place.
        if same && self.held.is_none() {
            // It changed and changed back before it was shown.
            self.pending.remove(&unit);
        } else {
            self.pending.insert(unit.clone(), Change { unit, figures, updated });
        }
    }

    fn finish_if_complete(&mut self) {
        let Some(open) = self.open.take_if(|open| open.waiting == 0) else { return };
        if let Some(broken) = open.broken {
            return self.hold(&broken.to_string());
        }
        if let Some((sums, shown)) = open.audit {
            self.alarms.audits.inc();
            let differs = sums.iter().find(|(unit, sum)| shown.get(*unit).is_none_or(|held| **held != **sum));
            if let Some((unit, _)) = differs {
                return self.hold(&format!("the sums of {unit} are not those of its precincts"));
            }
        }
        let changes: Vec<Change> = self.pending.values().cloned().collect();
        let votes_appear = open.votes && !self.feed.current().votes();
        let decided = !self.corrections.is_empty() || !self.lots.is_empty();
        if changes.is_empty() && !votes_appear && !decided {
            return self.recovered();
        }
        let cut = feed::Cut {
            at: self.tempo.now(),
            votes: open.votes,
            changes,
            // The feed keeps them with what it refuses.
            corrections: std::mem::take(&mut self.corrections),
            lots: std::mem::take(&mut self.lots),
            speed: self.tempo.speed(),
        };
        let began = Instant::now();
        let published = self.feed.publish(cut);
        self.rests_until = Instant::now() + (began.elapsed() * REST).min(LONGEST_REST);
        match published {
            Ok(_) => {
                for (unit, change) in std::mem::take(&mut self.pending) {
                    if !matches!(unit, UnitId::Precinct(_)) {
                        self.published.insert(unit, change.figures);
                    }
                }
                self.recovered();
            }
            Err(breach) => self.hold(&breach.to_string()),
        }
    }

    /// Holds publication at the last good version. What has changed stays pending: the first version that
    /// passes shows it. Every sum is formed anew from the precincts, at once and then as often as they are
    /// audited: a fault that comes again is no fault of one moment.
    fn hold(&mut self, why: &str) {
        self.alarms.held.inc();
        self.alarms.holding.set(1);
        self.feed.stall(self.tempo.now());
        let now = Instant::now();
        let known = self.held.as_ref().is_some_and(|held| held.why == why);
        if !known {
            tracing::error!(why, "publication is held at the last good version");
        }
        if !std::mem::replace(&mut self.held_on_record, true) {
            self.note(Observation::PublicationHeld { why: why.to_owned() });
        }
        let since = self.held.as_ref().map_or(now, |held| held.since);
        let mended = self.held.as_ref().map(|held| held.mended);
        let mend = mended.is_none_or(|at| at.elapsed() >= AUDIT_EVERY);
        let mended = if mend { now } else { mended.unwrap_or(now) };
        self.held = Some(Held { since, why: why.to_owned(), mended });
        if let Some(country) = self.country.as_ref().filter(|_| mend) {
            country.do_send(FormAnew);
        }
    }

    /// Puts on record what became of publication, in the order in which it did.
    fn note(&mut self, observation: Observation) {
        self.unnoted.push_back((observation, self.tempo.now()));
        self.note_what_waits();
    }

    /// Where the journal takes nothing now, it waits for the next cut.
    fn note_what_waits(&mut self) {
        while let Some((observation, at)) = self.unnoted.front() {
            if !self.recorder.record(observation.clone(), *at) {
                return;
            }
            self.unnoted.pop_front();
        }
    }

    /// Ends a time in which nothing could be published, if this was one.
    fn recovered(&mut self) {
        if std::mem::take(&mut self.held_on_record) {
            self.note(Observation::PublicationResumed);
        }
        let Some(Held { since, why, .. }) = self.held.take() else { return };
        self.feed.resume();
        self.alarms.holding.set(0);
        self.alarms.recovered.inc();
        let seconds = since.elapsed().as_secs_f64();
        tracing::warn!(why, seconds, "publication goes on: every sum is that of its precincts");
    }
}

impl Actor for Publisher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(CUT_EVERY, |publisher, _| publisher.cut());
    }
}

impl Handler<Begin> for Publisher {
    type Result = ();

    fn handle(&mut self, begin: Begin, _: &mut Self::Context) {
        self.country = Some(begin.0);
        self.cut();
    }
}

impl Handler<Unrecorded> for Publisher {
    type Result = ();

    fn handle(&mut self, Unrecorded(observation): Unrecorded, _: &mut Self::Context) {
        self.unnoted.push_front((observation, self.tempo.now()));
    }
}

impl Handler<CutBegins> for Publisher {
    type Result = ();

    fn handle(&mut self, begins: CutBegins, _: &mut Self::Context) {
        // Also of a cut that was given up: the country tells of them once.
        self.corrections.extend(begins.corrections);
        self.lots.extend(begins.lots);
        for (precinct, figures, updated) in begins.precincts {
            self.change(UnitId::Precinct(precinct), figures, updated);
        }
        let Some(mut open) = self.open.take_if(|open| open.number == begins.number) else { return };
        let Some((figures, updated)) = begins.country else { return };
        open.waiting = begins.parts;
        open.votes = begins.votes;
        open.broken = begins.broken;
        match begins.sums {
            Some(Ok(sums)) => open.audit = Some((sums, [(UnitId::Country, Arc::clone(&figures))].into())),
            Some(Err(broken)) => open.broken = Some(broken),
            None => open.audit = None,
        }
        self.change(UnitId::Country, figures, updated);
        self.open = Some(open);
        self.finish_if_complete();
    }
}

impl Handler<Part> for Publisher {
    type Result = ();

    fn handle(&mut self, part: Part, _: &mut Self::Context) {
        let Some(open) = self.open.as_mut().filter(|open| open.number == part.cut) else { return };
        open.waiting -= 1;
        open.broken = open.broken.take().or(part.broken);
        if let Some((_, shown)) = &mut open.audit {
            shown.insert(part.unit.clone(), Arc::clone(&part.figures));
        }
        self.change(part.unit, part.figures, part.updated);
        self.finish_if_complete();
    }
}
