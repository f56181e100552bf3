//! What a rehearsal costs: processor and memory from `/proc`, queues from the service's metrics.

use std::{collections::BTreeMap, fs, net::SocketAddr, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::http::Api;

use super::probe::Probe;

/// Ticks a second in `/proc`: what every Linux tells programs, whatever its own clock.
const TICKS: f64 = 100.0;
/// Page size where memory is counted in pages is not needed: `VmRSS` is in kB.
const KIB: u64 = 1_024;

/// Gauges of the service that are kept over time.
pub const GAUGES: &[&str] = &[
    "sanak_journal_queue_records",
    "sanak_device_connections_count",
    "sanak_live_readers",
    "sanak_http_connections",
    "sanak_publication_held",
];

/// A look at the machine.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Look {
    /// Seconds after the clock started.
    pub second: f64,
    /// Processor of the service since the last look, in cores.
    pub service_cores: Option<f64>,
    /// Processor of this process, in cores.
    pub own_cores: f64,
    /// Resident memory of the service, bytes.
    pub service_bytes: Option<u64>,
    /// Resident memory of this process, bytes.
    pub own_bytes: u64,
    /// Devices on line, by the fleet's own count.
    pub connected: u64,
    /// One verification of a signature in this process at that moment, µs.
    #[serde(default)]
    pub verify_us: Option<f64>,
    /// Gauges of the service.
    pub gauges: BTreeMap<String, f64>,
}

/// What is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Watched {
    /// The service's process, where it is on this machine.
    pub pid: Option<u32>,
    /// Its metrics.
    pub metrics: Option<SocketAddr>,
}

/// The machine as it was.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Machine {
    /// Processors.
    pub processors: usize,
    /// Load average over a minute, before and after.
    pub load: [f64; 2],
}

/// Load average over the last minute.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(0.0)
}

/// Looks once a second (or every `every`) until it is dropped, and hands each look on.
pub async fn watch(
    of: Watched,
    begin: Instant,
    every: Duration,
    connected: impl Fn() -> u64,
    mut keep: impl FnMut(Look),
) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = (Instant::now(), processor(None), of.pid.and_then(|pid| processor(Some(pid))));
    let probe = Probe::new();
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let elapsed = now.duration_since(before.0).as_secs_f64().max(0.001);
        let (own, service) = (processor(None), of.pid.and_then(|pid| processor(Some(pid))));
        let cores = |now: Option<f64>, before: Option<f64>| Some(((now? - before?) / elapsed).max(0.0));
        keep(Look {
            second: now.duration_since(begin).as_secs_f64(),
            service_cores: cores(service, before.2),
            own_cores: cores(own, before.1).unwrap_or(0.0),
            service_bytes: of.pid.and_then(|pid| resident(Some(pid))),
            own_bytes: resident(None).unwrap_or(0),
            connected: connected(),
            verify_us: probe.as_ref().and_then(Probe::now),
            gauges: gauges(of.metrics).await,
        });
        before = (now, own, service);
    }
}

/// Processor seconds that a process (this one, where none is named) has used.
pub fn processor(pid: Option<u32>) -> Option<f64> {
    let text = fs::read_to_string(path(pid, "stat")).ok()?;
    // The name of the process may hold blanks and brackets of its own.
    let fields: Vec<&str> = text.get(text.rfind(')')? + 1..)?.split_whitespace().collect();
    let ticks: u64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(ticks as f64 / TICKS)
}

/// Resident memory of a process (this one, where none is named), bytes.
pub fn resident(pid: Option<u32>) -> Option<u64> {
    let text = fs::read_to_string(path(pid, "status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * KIB)
}

fn path(pid: Option<u32>, what: &str) -> String {
    pid.map_or_else(|| format!("/proc/self/{what}"), |pid| format!("/proc/{pid}/{what}"))
}

async fn gauges(metrics: Option<SocketAddr>) -> BTreeMap<String, f64> {
    let Some(address) = metrics else { return BTreeMap::new() };
    // A service that is too busy to say how busy it is leaves a gap in the plot.
    let text = Api::new(address).text("/metrics").await.unwrap_or_default();
    read_gauges(&text)
}

fn read_gauges(text: &str) -> BTreeMap<String, f64> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap_or_default();
        let value = line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        if let (true, Some(value)) = (GAUGES.contains(&name), value) {
            *found.entry(name.to_owned()).or_insert(0.0) += value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_some_processor_and_memory() {
        let mut sum = 0_u64;
        let until = Instant::now() + Duration::from_millis(60);
        while Instant::now() < until {
            sum = sum.wrapping_mul(31).wrapping_add(7);
        }
        assert!(sum != 1 && processor(None).unwrap() > 0.0);
        assert!(resident(None).unwrap() > 1_000_000);
        assert_eq!(processor(Some(u32::MAX)), None);
        assert!(load() >= 0.0);
    }

    #[test]
    fn gauges_are_summed_over_their_labels_and_others_left_out() {
        let text = "# HELP x\nsanak_live_readers{kind=\"websocket\"} 3\nsanak_live_readers{kind=\"events\"} 2\nother 7\n";
        assert_eq!(read_gauges(text), BTreeMap::from([("sanak_live_readers".to_owned(), 5.0)]));
    }
}
