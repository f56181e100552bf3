//! `sanak provision` as a process: what it makes, what it leaves alone, and what it says about mistakes.
#![allow(clippy::unwrap_used, reason = "what a test sets up is there, or the test fails")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use device_wire::keys::{public_to_hex, read_private};
use serde_json::Value;
use tempfile::TempDir;

const ELECTION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors/election-files/tests/elections/vec-1");

/// As a spreadsheet leaves it: with a mark at the start, Windows' ends of lines, quotes, and a column of its own.
const DEVICES: &str = "\u{feff}device,kind,precinct,contests,public_key,status,replaces,note\r\n\
    t-5001-1,id_terminal,5001,,,active,,\"school, 2nd floor\"\r\n\
    u-5001-1,urn,5001,list,\"\",active,,\r\n\
    s-1,urn,,, ,spare,,\r\n";

/// An election whose devices have no keys yet, and a place for them.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("election")).unwrap();
        for file in fs::read_dir(ELECTION).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), place.path("election").join(file.file_name())).unwrap();
        }
        place.write("election/devices.csv", DEVICES);
        place
    }

    fn provisioned() -> Self {
        let place = Self::new();
        let output = place.run(&[]);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn run(&self, more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sanak"));
        command.arg("provision").arg("--election").arg(self.path("election"));
        command.arg("--out").arg(self.path("out")).args(more).output().unwrap()
    }

    /// Every file below the directory of keys, and the register, with their bytes.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut open = vec![self.path("out")];
        while let Some(dir) = open.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => open.push(path),
                    false => drop(files.insert(path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        files.insert(self.path("election/devices.csv"), fs::read(self.path("election/devices.csv")).unwrap());
        files
    }

    fn public_key(&self, device: &str) -> String {
        let key = read_private(&self.path(&format!("out/devices/{device}/device.key"))).unwrap();
        public_to_hex(&key.verifying_key())
    }

    /// How many certificates the list of revoked ones holds.
    fn revoked(&self) -> usize {
        let text = self.read("out/crl.pem");
        let (_, pem) = x509_parser::pem::parse_x509_pem(text.as_bytes()).unwrap();
        let (_, list) = x509_parser::parse_x509_crl(&pem.contents).unwrap();
        list.iter_revoked_certificates().count()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_are_their_owners_alone_and_the_register_is_filled_in_and_otherwise_as_it_was() {
    let place = Place::provisioned();
    for path in place.files().into_keys().filter(|path| path.starts_with(place.path("out"))) {
        let secret = path.extension().is_some_and(|extension| extension == "key");
        assert_eq!(mode(&path), if secret { 0o600 } else { 0o644 }, "{}", path.display());
        assert_eq!(mode(path.parent().unwrap()), 0o700, "{}", path.display());
    }
    let [terminal, urn, spare] = ["t-5001-1", "u-5001-1", "s-1"].map(|device| place.public_key(device));
    let expected = DEVICES
        .replace("5001,,,active", &format!("5001,,{terminal},active"))
        .replace("\"\",active", &format!("{urn},active"))
        .replace(",,, ,spare", &format!(",,,{spare},spare"));
    assert_eq!(place.read("election/devices.csv"), expected);
    let toml: toml::Table = place.read("out/devices/t-5001-1/device.toml").parse().unwrap();
    assert_eq!(toml["topic_prefix"].as_str(), Some("sanak/1/vec-1/5001/t-5001-1"));
    assert_eq!(toml["server"]["address"].as_str(), Some("localhost:8883"));
    let centre = place.read("out/centre.pub");
    assert_eq!(toml["centre"][0]["public_key"].as_str(), Some(centre.trim()));
    let spare: toml::Table = place.read("out/devices/s-1/device.toml").parse().unwrap();
    assert!(!spare.contains_key("precinct"), "it stands nowhere yet");
}

#[test]
fn a_second_run_changes_nothing_and_a_device_that_was_added_gets_its_own() {
    let place = Place::provisioned();
    let before = place.files();
    let output = place.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("what stands was not changed"), "{}", said(&output));
    assert_eq!(place.files(), before);

    let more = place.read("election/devices.csv") + "u-5002-1,urn,5002,list,,active,,\r\n";
    place.write("election/devices.csv", &more);
    let output = place.run(&[]);
    assert!(said(&output).contains("4 devices: 1 provisioned, 3 stood already"), "{}", said(&output));
    let after = place.files();
    let changed: Vec<_> = before.keys().filter(|path| after[*path] != before[*path]).collect();
    assert_eq!(changed, [&place.path("election/devices.csv")]);
    assert_eq!(after.len(), before.len() + 4);
    assert!(place.read("election/devices.csv").contains(&place.public_key("u-5002-1")));
}

#[test]
fn what_follows_from_a_key_is_made_again_and_what_was_never_finished_is_forgotten() {
    let place = Place::provisioned();
    let before = place.files();
    for file in ["device.crt", "device.toml", "ca.crt"] {
        fs::remove_file(place.path("out/devices/u-5001-1").join(file)).unwrap();
    }
    fs::create_dir_all(place.path("out/devices/.unfinished/u-9")).unwrap();
    place.permit("out/devices/.unfinished", 0o700);
    let output = place.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let after = place.files();
    let other: Vec<_> = before.keys().filter(|path| after[*path] != before[*path]).collect();
    assert_eq!(
        other,
        [&place.path("out/devices/u-5001-1/device.crt")],
        "of the same key, with another number"
    );
    assert_eq!(after.len(), before.len());
}

#[test]
fn each_mistake_is_told_and_nothing_is_changed() {
    type Spoil = fn(&Place);
    let spoilt: [(Spoil, &str); 8] = [
        (
            |place| place.permit("out/devices/u-5001-1/device.key", 0o640),
            "device.key: others can read this key: chmod 600 it",
        ),
        (|place| place.permit("out", 0o750), "out: others can enter this directory: chmod 700 it"),
        (
            |place| fs::remove_file(place.path("out/devices/s-1/device.key")).unwrap(),
            "device.key: is missing: put it back",
        ),
        (|place| place.permit("election/devices.csv", 0o444), "devices.csv: is read-only"),
        (|place| fs::remove_file(place.path("out/ca.key")).unwrap(), "ca.crt: stands without ca.key"),
        (
            |place| {
                let another = place.read("out/devices/s-1/device.crt");
                place.write("out/devices/u-5001-1/device.crt", &another);
            },
            "device.crt: is not of device.key and this device",
        ),
        (|place| place.write("out/centre.pub", &"0".repeat(64)), "centre.pub: is not of centre.key"),
        (
            |place| {
                place.write(
                    "election/election.toml",
                    &place.read("election/election.toml").replace("vec-1", "vec-2"),
                )
            },
            "ca.crt: is not of ca.key and vec-2: each election has a directory of its own",
        ),
    ];
    for (spoil, told) in spoilt {
        let place = Place::provisioned();
        spoil(&place);
        let before = place.files();
        let output = place.run(&[]);
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(said(&output).contains(told), "{told}: {}", said(&output));
        assert_eq!(place.files(), before, "{told}");
    }
    let place = Place::new();
    place.write("out", "somebody's notes");
    let output = place.run(&[]);
    assert_eq!((output.status.code(), said(&output).contains("out: is no directory")), (Some(2), true));
}

#[test]
fn wrong_usage_is_told_before_anything_is_made() {
    let place = Place::new();
    for (arguments, told) in [
        (&["--server-name", "not a name"][..], "give a host name"),
        (&["--address", "centre.example"], "give host:port"),
        (&["--centre-kid", "Centre"], "small letters"),
        (&["--centre-key", "next=12"], "64 hex digits"),
        (&["--reissue", "u-5001-1"], "give --reason"),
        (&["--revoke", "u-5001-1"], "--reason"),
        (&["--reissue", "u-5001-1", "--revoke", "s-1", "--reason", "x"], "cannot be used with"),
    ] {
        let output = place.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(said(&output).contains(told), "{arguments:?}: {}", said(&output));
        assert!(!place.path("out").exists(), "{arguments:?}");
    }
}

#[test]
fn the_servers_names_are_those_asked_for_and_another_certificate_is_made_only_when_asked() {
    let place = Place::new();
    let named = ["--server-name", "centre.example", "--server-name", "192.0.2.7"];
    assert_eq!(place.run(&named).status.code(), Some(0));
    assert!(place.read("out/devices/s-1/device.toml").contains("address = \"centre.example:8883\""));
    let (certificate, key) = (place.read("out/server.crt"), place.read("out/server.key"));
    let output = place.run(&["--server-name", "other.example"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("server.crt: is not for other.example"), "{}", said(&output));
    let output = place.run(&[&named[..], &["--server-name", "other.example", "--renew-server"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_ne!(place.read("out/server.crt"), certificate);
    assert_eq!(place.read("out/server.key"), key);
    let output = place.run(&[&named[..], &["--address", "[2001:db8::1]:8883"]].concat());
    assert!(said(&output).contains("devices would turn it down"), "{}", said(&output));
    assert!(said(&output).contains("device.toml: kept, though"), "{}", said(&output));
}

#[test]
fn a_key_that_is_held_elsewhere_is_kept_and_told() {
    let place = Place::new();
    let listed = DEVICES.replace("\"\",active", &format!("{},active", "ab".repeat(32)));
    place.write("election/devices.csv", &listed);
    let output = place.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output)
            .contains("warning: u-5001-1: devices.csv has a public key whose private one is not kept here")
    );
    assert!(!place.path("out/devices/u-5001-1").exists());
    // A key of its own beside that of the register.
    let place = Place::provisioned();
    let register =
        place.read("election/devices.csv").replace(&place.public_key("u-5001-1"), &"ab".repeat(32));
    place.write("election/devices.csv", &register);
    let output = place.run(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("warning: u-5001-1: devices.csv has another key than the bundle"));
    assert_eq!(place.read("election/devices.csv"), register);
}

#[test]
fn another_key_is_given_with_its_decision_and_the_old_one_is_put_aside() {
    let place = Place::provisioned();
    let (register, old) = (place.read("election/devices.csv"), place.public_key("u-5001-1"));
    let output = place.run(&["--reissue", "u-5001-1", "--reason", "its board was changed"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let new = place.public_key("u-5001-1");
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["reason"], "its board was changed");
    assert_eq!(decision["act"]["public_key"], new.as_str());
    assert_eq!((&decision["act"]["act"], &decision["act"]["precinct"]), (&"reissue".into(), &5001.into()));
    assert!(said(&output).contains("/api/v1/room/decisions"), "{}", said(&output));
    assert_ne!(new, old);
    let aside = place.path(&format!("out/devices/u-5001-1/superseded/{old}/device.key"));
    assert_eq!(public_to_hex(&read_private(&aside).unwrap().verifying_key()), old);
    assert_eq!((mode(&aside), place.revoked()), (0o600, 1));
    assert_eq!(place.read("election/devices.csv"), register, "a journal may have been begun with it");
    let before = place.files();
    let output = place.run(&[]);
    assert!(!said(&output).contains("warning"), "{}", said(&output));
    assert_eq!(place.files(), before, "a later run knows that the register's key was superseded");

    let output = place.run(&["--reissue", "u-5001-1", "--into-register"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{}", said(&output));
    assert_eq!(place.read("election/devices.csv"), register.replace(&old, &place.public_key("u-5001-1")));
    assert_eq!(place.revoked(), 2);
}

#[test]
fn a_revoked_device_is_listed_for_good() {
    let place = Place::provisioned();
    let output = place.run(&["--revoke", "s-1", "--reason", "stolen"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let decision: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(decision["act"], serde_json::json!({"act": "revoke", "precinct": 5001, "device": "s-1"}));
    assert_eq!(place.revoked(), 1);
    assert!(place.read("out/broker/mosquitto.acl").contains("\nuser s-1\ntopic deny #\n"));
    place.write("out/broker/mosquitto.conf", "# as its operator has it\n");
    let before = place.files();
    place.run(&["--revoke", "s-1", "--reason", "stolen"]);
    assert_eq!(place.files(), before, "once is enough");
    // What the register says is listed too.
    let register = place.read("election/devices.csv").replace(",active,,\r\n", ",revoked,,\r\n");
    place.write("election/devices.csv", &register);
    place.run(&[]);
    assert_eq!(place.revoked(), 2);
    let output = place.run(&["--reissue", "u-5001-1", "--reason", "x"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("device u-5001-1 is revoked: new hardware is a new id"),
        "{}",
        said(&output)
    );
    let output = place.run(&["--revoke", "u-9", "--reason", "x"]);
    assert!(said(&output).contains("devices.csv: there is no device u-9"), "{}", said(&output));
}

/// A configuration with the certificates of a place.
fn configured(place: &Place) -> Output {
    place.write(
        "sanak.toml",
        "[election]\ndir = \"election\"\n[data]\ndir = \"data\"\n[mqtt]\nlisten = \"127.0.0.1:0\"\ncert = \"out/server.crt\"\n\
         key = \"out/server.key\"\ndevice_ca = \"out/ca.crt\"\n[http]\nlisten = \"127.0.0.1:0\"\n[metrics]\n\
         listen = \"127.0.0.1:0\"\n[centre]\nkey_file = \"out/centre.key\"\n",
    );
    let mut check = Command::new(env!("CARGO_BIN_EXE_sanak"));
    check.arg("check").arg("--config").arg(place.path("sanak.toml")).output().unwrap()
}

#[test]
fn a_certificate_that_expires_soon_or_has_expired_is_told_by_check() {
    let place = Place::provisioned();
    let output = configured(&place);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!said(&output).contains("expire"), "{}", said(&output));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    for (seconds, told) in [(5 * 24 * 3600, "server.crt expires on "), (-5, "server.crt has expired (")] {
        let key = rcgen::KeyPair::from_pem(&place.read("out/server.key")).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(1970, 1, 1);
        let end = now.as_secs().checked_add_signed(seconds).unwrap();
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(end);
        place.write("out/server.crt", &params.self_signed(&key).unwrap().pem());
        let output = configured(&place);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let line =
            said(&output).lines().find(|line| line.contains(told)).map(str::to_owned).unwrap_or_default();
        assert!(
            line.contains("sanak.toml:7: mqtt.cert: ") && line.contains("--renew-server"),
            "{}",
            said(&output)
        );
    }
}
