//! Starts the actors of a night from what its journal says, and gives each durable record to those it
//! concerns.

use std::{collections::BTreeMap, sync::Arc};

use actix::{Actor, Addr, ArbiterHandle, Context};
use election::{
    Definition, DeviceId, UnitId,
    liveness::{DeviceList, DeviceRow, DevicesWanted, Mark, Point},
    precinct::{Judgement, Objection, Outcome},
    record::{Change, Observation},
};
use feed::Feed;
use journal::{Entry, Journaled};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::{
    country::{Country, First, LotsDrawn, ReleaseVotes},
    liveness::{
        Describe, Finished, Heard, List, Liveness, Marked, Marks, Rekeyed, Sign, Standing, Unrecorded,
    },
    moments::{Moments, Reached},
    ports::{Recorder, ReplaySource, Tempo},
    publisher::{self, Begin, Publisher},
    registry::{OutOfService, Precincts},
    replay::{self, Night},
    unit::UnitActor,
};

/// Precincts that keep an actor though they have nothing to do, unless another number is wanted: most countries have fewer.
pub const MOST_AWAKE: usize = 32_768;

/// What the actors of a night are made of.
pub struct Parts {
    /// The night so far, settled.
    pub night: Night,
    /// Where versions go.
    pub feed: Arc<Feed>,
    /// Where a failed precinct gets its records from.
    pub source: Arc<dyn ReplaySource>,
    /// Where observations are put on record.
    pub recorder: Arc<dyn Recorder>,
    /// The clock of the night.
    pub tempo: Arc<dyn Tempo>,
    /// What calls a person.
    pub alarms: Alarms,
    /// The last signs taken of devices before the start.
    pub marks: BTreeMap<DeviceId, Mark>,
    /// Precincts beyond which those that have nothing to do have no actor.
    pub most_awake: usize,
}

/// Counters that stand still on a good night, but for the first; and the devices by their state.
#[derive(Clone)]
pub struct Alarms {
    /// Audits made.
    pub(crate) audits: IntCounter,
    /// Versions held back.
    pub(crate) held: IntCounter,
    /// 1 while publication is held at the last good version.
    pub(crate) holding: IntGauge,
    /// Times that publication went on after it was held.
    pub(crate) recovered: IntCounter,
    /// Precincts rebuilt after a failure.
    pub(crate) rebuilds: IntCounter,
    /// Precincts that failed again when they were rebuilt.
    pub(crate) out_of_service: IntCounter,
    /// Devices by kind and state.
    pub(crate) devices: IntGaugeVec,
    /// Signs of life from before one that was taken, by kind.
    pub(crate) stale: IntCounterVec,
}

impl Alarms {
    /// Counters, registered.
    ///
    /// # Errors
    /// Where one of the names is taken in the registry.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let devices = Opts::new("sanak_devices_count", "Devices, by kind and state");
        let devices = IntGaugeVec::new(devices, &["kind", "state"])?;
        registry.register(Box::new(devices.clone()))?;
        let stale = Opts::new(
            "sanak_stale_signs_total",
            "Heartbeats and states passed over because a later one was taken: repeated, overtaken or played again",
        );
        let stale = IntCounterVec::new(stale, &["kind"])?;
        registry.register(Box::new(stale.clone()))?;
        let what = "1 while publication is held at the last good version";
        let holding = IntGauge::new("sanak_publication_held", what)?;
        registry.register(Box::new(holding.clone()))?;
        Ok(Self {
            devices,
            stale,
            holding,
            recovered: counter(
                "sanak_publication_recoveries_total",
                "Times that publication went on after it was held",
            )?,
            audits: counter("sanak_audits_total", "Audits: every sum formed anew and compared")?,
            held: counter("sanak_versions_held_total", "Versions held back by the audit or the guard")?,
            rebuilds: counter("sanak_precinct_rebuilds_total", "Precincts rebuilt after a failure")?,
            out_of_service: counter(
                "sanak_precincts_out_of_service_total",
                "Precincts that failed again when they were rebuilt",
            )?,
        })
    }
}

/// What a decision changed about devices.
pub type Changes = Vec<(DeviceId, Change)>;

/// What a decision that was taken did beside the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// What it changed about devices.
    pub changes: Changes,
    /// Reports that were held until it was taken, and what became of them.
    pub judgements: Vec<Judgement>,
}

/// The running actors. Cheap to clone.
#[derive(Clone)]
pub struct System {
    precincts: Precincts,
    pub(crate) country: Addr<Country>,
    publisher: Addr<Publisher>,
    liveness: Addr<Liveness>,
    moments: Addr<Moments>,
    definition: Arc<Definition>,
    votes_from: election::Timestamp,
}

impl System {
    /// Starts the actors on an arbiter. The first version is published at once.
    pub fn start(parts: Parts, arbiter: &ArbiterHandle) -> Self {
        let Parts { night, feed, source, recorder, tempo, alarms, marks, most_awake } = parts;
        let definition = Arc::clone(&night.definition);
        let votes_from = definition.about().publish_votes_from;
        let publisher = {
            let publisher = Publisher::new(
                feed,
                Arc::clone(&tempo),
                Arc::clone(&recorder),
                alarms.clone(),
                night.publication_held,
            );
            Publisher::start_in_arbiter(arbiter, move |_| publisher)
        };
        let watch = Liveness::new(&night, marks, Arc::clone(&recorder), Arc::clone(&tempo), alarms.clone());
        let liveness = Liveness::start_in_arbiter(arbiter, move |_| watch);
        let clock = Moments::new(&definition, night.reached, recorder, tempo);
        let moments = Moments::start_in_arbiter(arbiter, move |_| clock);
        let corrections = night.corrections();
        let Night { precincts, contributions, mut units, reached, lots, .. } = night;
        let own = units.remove(&UnitId::Country).unwrap_or_default();
        let first = First { votes: reached >= votes_from, corrections, lots };
        let units: BTreeMap<UnitId, Addr<UnitActor>> = units
            .into_iter()
            .map(|(id, figures)| {
                let actor = UnitActor::new(id.clone(), figures, publisher.clone().recipient());
                (id, UnitActor::start_in_arbiter(arbiter, move |_: &mut Context<UnitActor>| actor))
            })
            .collect();
        let country = {
            let country = Country::new(contributions, own, units, publisher.clone(), first);
            Country::start_in_arbiter(arbiter, move |_| country)
        };
        let precincts = Precincts::new(
            Arc::clone(&definition),
            precincts.into_values(),
            country.clone(),
            source,
            arbiter.clone(),
            (alarms, most_awake),
        );
        publisher.do_send(Begin(country.clone()));
        Self { precincts, country, publisher, liveness, moments, definition, votes_from }
    }

    /// The precincts, to ask.
    pub fn precincts(&self) -> &Precincts {
        &self.precincts
    }

    /// Gives a durable report to its precinct: its judgement, then those of reports held behind it. The order
    /// of calls is the order in which it judges.
    pub fn report(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<Vec<Judgement>, OutOfService>> + Send + use<> {
        let asked = self.precincts.report(Arc::clone(&record));
        let system = self.clone();
        async move {
            let judgements = asked.await?;
            if let Entry::Report(report) = record.entry() {
                // One that was held may be the final one.
                let sign = Sign::Report { last: judgements.iter().any(Judgement::finishes) };
                system.heard(Heard { device: report.device().clone(), arrived: record.arrival(), sign });
            }
            Ok(judgements)
        }
    }

    /// Gives a durable decision to its precinct, or to the country where it is about a contest, in the order of
    /// calls; tells what it did.
    pub fn decided(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<Result<Decided, Objection>, OutOfService>> + Send + use<> {
        let lots = self.drawn(&record);
        let asked = self.precincts.decided(Arc::clone(&record));
        let liveness = self.liveness.clone();
        async move {
            if let Err(objection) = lots {
                return Ok(Err(objection));
            }
            let Outcome { judgements, mut finished, .. } = match asked.await? {
                Ok(outcome) => outcome,
                Err(objection) => return Ok(Err(objection)),
            };
            let Entry::Decision(decision) = record.entry() else { return Ok(Ok(Decided::default())) };
            let judged = judgements.iter().filter(|judgement| judgement.finishes());
            finished.extend(judged.map(|judgement| judgement.device.clone()));
            finished.into_iter().for_each(|device| liveness.do_send(Finished(device)));
            let changes = decision.act.changes();
            for (device, change) in &changes {
                let Some(precinct) = decision.act.precinct() else { continue };
                let device = device.clone();
                match *change {
                    Change::Status(status) => liveness.do_send(Standing { device, precinct, status }),
                    Change::Key(_) => liveness.do_send(Rekeyed(device)),
                }
            }
            Ok(Ok(Decided { changes, judgements }))
        }
    }

    /// Tells the country of lots that are on record, where the record is of such.
    fn drawn(&self, record: &Journaled<Entry>) -> Result<(), Objection> {
        let Entry::Decision(decision) = record.entry() else { return Ok(()) };
        if let Some(drawn) = replay::drawn(&self.definition, decision, record)? {
            self.country.do_send(LotsDrawn(Arc::new(drawn)));
        }
        Ok(())
    }

    /// Gives a durable observation to those it concerns, in the order of calls.
    pub fn observed(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<(), OutOfService>> + Send + use<> {
        let asked = self.precincts.observed(Arc::clone(&record));
        let system = self.clone();
        let reached = match record.entry() {
            Entry::Observation(Observation::Clock { reached }) => Some(*reached),
            _ => None,
        };
        // It is on record, and has its place before what comes after it: nobody need put it on record again.
        reached.into_iter().for_each(|reached| system.moments.do_send(Reached(reached)));
        async move {
            let outcome = asked.await;
            if reached.is_some_and(|reached| reached >= system.votes_from) {
                system.country.do_send(ReleaseVotes);
            }
            outcome
        }
    }

    /// An observation did not reach stable storage: it is made again.
    pub fn unobserved(&self, observation: Observation) {
        match observation {
            Observation::PublicationHeld { .. } | Observation::PublicationResumed => {
                self.publisher.do_send(publisher::Unrecorded(observation));
            }
            observation => self.liveness.do_send(Unrecorded(observation)),
        }
    }

    /// The devices that are wanted; none while the actors stop.
    pub async fn devices(&self, wanted: DevicesWanted) -> DeviceList {
        self.liveness.send(List(wanted)).await.unwrap_or_default()
    }

    /// One device and its history, oldest first; `None` where there is no such device.
    pub async fn device(&self, device: DeviceId) -> Option<(DeviceRow, Vec<Point>)> {
        self.liveness.send(Describe(device)).await.unwrap_or_default()
    }

    /// The last signs that were taken of each device; none where no more than `since` were taken, or while the actors
    /// stop.
    pub async fn marks(&self, since: u64) -> Option<Marked> {
        self.liveness.send(Marks(since)).await.ok().flatten()
    }

    /// Tells that a device was heard. Where too many are told at once, one is dropped: the next will do.
    pub fn heard(&self, heard: Heard) {
        let final_report = matches!(heard.sign, Sign::Report { last: true });
        if let Err(error) = self.liveness.try_send(heard)
            && final_report
        {
            self.liveness.do_send(error.into_inner());
        }
    }
}
