//! An election goes into files and comes back, in every form and store, and is read-only from then on.
#![allow(clippy::unwrap_used, missing_docs)] // a test that cannot go on says so

mod support;

use std::{fs, path::Path, sync::Arc, time::Duration};

use history::{
    ArchiveError, Format, Outbox, Past, PostgresStore, SqliteStore, Store, Target, Units, When, export,
    import, seal, table::TABLES,
};
use support::{House, cluster::Cluster, country::OPEN, decision, election, file_with_reports, observation};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// A night whose texts are as awkward as texts can be.
fn night() -> House {
    let mut house = House::open();
    house.live_through();
    house.append(decision("\"quoted\", with\r\na line, Ңөү and \\ and a 'tail '", "u-1"), OPEN);
    house.append(observation("t-1", true), OPEN);
    house.stop();
    file_with_reports(&mut Outbox::open(&house.file()).unwrap(), 101..=160);
    house
}

fn store(file: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::new(file.to_owned(), Duration::from_secs(10), Handle::current()))
}

/// Every row of every table, as text.
fn everything(file: &Path) -> Vec<String> {
    let outbox = Outbox::open(file).unwrap();
    let rows = |table| outbox.rows(table, "kg-test", (-1, i64::MAX), u32::MAX).unwrap();
    let mut all: Vec<String> = TABLES
        .iter()
        .flat_map(|table| rows(table).into_iter().map(|row| format!("{} {row:?}", table.name)))
        .collect();
    all.sort();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_from_either_form_is_what_went_in() {
    let house = night();
    let before = everything(&house.file());
    for format in [Format::Parquet, Format::Csv] {
        let dir = TempDir::new().unwrap();
        let (files, other) = (dir.path().join("files"), dir.path().join("other").join(history::FILE));
        let mut rows = 0;
        export(store(&house.file()), &election(), format, &files, |more| rows += more).await.unwrap();
        assert_eq!(rows, u64::try_from(before.len()).unwrap());
        let id = import(&files, &Target::File(other.clone()), |_| {}).await.unwrap();
        assert_eq!(id, election());
        assert_eq!(everything(&other), before, "{format:?}");
        let again = import(&files, &Target::File(other.clone()), |_| {}).await.unwrap_err();
        assert!(matches!(again, ArchiveError::There(_)), "{again}");
        let past = Past::new(store(&other));
        assert!(past.elections().await.unwrap()[0].election.sealed_at.is_some());
        let connection = rusqlite::Connection::open(&other).unwrap();
        let refused = connection.execute("DELETE FROM report", []).unwrap_err().to_string();
        assert!(refused.contains("the election is sealed"), "{refused}");
        let twice = export(store(&other), &election(), format, &files, |_| {}).await.unwrap_err().to_string();
        assert!(twice.contains("is not empty"), "{twice}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_taken_into_postgresql_is_read_and_cannot_be_changed() {
    let house = night();
    let cluster = Cluster::start();
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    export(store(&house.file()), &election(), Format::Parquet, &files, |_| {}).await.unwrap();
    let target = Target::Database(Box::new(cluster.database()));
    import(&files, &target, |_| {}).await.unwrap();
    let again = import(&files, &target, |_| {}).await.unwrap_err();
    assert!(matches!(again, ArchiveError::There(_)), "{again}");
    let postgres: Arc<dyn Store> =
        Arc::new(PostgresStore::new(&cluster.database(), Handle::current()).unwrap());
    let (there, here) = (Past::new(Arc::clone(&postgres)), house.past());
    let moment = there.moment(&election(), &When::Last).await.unwrap().unwrap();
    let same = here.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!(moment, history::Moment { source: moment.source, ..same });
    let units = async |past: &Past| past.units(&election(), &moment, &Units::Precincts).await.unwrap();
    assert_eq!(units(&there).await, units(&here).await);
    let connected = cluster.database().connect(Duration::from_secs(10)).await.unwrap();
    for sql in [
        "DELETE FROM state",
        "UPDATE version SET header = ''",
        "UPDATE election SET sealed_at = NULL",
        "DELETE FROM election",
        "INSERT INTO decision VALUES ('kg-test', 999, now(), 1, 'x', 'x', 'x', '{}')",
    ] {
        let refused = connected.client.execute(sql, &[]).await.unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().message(), "the election is sealed", "{sql}");
    }
    let refused = seal(&target, &election(), OPEN).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Sealed(_)), "{refused}");
    // And back out of the database, into the other form.
    let csv = dir.path().join("csv");
    export(postgres, &election(), Format::Csv, &csv, |_| {}).await.unwrap();
    let other = dir.path().join("other.sqlite");
    import(&csv, &Target::File(other.clone()), |_| {}).await.unwrap();
    assert_eq!(everything(&other), everything(&house.file()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_not_what_was_exported_are_refused_and_nothing_is_taken_in() {
    let house = night();
    let dir = TempDir::new().unwrap();
    let files = dir.path().join("files");
    export(store(&house.file()), &election(), Format::Csv, &files, |_| {}).await.unwrap();
    let other = dir.path().join("other.sqlite");
    let refused =
        async || import(&files, &Target::File(other.clone()), |_| {}).await.unwrap_err().to_string();
    let text = fs::read_to_string(files.join("report.csv")).unwrap();
    fs::write(files.join("report.csv"), text.replace("u-1", "u-9")).unwrap();
    assert!(refused().await.contains("its SHA-256 is another"));
    // Whoever makes the digests fit as well still cannot bring rows of another election, or cells that are none.
    let forge = |from: &str, to: &str| {
        let forged = text.replacen(from, to, 1);
        fs::write(files.join("report.csv"), &forged).unwrap();
        let mut manifest: serde_json::Value =
            serde_json::from_slice(&fs::read(files.join("election.json")).unwrap()).unwrap();
        manifest["files"]["report.csv"]["sha256"] = sha256(&forged).into();
        fs::write(files.join("election.json"), manifest.to_string()).unwrap();
    };
    forge("\nkg-test,101", "\nkg-2021,101");
    assert!(refused().await.contains("has a row of another election"));
    forge("\nkg-test,101", "\nkg-test,first");
    assert!(refused().await.contains("line 2: place cannot be read"));
    forge("election,place", "place,election");
    assert!(refused().await.contains("its columns are not"));
    assert!(Outbox::open(&other).unwrap().about("kg-test").unwrap().is_none());
    fs::remove_file(files.join("election.json")).unwrap();
    assert!(refused().await.contains("election.json"));
    let (nobody, out) = ("kg-1990".parse().unwrap(), dir.path().join("x"));
    let unknown = export(store(&house.file()), &nobody, Format::Csv, &out, |_| {});
    assert!(matches!(unknown.await.unwrap_err(), ArchiveError::NoElection(_)));
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
