//! Scans of what was printed and signed in a precinct (DOMAIN "The election day"): what each is, as it is on record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    report::{Digest, Offset},
    time::Timestamp,
};

/// Most documents of one precinct, all versions counted.
pub const MOST_DOCUMENTS: usize = 200;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// An urn's first report, printed before polls open.
    UrnFirst,
    /// An urn's final report.
    UrnFinal,
    /// An ID terminal's first report.
    IdFirst,
    /// An ID terminal's final report.
    IdFinal,
    /// The commission's protocol of the hand count.
    Protocol,
    /// A copy of the protocol that observers hold.
    Copy,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::UrnFirst, Self::UrnFinal, Self::IdFirst, Self::IdFinal, Self::Protocol, Self::Copy];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UrnFirst => "urn_first",
            Self::UrnFinal => "urn_final",
            Self::IdFirst => "id_first",
            Self::IdFinal => "id_final",
            Self::Protocol => "protocol",
            Self::Copy => "copy",
        }
    }

    /// Whether votes stand on it: then it stays here while votes may not be published.
    pub fn carries_votes(self) -> bool {
        !matches!(self, Self::IdFirst | Self::IdFinal)
    }
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Media {
    /// ISO 32000.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// ISO/IEC 10918-1.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// ISO/IEC 15948.
    #[serde(rename = "image/png")]
    Png,
    /// RFC 9649.
    #[serde(rename = "image/webp")]
    WebP,
}

impl Media {
    /// Its media type (RFC 6838).
    pub fn mime(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }

    /// What a file of it is called after the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }
}

/// A file as it was checked and kept: the original, which is evidence, and what is served of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// SHA-256 of the file as it was sent.
    pub original: Digest,
    /// What it is.
    pub original_media: Media,
    /// Its size in bytes.
    pub original_bytes: u64,
    /// SHA-256 of what is served.
    pub served: Digest,
    /// What that is.
    pub served_media: Media,
    /// Its size in bytes.
    pub served_bytes: u64,
}

/// A document on record. Nothing replaces it: a better scan is another document of the same kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// The file.
    pub scan: Scan,
    /// Who added it.
    pub by: Arc<str>,
    /// When that was put on record.
    pub at: Timestamp,
    /// Its place in the journal.
    pub offset: Offset,
}
