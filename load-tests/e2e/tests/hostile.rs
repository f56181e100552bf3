//! Bad messages are refused by code, counted, and never slow or stop the rest.

use std::time::{Duration, Instant};

use device_wire::CentreKeys;
use e2e::{Builder, Client, Sanak, Vectors};
use election::report::Verdict;

const PREFIX: &str = "sanak/1/vec-1/5001/t-5001-1";

async fn tool(sanak: &Sanak, vectors: &Vectors, id: &str) -> Client {
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    Client::connect(sanak.ready().mqtt, id, "sanak/1/vec-1/+/+/receipt", centre).await
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_of_every_kind_is_refused_by_code_and_counts_nothing() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let mut hostile = tool(&sanak, &vectors, "stranger").await;
    let good = &vectors.named("terminal opening").envelope;
    let report = format!("{PREFIX}/report");
    let garbage: Vec<(&str, Vec<u8>)> = vec![
        ("random bytes", (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("nested arrays", vec![0x81; 100_000]),
        ("nested maps", vec![0xa1; 100_000]),
        ("a length of 2^64 - 1", [&[0xd2, 0x84, 0x5b][..], &[0xff; 8]].concat()),
        ("empty", vec![]),
    ];
    for (_, bytes) in &garbage {
        hostile.publish(&report, bytes.clone()).await;
    }
    hostile.publish("sanak/1/vec-1/5001/t-5001-1/nonsense", good.clone()).await;
    hostile.publish("sanak/1/vec-1/05001/t-5001-1/report", good.clone()).await;
    hostile.silence(Duration::from_millis(500)).await;
    let refused = sanak.metric("sanak_refused_messages_total").await;
    assert!(refused >= garbage.len() as f64, "{refused}");
    let (_, results) = sanak.get("/elections/vec-1/results").await;
    assert_eq!(results["units"][0]["turnout"]["precincts"], 0);
    // The same device, unharmed.
    hostile.publish(&report, good.clone()).await;
    assert_eq!(hostile.receipt().await.verdict, Verdict::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_kibibytes_end_one_connection_and_no_other() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let mut device = tool(&sanak, &vectors, "quiet").await;
    let hostile = tool(&sanak, &vectors, "loud").await;
    hostile.publish(&format!("{PREFIX}/report"), vec![0x42; 300 * 1024]).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let opening = vectors.named("terminal opening");
    device.publish(&opening.topic, opening.envelope.clone()).await;
    assert_eq!(device.receipt().await.verdict, Verdict::Accepted);
    assert!(sanak.metric("sanak_link_refusals_total").await >= 1.0, "it was refused and counted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_at_full_speed_does_not_keep_a_device_waiting() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let hostile = tool(&sanak, &vectors, "flood").await;
    let mut device = tool(&sanak, &vectors, "device").await;
    let bad = vectors.named("one bit of the signature flipped").clone();
    let flood = tokio::spawn(async move {
        let until = Instant::now() + Duration::from_secs(3);
        let mut sent = 0u32;
        while Instant::now() < until {
            hostile.publish(&bad.topic, bad.envelope.clone()).await;
            sent += 1;
        }
        sent
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    let opening = vectors.named("terminal opening");
    let before = Instant::now();
    device.publish(&opening.topic, opening.envelope.clone()).await;
    assert_eq!(device.receipt().await.verdict, Verdict::Accepted);
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    assert!(flood.await.unwrap() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_hears_its_own_receipts_and_nobody_elses() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let centre = || CentreKeys::one("centre", vectors.centre_key().verifying_key());
    let mqtt = sanak.ready().mqtt;
    let mut terminal = Client::connect(mqtt, "t-5001-1", &format!("{PREFIX}/receipt"), centre()).await;
    let urn = "sanak/1/vec-1/5001/u-5001-1/receipt";
    let mut urn = Client::connect(mqtt, "u-5001-1", urn, centre()).await;
    let opening = vectors.named("terminal opening");
    terminal.publish(&opening.topic, opening.envelope.clone()).await;
    assert_eq!(terminal.receipt().await.verdict, Verdict::Accepted);
    urn.silence(Duration::from_millis(300)).await;
    // An urn that publishes under the terminal's prefix is refused by the link; nothing is counted or answered.
    let turnout = vectors.named("terminal turnout with breakdowns, second in the chain");
    urn.publish(&turnout.topic, turnout.envelope.clone()).await;
    terminal.silence(Duration::from_millis(500)).await;
    assert!(sanak.metric("sanak_link_refusals_total").await >= 1.0);
}
