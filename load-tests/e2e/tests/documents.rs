//! Scans through the door of the situation room: what is taken, what is refused and why, and who sees what of it.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::io::Write as _;

use e2e::{Builder, Record, Sanak, Vectors};
use flate2::{Compression, write::ZlibEncoder};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A PNG of two points.
const PICTURE: &str = "89504e470d0a1a0a0000000d4948445200000002000000010800000000d14920560000000b49444154789c6360\
    6800000083008187cfeca40000000049454e44ae426082";

fn picture() -> Vec<u8> {
    hex::decode(PICTURE).unwrap()
}

/// A PDF of half a megabyte whose one stream opens to 600 MiB.
fn bomb() -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    (0..600).for_each(|_| packed.write_all(&zeros).unwrap());
    let mut file = b"%PDF-1.7\n1 0 obj\n<< /Filter /FlateDecode >>\nstream\r\n".to_vec();
    file.extend_from_slice(&packed.finish().unwrap());
    file.extend_from_slice(b"\r\nendstream\nendobj\n%%EOF");
    file
}

async fn add(sanak: &Sanak, kind: &str, file: Vec<u8>) -> (u16, Value) {
    sanak.upload(&format!("/documents?precinct=5001&kind={kind}&reason=scanned+at+the+precinct"), file).await
}

async fn of_precinct(sanak: &Sanak) -> Value {
    sanak.get("/elections/vec-1/precincts/5001").await.1["documents"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_is_kept_shown_and_never_replaced() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    sanak.wait_for("/elections/vec-1/results", |shown| shown.get("embargo_until").is_none()).await;
    let (status, added) = add(&sanak, "protocol", picture()).await;
    assert_eq!(status, 201, "{added}");
    assert_eq!(added["original"], hex::encode(Sha256::digest(picture())));
    let listed = sanak
        .wait_for("/elections/vec-1/precincts/5001", |shown| shown["documents"][0].is_object())
        .await["documents"][0]
        .clone();
    assert_eq!(
        (&listed["kind"], &listed["media_type"], &listed["by"]),
        (&json!("protocol"), &json!("image/png"), &json!("Tester"))
    );
    assert_eq!((&listed["digest"], &listed["offset"]), (&added["served"], &added["offset"]));
    let (status, again) = add(&sanak, "protocol", picture()).await;
    assert_eq!(status, 409, "{again}");
    assert_eq!(add(&sanak, "copy", picture()).await.0, 201, "the same file may be another document");

    let path =
        format!("/api/v1/elections/vec-1/precincts/5001/documents/{}", added["served"].as_str().unwrap());
    let url = |path: &str| format!("http://{}{path}", sanak.ready().http);
    let shown = reqwest::get(url(&path)).await.unwrap();
    let header = |name: &str| shown.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((shown.status().as_u16(), header("content-type")), (200, "image/png".to_owned()));
    assert!(header("content-security-policy").contains("sandbox"));
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(hex::encode(Sha256::digest(shown.bytes().await.unwrap())), added["served"].as_str().unwrap());
    let original = format!("/api/v1/room/precincts/5001/documents/{}", added["original"].as_str().unwrap());
    assert_eq!(reqwest::get(url(&original)).await.unwrap().status(), 401, "the original is the room's");
    assert_eq!(sanak.download(&original).await, picture());
    let elsewhere = path.replace("5001", "5002");
    assert_eq!(
        reqwest::get(url(&elsewhere)).await.unwrap().status(),
        404,
        "it is no document of that precinct"
    );

    sanak.wait_for("/elections/vec-1/precincts/5001", |shown| shown["documents"][1].is_object()).await;
    let before = of_precinct(&sanak).await;
    let sanak = sanak.kill_and_restart().await;
    let shown =
        sanak.wait_for("/elections/vec-1/precincts/5001", |shown| shown["documents"][1].is_object()).await;
    assert_eq!(shown["documents"], before);
    assert_eq!(sanak.download(&original).await, picture());
    Record::at_the_end_of(sanak, &Vectors::election()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_plain_scan_is_refused_with_a_reason() {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    let polyglot = [picture(), b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec()].concat();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec();
    let active =
        b"%PDF-1.7\n1 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>\nendobj\n%%EOF"
            .to_vec();
    // 50,000 points on a side, and the sum of its header mended: a picture that opens to gigabytes.
    let mut huge = picture();
    huge[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    huge[29..33].copy_from_slice(&[0xfe, 0x5f, 0x4b, 0x2e]);
    let bomb = bomb();
    assert!(bomb.len() < 1 << 20, "it is small on the wire");
    for (file, why) in [
        (polyglot, "holds a ZIP archive as well"),
        (svg, "an SVG, which can hold a script"),
        (active, "the PDF holds"),
        (huge, "the picture"),
        (bomb, "the PDF opens to more than 512 MiB"),
        (b"PK\x03\x04".to_vec(), "a ZIP archive or an office document"),
        (Vec::new(), "the file is empty"),
    ] {
        let (status, problem) = add(&sanak, "protocol", file).await;
        assert_eq!(status, 422, "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains(why), "{problem}");
    }
    let (status, problem) = add(&sanak, "protocol", vec![0; 200 << 20]).await;
    assert_eq!(status, 413, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains("at most 32 MiB"), "{problem}");
    for (path, status) in [
        ("/documents?precinct=5001&kind=passport&reason=r", 400),
        ("/documents?precinct=5001&kind=protocol", 400),
        ("/documents?precinct=77&kind=protocol&reason=r", 404),
    ] {
        assert_eq!(sanak.upload(path, picture()).await.0, status, "{path}");
    }
    // A document that nobody has sent cannot be put on record by its digests.
    let digest = vec![0; 32];
    let act = json!({"act": "document", "precinct": 5001, "kind": "protocol", "original": digest,
        "original_media": "image/png", "original_bytes": 1, "served": digest, "served_media": "image/png",
        "served_bytes": 1});
    let (status, problem) = sanak.act("/decisions", json!({"reason": "r", "act": act})).await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(of_precinct(&sanak).await, json!([]));
}
