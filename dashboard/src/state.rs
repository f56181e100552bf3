//! What every handler needs.

use std::{
    collections::{BTreeMap, HashMap},
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use election::{Definition, ElectionId, PrecinctId, UnitId};
use feed::{Body, Feed, Latest};
use history::{Past, Recorded};
use tokio::sync::watch;

use crate::{
    api::fixed::Fixed,
    config::{Limits, Person},
    instruments::Instruments,
    live::Seats,
    page::Page,
    port::{Inquiry, Papers},
    problem::Problem,
};

/// The application's state, shared by all threads.
pub(crate) struct App {
    pub feed: Arc<Feed>,
    pub inquiry: Arc<dyn Inquiry>,
    pub papers: Arc<dyn Papers>,
    /// What was, from the history.
    pub past: Past,
    /// The elections that the history has.
    pub archive: Archive,
    /// Scans that are being taken in at once.
    pub uploads: tokio::sync::Semaphore,
    /// Downloads that are being made at once.
    pub exports: tokio::sync::Semaphore,
    pub room: Vec<Person>,
    pub limits: Limits,
    pub instruments: Instruments,
    pub fixed: Fixed,
    pub page: Page,
    pub seats: Arc<Seats>,
    /// Turns true when the server stops: live readers then say goodbye.
    pub stopping: watch::Receiver<bool>,
    pub recent: Recent,
}

impl App {
    pub(crate) fn definition(&self) -> &Arc<Definition> {
        self.feed.definition()
    }

    pub(crate) fn latest(&self) -> Arc<Latest> {
        self.feed.latest()
    }

    /// Checks the `{election}` of a path.
    pub(crate) fn election(&self, text: &str) -> Result<(), Problem> {
        let id = &self.definition().about().id;
        match text.parse::<ElectionId>() {
            Ok(asked) if asked == *id => Ok(()),
            _ => Err(Problem::not_found(format!(
                "this is answered of the election that runs alone, {id}: of an archived one it is not on record"
            ))),
        }
    }

    /// Reads the `{unit}` of a path.
    pub(crate) fn unit(&self, text: &str) -> Result<UnitId, Problem> {
        let unit: UnitId = text.parse().map_err(|error| Problem::not_found(format!("{error}")))?;
        let known = match &unit {
            UnitId::Precinct(id) => self.definition().precincts().contains_key(id),
            unit => self.definition().units().contains_key(unit),
        };
        if known {
            Ok(unit)
        } else {
            Err(Problem::not_found(format!("there is no unit {unit} in this election")))
        }
    }

    /// Reads the `{n}` of a path.
    pub(crate) fn precinct(&self, text: &str) -> Result<PrecinctId, Problem> {
        match self.unit(&format!("precinct:{text}"))? {
            UnitId::Precinct(id) => Ok(id),
            unit => Err(Problem::not_found(format!("{unit} is no precinct"))),
        }
    }

    /// Waits for the actors' answer, but not for ever.
    pub(crate) async fn ask<T>(&self, answer: impl Future<Output = T>) -> Result<T, Problem> {
        tokio::time::timeout(self.limits.inquiry, answer)
            .await
            .map_err(|_| Problem::unavailable("the count did not answer in time; try again"))
    }
}

/// The list of elections on record, as it was last told.
#[derive(Default)]
pub(crate) struct Archive(tokio::sync::Mutex<Option<(Instant, Arc<Vec<Recorded>>)>>);

/// How long the list stands: an archive is added to a few times a year.
const LISTED: Duration = Duration::from_secs(10);
/// How long whoever asks for the list waits for the history: without it they are told what was told before.
const FOR_LIST: Duration = Duration::from_millis(250);

impl Archive {
    /// The list, which is never waited for longer than a moment.
    pub(crate) async fn list(&self, past: &Past) -> Arc<Vec<Recorded>> {
        let mut kept = self.0.lock().await;
        if let Some((_, list)) = kept.as_ref().filter(|(made, _)| made.elapsed() < LISTED) {
            return Arc::clone(list);
        }
        let told = kept.as_ref().map(|(_, list)| Arc::clone(list)).unwrap_or_default();
        let list = match tokio::time::timeout(FOR_LIST, past.elections()).await {
            Ok(Ok(list)) => Arc::new(with_others(list, &told)),
            _ => told,
        };
        *kept = Some((Instant::now(), Arc::clone(&list)));
        list
    }
}

/// A list, and what was told before and is not in it: what is on record stays there, and while its database cannot be
/// reached the file does not know of it.
fn with_others(mut list: Vec<Recorded>, told: &[Recorded]) -> Vec<Recorded> {
    let others = told.iter().filter(|of| !list.iter().any(|known| known.election.id == of.election.id));
    let others: Vec<Recorded> = others.cloned().collect();
    list.extend(others);
    list.sort_by(|a, b| {
        b.election.date.cmp(&a.election.date).then_with(|| a.election.id.cmp(&b.election.id))
    });
    list
}

/// Answers that were just made, so that a crowd that asks the same asks the actors once.
#[derive(Default)]
pub(crate) struct Recent {
    by_question: Mutex<HashMap<String, Arc<Slot>>>,
}

type Slot = tokio::sync::Mutex<Option<(Instant, Arc<Body>)>>;

/// How long an answer stands.
const FRESH: Duration = Duration::from_secs(1);
/// Most questions remembered; beyond them each is answered by itself.
const QUESTIONS: usize = 128;

impl Recent {
    /// The answer to a question, made now unless it was made within a second. Who asks while it is being made
    /// waits for it.
    pub(crate) async fn answer(
        &self,
        question: String,
        make: impl AsyncFnOnce() -> Result<Bytes, Problem>,
    ) -> Result<Arc<Body>, Problem> {
        let slot = self.slot(question);
        let mut slot = slot.lock().await;
        if let Some((_, body)) = slot.as_ref().filter(|(made, _)| made.elapsed() < FRESH) {
            return Ok(Arc::clone(body));
        }
        let body = Arc::new(Body::new(make().await?));
        *slot = Some((Instant::now(), Arc::clone(&body)));
        Ok(body)
    }

    fn slot(&self, question: String) -> Arc<Slot> {
        let mut all = self.by_question.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = all.get(&question) {
            return Arc::clone(slot);
        }
        // Stale answers go when a new question comes: memory follows what is asked within a second.
        all.retain(|_, slot| match slot.try_lock() {
            Ok(made) => made.as_ref().is_some_and(|(at, _)| at.elapsed() < FRESH),
            Err(_) => true,
        });
        let slot = Arc::<Slot>::default();
        if all.len() < QUESTIONS {
            all.insert(question, Arc::clone(&slot));
        }
        slot
    }
}

/// Base layers and derived ones by name, as they are served.
pub(crate) type Layers = BTreeMap<String, (Arc<Body>, String)>;
