//! The methods of sharing out seats beside votelib, a published package in another language: thousands of contests,
//! ties included, and not one seat of difference.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::*;

/// A contest: method, seats, votes.
type Case = (Method, u32, Vec<u64>);

fn name(method: Method) -> &'static str {
    match method {
        Method::Hare => "hare",
        Method::Dhondt => "dhondt",
        Method::SainteLague => "sainte-lague",
        Method::Plurality | Method::Majority => unreachable!("no method of sharing out"),
    }
}

/// Small counts tie often; large ones are those of a country.
fn cases() -> impl Strategy<Value = Case> {
    let methods = [Method::Hare, Method::Dhondt, Method::SainteLague];
    let votes = prop_oneof![
        prop::collection::vec(1_u64..8, 2..8),
        prop::collection::vec(1_u64..200, 2..25),
        prop::collection::vec(1_u64..3_000_000, 2..25),
    ];
    (prop::sample::select(methods.to_vec()), 1_u32..121, votes)
}

/// As the script writes it: seats of each option, and ties.
fn ours((method, seats, votes): &Case) -> String {
    let contest = list(*method, *seats, &"p".repeat(votes.len()));
    let told = of(&contest, votes, 0);
    let sorted = |tie: &Tie| {
        let mut tied = tie.tied.clone();
        tied.sort_unstable();
        tied.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
    };
    let mut line = told.options.iter().map(|option| option.seats.to_string()).collect::<Vec<_>>().join(" ");
    for tie in &told.ties {
        write!(line, "|{}:{}", sorted(tie), tie.seats).unwrap();
    }
    line
}

fn theirs(cases: &[Case]) -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../build/python/bin/python3");
    assert!(python.exists(), "{} is missing: run ops/scripts/setup.sh test", python.display());
    let mut child = Command::new(python)
        .arg(here.join("src/seats/tests/differential.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut text = String::new();
    for (method, seats, votes) in cases {
        write!(text, "{} {seats}", name(*method)).unwrap();
        votes.iter().for_each(|votes| write!(text, " {votes}").unwrap());
        text.push('\n');
    }
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn seats_are_those_of_an_independent_implementation() {
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    // DOMAIN "Facts to test against": the result of 2021, and the shares that tell the methods apart.
    let mut all = Vec::new();
    for method in [Method::Hare, Method::Dhondt, Method::SainteLague] {
        all.push((method, 54, vec![222_005, 174_470, 141_009, 106_955, 90_223, 79_025]));
        all.push((method, 54, vec![1_454, 1_369, 1_176, 758, 698, 602, 570]));
    }
    all.extend((0..6_000).map(|_| cases().new_tree(&mut runner).unwrap().current()));
    let theirs = theirs(&all);
    assert_eq!(theirs.len(), all.len());
    let mut ties = 0;
    for (case, theirs) in all.iter().zip(&theirs) {
        let ours = ours(case);
        ties += usize::from(ours.contains('|'));
        assert_eq!(&ours, theirs, "{case:?}");
    }
    assert!(ties > 500, "ties are what implementations differ in, and only {ties} contests have one");
}
