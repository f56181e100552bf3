//! A device with good credentials has so much on record and no more, a restart gives it nothing back, and nobody else
//! notices.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::time::Duration;

use device_wire::{CentreKeys, Channel, device::Outbox};
use e2e::{Builder, Client, Country, Record, Sanak, Vectors, now};
use election::{
    Code, Count,
    report::{Body, Turnout, Verdict},
};

const HOSTILE: &str = "t-5001-1";
const SOUND: &str = "t-5002-1";
const QUOTA: &str = "[limits]\ndevice_reports = 8\ndevice_equivocations = 2";

struct Device {
    outbox: Outbox,
    client: Client,
}

impl Device {
    async fn connect(sanak: &Sanak, vectors: &Vectors, outbox: Outbox) -> Self {
        let centre = CentreKeys::one("centre", vectors.centre_key().verifying_key());
        let filter = outbox.identity().topic(Channel::Receipt).to_string();
        let id = outbox.identity().device.to_string();
        let client = Client::connect(sanak.ready().mqtt, &id, &filter, centre).await;
        Self { outbox, client }
    }

    fn turnout(outbox: &mut Outbox, identified: u64) -> Vec<u8> {
        let turnout = Turnout { identified: Count::new(identified), ..Turnout::default() };
        outbox.make(Body::Turnout(turnout), now()).unwrap().to_vec()
    }

    async fn send(&self, envelope: &[u8]) {
        self.client.publish(&self.outbox.identity().topic(Channel::Report).to_string(), envelope).await;
    }

    async fn verdict(&mut self, envelope: &[u8]) -> (Verdict, Option<Code>) {
        self.send(envelope).await;
        let receipt = self.client.receipt().await;
        assert_eq!(receipt.digest, device_wire::digest(envelope));
        (receipt.verdict, receipt.code)
    }

    /// The next sound report.
    async fn next(&mut self, identified: u64) -> (Verdict, Option<Code>) {
        let envelope = Self::turnout(&mut self.outbox, identified);
        self.verdict(&envelope).await
    }

    async fn unanswered(&mut self, envelope: &[u8]) {
        self.send(envelope).await;
        self.client.silence(Duration::from_millis(300)).await;
    }
}

/// Which part of its quota the room says that a device has used up.
async fn told(sanak: &Sanak, device: &str) -> serde_json::Value {
    sanak.room(&format!("/devices/{device}")).await.1["device"]["over_quota"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_has_its_quota_on_record_and_no_more_whatever_is_restarted() {
    let (vectors, country) = (Vectors::read(), Country::new(2, 1));
    let sanak = Builder::new(country.dir(), &vectors.centre).with(QUOTA).start().await;
    let mut hostile = Device::connect(&sanak, &vectors, Outbox::in_memory(country.device(HOSTILE))).await;
    let first = Device::turnout(&mut hostile.outbox, 5);
    assert_eq!(hostile.verdict(&first).await.0, Verdict::Accepted);

    // The same number again and again, each time with other figures.
    for identified in [50, 51] {
        let mut twin = Outbox::in_memory(country.device(HOSTILE));
        let other = Device::turnout(&mut twin, identified);
        assert_eq!(hostile.verdict(&other).await, (Verdict::Quarantined, Some(Code::S03)));
    }
    let third = Device::turnout(&mut Outbox::in_memory(country.device(HOSTILE)), 52);
    hostile.unanswered(&third).await;
    assert_eq!(told(&sanak, HOSTILE).await, "equivocations");

    // Sound ones until it has eight on record.
    for identified in 6..=10 {
        assert_eq!(hostile.next(identified).await.0, Verdict::Accepted);
    }
    let ninth = Device::turnout(&mut hostile.outbox, 11);
    hostile.unanswered(&ninth).await;
    assert_eq!(told(&sanak, HOSTILE).await, "reports");
    assert_eq!(hostile.verdict(&first).await, (Verdict::Duplicate, Some(Code::S01)), "that one is on record");
    assert_eq!(sanak.metric("sanak_beyond_quota_reports_total").await, 2.0);
    assert_eq!(sanak.metric("sanak_devices_over_quota_count").await, 1.0);
    let refusals = sanak.room("/refusals").await.1["refusals"].to_string();
    assert!(refusals.contains("quota_equivocations") && refusals.contains("quota_reports"), "{refusals}");

    // A restart counts what is in the journal.
    let Device { outbox, .. } = hostile;
    let mut sanak = sanak.kill_and_restart().await;
    let mut hostile = Device::connect(&sanak, &vectors, outbox).await;
    hostile.unanswered(&ninth).await;
    hostile.unanswered(&third).await;
    assert_eq!(told(&sanak, HOSTILE).await, "reports");

    let mut sound = Device::connect(&sanak, &vectors, Outbox::in_memory(country.device(SOUND))).await;
    assert_eq!(sound.next(3).await.0, Verdict::Accepted);
    assert!(told(&sanak, SOUND).await.is_null());
    let page = sanak.get("/elections/small/quarantine?limit=1").await.1;
    assert_eq!((&page["total"], page["reports"].as_array().unwrap().len()), (&2.into(), 1));
    let after = page["next"].as_u64().unwrap();
    let rest = sanak.get(&format!("/elections/small/quarantine?limit=1&after={after}")).await.1;
    assert!(rest["reports"][0]["offset"].as_u64().unwrap() > after && rest["next"].is_null());
    sanak.stop().await;
    let record = Record::checked(&sanak.data(), country.dir());
    assert_eq!(record.reports.len(), 8 + 1);
}
