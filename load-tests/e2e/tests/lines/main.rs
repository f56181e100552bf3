//! How devices reach the service: over TLS, through Mosquitto, over lines that are slow, cut and mended; and what a
//! hostile one can do to the others.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

#[path = "../../../../broker/tests/support/authority.rs"]
mod authority;
mod clients;
mod cuts;
mod door;
mod hostile;
#[path = "../../../../broker/tests/support/mosquitto.rs"]
mod mosquitto;
mod namespace;
mod night;

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use authority::Authority;
use broker::tls::{self, KeyPair};
use device_wire::{
    CentreKeys, Channel, SigningKey,
    device::{Identity, Outbox},
};
use e2e::{Builder, Client, Honest, Lived, Patience, Sanak, Small, binary};
use election::{
    Count, Timestamp,
    report::{Body, Receipt, Turnout, Verdict},
};
use rumqttc::{MqttOptions, TlsConfiguration, Transport};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// The centre's key, by its seed.
const CENTRE: &str = "6363636363636363636363636363636363636363636363636363636363636363";

fn centre() -> CentreKeys {
    CentreKeys::one("centre", SigningKey::from_bytes(&[0x63; 32]).verifying_key())
}

/// An authority, and a directory for all that it signs.
struct House {
    directory: TempDir,
    authority: Authority,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Authority::new(directory.path(), "device-ca");
        Self { directory, authority }
    }

    fn pair(&self, device: &str) -> KeyPair {
        self.authority.device(self.directory.path(), device)
    }

    /// TLS, with the certificate of this name.
    fn transport(&self, device: &str) -> Transport {
        transport(&self.authority.cert, &self.pair(device))
    }

    /// Lines of `[mqtt]` for a devices' door at this address of a namespace.
    fn door_for(&self, ip: IpAddr) -> String {
        self.door(&SocketAddr::new(ip, 0).to_string())
    }

    /// Lines of `[mqtt]` for a devices' door at this address.
    fn door(&self, address: &str) -> String {
        let ip = address.rsplit_once(':').map_or("", |(ip, _)| ip);
        let KeyPair { cert, key } = self.authority.server(self.directory.path(), ip);
        let ca = &self.authority.cert;
        format!("listen = \"{address}\"\ncert = {cert:?}\nkey = {key:?}\ndevice_ca = {ca:?}")
    }

    fn options(&self, device: &str, host: &str, port: u16) -> MqttOptions {
        let mut options = MqttOptions::new(device, host, port);
        options.set_transport(self.transport(device)).set_keep_alive(Duration::from_secs(5));
        options
    }
}

fn transport(ca: &Path, pair: &KeyPair) -> Transport {
    Transport::tls_with_config(TlsConfiguration::Rustls(tls::client(ca, Some(pair)).unwrap()))
}

/// An ID terminal with more to say than one has on a night, and the receipts that it holds.
struct Reporter {
    outbox: Outbox,
    held: Vec<Receipt>,
}

impl Reporter {
    fn new(identity: Identity) -> Self {
        Self { outbox: Outbox::in_memory(identity), held: Vec::new() }
    }

    /// Its next report.
    fn report(&mut self) -> Vec<u8> {
        let identified = Count::new(self.outbox.last_seq());
        let body = match self.outbox.last_seq() {
            0 => Body::OpeningTerminal { identified },
            _ => Body::Turnout(Turnout { identified, by_sex: None, by_age: None, by_district: None }),
        };
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        self.outbox.make(body, Timestamp::from_millis(at as u64)).unwrap().to_vec()
    }

    /// How long it waits for the receipt of a new report, a hundred times: the median, and the longest.
    async fn receipts(&mut self, client: &mut Client) -> (Duration, Duration) {
        let topic = self.outbox.identity().topic(Channel::Report).to_string();
        let mut waits = Vec::new();
        for _ in 0..100 {
            let report = self.report();
            let sent = Instant::now();
            client.publish(&topic, report).await;
            let receipt = client.receipt().await;
            assert_eq!(receipt.verdict, Verdict::Accepted);
            waits.push(sent.elapsed());
            self.held.push(receipt);
        }
        waits.sort();
        (waits[50], waits[99])
    }
}

/// A service with the small election behind a devices' door.
async fn serve(house: &House, election: &Small) -> Sanak {
    Builder::new(election.dir(), CENTRE).mqtt(&house.door("127.0.0.1:0")).start().await
}

/// Starts every device of an election; each is made by `connect` from its name.
fn send_out(
    election: &Small,
    time: Duration,
    until: Duration,
    patience: Patience,
    connect: impl Fn(&str) -> MqttOptions,
) -> JoinSet<Lived> {
    let mut lives = JoinSet::new();
    for (identity, said) in election.devices(time) {
        let options = connect(identity.device.as_str());
        lives.spawn(Honest::new(identity, options, centre(), patience).live(said, until));
    }
    lives
}

/// Every device holds receipts for all that it said; the totals are theirs; the journal is sound.
async fn nothing_is_lost(lives: JoinSet<Lived>, election: &Small, mut sanak: Sanak) -> Vec<Lived> {
    let lived = lives.join_all().await;
    let pending: usize = lived.iter().map(|lived| lived.pending).sum();
    assert_eq!(pending, 0, "reports without a receipt: {lived:?}");
    let total = election.total();
    let results = sanak.wait_for("/elections/vec-1/results", |results| {
        let country = &results["units"][0];
        country["contests"]["list"]["urns"]["ballots"] == total && country["turnout"]["identified"] == total
    });
    let results = results.await;
    assert_eq!(results["units"][0]["contests"]["list"]["urns"]["votes"]["p02"], total / 4);
    let receipted: usize = lived.iter().map(|lived| lived.receipted).sum();
    let data = sanak.data();
    sanak.signal("TERM");
    assert!(sanak.ended().await, "it stops in good order");
    let mut check = tokio::process::Command::new(binary());
    check.args(["journal", "check", "--data"]).arg(&data).arg("--election").arg(election.dir());
    let checked = check.output().await.unwrap();
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let mut export = tokio::process::Command::new(binary());
    export.args(["journal", "export", "--data"]).arg(&data);
    let exported = String::from_utf8(export.output().await.unwrap().stdout).unwrap();
    let reports = exported.lines().filter(|line| line.contains("\"record\":\"report\"")).count();
    assert_eq!(reports, receipted, "in the journal is what devices hold receipts for, each once");
    lived
}
