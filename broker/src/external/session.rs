//! One session with a broker, from CONNECT until it is lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttc::{
    AsyncClient, ConnAck, Event, EventLoop, MqttOptions, Packet, Publish, QoS, SubscribeFilter,
    SubscribeReasonCode, TlsConfiguration, Transport,
};
use tokio::sync::{mpsc, oneshot};

use super::Towards;
use super::shut_out::{ANSWERS, CONTROL, LOOK, ShutOut};
use crate::limits::{MAX_PAYLOAD_BYTES, TokenBucket};
use crate::port::{Ack, AlarmKind, Counters, Down, LinkEvent, Message, Peer, RefusedKind, count};

/// Requests (acknowledgements and messages down) that may wait for the connection.
const REQUESTS: usize = 4 * 1024;

/// Messages of ours that the broker may leave unacknowledged.
const IN_FLIGHT: u16 = 1_000;

/// What devices say, and the gateway listens to. The plugin's answers are asked for behind these.
const UP: [&str; 3] = ["report", "heartbeat", "state"];

/// Time for a DISCONNECT to get out.
const GOODBYE: Duration = Duration::from_millis(500);

/// The way down through the session, while there is one.
#[derive(Default)]
pub(crate) struct Way {
    client: RwLock<Option<AsyncClient>>,
    counters: Arc<Counters>,
    /// Where the broker is told who is shut out.
    shut_out: Option<ShutOut>,
    /// Whether this broker lets nobody hear the plugin's answers: then it is told nothing.
    deaf: AtomicBool,
}

impl Way {
    pub(super) fn new(counters: Arc<Counters>, shut_out: Option<ShutOut>) -> Self {
        Self { client: RwLock::default(), counters, shut_out, deaf: AtomicBool::new(false) }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A client has connected to the broker: one that is shut out does not stay.
    pub(super) fn came(&self, client: &str, told: &mut TokenBucket) {
        if let Some(shut_out) = &self.shut_out
            && shut_out.is_shut_out(client)
        {
            let now = Instant::now();
            if told.try_take(now) {
                tracing::warn!(client, "came again though it is shut out: its connection is ended");
            }
            if let Some(command) = shut_out.came(client, now) {
                self.command(command);
            }
        }
    }

    /// Sends a command to the broker; one that there is no way for is repeated by [`ShutOut::due`].
    fn command(&self, command: Vec<u8>) {
        if self.deaf.load(Ordering::Relaxed) {
            return;
        }
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = client.as_ref() {
            // No room: repeated as well.
            let _ = client.try_publish(CONTROL, QoS::AtLeastOnce, false, command);
        }
    }

    pub(super) fn set(&self, client: Option<AsyncClient>) {
        self.counters.connections.store(u64::from(client.is_some()), Ordering::Relaxed);
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

impl Down for Arc<Way> {
    fn publish(&self, topic: &str, payload: Bytes) -> bool {
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner);
        let sent = client
            .as_ref()
            .is_some_and(|client| client.try_publish(topic, QoS::AtLeastOnce, false, payload).is_ok());
        count(if sent { &self.counters.messages_out } else { &self.counters.dropped_down });
        sent
    }

    fn disconnect(&self, client: &str) {
        match &self.shut_out {
            Some(shut_out) => self.command(shut_out.end(client, Instant::now())),
            None => tracing::warn!(client, "a broker holds its connection, if it has one: end it there"),
        }
    }
}

/// What all sessions of one link share.
pub(super) struct Link {
    pub(super) options: MqttOptions,
    pub(super) tls: Option<Arc<Towards>>,
    pub(super) election: String,
    pub(super) events: mpsc::Sender<LinkEvent>,
    pub(super) way: Arc<Way>,
    pub(super) counters: Arc<Counters>,
    /// Set once we were subscribed: from then on the broker has something to forget.
    pub(super) known: AtomicBool,
    /// Told once, when we are subscribed for the first time.
    pub(super) ready: std::sync::Mutex<Option<oneshot::Sender<()>>>,
}

impl Link {
    /// Tells of trouble. When the gateway is that far behind, the log has it.
    pub(super) fn alarm(&self, what: AlarmKind, detail: String) {
        tracing::error!(?what, detail, "broker session");
        let _ = self.events.try_send(LinkEvent::Alarm { what, detail });
    }

    /// Holds one session until it is lost (the answer says why), or until `stop`.
    ///
    /// The client is made anew each time: rumqttc can spin on what is left from a session that the broker forgot.
    pub(super) async fn hold(&self, stop: &mut oneshot::Receiver<()>) -> Option<String> {
        let mut options = self.options.clone();
        if let Some(tls) = &self.tls {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config())));
        }
        let (client, mut connection) = AsyncClient::new(options, REQUESTS);
        // Otherwise a receipt waits up to 40 ms for the broker's word about the packet before it.
        connection.network_options.set_tcp_nodelay(true);
        let (acks, waiting) = mpsc::unbounded_channel();
        let lost = tokio::select! {
            lost = self.pump(&mut connection, &client, &acks) => Some(lost),
            lost = acknowledge(&client, waiting, &self.counters) => Some(lost),
            () = self.keep_out() => None,
            _ = stop => None,
        };
        self.way.set(None);
        if lost.is_none() && client.try_disconnect().is_ok() {
            let goodbye = async { while connection.poll().await.is_ok() {} };
            let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        }
        lost
    }

    /// Repeats who is shut out, for as long as the session lasts.
    async fn keep_out(&self) {
        let Some(shut_out) = &self.way.shut_out else { return std::future::pending().await };
        loop {
            tokio::time::sleep(LOOK).await;
            if self.way.client.read().unwrap_or_else(PoisonError::into_inner).is_none() {
                continue;
            }
            let (commands, unanswered) = shut_out.due(Instant::now());
            commands.into_iter().for_each(|command| self.way.command(command));
            if let Some(first) = unanswered.first() {
                let count = unanswered.len();
                let detail = format!(
                    "{first} ({count} in all): the broker does not answer {CONTROL}: end its connection there, and \
                     check plugin and access list"
                );
                self.alarm(AlarmKind::NotShutOut, detail);
            }
        }
    }

    /// What the broker says of a command about those who are shut out.
    fn answered(&self, payload: &[u8]) {
        let Some(shut_out) = &self.way.shut_out else { return };
        let sequel = shut_out.answer(payload, Instant::now());
        sequel.commands.into_iter().for_each(|command| self.way.command(command));
        for detail in sequel.trouble {
            self.alarm(AlarmKind::NotShutOut, detail);
        }
    }

    async fn pump(
        &self,
        connection: &mut EventLoop,
        client: &AsyncClient,
        acks: &mpsc::UnboundedSender<Waiting>,
    ) -> String {
        loop {
            let packet = match connection.poll().await {
                Ok(Event::Incoming(packet)) => packet,
                Ok(Event::Outgoing(_)) => continue,
                Err(error) => return error.to_string(),
            };
            let going = match packet {
                Packet::ConnAck(ack) => self.connected(ack, client),
                Packet::SubAck(ack) => self.subscribed(&ack.return_codes, client),
                Packet::Publish(packet) => self.take(packet, acks).await,
                Packet::Disconnect => Err("the broker said goodbye".to_owned()),
                _ => Ok(()),
            };
            if let Err(lost) = going {
                return lost;
            }
        }
    }

    fn connected(&self, ack: ConnAck, client: &AsyncClient) -> Result<(), String> {
        count(&self.counters.connects);
        if !ack.session_present && self.known.load(Ordering::Relaxed) {
            self.alarm(AlarmKind::SessionForgotten, "the broker had forgotten the session".to_owned());
        }
        let up = UP.map(|channel| format!("sanak/1/{}/+/+/{channel}", self.election));
        let answers = self.way.shut_out.as_ref().map(|_| ANSWERS.to_owned());
        let filters =
            up.into_iter().chain(answers).map(|path| SubscribeFilter { path, qos: QoS::AtLeastOnce });
        client.try_subscribe_many(filters).map_err(|error| error.to_string())
    }

    fn subscribed(&self, codes: &[SubscribeReasonCode], client: &AsyncClient) -> Result<(), String> {
        let (up, answers) = codes.split_at(codes.len().min(UP.len()));
        if up.contains(&SubscribeReasonCode::Failure) {
            return Err("the broker refuses the subscription: check its access list".to_owned());
        }
        let deaf = answers.contains(&SubscribeReasonCode::Failure);
        if deaf {
            let detail = format!(
                "the broker refuses {ANSWERS}: it is told of nobody that its connection is to end. Set mqtt.broker = \
                 \"other\" where it is no Mosquitto; check its access list where it is one"
            );
            self.alarm(AlarmKind::NotShutOut, detail);
        }
        self.way.deaf.store(deaf, Ordering::Relaxed);
        self.known.store(true, Ordering::Relaxed);
        self.way.set(Some(client.clone()));
        if let Some(shut_out) = &self.way.shut_out {
            shut_out.begin(Instant::now()).into_iter().for_each(|command| self.way.command(command));
        }
        if let Some(ready) = self.ready.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // Whoever started the link may not wait.
            let _ = ready.send(());
        }
        Ok(())
    }

    async fn take(&self, packet: Publish, acks: &mpsc::UnboundedSender<Waiting>) -> Result<(), String> {
        let (ack, answer) = Ack::pair();
        if packet.qos != QoS::AtMostOnce {
            // The other half lives as long as the session.
            let _ = acks.send(Waiting { packet: packet.pkid, answer });
        }
        if packet.topic == ANSWERS {
            self.answered(&packet.payload);
            ack.done();
            return Ok(());
        }
        let bytes = packet.payload.len();
        if bytes > MAX_PAYLOAD_BYTES {
            self.counters.refuse(RefusedKind::Size);
            let detail = format!("{bytes} bytes on {:?}", packet.topic.chars().take(80).collect::<String>());
            let _ = self.events.try_send(LinkEvent::Refused {
                client: String::new(),
                what: RefusedKind::Size,
                detail,
            });
            ack.done();
            return Ok(());
        }
        let Publish { topic, payload, retain: retained, .. } = packet;
        let message = Message { topic, payload, retained, peer: Peer::Unknown, ack };
        self.events.send(LinkEvent::Message(message)).await.map_err(|_| "the gateway is gone".to_owned())?;
        count(&self.counters.messages_in);
        self.counters.bytes_in.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

/// A message that the broker waits to have acknowledged.
struct Waiting {
    packet: u16,
    answer: oneshot::Receiver<()>,
}

/// Acknowledges messages in the order they came in, as MQTT wants it, each when it is done.
///
/// One that was given up ends the session: the broker sends it again with the next. An acknowledgement never
/// outlives its session, since packet numbers mean something else in the next.
async fn acknowledge(
    client: &AsyncClient,
    mut waiting: mpsc::UnboundedReceiver<Waiting>,
    counters: &Counters,
) -> String {
    while let Some(Waiting { packet, answer }) = waiting.recv().await {
        if answer.await.is_err() {
            count(&counters.unacknowledged);
            return "a message was given up unacknowledged".to_owned();
        }
        let mut acknowledged = Publish::new("", QoS::AtLeastOnce, Vec::new());
        acknowledged.pkid = packet;
        if let Err(error) = client.ack(&acknowledged).await {
            return error.to_string();
        }
    }
    "the session ended".to_owned()
}

/// The settings of the client that every session begins with.
pub(super) fn options(
    client_id: &str,
    host: &str,
    port: u16,
    credentials: Option<(String, String)>,
) -> MqttOptions {
    let mut options = MqttOptions::new(client_id, host, port);
    options
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_keep_alive(Duration::from_secs(30))
        .set_inflight(IN_FLIGHT)
        // Larger than anything the broker lets through: what is too large is refused, not asked for again for good.
        .set_max_packet_size(1024 * 1024, 1024 * 1024);
    if let Some((user, password)) = credentials {
        options.set_credentials(user, password);
    }
    options
}
