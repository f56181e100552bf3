//! What the server is told at its start.

use std::{net::SocketAddr, time::Duration};

use sha2::{Digest, Sha256};

/// How the public server is set up.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads; at least 1.
    pub workers: usize,
    /// Who may decide.
    pub room: Vec<Person>,
    /// What it allows.
    pub limits: Limits,
}

impl Config {
    /// One thread a core, nobody in the room, the default limits.
    pub fn on(listen: SocketAddr) -> Self {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self { listen, workers, room: Vec::new(), limits: Limits::default() }
    }
}

/// A person of the situation room.
#[derive(Debug, Clone)]
pub struct Person {
    /// As decisions name them.
    pub name: String,
    /// SHA-256 of their token. The token itself is kept nowhere.
    pub token_sha256: [u8; 32],
}

impl Person {
    /// A person with this token, which should be 32 random bytes, written in any way.
    pub fn new(name: impl Into<String>, token: &str) -> Self {
        Self { name: name.into(), token_sha256: Sha256::digest(token).into() }
    }
}

/// Bounds of what readers can take.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections in all, a thread.
    pub connections: usize,
    /// Connections of one client: an IPv4 address, or an IPv6 network of 64 bits. A proxy or a load test is
    /// one client.
    pub connections_per_client: usize,
    /// Readers of the live feed in all.
    pub live_readers: usize,
    /// How long a live reader may take nothing before it is closed with 4008. After twice that the kernel
    /// drops the connection of whoever takes nothing at all.
    pub stuck: Duration,
    /// Real time between pings.
    pub ping: Duration,
    /// How long a request's head may take to arrive.
    pub head: Duration,
    /// How long the actors may take to answer.
    pub inquiry: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 25_000,
            connections_per_client: 1_000,
            live_readers: 20_000,
            stuck: Duration::from_secs(30),
            ping: Duration::from_secs(10),
            head: Duration::from_secs(10),
            inquiry: Duration::from_secs(5),
        }
    }
}
