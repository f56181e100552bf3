//! The demonstration election as this program carries it: its files, a part of them where a smaller country
//! is asked for, and keys for its devices.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::Path,
};

use device_wire::keys::public_to_hex;
use election::DeviceId;
use load_tests::derived_key;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../elections/kg-demo"]
struct Carried;

/// Election files: name relative to the directory, and content.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Whether the demonstration election has so many precincts.
///
/// # Errors
/// How many it has.
pub fn has(precincts: Option<usize>) -> Result<(), String> {
    let Some(wanted) = precincts else { return Ok(()) };
    let rows = Carried::get("precincts.csv")
        .map_or(0, |file| csv::Reader::from_reader(&*file.data).records().count());
    (1..=rows)
        .contains(&wanted)
        .then_some(())
        .ok_or_else(|| format!("the demonstration election has 1 to {rows} precincts, not {wanted}"))
}

/// The demonstration election with `precincts` of its precincts and keys from `seed`.
///
/// # Errors
/// Where there are not so many precincts, or the carried files are damaged.
pub fn files(precincts: Option<usize>, seed: u64) -> Result<Files, String> {
    let mut files: Files = Carried::iter()
        .filter_map(|name| Some((name.to_string(), Carried::get(&name)?.data.into_owned())))
        .collect();
    if let Some(wanted) = precincts {
        let kept = choose(&files, wanted)?;
        for (name, column) in [
            ("precincts.csv", "precinct"),
            ("precinct_contests.csv", "precinct"),
            ("devices.csv", "precinct"),
        ] {
            edit(&mut files, name, |row| {
                let precinct = row.get(column);
                Some(precinct.is_empty() || kept.contains(precinct))
            })?;
        }
        keep_areas(&mut files, &kept)?;
    }
    edit(&mut files, "devices.csv", |row| {
        let device: DeviceId = row.get("device").parse().ok()?;
        row.set("public_key", public_to_hex(&derived_key(seed, device.as_str()).verifying_key()));
        Some(true)
    })?;
    Ok(files)
}

/// Writes election files into a directory where none stand. Those of a night that was begun there stay as they
/// are: its journal is of them alone.
///
/// # Errors
/// Where others stand there already, or the directory cannot be written.
pub fn write(files: &Files, dir: &Path) -> io::Result<()> {
    let there: Vec<Option<Vec<u8>>> = files.keys().map(|name| fs::read(dir.join(name)).ok()).collect();
    let differs =
        |(content, there): (&Vec<u8>, &Option<Vec<u8>>)| there.as_ref().is_some_and(|it| it != content);
    if files.values().zip(&there).any(differs) {
        return Err(io::Error::other(format!(
            "{}: another demonstration was begun here: go on with its --precincts and --seed, or choose another \
             --data",
            dir.display()
        )));
    }
    for ((name, content), _) in files.iter().zip(&there).filter(|(_, there)| there.is_none()) {
        let path = dir.join(name);
        let told =
            |error: io::Error| io::Error::other(format!("{}: cannot be written: {error}", path.display()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(told)?;
        }
        fs::write(&path, content).map_err(told)?;
    }
    Ok(())
}

/// Every so-many-th precinct: all regions, and precincts abroad, in their proportion.
fn choose(files: &Files, wanted: usize) -> Result<BTreeSet<String>, String> {
    let mut all = Vec::new();
    let mut copy = files.clone();
    edit(&mut copy, "precincts.csv", |row| {
        all.push(row.get("precinct").to_owned());
        Some(true)
    })?;
    if wanted == 0 || wanted > all.len() {
        return Err(format!("{} precincts cannot be chosen of {}", wanted, all.len()));
    }
    Ok((0..wanted).map(|at| all[at * all.len() / wanted].clone()).collect())
}

/// Takes the areas of other precincts out of the map.
fn keep_areas(files: &mut Files, kept: &BTreeSet<String>) -> Result<(), String> {
    let name = "boundaries/precincts.geojson";
    let damaged = || format!("the carried election file {name} is damaged: build sanak again");
    let content = files.get(name).ok_or_else(damaged)?;
    let mut layer: serde_json::Value = serde_json::from_slice(content).map_err(|_| damaged())?;
    let areas = layer.get_mut("features").and_then(|features| features.as_array_mut()).ok_or_else(damaged)?;
    areas.retain(|area| {
        let id = area["properties"]["id"].as_str().and_then(|id| id.strip_prefix("precinct:"));
        id.is_some_and(|id| kept.contains(id))
    });
    let layer = serde_json::to_vec(&layer).map_err(|_| damaged())?;
    files.insert(name.to_owned(), layer);
    Ok(())
}

/// A row of a CSV file, by column.
struct Row<'a> {
    header: &'a csv::StringRecord,
    cells: Vec<String>,
}

impl Row<'_> {
    fn at(&self, column: &str) -> Option<usize> {
        self.header.iter().position(|name| name == column)
    }

    fn get(&self, column: &str) -> &str {
        self.at(column).and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    fn set(&mut self, column: &str, value: String) {
        if let Some(cell) = self.at(column).and_then(|at| self.cells.get_mut(at)) {
            *cell = value;
        }
    }
}

/// Goes through the rows of a file; `keep` may change a row, and says whether it stays (`None`: it is
/// damaged).
fn edit(
    files: &mut Files,
    name: &str,
    mut keep: impl FnMut(&mut Row<'_>) -> Option<bool>,
) -> Result<(), String> {
    let damaged = || format!("the carried election file {name} is damaged: build sanak again");
    let content = files.get(name).ok_or_else(damaged)?;
    let mut reader = csv::Reader::from_reader(content.as_slice());
    let header = reader.headers().map_err(|_| damaged())?.clone();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&header).map_err(|_| damaged())?;
    for record in reader.records() {
        let cells = record.map_err(|_| damaged())?.iter().map(str::to_owned).collect();
        let mut row = Row { header: &header, cells };
        if keep(&mut row).ok_or_else(damaged)? {
            writer.write_record(&row.cells).map_err(|_| damaged())?;
        }
    }
    let written = writer.into_inner().map_err(|_| damaged())?;
    files.insert(name.to_owned(), written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_country_is_an_election_of_its_own() {
        let loaded = election_files::parse(&files(Some(60), 1).unwrap()).unwrap();
        assert_eq!(loaded.definition.precincts().len(), 60);
        let keyed = loaded.definition.devices().values().all(|device| device.public_key.is_some());
        assert!(keyed && loaded.definition.about().test);
        assert!(loaded.definition.precincts().values().any(|at| at.parent == election::UnitId::Abroad));
    }

    #[test]
    fn files_of_another_demonstration_are_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (small, smaller) = (files(Some(12), 1).unwrap(), files(Some(8), 1).unwrap());
        write(&small, dir.path()).unwrap();
        write(&small, dir.path()).unwrap();
        let refused = write(&smaller, dir.path()).unwrap_err().to_string();
        assert!(refused.contains("another demonstration was begun here"), "{refused}");
        assert_eq!(fs::read(dir.path().join("devices.csv")).unwrap(), small["devices.csv"]);
    }

    #[test]
    fn the_whole_country_has_2459_precincts_and_the_same_seed_gives_the_same_files() {
        let whole = files(None, 7).unwrap();
        assert_eq!(election_files::parse(&whole).unwrap().definition.precincts().len(), 2_459);
        assert_eq!(whole, files(None, 7).unwrap());
        assert!(files(Some(2_460), 1).is_err() && files(Some(0), 1).is_err());
    }
}
