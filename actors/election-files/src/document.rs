//! A TOML document whose every value knows its line, and whose unknown keys are told.

use std::{borrow::Cow, fmt::Display, str::FromStr};

use election::definition::Names;
use toml::de::{DeTable, DeValue};

use crate::{
    mistakes::{Ledger, either, quoted},
    near::meant,
    table::text,
};

/// The text of a document, to find lines in.
pub(crate) struct Source<'a> {
    ledger: &'a Ledger,
    file: &'static str,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// The text of a file; `None` when it is not UTF-8, which is told.
    pub fn new(ledger: &'a Ledger, file: &'static str, bytes: &'a [u8]) -> Option<Self> {
        Some(Self { ledger, file, text: text(ledger, bytes, file)? })
    }

    /// Parses the document; `None` when its grammar is broken, which is told, every place of it.
    pub fn parse(&'a self) -> Option<DeTable<'a>> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            let line = self.line(error.span().map_or(0, |span| span.start));
            self.ledger.tell(self.file, line, "", format!("this is not TOML: {}", error.message()));
        }
        errors.is_empty().then(|| document.into_inner())
    }

    /// The whole document as a section.
    pub fn root<'d>(&'d self, document: &'d DeTable<'d>) -> Section<'d> {
        Section { source: self, path: String::new(), line: 1, table: document, asked: Vec::new() }
    }

    fn line(&self, byte: usize) -> u64 {
        let before = self.text.get(..byte).unwrap_or(self.text);
        before.bytes().map(|byte| u64::from(byte == b'\n')).sum::<u64>() + 1
    }
}

/// A table of the document. Keys that nobody asked for are told by [`Section::finish`].
pub(crate) struct Section<'d> {
    source: &'d Source<'d>,
    path: String,
    line: u64,
    table: &'d DeTable<'d>,
    asked: Vec<&'static str>,
}

impl<'d> Section<'d> {
    /// The line it starts in.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The value of a key, where it is given.
    pub fn given(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.asked.push(key);
        let (name, value) = self.table.get_key_value(key)?;
        let line = self.source.line(name.span().start);
        Some(Value { source: self.source, path: join(&self.path, key), line, value: value.get_ref() })
    }

    /// The value of a key that must be given.
    pub fn needed(&mut self, key: &'static str) -> Option<Value<'d>> {
        let value = self.given(key);
        if value.is_none() {
            self.source.ledger.tell(self.source.file, self.line, &join(&self.path, key), "is missing");
        }
        value
    }

    /// `ky`, `ru` and `en` of a name.
    pub fn names(&mut self, key: &'static str) -> Names {
        let Some(mut name) = self.needed(key).and_then(|value| value.section()) else {
            return Names::default();
        };
        let mut text = |language| name.needed(language).and_then(|value| value.filled()).unwrap_or_default();
        let names = Names { ky: text("ky"), ru: text("ru"), en: text("en") };
        name.finish();
        names
    }

    /// Tells every key that was never asked for.
    pub fn finish(self) {
        for name in self.table.keys() {
            let key: &str = name.get_ref();
            if !self.asked.contains(&key) {
                let line = self.source.line(name.span().start);
                let path = join(&self.path, key);
                let what = format!("unknown key{}", meant(key, self.asked.iter().copied()));
                self.source.ledger.tell(self.source.file, line, &path, what);
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    let key: String = key.chars().take(48).collect();
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// A value and its place.
pub(crate) struct Value<'d> {
    source: &'d Source<'d>,
    path: String,
    line: u64,
    value: &'d DeValue<'d>,
}

impl<'d> Value<'d> {
    /// The line of its key.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Notes a mistake in this value.
    pub fn tell(&self, what: impl Into<String>) {
        self.source.ledger.tell(self.source.file, self.line, &self.path, what);
    }

    fn is_not<T>(&self, expected: &str) -> Option<T> {
        self.tell(format!("must be {expected}, not {}", self.value.type_str()));
        None
    }

    /// A text. Dates and times may stand without quotation marks.
    pub fn text(&self) -> Option<Cow<'d, str>> {
        match self.value {
            DeValue::String(text) if text.len() > 1_000 => {
                self.tell("longer than 1,000 bytes");
                None
            }
            DeValue::String(text) if text.chars().any(char::is_control) => {
                self.tell("has a line break or another control character");
                None
            }
            DeValue::String(text) => Some(Cow::Borrowed(text)),
            DeValue::Datetime(moment) => Some(Cow::Owned(moment.to_string())),
            _ => self.is_not("a text in quotation marks"),
        }
    }

    /// A text that is not empty.
    pub fn filled(&self) -> Option<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.tell("is empty");
        }
        Some(text.trim().to_owned())
    }

    /// A value read from a text.
    pub fn parse<T: FromStr<Err: Display>>(&self) -> Option<T> {
        self.text()?.parse().map_err(|error: T::Err| self.tell(error.to_string())).ok()
    }

    /// What a function makes of the text.
    pub fn read<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        read(&self.text()?).map_err(|what| self.tell(what)).ok()
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words = words.iter().map(|(word, _)| *word);
            self.tell(format!("{} is not {}", quoted(&text), either(words)));
        }
        found
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.is_not("true or false"))
    }

    /// A whole number from `least` to `most`.
    pub fn whole(&self, least: u64, most: u64) -> Option<u64> {
        let DeValue::Integer(number) = self.value else { return self.is_not("a whole number") };
        let read = u64::from_str_radix(number.as_str(), number.radix()).ok();
        let fits = read.filter(|number| (least..=most).contains(number));
        if fits.is_none() {
            self.tell(format!("must be from {least} to {most}"));
        }
        fits
    }

    /// A share such as `"0.5"` percent, in hundredths of a percent.
    pub fn percent(&self) -> Option<u32> {
        let DeValue::String(text) = self.value else {
            return self.is_not("a decimal in quotation marks, such as \"0.5\"");
        };
        let share = hundredths(text);
        if share.is_none() {
            let expected = "a share in percent from 0 to 100 with at most two decimals, such as \"0.5\"";
            self.tell(format!("{} is not {expected}", quoted(text)));
        }
        share
    }

    /// A table.
    pub fn section(&self) -> Option<Section<'d>> {
        match self.value.as_table() {
            Some(table) => Some(self.section_of(table, self.line)),
            None => self.is_not("a table"),
        }
    }

    /// A list of tables: `[[name]]`; `None` when one of them is none.
    pub fn sections(&self) -> Option<Vec<Section<'d>>> {
        let section = |item: &'d toml::Spanned<DeValue<'d>>| match item.get_ref().as_table() {
            Some(table) => Some(self.section_of(table, self.source.line(item.span().start))),
            None => self.is_not("a list of tables"),
        };
        match self.value.as_array() {
            Some(list) => list.iter().map(section).collect(),
            None => self.is_not("a list of tables"),
        }
    }

    /// A list of whole numbers, each at most `most`.
    pub fn wholes(&self, most: u64) -> Vec<u64> {
        let Some(list) = self.value.as_array() else {
            return self.is_not("a list of whole numbers").unwrap_or_default();
        };
        let item = |item: &'d toml::Spanned<DeValue<'d>>| {
            let line = self.source.line(item.span().start);
            let value = Value { source: self.source, path: self.path.clone(), line, value: item.get_ref() };
            value.whole(0, most)
        };
        list.iter().filter_map(item).collect()
    }

    fn section_of(&self, table: &'d DeTable<'d>, line: u64) -> Section<'d> {
        Section { source: self.source, path: self.path.clone(), line, table, asked: Vec::new() }
    }
}

/// `"12.5"` → 1250. Decimal digits alone, so that no share passes through a binary fraction.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() > 3 || part.len() > 2 {
        return None;
    }
    let (whole, hundredths): (u32, u32) = (whole.parse().ok()?, format!("{part:0<2}").parse().ok()?);
    Some(whole * 100 + hundredths).filter(|share| *share <= 10_000)
}

#[cfg(test)]
mod tests {
    use super::hundredths;

    #[test]
    fn a_share_is_read_digit_by_digit() {
        for (text, share) in [("5", 500), ("0.5", 50), ("12.34", 1234), ("100", 10_000), ("0.05", 5)] {
            assert_eq!(hundredths(text), Some(share), "{text}");
        }
        for bad in ["", ".5", "5.", "5,5", "-1", "+1", "1e1", "100.01", "0.005", "5 %", "٥"] {
            assert_eq!(hundredths(bad), None, "{bad}");
        }
    }
}
