//! The bytes below MQTT: plain TCP on loopback, or TLS 1.3 with a device's certificate.
//!
//! Nothing here waits but for the socket to be ready: a packet that is half read, or half written, stays where it is
//! when the waiting is given up.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use bytes::{BufMut, BytesMut};
use rustls::ClientConnection;
use tokio::{io::Interest, net::TcpStream};

use crate::bundles::Credentials;

/// What a read makes room for.
const READ: usize = 1_024;

/// A socket, and what is spoken on it.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

/// A socket as rustls reads and writes it: what is not ready is said to be so.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire {
    /// Opens a socket. The handshake of TLS goes on while packets are waited for.
    pub async fn connect(address: SocketAddr, tls: Option<Credentials>) -> io::Result<Self> {
        let tls = tls.map(|Credentials { config, server }| ClientConnection::new(config, server));
        let tls = tls.transpose().map_err(io::Error::other)?.map(Box::new);
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, tls })
    }

    /// Waits until there is something to read, or room to write where `unsent` or the handshake has something.
    pub async fn ready(&self, unsent: bool) -> io::Result<tokio::io::Ready> {
        let writes = unsent || self.has_unsent();
        let interest = if writes { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
        self.stream.ready(interest).await
    }

    /// Whether bytes that were taken have not gone out yet.
    pub fn has_unsent(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Takes as many bytes as there is room for.
    ///
    /// # Errors
    /// `WouldBlock` where there is none now.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.stream.try_write(bytes) };
        match tls.writer().write(bytes)? {
            0 => {
                self.flush()?;
                Err(io::ErrorKind::WouldBlock.into())
            }
            taken => Ok(taken),
        }
    }

    /// Sends what was taken.
    ///
    /// # Errors
    /// `WouldBlock` where not all of it could go out now.
    pub fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else { return Ok(()) };
        while tls.wants_write() {
            tls.write_tls(&mut Socket(&self.stream))?;
        }
        Ok(())
    }

    /// Reads what has come; 0 at the end.
    ///
    /// # Errors
    /// `WouldBlock` where nothing has come.
    pub fn read(&mut self, into: &mut BytesMut) -> io::Result<usize> {
        into.reserve(READ);
        let Some(tls) = &mut self.tls else { return self.stream.try_read_buf(into) };
        if tls.read_tls(&mut Socket(&self.stream))? == 0 {
            return Ok(0);
        }
        if let Err(error) = tls.process_new_packets() {
            // The other side is told why, if it still listens.
            let _ = self.flush();
            return Err(io::Error::other(error));
        }
        let (before, mut piece) = (into.len(), [0; READ]);
        loop {
            match tls.reader().read(&mut piece) {
                Ok(0) => break,
                Ok(read) => into.put_slice(&piece[..read]),
                Err(wait) if wait.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        match into.len() - before {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}
