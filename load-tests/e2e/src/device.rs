//! An MQTT client as a device has it, with nothing of the platform's own delivery logic.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use device_wire::{AuthenticReceipt, CentreKeys, verify_command, verify_receipt};
use election::report::{Command, Receipt};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, Transport};
use tokio::sync::mpsc;

/// A connected client.
pub struct Client {
    client: AsyncClient,
    received: mpsc::UnboundedReceiver<Received>,
    centre: CentreKeys,
    /// Asked for again on every new connection.
    filters: Arc<Mutex<Vec<String>>>,
}

/// What came down.
#[derive(Debug, Clone)]
pub struct Received {
    /// On which topic.
    pub topic: String,
    /// The bytes.
    pub payload: Vec<u8>,
}

impl Client {
    /// Connects and subscribes to `filter`; ready when the subscription is granted.
    pub async fn connect(mqtt: SocketAddr, id: &str, filter: &str, centre: CentreKeys) -> Self {
        Self::connect_over(Transport::Tcp, mqtt, id, filter, centre).await
    }

    /// The same over TLS, or whatever the transport is.
    pub async fn connect_over(
        transport: Transport,
        mqtt: SocketAddr,
        id: &str,
        filter: &str,
        centre: CentreKeys,
    ) -> Self {
        let mut options = MqttOptions::new(id, mqtt.ip().to_string(), mqtt.port());
        options.set_transport(transport);
        options.set_keep_alive(Duration::from_secs(30)).set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::new(options, 64);
        // Otherwise every second packet waits 40 ms for the other side's word.
        events.network_options.set_tcp_nodelay(true);
        let (sender, received) = mpsc::unbounded_channel();
        let (granted, ready) = tokio::sync::oneshot::channel();
        let filters = Arc::new(Mutex::new(vec![filter.to_owned()]));
        let (name, wanted, asking) = (id.to_owned(), Arc::clone(&filters), client.clone());
        tokio::spawn(async move {
            let mut granted = Some(granted);
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Packet::ConnAck(_))) => {
                        for filter in wanted.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                            let _ = asking.try_subscribe(filter, QoS::AtLeastOnce);
                        }
                    }
                    Ok(Event::Incoming(Packet::SubAck(_))) => {
                        if let Some(granted) = granted.take() {
                            let _ = granted.send(());
                        }
                    }
                    Ok(Event::Incoming(Packet::Publish(message))) => {
                        let payload = message.payload.to_vec();
                        if sender.send(Received { topic: message.topic, payload }).is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(error) => {
                        eprintln!("{name}: {error}");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
                if sender.is_closed() {
                    return;
                }
            }
        });
        let granted = tokio::time::timeout(Duration::from_secs(10), ready).await;
        assert!(matches!(granted, Ok(Ok(()))), "{id} was not granted {filter}");
        Self { client, received, centre, filters }
    }

    /// Publishes at QoS 1.
    pub async fn publish(&self, topic: &str, payload: impl Into<Vec<u8>>) {
        let sent = self.client.publish(topic, QoS::AtLeastOnce, false, payload).await;
        sent.unwrap_or_else(|error| panic!("{topic}: {error}"));
    }

    /// The next receipt, verified.
    pub async fn receipt(&mut self) -> Receipt {
        let next = self.receipt_within(Duration::from_secs(10)).await;
        next.unwrap_or_else(|| panic!("no receipt came within 10 s")).receipt().clone()
    }

    /// The next receipt, verified, if one comes within a time. Commands are passed over.
    pub async fn receipt_within(&mut self, patience: Duration) -> Option<AuthenticReceipt> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            let next = tokio::time::timeout_at(deadline, self.received.recv()).await.ok()??;
            if !next.topic.ends_with("/command") {
                let verified = verify_receipt(&next.topic, &next.payload, &self.centre);
                return Some(verified.unwrap_or_else(|refusal| panic!("{}: {}", next.topic, refusal.why)));
            }
        }
    }

    /// The next command, verified. Receipts are passed over.
    pub async fn command(&mut self) -> Command {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
        loop {
            let next = tokio::time::timeout_at(deadline, self.received.recv()).await;
            let Ok(Some(next)) = next else { panic!("no command came within 10 s") };
            if next.topic.ends_with("/command") {
                let verified = verify_command(&next.topic, &next.payload, &self.centre);
                let verified = verified.unwrap_or_else(|refusal| panic!("{}: {}", next.topic, refusal.why));
                return verified.command().clone();
            }
        }
    }

    /// Subscribes to one more filter.
    pub async fn subscribe(&self, filter: &str) {
        self.filters.lock().unwrap_or_else(PoisonError::into_inner).push(filter.to_owned());
        let asked = self.client.subscribe(filter, QoS::AtLeastOnce).await;
        asked.unwrap_or_else(|error| panic!("{filter}: {error}"));
    }

    /// That nothing comes down for a while.
    pub async fn silence(&mut self, for_as_long_as: Duration) {
        if let Ok(Some(came)) = tokio::time::timeout(for_as_long_as, self.received.recv()).await {
            panic!("unexpected: {} ({} bytes)", came.topic, came.payload.len());
        }
    }
}
