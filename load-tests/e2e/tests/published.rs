//! `sanak publish`: the public API as files, beside a real service.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use e2e::{Builder, Sanak, Vectors, binary};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

async fn service() -> Sanak {
    let vectors = Vectors::read();
    let sanak = Builder::vectors(&vectors.centre).start().await;
    sanak.wait_for("/elections/vec-1/results", |shown| shown.get("embargo_until").is_none()).await;
    // Devices that nobody has heard of are noted soon after the start: then it is quiet.
    let mut before = Value::Null;
    loop {
        let version = sanak.get("/elections/vec-1/results").await.1["version"].clone();
        if version == before {
            return sanak;
        }
        before = version;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }
}

fn publish(sanak: &Sanak, target: &str, more: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(["publish", target, "--from", &format!("http://{}", sanak.ready().http)]).args(more);
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    command
}

fn json_of(dir: &Path, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join(file)).unwrap()).unwrap()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn until(dir: &Path, file: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let read = std::fs::read(dir.join(file)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        match read {
            Some(value) if holds(&value) => return value,
            other => assert!(Instant::now() < deadline, "{file}: {other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_as_files_is_what_the_api_answers() {
    let sanak = service().await;
    let dir = TempDir::new().unwrap();
    let run = publish(&sanak, dir.path().to_str().unwrap(), &["--once"]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let shown = |path: &str| format!("/elections/vec-1{path}");
    for (path, file) in [
        ("/results", "results.json"),
        ("/precincts", "precincts.json"),
        ("/missing", "missing.json"),
        ("/seats?contest=list&source=urns", "seats/list.urns.json"),
        ("/history?unit=country&series=turnout", "history/country.turnout.json"),
    ] {
        assert_eq!(json_of(dir.path(), file), sanak.get(&shown(path)).await.1, "{file}");
    }
    let index = json_of(dir.path(), "index.json");
    assert_eq!(index["reached"], true);
    let files: BTreeMap<String, Value> = serde_json::from_value(index["files"].clone()).unwrap();
    for file in [
        "definition.json",
        "elections.json",
        "results.csv",
        "precincts.excel.csv",
        "cdf.json",
        "corrections.json",
    ] {
        assert!(files.contains_key(file), "{file}");
    }
    for (file, of) in &files {
        let bytes = std::fs::read(dir.path().join(file)).unwrap();
        assert_eq!(
            (&of["bytes"], &of["sha256"]),
            (&json!(bytes.len()), &json!(hex::encode(Sha256::digest(&bytes))))
        );
        if let Ok(compressed) = std::fs::read(dir.path().join(format!("{file}.gz"))) {
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&compressed[..]).read_to_end(&mut plain).unwrap();
            assert_eq!(plain, bytes, "{file}.gz");
            assert!(dir.path().join(format!("{file}.br")).exists());
        } else {
            panic!("{file}.gz is missing");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_follow_the_count_and_stay_when_it_is_gone() {
    let mut sanak = service().await;
    let dir = TempDir::new().unwrap();
    let command = publish(&sanak, dir.path().to_str().unwrap(), &["--every", "0.25"]).spawn();
    let running = Running(command.unwrap());
    let first = until(dir.path(), "index.json", |index| index["version"].is_u64()).await;
    let annul = json!({"reason": "by order of the court", "act": {"act": "annul", "precinct": 5001}});
    assert_eq!(sanak.act("/decisions", annul).await.0, 201);
    let newer = |index: &Value| index["version"].as_u64() > first["version"].as_u64();
    until(dir.path(), "index.json", newer).await;
    let phase = |file: &Value| {
        let mut units = file["units"].as_array().unwrap().iter();
        units.find(|unit| unit["id"] == "precinct:5001").unwrap()["phase"].clone()
    };
    until(dir.path(), "precincts.json", |file| phase(file) == "annulled").await;
    // Also what is a second old when the version is new.
    until(dir.path(), "corrections.json", |file| file["corrections"][0].is_object()).await;
    sanak.stop().await;
    let gone = until(dir.path(), "index.json", |index| index["reached"] == false).await;
    assert!(newer(&gone), "what stands is still named");
    assert_eq!(phase(&json_of(dir.path(), "precincts.json")), "annulled");
    // One that is started while the platform is away says what stands.
    drop(running);
    let again = publish(&sanak, dir.path().to_str().unwrap(), &["--once"]).output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    let index = json_of(dir.path(), "index.json");
    assert_eq!((&index["version"], &index["files"]), (&gone["version"], &gone["files"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_takes_them_too() {
    let sanak = service().await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("build/python/bin/python3");
    assert!(python.exists(), "{} is missing: run ops/scripts/setup.sh test", python.display());
    let mut server = Command::new(&python);
    server.arg(root.join("dashboard/documents/tests/bucket/server.py"));
    let mut server =
        Running(server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let endpoint =
        lines.find_map(|line| Some(line.unwrap()).filter(|line| line.starts_with("http://"))).unwrap();
    let keys = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ENDPOINT_URL", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "centre"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ];
    let run = publish(&sanak, "s3://documents/night", &["--once"]).envs(keys).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let read = "import boto3, json; of = boto3.client('s3').get_object(Bucket='documents', Key='night/results.json'); \
        print(json.dumps([of['ContentType'], of['CacheControl'], json.load(of['Body'])]))";
    let kept = Command::new(&python).args(["-c", read]).envs(keys).output().unwrap();
    assert!(kept.status.success(), "{}", String::from_utf8_lossy(&kept.stderr));
    let kept: Value = serde_json::from_slice(&kept.stdout).unwrap();
    assert_eq!(
        (&kept[0], &kept[1]),
        (&json!("application/json"), &json!("public, max-age=1, stale-while-revalidate=10"))
    );
    assert_eq!(kept[2], sanak.get("/elections/vec-1/results").await.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_published_is_said() {
    let sanak = service().await;
    let dir = TempDir::new().unwrap();
    let target = dir.path().to_str().unwrap();
    let run = |command: &mut Command| {
        let run = command.output().unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let (code, said) = run(&mut publish(&sanak, target, &["--once", "--election", "other"]));
    assert!(code == Some(1) && said.contains("--election"), "{said}");
    let mut elsewhere = Command::new(binary());
    elsewhere.args(["publish", target, "--once", "--from", "http://127.0.0.1:9"]).stderr(Stdio::piped());
    let (code, said) = run(&mut elsewhere);
    assert!(code == Some(1) && said.contains("http://127.0.0.1:9/"), "{said}");
    assert_eq!(json_of(dir.path(), "index.json")["reached"], false);
    let mut wrong = Command::new(binary());
    wrong.args(["publish", target, "--once", "--from", "127.0.0.1"]).stderr(Stdio::piped());
    let (code, said) = run(&mut wrong);
    assert!(code == Some(2) && said.contains("--from"), "{said}");
    let file = dir.path().join("index.json");
    let (code, said) = run(&mut publish(&sanak, file.to_str().unwrap(), &["--once"]));
    assert!(code == Some(2) && said.contains("give a directory"), "{said}");
}
