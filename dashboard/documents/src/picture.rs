//! Pictures are decoded within bounds and drawn anew: only what is seen is left. Comments, positions, thumbnails and
//! whatever else a file carries are not.

use std::io::Cursor;

use bytes::Bytes;
use election::document::Media;
use image::{
    DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder,
    error::LimitErrorKind,
};

use crate::Refusal;

/// Points on a side: A3 at 600 dots an inch has 9,921.
const MAX_SIDE: u32 = 12_000;
/// Memory for one picture: 12,000 × 8,000 points of three bytes, and as much again to turn it upright.
const MAX_ALLOC: u64 = 600 * 1024 * 1024;
/// Of 100; figures of a protocol are sharp at it.
const QUALITY: u8 = 88;

/// A picture drawn anew, upright. What was without loss stays so; a WebP, which may be either, becomes a JPEG.
pub(crate) fn drawn_anew(media: Media, bytes: &[u8]) -> Result<(Bytes, Media), Refusal> {
    let end = match media {
        Media::Png => png_end(bytes),
        Media::WebP => webp_end(bytes),
        Media::Jpeg | Media::Pdf => jpeg_end(bytes),
    };
    let end = end.ok_or_else(|| Refusal::Picture("it ends too early".into()))?;
    let rest = &bytes[end..];
    if rest.iter().any(|byte| *byte != 0) {
        return Err(Refusal::Trailing(rest.len()));
    }
    let picture = decoded(media, &bytes[..end])?;
    let mut drawn = Cursor::new(Vec::new());
    let media = if media == Media::Png { Media::Png } else { Media::Jpeg };
    let encoded = match media {
        Media::Png => picture.write_to(&mut drawn, ImageFormat::Png),
        _ => picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut drawn, QUALITY)),
    };
    encoded.map_err(|error| Refusal::Picture(error.to_string()))?;
    Ok((drawn.into_inner().into(), media))
}

fn decoded(media: Media, bytes: &[u8]) -> Result<DynamicImage, Refusal> {
    let format = match media {
        Media::Png => ImageFormat::Png,
        Media::WebP => ImageFormat::WebP,
        Media::Jpeg | Media::Pdf => ImageFormat::Jpeg,
    };
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC);
    let sides = ImageReader::with_format(Cursor::new(bytes), format).into_dimensions();
    let (width, height) = sides.map_err(|error| unreadable(&error))?;
    if width > MAX_SIDE || height > MAX_SIDE {
        return Err(Refusal::Dimensions(width, height, MAX_SIDE));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| unreadable(&error))?;
    let orientation = decoder.orientation().map_err(|error| unreadable(&error))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| unreadable(&error))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn unreadable(error: &ImageError) -> Refusal {
    match error {
        ImageError::Limits(limit) if matches!(limit.kind(), LimitErrorKind::InsufficientMemory) => {
            Refusal::Picture(format!("it needs more than {} MiB of memory", MAX_ALLOC >> 20))
        }
        _ => Refusal::Picture(error.to_string()),
    }
}

/// Behind the last chunk of a PNG, `IEND`.
fn png_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 8_usize;
    loop {
        let length = usize::try_from(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)).ok()?;
        let kind = bytes.get(at + 4..at + 8)?;
        at = at.checked_add(12)?.checked_add(length)?;
        if at > bytes.len() {
            return None;
        }
        if kind == b"IEND" {
            return Some(at);
        }
    }
}

/// Behind what the RIFF header of a WebP says is in it.
fn webp_end(bytes: &[u8]) -> Option<usize> {
    let length = usize::try_from(u32::from_le_bytes(bytes.get(4..8)?.try_into().ok()?)).ok()?;
    length.checked_add(8).filter(|end| *end <= bytes.len())
}

/// Behind the end of the last JPEG. Cameras write further pictures, of other exposures or for depth, behind the
/// first: they are whole JPEGs too, and are left out when the first is drawn anew.
fn jpeg_end(bytes: &[u8]) -> Option<usize> {
    let mut end = one_jpeg(bytes)?;
    while bytes[end..].starts_with(&[0xff, 0xd8, 0xff]) {
        end += one_jpeg(&bytes[end..])?;
    }
    Some(end)
}

fn one_jpeg(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        match *bytes.get(at..at + 2)? {
            [0xff, 0xff] => at += 1, // fill
            [0xff, 0xd9] => return Some(at + 2),
            [0xff, 0x01 | 0xd0..=0xd7] => at += 2, // markers without a segment
            [0xff, 0xda] => at = scan_end(bytes, at + 2 + segment(bytes, at + 2)?)?,
            [0xff, _] => at += 2 + segment(bytes, at + 2)?,
            _ => return None,
        }
    }
}

fn segment(bytes: &[u8], at: usize) -> Option<usize> {
    let length = u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
    (length >= 2).then_some(usize::from(length))
}

/// The next marker behind coded data, in which FF is followed by 00 or by a restart marker.
fn scan_end(bytes: &[u8], from: usize) -> Option<usize> {
    let coded = bytes.get(from..)?.windows(2);
    let marker =
        coded.enumerate().find(|(_, pair)| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff));
    marker.map(|(at, _)| from + at)
}
