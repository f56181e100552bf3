//! The centre's own: the key that signs receipts and commands, the server's certificate, and the gateway's towards a
//! broker.

use std::path::Path;

use device_wire::{
    SigningKey, VerifyingKey,
    keys::{parse_private, private_to_pem, public_to_hex},
};

use super::{
    Options, Tale, Task, Trouble,
    authority::{self, Authority, Usage},
    vault::{self, OPEN, SECRET, Vault},
};

/// Common name of the gateway's certificate: who it is to a broker.
pub const GATEWAY: &str = "sanak-gateway";

/// What devices are told of the centre.
pub(crate) struct Centre {
    /// `host:port`.
    pub address: String,
    /// The name that the server's certificate is checked for.
    pub server_name: String,
    /// The keys that sign for the centre, by name.
    pub keys: Vec<(String, VerifyingKey)>,
}

/// Makes what is missing of the centre's own.
pub(crate) fn fill(
    vault: &Vault,
    authority: &Authority,
    options: &Options,
    tale: &mut Tale,
) -> Result<Centre, Trouble> {
    let key = signing_key(vault, tale)?;
    pair(vault, tale, "gateway", GATEWAY, |path, key| {
        authority.sign_own(path, GATEWAY, key, &Usage::Client)
    })?;
    server(vault, authority, options, tale)?;
    let mut keys = vec![(options.centre_kid.clone(), key)];
    keys.extend(options.centre_keys.iter().cloned());
    let server_name = host(&options.address).to_owned();
    if !options.server_names.contains(&server_name) {
        let names = options.server_names.join(", ");
        tale.warnings.push(format!(
            "--address {}: {server_name} is not among the server's names ({names}), so devices would turn it down: \
             add --server-name {server_name}",
            options.address
        ));
    }
    Ok(Centre { address: options.address.clone(), server_name, keys })
}

/// The host of `host:port`; the brackets of an IPv6 address are not part of it.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

fn signing_key(vault: &Vault, tale: &mut Tale) -> Result<VerifyingKey, Trouble> {
    let (path, public_path) = (vault.path("centre.key"), vault.path("centre.pub"));
    let public = match vault::read(&path, SECRET)? {
        Some(text) => {
            parse_private(&text).map_err(|why| Trouble::mistake(&path, why.to_string()))?.verifying_key()
        }
        None => {
            let key = new_signing_key(&path)?;
            vault::make(&path, &pem(&path, &key)?, SECRET)?;
            tale.made.push("centre.key".to_owned());
            key.verifying_key()
        }
    };
    let text = public_to_hex(&public);
    match vault::read(&public_path, OPEN)? {
        Some(stands) if stands.trim() == text => {}
        Some(_) => {
            return Err(Trouble::mistake(
                public_path,
                "is not of centre.key: move one of them out of the way",
            ));
        }
        None => {
            vault::make(&public_path, &format!("{text}\n"), OPEN)?;
            tale.made.push("centre.pub".to_owned());
        }
    }
    Ok(public)
}

/// A new Ed25519 key.
pub(crate) fn new_signing_key(path: &Path) -> Result<SigningKey, Trouble> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|why| Trouble::io(path, "made")(std::io::Error::other(why)))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// A key as it stands in a file.
pub(crate) fn pem(path: &Path, key: &SigningKey) -> Result<String, Trouble> {
    private_to_pem(key).map_err(|why| Trouble::mistake(path, why.to_string()))
}

fn server(vault: &Vault, authority: &Authority, options: &Options, tale: &mut Tale) -> Result<(), Trouble> {
    let names = &options.server_names;
    let path = vault.path("server.crt");
    let stands = vault::read(&path, OPEN)?;
    if let (Some(stands), false) = (&stands, matches!(options.task, Task::RenewServer)) {
        let read = authority::read(&path, stands)?;
        let missing: Vec<&String> = names.iter().filter(|name| !read.names.contains(name)).collect();
        if let Some(name) = missing.first() {
            let what = format!("is not for {name}: make another with --renew-server and every --server-name");
            return Err(Trouble::mistake(path, what));
        }
    }
    let common = names.first().map_or("localhost", String::as_str);
    let sign =
        |path: &Path, key: &rcgen::KeyPair| authority.sign_own(path, common, key, &Usage::Server(names));
    if stands.is_some() && matches!(options.task, Task::RenewServer) {
        let key_path = vault.path("server.key");
        let Some(key) = vault::read(&key_path, SECRET)? else {
            return Err(Trouble::mistake(key_path, "is missing: put it back, or move server.crt away too"));
        };
        let certificate = sign(&path, &authority::stands(&key_path, &key)?)?;
        vault::replace(&path, certificate.as_bytes())?;
        tale.made.push("server.crt".to_owned());
        return Ok(());
    }
    pair(vault, tale, "server", common, sign)
}

/// A key and its certificate, where they are missing.
fn pair(
    vault: &Vault,
    tale: &mut Tale,
    what: &str,
    name: &str,
    sign: impl FnOnce(&Path, &rcgen::KeyPair) -> Result<String, Trouble>,
) -> Result<(), Trouble> {
    let (cert_path, key_path) = (vault.path(format!("{what}.crt")), vault.path(format!("{what}.key")));
    let key = match vault::read(&key_path, SECRET)? {
        Some(key) => authority::stands(&key_path, &key)?,
        None => {
            let key = authority::new_key(&key_path)?;
            vault::make(&key_path, &key.serialize_pem(), SECRET)?;
            tale.made.push(format!("{what}.key"));
            key
        }
    };
    match vault::read(&cert_path, OPEN)? {
        None => {
            vault::make(&cert_path, &sign(&cert_path, &key)?, OPEN)?;
            tale.made.push(format!("{what}.crt"));
        }
        Some(stands) => {
            let read = authority::read(&cert_path, &stands)?;
            if read.key != key.public_key_raw() || (what == "gateway" && read.name != name) {
                let text = format!("is not of {what}.key: move it out of the way, and a new one is made");
                return Err(Trouble::mistake(cert_path, text));
            }
        }
    }
    Ok(())
}
