//! How long the machine itself keeps everybody waiting: what took as long says nothing of what was measured beside it.
#![allow(clippy::unwrap_used, missing_docs, dead_code)] // a test that cannot go on says so, and uses a part of this

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How often it looks.
const LOOK: Duration = Duration::from_millis(5);

/// Sleeps a moment again and again, until it is asked for the longest time that it overslept.
pub struct Pauses {
    over: Arc<AtomicBool>,
    longest_micros: Arc<AtomicU64>,
    watch: Option<JoinHandle<()>>,
}

impl Pauses {
    pub fn watch() -> Self {
        let (over, longest_micros) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (ends, longest) = (Arc::clone(&over), Arc::clone(&longest_micros));
        let watch = std::thread::spawn(move || {
            while !ends.load(Relaxed) {
                let began = Instant::now();
                std::thread::sleep(LOOK);
                let micros = began.elapsed().saturating_sub(LOOK).as_micros();
                longest.fetch_max(u64::try_from(micros).unwrap(), Relaxed);
            }
        });
        Self { over, longest_micros, watch: Some(watch) }
    }

    /// The longest since it was asked last.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_micros.swap(0, Relaxed))
    }
}

impl Drop for Pauses {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        if let Some(watch) = self.watch.take() {
            watch.join().unwrap();
        }
    }
}
