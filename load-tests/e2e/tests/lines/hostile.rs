//! A hostile device with sound credentials, over TLS: each thing it tries is refused, counted by kind, shown, and costs
//! the others nothing.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use e2e::{Client, Record, Sanak, Small};
use election::report::{Receipt, Verdict};
use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Packet, QoS, SubscribeReasonCode};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinSet};

use crate::{House, Reporter, centre, serve};

const HONEST: &str = "t-5001-1";
const HOSTILE: &str = "u-5001-1";

struct Scene {
    house: House,
    sanak: Sanak,
    honest: Reporter,
    election: Small,
}

impl Scene {
    async fn new() -> Self {
        let (house, election) = (House::new(), Small::new(1));
        let sanak = serve(&house, &election).await;
        let (identity, _) = election.devices(Duration::ZERO).swap_remove(0);
        assert_eq!(identity.device.as_str(), HONEST);
        Self { house, sanak, honest: Reporter::new(identity), election }
    }

    fn mqtt(&self) -> SocketAddr {
        self.sanak.ready().mqtt
    }

    async fn refused(&self, kind: &str) -> f64 {
        self.sanak.metric(&format!("sanak_link_refusals_total{{kind=\"{kind}\"}}")).await
    }

    async fn expect(&self, kind: &str, at_least: f64) {
        for _ in 0..1_200 {
            if self.refused(kind).await >= at_least {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{kind}: {} of {at_least} refusals are shown", self.refused(kind).await);
    }

    fn options(&self, device: &str) -> MqttOptions {
        let mut options = self.house.options(device, "127.0.0.1", self.mqtt().port());
        options.set_max_packet_size(1 << 20, 1 << 20);
        options
    }

    /// The service stops; its journal is sound, and is what these receipts are for.
    async fn ends_with(self, receipts: &[Receipt]) {
        let record = Record::at_the_end_of(self.sanak, self.election.dir()).await;
        record.assert_is_what_was_receipted(receipts);
    }

    async fn connect_honest(&self) -> Client {
        let filter = format!("sanak/1/vec-1/5001/{HONEST}/receipt");
        Client::connect_over(self.house.transport(HONEST), self.mqtt(), HONEST, &filter, centre()).await
    }
}

/// What comes of a connection: the packets until it ends, or falls silent for a second.
async fn answers(options: MqttOptions, ask: impl AsyncFnOnce(&AsyncClient)) -> (Vec<Packet>, bool) {
    let (client, mut line) = AsyncClient::new(options, 64);
    ask(&client).await;
    let mut packets = Vec::new();
    loop {
        match tokio::time::timeout(Duration::from_secs(1), line.poll()).await {
            Ok(Ok(Event::Incoming(packet))) => packets.push(packet),
            Ok(Ok(Event::Outgoing(_))) => {}
            Ok(Err(_)) => return (packets, true),
            Err(_) => return (packets, false),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_it_tries_is_refused_and_counted_by_kind() {
    let mut scene = Scene::new().await;
    let opening = scene.honest.report();
    let theirs = format!("sanak/1/vec-1/5001/{HONEST}/");
    let mut honest = scene.connect_honest().await;

    let (packets, ended) = answers(scene.options(HOSTILE), async |client| {
        for channel in ["report", "receipt", "state"] {
            client
                .publish(format!("{theirs}{channel}"), QoS::AtLeastOnce, false, opening.clone())
                .await
                .unwrap();
        }
        for filter in ["#", "sanak/#", "$SYS/#", &format!("{theirs}receipt"), "sanak/1/vec-1/+/+/receipt"] {
            client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        }
    })
    .await;
    let denied = packets.iter().filter(|packet| {
        matches!(packet, Packet::SubAck(answer) if answer.return_codes == [SubscribeReasonCode::Failure])
    });
    assert_eq!((denied.count(), ended), (5, false), "{packets:?}");
    scene.expect("topic", 3.0).await;
    scene.expect("subscription", 5.0).await;
    honest.silence(Duration::from_millis(300)).await;

    for (topic, size) in
        [(format!("{theirs}state"), 10), (format!("sanak/1/vec-1/5001/{HOSTILE}/state"), 5_000)]
    {
        let mut options = scene.options(HOSTILE);
        options.set_last_will(LastWill::new(topic, vec![0; size], QoS::AtLeastOnce, false));
        assert!(answers(options, async |_| ()).await.1, "a will elsewhere, or one too large, is no way in");
    }
    scene.expect("will", 2.0).await;

    for (qos, size, kind) in [(QoS::ExactlyOnce, 10, "qos"), (QoS::AtLeastOnce, 300 * 1024, "size")] {
        let publish = async |client: &AsyncClient| {
            let topic = format!("sanak/1/vec-1/5001/{HOSTILE}/report");
            client.publish(topic, qos, false, vec![0; size]).await.unwrap();
        };
        assert!(answers(scene.options(HOSTILE), publish).await.1, "{kind}");
        scene.expect(kind, 1.0).await;
    }

    let pretender = MqttOptions::new(HONEST, "127.0.0.1", scene.mqtt().port());
    let mut pretender = pretender.clone();
    pretender.set_transport(scene.house.transport(HOSTILE));
    assert!(answers(pretender, async |_| ()).await.1, "another's name with its own certificate");
    scene.expect("identity", 1.0).await;

    // Again and again: each connection takes over from the one before, and soon it is told to wait.
    for _ in 0..25 {
        let (_client, mut line) = AsyncClient::new(scene.options(HOSTILE), 4);
        let _ = line.poll().await;
    }
    scene.expect("rate", 1.0).await;

    honest.publish(&format!("{theirs}report"), opening).await;
    let receipt = honest.receipt().await;
    assert_eq!(receipt.verdict, Verdict::Accepted, "nothing of all this was counted");
    assert!(scene.sanak.metric("sanak_device_connects_total").await >= 20.0);
    scene.ends_with(&[receipt]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_silent_sockets_and_half_packets_cost_the_others_nothing() {
    let mut scene = Scene::new().await;
    let mut honest = scene.connect_honest().await;
    scene.honest.receipts(&mut honest).await;
    let alone = scene.honest.receipts(&mut honest).await;

    let mut attack = JoinSet::new();
    let (client, mut line) = AsyncClient::new(scene.options(HOSTILE), 64);
    attack.spawn(async move { while line.poll().await.is_ok() {} });
    attack.spawn(async move {
        let topic = format!("sanak/1/vec-1/5001/{HOSTILE}/heartbeat");
        while client.publish(&topic, QoS::AtMostOnce, false, vec![0; 2_000]).await.is_ok() {}
    });
    let mqtt = scene.mqtt();
    for number in 0..500_usize {
        attack.spawn(async move {
            let mut socket = TcpStream::connect(mqtt).await.unwrap();
            // Nothing; or the beginning of a handshake that never goes on.
            if number % 2 == 0 {
                let _ = socket.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]).await;
            }
            tokio::time::sleep(Duration::from_secs(90)).await;
        });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let beside = scene.honest.receipts(&mut honest).await;
    drop(honest);
    let knocks = Instant::now();
    let mut honest = scene.connect_honest().await;
    let let_in = knocks.elapsed();
    scene.honest.receipts(&mut honest).await;
    eprintln!("let in within {let_in:?} beside them");
    assert!(let_in < Duration::from_secs(5), "{let_in:?}");
    eprintln!(
        "receipts: median and longest alone {alone:?}, beside a flood and 500 silent sockets {beside:?}"
    );
    assert!(beside.0 < alone.0 * 4 + Duration::from_millis(20), "{alone:?} {beside:?}");
    assert!(beside.1 < Duration::from_secs(1), "{beside:?}");
    scene.expect("rate", 1.0).await;
    scene.expect("silence", 500.0).await;
    attack.abort_all();
    let held = std::mem::take(&mut scene.honest.held);
    scene.ends_with(&held).await;
}
