use std::{
    sync::{Arc, Barrier, atomic::Ordering::Relaxed, mpsc},
    thread,
};

use election::report::Offset;
use journal::{AppendError, Entry, Gone, Journal, NotQueued, Options, Released, check};

use crate::{SMALL, Writing, at, decision, directory, entry, observation, open, report, said};

#[test]
fn what_is_appended_comes_back_as_it_was() {
    let dir = directory();
    let (journal, recovered) = open(dir.path());
    assert_eq!((recovered.next, recovered.last_arrival, recovered.torn), (Offset(1), None, None));
    let writing = Writing::start(journal);
    let live: Vec<_> = (1..=40).map(|number| said(&writing.append(entry(number), number))).collect();
    assert!(live.iter().map(|(offset, ..)| *offset).eq(1..=40));
    writing.end();

    let (journal, recovered) = open(dir.path());
    assert_eq!((recovered.next, recovered.last_arrival), (Offset(41), Some(at(40))));
    let read: Vec<_> = recovered.records().map(|record| said(&record.unwrap())).collect();
    assert_eq!(read, live);
    let writing = Writing::start(journal);
    assert_eq!(writing.append(entry(41), 41).offset(), Offset(41));
    writing.end();
    let found = check(dir.path()).unwrap();
    assert!(found.is_sound() && found.segments > 3, "{found:?}");
    assert_eq!((found.reports, found.decisions, found.observations), (13, 14, 14));
    assert_eq!(found.arrivals, Some((at(1), at(41))));
}

#[test]
fn order_is_kept_for_each_of_many_appenders_and_passes_keep_their_place() {
    let dir = directory();
    let options = Options { segment_bytes: 40_000, queue: 16, ..Options::default() };
    let journal = Journal::open(dir.path(), crate::DEFINITION, options).unwrap().0;
    let writing = Writing::start(journal);
    let (threads, each) = (8_u64, 400_u64);
    thread::scope(|scope| {
        for from in 0..threads {
            let appender = writing.appender.clone();
            scope.spawn(move || {
                for number in 0..each {
                    let context = from * each + number;
                    if number % 5 == 4 {
                        appender.pass_blocking(context).unwrap();
                    } else {
                        let entry = Entry::Observation(observation(context));
                        appender.append_blocking(entry, at(context), context).unwrap();
                    }
                }
            });
        }
    });
    let mut of = vec![0; usize::try_from(threads).unwrap()];
    let mut offset = 0;
    for _ in 0..threads * each {
        let (context, result) = writing.next();
        let from = &mut of[usize::try_from(context / each).unwrap()];
        assert_eq!(context % each, *from, "what one thread appends is released in its order");
        *from += 1;
        if let Some(result) = result {
            offset += 1;
            let record = result.unwrap();
            assert_eq!((record.offset(), record.arrival()), (Offset(offset), at(context)));
        }
    }
    let counters = writing.appender.counters();
    assert_eq!(counters.records.load(Relaxed), threads * each / 5 * 4);
    assert!(counters.syncs.load(Relaxed) < counters.records.load(Relaxed), "many share one sync");
    assert_eq!((counters.errors.load(Relaxed), writing.appender.queued()), (0, 0));
    assert!(writing.appender.healthy() && writing.appender.last_error().is_none());
    writing.end();
    assert!(check(dir.path()).unwrap().is_sound());
}

#[test]
fn a_record_that_is_too_large_is_refused_alone() {
    let dir = directory();
    let writing = Writing::start(open(dir.path()).0);
    let huge = Entry::Decision(decision(&"x".repeat(4 << 20)));
    writing.appender.append_blocking(huge, at(1), 1).unwrap();
    let (context, result) = writing.next();
    assert_eq!((context, result.unwrap().unwrap_err()), (1, AppendError::TooLarge));
    assert_eq!(writing.append(entry(2), 2).offset(), Offset(1));
    assert!(writing.appender.healthy());
    writing.end();
    assert!(check(dir.path()).unwrap().is_sound());
}

#[test]
fn an_observation_does_not_wait_for_room() {
    let dir = directory();
    let journal = Journal::open(dir.path(), crate::DEFINITION, Options { queue: 2, ..SMALL }).unwrap().0;
    let (go, wait) = mpsc::channel::<()>();
    let (appender, thread) = journal
        .start(move |_: Vec<Released<()>>| {
            let _ = wait.recv(); // ends when the test does
        })
        .unwrap();
    let refused = (0..10).find_map(|number| appender.observe(observation(number), at(number), ()).err());
    assert_eq!(refused, Some(NotQueued::Full));
    assert!(appender.queued() > 0);
    drop((go, appender));
    thread.join().unwrap();
}

#[test]
fn who_appends_is_told_when_the_journal_is_no_longer_written() {
    let dir = directory();
    let sink = |_: Vec<Released<()>>| panic!("the sink of this test panics");
    let (appender, thread) = open(dir.path()).0.start(sink).unwrap();
    appender.pass_blocking(()).unwrap();
    assert_eq!(thread.join(), Err(Gone));
    assert!(!appender.healthy());
    assert_eq!(appender.append_blocking(entry(1), at(1), ()), Err(Gone));
    assert_eq!(appender.pass_blocking(()), Err(Gone));
    assert_eq!(appender.observe(observation(1), at(1), ()), Err(NotQueued::Gone));
    assert!(open(dir.path()).1.records().next().is_none(), "the lock goes with the thread");
}

#[test]
fn tasks_append_without_blocking_a_thread() {
    let dir = directory();
    let writing = Writing::start(open(dir.path()).0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async {
        for number in 1..=200 {
            writing.appender.append(Entry::Report(report(7, number)), at(number), number).await.unwrap();
        }
        writing.appender.pass(0).await.unwrap();
    });
    for number in 1..=200 {
        let (context, result) = writing.next();
        assert_eq!((context, result.unwrap().unwrap().offset()), (number, Offset(number)));
    }
    assert_eq!(writing.next().0, 0);
    writing.end();
}

/// The file that would be written next is replaced by a directory: no new segment can be begun until it is
/// gone. (That every other operation may fail is tested within the crate.)
#[test]
fn a_refused_batch_is_told_and_the_next_one_tries_again() {
    let dir = directory();
    let journal = open(dir.path()).0;
    let obstacle = dir.path().join("next.journal.draft");
    std::fs::create_dir(&obstacle).unwrap();
    let writing = Writing::start(journal);
    let mut stored = 0;
    let error = loop {
        writing.appender.append_blocking(entry(stored + 1), at(stored + 1), 0).unwrap();
        match writing.next().1.unwrap() {
            Ok(record) => stored = record.offset().0,
            Err(error) => break error,
        }
    };
    assert!(error.to_string().starts_with("the journal cannot be written: "), "{error}");
    assert!(!writing.appender.healthy());
    assert!(error.to_string().ends_with(&*writing.appender.last_error().unwrap()));
    assert_eq!(writing.appender.counters().errors.load(Relaxed), 1);
    writing.appender.pass_blocking(3).unwrap();
    assert!(matches!(writing.next(), (3, None)), "what records nothing is not refused");

    std::fs::remove_dir(&obstacle).unwrap();
    let record = writing.append(entry(stored + 1), stored + 1);
    assert_eq!(record.offset(), Offset(stored + 1));
    assert!(writing.appender.healthy());
    writing.end();
    assert!(check(dir.path()).unwrap().is_sound());
}

#[test]
fn what_waits_while_a_batch_is_synced_shares_the_next_sync() {
    let dir = directory();
    let journal = Journal::open(dir.path(), crate::DEFINITION, Options::default()).unwrap().0;
    let gate = Arc::new(Barrier::new(2));
    let (inner, mut first) = (Arc::clone(&gate), true);
    let (send, sizes) = mpsc::channel();
    let (appender, thread) = journal
        .start(move |batch: Vec<Released<()>>| {
            if std::mem::take(&mut first) {
                inner.wait();
                inner.wait();
            }
            send.send(batch.len()).unwrap();
        })
        .unwrap();
    appender.append_blocking(entry(1), at(1), ()).unwrap();
    gate.wait();
    for number in 2..=301 {
        appender.append_blocking(entry(number), at(number), ()).unwrap();
    }
    gate.wait();
    drop(appender);
    thread.join().unwrap();
    assert_eq!(sizes.iter().collect::<Vec<_>>(), [1, 300]);
}
