//! All devices of the country over TLS, with the bundles that they were given, when the service is killed: how long until
//! all are back and have their receipts, whether anybody hurries, and what a device costs.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use device_wire::{
    CentreKeys, Channel,
    device::{Identity, Outbox},
    keys::{read_private, read_public},
    verify_receipt,
};
use e2e::{Builder, Patience, Record, Sanak, binary, now};
use election::{
    Count,
    report::{Body, Receipt, Verdict},
};
use load_tests::{
    bundles::{Bundles, Credentials},
    link::{Hello, Link},
};
use rumqttc::mqttbytes::{QoS, v4::Packet};

/// How long the service is away.
const AWAY: Duration = Duration::from_secs(3);
/// All are back within this (the promise).
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// What a device that is connected may cost the whole service, in bytes. The link's share is less than 25,000
/// (`broker/examples/ten_thousand.rs` holds it to that); the rest is what is kept of its state and its report.
const BYTES_A_DEVICE: usize = 40_000;

/// What all devices share.
struct Seen {
    address: SocketAddr,
    centre: CentreKeys,
    connected: AtomicUsize,
    attempts: AtomicU64,
    hurried: Mutex<Vec<String>>,
    receipts: Mutex<Vec<Receipt>>,
}

struct Device {
    outbox: Outbox,
    tls: Credentials,
    seen: Arc<Seen>,
    random: u32,
}

impl Device {
    /// Connects, stays, and comes back: after 1 s, doubling to 60 s, ± 20 %.
    async fn live(mut self) {
        let patience = Patience::USUAL;
        let (mut failures, mut last) = (0, None::<Instant>);
        loop {
            let since = last.map(|last| last.elapsed());
            if let Some(since) = since.filter(|since| *since < patience.at_least(failures)) {
                let hurry = format!("{} after {since:?}", self.outbox.identity().device);
                self.seen.hurried.lock().unwrap().push(hurry);
            }
            self.seen.attempts.fetch_add(1, Ordering::Relaxed);
            failures = if self.session().await { 1 } else { failures + 1 };
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let spread = 1.0 + f64::from((self.random >> 8) % 500) / 1_000.0;
            last = Some(Instant::now());
            tokio::time::sleep(patience.at_least(failures).mul_f64(spread)).await;
        }
    }

    /// One connection; whether it came about.
    async fn session(&mut self) -> bool {
        let (online, will) = self.outbox.connect(now()).unwrap();
        let identity = self.outbox.identity();
        let topic = |channel| identity.topic(channel).to_string();
        let (state, report) = (topic(Channel::State), topic(Channel::Report));
        let hello = Hello {
            client: identity.device.as_str(),
            will_topic: state.clone(),
            will,
            listen: vec![topic(Channel::Receipt), topic(Channel::Command)],
        };
        let Ok(mut link) = Link::connect(self.seen.address, Some(self.tls.clone()), hello).await else {
            return false;
        };
        self.seen.connected.fetch_add(1, Ordering::Relaxed);
        self.outbox.reconnected();
        let began = Instant::now();
        let mut said = link.publish(&state, online, QoS::AtLeastOnce, true);
        while said.is_ok() {
            let random = self.random;
            for envelope in self.outbox.due(began.elapsed(), &mut || random) {
                said = said.and(link.publish(&report, envelope.to_vec(), QoS::AtLeastOnce, false));
            }
            let due = self.outbox.next_due().unwrap_or(Duration::from_secs(3_600));
            tokio::select! {
                packet = link.next() => match packet {
                    Ok(Packet::Publish(message)) => self.hear(&message.topic, &message.payload),
                    Ok(_) => {}
                    Err(_) => break,
                },
                () = tokio::time::sleep(due.saturating_sub(began.elapsed())) => {}
            }
        }
        self.seen.connected.fetch_sub(1, Ordering::Relaxed);
        true
    }

    fn hear(&mut self, topic: &str, payload: &[u8]) {
        let Ok(receipt) = verify_receipt(topic, payload, &self.seen.centre) else { return };
        self.outbox.on_receipt(&receipt, Duration::ZERO).unwrap();
        let receipt = receipt.receipt().clone();
        assert!(matches!(receipt.verdict, Verdict::Accepted | Verdict::Duplicate), "{receipt:?}");
        self.seen.receipts.lock().unwrap().push(receipt);
    }
}

/// The demonstration election, provisioned, in a directory.
async fn provisioned(dir: &Path) {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/elections/kg-demo");
    let copied = Command::new("cp").arg("-r").arg(demo).arg(dir.join("election")).status();
    assert!(copied.unwrap().success());
    let mut provision = tokio::process::Command::new(binary());
    provision.args(["provision", "--election"]).arg(dir.join("election")).arg("--out").arg(dir.join("out"));
    let output = provision.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Every device that stands somewhere: its id, kind and precinct.
fn devices(election: &Path) -> Vec<(String, String, String)> {
    let table = fs::read_to_string(election.join("devices.csv")).unwrap();
    let rows = table.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>());
    rows.filter(|row| !row[2].is_empty())
        .map(|row| (row[0].clone(), row[1].clone(), row[2].clone()))
        .collect()
}

/// Resident memory of a process, bytes.
fn resident(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1_024
}

async fn until(what: &str, patience: Duration, so: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < patience, "{what} within {patience:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    began.elapsed()
}

async fn serve(dir: &Path, address: SocketAddr) -> Sanak {
    let out = dir.join("out");
    let file = |name: &str| out.join(name);
    let mqtt = format!(
        "listen = \"{address}\"\ncert = {:?}\nkey = {:?}\ndevice_ca = {:?}",
        file("server.crt"),
        file("server.key"),
        file("ca.crt")
    );
    Builder::new(dir.join("election"), "").mqtt(&mqtt).centre_key(&file("centre.key")).start().await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "ten thousand sockets twice: make drill-connections"]
async fn ten_thousand_devices_are_back_within_a_minute_of_a_kill_and_nobody_hurries() {
    let dir = tempfile::tempdir().unwrap();
    provisioned(dir.path()).await;
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut sanak = serve(dir.path(), address).await;
    let before = resident(sanak.pid());
    let out = dir.path().join("out");
    let bundles = Bundles::open(&out, "localhost").unwrap();
    let seen = Arc::new(Seen {
        address,
        centre: CentreKeys::one("centre", read_public(&out.join("centre.pub")).unwrap()),
        connected: AtomicUsize::new(0),
        attempts: AtomicU64::new(0),
        hurried: Mutex::default(),
        receipts: Mutex::default(),
    });
    let all = devices(&dir.path().join("election"));
    let (count, terminals) = (all.len(), all.iter().filter(|(_, kind, _)| kind == "id_terminal").count());
    let mut ready = Vec::new();
    for (random, (device, kind, precinct)) in (1..).zip(all) {
        let bundle = out.join("devices").join(&device);
        let tls = bundles.credentials_in(&bundle).unwrap();
        let key = read_private(&bundle.join("device.key")).unwrap();
        let (election, device) = ("kg-demo".parse().unwrap(), device.parse().unwrap());
        let identity = Identity { election, precinct: precinct.parse().unwrap(), device, key };
        let mut outbox = Outbox::in_memory(identity);
        if kind == "id_terminal" {
            outbox.make(Body::OpeningTerminal { identified: Count::ZERO }, now()).unwrap();
        }
        ready.push(Device { outbox, tls, seen: Arc::clone(&seen), random });
    }
    ready.into_iter().for_each(|device| drop(tokio::spawn(device.live())));
    let connected = || seen.connected.load(Ordering::Relaxed);
    let first = until("all are connected", Duration::from_secs(180), || connected() == count).await;
    println!("{count} devices over TLS connected in {first:.1?}");
    // Half the country has its receipts, or all of it, when the power goes.
    until("receipts", Duration::from_secs(60), || seen.receipts.lock().unwrap().len() > terminals / 2).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cost = (resident(sanak.pid()) - before) / count;
    println!("{cost} bytes a device in the whole service");

    sanak.kill().await;
    until("all have noticed", Duration::from_secs(30), || connected() == 0).await;
    tokio::time::sleep(AWAY).await;
    seen.attempts.store(0, Ordering::Relaxed);
    let begins = Instant::now();
    let sanak = sanak.restart().await;
    println!("the service was ready again {:.1?} after its start", begins.elapsed());
    let back = until("all are back", BACK_WITHIN * 2, || connected() == count).await;
    let told = || seen.receipts.lock().unwrap().iter().map(|of| of.digest.to_string()).collect::<Vec<_>>();
    let distinct = || {
        let mut digests = told();
        digests.sort_unstable();
        digests.dedup();
        digests.len()
    };
    until("every terminal has its receipt", Duration::from_secs(60), || distinct() == terminals).await;
    let attempts = seen.attempts.load(Ordering::Relaxed);
    println!(
        "killed, away for {AWAY:?}: all {count} back {back:.1?} after it was ready, {attempts} attempts since; receipts for \
         all {terminals} terminals"
    );
    let hurried = seen.hurried.lock().unwrap().clone();
    assert!(hurried.is_empty(), "{} came before their time: {:?}", hurried.len(), hurried.first());
    assert!(back < BACK_WITHIN, "{back:?}");
    assert!(cost < BYTES_A_DEVICE, "{cost} bytes a device");
    assert_eq!(connected(), count, "and all have stayed");
    let receipts = seen.receipts.lock().unwrap().clone();
    let record = Record::at_the_end_of(sanak, &dir.path().join("election")).await;
    record.assert_is_what_was_receipted(&receipts);
    assert_eq!(record.reports.len(), terminals);
}
