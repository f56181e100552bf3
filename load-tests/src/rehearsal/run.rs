//! A rehearsal from the first connection to the comparison of totals.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use device_wire::CentreKeys;
use election::{Definition, Timestamp};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use crate::{
    bundles::Bundles,
    day::Day,
    fleet::Keys,
    http::HttpError,
    ledger::Ledger,
    moment::rfc3339,
    verify::Scope,
    viewers::{Audience, ViewersPlan},
};

use super::{
    hostile,
    machine::{self, Look, Machine, Watched},
    measure::Recorder,
    outcome::{Cost, Counts, FORM, Outcome, Totals},
    probe::{Probe, median},
    scenario::Scenario,
    stage::{Parts, Stage},
    timetable::{Cast, Timetable},
    voice::{Lived, Voice},
};

/// How often progress is told.
const TELL: Duration = Duration::from_millis(200);
/// After polls close an urn's report is never early, whatever the clocks.
const CLOSED_FOR: Duration = Duration::from_secs(60);
/// The platform shows what it has receipted within this, and a viewer sees it.
const SETTLE: Duration = Duration::from_secs(15);
/// Above so many precincts the comparison is of units only, and no viewer sees every precinct.
const MANY_PRECINCTS: usize = 50_000;
/// A rehearsal to be run.
#[derive(Clone)]
pub struct Plan {
    /// Name or file of the scenario.
    pub name: String,
    /// The scenario.
    pub scenario: Scenario,
    /// What figures follow from.
    pub seed: u64,
    /// The election: a test, whose polls have closed.
    pub definition: Arc<Definition>,
    /// Where devices connect.
    pub mqtt: SocketAddr,
    /// What they connect with over TLS; plain where it is `None`.
    pub bundles: Option<Arc<Bundles>>,
    /// What they sign with.
    pub keys: Keys,
    /// With which receipts are signed.
    pub centre_keys: CentreKeys,
    /// Where the platform is read; totals are not compared where it is `None`.
    pub http: Option<SocketAddr>,
    /// What is looked at meanwhile.
    pub watched: Watched,
    /// Who watches the feed meanwhile.
    pub viewers: Option<ViewersPlan>,
    /// After everything was to be said, so long may nothing happen before it is given up.
    pub patience: Duration,
}

/// Where a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Act {
    /// Devices and viewers come on line.
    #[default]
    Coming,
    /// The clock runs.
    Running,
    /// Everything was to be said; receipts are waited for.
    Settling,
    /// What is shown is compared with what was sent.
    Comparing,
}

/// How far a rehearsal has come.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tidings {
    /// Where it is.
    pub act: Act,
    /// Since the clock started.
    pub passed: Duration,
    /// How long the clock will run.
    pub lasts: Duration,
    /// Devices that have a part.
    pub devices: u64,
    /// Of those, on line.
    pub connected: u64,
    /// Reports that will be said.
    pub reports: u64,
    /// Reports with a final receipt.
    pub receipted: u64,
    /// Viewers on line.
    pub viewers: u64,
    /// Frames they took.
    pub frames: u64,
}

/// Why a rehearsal cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// Nothing is ever sent to a real election.
    #[error(
        "the election {0} is not marked as a test: set test = true in the election.toml of a copy, and rehearse with that"
    )]
    NotATest(String),
    /// An urn's report would come too early.
    #[error(
        "polls of {0} close in {1} s: before that every tally is early (Q01); rehearse with a copy whose date is past, or with \
         an election of `sanak fleet country`"
    )]
    PollsOpen(String, u64),
    /// The limit of open files.
    #[error("the limit of open files cannot be read: {0}")]
    Limits(#[from] io::Error),
    /// More devices than sockets.
    #[error(
        "{devices} devices need {devices} open files, and {allowed} are allowed: raise the hard limit (`ulimit -Hn` as root, \
         LimitNOFILE= of the unit), or run a scenario with leave = true"
    )]
    FewFiles {
        /// Devices and viewers.
        devices: u64,
        /// At once.
        allowed: u64,
    },
    /// No device has a part.
    #[error("the scenario has no part for any device of {0}: give it a load, or connected = \"all\"")]
    Nobody(String),
    /// No device came on line.
    #[error("no device came on line at {address} within {within:?}: {why}")]
    NobodyCame {
        /// Where.
        address: SocketAddr,
        /// How long was waited.
        within: Duration,
        /// The first refusal.
        why: String,
    },
}

/// Runs a rehearsal.
///
/// # Errors
/// [`RehearsalError`], before anything is said. A rehearsal that did not go well is no error here: its outcome says so.
pub async fn run(plan: Plan, tidings: watch::Sender<Tidings>) -> Result<Outcome, RehearsalError> {
    fit_to_rehearse(&plan.definition)?;
    let day = Arc::new(Day::new(Arc::clone(&plan.definition), plan.seed, false));
    let table = Arc::new(Timetable::new(Arc::clone(&day), &plan.scenario));
    let devices = table.cast().len() as u64;
    if devices == 0 {
        return Err(RehearsalError::Nobody(plan.definition.about().id.to_string()));
    }
    let stage = Arc::new(open(&plan, day, devices)?);
    let mut rehearsal = Rehearsal::begin(plan, stage, table, tidings);
    rehearsal.come().await?;
    let recorder = rehearsal.start_clock();
    rehearsal.play(&recorder).await;
    Ok(rehearsal.close(&recorder).await)
}

fn fit_to_rehearse(definition: &Definition) -> Result<(), RehearsalError> {
    let about = definition.about();
    if !about.test {
        return Err(RehearsalError::NotATest(about.id.to_string()));
    }
    let last = definition.precincts().values().map(|precinct| precinct.polls_close).max();
    let closed = last.unwrap_or(about.polls_close) + CLOSED_FOR;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = closed.since(Timestamp::from_millis(u64::try_from(now.as_millis()).unwrap_or(u64::MAX)));
    if !left.is_zero() {
        return Err(RehearsalError::PollsOpen(about.id.to_string(), left.as_secs()));
    }
    Ok(())
}

/// Room for everybody.
fn open(plan: &Plan, day: Arc<Day>, devices: u64) -> Result<Stage, RehearsalError> {
    let viewers = plan.viewers.as_ref().map_or(0, |viewers| viewers.viewers);
    let parts = Parts {
        scenario: plan.scenario.clone(),
        day,
        address: plan.mqtt,
        bundles: plan.bundles.clone(),
        keys: Arc::clone(&plan.keys),
        centre_keys: plan.centre_keys.clone(),
    };
    let stage = Stage::new(parts, devices + viewers)?;
    let allowed = stage.seats.at_once();
    if stage.seats.are_few() && !plan.scenario.leave {
        return Err(RehearsalError::FewFiles { devices: devices + viewers, allowed });
    }
    Ok(stage)
}

/// A rehearsal that runs.
struct Rehearsal {
    plan: Plan,
    stage: Arc<Stage>,
    table: Arc<Timetable>,
    tidings: watch::Sender<Tidings>,
    audience: Option<Audience>,
    lives: Arc<Mutex<Lives>>,
    spawner: JoinHandle<()>,
    looking: Option<JoinHandle<()>>,
    looks: Arc<Mutex<Vec<Look>>>,
    before: Before,
    reports: u64,
    most: AtomicU64,
    began: Instant,
    started: SystemTime,
    back: Vec<Option<f64>>,
}

/// What devices left behind so far.
#[derive(Default)]
struct Lives {
    voices: JoinSet<Lived>,
    hostile: JoinSet<Vec<String>>,
    ledger: Ledger,
}

impl Lives {
    fn gather(&mut self) {
        while let Some(lived) = self.voices.try_join_next() {
            self.note(lived);
        }
    }

    fn note(&mut self, lived: Result<Lived, tokio::task::JoinError>) {
        match lived {
            Ok(lived) => {
                lived.unexpected.into_iter().for_each(|what| self.ledger.note_unexpected(what));
                self.ledger.add(lived.device, lived.line);
            }
            Err(error) => self.ledger.note_unexpected(format!("a device's task ended: {error}")),
        }
    }
}

/// The machine before anything happened.
struct Before {
    load: f64,
    own: f64,
    service: Option<f64>,
    service_bytes: Option<u64>,
}

impl Rehearsal {
    fn begin(plan: Plan, stage: Arc<Stage>, table: Arc<Timetable>, tidings: watch::Sender<Tidings>) -> Self {
        let lives = Arc::new(Mutex::new(Lives::default()));
        let spawner = tokio::spawn(let_come(Arc::clone(&stage), Arc::clone(&table), Arc::clone(&lives)));
        let witness = plan.definition.precincts().len() <= MANY_PRECINCTS;
        let viewers = plan.viewers.clone().map(|viewers| ViewersPlan { witness, ..viewers });
        let pid = plan.watched.pid;
        Self {
            reports: table.reports(),
            before: Before {
                load: machine::load(),
                own: machine::processor(None).unwrap_or(0.0),
                service: pid.and_then(|pid| machine::processor(Some(pid))),
                service_bytes: pid.and_then(|pid| machine::resident(Some(pid))),
            },
            plan,
            stage,
            table,
            tidings,
            audience: viewers.map(Audience::open),
            lives,
            spawner,
            looking: None,
            looks: Arc::default(),
            most: AtomicU64::new(0),
            began: Instant::now(),
            started: SystemTime::now(),
            back: Vec::new(),
        }
    }

    fn lives(&self) -> std::sync::MutexGuard<'_, Lives> {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, act: Act) -> Tidings {
        let counters = &self.stage.counters;
        let connected = counters.connected.load(Ordering::Relaxed);
        self.most.fetch_max(connected, Ordering::Relaxed);
        let now = Tidings {
            act,
            passed: if act == Act::Coming { Duration::ZERO } else { self.began.elapsed() },
            lasts: self.plan.scenario.end(),
            devices: self.table.cast().len() as u64,
            connected,
            reports: self.reports,
            receipted: counters.receipted.load(Ordering::Relaxed),
            viewers: self.audience.as_ref().map_or(0, Audience::connected),
            frames: self.audience.as_ref().map_or(0, Audience::frames),
        };
        self.tidings.send_replace(now);
        self.lives().gather();
        now
    }

    /// Waits until those are on line who are to be there before the clock starts.
    async fn come(&mut self) -> Result<(), RehearsalError> {
        let first = self.table.cast().iter().filter(|cast| cast.comes.is_none());
        let hostile = first.clone().filter(|cast| self.table.part(cast).hostile).count();
        let wanted = (first.count() - hostile) as u64;
        let viewers = self.plan.viewers.as_ref().map_or(0, |viewers| viewers.viewers);
        let within = self.plan.scenario.connect_within.0 * 4 + self.plan.patience;
        let deadline = Instant::now() + within;
        loop {
            let now = self.tell(Act::Coming);
            if (now.connected >= wanted && now.viewers >= viewers) || Instant::now() > deadline {
                break;
            }
            sleep(TELL).await;
        }
        if wanted > 0 && self.most.load(Ordering::Relaxed) == 0 {
            self.spawner.abort();
            let why = self.stage.refusals().into_iter().next();
            let why = why.unwrap_or_else(|| "nobody answered".to_owned());
            return Err(RehearsalError::NobodyCame { address: self.plan.mqtt, within, why });
        }
        Ok(())
    }

    fn start_clock(&mut self) -> Arc<Recorder> {
        self.began = Instant::now();
        self.started = SystemTime::now();
        let lasts = self.plan.scenario.end();
        let recorder = Arc::new(Recorder::new(self.began, lasts, &self.plan.scenario.marks));
        let (stage, looks) = (Arc::clone(&self.stage), Arc::clone(&self.looks));
        let (watched, begin) = (self.plan.watched, self.began);
        let every = Duration::from_secs((lasts.as_secs() / 900 + 1).max(1));
        self.looking = Some(tokio::spawn(async move {
            let connected = || stage.counters.connected.load(Ordering::Relaxed);
            let keep = |look| looks.lock().unwrap_or_else(PoisonError::into_inner).push(look);
            machine::watch(watched, begin, every, connected, keep).await;
        }));
        self.stage.begin(Arc::clone(&recorder));
        recorder
    }

    /// Until everything is said and receipted, or nothing happens any more.
    async fn play(&mut self, recorder: &Recorder) {
        let end = self.began + self.plan.scenario.end();
        let mut storms = self.plan.scenario.storm.clone();
        storms.sort_by_key(|storm| storm.at);
        let mut before_storm: Option<(Instant, u64)> = None;
        let mut moved = (Instant::now(), 0);
        loop {
            let now = Instant::now();
            let act = if now < end { Act::Running } else { Act::Settling };
            let tidings = self.tell(act);
            if storms.first().is_some_and(|storm| recorder.begin() + storm.at.0 <= now) {
                if before_storm.take().is_some() {
                    self.back.push(None);
                }
                storms.remove(0);
                before_storm = Some((now, tidings.connected));
                self.stage.tell(|signals| signals.storms += 1);
                // Lines are cut before it is looked whether all are back.
                sleep(TELL).await;
                continue;
            }
            if let Some((at, many)) = before_storm.filter(|(_, many)| tidings.connected >= *many) {
                tracing::info!(lines = many, "all lines are back");
                self.back.push(Some(at.elapsed().as_secs_f64()));
                before_storm = None;
            }
            if tidings.receipted > moved.1
                || now < end
                || before_storm.is_some_and(|(at, _)| at.elapsed() < self.plan.patience * 2)
            {
                moved = (now, tidings.receipted);
            }
            let said = tidings.receipted >= self.reports && before_storm.is_none();
            if now >= end && (said || moved.0.elapsed() > self.plan.patience) {
                break;
            }
            sleep(TELL).await;
        }
        self.back.extend(before_storm.map(|_| None));
    }

    /// Ends it, and compares.
    async fn close(self, recorder: &Recorder) -> Outcome {
        let spent = self.began.elapsed();
        let own = machine::processor(None).unwrap_or(0.0) - self.before.own;
        let service = self.plan.watched.pid.and_then(|pid| machine::processor(Some(pid)));
        let service = service.zip(self.before.service).map(|(now, before)| now - before);
        self.tell(Act::Comparing);
        // What was receipted is on its way to the viewers.
        self.wait_for_viewers().await;
        self.stage.tell(|signals| signals.ended = true);
        self.looking.iter().for_each(JoinHandle::abort);
        self.spawner.abort();
        let ledger = self.settle().await;
        let viewers = match self.audience {
            Some(audience) => {
                let completed = self.table.completed();
                Some(audience.close(Some((&completed, recorder))).await)
            }
            None => None,
        };
        let totals = compare(&self.plan, &ledger).await;
        let looks = std::mem::take(&mut *self.looks.lock().unwrap_or_else(PoisonError::into_inner));
        let counts =
            counts(&self.stage, &self.table, self.reports, &ledger, self.most.load(Ordering::Relaxed));
        let receipted = self.stage.counters.receipted.load(Ordering::Relaxed);
        let cost = cost(&looks, own, service, self.before.service_bytes, receipted, counts.connected);
        let steps = recorder.steps();
        let last = steps.iter().rposition(|step| step.receipts > 0).map_or(0.0, |at| steps[at].second + 1.0);
        let seconds = if last > 0.0 { last.min(spent.as_secs_f64()) } else { spent.as_secs_f64() };
        let (receipt, frame) = recorder.latencies();
        let mut troubles = self.stage.refusals();
        troubles.extend(ledger.unexpected.iter().take(50).cloned());
        let about = self.plan.definition.about();
        let mut outcome = Outcome {
            form: FORM,
            name: self.plan.name,
            scenario: self.plan.scenario,
            seed: self.plan.seed,
            started: rfc3339(self.started),
            seconds: (seconds * 10.0).round() / 10.0,
            election: about.id.to_string(),
            precincts: self.plan.definition.precincts().len() as u64,
            transport: if self.plan.bundles.is_some() { "mqtts" } else { "mqtt" }.to_owned(),
            machine: Machine {
                processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
                load: [self.before.load, machine::load()],
            },
            counts,
            totals,
            receipt,
            frame,
            rate: (receipted as f64 / seconds.max(1.0) * 10.0).round() / 10.0,
            back: self.back,
            cost,
            viewers,
            objectives: Vec::new(),
            stretches: recorder.stretches(),
            steps,
            looks,
            troubles,
        };
        outcome.judge();
        outcome
    }

    /// Until the witness has seen every precinct that is complete, or for a while.
    async fn wait_for_viewers(&self) {
        let Some(audience) = &self.audience else { return };
        let until = Instant::now() + SETTLE;
        let complete = self.table.completed().len() as u64;
        let mut seen = (audience.reported(), audience.frames());
        while Instant::now() < until && audience.reported() < complete {
            sleep(Duration::from_secs(1)).await;
            let now = (audience.reported(), audience.frames());
            // Precincts that count by hand, too, are never complete here: no more comes.
            if now.0 == seen.0 && now.1 == seen.1 {
                return;
            }
            seen = now;
        }
        sleep(Duration::from_secs(1)).await;
    }

    /// Gathers the books of all devices.
    async fn settle(&self) -> Ledger {
        let mut lives = std::mem::take(&mut *self.lives());
        while let Some(lived) = lives.voices.join_next().await {
            lives.note(lived);
        }
        while let Some(told) = lives.hostile.join_next().await {
            told.into_iter().flatten().for_each(|what| lives.ledger.note_unexpected(what));
        }
        lives.ledger
    }
}

/// Lets each device come when its time has come: whoever is not on line yet costs nothing.
async fn let_come(stage: Arc<Stage>, table: Arc<Timetable>, lives: Arc<Mutex<Lives>>) {
    let mut signals = stage.signals();
    let first = table.cast().iter().filter(|cast| cast.comes.is_none()).count() as u32;
    let every = stage.scenario.connect_within.0.checked_div(first).unwrap_or_default();
    let mut next = Instant::now();
    for cast in table.cast().iter().filter(|cast| cast.comes.is_none()) {
        sleep_until(next).await;
        next += every;
        spawn(&stage, &table, &lives, cast);
    }
    let begun =
        signals.wait_for(|signals| signals.begin.is_some()).await.ok().and_then(|signals| signals.begin);
    let Some(begin) = begun else { return };
    for cast in table.cast() {
        if let Some(comes) = cast.comes {
            sleep_until(begin + comes).await;
            spawn(&stage, &table, &lives, cast);
        }
    }
}

fn spawn(stage: &Arc<Stage>, table: &Timetable, lives: &Mutex<Lives>, cast: &Cast) {
    let part = table.part(cast);
    let mut lives = lives.lock().unwrap_or_else(PoisonError::into_inner);
    if part.hostile {
        lives.hostile.spawn(hostile::live(Arc::clone(stage), part));
    } else {
        let key = stage.key(&cast.device);
        lives.voices.spawn(Voice::new(Arc::clone(stage), part, key).live());
    }
}

/// Compares what is shown with what was receipted, until it is that or fifteen seconds have passed.
async fn compare(plan: &Plan, ledger: &Ledger) -> Totals {
    let Some(http) = plan.http else {
        return Totals { note: "not compared: no --url was given".to_owned(), ..Totals::default() };
    };
    let many = plan.definition.precincts().len() > MANY_PRECINCTS;
    let (scope, note) = match many {
        true => (Scope::Units, "every unit but precincts"),
        false => (Scope::Everything, "every unit, precincts included"),
    };
    let deadline = Instant::now() + SETTLE;
    loop {
        let found = crate::verify::verify_within(http, &plan.definition, ledger, scope).await;
        let settled = found.as_ref().is_ok_and(crate::verify::Verification::totals_match);
        if !settled && Instant::now() < deadline {
            sleep(Duration::from_millis(500)).await;
            continue;
        }
        return match found {
            Ok(found) => Totals {
                figures: found.figures,
                differ: found.differ,
                differences: found.differences,
                reported: found.reported,
                note: note.to_owned(),
            },
            Err(error) => unread(&error),
        };
    }
}

/// A platform that cannot be read shows nothing as it was sent.
fn unread(error: &HttpError) -> Totals {
    Totals { figures: 1, differ: 1, note: error.to_string(), ..Totals::default() }
}

fn counts(stage: &Stage, table: &Timetable, reports: u64, ledger: &Ledger, most: u64) -> Counts {
    let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
    let counters = &stage.counters;
    Counts {
        devices: table.cast().len() as u64,
        connected: most,
        attempts: count(&counters.attempts),
        reports: count(&counters.made),
        messages: count(&counters.messages),
        receipts: count(&counters.receipts),
        duplicates: count(&counters.duplicates),
        held: count(&counters.held),
        // What nobody came to say is as lost as what nobody answered.
        lost: reports.saturating_sub(count(&counters.receipted)),
        unexpected: ledger.unexpected_verdicts,
        hostile: count(&counters.hostile),
    }
}

fn cost(
    looks: &[Look],
    own: f64,
    service: Option<f64>,
    before: Option<u64>,
    receipted: u64,
    connected: u64,
) -> Cost {
    let verify_us = Probe::new().map_or(f64::NAN, |probe| probe.at_rest());
    // The first look is from before the load.
    let verify_under_load_us = median(looks.iter().skip(1).filter_map(|look| look.verify_us));
    let a_report = service.filter(|_| receipted > 0).map(|seconds| seconds * 1e6 / receipted as f64);
    let most = looks.iter().filter_map(|look| look.service_bytes).max();
    let grown = most.zip(before).map(|(most, before)| most.saturating_sub(before));
    let tenth = |value: f64| (value * 10.0).round() / 10.0;
    let hundredth = |value: f64| (value * 100.0).round() / 100.0;
    Cost {
        service_us_a_report: a_report.map(tenth),
        verify_us: tenth(verify_us),
        verifies_a_report: a_report.map(|us| hundredth(us / verify_us)),
        verify_under_load_us: verify_under_load_us.map(tenth),
        verifies_a_report_under_load: a_report.zip(verify_under_load_us).map(|(us, one)| hundredth(us / one)),
        own_seconds: tenth(own),
        service_seconds: service.map(tenth),
        service_bytes: most,
        own_bytes: looks.iter().map(|look| look.own_bytes).max().unwrap_or(0),
        service_bytes_a_device: grown.filter(|_| connected > 0).map(|grown| (grown / connected) as f64),
    }
}
