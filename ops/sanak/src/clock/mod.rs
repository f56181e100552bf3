//! The centre's clock: even where the machine's is not. It never goes back, follows the machine's clock while that
//! goes evenly, and goes on by itself where that jumps (`ops/adr/008`).

mod health;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use actors::Tempo;
use election::Timestamp;
use journal::{Clock, SystemClock};

pub use health::{Health, Watch};

/// A difference between two readings that no daemon's slewing makes: a jump.
const JUMP: Duration = Duration::from_secs(1);
/// While the kernel says that the machine's clock is right, a difference is made up at this part of the pace: a minute
/// takes twenty.
const MADE_UP: u32 = 20;

/// A last record that is further from the machine's clock than this leaves the clock in doubt at a start: the service
/// was away for long, or somebody has set the clock.
const AWAY: Duration = Duration::from_secs(900);

/// Where times come from.
pub trait Sources: Send + Sync {
    /// The machine's clock, which anybody may set.
    fn wall(&self) -> Timestamp;
    /// Time that goes evenly, from any beginning.
    fn real(&self) -> Duration;
}

/// The machine's own.
pub struct Machine(Instant);

impl Default for Machine {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Sources for Machine {
    fn wall(&self) -> Timestamp {
        SystemClock.now()
    }

    fn real(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The clock by which arrivals are recorded.
pub struct NightClock {
    sources: Arc<dyn Sources>,
    synchronised: AtomicBool,
    /// Whether it is in doubt whenever the kernel does not vouch for the machine's clock.
    strict: bool,
    /// Whether something has shown that it may be wrong, and nothing has shown it right since.
    doubted: AtomicBool,
    /// Whether nothing hangs on a doubt any more: a person has confirmed the clock, or votes are out.
    settled: AtomicBool,
    course: Mutex<Course>,
}

#[derive(Debug, Clone, Copy)]
struct Course {
    /// The last moment shown, since 1970.
    shown: Duration,
    /// When that was.
    real: Duration,
    /// The machine's clock less this one, at the last reading; milliseconds.
    off_ms: i64,
    /// Whether the machine's clock has jumped and the difference stands.
    apart: bool,
    jumps: u64,
}

/// How the machine's clock stands to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The machine's clock less this one, milliseconds.
    pub off_ms: i64,
    /// Whether this one goes by itself because the machine's has jumped.
    pub apart: bool,
    /// Jumps since the start.
    pub jumps: u64,
}

impl NightClock {
    /// A clock that shows the machine's time, or that of the last record where that is later.
    pub fn new(sources: Arc<dyn Sources>, last_record: Option<Timestamp>) -> Self {
        let wall = sources.wall();
        let away = last_record.map_or(Duration::ZERO, |last| wall.since(last).max(last.since(wall)));
        let begin = wall.max(last_record.unwrap_or_default());
        let shown = Duration::from_millis(begin.millis());
        let course = Course { shown, real: sources.real(), off_ms: 0, apart: false, jumps: 0 };
        let clock = Self {
            sources,
            synchronised: AtomicBool::new(false),
            strict: false,
            doubted: AtomicBool::new(away > AWAY),
            settled: AtomicBool::new(false),
            course: Mutex::new(course),
        };
        clock.read();
        clock
    }

    /// A clock that is in doubt whenever the kernel does not vouch for the machine's.
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Whether no votes are published by this clock now, should their moment come.
    pub fn in_doubt(&self) -> bool {
        let vouched = self.synchronised.load(Relaxed);
        !self.settled.load(Relaxed) && (self.doubted.load(Relaxed) || (self.strict && !vouched))
    }

    /// Whether something has shown that it may be wrong, nothing has shown it right since, and something hangs on it.
    pub fn is_doubted(&self) -> bool {
        self.doubted.load(Relaxed) && !self.settled.load(Relaxed)
    }

    /// Arrivals on record may have been by a wrong clock.
    pub fn doubt(&self) {
        self.doubted.store(true, Relaxed);
    }

    /// Nothing hangs on a doubt any more: a person has found the clock right, or votes are out.
    pub fn settle(&self) {
        self.settled.store(true, Relaxed);
    }

    /// Whether the kernel says that the machine's clock is right: only then is a difference made up, and for as long as
    /// there is one it is this clock that may be wrong.
    pub fn trust(&self, synchronised: bool) {
        self.synchronised.store(synchronised, Relaxed);
        if synchronised {
            self.doubted.store(self.standing().apart, Relaxed);
        }
    }

    /// How the machine's clock stands to this one, now.
    pub fn standing(&self) -> Standing {
        let Course { off_ms, apart, jumps, .. } = self.read();
        Standing { off_ms, apart, jumps }
    }

    fn read(&self) -> Course {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: two readers never see each other's times in another order.
        let (wall, real) = (Duration::from_millis(self.sources.wall().millis()), self.sources.real());
        let was_apart = course.apart;
        course.go_on(wall, real, self.synchronised.load(Relaxed));
        if course.apart != was_apart {
            course.tell();
        }
        *course
    }
}

impl Course {
    fn go_on(&mut self, wall: Duration, real: Duration, synchronised: bool) {
        let gone = real.saturating_sub(self.real);
        let by_itself = self.shown + gone;
        let (ahead, apart) = (wall >= by_itself, wall.abs_diff(by_itself));
        self.real = self.real.max(real);
        let follows = apart <= JUMP;
        self.shown = match (follows, synchronised) {
            (true, _) => wall.max(self.shown),
            (false, false) => by_itself,
            (false, true) if ahead => by_itself + apart.min(gone / MADE_UP),
            (false, true) => by_itself - apart.min(gone / MADE_UP),
        };
        if !follows && !self.apart {
            self.jumps += 1;
        }
        self.apart = !follows;
        let off = i64::try_from(wall.abs_diff(self.shown).as_millis()).unwrap_or(i64::MAX);
        self.off_ms = if wall >= self.shown { off } else { -off };
    }

    fn tell(&self) {
        let off_ms = self.off_ms;
        match self.apart {
            true => tracing::error!(
                off_ms,
                "the machine's clock jumped: arrivals go by a course of their own until it agrees again"
            ),
            false => tracing::info!(off_ms, "the machine's clock agrees with the centre's again"),
        }
    }
}

impl Clock for NightClock {
    fn now(&self) -> Timestamp {
        let shown = self.read().shown;
        Timestamp::from_millis(u64::try_from(shown.as_millis()).unwrap_or(u64::MAX))
    }
}

impl Tempo for NightClock {
    fn speed(&self) -> f64 {
        1.0
    }

    fn real(&self) -> Duration {
        self.sources.real()
    }

    /// Where the kernel vouches for the machine's own clock, that decides; elsewhere this one, unless it is in doubt.
    fn vouches_for(&self, moment: Timestamp) -> bool {
        let may = self.settled.load(Relaxed)
            || match self.synchronised.load(Relaxed) {
                true => self.sources.wall() >= moment,
                false => !self.in_doubt(),
            };
        if may {
            self.settle();
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicU64};

    use super::*;

    const EIGHT: u64 = 1_800_000_000_000;

    /// Hands that a test moves: real time goes on, and the wall's clock is off by so much.
    #[derive(Default)]
    struct Hands(AtomicU64, AtomicI64);

    impl Hands {
        fn pass(&self, ms: u64) {
            self.0.fetch_add(ms, Relaxed);
        }

        fn step(&self, ms: i64) {
            self.1.fetch_add(ms, Relaxed);
        }
    }

    impl Sources for Hands {
        fn wall(&self) -> Timestamp {
            Timestamp::from_millis((EIGHT + self.0.load(Relaxed)).saturating_add_signed(self.1.load(Relaxed)))
        }

        fn real(&self) -> Duration {
            Duration::from_millis(self.0.load(Relaxed))
        }
    }

    fn clock() -> (Arc<Hands>, NightClock) {
        let hands = Arc::new(Hands::default());
        let clock = NightClock::new(Arc::clone(&hands) as Arc<dyn Sources>, None);
        (hands, clock)
    }

    #[test]
    fn it_follows_a_clock_that_goes_evenly_or_is_slewed() {
        let (hands, clock) = clock();
        for _ in 0..100 {
            hands.pass(10_000);
            hands.step(-5); // 500 ppm
            assert_eq!(clock.now(), hands.wall());
        }
        assert_eq!(clock.standing(), Standing { off_ms: 0, apart: false, jumps: 0 });
    }

    #[test]
    fn a_minute_forth_or_back_at_the_close_moves_no_arrival() {
        for step in [60_000, -60_000] {
            let (hands, clock) = clock();
            hands.pass(1_000);
            let before = clock.now();
            hands.step(step);
            hands.pass(10);
            assert_eq!(clock.now(), before + Duration::from_millis(10), "{step}");
            assert_eq!(clock.standing(), Standing { off_ms: step, apart: true, jumps: 1 });
            // Put right again, it is followed again.
            hands.step(-step);
            hands.pass(10);
            assert_eq!((clock.now(), clock.standing().apart), (hands.wall(), false));
        }
    }

    #[test]
    fn a_small_step_back_makes_it_wait_and_never_go_back() {
        let (hands, clock) = clock();
        let mut last = clock.now();
        for step in [-900, 0, 0, 500, -700, 0] {
            hands.step(step);
            hands.pass(100);
            assert!(clock.now() >= last, "{step}");
            last = clock.now();
        }
        assert_eq!(clock.standing().jumps, 0);
    }

    #[test]
    fn a_difference_is_made_up_slowly_once_the_kernel_vouches_for_the_clock() {
        for step in [60_000, -60_000] {
            let (hands, clock) = clock();
            hands.step(step);
            clock.now();
            clock.trust(true);
            let mut last = clock.now();
            let mut seconds = 0;
            while clock.standing().apart {
                hands.pass(1_000);
                let now = clock.now();
                let gone = now.since(last);
                let (least, most) = (Duration::from_millis(950), Duration::from_millis(1_050));
                assert!((least..=most).contains(&gone), "{gone:?}");
                last = now;
                seconds += 1;
            }
            assert!((1_180..=1_201).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn it_begins_no_earlier_than_the_last_record() {
        let hands = Arc::new(Hands::default());
        let ahead = Timestamp::from_millis(EIGHT + 90_000);
        let clock = NightClock::new(Arc::clone(&hands) as Arc<dyn Sources>, Some(ahead));
        hands.pass(5);
        assert_eq!(clock.now(), ahead + Duration::from_millis(5));
        assert_eq!(clock.standing(), Standing { off_ms: -90_000, apart: true, jumps: 1 });
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(EIGHT + ms)
    }

    fn started(last_record: Option<u64>, jump: i64) -> (Arc<Hands>, NightClock) {
        let hands = Arc::new(Hands::default());
        hands.step(jump);
        let clock = NightClock::new(Arc::clone(&hands) as Arc<dyn Sources>, last_record.map(at));
        (hands, clock)
    }

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_clock_that_jumped_before_a_restart_opens_no_embargo_until_a_person_confirms_it() {
        for jump in [HOUR, -HOUR, 901_000] {
            let (_, clock) = started(Some(0), jump);
            assert!(clock.in_doubt() && !clock.vouches_for(at(0)), "{jump}");
            clock.settle();
            assert!(!clock.in_doubt() && clock.vouches_for(at(0)));
        }
        for (last, jump) in [(Some(0), 900_000), (Some(0), -60_000), (None, HOUR)] {
            let (_, clock) = started(last, jump);
            assert!(!clock.in_doubt() && clock.vouches_for(at(0)), "{last:?} {jump}");
        }
    }

    #[test]
    fn in_doubt_the_kernels_word_on_the_machines_own_clock_is_taken() {
        let (hands, clock) = started(Some(0), HOUR);
        // NTP finds the hour that somebody had set the clock ahead by: the centre's clock is still ahead.
        hands.step(-HOUR);
        clock.trust(true);
        assert!(clock.now() >= at(3_600_000) && clock.in_doubt());
        assert!(!clock.vouches_for(at(1_000)), "by the true time it is too early");
        hands.pass(1_000);
        assert!(clock.vouches_for(at(1_000)) && !clock.in_doubt());
        // The service had been away for an hour, and NTP agrees.
        let (_, clock) = started(Some(0), HOUR);
        clock.trust(true);
        assert!(!clock.in_doubt());
    }

    #[test]
    fn a_first_start_by_a_clock_that_was_hours_ahead_opens_no_embargo_once_the_kernel_knows_better() {
        for strict in [true, false] {
            // A clock that shows local time, and NTP that puts it right after the start.
            let (hands, clock) = started(None, 6 * HOUR);
            let clock = clock.strict(strict);
            hands.step(-6 * HOUR);
            clock.trust(true);
            assert!(clock.now() >= at(6 * 3_600_000), "the centre's clock is still ahead");
            assert!(clock.in_doubt() && clock.is_doubted(), "{strict}: and it is said");
            assert!(!clock.vouches_for(at(3_600_000)), "{strict}: by the true time it is too early");
            // Nor does it when the kernel no longer says anything.
            clock.trust(false);
            assert!(clock.in_doubt() && !clock.vouches_for(at(3_600_000)), "{strict}");
            clock.trust(true);
            hands.pass(3_600_000);
            assert!(clock.vouches_for(at(3_600_000)) && !clock.in_doubt(), "{strict}");
        }
    }

    #[test]
    fn a_doubt_that_the_kernel_has_raised_ends_when_the_two_clocks_agree() {
        let (hands, clock) = started(Some(0), -60_000);
        assert!(!clock.in_doubt());
        clock.trust(true);
        assert!(clock.in_doubt() && !clock.vouches_for(at(0)));
        for _ in 0..1_200 {
            hands.pass(1_000);
            clock.trust(true);
        }
        assert!(!clock.in_doubt() && !clock.standing().apart && clock.vouches_for(at(0)));
    }

    #[test]
    fn a_strict_clock_is_in_doubt_whenever_nobody_vouches_for_it() {
        let (hands, clock) = started(None, 0);
        let clock = clock.strict(true);
        assert!(clock.in_doubt() && !clock.vouches_for(at(0)));
        clock.trust(true);
        assert!(!clock.in_doubt());
        clock.trust(false);
        hands.pass(10);
        assert!(!clock.vouches_for(at(5)));
        clock.trust(true);
        assert!(clock.vouches_for(at(5)));
        clock.trust(false);
        assert!(!clock.in_doubt(), "votes are out: nothing hangs on it any more");
    }
}
