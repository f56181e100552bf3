//! The night of the whole country. A drill: `make drill-hostile`.

use std::{process::Stdio, time::Duration};

use device_wire::CentreKeys;
use e2e::{Client, Ready, Vectors, binary};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
};

/// Whoever floods.
const HOSTILE: usize = 3;
/// A day of 13 hours and a night of two at 600 times their speed take 90 s; this is for a machine that is slow.
const PATIENCE: Duration = Duration::from_secs(900);

/// Publishes forged reports for a device of the country, as fast as the link lets it, until the link ends.
async fn flood(ready: Ready, id: usize, vectors: Vectors) {
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    let client =
        Client::connect(ready.mqtt, &format!("hostile-{id}"), "sanak/1/kg-demo/+/+/receipt", centre).await;
    let forged = &vectors.named("one bit of the signature flipped").envelope;
    loop {
        client.publish("sanak/1/kg-demo/1/t-1-1/report", forged.clone()).await;
        client.publish("sanak/1/kg-demo/1/t-1-1/heartbeat", vec![0x42; 64 * 1_024]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a drill of minutes: make drill-hostile"]
async fn the_night_of_the_whole_country_ends_on_time_beside_clients_at_full_speed() {
    let mut demo = Command::new(binary())
        .args(["demo", "--once", "--speed", "600", "--http", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(demo.stderr.take().unwrap()).lines();
    let ready = loop {
        let line = stderr.next_line().await.unwrap().expect("a ready line");
        if let Some(ready) = Ready::parse(&line) {
            break ready;
        }
    };
    tokio::spawn(async move { while let Ok(Some(_)) = stderr.next_line().await {} });
    let floods: Vec<_> = (0..HOSTILE).map(|id| tokio::spawn(flood(ready, id, Vectors::read()))).collect();
    let metrics = tokio::spawn(async move {
        let mut last = String::new();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            match reqwest::get(format!("http://{}/metrics", ready.metrics)).await {
                Ok(answer) => last = answer.text().await.unwrap_or(last),
                Err(_) => return last,
            }
        }
    });

    let mut summary = String::new();
    let ended = async {
        demo.stdout.take().unwrap().read_to_string(&mut summary).await.unwrap();
        demo.wait().await.unwrap()
    };
    let status = tokio::time::timeout(PATIENCE, ended).await.unwrap();
    floods.iter().for_each(|flood| flood.abort());
    let metrics = metrics.await.unwrap();
    let refused: Vec<&str> =
        metrics.lines().filter(|line| line.contains("_refus") && !line.starts_with('#')).collect();
    println!("{summary}\n{}", refused.join("\n"));
    let summary: Value = serde_json::from_str(&summary).unwrap();
    assert!(status.success(), "{summary:#}");
    assert_eq!((&summary["reported"], &summary["lost"]), (&2_459.into(), &0.into()));
    assert_eq!((&summary["totals_match"], &summary["unexpected_verdicts"]), (&true.into(), &0.into()));
    let minutes = summary["minutes_to_90_percent"].as_f64().unwrap();
    assert!(minutes <= 75.0, "nine in ten precincts after {minutes} minutes");
    let slowed = refused.iter().any(|line| line.contains("kind=\"rate\"") && !line.ends_with(" 0"));
    assert!(slowed, "the flood was slowed down, and counted");
}
