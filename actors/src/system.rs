//! Starts the actors of a night from what its journal says, and gives each durable record to those it
//! concerns.

use std::{collections::BTreeMap, sync::Arc};

use actix::{Actor, Addr, ArbiterHandle, Context};
use election::{
    DeviceId, UnitId,
    precinct::{Judgement, Objection},
    record::{Change, Observation},
    report::{ReportType, Verdict},
};
use feed::Feed;
use journal::{Entry, Journaled};
use prometheus::{IntCounter, Opts, Registry};

use crate::{
    country::{Country, ReleaseVotes},
    liveness::{Heard, Liveness, Sign, Standing, Unrecorded},
    moments::{Moments, Reached},
    ports::{Recorder, ReplaySource, Tempo},
    publisher::{Begin, Publisher},
    registry::{OutOfService, Precincts},
    replay::Night,
    unit::UnitActor,
};

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
}

/// Counters that stand still on a good night, but for the first.
#[derive(Clone)]
pub struct Alarms {
    /// Audits made.
    pub(crate) audits: IntCounter,
    /// Versions held back.
    pub(crate) held: IntCounter,
    /// Precincts rebuilt after a failure.
    pub(crate) rebuilds: IntCounter,
    /// Precincts that failed again when they were rebuilt.
    pub(crate) out_of_service: IntCounter,
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
        Ok(Self {
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

/// The running actors. Cheap to clone.
#[derive(Clone)]
pub struct System {
    precincts: Precincts,
    country: Addr<Country>,
    liveness: Addr<Liveness>,
    moments: Addr<Moments>,
    votes_from: election::Timestamp,
}

impl System {
    /// Starts the actors on an arbiter. The first version is published at once.
    pub fn start(parts: Parts, arbiter: &ArbiterHandle) -> Self {
        let Parts { night, feed, source, recorder, tempo, alarms } = parts;
        let definition = Arc::clone(&night.definition);
        let votes_from = definition.about().publish_votes_from;
        let publisher = {
            let (tempo, alarms) = (Arc::clone(&tempo), alarms.clone());
            Publisher::start_in_arbiter(arbiter, move |_| Publisher::new(feed, tempo, alarms))
        };
        let watch = Liveness::new(&night, Arc::clone(&recorder), Arc::clone(&tempo));
        let liveness = Liveness::start_in_arbiter(arbiter, move |_| watch);
        let clock = Moments::new(&definition, night.reached, recorder, tempo);
        let moments = Moments::start_in_arbiter(arbiter, move |_| clock);
        let Night { precincts, contributions, mut units, reached, .. } = night;
        let own = units.remove(&UnitId::Country).unwrap_or_default();
        let units: BTreeMap<UnitId, Addr<UnitActor>> = units
            .into_iter()
            .map(|(id, figures)| {
                let actor = UnitActor::new(id.clone(), figures, publisher.clone().recipient());
                (id, UnitActor::start_in_arbiter(arbiter, move |_: &mut Context<UnitActor>| actor))
            })
            .collect();
        let country = {
            let country = Country::new(contributions, own, units, publisher.clone(), reached >= votes_from);
            Country::start_in_arbiter(arbiter, move |_| country)
        };
        let precincts = Precincts::new(
            definition,
            precincts.into_values(),
            country.clone(),
            source,
            arbiter.clone(),
            alarms,
        );
        publisher.do_send(Begin(country.clone()));
        Self { precincts, country, liveness, moments, votes_from }
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
                let report = report.report();
                let accepted = judgements.first().is_some_and(|first| first.verdict == Verdict::Accepted);
                let is_final = matches!(report.body.report_type(), ReportType::Tally | ReportType::Closing);
                let sign = Sign::Report { last: accepted && is_final };
                system.heard(Heard { device: report.device.clone(), arrived: record.arrival(), sign });
            }
            Ok(judgements)
        }
    }

    /// Gives a durable decision to its precinct, in the order of calls; tells what it changed about devices.
    pub fn decided(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<Result<Changes, Objection>, OutOfService>> + Send + use<> {
        let asked = self.precincts.decided(Arc::clone(&record));
        let liveness = self.liveness.clone();
        async move {
            let outcome = asked.await?;
            let (Ok(()), Entry::Decision(decision)) = (&outcome, record.entry()) else {
                return Ok(outcome.map(|()| Vec::new()));
            };
            let changes = decision.act.changes();
            for (device, change) in &changes {
                let Change::Status(status) = *change else { continue };
                liveness.do_send(Standing {
                    device: device.clone(),
                    precinct: decision.act.precinct(),
                    status,
                });
            }
            Ok(Ok(changes))
        }
    }

    /// Gives a durable observation to those it concerns, in the order of calls.
    pub fn observed(
        &self,
        record: Arc<Journaled<Entry>>,
    ) -> impl Future<Output = Result<(), OutOfService>> + Send + use<> {
        let asked = self.precincts.observed(Arc::clone(&record));
        let system = self.clone();
        async move {
            let outcome = asked.await;
            if let Entry::Observation(Observation::Clock { reached }) = record.entry() {
                if *reached >= system.votes_from {
                    system.country.do_send(ReleaseVotes);
                }
                system.moments.do_send(Reached(*reached));
            }
            outcome
        }
    }

    /// An observation did not reach stable storage: it is made again.
    pub fn unobserved(&self, observation: Observation) {
        self.liveness.do_send(Unrecorded(observation));
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
