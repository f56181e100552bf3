//! The one entrance: what a file must be before a byte of it is kept.

use bytes::Bytes;
use election::{
    document::{Media, Scan},
    report::Digest,
};
use sha2::{Digest as _, Sha256};

use crate::{Refusal, media, pdf, picture};

/// The largest file that is taken: forty pages at 200 dots an inch, or a photograph of any telephone.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What another kind of file starts with, or holds somewhere. No scanner or camera writes any of them into a picture;
/// by chance six bytes are in one file of 32 MiB out of eight million.
const FOREIGN: [(&[u8], &str); 5] = [
    (b"<script", "a script"),
    (b"<html", "a web page"),
    (b"<svg", "an SVG"),
    (b"<?php", "a program"),
    (b"javascript:", "a script"),
];

/// The end of a ZIP archive: readers of ZIP look for it from the end, whatever stands before.
const ZIP_END: &[u8] = b"PK\x05\x06";
/// As far from the end as it may stand.
const ZIP_END_WITHIN: usize = 22 + 65_535;
/// Readers of PDF look for its header so far into a file.
const PDF_HEADER_WITHIN: usize = 1_024;

/// A file that is taken: the original is evidence, kept and shown to the situation room only; what is served is of a
/// picture what it shows and nothing more, of a PDF the same bytes.
#[derive(Debug, Clone)]
pub struct Checked {
    /// As sent.
    pub original: Bytes,
    /// What everybody may see.
    pub served: Bytes,
    /// Both, as they are put on record.
    pub scan: Scan,
}

/// Looks into a file. It computes for a second where a picture is large: call it where that stops nobody.
///
/// # Errors
/// Why it is not taken, in a sentence for whoever sent it.
pub fn check(original: Bytes) -> Result<Checked, Refusal> {
    if original.len() > MAX_BYTES {
        return Err(Refusal::TooLarge(MAX_BYTES));
    }
    let media = media::of(&original)?;
    refuse_polyglot(media, &original)?;
    let (served, served_media) = match media {
        Media::Pdf => {
            pdf::inspect(&original)?;
            (original.clone(), media)
        }
        Media::Jpeg | Media::Png | Media::WebP => picture::drawn_anew(media, &original)?,
    };
    let scan = Scan {
        original: sha256(&original),
        original_media: media,
        original_bytes: original.len() as u64,
        served: sha256(&served),
        served_media,
        served_bytes: served.len() as u64,
    };
    Ok(Checked { original, served, scan })
}

pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

fn refuse_polyglot(media: Media, bytes: &[u8]) -> Result<(), Refusal> {
    let also = |what| Err(Refusal::Polyglot(media::named(media), what));
    let tail = &bytes[bytes.len().saturating_sub(ZIP_END_WITHIN)..];
    if holds(tail, ZIP_END) {
        return also("a ZIP archive");
    }
    if media == Media::Pdf {
        return Ok(()); // what a PDF may hold is `pdf`'s question
    }
    if holds(bytes.get(..PDF_HEADER_WITHIN).unwrap_or(bytes), b"%PDF-") {
        return also("a PDF");
    }
    FOREIGN.iter().find(|(what, _)| holds_in_any_case(bytes, what)).map_or(Ok(()), |(_, name)| also(name))
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|part| part == what)
}

fn holds_in_any_case(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|part| part[0] == what[0] && part.eq_ignore_ascii_case(what))
}
