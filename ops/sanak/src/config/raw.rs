//! TOML and environment variables → the value of each key with its place. What the values mean is not looked at.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::problem::{Place, Problems, meant};

/// A configuration is a page of text; what is longer is another file given by mistake.
const MAX_BYTES: u64 = 1024 * 1024;

/// Every key there is; each is a text but `centre.old_keys`, a list of `{ kid, public_key }`, and those of [`FLAGS`] and
/// [`NUMBERS`].
const KEYS: [(&str, &[&str]); 10] = [
    ("election", &["dir"]),
    ("data", &["dir"]),
    (
        "mqtt",
        &["mode", "plain_listen", "url", "listen", "cert", "key", "device_ca", "ca", "log_file", "broker"],
    ),
    ("http", &["listen"]),
    ("metrics", &["listen"]),
    ("centre", &["key_file", "kid", "old_keys", "require_synchronised_clock"]),
    ("room", &["tokens_file"]),
    ("documents", &["dir", "s3_bucket", "s3_endpoint", "s3_region", "s3_access_key_id", "s3_secret_file"]),
    ("history", &["dir", "url", "ca", "password_file", "pool", "statement_timeout", "keep"]),
    (
        "limits",
        &["device_reports", "device_mebibytes", "device_equivocations", "live_readers", "awake_precincts"],
    ),
];

/// Keys that are `true` or `false`, without quotation marks.
const FLAGS: [&str; 1] = ["centre.require_synchronised_clock"];

/// Keys that are whole numbers, without quotation marks.
const NUMBERS: [&str; 8] = [
    "limits.device_reports",
    "limits.device_mebibytes",
    "limits.device_equivocations",
    "limits.live_readers",
    "limits.awake_precincts",
    "history.pool",
    "history.statement_timeout",
    "history.keep",
];

/// The one key that is a list.
const OLD_KEYS: &str = "centre.old_keys";

/// A text and its place.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub place: Place,
    pub text: String,
}

/// An entry of `centre.old_keys`.
#[derive(Debug, Clone)]
pub(super) struct GivenKey {
    pub place: Place,
    pub kid: String,
    pub public_key: String,
}

/// What file and environment say, the environment's word being the last.
#[derive(Debug)]
pub(super) struct Raw {
    file: PathBuf,
    sections: BTreeMap<String, u64>,
    texts: BTreeMap<String, Given>,
    old_keys: Vec<GivenKey>,
}

impl Raw {
    /// Reads a file, and what `environment` sets over it; `None` where the file cannot be read at all.
    pub fn read(
        file: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut raw = Self {
            file: file.to_owned(),
            sections: BTreeMap::new(),
            texts: BTreeMap::new(),
            old_keys: Vec::new(),
        };
        let text = read_text(file);
        if let Err(error) = &text {
            problems.tell(raw.at(0), "", format!("cannot be read: {error}"));
        }
        let read = text.is_ok_and(|text| Document { file, text: &text, problems }.read(&mut raw));
        // A table gives its keys in the order of their names.
        problems.mistakes.sort_by_key(|mistake| match mistake.place {
            Place::Line(_, line) => line,
            Place::Variable(_) => 0,
        });
        for (name, value) in environment {
            raw.set(&name, &value, problems);
        }
        read.then_some(raw)
    }

    /// The text given for a key.
    pub fn text(&self, key: &str) -> Option<&Given> {
        self.texts.get(key)
    }

    /// The entries of `centre.old_keys`.
    pub fn old_keys(&self) -> &[GivenKey] {
        &self.old_keys
    }

    /// Where a key is given; where it is not, where its section begins, or else the file.
    pub fn place(&self, key: &str) -> Place {
        let section = key.split('.').next().unwrap_or(key);
        let begins = || self.at(self.sections.get(section).copied().unwrap_or(1));
        self.text(key).map_or_else(begins, |given| given.place.clone())
    }

    /// A path as given: in the file relative to the file's directory, in a variable to the working directory.
    pub fn path(&self, given: &Given) -> PathBuf {
        match (&given.place, self.file.parent()) {
            (Place::Line(..), Some(directory)) => directory.join(&given.text),
            _ => PathBuf::from(&given.text),
        }
    }

    fn at(&self, line: u64) -> Place {
        Place::Line(self.file.clone(), line)
    }

    /// Takes a variable of the form `SANAK_SECTION__KEY`; leaves all others alone.
    fn set(&mut self, name: &str, value: &str, problems: &mut Problems) {
        let Some((section, key)) = name.strip_prefix("SANAK_").and_then(|rest| rest.split_once("__")) else {
            return;
        };
        let place = Place::Variable(name.to_owned());
        let path = format!("{}.{}", section.to_lowercase(), key.to_lowercase());
        if path == OLD_KEYS {
            let text = format!("old_keys = {value}");
            let (document, errors) = DeTable::parse_recoverable(&text);
            let list = document.get_ref().get("old_keys").filter(|_| errors.is_empty());
            let list = list.and_then(|list| list_of_keys(list.get_ref(), &|_| place.clone()));
            match list {
                Some(list) => self.old_keys = list,
                None => problems.tell(place, "", KEYS_FORM),
            }
        } else if KEYS.iter().any(|(section, keys)| keys.iter().any(|key| path == format!("{section}.{key}")))
        {
            self.texts.insert(path, Given { place, text: value.to_owned() });
        } else {
            let all: Vec<String> = KEYS.iter().flat_map(|(section, keys)| variables(section, keys)).collect();
            let what = format!("unknown setting{}", meant(name, all.iter().map(String::as_str)));
            problems.tell(place, "", what);
        }
    }
}

const KEYS_FORM: &str =
    "must be a list such as [{ kid = \"centre-1\", public_key = \"64 hex digits\" }], and nothing else in it";

fn variables(section: &str, keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| format!("SANAK_{}__{}", section.to_uppercase(), key.to_uppercase())).collect()
}

fn read_text(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        let what = format!("is larger than {MAX_BYTES} bytes: is it a configuration?");
        return Err(io::Error::new(io::ErrorKind::InvalidData, what));
    }
    Ok(text)
}

/// The text of the file, to find lines in.
struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    problems: &'a mut Problems,
}

impl Document<'_> {
    /// Takes over what the text says; `false` where it is not TOML.
    fn read(mut self, raw: &mut Raw) -> bool {
        let text = self.text;
        let (document, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(1, |span| line(text, span.start));
            self.tell(line, "", format!("this is not TOML: {}", error.message()));
        }
        if !errors.is_empty() {
            return false;
        }
        for (name, value) in document.get_ref() {
            let at = line(text, name.span().start);
            let section: &str = name.get_ref();
            let Some((_, keys)) = KEYS.iter().find(|(known, _)| *known == section) else {
                let known = KEYS.iter().map(|(known, _)| *known);
                self.tell(at, &shortened(section), format!("unknown section{}", meant(section, known)));
                continue;
            };
            match value.get_ref().as_table() {
                Some(table) => {
                    raw.sections.insert(section.to_owned(), at);
                    self.section(section, keys, table, raw);
                }
                None => self.tell(at, section, format!("must be a section: write [{section}]")),
            }
        }
        true
    }

    fn section(&mut self, section: &str, keys: &[&str], table: &DeTable<'_>, raw: &mut Raw) {
        for (name, value) in table {
            let at = line(self.text, name.span().start);
            let key: &str = name.get_ref();
            let path = format!("{section}.{}", shortened(key));
            if !keys.contains(&key) {
                self.tell(at, &path, format!("unknown key{}", meant(key, keys.iter().copied())));
            } else if path == OLD_KEYS {
                let (file, text) = (self.file, self.text);
                let place =
                    |item: &Spanned<DeValue<'_>>| Place::Line(file.to_owned(), line(text, item.span().start));
                match list_of_keys(value.get_ref(), &place) {
                    Some(list) => raw.old_keys = list,
                    None => self.tell(at, &path, KEYS_FORM),
                }
            } else if let Some(text) = text_of(&path, value.get_ref()) {
                raw.texts.insert(path, Given { place: Place::Line(self.file.to_owned(), at), text });
            } else if FLAGS.contains(&path.as_str()) {
                self.tell(at, &path, "must be true or false, without quotation marks");
            } else if NUMBERS.contains(&path.as_str()) {
                self.tell(at, &path, "must be a whole number, without quotation marks");
            } else {
                let found = value.get_ref().type_str();
                self.tell(at, &path, format!("must be a text in quotation marks, not {found}"));
            }
        }
    }

    fn tell(&mut self, line: u64, key: &str, what: impl Into<String>) {
        self.problems.tell(Place::Line(self.file.to_owned(), line), key, what);
    }
}

/// The value of a key that is a text, a flag or a number; `None` where it is anything else.
fn text_of(path: &str, value: &DeValue<'_>) -> Option<String> {
    let (is_flag, is_number) = (FLAGS.contains(&path), NUMBERS.contains(&path));
    match value {
        DeValue::Boolean(flag) if is_flag => Some(flag.to_string()),
        DeValue::Integer(number) if is_number => Some(number.to_string()),
        DeValue::String(text) if !is_flag && !is_number => Some(text.clone().into_owned()),
        _ => None,
    }
}

/// The entries of a list of `{ kid, public_key }`; `None` where it is anything else.
fn list_of_keys(
    value: &DeValue<'_>,
    place: &dyn Fn(&Spanned<DeValue<'_>>) -> Place,
) -> Option<Vec<GivenKey>> {
    let entry = |item: &Spanned<DeValue<'_>>| {
        let table = item.get_ref().as_table().filter(|table| table.len() == 2)?;
        let text = |key: &str| table.get(key)?.get_ref().as_str().map(str::to_owned);
        Some(GivenKey { place: place(item), kid: text("kid")?, public_key: text("public_key")? })
    };
    value.as_array()?.iter().map(entry).collect()
}

fn shortened(key: &str) -> String {
    key.chars().take(48).collect()
}

/// The line, from 1, that a byte is in.
fn line(text: &str, byte: usize) -> u64 {
    let before = text.get(..byte).unwrap_or(text);
    before.bytes().map(|byte| u64::from(byte == b'\n')).sum::<u64>() + 1
}
