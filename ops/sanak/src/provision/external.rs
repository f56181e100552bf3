//! What a broker that stands between needs beside its certificates: who may do what, and a whole configuration for
//! Mosquitto. The access lists follow from who is revoked, and are written anew when that changes; a configuration that
//! stands belongs to whoever runs the broker.

use std::{net::SocketAddr, path::Path};

use ::broker::external::{Access, Mosquitto};
use election::{Definition, definition::DeviceStatus};

use super::{
    GATEWAY, Tale, Trouble, bundle,
    vault::{self, LONGEST_LIST, OPEN, Vault, private_dir},
};

/// Where the files lie on the broker's machine.
const THERE: &str = "/etc/mosquitto/sanak";

/// Brings `broker/` up to date.
pub(crate) fn fill(vault: &Vault, definition: &Definition, tale: &mut Tale) -> Result<(), Trouble> {
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
    for (name, text) in
        [("mosquitto.conf", mosquitto.configuration()), ("mosquitto.logrotate", mosquitto.logrotate())]
    {
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
        persistence: "/var/lib/mosquitto".into(),
        log: "/var/log/mosquitto/sanak.log".into(),
    }
}
