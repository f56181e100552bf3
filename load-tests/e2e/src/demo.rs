//! `sanak demo` as a process of its own.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::Instant,
};

use crate::process::binary;

/// A running demonstration.
pub struct Demo {
    child: Child,
    http: SocketAddr,
}

impl Demo {
    /// Starts a demonstration that stays after its night has ended.
    pub async fn start(data: &Path, precincts: usize, speed: u32, seed: u64) -> Self {
        Self::begin(data, precincts, &["--speed", &speed.to_string()], seed).await
    }

    /// The same at its own pace: a fast day, and a minute of the night in a second.
    pub async fn at_its_own_pace(data: &Path, precincts: usize, seed: u64) -> Self {
        Self::begin(data, precincts, &[], seed).await
    }

    async fn begin(data: &Path, precincts: usize, pace: &[&str], seed: u64) -> Self {
        let mut child = Command::new(binary())
            .args(["demo", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(["--precincts", &precincts.to_string()])
            .args(pace)
            .args(["--seed", &seed.to_string()])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("sanak demo: {error}"));
        let Some(stderr) = child.stderr.take() else { panic!("sanak demo has no stderr") };
        let mut lines = BufReader::new(stderr).lines();
        let deadline = Instant::now() + Duration::from_secs(60);
        let http = loop {
            let line = tokio::time::timeout_at(deadline, lines.next_line()).await;
            let Ok(Ok(Some(line))) = line else { panic!("sanak demo did not say its address") };
            let address =
                line.split("http://").nth(1).and_then(|rest| rest.trim_end_matches('/').parse().ok());
            if let Some(address) = address {
                break address;
            }
        };
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, http }
    }

    /// Address of its page.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// JSON of a path below the demonstration election's.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("http://{}/api/v1/elections/kg-demo{path}", self.http);
        let answer = reqwest::get(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        answer.json().await.unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    /// Waits until the header of the results satisfies `enough`; the whole of them then.
    pub async fn wait_until(&self, what: &str, patience: Duration, enough: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + patience;
        loop {
            let results = self.get("/results").await;
            if enough(&results) {
                return results;
            }
            assert!(
                Instant::now() < deadline,
                "{what} did not come within {patience:?}: {}",
                results["status"]
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills it as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("kill: {error}"));
    }
}
