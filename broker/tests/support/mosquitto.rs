//! Mosquitto from the Debian package, with the configuration that we make for it.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use broker::external::{Access, Mosquitto};
use broker::tls::KeyPair;
use rcgen::ExtendedKeyUsagePurpose;

use super::authority::Authority;

pub const GATEWAY: &str = "sanak-gateway";

/// A Mosquitto of its own, until it is dropped.
pub struct Running {
    pub settings: Mosquitto,
    directory: tempfile::TempDir,
    child: Child,
}

impl Running {
    pub fn start(authority: &Authority) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let KeyPair { cert, key } =
            authority.sign(directory.path(), &["broker"], ExtendedKeyUsagePurpose::ServerAuth);
        authority.revoke(&path("revoked.pem"), &[]);
        std::fs::create_dir(path("held")).unwrap();
        let settings = Mosquitto {
            listen: free_address(),
            devices: 100,
            device_ca: authority.cert.clone(),
            cert,
            key,
            revoked: Some(path("revoked.pem")),
            acl: path("acl"),
            shut_out: path("held/shut-out.json"),
            persistence: path("held"),
            log: path("mosquitto.log"),
        };
        let child = launch(directory.path(), &settings, &[]);
        let running = Self { settings, directory, child };
        running.wait(1);
        running
    }

    pub fn address(&self) -> SocketAddr {
        self.settings.listen
    }

    /// Shuts devices out: their certificates, and what they may do over connections that stand.
    pub fn shut_out(&self, authority: &Authority, devices: &[&str]) {
        authority.revoke(self.settings.revoked.as_ref().unwrap(), devices);
        write_acl(&self.settings, devices);
        self.signal("HUP");
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it by a signal, and starts it again.
    pub fn end_and_restart(&mut self, signal: &str) {
        self.end(signal);
        self.restart();
    }

    pub fn end(&mut self, signal: &str) {
        self.signal(signal);
        self.child.wait().unwrap();
    }

    pub fn restart(&mut self) {
        let starts = self.starts();
        self.child = launch(self.directory.path(), &self.settings, &[]);
        self.wait(starts + 1);
    }

    /// All that it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.settings.log).unwrap_or_default()
    }

    fn starts(&self) -> usize {
        self.log().matches(" running\n").count()
    }

    /// Waits for its word; whoever tries the port instead is a stranger that is counted.
    fn wait(&self, starts: usize) {
        let begun = Instant::now();
        while self.starts() < starts {
            assert!(begun.elapsed() < Duration::from_secs(10), "mosquitto comes up in time: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn write_acl(settings: &Mosquitto, revoked: &[&str]) {
    let revoked: Vec<String> = revoked.iter().map(|device| (*device).to_owned()).collect();
    std::fs::write(&settings.acl, Access { gateway: GATEWAY, revoked: &revoked }.mosquitto()).unwrap();
}

fn launch(directory: &Path, settings: &Mosquitto, revoked: &[&str]) -> Child {
    write_acl(settings, revoked);
    let file = directory.join("mosquitto.conf");
    // Started by root it would become another user, who may not read what the test has written.
    std::fs::write(&file, format!("user root\n{}", settings.configuration())).unwrap();
    Command::new("/usr/sbin/mosquitto")
        .arg("-c")
        .arg(file)
        .stdout(Stdio::null())
        .spawn()
        .expect("mosquitto: run ops/scripts/setup.sh test")
}

/// `mosquitto_pub` or `mosquitto_sub`, as that device.
pub fn tool(
    name: &str,
    version: &str,
    address: SocketAddr,
    ca: &Path,
    device: &str,
    pair: &KeyPair,
) -> Command {
    let mut command = Command::new(name);
    command.args([
        "-V",
        version,
        "-h",
        "127.0.0.1",
        "-p",
        &address.port().to_string(),
        "-i",
        device,
        "-q",
        "1",
    ]);
    command.args(["--tls-version", "tlsv1.3", "--cafile"]).arg(ca);
    command.arg("--cert").arg(&pair.cert).arg("--key").arg(&pair.key);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
