//! The devices' door: who is let in, and as whom.

#![allow(clippy::unwrap_used, clippy::expect_used)] // the helpers here are tests too

#[path = "support/authority.rs"]
mod authority;
mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use authority::Authority;
use broker::direct::{self, Config, Standing, Tls};
use broker::external::{self, Backoff};
use broker::tls::{self, KeyPair};
use broker::{DeviceLink, Error, LinkEvent, Peer, RefusedKind};
use bytes::Bytes;
use rcgen::ExtendedKeyUsagePurpose;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::{BOTH, Options, PATIENCE, Seen, Version, gone, message, refusal, topic};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const URN: &str = "urn-5123-1";
const OTHER: &str = "urn-5123-2";

/// A link behind TLS, and the authority that its devices are signed by.
struct House {
    directory: TempDir,
    devices: Authority,
    link: DeviceLink,
}

impl House {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let devices = Authority::new(directory.path(), "device-ca");
        let mut config = support::config(&[URN, OTHER]);
        config.plain_listen = None;
        config.tls = Some(Tls {
            listen: "127.0.0.1:0".parse().unwrap(),
            server: Self::server(&directory, &devices),
            device_ca: devices.cert.clone(),
        });
        change(&mut config);
        let link = direct::start(config).unwrap();
        Self { directory, devices, link }
    }

    fn server(directory: &TempDir, authority: &Authority) -> KeyPair {
        authority.sign(directory.path(), &["server"], ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn address(&self) -> std::net::SocketAddr {
        self.link.tls_address().unwrap()
    }

    /// What a device with this pair connects with.
    fn as_client(&self, pair: &KeyPair) -> Arc<ClientConfig> {
        tls::client(&self.devices.cert, Some(pair)).unwrap()
    }

    fn device(&self, name: &str) -> Arc<ClientConfig> {
        self.as_client(&self.devices.device(self.directory.path(), name))
    }

    /// Somebody is not let in, for this reason.
    async fn turns_away(&mut self, options: Options, client: &str, what: RefusedKind) {
        let mut turned = options.open(self.address());
        assert!(matches!(turned.next().await, Seen::Closed(_)));
        assert_eq!(refusal(&mut self.link).await, (client.to_owned(), what));
    }
}

#[tokio::test]
async fn a_device_is_known_by_its_certificate() {
    for version in BOTH {
        let mut house = House::new();
        assert_eq!(house.link.address(), None);
        let options =
            Options::new(URN, version).will(&topic(URN, "state"), b"offline").tls(house.device(URN));
        let mut client = options.connect(house.address()).await;
        assert!(client.subscribe(&topic(URN, "receipt")).await);
        assert!(!client.subscribe(&topic(OTHER, "receipt")).await);
        assert_eq!(refusal(&mut house.link).await, (URN.to_owned(), RefusedKind::Subscription));
        client.publish(&topic(URN, "report"), vec![7; 200 * 1024]).await;
        let report = message(&mut house.link).await;
        assert_eq!((report.peer, report.payload.len()), (Peer::Certified(URN.to_owned()), 200 * 1024));
        report.ack.done();
        assert!(matches!(client.next().await, Seen::Acked { ok: true, .. }));
        assert!(house.link.downlink().publish(&topic(URN, "receipt"), Bytes::from_static(b"receipt")));
        assert!(matches!(client.next().await, Seen::Message { .. }));
        client.cut().await;
        assert_eq!(message(&mut house.link).await.payload, Bytes::from_static(b"offline"));
        assert_eq!(gone(&mut house.link).await, (URN.to_owned(), false));
        house.link.stop().await;
    }
}

#[tokio::test]
async fn a_client_id_other_than_the_certificates_name_is_refused() {
    for version in BOTH {
        let mut house = House::new();
        let tls = house.device(URN);
        house.turns_away(Options::new(OTHER, version).tls(tls), URN, RefusedKind::Identity).await;
    }
}

#[tokio::test]
async fn a_name_that_is_no_registered_devices_is_refused() {
    let mut house = House::new();
    let tls = house.device("urn-9999-1");
    let options = Options::new("urn-9999-1", Version::V5).tls(tls);
    house.turns_away(options, "urn-9999-1", RefusedKind::Identity).await;
}

#[tokio::test]
async fn a_certificate_without_one_clear_name_is_refused() {
    let mut house = House::new();
    let usage = ExtendedKeyUsagePurpose::ClientAuth;
    let nameless = house.devices.sign(house.directory.path(), &[], usage);
    let tls = house.as_client(&nameless);
    house.turns_away(Options::new(URN, Version::V4).tls(tls), "", RefusedKind::Identity).await;
}

#[tokio::test]
async fn a_foreign_authoritys_device_is_refused() {
    let mut house = House::new();
    let foreign = Authority::new(house.directory.path(), "foreign-ca");
    let pair = foreign.device(house.directory.path(), URN);
    let tls = house.as_client(&pair);
    house.turns_away(Options::new(URN, Version::V4).tls(tls), "", RefusedKind::Identity).await;
}

#[tokio::test]
async fn a_servers_certificate_does_not_make_a_device() {
    let mut house = House::new();
    let usage = ExtendedKeyUsagePurpose::ServerAuth;
    let pair = house.devices.sign(house.directory.path(), &[URN], usage);
    let tls = house.as_client(&pair);
    house.turns_away(Options::new(URN, Version::V4).tls(tls), "", RefusedKind::Identity).await;
}

#[tokio::test]
async fn nobody_without_a_certificate_is_let_in() {
    let mut house = House::new();
    let tls = tls::client(&house.devices.cert, None).unwrap();
    house.turns_away(Options::new(URN, Version::V4).tls(tls), "", RefusedKind::Handshake).await;
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let mut house = House::new();
    let pair = house.devices.device(house.directory.path(), URN);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&house.devices.cert).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_file(&pair.cert).unwrap()],
            PrivateKeyDer::from_pem_file(&pair.key).unwrap(),
        )
        .unwrap();
    let options = Options::new(URN, Version::V4).tls(Arc::new(config));
    house.turns_away(options, "", RefusedKind::Handshake).await;
}

#[tokio::test]
async fn a_device_that_was_revoked_does_not_come_in_again() {
    for version in BOTH {
        let standing = Arc::new(Mutex::new(Standing::Device));
        let asked = standing.clone();
        let mut house = House::with(|config| config.register = Arc::new(move |_, _| *asked.lock().unwrap()));
        let tls = house.device(URN);
        let mut client = Options::new(URN, version).tls(tls.clone()).connect(house.address()).await;
        *standing.lock().unwrap() = Standing::Revoked;
        house.link.downlink().disconnect(URN);
        assert!(matches!(client.next().await, Seen::Closed(_)));
        assert_eq!(gone(&mut house.link).await, (URN.to_owned(), false));
        house.turns_away(Options::new(URN, version).tls(tls), URN, RefusedKind::Identity).await;
    }
}

#[tokio::test]
async fn a_certificate_of_a_former_key_is_refused_and_one_of_a_key_of_its_own_is_not() {
    let former = Arc::new(Mutex::new(Vec::new()));
    let asked = former.clone();
    let register = move |_: &str, key: Option<&[u8]>| match key == Some(&asked.lock().unwrap()[..]) {
        true => Standing::Superseded,
        false => Standing::Device,
    };
    let mut house = House::with(|config| config.register = Arc::new(register));
    let old = house.devices.device(house.directory.path(), URN);
    let der = CertificateDer::from_pem_file(&old.cert).unwrap();
    let (_, read) = x509_parser::parse_x509_certificate(&der).unwrap();
    *former.lock().unwrap() = read.public_key().subject_public_key.data.to_vec();
    let tls = house.as_client(&old);
    house.turns_away(Options::new(URN, Version::V5).tls(tls), URN, RefusedKind::Identity).await;
    let other = house.device(URN);
    Options::new(URN, Version::V5).tls(other).connect(house.address()).await;
}

#[tokio::test]
async fn plain_bytes_and_silence_on_the_tls_port_harm_nobody() {
    let mut house = House::with(|config| config.limits.handshake = Duration::from_secs(1));
    let mut plain = TcpStream::connect(house.address()).await.unwrap();
    plain.write_all(b"\x10\x16\x00\x04MQTT\x04\x02\x00\x01\x00\x0aurn-5123-1").await.unwrap();
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, plain.read_to_end(&mut answer)).await.expect("closed in time");
    assert_eq!(refusal(&mut house.link).await, (String::new(), RefusedKind::Handshake));
    let silent = futures_util::future::join_all((0..300).map(|_| TcpStream::connect(house.address()))).await;
    let tls = house.device(URN);
    let begun = std::time::Instant::now();
    let _client = Options::new(URN, Version::V5).tls(tls).connect(house.address()).await;
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
    assert_eq!(refusal(&mut house.link).await, (String::new(), RefusedKind::Silence));
    drop(silent);
}

#[tokio::test]
async fn certificates_are_read_again_without_a_restart() {
    let mut house = House::new();
    let old = house.device(URN);
    // Another authority signs devices and server from now on.
    let devices = Authority::new(house.directory.path(), "device-ca");
    House::server(&house.directory, &devices);
    house.link.reloader().reload().unwrap();
    house.devices = devices;
    let new = house.device(URN);
    let mut refused = Options::new(URN, Version::V4).tls(old).open(house.address());
    assert!(matches!(refused.next().await, Seen::Closed(_)));
    Options::new(URN, Version::V4).tls(new.clone()).connect(house.address()).await.disconnect().await;
    // A broken file changes nothing.
    std::fs::write(house.directory.path().join("server.key"), "no key").unwrap();
    let error = house.link.reloader().reload().err().unwrap();
    assert!(error.to_string().contains("server.key"), "{error}");
    Options::new(URN, Version::V4).tls(new).connect(house.address()).await;
}

#[tokio::test]
async fn wrong_files_are_named_before_anything_starts() {
    let house = House::new();
    let mut tls = Tls {
        listen: "127.0.0.1:0".parse().unwrap(),
        server: House::server(&house.directory, &house.devices),
        device_ca: house.directory.path().join("missing.crt"),
    };
    let config = Config { plain_listen: None, tls: Some(tls.clone()), ..support::config(&[]) };
    let error = direct::start(config).err().unwrap();
    assert!(error.to_string().contains("missing.crt"), "{error}");
    std::fs::write(&tls.device_ca, "").unwrap();
    let config = Config { plain_listen: None, tls: Some(tls.clone()), ..support::config(&[]) };
    assert!(matches!(direct::start(config).err().unwrap(), Error::Certificate { .. }));
    tls.device_ca = house.devices.cert.clone();
    tls.server.key = house.devices.device(house.directory.path(), URN).key;
    let config = Config { plain_listen: None, tls: Some(tls), ..support::config(&[]) };
    let error = direct::start(config).err().unwrap();
    assert!(error.to_string().contains("server.crt"), "{error}");
}

#[tokio::test]
async fn the_external_session_speaks_tls_and_says_why_it_is_refused() {
    // Behind TLS stands a link that lets the session in as a device, and allows it no foreign subscription.
    let house = House::new();
    let foreign = Authority::new(house.directory.path(), "foreign-ca");
    let ours = house.devices.device(house.directory.path(), URN);
    for (ca, told) in [(&house.devices.cert, "refuses the subscription"), (&foreign.cert, "TLS")] {
        let mut link = external::start(external::Config {
            tls: Some((ca.clone(), Some(ours.clone()))),
            backoff: Backoff::new(Duration::from_secs(30), Duration::from_secs(30)),
            ..external::Config::new("127.0.0.1", house.address().port(), URN, "kg-demo")
        })
        .unwrap();
        match support::next(&mut link).await {
            LinkEvent::Alarm { detail, .. } => assert!(detail.contains(told), "{detail}"),
            other => panic!("an alarm was expected, not {other:?}"),
        }
        link.stop().await;
    }
}
