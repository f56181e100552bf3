//! What a broker that stands between needs beside its certificates: who may do what, and a whole configuration for
//! Mosquitto and for the service behind it. The access lists follow from who is revoked, and are written anew when that changes; a configuration that
//! stands belongs to whoever runs the broker.

use std::{net::SocketAddr, path::Path};

use ::broker::external::{Access, Mosquitto};
use election::{Definition, definition::DeviceStatus};

use super::{
    GATEWAY, Tale, Trouble, bundle,
    vault::{self, LONGEST_LIST, OPEN, Vault, private_dir},
};

/// Where the files lie on the broker's machine, and its log.
const THERE: &str = "/etc/mosquitto/sanak";
const LOG: &str = "/var/log/mosquitto/sanak.log";

/// Brings `broker/` up to date. `address` is the broker's, `host:port`.
pub(crate) fn fill(
    vault: &Vault,
    definition: &Definition,
    address: &str,
    tale: &mut Tale,
) -> Result<(), Trouble> {
    let mut revoked = Vec::new();
    for device in definition.devices().values() {
        if device.status == DeviceStatus::Revoked || bundle::is_revoked(vault, device.id.as_str())? {
            revoked.push(device.id.to_string());
        }
    }
    private_dir(&vault.path("broker"))?;
    let access = Access { gateway: GATEWAY, revoked: &revoked };
    let lists = [
        ("mosquitto.acl", access.mosquitto()),
        ("emqx-acl.conf", access.emqx()),
        ("rmqtt-acl.toml", access.rmqtt()),
    ];
    for (name, text) in lists {
        let name = format!("broker/{name}");
        let path = vault.path(&name);
        match vault::read_up_to(&path, OPEN, LONGEST_LIST)? {
            Some(stands) if stands == text => continue,
            Some(_) => vault::replace(&path, text.as_bytes())?,
            None => vault::make(&path, &text, OPEN)?,
        }
        tale.made.push(name);
    }
    let mosquitto = mosquitto(definition.devices().len());
    let made_once = [
        ("mosquitto.conf", mosquitto.configuration()),
        ("mosquitto.logrotate", mosquitto.logrotate()),
        ("sanak.toml", service(address)),
    ];
    for (name, text) in made_once {
        let name = format!("broker/{name}");
        let path = vault.path(&name);
        if vault::read(&path, OPEN)?.is_none() {
            vault::make(&path, &text, OPEN)?;
            tale.made.push(name);
        }
    }
    Ok(())
}

fn mosquitto(devices: usize) -> Mosquitto {
    let there = Path::new(THERE);
    Mosquitto {
        listen: SocketAddr::from(([0, 0, 0, 0], 8883)),
        devices,
        device_ca: there.join("ca.crt"),
        cert: there.join("server.crt"),
        key: there.join("server.key"),
        revoked: Some(there.join("crl.pem")),
        acl: there.join("mosquitto.acl"),
        shut_out: "/var/lib/mosquitto/sanak-shut-out.json".into(),
        persistence: "/var/lib/mosquitto".into(),
        log: LOG.into(),
    }
}

/// The service behind that Mosquitto, with its files where its unit for systemd has them.
fn service(address: &str) -> String {
    format!(
        "\
# Sanak behind Mosquitto: the whole configuration (/etc/sanak/sanak.toml).

[election]
dir = \"/etc/sanak/election\"

[data]
dir = \"/var/lib/sanak\"

[mqtt]
mode = \"external\"
broker = \"mosquitto\"                             # told who is shut out; \"other\": end connections there by hand
url = \"mqtts://{address}\"
ca = \"/etc/sanak/ca.crt\"
cert = \"/etc/sanak/gateway.crt\"
key = \"/etc/sanak/gateway.key\"
log_file = \"{LOG}\"    # where the broker is on this machine; otherwise leave it out

[http]
listen = \"127.0.0.1:8080\"

[metrics]
listen = \"127.0.0.1:9090\"

[room]
tokens_file = \"/etc/sanak/tokens\"

[centre]
key_file = \"/etc/sanak/centre.key\"
"
    )
}
