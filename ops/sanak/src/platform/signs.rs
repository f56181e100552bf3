//! The last signs of life taken of each device, in a file beside the journal: what was heard before a restart is not
//! heard again after it. Without the file nothing is lost but this.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actors::System;
use election::{Definition, DeviceId, liveness::Mark};
use serde::{Deserialize, Serialize};

/// How often the file is written anew, where anything has changed.
const WRITE_EVERY: Duration = Duration::from_secs(30);
/// A country's file has 1 MB.
const MOST_BYTES: u64 = 64 << 20;

/// By device.
pub type Marks = BTreeMap<DeviceId, Mark>;

/// What the file says.
#[derive(Serialize, Deserialize)]
struct Said {
    /// Digest of the election's definition.
    election: String,
    devices: Marks,
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
    fn write(&self, devices: Marks) -> io::Result<()> {
        let said = serde_json::to_vec(&Said { election: self.election.clone(), devices })?;
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = self.file.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&said)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.file)
    }

    /// Writes what has been taken until now, unless that is what was written last.
    pub async fn save(&self, system: &System, last: &mut Marks) {
        let Some(marks) = system.marks().await.filter(|marks| marks != last) else { return };
        let (signs, written) = (self.clone(), marks.clone());
        let outcome = tokio::task::spawn_blocking(move || signs.write(written)).await;
        match outcome.map_err(io::Error::other).flatten() {
            Ok(()) => *last = marks,
            Err(error) => tracing::warn!(file = %self.file.display(), %error, "cannot be written"),
        }
    }

    /// Keeps it up to date, until the task is ended.
    pub async fn keep(self, system: System) {
        let mut last = Marks::new();
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

    fn marks(counter: u64) -> Marks {
        [("t-1".parse().unwrap(), Mark { counter, boot: 2, said: 1, key: 0 })].into()
    }

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_or_of_another_election_is_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let signs = signs(&dir, "ab12");
        assert!(signs.read().is_empty());
        signs.write(marks(7)).unwrap();
        assert_eq!(signs.read(), marks(7));
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
                scope.spawn(move || (0..20).for_each(|_| signs.write(marks(counter)).unwrap()));
            }
        });
        let left = signs.read();
        assert!((1..=8).any(|counter| left == marks(counter)), "{left:?}");
    }
}
