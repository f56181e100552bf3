//! The thread that follows: what it writes, and what becomes of it when it is interrupted.
#![allow(clippy::unwrap_used, missing_docs)] // a test that cannot go on says so

mod support;

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use feed::snapshot;
use history::{Outbox, Units, When, table};
use support::{House, decision, election, observation};

#[tokio::test(flavor = "multi_thread")]
async fn every_version_on_record_is_byte_for_byte_what_was_published() {
    let mut house = House::open();
    let versions = house.live_through();
    let past = house.past();
    for latest in &versions {
        let version = latest.version();
        let when = When::Version(version.position().clone());
        let moment = past.moment(&election(), &when).await.unwrap().unwrap();
        assert_eq!((moment.at, moment.votes), (version.at(), version.votes()));
        let upper = past.units(&election(), &moment, &Units::Upper).await.unwrap();
        assert_eq!(snapshot(&moment.header, upper.iter().map(|(_, body)| body)), version.snapshot());
        let precincts = past.units(&election(), &moment, &Units::Precincts).await.unwrap();
        let published = latest.all_precincts().plain();
        assert_eq!(snapshot(&moment.header, precincts.iter().map(|(_, body)| body)), published);
        let one = Units::One("precinct:2".parse().unwrap());
        let one = past.units(&election(), &moment, &one).await.unwrap();
        assert_eq!(one[0].1, latest.unit(&"precinct:2".parse().unwrap()).unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_record_of_the_time_before_votes_may_be_published_has_votes() {
    let mut house = House::open();
    house.live_through();
    house.stop();
    let outbox = Outbox::open(&house.file()).unwrap();
    let all = (0, i64::MAX);
    let states = outbox.rows(&table::STATE, "kg-test", all, 10_000).unwrap();
    let close = i64::try_from(support::country::CLOSE.millis()).unwrap();
    let (mut before, mut after) = (0, 0);
    for row in states {
        let body = String::from_utf8(row[11].clone().into_bytes().to_vec()).unwrap();
        let with_votes = body.contains("votes") || body.contains("ballots") || body.contains("invalid");
        assert_eq!(with_votes, row[3].number() > close, "{body}");
        *(if with_votes { &mut after } else { &mut before }) += 1;
    }
    assert!(before > 20 && after > 20, "{before} {after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_night_goes_on_and_what_did_not_change_is_not_written_again() {
    let mut house = House::open();
    let versions = house.live_through();
    let rows = house.progress.rows.load(Relaxed);
    house.restart("e2");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(house.progress.rows.load(Relaxed), rows, "nobody was shown the empty first version");
    let again = house.publish_anew();
    let past = house.past();
    let last = past.moment(&election(), &When::Last).await.unwrap().unwrap();
    assert_eq!(last.position.to_string(), again.version().position().to_string());
    assert_eq!(last.seq, i64::try_from(versions.len()).unwrap() + 1);
    let old = versions[2].version();
    let moment = past.moment(&election(), &When::At(old.at())).await.unwrap().unwrap();
    assert_eq!(moment.position, *old.position());
    let upper = past.units(&election(), &moment, &Units::Upper).await.unwrap();
    assert_eq!(snapshot(&moment.header, upper.iter().map(|(_, body)| body)), old.snapshot());
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_and_flags_of_a_device_are_found_again() {
    let house = House::open();
    let at = support::country::OPEN;
    house.append(decision("it was stolen", "u-1"), at);
    house.append(observation("t-1", true), at);
    house.append(observation("t-1", false), at + Duration::from_secs(60));
    house.append(observation("t-2", true), at);
    let past = house.past();
    let decisions = past.decisions(&election(), &"u-1".parse().unwrap(), 10).await.unwrap();
    assert_eq!(decisions.len(), 1);
    assert_eq!((decisions[0].act.as_str(), decisions[0].reason.as_str()), ("revoke", "it was stolen"));
    assert!(past.decisions(&election(), &"u".parse().unwrap(), 10).await.unwrap().is_empty());
    let flags = past.observations(&election(), &"t-1".parse().unwrap(), 10).await.unwrap();
    let told: Vec<_> = flags.iter().map(|flag| (flag.offset, flag.code.as_str(), flag.raised)).collect();
    assert_eq!(told, [(2, "W09", true), (3, "W09", false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_set_aside_and_the_journal_read_again() {
    let mut house = House::open();
    house.append(decision("first", "u-1"), support::country::OPEN);
    house.stop();
    std::fs::write(house.file(), b"this is no database, whatever its name says: ".repeat(100)).unwrap();
    house.progress.records_behind.store(9, Relaxed);
    house.follow();
    house.until(|house| house.progress.records_behind.load(Relaxed) == 0);
    let past = house.past();
    assert_eq!(past.decisions(&election(), &"u-1".parse().unwrap(), 10).await.unwrap().len(), 1);
    assert!(house.dir.path().join("history.sqlite.damaged").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_tried_again_and_nothing_is_lost() {
    let mut house = House::open();
    house.stop();
    std::fs::remove_file(house.file()).unwrap();
    std::fs::create_dir(house.file()).unwrap();
    house.follow();
    house.until(|house| house.progress.trouble().is_some());
    assert!(house.progress.trouble().unwrap().contains("the history cannot be written"));
    let meanwhile = decision("meanwhile", "u-1");
    tokio::task::block_in_place(|| house.appender.append_blocking(meanwhile, support::country::OPEN, ()))
        .unwrap();
    std::fs::remove_dir(house.file()).unwrap();
    house.until(|house| house.progress.trouble().is_none());
    let past = house.past();
    assert_eq!(past.decisions(&election(), &"u-1".parse().unwrap(), 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_election_takes_nothing_more_and_says_so() {
    let mut house = House::open();
    house.live_through();
    house.stop();
    let mut outbox = Outbox::open(&house.file()).unwrap();
    assert!(outbox.seal("kg-test", support::country::CLOSE).unwrap());
    assert!(!outbox.seal("kg-test", support::country::CLOSE).unwrap(), "once is enough");
    house.follow();
    house.until(|house| house.progress.trouble().is_some_and(|what| what.contains("is sealed")));
    let connection = rusqlite::Connection::open(house.file()).unwrap();
    for sql in [
        "DELETE FROM state",
        "UPDATE version SET header = ''",
        "UPDATE election SET sealed_at = NULL",
        "DELETE FROM election",
        "INSERT INTO decision VALUES ('kg-test', 99, 0, 1, 'x', 'x', 'x', '{}')",
    ] {
        let refused = connection.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("the election is sealed"), "{sql}: {refused}");
    }
}
