//! The same questions to every store, about the same night: SQLite, PostgreSQL, and TimescaleDB where there is one.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)] // a test that cannot go on says so

mod support;

use std::{sync::Arc, time::Duration};

use election::{Timestamp, UnitId, report::ReportType};
use feed::{Latest, snapshot};
use history::{Database, Outbox, Past, PostgresStore, ReportsWanted, Units, When};
use support::{
    House,
    cluster::{Cluster, database},
    country::{CLOSE, OPEN},
    decision, election, file_with_reports, observation, timescale,
};

/// A night on record, with reports, decisions and flags.
fn night() -> (House, Vec<Arc<Latest>>) {
    let mut house = House::open();
    let versions = house.live_through();
    house.append(decision("it was \"stolen\"; they say", "u-1"), OPEN);
    house.append(observation("t-1", true), OPEN);
    house.append(observation("t-1", false), OPEN + Duration::from_secs(60));
    house.stop();
    (house, versions)
}

/// Everything that is asked of a store.
async fn ask(past: &Past, versions: &[Arc<Latest>]) {
    the_time_machine(past, versions).await;
    moments(past, versions).await;
    lines(past).await;
    the_journal(past).await;
    reports(past).await;
    elections(past, versions).await;
}

async fn the_time_machine(past: &Past, versions: &[Arc<Latest>]) {
    for (at, latest) in versions.iter().enumerate() {
        let version = latest.version();
        let named = When::Version(version.position().clone());
        let moment = past.moment(&election(), &named).await.unwrap().unwrap();
        let just_before_next = versions.get(at + 1).map_or(version.at() + Duration::from_secs(9), |next| {
            Timestamp::from_millis(next.version().at().millis() - 1)
        });
        for when in [When::At(version.at()), When::At(just_before_next)] {
            assert_eq!(past.moment(&election(), &when).await.unwrap().unwrap(), moment);
        }
        let upper = past.units(&election(), &moment, &Units::Upper).await.unwrap();
        assert_eq!(snapshot(&moment.header, upper.iter().map(|(_, body)| body)), version.snapshot());
        let precincts = past.units(&election(), &moment, &Units::Precincts).await.unwrap();
        let published = latest.all_precincts().plain();
        assert_eq!(snapshot(&moment.header, precincts.iter().map(|(_, body)| body)), published);
    }
    let first = versions[0].version().at().millis() - 1;
    let before = When::At(Timestamp::from_millis(first));
    assert_eq!(past.moment(&election(), &before).await.unwrap(), None);
    let unknown = When::Version("e9:2".parse().unwrap());
    assert_eq!(past.moment(&election(), &unknown).await.unwrap(), None);
    let last = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!(&last.position, versions.last().unwrap().version().position());
    assert_eq!((last.reported, last.precincts, last.identified, last.votes), (3, 9, 600, true));
}

async fn moments(past: &Past, versions: &[Arc<Latest>]) {
    let history::Span { begin, end, .. } = past.span(&election()).await.unwrap().unwrap();
    assert_eq!((begin, end), (versions[0].version().at(), versions.last().unwrap().version().at()));
    let hour = 3_600_000;
    let found = past.moments(&election(), (begin, end), hour).await.unwrap();
    let identified: Vec<i64> = found.iter().map(|moment| moment.identified).collect();
    // 08:00, 09:00 and 09:01 in one hour, 13:00 with what came abroad, 20:00 and 20:10 in one.
    assert_eq!(identified, [0, 210, 600, 600]);
    assert!(found.is_sorted_by_key(|moment| moment.seq));
    let later = (end + Duration::from_secs(1), end + Duration::from_secs(2));
    assert!(past.moments(&election(), later, hour).await.unwrap().is_empty());
}

async fn lines(past: &Past) {
    let precinct: UnitId = "precinct:1".parse().unwrap();
    let minute = 60_000;
    let line = past.line(&election(), &precinct, minute, (100, true)).await.unwrap();
    let told: Vec<_> = line.iter().map(|state| (state.identified, state.reported)).collect();
    assert_eq!(told, [(0, 0), (100, 0), (140, 0), (400, 0), (400, 1)]);
    assert!(line.iter().all(|state| state.body.starts_with(b"{\"id\":\"precinct:1\"")));
    assert!(line[4].at > CLOSE && String::from_utf8_lossy(&line[4].body).contains("\"votes\":{\"p01\":20"));
    let hours = past.line(&election(), &precinct, 60 * minute, (100, false)).await.unwrap();
    let told: Vec<_> = hours.iter().map(|state| (state.identified, state.body.len())).collect();
    assert_eq!(told, [(0, 0), (140, 0), (400, 0), (400, 0)]);
    let newest = past.line(&election(), &precinct, minute, (2, false)).await.unwrap();
    assert_eq!(newest.iter().map(|state| state.identified).collect::<Vec<_>>(), [400, 400]);
    let nobody = past.line(&election(), &"precinct:99".parse().unwrap(), minute, (9, false)).await.unwrap();
    assert!(nobody.is_empty());
}

async fn the_journal(past: &Past) {
    let decisions = past.decisions(&election(), &"u-1".parse().unwrap(), 10).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!((decisions[0].act.as_str(), decisions[0].by.as_str()), ("revoke", "B. Asanova"));
    assert_eq!(decisions[0].reason, "it was \"stolen\"; they say");
    let flags = past.observations(&election(), &"t-1".parse().unwrap(), 10).await.unwrap();
    assert_eq!(
        flags.iter().map(|flag| (flag.offset, flag.raised)).collect::<Vec<_>>(),
        [(2, true), (3, false)]
    );
    let newest = past.observations(&election(), &"t-1".parse().unwrap(), 1).await.unwrap();
    assert_eq!(newest[0].offset, 3);
}

async fn reports(past: &Past) {
    let offsets = async |wanted: ReportsWanted| {
        let wanted = ReportsWanted { limit: wanted.limit.max(5), ..wanted };
        let found = past.reports(&election(), &wanted).await.unwrap();
        found.iter().map(|report| report.offset).collect::<Vec<u64>>()
    };
    let all = ReportsWanted::default;
    assert_eq!(offsets(all()).await, [101, 102, 103, 104, 105]);
    assert_eq!(offsets(ReportsWanted { after: 105, ..all() }).await, [106, 107, 108, 109, 110]);
    assert_eq!(offsets(ReportsWanted { newest: true, ..all() }).await, [156, 157, 158, 159, 160]);
    let device = Some("t-2".parse().unwrap());
    assert_eq!(offsets(ReportsWanted { device, ..all() }).await, [103, 106, 109, 112, 115]);
    let precinct = election::PrecinctId::new(1);
    assert_eq!(offsets(ReportsWanted { precinct, ..all() }).await, [101, 102, 104, 105, 107]);
    let (report_type, after) = (Some(ReportType::Tally), 150);
    assert_eq!(offsets(ReportsWanted { report_type, after, ..all() }).await, [152, 155, 158]);
    let (from, to) = (Some(OPEN + Duration::from_secs(110)), Some(OPEN + Duration::from_secs(112)));
    assert_eq!(offsets(ReportsWanted { from, to, ..all() }).await, [110, 111]);
    let one = past.reports(&election(), &ReportsWanted { after: 104, limit: 1, ..all() }).await.unwrap();
    assert_eq!((one[0].at, one[0].bytes, one[0].digest.len()), (None, 25, 32));
}

async fn elections(past: &Past, versions: &[Arc<Latest>]) {
    let found = past.elections().await.unwrap();
    assert_eq!(found.len(), 1);
    let of = &found[0].election;
    assert_eq!((of.id.as_str(), of.date.as_str(), of.precincts), ("kg-test", "2026-10-04", 9));
    assert_eq!((of.sealed_at, of.test, of.registered), (None, true, 9_000));
    let last = found[0].last.as_ref().unwrap();
    assert_eq!(&last.position, versions.last().unwrap().version().position());
    assert_eq!(last.turnout_registered, 2_000);
    let definition = past.definition(&election()).await.unwrap().unwrap();
    assert_eq!(definition, r#"{"id":"kg-test"}"#);
    assert_eq!(past.definition(&"kg-1990".parse().unwrap()).await.unwrap(), None);
}

async fn asked_of(database: &Database) {
    let (house, versions) = night();
    with_reports(&house);
    house.ship(database).await;
    let runtime = tokio::runtime::Handle::current();
    ask(&Past::new(Arc::new(PostgresStore::new(database, runtime).unwrap())), &versions).await;
}

/// Reports from offset 101 to 160, as if they had been recorded after the rest.
fn with_reports(house: &House) {
    file_with_reports(&mut Outbox::open(&house.file()).unwrap(), 101..=160);
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_answers() {
    let (house, versions) = night();
    with_reports(&house);
    ask(&house.past(), &versions).await;
}

/// A version a second for twelve hours: a plan that goes through all of them for each would take minutes.
#[tokio::test(flavor = "multi_thread")]
async fn the_time_line_of_a_whole_night_takes_the_file_no_time() {
    let mut house = House::open();
    house.stop();
    let (open, end) = (OPEN.millis(), OPEN + Duration::from_secs(43_200));
    let fill = format!(
        "WITH RECURSIVE v(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM v WHERE n < 43200)
         INSERT INTO version SELECT 'kg-test', n, 'e1', n, {open} + n * 1000, 'open', 0, 0, 9, n, n, '' FROM v"
    );
    rusqlite::Connection::open(house.file()).unwrap().execute_batch(&fill).unwrap();
    let began = std::time::Instant::now();
    let moments = house.past().moments(&election(), (OPEN, end), 300_000).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!((moments.len(), moments[0].seq, moments[144].seq), (145, 299, 43_200));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_answers() {
    let cluster = Cluster::start();
    asked_of(&cluster.database()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn timescaledb_answers() {
    for lane in timescale::lanes() {
        println!("TimescaleDB: {}", lane.what());
        asked_of(&database(&lane.url())).await;
        timescale::is_in_use(&lane.url()).await;
    }
}
