//! Every path of `openapi.json` is asked whatever its description allows, and what it does not allow, by a program that
//! knows nothing but the description (schemathesis, of PyPI).
#![allow(clippy::unwrap_used)] // a test that cannot go on says so

use std::{path::Path, process::Command};

use e2e::{Builder, ROOM_TOKEN, Sanak, Vectors};

/// The room's paths; and streams without an end, to which `dashboard/tests/following.rs` speaks.
const ROOM_AND_STREAMS: &str = "^/room/|/(live|events)$";

async fn service() -> Sanak {
    let vectors = Vectors::read();
    // As many questions at once as a crowd behind one address.
    let sanak = Builder::vectors(&vectors.centre).start().await;
    sanak.wait_for("/elections/vec-1/results", |shown| shown.get("embargo_until").is_none()).await;
    sanak
}

fn ask(sanak: &Sanak, more: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = here.join("../../build/python/bin/schemathesis");
    assert!(program.exists(), "{} is missing: run ops/scripts/setup.sh test", program.display());
    let scratch = tempfile::TempDir::new().unwrap();
    let mut command = Command::new(program.canonicalize().unwrap());
    command.arg("--config-file").arg(here.join("schemathesis.toml")).arg("run");
    command.arg(format!("http://{}/api/v1/openapi.json", sanak.ready().http));
    command.args([
        "--phases",
        "examples,coverage,fuzzing",
        "--max-examples",
        "15",
        "--seed",
        "2026",
        "--no-color",
    ]);
    // Whether a path needs a token is tried in dashboard/tests/room.rs: here every question carries it.
    command.args(["--continue-on-failure", "--exclude-checks", "ignored_auth"]).args(more);
    let run = command.current_dir(scratch.path()).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains(" passed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_api_is_as_it_is_described() {
    let mut sanak = service().await;
    ask(&sanak, &["--exclude-path-regex", ROOM_AND_STREAMS]);
    sanak.assert_no_errors_logged();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rooms_api_is_as_it_is_described() {
    let mut sanak = service().await;
    let token = format!("authorization: Bearer {ROOM_TOKEN}");
    ask(&sanak, &["--include-path-regex", "^/room/", "--header", &token]);
    sanak.assert_no_errors_logged();
}
