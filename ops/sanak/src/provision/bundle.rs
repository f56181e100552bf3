//! What one device is given: `devices/{id}/` with its key, its certificate, the authority's certificate and
//! `device.toml`. What it had before stands in `superseded/`.

use std::{
    fmt::Write as _,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use device_wire::{
    SigningKey, VerifyingKey,
    keys::{parse_private, public_to_hex},
};
use election::{
    ElectionId,
    definition::{Device, DeviceKind},
};

use super::{
    Trouble,
    authority::{self, Authority, CERTIFICATE},
    centre::{Centre, pem},
    vault::{self, OPEN, SECRET, Vault, private_dir},
};

const KEY: &str = "device.key";
const CERT: &str = "device.crt";
const TOML: &str = "device.toml";
const BEFORE: &str = "superseded";

/// Where the bundles are.
pub(crate) const DEVICES: &str = "devices";

/// A bundle that stands.
pub(crate) struct Standing {
    /// The device's key.
    pub key: VerifyingKey,
    /// Files that were missing in it, and were made again.
    pub mended: Vec<&'static str>,
    /// Whether its `device.toml` says what would be written now.
    pub current: bool,
}

/// The directory of a device's bundle.
pub(crate) fn dir_of(vault: &Vault, device: &str) -> PathBuf {
    vault.path(DEVICES).join(device)
}

/// Writes a new bundle into a directory that nobody knows yet. Nothing of it is synced.
pub(crate) fn draft(
    dir: &Path,
    authority: &Authority,
    centre: &Centre,
    election: &ElectionId,
    device: &Device,
    key: &SigningKey,
) -> Result<(), Trouble> {
    DirBuilder::new().mode(0o700).create(dir).map_err(Trouble::io(dir, "made"))?;
    let path = dir.join(KEY);
    vault::draft(&path, &pem(&path, key)?, SECRET)?;
    let path = dir.join(CERT);
    let certificate = authority.sign_device(&path, device.id.as_str(), &key.verifying_key())?;
    vault::draft(&path, &certificate, OPEN)?;
    vault::draft(&dir.join(CERTIFICATE), &authority.certificate, OPEN)?;
    vault::draft(&dir.join(TOML), &toml(centre, election, device), OPEN)
}

/// Looks at a bundle: `None` where there is none. What is missing beside the key is made again, for it follows from
/// the key; a certificate that was being replaced when the machine stopped is one that is missing.
pub(crate) fn look(
    vault: &Vault,
    authority: &Authority,
    centre: &Centre,
    election: &ElectionId,
    device: &Device,
) -> Result<Option<Standing>, Trouble> {
    let dir = dir_of(vault, device.id.as_str());
    if fs::symlink_metadata(&dir).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Ok(None);
    }
    private_dir(&dir)?;
    let path = dir.join(KEY);
    let Some(text) = vault::read(&path, SECRET)? else {
        let what = "is missing: put it back, or move the device's directory away and have another key made";
        return Err(Trouble::mistake(path, what));
    };
    let key = parse_private(&text).map_err(|why| Trouble::mistake(&path, why.to_string()))?.verifying_key();
    let mut mended = Vec::new();
    let path = dir.join(CERT);
    let certificate = vault::read(&path, OPEN)?;
    match certificate.as_deref().map(|text| authority::read(&path, text)).transpose()? {
        Some(read) if read.name == device.id.as_str() && read.key == key.as_bytes() => {}
        Some(read) if superseded_keys(&dir)?.iter().all(|old| old.as_slice() != read.key) => {
            let what = "is not of device.key and this device: move it out of the way, and a new one is made";
            return Err(Trouble::mistake(path, what));
        }
        there => {
            let made = authority.sign_device(&path, device.id.as_str(), &key)?;
            match there {
                Some(_) => vault::replace(&path, made.as_bytes())?,
                None => vault::make(&path, &made, OPEN)?,
            }
            mended.push(CERT);
        }
    }
    let mut current = true;
    for (name, text) in [(CERTIFICATE, authority.certificate.clone()), (TOML, toml(centre, election, device))]
    {
        let path = dir.join(name);
        match vault::read(&path, OPEN)? {
            Some(stands) => current &= stands == text,
            None => {
                vault::make(&path, &text, OPEN)?;
                mended.push(name);
            }
        }
    }
    Ok(Some(Standing { key, mended, current }))
}

/// Gives a device another key and certificate; those it had are put aside.
pub(crate) fn renew(vault: &Vault, authority: &Authority, device: &Device) -> Result<VerifyingKey, Trouble> {
    let dir = dir_of(vault, device.id.as_str());
    let (key_path, cert_path) = (dir.join(KEY), dir.join(CERT));
    let old_key = vault::read(&key_path, SECRET)?.unwrap_or_default();
    let old = parse_private(&old_key).map_err(|why| Trouble::mistake(&key_path, why.to_string()))?;
    let aside = dir.join(BEFORE).join(public_to_hex(&old.verifying_key()));
    private_dir(&dir.join(BEFORE))?;
    private_dir(&aside)?;
    for (name, mode) in [(KEY, SECRET), (CERT, OPEN)] {
        // One that stands there is of an attempt that was interrupted.
        if let (Some(text), None) =
            (vault::read(&dir.join(name), mode)?, vault::read(&aside.join(name), mode)?)
        {
            vault::make(&aside.join(name), &text, mode)?;
        }
    }
    let key = super::centre::new_signing_key(&key_path)?;
    let certificate = authority.sign_device(&cert_path, device.id.as_str(), &key.verifying_key())?;
    vault::replace(&key_path, pem(&key_path, &key)?.as_bytes())?;
    vault::replace(&cert_path, certificate.as_bytes())?;
    Ok(key.verifying_key())
}

/// Notes that a device's certificate is revoked, for the list.
pub(crate) fn mark_revoked(vault: &Vault, device: &str) -> Result<(), Trouble> {
    let path = dir_of(vault, device).join("revoked");
    match vault::read(&path, OPEN)? {
        Some(_) => Ok(()),
        None => vault::make(&path, "", OPEN),
    }
}

/// Whether a device's certificate in use was revoked here.
pub(crate) fn is_revoked(vault: &Vault, device: &str) -> Result<bool, Trouble> {
    Ok(vault::read(&dir_of(vault, device).join("revoked"), OPEN)?.is_some())
}

/// Numbers of a device's certificates that are revoked: those of superseded keys, and the one in use where the device
/// is `gone`.
pub(crate) fn revoked_serials(vault: &Vault, device: &str, gone: bool) -> Result<Vec<Vec<u8>>, Trouble> {
    let dir = dir_of(vault, device);
    let mut paths: Vec<PathBuf> = aside(&dir)?.into_iter().map(|old| old.join(CERT)).collect();
    if gone || is_revoked(vault, device)? {
        paths.push(dir.join(CERT));
    }
    let mut serials = Vec::new();
    for path in paths {
        if let Some(text) = vault::read(&path, OPEN)? {
            serials.push(authority::read(&path, &text)?.serial);
        }
    }
    Ok(serials)
}

/// The keys that a device had before.
pub(crate) fn superseded_keys(dir: &Path) -> Result<Vec<Vec<u8>>, Trouble> {
    let names =
        aside(dir)?.into_iter().filter_map(|path| hex::decode(path.file_name()?.as_encoded_bytes()).ok());
    Ok(names.collect())
}

/// The directories of what a device had before, in the order of their names.
fn aside(dir: &Path) -> Result<Vec<PathBuf>, Trouble> {
    let before = dir.join(BEFORE);
    let entries = match fs::read_dir(&before) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Trouble::io(&before, "read"))?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(Trouble::io(&before, "read"))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// What the device is told, in TOML. Ids have no character that TOML would have to escape, and addresses and key
/// names were checked.
fn toml(centre: &Centre, election: &ElectionId, device: &Device) -> String {
    let id = &device.id;
    let kind = match device.kind {
        DeviceKind::Urn => "urn",
        DeviceKind::IdTerminal => "id_terminal",
    };
    let place = match device.precinct {
        Some(at) => format!("precinct = {at}\ntopic_prefix = \"sanak/1/{election}/{at}/{id}\"\n"),
        None => {
            "# In reserve: it is told its precinct, the third part of its topics, when it is put in use.\n"
                .into()
        }
    };
    let mut keys = String::new();
    for (kid, key) in &centre.keys {
        // Writing to a string cannot fail.
        let _ = write!(keys, "\n[[centre]]\nkid = \"{kid}\"\npublic_key = \"{}\"\n", public_to_hex(key));
    }
    format!(
        "# All that device {id} needs to report. {KEY} is secret; it also signs every message.\n\
         version = 1\n\
         election = \"{election}\"\n\
         device = \"{id}\"\n\
         kind = \"{kind}\"\n\
         {place}\
         client_id = \"{id}\"\n\
         kid = \"{id}\"\n\
         private_key = \"{KEY}\"\n\
         certificate = \"{CERT}\"\n\
         \n\
         # MQTT 3.1.1 or 5.0 over TLS 1.3. The certificate shown must be for this name, and signed by this authority.\n\
         [server]\n\
         address = \"{address}\"\n\
         name = \"{name}\"\n\
         authority = \"{CERTIFICATE}\"\n\
         \n\
         # Receipts and commands are signed by one of these keys.{keys}",
        address = centre.address,
        name = centre.server_name,
    )
}
