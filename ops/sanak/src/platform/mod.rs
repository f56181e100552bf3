//! The composition root: everything between a configuration and a running platform, in the order of the life
//! of a report.

mod counting;
mod deciding;
mod gauges;
mod inquiry;
mod papers;
mod past;
mod recovery;
mod routes;
mod signs;
mod start;

pub use start::{Platform, Settings, Trouble};
