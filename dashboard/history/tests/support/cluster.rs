//! Real databases: a PostgreSQL of the test's own, and a TimescaleDB where there is one.
#![allow(clippy::unwrap_used, missing_docs, dead_code)]

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use history::Database;
use tempfile::TempDir;

/// Where Debian puts the programs of PostgreSQL 15.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A cluster of PostgreSQL in a directory of its own.
pub struct Cluster {
    dir: TempDir,
    /// The cluster itself, perhaps on a file system of its own.
    data: PathBuf,
    pub port: u16,
}

impl Cluster {
    pub fn start() -> Self {
        let dir = TempDir::new().unwrap();
        let data = dir.path().join("pg");
        Self::start_in(dir, data, &[])
    }

    /// With these lines of configuration; `data` is an empty directory, or none yet.
    pub fn start_in(dir: TempDir, data: PathBuf, lines: &[&str]) -> Self {
        let cluster = Self { dir, data, port: free_port() };
        open_to_all(cluster.dir.path());
        run(program("initdb")
            .args(["-D", &cluster.path(), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"])
            .args(["--locale", "C"]));
        let mut configuration = std::fs::read_to_string(cluster.data.join("postgresql.conf")).unwrap();
        configuration.push_str(&format!(
            "port = {}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
             max_wal_size = 128MB\nlog_min_messages = fatal\n",
            cluster.port
        ));
        lines.iter().for_each(|line| configuration.push_str(&format!("{line}\n")));
        std::fs::write(cluster.data.join("postgresql.conf"), configuration).unwrap();
        cluster.up();
        cluster
    }

    fn path(&self) -> String {
        self.data.display().to_string()
    }

    pub fn up(&self) {
        let log = self.dir.path().join("log").display().to_string();
        run(program("pg_ctl").args(["-D", &self.path(), "-l", &log, "-w", "start"]));
    }

    /// Stops it as an operator does.
    pub fn down(&self) {
        run(program("pg_ctl").args(["-D", &self.path(), "-m", "fast", "-w", "stop"]));
    }

    /// As a power cut would: every process of it is gone at once.
    pub fn kill(&self) {
        let postmaster = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        let postmaster = postmaster.lines().next().unwrap().to_owned();
        let children = Command::new("pgrep").args(["-P", &postmaster]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let all = [postmaster.as_str()].into_iter().chain(children.lines());
        // The parent first, so that it does not restart what it sees die.
        for pid in all {
            Command::new("kill").args(["-9", pid]).stderr(Stdio::null()).status().unwrap();
        }
        let began = Instant::now();
        while Command::new("kill").args(["-0", &postmaster]).stderr(Stdio::null()).status().unwrap().success()
        {
            assert!(began.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn url(&self) -> String {
        format!("postgresql://owner@127.0.0.1:{}/postgres", self.port)
    }

    pub fn database(&self) -> Database {
        database(&self.url())
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = program("pg_ctl")
            .args(["-D", &self.path(), "-m", "immediate", "-w", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

pub fn database(url: &str) -> Database {
    Database::new(url, None, None, 3, Duration::from_secs(5)).unwrap()
}

/// PostgreSQL does not run as root: then its programs run as the user that Debian has for it.
pub fn program(name: &str) -> Command {
    let path = format!("{PROGRAMS}/{name}");
    assert!(Path::new(&path).exists(), "{path} is missing: run ops/scripts/setup.sh test");
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", &path]);
        command
    } else {
        Command::new(&path)
    };
    command.current_dir("/").stdout(Stdio::null());
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// Lets the user of PostgreSQL write into a directory of ours.
pub fn open_to_all(dir: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres:postgres").arg(dir));
    }
}

pub fn run(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
