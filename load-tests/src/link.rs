//! One MQTT 3.1.1 connection, as small as it can be: ten thousand of them live in one process.
//!
//! The packets are rumqttc's; its event loop is not used, because it sets aside some 40 kB a connection and
//! cannot lose its line on purpose. Waiting for the next packet may be given up at any moment: what was read
//! or not yet written stays here.

use std::{io, net::SocketAddr, time::Duration};

use bytes::{Buf, BytesMut};
use rumqttc::mqttbytes::{
    Error as PacketError, QoS,
    v4::{
        Connect, ConnectReturnCode, LastWill, Packet, PubAck, Publish, Subscribe, SubscribeFilter,
        SubscribeReasonCode,
    },
};
use tokio::time::{Instant, sleep_until, timeout};

use crate::{
    bundles::{BundleError, Credentials},
    wire::Wire,
};

/// Largest packet that the centre may send: receipts and commands are far smaller.
const MAX_INCOMING: usize = 64 * 1024;
/// Largest packet that is sent.
const MAX_OUTGOING: usize = 512 * 1024;
/// Longest wait for a connection to be made and answered.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// Keep-alive, as agreed with the other side.
const KEEP_ALIVE: Duration = Duration::from_secs(120);
/// A ping after this much of silence, so that the other side never waits for one.
const PING_AFTER: Duration = Duration::from_secs(60);
/// The line is dead when a ping is not answered within this.
const PONG_WITHIN: Duration = Duration::from_secs(30);

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// What the device connects with.
    #[error("its bundle cannot be used: {0}")]
    Bundle(#[from] BundleError),
    /// The system or the other side.
    #[error("the line broke: {0}")]
    Io(#[from] io::Error),
    /// Not MQTT 3.1.1.
    #[error("not a packet of mqtt 3.1.1: {0:?}")]
    Packet(PacketError),
    /// The CONNECT was answered with a refusal.
    #[error("the connection was refused: {0:?}")]
    Refused(ConnectReturnCode),
    /// A subscription was refused.
    #[error("a subscription was refused")]
    Subscription,
    /// Silence where an answer was due.
    #[error("the other side is silent")]
    Silent,
    /// Another packet than the one that was due.
    #[error("another packet than the one that was due")]
    Unexpected,
}

/// How a device says who it is.
#[derive(Debug)]
pub struct Hello<'a> {
    /// Its id.
    pub client: &'a str,
    /// Where its last will goes.
    pub will_topic: String,
    /// Its last will.
    pub will: Vec<u8>,
    /// The topics on which it listens.
    pub listen: Vec<String>,
}

/// A connection.
#[derive(Debug)]
pub struct Link {
    wire: Wire,
    inbound: BytesMut,
    outbound: BytesMut,
    packets: u16,
    published: u64,
    acknowledged: u64,
    sent: Instant,
    pinged: Option<Instant>,
}

impl Link {
    /// Connects, over TLS where credentials are given, and listens.
    ///
    /// # Errors
    /// When nobody answers within 30 s, or with a refusal.
    pub async fn connect(
        address: SocketAddr,
        tls: Option<Credentials>,
        hello: Hello<'_>,
    ) -> Result<Self, LinkError> {
        let handshake = async {
            let wire = Wire::connect(address, tls).await?;
            let now = Instant::now();
            let (inbound, outbound) = (BytesMut::new(), BytesMut::new());
            let (packets, published, acknowledged) = (0, 0, 0);
            let mut link =
                Self { wire, inbound, outbound, packets, published, acknowledged, sent: now, pinged: None };
            link.greet(hello).await?;
            Ok(link)
        };
        timeout(HANDSHAKE, handshake).await.unwrap_or(Err(LinkError::Silent))
    }

    async fn greet(&mut self, hello: Hello<'_>) -> Result<(), LinkError> {
        let mut connect = Connect::new(hello.client);
        connect.keep_alive = u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX);
        connect.last_will = Some(LastWill::new(hello.will_topic, hello.will, QoS::AtLeastOnce, true));
        self.put(Packet::Connect(connect))?;
        match self.next().await? {
            Packet::ConnAck(answer) if answer.code == ConnectReturnCode::Success => {}
            Packet::ConnAck(answer) => return Err(LinkError::Refused(answer.code)),
            _ => return Err(LinkError::Unexpected),
        }
        let filters = hello.listen.into_iter().map(|path| SubscribeFilter::new(path, QoS::AtLeastOnce));
        let mut subscribe = Subscribe::new_many(filters);
        subscribe.pkid = self.packet_id();
        self.put(Packet::Subscribe(subscribe))?;
        loop {
            match self.next().await? {
                Packet::SubAck(answer) if answer.return_codes.contains(&SubscribeReasonCode::Failure) => {
                    return Err(LinkError::Subscription);
                }
                Packet::SubAck(_) => return Ok(()),
                _ => {}
            }
        }
    }

    /// Hands a message to the line. It goes out while [`Link::next`] is awaited, and mostly at once.
    ///
    /// # Errors
    /// When the line has broken.
    pub fn publish(
        &mut self,
        topic: &str,
        payload: Vec<u8>,
        qos: QoS,
        retain: bool,
    ) -> Result<(), LinkError> {
        let mut publish = Publish::new(topic, qos, payload);
        publish.retain = retain;
        if qos != QoS::AtMostOnce {
            publish.pkid = self.packet_id();
            self.published += 1;
        }
        self.put(Packet::Publish(publish))
    }

    /// How many messages of QoS 1 were published on this connection, and how many of them are acknowledged: the
    /// first so many, for acknowledgements keep the order (MQTT 3.1.1, 4.6).
    pub fn progress(&self) -> (u64, u64) {
        (self.published, self.acknowledged)
    }

    /// The next packet from the other side. Messages are acknowledged, pings are sent when they are due.
    ///
    /// # Errors
    /// When the line has broken.
    pub async fn next(&mut self) -> Result<Packet, LinkError> {
        loop {
            if let Some(packet) = self.decode()? {
                match &packet {
                    Packet::Publish(publish) if publish.qos == QoS::AtLeastOnce => {
                        self.put(Packet::PubAck(PubAck::new(publish.pkid)))?;
                    }
                    Packet::PubAck(_) => self.acknowledged += 1,
                    Packet::PingResp => {
                        self.pinged = None;
                        continue;
                    }
                    _ => {}
                }
                return Ok(packet);
            }
            let patience = self.pinged.map_or(self.sent + PING_AFTER, |at| at + PONG_WITHIN);
            tokio::select! {
                ready = self.wire.ready(!self.outbound.is_empty()) => {
                    let ready = ready?;
                    if ready.is_writable() {
                        self.flush()?;
                    }
                    if ready.is_readable() || ready.is_read_closed() {
                        self.read()?;
                    }
                }
                () = sleep_until(patience) => {
                    if self.pinged.is_some() {
                        return Err(LinkError::Silent);
                    }
                    self.pinged = Some(Instant::now());
                    self.put(Packet::PingReq)?;
                }
            }
        }
    }

    /// Says goodbye: no last will. What was handed over before goes out first, if it can within a second.
    pub async fn goodbye(mut self) {
        let farewell = async {
            self.put(Packet::Disconnect)?;
            while !self.outbound.is_empty() || self.wire.has_unsent() {
                self.wire.ready(true).await?;
                self.flush()?;
            }
            Ok::<(), LinkError>(())
        };
        // Whoever does not take a goodbye will see the line end.
        let _ = timeout(Duration::from_secs(1), farewell).await;
    }

    fn packet_id(&mut self) -> u16 {
        self.packets = self.packets.checked_add(1).unwrap_or(1);
        self.packets
    }

    fn put(&mut self, packet: Packet) -> Result<(), LinkError> {
        packet.write(&mut self.outbound, MAX_OUTGOING).map_err(LinkError::Packet)?;
        self.sent = Instant::now();
        self.flush()
    }

    fn flush(&mut self) -> Result<(), LinkError> {
        while !self.outbound.is_empty() {
            match self.wire.write(&self.outbound) {
                Ok(written) => self.outbound.advance(written),
                Err(wait) if wait.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(why) => return Err(why.into()),
            }
        }
        // An idle device holds no buffer.
        self.outbound = BytesMut::new();
        match self.wire.flush() {
            Err(wait) if wait.kind() == io::ErrorKind::WouldBlock => Ok(()),
            flushed => Ok(flushed?),
        }
    }

    fn read(&mut self) -> Result<(), LinkError> {
        match self.wire.read(&mut self.inbound) {
            Ok(0) => Err(LinkError::Io(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => Ok(()),
            Err(wait) if wait.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(why) => Err(why.into()),
        }
    }

    fn decode(&mut self) -> Result<Option<Packet>, LinkError> {
        if self.inbound.is_empty() {
            self.inbound = BytesMut::new();
            return Ok(None);
        }
        match Packet::read(&mut self.inbound, MAX_INCOMING) {
            Ok(packet) => Ok(Some(packet)),
            Err(PacketError::InsufficientBytes(_)) => Ok(None),
            Err(why) => Err(LinkError::Packet(why)),
        }
    }
}
