//! The configuration of a Mosquitto 2 that serves devices. Each setting stands here because a test or a measurement
//! asked for it; the tests of this crate start the real one with it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Largest packet, in bytes: above our own limit of a message, so that one too large for us reaches us and is counted.
const MAX_PACKET_BYTES: u32 = 512 * 1024;

/// Messages of one session that wait for its acknowledgement. The gateway acknowledges after the journal's sync; twenty,
/// Mosquitto's own value, would bind it to twenty a sync.
const MAX_IN_FLIGHT: u32 = 1_000;

/// Bytes of the same: what the gateway has to hold at most.
const MAX_IN_FLIGHT_BYTES: u32 = 64 * 1024 * 1024;

/// What is kept for a session that is away: more is dropped, and devices repeat it.
const MAX_QUEUED: u32 = 100_000;
const MAX_QUEUED_BYTES: u32 = 512 * 1024 * 1024;

/// Connections beside the devices': the gateway's, and strangers that have proved nothing yet.
const BESIDE_DEVICES: usize = 2_000;

/// Longest keep-alive, in seconds. Only version 5 can be told; a 3.1.1 client has the one it asks for.
const MAX_KEEP_ALIVE: u16 = 600;

/// Where things are on the machine that the broker runs on.
#[derive(Debug, Clone)]
pub struct Mosquitto {
    /// Address for devices and gateway.
    pub listen: SocketAddr,
    /// Devices that may be connected at once.
    pub devices: usize,
    /// Certificate of the authority that signs devices and the gateway, PEM.
    pub device_ca: PathBuf,
    /// The broker's own certificate, PEM.
    pub cert: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// Certificates that were revoked, PEM; read again on SIGHUP.
    pub revoked: Option<PathBuf>,
    /// The access list ([`Access::mosquitto`](super::Access::mosquitto)).
    pub acl: PathBuf,
    /// File in which its dynamic-security plugin keeps who is shut out; it need not be there, its directory must be
    /// the broker's to write in.
    pub shut_out: PathBuf,
    /// Directory in which it keeps sessions and messages.
    pub persistence: PathBuf,
    /// Its log, in which refusals are found.
    pub log: PathBuf,
}

impl Mosquitto {
    /// `mosquitto.conf`.
    pub fn configuration(&self) -> String {
        let Self { listen, devices, .. } = self;
        let shown = |path: &Path| path.display().to_string();
        let (port, address) = (listen.port(), listen.ip());
        let (ca, cert, key) = (shown(&self.device_ca), shown(&self.cert), shown(&self.key));
        let (acl, shut_out, log) = (shown(&self.acl), shown(&self.shut_out), shown(&self.log));
        let plugins = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
        // Mosquitto puts the file's name behind it as it is.
        let persistence = shown(&self.persistence.join(""));
        let connections = devices + BESIDE_DEVICES;
        let revoked = match &self.revoked {
            Some(path) => format!("crlfile {}", shown(path)),
            None => "# crlfile: none is kept".to_owned(),
        };
        format!(
            "\
# Mosquitto 2 before Sanak: the whole configuration (/etc/mosquitto/mosquitto.conf).
# Read again on SIGHUP: access list, certificates, the list of revoked ones; the log is opened anew.

per_listener_settings false
allow_anonymous false
acl_file {acl}
sys_interval 0

# The gateway tells it who is shut out while it runs: their connections end at once. About everybody else it has no
# opinion, and the access list decides. The path is Debian's on this kind of machine.
plugin {plugins}/mosquitto_dynamic_security.so
plugin_opt_config_file {shut_out}

# Sessions and what waits for them. What is lost with a power cut between two savings, devices repeat.
persistence true
persistence_location {persistence}
autosave_interval 30
persistent_client_expiration 2d

# What one client may cost.
max_packet_size {MAX_PACKET_BYTES}
max_inflight_messages {MAX_IN_FLIGHT}
max_inflight_bytes {MAX_IN_FLIGHT_BYTES}
max_queued_messages {MAX_QUEUED}
max_queued_bytes {MAX_QUEUED_BYTES}
max_keepalive {MAX_KEEP_ALIVE}
queue_qos0_messages false
set_tcp_nodelay true

# sanak.toml names this file as mqtt.log_file. Denied publications and wills are told as `debug`.
log_dest file {log}
log_timestamp_format %Y-%m-%dT%H:%M:%S
log_type error
log_type warning
log_type notice
log_type information
log_type subscribe
log_type debug
connection_messages true

# The devices' door: TLS 1.3, a certificate, and its common name as user and as client id.
listener {port} {address}
max_connections {connections}
max_qos 1
tls_version tlsv1.3
cafile {ca}
certfile {cert}
keyfile {key}
{revoked}
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"
        )
    }

    /// A file for `/etc/logrotate.d`: the log holds every packet, some 200 bytes each.
    pub fn logrotate(&self) -> String {
        let log = self.log.display();
        format!(
            "\
# Call hourly. The group `sanak` reads the file; Mosquitto opens it anew when it is told.
{log} {{
    size 200M
    rotate 10
    compress
    delaycompress
    missingok
    create 0640 mosquitto sanak
    postrotate
        systemctl kill --signal=HUP mosquitto
    endscript
}}
"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mosquitto() -> Mosquitto {
        Mosquitto {
            listen: SocketAddr::from(([0, 0, 0, 0], 8883)),
            devices: 10_000,
            device_ca: "/etc/mosquitto/sanak/ca.crt".into(),
            cert: "/etc/mosquitto/sanak/server.crt".into(),
            key: "/etc/mosquitto/sanak/server.key".into(),
            revoked: None,
            acl: "/etc/mosquitto/sanak/acl".into(),
            shut_out: "/var/lib/mosquitto/sanak-shut-out.json".into(),
            persistence: "/var/lib/mosquitto".into(),
            log: "/var/log/mosquitto/sanak.log".into(),
        }
    }

    #[test]
    fn every_setting_stands_once_but_those_that_are_lists() {
        let text = mosquitto().configuration();
        let mut seen = std::collections::BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let setting = line.split(' ').next().unwrap();
            assert!(setting == "log_type" || seen.insert(setting), "{setting} stands twice");
            assert!(line.split(' ').nth(1).is_some_and(|value| !value.is_empty()), "{line}");
        }
        assert!(text.contains("\nlistener 8883 0.0.0.0\nmax_connections 12000\n"));
        assert!(text.contains("\npersistence_location /var/lib/mosquitto/\n"));
    }

    #[test]
    fn a_list_of_revoked_certificates_is_named_where_there_is_one() {
        assert!(!mosquitto().configuration().contains("\ncrlfile"));
        let with = Mosquitto { revoked: Some("/etc/mosquitto/sanak/revoked.pem".into()), ..mosquitto() };
        assert!(with.configuration().contains("\ncrlfile /etc/mosquitto/sanak/revoked.pem\n"));
        assert!(with.logrotate().starts_with("# Call hourly."));
    }
}
