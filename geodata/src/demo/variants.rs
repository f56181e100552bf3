//! Small elections of other kinds, cut out of the demonstration election: one region and two precincts abroad.

use std::collections::{BTreeMap, BTreeSet};

use super::{ElectionFile, derive_demo, tables::Table};
use crate::error::GeodataError;

/// The region with the fewest precincts.
const REGION: &str = "region:talas";
/// Precincts abroad that vote with it.
const ABROAD: [&str; 2] = ["9001", "9002"];

/// Which small election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Districts of three seats, as in 2025: voters abroad vote in them too.
    ThreeMember,
    /// One question, and a turnout threshold.
    Referendum,
}

impl Variant {
    /// Every variant with its id, which is the name of its directory too.
    pub const ALL: [(&'static str, Variant); 2] =
        [("kg-demo-three-member", Self::ThreeMember), ("kg-demo-referendum", Self::Referendum)];
}

type Row = BTreeMap<String, String>;

/// Derives every file of a small election: the same bytes on every run and machine.
///
/// # Errors
/// As [`derive_demo`].
pub fn derive_variant(variant: Variant) -> Result<Vec<ElectionFile>, GeodataError> {
    let whole: BTreeMap<&str, Vec<u8>> = derive_demo()?.into_iter().collect();
    let cut = Cut::new(&whole)?;
    let toml = match variant {
        Variant::ThreeMember => include_bytes!("three-member.toml").to_vec(),
        Variant::Referendum => include_bytes!("referendum.toml").to_vec(),
    };
    let mut files = vec![
        ("election.toml", toml),
        ("units.csv", cut.rows("units.csv", |row| cut.units.contains(&row["id"]))?),
        ("precincts.csv", cut.rows("precincts.csv", |row| cut.precincts.contains(&row["precinct"]))?),
        ("precinct_contests.csv", cut.contests(variant)?),
        ("options.csv", cut.options(variant)?),
        ("devices.csv", cut.rows("devices.csv", |row| cut.precincts.contains(&row["precinct"]))?),
    ];
    for name in ["regions", "raions", "districts", "precincts"] {
        let (file, layer) = cut.layer(name);
        files.push((file, layer));
    }
    Ok(files)
}

/// What of the whole election is kept.
struct Cut<'a> {
    whole: &'a BTreeMap<&'static str, Vec<u8>>,
    units: BTreeSet<String>,
    precincts: BTreeSet<String>,
}

impl<'a> Cut<'a> {
    fn new(whole: &'a BTreeMap<&'static str, Vec<u8>>) -> Result<Self, GeodataError> {
        let mut cut = Self { whole, units: BTreeSet::new(), precincts: BTreeSet::new() };
        let raions = cut.read("units.csv")?.into_iter().filter(|row| row["parent"] == REGION);
        let raions: BTreeSet<String> = raions.map(|row| row["id"].clone()).collect();
        let here = |row: &Row| raions.contains(&row["raion"]) || ABROAD.contains(&row["precinct"].as_str());
        let precincts = cut.read("precincts.csv")?.into_iter().filter(here);
        cut.precincts = precincts.map(|row| row["precinct"].clone()).collect();
        let voted = cut.read("precinct_contests.csv")?.into_iter();
        let voted = voted.filter(|row| cut.precincts.contains(&row["precinct"]));
        let district = |row: Row| Some(format!("district:{}", row["contest"].strip_prefix("single:")?));
        cut.units = voted.filter_map(district).collect();
        cut.units.extend(raions);
        cut.units.insert(REGION.to_owned());
        Ok(cut)
    }

    fn read(&self, file: &str) -> Result<Vec<Row>, GeodataError> {
        let bytes = self.whole.get(file).map(Vec::as_slice).unwrap_or_default();
        let told = |source| GeodataError::Table { file: file.to_owned(), source };
        csv::Reader::from_reader(bytes).into_deserialize().collect::<Result<_, _>>().map_err(told)
    }

    /// The rows of a table that are kept.
    fn rows(&self, file: &str, kept: impl Fn(&Row) -> bool) -> Result<Vec<u8>, GeodataError> {
        let bytes = self.whole.get(file).map(Vec::as_slice).unwrap_or_default();
        let told = |source| GeodataError::Table { file: file.to_owned(), source };
        let mut reader = csv::Reader::from_reader(bytes);
        let header: Vec<String> = reader.headers().map_err(told)?.iter().map(str::to_owned).collect();
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let mut table = Table::new(file, &header)?;
        for row in self.read(file)?.iter().filter(|row| kept(row)) {
            table.row(&header.iter().map(|column| row[*column].as_str()).collect::<Vec<_>>())?;
        }
        table.finish()
    }

    fn districts(&self) -> impl Iterator<Item = &str> {
        self.units.iter().filter_map(|id| id.strip_prefix("district:"))
    }

    /// The question is voted everywhere; a district's seats in its precincts, and abroad in both districts, half
    /// of the voters each.
    fn contests(&self, variant: Variant) -> Result<Vec<u8>, GeodataError> {
        let mut table = Table::new("precinct_contests.csv", &["precinct", "contest", "registered"])?;
        let rows = self.read("precinct_contests.csv")?;
        for row in rows.iter().filter(|row| self.precincts.contains(&row["precinct"])) {
            let (precinct, registered) = (&row["precinct"], &row["registered"]);
            match (variant, row["contest"].strip_prefix("single:")) {
                (Variant::Referendum, None) => table.row(&[precinct, "question", registered])?,
                (Variant::ThreeMember, Some(district)) => {
                    table.row(&[precinct, &format!("multi:{district}"), registered])?;
                }
                (Variant::ThreeMember, None) if ABROAD.contains(&precinct.as_str()) => {
                    let voters: u64 = registered.parse().unwrap_or(0);
                    let districts: Vec<&str> = self.districts().collect();
                    let shares = crate::apportion::apportion(voters, &vec![1; districts.len()]);
                    for (district, share) in districts.into_iter().zip(shares) {
                        table.row(&[precinct, &format!("multi:{district}"), &share.to_string()])?;
                    }
                }
                (Variant::Referendum, Some(_)) | (Variant::ThreeMember, None) => {}
            }
        }
        table.finish()
    }

    fn options(&self, variant: Variant) -> Result<Vec<u8>, GeodataError> {
        let header = [
            "contest", "option", "number", "kind", "name_ky", "name_ru", "name_en", "color", "sex", "party",
            "status",
        ];
        let mut table = Table::new("options.csv", &header)?;
        if variant == Variant::Referendum {
            for row in [
                ["question", "yes", "1", "yes", "Макул", "Да", "Yes", "#1f5fa8", "", "", "active"],
                ["question", "no", "2", "no", "Каршы", "Нет", "No", "#d9a21b", "", "", "active"],
            ] {
                table.row(&row)?;
            }
            return table.finish();
        }
        for row in self.read("options.csv")? {
            let Some(district) = row["contest"].strip_prefix("single:") else { continue };
            if self.districts().any(|kept| kept == district) {
                let contest = format!("multi:{district}");
                let rest = header.iter().skip(1).map(|column| row[*column].as_str());
                table.row(&std::iter::once(contest.as_str()).chain(rest).collect::<Vec<_>>())?;
            }
        }
        table.finish()
    }

    /// The areas of what is kept. Each stands in a line of its own.
    fn layer(&self, layer: &str) -> ElectionFile {
        let file = match layer {
            "regions" => "boundaries/regions.geojson",
            "raions" => "boundaries/raions.geojson",
            "districts" => "boundaries/districts.geojson",
            _ => "boundaries/precincts.geojson",
        };
        let text = self.whole.get(file).map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let kept = |line: &&str| {
            let id =
                line.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
            let precinct = id.strip_prefix("precinct:").is_some_and(|number| self.precincts.contains(number));
            precinct || self.units.contains(id)
        };
        let features: Vec<&str> = text.lines().filter(kept).map(|line| line.trim_end_matches(',')).collect();
        let whole =
            format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}\n", features.join(",\n"));
        (file, whole.into_bytes())
    }
}
