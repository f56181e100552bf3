//! Who may do what in the database, who is let near it, and whose rows it takes.
#![allow(clippy::unwrap_used, missing_docs)] // a test that cannot go on says so

mod support;

use std::{
    path::Path,
    process::Command,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use history::{AddressError, Database, Past, PostgresStore, StoreError, When};
use support::{
    House,
    cluster::{Cluster, database, free_port, open_to_all, run},
    country::OPEN,
    decision, election,
};
use tempfile::TempDir;
use tokio::runtime::Handle;

/// The SQL block of the runbook that makes the roles.
fn roles() -> String {
    let runbook = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops/runbooks/history.md");
    let text = std::fs::read_to_string(runbook).unwrap();
    let block = text.split("```sql").nth(1).unwrap().split("```").next().unwrap();
    block.replace("'…'", "'secret'")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_role_of_the_runbook_is_enough_for_the_service_and_cannot_change_or_drop_what_is_there() {
    let cluster = Cluster::start();
    let mut owner = cluster.database().connect(Duration::from_secs(30)).await.unwrap();
    history::prepare(&mut owner.client).await.unwrap();
    owner.client.batch_execute(&roles()).await.unwrap();
    let mut house = House::open();
    house.live_through();
    house.append(decision("why", "u-1"), OPEN);
    house.stop();
    let service = database(&format!("postgresql://sanak_service@127.0.0.1:{}/postgres", cluster.port));
    house.ship(&service).await;
    let past = Past::new(Arc::new(PostgresStore::new(&service, Handle::current()).unwrap()));
    assert!(past.moment(&election(), &When::Last).await.unwrap().is_some());
    for (role, refused) in [
        ("sanak_service", "DROP TABLE state"),
        ("sanak_service", "DELETE FROM report"),
        ("sanak_service", "UPDATE decision SET reason = 'another'"),
        ("sanak_service", "TRUNCATE version"),
        ("sanak_service", "ALTER TABLE state DISABLE TRIGGER ALL"),
        ("sanak_service", "CREATE TABLE mine (a int)"),
        ("sanak_analyst", "INSERT INTO follower VALUES ('x', 1)"),
        ("sanak_analyst", "DELETE FROM state"),
    ] {
        let url = format!("postgresql://{role}@127.0.0.1:{}/postgres", cluster.port);
        let connected = database(&url).connect(Duration::from_secs(10)).await.unwrap();
        let error = connected.client.batch_execute(refused).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{role}: {refused}");
        connected.client.query("SELECT * FROM turnout_5m", &[]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_another_version_of_the_program_are_left_alone() {
    let cluster = Cluster::start();
    let mut owner = cluster.database().connect(Duration::from_secs(30)).await.unwrap();
    history::prepare(&mut owner.client).await.unwrap();
    history::prepare(&mut owner.client).await.unwrap();
    owner.client.batch_execute("UPDATE refinery_schema_history SET checksum = '1'").await.unwrap();
    let refused = history::prepare(&mut owner.client).await.unwrap_err().to_string();
    assert!(refused.contains("is not this program's"), "{refused}");
    let house = House::open();
    let shipper = house.ship_on(&cluster.database());
    house.until(|house| house.progress.trouble().is_some_and(|what| what.contains("another version")));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_start_at_once_make_the_tables_once() {
    let cluster = Cluster::start();
    let prepared = (0..4).map(|_| async {
        let mut connected = cluster.database().connect(Duration::from_secs(30)).await.unwrap();
        history::prepare(&mut connected.client).await
    });
    for one in futures_util::future::join_all(prepared).await {
        one.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_has_another_run_of_the_election_is_not_written_to() {
    let cluster = Cluster::start();
    let mut first = House::open();
    first.live_through();
    first.stop();
    support::file_with_reports(&mut history::Outbox::open(&first.file()).unwrap(), 1..=10);
    first.ship(&cluster.database()).await;
    let mut other = House::open();
    other.stop();
    let mut rows = [support::report_row(10, "u-9", 3, "tally")];
    rows[0].row[8] = history::Value::Bytes(vec![9; 32].into());
    history::Outbox::open(&other.file()).unwrap().add_records("kg-test", &rows, 10).unwrap();
    let shipper = other.ship_on(&cluster.database());
    other.until(|house| house.progress.trouble().is_some_and(|what| what.contains("of another run")));
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_lost_and_begun_anew_goes_on_in_the_database_without_a_row_twice() {
    let cluster = Cluster::start();
    let mut house = House::lost(&cluster).await;
    house.restart_from_nothing("e2");
    house.append(decision("three", "u-1"), OPEN);
    house.night.turnout(3, 33);
    house.publish();
    house.stop();
    house.ship(&cluster.database()).await;
    let past = Past::new(Arc::new(PostgresStore::new(&cluster.database(), Handle::current()).unwrap()));
    let decisions = past.decisions(&election(), &"u-1".parse().unwrap(), 10).await.unwrap();
    assert_eq!(decisions.iter().map(|of| of.reason.as_str()).collect::<Vec<_>>(), ["one", "two", "three"]);
    let last = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!((last.position.to_string().as_str(), last.identified), ("e2:2", 33));
    assert_eq!(last.seq, 8);
    let first = past.moment(&election(), &When::Version("e1:2".parse().unwrap())).await.unwrap();
    assert_eq!(first.unwrap().seq, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_has_leaves_the_file_but_for_the_last_of_each_unit() {
    let mut house = House::open();
    let versions = house.live_through();
    house.stop();
    let mut outbox = history::Outbox::open(&house.file()).unwrap();
    let last = versions.last().unwrap().version().at();
    let gone = outbox.prune("kg-test", last, (3, 0)).unwrap();
    assert!(gone > 3, "{gone}");
    let left = outbox.rows(&history::table::VERSION, "kg-test", (-1, i64::MAX), 99).unwrap();
    assert_eq!(left.iter().map(|row| row[1].number()).collect::<Vec<_>>(), [4, 5, 6, 7]);
    let past = house.past();
    let now = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    let units = past.units(&election(), &now, &history::Units::Precincts).await.unwrap();
    assert_eq!(units.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_or_says_nothing_is_given_up_in_time() {
    let absent = database(&format!("postgresql://owner@127.0.0.1:{}/postgres", free_port()));
    let past = Past::new(Arc::new(PostgresStore::new(&absent, Handle::current()).unwrap()));
    let error = past.elections().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgresql://owner@127.0.0.1:{}/postgres", silent.local_addr().unwrap().port());
    let silent = Database::new(&url, None, None, 1, Duration::from_millis(300)).unwrap();
    let past = Past::new(Arc::new(PostgresStore::new(&silent, Handle::current()).unwrap()));
    let began = Instant::now();
    let error = past.elections().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_runs_too_long_is_ended_by_the_database() {
    let cluster = Cluster::start();
    let short = Database::new(&cluster.url(), None, None, 1, Duration::from_millis(400)).unwrap();
    let store = PostgresStore::new(&short, Handle::current()).unwrap();
    let question = |sql: &str| history::Question {
        sql: sql.into(),
        values: Vec::new(),
        kinds: vec![history::Kind::Int],
    };
    let ask = history::Store::rows(&store, question("SELECT 1::bigint FROM pg_sleep(30)"));
    assert_eq!(ask.await.unwrap_err(), StoreError::Late);
    tokio::time::sleep(Duration::from_millis(600)).await;
    let rows = history::Store::rows(
        &store,
        question(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%' AND state = 'active' AND pid <> pg_backend_pid()",
        ),
    );
    assert_eq!(rows.await.unwrap()[0][0].number(), 0);
}

#[test]
fn an_address_that_would_send_the_night_in_the_clear_is_refused() {
    let tried =
        |url: &str, ca: Option<&Path>| Database::new(url, None, ca, 1, Duration::from_secs(1)).map(drop);
    let refused = |url: &str, ca: Option<&Path>| tried(url, ca).unwrap_err();
    assert!(matches!(refused("postgresql://sanak@db.example/sanak", None), AddressError::Plain));
    assert!(matches!(
        refused("postgresql://sanak@db.example/sanak?sslmode=prefer", None),
        AddressError::Plain
    ));
    let require = "postgresql://sanak@db.example/sanak?sslmode=require";
    assert!(matches!(refused(require, None), AddressError::NoAuthority));
    let missing = refused(require, Some(Path::new("/nowhere/ca.crt")));
    assert!(matches!(missing, AddressError::Authority(_)), "{missing}");
    assert!(matches!(refused("no address", None), AddressError::Url(_)));
    tried("postgresql://sanak@localhost/sanak", None).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_the_database_must_show_a_certificate_of_the_authority_that_is_named() {
    let dir = TempDir::new().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    for name in ["own", "other"] {
        let (key, crt) = (at(&format!("{name}.key")), at(&format!("{name}.crt")));
        let subject = format!("/CN={name}");
        run(Command::new("openssl")
            .args(request)
            .args(["-days", "2", "-subj", &subject, "-keyout", &key, "-out", &crt]));
    }
    run(Command::new("openssl")
        .args(request)
        .args(["-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args([
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-CA",
            &at("own.crt"),
            "-CAkey",
            &at("own.key"),
        ])
        .args(["-keyout", &at("server.key"), "-out", &at("server.crt")]));
    run(Command::new("chmod").args(["600", &at("server.key")]));
    for name in ["server.key", "server.crt"] {
        open_to_all(&dir.path().join(name));
    }
    let cas = TempDir::new().unwrap();
    for name in ["own.crt", "other.crt"] {
        std::fs::copy(at(name), cas.path().join(name)).unwrap();
    }
    let (crt, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    let lines = [
        "ssl = on".to_owned(),
        format!("ssl_cert_file = '{}'", crt.display()),
        format!("ssl_key_file = '{}'", key.display()),
    ];
    let data = dir.path().join("pg");
    let cluster = Cluster::start_in(dir, data, &lines.each_ref().map(String::as_str));
    let url = format!("postgresql://owner@localhost:{}/postgres?sslmode=verify-full", cluster.port);
    let trusting = |name: &str| {
        let ca = cas.path().join(format!("{name}.crt"));
        Database::new(&url, None, Some(&ca), 1, Duration::from_secs(5)).unwrap()
    };
    let connected = trusting("own").connect(Duration::from_secs(5)).await.unwrap();
    let secured = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(connected.client.query_one(secured, &[]).await.unwrap().get::<_, bool>(0));
    assert!(trusting("other").connect(Duration::from_secs(5)).await.is_err());
    let mut house = House::open();
    house.live_through();
    house.stop();
    house.ship(&trusting("own")).await;
    assert!(house.progress.shipped.load(Relaxed) > 50);
}
