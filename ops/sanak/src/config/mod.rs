//! Configuration (PROTOCOL §4): TOML, over it the environment, and of both only what can be started.
//!
//! | module | what it does |
//! | --- | --- |
//! | `raw` | file and environment → texts, each with its place |
//! | `addresses` | addresses to listen on |
//! | `mqtt` | how devices reach us |
//! | `documents` | where scans are kept |
//! | `history` | where the history goes |
//! | `quota` | how much one device may have on record, and how many may follow the live feed |
//! | `files` | directories, keys and tokens on disk |
//! | `problem` | mistakes and warnings, each one sentence with its place |

mod addresses;
mod documents;
mod files;
mod history;
mod mqtt;
mod problem;
mod quota;
mod raw;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use device_gateway::Quota;
use ed25519_dalek::{SigningKey, VerifyingKey};
use election::{Definition, definition::DeviceStatus};
use election_files::Loaded;
use journal::{Clock as _, SystemClock};

use crate::limits;
use raw::Raw;

pub use addresses::is_free;
pub use documents::Shelves;
pub use files::{RoomToken, is_kid, writable};
pub use history::HistoryPlaces;
pub use mqtt::Mqtt;
pub use problem::{Place, Problem, Problems};

/// A configuration without a mistake: what it names is there, and was free or writable when it was read.
#[derive(Debug)]
pub struct Config {
    /// The election.
    pub election: Loaded,
    /// Directory of the journal; it is made when it is not there.
    pub data_dir: PathBuf,
    /// How devices reach us.
    pub mqtt: Mqtt,
    /// Address of the page and the API.
    pub http: SocketAddr,
    /// Address of the metrics.
    pub metrics: SocketAddr,
    /// The keys of the centre.
    pub centre: Centre,
    /// Who may enter the situation room.
    pub room: Vec<RoomToken>,
    /// How much one device may have on record.
    pub quota: Quota,
    /// How many may follow the live feed.
    pub live_readers: usize,
    /// Precincts beyond which those that have nothing to do have no actor.
    pub awake_precincts: usize,
    /// Where scans are kept.
    pub documents: Shelves,
    /// Where the history goes.
    pub history: HistoryPlaces,
}

/// The keys of the centre: one signs, the others are still honoured.
#[derive(Debug)]
pub struct Centre {
    /// Name of the key that signs.
    pub kid: String,
    /// Signs receipts and commands.
    pub key: SigningKey,
    /// Keys that signed before, by name, published for whoever checks old receipts.
    pub old_keys: Vec<(String, VerifyingKey)>,
    /// Whether a clock that nobody keeps right makes the service unready; otherwise it is a warning.
    pub require_synchronised_clock: bool,
}

/// A configuration, and what is allowed in it but probably not meant.
#[derive(Debug)]
pub struct Checked {
    /// The configuration.
    pub config: Config,
    /// Warnings, in the order in which they were found.
    pub warnings: Vec<Problem>,
}

/// The most devices that the embedded broker is let serve: beyond it slows down with each topic.
const MAX_EMBEDDED_DEVICES: usize = broker::embedded::MAX_DEVICES;

/// The variables of this process that may set a key.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let ours = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("SANAK_"))?;
        Some((name, value.to_string_lossy().into_owned())) // what is not UTF-8 is no sound value, and told as such
    };
    std::env::vars_os().filter_map(ours)
}

/// Reads a configuration file, and what variables `SANAK_SECTION__KEY` of `environment` set over it; then looks
/// whether it can be started on this machine: directories, keys, addresses, open files, the election itself.
///
/// # Errors
/// Every mistake, with the warnings found beside them.
pub fn load(
    file: &Path,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Checked, Box<Problems>> {
    let mut problems = Problems::default();
    let raw = Raw::read(file, environment, &mut problems);
    let config = raw.and_then(|raw| read(&raw, &mut problems));
    match config {
        Some(config) if problems.mistakes.is_empty() => Ok(Checked { config, warnings: problems.warnings }),
        _ => Err(Box::new(problems)),
    }
}

/// Reads every part before it gives up on any, so that all mistakes are told.
fn read(raw: &Raw, problems: &mut Problems) -> Option<Config> {
    let election = election(raw, problems);
    let data_dir = files::data_dir(raw, problems);
    let mqtt = mqtt::mqtt(raw, problems);
    let http = addresses::listen(raw, "http.listen", "127.0.0.1:8080", problems);
    let metrics = addresses::listen(raw, "metrics.listen", "127.0.0.1:9090", problems);
    let centre = files::centre(raw, problems);
    let room = files::room(raw, problems);
    let quota = quota::quota(raw, problems);
    let live_readers = quota::live_readers(raw, problems);
    let awake_precincts = quota::awake_precincts(raw, problems);
    let documents = documents::documents(raw, data_dir.as_ref(), problems);
    let history = history::history(raw, problems);
    addresses::are_free(raw, mqtt.as_ref(), http, metrics, problems);
    if let (Some(election), Some(mqtt)) = (&election, &mqtt) {
        devices_fit(raw, &election.definition, mqtt, problems);
    }
    for certificate in mqtt.iter().flat_map(Mqtt::certificates) {
        if let Some(what) = certificate.warning(SystemClock.now()) {
            problems.warn(raw.place(certificate.key), certificate.key, what);
        }
    }
    Some(Config {
        election: election?,
        data_dir: data_dir?,
        mqtt: mqtt?,
        http: http?,
        metrics: metrics?,
        centre: centre?,
        room: room?,
        quota: quota?,
        live_readers: live_readers?,
        awake_precincts: awake_precincts?,
        documents: documents?,
        history: history?,
    })
}

fn election(raw: &Raw, problems: &mut Problems) -> Option<Loaded> {
    let given = files::needed(raw, "election.dir", "the directory that election.toml is in", problems)?;
    let dir = raw.path(given);
    if !dir.is_dir() {
        let what = format!("there is no directory {}", dir.display());
        problems.tell(given.place.clone(), "election.dir", what);
        return None;
    }
    match election_files::load(&dir) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                problems.warn(
                    Place::Line(dir.join(&warning.file), warning.line),
                    &warning.column,
                    &warning.what,
                );
            }
            Some(loaded)
        }
        Err(mistakes) => {
            for mistake in mistakes.iter() {
                let place = Place::Line(dir.join(&mistake.file), mistake.line);
                problems.tell(place, &mistake.column, &mistake.what);
            }
            None
        }
    }
}

/// Whether this machine, and the way they come in by, can hold a connection of every device.
fn devices_fit(raw: &Raw, definition: &Definition, mqtt: &Mqtt, problems: &mut Problems) {
    let active = |device: &&election::definition::Device| device.status == DeviceStatus::Active;
    let devices = definition.devices().values().filter(active).count();
    if matches!(mqtt, Mqtt::Embedded(_)) && devices > MAX_EMBEDDED_DEVICES {
        let what = format!(
            "the embedded broker serves at most {MAX_EMBEDDED_DEVICES} devices, and this election has {devices}: \
             use direct"
        );
        problems.tell(raw.place("mqtt.mode"), "mqtt.mode", what);
    }
    let connected = if matches!(mqtt, Mqtt::External { .. }) { 0 } else { devices };
    let needed = limits::needed(connected);
    let what = match limits::most() {
        Ok(most) if most >= needed => return,
        Ok(most) => format!(
            "the process may open {most} files, and {connected} devices and their readers need {needed}: raise the \
             hard limit (LimitNOFILE of the systemd unit, or ulimit -Hn)"
        ),
        Err(error) => format!("the limit of open files cannot be read: {error}"),
    };
    let place = raw.place("election.dir");
    // In a rehearsal of a country that no machine has sockets for, devices take turns.
    if definition.about().test {
        problems.warn(place, "election.dir", what);
    } else {
        problems.tell(place, "election.dir", what);
    }
}
