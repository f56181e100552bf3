//! `sanak journal`: the record of the night, looked at from outside. Nothing is written, and a journal that another
//! process writes can be read as well.

mod check;
mod export;
mod replay;

pub use check::check;
pub use export::export;
pub use replay::replay;

use std::path::{Path, PathBuf};

use election_files::{Loaded, Mistakes};

/// Why a command on a journal gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The election files have mistakes, told one a line.
    #[error("{0}")]
    Election(String),
    /// The journal is of another election.
    #[error(
        "{election}: the journal in {data} was begun with other election files: name those (a demonstration's are in \
         its data directory, under election)"
    )]
    OtherFiles {
        /// The directory that was named.
        election: PathBuf,
        /// The journal's.
        data: PathBuf,
    },
    /// There is no journal, or it cannot be read.
    #[error(transparent)]
    Journal(#[from] journal::Error),
    /// What it gives breaks an invariant.
    #[error("the journal gives figures that would not be published: {0}")]
    Figures(String),
    /// The answer cannot be written.
    #[error("the answer cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

/// Where the journal is in a data directory.
fn journal_in(data: &Path) -> Result<PathBuf, Failure> {
    let dir = data.join("journal");
    if dir.is_dir() { Ok(dir) } else { Err(journal::Error::Empty { dir }.into()) }
}

fn load(dir: &Path) -> Result<Loaded, Failure> {
    let told = |mistakes: Mistakes| {
        let lines: Vec<String> =
            mistakes.iter().map(|mistake| format!("{}/{mistake}", dir.display())).collect();
        Failure::Election(lines.join("\n"))
    };
    election_files::load(dir).map_err(told)
}
