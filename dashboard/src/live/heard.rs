//! What a reader of the WebSocket says. It has nothing to say but pings, pongs and goodbye: all else is
//! bounded and passed over.

use actix_http::ws::{Codec, Frame, ProtocolError};
use actix_web::web;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use tokio_util::codec::Decoder;

/// Largest frame that is listened to.
const LARGEST: usize = 4 << 10;
/// Most frames between two pings of ours.
const MOST: usize = 64;

/// What the reader wants.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// An answer to its ping.
    Ping(Bytes),
    /// Nothing more.
    Goodbye,
    /// It broke off.
    Gone,
    /// It breaks the protocol or says too much: close with this code.
    Abuse(u16, &'static str),
}

/// The reader's side of a WebSocket.
pub(super) struct Heard {
    payload: web::Payload,
    buffer: BytesMut,
    codec: Codec,
    frames: usize,
}

impl Heard {
    pub(super) fn new(payload: web::Payload) -> Self {
        Self { payload, buffer: BytesMut::new(), codec: Codec::new().max_size(LARGEST), frames: 0 }
    }

    /// Begins a new count of frames.
    pub(super) fn forgive(&mut self) {
        self.frames = 0;
    }

    /// The next thing to act upon. Nothing is lost when it is not waited for.
    pub(super) async fn next(&mut self) -> Said {
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(Some(frame)) => {
                    self.frames += 1;
                    match frame {
                        _ if self.frames > MOST => return Said::Abuse(1008, "too many frames"),
                        Frame::Ping(payload) => return Said::Ping(payload),
                        Frame::Close(_) => return Said::Goodbye,
                        Frame::Pong(_) | Frame::Text(_) | Frame::Binary(_) | Frame::Continuation(_) => {
                            continue;
                        }
                    }
                }
                Ok(None) => {}
                Err(ProtocolError::Overflow) => return Said::Abuse(1009, "frames of readers are small"),
                Err(_) => return Said::Abuse(1002, "this is not the WebSocket protocol"),
            }
            match self.payload.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(_)) | None => return Said::Gone,
            }
        }
    }
}
