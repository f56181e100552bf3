//! A configuration that can be started, in a directory of its own: the start of every test of a mistake.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

/// The small election of the device vectors.
const ELECTION: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors/election-files/tests/elections/vec-1");

/// `sanak.toml` as [`Scene::new`] writes it. Tests name its lines.
pub const CONFIG: &str = r#"[election]
dir = "election"
[data]
dir = "data"
[mqtt]
plain_listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[metrics]
listen = "127.0.0.1:0"
[centre]
key_file = "centre.key"
"#;

pub struct Scene {
    directory: TempDir,
}

impl Scene {
    pub fn new() -> Self {
        let scene = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir(scene.path("election")).unwrap();
        for file in fs::read_dir(ELECTION).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), scene.path("election").join(file.file_name())).unwrap();
        }
        scene.write("sanak.toml", CONFIG);
        scene.write("centre.key", &"07".repeat(32));
        scene.permit("centre.key", 0o600);
        scene
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    pub fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Changes a file; what is to be changed must stand in it.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    /// Text with the scene's own directory taken off the paths in it.
    pub fn relative(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }

    pub fn config(&self) -> PathBuf {
        self.path("sanak.toml")
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}
