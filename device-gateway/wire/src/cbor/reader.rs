//! Reads deterministic CBOR, in time linear in its length, without recursion over what it is given.

use std::fmt;

use super::{ARRAY, BYTES, MAP, MAX_DEPTH, NEGATIVE, SIMPLE, TAG, TEXT, UNSIGNED, float};

/// Why bytes are not what was to be read: the field, where known, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed {
    field: &'static str,
    why: &'static str,
}

impl Malformed {
    pub(crate) fn new(why: &'static str) -> Self {
        Self { field: "", why }
    }

    /// The same, said of a field, unless an inner field is named already.
    pub(crate) fn of(self, field: &'static str) -> Self {
        if self.field.is_empty() { Self { field, ..self } } else { self }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(self.why) } else { write!(f, "{}: {}", self.field, self.why) }
    }
}

type Result<T, E = Malformed> = std::result::Result<T, E>;

fn malformed<T>(why: &'static str) -> Result<T> {
    Err(Malformed::new(why))
}

/// A place in bytes that are read from left to right.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

struct Head {
    major: u8,
    info: u8,
    argument: u64,
}

/// An array, map or tag whose items are being skipped.
struct Open<'a> {
    start: usize,
    left: u64,
    map: bool,
    previous_key: Option<&'a [u8]>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, depth: 0 }
    }

    /// Nothing may stand after the end.
    pub(crate) fn end(&self) -> Result<()> {
        if self.at == self.bytes.len() { Ok(()) } else { malformed("bytes after the end") }
    }

    pub(crate) fn uint(&mut self) -> Result<u64> {
        match self.head()? {
            Head { major: UNSIGNED, argument, .. } => Ok(argument),
            _ => malformed("not an unsigned integer"),
        }
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        let head = self.head()?;
        match (head.major, i64::try_from(head.argument)) {
            (UNSIGNED, Ok(value)) => Ok(value),
            (NEGATIVE, Ok(value)) => Ok(-1 - value),
            (UNSIGNED | NEGATIVE, Err(_)) => malformed("an integer out of range"),
            _ => malformed("not an integer"),
        }
    }

    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.head()? {
            Head { major: SIMPLE, info: 20, .. } => Ok(false),
            Head { major: SIMPLE, info: 21, .. } => Ok(true),
            _ => malformed("not true or false"),
        }
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        match self.head()? {
            Head { major: TEXT, argument, .. } => self.utf8(argument),
            _ => malformed("not a text"),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        match self.head()? {
            Head { major: BYTES, argument, .. } => self.take(argument),
            _ => malformed("not a byte string"),
        }
    }

    /// The start of a tagged item, which is read next and closed with [`Self::leave`].
    pub(crate) fn enter_tag(&mut self, tag: u64) -> Result<()> {
        match self.head()? {
            Head { major: TAG, argument, .. } if argument == tag => self.enter(1),
            _ => malformed("not the expected tag"),
        }
    }

    /// The start of an array, whose items are read next and closed with [`Self::leave`].
    pub(crate) fn enter_array(&mut self) -> Result<u64> {
        match self.head()? {
            Head { major: ARRAY, argument, .. } => self.enter(argument).map(|()| argument),
            _ => malformed("not an array"),
        }
    }

    /// The end of a tag or array.
    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }

    /// An array, item by item.
    pub(crate) fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        for _ in 0..self.enter_array()? {
            item(self)?;
        }
        self.leave();
        Ok(())
    }

    /// A map, entry by entry. `entry` reads the value, or skips it.
    pub(crate) fn map<K>(
        &mut self,
        key: fn(&mut Self) -> Result<K>,
        mut entry: impl FnMut(K, &mut Self) -> Result<()>,
    ) -> Result<()> {
        let Head { major: MAP, argument: pairs, .. } = self.head()? else { return malformed("not a map") };
        self.enter(pairs.saturating_mul(2))?;
        let mut previous_key = None;
        for _ in 0..pairs {
            let start = self.at;
            let read = key(self)?;
            self.in_order(start, &mut previous_key)?;
            entry(read, self)?;
        }
        self.leave();
        Ok(())
    }

    /// Any item, and its encoding, to be read again by [`Self::nested`].
    pub(crate) fn skip(&mut self) -> Result<&'a [u8]> {
        let (from, depth) = (self.at, self.depth);
        let mut open: Vec<Open<'a>> = Vec::new();
        loop {
            let mut start = self.at;
            let (left, map) = self.skip_head()?;
            if left > 0 {
                open.push(Open { start, left, map, previous_key: None });
                continue;
            }
            // An item is complete, and with it perhaps the arrays and maps that it ends.
            loop {
                let Some(top) = open.last_mut() else {
                    self.depth = depth;
                    return Ok(&self.bytes[from..self.at]);
                };
                if top.map && top.left % 2 == 0 {
                    self.in_order(start, &mut top.previous_key)?;
                }
                top.left -= 1;
                if top.left > 0 {
                    break;
                }
                start = top.start;
                self.depth -= 1;
                open.pop();
            }
        }
    }

    /// A reader of an item that [`Self::skip`] returned, at the depth at which it stood.
    pub(crate) fn nested(&self, item: &'a [u8]) -> Self {
        Self { bytes: item, at: 0, depth: self.depth }
    }

    /// The head of any item with its content, if it has no items of its own; otherwise how many it has.
    fn skip_head(&mut self) -> Result<(u64, bool)> {
        let head = self.head()?;
        let items = match head.major {
            UNSIGNED | NEGATIVE => 0,
            BYTES => self.take(head.argument).map(|_| 0)?,
            TEXT => self.utf8(head.argument).map(|_| 0)?,
            ARRAY => head.argument,
            MAP => head.argument.saturating_mul(2),
            TAG => 1,
            _ => shortest_simple(&head).map(|()| 0)?,
        };
        if matches!(head.major, ARRAY | MAP | TAG) {
            self.enter(items)?;
            if items == 0 {
                self.leave();
            }
        }
        Ok((items, head.major == MAP))
    }

    /// One level down, into so many items. What is claimed is checked against what is there before anything
    /// is made of it: an item takes at least a byte.
    fn enter(&mut self, items: u64) -> Result<()> {
        if self.depth == MAX_DEPTH {
            return malformed("nested too deep");
        }
        if items > (self.bytes.len() - self.at) as u64 {
            return malformed("more entries than bytes");
        }
        self.depth += 1;
        Ok(())
    }

    /// The key that began at `start` and ends here must come after the one before it.
    fn in_order(&self, start: usize, previous: &mut Option<&'a [u8]>) -> Result<()> {
        let key = &self.bytes[start..self.at];
        match previous.replace(key) {
            Some(before) if before == key => malformed("a key twice"),
            Some(before) if before > key => malformed("keys out of order"),
            _ => Ok(()),
        }
    }

    fn head(&mut self) -> Result<Head> {
        let initial = self.take(1)?[0];
        let (major, info) = (initial >> 5, initial & 0x1f);
        let (width, least) = match info {
            0..24 => return Ok(Head { major, info, argument: info.into() }),
            24 => (1, 24),
            25 => (2, 0x100),
            26 => (4, 0x1_0000),
            27 => (8, 0x1_0000_0000),
            31 => return malformed("indefinite length"),
            _ => return malformed("a reserved head"),
        };
        let argument = self.take(width)?.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        // What follows a head of type 7 is a float or a simple value, not a number to be shortened.
        if major != SIMPLE && argument < least {
            return malformed("a number not in its shortest form");
        }
        Ok(Head { major, info, argument })
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        match end.and_then(|end| self.bytes.get(self.at..end)) {
            Some(taken) => {
                self.at += taken.len();
                Ok(taken)
            }
            None => malformed("cut short"),
        }
    }

    fn utf8(&mut self, length: u64) -> Result<&'a str> {
        std::str::from_utf8(self.take(length)?).or(malformed("text that is not UTF-8"))
    }
}

/// Floats and simple values in their shortest form (RFC 8949 §3.3 and §4.2.1).
fn shortest_simple(head: &Head) -> Result<()> {
    let long = match head.info {
        24 => head.argument < 32,
        26 => float::fits_half(head.argument as u32),
        27 => float::fits_single(head.argument),
        _ => false,
    };
    if long { malformed("a value not in its shortest form") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skip_all(hex: &str) -> Result<()> {
        let bytes = hex::decode(hex).unwrap();
        let mut reader = Reader::new(&bytes);
        reader.skip()?;
        assert_eq!(reader.depth, 0);
        reader.end()
    }

    #[test]
    fn what_is_deterministic_is_taken() {
        for item in [
            "00",
            "1818",
            "3903e7",
            "40",
            "4401020304",
            "60",
            "6161",
            "80",
            "820102",
            "a0",
            "a10102",
            "a2010120f4",
            "a3616100616200626161f6",
            "c11a514b67b0",
            "f4",
            "f7",
            "f820",
            "f90000",
            "f97e00",
            "fa47c35000",
            "fb3ff199999999999a",
            "8180",
            "a18080",
            "a2800081000a",
        ] {
            assert_eq!(skip_all(item), Ok(()), "{item}");
        }
    }

    #[test]
    fn what_is_not_deterministic_is_refused_with_its_reason() {
        for (item, why) in [
            ("1817", "a number not in its shortest form"),
            ("1900ff", "a number not in its shortest form"),
            ("1a0000ffff", "a number not in its shortest form"),
            ("1b00000000ffffffff", "a number not in its shortest form"),
            ("5801ff", "a number not in its shortest form"),
            ("98010a", "a number not in its shortest form"),
            ("9fff", "indefinite length"),
            ("bfff", "indefinite length"),
            ("5f4100ff", "indefinite length"),
            ("7f6161ff", "indefinite length"),
            ("ff", "indefinite length"),
            ("1c", "a reserved head"),
            ("a201000100", "a key twice"),
            ("a202000100", "keys out of order"),
            ("a262616100616200", "keys out of order"),
            ("81a2800080f6", "a key twice"),
            ("a1a20100010000", "a key twice"),
            ("61ff", "text that is not UTF-8"),
            ("63eda080", "text that is not UTF-8"),
            ("f818", "a value not in its shortest form"),
            ("fa3fc00000", "a value not in its shortest form"),
            ("fb3ff8000000000000", "a value not in its shortest form"),
            ("0000", "bytes after the end"),
            ("", "cut short"),
            ("4401", "cut short"),
            ("9bffffffffffffffff", "more entries than bytes"),
            ("bbffffffffffffffff", "more entries than bytes"),
            ("5bffffffffffffffff", "cut short"),
        ] {
            assert_eq!(skip_all(item).unwrap_err().why, why, "{item}");
        }
    }

    #[test]
    fn eight_levels_are_taken_and_nine_refused() {
        let nested = |levels: usize| format!("{}00", "81".repeat(levels));
        assert_eq!(skip_all(&nested(8)), Ok(()));
        assert_eq!(skip_all(&nested(9)).unwrap_err().why, "nested too deep");
        assert_eq!(skip_all(&"c1".repeat(100_000)).unwrap_err().why, "nested too deep");
        assert_eq!(skip_all(&format!("{}80", "81".repeat(8))).unwrap_err().why, "nested too deep");
    }
}
