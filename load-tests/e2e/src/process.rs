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

use crate::vectors::Vectors;

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
    /// Instead of all that: a configuration that somebody else wrote.
    whole: Option<String>,
    place: Place,
}

/// Where it runs.
#[derive(Debug, Clone)]
struct Place {
    /// A network namespace of its own.
    namespace: Option<String>,
    /// Address of the page and of the metrics.
    ip: IpAddr,
    /// A program and its arguments that start it.
    under: Vec<String>,
}

/// The situation room's token in every test.
pub const ROOM_TOKEN: &str = "0f7c1e5d2b6a";
/// Tokens of two more people there.
pub const OTHERS: [&str; 2] = ["second", "third"];
const SECOND_SHA256: &str = "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";
const THIRD_SHA256: &str = "b1e99324505bd32da0e1f85dcf5e19a09db0481e8a15f62c41eb320304a8e927";
/// Its SHA-256.
const TOKEN_SHA256: &str = "f0b6aefdae9688ec722aeb43aa5a11afed79a494b094598422921d1f008e75d3";

impl Builder {
    /// An election directory and the seed of the centre's key.
    pub fn new(election: impl Into<PathBuf>, centre: &str) -> Self {
        Self {
            election: election.into(),
            centre: centre.to_owned(),
            centre_key: None,
            mqtt: "plain_listen = \"127.0.0.1:0\"".to_owned(),
            extra: String::new(),
            whole: None,
            place: Place { namespace: None, ip: IpAddr::from([127, 0, 0, 1]), under: Vec::new() },
        }
    }

    /// A whole configuration; its data directory is `data`, beside it.
    pub fn configured(toml: &str) -> Self {
        Self { whole: Some(toml.to_owned()), ..Self::new("", "") }
    }

    /// In this network namespace, where it has this address.
    pub fn in_namespace(mut self, namespace: &str, ip: IpAddr) -> Self {
        (self.place.namespace, self.place.ip) = (Some(namespace.to_owned()), ip);
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
        Self::new(Vectors::election(), centre)
    }

    /// More lines of configuration.
    pub fn with(mut self, lines: &str) -> Self {
        self.extra.push_str(lines);
        self.extra.push('\n');
        self
    }

    /// A program and its arguments that start the service in their turn: `strace`, `unshare`. `{data}` stands for
    /// the data directory.
    pub fn under(mut self, program: &[&str]) -> Self {
        self.place.under = program.iter().map(|&part| part.to_owned()).collect();
        self
    }

    /// Writes the configuration and starts the service; ready when it says so.
    pub async fn start(self) -> Sanak {
        let place = self.place.clone();
        Sanak::launch(self.prepare(), place).await
    }

    /// Starts the service where it is expected to fail: its exit code, and what it said. The directory can be
    /// started in again.
    pub async fn start_and_fail(self) -> (Option<i32>, String, Prepared) {
        let place = self.place.clone();
        let dir = self.prepare();
        let run =
            command(&dir, &place).stderr(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).output();
        let run = tokio::time::timeout(Duration::from_secs(30), run).await;
        let Ok(Ok(run)) = run else { panic!("sanak neither started nor ended") };
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned(), Prepared(dir, place))
    }

    /// Writes the configuration.
    fn prepare(self) -> TempDir {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        };
        if self.centre_key.is_none() {
            write("centre.key", &self.centre);
        }
        write("tokens", &format!("Tester {TOKEN_SHA256}\nSecond {SECOND_SHA256}\nThird {THIRD_SHA256}\n"));
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap_or_else(|error| panic!("{}: {error}", data.display()));
        if let Some(whole) = &self.whole {
            write("sanak.toml", whole);
            return dir;
        }
        let own = self.extra.contains("[room]");
        let room = if own { "" } else { "[room]\ntokens_file = \"tokens\"\n" };
        let centre_key = self.centre_key.unwrap_or_else(|| "centre.key".into());
        write(
            "sanak.toml",
            &format!(
                "[election]\ndir = {:?}\n[data]\ndir = \"data\"\n[mqtt]\n{}\n\
                 [http]\nlisten = \"{ip}:0\"\n[metrics]\nlisten = \"{ip}:0\"\n\
                 {room}[centre]\nkey_file = {centre_key:?}\n{}",
                self.election,
                self.mqtt,
                self.extra,
                ip = self.place.ip
            ),
        );
        dir
    }
}

/// A configuration and data that a service can be started with again.
pub struct Prepared(TempDir, Place);

impl Prepared {
    /// Starts the service.
    pub async fn start(self) -> Sanak {
        Sanak::launch(self.0, Place { under: Vec::new(), ..self.1 }).await
    }
}

/// The service, perhaps under another program, or in a network namespace.
fn command(dir: &TempDir, place: &Place) -> Command {
    let data = dir.path().join("data").display().to_string();
    let namespace =
        place.namespace.iter().flat_map(|name| ["ip", "netns", "exec", name.as_str()]).map(str::to_owned);
    let mut parts: Vec<String> = namespace.collect();
    parts.extend(place.under.iter().map(|part| part.replace("{data}", &data)));
    parts.push(binary().display().to_string());
    let mut command = Command::new(&parts[0]);
    command.args(&parts[1..]).args(["serve", "--config"]).arg(dir.path().join("sanak.toml"));
    command
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
        let mut child = command(&dir, &place)
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
    pub async fn kill_and_restart(self) -> Self {
        self.kill_and_restart_under(&[]).await
    }

    /// Kills it as a power cut would, and lets a program start it again: see [`Builder::under`].
    pub async fn kill_and_restart_under(mut self, program: &[String]) -> Self {
        self.kill().await;
        self.restart_under(program).await
    }

    /// Lets a program start it again on the same data, once it has ended: see [`Builder::under`].
    pub async fn restart_under(mut self, program: &[String]) -> Self {
        self.place.under = program.to_vec();
        self.restart().await
    }

    /// Starts it again on the same data, once it has ended.
    pub async fn restart(self) -> Self {
        Self::launch(self.dir, self.place).await
    }

    /// Sends it a signal, such as `HUP`.
    pub fn signal(&self, signal: &str) {
        let id = self.pid().to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{signal}"), &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{signal} {id}");
    }

    /// Waits until it has ended by itself; whether well.
    pub async fn ended(&mut self) -> bool {
        let ended = tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await;
        matches!(ended, Ok(Ok(status)) if status.success())
    }

    /// Stops it as an operator does; its data stays until this is dropped.
    pub async fn stop(&mut self) {
        self.signal("TERM");
        assert!(self.ended().await, "it did not stop in good order");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_else(|| panic!("sanak has ended"))
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

    /// Status and JSON of what the situation room reads.
    pub async fn room(&self, path: &str) -> (u16, Value) {
        let url = format!("http://{}/api/v1/room{path}", self.ready.http);
        let answer = reqwest::Client::new().get(&url).bearer_auth(ROOM_TOKEN).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// What the situation room does: status and JSON of the answer.
    pub async fn act(&self, path: &str, body: Value) -> (u16, Value) {
        let url = format!("http://{}/api/v1/room{path}", self.ready.http);
        let answer = reqwest::Client::new().post(&url).bearer_auth(ROOM_TOKEN).json(&body).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// What the situation room sends as it is: status and JSON of the answer.
    pub async fn upload(&self, path: &str, file: Vec<u8>) -> (u16, Value) {
        let url = format!("http://{}/api/v1/room{path}", self.ready.http);
        let answer = reqwest::Client::new().post(&url).bearer_auth(ROOM_TOKEN).body(file).send().await;
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
    }

    /// The bytes of a path that the situation room reads.
    pub async fn download(&self, path: &str) -> Vec<u8> {
        let url = format!("http://{}{path}", self.ready.http);
        let answer = reqwest::Client::new().get(&url).bearer_auth(ROOM_TOKEN).send().await;
        let answer = answer.and_then(reqwest::Response::error_for_status);
        let bytes = answer.unwrap_or_else(|error| panic!("{error}")).bytes().await;
        bytes.unwrap_or_else(|error| panic!("{url}: {error}")).to_vec()
    }

    /// Whether it says that it is ready, and every part.
    pub async fn readiness(&self) -> (bool, Value) {
        let url = format!("http://{}/readyz", self.ready.metrics);
        let answer = reqwest::get(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let parts: Value = answer.json().await.unwrap_or(Value::Null);
        (parts["ready"] == true, parts["parts"].clone())
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
