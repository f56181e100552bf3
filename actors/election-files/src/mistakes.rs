//! Mistakes and warnings, each with its place, collected while everything is read.

use std::{cell::RefCell, fmt};

/// Something wrong at one place of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Name of the file relative to the election directory; of the directory itself where that is the matter.
    pub file: String,
    /// Line, from 1; 0 where the matter is not one of lines.
    pub line: u64,
    /// Column of the CSV file or key of the TOML document; empty where none applies.
    pub column: String,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.column.is_empty() {
            write!(f, ": {}", self.column)?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Everything that is wrong with an election directory: at least one mistake, in the order of the files of
/// PROTOCOL §1 and of their lines. `Display` prints one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(crate) fn new(all: Vec<Mistake>) -> Self {
        Self(all)
    }

    /// Each mistake, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Mistake> {
        self.0.iter()
    }

    /// How many there are; never 0.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// Where mistakes and warnings are written down while the files are read.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    mistakes: RefCell<Vec<Mistake>>,
    warnings: RefCell<Vec<Mistake>>,
}

impl Ledger {
    /// Notes a mistake. `column` is empty where none applies.
    pub fn tell(&self, file: &str, line: u64, column: &str, what: impl Into<String>) {
        self.mistakes.borrow_mut().push(mistake(file, line, column, what.into()));
    }

    /// Notes what is allowed but probably not meant.
    pub fn warn(&self, file: &str, line: u64, column: &str, what: impl Into<String>) {
        self.warnings.borrow_mut().push(mistake(file, line, column, what.into()));
    }

    /// Mistakes and warnings, each in the order of `files` and of lines.
    pub fn into_parts(self, files: &[&str]) -> (Vec<Mistake>, Vec<Mistake>) {
        let rank = |told: &Mistake| files.iter().position(|file| *file == told.file).unwrap_or(files.len());
        let in_order = |told: RefCell<Vec<Mistake>>| {
            let mut told = told.into_inner();
            told.sort_by_key(|told| (rank(told), told.line));
            told
        };
        (in_order(self.mistakes), in_order(self.warnings))
    }
}

fn mistake(file: &str, line: u64, column: &str, what: String) -> Mistake {
    Mistake { file: file.to_owned(), line, column: column.to_owned(), what }
}

/// A value as quoted back in a mistake: no longer than it needs to be recognised.
pub(crate) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(48).collect();
    if start.len() < text.len() { format!("\"{start}…\"") } else { format!("\"{start}\"") }
}

/// Words as listed in a mistake: `urn or manual`, `a, b or c`.
pub(crate) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
    }
}
