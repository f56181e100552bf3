//! The bundles that `sanak provision` made: what each simulated device connects and signs with.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use device_wire::{
    SigningKey,
    keys::{KeyError, read_private},
};
use election::DeviceId;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{
        CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName,
        pem::{Error as PemError, PemObject},
    },
    version::TLS13,
};

/// A directory of bundles.
#[derive(Debug)]
pub struct Bundles {
    devices: PathBuf,
    authority: Arc<RootCertStore>,
    server: ServerName<'static>,
}

/// What a connection is proved with, at both ends.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) server: ServerName<'static>,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A certificate or key cannot be read.
    #[error("{path}: {why:?}", path = .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: PemError,
    },
    /// It is no certificate or key that TLS can use.
    #[error("{path}: {why}", path = .path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: rustls::Error,
    },
    /// The key for signing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The server's name.
    #[error("the name of the server: {0}")]
    Name(#[from] InvalidDnsNameError),
}

impl Bundles {
    /// The bundles in the directory that `sanak provision --out` was given; `server` is a name in the server's
    /// certificate.
    ///
    /// # Errors
    /// When the authority's certificate cannot be read.
    pub fn open(out: &Path, server: &str) -> Result<Self, BundleError> {
        let mut authority = RootCertStore::empty();
        let path = out.join("ca.crt");
        let certificate = CertificateDer::from_pem_file(&path);
        let certificate = certificate.map_err(|why| BundleError::Pem { path: path.clone(), why })?;
        authority.add(certificate).map_err(|why| BundleError::Tls { path, why })?;
        let server = ServerName::try_from(server.to_owned())?;
        Ok(Self { devices: out.join("devices"), authority: Arc::new(authority), server })
    }

    /// The key that a device signs with.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn key(&self, device: &DeviceId) -> Result<SigningKey, BundleError> {
        Ok(read_private(&self.devices.join(device.as_str()).join("device.key"))?)
    }

    /// What a device connects with.
    ///
    /// # Errors
    /// When its certificate or key cannot be read or used.
    pub fn credentials(&self, device: &DeviceId) -> Result<Credentials, BundleError> {
        self.credentials_in(&self.devices.join(device.as_str()))
    }

    /// What a device connects with whose certificate and key are in this directory.
    ///
    /// # Errors
    /// When they cannot be read or used.
    pub fn credentials_in(&self, dir: &Path) -> Result<Credentials, BundleError> {
        let (cert, key) = (dir.join("device.crt"), dir.join("device.key"));
        let chain = CertificateDer::pem_file_iter(&cert)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|why| BundleError::Pem { path: cert.clone(), why })?;
        let key = PrivateKeyDer::from_pem_file(&key).map_err(|why| BundleError::Pem { path: key, why })?;
        let wrong = |why| BundleError::Tls { path: cert.clone(), why };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(wrong)?
            .with_root_certificates(Arc::clone(&self.authority))
            .with_client_auth_cert(chain, key)
            .map_err(wrong)?;
        Ok(Credentials { config: Arc::new(config), server: self.server.clone() })
    }
}
