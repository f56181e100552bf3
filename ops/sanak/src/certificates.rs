//! When the certificates that devices are met with expire: told before it happens, and measured while the service runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use election::Timestamp;
use feed::rfc3339;
use prometheus::{
    IntGaugeVec, Opts, Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};
use x509_parser::pem::Pem;

/// This long before a certificate expires it is told.
const SOON: Duration = Duration::from_secs(30 * 24 * 3600);

/// A file with certificates that the service needs.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// What it is, for people and metrics: `server`, `device_ca`, `broker_ca`, `gateway`.
    pub what: &'static str,
    /// The key of the configuration that names it.
    pub key: &'static str,
    /// The file.
    pub path: PathBuf,
}

/// When the first certificate of a file expires; `None` where there is none that can be read.
pub fn expiry(path: &Path) -> Option<Timestamp> {
    let bytes = fs::read(path).ok()?;
    let seconds = Pem::iter_from_buffer(&bytes).filter_map(|pem| {
        let pem = pem.ok()?;
        Some(pem.parse_x509().ok()?.validity().not_after.timestamp())
    });
    let first = seconds.min()?;
    Some(Timestamp::from_millis(u64::try_from(first).unwrap_or_default().saturating_mul(1_000)))
}

impl Certificate {
    /// What is to be told of it at a moment; `None` while it is good for long.
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        let until = expiry(&self.path)?;
        let (path, at) = (self.path.display(), rfc3339(until));
        let remedy = match self.what {
            "server" => "make another with `sanak provision --renew-server`",
            _ => "make another before that day",
        };
        match () {
            () if until <= now => {
                Some(format!("{path} has expired ({at}), and nobody can connect: {remedy}"))
            }
            () if until.since(now) < SOON => Some(format!("{path} expires on {at}: {remedy}")),
            () => None,
        }
    }
}

/// Registers when each of them expires, read from its file whenever it is asked for.
///
/// # Errors
/// Where the metric's name is taken.
pub fn measure(registry: &Registry, certificates: Vec<Certificate>) -> prometheus::Result<()> {
    let help = "Unix time at which the first certificate of a file expires";
    let until = IntGaugeVec::new(Opts::new("sanak_certificate_expiry_seconds", help), &["certificate"])?;
    registry.register(Box::new(Watched { certificates, until }))
}

struct Watched {
    certificates: Vec<Certificate>,
    until: IntGaugeVec,
}

impl Collector for Watched {
    fn desc(&self) -> Vec<&Desc> {
        self.until.desc()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        for certificate in &self.certificates {
            let until = expiry(&certificate.path).map_or(0, |until| until.millis() / 1_000);
            let gauge = self.until.with_label_values(&[certificate.what]);
            gauge.set(i64::try_from(until).unwrap_or(i64::MAX));
        }
        self.until.collect()
    }
}
