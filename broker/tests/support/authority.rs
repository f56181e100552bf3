//! An authority that signs whatever a test needs.
#![allow(dead_code, clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use broker::tls::KeyPair as Pair;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};

pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub cert: PathBuf,
}

impl Authority {
    pub fn new(directory: &Path, name: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let cert = directory.join(format!("{name}.crt"));
        std::fs::write(&cert, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), cert }
    }

    /// A certificate with these common names, for the server or for a client.
    pub fn sign(&self, directory: &Path, names: &[&str], usage: ExtendedKeyUsagePurpose) -> Pair {
        let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for name in names {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.extended_key_usages = vec![usage];
        let file = names.first().copied().unwrap_or("nameless");
        let pair =
            Pair { cert: directory.join(format!("{file}.crt")), key: directory.join(format!("{file}.key")) };
        std::fs::write(&pair.cert, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }

    pub fn device(&self, directory: &Path, name: &str) -> Pair {
        self.sign(directory, &[name], ExtendedKeyUsagePurpose::ClientAuth)
    }
}
