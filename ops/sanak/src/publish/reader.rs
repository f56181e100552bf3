//! The platform as any reader sees it: HTTP with tags, bounded in size and time.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use reqwest::{Client, StatusCode, Url, header};

/// Longest answer: every precinct of a large country.
const LONGEST: usize = 512 << 20;
const CONNECT: Duration = Duration::from_secs(5);
const WHOLE: Duration = Duration::from_secs(60);

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unread {
    /// The address is none.
    #[error("--from {0}: give an address such as http://127.0.0.1:8080 ({1})")]
    Address(String, String),
    /// The platform is not there, or answers too slowly.
    #[error("{0} cannot be read: {1}")]
    Http(String, #[source] reqwest::Error),
    /// It answers something else.
    #[error("{0} answered {1}")]
    Status(String, StatusCode),
    /// It answers more than anybody publishes.
    #[error("{0} answers more than {LONGEST} bytes")]
    TooLong(String),
    /// It is not what it should be.
    #[error("{0} is not whole: {1}")]
    Broken(String, serde_json::Error),
}

/// What an address has answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub bytes: Bytes,
    pub content_type: String,
    tag: Option<String>,
}

/// What came of asking.
pub(super) enum Asked {
    /// It is what is held already.
    Unchanged,
    /// It is new.
    New(Answer),
    /// There is nothing at this address.
    Nothing,
}

/// Reads, and asks only whether it has changed for what it was told is held.
pub(super) struct Reader {
    base: Url,
    client: Client,
    /// Tags by path.
    held: Mutex<HashMap<String, String>>,
}

impl Reader {
    pub(super) fn new(from: &str) -> Result<Self, Unread> {
        let wrong = |why: &dyn std::fmt::Display| Unread::Address(from.to_owned(), why.to_string());
        let base: Url = from.parse().map_err(|error| wrong(&error))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(wrong(&"it begins with http:// or https://"));
        }
        // Another part of the program may have set the same provider before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(CONNECT).timeout(WHOLE).build();
        let client = client.map_err(|error| wrong(&error))?;
        Ok(Self { base, client, held: Mutex::default() })
    }

    /// What stands below `/api/v1`.
    pub(super) async fn ask(&self, path: &str) -> Result<Asked, Unread> {
        let url = format!("{}/api/v1{path}", self.base.as_str().trim_end_matches('/'));
        let failed = |error| Unread::Http(url.clone(), error);
        let mut request = self.client.get(&url);
        if let Some(tag) = self.held.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let mut answer = request.send().await.map_err(failed)?;
        match answer.status() {
            StatusCode::NOT_MODIFIED => return Ok(Asked::Unchanged),
            StatusCode::NOT_FOUND => return Ok(Asked::Nothing),
            StatusCode::OK => {}
            status => return Err(Unread::Status(url, status)),
        }
        let text =
            |name| answer.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let (tag, content_type) = (text(header::ETAG).map(str::to_owned), text(header::CONTENT_TYPE));
        let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
        let mut bytes = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > LONGEST {
                return Err(Unread::TooLong(url));
            }
            bytes.extend_from_slice(&chunk);
        }
        let bytes = bytes.freeze();
        if content_type.contains("json") {
            let whole: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(&bytes);
            whole.map_err(|error| Unread::Broken(url, error))?;
        }
        Ok(Asked::New(Answer { bytes, content_type, tag }))
    }

    /// An answer is where it belongs: from now on it is asked whether it has changed.
    pub(super) fn hold(&self, path: &str, answer: &Answer) {
        if let Some(tag) = &answer.tag {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.insert(path.to_owned(), tag.clone());
        }
    }
}
