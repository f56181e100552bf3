//! `sanak provision`: the keys and certificates of an election, a bundle for each device, and what is done about
//! them later. What stands is never changed by a run that was not asked to.
//!
//! | module | what it does |
//! | --- | --- |
//! | `vault` | files and directories that are their owner's alone, whole or not at all |
//! | `authority` | the device authority: certificates, and the list of those that were revoked |
//! | `centre` | the centre's own: signing key, server and gateway certificates |
//! | `external` | what a broker in between needs: access lists, a configuration of Mosquitto and of the service |
//! | `bundle` | what one device is given |
//! | `fleet` | the bundles of all devices |
//! | `register` | `public_key` in `devices.csv` |
//! | `standing` | a new key for a device, or none at all |

mod authority;
mod bundle;
mod centre;
mod external;
mod fleet;
mod register;
mod standing;
mod vault;

pub use centre::GATEWAY;

use std::{
    fmt::Write as _,
    io::Write,
    path::{Path, PathBuf},
};

use device_wire::VerifyingKey;
use election::Definition;
use election_files::Mistakes;

use crate::cli::Outcome;
use authority::Authority;
use vault::Vault;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Options {
    /// The election files.
    pub election: PathBuf,
    /// Where keys and certificates are kept.
    pub out: PathBuf,
    /// Names and addresses in the server's certificate.
    pub server_names: Vec<String>,
    /// Where devices find the centre, `host:port`.
    pub address: String,
    /// Name of the centre's key.
    pub centre_kid: String,
    /// Further keys of the centre that devices trust, by name.
    pub centre_keys: Vec<(String, VerifyingKey)>,
    /// What is done about one device or certificate, instead of all of them.
    pub task: Task,
}

/// What a run is for.
#[derive(Debug, Clone)]
pub enum Task {
    /// Makes what is missing.
    Fill,
    /// Makes another certificate for the server.
    RenewServer,
    /// Gives a device another key and certificate.
    Reissue {
        /// Which device.
        device: String,
        /// Why, for the decision; `None`: the key is written into `devices.csv` instead.
        reason: Option<String>,
    },
    /// Revokes a device's certificate.
    Revoke {
        /// Which device.
        device: String,
        /// Why, for the decision.
        reason: String,
    },
}

/// Why nothing, or not all, was done.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Something is not as it has to be; nothing was changed.
    #[error("{path}: {what}", path = .path.display())]
    Mistake {
        /// Where.
        path: PathBuf,
        /// What, and what to do.
        what: String,
    },
    /// The election files have mistakes, told one a line.
    #[error("{0}")]
    Election(String),
    /// The system refused.
    #[error("{path} cannot be {done}: {why}", path = .path.display())]
    Io {
        /// What.
        path: PathBuf,
        /// `read`, `written`.
        done: &'static str,
        /// What the system said.
        why: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("{path} cannot be made: {why}", path = .path.display())]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        why: rcgen::Error,
    },
}

impl Trouble {
    fn mistake(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::Mistake { path: path.into(), what: what.into() }
    }

    fn io(path: &Path, done: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::Io { path, done, why }
    }

    fn certificate(path: &Path) -> impl FnOnce(rcgen::Error) -> Self {
        let path = path.to_owned();
        move |why| Self::Certificate { path, why }
    }

    /// How a command ends that met it.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Mistake { .. } | Self::Election(_) => Outcome::Misused,
            Self::Io { .. } | Self::Certificate { .. } => Outcome::Failed,
        }
    }
}

/// What a run found and did, for people.
#[derive(Debug, Default)]
pub(crate) struct Tale {
    /// Files that were made, in their order.
    pub made: Vec<String>,
    /// What is allowed but probably not meant.
    pub warnings: Vec<String>,
}

impl Tale {
    /// A warning about several of a kind, which names the first three.
    pub fn warn_of(&mut self, which: &[String], what: &str) {
        if which.is_empty() {
            return;
        }
        let mut text = which.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
        if which.len() > 3 {
            // Writing to a string cannot fail.
            let _ = write!(text, " and {} more", which.len() - 3);
        }
        self.warnings.push(format!("{text}: {what}"));
    }
}

/// Does what is asked. A decision to be posted goes to `out`, everything else of interest to `err`.
///
/// # Errors
/// [`Trouble`].
pub fn run(options: &Options, out: &mut impl Write, err: &mut impl Write) -> Result<(), Trouble> {
    let definition = load(&options.election)?;
    register::writable(&options.election)?;
    let mut tale = Tale::default();
    let vault = Vault::open(&options.out)?;
    let authority = Authority::open(&vault, &definition.about().id, &mut tale)?;
    let centre = centre::fill(&vault, &authority, options, &mut tale)?;
    let told = match &options.task {
        Task::Fill | Task::RenewServer => {
            let keys = fleet::fill(&vault, &authority, &definition, &centre, &mut tale)?;
            let filled = register::fill(&options.election, &keys.of_devices)?;
            keys.told(filled)
        }
        Task::Reissue { device, reason } => {
            let found = standing::device(&definition, device, &options.election)?;
            let key = standing::reissue(&vault, &authority, &definition, found, &centre, &mut tale)?;
            match reason {
                Some(reason) => standing::decision(out, &definition, found, Some(key), reason)?,
                None => register::replace(&options.election, &found.id, key)?,
            }
            standing::told(device, reason.is_some(), true)
        }
        Task::Revoke { device, reason } => {
            let found = standing::device(&definition, device, &options.election)?;
            standing::revoke(&vault, found, &mut tale)?;
            standing::decision(out, &definition, found, None, reason)?;
            standing::told(device, true, false)
        }
    };
    authority.list_revoked(&vault, &definition, &mut tale)?;
    external::fill(&vault, &definition, &options.address, &mut tale)?;
    tell(err, &tale, &told).map_err(Trouble::io(Path::new("stderr"), "written"))
}

fn load(dir: &Path) -> Result<Definition, Trouble> {
    let told = |mistakes: Mistakes| {
        let lines: Vec<String> =
            mistakes.iter().map(|mistake| format!("{}/{mistake}", dir.display())).collect();
        Trouble::Election(lines.join("\n"))
    };
    election_files::load(dir).map(|loaded| loaded.definition).map_err(told)
}

fn tell(err: &mut impl Write, tale: &Tale, told: &str) -> std::io::Result<()> {
    for warning in &tale.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    match tale.made.len() {
        0 => writeln!(err, "nothing new in the directory: what stands was not changed")?,
        _ => writeln!(err, "made {}", tale.made.join(", "))?,
    }
    writeln!(err, "{told}")
}
