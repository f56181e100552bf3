//! What stands before a start: the configuration, and every mistake that is told instead of starting.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

mod authority;
mod configuration;
mod mistakes;
mod scene;
