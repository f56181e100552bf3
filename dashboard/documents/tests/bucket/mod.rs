//! A bucket in a real server of S3, from PyPI (ops/scripts/requirements.txt).

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use documents::S3;

/// It ends when it is dropped.
pub struct Server {
    child: Child,
    endpoint: String,
}

impl Server {
    pub async fn start() -> Self {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = here.join("../../build/python/bin/python3");
        assert!(python.exists(), "{} is missing: run ops/scripts/setup.sh test", python.display());
        let mut child = Command::new(python)
            .arg(here.join("tests/bucket/server.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = tokio::task::spawn_blocking(move || {
            lines.find(|line| matches!(line, Ok(line) if line.starts_with("http://")))
        });
        let endpoint = first.await.unwrap().unwrap().unwrap();
        Self { child, endpoint }
    }

    pub fn bucket(&self) -> S3 {
        S3 {
            endpoint: Some(self.endpoint.clone()),
            bucket: "documents".into(),
            region: "us-east-1".into(),
            access_key_id: "centre".into(),
            secret_access_key: "secret".into(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
