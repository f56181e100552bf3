//! How devices reach us: `mqtt.mode`, and the keys that it needs.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use broker::{
    direct::Tls,
    tls::{KeyPair, check_client, check_server},
};

use crate::certificates::Certificate;

use super::{
    addresses::address,
    files::{needed, others_can_read},
    problem::{Problems, meant, quoted},
    raw::Raw,
};

/// How devices reach us.
#[derive(Debug, Clone)]
pub enum Mqtt {
    /// The service ends the devices' connections itself, at one of these doors or both.
    Direct {
        /// Without TLS; loopback.
        plain: Option<SocketAddr>,
        /// TLS 1.3 with a certificate for each device.
        tls: Option<Tls>,
    },
    /// A broker inside the process, on this loopback address.
    Embedded(SocketAddr),
    /// Somebody else's broker.
    External {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// The authority that signed it, and our own certificate where it asks for one. `None`: without TLS, on this
        /// machine.
        tls: Option<(PathBuf, Option<KeyPair>)>,
        /// Its log, where it is a Mosquitto on this machine: what it refuses is counted from it.
        log_file: Option<PathBuf>,
        /// It is a Mosquitto with its dynamic-security plugin, and is told who is shut out.
        mosquitto: bool,
    },
}

impl Mqtt {
    /// The certificates that connections need.
    pub fn certificates(&self) -> Vec<Certificate> {
        let of = |what, key, path: &PathBuf| Certificate { what, key, path: path.clone() };
        match self {
            Self::Direct { tls: Some(tls), .. } => vec![
                of("server", "mqtt.cert", &tls.server.cert),
                of("device_ca", "mqtt.device_ca", &tls.device_ca),
            ],
            Self::External { tls: Some((ca, ours)), .. } => {
                let ours = ours.iter().map(|pair| of("gateway", "mqtt.cert", &pair.cert));
                [of("broker_ca", "mqtt.ca", ca)].into_iter().chain(ours).collect()
            }
            Self::Direct { .. } | Self::External { .. } | Self::Embedded(_) => Vec::new(),
        }
    }
}

/// Each mode, and the keys of `mqtt` that mean something in it.
const MODES: [(&str, &[&str]); 3] = [
    ("direct", &["mqtt.listen", "mqtt.cert", "mqtt.key", "mqtt.device_ca", "mqtt.plain_listen"]),
    ("external", &["mqtt.url", "mqtt.ca", "mqtt.cert", "mqtt.key", "mqtt.log_file", "mqtt.broker"]),
    ("embedded", &["mqtt.plain_listen"]),
];

/// Ports of MQTT without and with TLS.
const PLAIN_PORT: u16 = 1883;
const TLS_PORT: u16 = 8883;

/// Reads the mode and its keys. A key that has no meaning in the mode is a warning.
pub(super) fn mqtt(raw: &Raw, problems: &mut Problems) -> Option<Mqtt> {
    let mode = raw.text("mqtt.mode").map_or("direct", |given| given.text.as_str());
    let Some((_, used)) = MODES.iter().find(|(known, _)| *known == mode) else {
        let meant = meant(mode, MODES.iter().map(|(known, _)| *known));
        let what = format!("{} is not direct, external or embedded{meant}", quoted(mode));
        problems.tell(raw.place("mqtt.mode"), "mqtt.mode", what);
        return None;
    };
    let all = MODES.iter().flat_map(|(_, keys)| *keys);
    let unused: std::collections::BTreeSet<&str> = all.copied().filter(|key| !used.contains(key)).collect();
    for key in unused {
        if let Some(given) = raw.text(key) {
            problems.warn(given.place.clone(), key, format!("is not used with mqtt.mode {mode}"));
        }
    }
    match mode {
        "direct" => direct(raw, problems),
        "embedded" => plain_listen(raw, problems).map(Mqtt::Embedded),
        _ => external(raw, problems),
    }
}

fn direct(raw: &Raw, problems: &mut Problems) -> Option<Mqtt> {
    let (listen, plain) = (raw.text("mqtt.listen"), raw.text("mqtt.plain_listen"));
    if listen.is_none() && plain.is_none() {
        let what = "is missing: give an address for devices over TLS, such as 0.0.0.0:8883, or mqtt.plain_listen on \
                    loopback";
        problems.tell(raw.place("mqtt.listen"), "mqtt.listen", what);
        return None;
    }
    // Both are read before either is given up on.
    let plain = plain.map(|_| plain_listen(raw, problems));
    let tls = listen.map(|_| devices_door(raw, problems));
    Some(Mqtt::Direct { plain: given_or_fail(plain)?, tls: given_or_fail(tls)? })
}

/// What was not asked for is fine; what was asked for and failed is not.
#[expect(clippy::option_option, reason = "not asked for, failed, there: three cases")]
fn given_or_fail<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(there) => Some(there),
    }
}

fn devices_door(raw: &Raw, problems: &mut Problems) -> Option<Tls> {
    let listen = raw.text("mqtt.listen").and_then(|given| address(given, "mqtt.listen", problems));
    let server = key_pair(raw, "the server's", problems);
    let device_ca =
        path(raw, "mqtt.device_ca", "the certificate of the authority that signs devices", problems);
    let tls = Tls { listen: listen?, server: server?, device_ca: device_ca? };
    fits(raw, check_server(&tls.server, &tls.device_ca), problems)?;
    Some(tls)
}

fn path(raw: &Raw, key: &str, what: &str, problems: &mut Problems) -> Option<PathBuf> {
    needed(raw, key, &format!("{what}, in PEM"), problems).map(|given| raw.path(given))
}

fn key_pair(raw: &Raw, whose: &str, problems: &mut Problems) -> Option<KeyPair> {
    let cert = path(raw, "mqtt.cert", &format!("{whose} certificate"), problems);
    let key = path(raw, "mqtt.key", &format!("{whose} private key"), problems);
    if let Some(key) = &key {
        others_can_read(key, raw.place("mqtt.key"), "mqtt.key", problems);
    }
    Some(KeyPair { cert: cert?, key: key? })
}

/// Tells which certificate or key is not as it should be, at the key of the configuration that names it.
fn fits(raw: &Raw, checked: Result<(), broker::Error>, problems: &mut Problems) -> Option<()> {
    let error = match checked {
        Ok(()) => return Some(()),
        Err(error) => error,
    };
    let (path, what) = match &error {
        broker::Error::Certificate { path, problem } => {
            (path.clone(), format!("{}: {problem}", path.display()))
        }
        other => (PathBuf::new(), other.to_string()),
    };
    let names = |key: &&&str| raw.text(key).is_some_and(|given| raw.path(given) == path);
    let key =
        ["mqtt.cert", "mqtt.key", "mqtt.device_ca", "mqtt.ca"].iter().find(names).unwrap_or(&"mqtt.cert");
    problems.tell(raw.place(key), key, what);
    None
}

fn plain_listen(raw: &Raw, problems: &mut Problems) -> Option<SocketAddr> {
    let key = "mqtt.plain_listen";
    let given = needed(raw, key, "a loopback address and port, such as 127.0.0.1:1883", problems)?;
    let address = address(given, key, problems)?;
    if !address.ip().is_loopback() {
        let what = format!(
            "{address} is not loopback, and without TLS nothing else is allowed: use 127.0.0.1 or [::1], or mqtt.listen"
        );
        problems.tell(given.place.clone(), key, what);
        return None;
    }
    Some(address)
}

fn external(raw: &Raw, problems: &mut Problems) -> Option<Mqtt> {
    let key = "mqtt.url";
    let given = needed(raw, key, "the broker's address, such as mqtts://broker.example:8883", problems)?;
    let (secure, host, port) = match broker_address(&given.text) {
        Ok(address) => address,
        Err(what) => {
            problems.tell(given.place.clone(), key, what);
            return None;
        }
    };
    let tls = secure.then(|| towards_broker(raw, problems));
    let log_file = given_or_fail(raw.text("mqtt.log_file").map(|_| brokers_log(raw, problems)));
    let mosquitto = kind_of_broker(raw, problems);
    Some(Mqtt::External { host, port, tls: given_or_fail(tls)?, log_file: log_file?, mosquitto: mosquitto? })
}

/// A Mosquitto is told who is shut out; another broker's connections are ended there.
fn kind_of_broker(raw: &Raw, problems: &mut Problems) -> Option<bool> {
    let key = "mqtt.broker";
    match raw.text(key).map_or("mosquitto", |given| given.text.as_str()) {
        "mosquitto" => Some(true),
        "other" => Some(false),
        given => {
            problems.tell(raw.place(key), key, format!("{} is not mosquitto or other", quoted(given)));
            None
        }
    }
}

/// The broker may be started after us: a log that is not there yet is no mistake.
fn brokers_log(raw: &Raw, problems: &mut Problems) -> Option<PathBuf> {
    let key = "mqtt.log_file";
    let log = needed(raw, key, "the file that the broker logs to", problems).map(|given| raw.path(given))?;
    match std::fs::File::open(&log) {
        Ok(_) => Some(log),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = format!(
                "{} is not there: nothing that the broker refuses is counted until it is",
                log.display()
            );
            problems.warn(raw.place(key), key, what);
            Some(log)
        }
        Err(error) => {
            let what = format!("{} cannot be read: {error}: let this user's group read it", log.display());
            problems.tell(raw.place(key), key, what);
            None
        }
    }
}

fn towards_broker(raw: &Raw, problems: &mut Problems) -> Option<(PathBuf, Option<KeyPair>)> {
    let ca = path(raw, "mqtt.ca", "the certificate of the authority that signed the broker", problems);
    let asked = raw.text("mqtt.cert").or(raw.text("mqtt.key")).is_some();
    let ours = given_or_fail(asked.then(|| key_pair(raw, "our own", problems)))?;
    let ca = ca?;
    fits(raw, check_client(&ca, ours.as_ref()), problems)?;
    Some((ca, ours))
}

/// `mqtt://host[:port]` or `mqtts://host[:port]` → whether with TLS, host and port. Without TLS the host is this
/// machine.
fn broker_address(url: &str) -> Result<(bool, String, u16), String> {
    let expected = || format!("{} is not mqtts://host:port, or mqtt://127.0.0.1:port", quoted(url));
    let (secure, rest) = match url.strip_prefix("mqtts://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("mqtt://").ok_or_else(expected)?),
    };
    // The brackets of an IPv6 address stand around its own colons.
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| expected())?),
        _ => (rest, if secure { TLS_PORT } else { PLAIN_PORT }),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if bare.is_empty() || bare.contains(['/', '@', ' ']) {
        return Err(expected());
    }
    let here = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    if !secure && !here {
        let host = quoted(host);
        return Err(format!(
            "{host} is not this machine, and without TLS nothing else is allowed: use mqtts://"
        ));
    }
    Ok((secure, bare.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_elsewhere_is_reached_with_tls_or_not_at_all() {
        for (url, secure, host, port) in [
            ("mqtt://127.0.0.1", false, "127.0.0.1", 1883),
            ("mqtt://localhost:2883", false, "localhost", 2883),
            ("mqtt://[::1]:1884", false, "::1", 1884),
            ("mqtt://[::1]", false, "::1", 1883),
            ("mqtts://broker.example", true, "broker.example", 8883),
            ("mqtts://10.0.0.5:9883", true, "10.0.0.5", 9883),
        ] {
            assert_eq!(broker_address(url), Ok((secure, host.to_owned(), port)), "{url}");
        }
        for (url, why) in [
            ("mqtt://10.0.0.5", "not this machine"),
            ("mqtt://broker.example:1883", "not this machine"),
            ("tcp://127.0.0.1", "is not mqtts://"),
            ("mqtt://127.0.0.1:70000", "is not mqtts://"),
            ("mqtts://", "is not mqtts://"),
            ("mqtts://user:word@host:8883", "is not mqtts://"),
        ] {
            assert!(broker_address(url).is_err_and(|what| what.contains(why)), "{url}");
        }
    }
}
