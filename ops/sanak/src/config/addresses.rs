//! Addresses to listen on, and how devices reach us.

use std::{
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpListener},
};

use super::{
    Mqtt,
    files::needed,
    problem::{Problems, meant, quoted},
    raw::{Given, Raw},
};

const MODES: [&str; 3] = ["direct", "external", "embedded"];

/// Keys that wait for devices over TLS.
const TLS_KEYS: [&str; 5] = ["mqtt.listen", "mqtt.cert", "mqtt.key", "mqtt.device_ca", "mqtt.ca"];

const NO_TLS: &str =
    "this version has no TLS for devices: leave it out, and use mqtt.plain_listen on loopback";

/// The port of MQTT without TLS.
const MQTT_PORT: u16 = 1883;

/// An address to listen on, or its default.
pub(super) fn listen(raw: &Raw, key: &str, default: &str, problems: &mut Problems) -> Option<SocketAddr> {
    match raw.text(key) {
        Some(given) => address(given, key, problems),
        None => default.parse().ok(),
    }
}

fn address(given: &Given, key: &str, problems: &mut Problems) -> Option<SocketAddr> {
    let address = given.text.parse();
    if address.is_err() {
        let what = format!("{} is not an address and port, such as 127.0.0.1:8080", quoted(&given.text));
        problems.tell(given.place.clone(), key, what);
    }
    address.ok()
}

/// How devices reach us: `mqtt.mode`, and the keys that it needs.
pub(super) fn mqtt(raw: &Raw, problems: &mut Problems) -> Option<Mqtt> {
    for key in TLS_KEYS {
        if let Some(given) = raw.text(key) {
            problems.tell(given.place.clone(), key, NO_TLS);
        }
    }
    let mode = raw.text("mqtt.mode").map_or("direct", |given| given.text.as_str());
    let (used, unused) = if mode == "external" {
        ("mqtt.url", "mqtt.plain_listen")
    } else {
        ("mqtt.plain_listen", "mqtt.url")
    };
    if MODES.contains(&mode)
        && let Some(given) = raw.text(unused)
    {
        problems.warn(
            given.place.clone(),
            unused,
            format!("is not used: with mqtt.mode {mode} it is {used}"),
        );
    }
    match mode {
        "direct" => plain_listen(raw, problems).map(Mqtt::Direct),
        "embedded" => plain_listen(raw, problems).map(Mqtt::Embedded),
        "external" => broker(raw, problems),
        other => {
            let what =
                format!("{} is not {}{}", quoted(other), "direct, external or embedded", meant(other, MODES));
            problems.tell(raw.place("mqtt.mode"), "mqtt.mode", what);
            None
        }
    }
}

fn plain_listen(raw: &Raw, problems: &mut Problems) -> Option<SocketAddr> {
    let key = "mqtt.plain_listen";
    let given = needed(raw, key, "a loopback address and port, such as 127.0.0.1:1883", problems)?;
    let address = address(given, key, problems)?;
    if !address.ip().is_loopback() {
        let what = format!(
            "{address} is not loopback, and without TLS nothing else is allowed: use 127.0.0.1 or [::1]"
        );
        problems.tell(given.place.clone(), key, what);
        return None;
    }
    Some(address)
}

fn broker(raw: &Raw, problems: &mut Problems) -> Option<Mqtt> {
    let key = "mqtt.url";
    let given = needed(raw, key, "the broker's address, such as mqtt://127.0.0.1:1883", problems)?;
    let parsed = broker_address(&given.text);
    if let Err(what) = &parsed {
        problems.tell(given.place.clone(), key, what);
    }
    let (host, port) = parsed.ok()?;
    Some(Mqtt::External { host, port })
}

/// `mqtt://host[:port]` → host and port; the host is this machine.
fn broker_address(url: &str) -> Result<(String, u16), String> {
    if url.starts_with("mqtts://") {
        return Err(
            "this version has no TLS towards a broker: use mqtt:// to a broker on this machine".to_owned()
        );
    }
    let expected = || format!("{} is not mqtt://host or mqtt://host:port", quoted(url));
    let rest = url.strip_prefix("mqtt://").ok_or_else(expected)?;
    // The brackets of an IPv6 address stand around its own colons.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| expected())?),
        _ => (rest, MQTT_PORT),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let here = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !here {
        return Err(format!("{} is not this machine, and without TLS nothing else is allowed", quoted(host)));
    }
    Ok((bare.to_owned(), port))
}

/// Tries every address that will be listened on, all at once, so that two of our own are told as well.
pub(super) fn are_free(
    raw: &Raw,
    mqtt: Option<&Mqtt>,
    http: Option<SocketAddr>,
    metrics: Option<SocketAddr>,
    problems: &mut Problems,
) {
    let mqtt = match mqtt {
        Some(Mqtt::Direct(address) | Mqtt::Embedded(address)) => Some(*address),
        _ => None,
    };
    let all = [("mqtt.plain_listen", mqtt), ("http.listen", http), ("metrics.listen", metrics)];
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
    fn a_broker_is_on_this_machine_or_refused() {
        for (url, host, port) in [
            ("mqtt://127.0.0.1", "127.0.0.1", 1883),
            ("mqtt://localhost:2883", "localhost", 2883),
            ("mqtt://[::1]:1884", "::1", 1884),
            ("mqtt://[::1]", "::1", 1883),
        ] {
            assert_eq!(broker_address(url), Ok((host.to_owned(), port)), "{url}");
        }
        for (url, why) in [
            ("mqtts://127.0.0.1:8883", "no TLS"),
            ("mqtt://10.0.0.5", "not this machine"),
            ("mqtt://broker.example:1883", "not this machine"),
            ("tcp://127.0.0.1", "is not mqtt://"),
            ("mqtt://127.0.0.1:70000", "is not mqtt://"),
            ("mqtt://", "not this machine"),
        ] {
            assert!(broker_address(url).is_err_and(|what| what.contains(why)), "{url}");
        }
    }

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
