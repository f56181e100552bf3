//! `sanak viewers`: readers alone.

use std::{
    io,
    io::{IsTerminal, Write, stderr, stdout},
    time::{Duration, Instant},
};

use load_tests::viewers::{Audience, ViewersPlan};

use crate::{cli::Outcome, limits, runtime};

use super::{args::Viewers, system::http};

/// Files that the rest of the process needs.
const RESERVE: u64 = 256;
/// Between two lines of progress.
const LINE: Duration = Duration::from_secs(10);

/// Lets readers watch; what they saw is JSON on stdout.
///
/// # Errors
/// Where stdout cannot be written.
pub fn viewers(asked: Viewers) -> io::Result<Outcome> {
    let address = match http(&asked.url) {
        Ok(address) => address,
        Err(what) => {
            writeln!(stderr(), "{what}")?;
            return Ok(Outcome::Misused);
        }
    };
    let needed = asked.count + RESERVE;
    let allowed = limits::raise(needed)?;
    if allowed < needed {
        writeln!(
            stderr(),
            "{} viewers need {needed} open files, and {allowed} are allowed: raise the hard limit (`ulimit -Hn` as root, \
             LimitNOFILE= of the unit)",
            asked.count
        )?;
        return Ok(Outcome::Misused);
    }
    let plan = ViewersPlan {
        http: address,
        election: asked.election,
        viewers: asked.count,
        units: asked.units,
        slow: asked.slow.min(asked.count),
        reconnecting: asked.reconnecting.min(asked.count.saturating_sub(asked.slow)),
        witness: asked.witness,
    };
    let seen = runtime::block_on(async {
        let audience = Audience::open(plan);
        let (began, mut told) = (Instant::now(), Instant::now());
        while began.elapsed() < asked.lasts.0 {
            tokio::time::sleep(Duration::from_millis(200).min(asked.lasts.0)).await;
            if stderr().is_terminal() || told.elapsed() >= LINE {
                told = Instant::now();
                let end = if stderr().is_terminal() { '\r' } else { '\n' };
                let (connected, frames, breaches) =
                    (audience.connected(), audience.frames(), audience.breaches());
                write!(
                    stderr(),
                    "  {} s of {}, {connected} viewers on line took {frames} frames, {breaches} breaches  {end}",
                    began.elapsed().as_secs(),
                    asked.lasts
                )?;
            }
        }
        Ok(audience.close(None).await)
    })?;
    writeln!(stdout(), "{}", serde_json::to_string(&seen)?)?;
    let good = seen.breaches == 0 && seen.connected >= seen.asked && seen.frames > 0;
    Ok(if good { Outcome::Done } else { Outcome::Failed })
}
