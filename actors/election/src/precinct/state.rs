//! What a precinct knows.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    correction::Correction,
    count::Count,
    definition::{ContestIx, Definition, Device, DeviceKind, DeviceStatus, Precinct as Entry},
    document::Document,
    few::Few,
    figures::{Phase, SourceFigures},
    hand_count::HandCount,
    ids::{DeviceId, PrecinctId},
    precinct::{
        flags::Flag,
        judge::Arrived,
        reports::Reports,
        rulings::{Basis, Ruling},
    },
    record::{Decision, Observation},
    report::{Body, Digest, Offset, ReportType, Seq, Turnout, Verdict},
    rules::Code,
    sequence::{Gap, Line},
    time::Timestamp,
};

/// The state of one precinct: a fold over its records.
#[derive(Debug, Clone)]
pub struct Precinct {
    pub(super) definition: Arc<Definition>,
    pub(super) id: PrecinctId,
    pub(super) devices: Few<DeviceId, Box<Counted>>,
    pub(super) clock: Timestamp,
    /// Flags that an event raised and that stay until they are lowered by one.
    pub(super) events: Few<Flag, Timestamp>,
    /// Every open flag, and since when.
    pub(super) flags: Few<Flag, Timestamp>,
    pub(super) quarantined: u32,
    /// What people did, once they did anything: in most precincts they do not before the protocol.
    people: Option<Box<People>>,
    pub(super) updated: Timestamp,
}

/// What people entered and decided about a precinct.
#[derive(Debug, Clone)]
pub(super) struct People {
    /// The hand count, by contest in the order of the precinct's; empty before it is in.
    pub protocol: Vec<(ContestIx, SourceFigures)>,
    /// Discrepancies that they looked into, and what they were about then.
    pub resolved: BTreeMap<Flag, Basis>,
    /// What they set in place of what the urns counted.
    pub corrected: BTreeMap<ContestIx, SourceFigures>,
    /// What they set in place of what the terminals say.
    pub turnout: Option<Count>,
    pub ruling: Ruling,
    pub corrections: Vec<Arc<Correction>>,
    /// How far the entering of the protocol has come, once it has begun.
    pub hand_count: Option<Box<HandCount>>,
    /// Scans, in the order of the journal.
    pub documents: Vec<Arc<Document>>,
    /// What observers hold, by who holds it.
    pub copies: BTreeMap<Arc<str>, Vec<(ContestIx, SourceFigures)>>,
    /// The last decision's place in the journal.
    pub last_decision: Offset,
}

impl People {
    /// Before they did anything.
    const NOTHING: Self = Self {
        protocol: Vec::new(),
        resolved: BTreeMap::new(),
        corrected: BTreeMap::new(),
        turnout: None,
        ruling: Ruling::Open,
        corrections: Vec::new(),
        hand_count: None,
        documents: Vec::new(),
        copies: BTreeMap::new(),
        last_decision: Offset(0),
    };

    /// The hand count of a contest, once it is in.
    pub fn protocol_of(&self, contest: ContestIx) -> Option<&SourceFigures> {
        self.protocol.iter().find(|(of, _)| *of == contest).map(|(_, figures)| figures)
    }
}

/// What a precinct knows of one of its devices.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    pub kind: DeviceKind,
    /// Of an urn: the contests it counts. Empty: all of the precinct's.
    pub contests: Vec<ContestIx>,
    /// Whether results wait for it; false once it is shut out or another has taken its place.
    pub active: bool,
    /// Whether another has taken its place, or it never had one here.
    pub displaced: bool,
    pub line: Line,
    pub reports: Reports,
    /// The opening that counts: its number and the device's clock.
    pub opening: Option<(Seq, Timestamp)>,
    /// Of a terminal, once it has sent any.
    pub identified: Option<Box<Identified>>,
    pub tally: Option<FinalTally>,
    /// Of most devices nothing ever waits, and it takes no room.
    pub waiting: Option<Box<Waiting>>,
}

/// What a terminal says of people identified.
#[derive(Debug, Clone, Default)]
pub(super) struct Identified {
    turnout: Option<Reading>,
    closing: Option<Reading>,
}

/// Reports of a device that do not count yet.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    /// Those above a gap.
    pub held: BTreeMap<Seq, Arrived>,
    /// Those about which people have to decide.
    pub quarantine: BTreeMap<Offset, Arrived>,
}

impl Waiting {
    const NOTHING: Self = Self { held: BTreeMap::new(), quarantine: BTreeMap::new() };
}

/// A cumulative count of identified voters, its number in the line and the device's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub seq: Seq,
    pub at: Timestamp,
    pub identified: Count,
}

/// An urn's final count, by contest.
#[derive(Debug, Clone)]
pub(super) struct FinalTally {
    pub seq: Seq,
    pub contests: Box<[(ContestIx, SourceFigures)]>,
}

/// A journaled report and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportEntry {
    /// Its place in the journal.
    pub offset: Offset,
    /// Its number in the device's line.
    pub seq: Seq,
    /// SHA-256 of its envelope.
    pub digest: Digest,
    /// Its type.
    pub report_type: ReportType,
    /// The device's clock.
    pub at: Timestamp,
    /// When it arrived.
    pub arrived: Timestamp,
    /// What became of it.
    pub verdict: Verdict,
    /// Why.
    pub codes: Box<[Code]>,
    /// Of a report that was in quarantine: who decided about it.
    pub ruled: Option<Box<Ruled>>,
}

/// Who decided about a report, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// The person.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// When it was put on record.
    pub at: Timestamp,
    /// The decision's place in the journal.
    pub offset: Offset,
}

impl Ruled {
    pub(super) fn new(decision: &Decision, offset: Offset, at: Timestamp) -> Self {
        Self { by: decision.by.as_str().into(), reason: decision.reason.as_str().into(), at, offset }
    }
}

/// What the precinct knows of a report that is offered again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Its place in the journal.
    pub offset: Offset,
    /// The verdict now in force.
    pub verdict: Verdict,
}

/// What can be read of a device: for the precinct's page and the list of what is missing.
#[derive(Debug, Clone)]
pub struct DeviceView<'a> {
    /// Which.
    pub id: &'a DeviceId,
    /// Urn or terminal.
    pub kind: DeviceKind,
    /// Whether results wait for it.
    pub active: bool,
    /// Whether its final report counts.
    pub finished: bool,
    /// Its reports, by number.
    pub reports: Vec<&'a ReportEntry>,
    /// The lowest numbers that are missing below the highest known one.
    pub gap: Option<Gap>,
}

impl Precinct {
    /// A precinct of the definition, before anything happened. `None` where the definition has none such.
    pub fn new(definition: Arc<Definition>, id: PrecinctId) -> Option<Self> {
        definition.precincts().get(&id)?;
        Some(Self {
            definition,
            id,
            devices: Few::default(),
            clock: Timestamp::default(),
            events: Few::default(),
            flags: Few::default(),
            quarantined: 0,
            people: None,
            updated: Timestamp::default(),
        })
    }

    /// Lets one of the definition's devices count here from the start, if it stands here and is active.
    pub fn enrol(&mut self, device: &Device) {
        if device.precinct == Some(self.id) && device.status == DeviceStatus::Active {
            self.devices.or_insert_with(device.id.clone(), || Box::new(Counted::new(device)));
        }
    }

    /// Every precinct of a definition with its devices, before anything happened, in the order of their numbers.
    pub fn each(definition: &Arc<Definition>) -> impl Iterator<Item = Self> {
        let here = definition.devices().values().filter_map(|device| Some((device.precinct?, device)));
        let mut devices: Vec<_> = here.collect();
        devices.sort_by_key(|(at, _)| *at);
        definition.precincts().keys().filter_map(move |id| {
            let mut precinct = Self::new(Arc::clone(definition), *id)?;
            let first = devices.partition_point(|(at, _)| at < id);
            let own = devices[first..].iter().take_while(|(at, _)| at == id);
            own.for_each(|(_, device)| precinct.enrol(device));
            Some(precinct)
        })
    }

    /// The same, by number.
    pub fn all(definition: &Arc<Definition>) -> BTreeMap<PrecinctId, Precinct> {
        Self::each(definition).map(|precinct| (precinct.id, precinct)).collect()
    }

    /// One precinct with its devices, before anything happened.
    pub fn fresh(definition: &Arc<Definition>, id: PrecinctId) -> Option<Self> {
        let mut precinct = Self::new(Arc::clone(definition), id)?;
        definition.devices().values().for_each(|device| precinct.enrol(device));
        Some(precinct)
    }

    /// Its number.
    pub fn id(&self) -> PrecinctId {
        self.id
    }

    /// Its entry in the definition.
    pub fn entry(&self) -> &Entry {
        &self.definition.precincts()[&self.id]
    }

    /// What people entered and decided.
    pub(super) fn people(&self) -> &People {
        static NOTHING: People = People::NOTHING;
        self.people.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to change it.
    pub(super) fn people_mut(&mut self) -> &mut People {
        self.people.get_or_insert_with(|| Box::new(People::NOTHING))
    }

    /// When a record last changed it.
    pub fn updated(&self) -> Timestamp {
        self.updated
    }

    /// Open flags, and since when.
    pub fn flags(&self) -> &Few<Flag, Timestamp> {
        &self.flags
    }

    /// What became of a report that is offered again.
    pub fn known(&self, device: &DeviceId, seq: Seq, digest: Digest) -> Option<Known> {
        let entry = self.devices.get(device)?.reports.get((seq, digest))?;
        Some(Known { offset: entry.offset, verdict: entry.verdict })
    }

    /// Its devices, those whose place was taken included.
    pub fn devices(&self) -> impl Iterator<Item = DeviceView<'_>> {
        self.devices.iter().map(|(id, device)| DeviceView {
            id,
            kind: device.kind,
            active: device.active,
            finished: device.finished(),
            reports: device.reports.iter().collect(),
            gap: device.line.gap(),
        })
    }

    /// The line of each of its devices: what the gateway needs to know a duplicate after a restart.
    pub fn lines(&self) -> impl Iterator<Item = (&DeviceId, &Line)> {
        self.devices.iter().map(|(id, device)| (id, &device.line))
    }

    /// Takes what a clock or a heartbeat caused.
    pub fn observe(&mut self, observation: &Observation, arrived: Timestamp) {
        match observation {
            Observation::Clock { reached } => self.clock = self.clock.max(*reached),
            Observation::ClockDoubted
            | Observation::ClockConfirmed { .. }
            | Observation::PublicationHeld { .. }
            | Observation::PublicationResumed => {}
            Observation::Device { device, code, raised, .. } => {
                let flag = Flag { code: *code, device: Some(device.clone()), contest: None };
                if *raised {
                    self.events.or_insert_with(flag, || arrived);
                } else {
                    self.events.remove(&flag);
                }
            }
        }
        self.settle(arrived);
    }

    /// When polls open here: as long before they close as at home.
    pub fn polls_open(&self) -> Timestamp {
        opening_of(&self.definition, self.entry())
    }

    /// Phase of the precinct.
    pub fn phase(&self) -> Phase {
        match self.people().ruling {
            Ruling::Certified => Phase::Certified,
            Ruling::Annulled => Phase::Annulled,
            Ruling::Open => self.progress_of_the_night(),
        }
    }

    fn progress_of_the_night(&self) -> Phase {
        match () {
            () if self.clock < self.polls_open() => Phase::Pre,
            () if self.clock < self.entry().polls_close => Phase::Open,
            () if self.all_reported() => Phase::Reported,
            () => Phase::Counting,
        }
    }

    /// Brings the flags up to date after a record and notes its time.
    pub(super) fn settle(&mut self, arrived: Timestamp) {
        let now = self.open_flags();
        self.flags.retain(|flag, _| now.contains(flag));
        for flag in now {
            let since = self.events.get(&flag).copied().unwrap_or(arrived);
            self.flags.or_insert_with(flag, || since);
        }
        self.updated = self.updated.max(arrived);
    }
}

/// When polls open in a precinct: as long before they close there as at home.
fn opening_of(definition: &Definition, precinct: &Entry) -> Timestamp {
    let about = definition.about();
    precinct.polls_close - about.polls_close.since(about.polls_open)
}

impl Definition {
    /// Every moment at which the phase of a precinct changes or votes may be published, in order.
    pub fn moments(&self) -> Vec<Timestamp> {
        let mut moments = vec![self.about().publish_votes_from];
        for precinct in self.precincts().values() {
            moments.push(opening_of(self, precinct));
            moments.push(precinct.polls_close);
        }
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    /// The precincts whose polls open or close at a moment.
    pub fn precincts_at(&self, moment: Timestamp) -> impl Iterator<Item = PrecinctId> {
        let concerned = move |at: &&Entry| at.polls_close == moment || opening_of(self, at) == moment;
        self.precincts().values().filter(concerned).map(|precinct| precinct.id)
    }
}

impl Counted {
    pub(super) fn new(device: &Device) -> Self {
        Self {
            kind: device.kind,
            contests: device.contests.clone(),
            active: true,
            displaced: false,
            line: Line::default(),
            reports: Reports::default(),
            opening: None,
            identified: None,
            tally: None,
            waiting: None,
        }
    }

    /// What waits.
    pub(super) fn waiting(&self) -> &Waiting {
        static NOTHING: Waiting = Waiting::NOTHING;
        self.waiting.as_deref().unwrap_or(&NOTHING)
    }

    /// The same, to change it.
    pub(super) fn waiting_mut(&mut self) -> &mut Waiting {
        self.waiting.get_or_insert_with(|| Box::new(Waiting::NOTHING))
    }

    /// The turnout that counts.
    pub(super) fn turnout(&self) -> Option<Reading> {
        self.identified.as_ref()?.turnout
    }

    /// The closing that counts.
    pub(super) fn closing(&self) -> Option<Reading> {
        self.identified.as_ref()?.closing
    }

    /// Whether its final report counts.
    pub(super) fn finished(&self) -> bool {
        match self.kind {
            DeviceKind::Urn => self.tally.is_some(),
            DeviceKind::IdTerminal => self.closing().is_some(),
        }
    }

    /// Whether anything it said counts.
    pub(super) fn has_sent(&self) -> bool {
        self.opening.is_some() || self.identified.is_some()
    }

    /// People it identified: its closing, or else its last turnout.
    pub(super) fn identified(&self) -> Count {
        self.closing().or(self.turnout()).map_or(Count::ZERO, |last| last.identified)
    }

    /// The highest count it has ever given, by number in the line.
    pub(super) fn last_count(&self) -> Option<Reading> {
        [self.turnout(), self.closing()].into_iter().flatten().max_by_key(|count| count.seq)
    }

    pub(super) fn counts(&self, contest: ContestIx) -> bool {
        self.kind == DeviceKind::Urn && (self.contests.is_empty() || self.contests.contains(&contest))
    }

    /// Lets an accepted report count: the highest number of each type.
    pub(super) fn count(&mut self, definition: &Definition, seq: Seq, at: Timestamp, body: &Body) {
        let newer = |had: Option<Seq>| had.is_none_or(|had| seq > had);
        match body {
            Body::OpeningTerminal { .. } | Body::OpeningUrn(_) => {
                if newer(self.opening.map(|had| had.0)) {
                    self.opening = Some((seq, at));
                }
            }
            Body::Turnout(turnout) if newer(self.turnout().map(|had| had.seq)) => {
                self.identified.get_or_insert_default().turnout = Some(Reading::of(seq, at, turnout));
            }
            Body::Closing(turnout) if newer(self.closing().map(|had| had.seq)) => {
                self.identified.get_or_insert_default().closing = Some(Reading::of(seq, at, turnout));
            }
            Body::Tally(tally) if newer(self.tally.as_ref().map(|had| had.seq)) => {
                let contests = tally.contests.iter().filter_map(|of| super::figures::place(definition, of));
                self.tally = Some(FinalTally { seq, contests: contests.collect() });
            }
            Body::Turnout(_) | Body::Closing(_) | Body::Tally(_) => {}
        }
    }
}

impl Reading {
    fn of(seq: Seq, at: Timestamp, turnout: &Turnout) -> Self {
        Self { seq, at, identified: turnout.identified }
    }
}
