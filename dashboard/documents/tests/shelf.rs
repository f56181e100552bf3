//! The same of a directory and of a bucket: nothing is replaced, and nothing comes back that was not kept.

#![allow(clippy::unwrap_used, reason = "a test fails where it must")]

mod bucket;

use bytes::Bytes;
use documents::{Shelf, ShelfError};
use election::report::Digest;
use sha2::{Digest as _, Sha256};

fn digest(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

async fn keeps_and_gives_back(shelf: &Shelf) {
    let scan = Bytes::from_static(b"the protocol of precinct 1001");
    let digest = digest(&scan);
    assert!(matches!(shelf.fetch(digest).await, Err(ShelfError::Missing(missing)) if missing == digest));
    shelf.keep(digest, scan.clone()).await.unwrap();
    shelf.keep(digest, scan.clone()).await.unwrap();
    assert_eq!(shelf.fetch(digest).await.unwrap(), scan);
    // Whatever is kept under a name once stays: another hand cannot put something else there.
    let other = shelf.keep(digest, Bytes::from_static(b"another protocol")).await;
    assert!(other.is_ok(), "it is there already, and whole");
    assert_eq!(shelf.fetch(digest).await.unwrap(), scan);
}

#[tokio::test]
async fn a_directory_keeps_what_it_was_given() {
    let home = tempfile::tempdir().unwrap();
    let shelf = Shelf::directory(&home.path().join("documents")).unwrap();
    keeps_and_gives_back(&shelf).await;
}

#[tokio::test]
async fn what_was_changed_on_the_disk_is_not_given_out() {
    let home = tempfile::tempdir().unwrap();
    let shelf = Shelf::directory(home.path()).unwrap();
    let digest = digest(b"whole");
    shelf.keep(digest, Bytes::from_static(b"whole")).await.unwrap();
    let name = digest.to_string();
    std::fs::write(home.path().join(&name[..2]).join(&name), b"changed").unwrap();
    assert!(matches!(shelf.fetch(digest).await, Err(ShelfError::Damaged(_))));
    assert!(matches!(shelf.keep(digest, Bytes::from_static(b"whole")).await, Err(ShelfError::Damaged(_))));
}

#[tokio::test]
async fn a_bucket_keeps_what_it_was_given() {
    let server = bucket::Server::start().await;
    keeps_and_gives_back(&Shelf::s3(&server.bucket()).unwrap()).await;
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_an_error_and_no_loss() {
    let home = tempfile::tempdir().unwrap();
    let shelf = Shelf::directory(&home.path().join("documents")).unwrap();
    std::fs::remove_dir_all(home.path().join("documents")).unwrap();
    std::fs::write(home.path().join("documents"), b"a file where the directory was").unwrap();
    let kept = shelf.keep(digest(b"scan"), Bytes::from_static(b"scan")).await;
    assert!(matches!(kept, Err(ShelfError::Store(_))));
    assert!(Shelf::directory(&home.path().join("documents")).is_err());
}
