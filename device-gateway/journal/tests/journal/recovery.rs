use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
};

use election::report::{Digest, Offset};
use journal::{Error, Journal, Reader, check};

use crate::{SMALL, Writing, directory, entry, open, recovered, written};

pub fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    paths.sort();
    paths
}

pub fn copy(from: &Path) -> tempfile::TempDir {
    let dir = directory();
    for path in segments(from) {
        fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

#[test]
fn a_journal_cut_at_any_byte_of_its_last_segment_gives_the_longest_prefix() {
    let whole = directory();
    let (first, last, mut ends) = {
        let writing = Writing::start(open(whole.path()).0);
        let (mut ends, mut number) = (Vec::new(), 0);
        while ends.len() < 3 {
            number += 1;
            writing.append(entry(number), number);
            let last = segments(whole.path()).pop().unwrap();
            if segments(whole.path()).len() == 3 {
                ends.push(fs::metadata(last).unwrap().len());
            }
        }
        writing.end();
        (number + 1 - ends.len() as u64, segments(whole.path()).pop().unwrap(), ends)
    };
    let length = ends.last().copied().unwrap();
    ends.insert(0, 92);
    for cut in 0..=length {
        let dir = copy(whole.path());
        let path = dir.path().join(last.file_name().unwrap());
        OpenOptions::new().write(true).open(&path).unwrap().set_len(cut).unwrap();
        if cut < 92 {
            let error = Journal::open(dir.path(), Digest([1; 32]), SMALL).map(drop).unwrap_err();
            assert!(
                matches!(error, Error::Damaged { .. }),
                "a segment gets its name when it is whole: {error}"
            );
            continue;
        }
        let kept = ends.iter().filter(|end| **end <= cut).count() as u64 - 1;
        let sound = ends.contains(&cut);
        assert_eq!(check(dir.path()).unwrap().is_sound(), sound, "cut at {cut}");
        assert_eq!(Reader::open(dir.path()).unwrap().next(), Offset(first + kept), "cut at {cut}");
        let (journal, found) = open(dir.path());
        assert!(recovered(&found).into_iter().eq(1..first + kept), "cut at {cut}");
        assert_eq!(found.torn.is_none(), sound, "cut at {cut}");
        if let Some(torn) = found.torn {
            let at = ends.iter().filter(|end| **end <= cut).max().unwrap();
            assert_eq!((torn.file, torn.position, torn.bytes), (path, *at, cut - at), "cut at {cut}");
        }
        let writing = Writing::start(journal);
        assert_eq!(writing.append(entry(first + kept), first + kept).offset(), Offset(first + kept));
        writing.end();
        assert!(check(dir.path()).unwrap().is_sound(), "cut at {cut}");
    }
}

#[test]
fn zeros_and_noise_after_the_last_record_are_cut() {
    for tail in [vec![0; 5_000], vec![0xff; 3], (0..9_000_u32).map(|n| ((n * n) >> 5) as u8).collect()] {
        let dir = directory();
        written(dir.path(), 5);
        let path = segments(dir.path()).pop().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(&tail);
        fs::write(&path, bytes).unwrap();
        let (_, found) = open(dir.path());
        assert_eq!(found.torn.as_ref().unwrap().bytes, tail.len() as u64);
        assert_eq!(recovered(&found), [1, 2, 3, 4, 5]);
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = directory();
    let first = open(dir.path());
    let error = Journal::open(dir.path(), Digest([1; 32]), SMALL).map(drop).unwrap_err();
    let expected =
        format!("journal {}: another process has it open; end that one first", dir.path().display());
    assert_eq!(error.to_string(), expected);
    drop(first);
    open(dir.path());
}

#[test]
fn a_journal_of_other_election_files_is_refused() {
    let dir = directory();
    written(dir.path(), 2);
    let error = Journal::open(dir.path(), Digest([2; 32]), SMALL).map(drop).unwrap_err();
    assert!(matches!(error, Error::OtherDefinition { .. }));
    assert!(error.to_string().contains("was begun with other election files (digest 0101"), "{error}");
}

#[test]
fn a_directory_without_a_journal_can_be_begun_but_not_read() {
    let dir = directory();
    let below = dir.path().join("data/journal");
    assert!(matches!(Reader::open(dir.path()), Err(Error::Empty { .. })));
    assert!(matches!(check(dir.path()), Err(Error::Empty { .. })));
    assert!(matches!(Reader::open(&below), Err(Error::Io { .. })));
    written(&below, 3);
    assert_eq!(check(&below).unwrap().records(), 3);
}

#[test]
fn a_directory_that_cannot_be_made_is_told() {
    let dir = directory();
    fs::write(dir.path().join("file"), "").unwrap();
    let path = dir.path().join("file/journal");
    let error = Journal::open(&path, Digest([1; 32]), SMALL).map(drop).unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}: cannot be made: ", path.display())), "{error}");
}

#[test]
fn what_a_crash_left_of_a_segment_that_had_no_name_yet_is_removed() {
    let dir = directory();
    written(dir.path(), 3);
    let draft = dir.path().join("next.journal.draft");
    fs::write(&draft, "half a header").unwrap();
    let (_, found) = open(dir.path());
    assert_eq!(recovered(&found), [1, 2, 3]);
    assert!(!draft.exists());
}
