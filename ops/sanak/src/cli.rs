//! The command line: what it takes, and which command runs.

use std::{
    io::{self, stderr, stdout},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{check, logging};

/// How a command ended (PROTOCOL §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was asked to.
    Done,
    /// It found or met a failure.
    Failed,
    /// Its arguments, configuration or election files are wrong; nothing was started.
    Misused,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Failed => Self::from(1),
            Outcome::Misused => Self::from(2),
        }
    }
}

#[derive(Debug, Parser)]
#[command(name = "sanak", version, about, long_about = ABOUT, after_long_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    /// Write the log as JSON, one object a line, for machines that collect it
    #[arg(long, global = true)]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

const ABOUT: &str = "\
Takes signed reports from ballot-scanning urns and ID terminals, and shows a country its election while it is counted.

What machines report is preliminary: the hand count decides.";

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, configuration or election files.

Environment: SANAK_LOG sets the level of the log (warn, info, debug, or per module: info,broker=debug).
SANAK_SECTION__KEY sets a key of the configuration, such as SANAK_HTTP__LISTEN=127.0.0.1:8090.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Validate configuration and election files, and print every mistake
    #[command(after_long_help = CHECK_EXAMPLE)]
    Check(ConfigFile),
}

const CHECK_EXAMPLE: &str = "\
Example:
  $ sanak check --config sanak.toml
  elections/2026/precincts.csv:812: raion: units.csv does not list raion:alai-raion, did you mean raion:alay-raion?
  sanak.toml:9: http.listen: port 8080 of 127.0.0.1 is in use: stop what listens there, or choose another port
  2 mistakes, 0 warnings: nothing would start";

/// Where the configuration is.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// Configuration in TOML; paths in it are relative to its directory
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = Cli::parse(); // wrong usage ends here, with code 2
    if let Err(error) = logging::start(cli.log_json) {
        return refuse(&error);
    }
    match run(cli.command) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            tracing::error!("{error}");
            Outcome::Failed.into()
        }
    }
}

fn run(command: Command) -> io::Result<Outcome> {
    match command {
        Command::Check(file) => check::run(&file.config, &mut stdout(), &mut stderr()),
    }
}

/// Says why a command was not started.
fn refuse(error: &dyn std::error::Error) -> ExitCode {
    use std::io::Write;
    // Where stderr is closed there is nobody to tell; the code still says it.
    let _ = writeln!(stderr(), "{error}");
    Outcome::Misused.into()
}
