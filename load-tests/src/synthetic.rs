//! Countries of any size: election files that `sanak serve` takes. Keys are derived from a seed, so that a million
//! devices need no key files; such an election is always marked as a test.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::Path,
    time::{Duration, SystemTime},
};

use device_wire::keys::{public_to_hex, write_private};

use crate::{chance::Chance, fleet::derived_key, moment::rfc3339};

/// The election's id.
pub const ELECTION: &str = "synthetic";
/// Most precincts of a country.
pub const MOST_PRECINCTS: u32 = 5_000_000;
/// Precincts of a raion, about: as in Kyrgyzstan, and more where there would be too many raions.
const A_RAION: u32 = 40;
/// Most raions and regions.
const MOST: (u32, u32) = (1_000, 40);
/// Where precincts stand: a box of longitude and latitude.
const BOX: [(f64, f64); 2] = [(69.5, 80.0), (39.4, 43.0)];

/// A country.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// Precincts, each with an urn.
    pub precincts: u32,
    /// ID terminals of each precinct.
    pub terminals: u32,
    /// Parties on the ballot.
    pub parties: u32,
    /// What keys and figures follow from.
    pub seed: u64,
}

impl Country {
    /// Whether it can be.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check(&self) -> Result<(), String> {
        if !(1..=MOST_PRECINCTS).contains(&self.precincts) {
            return Err(format!("a country has 1 to {MOST_PRECINCTS} precincts, not {}", self.precincts));
        }
        if self.terminals > 4 {
            return Err(format!("a precinct has up to 4 terminals, not {}", self.terminals));
        }
        if !(2..=60).contains(&self.parties) {
            return Err(format!("2 to 60 parties can be on the ballot, not {}", self.parties));
        }
        Ok(())
    }

    fn raions(&self) -> u32 {
        self.precincts.div_ceil(A_RAION).min(MOST.0)
    }

    fn regions(&self) -> u32 {
        self.raions().div_ceil(10).min(MOST.1)
    }

    /// Writes its files into a directory where none stand yet: the election in `election`, the centre's key, and a
    /// configuration for `sanak serve`.
    ///
    /// # Errors
    /// When something stands there, or the directory cannot be written.
    pub fn write(&self, out: &Path) -> io::Result<()> {
        self.check().map_err(io::Error::other)?;
        let dir = out.join("election");
        if dir.exists() {
            return Err(io::Error::other(format!("{}: an election stands here already", dir.display())));
        }
        fs::create_dir_all(&dir)?;
        fs::create_dir_all(out.join("data"))?;
        fs::write(dir.join("election.toml"), about(SystemTime::now()))?;
        table(&dir, "units.csv", |file| self.units(file))?;
        table(&dir, "precincts.csv", |file| self.precincts(file))?;
        table(&dir, "precinct_contests.csv", |file| {
            writeln!(file, "precinct,contest,registered")?;
            (1..=self.precincts).try_for_each(|n| writeln!(file, "{n},list,{}", self.registered(n)))
        })?;
        table(&dir, "options.csv", |file| self.options(file))?;
        table(&dir, "list_candidates.csv", |file| {
            writeln!(file, "contest,option,number,name_ky,name_ru,name_en,sex,status")
        })?;
        self.devices(&dir)?;
        write_private(&out.join("centre.key"), &derived_key(self.seed, "centre"))
            .map_err(io::Error::other)?;
        fs::write(out.join("sanak.toml"), CONFIGURATION)
    }

    fn registered(&self, precinct: u32) -> u64 {
        600 + Chance::of(self.seed, "registered", precinct).below(1_800)
    }

    fn units(&self, file: &mut impl Write) -> io::Result<()> {
        writeln!(file, "id,parent,name_ky,name_ru,name_en")?;
        for n in 1..=self.regions() {
            writeln!(file, "region:r{n},country,{n}-облус,Область {n},Region {n}")?;
        }
        for n in 1..=self.raions() {
            writeln!(
                file,
                "raion:a{n},region:r{},{n}-район,Район {n},Raion {n}",
                (n - 1) % self.regions() + 1
            )?;
        }
        Ok(())
    }

    fn precincts(&self, file: &mut impl Write) -> io::Result<()> {
        writeln!(
            file,
            "precinct,raion,abroad,count,registered,longitude,latitude,name_ky,name_ru,address,phone"
        )?;
        for n in 1..=self.precincts {
            let mut chance = Chance::of(self.seed, "place", n);
            let [longitude, latitude] = BOX.map(|(from, to)| chance.between(from, to));
            let (raion, registered) = ((n - 1) % self.raions() + 1, self.registered(n));
            writeln!(
                file,
                "{n},raion:a{raion},false,urn,{registered},{longitude:.4},{latitude:.4},№ {n},№ {n},,"
            )?;
        }
        Ok(())
    }

    fn options(&self, file: &mut impl Write) -> io::Result<()> {
        writeln!(file, "contest,option,number,kind,name_ky,name_ru,name_en,color,sex,party,status")?;
        for n in 1..=self.parties {
            let color = Chance::of(self.seed, "colour", n).below(0xff_ffff);
            writeln!(file, "list,p{n:02},{n},party,{n}-партия,Партия {n},Party {n},#{color:06x},,,active")?;
        }
        writeln!(file, "list,none,,against_all,Баарына каршы,Против всех,Against all,,,,active")
    }

    /// Devices with their public keys: most of the work, shared among all processors.
    fn devices(&self, dir: &Path) -> io::Result<()> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u32;
        let each = self.precincts.div_ceil(threads);
        let pieces = std::thread::scope(|scope| -> io::Result<Vec<String>> {
            let piece = |nth: u32| {
                let from = nth * each + 1;
                let to = self.precincts.min((nth + 1) * each);
                scope.spawn(move || (from..=to).map(|n| self.devices_of(n)).collect::<String>())
            };
            let running: Vec<_> = (0..threads).map(piece).collect();
            let joined = running.into_iter().map(|thread| thread.join());
            joined.map(|piece| piece.map_err(|_| io::Error::other("a thread that made keys ended"))).collect()
        })?;
        table(dir, "devices.csv", |file| {
            writeln!(file, "device,kind,precinct,contests,public_key,status,replaces")?;
            pieces.iter().try_for_each(|piece| file.write_all(piece.as_bytes()))
        })
    }

    fn devices_of(&self, precinct: u32) -> String {
        let row = |device: String, kind: &str| {
            let public = public_to_hex(&derived_key(self.seed, &device).verifying_key());
            format!("{device},{kind},{precinct},,{public},active,\n")
        };
        let urn = row(format!("u-{precinct}"), "urn");
        (1..=self.terminals).fold(urn, |rows, n| rows + &row(format!("t-{precinct}-{n}"), "id_terminal"))
    }
}

fn table(
    dir: &Path,
    name: &str,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let path = dir.join(name);
    let mut file = BufWriter::with_capacity(1 << 20, File::create_new(&path)?);
    fill(&mut file)
        .and_then(|()| file.flush())
        .map_err(|why| io::Error::other(format!("{}: {why}", path.display())))
}

/// The election as a whole: its polls closed yesterday, so that every report is in time.
fn about(now: SystemTime) -> String {
    let yesterday = rfc3339(now - Duration::from_secs(86_400));
    let date = yesterday.get(..10).unwrap_or_default();
    format!(
        r#"# A synthetic country: nothing in it is real.
id = "{ELECTION}"
name.ky = "Жүктөм сыноосу"
name.ru = "Нагрузочное испытание"
name.en = "Load test"
date = "{date}"
timezone = "UTC"
polls_open = "08:00"
polls_close = "20:00"
kind = "parliamentary"
test = true
age_bands = [18, 30, 45, 60]
data_licence = "CC0-1.0"

[[contest]]
id = "list"
kind = "proportional_open_list"
name.ky = "Партиялык тизмелер"
name.ru = "Партийные списки"
name.en = "Party lists"
scope = "country"
seats = 90
method = "hare"
threshold.national = "5"
share_of = "votes_cast"
"#
    )
}

const CONFIGURATION: &str = r#"# For a rehearsal on one machine: sanak serve --config sanak.toml
[election]
dir = "election"

[data]
dir = "data"

[mqtt]
plain_listen = "127.0.0.1:1883"

[http]
listen = "127.0.0.1:8080"

[metrics]
listen = "127.0.0.1:9090"

[centre]
key_file = "centre.key"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn country(precincts: u32) -> Country {
        Country { precincts, terminals: 1, parties: 12, seed: 3 }
    }

    #[test]
    fn a_synthetic_country_is_an_election_that_can_be_read() {
        let dir = tempfile::tempdir().unwrap();
        country(500).write(dir.path()).unwrap();
        let loaded = election_files::load(&dir.path().join("election")).unwrap();
        let definition = loaded.definition;
        assert_eq!((definition.precincts().len(), definition.devices().len()), (500, 1_000));
        assert!(definition.about().test);
        let urn = &definition.devices()["u-500"];
        assert_eq!(urn.public_key, Some(derived_key(3, "u-500").verifying_key().to_bytes()));
    }

    #[test]
    fn nothing_that_stands_is_overwritten_and_what_cannot_be_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        country(3).write(dir.path()).unwrap();
        assert!(country(3).write(dir.path()).unwrap_err().to_string().contains("stands here already"));
        assert!(country(0).check().is_err() && country(MOST_PRECINCTS + 1).check().is_err());
        assert!(Country { terminals: 5, ..country(3) }.check().is_err());
        assert!(Country { parties: 1, ..country(3) }.check().is_err());
    }
}
