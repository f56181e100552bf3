//! A synthetic country, and rehearsals of it against a service.

use std::{
    path::{Path, PathBuf},
    process::Output,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::process::{Builder, Sanak, binary};

/// A country that `sanak fleet country` made, in a directory of its own.
pub struct Synthetic(TempDir);

impl Synthetic {
    /// So many precincts, with an urn and a terminal each.
    pub async fn new(precincts: u32) -> Self {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let made = Self(dir);
        let (precincts, out) = (precincts.to_string(), made.path("country"));
        let output = sanak(&["fleet", "country", "--precincts", &precincts, "--out", &out]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        made
    }

    /// A path in its directory.
    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn country(&self) -> PathBuf {
        self.0.path().join("country")
    }

    /// The service.
    pub fn serve(&self) -> Builder {
        Builder::new(self.country().join("election"), "").centre_key(&self.country().join("centre.key"))
    }

    /// Runs `sanak fleet` against a service: its exit code, what it said, and its report.
    pub async fn rehearse(&self, service: &Sanak, out: &str, more: &[&str]) -> (Option<i32>, String, Value) {
        let ready = service.ready();
        let (broker, url) = (format!("mqtt://{}", ready.mqtt), format!("http://{}", ready.http));
        let (metrics, pid) = (ready.metrics.to_string(), service.pid().to_string());
        let (election, out) = (self.path("country/election"), self.path(out));
        let mut arguments =
            vec!["fleet", "--election", &election, "--keys-from-seed", "1", "--broker", &broker];
        arguments.extend([
            "--url",
            &url,
            "--metrics",
            &metrics,
            "--pid",
            &pid,
            "--out",
            &out,
            "--patience",
            "20s",
        ]);
        arguments.extend(more);
        let output = sanak(&arguments).await;
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let report = std::fs::read(Path::new(&out).join("report.json")).unwrap_or_default();
        (output.status.code(), said, serde_json::from_slice(&report).unwrap_or(Value::Null))
    }
}

/// Runs a command of the program to its end.
pub async fn sanak(arguments: &[&str]) -> Output {
    let run = Command::new(binary()).args(arguments).kill_on_drop(true).output().await;
    run.unwrap_or_else(|error| panic!("sanak {arguments:?}: {error}"))
}
