//! What a file is, by its first bytes. What its name or its sender says has no part in it.

use election::document::Media;

use crate::Refusal;

/// Others by their first bytes, so that people are told what they sent.
const OTHERS: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"GIF8", "a GIF"),
    (b"II*\0", "a TIFF"),
    (b"MM\0*", "a TIFF"),
    (b"\x7fELF", "a program"),
];

/// By the first bytes.
///
/// # Errors
/// When it is none of the four, with what it seems to be.
pub(crate) fn of(bytes: &[u8]) -> Result<Media, Refusal> {
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => Ok(Media::Pdf),
        [0xff, 0xd8, 0xff, ..] => Ok(Media::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Ok(Media::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(Media::WebP),
        _ => Err(Refusal::Kind(other(bytes))),
    }
}

/// With its article, for a sentence.
pub(crate) fn named(media: Media) -> &'static str {
    match media {
        Media::Pdf => "a PDF",
        Media::Jpeg => "a JPEG",
        Media::Png => "a PNG",
        Media::WebP => "a WebP",
    }
}

fn other(bytes: &[u8]) -> &'static str {
    if bytes.is_empty() {
        return "empty";
    }
    if let Some((_, name)) = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)) {
        return name;
    }
    let start = bytes.get(..1_024).unwrap_or(bytes).to_ascii_lowercase();
    let holds = |what: &[u8]| start.windows(what.len()).any(|part| part == what);
    if holds(b"<svg") {
        "an SVG, which can hold a script"
    } else if holds(b"<html") || holds(b"<!doctype") || holds(b"<script") {
        "a web page"
    } else {
        "of no kind that is known here"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        assert_eq!(of(b"%PDF-1.4\n"), Ok(Media::Pdf));
        assert_eq!(of(b"\xff\xd8\xff\xe0"), Ok(Media::Jpeg));
        assert_eq!(of(b"\x89PNG\r\n\x1a\n"), Ok(Media::Png));
        assert_eq!(of(b"RIFF\x04\0\0\0WEBP"), Ok(Media::WebP));
        let told = |bytes: &[u8]| of(bytes).unwrap_err().to_string();
        for (bytes, what) in [
            (&b""[..], "empty"),
            (b"PK\x03\x04rest", "a ZIP archive or an office document"),
            (b"<?xml version='1.0'?><SVG onload='alert(1)'/>", "an SVG, which can hold a script"),
            (b"<!DOCTYPE html>", "a web page"),
            (b" %PDF-1.4", "of no kind that is known here"),
            (b"II*\0", "a TIFF"),
        ] {
            assert_eq!(told(bytes), format!("the file is {what}: send a PDF, JPEG, PNG or WebP"));
        }
    }
}
