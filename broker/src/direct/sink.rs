//! The way down to one connection, whichever version of MQTT it speaks.

use std::sync::Arc;

use bytes::Bytes;
use ntex_bytes::ByteString;
use ntex_mqtt::{v3, v5};

use super::hub::Client;

/// Why the server closes a connection. Version 5 has words for it, version 3 does not.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reason {
    TakenOver,
    Administrative,
    ShuttingDown,
}

/// Sends to one connection. Belongs to the link's thread.
pub(crate) enum Sink {
    V3(v3::MqttSink),
    V5(v5::MqttSink),
}

impl Sink {
    /// Lets `client` have its place back with every acknowledgement that comes in.
    pub(crate) fn give_back_places_of(&self, client: &Arc<Client>) {
        let client = client.clone();
        match self {
            Self::V3(sink) => sink.publish_ack_cb(move |_, _| client.leave_place()),
            Self::V5(sink) => sink.publish_ack_cb(move |_, _| client.leave_place()),
        }
    }

    /// Sends with QoS 1, unless the connection has no room left; false then.
    pub(crate) fn publish(&self, topic: ByteString, payload: &Bytes) -> bool {
        let payload = ntex_bytes::Bytes::copy_from_slice(payload);
        match self {
            Self::V3(sink) => {
                sink.is_ready() && sink.publish(topic).send_at_least_once_no_block(payload).is_ok()
            }
            Self::V5(sink) => {
                sink.is_ready() && sink.publish(topic).send_at_least_once_no_block(payload).is_ok()
            }
        }
    }

    pub(crate) fn close(&self, reason: Reason) {
        use v5::codec::DisconnectReasonCode as Code;
        match self {
            Self::V3(sink) => sink.close(),
            Self::V5(sink) => {
                let code = match reason {
                    Reason::TakenOver => Code::SessionTakenOver,
                    Reason::Administrative => Code::AdministrativeAction,
                    Reason::ShuttingDown => Code::ServerShuttingDown,
                };
                sink.close_with_reason(v5::codec::Disconnect::new(code));
            }
        }
    }
}
