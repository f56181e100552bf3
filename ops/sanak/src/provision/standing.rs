//! Another key for a device, or none at all: the bundle changes here, and the running service learns of it by a
//! decision, whose JSON is printed.

use std::{io::Write, path::Path};

use device_wire::VerifyingKey;
use election::{
    Definition,
    definition::{Device, DeviceStatus},
    record::{Act, PublicKey},
};
use serde_json::json;

use super::{Tale, Trouble, authority::Authority, bundle, centre::Centre, vault::Vault};

/// The device that is meant.
pub(crate) fn device<'a>(
    definition: &'a Definition,
    id: &str,
    election: &Path,
) -> Result<&'a Device, Trouble> {
    let found = definition.devices().values().find(|device| device.id.as_str() == id);
    let path = election.join("devices.csv");
    let found = found.ok_or_else(|| Trouble::mistake(&path, format!("there is no device {id}")))?;
    match found.status {
        DeviceStatus::Revoked => Err(Trouble::mistake(
            path,
            format!("device {id} is revoked: new hardware is a new id that replaces it"),
        )),
        DeviceStatus::Active | DeviceStatus::Spare => Ok(found),
    }
}

/// Another key and certificate; what the device had is put aside, and listed as revoked.
pub(crate) fn reissue(
    vault: &Vault,
    authority: &Authority,
    definition: &Definition,
    device: &Device,
    centre: &Centre,
    tale: &mut Tale,
) -> Result<VerifyingKey, Trouble> {
    let id = &device.id;
    if bundle::look(vault, authority, centre, &definition.about().id, device)?.is_none() {
        let what =
            format!("device {id} has no bundle here: run without --reissue first, or in the right directory");
        return Err(Trouble::mistake(bundle::dir_of(vault, id.as_str()), what));
    }
    let key = bundle::renew(vault, authority, device)?;
    tale.made.extend(["device.key", "device.crt"].map(|file| format!("devices/{id}/{file}")));
    Ok(key)
}

/// Revokes the certificate in use; that of a device that has none here is of its own authority.
pub(crate) fn revoke(vault: &Vault, device: &Device, tale: &mut Tale) -> Result<(), Trouble> {
    let id = device.id.as_str();
    if bundle::dir_of(vault, id).is_dir() {
        return bundle::mark_revoked(vault, id);
    }
    tale.warnings.push(format!("device {id} has no bundle here: crl.pem does not list a certificate of it"));
    Ok(())
}

/// Writes the decision that the situation room is to be sent: a new key, or none any more.
pub(crate) fn decision(
    out: &mut impl Write,
    definition: &Definition,
    device: &Device,
    key: Option<VerifyingKey>,
    reason: &str,
) -> Result<(), Trouble> {
    // A spare that stands nowhere yet can be decided about in any precinct.
    let somewhere = device.precinct.or_else(|| definition.precincts().keys().next().copied());
    let Some(precinct) = somewhere else { return Ok(()) };
    let device = device.id.clone();
    let act = match key {
        Some(key) => Act::Reissue { precinct, device, public_key: PublicKey(key.to_bytes()) },
        None => Act::Revoke { precinct, device },
    };
    let write = writeln!(out, "{}", json!({ "reason": reason, "act": act }));
    write.map_err(Trouble::io(Path::new("stdout"), "written"))
}

/// What is to be done with the decision.
pub(crate) fn told(device: &str, decision: bool, reissued: bool) -> String {
    let bundle = if reissued {
        format!("give device {device} its new device.key and device.crt; what it had stands in superseded/\n")
    } else {
        String::new()
    };
    if !decision {
        return format!(
            "{bundle}devices.csv has the new key: check that no journal was begun with the old one"
        );
    }
    format!(
        "{bundle}it is in force once the service has taken the decision above, with a token of the situation room:\n  \
         curl --fail-with-body -H \"authorization: Bearer $TOKEN\" --data @decision.json \
         http://127.0.0.1:8080/api/v1/room/decisions"
    )
}
