//! The last signs of life taken of each device, in a file beside the journal: what was heard before a restart is not
//! heard again after it. Without the file nothing is lost but this.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use actors::System;
use election::{DeviceId, liveness::Mark};

/// How often the file is written anew, where anything has changed.
const WRITE_EVERY: Duration = Duration::from_secs(30);
/// A country's file has 1 MB.
const MOST_BYTES: u64 = 64 << 20;

/// By device.
pub type Marks = BTreeMap<DeviceId, Mark>;

/// The file.
#[derive(Debug, Clone)]
pub struct Signs(PathBuf);

impl Signs {
    /// Below a data directory.
    pub fn below(data: &Path) -> Self {
        Self(data.join("signs.json"))
    }

    /// What it says; nothing where it is not there, or cannot be read.
    pub fn read(&self) -> Marks {
        match self.try_read() {
            Ok(marks) => marks,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Marks::new(),
            Err(error) => {
                let file = self.0.display();
                tracing::warn!(%file, %error, "heartbeats from before the start would be taken once more");
                Marks::new()
            }
        }
    }

    fn try_read(&self) -> io::Result<Marks> {
        let mut text = Vec::new();
        File::open(&self.0)?.take(MOST_BYTES).read_to_end(&mut text)?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes it anew: the old one or the new one is there, whatever happens.
    fn write(&self, marks: &Marks) -> io::Result<()> {
        let fresh = self.0.with_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec(marks)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &self.0)
    }

    /// Writes what has been taken until now, unless that is what was written last.
    pub async fn save(&self, system: &System, last: &mut Marks) {
        let Some(marks) = system.marks().await.filter(|marks| marks != last) else { return };
        let (signs, written) = (self.clone(), marks.clone());
        let outcome = tokio::task::spawn_blocking(move || signs.write(&written)).await;
        match outcome.map_err(io::Error::other).flatten() {
            Ok(()) => *last = marks,
            Err(error) => tracing::warn!(file = %self.0.display(), %error, "cannot be written"),
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

    #[test]
    fn what_is_written_is_read_and_what_is_damaged_is_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let signs = Signs::below(dir.path());
        assert!(signs.read().is_empty());
        let marks: Marks = [("t-1".parse().unwrap(), Mark { counter: 7, boot: 2, said: 1 })].into();
        signs.write(&marks).unwrap();
        assert_eq!(signs.read(), marks);
        fs::write(&signs.0, "{\"t-1\":").unwrap();
        assert!(signs.read().is_empty());
    }
}
