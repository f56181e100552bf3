//! Where the database is, and connections to it.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::task::JoinHandle;
use tokio_postgres::{
    Client, Config, NoTls,
    config::{Host, SslMode},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long what was sent may stay without an answer of the other machine.
const GONE: Duration = Duration::from_secs(10);

/// Where the database is, and what it may cost.
#[derive(Clone)]
pub struct Database {
    pub(crate) config: Config,
    pub(crate) tls: Option<ClientConfig>,
    /// Connections for questions.
    pub(crate) connections: usize,
    /// How long a question may run.
    pub(crate) patience: Duration,
}

/// Why a database cannot be spoken to as configured.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The address.
    #[error("is no address of a database, such as postgresql://sanak@db.example/sanak: {0}")]
    Url(#[from] tokio_postgres::Error),
    /// It would go over the network in the clear.
    #[error(
        "the database is on another machine: write ?sslmode=require, and name its authority in history.ca"
    )]
    Plain,
    /// TLS, but nobody to trust.
    #[error("sslmode=require needs history.ca, the certificate of the authority that signed the database's")]
    NoAuthority,
    /// The file of the authority.
    #[error("history.ca cannot be used: {0}")]
    Authority(String),
}

impl Database {
    /// A database by its address (`postgresql://user@host/name?sslmode=require`), the password beside it, the
    /// certificates of the authority that signed its own, how many connections questions may take, and how long one may
    /// run. On another machine it is spoken to over TLS alone, and its certificate is verified.
    ///
    /// # Errors
    /// The address or the authority cannot be used.
    pub fn new(
        url: &str,
        password: Option<&str>,
        ca: Option<&Path>,
        connections: usize,
        patience: Duration,
    ) -> Result<Self, AddressError> {
        // Certificate and name are always verified: what others call verify-full.
        let mut config: Config = url.replace("sslmode=verify-full", "sslmode=require").parse()?;
        if let Some(password) = password {
            config.password(password);
        }
        if config.get_application_name().is_none() {
            config.application_name("sanak");
        }
        config.connect_timeout(CONNECT).tcp_user_timeout(GONE).keepalives_idle(GONE);
        let secured = config.get_ssl_mode() == SslMode::Require;
        if !secured && !config.get_hosts().iter().all(is_here) {
            return Err(AddressError::Plain);
        }
        let tls = match (secured, ca) {
            (true, Some(ca)) => Some(trusting(ca)?),
            (true, None) => return Err(AddressError::NoAuthority),
            (false, _) => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        Ok(Self { config, tls, connections, patience })
    }

    /// A connection of its own, whose statements may run for so long.
    ///
    /// # Errors
    /// The database does not answer, or lets nobody in.
    pub async fn connect(&self, patience: Duration) -> Result<Connected, tokio_postgres::Error> {
        let config = self.with_patience(patience);
        let (client, task) = match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, tokio::spawn(run(connection)))
            }
            Some(tls) => {
                let (client, connection) = config.connect(MakeRustlsConnect::new(tls.clone())).await?;
                (client, tokio::spawn(run(connection)))
            }
        };
        Ok(Connected { client, task })
    }

    /// The configuration, with statements that the server ends after so long.
    pub(crate) fn with_patience(&self, patience: Duration) -> Config {
        let mut config = self.config.clone();
        let own = config.get_options().unwrap_or_default();
        config.options(format!("{own} -c statement_timeout={}", patience.as_millis()));
        config
    }
}

/// A connection; it ends when this is dropped, however little the other side says.
pub struct Connected {
    /// Who asks.
    pub client: Client,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn run<S, T>(connection: tokio_postgres::Connection<S, T>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the history's database has ended");
    }
}

/// Whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn trusting(ca: &Path) -> Result<ClientConfig, AddressError> {
    let unusable = |why: String| AddressError::Authority(format!("{}: {why}", ca.display()));
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(ca).map_err(|error| unusable(error.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("there is no certificate in it".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}
