//! What no crash and no disk may do: lose what was receipted, count anything twice, or receipt what is not stored.
//! Each test ends in `sanak journal check`, and in a comparison with what devices hold receipts for.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use device_wire::{CentreKeys, Channel, device::Outbox};
use e2e::{Builder, Client, Country, Held, Library, Member, Record, Sanak, Settled, Vectors, now};
use election::{
    Count,
    report::{Body, Turnout, Verdict},
};
use tokio::{sync::watch, task::JoinHandle};

const PATIENCE: Duration = Duration::from_secs(90);

fn centre(vectors: &Vectors) -> CentreKeys {
    CentreKeys::one("centre", vectors.centre_key().verifying_key())
}

/// That the totals shown are those that the devices last said.
async fn assert_counted_once(sanak: &Sanak, identified: u64, ballots: u64) {
    sanak
        .wait_for("/elections/small/results", |results| {
            let country = &results["units"][0];
            country["turnout"]["identified"] == identified
                && country["contests"]["list"]["urns"]["ballots"] == ballots
        })
        .await;
}

/// That a journal is sound, and is what these devices hold receipts for.
fn assert_recorded(data: &Path, country: &Country, settled: &Settled) -> Record {
    let record = Record::checked(data, country.dir());
    record.assert_keeps(&settled.held);
    assert_eq!(record.reports.len() as u64, settled.made, "what stands in the journal is what was made");
    record
}

/// Every device of a country: terminals without a pause, and urns that are switched on one after the other. Every second
/// terminal and every urn keeps its outbox in this directory.
fn everybody(country: &Country, disk: &Path) -> Vec<Member> {
    let terminals = country.terminals().map(Member::terminal);
    let terminals = (0..).zip(terminals).map(|(at, terminal)| match at % 2 {
        0 => terminal.on_disk(disk),
        _ => terminal,
    });
    let urns: Vec<_> = country.urns().collect();
    let moment = |at: usize| u32::try_from(at * 1_000 / urns.len()).unwrap();
    let urns = urns.iter().enumerate().map(|(at, urn)| Member::urn(urn.clone(), moment(at)).on_disk(disk));
    terminals.chain(urns).collect()
}

/// How often to kill: a few times in every run of the tests, fifty in `make drill-kill`.
fn kills() -> u32 {
    let Ok(kills) = std::env::var("SANAK_DRILL_KILLS") else { return 4 };
    kills.parse().unwrap_or_else(|_| panic!("SANAK_DRILL_KILLS: {kills:?} is no number of kills"))
}

/// Chance of its own for every run; where it begins is printed.
struct Chance(u32);

impl Chance {
    fn new() -> Self {
        let begins = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
        eprintln!("chance begins at {begins}");
        Self(begins)
    }

    async fn moment(&mut self, within_ms: u64) {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        tokio::time::sleep(Duration::from_millis(u64::from(self.0 >> 8) % within_ms)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_under_full_load_nothing_receipted_is_lost_or_counted_twice() {
    let (vectors, country, disk) = (Vectors::read(), Country::new(40, 2), tempfile::tempdir().unwrap());
    // A fast machine says more in fifty kills than a device may on a night. And whoever is spoken to wakes another precinct.
    let unbounded = "[limits]\ndevice_reports = 1000000\ndevice_mebibytes = 65536\nawake_precincts = 4";
    let mut sanak = Builder::new(country.dir(), &vectors.centre).with(unbounded).start().await;
    let members = everybody(&country, disk.path());
    let (count, begun) = (members.len(), Instant::now());
    let devices = Library::start(members.into_iter(), centre(&vectors), sanak.ready().mqtt);
    let mut chance = Chance::new();
    let mut before = 0;
    for kill in 1..=kills() {
        // Under load: something was receipted since the last time.
        let deadline = Instant::now() + PATIENCE;
        while devices.receipts() <= before {
            assert!(Instant::now() < deadline, "nothing was receipted before kill {kill}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        devices.passed(kill * 1_000 / kills());
        chance.moment(400).await;
        devices.cut_power();
        chance.moment(400).await;
        before = devices.receipts();
        sanak = sanak.kill_and_restart().await;
        devices.moved(sanak.ready().mqtt);
    }
    let settled = devices.settle(PATIENCE).await;
    assert_counted_once(&sanak, settled.identified, settled.ballots).await;
    sanak.stop().await;
    let record = Record::checked(&sanak.data(), country.dir());
    let (missing, twice) = (record.missing(&settled.held).len(), record.twice());
    println!(
        "{count} devices, {} kills, {} power cuts of devices, {} reports, {} receipts, {missing} missing, {twice} \
         twice; {:.0?}",
        kills(),
        settled.power_cuts,
        record.reports.len(),
        settled.held.len(),
        begun.elapsed()
    );
    assert_eq!((missing, twice), (0, 0));
    assert!(settled.power_cuts > 0, "no device lost its power");
    assert_recorded(&sanak.data(), &country, &settled);
}

/// Readers of the page, all the while: each is answered.
struct Readers {
    reading: JoinHandle<Duration>,
    served: watch::Receiver<usize>,
    over: watch::Sender<bool>,
}

impl Readers {
    fn of(sanak: &Sanak) -> Self {
        let url = format!("http://{}/api/v1/elections/small/results", sanak.ready().http);
        let ((over, ending), (count, served)) = (watch::channel(false), watch::channel(0));
        let reading = tokio::spawn(async move {
            let mut longest = Duration::ZERO;
            while !*ending.borrow() {
                let asked = Instant::now();
                let answer = reqwest::get(&url).await.unwrap_or_else(|error| panic!("{url}: {error}"));
                assert_eq!(answer.status(), 200, "a reader was not served");
                longest = longest.max(asked.elapsed());
                count.send_modify(|count| *count += 1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            longest
        });
        Self { reading, served, over }
    }

    /// How long one of them waited at most, when so many were served.
    async fn were_served(mut self, at_least: usize) -> Duration {
        let enough = self.served.wait_for(|served| *served >= at_least);
        // Readers that were not served have ended their task, which says why below.
        assert!(tokio::time::timeout(PATIENCE, enough).await.is_ok(), "readers are served");
        self.over.send_replace(true);
        self.reading.await.unwrap()
    }
}

/// Waits until it is so.
async fn until(what: &str, patience: Duration, mut so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    while !so().await {
        assert!(Instant::now() < deadline, "{what} within {patience:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
                let of = receipt.receipt();
                assert!(
                    matches!(of.verdict, Verdict::Accepted | Verdict::Duplicate | Verdict::Held),
                    "{of:?}"
                );
                self.held.extend(Held::of(of));
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
    let (vectors, country) = (Vectors::read(), Country::new(17, 2));
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
        let disk = tempfile::tempdir().unwrap();
        let members = everybody(&country, disk.path()).into_iter();
        let readers = Readers::of(&sanak);
        let devices = Library::start(members, centre(&vectors), sanak.ready().mqtt);
        devices.passed(500);
        until(&format!("{inject:?}: an error"), PATIENCE, async || {
            let met = sanak.metric("sanak_journal_errors_total").await > 0.0;
            (met || inject[0].contains("delay")) && devices.receipts() > 100
        })
        .await;
        // It goes on by itself.
        let before = devices.receipts();
        until(&format!("{inject:?}: receipts again"), PATIENCE, async || devices.receipts() > before + 100)
            .await;
        let settled = devices.settle(PATIENCE).await;
        assert_counted_once(&sanak, settled.identified, settled.ballots).await;
        // An observation may have met the next error; it is made again within a second.
        until(&format!("{inject:?}: ready again"), PATIENCE, async || sanak.readiness().await.0).await;
        let longest = readers.were_served(10).await;
        println!("{inject:?}: {} reports, readers served within {longest:.0?}", settled.made);
        assert!(longest < Duration::from_secs(5), "{inject:?}: {longest:?}");
        let sanak = &mut sanak.kill_and_restart().await;
        assert_counted_once(sanak, settled.identified, settled.ballots).await;
        sanak.stop().await;
        assert_recorded(&sanak.data(), &country, &settled);
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

/// Fills a file system to its last byte.
fn fill(ballast: &Path) {
    let mut file = OpenOptions::new().create(true).append(true).open(ballast).unwrap();
    while file.write_all(&[0x5a; 4_096]).is_ok() {}
    while file.write_all(&[0x5a]).is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_receipts_and_nothing_else_until_there_is_room_again() {
    let (vectors, country, disk) = (Vectors::read(), Country::new(17, 2), tempfile::tempdir().unwrap());
    let mount = "mount -t tmpfs -o size=16m sanak \"$0\" && exec \"$@\"";
    let can = Command::new("unshare").args(["-m", "true"]).status();
    let root: &[&str] =
        if can.is_ok_and(|can| can.success()) { &["unshare", "-m"] } else { &["unshare", "-rm"] };
    let under = [root, &["sh", "-c", mount, "{data}"]].concat();
    let mut sanak = Builder::new(country.dir(), &vectors.centre).under(&under).start().await;
    // The mount is the service's alone; its root is seen through it.
    let inside = PathBuf::from(format!("/proc/{}/root", sanak.pid()));
    let data = inside.join(sanak.data().strip_prefix("/").unwrap());
    assert!(data.join("journal").exists(), "{} is not there: are user namespaces allowed?", data.display());
    let members = everybody(&country, disk.path()).into_iter();
    let devices = Library::start(members, centre(&vectors), sanak.ready().mqtt);
    devices.passed(300);
    until("a night begun", PATIENCE, async || devices.receipts() > 300).await;

    let ballast = data.join("ballast");
    fill(&ballast);
    devices.passed(600);
    until("readiness turns red", PATIENCE, async || !sanak.readiness().await.0).await;
    let readers = Readers::of(&sanak);
    // The last page of the journal may have room for a few more.
    let mut receipted = (devices.receipts(), Instant::now());
    until("what is not stored is not receipted", PATIENCE, async || {
        if devices.receipts() > receipted.0 {
            receipted = (devices.receipts(), Instant::now());
        }
        receipted.1.elapsed() > Duration::from_secs(3)
    })
    .await;
    let (ready, parts) = sanak.readiness().await;
    assert_eq!((&parts[0]["what"], &parts[0]["ready"]), (&"journal".into(), &false.into()), "{parts:#}");
    assert!(!ready);
    let longest = readers.were_served(20).await;
    assert!(longest < Duration::from_secs(2), "readers are served: {longest:?}");
    assert_eq!(devices.receipts(), receipted.0);

    let readers = Readers::of(&sanak);
    std::fs::remove_file(&ballast).unwrap();
    until("it recovers without a restart", PATIENCE, async || devices.receipts() > receipted.0 + 100).await;
    let settled = devices.settle(PATIENCE).await;
    assert_counted_once(&sanak, settled.identified, settled.ballots).await;
    until("it is ready again", PATIENCE, async || sanak.readiness().await.0).await;
    readers.were_served(1).await;
    assert!(sanak.metric("sanak_journal_errors_total").await > 0.0);
    println!("{} reports, {} receipts when the disk was full", settled.made, receipted.0);
    assert_recorded(&data, &country, &settled);
    sanak.stop().await;
}
