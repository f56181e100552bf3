//! What is wrong with a configuration, and where.

use std::{fmt, path::PathBuf};

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A line of a file, from 1; 0 where the matter is not one of lines.
    Line(PathBuf, u64),
    /// An environment variable.
    Variable(String),
}

/// One plain sentence about one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// Key or column; empty where none applies, or where the place is the key's variable.
    pub key: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Line(file, 0) => write!(f, "{}: ", file.display())?,
            Place::Line(file, line) => write!(f, "{}:{line}: ", file.display())?,
            Place::Variable(name) => write!(f, "{name}: ")?,
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.what)
    }
}

/// Everything found so far: mistakes, with which nothing starts, and warnings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    /// With one of these nothing starts.
    pub mistakes: Vec<Problem>,
    /// Allowed, but probably not meant.
    pub warnings: Vec<Problem>,
}

impl Problems {
    /// Notes a mistake.
    pub(crate) fn tell(&mut self, place: Place, key: &str, what: impl Into<String>) {
        self.mistakes.push(Problem { place, key: key.to_owned(), what: what.into() });
    }

    /// Notes a warning.
    pub(crate) fn warn(&mut self, place: Place, key: &str, what: impl Into<String>) {
        self.warnings.push(Problem { place, key: key.to_owned(), what: what.into() });
    }
}

/// `, did you mean X?` for the nearest of `words`, where one is near enough to be meant: at most one letter in
/// three differs.
pub(crate) fn meant<'a>(text: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    let text: String = text.chars().take(64).collect();
    let near = words.into_iter().map(|word| (strsim::levenshtein(&text, word), word)).min();
    match near {
        Some((far, word)) if far <= (word.len() / 3).max(1) => format!(", did you mean {word}?"),
        _ => String::new(),
    }
}

/// A value as quoted back: no longer than it needs to be recognised.
pub(crate) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(48).flat_map(char::escape_debug).collect();
    if text.chars().count() > 48 { format!("\"{start}…\"") } else { format!("\"{start}\"") }
}
