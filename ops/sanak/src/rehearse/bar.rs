//! How far a rehearsal is, on stderr: a bar for people, a line every ten seconds for logs.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use load_tests::rehearsal::{Act, Tidings};
use tokio::sync::watch;

/// Between two lines where stderr is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// Shows progress until the rehearsal has ended.
pub async fn show(mut told: watch::Receiver<Tidings>) {
    let terminal = stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(1) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("  {prefix:11} [{bar:30}] {msg}") {
        bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏ "));
    }
    let mut line: Option<(Instant, Act)> = None;
    while told.changed().await.is_ok() {
        let now = *told.borrow_and_update();
        let (name, done, of) = step(&now);
        bar.set_prefix(name);
        bar.set_length(of.max(1));
        bar.set_position(done);
        bar.set_message(words(&now));
        let due = line.is_none_or(|(at, act)| at.elapsed() >= LINE || act != now.act);
        if !terminal && due {
            line = Some((Instant::now(), now.act));
            // Whoever does not listen misses nothing but this.
            let _ = writeln!(stderr(), "{name}: {}", words(&now));
        }
    }
    bar.finish_and_clear();
}

fn step(now: &Tidings) -> (&'static str, u64, u64) {
    match now.act {
        Act::Coming => ("coming", now.connected, now.devices),
        Act::Running => ("running", now.passed.as_millis() as u64, now.lasts.as_millis() as u64),
        Act::Settling => ("settling", now.receipted, now.reports),
        Act::Comparing => ("comparing", 1, 1),
    }
}

fn words(now: &Tidings) -> String {
    let viewers = match now.viewers {
        0 => String::new(),
        viewers => format!(", {viewers} viewers took {} frames", now.frames),
    };
    format!(
        "{} s of {} s, {} of {} devices on line, {} of {} reports receipted{viewers}",
        now.passed.as_secs(),
        now.lasts.as_secs(),
        now.connected,
        now.devices,
        now.receipted,
        now.reports
    )
}
