//! A small election whose keys were made by `sanak provision`, and the service that it is started with.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use tempfile::TempDir;
use tokio::process::Command;

use crate::{
    process::{Builder, binary},
    vectors::Vectors,
};

/// Two precincts, and a spare urn that stands nowhere yet. Nobody has a key.
const DEVICES: &str = "\
device,kind,precinct,contests,public_key,status,replaces
t-5001-1,id_terminal,5001,,,active,
u-5001-1,urn,5001,list,,active,
t-5002-1,id_terminal,5002,,,active,
u-5002-1,urn,5002,list,,active,
s-1,urn,,,,spare,
";

/// The token that the situation room of [`Provisioned::serve`] knows, and its SHA-256.
pub const TOKEN: &str = "secret";
const TOKEN_SHA256: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

/// An election and its keys, in a directory of their own.
pub struct Provisioned {
    dir: TempDir,
}

impl Provisioned {
    /// The election, before anything is provisioned.
    pub fn nothing_yet() -> Self {
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a temporary directory: {error}"));
        let made = Self { dir };
        let small = Vectors::election();
        let copy = || {
            fs::create_dir(made.election())?;
            for file in fs::read_dir(small)? {
                let file = file?;
                fs::copy(file.path(), made.election().join(file.file_name()))?;
            }
            fs::write(made.election().join("devices.csv"), DEVICES)?;
            fs::write(made.tokens(), format!("Aigul {TOKEN_SHA256}\n"))
        };
        copy().unwrap_or_else(|error: std::io::Error| panic!("an election: {error}"));
        made
    }

    /// The election with all its keys.
    pub async fn new() -> Self {
        let made = Self::nothing_yet();
        let output = made.provision(&[]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        made
    }

    /// The election files.
    pub fn election(&self) -> PathBuf {
        self.dir.path().join("election")
    }

    /// Keys, certificates, bundles.
    pub fn out(&self) -> PathBuf {
        self.dir.path().join("out")
    }

    /// The situation room's tokens.
    pub fn tokens(&self) -> PathBuf {
        self.dir.path().join("tokens")
    }

    /// A device's bundle.
    pub fn bundle(&self, device: &str) -> PathBuf {
        self.out().join("devices").join(device)
    }

    /// Runs `sanak provision` on it.
    pub async fn provision(&self, more: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command
            .args(["provision", "--election"])
            .arg(self.election())
            .arg("--out")
            .arg(self.out())
            .args(more);
        command.output().await.unwrap_or_else(|error| panic!("sanak provision: {error}"))
    }

    /// Runs `sanak journal check` on a data directory; its answer.
    pub async fn check(&self, data: &Path) -> Output {
        self.journal("check", data).await
    }

    /// Runs `sanak journal replay` on a data directory; its answer.
    pub async fn replay(&self, data: &Path) -> Output {
        self.journal("replay", data).await
    }

    async fn journal(&self, command: &str, data: &Path) -> Output {
        let mut sanak = Command::new(binary());
        sanak.args(["journal", command, "--election"]).arg(self.election()).arg("--data").arg(data);
        sanak.output().await.unwrap_or_else(|error| panic!("sanak journal {command}: {error}"))
    }

    /// The service, with its devices' door on TLS alone.
    pub fn serve(&self) -> Builder {
        self.serve_with("")
    }

    /// The service, with its devices' door on TLS and more lines of `[mqtt]`.
    pub fn serve_with(&self, mqtt: &str) -> Builder {
        let out = self.out();
        let door = format!(
            "listen = \"127.0.0.1:0\"\ncert = {:?}\nkey = {:?}\ndevice_ca = {:?}\n{mqtt}",
            out.join("server.crt"),
            out.join("server.key"),
            out.join("ca.crt")
        );
        Builder::new(self.election(), "")
            .mqtt(&door)
            .centre_key(&out.join("centre.key"))
            .with(&format!("[room]\ntokens_file = {:?}", self.tokens()))
    }
}
