//! `sanak publish`: what the public API answers, as files that any web server or object store gives out, again and
//! again. It reads as any reader does, so the embargo and the publish guard hold for it by themselves.
//!
//! A file is written whole or not at all. What stands stays when the platform is not reached; `index.json` says so. An
//! older version never takes the place of a newer one of the same epoch, also after a start.

mod files;
mod reader;
mod target;

use std::{io, io::Write, time::Duration};

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

/// Looks at everything after one that found a newer version: lists may be a second old when they are read.
const LOOKS_AFTER: u32 = 3;
/// Everything is looked at once in so many looks, also where no version is new.
const LOOKS_APART: u32 = 15;

/// Why files are not as new as they could be.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Read(#[from] Unread),
    #[error(transparent)]
    Write(#[from] Unwritten),
    #[error("the platform at {0} has no election; is it the right address? (--from)")]
    NoElection(String),
    #[error("there is no election {0} (--election)")]
    Unknown(String),
    #[error(
        "{file}: version {answered} was answered where {held} stands: is there a cache between? the newer one stays"
    )]
    Older { file: String, held: u64, answered: u64 },
}

/// Publishes until it is told to stop, or once.
///
/// # Errors
/// Where a signal cannot be waited for, or stderr is closed.
pub async fn run(options: Options) -> io::Result<Outcome> {
    let opened = async {
        let (reader, target) = (Reader::new(&options.from)?, Target::open(&options.target)?);
        Ok::<_, Trouble>(Files::open(reader, target).await?)
    };
    let files = match opened.await {
        Ok(files) => files,
        Err(why) => {
            writeln!(io::stderr(), "{why}")?;
            return Ok(Outcome::Misused);
        }
    };
    let once = options.once;
    let every = options.every;
    let mut publisher = Publisher { files, options, looks: 0 };
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    loop {
        let passed = publisher.pass().await;
        match &passed {
            Ok(true) => tracing::info!(version = publisher.files.version(), "published"),
            Ok(false) => {}
            Err(why) => tracing::warn!(%why, "what was published stands; trying again"),
        }
        if once {
            return match passed {
                Ok(_) => Ok(Outcome::Done),
                Err(why) => {
                    writeln!(io::stderr(), "{why}")?;
                    Ok(Outcome::Failed)
                }
            };
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            _ = interrupted.recv() => return Ok(Outcome::Done),
            _ = terminated.recv() => return Ok(Outcome::Done),
        }
    }
}

struct Publisher {
    files: Files,
    options: Options,
    /// Looks since the last one that found a newer version.
    looks: u32,
}

impl Publisher {
    /// Looks once; whether there was a newer version. What stands, and whether the platform is reached, is told also
    /// where nothing was new: a reader of the files sees how old they may be.
    async fn pass(&mut self) -> Result<bool, Trouble> {
        let outcome = self.write().await;
        let reached = !matches!(outcome, Err(Trouble::Read(_)));
        let told = self.files.tell(reached).await;
        let newer = outcome?;
        told?;
        Ok(newer)
    }

    async fn write(&mut self) -> Result<bool, Trouble> {
        let election = match &self.options.election {
            Some(election) => election.clone(),
            None => {
                let first = self.files.first_election().await?;
                let first = first.ok_or_else(|| Trouble::NoElection(self.options.from.clone()))?;
                self.options.election.insert(first).clone()
            }
        };
        let newer = self.files.write_results(&election).await?;
        self.looks = if newer { 0 } else { self.looks + 1 };
        if self.looks < LOOKS_AFTER || self.looks.is_multiple_of(LOOKS_APART) {
            let written = self.files.write_rest(&election).await;
            if written.is_err() {
                self.looks = 0;
            }
            written?;
        }
        Ok(newer)
    }
}
