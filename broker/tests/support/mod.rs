//! Real clients of both versions of MQTT, and a link whose events are waited for.
// Each test binary uses its own part; here as in tests, what is not expected may panic.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker::direct::{self, Config, Standing};
use broker::{DeviceLink, LinkEvent, Message, RefusedKind};
use rumqttc::{self as v4, v5};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

pub const PATIENCE: Duration = Duration::from_secs(10);

/// `sanak/1/kg-demo/{precinct}/{device}/{channel}` with the precinct that the device's id names.
pub fn topic(device: &str, channel: &str) -> String {
    format!("sanak/1/kg-demo/5123/{device}/{channel}")
}

pub fn config(devices: &[&str]) -> Config {
    let devices: HashSet<String> = devices.iter().map(|id| (*id).to_owned()).collect();
    let register = move |id: &str, _: Option<&[u8]>| match devices.contains(id) {
        true => Standing::Device,
        false => Standing::Stranger,
    };
    Config::plain("127.0.0.1:0".parse().unwrap(), Arc::new(register))
}

pub fn start(devices: &[&str]) -> DeviceLink {
    direct::start(config(devices)).unwrap()
}

/// The next event, within reason.
pub async fn next(link: &mut DeviceLink) -> LinkEvent {
    tokio::time::timeout(PATIENCE, link.next()).await.expect("an event in time").expect("a running link")
}

/// The next message; connects and goodbyes on the way are passed over.
pub async fn message(link: &mut DeviceLink) -> Message {
    loop {
        match next(link).await {
            LinkEvent::Message(message) => return message,
            LinkEvent::Connected { .. } | LinkEvent::Gone { .. } => {}
            other => panic!("a message was expected, not {other:?}"),
        }
    }
}

/// The next refusal; connects and goodbyes on the way are passed over.
pub async fn refusal(link: &mut DeviceLink) -> (String, RefusedKind) {
    loop {
        match next(link).await {
            LinkEvent::Refused { client, what, detail } => {
                eprintln!("refused {}: {detail}", what.name());
                return (client, what);
            }
            LinkEvent::Connected { .. } | LinkEvent::Gone { .. } => {}
            other => panic!("a refusal was expected, not {other:?}"),
        }
    }
}

/// The next goodbye; connects on the way are passed over.
pub async fn gone(link: &mut DeviceLink) -> (String, bool) {
    loop {
        match next(link).await {
            LinkEvent::Gone { client, clean } => return (client, clean),
            LinkEvent::Connected { .. } => {}
            other => panic!("a goodbye was expected, not {other:?}"),
        }
    }
}

/// What a client saw, whichever version it speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Connected,
    Acked {
        id: u16,
        ok: bool,
    },
    Subscribed(Vec<bool>),
    Message {
        topic: String,
        payload: Vec<u8>,
    },
    /// The connection ended or was refused; what the client's library says.
    Closed(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V4,
    V5,
}

pub const BOTH: [Version; 2] = [Version::V4, Version::V5];

enum Handle {
    V4(v4::AsyncClient),
    V5(v5::AsyncClient),
}

/// One connection. It does not reconnect. Dropped: its socket is cut.
pub struct Client {
    handle: Handle,
    seen: mpsc::UnboundedReceiver<Seen>,
    pump: JoinHandle<()>,
}

pub struct Options {
    pub id: String,
    pub version: Version,
    pub will: Option<(String, Vec<u8>)>,
    /// Received messages are not acknowledged.
    pub mute: bool,
    pub keep_alive: Duration,
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

impl Options {
    pub fn new(id: &str, version: Version) -> Self {
        Self {
            id: id.to_owned(),
            version,
            will: None,
            mute: false,
            keep_alive: Duration::from_secs(30),
            tls: None,
        }
    }

    pub fn will(mut self, topic: &str, payload: &[u8]) -> Self {
        self.will = Some((topic.to_owned(), payload.to_vec()));
        self
    }

    pub fn mute(mut self) -> Self {
        self.mute = true;
        self
    }

    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// Begins to connect; what comes of it is to be seen.
    pub fn open(self, address: SocketAddr) -> Client {
        match self.version {
            Version::V4 => self.open_v4(address),
            Version::V5 => self.open_v5(address),
        }
    }

    /// Connects, and expects to be accepted.
    pub async fn connect(self, address: SocketAddr) -> Client {
        let mut client = self.open(address);
        assert_eq!(client.next().await, Seen::Connected);
        client
    }

    fn open_v4(self, address: SocketAddr) -> Client {
        let mut options = v4::MqttOptions::new(self.id, address.ip().to_string(), address.port());
        options
            .set_keep_alive(self.keep_alive)
            .set_max_packet_size(1 << 20, 1 << 20)
            .set_manual_acks(self.mute);
        if let Some((topic, payload)) = self.will {
            options.set_last_will(v4::LastWill::new(topic, payload, v4::QoS::AtLeastOnce, true));
        }
        if let Some(tls) = self.tls {
            options.set_transport(v4::Transport::tls_with_config(v4::TlsConfiguration::Rustls(tls)));
        }
        let (client, mut events) = v4::AsyncClient::new(options, 4096);
        let (sender, seen) = mpsc::unbounded_channel();
        let pump = tokio::spawn(async move {
            loop {
                let told = match events.poll().await {
                    Ok(v4::Event::Incoming(packet)) => see_v4(packet),
                    Ok(v4::Event::Outgoing(_)) => None,
                    Err(error) => {
                        let _ = sender.send(Seen::Closed(error.to_string()));
                        return;
                    }
                };
                if told.is_some_and(|told| sender.send(told).is_err()) {
                    return;
                }
            }
        });
        Client { handle: Handle::V4(client), seen, pump }
    }

    fn open_v5(self, address: SocketAddr) -> Client {
        let mut options = v5::MqttOptions::new(self.id, address.ip().to_string(), address.port());
        options.set_keep_alive(self.keep_alive).set_max_packet_size(Some(1 << 20)).set_manual_acks(self.mute);
        // The library's own default takes 13 MB a client.
        options.set_outgoing_inflight_upper_limit(100);
        if let Some((topic, payload)) = self.will {
            let will =
                v5::mqttbytes::v5::LastWill::new(topic, payload, v5::mqttbytes::QoS::AtLeastOnce, true, None);
            options.set_last_will(will);
        }
        if let Some(tls) = self.tls {
            options.set_transport(v4::Transport::tls_with_config(v4::TlsConfiguration::Rustls(tls)));
        }
        let (client, mut events) = v5::AsyncClient::new(options, 4096);
        let (sender, seen) = mpsc::unbounded_channel();
        let pump = tokio::spawn(async move {
            loop {
                let told = match events.poll().await {
                    Ok(v5::Event::Incoming(packet)) => see_v5(packet),
                    Ok(v5::Event::Outgoing(_)) => None,
                    Err(error) => {
                        let _ = sender.send(Seen::Closed(error.to_string()));
                        return;
                    }
                };
                if told.is_some_and(|told| sender.send(told).is_err()) {
                    return;
                }
            }
        });
        Client { handle: Handle::V5(client), seen, pump }
    }
}

fn see_v4(packet: v4::Packet) -> Option<Seen> {
    Some(match packet {
        v4::Packet::ConnAck(_) => Seen::Connected,
        v4::Packet::PubAck(ack) => Seen::Acked { id: ack.pkid, ok: true },
        v4::Packet::SubAck(ack) => {
            let granted =
                |code: &v4::SubscribeReasonCode| matches!(code, v4::SubscribeReasonCode::Success(_));
            Seen::Subscribed(ack.return_codes.iter().map(granted).collect())
        }
        v4::Packet::Publish(packet) => {
            Seen::Message { topic: packet.topic, payload: packet.payload.to_vec() }
        }
        _ => return None,
    })
}

fn see_v5(packet: v5::mqttbytes::v5::Packet) -> Option<Seen> {
    use v5::mqttbytes::v5::{Packet, PubAckReason, SubscribeReasonCode};
    Some(match packet {
        Packet::ConnAck(_) => Seen::Connected,
        Packet::PubAck(ack) => Seen::Acked { id: ack.pkid, ok: ack.reason == PubAckReason::Success },
        Packet::SubAck(ack) => {
            let granted = |code: &SubscribeReasonCode| matches!(code, SubscribeReasonCode::Success(_));
            Seen::Subscribed(ack.return_codes.iter().map(granted).collect())
        }
        Packet::Publish(packet) => Seen::Message {
            topic: String::from_utf8(packet.topic.to_vec()).unwrap(),
            payload: packet.payload.to_vec(),
        },
        Packet::Disconnect(packet) => Seen::Closed(format!("{:?}", packet.reason_code)),
        _ => return None,
    })
}

impl Client {
    /// What the client sees next, within reason.
    pub async fn next(&mut self) -> Seen {
        tokio::time::timeout(PATIENCE, self.seen.recv())
            .await
            .expect("something to see in time")
            .expect("a client")
    }

    /// Nothing is seen for so long.
    pub async fn sees_nothing_for(&mut self, time: Duration) {
        if let Ok(seen) = tokio::time::timeout(time, self.seen.recv()).await {
            panic!("nothing was expected, not {seen:?}");
        }
    }

    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        self.publish_at(1, topic, payload).await;
    }

    pub async fn publish_at(&self, qos: u8, topic: &str, payload: impl Into<Vec<u8>>) {
        let payload = payload.into();
        match &self.handle {
            Handle::V4(client) => client.publish(topic, v4::qos(qos).unwrap(), false, payload).await.unwrap(),
            Handle::V5(client) => {
                client.publish(topic, v5::mqttbytes::qos(qos).unwrap(), false, payload).await.unwrap();
            }
        }
    }

    pub async fn subscribe(&mut self, filter: &str) -> bool {
        match &self.handle {
            Handle::V4(client) => client.subscribe(filter, v4::QoS::AtLeastOnce).await.unwrap(),
            Handle::V5(client) => client.subscribe(filter, v5::mqttbytes::QoS::AtLeastOnce).await.unwrap(),
        }
        match self.next().await {
            Seen::Subscribed(granted) => granted == [true],
            other => panic!("an answer to a subscription was expected, not {other:?}"),
        }
    }

    /// Says goodbye.
    pub async fn disconnect(&self) {
        match &self.handle {
            Handle::V4(client) => client.disconnect().await.unwrap(),
            Handle::V5(client) => client.disconnect().await.unwrap(),
        }
    }

    /// Cuts the socket without a word.
    pub async fn cut(self) {
        self.pump.abort();
        let _ = self.pump.await;
    }
}
