//! The public HTTP API, the live feed and the page.
//!
//! Everything that is published comes from [`feed::Feed`]; what only the actors know comes through
//! [`Inquiry`]. [`start`] serves the public, [`metrics`] the operators, on an address of their own.

mod address;
mod answer;
mod api;
mod config;
mod embed;
mod headers;
mod health;
mod instruments;
mod language;
mod live;
mod page;
mod plain;
mod port;
mod preview;
mod problem;
mod query;
mod room;
mod server;
mod socket;
mod state;
mod visitors;

pub use api::fixed::description;
pub use config::{Config, Limits, Person};
pub use port::{
    BoxFuture, Condition, DeviceEntry, Envelope, Inquiry, MissingEntry, Papers, PrecinctDetail,
    QuarantineEntry, Readiness, RefusalEntry, Refused, Registered,
};
pub use server::{Parts, Server, metrics, start};
