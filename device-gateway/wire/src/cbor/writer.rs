//! Writes deterministic CBOR: whoever writes a map need not know the order of its keys.

use super::{ARRAY, BYTES, MAP, NEGATIVE, SIMPLE, TAG, TEXT, UNSIGNED};

/// Bytes being written.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// The encoding of what `fill` writes, which is one item.
    pub(crate) fn encode(fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        let mut writer = Writer::default();
        fill(&mut writer);
        writer.0
    }

    /// The shortest head of this type and argument.
    fn head(&mut self, major: u8, argument: u64) {
        let major = major << 5;
        // Lossless: each arm's range is that of its type.
        match argument {
            0..24 => self.0.push(major | argument as u8),
            24..0x100 => self.0.extend([major | 24, argument as u8]),
            0x100..0x1_0000 => {
                self.0.push(major | 25);
                self.0.extend((argument as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.0.push(major | 26);
                self.0.extend((argument as u32).to_be_bytes());
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend(argument.to_be_bytes());
            }
        }
    }

    pub(crate) fn uint(&mut self, value: u64) {
        self.head(UNSIGNED, value);
    }

    pub(crate) fn int(&mut self, value: i64) {
        match u64::try_from(value) {
            Ok(value) => self.head(UNSIGNED, value),
            Err(_) => self.head(NEGATIVE, value.unsigned_abs() - 1),
        }
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.head(SIMPLE, if value { 21 } else { 20 });
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.head(TEXT, value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.head(BYTES, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn tag(&mut self, tag: u64) {
        self.head(TAG, tag);
    }

    /// The head of an array of `length` items, which are written next.
    pub(crate) fn array(&mut self, length: usize) {
        self.head(ARRAY, length as u64);
    }

    /// A map of the entries that `fill` gives, in the order of their encoded keys. No key may be given twice.
    pub(crate) fn map(&mut self, fill: impl FnOnce(&mut Entries)) {
        let mut entries = Entries::default();
        fill(&mut entries);
        let Entries { content: Writer(content), mut spans } = entries;
        spans.sort_unstable_by(|a, b| content[a.start..a.value].cmp(&content[b.start..b.value]));
        self.head(MAP, spans.len() as u64);
        for span in spans {
            self.0.extend_from_slice(&content[span.start..span.end]);
        }
    }
}

/// The entries of a map being written.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    content: Writer,
    spans: Vec<Span>,
}

/// Where an entry stands in [`Entries::content`]: its key from `start`, its value from `value` to `end`.
#[derive(Debug)]
struct Span {
    start: usize,
    value: usize,
    end: usize,
}

impl Entries {
    pub(crate) fn text(&mut self, key: &str, value: impl FnOnce(&mut Writer)) {
        self.entry(|writer| writer.text(key), value);
    }

    pub(crate) fn int(&mut self, key: i64, value: impl FnOnce(&mut Writer)) {
        self.entry(|writer| writer.int(key), value);
    }

    /// An entry that stands only where there is a value.
    pub(crate) fn optional<T>(&mut self, key: &str, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        if let Some(value) = value {
            self.text(key, |writer| write(writer, value));
        }
    }

    fn entry(&mut self, key: impl FnOnce(&mut Writer), fill: impl FnOnce(&mut Writer)) {
        let start = self.content.0.len();
        key(&mut self.content);
        let value = self.content.0.len();
        fill(&mut self.content);
        self.spans.push(Span { start, value, end: self.content.0.len() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_shortest_form() {
        // RFC 8949, appendix A.
        for (value, expected) in [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (255, "18ff"),
            (256, "190100"),
            (65_535, "19ffff"),
            (65_536, "1a00010000"),
            (4_294_967_295, "1affffffff"),
            (4_294_967_296, "1b0000000100000000"),
            (i64::MAX, "1b7fffffffffffffff"),
            (-1, "20"),
            (-24, "37"),
            (-25, "3818"),
            (-500, "3901f3"),
            (i64::MIN, "3b7fffffffffffffff"),
        ] {
            assert_eq!(hex::encode(Writer::encode(|w| w.int(value))), expected, "{value}");
        }
        assert_eq!(hex::encode(Writer::encode(|w| w.uint(u64::MAX))), "1bffffffffffffffff");
    }

    #[test]
    fn keys_stand_in_the_order_of_their_encoding() {
        let map = Writer::encode(|w| {
            w.map(|m| {
                for key in ["aa", "b", "a"] {
                    m.text(key, |w| w.uint(0));
                }
                for key in [-1, 1000, 9] {
                    m.int(key, |w| w.bool(false));
                }
            })
        });
        assert_eq!(hex::encode(map), "a609f41903e8f420f461610061620062616100");
    }
}
