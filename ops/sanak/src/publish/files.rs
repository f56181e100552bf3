//! Which address becomes which file, and writing them.

use std::{collections::BTreeMap, sync::Arc};

use feed::Body;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Header, Trouble, reader::Reader, target::Target};

/// Files that are read and written at once.
const AT_ONCE: usize = 4;
/// Below this, compression costs more than it saves.
const SMALL: usize = 1024;

/// Addresses below the election, and their files.
const PLAIN: [(&str, &str); 12] = [
    ("", "definition.json"),
    ("/results", "results.json"),
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

/// The files, as far as they are written.
pub(super) struct Files {
    reader: Reader,
    target: Target,
    /// By name, for the index: media type, size, SHA-256.
    written: tokio::sync::Mutex<BTreeMap<String, Value>>,
}

impl Files {
    pub(super) fn new(reader: Reader, target: Target) -> Self {
        Self { reader, target, written: tokio::sync::Mutex::default() }
    }

    /// The first election of the platform.
    pub(super) async fn elections(&self) -> Result<Option<String>, Trouble> {
        let answer = self.reader.read("/elections").await?;
        let list: Vec<Named> =
            answer.and_then(|answer| serde_json::from_slice(&answer.bytes).ok()).unwrap_or_default();
        Ok(list.into_iter().next().map(|election| election.id))
    }

    /// The version that the platform shows now.
    pub(super) async fn look(&self, election: &str) -> Result<Header, Trouble> {
        let path = format!("/elections/{election}/results");
        let answer = self.reader.read(&path).await?;
        let answer = answer.ok_or_else(|| Trouble::NoElection(format!("{path} (--election)")))?;
        let header = serde_json::from_slice(&answer.bytes);
        // What has been looked at has not been written: the pass that follows reads it as new.
        self.reader.forget(&path).await;
        header.map_err(|error| super::Unread::Broken(path, error).into())
    }

    /// Writes every file that has changed.
    pub(super) async fn write_all(&self, election: &str) -> Result<(), Trouble> {
        self.write("/elections".to_owned(), "elections.json".to_owned()).await?;
        let below = |path: &str| format!("/elections/{election}{path}");
        let mut wanted: Vec<(String, String)> =
            PLAIN.iter().map(|(path, file)| (below(path), (*file).to_owned())).collect();
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
        writing.buffer_unordered(AT_ONCE).try_collect::<()>().await
    }

    async fn contests(&self, election: &str) -> Result<Vec<String>, Trouble> {
        let path = format!("/elections/{election}?keys=false");
        let Some(answer) = self.reader.read(&path).await? else { return Ok(Vec::new()) };
        let definition: Definition =
            serde_json::from_slice(&answer.bytes).map_err(|error| super::Unread::Broken(path, error))?;
        Ok(definition.contests.into_iter().map(|contest| contest.id).collect())
    }

    /// Writes what an address answers, and the same compressed, for web servers that give out what lies beside a
    /// file. An address that an election has not leaves no file.
    async fn write(&self, path: String, file: String) -> Result<(), Trouble> {
        let Some(answer) = self.reader.read(&path).await? else { return Ok(()) };
        if answer.unchanged {
            return Ok(());
        }
        let written = self.put(&file, &answer.bytes, &answer.content_type).await;
        if written.is_err() {
            self.reader.forget(&path).await;
        }
        written
    }

    async fn put(&self, file: &str, bytes: &bytes::Bytes, content_type: &str) -> Result<(), Trouble> {
        if bytes.len() >= SMALL {
            let body = Arc::new(Body::new(bytes.clone()));
            let shared = Arc::clone(&body);
            let compressed =
                tokio::task::spawn_blocking(move || (shared.brotli().clone(), shared.gzip().clone()));
            if let Ok((brotli, gzip)) = compressed.await {
                self.target.write(&format!("{file}.br"), brotli, content_type, Some("br")).await?;
                self.target.write(&format!("{file}.gz"), gzip, content_type, Some("gzip")).await?;
            }
        }
        self.target.write(file, bytes.clone(), content_type, None).await?;
        let entry = json!({
            "media_type": content_type, "bytes": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes)),
        });
        self.written.lock().await.insert(file.to_owned(), entry);
        Ok(())
    }

    /// Says what stands, how new it is, and whether the platform is reached.
    pub(super) async fn tell(&self, reached: bool, held: Option<(&str, u64)>) -> Result<(), Trouble> {
        let index = json!({
            "checked_at": jiff::Timestamp::now().strftime("%FT%TZ").to_string(),
            "reached": reached,
            "epoch": held.map(|(epoch, _)| epoch),
            "version": held.map(|(_, version)| version),
            "files": *self.written.lock().await,
        });
        let bytes = bytes::Bytes::from(index.to_string());
        Ok(self.target.write("index.json", bytes, "application/json", None).await?)
    }
}
