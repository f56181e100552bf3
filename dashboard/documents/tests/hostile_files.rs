//! What people and attackers send: each is taken or refused with a sentence that says what to do.

#![allow(clippy::unwrap_used, reason = "a test fails where it must")]

use std::io::{Cursor, Write as _};

use documents::{MAX_BYTES, Refusal, check};
use election::document::Media;
use flate2::{Compression, write::ZlibEncoder};
use image::{DynamicImage, ImageFormat, RgbImage};

fn picture(format: ImageFormat) -> Vec<u8> {
    let picture = RgbImage::from_fn(60, 40, |x, y| image::Rgb([(x * 4) as u8, (y * 6) as u8, 90]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn refused(bytes: Vec<u8>) -> String {
    check(bytes.into()).unwrap_err().to_string()
}

/// A PDF of one page with these objects.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    for (at, object) in objects.iter().enumerate() {
        write!(file, "{} 0 obj\n{object}\nendobj\n", at + 1).unwrap();
    }
    file.extend_from_slice(b"trailer\n<< /Root 1 0 R >>\nstartxref\n9\n%%EOF\n");
    file
}

const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &str = "<< /Type /Pages /Kids [] /Count 0 >>";

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A PDF with a stream.
fn with_stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut file = format!("%PDF-1.7\n1 0 obj\n{dictionary}\nstream\r\n").into_bytes();
    file.extend_from_slice(data);
    file.extend_from_slice(b"\r\nendstream\nendobj\n%%EOF");
    file
}

#[test]
fn each_kind_is_taken_and_a_picture_is_drawn_anew() {
    for (format, media, served) in [
        (ImageFormat::Png, Media::Png, Media::Png),
        (ImageFormat::Jpeg, Media::Jpeg, Media::Jpeg),
        (ImageFormat::WebP, Media::WebP, Media::Jpeg),
    ] {
        let taken = check(picture(format).into()).unwrap();
        assert_eq!((taken.scan.original_media, taken.scan.served_media), (media, served));
        let drawn = image::load_from_memory(&taken.served).unwrap();
        assert_eq!((drawn.width(), drawn.height()), (60, 40));
    }
    let taken = check(pdf(&[CATALOG, PAGES]).into()).unwrap();
    assert_eq!((taken.scan.original_media, taken.served), (Media::Pdf, taken.original));
    assert_eq!(taken.scan.original, taken.scan.served);
}

#[test]
fn what_a_picture_carries_besides_what_it_shows_is_not_served() {
    let mut jpeg = picture(ImageFormat::Jpeg);
    let comment = b"\xff\xfe\x00\x1bwritten by a spokesperson";
    jpeg.splice(2..2, comment.iter().copied());
    let taken = check(jpeg.into()).unwrap();
    let holds = |bytes: &[u8]| bytes.windows(12).any(|part| part == b"spokesperson");
    assert!(holds(&taken.original) && !holds(&taken.served));
}

#[test]
fn a_picture_lying_on_its_side_is_served_upright() {
    let mut jpeg = picture(ImageFormat::Jpeg);
    // EXIF with one entry, orientation 6: turn it by 90 degrees.
    let exif: &[u8] =
        b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    jpeg.splice(2..2, exif.iter().copied());
    let drawn = image::load_from_memory(&check(jpeg.into()).unwrap().served).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (40, 60));
}

#[test]
fn one_file_that_is_two_is_refused() {
    let mut zip = picture(ImageFormat::Png);
    zip.extend_from_slice(b"PK\x03\x04inside");
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    assert_eq!(
        refused(zip),
        "the file is a PNG and holds a ZIP archive as well: scan the paper again and send the new file"
    );
    let mut jpeg = picture(ImageFormat::Jpeg);
    jpeg.splice(2..2, *b"\xff\xfe\x00\x0a%PDF-1.4");
    assert!(refused(jpeg).contains("a JPEG and holds a PDF as well"));
    let mut page = picture(ImageFormat::Jpeg);
    page.splice(2..2, *b"\xff\xfe\x00\x11<HTML><body><a>");
    assert!(refused(page).contains("a JPEG and holds a web page as well"));
    let mut script = picture(ImageFormat::WebP);
    script.extend_from_slice(b"*/=1;<Script>alert(1)</script>");
    assert!(refused(script).contains("a WebP and holds a script as well"));
    let mut pdf = pdf(&[CATALOG, PAGES]);
    pdf.extend_from_slice(b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0%%EOF");
    assert!(refused(pdf).contains("a PDF and holds a ZIP archive as well"));
}

#[test]
fn what_follows_a_picture_is_refused_but_for_padding_and_a_cameras_further_pictures() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let mut longer = picture(format);
        longer.extend_from_slice(b"seven..");
        assert!(refused(longer).starts_with("7 bytes follow the end of the picture"), "{format:?}");
        let mut padded = picture(format);
        padded.extend_from_slice(&[0; 9]);
        check(padded.into()).unwrap();
        let mut cut = picture(format);
        cut.truncate(cut.len() - 20);
        assert!(refused(cut).contains("it ends too early"), "{format:?}");
    }
    let mut two = picture(ImageFormat::Jpeg);
    two.extend_from_slice(&picture(ImageFormat::Jpeg));
    check(two.into()).unwrap();
}

#[test]
fn others_are_refused_by_name() {
    for (bytes, what) in [
        (&b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"[..], "an SVG"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"GIF89a", "a GIF"),
        (b"", "empty"),
    ] {
        assert!(refused(bytes.to_vec()).starts_with(&format!("the file is {what}")));
    }
    // The name of one kind and the inside of another.
    let mut lies = b"\x89PNG\r\n\x1a\n".to_vec();
    lies.extend_from_slice(&picture(ImageFormat::Jpeg));
    assert!(refused(lies).starts_with("the picture cannot be read"));
}

#[test]
fn large_files_and_those_that_open_to_something_huge_are_refused() {
    let mut large = picture(ImageFormat::Png);
    large.resize(MAX_BYTES + 1, 0);
    assert!(refused(large).starts_with("the file has more than 33554432 bytes"));
    // 50,000 × 50,000 points in 70 bytes.
    let mut huge = picture(ImageFormat::Png);
    huge[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let mut crc = flate2::Crc::new();
    crc.update(&huge[12..29]);
    let sum = crc.sum().to_be_bytes();
    huge[29..33].copy_from_slice(&sum);
    assert!(matches!(check(huge.into()), Err(Refusal::Dimensions(50_000, 50_000, 12_000))));
    let bomb = packed(&vec![0; 600 * 1024 * 1024]);
    assert!(bomb.len() < 1024 * 1024);
    let bomb = with_stream("<< /Filter /FlateDecode >>", &bomb);
    assert!(refused(bomb).starts_with("the PDF opens to more than 512 MiB"));
}

/// Each word `stream` opens compressed data that goes on to the end of the file, through all words behind it.
#[test]
fn streams_within_streams_cost_no_more_than_one_large_file() {
    let mut file = b"%PDF-1.7\n".to_vec();
    let empty_block = [0, 0, 0, 0xff, 0xff];
    while file.len() < MAX_BYTES - 10_000 {
        let word = b"stream\n\x78\x01";
        let length = u16::try_from(word.len()).unwrap();
        file.push(0);
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        file.extend_from_slice(word);
        (0..700).for_each(|_| file.extend_from_slice(&empty_block));
    }
    file.extend_from_slice(b"\n%%EOF");
    let began = std::time::Instant::now();
    assert!(refused(file).starts_with("the PDF opens to more than 512 MiB"));
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
}

#[test]
fn a_pdf_that_acts_is_refused_wherever_it_says_so() {
    for (object, what) in [
        ("<< /OpenAction 3 0 R >>", "something that happens on opening"),
        ("<< /S /JavaScript /JS (app.alert(1)) >>", "a script"),
        ("<< /S /J#61vaScript >>", "a script"),
        ("<</S/Launch/F(cmd.exe)>>", "a program to start"),
        ("<< /Names << /EmbeddedFiles 4 0 R >> >>", "other files"),
        ("<< /AcroForm << >> >>", "a form"),
        ("<< /Encrypt 5 0 R >>", "something encrypted"),
    ] {
        assert!(refused(pdf(&[CATALOG, PAGES, object])).contains(&format!("holds {what}:")), "{object}");
    }
    let hidden = packed(b"3 0 << /S /JavaScript /JS (app.alert(1)) >>");
    let objects = "<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode >>";
    assert!(refused(with_stream(objects, &hidden)).contains("a script"));
    // The name lies across the border of two parts of what is opened.
    let mut long = vec![b' '; 65_536 - 5];
    long.extend_from_slice(b"/JavaScript ");
    assert!(refused(with_stream(objects, &packed(&long))).contains("a script"));
    let packed_otherwise = "<< /Type /ObjStm /N 1 /First 4 /Filter [/ASCII85Decode /FlateDecode] >>";
    assert!(refused(with_stream(packed_otherwise, b"xyz")).contains("cannot be looked into"));
    // Longer names that begin alike are names of something else.
    check(pdf(&[CATALOG, PAGES, "<< /LaunchPad 1 /OpenActions 2 >>"]).into()).unwrap();
}

#[test]
fn a_pdf_that_is_not_whole_is_refused() {
    let mut cut = pdf(&[CATALOG, PAGES]);
    cut.truncate(cut.len() - 6);
    assert!(refused(cut).contains("it does not end in %%EOF"));
    assert!(refused(b"%PDF-9.9\n%%EOF".to_vec()).contains("no version of PDF"));
}
