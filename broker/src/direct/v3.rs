//! MQTT 3.1.1: packets in, the session's words out.
//!
//! The version has no way to say that a publication is refused: the server may close the connection or
//! acknowledge and drop. It drops: a device whose firmware knows one channel more must not lose its votes for it,
//! the acknowledgement promises nothing (a receipt does), and operations see the refusal. A subscription is
//! refused with the return code 0x80.

use std::num::NonZeroU32;
use std::rc::Rc;

use bytes::Bytes;
use ntex_mqtt::QoS;
use ntex_mqtt::v3::codec::ConnectAckReason;
use ntex_mqtt::v3::{Handshake, HandshakeAck, ProtocolMessage, ProtocolMessageAck, Publish};
use ntex_util::time::Seconds;

use super::session::{Conn, Fault, Hello, Refusal, Will};
use super::sink::Sink;

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
    if hello.client_id.is_empty() && !packet.clean_session {
        return Ok(handshake.identifier_rejected());
    }
    let idle = idle_timeout(&conn, packet.keep_alive);
    let limits = &conn.hub().shared.limits;
    match conn.connect(hello, Sink::V3(handshake.sink())).await {
        Ok(_) => {
            let ack = handshake.ack((), false).idle_timeout(idle);
            let ack = ack.max_send(Some(u16::try_from(limits.down_in_flight).unwrap_or(u16::MAX)));
            Ok(match NonZeroU32::new(super::PACKET_BYTES) {
                Some(largest) => ack.max_packet_size(largest),
                None => ack,
            })
        }
        Err(Refusal::Identity) => Ok(handshake.identifier_rejected()),
        Err(Refusal::Revoked | Refusal::Will) => Ok(handshake.failed(ConnectAckReason::NotAuthorized)),
        Err(Refusal::Rate | Refusal::Over) => Ok(handshake.service_unavailable()),
    }
}

/// One and a half times the keep-alive, within what is granted.
fn idle_timeout(conn: &Conn, keep_alive: u16) -> Seconds {
    let longest = super::keep_alive_limit(conn);
    let keep_alive = if keep_alive == 0 { longest } else { keep_alive.min(longest) };
    Seconds(keep_alive.saturating_add(keep_alive.div_ceil(2)))
}

pub(crate) async fn publish(conn: Rc<Conn>, packet: Publish) -> Result<(), Fault> {
    let place = conn.order().enter();
    let session = conn.session()?;
    let payload = packet.read_all().await.map_err(|_| Fault::Over)?;
    // Refused or not, it is acknowledged: see above.
    session.publish(place, packet.publish_topic(), &payload, packet.qos()).await.map(|_| ())
}

pub(crate) async fn protocol(conn: Rc<Conn>, message: ProtocolMessage) -> Result<ProtocolMessageAck, Fault> {
    let session = conn.session()?;
    Ok(match message {
        ProtocolMessage::Subscribe(mut packet) => {
            for mut subscription in &mut packet {
                if session.subscribe(subscription.topic()) {
                    subscription.confirm(subscription.qos().min(QoS::AtLeastOnce));
                } else {
                    subscription.fail();
                }
            }
            packet.ack()
        }
        ProtocolMessage::Unsubscribe(packet) => {
            packet.iter().for_each(|filter| session.client.unsubscribe(filter));
            packet.ack()
        }
        ProtocolMessage::Disconnect(packet) => {
            session.goodbye(false);
            packet.ack()
        }
        other => other.ack(),
    })
}
