//! The command line: what it takes, and which command runs.

use std::{
    io::{self, Write, stderr, stdout},
    net::SocketAddr,
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};

use crate::{
    check,
    config::{self, Checked},
    demo::{self, DemoArgs},
    journal_cmd::{self, Failure},
    logging, serve,
};

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
    /// Run the platform: take reports, count, publish
    #[command(after_long_help = SERVE_EXAMPLE)]
    Serve(ConfigFile),
    /// Run the whole system with a simulated fleet: day and night of the demonstration election
    #[command(after_long_help = DEMO_EXAMPLE)]
    Demo(Demo),
    /// Look at the record of a night: its integrity, every record as JSON, or the totals that follow from it
    #[command(subcommand)]
    Journal(JournalCommand),
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Check every checksum, the order of all records, and every signature
    #[command(after_long_help = JOURNAL_CHECK_EXAMPLE)]
    Check {
        #[command(flatten)]
        data: DataDir,
        /// The election files that the journal was begun with: they hold the devices' keys
        #[arg(long, value_name = "DIR")]
        election: PathBuf,
    },
    /// Write every record to stdout, one JSON object a line, signed bytes included
    #[command(after_long_help = JOURNAL_EXPORT_EXAMPLE)]
    Export {
        #[command(flatten)]
        data: DataDir,
    },
    /// Recompute every total from nothing but the journal, and write the snapshot they give as JSON
    #[command(after_long_help = JOURNAL_REPLAY_EXAMPLE)]
    Replay {
        #[command(flatten)]
        data: DataDir,
        /// The election files that the journal was begun with
        #[arg(long, value_name = "DIR")]
        election: PathBuf,
    },
}

const JOURNAL_REPLAY_EXAMPLE: &str = "\
The snapshot equals what the platform shows but for epoch, version and generated_at.

Example: the country's ballots, by the journal and by the page
  $ sanak journal replay --data /var/lib/sanak --election elections/2026 | jq '.units[0].contests.list.urns.ballots'
  $ curl -s localhost:8080/api/v1/elections/kg-2026/results | jq '.units[0].contests.list.urns.ballots'";

const SERVE_EXAMPLE: &str = "\
When it is ready it says so in one line on stderr:
  ready http=127.0.0.1:8080 mqtt=127.0.0.1:1883 metrics=127.0.0.1:9090

It stops on SIGTERM and on Ctrl-C. Killed at any moment, it goes on from its journal when it is started again.";

const DEMO_EXAMPLE: &str = "\
Examples:
  $ sanak demo                                    watch the whole country, day and night, at the address it prints
  $ sanak demo --precincts 200 --speed 300        a smaller country, faster
  $ sanak demo --once --speed 600 | jq .          a rehearsal: a JSON summary on stdout, exit code 1 unless what the
                                                  page shows is exactly what the fleet sent
  $ sanak demo --data ./night                     keep the journal; the same command goes on after an interruption";

/// A demonstration.
#[derive(Debug, Args)]
struct Demo {
    /// How many of the demonstration election's 2,459 precincts [default: all]
    #[arg(long, value_name = "N")]
    precincts: Option<usize>,
    /// Simulated seconds in a real one [default: 480 by day, 60 by night]
    #[arg(long, value_name = "X", value_parser = speed)]
    speed: Option<f64>,
    /// What the simulated country does follows from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Address of the page and the API
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Directory of the journal, to go on from after an interruption [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// End when all precincts have reported, with a JSON summary on stdout
    #[arg(long)]
    once: bool,
}

/// A pace that simulated time can have.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=100_000.0).contains(&speed) => Ok(speed),
        _ => Err("give a number from 0.1 to 100000".into()),
    }
}

/// Where the service keeps what it must not lose.
#[derive(Debug, Args)]
struct DataDir {
    /// The data directory (data.dir of the configuration), with the journal in it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

const JOURNAL_CHECK_EXAMPLE: &str = "\
Example:
  $ sanak journal check --data /var/lib/sanak --election elections/2026
  31904 records: 31602 reports, 3 decisions, 299 observations
  1 segments, 17734201 bytes
  from 2026-10-04T01:12:07Z to 2026-10-04T15:59:51Z
  definition 5c0f…
  sound: every checksum and every signature holds

Ends with code 1 where anything is wrong, and names file, byte and record of it. Nothing is changed.";

const JOURNAL_EXPORT_EXAMPLE: &str = "\
The lines hold votes also before they may be published: keep them as you keep the journal.

Example: how many reports of each kind there are
  $ sanak journal export --data /var/lib/sanak | jq -r 'select(.record == \"report\") | .report.type' | sort | uniq -c";

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
        say(&error);
        return Outcome::Misused.into();
    }
    match run(cli.command) {
        Ok(outcome) => outcome.into(),
        Err(error) => {
            say(&error);
            match error {
                Failure::Election(_) => Outcome::Misused.into(),
                Failure::Journal(_) | Failure::Output(_) | Failure::Figures(_) => Outcome::Failed.into(),
            }
        }
    }
}

fn run(command: Command) -> Result<Outcome, Failure> {
    match command {
        Command::Check(file) => Ok(check::run(&file.config, &mut stdout(), &mut stderr())?),
        Command::Serve(file) => match config::load(&file.config, config::environment()) {
            Ok(Checked { config, warnings }) => {
                check::tell(&[], &warnings, &mut stderr())?;
                Ok(ended(serve::run(config)))
            }
            Err(problems) => {
                check::tell(&problems.mistakes, &problems.warnings, &mut stderr())?;
                Ok(Outcome::Misused)
            }
        },
        Command::Demo(Demo { precincts, speed, seed, http, data, once }) => {
            Ok(ended(demo::run(DemoArgs { precincts, speed, seed, http, data, once })))
        }
        Command::Journal(JournalCommand::Replay { data, election }) => {
            journal_cmd::replay(&data.data, &election, &mut stdout().lock())?;
            Ok(Outcome::Done)
        }
        Command::Journal(JournalCommand::Check { data, election }) => {
            journal_cmd::check(&data.data, &election, &mut stdout(), &mut stderr())
        }
        Command::Journal(JournalCommand::Export { data }) => {
            journal_cmd::export(&data.data, &mut stdout().lock(), &mut stderr())
        }
    }
}

/// How a platform ended; where it could not start or go on, says why.
fn ended(outcome: io::Result<Outcome>) -> Outcome {
    outcome.unwrap_or_else(|error| {
        say(&error);
        Outcome::Failed
    })
}

fn say(error: &dyn std::error::Error) {
    // Where stderr is closed there is nobody to tell; the code still says it.
    let _ = writeln!(stderr(), "{error}");
}
