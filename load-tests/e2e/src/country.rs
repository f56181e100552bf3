//! A small election with as many devices as a test wants, and their keys.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use device_wire::{SigningKey, device::Identity};
use tempfile::TempDir;

use crate::vectors::Vectors;

/// An election whose polls have closed, in a directory of its own.
pub struct Country {
    dir: TempDir,
    devices: Vec<(String, u32)>,
}

/// The precincts are numbered from here.
const FIRST: u32 = 5001;

impl Country {
    /// Precincts with one urn and so many ID terminals each.
    pub fn new(precincts: u32, terminals: u32) -> Self {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let small = small();
        for file in ["units.csv", "options.csv", "list_candidates.csv"] {
            std::fs::copy(small.join(file), dir.path().join(file))
                .unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        let about = std::fs::read_to_string(small.join("election.toml"));
        let about = about.unwrap_or_else(|error| panic!("election.toml: {error}")).replace("vec-1", "small");
        let mut places =
            "precinct,raion,abroad,count,registered,longitude,latitude,name_ky,name_ru,address,phone\n"
                .to_owned();
        let mut contests = "precinct,contest,registered\n".to_owned();
        let mut listed = "device,kind,precinct,contests,public_key,status,replaces\n".to_owned();
        let mut devices = Vec::new();
        for precinct in FIRST..FIRST + precincts {
            let _ = writeln!(places, "{precinct},raion:alay-raion,false,urn,1200,73.1,39.7,Мектеп,Школа,,");
            let _ = writeln!(contests, "{precinct},list,1200");
            let urn = [("urn", format!("u-{precinct}-1"))].into_iter();
            let terminals = (1..=terminals).map(|n| ("id_terminal", format!("t-{precinct}-{n}")));
            for (kind, device) in urn.chain(terminals) {
                let key = hex::encode(key_of(&device).verifying_key().to_bytes());
                let _ = writeln!(listed, "{device},{kind},{precinct},,{key},active,");
                devices.push((device, precinct));
            }
        }
        for (file, text) in [
            ("election.toml", about),
            ("precincts.csv", places),
            ("precinct_contests.csv", contests),
            ("devices.csv", listed),
        ] {
            std::fs::write(dir.path().join(file), text).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
        Self { dir, devices }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Its ID terminals.
    pub fn terminals(&self) -> impl Iterator<Item = Identity> {
        self.of_kind('t')
    }

    /// Its urns.
    pub fn urns(&self) -> impl Iterator<Item = Identity> {
        self.of_kind('u')
    }

    fn of_kind(&self, initial: char) -> impl Iterator<Item = Identity> {
        let found = self.devices.iter().filter(move |(id, _)| id.starts_with(initial));
        found.map(|(id, at)| identity("small", id, *at))
    }

    /// One of its devices.
    pub fn device(&self, id: &str) -> Identity {
        let found = self.devices.iter().find(|(known, _)| known == id);
        found.map_or_else(|| panic!("there is no device {id}"), |(id, at)| identity("small", id, *at))
    }
}

/// A device of an election.
pub fn identity(election: &str, id: &str, precinct: u32) -> Identity {
    let broken = |what: &str| -> ! { panic!("{what} is no id") };
    Identity {
        election: election.parse().unwrap_or_else(|_| broken(election)),
        precinct: precinct.to_string().parse().unwrap_or_else(|_| broken(id)),
        device: id.parse().unwrap_or_else(|_| broken(id)),
        key: key_of(id),
    }
}

/// The key of a device: from its name, so that every run has the same.
fn key_of(id: &str) -> SigningKey {
    let mut seed = [7; 32];
    seed.iter_mut().zip(id.bytes()).for_each(|(seed, byte)| *seed = byte);
    SigningKey::from_bytes(&seed)
}

fn small() -> PathBuf {
    Vectors::election()
}
