//! A network of its own for a service: a pair of interfaces, the link between them taken down, packets dropped.
//! Root may do that; anybody else is root in a user namespace, where the kernel allows one: the test runs there then, in
//! a process of its own. Where neither is to be had the test fails, unless it was told that it need not run.

use std::{
    net::{IpAddr, Ipv4Addr},
    process::{Command, Output},
};

/// Set by who cannot have namespaces and knows it.
const WITHOUT: &str = "SANAK_WITHOUT_NAMESPACES";
/// Set for the process in the user namespace.
const INSIDE: &str = "SANAK_IN_NAMESPACE";

/// Where a test that needs network namespaces is run.
pub enum Ground {
    /// In this process.
    Here,
    /// It ran in a process of its own, well; or it was told that it need not run.
    Elsewhere,
}

/// Finds a place for the test of this name (its path, as the test runner prints it).
pub fn ground(test: &str) -> Ground {
    let probe = format!("sanak-probe-{}", std::process::id());
    if succeeds(&["ip", "netns", "add", &probe]) {
        must(&format!("ip netns del {probe}"));
        return Ground::Here;
    }
    let inside = std::env::var_os(INSIDE).is_some();
    if inside || !succeeds(&["unshare", "-Urnm", "true"]) {
        if !inside && std::env::var_os(WITHOUT).is_some_and(|without| without == "1") {
            eprintln!("NOT RUN: {WITHOUT}=1");
            return Ground::Elsewhere;
        }
        panic!(
            "no network namespace is to be had: run this as root, or allow user namespaces (sysctl -w \
             user.max_user_namespaces=1000; where they are there, kernel.unprivileged_userns_clone=1 and \
             kernel.apparmor_restrict_unprivileged_userns=0), or set {WITHOUT}=1 to go without this test"
        );
    }
    let this = std::env::current_exe().unwrap();
    // `ip netns` keeps its names in /run, which is nobody's to write to but root's.
    let begin = "mount -t tmpfs tmpfs /run && ip link set lo up && exec \"$@\"";
    let mut run = Command::new("unshare");
    run.args(["-Urnm", "sh", "-c", begin, "sh"]).arg(this);
    run.args(["--exact", test, "--include-ignored", "--nocapture"]).env(INSIDE, "1");
    assert!(run.status().unwrap().success(), "{test} failed in a user namespace: see above");
    Ground::Elsewhere
}

fn succeeds(command: &[&str]) -> bool {
    Command::new(command[0]).args(&command[1..]).output().is_ok_and(|output| output.status.success())
}

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
    /// A namespace, on [`Ground::Here`].
    pub fn new() -> Self {
        let id = std::process::id();
        let (name, ours, theirs) = (format!("sanak-{id}"), format!("sk{id}a"), format!("sk{id}b"));
        must(&format!("ip netns add {name}"));
        // 240.0/4 and the like are refused; this is a range for tests between two machines (RFC 2544).
        let space = Self { name, ours, theirs, subnet: (id % 250) as u8 };
        let Self { name, ours, theirs, .. } = &space;
        must(&format!("ip link add {ours} type veth peer name {theirs} netns {name}"));
        must(&format!("ip addr add {}/30 dev {ours}", space.here()));
        must(&format!("ip -n {name} addr add {}/30 dev {theirs}", space.address()));
        must(&format!("ip link set {ours} up"));
        must(&format!("ip -n {name} link set {theirs} up"));
        must(&format!("ip -n {name} link set lo up"));
        space
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
