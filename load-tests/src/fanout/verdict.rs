//! The four side by side.

use std::fmt::Write;

use super::{Found, Target};

/// Sanak's processor for a frame by that of a bare broadcast: no more than this.
const BY_BROADCAST: f64 = 1.25;

/// Whether Sanak is where it has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// All of it, to be read.
    pub table: String,
    /// Whether it is.
    pub held: bool,
}

/// Medians over the rounds of each target, and what was asked of Sanak: its processor for a delivered frame at most a
/// quarter above the bare broadcast's, and less of it, and a lower p99, than of what a user would pick instead.
pub fn judge(found: &[Found]) -> Verdict {
    let mut table =
        "target     rounds  frames told    lost  µs a frame  (from, to)       p50 ms   p99 ms  (from, to)\n"
            .to_owned();
    let mut held = true;
    let median = |target: Target, of: fn(&Found) -> f64| {
        let mut all: Vec<f64> = found.iter().filter(|found| found.target == target).map(of).collect();
        all.sort_by(f64::total_cmp);
        (!all.is_empty()).then(|| (all[all.len() / 2], all[0], all[all.len() - 1], all.len()))
    };
    for (name, target) in [
        ("tcp", Target::Tcp),
        ("sanak", Target::Sanak),
        ("mosquitto", Target::Mosquitto),
        ("nats", Target::Nats),
    ] {
        let (cost, p99) = (median(target, |found| found.us_a_frame), median(target, |found| found.p99));
        let (Some((us, least, most, rounds)), Some((p99, low, high, _))) = (cost, p99) else {
            held = false;
            let _ = writeln!(table, "{name:10} was not run"); // a text takes all that is written to it
            continue;
        };
        let p50 = median(target, |found| found.p50).map_or(0.0, |(p50, ..)| p50);
        let told: u64 =
            found.iter().filter(|found| found.target == target).map(|found| found.delivered).sum();
        let lost: u64 = found
            .iter()
            .filter(|found| found.target == target)
            .map(|found| (found.readers * found.frames) as u64 - found.versions)
            .sum();
        let _ = writeln!(
            table,
            "{name:10} {rounds:6} {told:12} {lost:7} {us:11.2}  ({least:5.2}, {most:5.2}) {p50:9.1} {p99:8.1}  ({low:.1}, {high:.1})"
        );
    }
    let mut asked = |what: &str, is: Option<f64>, bound: Option<f64>| {
        let met = matches!((is, bound), (Some(is), Some(bound)) if is <= bound);
        held &= met;
        let _ = writeln!(table, "{} {what}", if met { "held:  " } else { "MISSED:" });
    };
    let us = |target| median(target, |found| found.us_a_frame).map(|(us, ..)| us);
    let p99 = |target| median(target, |found| found.p99).map(|(ms, ..)| ms);
    let by = us(Target::Sanak).zip(us(Target::Tcp)).map_or(0.0, |(sanak, tcp)| sanak / tcp);
    asked(
        &format!("processor a frame at most {BY_BROADCAST} of a bare broadcast's: {by:.2}"),
        us(Target::Sanak),
        us(Target::Tcp).map(|us| us * BY_BROADCAST),
    );
    for (name, target) in [("Mosquitto", Target::Mosquitto), ("NATS", Target::Nats)] {
        asked(&format!("processor a frame below {name}'s"), us(Target::Sanak), us(target));
        asked(&format!("p99 of delivery below {name}'s"), p99(Target::Sanak), p99(target));
    }
    Verdict { table, held }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(target: Target, us_a_frame: f64, p99: f64) -> Found {
        Found {
            target,
            readers: 1,
            frames: 1,
            bytes: 1,
            delivered: 1,
            versions: 1,
            server_seconds: 1.0,
            us_a_frame,
            readers_seconds: 1.0,
            p50: 1.0,
            p99,
            max: p99,
            load: 0.0,
        }
    }

    #[test]
    fn medians_decide_and_each_bound_counts() {
        let others = [
            found(Target::Tcp, 10.0, 50.0),
            found(Target::Mosquitto, 20.0, 90.0),
            found(Target::Nats, 15.0, 80.0),
        ];
        let with = |sanak: &[(f64, f64)]| {
            let sanak = sanak.iter().map(|(us, p99)| found(Target::Sanak, *us, *p99));
            judge(&others.iter().cloned().chain(sanak).collect::<Vec<_>>())
        };
        let good = with(&[(12.4, 70.0), (30.0, 99.0), (11.0, 60.0)]);
        assert!(good.held && good.table.contains("1.24"), "{}", good.table);
        for missed in [&[(12.6, 70.0)][..], &[(12.0, 81.0)], &[]] {
            let missed = with(missed);
            assert!(!missed.held && missed.table.contains("MISSED"), "{}", missed.table);
        }
    }
}
