//! The devices' door of `sanak serve`: certificates that change.

use std::fs;

use device_wire::CentreKeys;
use e2e::{Builder, Client, Record, Sanak, Vectors};
use election::report::Verdict;

use crate::{House, authority::Authority, transport};

const TERMINAL: &str = "t-5001-1";
const RECEIPT: &str = "sanak/1/vec-1/5001/t-5001-1/receipt";

fn centre(vectors: &Vectors) -> CentreKeys {
    CentreKeys::one("centre", vectors.centre_key().verifying_key())
}

async fn connect(sanak: &Sanak, vectors: &Vectors, transport: rumqttc::Transport) -> Client {
    Client::connect_over(transport, sanak.ready().mqtt, TERMINAL, RECEIPT, centre(vectors)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_read_again_on_a_signal_and_nobody_is_disconnected() {
    let (mut house, vectors) = (House::new(), Vectors::read());
    let mut sanak = Builder::vectors(&vectors.centre).mqtt(&house.door("127.0.0.1:0")).start().await;
    let mut before = connect(&sanak, &vectors, house.transport(TERMINAL)).await;
    let opening = vectors.named("terminal opening");
    before.publish(&opening.topic, opening.envelope.clone()).await;
    let receipt = before.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted);
    // Another authority signs server and devices from now on, under the same names of files.
    house.authority = Authority::new(house.directory.path(), "device-ca");
    house.authority.server(house.directory.path(), "127.0.0.1");
    sanak.signal("HUP");
    sanak.says("certificates and keys were read again").await;
    before.publish(&opening.topic, opening.envelope.clone()).await;
    assert_eq!(before.receipt().await.verdict, Verdict::Duplicate, "the connection stands");
    drop(before);
    let mut after = connect(&sanak, &vectors, house.transport(TERMINAL)).await;
    after.publish(&opening.topic, opening.envelope.clone()).await;
    assert_eq!(after.receipt().await.verdict, Verdict::Duplicate);
    // A file that is not as it should be changes nothing.
    fs::write(house.directory.path().join("server.key"), "no key").unwrap();
    sanak.signal("HUP");
    let told = sanak.says("certificates and keys stay as they were").await;
    assert!(told.contains("server.key"), "{told}");
    drop(after);
    connect(&sanak, &vectors, transport(&house.authority.cert, &house.pair(TERMINAL))).await;
    let record = Record::at_the_end_of(sanak, &Vectors::election()).await;
    record.assert_is_what_was_receipted(&[receipt]);
}
