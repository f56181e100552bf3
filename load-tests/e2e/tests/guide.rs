//! The device guide's worked example, run as it is written: Mosquitto's clients over TLS with a provisioned bundle.

use std::{fs, path::Path};

use e2e::{Provisioned, binary};
use tokio::process::Command;

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../device-gateway/wire/DEVICE-GUIDE.md");

/// The text of the guide's blocks in one language, in their order.
fn blocks(guide: &str, language: &str) -> Vec<String> {
    let opening = format!("\n```{language}\n");
    guide.split(&opening).skip(1).filter_map(|rest| rest.split("\n```").next()).map(str::to_owned).collect()
}

/// A line without the places of records, which depend on what else is in the journal.
fn without_places(line: &str) -> String {
    let Some((before, rest)) = line.split_once("record ") else { return line.to_owned() };
    format!("{before}record N{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_device_guide_does_what_it_says() {
    let guide = fs::read_to_string(GUIDE).unwrap();
    let (commands, expected) = (blocks(&guide, "sh"), blocks(&guide, "output"));
    assert!(commands.len() >= 6 && expected.len() >= 4, "the example is there");
    let expected: Vec<String> = expected.iter().flat_map(|text| text.lines()).map(without_places).collect();

    let of = Provisioned::new().await;
    // A free port: nobody else binds it in the meantime, or the start says so.
    let loopback = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let sanak = of.serve_with(&format!("plain_listen = \"127.0.0.1:{loopback}\"")).start().await;
    let tool = binary().with_file_name("examples").join("device");
    assert!(tool.exists(), "run `cargo build -p device-wire --example device` first");
    let tools = tool.parent().map(Path::to_path_buf).unwrap_or_default();
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    let somewhere = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &commands.join("\n")])
        .current_dir(somewhere.path())
        .env("PATH", path)
        .env("BUNDLE", of.bundle("t-5001-1"))
        .env("HOST", "127.0.0.1")
        .env("PORT", sanak.ready().mqtt.port().to_string())
        .env("LOOPBACK", loopback.to_string())
        .output()
        .await
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    let said: Vec<String> = said.lines().map(without_places).collect();
    assert_eq!(said, expected, "{errors}");
    let shown = sanak
        .wait_for("/elections/vec-1/results", |results| results["units"][0]["turnout"]["identified"] == 120);
    assert_eq!(shown.await["units"][0]["turnout"]["precincts"], 1);
    assert!(sanak.metric("sanak_life_signs_total").await >= 2.0);
}
