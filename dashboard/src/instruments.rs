//! What is measured of the public server. Labels are bounded: routes, classes, reasons.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    core::Collector,
};

/// The server's instruments.
#[derive(Clone)]
pub(crate) struct Instruments {
    /// Answers by route and class of status.
    pub requests: IntCounterVec,
    /// Seconds from a request's head to its answer's.
    pub seconds: Histogram,
    /// Connections open.
    pub connections: IntGauge,
    /// Requests refused for a client's number of connections.
    pub crowded: IntCounter,
    /// Readers of the live feed by transport.
    pub readers: IntGaugeVec,
    /// Frames by kind.
    pub frames: IntCounterVec,
    /// Bytes of frames.
    pub frame_bytes: IntCounter,
    /// Live readers that ended, by reason.
    pub closed: IntCounterVec,
    /// Decisions by outcome.
    pub decisions: IntCounterVec,
}

impl Instruments {
    /// Made and registered.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let all = Self {
            requests: IntCounterVec::new(
                Opts::new("sanak_http_requests_total", "Answers of the public server."),
                &["route", "class"],
            )?,
            seconds: Histogram::with_opts(
                HistogramOpts::new("sanak_http_request_seconds", "Time until an answer begins.")
                    .buckets(vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0]),
            )?,
            connections: IntGauge::new("sanak_http_connections", "Connections of the public server.")?,
            crowded: IntCounter::new(
                "sanak_http_crowded_requests_total",
                "Requests refused because their client has too many connections.",
            )?,
            readers: IntGaugeVec::new(
                Opts::new("sanak_live_readers", "Readers of the live feed."),
                &["transport"],
            )?,
            frames: IntCounterVec::new(
                Opts::new("sanak_live_frames_total", "Frames handed to live readers."),
                &["kind"],
            )?,
            frame_bytes: IntCounter::new(
                "sanak_live_bytes_total",
                "Bytes of frames handed to live readers.",
            )?,
            closed: IntCounterVec::new(
                Opts::new("sanak_live_closes_total", "Live readers that ended."),
                &["reason"],
            )?,
            decisions: IntCounterVec::new(
                Opts::new("sanak_room_decisions_total", "Decisions offered, by outcome."),
                &["outcome"],
            )?,
        };
        let collectors: [Box<dyn Collector>; 9] = [
            Box::new(all.requests.clone()),
            Box::new(all.seconds.clone()),
            Box::new(all.connections.clone()),
            Box::new(all.crowded.clone()),
            Box::new(all.readers.clone()),
            Box::new(all.frames.clone()),
            Box::new(all.frame_bytes.clone()),
            Box::new(all.closed.clone()),
            Box::new(all.decisions.clone()),
        ];
        collectors.into_iter().try_for_each(|collector| registry.register(collector))?;
        Ok(all)
    }
}
