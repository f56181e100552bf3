//! Devices with good credentials that send nothing but what must be refused.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use device_wire::{Channel, SigningKey, Topic, encode_report, sign};
use election::{
    Count, PrecinctId,
    report::{Body, Digest, Report},
};
use rumqttc::mqttbytes::{QoS, v4::Packet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::link::{Hello, Link};

use super::{stage::Stage, timetable::Part};

/// Between a line that was ended and the next.
const AGAIN: Duration = Duration::from_secs(1);
/// Larger than any envelope may be, smaller than what the line refuses.
const TOO_LARGE: usize = 300 * 1024;
/// One message in so many is too large: they are to be many, and not a matter of bytes.
const SELDOM: u64 = 97;

/// Sends until the rehearsal ends. What it hears is counted; a receipt that accepts anything is not to be expected.
pub async fn live(stage: Arc<Stage>, part: Part) -> Vec<String> {
    let mut unexpected = Vec::new();
    let mut signals = stage.signals();
    let mut sent = 0;
    let session = async {
        loop {
            session(&stage, &part, &mut sent, &mut unexpected).await;
            sleep(AGAIN).await;
        }
    };
    tokio::select! {
        _ = signals.wait_for(|signals| signals.ended) => {}
        () = session => {}
    }
    unexpected
}

async fn session(stage: &Stage, part: &Part, sent: &mut u64, unexpected: &mut Vec<String>) {
    let Some(hostile) = stage.scenario.hostile else { return };
    let topic = |channel| Topic {
        election: stage.day().definition().about().id.clone(),
        precinct: part.cast.precinct,
        device: part.cast.device.clone(),
        channel,
    };
    let hello = Hello {
        client: part.cast.device.as_str(),
        will_topic: topic(Channel::State).to_string(),
        will: b"no envelope".to_vec(),
        listen: vec![topic(Channel::Receipt).to_string()],
    };
    let Ok(credentials) = stage.credentials(&part.cast.device) else { return };
    let Ok(mut link) = Link::connect(stage.address, credentials, hello).await else { return };
    let every = Duration::from_secs_f64(1.0 / hostile.rate);
    let mut next = Instant::now();
    loop {
        tokio::select! {
            packet = link.next() => match packet {
                Ok(Packet::Publish(publish)) if is_accepted(&publish.payload) => {
                    unexpected.push(format!("{}: a forged report was accepted", part.cast.device));
                }
                Ok(_) => {}
                Err(_) => return,
            },
            () = sleep_until(next) => {
                next += every;
                *sent += 1;
                let (topic, message) = forged(&topic(Channel::Report), *sent);
                stage.counters.hostile.fetch_add(1, Ordering::Relaxed);
                if link.publish(&topic, message, QoS::AtLeastOnce, false).is_err() {
                    return;
                }
            }
        }
    }
}

fn is_accepted(payload: &[u8]) -> bool {
    payload.windows(17).any(|part| part == b"gverdicthaccepted")
}

/// A message that must be refused: every kind in its turn.
fn forged(topic: &Topic, nth: u64) -> (String, Vec<u8>) {
    if nth.is_multiple_of(SELDOM) {
        return (topic.to_string(), vec![0xd2; TOO_LARGE]);
    }
    match nth % 3 {
        0 => (topic.to_string(), b"\xff\xfe rubbish, and not even CBOR".to_vec()),
        1 => {
            // The line of another precinct, should anybody let it through.
            let elsewhere = PrecinctId::new(topic.precinct.get().wrapping_add(1)).unwrap_or(topic.precinct);
            let foreign = Topic { precinct: elsewhere, ..topic.clone() };
            (foreign.to_string(), signed(&foreign, nth))
        }
        _ => (topic.to_string(), signed(topic, nth)),
    }
}

/// Well formed, and signed by nobody's key.
fn signed(topic: &Topic, nth: u64) -> Vec<u8> {
    let report = Report {
        election: topic.election.clone(),
        precinct: topic.precinct,
        device: topic.device.clone(),
        seq: nth,
        prev: Digest::NONE,
        at: election::Timestamp::from_millis(0),
        body: Body::OpeningTerminal { identified: Count::ZERO },
    };
    sign(topic, topic.device.as_str(), &encode_report(&report), &SigningKey::from_bytes(&[66; 32]))
}
