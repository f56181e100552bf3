//! A small election through Mosquitto.

use std::time::Duration;

use device_wire::Channel;
use e2e::{Builder, Client, Patience, Record, Sanak, Small};

use crate::{
    CENTRE, House, Reporter, centre,
    mosquitto::{GATEWAY, Running},
    nothing_is_lost, send_out,
};

/// Lines of `[mqtt]` for a service that has this Mosquitto between itself and its devices.
pub(crate) fn behind(house: &House, broker: &Running) -> String {
    let (ours, port) = (house.pair(GATEWAY), broker.address().port());
    format!(
        "mode = \"external\"\nurl = \"mqtts://127.0.0.1:{port}\"\nca = {:?}\ncert = {:?}\nkey = {:?}\nlog_file = {:?}",
        house.authority.cert, ours.cert, ours.key, broker.settings.log
    )
}

/// The service, with Mosquitto between it and its devices.
async fn serve_behind(house: &House, broker: &Running, election: &Small) -> Sanak {
    Builder::new(election.dir(), CENTRE).mqtt(&behind(house, broker)).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_election_through_mosquitto_loses_nothing_though_the_broker_is_killed_in_mid_night() {
    let (house, election) = (House::new(), Small::new(20));
    let mut broker = Running::start(&house.authority);
    let port = broker.address().port();
    let sanak = serve_behind(&house, &broker, &election).await;
    let patience = Patience { longest: Duration::from_secs(2), ..Patience::USUAL };
    let lives = send_out(&election, Duration::from_secs(8), Duration::from_secs(60), patience, |device| {
        house.options(device, "127.0.0.1", port)
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    broker.end("KILL");
    tokio::time::sleep(Duration::from_secs(1)).await;
    broker.restart();
    tokio::time::sleep(Duration::from_secs(3)).await;
    broker.end_and_restart("TERM");
    // One with a sound certificate, and no business with the others' topics.
    let urn = "u-5001-1";
    let mut forger = crate::mosquitto::tool(
        "mosquitto_pub",
        "5",
        broker.address(),
        &house.authority.cert,
        "t-9999-1",
        &house.pair("t-9999-1"),
    );
    let forged =
        forger.args(["-t", &format!("sanak/1/vec-1/5001/{urn}/report"), "-m", "x"]).output().unwrap();
    assert!(String::from_utf8_lossy(&forged.stderr).contains("Not authorized"));
    let refused = "sanak_link_refusals_total{kind=\"topic\"}";
    for attempt in 0.. {
        if sanak.metric(refused).await >= 1.0 {
            break;
        }
        assert!(attempt < 100, "what Mosquitto refuses is in the metrics");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let lived = nothing_is_lost(lives, &election, sanak).await;
    assert!(lived.iter().any(|lived| lived.sessions > 1), "they were cut off: {lived:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_through_mosquitto_takes_a_fraction_of_a_second() {
    let (house, election) = (House::new(), Small::new(1));
    let broker = Running::start(&house.authority);
    let sanak = serve_behind(&house, &broker, &election).await;
    let (identity, _) = election.devices(Duration::ZERO).swap_remove(0);
    let device = identity.device.as_str().to_owned();
    let filter = identity.topic(Channel::Receipt).to_string();
    let transport = house.transport(&device);
    let mut client = Client::connect_over(transport, broker.address(), &device, &filter, centre()).await;
    while sanak.metric("sanak_device_connections_count").await < 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut reporter = Reporter::new(identity);
    let (median, longest) = reporter.receipts(&mut client).await;
    eprintln!("receipts through mosquitto: median {median:?}, longest {longest:?}");
    assert!(median < Duration::from_millis(250), "{median:?}");
    let record = Record::at_the_end_of(sanak, election.dir()).await;
    record.assert_is_what_was_receipted(&reporter.held);
}
