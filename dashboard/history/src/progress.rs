//! How far the history is, for metrics and for whoever asks whether it works.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed},
};

/// Numbers that the writing side sets and anybody may read.
#[derive(Debug, Default)]
pub struct Progress {
    /// Rows written to the file.
    pub rows: AtomicU64,
    /// Records of the journal that are not in the file yet.
    pub records_behind: AtomicU64,
    /// Times that the file could not be written.
    pub errors: AtomicU64,
    /// Rows that the database has taken over.
    pub shipped: AtomicU64,
    /// Rows in the file that the database does not have yet.
    pub rows_behind: AtomicU64,
    /// How long the oldest of them waits, milliseconds.
    pub behind_ms: AtomicI64,
    /// Rows that the database refused.
    pub dead_letters: AtomicU64,
    /// Whether a database is configured.
    pub has_database: AtomicBool,
    /// Whether the database answers.
    pub connected: AtomicBool,
    /// Whether the log has said what the database is.
    pub(crate) told: AtomicBool,
    trouble: Mutex<[Option<String>; 2]>,
}

/// Which half of the history has trouble.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Half {
    /// Writing the file.
    File = 0,
    /// Copying to the database.
    Database = 1,
}

impl Progress {
    /// What is wrong with it now, in a sentence.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Vec<&str> = trouble.iter().flatten().map(String::as_str).collect();
        (!told.is_empty()).then(|| told.join("; "))
    }

    /// Sets or clears the trouble of a half; whether that is news.
    pub(crate) fn set(&self, half: Half, trouble: Option<String>) -> bool {
        let mut all = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut all[half as usize];
        let news = slot.is_some() != trouble.is_some();
        *slot = trouble;
        news
    }

    pub(crate) fn add(of: &AtomicU64, number: usize) {
        of.fetch_add(number as u64, Relaxed);
    }
}
