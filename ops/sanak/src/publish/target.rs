//! Where files go: a directory, or a bucket of S3. Each is there whole or not at all.

use std::sync::Arc;

use bytes::Bytes;
use object_store::{
    Attribute, Attributes, Error, ObjectStore, ObjectStoreExt as _, PutOptions, aws::AmazonS3Builder,
    local::LocalFileSystem, path::Path as Key,
};

/// How long a web server's readers may keep a file that changes.
const FRESH: &str = "public, max-age=1, stale-while-revalidate=10";

/// Why files cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    /// The directory or bucket is not usable.
    #[error(
        "{0}: {1}; give a directory, or s3://bucket/prefix with the usual variables (AWS_ACCESS_KEY_ID, …)"
    )]
    Target(String, String),
    /// A file could not be written.
    #[error("{0} cannot be read or written: {1}")]
    File(String, #[source] Error),
}

/// Where files go.
pub(super) struct Target {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// A bucket keeps what a web server would say of a file.
    bucket: bool,
}

impl Target {
    pub(super) fn open(target: &str) -> Result<Self, Unwritten> {
        let wrong = |why: &dyn std::fmt::Display| Unwritten::Target(target.to_owned(), why.to_string());
        let Some(rest) = target.strip_prefix("s3://") else {
            std::fs::create_dir_all(target).map_err(|error| wrong(&error))?;
            let store = LocalFileSystem::new_with_prefix(target).map_err(|error| wrong(&error))?;
            return Ok(Self { store: Arc::new(store), prefix: Key::default(), bucket: false });
        };
        // Another part of the program may have set the same provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let store =
            AmazonS3Builder::from_env().with_bucket_name(bucket).build().map_err(|error| wrong(&error))?;
        Ok(Self { store: Arc::new(store), prefix: Key::from(prefix), bucket: true })
    }

    /// A file that was written before; `None` where there is none.
    pub(super) async fn read(&self, file: &str) -> Result<Option<Bytes>, Unwritten> {
        let failed = |error| Unwritten::File(file.to_owned(), error);
        match self.store.get(&self.key(file)).await {
            Ok(found) => found.bytes().await.map(Some).map_err(failed),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn key(&self, file: &str) -> Key {
        file.split('/').fold(self.prefix.clone(), |key, part| key.join(part))
    }

    /// Writes a file in place of the one that stands there.
    pub(super) async fn write(
        &self,
        file: &str,
        bytes: Bytes,
        content_type: &str,
        encoding: Option<&'static str>,
    ) -> Result<(), Unwritten> {
        let mut attributes = Attributes::new();
        if self.bucket {
            attributes.insert(Attribute::ContentType, content_type.to_owned().into());
            attributes.insert(Attribute::CacheControl, FRESH.into());
            if let Some(encoding) = encoding {
                attributes.insert(Attribute::ContentEncoding, encoding.into());
            }
        }
        let options = PutOptions { attributes, ..PutOptions::default() };
        let written = self.store.put_opts(&self.key(file), bytes.into(), options).await;
        written.map(drop).map_err(|error| Unwritten::File(file.to_owned(), error))
    }
}
