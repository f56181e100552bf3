//! Mosquitto's own clients, of both versions of MQTT, with signed reports: directly, and at the embedded broker.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use device_wire::{CentreKeys, verify_receipt};
use e2e::{Builder, Client, Record, Sanak, Vectors};
use election::report::Verdict;

use crate::{
    House,
    mosquitto::{Running, tool},
    night::behind,
};

const TERMINAL: &str = "t-5001-1";
const URN: &str = "u-5001-1";

fn said(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_report_and_are_receipted_side_by_side_on_one_port() {
    let (house, vectors) = (House::new(), Vectors::read());
    let plain = free_port();
    let doors = format!("{}\nplain_listen = \"127.0.0.1:{plain}\"", house.door("127.0.0.1:0"));
    let sanak = Builder::vectors(&vectors.centre).mqtt(&doors).start().await;
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    let client = |name: &str, version: &str, device: &str| {
        tool(name, version, sanak.ready().mqtt, &house.authority.cert, device, &house.pair(device))
    };
    let mut receipted = Vec::new();
    for (version, device, other, vector) in
        [("311", TERMINAL, URN, "terminal opening"), ("5", URN, TERMINAL, "urn opening")]
    {
        let vector = vectors.named(vector);
        let report = house.directory.path().join("report");
        fs::write(&report, &vector.envelope).unwrap();
        let receipts = vector.topic.replace("/report", "/receipt");
        // A device listens and speaks on one connection. These clients do one of the two, and a second connection would
        // take over: so an operator's tool listens, on this machine's own door.
        let mut operator = Command::new("mosquitto_sub");
        operator.args([
            "-V",
            version,
            "-h",
            "127.0.0.1",
            "-p",
            &plain.to_string(),
            "-i",
            "operator",
            "-q",
            "1",
        ]);
        operator.args(["-t", "sanak/1/vec-1/+/+/receipt", "-C", "1", "-W", "10", "-F", "%x"]);
        let operator = operator.stdout(Stdio::piped()).spawn().unwrap();
        let connects = if version == "311" { 1.0 } else { 5.0 };
        while sanak.metric("sanak_device_connects_total").await < connects {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Between its CONNECT and its SUBSCRIBE lies one answer.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (sent, told) =
            said(client("mosquitto_pub", version, device).args(["-t", &vector.topic, "-f"]).arg(&report));
        assert!(sent, "version {version}: {told}");
        let heard = operator.wait_with_output().unwrap().stdout;
        let envelope = hex::decode(String::from_utf8(heard).unwrap().trim()).unwrap();
        let receipt = verify_receipt(&receipts, &envelope, &centre).unwrap();
        assert_eq!(receipt.receipt().verdict, Verdict::Accepted, "version {version}");
        assert_eq!(receipt.receipt().digest, device_wire::digest(&vector.envelope));
        receipted.push(receipt.receipt().clone());
        // In another's name: version 5 is told, version 3.1.1 cannot be.
        let (_, forged) =
            said(client("mosquitto_pub", version, other).args(["-t", &vector.topic, "-m", "x"]));
        assert_eq!(forged.contains("Not authorized"), version == "5", "{forged}");
        let (_, refused) = said(client("mosquitto_sub", version, other).args(["-t", &receipts, "-W", "2"]));
        assert!(
            refused.contains("denied") || refused.contains("Not authorized"),
            "version {version}: {refused}"
        );
    }
    assert_eq!(sanak.metric("sanak_link_refusals_total{kind=\"topic\"}").await, 2.0);
    assert_eq!(sanak.metric("sanak_link_refusals_total{kind=\"subscription\"}").await, 2.0);
    let record = Record::at_the_end_of(sanak, &Vectors::election()).await;
    record.assert_is_what_was_receipted(&receipted);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_versions_report_side_by_side_through_mosquitto_and_hold_receipts() {
    let (house, vectors) = (House::new(), Vectors::read());
    let broker = Running::start(&house.authority);
    let sanak = Builder::vectors(&vectors.centre).mqtt(&behind(&house, &broker)).start().await;
    while sanak.metric("sanak_device_connections_count").await < 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let client = |version: &str, device: &str| {
        let pair = house.pair(device);
        tool("mosquitto_pub", version, broker.address(), &house.authority.cert, device, &pair)
    };
    let devices = [("311", TERMINAL, "terminal opening"), ("5", URN, "urn opening")];
    let saying = devices.map(|(version, device, vector)| {
        let (vector, report) = (vectors.named(vector), house.directory.path().join(version));
        fs::write(&report, &vector.envelope).unwrap();
        client(version, device).args(["-t", &vector.topic, "-f"]).arg(&report).spawn().unwrap()
    });
    for ((version, ..), saying) in devices.iter().zip(saying) {
        let output = saying.wait_with_output().unwrap();
        assert!(output.status.success(), "{version}: {}", String::from_utf8_lossy(&output.stderr));
    }
    until(&sanak, "sanak_receipts_total{verdict=\"accepted\"}", 2.0).await;
    let mut receipted = Vec::new();
    for (version, device, vector) in devices {
        let vector = vectors.named(vector);
        // In another's name: version 5 is told, version 3.1.1 cannot be.
        let other = if device == URN { TERMINAL } else { URN };
        let (_, forged) = said(client(version, other).args(["-t", &vector.topic, "-m", "x"]));
        assert_eq!(forged.contains("Not authorized"), version == "5", "{forged}");
        // These clients hear or say: what they said is repeated by one that does both, as a device may.
        let receipts = vector.topic.replace("/report", "/receipt");
        let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
        let transport = house.transport(device);
        let mut hearing = Client::connect_over(transport, broker.address(), device, &receipts, centre).await;
        hearing.publish(&vector.topic, vector.envelope.clone()).await;
        let receipt = hearing.receipt().await;
        assert_eq!((receipt.verdict, receipt.was), (Verdict::Duplicate, Some(Verdict::Accepted)));
        assert_eq!(receipt.digest, device_wire::digest(&vector.envelope), "version {version}");
        receipted.push(receipt);
    }
    until(&sanak, "sanak_link_refusals_total{kind=\"topic\"}", 2.0).await;
    let record = Record::at_the_end_of(sanak, &Vectors::election()).await;
    record.assert_is_what_was_receipted(&receipted);
}

/// Waits until a metric has come to a value.
async fn until(sanak: &Sanak, metric: &str, value: f64) {
    for attempt in 0.. {
        if sanak.metric(metric).await == value {
            return;
        }
        assert!(attempt < 200, "{metric} comes to {value}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_broker_takes_version_3_1_1_and_shows_version_5_the_door() {
    let vectors = Vectors::read();
    let mqtt = "mode = \"embedded\"\nplain_listen = \"127.0.0.1:0\"";
    let sanak = Builder::vectors(&vectors.centre).mqtt(mqtt).start().await;
    let port = sanak.ready().mqtt.port().to_string();
    let opening = vectors.named("terminal opening");
    let directory = tempfile::tempdir().unwrap();
    let report = directory.path().join("report");
    fs::write(&report, &opening.envelope).unwrap();
    let publish = |version: &str| {
        let mut client = Command::new("timeout");
        client.args([
            "5",
            "mosquitto_pub",
            "-V",
            version,
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-i",
            TERMINAL,
            "-q",
            "1",
        ]);
        said(client.args(["-t", &opening.topic, "-f"]).arg(&report))
    };
    let (taken, told) = publish("5");
    assert!(!taken, "version 5 is not spoken there: {told}");
    eprintln!("version 5 at the embedded broker sees: {told:?}");
    let (taken, told) = publish("311");
    assert!(taken, "{told}");
    sanak
        .wait_for("/elections/vec-1/results", |results| results["units"][0]["turnout"]["precincts"] == 1)
        .await;
    // Nobody listened for its receipt; the report is on record once.
    let record = Record::at_the_end_of(sanak, &Vectors::election()).await;
    let digest = device_wire::digest(&opening.envelope).to_string();
    assert_eq!(record.reports.into_values().collect::<Vec<_>>(), [digest]);
}
