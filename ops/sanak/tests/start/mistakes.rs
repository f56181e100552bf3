//! What is wrong is told before anything starts: one plain sentence with its place, and exit code 2.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use crate::scene::Scene;

/// Runs `sanak check`; with a hard limit of open files where one is given.
fn check(scene: &Scene, open_files: Option<u32>) -> Output {
    run(scene, "check", open_files)
}

fn run(scene: &Scene, command: &str, open_files: Option<u32>) -> Output {
    let limit = open_files.map_or(String::new(), |limit| format!("ulimit -n {limit}; "));
    Command::new("sh")
        .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
        .arg(env!("CARGO_BIN_EXE_sanak"))
        .args([command, "--config"])
        .arg(scene.config())
        .current_dir(scene.directory())
        .output()
        .unwrap()
}

/// `sanak check` tells exactly these mistakes, and `sanak serve` the same without starting.
#[track_caller]
fn refused(scene: &Scene, lines: &[&str]) {
    told(scene, &check(scene, None), lines);
    told(scene, &run(scene, "serve", None), lines);
}

/// The command ends with code 2, tells exactly these mistakes, and leaves nothing behind.
#[track_caller]
fn told(scene: &Scene, output: &Output, lines: &[&str]) {
    let said = scene.relative(&String::from_utf8_lossy(&output.stderr));
    let mistakes: Vec<&str> = said.lines().filter(|line| !line.starts_with("warning: ")).collect();
    assert_eq!(mistakes, lines);
    assert_eq!(output.status.code(), Some(2));
    assert!(!scene.path("data").exists(), "nothing was to be started");
}

#[test]
fn a_sound_configuration_has_no_mistakes_and_a_check_leaves_nothing_behind() {
    let scene = Scene::new();
    let output = check(&scene, None);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.starts_with("vec-1: 2 precincts, 2 devices, digest "), "{said}");
    assert!(said.contains("no mistakes"), "{said}");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!scene.path("data").exists());
}

#[test]
fn a_missing_column_is_told() {
    let scene = Scene::new();
    scene.write("election/precinct_contests.csv", "precinct,contest\n5001,list\n5002,list\n");
    refused(&scene, &["election/precinct_contests.csv:1: registered: column is missing"]);
}

#[test]
fn an_unknown_raion_is_told_with_the_one_probably_meant() {
    let scene = Scene::new();
    scene.edit("election/precincts.csv", "5002,raion:alay-raion", "5002,raion:alai-raion");
    let line = "election/precincts.csv:3: raion: units.csv does not list raion:alai-raion, did you mean raion:alay-raion?";
    refused(&scene, &[line]);
}

#[test]
fn a_precinct_that_stands_twice_is_told() {
    let scene = Scene::new();
    let twice = "5001,raion:alay-raion,false,urn,1200,73.1,39.7,№1 орто мектеп,Школа № 1,,\n5002,";
    scene.edit("election/precincts.csv", "5002,", twice);
    let line = "election/precincts.csv:3: precinct: precinct 5001 stands in line 2 already";
    refused(&scene, &[line]);
}

#[test]
fn a_port_in_use_is_told() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let listen = format!("[http]\nlisten = \"127.0.0.1:{port}\"");
    scene.edit("sanak.toml", "[http]\nlisten = \"127.0.0.1:0\"", &listen);
    let line = format!(
        "sanak.toml:8: http.listen: port {port} of 127.0.0.1 is in use: stop what listens there, or choose another port"
    );
    refused(&scene, &[&line]);
}

#[test]
fn a_directory_that_cannot_be_written_is_told() {
    let scene = Scene::new();
    // Nobody can make files there, root included.
    scene.edit("sanak.toml", "dir = \"data\"", "dir = \"/proc/sanak\"");
    let output = check(&scene, None);
    let said = scene.relative(&String::from_utf8_lossy(&output.stderr));
    let start = "sanak.toml:4: data.dir: /proc/sanak is not there, and cannot be made in /proc: ";
    assert!(said.starts_with(start), "{said}");
    assert_eq!(output.status.code(), Some(2));

    scene.edit("sanak.toml", "/proc/sanak", "centre.key");
    refused(&scene, &["sanak.toml:4: data.dir: centre.key is not a directory"]);
}

#[test]
fn too_few_open_files_for_the_devices_are_told() {
    let scene = Scene::new();
    let line = "sanak.toml:2: election.dir: the process may open 200 files, and 2 devices and their readers need 1526: \
                raise the hard limit (LimitNOFILE of the systemd unit, or ulimit -Hn)";
    let rehearsal = check(&scene, Some(200));
    assert!(rehearsal.status.success(), "in a rehearsal devices take turns");
    let said = scene.relative(&String::from_utf8_lossy(&rehearsal.stderr));
    assert!(said.contains(&format!("warning: {line}")), "{said}");
    scene.edit("election/election.toml", "test = true", "test = false");
    told(&scene, &check(&scene, Some(200)), &[line]);
    told(&scene, &run(&scene, "serve", Some(200)), &[line]);
}

#[test]
fn all_mistakes_are_told_at_once_wherever_they_are() {
    let scene = Scene::new();
    scene.edit("election/devices.csv", "id_terminal", "terminal");
    scene.edit("sanak.toml", "[metrics]\nlisten = \"127.0.0.1:0\"", "[metrics]\nlisten = \"localhost\"");
    scene.edit("sanak.toml", "key_file = \"centre.key\"", "key_file = \"other.key\"");
    let output = check(&scene, None);
    let said = scene.relative(&String::from_utf8_lossy(&output.stderr));
    for place in [
        "election/devices.csv:2: kind: ",
        "sanak.toml:10: metrics.listen: ",
        "sanak.toml:12: centre.key_file: ",
    ] {
        assert!(said.lines().any(|line| line.starts_with(place)), "{place} is not in\n{said}");
    }
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stdout).contains("3 mistakes"));
}

#[test]
fn wrong_usage_ends_with_code_2_and_a_level_that_is_none_too() {
    let sanak = || Command::new(env!("CARGO_BIN_EXE_sanak"));
    assert_eq!(sanak().arg("chekc").output().unwrap().status.code(), Some(2));
    let bad = sanak().env("SANAK_LOG", "info=info=info").args(["check", "--config", "x"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).starts_with("SANAK_LOG: "));
}
