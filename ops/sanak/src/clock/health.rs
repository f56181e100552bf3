//! Whether the centre's clock can be relied on: what the kernel says, and whether it jumped.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use election::Timestamp;
use journal::Clock as _;
use kernel_clock::Discipline;
use prometheus::{
    IntGauge, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::NightClock;

/// How often the kernel is asked.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The largest error that the kernel may admit to: rules go by minutes.
const MAX_ERROR: Duration = Duration::from_secs(1);

/// Looks after a clock for as long as it lives.
pub struct Watch {
    clock: Arc<NightClock>,
    /// Whether a clock that nobody keeps right makes the service unready.
    required: bool,
    kernel: Mutex<Option<Discipline>>,
}

/// What is to be said of the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// Nothing.
    Good,
    /// Somebody should look, and the service is ready all the same.
    Warning(String),
    /// The service is not ready.
    Bad(String),
}

impl Watch {
    /// Begins to look, and keeps looking while the clock is in use.
    pub fn start(clock: Arc<NightClock>, required: bool) -> Arc<Self> {
        let watch = Arc::new(Self { clock, required, kernel: Mutex::default() });
        watch.look();
        let looking = Arc::downgrade(&watch);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                match looking.upgrade() {
                    Some(watch) => watch.look(),
                    None => return,
                }
            }
        });
        watch
    }

    fn look(&self) {
        let said = kernel_clock::discipline().ok();
        self.clock.trust(said.is_some_and(is_good));
        // Read now and then also where nothing arrives, so that a jump is seen when it happens.
        self.clock.standing();
        *self.kernel.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    /// What is to be said of the clock now.
    pub fn health(&self) -> Health {
        let standing = self.clock.standing();
        let kernel = judge(*self.kernel.lock().unwrap_or_else(PoisonError::into_inner), self.required);
        worse(standing.apart.then_some(standing.off_ms), kernel)
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What is to be said of a doubt in the clock, while there is one.
    pub fn doubt(&self) -> Option<String> {
        self.clock.in_doubt().then(|| {
            let off = self.clock.standing().off_ms;
            let kernel = self.kernel.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(is_good);
            in_doubt(kernel.then_some(off))
        })
    }

    /// Whether something has shown that the clock may be wrong, and nothing has shown it right since.
    pub fn is_doubted(&self) -> bool {
        self.clock.is_doubted()
    }

    /// What the record says: whether votes are out, and whether an earlier start left the clock in doubt.
    pub fn begin(&self, votes_are_out: bool, doubted: bool) {
        if doubted {
            self.clock.doubt();
        }
        if votes_are_out {
            self.clock.settle();
        }
    }

    /// Nothing hangs on a doubt any more: a person has found the clock right.
    pub fn settle(&self) {
        self.clock.settle();
    }

    /// Registers the clock's metrics.
    ///
    /// # Errors
    /// Where one of the names is taken.
    pub fn register(self: &Arc<Self>, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(Gauges::new(Arc::clone(self))?))
    }
}

/// What a doubt means; where the kernel vouches for the machine's clock, how far that is off the centre's.
fn in_doubt(off_ms: Option<i64>) -> String {
    let doubt = "the centre's clock is in doubt, and no votes are published by it";
    match off_ms {
        Some(off) => format!(
            "{doubt}: the machine's, for which the kernel vouches, is {off} ms off it, and decides when they are (see the \
             runbook, ClockDoubted)"
        ),
        None => format!(
            "{doubt}: start NTP, or look at another clock and confirm this one (see the runbook, ClockDoubted)"
        ),
    }
}

fn is_good(said: Discipline) -> bool {
    said.synchronised && said.max_error <= MAX_ERROR
}

fn judge(kernel: Option<Discipline>, required: bool) -> Health {
    let what = match kernel {
        Some(said) if is_good(said) => return Health::Good,
        Some(said) if said.synchronised => {
            format!("the machine's clock may be {:.1} s off", said.max_error.as_secs_f64())
        }
        Some(_) => "the machine's clock is not synchronised: start an NTP service".to_owned(),
        None => "the kernel does not say whether the machine's clock is synchronised".to_owned(),
    };
    if required { Health::Bad(what) } else { Health::Warning(what) }
}

/// Of a jump and what the kernel says, whatever is worse.
fn worse(jumped_ms: Option<i64>, kernel: Health) -> Health {
    let Some(off) = jumped_ms else { return kernel };
    let jumped =
        format!("the machine's clock jumped and is {off} ms off the centre's: see the runbook, ClockJumped");
    match kernel {
        Health::Bad(why) => Health::Bad(format!("{jumped}; {why}")),
        Health::Good | Health::Warning(_) => Health::Warning(jumped),
    }
}

/// The clock's gauges, read when they are asked for.
struct Gauges {
    watch: Arc<Watch>,
    synchronised: IntGauge,
    max_error: IntGauge,
    offset: IntGauge,
    jumps: IntGauge,
    doubted: IntGauge,
}

impl Gauges {
    fn new(watch: Arc<Watch>) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| IntGauge::with_opts(Opts::new(name, help));
        Ok(Self {
            watch,
            synchronised: gauge("sanak_clock_synchronised", "1 where the kernel vouches for the clock")?,
            max_error: gauge("sanak_clock_max_error_microseconds", "How far off the kernel says it may be")?,
            offset: gauge("sanak_clock_offset_milliseconds", "The machine's clock less the centre's")?,
            jumps: gauge("sanak_clock_jumps_count", "Jumps of the machine's clock since the start")?,
            doubted: gauge("sanak_clock_doubted", "1 where no votes are published by the centre's clock")?,
        })
    }

    fn all(&self) -> [&IntGauge; 5] {
        [&self.synchronised, &self.max_error, &self.offset, &self.jumps, &self.doubted]
    }
}

impl Collector for Gauges {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(Collector::desc).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let kernel = *self.watch.kernel.lock().unwrap_or_else(PoisonError::into_inner);
        let max_error = kernel.map_or(u128::MAX, |said| said.max_error.as_micros());
        let standing = self.watch.clock.standing();
        self.synchronised.set(i64::from(kernel.is_some_and(is_good)));
        self.max_error.set(i64::try_from(max_error).unwrap_or(i64::MAX));
        self.offset.set(standing.off_ms);
        self.doubted.set(i64::from(self.watch.clock.in_doubt()));
        self.jumps.set(i64::try_from(standing.jumps).unwrap_or(i64::MAX));
        self.all().into_iter().flat_map(Collector::collect).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(synchronised: bool, millis: u64) -> Option<Discipline> {
        Some(Discipline { synchronised, max_error: Duration::from_millis(millis) })
    }

    #[test]
    fn a_jump_never_hides_that_the_service_is_not_ready() {
        let off = |health| match worse(Some(-3_600_000), health) {
            Health::Bad(what) => (true, what),
            Health::Warning(what) => (false, what),
            Health::Good => panic!("a jump is told"),
        };
        assert!(!off(Health::Good).0 && !off(Health::Warning("no NTP".into())).0);
        let (bad, what) = off(Health::Bad("not synchronised".into()));
        assert!(bad && what.contains("-3600000 ms") && what.contains("not synchronised"), "{what}");
        assert_eq!(worse(None, Health::Good), Health::Good);
    }

    #[test]
    fn an_unsynchronised_clock_is_a_warning_and_bad_only_where_that_is_asked_for() {
        assert_eq!(judge(said(true, 1_000), true), Health::Good);
        for doubtful in [said(false, 0), said(true, 1_001), None] {
            assert!(matches!(judge(doubtful, false), Health::Warning(_)), "{doubtful:?}");
            assert!(matches!(judge(doubtful, true), Health::Bad(_)), "{doubtful:?}");
        }
    }

    #[test]
    fn nobody_is_asked_to_confirm_a_clock_that_the_kernel_knows_to_be_wrong() {
        let (known, unknown) = (in_doubt(Some(-21_600_000)), in_doubt(None));
        assert!(known.contains("-21600000 ms") && !known.contains("confirm"), "{known}");
        assert!(unknown.contains("start NTP") && unknown.contains("confirm"), "{unknown}");
    }

    #[tokio::test]
    async fn a_watched_clock_shows_in_the_metrics() {
        let sources = Arc::new(super::super::Machine::default());
        let watch = Watch::start(Arc::new(NightClock::new(sources, None)), false);
        let registry = Registry::new();
        watch.register(&registry).unwrap();
        let names: Vec<_> = registry.gather().iter().map(|family| family.name().to_owned()).collect();
        assert_eq!(names.len(), 5, "{names:?}");
        assert_ne!(watch.health(), Health::Bad(String::new()));
    }
}
