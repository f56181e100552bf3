//! A whole answer in each of its encodings, each made once, when it is first asked for.

use std::{io::Write, sync::OnceLock};

use bytes::Bytes;

/// Effort that takes a few milliseconds for a country's snapshot: a version lives a quarter of a second.
const GZIP_LEVEL: u32 = 6;
const BROTLI_QUALITY: u32 = 5;
/// Window of 4 MiB: all precincts of a country.
const BROTLI_WINDOW: u32 = 22;

/// Bytes that many readers share, plain and compressed.
#[derive(Debug)]
pub struct Body {
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
}

impl Body {
    /// A body of these bytes.
    pub fn new(plain: impl Into<Bytes>) -> Self {
        Self { plain: plain.into(), gzip: OnceLock::new(), brotli: OnceLock::new() }
    }

    /// A body whose brotli form was made beforehand, with more effort than there is time for here.
    pub fn with_brotli(plain: impl Into<Bytes>, brotli: impl Into<Bytes>) -> Self {
        Self { plain: plain.into(), gzip: OnceLock::new(), brotli: OnceLock::from(brotli.into()) }
    }

    /// As it is.
    pub fn plain(&self) -> &Bytes {
        &self.plain
    }

    /// Compressed by gzip. The first call does the work; others that come meanwhile wait for it.
    pub fn gzip(&self) -> &Bytes {
        self.gzip.get_or_init(|| {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL));
            // Writing to memory does not fail; were it to, the plain bytes are not gzip and must not be sent.
            let written = out.write_all(&self.plain).and_then(|()| out.finish());
            written.map(Bytes::from).unwrap_or_default()
        })
    }

    /// Compressed by brotli. The first call does the work; others that come meanwhile wait for it.
    pub fn brotli(&self) -> &Bytes {
        self.brotli.get_or_init(|| {
            let mut out = brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW);
            let written = out.write_all(&self.plain).and_then(|()| out.flush());
            written.map(|()| Bytes::from(out.into_inner())).unwrap_or_default()
        })
    }

    /// Whether this encoding is there already, so that asking for it costs nothing.
    pub fn has_gzip(&self) -> bool {
        self.gzip.get().is_some()
    }

    /// Whether this encoding is there already, so that asking for it costs nothing.
    pub fn has_brotli(&self) -> bool {
        self.brotli.get().is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn each_encoding_says_the_same() {
        let text = "{\"units\":[]}".repeat(1000);
        let body = Body::new(text.clone());
        let mut read = String::new();
        flate2::read::GzDecoder::new(&body.gzip()[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        read.clear();
        brotli::Decompressor::new(&body.brotli()[..], 4096).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        assert!(body.has_gzip() && body.has_brotli());
        assert!(body.gzip().len() < text.len() / 10);
    }

    #[test]
    fn what_was_compressed_beforehand_is_not_compressed_again() {
        let body = Body::with_brotli("plain", &b"made before"[..]);
        assert!(body.has_brotli() && !body.has_gzip());
        assert_eq!((&body.brotli()[..], &body.plain()[..]), (&b"made before"[..], &b"plain"[..]));
    }

    #[test]
    fn an_empty_body_is_a_body() {
        let mut read = Vec::new();
        let body = Body::new("");
        brotli::Decompressor::new(&body.brotli()[..], 16).read_to_end(&mut read).unwrap();
        flate2::read::GzDecoder::new(&body.gzip()[..]).read_to_end(&mut read).unwrap();
        assert!(read.is_empty());
    }
}
