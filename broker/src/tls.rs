//! Certificates and keys, read from PEM files into settings for either end of a connection. TLS 1.3 only.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
};

use crate::port::Error;

/// Our certificate and key.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Certificate chain, PEM, ours first.
    pub cert: PathBuf,
    /// Private key, PEM (PKCS#8).
    pub key: PathBuf,
}

fn wrong(path: &Path, problem: impl std::fmt::Display) -> Error {
    Error::Certificate { path: path.to_owned(), problem: problem.to_string() }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| wrong(path, error))?;
    if certificates.is_empty() {
        return Err(wrong(path, "holds no certificate"));
    }
    Ok(certificates)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| wrong(path, error))
}

fn authorities(path: &Path) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(path)? {
        store.add(certificate).map_err(|error| wrong(path, error))?;
    }
    Ok(store)
}

/// Why client certificates were turned down, oldest first. The runtime under the server keeps no reason; a failed
/// handshake takes the oldest from here.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Mutex<VecDeque<String>>);

impl Reasons {
    /// Reasons that nobody fetched: their handshakes ended in another way.
    const MOST: usize = 64;

    fn put(&self, reason: String) {
        let mut reasons = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.len() >= Self::MOST {
            reasons.pop_front();
        }
        reasons.push_back(reason);
    }

    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// rustls's own verifier, and a note of what it turned down.
#[derive(Debug)]
struct Noting {
    verifier: Arc<dyn ClientCertVerifier>,
    reasons: Arc<Reasons>,
}

impl ClientCertVerifier for Noting {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.verifier.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verdict = self.verifier.verify_client_cert(end_entity, intermediates, now);
        verdict.inspect_err(|error| self.reasons.put(error.to_string()))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let verdict = self.verifier.verify_tls13_signature(message, certificate, signature);
        verdict.inspect_err(|error| self.reasons.put(error.to_string()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

/// Settings for a server that lets in only those whose certificate `client_ca` has signed.
///
/// # Errors
/// A file cannot be read, or does not hold what it should; the error names it.
pub(crate) fn server(
    ours: &KeyPair,
    client_ca: &Path,
    reasons: &Arc<Reasons>,
) -> Result<Arc<ServerConfig>, Error> {
    let authorities = Arc::new(authorities(client_ca)?);
    let verifier = WebPkiClientVerifier::builder_with_provider(authorities, provider())
        .build()
        .map_err(|error| wrong(client_ca, error))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| wrong(&ours.cert, error))?
        .with_client_cert_verifier(Arc::new(Noting { verifier, reasons: reasons.clone() }))
        .with_single_cert(certificates(&ours.cert)?, key(&ours.key)?)
        .map_err(|error| wrong(&ours.cert, error))?;
    // Every connection proves itself anew: what was revoked or reissued in between counts.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

/// Whether these files would do for a server, before one is started.
///
/// # Errors
/// A file cannot be read, or does not hold what it should; the error names it.
pub fn check_server(ours: &KeyPair, client_ca: &Path) -> Result<(), Error> {
    server(ours, client_ca, &Arc::default()).map(drop)
}

/// Whether these files would do for a client of a broker, before it is asked.
///
/// # Errors
/// A file cannot be read, or does not hold what it should; the error names it.
pub fn check_client(server_ca: &Path, ours: Option<&KeyPair>) -> Result<(), Error> {
    client(server_ca, ours).map(drop)
}

/// Settings for a client of a server that `server_ca` has signed, proving itself where `ours` is given.
///
/// # Errors
/// A file cannot be read, or does not hold what it should; the error names it.
pub fn client(server_ca: &Path, ours: Option<&KeyPair>) -> Result<Arc<ClientConfig>, Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| wrong(server_ca, error))?
        .with_root_certificates(authorities(server_ca)?);
    Ok(Arc::new(match ours {
        None => config.with_no_client_auth(),
        Some(ours) => config
            .with_client_auth_cert(certificates(&ours.cert)?, key(&ours.key)?)
            .map_err(|error| wrong(&ours.cert, error))?,
    }))
}
