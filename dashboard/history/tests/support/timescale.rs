//! TimescaleDB: the WASM build, always, and the native one that `SANAK_TIMESCALE_URL` points to, where it is set.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use super::cluster::{database, run};

/// A TimescaleDB that a test may fill.
pub enum Lane {
    /// PostgreSQL 17 in WASM, a process of the test's own.
    Wasm(Child, u16),
    /// A database of the test's own in somebody's server, and the server's address.
    Native { url: String, server: String },
}

pub fn lanes() -> Vec<Lane> {
    let native = std::env::var("SANAK_TIMESCALE_URL").ok().map(|server| native(&server));
    [wasm()].into_iter().chain(native).collect()
}

/// A database with a name of its own: tests run side by side.
fn native(server: &str) -> Lane {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let name = format!("sanak_{}_{}", std::process::id(), MADE.fetch_add(1, Relaxed));
    let (before, _) = server.rsplit_once('/').unwrap_or_else(|| panic!("{server} names no database"));
    let options = server.split_once('?').map(|(_, options)| format!("?{options}")).unwrap_or_default();
    let url = format!("{before}/{name}{options}");
    psql(server, &format!("CREATE DATABASE {name}"));
    psql(&url, "CREATE EXTENSION IF NOT EXISTS timescaledb");
    Lane::Native { url, server: server.to_owned() }
}

fn psql(url: &str, command: &str) {
    run(Command::new("psql").args(["-qX", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", command]));
}

fn wasm() -> Lane {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("timescale");
    assert!(dir.join("node_modules").exists(), "TimescaleDB is missing: run ops/scripts/setup.sh test");
    let mut child = Command::new("node")
        .arg("server.js")
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("it said {line:?}")).parse();
    Lane::Wasm(child, port.unwrap())
}

impl Lane {
    pub fn url(&self) -> String {
        match self {
            Self::Wasm(_, port) => format!("postgresql://owner@127.0.0.1:{port}/postgres"),
            Self::Native { url, .. } => url.clone(),
        }
    }

    /// Where it listens on this machine, where it is the test's own.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Wasm(_, port) => Some(*port),
            Self::Native { url, .. } => {
                let address = url.rsplit_once('@').map_or("", |(_, address)| address);
                let here = ["127.0.0.1:", "localhost:"].iter().find_map(|host| address.strip_prefix(host))?;
                here.split_once('/')?.0.parse().ok()
            }
        }
    }

    pub fn what(&self) -> &'static str {
        match self {
            Self::Wasm(..) => "the WASM build",
            Self::Native { .. } => "the native one of SANAK_TIMESCALE_URL",
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        match self {
            Self::Wasm(child, _) => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Self::Native { url, server } => {
                let name = url.rsplit_once('/').map_or("", |(_, name)| name);
                let name = name.split('?').next().unwrap_or_default();
                psql(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

/// The tables are hypertables, the views are continuous aggregates, and both have their policies.
pub async fn is_in_use(url: &str) {
    let connected = database(url).connect(Duration::from_secs(30)).await.unwrap();
    let list = async |sql: &str| {
        let rows = connected.client.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
    };
    let hypertables = "SELECT hypertable_name::text FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public' \
         AND compression_enabled ORDER BY 1";
    assert_eq!(list(hypertables).await, ["observation", "report", "state"]);
    let aggregates = "SELECT view_name::text FROM timescaledb_information.continuous_aggregates ORDER BY 1";
    assert_eq!(list(aggregates).await, ["availability_1h", "reports_1m", "turnout_5m"]);
    let jobs =
        list("SELECT proc_name::text FROM timescaledb_information.jobs WHERE job_id >= 1000 ORDER BY 1")
            .await;
    let count = |name: &str| jobs.iter().filter(|job| *job == name).count();
    let policies = ["policy_compression", "policy_refresh_continuous_aggregate", "policy_retention"];
    assert_eq!(policies.map(count), [3, 3, 1], "{jobs:?}");
    let turnout =
        "SELECT bucket::text || ' ' || identified FROM turnout_5m WHERE unit = 'precinct:1' ORDER BY bucket";
    assert_eq!(list(turnout).await.len(), 4);
}
