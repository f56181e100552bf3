//! `sanak serve` as a process of its own.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::mpsc,
};

/// The program, built beside the tests.
pub fn binary() -> PathBuf {
    let tests = std::env::current_exe().unwrap_or_default();
    let built = tests.ancestors().nth(2).map(|profile| profile.join("sanak")).unwrap_or_default();
    assert!(built.exists(), "{} is missing: run `cargo build -p sanak` first", built.display());
    built
}

/// What to start.
pub struct Builder {
    election: PathBuf,
    centre: String,
    /// Instead of `centre`: a file that is there.
    centre_key: Option<PathBuf>,
    mqtt: String,
    extra: String,
    place: Place,
}

/// Where it runs.
#[derive(Debug, Clone)]
struct Place {
    /// A network namespace of its own.
    namespace: Option<String>,
    /// Address of the page and of the metrics.
    ip: IpAddr,
}

impl Builder {
    /// An election directory and the seed of the centre's key.
    pub fn new(election: impl Into<PathBuf>, centre: &str) -> Self {
        Self {
            election: election.into(),
            centre: centre.to_owned(),
            centre_key: None,
            mqtt: "plain_listen = \"127.0.0.1:0\"".to_owned(),
            extra: String::new(),
            place: Place { namespace: None, ip: IpAddr::from([127, 0, 0, 1]) },
        }
    }

    /// In this network namespace, where it has this address.
    pub fn in_namespace(mut self, namespace: &str, ip: IpAddr) -> Self {
        self.place = Place { namespace: Some(namespace.to_owned()), ip };
        self
    }

    /// Other lines of `[mqtt]`.
    pub fn mqtt(mut self, lines: &str) -> Self {
        self.mqtt = lines.to_owned();
        self
    }

    /// A file with the centre's key.
    pub fn centre_key(mut self, path: &Path) -> Self {
        self.centre_key = Some(path.to_owned());
        self
    }

    /// The small election of the device vectors.
    pub fn vectors(centre: &str) -> Self {
        let small = "../../actors/election-files/tests/elections/vec-1";
        Self::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(small), centre)
    }

    /// More lines of configuration.
    pub fn with(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// Writes the configuration and starts the service; ready when it says so.
    pub async fn start(self) -> Sanak {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        };
        if self.centre_key.is_none() {
            write("centre.key", &self.centre);
        }
        let centre_key = self.centre_key.unwrap_or_else(|| "centre.key".into());
        write(
            "sanak.toml",
            &format!(
                "[election]\ndir = {:?}\n[data]\ndir = \"data\"\n[mqtt]\n{}\n\
                 [http]\nlisten = \"{ip}:0\"\n[metrics]\nlisten = \"{ip}:0\"\n\
                 [centre]\nkey_file = {centre_key:?}\n{}",
                self.election,
                self.mqtt,
                self.extra,
                ip = self.place.ip
            ),
        );
        Sanak::launch(dir, self.place).await
    }
}

/// Where it listens.
#[derive(Debug, Clone, Copy)]
pub struct Ready {
    /// HTTP.
    pub http: SocketAddr,
    /// MQTT; unspecified where a broker stands between.
    pub mqtt: SocketAddr,
    /// Metrics.
    pub metrics: SocketAddr,
}

/// A running service.
pub struct Sanak {
    child: Child,
    dir: TempDir,
    place: Place,
    ready: Ready,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Sanak {
    async fn launch(dir: TempDir, place: Place) -> Self {
        let mut command = match &place.namespace {
            None => Command::new(binary()),
            Some(namespace) => {
                let mut ip = Command::new("ip");
                ip.args(["netns", "exec", namespace]).arg(binary());
                ip
            }
        };
        let mut child = command
            .args(["serve", "--config"])
            .arg(dir.path().join("sanak.toml"))
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("sanak: {error}"));
        let (sender, mut lines) = mpsc::unbounded_channel();
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(async move {
                let mut stderr = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = stderr.next_line().await {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let mut said = Vec::new();
        let ready = loop {
            let line = tokio::time::timeout(Duration::from_secs(30), lines.recv()).await;
            let Ok(Some(line)) = line else { panic!("sanak did not get ready:\n{}", said.join("\n")) };
            if let Some(ready) = Ready::parse(&line) {
                break ready;
            }
            said.push(line);
        };
        Self { child, dir, place, ready, lines }
    }

    /// Where it listens.
    pub fn ready(&self) -> Ready {
        self.ready
    }

    /// Its data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Kills it as a power cut would, and starts it again on the same data.
    pub async fn kill_and_restart(mut self) -> Self {
        self.kill().await;
        self.restart().await
    }

    /// Starts it again on the same data, once it has ended.
    pub async fn restart(self) -> Self {
        Self::launch(self.dir, self.place).await
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().unwrap_or_else(|| panic!("sanak has ended")).to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{signal} {id}");
    }

    /// Waits until it has ended by itself; whether well.
    pub async fn ended(&mut self) -> bool {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        matches!(ended, Ok(Ok(status)) if status.success())
    }

    /// Waits until it logs a line with this in it.
    pub async fn says(&mut self, what: &str) -> String {
        loop {
            let line = tokio::time::timeout(Duration::from_secs(20), self.lines.recv()).await;
            let Ok(Some(line)) = line else { panic!("sanak did not say {what:?}") };
            if line.contains(what) {
                return line;
            }
        }
    }

    /// Kills it as a power cut would.
    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap_or_else(|error| panic!("kill: {error}"));
    }

    /// Fails if it has logged an error so far.
    pub fn assert_no_errors_logged(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            assert!(!line.contains("ERROR"), "{line}");
        }
    }

    /// Status and JSON body of a path below `/api/v1`.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}/api/v1{path}", self.ready.http);
        let answer = reqwest::get(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// Sends a decision to the situation room in the name of whoever holds the token; status and answer.
    pub async fn decide(&self, token: &str, decision: impl Into<reqwest::Body>) -> (u16, Value) {
        let url = format!("http://{}/api/v1/room/decisions", self.ready.http);
        let asked = reqwest::Client::new().post(&url).bearer_auth(token).body(decision).send().await;
        let answer = asked.unwrap_or_else(|error| panic!("{url}: {error}"));
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or(Value::Null))
    }

    /// A metric's value: the sum over its labels.
    pub async fn metric(&self, name: &str) -> f64 {
        let url = format!("http://{}/metrics", self.ready.metrics);
        let answer = reqwest::get(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let text = answer.text().await.unwrap_or_default();
        let of = text.lines().filter(|line| line.starts_with(name));
        of.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Waits until a path's JSON satisfies `enough`; its last answer otherwise fails the test.
    pub async fn wait_for(&self, path: &str, enough: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..100 {
            last = self.get(path).await.1;
            if enough(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path} did not come to it within 10 s: {last:#}");
    }
}

/// Where devices connect when it is not our affair.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

impl Ready {
    /// The line that whoever starts `sanak` waits for (PROTOCOL §4).
    pub fn parse(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("ready ")?;
        let of = |name: &str| {
            let mut parts = rest.split_whitespace().filter_map(|part| part.split_once('='));
            parts.find(|(key, _)| *key == name)?.1.parse().ok()
        };
        let mqtt = if rest.contains("mqtt=external") { Some(NOWHERE) } else { of("mqtt") };
        Some(Self { http: of("http")?, mqtt: mqtt?, metrics: of("metrics")? })
    }
}
