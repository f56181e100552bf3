//! Addresses to listen on: written well, this machine's, and free.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener},
};

use super::{
    Mqtt,
    problem::{Problems, quoted},
    raw::{Given, Raw},
};

/// An address to listen on, or its default.
pub(super) fn listen(raw: &Raw, key: &str, default: &str, problems: &mut Problems) -> Option<SocketAddr> {
    match raw.text(key) {
        Some(given) => address(given, key, problems),
        None => default.parse().ok(),
    }
}

/// The address and port that a key gives.
pub(super) fn address(given: &Given, key: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let address = given.text.parse();
    if address.is_err() {
        let what = format!("{} is not an address and port, such as 127.0.0.1:8080", quoted(&given.text));
        problems.tell(given.place.clone(), key, what);
    }
    address.ok()
}

/// Tries every address that will be listened on, all at once, so that two of our own are told as well.
pub(super) fn are_free(
    raw: &Raw,
    mqtt: Option<&Mqtt>,
    http: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    problems: &mut Problems,
) {
    let (plain, secure) = match mqtt {
        Some(Mqtt::Direct { plain, tls }) => (*plain, tls.as_ref().map(|tls| tls.listen)),
        Some(Mqtt::Embedded(address)) => (Some(*address), None),
        Some(Mqtt::External { .. }) | None => (None, None),
    };
    let all = [
        ("mqtt.listen", secure),
        ("mqtt.plain_listen", plain),
        ("http.listen", http),
        ("metrics.listen", metrics),
    ];
    let mut taken: Vec<(&str, SocketAddr, Option<TcpListener>)> = Vec::new();
    for (key, address) in all {
        let Some(address) = address else { continue };
        if let Some((other, ..)) = taken.iter().find(|(_, other, _)| overlap(*other, address)) {
            let what = format!("{address} is taken by {other} already: choose another port");
            problems.tell(raw.place(key), key, what);
            continue;
        }
        let bound = TcpListener::bind(address);
        if let Err(error) = &bound {
            problems.tell(raw.place(key), key, refusal(address, error));
        }
        taken.push((key, address, bound.ok()));
    }
}

/// Whether an address that a command was given can be listened on; where not, what to do.
///
/// # Errors
/// One sentence.
pub fn is_free(address: SocketAddr) -> Result<(), String> {
    TcpListener::bind(address).map(drop).map_err(|error| refusal(address, &error))
}

/// Port 0 is whichever is free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let same_ip = one.ip() == other.ip() || one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() == other.port() && one.port() != 0 && same_ip
}

fn refusal(address: SocketAddr, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => {
            let port = address.port();
            format!(
                "port {port} of {} is in use: stop what listens there, or choose another port",
                address.ip()
            )
        }
        ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", address.ip()),
        ErrorKind::PermissionDenied => {
            format!(
                "this user may not listen on {address}: choose a port from 1024 up, or grant CAP_NET_BIND_SERVICE"
            )
        }
        _ => format!("cannot listen on {address}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_all_addresses_is_the_port_of_each() {
        let overlaps = |one: &str, other: &str| overlap(one.parse().unwrap(), other.parse().unwrap());
        assert!(overlaps("0.0.0.0:80", "127.0.0.1:80"));
        assert!(overlaps("127.0.0.1:80", "127.0.0.1:80"));
        assert!(!overlaps("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!overlaps("127.0.0.1:80", "127.0.0.1:81"));
        assert!(!overlaps("127.0.0.1:0", "127.0.0.1:0"));
    }
}
