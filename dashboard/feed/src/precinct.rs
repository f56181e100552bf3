//! A precinct in a version: its figures, and its JSON from the first time that somebody asks for it.
//!
//! Units above precincts are read by everybody and encoded at once; a precinct is read by those who look at it. Countries
//! with more precincts than [`crate::Options::kept_precincts`] do not keep what was encoded: a million times a kilobyte is
//! more than all the rest.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use election::{Timestamp, figures::Figures};

use crate::encode::Encoder;

/// A precinct as it is published.
#[derive(Debug)]
pub(crate) struct Shown {
    /// Since which version it has been so.
    pub changed: u64,
    figures: Arc<Figures>,
    updated: Timestamp,
    /// Whether its votes are shown.
    votes: bool,
    /// In a place of its own: most precincts are not looked at.
    json: OnceLock<Box<Bytes>>,
}

impl Shown {
    /// These figures, from version `changed` on.
    pub(crate) fn new(changed: u64, figures: &Arc<Figures>, updated: Timestamp, votes: bool) -> Self {
        Self { changed, figures: Arc::clone(figures), updated, votes, json: OnceLock::new() }
    }

    /// Its JSON; `slot` is its place in the layout.
    pub(crate) fn json(&self, encoder: &Encoder, slot: usize) -> Bytes {
        let encode = || encoder.unit(slot, &self.figures, self.updated, self.votes);
        if encoder.keeps_precincts() {
            Bytes::clone(self.json.get_or_init(|| Box::new(encode())))
        } else {
            encode()
        }
    }
}
