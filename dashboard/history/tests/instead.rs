//! The database cannot be reached, or is behind: the file answers in its place, as far as it has what is asked.
#![allow(clippy::unwrap_used, missing_docs)] // a test that cannot go on says so

mod support;

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use election::Timestamp;
use feed::snapshot;
use history::{
    Database, Outbox, Past, PostgresStore, ReportsWanted, Source, SqliteStore, StoreError, Units, When,
};
use support::{
    House, cluster::Cluster, country::OPEN, decision, delay::Delay, election, file_with_reports, observation,
};
use tokio::runtime::Handle;

/// How long a database that does not answer well is waited for.
const PATIENCE: Duration = Duration::from_millis(600);

/// Both stores, as the service asks them.
fn both(house: &House, database: &Database) -> Past {
    let file = SqliteStore::new(house.file(), Duration::from_secs(5), Handle::current());
    let database = PostgresStore::new(database, Handle::current()).unwrap();
    Past::with_file(Arc::new(database), Arc::new(file), Arc::clone(&house.progress))
}

fn at(moment: Timestamp) -> When {
    When::At(moment)
}

/// A night that a database has, whose file is cut a minute before its last version.
async fn cut_night(cluster: &Cluster) -> (House, Timestamp) {
    let mut house = House::open();
    let versions = house.live_through();
    house.append(decision("why", "u-1"), OPEN);
    house.append(observation("u-1", true), OPEN);
    house.stop();
    file_with_reports(&mut Outbox::open(&house.file()).unwrap(), 101..=130);
    house.ship(&cluster.database()).await;
    let cut = versions.last().unwrap().version().at() - Duration::from_secs(60);
    Outbox::open(&house.file()).unwrap().prune("kg-test", cut, (i64::MAX, i64::MAX)).unwrap();
    (house, cut)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_stopped_the_file_answers_and_when_it_is_back_the_database() {
    let cluster = Cluster::start();
    let mut house = House::open();
    let versions = house.live_through();
    house.append(decision("why", "u-1"), OPEN);
    let shipper = house.ship_on(&cluster.database());
    house.until_shipped().await;
    let past = both(&house, &cluster.database());
    let known = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!((known.source, past.source()), (Source::Database, Source::Database));
    cluster.down();
    for latest in &versions {
        let version = latest.version();
        let moment = past.moment(&election(), &at(version.at())).await.unwrap().unwrap();
        assert_eq!((moment.source, &moment.position), (Source::File, version.position()));
        let units = past.units(&election(), &moment, &Units::Upper).await.unwrap();
        assert_eq!(snapshot(&moment.header, units.iter().map(|(_, body)| body)), version.snapshot());
    }
    // A version that the database named is told whole by the file.
    let units = past.units(&election(), &known, &Units::Precincts).await.unwrap();
    assert_eq!(units.len(), 9);
    assert_eq!(past.decisions(&election(), &"u-1".parse().unwrap(), 9).await.unwrap().len(), 1);
    assert_eq!(past.elections().await.unwrap().len(), 1);
    assert_eq!(past.source(), Source::File);
    // What is nowhere in the file may be in the database: that is not to say that there is none such.
    let other = past.definition(&"kg-2021".parse().unwrap()).await.unwrap_err();
    assert!(matches!(other, StoreError::Elsewhere(_)), "{other}");
    let unknown = past.moment(&election(), &When::Version("e9:9".parse().unwrap())).await;
    assert_eq!(unknown.unwrap(), None, "the file has the whole night");
    cluster.up();
    house.until_shipped().await;
    let began = Instant::now();
    while past.moment(&election(), &When::Last).await.unwrap().unwrap().source == Source::File {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody tries the database again");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(past.definition(&"kg-2021".parse().unwrap()).await.unwrap(), None);
    shipper.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_says_nothing_costs_one_question_in_a_while_its_time() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    house.stop();
    house.ship(&cluster.database()).await;
    let way = Delay::towards(cluster.port, Duration::ZERO);
    let url = format!("postgresql://owner@127.0.0.1:{}/postgres", way.port);
    let slow = Database::new(&url, None, None, 2, PATIENCE).unwrap();
    let past = both(&house, &slow);
    assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::Database);
    way.set(Duration::from_secs(20));
    let began = Instant::now();
    for _ in 0..50 {
        assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::File);
    }
    // Half of what it were if each had waited: on a slow machine the file takes its time too.
    assert!(began.elapsed() < PATIENCE * 50 / 2, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_all_of_whose_connections_are_in_use_is_busy_and_not_away() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    house.stop();
    house.ship(&cluster.database()).await;
    let one = Database::new(&cluster.url(), None, None, 1, PATIENCE).unwrap();
    let past = both(&house, &one);
    assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::Database);
    let other = cluster.database().connect(Duration::from_secs(30)).await.unwrap();
    other.client.batch_execute("BEGIN; LOCK TABLE version IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // One has the only connection and is waited for in vain; the others do not come so far.
    let asked = (0..8).map(|_| async { past.moment(&election(), &When::Last).await });
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.unwrap_err(), StoreError::Late);
    }
    assert_eq!(past.source(), Source::Database, "nobody was told that it is away");
    other.client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::Database);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lags_is_not_asked_about_what_the_file_has_whole() {
    let cluster = Cluster::start();
    let mut house = House::open();
    house.live_through();
    house.ship(&cluster.database()).await;
    let past = both(&house, &cluster.database());
    house.progress.behind_ms.store(60_000, Relaxed);
    assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::File);
    let other = past.definition(&"kg-2021".parse().unwrap()).await;
    assert_eq!(other.unwrap(), None, "what the file has not is asked of the database");
    house.progress.behind_ms.store(0, Relaxed);
    // What is not there yet is in the file, also where the lag is small.
    house.night.turnout(4, 44);
    let newest = house.publish().version().position().clone();
    let found = past.moment(&election(), &When::Version(newest.clone())).await.unwrap().unwrap();
    assert_eq!((found.source, &found.position), (Source::File, &newest));
    let units = past.units(&election(), &found, &Units::One("precinct:4".parse().unwrap())).await.unwrap();
    assert!(String::from_utf8_lossy(&units[0].1).contains("\"identified\":44"));
    assert_eq!(past.moment(&election(), &When::Last).await.unwrap().unwrap().source, Source::Database);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_has_given_away_is_asked_in_vain_while_the_database_is_stopped() {
    let cluster = Cluster::start();
    let (house, cut) = cut_night(&cluster).await;
    let past = both(&house, &cluster.database());
    let device = "u-1".parse().unwrap();
    let country = election::UnitId::Country;
    let reports = ReportsWanted { limit: 100, ..ReportsWanted::default() };
    assert_eq!(past.reports(&election(), &reports).await.unwrap().len(), 30);
    cluster.down();
    let last = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!((last.source, last.position.to_string().as_str()), (Source::File, "e1:8"));
    for units in [Units::Upper, Units::Precincts] {
        let units = past.units(&election(), &last, &units).await.unwrap();
        assert!(units.len() >= 9);
    }
    let span = past.span(&election()).await.unwrap().unwrap();
    assert!(span.cut && span.begin >= cut && span.end == last.at);
    let gone = |error: StoreError| assert!(matches!(error, StoreError::Elsewhere(_)), "{error}");
    gone(past.moment(&election(), &at(OPEN)).await.unwrap_err());
    gone(past.moment(&election(), &When::Version("e1:3".parse().unwrap())).await.unwrap_err());
    gone(past.line(&election(), &country, 60_000, (1_500, false)).await.unwrap_err());
    gone(past.reports(&election(), &reports).await.unwrap_err());
    gone(past.observations(&election(), &device, 100).await.unwrap_err());
    gone(past.decisions(&election(), &device, 100).await.unwrap_err());
    let one = past.line(&election(), &country, 60_000, (1, false)).await.unwrap();
    assert_eq!((one.len(), one[0].at), (1, last.at));
    let since = ReportsWanted { from: Some(cut), ..reports };
    assert_eq!(past.reports(&election(), &since).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_stay_in_the_file_have_all_their_units() {
    let mut house = House::open();
    let versions = house.live_through();
    house.stop();
    let whole = house.past();
    let mut before = Vec::new();
    for latest in &versions {
        let named = When::Version(latest.version().position().clone());
        let moment = whole.moment(&election(), &named).await.unwrap().unwrap();
        let units = whole.units(&election(), &moment, &Units::Precincts).await.unwrap();
        before.push((named, units));
    }
    // As the database had the first four, and the night of half an hour ago is given away.
    let cut = versions[4].version().at();
    Outbox::open(&house.file()).unwrap().prune("kg-test", cut, (4, 0)).unwrap();
    let past = house.past();
    let mut left = 0;
    for (named, units) in before {
        if let Some(moment) = past.moment(&election(), &named).await.unwrap() {
            left += 1;
            assert!(past.units(&election(), &moment, &Units::Precincts).await.unwrap() == units, "{named:?}");
        }
    }
    assert_eq!(left, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_begun_anew_does_not_deny_what_was_before_it() {
    let cluster = Cluster::start();
    let mut house = House::lost(&cluster).await;
    house.restart_from_nothing("e2");
    house.night.turnout(3, 33);
    house.publish();
    house.stop();
    house.ship(&cluster.database()).await;
    let past = both(&house, &cluster.database());
    let there = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    cluster.down();
    // The place of a version differs between the two.
    let here = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert!(here.seq < there.seq && here.position == there.position);
    let units = past.units(&election(), &there, &Units::Precincts).await.unwrap();
    assert_eq!(units, past.units(&election(), &here, &Units::Precincts).await.unwrap());
    denies_nothing(&past).await;
}

/// Asks a file that has nothing of epoch `e1` about what was then, while its database is away.
async fn denies_nothing(past: &Past) {
    let gone = |error: StoreError| assert!(matches!(error, StoreError::Elsewhere(_)), "{error}");
    gone(past.moment(&election(), &When::Version("e1:2".parse().unwrap())).await.unwrap_err());
    gone(past.moment(&election(), &at(OPEN)).await.unwrap_err());
    let country = election::UnitId::Country;
    gone(past.line(&election(), &country, 60_000, (1_500, false)).await.unwrap_err());
    let span = past.span(&election()).await.unwrap().unwrap();
    assert!(span.cut && span.begin > OPEN, "{span:?}");
    let all = past.moments(&election(), (OPEN, span.end), 1_000).await;
    gone(all.unwrap_err());
    let own = past.moments(&election(), (span.begin, span.end), 1_000).await.unwrap();
    assert!(own.iter().all(|moment| moment.source == Source::File && moment.at >= span.begin));
    assert_eq!(own.last().unwrap().at, span.end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_begun_anew_while_the_database_is_away_knows_that_it_is_not_whole() {
    let cluster = Cluster::start();
    let mut house = House::lost(&cluster).await;
    let past = both(&house, &cluster.database());
    cluster.down();
    house.restart_from_nothing("e2");
    house.night.turnout(3, 33);
    house.publish();
    denies_nothing(&past).await;
    // Nothing of this run is kept for long enough to be listed, and still it is not said that nothing ever was.
    house.stop();
    house.lose_file();
    let feed = Arc::clone(&house.feed);
    let late = history::Late { versions: feed.current().at(), records: 2 };
    let mut outbox = Outbox::open(&house.file()).unwrap();
    outbox.begin(&support::about(&feed), &[("country".to_owned(), "country")], Some(late)).unwrap();
    let none = past.span(&election()).await.unwrap_err();
    assert!(matches!(none, StoreError::Elsewhere(_)), "{none}");
    // Records are read from the journal again; until that is done nobody can say that there are no more.
    let device = "u-1".parse().unwrap();
    let decisions = past.decisions(&election(), &device, 9).await.unwrap_err();
    assert!(matches!(decisions, StoreError::Elsewhere(_)), "{decisions}");
    drop(outbox);
    house.restart("e3");
    house.publish_anew();
    house.until(|house| house.progress.records_behind.load(Relaxed) == 0);
    let decisions = past.decisions(&election(), &device, 9).await.unwrap();
    assert_eq!(decisions.len(), 2, "they are read again, and whole");
    denies_nothing(&past).await;
    // It is as it was after another start, and when the database has been back.
    house.restart("e4");
    denies_nothing(&past).await;
    cluster.up();
    house.stop();
    house.ship(&cluster.database()).await;
    cluster.down();
    denies_nothing(&both(&house, &cluster.database())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_seemed_to_be_begun_late_is_whole_when_the_database_had_nothing_before() {
    let cluster = Cluster::start();
    let mut house = House::open();
    for reason in ["one", "two"] {
        house.append(decision(reason, "u-1"), OPEN);
    }
    house.stop();
    house.lose_file();
    house.restart_from_nothing("e2");
    house.stop();
    house.ship(&cluster.database()).await;
    let past = both(&house, &cluster.database());
    cluster.down();
    let before = OPEN - Duration::from_secs(86_400);
    assert_eq!(past.moment(&election(), &at(before)).await.unwrap(), None);
    assert!(!past.span(&election()).await.unwrap().is_some_and(|span| span.cut));
}
