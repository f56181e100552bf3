//! `[documents]`: where scans are kept, a directory unless a bucket of S3 is named.

use std::{fs, path::PathBuf};

use documents::S3;

use super::{
    files::{needed, others_can_read, writable},
    problem::Problems,
    raw::Raw,
};

/// Where scans are kept.
#[derive(Debug, Clone)]
pub enum Shelves {
    /// A directory; it is made when it is not there.
    Directory(PathBuf),
    /// A bucket.
    Bucket(S3),
}

/// Reads where scans are kept; `documents` in the directory of the data where nothing is given.
pub(super) fn documents(raw: &Raw, data: Option<&PathBuf>, problems: &mut Problems) -> Option<Shelves> {
    let Some(bucket) = raw.text("documents.s3_bucket") else { return directory(raw, data, problems) };
    if let Some(dir) = raw.text("documents.dir") {
        problems.tell(dir.place.clone(), "documents.dir", "give a directory or s3_bucket, not both");
    }
    let text = |key| raw.text(key).map(|given| given.text.clone());
    let id = needed(raw, "documents.s3_access_key_id", "who asks the bucket", problems);
    let secret_key = "documents.s3_secret_file";
    let secret = needed(raw, secret_key, "the file with the secret of that key", problems);
    let secret = secret.and_then(|given| {
        let path = raw.path(given);
        match fs::read_to_string(&path) {
            Ok(secret) => {
                others_can_read(&path, given.place.clone(), secret_key, problems);
                Some(secret.trim().to_owned())
            }
            Err(error) => {
                let what = format!("{} cannot be read: {error}", path.display());
                problems.tell(given.place.clone(), secret_key, what);
                None
            }
        }
    });
    Some(Shelves::Bucket(S3 {
        endpoint: text("documents.s3_endpoint"),
        bucket: bucket.text.clone(),
        region: text("documents.s3_region").unwrap_or_else(|| "us-east-1".into()),
        access_key_id: id?.text.clone(),
        secret_access_key: secret?,
    }))
}

fn directory(raw: &Raw, data: Option<&PathBuf>, problems: &mut Problems) -> Option<Shelves> {
    let key = "documents.dir";
    let Some(given) = raw.text(key) else { return Some(Shelves::Directory(data?.join("documents"))) };
    let dir = raw.path(given);
    match writable(&dir) {
        Ok(()) => Some(Shelves::Directory(dir)),
        Err(what) => {
            problems.tell(given.place.clone(), key, what);
            None
        }
    }
}
