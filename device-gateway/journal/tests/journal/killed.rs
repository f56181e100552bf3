use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use journal::{Entry, Journal, Options, Released, check};

use crate::{DEFINITION, at, directory, observation};

const DIR: &str = "JOURNAL_OF_THE_PROCESS_TO_KILL";

/// Appends without end, and prints each offset once it is released.
fn append_for_ever(dir: PathBuf) {
    let options = Options { segment_bytes: 20_000, batch_records: 64, ..Options::default() };
    let (journal, found) = Journal::open(&dir, DEFINITION, options).unwrap();
    let mut next = found.next.0;
    let mut out = std::io::stdout();
    let sink = move |batch: Vec<Released<()>>| {
        let mut lines = String::new();
        for item in batch {
            let Released::Recorded { result, .. } = item else { continue };
            lines += &format!("released {}\n", result.unwrap().offset());
        }
        out.write_all(lines.as_bytes()).unwrap();
    };
    let (appender, _thread) = journal.start(sink).unwrap();
    loop {
        appender.append_blocking(Entry::Observation(observation(next)), at(next), ()).unwrap();
        next += 1;
    }
}

#[test]
fn nothing_released_is_missing_after_a_process_is_killed() {
    if let Some(dir) = env::var_os(DIR) {
        append_for_ever(dir.into());
    }
    let dir = directory();
    let mut highest = 0;
    for life in 0..12_u64 {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "killed::nothing_released_is_missing_after_a_process_is_killed", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let mut released =
            || lines.find_map(|line| Some(line.strip_prefix("released ")?.parse::<u64>().unwrap()));
        assert_eq!(released(), Some(highest + 1));
        let killing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(life * 7));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        highest += 1;
        while let Some(offset) = released() {
            assert_eq!(offset, highest + 1, "no gap, nothing twice");
            highest += 1;
        }
        killing.join().unwrap();
        let (journal, found) = Journal::open(dir.path(), DEFINITION, Options::default()).unwrap();
        assert!(found.next.0 > highest, "life {life}: {} after {highest} were released", found.next);
        highest = found.next.0 - 1; // what was written and not yet released counts all the same
        drop(journal);
        assert!(check(dir.path()).unwrap().is_sound());
    }
    let records = Journal::open(dir.path(), DEFINITION, Options::default()).unwrap().1;
    assert_eq!(records.records().map(|record| record.unwrap().offset().0).max(), Some(highest));
    assert!(highest > 100, "{highest}");
}
