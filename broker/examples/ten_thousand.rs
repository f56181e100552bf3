//! What ten thousand devices over TLS cost the direct link: time to connect them all, memory of the process that serves
//! them, and how long they need to come back after it was killed, each with its own back-off. It fails where they need a
//! minute, where one costs 25 kB or more, or where one is sooner than its back-off allows.
//!
//! `ulimit -n $(ulimit -Hn); cargo run --release -p broker --example ten_thousand -- 10000`
#![expect(clippy::print_stdout, reason = "its answer")]

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use broker::LinkEvent;
use broker::direct::{self, Config, Standing, Tls};
use broker::external::Backoff;
use broker::tls::KeyPair as Files;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rumqttc::{AsyncClient, Event, MqttOptions, Packet, TlsConfiguration, Transport};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// How long the service is away.
const AWAY: Duration = Duration::from_secs(3);

/// What is promised: all are back within this, and each costs less than so many bytes.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const BYTES_A_DEVICE: usize = 25_000;

/// The waits of a device: from the first, doubling to the longest.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", directory, address] => serve(directory, address.parse()?).await,
        [count] => measure(count.parse()?).await,
        _ => Err("say how many devices".into()),
    }
}

/// The link, and a gateway that takes everything; in a process of its own.
async fn serve(directory: &str, listen: SocketAddr) -> Outcome {
    let file = |name: &str| std::path::Path::new(directory).join(name);
    let server = Files { cert: file("server.crt"), key: file("server.key") };
    let mut link = direct::start(Config {
        plain_listen: None,
        tls: Some(Tls { listen, server, device_ca: file("ca.crt") }),
        ..Config::plain(listen, Arc::new(|_, _| Standing::Device))
    })?;
    println!("{}", link.tls_address().ok_or("no address")?);
    while let Some(event) = link.next().await {
        if let LinkEvent::Message(message) = event {
            message.ack.done();
        }
    }
    Ok(())
}

/// Signs whoever comes.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    cert: CertificateDer<'static>,
    pem: String,
}

impl Authority {
    fn new() -> Outcome<Self> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let cert = params.self_signed(&key)?;
        let (pem, der) = (cert.pem(), cert.der().clone());
        Ok(Self { issuer: Issuer::new(params, key), cert: der, pem })
    }

    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Outcome<(rcgen::Certificate, KeyPair)> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }

    fn client(&self, name: &str) -> Outcome<Arc<ClientConfig>> {
        let (cert, key) = self.sign(name, ExtendedKeyUsagePurpose::ClientAuth)?;
        let mut roots = RootCertStore::empty();
        roots.add(self.cert.clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![cert.der().clone()], PrivateKeyDer::try_from(key.serialize_der())?)?;
        Ok(Arc::new(config))
    }
}

fn launch(directory: &str, address: &str) -> Outcome<(Child, SocketAddr)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["serve", directory, address])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().ok_or("no stdout")?).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

/// What all devices share.
#[derive(Default)]
struct Seen {
    connected: AtomicUsize,
    attempts: AtomicU64,
    /// The shortest time between two attempts of one device, in milliseconds.
    shortest: AtomicU64,
    /// Attempts that came sooner than the waits allow.
    hurried: AtomicU64,
}

async fn measure(count: usize) -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = directory.path().to_str().ok_or("a path")?.to_owned();
    let authority = Authority::new()?;
    let (cert, key) = authority.sign("server", ExtendedKeyUsagePurpose::ServerAuth)?;
    std::fs::write(directory.path().join("ca.crt"), &authority.pem)?;
    std::fs::write(directory.path().join("server.crt"), cert.pem())?;
    std::fs::write(directory.path().join("server.key"), key.serialize_pem())?;
    let names: Vec<String> = (0..count).map(|number| format!("d-{number}")).collect();
    let configs = names.iter().map(|name| authority.client(name)).collect::<Outcome<Vec<_>>>()?;

    let (mut server, address) = launch(&path, "127.0.0.1:0")?;
    let before = resident(server.id())?;
    let seen = Arc::new(Seen { shortest: AtomicU64::new(u64::MAX), ..Seen::default() });
    let begun = Instant::now();
    for (name, config) in names.into_iter().zip(configs) {
        tokio::spawn(live(name, address, config, seen.clone()));
    }
    until(&seen, count).await;
    println!("{count} devices over TLS connected in {:.1?}", begun.elapsed());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cost = (resident(server.id())? - before) / count;
    println!("{cost} bytes a device in the process that serves them");

    server.kill()?;
    server.wait()?;
    while seen.connected.load(Ordering::Relaxed) > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(AWAY).await;
    seen.attempts.store(0, Ordering::Relaxed);
    let (mut server, _) = launch(&path, &address.to_string())?;
    let back = Instant::now();
    until(&seen, count).await;
    let (back, hurried) = (back.elapsed(), seen.hurried.load(Ordering::Relaxed));
    println!(
        "killed, away for {AWAY:?}, all back {back:.1?} after it was; {} attempts since, never sooner than {} ms after the \
         last; {hurried} sooner than their back-off",
        seen.attempts.load(Ordering::Relaxed),
        seen.shortest.load(Ordering::Relaxed)
    );
    server.kill()?;
    server.wait()?;
    match (back < BACK_WITHIN, cost < BYTES_A_DEVICE, hurried) {
        (true, true, 0) => Ok(()),
        (false, ..) => Err(format!("they needed {BACK_WITHIN:?} or more").into()),
        (_, false, _) => Err(format!("a device costs {BYTES_A_DEVICE} bytes or more").into()),
        (.., hurried) => Err(format!("{hurried} attempts came sooner than their back-off").into()),
    }
}

async fn until(seen: &Seen, count: usize) {
    while seen.connected.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A device: connects, stays, and comes back after 1 s, 2 s, 4 s … 60 s, spread by a quarter.
async fn live(name: String, address: SocketAddr, config: Arc<ClientConfig>, seen: Arc<Seen>) {
    let mut backoff = Backoff::new(FIRST, LONGEST);
    let (mut last, mut failures) = (None::<Instant>, 0_u32);
    loop {
        let mut options = MqttOptions::new(&name, address.ip().to_string(), address.port());
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config.clone())));
        options.set_keep_alive(Duration::from_secs(120)).set_inflight(4);
        let (_client, mut line) = AsyncClient::new(options, 4);
        line.network_options.set_connection_timeout(60);
        seen.attempts.fetch_add(1, Ordering::Relaxed);
        if let Some(last) = last.replace(Instant::now()) {
            let gap = u64::try_from(last.elapsed().as_millis()).unwrap_or(u64::MAX);
            seen.shortest.fetch_min(gap, Ordering::Relaxed);
            let least = LONGEST.min(FIRST * (1 << failures.clamp(1, 7) >> 1)).mul_f64(0.75);
            seen.hurried.fetch_add(u64::from(last.elapsed() < least), Ordering::Relaxed);
        }
        let mut connected = false;
        while let Ok(event) = line.poll().await {
            if matches!(event, Event::Incoming(Packet::ConnAck(_))) {
                connected = true;
                backoff.reset();
                seen.connected.fetch_add(1, Ordering::Relaxed);
            }
        }
        if connected {
            seen.connected.fetch_sub(1, Ordering::Relaxed);
        }
        failures = if connected { 1 } else { failures + 1 };
        tokio::time::sleep(backoff.wait()).await;
    }
}

/// Resident memory of a process, bytes.
fn resident(process: u32) -> Outcome<usize> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: usize = line.split_whitespace().nth(1).ok_or("no VmRSS")?.parse()?;
    Ok(kilobytes * 1_024)
}
