//! What devices are promised: every check has its code, every stored report its receipt, and no answer goes
//! to whoever is not a device.

use std::time::Duration;

use device_wire::CentreKeys;
use e2e::{Builder, Client, Sanak, Vectors};
use election::{
    Code,
    report::{Receipt, Verdict},
};

async fn platform(vectors: &Vectors) -> Sanak {
    Builder::vectors(&vectors.centre).start().await
}

async fn client(sanak: &Sanak, vectors: &Vectors, device: &str) -> Client {
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    let filter = format!("sanak/1/vec-1/5001/{device}/receipt");
    Client::connect(sanak.ready().mqtt, device, &filter, centre).await
}

async fn send(client: &Client, vectors: &Vectors, name: &str) {
    let vector = vectors.named(name);
    client.publish(&vector.topic, vector.envelope.clone()).await;
}

async fn answer(client: &mut Client, vectors: &Vectors, name: &str) -> Receipt {
    send(client, vectors, name).await;
    let receipt = client.receipt().await;
    assert_eq!(receipt.digest, device_wire::digest(&vectors.named(name).envelope), "{name}");
    receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_receipted_counted_and_shown_once_however_often_it_comes() {
    let vectors = Vectors::read();
    let mut sanak = platform(&vectors).await;
    let mut terminal = client(&sanak, &vectors, "t-5001-1").await;
    let opening = answer(&mut terminal, &vectors, "terminal opening").await;
    assert_eq!((opening.verdict, opening.seq), (Verdict::Accepted, 1));
    let turnout =
        answer(&mut terminal, &vectors, "terminal turnout with breakdowns, second in the chain").await;
    assert_eq!((turnout.verdict, turnout.code), (Verdict::Accepted, None));
    assert!(turnout.offset > opening.offset);
    let again = answer(&mut terminal, &vectors, "terminal opening").await;
    assert_eq!(
        (again.verdict, again.was, again.offset),
        (Verdict::Duplicate, Some(Verdict::Accepted), opening.offset)
    );
    let mut urn = client(&sanak, &vectors, "u-5001-1").await;
    assert_eq!(answer(&mut urn, &vectors, "urn opening").await.verdict, Verdict::Accepted);
    assert_eq!(answer(&mut urn, &vectors, "urn tally with preferences").await.verdict, Verdict::Accepted);
    let shown = sanak.wait_for("/elections/vec-1/results", |results| {
        results["units"][0]["contests"]["list"]["urns"]["ballots"] == 400
    });
    let country = shown.await["units"][0].clone();
    assert_eq!(country["id"], "country");
    assert_eq!(country["turnout"]["identified"], 412);
    assert_eq!(country["contests"]["list"]["urns"]["votes"]["p01"], 250);
    assert_eq!(country["contests"]["list"]["urns"]["precincts"], 1);
    // The same after a power cut, and the receipts' offsets stand.
    sanak.assert_no_errors_logged();
    let sanak = sanak.kill_and_restart().await;
    let (_, results) = sanak.get("/elections/vec-1/results").await;
    let mut restarted = results["units"][0].clone();
    assert_ne!(results["epoch"], "", "an epoch of its own");
    // Which devices are late is judged anew every second; counts are what they were.
    for judged in ["updated_at", "discrepancies"] {
        restarted[judged] = country[judged].clone();
    }
    assert_eq!(restarted, country);
    let mut terminal = client(&sanak, &vectors, "t-5001-1").await;
    let after = answer(&mut terminal, &vectors, "terminal opening").await;
    assert_eq!((after.verdict, after.offset), (Verdict::Duplicate, opening.offset));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_message_is_said_only_to_whoever_signed_it() {
    let vectors = Vectors::read();
    let sanak = platform(&vectors).await;
    let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
    // An operator's tool on loopback, which sees every receipt.
    let mut tool = Client::connect(sanak.ready().mqtt, "tool", "sanak/1/vec-1/+/+/receipt", centre).await;
    for vector in vectors.all() {
        let refused_silently = matches!(vector.expect.as_str(), "E02" | "E03")
            || (vector.expect == "E01"
                && !vector.name.starts_with("payload")
                && !vector.name.contains("count"));
        if refused_silently {
            tool.publish(&vector.topic, vector.envelope.clone()).await;
        }
    }
    tool.silence(Duration::from_millis(800)).await;
    for name in ["signed for a topic its payload contradicts", "kid of one device on the topic of another"] {
        let vector = vectors.named(name);
        tool.publish(&vector.topic, vector.envelope.clone()).await;
        let receipt = tool.receipt().await;
        assert_eq!(
            (receipt.verdict, receipt.code, receipt.offset),
            (Verdict::Rejected, Some(Code::E04), None),
            "{name}"
        );
        tokio::time::sleep(Duration::from_millis(1_100)).await; // one such answer a second a device
    }
    let malformed = answer(&mut tool, &vectors, "negative count").await;
    assert_eq!((malformed.verdict, malformed.code), (Verdict::Rejected, Some(Code::E01)));
    let (_, results) = sanak.get("/elections/vec-1/results").await;
    assert_eq!(results["units"][0]["turnout"]["precincts"], 0, "nothing was counted");
    assert!(sanak.metric("sanak_refused_messages_total").await >= 15.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sequence_fitness_and_plausibility_vector_gets_its_code() {
    let vectors = Vectors::read();
    for vector in
        vectors.all().iter().filter(|vector| matches!(vector.expect.as_bytes()[0], b'S' | b'F' | b'Q'))
    {
        let sanak = platform(&vectors).await;
        let device = vector.topic.split('/').nth(4).unwrap().to_owned();
        let mut device = client(&sanak, &vectors, &device).await;
        // Those of an urn, and those that say so, come after the device's opening.
        if vector.topic.contains("u-5001-1") {
            answer(&mut device, &vectors, "urn opening").await;
        } else if vector.expect.starts_with('S') {
            answer(&mut device, &vectors, "terminal opening").await;
        }
        device.publish(&vector.topic, vector.envelope.clone()).await;
        let receipt = device.receipt().await;
        assert_eq!(receipt.code.map(Code::as_str), Some(vector.expect.as_str()), "{}", vector.name);
        let verdict = if vector.expect.starts_with('F') { Verdict::Rejected } else { Verdict::Quarantined };
        assert_eq!(receipt.verdict, verdict, "{}", vector.name);
        assert!(receipt.offset.is_some(), "it is on record: {}", vector.name);
        if verdict == Verdict::Quarantined {
            let list = sanak.wait_for("/elections/vec-1/quarantine", |list| list["reports"][0].is_object());
            assert_eq!(list.await["reports"][0]["codes"][0], vector.expect.as_str());
        }
    }
}
