//! A small election whose devices and figures are known: so many precincts, in each an ID terminal and an urn.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, str::FromStr, time::Duration};

use device_wire::{SigningKey, device::Identity};
use election::{
    Count,
    report::{Body, ContestTally, Tally, Turnout},
};
use tempfile::TempDir;

use crate::vectors::Vectors;

/// The election files, in a directory of their own.
pub struct Small {
    dir: TempDir,
    precincts: u32,
}

/// The number of the first precinct.
const FIRST: u32 = 5001;

impl Small {
    /// So many precincts.
    pub fn new(precincts: u32) -> Self {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let small = Self { dir, precincts };
        small.write().unwrap_or_else(|error| panic!("an election: {error}"));
        small
    }

    fn write(&self) -> std::io::Result<()> {
        let model = Vectors::election();
        for file in fs::read_dir(model)? {
            let file = file?;
            fs::copy(file.path(), self.dir().join(file.file_name()))?;
        }
        let mut precincts =
            "precinct,raion,abroad,count,registered,longitude,latitude,name_ky,name_ru,address,phone\n"
                .to_owned();
        let mut contests = "precinct,contest,registered\n".to_owned();
        let mut devices = "device,kind,precinct,contests,public_key,status,replaces\n".to_owned();
        for number in self.numbers() {
            // Writing to a text cannot fail.
            let _ =
                writeln!(precincts, "{number},raion:alay-raion,false,urn,1200,73.1,39.7,мектеп,школа,Гүлчө,");
            let _ = writeln!(contests, "{number},list,1200");
            for (kind, name) in [("id_terminal", terminal(number)), ("urn", urn(number))] {
                let public = hex::encode(key(&name).verifying_key().as_bytes());
                let _ = writeln!(devices, "{name},{kind},{number},,{public},active,");
            }
        }
        fs::write(self.dir().join("precincts.csv"), precincts)?;
        fs::write(self.dir().join("precinct_contests.csv"), contests)?;
        fs::write(self.dir().join("devices.csv"), devices)
    }

    /// Where the files are.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        FIRST..FIRST + self.precincts
    }

    /// Every device, what it says when, and all that it says within `time`.
    pub fn devices(&self, time: Duration) -> Vec<(Identity, Vec<(Duration, Body)>)> {
        self.numbers().flat_map(|number| [self.terminal(number, time), self.urn(number, time)]).collect()
    }

    fn terminal(&self, number: u32, time: Duration) -> (Identity, Vec<(Duration, Body)>) {
        let identified = |part: u64| Turnout {
            identified: Count::new(self.voters(number) * part / 4),
            by_sex: None,
            by_age: None,
            by_district: None,
        };
        let said = vec![
            (Duration::ZERO, Body::OpeningTerminal { identified: Count::ZERO }),
            (time / 4, Body::Turnout(identified(1))),
            (time / 2, Body::Turnout(identified(2))),
            (time * 3 / 4, Body::Turnout(identified(4))),
            (time, Body::Closing(identified(4))),
        ];
        (identity(number, &terminal(number)), said)
    }

    fn urn(&self, number: u32, time: Duration) -> (Identity, Vec<(Duration, Body)>) {
        let said =
            vec![(time / 8, Body::OpeningUrn(tally(0))), (time, Body::Tally(tally(self.voters(number))))];
        (identity(number, &urn(number)), said)
    }

    /// How many vote in a precinct.
    fn voters(&self, number: u32) -> u64 {
        400 + 4 * u64::from(number % 50)
    }

    /// How many vote in the country: ballots and identified voters alike.
    pub fn total(&self) -> u64 {
        self.numbers().map(|number| self.voters(number)).sum()
    }
}

fn terminal(number: u32) -> String {
    format!("t-{number}-1")
}

fn urn(number: u32) -> String {
    format!("u-{number}-1")
}

/// A key that follows from the name.
fn key(device: &str) -> SigningKey {
    let mut seed = [7; 32];
    seed[..device.len()].copy_from_slice(device.as_bytes());
    SigningKey::from_bytes(&seed)
}

fn identity(precinct: u32, device: &str) -> Identity {
    Identity {
        election: id("vec-1"),
        precinct: id(&precinct.to_string()),
        device: id(device),
        key: key(device),
    }
}

fn id<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text} is an id"))
}

/// A quarter for the second party, the rest for the first; nothing invalid.
fn tally(ballots: u64) -> Tally {
    let votes: BTreeMap<_, _> = [("p01", ballots - ballots / 4), ("p02", ballots / 4)]
        .into_iter()
        .map(|(option, votes)| (id(option), Count::new(votes)))
        .collect();
    let contest = ContestTally {
        contest: id("list"),
        ballots: Count::new(ballots),
        invalid: Count::ZERO,
        votes,
        preferences: BTreeMap::new(),
    };
    Tally { ballots: Count::new(ballots), contests: vec![contest] }
}
