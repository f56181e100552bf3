//! One side of `make bench-fanout`: the bare broadcast, or the readers of any of the four servers.
//! `fanout broadcast`
//! `fanout read tcp|sanak|mosquitto|nats READERS_AT PUBLISH_AT PATH PID FRAMES READERS MILLISECONDS`: a line of JSON.
//! `fanout judge FILE`: such lines side by side; ends with 1 where Sanak is not where it has to be.
#![expect(clippy::print_stdout, reason = "its answer")]

use std::{error::Error, fs, path::Path, process::ExitCode, time::Duration};

use load_tests::fanout::{FanOut, Found, Frames, broadcast, judge, read};
use tokio::runtime::Builder;

const USAGE: &str = "usage: fanout broadcast | fanout read TARGET READERS_AT PUBLISH_AT PATH PID FRAMES READERS MILLISECONDS | fanout judge FILE";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["broadcast"] => {
            let runtime = Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(broadcast(|readers, publisher| {
                println!("ready readers={readers} publish={publisher}");
            }))?;
        }
        ["read", target, readers_at, publish_at, path, pid, frames, readers, every] => {
            let plan = FanOut {
                target: target.parse()?,
                readers_at: readers_at.parse()?,
                publish_at: publish_at.parse()?,
                path: (*path).to_owned(),
                pid: pid.parse()?,
                frames: Frames::read(Path::new(frames))?,
                readers: readers.parse()?,
                every: Duration::from_millis(every.parse()?),
            };
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let found = runtime.block_on(read(plan))?;
            println!("{}", serde_json::to_string(&found)?);
        }
        ["judge", file] => {
            let text = fs::read_to_string(file)?;
            let found: Vec<Found> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
            let verdict = judge(&found);
            println!("{}", verdict.table);
            return Ok(if verdict.held { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        _ => return Err(USAGE.into()),
    }
    Ok(ExitCode::SUCCESS)
}
