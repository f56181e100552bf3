//! What no crash and no disk may do: lose what was receipted, count anything twice, or receipt what is not stored.
//! Each test ends in `sanak journal check`, and in a comparison with what devices hold receipts for.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    fs::OpenOptions,
    io::Write,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use device_wire::{CentreKeys, Channel, device::Outbox};
use e2e::{Builder, Client, Country, Held, Library, Record, Sanak, Vectors, now};
use election::{
    Count,
    report::{Body, Turnout, Verdict},
};

const PATIENCE: Duration = Duration::from_secs(90);

fn centre(vectors: &Vectors) -> CentreKeys {
    CentreKeys::one("centre", vectors.centre_key().verifying_key())
}

/// That the totals shown are those that the devices last said.
async fn assert_counted_once(sanak: &Sanak, identified: u64) {
    sanak
        .wait_for("/elections/small/results", |results| {
            results["units"][0]["turnout"]["identified"] == identified
        })
        .await;
}

/// How often to kill: a few times in every run of the tests, fifty in `make drill-kill`.
fn kills() -> u32 {
    std::env::var("SANAK_DRILL_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(4)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_under_full_load_nothing_receipted_is_lost_or_counted_twice() {
    let vectors = Vectors::read();
    let country = Country::new(20, 2);
    let mut sanak = Builder::new(country.dir(), &vectors.centre).start().await;
    let devices = Library::start(country.terminals(), centre(&vectors), sanak.ready().mqtt);
    let mut chance = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    println!("chance begins at {chance}");
    let mut before = 0;
    for kill in 1..=kills() {
        // Under load: something was receipted since the last time.
        let deadline = Instant::now() + PATIENCE;
        while devices.receipts() <= before {
            assert!(Instant::now() < deadline, "nothing was receipted before kill {kill}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        tokio::time::sleep(Duration::from_millis(u64::from(chance >> 8) % 700)).await;
        before = devices.receipts();
        sanak = sanak.kill_and_restart().await;
        devices.moved(sanak.ready().mqtt);
    }
    let (held, identified) = devices.settle(PATIENCE).await;
    assert_counted_once(&sanak, identified).await;
    sanak.stop().await;
    let record = Record::checked(&sanak.data(), country.dir());
    record.assert_keeps(&held);
    println!("{} kills, {} reports, {} receipts", kills(), record.reports.len(), held.len());
    // What stands in the journal is what was made: each count once, from 1 to the last.
    assert_eq!(record.reports.len() as u64, identified);
}

/// A device that says one thing after another and notes what it holds receipts for.
struct Speaker {
    outbox: Outbox,
    client: Client,
    said: u64,
    held: Vec<Held>,
}

impl Speaker {
    async fn new(sanak: &Sanak, country: &Country, vectors: &Vectors) -> Self {
        let identity = country.device("t-5001-1");
        let filter = identity.topic(Channel::Receipt).to_string();
        let client = Client::connect(sanak.ready().mqtt, "t-5001-1", &filter, centre(vectors)).await;
        Self { outbox: Outbox::in_memory(identity), client, said: 0, held: Vec::new() }
    }

    /// Makes a report and sends it once.
    async fn say(&mut self) {
        self.said += 1;
        let turnout = Turnout { identified: Count::new(self.said), ..Turnout::default() };
        let envelope = self.outbox.make(Body::Turnout(turnout), now()).unwrap();
        self.send(&envelope).await;
    }

    async fn send(&mut self, envelope: &[u8]) {
        let topic = self.outbox.identity().topic(Channel::Report).to_string();
        self.client.publish(&topic, envelope).await;
    }

    /// Takes receipts and repeats what has none, until everything is settled or time is up.
    async fn listen(&mut self, patience: Duration) -> bool {
        let started = Instant::now();
        while self.outbox.pending() > 0 && started.elapsed() < patience {
            if let Some(receipt) = self.client.receipt_within(Duration::from_millis(400)).await {
                let Some(offset) = receipt.receipt().offset else { panic!("{receipt:?}") };
                let of = receipt.receipt();
                assert!(
                    matches!(of.verdict, Verdict::Accepted | Verdict::Duplicate | Verdict::Held),
                    "{of:?}"
                );
                self.held.push(Held { device: of.device.clone(), digest: of.digest, seq: of.seq, offset });
                self.outbox.on_receipt(&receipt, Duration::ZERO).unwrap();
            } else {
                self.outbox.reconnected();
                for envelope in self.outbox.due(Duration::ZERO, &mut || 0) {
                    self.send(&envelope).await;
                }
            }
        }
        self.outbox.pending() == 0
    }
}

fn assert_strace_works() {
    let tried = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "true"]).status();
    assert!(
        tried.is_ok_and(|status| status.success()),
        "strace cannot trace here. Install it with `ops/scripts/setup.sh test`, and allow ptrace: in a container \
         --cap-add=SYS_PTRACE, elsewhere sysctl kernel.yama.ptrace_scope=0"
    );
}

fn strace(inject: &[&str]) -> Vec<String> {
    let fixed = ["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e"].map(str::to_owned);
    let calls: Vec<_> = inject.iter().map(|inject| inject.split(':').next().unwrap()).collect();
    let injects = inject.iter().flat_map(|inject| ["-e".to_owned(), format!("inject={inject}")]);
    fixed.into_iter().chain([format!("trace={}", calls.join(","))]).chain(injects).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_at_any_write_sync_or_rename_leaves_a_sound_journal_and_no_false_receipt() {
    assert_strace_works();
    let vectors = Vectors::read();
    let country = Country::new(1, 1);
    // Calls are counted for each thread. Opening a journal writes and syncs once on the first thread, so the second
    // call of a kind and those after it are of the thread that writes. A failed sync begins another segment, whose
    // every step fails in its turn.
    let every: [&[&str]; 11] = [
        &["pwrite64:error=EIO:when=2"],
        &["pwrite64:error=ENOSPC:when=3+2"],
        &["pwrite64:error=EIO:when=2..5", "ftruncate:error=EIO:when=1..2"],
        &["fdatasync:error=EIO:when=2"],
        &["fdatasync:error=ENOSPC:when=2+5"],
        &["fdatasync:error=EIO:when=2..6"],
        &["fdatasync:error=EIO:when=2", "pwrite64:error=ENOSPC:when=3"],
        &["fdatasync:error=EIO:when=2", "rename:error=EIO:when=1"],
        &["fdatasync:error=EIO:when=2+5", "fsync:error=EIO:when=2"],
        &["fdatasync:error=EIO:when=3", "ftruncate:error=EIO:when=1"],
        &["fdatasync:delay_enter=300000:when=2"],
    ];
    for inject in every {
        let begun = Builder::new(country.dir(), &vectors.centre).start().await;
        let sanak = begun.kill_and_restart_under(&strace(inject)).await;
        let mut device = Speaker::new(&sanak, &country, &vectors).await;
        for _ in 0..6 {
            device.say().await;
            device.listen(Duration::from_secs(1)).await;
        }
        assert!(device.listen(Duration::from_secs(20)).await, "{inject:?}: it did not recover by itself");
        assert_counted_once(&sanak, device.said).await;
        if !inject[0].contains("delay") {
            assert!(sanak.metric("sanak_journal_errors_total").await > 0.0, "{inject:?} hit nothing");
        }
        // An observation may have met the next error; it is made again within a second.
        let deadline = Instant::now() + PATIENCE;
        while !sanak.readiness().await.0 {
            assert!(Instant::now() < deadline, "{inject:?}: it is not ready again");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let sanak = &mut sanak.kill_and_restart().await;
        assert_counted_once(sanak, device.said).await;
        sanak.stop().await;
        let record = Record::checked(&sanak.data(), country.dir());
        record.assert_keeps(&device.held);
        assert_eq!(record.reports.len() as u64, device.said, "{inject:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_cannot_be_begun_is_begun_by_the_next_start() {
    assert_strace_works();
    let vectors = Vectors::read();
    let country = Country::new(1, 1);
    for inject in [
        "pwrite64:error=ENOSPC:when=1",
        "fdatasync:error=EIO:when=1",
        "rename:error=EIO:when=1",
        "fsync:error=EIO:when=1",
    ] {
        let under = strace(&[inject]);
        let under: Vec<&str> = under.iter().map(String::as_str).collect();
        let builder = Builder::new(country.dir(), &vectors.centre).under(&under);
        let (code, said, prepared) = builder.start_and_fail().await;
        assert_eq!(code, Some(1), "{inject}: {said}");
        assert!(said.contains("journal"), "{inject}: {said}");
        let mut sanak = prepared.start().await;
        let mut device = Speaker::new(&sanak, &country, &vectors).await;
        device.say().await;
        assert!(device.listen(Duration::from_secs(10)).await, "{inject}");
        sanak.stop().await;
        Record::checked(&sanak.data(), country.dir()).assert_keeps(&device.held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_receipts_and_nothing_else_until_there_is_room_again() {
    let vectors = Vectors::read();
    let country = Country::new(1, 1);
    let mount = "mount -t tmpfs -o size=1m sanak \"$0\" && exec \"$@\"";
    let can = Command::new("unshare").args(["-m", "true"]).status();
    let root: &[&str] =
        if can.is_ok_and(|can| can.success()) { &["unshare", "-m"] } else { &["unshare", "-rm"] };
    let under = [root, &["sh", "-c", mount, "{data}"]].concat();
    let mut sanak = Builder::new(country.dir(), &vectors.centre).under(&under).start().await;
    // The mount is the service's alone; its root is seen through it.
    let inside = PathBuf::from(format!("/proc/{}/root", sanak.pid()));
    let data = inside.join(sanak.data().strip_prefix("/").unwrap());
    assert!(data.join("journal").exists(), "{} is not there: are user namespaces allowed?", data.display());
    let mut device = Speaker::new(&sanak, &country, &vectors).await;
    device.say().await;
    assert!(device.listen(Duration::from_secs(10)).await);
    let ballast = data.join("ballast");
    let mut file = OpenOptions::new().create(true).append(true).open(&ballast).unwrap();
    while file.write_all(&[0x5a; 4_096]).is_ok() {}
    while file.write_all(&[0x5a]).is_ok() {}
    drop(file);
    // The last page of the journal may have room for a few more.
    let (mut red, mut receipted) = (false, device.held.len());
    for _ in 0..60 {
        device.say().await;
        device.listen(Duration::from_millis(500)).await;
        red = !sanak.readiness().await.0;
        if red {
            break;
        }
        receipted = device.held.len();
    }
    assert!(red, "readiness turns red");
    let (_, parts) = sanak.readiness().await;
    assert_eq!((&parts[0]["what"], &parts[0]["ready"]), (&"journal".into(), &false.into()), "{parts:#}");
    assert!(!device.listen(Duration::from_secs(2)).await, "what is not stored is not receipted");
    assert_eq!(device.held.len(), receipted);
    let (status, results) = sanak.get("/elections/small/results").await;
    assert_eq!(status, 200, "readers are served");
    let counted = results["units"][0]["turnout"]["identified"].as_u64().unwrap();
    assert!(counted < device.said);
    std::fs::remove_file(&ballast).unwrap();
    assert!(device.listen(Duration::from_secs(20)).await, "it recovers without a restart");
    assert_counted_once(&sanak, device.said).await;
    assert!(sanak.readiness().await.0);
    assert!(sanak.metric("sanak_journal_errors_total").await > 0.0);
    let record = Record::checked(&data, country.dir());
    record.assert_keeps(&device.held);
    assert_eq!(record.reports.len() as u64, device.said);
    sanak.stop().await;
}
