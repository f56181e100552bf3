//! What a message costs the centre: the bare signature check as the floor, all checks of a report beside it,
//! and the signing of its receipt.

#![allow(missing_docs, reason = "criterion's macros make public items")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot begin is none")]

use std::{collections::BTreeMap, hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use device_wire::{
    Channel, DeviceEntry, Keyring, SigningKey, Standing, Topic, VerifyingKey, authenticate, digest,
    encode_receipt, encode_report, sign,
};
use ed25519_dalek::Signer;
use election::{
    Count, DeviceId, Timestamp,
    report::{Body, ContestTally, Digest, Offset, Receipt, Report, Tally, Verdict},
};

struct One(DeviceId, VerifyingKey);

impl Keyring for One {
    fn device(&self, id: &DeviceId) -> Option<DeviceEntry> {
        (*id == self.0).then_some(DeviceEntry { key: self.1, standing: Standing::Active })
    }
}

/// An urn's final report: 22 lists and 8 candidates, no preferences.
fn tally() -> Report {
    let contest = |id: &str, options: u64| ContestTally {
        contest: id.parse().unwrap(),
        ballots: Count::new(900),
        invalid: Count::new(12),
        votes: (1..=options).map(|n| (format!("p{n:02}").parse().unwrap(), Count::new(n * 4))).collect(),
        preferences: BTreeMap::new(),
    };
    Report {
        election: "kg-demo".parse().unwrap(),
        precinct: "5001".parse().unwrap(),
        device: "u-5001-1".parse().unwrap(),
        seq: 2,
        prev: Digest([7; 32]),
        at: Timestamp::from_millis(1_764_511_300_000),
        body: Body::Tally(Tally {
            ballots: Count::new(1800),
            contests: vec![contest("list", 22), contest("single:12", 8)],
        }),
    }
}

fn verify(c: &mut Criterion) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let report = tally();
    let topic = Topic::parse("sanak/1/kg-demo/5001/u-5001-1/report").unwrap();
    let envelope: Arc<[u8]> = sign(&topic, "u-5001-1", &encode_report(&report), &key).into();
    let keyring = One(report.device.clone(), key.verifying_key());
    let mut group = c.benchmark_group(format!("report of {} bytes", envelope.len()));
    group.throughput(Throughput::Elements(1));

    let (verifying, signature) = (key.verifying_key(), key.sign(&envelope));
    group.bench_function("verify_strict alone, the floor", |b| {
        b.iter(|| verifying.verify_strict(black_box(&envelope), &signature).unwrap());
    });
    let name = topic.to_string();
    group.bench_function("authenticate", |b| {
        b.iter_batched(
            || Arc::clone(&envelope),
            |envelope| authenticate(black_box(&name), envelope, &report.election, &keyring).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("refuse one flipped bit of the signature", |b| {
        let mut flipped = envelope.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        b.iter(|| {
            authenticate(black_box(&name), flipped.as_slice(), &report.election, &keyring).unwrap_err()
        });
    });
    group.bench_function("refuse 256 KiB of nested arrays", |b| {
        let bomb = vec![0x81; device_wire::MAX_ENVELOPE];
        b.iter(|| authenticate(black_box(&name), bomb.as_slice(), &report.election, &keyring).unwrap_err());
    });
    let receipt = Receipt {
        device: report.device.clone(),
        seq: report.seq,
        digest: digest(&envelope),
        verdict: Verdict::Accepted,
        code: None,
        was: None,
        offset: Some(Offset(12_345)),
        at: report.at,
    };
    let down = topic.on(Channel::Receipt);
    group.bench_function("sign its receipt", |b| {
        b.iter(|| sign(&down, "centre", &encode_receipt(black_box(&receipt)), &key));
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
