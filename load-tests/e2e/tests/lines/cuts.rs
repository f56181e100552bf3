//! Lines that are slow, that flap, that fall silent, and that are cut for good while: everything arrives, and nobody
//! tries again sooner than its back-off.

use std::time::Duration;

use e2e::{Builder, Honest, Line, Patience, Small, State};
use rumqttc::MqttOptions;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    CENTRE, House, centre,
    namespace::{Ground, Namespace, ground},
    nothing_is_lost, send_out, serve,
};

/// Between attempts there is never less than this device allows itself; and while the line is cut, each wait is longer
/// than the one before.
fn no_faster_than(patience: Patience, attempts: &[Instant], cut: (Instant, Instant)) {
    for pair in attempts.windows(2) {
        let gap = pair[1] - pair[0];
        // A timer may be a little early by its clock's grain.
        assert!(gap + Duration::from_millis(5) >= patience.at_least(1), "{gap:?} between two attempts");
    }
    let failing: Vec<&Instant> = attempts.iter().filter(|at| (cut.0..cut.1).contains(at)).collect();
    for (failures, pair) in (1..).zip(failing.windows(2)) {
        let gap = *pair[1] - *pair[0];
        assert!(
            gap + Duration::from_millis(5) >= patience.at_least(failures),
            "{gap:?} after {failures} failures"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_flapping_and_silent_lines_lose_nothing_and_nobody_hurries() {
    let (house, election) = (House::new(), Small::new(4));
    let sanak = serve(&house, &election).await;
    let patience = Patience { first: Duration::from_millis(500), longest: Duration::from_secs(4) };
    let mut lines = Vec::new();
    let mut lives = JoinSet::new();
    for (identity, said) in election.devices(Duration::from_secs(10)) {
        let line = Line::to(sanak.ready().mqtt, Duration::from_millis(300)).await;
        let device = identity.device.as_str().to_owned();
        let mut options = MqttOptions::new(&device, "127.0.0.1", line.address().port());
        options.set_transport(house.transport(&device)).set_keep_alive(Duration::from_secs(2));
        lives.spawn(Honest::new(identity, options, centre(), patience).live(said, Duration::from_secs(60)));
        lines.push(line);
    }
    let all = |state: State| lines.iter().for_each(|line| line.set(state));
    tokio::time::sleep(Duration::from_secs(3)).await;
    for _ in 0..3 {
        all(State::Cut);
        tokio::time::sleep(Duration::from_millis(700)).await;
        all(State::Up);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    all(State::Silent);
    tokio::time::sleep(Duration::from_secs(4)).await;
    all(State::Up);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let cut = Instant::now();
    all(State::Cut);
    tokio::time::sleep(Duration::from_secs(6)).await;
    let mended = Instant::now();
    all(State::Up);
    let lived = nothing_is_lost(lives, &election, sanak).await;
    eprintln!(
        "{} connections of 8 devices, all reports receipted",
        lived.iter().map(|of| of.sessions).sum::<u32>()
    );
    for line in &lines {
        no_faster_than(patience, &line.attempts(), (cut, mended));
    }
}

/// The link of a service in a namespace of its own: cut for so long, flapping so often, and losing packets.
async fn behind_a_cut_link(cut: Duration, flaps: u32, night: Duration) {
    let space = Namespace::new();
    let (house, election) = (House::new(), Small::new(10));
    let address = space.address();
    let builder = Builder::new(election.dir(), CENTRE).in_namespace(space.name(), address);
    let sanak = builder.mqtt(&house.door_for(address)).start().await;
    let port = sanak.ready().mqtt.port();
    let patience = Patience { longest: Duration::from_secs(10), ..Patience::USUAL };
    let until = night + cut + Duration::from_secs(120);
    let lives = send_out(&election, night, until, patience, |device| {
        house.options(device, &address.to_string(), port)
    });
    tokio::time::sleep(night / 8).await;
    space.drop_packets(20);
    tokio::time::sleep(night / 8).await;
    space.keep_packets();
    for _ in 0..flaps {
        space.cut();
        tokio::time::sleep(Duration::from_millis(800)).await;
        space.mend();
        tokio::time::sleep(Duration::from_millis(1_200)).await;
    }
    let before = sanak.metric("sanak_device_connects_total").await;
    space.cut();
    tokio::time::sleep(cut).await;
    space.mend();
    let mended = Instant::now();
    let lived = nothing_is_lost(lives, &election, sanak).await;
    let sessions: u32 = lived.iter().map(|of| of.sessions).sum();
    eprintln!(
        "cut for {cut:?} after {before} connections; {sessions} sessions in all; everything receipted {:?} after the \
         link came back",
        mended.elapsed()
    );
    assert!(sessions >= 20, "every device was cut off at least once: {lived:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_taken_down_for_seconds_loses_nothing() {
    if let Ground::Here = ground("cuts::a_link_that_is_taken_down_for_seconds_loses_nothing") {
        behind_a_cut_link(Duration::from_secs(12), 2, Duration::from_secs(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: make drill-network"]
async fn a_link_that_is_taken_down_for_minutes_loses_nothing() {
    if let Ground::Here = ground("cuts::a_link_that_is_taken_down_for_minutes_loses_nothing") {
        behind_a_cut_link(Duration::from_secs(180), 20, Duration::from_secs(60)).await;
    }
}
