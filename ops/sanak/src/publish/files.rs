//! Which address becomes which file, and writing them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use feed::Body;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    Trouble,
    reader::{Answer, Asked, Reader},
    target::{Target, Unwritten},
};

/// Files that are read and written at once.
const AT_ONCE: usize = 4;

const INDEX: &str = "index.json";
const RESULTS: &str = "results.json";

/// Addresses below the election, and their files.
const PLAIN: [(&str, &str); 11] = [
    ("", "definition.json"),
    ("/precincts", "precincts.json"),
    ("/places", "places.json"),
    ("/missing", "missing.json"),
    ("/quarantine?limit=5000", "quarantine.json"),
    ("/corrections", "corrections.json"),
    ("/export/results.csv", "results.csv"),
    ("/export/results.csv?excel=1", "results.excel.csv"),
    ("/export/precincts.csv", "precincts.csv"),
    ("/export/precincts.csv?excel=1", "precincts.excel.csv"),
    ("/export/cdf.json", "cdf.json"),
];

/// What the definition says that is needed here.
#[derive(Deserialize)]
struct Definition {
    contests: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

/// A file as the index names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    media_type: String,
    bytes: usize,
    sha256: String,
    /// Of what says of itself which version it is.
    #[serde(flatten)]
    position: Option<Position>,
}

/// The version that a file shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    epoch: String,
    version: u64,
}

/// The index, as it was left.
#[derive(Deserialize)]
struct Index {
    files: BTreeMap<String, Entry>,
}

/// The files, as far as they are written.
pub(super) struct Files {
    reader: Reader,
    target: Target,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Files {
    /// With what stands in the target already.
    pub(super) async fn open(reader: Reader, target: Target) -> Result<Self, Unwritten> {
        let index = target.read(INDEX).await?;
        let index = index.and_then(|bytes| serde_json::from_slice::<Index>(&bytes).ok());
        let entries = index.map(|index| index.files).unwrap_or_default();
        Ok(Self { reader, target, entries: Mutex::new(entries) })
    }

    /// The first election that the platform names.
    pub(super) async fn first_election(&self) -> Result<Option<String>, Trouble> {
        let Asked::New(answer) = self.reader.ask("/elections").await? else { return Ok(None) };
        let list: Vec<Named> = serde_json::from_slice(&answer.bytes).unwrap_or_default();
        Ok(list.into_iter().next().map(|election| election.id))
    }

    /// Writes the snapshot, if there is a newer one.
    pub(super) async fn write_results(&self, election: &str) -> Result<bool, Trouble> {
        let path = format!("/elections/{election}/results");
        match self.reader.ask(&path).await? {
            Asked::Unchanged => Ok(false),
            Asked::Nothing => Err(Trouble::Unknown(election.to_owned())),
            Asked::New(answer) => self.put(&path, RESULTS, &answer).await.map(|()| true),
        }
    }

    /// Writes every other file that has changed. One that fails stops no other.
    pub(super) async fn write_rest(&self, election: &str) -> Result<(), Trouble> {
        let below = |path: &str| format!("/elections/{election}{path}");
        let mut wanted: Vec<(String, String)> = vec![("/elections".to_owned(), "elections.json".to_owned())];
        wanted.extend(PLAIN.iter().map(|(path, file)| (below(path), (*file).to_owned())));
        for layer in ["regions", "raions", "districts"] {
            wanted.push((
                below(&format!("/boundaries/{layer}.geojson")),
                format!("boundaries/{layer}.geojson"),
            ));
            wanted
                .push((below(&format!("/export/results.geojson?layer={layer}")), format!("{layer}.geojson")));
        }
        for series in ["turnout", "reported"] {
            let path = format!("/history?unit=country&series={series}");
            wanted.push((below(&path), format!("history/country.{series}.json")));
        }
        for contest in self.contests(election).await? {
            for source in ["urns", "protocols"] {
                let file = format!("seats/{}.{source}.json", contest.replace(':', "-"));
                wanted.push((below(&format!("/seats?contest={contest}&source={source}")), file));
            }
        }
        let writing = stream::iter(wanted.into_iter().map(|(path, file)| self.write(path, file)));
        let written: Vec<_> = writing.buffer_unordered(AT_ONCE).collect().await;
        written.into_iter().collect()
    }

    async fn contests(&self, election: &str) -> Result<Vec<String>, Trouble> {
        let path = format!("/elections/{election}?keys=false");
        let Asked::New(answer) = self.reader.ask(&path).await? else { return Ok(Vec::new()) };
        let definition: Definition =
            serde_json::from_slice(&answer.bytes).map_err(|error| super::Unread::Broken(path, error))?;
        Ok(definition.contests.into_iter().map(|contest| contest.id).collect())
    }

    /// Writes what an address answers. An address that an election has not leaves no file.
    async fn write(&self, path: String, file: String) -> Result<(), Trouble> {
        match self.reader.ask(&path).await? {
            Asked::New(answer) => self.put(&path, &file, &answer).await,
            Asked::Unchanged | Asked::Nothing => Ok(()),
        }
    }

    /// Writes a file, and the same compressed, for web servers that give out what lies beside a file.
    async fn put(&self, path: &str, file: &str, answer: &Answer) -> Result<(), Trouble> {
        let Answer { bytes, content_type, .. } = answer;
        let position: Option<Position> = serde_json::from_slice(bytes).ok();
        self.refuse_older(file, position.as_ref())?;
        let body = Arc::new(Body::new(bytes.clone()));
        let compressed = tokio::task::spawn_blocking(move || (body.brotli().clone(), body.gzip().clone()));
        if let Ok((brotli, gzip)) = compressed.await {
            self.target.write(&format!("{file}.br"), brotli, content_type, Some("br")).await?;
            self.target.write(&format!("{file}.gz"), gzip, content_type, Some("gzip")).await?;
        }
        self.target.write(file, bytes.clone(), content_type, None).await?;
        let sha256 = hex::encode(Sha256::digest(bytes));
        let entry = Entry { media_type: content_type.clone(), bytes: bytes.len(), sha256, position };
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), entry);
        self.reader.hold(path, answer);
        Ok(())
    }

    fn refuse_older(&self, file: &str, answered: Option<&Position>) -> Result<(), Trouble> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let held = entries.get(file).and_then(|entry| entry.position.as_ref());
        match (held, answered) {
            (Some(held), Some(answered))
                if held.epoch == answered.epoch && answered.version < held.version =>
            {
                Err(Trouble::Older { file: file.to_owned(), held: held.version, answered: answered.version })
            }
            _ => Ok(()),
        }
    }

    fn position(&self) -> Option<Position> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(RESULTS).and_then(|entry| entry.position.clone())
    }

    /// The version that stands.
    pub(super) fn version(&self) -> Option<u64> {
        self.position().map(|position| position.version)
    }

    /// Says what stands, how new it is, and whether the platform is reached.
    pub(super) async fn tell(&self, reached: bool) -> Result<(), Unwritten> {
        let position = self.position();
        let index = json!({
            "checked_at": jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
            "reached": reached,
            "epoch": position.as_ref().map(|position| &position.epoch),
            "version": position.as_ref().map(|position| position.version),
            "files": *self.entries.lock().unwrap_or_else(PoisonError::into_inner),
        });
        self.target.write(INDEX, Bytes::from(index.to_string()), "application/json", None).await
    }
}
