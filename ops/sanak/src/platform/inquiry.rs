//! The dashboard's port to what only the actors know.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use actors::System;
use dashboard::{
    BoxFuture, Condition, DeviceEntry, Envelope, Inquiry, MissingEntry, PrecinctDetail, QuarantineEntry,
    Readiness, RefusalEntry, Refused, Registered,
};
use device_gateway::{Commands, Gaps, Keys, OverQuota, Refusals, Sample};
use election::{
    Code, DeviceId, PrecinctId,
    figures::Figures,
    hand_count::HandCount,
    liveness::{DeviceLife, DeviceList, DeviceRow, DevicesWanted, Point},
    record::{Decision, Observation},
    report::{Body, Offset, Order},
};
use feed::Feed;
use history::Progress;
use journal::{Appender, Entry, Reader};
use tokio::sync::{Mutex, oneshot};

use crate::{
    clock::{Health, Watch},
    platform::{deciding::Deciding, routes::Errand},
};

/// How long a list of the whole country may be shown again: however many ask, the actors are asked once.
const LIST_KEPT: Duration = Duration::from_secs(1);

/// What is asked of the gateway, of the centre's clock, and of the history.
pub struct Devices {
    /// Which devices miss a report.
    pub gaps: Arc<Gaps>,
    /// Which devices wanted more than their quota.
    pub over_quota: Arc<OverQuota>,
    /// How devices are told what to do.
    pub commands: Arc<Commands>,
    /// The security log.
    pub refusals: Arc<Refusals>,
    /// Who may speak, and with which key.
    pub keys: Arc<Keys>,
    /// The centre's clock; none where the night is simulated.
    pub clock: Option<Arc<Watch>>,
    /// How far the history is.
    pub history: Arc<Progress>,
}

impl Devices {
    /// Rows, and what the gateway knows of each device.
    fn entries(&self, rows: Vec<DeviceRow>) -> Vec<DeviceEntry> {
        let (gaps, over_quota) = (self.gaps.list(), self.over_quota.list());
        let entry = |row: DeviceRow| DeviceEntry {
            gap: gaps.get(&row.device).copied(),
            over_quota: over_quota.get(&row.device).map(|spent| spent.as_str()),
            row,
        };
        rows.into_iter().map(entry).collect()
    }
}

/// Asks the actors and the journal.
pub struct Questions {
    system: System,
    devices: Devices,
    /// Tells which precincts are worth asking.
    feed: Arc<Feed>,
    reader: Reader,
    appender: Appender<Errand>,
    deciding: Deciding,
    quarantined: Kept<QuarantineEntry>,
    missed: Kept<MissingEntry>,
}

/// A list and when it was made.
type Kept<T> = Mutex<Option<(Instant, Arc<Vec<T>>)>>;

impl Questions {
    /// Asks these.
    pub fn new(
        system: System,
        devices: Devices,
        feed: Arc<Feed>,
        reader: Reader,
        appender: Appender<Errand>,
        deciding: Deciding,
    ) -> Self {
        let (quarantined, missed) = Default::default();
        Self { system, devices, feed, reader, appender, deciding, quarantined, missed }
    }

    /// The precincts whose published figures satisfy a condition.
    fn precincts(&self, wanted: impl Fn(&Figures) -> bool) -> Vec<PrecinctId> {
        let ids = self.feed.definition().precincts().keys();
        ids.zip(self.feed.precincts()).filter(|(_, figures)| wanted(figures)).map(|(id, _)| *id).collect()
    }

    async fn list_quarantine(&self) -> Vec<QuarantineEntry> {
        let mut list = Vec::new();
        for precinct in self.feed.definition().precincts().keys().copied() {
            let Ok(reports) = self.system.precincts().quarantine(precinct).await else { continue };
            list.extend(reports.into_iter().map(|(device, of)| QuarantineEntry {
                offset: of.offset,
                precinct,
                device,
                seq: of.seq,
                report_type: of.report_type,
                codes: of.codes.into(),
                arrived: of.arrived,
                verdict: of.verdict,
                ruled: of.ruled.map(|ruled| *ruled),
            }));
        }
        list.sort_by_key(|entry| entry.offset);
        list
    }

    async fn list_missing(&self) -> Vec<MissingEntry> {
        let mut list = Vec::new();
        for precinct in self.precincts(|figures| figures.reported() == 0) {
            let Ok(detail) = self.system.precincts().describe(precinct).await else { continue };
            let Some(entry) = self.feed.definition().precincts().get(&precinct) else { continue };
            list.push(MissingEntry {
                precinct,
                parent: entry.parent.clone(),
                phase: detail.phase,
                registered: entry.registered.get(),
                urns: detail.progress.urns,
                urns_reported: detail.progress.urns_reported,
                terminals: detail.progress.terminals,
                closings: detail.progress.closings,
            });
        }
        list
    }
}

/// The list that is kept, while it is fresh, or a new one.
async fn kept<T>(kept: &Kept<T>, list: impl Future<Output = Vec<T>>) -> Arc<Vec<T>> {
    let mut kept = kept.lock().await;
    if let Some((_, list)) = kept.as_ref().filter(|(made, _)| made.elapsed() < LIST_KEPT) {
        return Arc::clone(list);
    }
    let list = Arc::new(list.await);
    *kept = Some((Instant::now(), Arc::clone(&list)));
    list
}

impl Inquiry for Questions {
    fn precinct(&self, id: PrecinctId) -> BoxFuture<'_, Option<PrecinctDetail>> {
        Box::pin(async move {
            let detail = self.system.precincts().describe(id).await.ok()?;
            let actors::PrecinctDetail { reports, flags, hand_count, reconciliation, documents, .. } = detail;
            Some(PrecinctDetail { reports, flags, hand_count, reconciliation, documents })
        })
    }

    fn flagged(&self, code: Code) -> BoxFuture<'_, Vec<PrecinctId>> {
        Box::pin(async move {
            let mut list = Vec::new();
            for precinct in self.precincts(|figures| figures.discrepancies > 0) {
                let Ok(detail) = self.system.precincts().describe(precinct).await else { continue };
                if detail.flags.iter().any(|(flag, _)| flag.code == code) {
                    list.push(precinct);
                }
            }
            list
        })
    }

    fn register_changes(&self) -> u64 {
        self.devices.keys.changes()
    }

    fn registered(&self, id: &DeviceId) -> Option<Registered> {
        let now = self.devices.keys.registered(id.as_str())?;
        Some(Registered { status: now.status, public_key: now.public_key, superseded: now.superseded })
    }

    fn quarantine(&self) -> BoxFuture<'_, Arc<Vec<QuarantineEntry>>> {
        Box::pin(kept(&self.quarantined, self.list_quarantine()))
    }

    fn protocols(&self) -> BoxFuture<'_, Vec<(PrecinctId, HandCount)>> {
        Box::pin(async move {
            let mut list = Vec::new();
            for precinct in self.feed.definition().precincts().keys().copied() {
                let Ok(detail) = self.system.precincts().describe(precinct).await else { continue };
                if matches!(detail.hand_count, HandCount::Once(_) | HandCount::Differing(..)) {
                    list.push((precinct, detail.hand_count));
                }
            }
            list
        })
    }

    fn missing(&self) -> BoxFuture<'_, Arc<Vec<MissingEntry>>> {
        Box::pin(kept(&self.missed, self.list_missing()))
    }

    fn envelope(&self, precinct: PrecinctId, offset: Offset) -> BoxFuture<'_, Option<Envelope>> {
        let reader = self.reader.clone();
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || reader.read(offset)).await;
            let record = read.ok()?.inspect_err(|error| tracing::error!(%error, "the journal")).ok()??;
            let Entry::Report(report) = record.entry() else { return None };
            let own = report.report().precinct == precinct;
            own.then(|| Envelope {
                bytes: report.envelope().to_vec(),
                carries_votes: carries_votes(&report.report().body),
            })
        })
    }

    fn consider(&self, decision: Decision) -> BoxFuture<'_, Result<(), Refused>> {
        Box::pin(self.deciding.consider(decision))
    }

    fn decide(&self, decision: Decision) -> BoxFuture<'_, Result<Offset, Refused>> {
        Box::pin(self.deciding.decide(decision))
    }

    fn devices(&self, wanted: DevicesWanted) -> BoxFuture<'_, DeviceList<DeviceEntry>> {
        Box::pin(async move {
            let DeviceList { rows, counts, more } = self.system.devices(wanted).await;
            DeviceList { rows: self.devices.entries(rows), counts, more }
        })
    }

    fn device(&self, id: DeviceId) -> BoxFuture<'_, Option<(DeviceEntry, Vec<Point>)>> {
        Box::pin(async move {
            let (row, history) = self.system.device(id).await?;
            Some((self.devices.entries(vec![row]).pop()?, history))
        })
    }

    fn command(&self, by: String, id: DeviceId, order: Order) -> BoxFuture<'_, Result<(u64, bool), Refused>> {
        Box::pin(async move {
            let device = self.system.device(id.clone()).await.map(|(row, _)| row);
            let Some(row) = device.filter(|row| row.state != DeviceLife::Revoked) else {
                return Err(Refused::Objection(format!("there is no device {id} in use")));
            };
            let what = format!("{order:?}");
            let sent = self.devices.commands.send(row.precinct, &id, order);
            tracing::info!(by, device = %id, what, id = sent.id, delivered = sent.delivered, "a command");
            Ok((sent.id, sent.delivered))
        })
    }

    fn confirm_clock(&self, by: String, reason: String) -> BoxFuture<'_, Result<Offset, Refused>> {
        Box::pin(async move {
            let doubted = self.devices.clock.as_ref().filter(|watch| watch.doubt().is_some());
            let Some(watch) = doubted else {
                return Err(Refused::Objection("the centre's clock is not in doubt".into()));
            };
            let stopping = || Refused::Unavailable("the service is stopping".into());
            let (waiting, answer) = oneshot::channel();
            let entry = Entry::Observation(Observation::ClockConfirmed { by, reason });
            let queued = self.appender.append(entry, watch.now(), Errand::Finding(waiting)).await;
            queued.map_err(|_| stopping())?;
            let offset = answer.await.unwrap_or_else(|_| Err(stopping()))?;
            watch.settle();
            Ok(offset)
        })
    }

    fn refusals(&self) -> Vec<RefusalEntry> {
        let samples = self.devices.refusals.samples().into_iter();
        let entry = |Sample { at, what, why, of, size }| RefusalEntry { at, what, why, of, size };
        samples.map(entry).collect()
    }

    fn ready(&self) -> Readiness {
        let journal = match self.appender.healthy() {
            true => Ok(()),
            false => Err(self.appender.last_error().map_or("it has ended".into(), |error| error.to_string())),
        };
        let published = match self.feed.latest().stalled_since() {
            None => Ok(()),
            Some(_) => Err("publication is held at the last good version".to_owned()),
        };
        let mut parts = vec![Condition::new("journal", journal), Condition::new("publication", published)];
        if let Some(watch) = &self.devices.clock {
            parts.push(clock_condition(watch.health()));
            parts.push(Condition { warning: watch.doubt(), ..Condition::new("embargo", Ok(())) });
        }
        // The count does not wait for the history: what is wrong with it is a warning.
        parts
            .push(Condition { warning: self.devices.history.trouble(), ..Condition::new("history", Ok(())) });
        Readiness(parts)
    }
}

fn clock_condition(health: Health) -> Condition {
    match health {
        Health::Good => Condition::new("clock", Ok(())),
        Health::Warning(what) => Condition { warning: Some(what), ..Condition::new("clock", Ok(())) },
        Health::Bad(why) => Condition::new("clock", Err(why)),
    }
}

/// Whether a report's bytes show ballots or votes: both reports of an urn do, be they zero.
fn carries_votes(body: &Body) -> bool {
    match body {
        Body::Tally(_) | Body::OpeningUrn(_) => true,
        Body::OpeningTerminal { .. } | Body::Turnout(_) | Body::Closing(_) => false,
    }
}
