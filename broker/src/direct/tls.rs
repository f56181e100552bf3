//! The devices' door: TLS 1.3, a client certificate, and the name in it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ntex_io::{Io, IoBoxed};
use ntex_tls::rustls::{PeerCert, TlsServerFilter};
use ntex_util::time::Millis;
use rustls::ServerConfig;

use crate::port::{Error, RefusedKind};
use crate::tls::{self, KeyPair, Reasons};

/// Settings of the devices' door.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The server's certificate and key.
    pub server: KeyPair,
    /// Certificate of the authority that signs devices, PEM.
    pub device_ca: PathBuf,
}

/// Proves both ends of a connection, by the certificates that are in force now.
pub(crate) struct Doorkeeper {
    tls: Tls,
    config: RwLock<Arc<ServerConfig>>,
    reasons: Arc<Reasons>,
}

impl Doorkeeper {
    pub(crate) fn new(tls: Tls) -> Result<Self, Error> {
        let reasons = Arc::<Reasons>::default();
        let config = RwLock::new(tls::server(&tls.server, &tls.device_ca, &reasons)?);
        Ok(Self { tls, config, reasons })
    }

    /// Reads the files again. Where one is wrong, what was in force stays so.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let config = tls::server(&self.tls.server, &self.tls.device_ca, &self.reasons)?;
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// Lets a connection in; the answer is it, and whose certificate came by it.
    pub(crate) async fn admit(&self, io: Io, patience: Duration) -> Result<(IoBoxed, Certificate), Turned> {
        let config = self.config.read().unwrap_or_else(PoisonError::into_inner).clone();
        let patience = Millis(u32::try_from(patience.as_millis()).unwrap_or(u32::MAX));
        let io = TlsServerFilter::create(io, config, patience).await;
        let io = io.map_err(|error| Turned::by(&error, self.reasons.take()))?;
        let certificate = io.query::<PeerCert<'static>>();
        let certificate = certificate.as_ref().and_then(|certificate| Certificate::read(&certificate.0));
        let certificate = certificate.ok_or_else(|| Turned {
            kind: RefusedKind::Identity,
            why: "the certificate does not hold exactly one common name".to_owned(),
        })?;
        Ok((IoBoxed::from(io), certificate))
    }
}

/// Why a connection was turned away.
#[derive(Debug)]
pub(crate) struct Turned {
    pub(crate) kind: RefusedKind,
    pub(crate) why: String,
}

impl Turned {
    /// `reason` is why a certificate was turned down, if one was.
    fn by(error: &io::Error, reason: Option<String>) -> Self {
        match reason {
            Some(why) => Self { kind: RefusedKind::Identity, why },
            None if error.kind() == io::ErrorKind::TimedOut => {
                Self { kind: RefusedKind::Silence, why: error.to_string() }
            }
            None => Self { kind: RefusedKind::Handshake, why: error.to_string() },
        }
    }
}

/// What is asked of a client's certificate, once it is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The one common name of its subject.
    pub(crate) name: String,
    /// Its public key: of Ed25519 the 32 bytes.
    pub(crate) key: Vec<u8>,
}

impl Certificate {
    fn read(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        let mut names = certificate.subject().iter_common_name();
        let name = names.next()?.as_str().ok()?.to_owned();
        let key = certificate.public_key().subject_public_key.data.to_vec();
        names.next().is_none().then_some(Self { name, key })
    }
}
