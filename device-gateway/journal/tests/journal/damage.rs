use std::fs;

use journal::{Entry, Error, Journal, check, check_with};

use crate::{
    DEFINITION, SMALL, directory, open, recovered,
    recovery::{copy, segments},
    written,
};

#[test]
fn a_bit_that_changes_anywhere_is_found_and_never_costs_more_than_the_last_batch() {
    let whole = directory();
    let records = 9;
    written(whole.path(), records);
    assert!(segments(whole.path()).len() > 2);
    let (mut refused, mut cut) = (0, 0);
    for name in segments(whole.path()) {
        let dir = copy(whole.path());
        let path = dir.path().join(name.file_name().unwrap());
        let bytes = fs::read(&path).unwrap();
        for bit in (0..bytes.len() * 8).step_by(3) {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &changed).unwrap();
            let what = format!("bit {bit} of {}", name.display());
            assert!(!check(dir.path()).unwrap().is_sound(), "{what}");
            match Journal::open(dir.path(), DEFINITION, SMALL) {
                Err(Error::Damaged { file, .. }) => {
                    assert!(segments(dir.path()).contains(&file), "{what}");
                    refused += 1;
                }
                Err(error) => panic!("{what}: {error}"),
                Ok((_, found)) => {
                    assert!(recovered(&found).into_iter().eq(1..records), "{what}");
                    assert!(found.torn.is_some(), "{what}");
                    cut += 1;
                }
            }
        }
        fs::write(&path, &bytes).unwrap();
        assert!(check(dir.path()).unwrap().is_sound());
    }
    assert!(refused > 1_000 && cut > 100, "{refused} {cut}");
}

#[test]
fn damage_before_the_last_batch_names_file_byte_and_record_and_is_not_cut() {
    let dir = directory();
    let options = journal::Options { segment_bytes: 1 << 20, ..SMALL };
    let journal = Journal::open(dir.path(), DEFINITION, options).unwrap().0;
    let writing = crate::Writing::start(journal);
    for number in 1..=20 {
        writing.append(crate::entry(number), number);
    }
    writing.end();
    let path = segments(dir.path()).pop().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let length = bytes.len();
    bytes[length / 2] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = Journal::open(dir.path(), DEFINITION, options).map(drop).unwrap_err();
    let Error::Damaged { file, position, offset, what } = &error else { panic!("{error}") };
    assert_eq!(*file, path);
    assert!((*position as usize) < length / 2 && (5..15).contains(&offset.0), "{error}");
    assert!(what.contains("later records follow at byte"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is cut");
    let found = check(dir.path()).unwrap();
    let fault = &found.faults[0];
    assert_eq!((&fault.file, fault.position, fault.offset), (file, *position, *offset));
    assert!(fault.to_string().contains("the record is not what was written"), "{fault}");
}

#[test]
fn a_missing_or_foreign_segment_is_found() {
    let whole = directory();
    written(whole.path(), 9);
    let names: Vec<_> =
        segments(whole.path()).iter().map(|path| path.file_name().unwrap().to_owned()).collect();

    let dir = copy(whole.path());
    fs::remove_file(dir.path().join(&names[1])).unwrap();
    let error = Journal::open(dir.path(), DEFINITION, SMALL).map(drop).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(!check(dir.path()).unwrap().is_sound());

    let dir = copy(whole.path());
    fs::remove_file(dir.path().join(&names[0])).unwrap();
    assert!(Journal::open(dir.path(), DEFINITION, SMALL).is_err());
    assert!(!check(dir.path()).unwrap().is_sound());

    // The same records written another time: every record is good, the chain is not.
    let other = directory();
    written(other.path(), 9);
    let dir = copy(whole.path());
    fs::copy(other.path().join(&names[1]), dir.path().join(&names[1])).unwrap();
    let faults = check(dir.path()).unwrap().faults;
    let what = "the segment before it is not the one that stood there when it was begun";
    assert!(faults.iter().any(|fault| fault.what == what), "{faults:?}");

    let dir = copy(whole.path());
    fs::write(dir.path().join("7.journal"), "").unwrap();
    let error = Journal::open(dir.path(), DEFINITION, SMALL).map(drop).unwrap_err().to_string();
    assert!(error.contains("its name is not the 20 digits of an offset"), "{error}");

    let dir = copy(whole.path());
    let renamed = dir.path().join(format!("{:020}.journal", 1_000));
    fs::rename(dir.path().join(names.last().unwrap()), renamed).unwrap();
    let error = Journal::open(dir.path(), DEFINITION, SMALL).map(drop).unwrap_err().to_string();
    assert!(error.contains("it is named 1000 but begins with record"), "{error}");
    assert!(!check(dir.path()).unwrap().is_sound());
}

#[test]
fn segments_of_two_elections_do_not_mix() {
    let dir = directory();
    written(dir.path(), 9);
    let last = segments(dir.path()).pop().unwrap();
    let first = fs::read(&segments(dir.path())[0]).unwrap();
    // The header of another definition in the place of the last segment's, as no crash can leave it.
    fs::write(&last, &first).unwrap();
    let error = Journal::open(dir.path(), DEFINITION, SMALL).map(drop).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    assert!(!check(dir.path()).unwrap().is_sound());
}

#[test]
fn what_an_inspector_finds_wrong_is_a_fault() {
    let dir = directory();
    written(dir.path(), 6);
    let found = check_with(dir.path(), |record| match record.entry() {
        Entry::Report(report) => Err(format!("{} has a bad signature", report.device())),
        _ => Ok(()),
    })
    .unwrap();
    let faults: Vec<_> = found.faults.iter().map(|fault| (fault.offset.0, fault.what.as_str())).collect();
    assert_eq!(faults, [(3, "t-4-1 has a bad signature"), (6, "t-7-1 has a bad signature")]);
    open(dir.path());
}
