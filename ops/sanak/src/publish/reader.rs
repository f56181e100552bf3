//! The platform as any reader sees it: HTTP with tags, bounded in size and time.

use std::{collections::HashMap, time::Duration};

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
    /// Whether it is what was answered before.
    pub unchanged: bool,
}

/// Reads, and remembers by its tag what it has read.
pub(super) struct Reader {
    base: Url,
    client: Client,
    known: tokio::sync::Mutex<HashMap<String, (String, Answer)>>,
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
        Ok(Self { base, client, known: tokio::sync::Mutex::default() })
    }

    /// What stands below `/api/v1`; `None` where there is nothing (404).
    pub(super) async fn read(&self, path: &str) -> Result<Option<Answer>, Unread> {
        let url = format!("{}/api/v1{path}", self.base.as_str().trim_end_matches('/'));
        let failed = |error| Unread::Http(url.clone(), error);
        let known = self.known.lock().await.get(path).cloned();
        let mut request = self.client.get(&url);
        if let Some((tag, _)) = &known {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let mut answer = request.send().await.map_err(failed)?;
        match (answer.status(), known) {
            (StatusCode::NOT_MODIFIED, Some((_, held))) => {
                return Ok(Some(Answer { unchanged: true, ..held }));
            }
            (StatusCode::NOT_FOUND, _) => return Ok(None),
            (StatusCode::OK, _) => {}
            (status, _) => return Err(Unread::Status(url, status)),
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
        let read = Answer { bytes, content_type, unchanged: false };
        if let Some(tag) = tag {
            self.known.lock().await.insert(path.to_owned(), (tag, read.clone()));
        }
        Ok(Some(read))
    }

    /// Forgets what an address answered, so that it is written anew.
    pub(super) async fn forget(&self, path: &str) {
        self.known.lock().await.remove(path);
    }
}
