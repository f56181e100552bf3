//! The same behind a Mosquitto of the package: it runs with the configuration that `sanak provision` has made for it, and
//! the service with the one made for the service. Only ports and directories are others.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use device_wire::device::Outbox;
use e2e::{Builder, Provisioned, Sanak, TOKEN};
use election::{
    Code, Count,
    report::{Body, Verdict},
};
use serde_json::json;
use tempfile::TempDir;

use crate::{Device, PATIENCE, checks_clean, credentials, decision, identified, identity, open, tally};

/// Mosquitto, and the service behind it.
struct Behind {
    of: Provisioned,
    broker: Broker,
    sanak: Sanak,
}

/// Mosquitto, until it is dropped.
struct Broker {
    directory: TempDir,
    address: SocketAddr,
    child: Child,
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all_in(from: &Path, to: &Path, files: &[&str]) {
    for file in files {
        let name = Path::new(file).file_name().unwrap();
        fs::copy(from.join(file), to.join(name)).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

impl Broker {
    fn start(of: &Provisioned) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let [there, held, log] = ["etc", "held", "log"].map(|name| directory.path().join(name));
        for made in [&there, &held, &log] {
            fs::create_dir(made).unwrap();
        }
        let files = ["ca.crt", "crl.pem", "server.crt", "server.key", "broker/mosquitto.acl"];
        all_in(&of.out(), &there, &files);
        let made = fs::read_to_string(of.out().join("broker/mosquitto.conf")).unwrap();
        let made = made
            .replace("/etc/mosquitto/sanak", there.to_str().unwrap())
            .replace("/var/lib/mosquitto", held.to_str().unwrap())
            .replace("/var/log/mosquitto", log.to_str().unwrap())
            .replace("listener 8883 0.0.0.0", &format!("listener {} 127.0.0.1", address.port()));
        let file = there.join("mosquitto.conf");
        // Started by root it would become another user, who may not read what the test has written.
        fs::write(&file, format!("user root\n{made}")).unwrap();
        let child = Command::new("/usr/sbin/mosquitto").arg("-c").arg(&file).stdout(Stdio::null()).spawn();
        let child = child.expect("mosquitto: run ops/scripts/setup.sh test");
        let broker = Self { directory, address, child };
        let begun = Instant::now();
        while !broker.log().contains(" running\n") {
            assert!(begun.elapsed() < PATIENCE, "mosquitto comes up in time: {}", broker.log());
            std::thread::sleep(Duration::from_millis(10));
        }
        broker
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log/sanak.log")).unwrap_or_default()
    }
}

impl Behind {
    async fn new() -> Self {
        let of = Provisioned::new().await;
        let broker = Broker::start(&of);
        let there = of.out();
        let made = fs::read_to_string(there.join("broker/sanak.toml")).unwrap();
        let made = made
            .replace("/etc/sanak/election", of.election().to_str().unwrap())
            .replace("/etc/sanak/tokens", of.tokens().to_str().unwrap())
            .replace("/etc/sanak", there.to_str().unwrap())
            .replace("/var/lib/sanak", "data")
            .replace("/var/log/mosquitto", broker.directory.path().join("log").to_str().unwrap())
            .replace("localhost:8883", &format!("localhost:{}", broker.address.port()))
            .replace("127.0.0.1:8080", "127.0.0.1:0")
            .replace("127.0.0.1:9090", "127.0.0.1:0");
        let sanak = Builder::configured(&made).start().await;
        let behind = Self { of, broker, sanak };
        behind.joined().await;
        behind
    }

    /// Waits for the service's session with the broker.
    async fn joined(&self) {
        let begun = Instant::now();
        while self.sanak.metric("sanak_device_connections_count").await < 1.0 {
            assert!(begun.elapsed() < PATIENCE, "{}", self.broker.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn device(&self, device: &str, precinct: &str) -> Device {
        let bundle = self.of.bundle(device);
        let outbox = Outbox::in_memory(identity(&bundle, device, precinct));
        Device::with(&self.of, self.broker.address, &bundle, outbox).await
    }

    /// Comes again and again with this bundle: no connection lasts, and nothing that it says is heard.
    async fn stays_out(&self, device: &str, precinct: &str, bundle: &Path) {
        let mut outbox = Outbox::in_memory(identity(bundle, device, precinct));
        let begun = Instant::now();
        let mut attempts = 0;
        while begun.elapsed() < Duration::from_secs(5) {
            attempts += 1;
            let tls = credentials(&self.of, bundle).unwrap();
            // No subscription is granted to it: the attempt may end in that.
            if let Ok(mut link) = open(self.broker.address, tls, &mut outbox).await {
                let ended = async { while link.next().await.is_ok() {} };
                let lasted = tokio::time::timeout(Duration::from_secs(2), ended).await;
                assert!(lasted.is_ok(), "connection {attempts} of {device} lasts: {}", self.broker.log());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert!(attempts > 2, "{attempts}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_nothing_but_what_provision_has_made_an_honest_device_is_receipted_through_mosquitto() {
    let Behind { of, broker: _broker, sanak } = {
        let behind = Behind::new().await;
        let mut terminal = behind.device("t-5001-1", "5001").await;
        let opening = terminal.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
        assert_eq!((opening.0.verdict, opening.0.seq), (Verdict::Accepted, 1));
        assert_eq!(terminal.say(Body::Closing(identified(10))).await.0.verdict, Verdict::Accepted);
        let mut urn = behind.device("u-5001-1", "5001").await;
        assert_eq!(urn.say(Body::OpeningUrn(tally(0))).await.0.verdict, Verdict::Accepted);
        assert_eq!(urn.say(Body::Tally(tally(10))).await.0.verdict, Verdict::Accepted);
        behind
    };
    checks_clean(&of, sanak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_mosquitto_a_revoked_device_loses_its_connection_at_once_and_does_not_come_in_again() {
    let mut behind = Behind::new().await;
    let mut revoked = behind.device("t-5001-1", "5001").await;
    let mut other = behind.device("t-5002-1", "5002").await;
    for device in [&mut revoked, &mut other] {
        let opening = device.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
        assert_eq!(opening.0.verdict, Verdict::Accepted);
    }
    let act = json!({"act": "revoke", "precinct": 5001, "device": "t-5001-1"});
    let (asked, cut) = (Instant::now(), revoked.cut());
    let ((status, answer), _) = tokio::join!(behind.sanak.decide(TOKEN, decision("stolen", act)), cut);
    assert_eq!(status, 201, "{answer}");
    let took = asked.elapsed();
    eprintln!("from the decision to the cut line, through mosquitto: {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    let bundle = behind.of.bundle("t-5001-1");
    behind.stays_out("t-5001-1", "5001", &bundle).await;
    let said = other.say(Body::Turnout(identified(31))).await;
    assert_eq!(said.0.verdict, Verdict::Accepted, "the other's line stands");

    // A power cut of the service later it is still out, and the other's line stands still.
    behind.sanak = behind.sanak.kill_and_restart().await;
    behind.joined().await;
    behind.stays_out("t-5001-1", "5001", &bundle).await;
    assert_eq!(other.say(Body::Turnout(identified(32))).await.0.verdict, Verdict::Accepted);
    let Behind { of, sanak, broker: _broker } = behind;
    checks_clean(&of, sanak).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_mosquitto_a_replaced_urn_is_out_and_a_reissued_key_comes_in_on_a_new_connection() {
    let behind = Behind::new().await;
    let mut urn = behind.device("u-5001-1", "5001").await;
    assert_eq!(urn.say(Body::OpeningUrn(tally(0))).await.0.verdict, Verdict::Accepted);
    let mut spare = behind.device("s-1", "5001").await;
    let early = spare.say(Body::OpeningUrn(tally(0))).await.0;
    assert_eq!((early.verdict, early.code), (Verdict::Rejected, Some(Code::E07)));
    let act = json!({"act": "replace", "precinct": 5001, "old": "u-5001-1", "new": "s-1"});
    let (answer, _) = tokio::join!(behind.sanak.decide(TOKEN, decision("it fell", act)), urn.cut());
    assert_eq!(answer.0, 201, "{}", answer.1);
    behind.stays_out("u-5001-1", "5001", &behind.of.bundle("u-5001-1")).await;
    let mut spare = behind.device("s-1", "5001").await;
    assert_eq!(spare.say(Body::OpeningUrn(tally(0))).await.0.verdict, Verdict::Accepted);
    assert_eq!(spare.say(Body::Tally(tally(12))).await.0.verdict, Verdict::Accepted);

    let mut device = behind.device("t-5001-1", "5001").await;
    device.say(Body::OpeningTerminal { identified: Count::ZERO }).await;
    let output = behind.of.provision(&["--reissue", "t-5001-1", "--reason", "its board was changed"]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (answer, _) = tokio::join!(behind.sanak.decide(TOKEN, output.stdout), device.cut());
    assert_eq!(answer.0, 201, "{}", answer.1);
    let bundle = behind.of.bundle("t-5001-1");
    device.outbox.rekey(device_wire::keys::read_private(&bundle.join("device.key")).unwrap()).unwrap();
    let mut device = Device::with(&behind.of, behind.broker.address, &bundle, device.outbox).await;
    let turnout = device.say(Body::Turnout(identified(30))).await.0;
    assert_eq!((turnout.verdict, turnout.seq), (Verdict::Accepted, 2));
    let Behind { of, sanak, broker: _broker } = behind;
    checks_clean(&of, sanak).await;
}
