//! The floor: a bare broadcast over TCP, each frame after its length, one write a reader.

use std::{io, net::SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::broadcast,
};

/// Frames that a slow reader may lag behind.
const BEHIND: usize = 64;

/// Broadcasts what comes on one connection to all who have come on the other, until that connection ends. `ready` is told
/// where readers come, and where frames are published.
///
/// # Errors
/// When a port cannot be had, or the publisher breaks off within a frame.
pub async fn broadcast(ready: impl FnOnce(SocketAddr, SocketAddr)) -> io::Result<()> {
    let readers = TcpListener::bind("127.0.0.1:0").await?;
    let publisher = TcpListener::bind("127.0.0.1:0").await?;
    ready(readers.local_addr()?, publisher.local_addr()?);
    let (frames, _) = broadcast::channel::<Bytes>(BEHIND);
    let sender = frames.clone();
    let accepting = tokio::spawn(async move {
        while let Ok((reader, _)) = readers.accept().await {
            tokio::spawn(serve(reader, sender.subscribe()));
        }
    });
    let (mut publisher, _) = publisher.accept().await?;
    loop {
        let length = match publisher.read_u32().await {
            Ok(length) => length,
            Err(ended) if ended.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        };
        let mut frame = BytesMut::zeroed(4 + length as usize);
        publisher.read_exact(&mut frame[4..]).await?;
        (&mut frame[..4]).put_u32(length);
        // Nobody may be there yet.
        let _ = frames.send(frame.freeze());
    }
    accepting.abort();
    Ok(())
}

/// A reader: greeted by an empty frame, so that it knows itself to be one.
async fn serve(mut reader: TcpStream, mut frames: broadcast::Receiver<Bytes>) -> io::Result<()> {
    reader.set_nodelay(true)?;
    reader.write_all(&[0; 4]).await?;
    loop {
        match frames.recv().await {
            Ok(frame) => reader.write_all(&frame).await?,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return Ok(()),
        }
    }
}
