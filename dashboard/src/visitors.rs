//! How many connections each client has.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use prometheus::IntGauge;

/// Connections by client.
#[derive(Debug)]
pub(crate) struct Visitors {
    by_client: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
    open: IntGauge,
}

/// A connection of a client: counted as long as it lives.
#[derive(Debug)]
pub(crate) struct Visit {
    visitors: Arc<Visitors>,
    client: IpAddr,
    crowded: bool,
}

impl Visitors {
    pub(crate) fn new(most: usize, open: IntGauge) -> Arc<Self> {
        Arc::new(Self { by_client: Mutex::default(), most, open })
    }

    /// Counts a connection that was accepted.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Visit {
        let client = client(peer.ip());
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        let here = by_client.entry(client).or_default();
        *here += 1;
        self.open.inc();
        Visit { visitors: Arc::clone(self), client, crowded: *here > self.most }
    }
}

impl Visit {
    /// Whether the client had its full number before this connection.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut by_client = self.visitors.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(here) = by_client.get_mut(&self.client) {
            *here -= 1;
            if *here == 0 {
                by_client.remove(&self.client);
            }
        }
        self.visitors.open.dec();
    }
}

/// Whom an address stands for: one IPv4 address, one IPv6 network.
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_an_address_or_a_network_and_is_forgotten_when_it_leaves() {
        let visitors = Visitors::new(2, IntGauge::new("open", "open").unwrap());
        let enter = |text: &str| visitors.enter(text.parse().unwrap());
        let first = [enter("[2001:db8::1]:1"), enter("[2001:db8::2]:2")];
        assert!(first.iter().all(|visit| !visit.is_crowded()));
        assert!(enter("[2001:db8::3]:3").is_crowded());
        assert!(!enter("[2001:db8:0:1::3]:3").is_crowded());
        assert!(!enter("[::ffff:192.0.2.1]:3").is_crowded());
        assert_eq!(visitors.open.get(), 2);
        drop(first);
        assert!(visitors.by_client.lock().unwrap().is_empty());
        assert_eq!(visitors.open.get(), 0);
    }
}
