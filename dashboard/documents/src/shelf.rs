//! Where bytes are kept: a directory by default, or a bucket of S3. Each stands under its SHA-256, so that nothing is
//! ever replaced, and what is read back is what was kept or is not given out.

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use election::report::Digest;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    aws::{AmazonS3Builder, S3ConditionalPut},
    local::LocalFileSystem,
    path::Path as Key,
};

use crate::check::sha256;

/// How long one answer of S3 is waited for.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Why bytes are not kept, or not found again.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// Nothing stands under this digest.
    #[error("no document {0} is kept")]
    Missing(Digest),
    /// What stands there is not what was kept.
    #[error("document {0} is not what was kept: restore it from the backup")]
    Damaged(Digest),
    /// The store does not answer, or refuses.
    #[error("the store of documents: {0}")]
    Store(#[from] Error),
}

/// A bucket of S3, or of what speaks as it does.
#[derive(Clone)]
pub struct S3 {
    /// Where, when it is not Amazon: `https://minio.cec.example`.
    pub endpoint: Option<String>,
    /// The bucket. It exists.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Who asks.
    pub access_key_id: String,
    /// With this.
    pub secret_access_key: String,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "S3({:?}, bucket {})", self.endpoint, self.bucket)
    }
}

/// What keeps documents.
#[derive(Debug, Clone)]
pub struct Shelf {
    store: Arc<dyn ObjectStore>,
}

impl Shelf {
    /// A directory, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub fn directory(path: &Path) -> Result<Self, ShelfError> {
        let made = std::fs::create_dir_all(path);
        made.map_err(|source| Error::Generic { store: "directory", source: Box::new(source) })?;
        let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
        Ok(Self { store: Arc::new(store) })
    }

    /// A bucket. Plain HTTP is spoken on loopback only.
    ///
    /// # Errors
    /// When something in it is not well-formed. Whether it answers is [`Shelf::keep`]'s news.
    pub fn s3(s3: &S3) -> Result<Self, ShelfError> {
        // Another part of the program may have set the same provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = s3.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://127.0.0.1"));
        let options = ClientOptions::new().with_timeout(PATIENCE).with_allow_http(plain);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&s3.bucket)
            .with_region(&s3.region)
            .with_access_key_id(&s3.access_key_id)
            .with_secret_access_key(&s3.secret_access_key)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_client_options(options);
        if let Some(endpoint) = &s3.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        Ok(Self { store: Arc::new(builder.build()?) })
    }

    /// Keeps bytes under their digest, on stable storage. What is kept already stays as it is.
    ///
    /// # Errors
    /// When the store fails, or holds something else under this digest.
    pub async fn keep(&self, digest: Digest, bytes: Bytes) -> Result<(), ShelfError> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&key(digest), bytes.into(), options).await {
            Ok(_) => Ok(()),
            Err(Error::AlreadyExists { .. }) => self.fetch(digest).await.map(|_| ()),
            Err(error) => Err(error.into()),
        }
    }

    /// What was kept under a digest, compared with it.
    ///
    /// # Errors
    /// When nothing, or something else, stands there, or the store fails.
    pub async fn fetch(&self, digest: Digest) -> Result<Bytes, ShelfError> {
        let found = match self.store.get(&key(digest)).await {
            Err(Error::NotFound { .. }) => return Err(ShelfError::Missing(digest)),
            other => other?,
        };
        let bytes = found.bytes().await?;
        if sha256(&bytes) == digest { Ok(bytes) } else { Err(ShelfError::Damaged(digest)) }
    }
}

/// Two hexadecimal digits, then all: no directory holds more than a 256th.
fn key(digest: Digest) -> Key {
    let name = digest.to_string();
    Key::from(format!("{}/{name}", &name[..2]))
}
