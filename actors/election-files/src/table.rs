//! A CSV file whose every cell knows its file, line and column.

use std::{collections::BTreeMap, fmt::Display, str::FromStr};

use csv::StringRecord;
use election::{Count, definition::Names};

use crate::{
    mistakes::{Ledger, either, quoted},
    near::meant,
};

/// No cell of an election is longer; one that is has most likely lost a quotation mark.
const MAX_CELL_BYTES: usize = 4_096;

/// The columns of a file.
pub(crate) struct Columns {
    pub file: &'static str,
    pub needed: &'static [&'static str],
    pub optional: &'static [&'static str],
}

/// A CSV file that has been read.
pub(crate) struct Table<'a> {
    file: &'static str,
    ledger: &'a Ledger,
    present: BTreeMap<&'static str, usize>,
    records: Vec<(u64, StringRecord)>,
    /// Whether every needed column is there and every record could be read: otherwise what is missing here
    /// must not be told again as an unknown id elsewhere.
    pub whole: bool,
}

/// One record of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'t> {
    table: &'t Table<'t>,
    line: u64,
    record: &'t StringRecord,
}

impl<'a> Table<'a> {
    /// Reads a file. `None` when nothing of it can be understood; that is told.
    pub fn read(ledger: &'a Ledger, bytes: &[u8], columns: &Columns) -> Option<Self> {
        let file = columns.file;
        let text = text(ledger, bytes, file)?;
        let mut records = records(ledger, text, file)?.into_iter();
        let Some((line, header)) = records.next() else {
            ledger.tell(file, 1, "", "the file is empty: its first line names the columns");
            return None;
        };
        if header.len() == 1 && header[0].contains([';', '\t']) {
            let what = "columns are separated by semicolons or tabs: save the file with commas";
            ledger.tell(file, line, "", what);
            return None;
        }
        let mut table = Self { file, ledger, present: BTreeMap::new(), records: Vec::new(), whole: true };
        table.take_header(line, &header, columns);
        for (line, record) in records {
            table.take_record(line, record, header.len());
        }
        Some(table)
    }

    fn take_header(&mut self, line: u64, header: &StringRecord, columns: &Columns) {
        let known = || columns.needed.iter().chain(columns.optional).copied();
        for (at, name) in header.iter().enumerate() {
            match known().find(|column| *column == name.trim()) {
                Some(column) if self.present.contains_key(column) => {
                    self.ledger.tell(self.file, line, column, "column stands here twice");
                }
                Some(column) => {
                    self.present.insert(column, at);
                }
                None => {
                    let hint = meant(name.trim(), known());
                    let what = format!("unknown column {} is not read{hint}", quoted(name.trim()));
                    self.ledger.warn(self.file, line, "", what);
                }
            }
        }
        for column in columns.needed {
            if !self.present.contains_key(column) {
                self.whole = false;
                self.ledger.tell(self.file, line, column, "column is missing");
            }
        }
    }

    fn take_record(&mut self, line: u64, record: StringRecord, width: usize) {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            return; // spreadsheets leave such lines at the end
        }
        if record.len() != width {
            let what = format!("{} fields where the first line names {width} columns", record.len());
            self.ledger.tell(self.file, line, "", what);
            self.whole = false;
            return;
        }
        for (column, at) in &self.present {
            let cell = record.get(*at).unwrap_or_default();
            if cell.len() > MAX_CELL_BYTES {
                let what = format!("longer than {MAX_CELL_BYTES} bytes: is a quotation mark not closed?");
                self.ledger.tell(self.file, line, column, what);
            } else if cell.trim().chars().any(char::is_control) {
                self.ledger.tell(self.file, line, column, "has a line break or another control character");
            }
        }
        self.records.push((line, record));
    }

    /// Every record that has as many fields as there are columns.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|(line, record)| Row { table: self, line: *line, record })
    }
}

/// The text of a file without its byte order mark; `None` when it is not UTF-8, which is told.
pub(crate) fn text<'t>(ledger: &Ledger, bytes: &'t [u8], file: &str) -> Option<&'t str> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            ledger.tell(file, line_breaks(before) + 1, "", "this is not UTF-8: save the file as UTF-8");
            None
        }
    }
}

fn line_breaks(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

/// Every record with the line it starts in. The reader's own count is off by the empty lines before a record.
fn records(ledger: &Ledger, text: &str, file: &str) -> Option<Vec<(u64, StringRecord)>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                ledger.tell(file, line, "", format!("this cannot be read as CSV: {error}"));
                return None;
            }
        };
        let start = record.position().map_or(counted, |at| usize::try_from(at.byte()).unwrap_or(counted));
        let breaks = text.get(start..)?.bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line += line_breaks(text.as_bytes().get(counted..start + breaks)?);
        counted = start + breaks;
        records.push((line, record));
    }
    Some(records)
}

impl<'t> Row<'t> {
    /// The line this record starts in.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Notes a mistake in this record.
    pub fn tell(&self, column: &str, what: impl Into<String>) {
        self.table.ledger.tell(self.table.file, self.line, column, what);
    }

    /// What stands in a column; `None` where it is empty, or the column is not there.
    pub fn given(&self, column: &str) -> Option<&'t str> {
        let cell = self.record.get(*self.table.present.get(column)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// What stands in a column that must not be empty. Of a column that is missing, that alone is told.
    pub fn needed(&self, column: &str) -> Option<&'t str> {
        self.needed_else(column, "is empty")
    }

    /// As [`Self::needed`], with what to say where it is empty.
    pub fn needed_else(&self, column: &str, what: &str) -> Option<&'t str> {
        let cell = self.given(column);
        if cell.is_none() && self.table.present.contains_key(column) {
            self.tell(column, what);
        }
        cell
    }

    /// A text that must not be empty.
    pub fn text(&self, column: &str) -> String {
        self.needed(column).unwrap_or_default().to_owned()
    }

    /// `name_ky`, `name_ru`, `name_en`.
    pub fn names(&self) -> Names {
        Names { ky: self.text("name_ky"), ru: self.text("name_ru"), en: self.text("name_en") }
    }

    /// A value that must not be empty.
    pub fn parse<T: FromStr<Err: Display>>(&self, column: &str) -> Option<T> {
        self.needed(column)?;
        self.parse_given(column)
    }

    /// A value where one is given.
    pub fn parse_given<T: FromStr<Err: Display>>(&self, column: &str) -> Option<T> {
        self.given(column)?.parse().map_err(|error: T::Err| self.tell(column, error.to_string())).ok()
    }

    /// A whole number of people, at most 10^9.
    pub fn count(&self, column: &str) -> Count {
        let most = Count::MAX_REPORTED.get();
        self.needed(column).and_then(|_| self.whole(column, most)).map_or(Count::ZERO, Count::new)
    }

    /// A whole number where one is given: decimal digits alone, at most `most`.
    pub fn whole(&self, column: &str, most: u64) -> Option<u64> {
        let text = self.given(column)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number <= most);
        if number.is_none() {
            self.tell(column, format!("{} is not a whole number from 0 to {most}", quoted(text)));
        }
        number
    }

    /// One of a few words, where one is given.
    pub fn word<T: Copy>(&self, column: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.given(column)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words = words.iter().map(|(word, _)| *word);
            self.tell(column, format!("{} is not {}", quoted(text), either(words)));
        }
        found
    }

    /// One of a few words; one must be given.
    pub fn needed_word<T: Copy>(&self, column: &str, words: &[(&str, T)]) -> Option<T> {
        self.needed(column)?;
        self.word(column, words)
    }
}
