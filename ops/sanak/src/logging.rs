//! What is written to stderr while a command runs; stdout belongs to what a command answers.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, filter::ParseError, fmt};

/// Variables that set the level, such as `debug` or `warn,device_gateway=debug`; the first that is set counts.
const LEVEL: [&str; 2] = ["SANAK_LOG", "RUST_LOG"];

/// What is told where nothing is set: of the servers under ours, only what is wrong. That a stranger's request is no HTTP
/// is not: whoever likes could fill the log with it.
const USUAL: &str = "info,actix_server=warn,actix_http::h1::dispatcher=off,ntex_rt=warn,ntex_service=warn";

/// Why the level cannot be set.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {why}: write a level such as info, or warn,journal=debug")]
pub struct BadLevel {
    variable: &'static str,
    why: ParseError,
}

/// Starts logging: lines for people, or one JSON object a line.
///
/// # Errors
/// The level in the environment is none.
pub fn start(json: bool) -> Result<(), BadLevel> {
    let given = LEVEL.into_iter().find_map(|variable| Some((variable, std::env::var(variable).ok()?)));
    let filter = match given {
        Some((variable, level)) => {
            EnvFilter::builder().parse(level).map_err(|why| BadLevel { variable, why })?
        }
        None => EnvFilter::new(USUAL),
    };
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    if json {
        log.json().init();
    } else {
        log.with_ansi(io::stderr().is_terminal()).init();
    }
    Ok(())
}
