//! A connection whose handler may write to it by itself, past the server's own buffer: a frame of the live feed goes to
//! thousands of readers out of the same bytes, without a copy for each.

use std::{
    cell::Cell,
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection, shared by the server and a handler.
#[derive(Debug, Clone)]
pub(crate) struct Socket(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    /// Writes of the server, and whether the last of them was taken whole.
    writes: Cell<u64>,
    whole: Cell<bool>,
    /// Bytes that the kernel has taken of them.
    taken: Cell<u64>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Rc::new(Shared { stream, writes: Cell::new(0), whole: Cell::new(true), taken: Cell::new(0) }))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        &self.0.stream
    }

    /// How often the server has written.
    pub(crate) fn writes(&self) -> u64 {
        self.0.writes.get()
    }

    /// How many bytes of the server's the kernel has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.0.taken.get()
    }

    /// Whether the server has written since, and the kernel has taken all of it: then the handler may write.
    pub(crate) fn is_free_since(&self, writes: u64) -> bool {
        self.0.writes.get() > writes && self.0.whole.get()
    }

    /// Writes what the kernel takes at once.
    pub(crate) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.stream.try_write_vectored(slices)
    }

    /// Ends the connection now, whoever holds it, and gives up what the kernel has taken and the other side has not.
    pub(crate) fn cut(&self) {
        let socket = SockRef::from(&self.0.stream);
        let cut = socket.set_linger(Some(Duration::ZERO)).and_then(|()| socket.shutdown(Shutdown::Both));
        if let Err(error) = cut {
            tracing::debug!(%error, "a connection that is cut off has ended already");
        }
    }

    /// Until the kernel takes more.
    pub(crate) fn poll_room(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.stream.poll_write_ready(context)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.stream.poll_read_ready(context))?;
            match self.0.stream.try_read_buf(buffer) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.stream.poll_write_ready(context))?;
            match self.0.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => {
                    self.0.writes.set(self.0.writes.get() + 1);
                    self.0.whole.set(matches!(written, Ok(written) if written == bytes.len()));
                    self.0.taken.set(self.0.taken.get() + *written.as_ref().unwrap_or(&0) as u64);
                    return Poll::Ready(written);
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.0.stream).shutdown(Shutdown::Write))
    }
}
