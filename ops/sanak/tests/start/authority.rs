//! An authority, and certificates that it signed, as files of a scene.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ED25519,
};

use crate::scene::Scene;

/// Writes `ca.crt`, and `server.crt` with `server.key` that it signed.
pub fn write(scene: &Scene) {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    scene.write("ca.crt", &params.self_signed(&key).unwrap().pem());
    let issuer = Issuer::new(params, key);

    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    scene.write("server.crt", &params.signed_by(&key, &issuer).unwrap().pem());
    scene.write("server.key", &key.serialize_pem());
    scene.permit("server.key", 0o600);
}
