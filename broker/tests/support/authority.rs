//! An authority that signs whatever a test needs.
#![allow(dead_code, clippy::unwrap_used)]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use broker::tls::KeyPair as Pair;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_ED25519,
    RevokedCertParams, SerialNumber,
};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub cert: PathBuf,
    /// Names, each at the place of its certificate's serial number less one.
    signed: RefCell<Vec<String>>,
}

impl Authority {
    pub fn new(directory: &Path, name: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let cert = directory.join(format!("{name}.crt"));
        std::fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), cert, signed: RefCell::default() }
    }

    /// A server's certificate, for this address.
    pub fn server(&self, directory: &Path, ip: &str) -> Pair {
        self.sign_for(ip, directory, &["server"], ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate with these common names, for the server or for a client.
    pub fn sign(&self, directory: &Path, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Pair {
        self.sign_for("127.0.0.1", directory, names, usage)
    }

    fn sign_for(&self, ip: &str, directory: &Path, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Pair {
        // OpenSSL 3.0 does not read the form in which an Ed25519 key would be written here (PKCS#8, version 2).
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::new(vec![ip.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.extended_key_usages = vec![usage];
        let file = names.first().copied().unwrap_or("nameless");
        let mut signed = self.signed.borrow_mut();
        signed.push(file.to_owned());
        params.serial_number = Some(SerialNumber::from(signed.len() as u64));
        let pair =
            Pair { cert: directory.join(format!("{file}.crt")), key: directory.join(format!("{file}.key")) };
        std::fs::write(&pair.cert, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    pub fn device(&self, directory: &Path, name: &str) -> Pair {
        self.sign(directory, &[name], ExtendedKeyUsagePurpose::ClientAuth)
    }

    /// The list of revoked certificates: all that these names have ever had.
    pub fn revoke(&self, list: &Path, names: &[&str]) {
        let serials = self.signed.borrow();
        let revoked = serials.iter().enumerate().filter(|(_, name)| names.contains(&name.as_str()));
        let entry = |(at, _): (usize, &String)| RevokedCertParams {
            serial_number: SerialNumber::from(at as u64 + 1),
            revocation_time: rcgen::date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2025, 1, 1),
            next_update: rcgen::date_time_ymd(2099, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        std::fs::write(list, params.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
    }
}
