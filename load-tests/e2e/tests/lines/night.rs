//! A small election through Mosquitto.

use std::time::Duration;

use e2e::{Builder, Patience, Small};

use crate::{
    CENTRE, House,
    mosquitto::{GATEWAY, Running},
    nothing_is_lost, send_out,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_small_election_through_mosquitto_loses_nothing_though_the_broker_is_killed_in_mid_night() {
    let (house, election) = (House::new(), Small::new(20));
    let mut broker = Running::start(&house.authority);
    let ours = house.pair(GATEWAY);
    let port = broker.address().port();
    let mqtt = format!(
        "mode = \"external\"\nurl = \"mqtts://127.0.0.1:{port}\"\nca = {:?}\ncert = {:?}\nkey = {:?}\nlog_file = {:?}",
        house.authority.cert, ours.cert, ours.key, broker.settings.log
    );
    let sanak = Builder::new(election.dir(), CENTRE).mqtt(&mqtt).start().await;
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
