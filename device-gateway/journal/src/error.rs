//! Why a journal cannot be opened or read.

use std::{io, path::PathBuf};

use election::report::{Digest, Offset};

/// Why a journal cannot be opened or read. None of these is mended by trying again unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process writes it.
    #[error("journal {dir}: another process has it open; end that one first")]
    InUse {
        /// The directory.
        dir: PathBuf,
    },
    /// There is none, where one is read.
    #[error("journal {dir}: there is no journal in this directory")]
    Empty {
        /// The directory.
        dir: PathBuf,
    },
    /// The disk or the file system refused.
    #[error("{path}: cannot {doing}: {source}")]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A record that was durable is not what was written.
    #[error("{file}: damaged at byte {position} (record {offset}): {what}; restore this file from a copy")]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        position: u64,
        /// The record that should stand there.
        offset: Offset,
        /// What is wrong.
        what: String,
    },
    /// It belongs to other election files.
    #[error("journal {dir} was begun with other election files (digest {found}, these have {given})")]
    OtherDefinition {
        /// The directory.
        dir: PathBuf,
        /// Digest in the journal.
        found: Digest,
        /// Digest of the files given.
        given: Digest,
    },
}

impl Error {
    /// An [`Error::Io`] for use with `map_err`.
    pub(crate) fn io(path: &std::path::Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, doing, source }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Io { ref source, .. } => io::Error::new(source.kind(), error.to_string()),
            Error::Damaged { .. } => io::Error::new(io::ErrorKind::InvalidData, error),
            other => io::Error::other(other),
        }
    }
}
