//! A line between one device and the service, in user space: as slow as it is told to be, cut, and mended. It notes
//! when the device tried to connect, which the device has no say in.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

/// Pieces that may be on their way in one direction.
const ON_THE_WAY: usize = 256;

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything passes.
    Up,
    /// Connections end, and whoever comes is hung up on.
    Cut,
    /// Nothing passes, and nobody is told: a modem in a valley.
    Silent,
}

/// The line; whoever connects to its address reaches the service through it.
pub struct Line {
    address: SocketAddr,
    state: watch::Sender<State>,
    attempts: Arc<Mutex<Vec<Instant>>>,
}

impl Line {
    /// A line to `service` on which every byte takes so long, each way.
    pub async fn to(service: SocketAddr, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.unwrap_or_else(|error| panic!("a line: {error}"));
        let address = listener.local_addr().unwrap_or_else(|error| panic!("a line: {error}"));
        let (state, watched) = watch::channel(State::Up);
        let attempts = Arc::<Mutex<Vec<Instant>>>::default();
        let noted = Arc::clone(&attempts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noted.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                tokio::spawn(carry(stream, service, delay, watched.clone()));
            }
        });
        Self { address, state, attempts }
    }

    /// Where the device connects.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it is so.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// When somebody connected, or tried to.
    pub fn attempts(&self) -> Vec<Instant> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn carry(device: TcpStream, service: SocketAddr, delay: Duration, mut state: watch::Receiver<State>) {
    let through = state.clone();
    let pass = async move {
        let mut up = through.clone();
        if up.wait_for(|state| *state != State::Silent).await.is_err() {
            return;
        }
        let Ok(service) = TcpStream::connect(service).await else { return };
        let (from_device, to_device) = device.into_split();
        let (from_service, to_service) = service.into_split();
        tokio::join!(
            one_way(from_device, to_service, delay, through.clone()),
            one_way(from_service, to_device, delay, through)
        );
    };
    tokio::select! {
        () = pass => {}
        // The line itself is gone when its end is.
        _ = state.wait_for(|state| *state == State::Cut) => {}
    }
}

async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    delay: Duration,
    mut state: watch::Receiver<State>,
) {
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    let read = async move {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now() + delay, buffer[..read].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((at, bytes)) = arriving.recv().await {
            sleep_until(at).await;
            let gone = state.wait_for(|state| *state != State::Silent).await.is_err();
            if gone || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        // The other side is gone: so is the device's, or its own word.
        let _ = to.shutdown().await;
    };
    tokio::join!(read, write);
}
