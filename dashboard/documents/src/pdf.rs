//! A PDF is served as it is, so it may hold nothing that acts: no script, no program to start, no file inside, no
//! form that sends. Every name in it is looked at (ISO 32000-1, 7.3.5), also those in compressed objects; where one
//! could be hidden from that look, the file is refused.

use std::io::Read as _;

use flate2::read::ZlibDecoder;

use crate::Refusal;

/// What all streams of a file together may open to: ten pages in colour at 300 dots an inch are 250 MiB.
const MAX_OPENED: u64 = 512 * 1024 * 1024;
/// Longest name that is looked for, with room to see that it ends there.
const NAME_BYTES: usize = 24;

/// Names that make a reader act, or that hide what it would do. Long enough not to stand in compressed data by
/// chance: seven bytes are in one file of 32 MiB out of two thousand million.
const ACTIVE: [(&str, &str); 14] = [
    ("JavaScript", "a script"),
    ("Launch", "a program to start"),
    ("EmbeddedFile", "another file"),
    ("EmbeddedFiles", "other files"),
    ("OpenAction", "something that happens on opening"),
    ("RichMedia", "a film or a sound"),
    ("SubmitForm", "a form that sends"),
    ("ImportData", "a form that reads"),
    ("GoToE", "a way into another file"),
    ("GoToR", "a way into another file"),
    ("Encrypt", "something encrypted"),
    ("AcroForm", "a form"),
    ("Rendition", "a film or a sound"),
    ("ResetForm", "a form"),
];

pub(crate) fn inspect(bytes: &[u8]) -> Result<(), Refusal> {
    let version = bytes.get(5..8).unwrap_or_default();
    if !matches!(version, [b'1', b'.', b'0'..=b'7'] | [b'2', b'.', b'0']) {
        return Err(Refusal::Broken("no version of PDF is named at its beginning"));
    }
    let text = bytes.trim_ascii_end();
    let text = text.strip_suffix(b"\0").map_or(text, <[u8]>::trim_ascii_end);
    if !text.ends_with(b"%%EOF") {
        return Err(Refusal::Broken("it does not end in %%EOF"));
    }
    refuse_active(bytes)?;
    let mut left = MAX_OPENED;
    for stream in streams(bytes) {
        open(stream, &mut left)?;
    }
    Ok(())
}

/// Bytes of a stream with what stands before them.
struct Stream<'a> {
    /// The dictionary, and perhaps what stands before it.
    before: &'a [u8],
    /// From its first byte to the end of the file: where it ends is the compression's word.
    data: &'a [u8],
}

/// Everything behind the word `stream`, whether a reader would come by it or not.
fn streams(bytes: &[u8]) -> impl Iterator<Item = Stream<'_>> {
    const WORD: &[u8] = b"stream";
    let found = bytes.windows(WORD.len()).enumerate().filter(|(_, part)| *part == WORD);
    found.filter_map(move |(at, _)| {
        if bytes[..at].ends_with(b"end") {
            return None;
        }
        let data = &bytes[at + WORD.len()..];
        let data = data.strip_prefix(b"\r\n").or_else(|| data.strip_prefix(b"\n")).unwrap_or(data);
        Some(Stream { before: &bytes[at.saturating_sub(512)..at], data })
    })
}

/// Looks at what a stream opens to. Objects may be compressed by one method only, so that none goes unseen.
fn open(stream: Stream<'_>, left: &mut u64) -> Result<(), Refusal> {
    let dictionary = stream.before.windows(3).rposition(|part| part == b"obj").unwrap_or(0);
    let dictionary = &stream.before[dictionary..];
    let named = |what: &str| names(dictionary).any(|name| name == what.as_bytes());
    let objects = named("ObjStm");
    let filters = ["ASCIIHexDecode", "ASCII85Decode", "LZWDecode", "RunLengthDecode", "Crypt"];
    if objects && filters.iter().any(|filter| named(filter)) {
        return Err(Refusal::Active("objects that are packed in a way that cannot be looked into".into()));
    }
    let mut decoder = ZlibDecoder::new(stream.data);
    let mut window = Vec::with_capacity(2 * 65_536);
    let mut part = vec![0; 65_536];
    // What is not compressed this way, such as a JPEG, fails at its first bytes: all of it was looked at already.
    while let Ok(read @ 1..) = decoder.read(&mut part) {
        *left = left.checked_sub(read as u64).ok_or(Refusal::Bomb(MAX_OPENED >> 20))?;
        let kept = window.len().min(3 * NAME_BYTES);
        window.drain(..window.len() - kept);
        window.extend_from_slice(&part[..read]);
        refuse_active(&window)?;
    }
    // What was read counts too: streams within streams, each of them read to the end, cost the square of their number.
    *left = left.checked_sub(decoder.total_in()).ok_or(Refusal::Bomb(MAX_OPENED >> 20))?;
    Ok(())
}

fn refuse_active(bytes: &[u8]) -> Result<(), Refusal> {
    for name in names(bytes) {
        if let Some((_, what)) = ACTIVE.iter().find(|(active, _)| active.as_bytes() == name) {
            return Err(Refusal::Active((*what).into()));
        }
    }
    Ok(())
}

/// Every name, its `#41` read as `A`.
fn names(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let slashes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    slashes.map(move |(at, _)| {
        let mut name = Vec::with_capacity(NAME_BYTES);
        let mut rest = &bytes[at + 1..];
        while let (Some(byte), true) = (next(&mut rest), name.len() < NAME_BYTES) {
            name.push(byte);
        }
        name
    })
}

/// The next byte of a name; `None` where it ends.
fn next(rest: &mut &[u8]) -> Option<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (byte, after) = match **rest {
        [b'#', high, low, ..] if hex(high).is_some() && hex(low).is_some() => {
            (hex(high)? << 4 | hex(low)?, 3)
        }
        [b'\0' | b'\t' | b'\n' | b'\x0c' | b'\r' | b' ', ..] => return None,
        [b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%', ..] => return None,
        [byte, ..] => (byte, 1),
        [] => return None,
    };
    *rest = &rest[after..];
    Some(byte)
}
