//! One request, one answer, over plain HTTP/1.1. What is read is bounded in size and time.

use std::{net::SocketAddr, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, StatusCode, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// Largest answer that is read: all precincts of a country ten times Kyrgyzstan's size.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody answered, or not HTTP.
    #[error("http://{address}{path}: {why}")]
    Unreachable {
        /// Where.
        address: SocketAddr,
        /// Which path.
        path: String,
        /// What went wrong.
        why: String,
    },
    /// It answered, but not with what was asked for.
    #[error("http://{address}{path} answered {status}: {body}")]
    Refused {
        /// Where.
        address: SocketAddr,
        /// Which path.
        path: String,
        /// Its status.
        status: StatusCode,
        /// The beginning of what it said.
        body: String,
    },
    /// It answered something that PROTOCOL §3 does not say.
    #[error("http://{address}{path}: not an answer of PROTOCOL §3: {why}")]
    Malformed {
        /// Where.
        address: SocketAddr,
        /// Which path.
        path: String,
        /// What is wrong with it.
        why: serde_json::Error,
    },
}

/// The HTTP side of a running system.
#[derive(Debug, Clone, Copy)]
pub struct Api {
    address: SocketAddr,
}

impl Api {
    /// The system at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// The JSON at a path.
    ///
    /// # Errors
    /// When nobody answers, or not with 200 and what `T` reads.
    pub async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, HttpError> {
        let request = Request::get(path).header(header::ACCEPT, "application/json");
        let (status, body) = self.send(path, request, Bytes::new()).await?;
        if status != StatusCode::OK {
            return Err(self.refused(path, status, &body));
        }
        serde_json::from_slice(&body).map_err(|why| HttpError::Malformed {
            address: self.address,
            path: path.to_owned(),
            why,
        })
    }

    /// The text at a path.
    ///
    /// # Errors
    /// When nobody answers, or not with 200.
    pub async fn text(&self, path: &str) -> Result<String, HttpError> {
        let (status, body) = self.send(path, Request::get(path), Bytes::new()).await?;
        if status != StatusCode::OK {
            return Err(self.refused(path, status, &body));
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Sends JSON to a path with a bearer token; the answer's status, and its body where it refused.
    ///
    /// # Errors
    /// When nobody answers.
    pub async fn post(
        &self,
        path: &str,
        token: &str,
        body: &serde_json::Value,
    ) -> Result<(StatusCode, String), HttpError> {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let (status, body) = self.send(path, request, body.to_string().into()).await?;
        Ok((status, beginning(&body)))
    }

    fn refused(&self, path: &str, status: StatusCode, body: &Bytes) -> HttpError {
        let (address, path) = (self.address, path.to_owned());
        HttpError::Refused { address, path, status, body: beginning(body) }
    }

    async fn send(
        &self,
        path: &str,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let unreachable =
            |why: String| HttpError::Unreachable { address: self.address, path: path.to_owned(), why };
        let exchange = async {
            let stream = TcpStream::connect(self.address).await.map_err(|why| why.to_string())?;
            let (mut sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|why| why.to_string())?;
            let driver = tokio::spawn(connection);
            let request = request
                .header(header::HOST, self.address.to_string())
                .body(Full::new(body))
                .map_err(|why| why.to_string())?;
            let answer = sender.send_request(request).await.map_err(|why| why.to_string())?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), MAX_ANSWER).collect().await;
            driver.abort();
            Ok((status, body.map_err(|why| why.to_string())?.to_bytes()))
        };
        match timeout(PATIENCE, exchange).await {
            Ok(answer) => answer.map_err(unreachable),
            Err(_) => Err(unreachable("no answer within 30 s".into())),
        }
    }
}

fn beginning(body: &Bytes) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}
