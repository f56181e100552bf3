//! A network of its own for a service: a pair of interfaces, the link between them taken down, packets dropped.
//! It takes root; where that is not to be had, [`Namespace::new`] says so loudly and gives nothing.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::{Command, Output},
};

/// A namespace, and the pair that joins it to this one, until it is dropped.
pub struct Namespace {
    name: String,
    ours: String,
    theirs: String,
    subnet: u8,
}

fn run(command: &str) -> Output {
    let mut words = command.split(' ');
    let program = words.next().unwrap();
    Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{command}: {error}"))
}

fn must(command: &str) {
    let output = run(command);
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Namespace {
    /// A namespace; none where the system does not allow it.
    pub fn new() -> Option<Self> {
        let id = std::process::id();
        let (name, ours, theirs) = (format!("sanak-{id}"), format!("sk{id}a"), format!("sk{id}b"));
        let made = Command::new("ip").args(["netns", "add", &name]).output();
        if !made.as_ref().is_ok_and(|made| made.status.success()) {
            eprintln!("SKIPPED: this needs root and network namespaces (ip netns add): {made:?}");
            return None;
        }
        // 240.0/4 and the like are refused; this is a range for tests between two machines (RFC 2544).
        let space = Self { name, ours, theirs, subnet: (id % 250) as u8 };
        let Self { name, ours, theirs, .. } = &space;
        must(&format!("ip link add {ours} type veth peer name {theirs} netns {name}"));
        must(&format!("ip addr add {}/30 dev {ours}", space.here()));
        must(&format!("ip -n {name} addr add {}/30 dev {theirs}", space.address()));
        must(&format!("ip link set {ours} up"));
        must(&format!("ip -n {name} link set {theirs} up"));
        must(&format!("ip -n {name} link set lo up"));
        Some(space)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn here(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(198, 18, self.subnet, 1))
    }

    /// Its address, as seen from here.
    pub fn address(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(198, 18, self.subnet, 2))
    }

    /// Takes the link down.
    pub fn cut(&self) {
        must(&format!("ip link set {} down", self.ours));
    }

    /// Takes it up again.
    pub fn mend(&self) {
        must(&format!("ip link set {} up", self.ours));
    }

    /// Drops so many packets in a hundred that come in, at random.
    pub fn drop_packets(&self, percent: u8) {
        let Self { name, theirs, .. } = self;
        let nft = |rule: &str| {
            let output = Command::new("ip").args(["netns", "exec", name, "nft", rule]).output().unwrap();
            assert!(output.status.success(), "nft {rule}: {}", String::from_utf8_lossy(&output.stderr));
        };
        nft("add table inet bad");
        nft("add chain inet bad input { type filter hook input priority 0; }");
        nft(&format!("add rule inet bad input iifname {theirs} numgen random mod 100 < {percent} drop"));
    }

    /// Drops none any more.
    pub fn keep_packets(&self) {
        must(&format!("ip netns exec {} nft delete table inet bad", self.name));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The pair goes with it.
        let _ = run(&format!("ip netns del {}", self.name));
    }
}
