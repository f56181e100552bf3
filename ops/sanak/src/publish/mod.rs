//! `sanak publish`: what the public API answers, as files that any web server or object store gives out, again and
//! again. It reads as any reader does, so the embargo and the publish guard hold for it by themselves.
//!
//! A file is written whole or not at all. What stands stays when the platform is not reached; `index.json` says so. An
//! older version never takes the place of a newer one of the same epoch.

mod files;
mod reader;
mod target;

use std::{io, io::Write, time::Duration};

use serde::Deserialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Outcome;
use files::Files;
use reader::{Reader, Unread};
use target::{Target, Unwritten};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// A directory, or `s3://bucket/prefix`.
    pub target: String,
    /// The platform: `http://127.0.0.1:8080`.
    pub from: String,
    /// Which election; the first that the platform names, where none is given.
    pub election: Option<String>,
    /// How often it is looked whether there is something new.
    pub every: Duration,
    /// Write everything once and end.
    pub once: bool,
}

/// Why files are not as new as they could be.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Read(#[from] Unread),
    #[error(transparent)]
    Write(#[from] Unwritten),
    #[error("the platform at {0} has no election; is it the right address? (--from)")]
    NoElection(String),
    #[error(
        "an older version than {held} was answered ({answered}): is there a cache between? the newer one stands"
    )]
    Older { held: u64, answered: u64 },
}

/// What a snapshot says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Header {
    epoch: String,
    version: u64,
}

/// Publishes until it is told to stop, or once.
///
/// # Errors
/// Where the target cannot be opened, or a signal cannot be waited for.
pub async fn run(options: Options) -> io::Result<Outcome> {
    let target = match Target::open(&options.target) {
        Ok(target) => target,
        Err(why) => {
            writeln!(io::stderr(), "{why}")?;
            return Ok(Outcome::Misused);
        }
    };
    let reader = match Reader::new(&options.from) {
        Ok(reader) => reader,
        Err(why) => {
            writeln!(io::stderr(), "{why}")?;
            return Ok(Outcome::Misused);
        }
    };
    let mut publisher = Publisher { files: Files::new(reader, target), options, held: None };
    let mut terminated = signal(SignalKind::terminate())?;
    loop {
        let passed = publisher.pass().await;
        match &passed {
            Ok(Some(header)) => tracing::info!(epoch = header.epoch, version = header.version, "published"),
            Ok(None) => {}
            Err(why) => tracing::warn!(%why, "what was published stands; trying again"),
        }
        if publisher.options.once {
            return match passed {
                Ok(_) => Ok(Outcome::Done),
                Err(why) => {
                    writeln!(io::stderr(), "{why}")?;
                    Ok(Outcome::Failed)
                }
            };
        }
        tokio::select! {
            () = tokio::time::sleep(publisher.options.every) => {}
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                return Ok(Outcome::Done);
            }
            _ = terminated.recv() => return Ok(Outcome::Done),
        }
    }
}

struct Publisher {
    files: Files,
    options: Options,
    /// The version that stands, whole.
    held: Option<Header>,
}

impl Publisher {
    /// Looks once; the version that was written, if there was a newer one.
    async fn pass(&mut self) -> Result<Option<Header>, Trouble> {
        let outcome = self.write().await;
        let reached = !matches!(outcome, Err(Trouble::Read(_)));
        // The state is told also where nothing was new: a reader of the files sees how old they may be.
        let told = self
            .files
            .tell(reached, self.held.as_ref().map(|held| (held.epoch.as_str(), held.version)))
            .await;
        let written = outcome?;
        told?;
        Ok(written)
    }

    async fn write(&mut self) -> Result<Option<Header>, Trouble> {
        let election = match &self.options.election {
            Some(election) => election.clone(),
            None => {
                let first = self.files.elections().await?;
                let election = first.ok_or_else(|| Trouble::NoElection(self.options.from.clone()))?;
                self.options.election = Some(election.clone());
                election
            }
        };
        let header = self.files.look(&election).await?;
        if let Some(held) = &self.held {
            if *held == header {
                return Ok(None);
            }
            if held.epoch == header.epoch && header.version < held.version {
                return Err(Trouble::Older { held: held.version, answered: header.version });
            }
        }
        self.files.write_all(&election).await?;
        self.held = Some(header.clone());
        Ok(Some(header))
    }
}
