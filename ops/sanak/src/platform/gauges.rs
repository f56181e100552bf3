//! What the journal and the link count themselves, as metrics.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use broker::{Counters, RefusedKind};
use journal::Appender;
use prometheus::{
    Opts, Registry,
    core::{Collector, Desc, Describer},
    proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType},
};

use crate::platform::routes::Errand;

/// Registers them.
///
/// # Errors
/// Where one of the names is taken.
pub fn register(
    registry: &Registry,
    journal: Appender<Errand>,
    link: Arc<Counters>,
) -> prometheus::Result<()> {
    registry.register(Box::new(Watched::new(journal, link)?))
}

/// Counters of others, read when they are asked for.
struct Watched {
    journal: Appender<Errand>,
    link: Arc<Counters>,
    descriptions: Vec<Desc>,
}

const JOURNAL: [(&str, &str); 5] = [
    ("sanak_journal_records_total", "Records made durable"),
    ("sanak_journal_bytes_total", "Bytes made durable"),
    ("sanak_journal_syncs_total", "Syncs of the journal"),
    ("sanak_journal_errors_total", "Batches that the disk refused"),
    ("sanak_journal_queue_records", "Records that wait to be written"),
];
const LINK: [(&str, &str); 6] = [
    ("sanak_device_connections_count", "Devices connected now"),
    ("sanak_device_connects_total", "Connections of devices"),
    ("sanak_device_takeovers_total", "Connections taken over by the same device"),
    ("sanak_device_messages_total", "Messages from devices"),
    ("sanak_answers_sent_total", "Messages to devices"),
    ("sanak_answers_dropped_total", "Messages to devices that found no way"),
];
const REFUSED: (&str, &str) = ("sanak_link_refusals_total", "What the link refused, by kind");

impl Watched {
    fn new(journal: Appender<Errand>, link: Arc<Counters>) -> prometheus::Result<Self> {
        let plain = JOURNAL.iter().chain(&LINK).map(|(name, help)| Opts::new(*name, *help).describe());
        let labelled = Opts::new(REFUSED.0, REFUSED.1).variable_label("kind").describe();
        let descriptions = plain.chain([labelled]).collect::<prometheus::Result<_>>()?;
        Ok(Self { journal, link, descriptions })
    }

    fn refusals(&self) -> MetricFamily {
        let metrics = RefusedKind::ALL.iter().map(|kind| {
            let mut label = LabelPair::default();
            label.set_name("kind".to_owned());
            label.set_value(kind.name().to_owned());
            let mut counter = Counter::default();
            counter.set_value(self.link.refused(*kind) as f64);
            let mut metric = Metric::from_label(vec![label]);
            metric.set_counter(counter);
            metric
        });
        family(REFUSED, MetricType::COUNTER, metrics.collect())
    }
}

impl Collector for Watched {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let counters = self.journal.counters();
        let journal = [
            counters.records.load(Relaxed),
            counters.bytes.load(Relaxed),
            counters.syncs.load(Relaxed),
            counters.errors.load(Relaxed),
            self.journal.queued() as u64,
        ];
        let link = [
            self.link.connections.load(Relaxed),
            self.link.connects.load(Relaxed),
            self.link.takeovers.load(Relaxed),
            self.link.messages_in.load(Relaxed),
            self.link.messages_out.load(Relaxed),
            self.link.dropped_down.load(Relaxed),
        ];
        let values = JOURNAL.into_iter().zip(journal).chain(LINK.into_iter().zip(link));
        values.map(|(name, value)| plain(name, value)).chain([self.refusals()]).collect()
    }
}

/// One value: a counter where the name says `total`, a gauge otherwise.
fn plain(name: (&str, &str), value: u64) -> MetricFamily {
    let mut metric = Metric::default();
    if name.0.ends_with("_total") {
        let mut counter = Counter::default();
        counter.set_value(value as f64);
        metric.set_counter(counter);
        return family(name, MetricType::COUNTER, vec![metric]);
    }
    let mut gauge = Gauge::default();
    gauge.set_value(value as f64);
    metric.set_gauge(gauge);
    family(name, MetricType::GAUGE, vec![metric])
}

fn family((name, help): (&str, &str), kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
