use election::report::Offset;
use journal::{Entry, Journal, Options, Reader};

use crate::{DEFINITION, Writing, directory, entry, open, said_of, written};

#[test]
fn every_record_is_found_by_its_offset() {
    let dir = directory();
    let options = Options { segment_bytes: 30_000, ..Options::default() };
    let writing = Writing::start(Journal::open(dir.path(), DEFINITION, options).unwrap().0);
    for number in 1..=500 {
        writing.appender.append_blocking(entry(number), crate::at(number), 0).unwrap();
    }
    for _ in 1..=500 {
        writing.next().1.unwrap().unwrap();
    }
    writing.end();
    let reader = Reader::open(dir.path()).unwrap();
    for number in (1..=500).rev() {
        let record = reader.read(Offset(number)).unwrap().unwrap();
        assert_eq!((record.offset().0, record.arrival().millis()), (number, number));
        assert_eq!(crate::said(&record).2, said_of(number));
    }
    assert!(reader.read(Offset(0)).unwrap().is_none(), "record 0 is the definition");
    assert!(reader.read(Offset(501)).unwrap().is_none());
    let from: Vec<_> = reader.records(Offset(490)).map(|record| record.unwrap().offset().0).collect();
    assert!(from.into_iter().eq(490..=500));
    assert_eq!(reader.records(Offset(501)).count(), 0);
}

#[test]
fn a_reader_follows_what_becomes_durable() {
    let dir = directory();
    let (journal, _) = open(dir.path());
    let reader = journal.reader();
    assert_eq!((reader.next(), reader.records(Offset(0)).count()), (Offset(1), 0));
    let writing = Writing::start(journal);
    for number in 1..=30 {
        writing.append(entry(number), number);
        assert_eq!(reader.next(), Offset(number + 1));
        assert_eq!(reader.read(Offset(number)).unwrap().unwrap().arrival(), crate::at(number));
        assert_eq!(reader.records(Offset(1)).count() as u64, number);
        let aside = Reader::open(dir.path()).unwrap();
        assert_eq!(aside.next(), Offset(number + 1), "also of a journal that another process writes");
    }
    writing.end();
}

#[test]
fn reports_of_one_place_are_found_without_reading_the_others() {
    let dir = directory();
    written(dir.path(), 30);
    let reader = Reader::open(dir.path()).unwrap();
    let wanted = reader.records(Offset(1)).only_topics(|topic| topic.starts_with("sanak/1/e-1/13/"));
    let found: Vec<_> = wanted.map(|record| record.unwrap()).collect();
    let reports: Vec<_> = found.iter().filter(|record| matches!(record.entry(), Entry::Report(_))).collect();
    assert_eq!(reports.len(), 1);
    assert_eq!(reports[0].offset(), Offset(12));
    assert_eq!(found.len(), 1 + 20, "decisions and observations stay");
}

#[test]
fn damage_ends_the_sequence_with_an_error() {
    let dir = directory();
    written(dir.path(), 9);
    let reader = Reader::open(dir.path()).unwrap();
    let path = crate::recovery::segments(dir.path()).pop().unwrap();
    std::fs::write(&path, b"").unwrap();
    let mut records = reader.records(Offset(1));
    let error = records.find_map(|record| record.err()).unwrap();
    assert!(records.next().is_none());
    let error = std::io::Error::from(error);
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    std::fs::remove_file(&path).unwrap();
    let error = reader.records(Offset(1)).find_map(|record| record.err()).unwrap();
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
}
