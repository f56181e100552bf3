//! A frame into each server.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Target;

/// What frames are published under.
pub(super) const TOPIC: &str = "live";

/// A connection on which frames are published.
#[derive(Debug)]
pub(super) struct Publisher {
    target: Target,
    stream: TcpStream,
}

impl Publisher {
    pub(super) async fn connect(target: Target, address: SocketAddr) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        match target {
            Target::Tcp | Target::Sanak => {}
            Target::Mosquitto => {
                stream.write_all(&mqtt_connect("publisher")).await?;
                stream.read_exact(&mut [0; 4]).await?;
            }
            Target::Nats => stream.write_all(NATS_CONNECT.as_bytes()).await?,
        }
        Ok(Self { target, stream })
    }

    /// Publishes a frame. The feed has its versions, and is only told to publish the next.
    pub(super) async fn publish(&mut self, frame: &[u8]) -> io::Result<()> {
        let head = match self.target {
            Target::Sanak => return self.stream.write_all(b"\n").await,
            Target::Tcp => u32::try_from(frame.len()).map_err(io::Error::other)?.to_be_bytes().to_vec(),
            Target::Mosquitto => {
                let mut head = vec![0x30];
                remaining(2 + TOPIC.len() + frame.len(), &mut head);
                text(TOPIC, &mut head);
                head
            }
            Target::Nats => format!("PUB {TOPIC} {}\r\n", frame.len()).into_bytes(),
        };
        let tail: &[u8] = if self.target == Target::Nats { b"\r\n" } else { b"" };
        self.stream.write_all(&[&head, frame, tail].concat()).await
    }
}

/// The first line of a client of NATS.
pub(super) const NATS_CONNECT: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";

/// A CONNECT of MQTT 3.1.1: a clean session, no keep-alive.
pub(super) fn mqtt_connect(client: &str) -> Vec<u8> {
    let mut out = vec![0x10];
    remaining(10 + 2 + client.len(), &mut out);
    text("MQTT", &mut out);
    out.extend_from_slice(&[4, 2, 0, 0]);
    text(client, &mut out);
    out
}

/// A SUBSCRIBE to the topic of frames, QoS 0.
pub(super) fn mqtt_subscribe() -> Vec<u8> {
    let mut out = vec![0x82];
    remaining(2 + 2 + TOPIC.len() + 1, &mut out);
    out.extend_from_slice(&[0, 1]);
    text(TOPIC, &mut out);
    out.push(0);
    out
}

/// MQTT's length of what follows.
fn remaining(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let low = (length & 0x7f) as u8;
        length >>= 7;
        out.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            return;
        }
    }
}

/// MQTT's text: those here are short.
fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}
