//! Metrics of the gateway: `sanak_<noun>_<unit>_total`, labels bounded.

use election::{Code, report::Verdict};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::quota::Spent;

/// Counters and times of the gateway.
#[derive(Clone)]
pub struct Metrics {
    receipts: IntCounterVec,
    refused: IntCounterVec,
    /// Heartbeats and states taken.
    pub(crate) signs: IntCounter,
    /// Reports dropped because 64 of their device wait above a gap already.
    pub(crate) overfull: IntCounter,
    /// Receipts and commands that found no way to their device (it will repeat).
    pub(crate) undelivered: IntCounter,
    /// Reports that could not be put on stable storage.
    pub(crate) unstored: IntCounter,
    /// Seconds from a report's arrival to its receipt.
    pub(crate) latency: Histogram,
    /// Messages dropped because their device speaks too fast.
    pub(crate) limited: IntCounter,
    /// Reports that waited because all devices together speak too fast.
    pub(crate) slowed: IntCounter,
    /// Devices that miss a report below one they sent.
    pub(crate) gaps: IntGauge,
    commands: IntCounterVec,
    beyond_quota: IntCounterVec,
    /// Devices that wanted more than their quota.
    pub(crate) over_quota: IntGauge,
}

impl Metrics {
    /// Metrics, registered.
    ///
    /// # Errors
    /// Where one of the names is taken in the registry.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(Opts::new(name, help))?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let by = |name: &str, help: &str, label: &str| {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let buckets = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
        let latency = HistogramOpts::new(
            "sanak_receipt_seconds",
            "Seconds from a report's arrival to its signed receipt, the sync to stable storage included",
        );
        let latency = Histogram::with_opts(latency.buckets(buckets))?;
        registry.register(Box::new(latency.clone()))?;
        let gaps = IntGauge::new("sanak_device_gaps_count", "Devices of which a report is missing")?;
        registry.register(Box::new(gaps.clone()))?;
        let commands =
            Opts::new("sanak_commands_total", "Commands to devices, by command and whether there was a way");
        let commands = IntCounterVec::new(commands, &["command", "delivered"])?;
        registry.register(Box::new(commands.clone()))?;
        let over_quota =
            IntGauge::new("sanak_devices_over_quota_count", "Devices that wanted more than their quota")?;
        registry.register(Box::new(over_quota.clone()))?;
        let beyond_quota = by(
            "sanak_beyond_quota_reports_total",
            "Reports dropped because their device has its quota on record, by what is used up",
            "quota",
        )?;
        Spent::ALL.iter().for_each(|spent| beyond_quota.with_label_values(&[spent.as_str()]).inc_by(0));
        Ok(Self {
            over_quota,
            beyond_quota,
            receipts: by("sanak_receipts_total", "Receipts signed, by verdict", "verdict")?,
            refused: by(
                "sanak_refused_messages_total",
                "Messages refused before the journal, by code",
                "code",
            )?,
            signs: counter("sanak_life_signs_total", "Heartbeats and states taken")?,
            overfull: counter(
                "sanak_overfull_reports_total",
                "Reports dropped because 64 of their device wait above a gap",
            )?,
            undelivered: counter(
                "sanak_undelivered_answers_total",
                "Answers that found no way to their device",
            )?,
            unstored: counter(
                "sanak_unstored_reports_total",
                "Reports that could not be stored; unanswered",
            )?,
            latency,
            limited: counter(
                "sanak_limited_messages_total",
                "Messages dropped because their device speaks too fast",
            )?,
            slowed: counter(
                "sanak_slowed_reports_total",
                "Reports that waited because all devices together speak too fast",
            )?,
            gaps,
            commands,
        })
    }

    pub(crate) fn receipt(&self, verdict: Verdict) {
        self.receipts.with_label_values(&[verdict.as_str()]).inc();
    }

    pub(crate) fn commanded(&self, command: &str, delivered: bool) {
        self.commands.with_label_values(&[command, if delivered { "yes" } else { "no" }]).inc();
    }

    pub(crate) fn beyond_quota(&self, spent: Spent) {
        self.beyond_quota.with_label_values(&[spent.as_str()]).inc();
    }

    pub(crate) fn refused(&self, code: Code) {
        self.refused.with_label_values(&[code.as_str()]).inc();
    }
}
