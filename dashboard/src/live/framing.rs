//! How a frame goes over the wire: in slices of the bytes that all readers share.

use std::collections::VecDeque;

use actix_http::ws::{CloseCode, CloseReason, OpCode, Parser};
use bytes::{Bytes, BytesMut};
use feed::Frame;

/// Bytes handed to an event stream's connection at once: what a slow reader costs beside the kernel's buffer.
const SLICE: usize = 16 << 10;
/// FIN and opcode 1 of RFC 6455 §5.2.
const WHOLE_TEXT: u8 = 0x81;
/// FIN and opcode 2.
const WHOLE_BINARY: u8 = 0x82;

/// Which wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// RFC 6455, the JSON as text.
    WebSocket,
    /// The same, the JSON deflated in binary messages where that pays.
    Deflated,
    /// `text/event-stream`.
    Events,
}

impl Framing {
    /// Puts a frame into the outbox.
    pub(super) fn put(self, frame: Frame, outbox: &mut VecDeque<Bytes>) {
        let deflated = if self == Self::Deflated { frame.deflated() } else { None };
        match (self, &deflated) {
            (Self::Events, _) => outbox.push_back(format!("id: {}\ndata: ", frame.position).into()),
            (_, Some(bytes)) => outbox.push_back(head(WHOLE_BINARY, bytes.len())),
            (_, None) => outbox.push_back(head(WHOLE_TEXT, frame.json.len())),
        }
        let mut rest = deflated.unwrap_or(frame.json);
        while rest.len() > SLICE {
            outbox.push_back(rest.split_to(SLICE));
        }
        outbox.push_back(rest);
        if self == Self::Events {
            outbox.push_back(Bytes::from_static(b"\n\n"));
        }
    }

    /// Puts a goodbye into the outbox. Events have none: their stream just ends.
    pub(super) fn put_close(self, code: u16, reason: &str, outbox: &mut VecDeque<Bytes>) {
        if self != Self::Events {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            let mut out = BytesMut::new();
            Parser::write_close(&mut out, Some(reason), false);
            outbox.push_back(out.freeze());
        }
    }

    /// The answer to a reader's ping.
    pub(super) fn put_pong(self, payload: &[u8], outbox: &mut VecDeque<Bytes>) {
        let mut out = BytesMut::new();
        Parser::write_message(&mut out, payload, OpCode::Pong, true, false);
        outbox.push_back(out.freeze());
    }
}

/// The head of an unmasked message of one frame.
fn head(opcode: u8, length: usize) -> Bytes {
    let mut out = vec![opcode];
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(short),
        (_, Ok(medium)) => {
            out.push(126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_any_length_has_the_head_of_the_standard() {
        for length in [0, 1, 125, 126, 255, 256, 65_535, 65_536, 100_000] {
            let mut expected = BytesMut::new();
            Parser::write_message(&mut expected, vec![b'x'; length], OpCode::Text, true, false);
            let mut outbox = VecDeque::new();
            let frame = Frame::own("e1:1".parse().unwrap(), 0, vec![b'x'; length].into());
            Framing::WebSocket.put(frame, &mut outbox);
            assert!(outbox.iter().all(|slice| slice.len() <= SLICE));
            assert_eq!(outbox.iter().flatten().copied().collect::<Vec<u8>>(), expected.to_vec(), "{length}");
        }
    }
}
