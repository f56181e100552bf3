//! The last signs of life taken of each device, in a file beside the journal: what was heard before a restart is not
//! heard again after it. Without the file nothing is lost but this.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actors::{Marked, System};
use election::{Definition, DeviceId, liveness::Mark};
use serde::{Deserialize, Serialize, Serializer};

/// How often the file is written anew, where anything has changed.
const WRITE_EVERY: Duration = Duration::from_secs(30);
/// A country's file has 1 MB; that of two million devices 150 MB.
const MOST_BYTES: u64 = 512 << 20;

/// By device.
type Marks = BTreeMap<DeviceId, Mark>;

/// What the file says.
#[derive(Deserialize)]
struct Said {
    /// Digest of the election's definition.
    election: String,
    devices: Marks,
}

/// The same, to be written.
#[derive(Serialize)]
struct Saying<'a> {
    election: &'a str,
    #[serde(serialize_with = "as_map")]
    devices: &'a [(DeviceId, Mark)],
}

fn as_map<S: Serializer>(devices: &&[(DeviceId, Mark)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(devices.iter().map(|(device, mark)| (device, mark)))
}

/// The file.
#[derive(Debug, Clone)]
pub struct Signs {
    file: PathBuf,
    election: String,
    /// One writes at a time: the last word at the end meets one that is being written.
    writing: Arc<Mutex<()>>,
}

impl Signs {
    /// Below a data directory.
    pub fn below(data: &Path, definition: &Definition) -> Self {
        let election = definition.digest().to_string();
        Self { file: data.join("signs.json"), election, writing: Arc::default() }
    }

    /// What it says; nothing where it is not there, or cannot be read.
    pub fn read(&self) -> Marks {
        match self.try_read() {
            Ok(marks) => marks,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Marks::new(),
            Err(error) => {
                let file = self.file.display();
                tracing::warn!(%file, %error, "heartbeats from before the start would be taken once more");
                Marks::new()
            }
        }
    }

    fn try_read(&self) -> io::Result<Marks> {
        let mut text = Vec::new();
        File::open(&self.file)?.take(MOST_BYTES).read_to_end(&mut text)?;
        let said: Said = serde_json::from_slice(&text)?;
        if said.election != self.election {
            return Err(io::Error::other("it is of another election, and goes when that one's journal goes"));
        }
        Ok(said.devices)
    }

    /// Writes it anew: the old one or the new one is there, whatever happens.
    fn write(&self, devices: &[(DeviceId, Mark)]) -> io::Result<()> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.file.with_extension("new");
        let mut file = BufWriter::new(File::create(&fresh)?);
        serde_json::to_writer(&mut file, &Saying { election: &self.election, devices })?;
        file.into_inner()?.sync_all()?;
        fs::rename(&fresh, &self.file)
    }

    /// Writes what has been taken until now, unless that is what was written `last`.
    pub async fn save(&self, system: &System, last: &mut u64) {
        let Some(Marked { taken, marks }) = system.marks(*last).await else { return };
        let signs = self.clone();
        let outcome = tokio::task::spawn_blocking(move || signs.write(&marks)).await;
        match outcome.map_err(io::Error::other).flatten() {
            Ok(()) => *last = taken,
            Err(error) => tracing::warn!(file = %self.file.display(), %error, "cannot be written"),
        }
    }

    /// Keeps it up to date, until the task is ended.
    pub async fn keep(self, system: System) {
        let mut last = 0;
        loop {
            tokio::time::sleep(WRITE_EVERY).await;
            self.save(&system, &mut last).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(dir: &tempfile::TempDir, election: &str) -> Signs {
        let file = dir.path().join("signs.json");
        Signs { file, election: election.to_owned(), writing: Arc::default() }
    }

    fn listed(counter: u64) -> [(DeviceId, Mark); 1] {
        [("t-1".parse().unwrap(), Mark { counter, boot: 2, said: 1, key: 0 })]
    }

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_or_of_another_election_is_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let signs = signs(&dir, "ab12");
        assert!(signs.read().is_empty());
        signs.write(&listed(7)).unwrap();
        assert_eq!(signs.read(), listed(7).into());
        assert!(self::signs(&dir, "cd34").read().is_empty());
        fs::write(&signs.file, "{\"t-1\":").unwrap();
        assert!(signs.read().is_empty());
    }

    #[test]
    fn two_who_write_at_once_leave_one_sound_file() {
        let dir = tempfile::TempDir::new().unwrap();
        let signs = signs(&dir, "ab12");
        std::thread::scope(|scope| {
            for counter in 1..=8 {
                let signs = signs.clone();
                scope.spawn(move || (0..20).for_each(|_| signs.write(&listed(counter)).unwrap()));
            }
        });
        let left = signs.read();
        assert!((1..=8).any(|counter| left == listed(counter).into()), "{left:?}");
    }
}
