//! The device authority: it signs the certificates of devices, of the server and of the gateway, and lists those that
//! were revoked.
//!
//! The authority, the server and the gateway have keys on P-256, which every TLS library knows; a device's certificate
//! is of the Ed25519 key that it signs reports with. All are valid from 1970 on, so that a device whose clock has
//! fallen back still connects and its reports arrive; what ends a device's certificate is a decision, not a date.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use device_wire::VerifyingKey;
use election::{Definition, ElectionId, definition::DeviceStatus};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, PublicKeyData,
    RevocationReason, RevokedCertParams, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use x509_parser::{parse_x509_crl, pem::parse_x509_pem};

use super::{
    Tale, Trouble, bundle,
    vault::{self, LONGEST_LIST, OPEN, SECRET, Vault},
};

const YEAR: u64 = 365 * 24 * 3600;
/// Validity of the authority and of devices: longer than a device lives.
const LONG: u64 = 10 * YEAR;
/// Validity of the server's and the gateway's certificate.
const SHORT: u64 = 3 * YEAR;

/// The authority's names in the vault, beside the list of what it revoked.
pub(crate) const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const REVOKED: &str = "crl.pem";

/// An authority that can sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, PEM.
    pub certificate: String,
}

/// Whose a certificate is to be.
pub(crate) enum Usage<'a> {
    /// The server's, under these names.
    Server(&'a [String]),
    /// A client's: a device's or the gateway's.
    Client,
}

/// What is read of a certificate that stands.
pub(crate) struct Read {
    /// The common name of its subject.
    pub name: String,
    /// Its public key: of Ed25519 the 32 bytes.
    pub key: Vec<u8>,
    /// Its number.
    pub serial: Vec<u8>,
    /// DNS names and addresses.
    pub names: Vec<String>,
}

/// A device's public key, for its certificate.
struct OfDevice<'a>(&'a VerifyingKey);

impl PublicKeyData for OfDevice<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ED25519
    }
}

impl Authority {
    /// Reads the authority of a vault, or makes it.
    pub fn open(vault: &Vault, election: &ElectionId, tale: &mut Tale) -> Result<Self, Trouble> {
        let (cert_path, key_path) = (vault.path(CERTIFICATE), vault.path(KEY));
        let name = format!("Sanak device authority of {election}");
        let (key, certificate) = match (vault::read(&key_path, SECRET)?, vault::read(&cert_path, OPEN)?) {
            (None, None) => {
                let key = new_key(&key_path)?;
                vault::make(&key_path, &key.serialize_pem(), SECRET)?;
                tale.made.push(KEY.to_owned());
                (key, None)
            }
            (Some(key), certificate) => (stands(&key_path, &key)?, certificate),
            (None, Some(_)) => {
                let what =
                    format!("stands without {KEY}: put the key back, or move the whole directory away");
                return Err(Trouble::mistake(cert_path, what));
            }
        };
        let params = authority_params(&name).map_err(Trouble::certificate(&cert_path))?;
        let certificate = match certificate {
            Some(certificate) => {
                let read = read(&cert_path, &certificate)?;
                if read.name != name || read.key != key.public_key_raw() {
                    let what =
                        format!("is not of {KEY} and {election}: each election has a directory of its own");
                    return Err(Trouble::mistake(cert_path, what));
                }
                certificate
            }
            None => {
                let made = params.self_signed(&key).map_err(Trouble::certificate(&cert_path))?.pem();
                vault::make(&cert_path, &made, OPEN)?;
                tale.made.push(CERTIFICATE.to_owned());
                made
            }
        };
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// A certificate of a device's key, PEM.
    pub fn sign_device(&self, path: &Path, name: &str, key: &VerifyingKey) -> Result<String, Trouble> {
        self.sign(path, name, &OfDevice(key), &Usage::Client, LONG)
    }

    /// A certificate of a key of ours, PEM.
    pub fn sign_own(
        &self,
        path: &Path,
        name: &str,
        key: &KeyPair,
        usage: &Usage<'_>,
    ) -> Result<String, Trouble> {
        self.sign(path, name, key, usage, SHORT)
    }

    fn sign(
        &self,
        path: &Path,
        name: &str,
        key: &impl PublicKeyData,
        usage: &Usage<'_>,
        seconds: u64,
    ) -> Result<String, Trouble> {
        let sign = || {
            let (names, purpose) = match usage {
                Usage::Server(names) => (names.to_vec(), ExtendedKeyUsagePurpose::ServerAuth),
                Usage::Client => (Vec::new(), ExtendedKeyUsagePurpose::ClientAuth),
            };
            let mut params = valid(CertificateParams::new(names)?, seconds);
            params.serial_number = Some(new_serial()?);
            params.distinguished_name = named(name);
            params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            params.extended_key_usages = vec![purpose];
            params.use_authority_key_identifier_extension = true;
            Ok(params.signed_by(key, &self.issuer)?.pem())
        };
        sign().map_err(Trouble::certificate(path))
    }

    /// Brings the list of revoked certificates up to date: of devices that the register calls revoked, and of keys
    /// that were superseded or revoked here. What is on it stays on it.
    pub fn list_revoked(
        &self,
        vault: &Vault,
        definition: &Definition,
        tale: &mut Tale,
    ) -> Result<(), Trouble> {
        let path = vault.path(REVOKED);
        let standing = vault::read_up_to(&path, OPEN, LONGEST_LIST)?;
        let (mut number, mut listed) = match &standing {
            Some(text) => read_list(text).ok_or_else(|| {
                Trouble::mistake(&path, "is no list of revoked certificates: move it out of the way")
            })?,
            None => (0, BTreeMap::new()),
        };
        let before = listed.len();
        let now = since_1970();
        for device in definition.devices().values() {
            let gone = device.status == DeviceStatus::Revoked;
            for serial in bundle::revoked_serials(vault, device.id.as_str(), gone)? {
                listed.entry(serial).or_insert(now);
            }
        }
        if standing.is_some() && listed.len() == before {
            return Ok(());
        }
        number += 1;
        let list = self.sign_list(number, &listed).map_err(Trouble::certificate(&path))?;
        match standing {
            Some(_) => vault::replace(&path, list.as_bytes())?,
            None => vault::make(&path, &list, OPEN)?,
        }
        tale.made.push(format!("{REVOKED} ({} revoked)", listed.len()));
        Ok(())
    }

    fn sign_list(&self, number: u64, listed: &BTreeMap<Vec<u8>, u64>) -> Result<String, rcgen::Error> {
        let at = |seconds: u64| date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
        let now = since_1970();
        let revoked = listed.iter().map(|(serial, since)| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: at(*since),
            reason_code: Some(RevocationReason::CessationOfOperation),
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: at(now),
            // A broker turns everybody away once its list is out of date: it must outlast the devices.
            next_update: at(now + LONG),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer)?.pem()
    }
}

fn authority_params(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = valid(CertificateParams::new(Vec::new())?, LONG);
    params.distinguished_name = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.key_identifier_method = KeyIdMethod::Sha256;
    params.serial_number = Some(new_serial()?);
    Ok(params)
}

fn valid(mut params: CertificateParams, seconds: u64) -> CertificateParams {
    params.not_before = date_time_ymd(1970, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(since_1970() + seconds);
    params
}

fn named(name: &str) -> rcgen::DistinguishedName {
    let mut named = rcgen::DistinguishedName::new();
    named.push(DnType::CommonName, name);
    named
}

/// Sixteen random bytes: positive, and never given twice.
fn new_serial() -> Result<SerialNumber, rcgen::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| rcgen::Error::RingUnspecified)?;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// A new key for the authority, the server or the gateway.
pub(crate) fn new_key(path: &Path) -> Result<KeyPair, Trouble> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Trouble::certificate(path))
}

/// A key of ours as it stands in a file.
pub(crate) fn stands(path: &Path, pem: &str) -> Result<KeyPair, Trouble> {
    let key = KeyPair::from_pem(pem).ok().filter(|key| key.is_compatible(&PKCS_ECDSA_P256_SHA256));
    key.ok_or_else(|| {
        Trouble::mistake(path, "is no private key of ours (P-256 in PKCS#8 PEM): move it out of the way")
    })
}

/// What a certificate says.
pub(crate) fn read(path: &Path, pem: &str) -> Result<Read, Trouble> {
    let read = || {
        let (_, pem) = parse_x509_pem(pem.as_bytes()).ok()?;
        let certificate = pem.parse_x509().ok()?;
        let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
        let alternatives = certificate.subject_alternative_name().ok()?;
        let names = alternatives.iter().flat_map(|names| &names.value.general_names).filter_map(text_of);
        Some(Read {
            name,
            key: certificate.public_key().subject_public_key.data.to_vec(),
            serial: certificate.raw_serial().to_vec(),
            names: names.collect(),
        })
    };
    read().ok_or_else(|| Trouble::mistake(path, "is no certificate: move it out of the way, or put it back"))
}

fn text_of(name: &x509_parser::extensions::GeneralName<'_>) -> Option<String> {
    use std::net::{Ipv4Addr, Ipv6Addr};
    use x509_parser::extensions::GeneralName;
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(Ipv4Addr::from(v4).to_string()),
            Err(_) => <[u8; 16]>::try_from(*bytes).ok().map(|v6| Ipv6Addr::from(v6).to_string()),
        },
        _ => None,
    }
}

/// Number, and the revoked certificates with the second of their revocation.
fn read_list(text: &str) -> Option<(u64, BTreeMap<Vec<u8>, u64>)> {
    let (_, pem) = parse_x509_pem(text.as_bytes()).ok()?;
    let (_, list) = parse_x509_crl(&pem.contents).ok()?;
    let number = list.crl_number()?.to_u64_digits().first().copied().unwrap_or_default();
    let revoked = list.iter_revoked_certificates().map(|revoked| {
        let since = u64::try_from(revoked.revocation_date.timestamp()).unwrap_or_default();
        (revoked.raw_serial().to_vec(), since)
    });
    Some((number, revoked.collect()))
}
