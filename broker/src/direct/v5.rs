//! MQTT 5.0: packets in, the session's words out, with a reason code for every refusal.

use std::rc::Rc;

use bytes::Bytes;
use ntex_mqtt::QoS;
use ntex_mqtt::v5::codec::{ConnectAckReason, DisconnectReasonCode, PublishAckReason, SubscribeAckReason};
use ntex_mqtt::v5::{Handshake, HandshakeAck, ProtocolMessage, ProtocolMessageAck, Publish, PublishAck};

use super::session::{Conn, Fault, Hello, Refusal, Taken, Will};
use super::sink::Sink;
use crate::port::RefusedKind;

impl TryFrom<Fault> for PublishAck {
    type Error = Fault;

    /// No fault can be told in a PUBACK: the session ends.
    fn try_from(fault: Fault) -> Result<Self, Fault> {
        Err(fault)
    }
}

pub(crate) async fn connect(conn: Rc<Conn>, handshake: Handshake) -> Result<HandshakeAck<()>, Fault> {
    let packet = handshake.packet();
    let hello = Hello {
        client_id: packet.client_id.to_string(),
        will: packet.last_will.as_ref().map(|will| Will {
            topic: will.topic.to_string(),
            payload: Bytes::copy_from_slice(&will.message),
            qos2: will.qos == QoS::ExactlyOnce,
        }),
    };
    let (anonymous, asked) = (hello.client_id.is_empty(), packet.keep_alive);
    let limits = &conn.hub().shared.limits;
    let longest = super::keep_alive_limit(&conn);
    match conn.connect(hello, Sink::V5(handshake.sink())).await {
        Ok(session) => {
            let granted = if asked == 0 { longest } else { asked.min(longest) };
            let ack = handshake.ack(()).keep_alive(granted.saturating_add(granted.div_ceil(2)));
            let ack = ack.max_send(Some(u16::try_from(limits.down_in_flight).unwrap_or(u16::MAX)));
            Ok(ack.with(|packet| {
                packet.max_qos = QoS::AtLeastOnce;
                packet.max_packet_size = Some(super::PACKET_BYTES);
                packet.shared_subscription_available = false;
                packet.subscription_identifiers_available = false;
                packet.session_expiry_interval_secs = Some(0);
                packet.server_keepalive_sec = (granted != asked).then_some(granted);
                if anonymous {
                    packet.assigned_client_id = Some(session.client.id.as_str().into());
                }
            }))
        }
        Err(refusal) => Ok(handshake.failed(match refusal {
            Refusal::Identity => ConnectAckReason::ClientIdentifierNotValid,
            Refusal::Revoked => ConnectAckReason::Banned,
            Refusal::Will => ConnectAckReason::NotAuthorized,
            Refusal::Rate => ConnectAckReason::ConnectionRateExceeded,
            Refusal::Over => ConnectAckReason::ServerUnavailable,
        })),
    }
}

pub(crate) async fn publish(conn: Rc<Conn>, packet: Publish) -> Result<PublishAck, Fault> {
    let place = conn.order().enter();
    let session = conn.session()?;
    let payload = packet.read_all().await.map_err(|_| Fault::Over)?;
    let taken = session.publish(place, packet.publish_topic(), &payload, packet.qos()).await?;
    Ok(packet.ack().reason_code(match taken {
        Taken::Yes => PublishAckReason::Success,
        Taken::Refused(RefusedKind::Topic) => PublishAckReason::NotAuthorized,
        Taken::Refused(_) => PublishAckReason::ImplementationSpecificError,
    }))
}

pub(crate) async fn protocol(conn: Rc<Conn>, message: ProtocolMessage) -> Result<ProtocolMessageAck, Fault> {
    let session = conn.session()?;
    Ok(match message {
        ProtocolMessage::Subscribe(mut packet) => {
            for mut subscription in &mut packet {
                if session.subscribe(subscription.topic()) {
                    let qos = subscription.options().qos.min(QoS::AtLeastOnce);
                    subscription.confirm(qos);
                } else {
                    subscription.fail(SubscribeAckReason::NotAuthorized);
                }
            }
            packet.ack()
        }
        ProtocolMessage::Unsubscribe(packet) => {
            packet.iter().for_each(|filter| session.client.unsubscribe(filter));
            packet.ack()
        }
        ProtocolMessage::Disconnect(packet) => {
            session.goodbye(packet.packet().reason_code == DisconnectReasonCode::DisconnectWithWillMessage);
            packet.ack()
        }
        other => other.ack(),
    })
}
