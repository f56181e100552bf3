//! Directories, keys and tokens on disk.

use std::{
    fs::{self, File},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use device_wire::keys::{KeyError, parse_public, read_private};

use super::{
    Centre,
    problem::{Place, Problems, quoted},
    raw::{Given, Raw},
};

/// A list of people is a page or two of text.
const MAX_TOKENS_BYTES: u64 = 1024 * 1024;

/// Who may enter the situation room; the token itself is known to its holder alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomToken {
    /// The person, as the audit log will name them.
    pub name: String,
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
}

/// A key that must be given; `what` says what it is.
pub(super) fn needed<'a>(raw: &'a Raw, key: &str, what: &str, problems: &mut Problems) -> Option<&'a Given> {
    match raw.text(key) {
        Some(given) if given.text.trim().is_empty() => {
            problems.tell(given.place.clone(), key, format!("is empty: give {what}"));
            None
        }
        Some(given) => Some(given),
        None => {
            problems.tell(raw.place(key), key, format!("is missing: give {what}"));
            None
        }
    }
}

/// The directory of the journal: writable, or to be made where that is possible.
pub(super) fn data_dir(raw: &Raw, problems: &mut Problems) -> Option<PathBuf> {
    let key = "data.dir";
    let given = needed(raw, key, "a directory for the journal", problems)?;
    let dir = raw.path(given);
    if let Err(what) = writable(&dir) {
        problems.tell(given.place.clone(), key, what);
        return None;
    }
    Some(dir)
}

/// Whether files can be made in a directory, or in the one that it would be made in. Nothing is left behind.
/// Whether a directory can be written, or made.
///
/// # Errors
/// One sentence.
pub fn writable(dir: &Path) -> Result<(), String> {
    let there = dir.ancestors().find(|path| path.as_os_str().is_empty() || path.exists());
    let there = there.filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Err(format!("{} is not a directory", there.display()));
    }
    match tempfile::tempfile_in(there) {
        Ok(_) => Ok(()),
        Err(error) if there == dir => {
            Err(format!("nothing can be written in {}: {}", dir.display(), plain(&error)))
        }
        Err(error) => {
            let (dir, there) = (dir.display(), there.display());
            Err(format!("{dir} is not there, and cannot be made in {there}: {}", plain(&error)))
        }
    }
}

/// What the system said, without the name of the file that was tried.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        kind => kind.to_string(),
    }
}

/// The keys of the centre.
pub(super) fn centre(raw: &Raw, problems: &mut Problems) -> Option<Centre> {
    let key = signing_key(raw, problems);
    let kid = raw.text("centre.kid").map_or("centre", |given| given.text.as_str());
    let mut sound = known_kid(kid, raw.place("centre.kid"), problems);
    let mut old_keys = Vec::new();
    for given in raw.old_keys() {
        let path = "centre.old_keys";
        sound &= known_kid(&given.kid, given.place.clone(), problems);
        if given.kid == kid || old_keys.iter().any(|(other, _)| *other == given.kid) {
            let what = format!("{} names two keys: each has a name of its own", quoted(&given.kid));
            problems.tell(given.place.clone(), path, what);
            sound = false;
        }
        match parse_public(&given.public_key) {
            Ok(public) => old_keys.push((given.kid.clone(), public)),
            Err(error) => {
                problems.tell(given.place.clone(), path, format!("{}: {error}", quoted(&given.kid)));
                sound = false;
            }
        }
    }
    let require_synchronised_clock = flag(raw, "centre.require_synchronised_clock", problems);
    sound &= require_synchronised_clock.is_some();
    let require_synchronised_clock = require_synchronised_clock.unwrap_or_default();
    Some(Centre { kid: kid.to_owned(), key: key?, old_keys, require_synchronised_clock }).filter(|_| sound)
}

/// A key that is `true` or `false`; `false` where it is not given.
fn flag(raw: &Raw, key: &str, problems: &mut Problems) -> Option<bool> {
    let Some(given) = raw.text(key) else { return Some(false) };
    let read = given.text.parse().ok();
    if read.is_none() {
        problems.tell(given.place.clone(), key, "must be true or false");
    }
    read
}

fn signing_key(raw: &Raw, problems: &mut Problems) -> Option<ed25519_dalek::SigningKey> {
    let key = "centre.key_file";
    let given = needed(raw, key, "the file with the centre's private key", problems)?;
    let path = raw.path(given);
    let read = read_private(&path);
    match &read {
        Ok(_) => others_can_read(&path, given.place.clone(), key, problems),
        Err(KeyError::Io { path, why }) => {
            let what = format!("{} cannot be read: {}", path.display(), plain(why));
            problems.tell(given.place.clone(), key, what);
        }
        Err(error) => problems.tell(given.place.clone(), key, error.to_string()),
    }
    read.ok()
}

/// Warns of a private key that others on this machine can read.
pub(super) fn others_can_read(path: &Path, place: Place, key: &str, problems: &mut Problems) {
    let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        problems.warn(place, key, format!("others can read {}: chmod 600 it", path.display()));
    }
}

/// Whether a text can be the name of a key: they are written as ids are (PROTOCOL, preamble).
pub fn is_kid(kid: &str) -> bool {
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&kid.len()) && kid.bytes().all(sound) && !kid.starts_with('-')
}

fn known_kid(kid: &str, place: Place, problems: &mut Problems) -> bool {
    let good = is_kid(kid);
    if !good {
        let what =
            format!("{} is no name of a key: small letters, digits and hyphens, at most 32", quoted(kid));
        problems.tell(place, "kid", what);
    }
    good
}

/// Who may enter the situation room: nobody where no file is given.
pub(super) fn room(raw: &Raw, problems: &mut Problems) -> Option<Vec<RoomToken>> {
    let key = "room.tokens_file";
    let Some(given) = raw.text(key) else { return Some(Vec::new()) };
    let path = raw.path(given);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_TOKENS_BYTES).read_to_string(&mut text));
    if let Err(error) = read {
        let what = format!("{} cannot be read: {}", path.display(), plain(&error));
        problems.tell(given.place.clone(), key, what);
        return None;
    }
    let mut tokens: Vec<RoomToken> = Vec::new();
    let before = problems.mistakes.len();
    for (at, line) in
        (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let place = Place::Line(path.clone(), at);
        match token(line) {
            Some(token) if tokens.iter().any(|other| other.name == token.name) => {
                problems.tell(place, "", format!("{} has a token already", quoted(&token.name)));
            }
            Some(token) => tokens.push(token),
            None => problems.tell(
                place,
                "",
                "write a name, a space, and the SHA-256 of the token in 64 hex digits",
            ),
        }
    }
    (problems.mistakes.len() == before).then_some(tokens)
}

fn token(line: &str) -> Option<RoomToken> {
    let (name, digits) = line.trim().rsplit_once(char::is_whitespace)?;
    let mut sha256 = [0; 32];
    hex::decode_to_slice(digits, &mut sha256).ok()?;
    Some(RoomToken { name: name.trim().to_owned(), sha256 })
}
