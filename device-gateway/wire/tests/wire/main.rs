//! The wire as a whole: vectors, properties, hostile input.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod arbitrary;
mod hostile;
mod outbox;
mod outbox_file;
mod properties;
mod refusals;
mod vectors;
mod world;
