//! The dashboard's port to where scans are kept.

use bytes::Bytes;
use dashboard::{BoxFuture, Papers, Refused};
use documents::{Shelf, ShelfError};
use election::{document::Scan, report::Digest};

/// Looks into scans and keeps them on a shelf.
pub struct Scans(pub Shelf);

impl Papers for Scans {
    fn keep(&self, file: Bytes) -> BoxFuture<'_, Result<Scan, Refused>> {
        Box::pin(async move {
            let checked = tokio::task::spawn_blocking(move || documents::check(file)).await;
            let checked = checked.map_err(|error| Refused::Unavailable(error.to_string()))?;
            let checked = checked.map_err(|why| Refused::Unfit(why.to_string()))?;
            // Both are on stable storage before the record names them.
            self.0.keep(checked.scan.original, checked.original).await.map_err(unavailable)?;
            self.0.keep(checked.scan.served, checked.served).await.map_err(unavailable)?;
            Ok(checked.scan)
        })
    }

    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(async move { self.0.fetch(digest).await.map_err(unavailable) })
    }
}

fn unavailable(error: ShelfError) -> Refused {
    tracing::error!(%error, "documents");
    Refused::Unavailable(error.to_string())
}
