//! The command line: what it takes, and which command runs.

use std::{
    io::{self, Write, stderr, stdout},
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use device_wire::{VerifyingKey, keys::parse_public};
use election::ElectionId;
use history::Format;
use load_tests::synthetic::Country;

use crate::{
    archive_cmd, check,
    config::{self, Checked},
    demo::{self, DemoArgs},
    journal_cmd::{self, Failure},
    logging,
    provision::{self, Task},
    publish,
    rehearse::{self, Fleet, FleetCommand, Viewers},
    runtime, serve,
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
    /// Make the keys and certificates of an election, and a bundle for each of its devices
    #[command(long_about = PROVISION_ABOUT, after_long_help = PROVISION_EXAMPLE)]
    Provision(Box<Provision>),
    /// Run the platform: take reports, count, publish
    #[command(after_long_help = SERVE_EXAMPLE)]
    Serve(ConfigFile),
    /// Run the whole system with a simulated fleet: day and night of the demonstration election
    #[command(after_long_help = DEMO_EXAMPLE)]
    Demo(Demo),
    /// Write what the public API answers as files, for any web server or object store, again and again
    #[command(long_about = PUBLISH_ABOUT, after_long_help = PUBLISH_EXAMPLE)]
    Publish(Publish),
    /// Rehearse a night: a fleet of devices against any running system
    #[command(long_about = rehearse::FLEET_ABOUT, after_long_help = rehearse::FLEET_EXAMPLES)]
    Fleet(Box<Fleet>),
    /// Read the live feed by the thousand, and check every frame
    #[command(after_long_help = rehearse::VIEWERS_EXAMPLES)]
    Viewers(Viewers),
    /// Look at the record of a night: its integrity, every record as JSON, or the totals that follow from it
    #[command(subcommand)]
    Journal(JournalCommand),
    /// Elections on record: write one to files, take one in, end one
    #[command(subcommand)]
    Archive(ArchiveCommand),
}

#[derive(Debug, Subcommand)]
enum ArchiveCommand {
    /// Write an election as Parquet or CSV files into a directory of its own
    #[command(after_long_help = ARCHIVE_EXPORT_EXAMPLE)]
    Export {
        #[command(flatten)]
        place: HistoryPlace,
        /// The election's id
        #[arg(long, value_name = "ID")]
        election: ElectionId,
        /// The form of the files
        #[arg(long, value_name = "FORM", value_parser = format, default_value = "parquet")]
        format: Format,
        /// A directory that is empty or not there yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
    /// Take in what `export` has written, and seal it: it is read-only from then on
    #[command(after_long_help = ARCHIVE_IMPORT_EXAMPLE)]
    Import {
        #[command(flatten)]
        place: HistoryPlace,
        /// The directory with election.json
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// End an election: nothing of it changes any more
    #[command(after_long_help = ARCHIVE_SEAL_EXAMPLE)]
    Seal {
        #[command(flatten)]
        place: HistoryPlace,
        /// The election's id
        #[arg(long, value_name = "ID")]
        election: ElectionId,
    },
    /// Make the tables of a database, or bring them up to date, as their owner
    #[command(after_long_help = ARCHIVE_PREPARE_EXAMPLE)]
    Prepare {
        #[command(flatten)]
        place: HistoryPlace,
    },
}

const ARCHIVE_EXPORT_EXAMPLE: &str = "\
The files hold reports with votes also before they may be published: keep them as you keep the journal.

Examples:
  $ sanak archive export --data /var/lib/sanak --election kg-2026 --out ./kg-2026
  $ sanak archive export --url postgresql://sanak@db.example/sanak?sslmode=require --ca db-ca.crt \\
      --election kg-2026 --format csv --out ./kg-2026-csv";

const ARCHIVE_IMPORT_EXAMPLE: &str = "\
Every file is compared with its SHA-256 first; the election is taken in whole or not at all.

Example: the page of this year's election lists that of last year too
  $ sanak archive import ./kg-2025 --data /var/lib/sanak";

const ARCHIVE_SEAL_EXAMPLE: &str = "\
Seal an election when its service has ended for good.

Example:
  $ sanak archive seal --data /var/lib/sanak --election kg-2026";

const ARCHIVE_PREPARE_EXAMPLE: &str = "\
The service itself needs no right to change tables when they are up to date (ops/runbooks/history.md).

Example:
  $ sanak archive prepare --url postgresql://owner@db.example/sanak?sslmode=require --ca db-ca.crt";

/// Where the history is.
#[derive(Debug, Args)]
struct HistoryPlace {
    /// The directory of the history's file (data.dir, or history.dir)
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    /// The history's database (history.url)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Certificate of the authority that signed the database's
    #[arg(long, value_name = "FILE", requires = "url")]
    ca: Option<PathBuf>,
    /// File with the database's password
    #[arg(long, value_name = "FILE", requires = "url")]
    password_file: Option<PathBuf>,
}

impl From<HistoryPlace> for archive_cmd::Place {
    fn from(HistoryPlace { data, url, ca, password_file }: HistoryPlace) -> Self {
        Self { data, url, ca, password_file }
    }
}

/// A form of files.
fn format(text: &str) -> Result<Format, String> {
    match text {
        "parquet" => Ok(Format::Parquet),
        "csv" => Ok(Format::Csv),
        _ => Err("give parquet or csv".into()),
    }
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

const PUBLISH_ABOUT: &str = "\
Write what the public API answers as files, for any web server or object store, again and again.

It reads as any reader does: what may not be published yet is in no file. Each file is there whole or not at all, with \
.br and .gz beside it; when the platform is not reached, what stands stays, and index.json says so. Files: results, \
precincts, places, missing, quarantine (the first 5,000 reports), corrections and the definition as JSON; results and \
precincts as CSV, also as Excel opens it; cdf.json (NIST SP 1500-100); maps; seats/; history/; boundaries/.";

const PUBLISH_EXAMPLE: &str = "\
Examples:
  $ sanak publish /var/www/results                                beside the platform on one machine
  $ sanak publish --from https://results.example /srv/mirror --every 5
  $ sanak publish s3://results/2026 --from http://10.0.0.5:8080   with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
                                                                  AWS_REGION, and AWS_ENDPOINT where it is not Amazon
  $ sanak publish --once ./snapshot                               once; exit code 1 where it could not be done";

const PROVISION_ABOUT: &str = "\
Make the keys and certificates of an election, and a bundle for each of its devices.

What is missing is made; what stands is never changed: a second run makes bundles for devices that were added to \
devices.csv since, and nothing else. In devices.csv the empty public keys are filled in. The directory holds every \
secret of the election: keep it on a machine that is not on the network, and give each device its own bundle only.";

const PROVISION_EXAMPLE: &str = "\
In the directory:
  ca.crt, ca.key            the authority that signs devices, server and gateway (10 years)
  crl.pem                   certificates that were revoked, for an MQTT broker
  centre.key, centre.pub    signs receipts and commands (centre.key_file of the configuration)
  server.crt, server.key    the devices' door (mqtt.cert, mqtt.key), 3 years
  gateway.crt, gateway.key  the service towards an external broker, 3 years
  broker/                   for an external broker: access lists, configurations of Mosquitto and of the service
  devices/ID/               device.key, device.crt, ca.crt, device.toml: all that one device needs (10 years)

Provision before the service is started for the first time: its journal begins with the digest of the election files, \
devices.csv included. Later changes are decisions, which --reissue and --revoke print.

Examples:
  $ sanak provision --election elections/2026 --out /secure/2026 --server-name centre.example --address centre.example:8883
  $ sanak provision --election elections/2026 --out /secure/2026 --reissue urn-5123-1 --reason 'its board was changed' \\
      > decision.json
  $ sanak provision --election elections/2026 --out /secure/2026 --revoke urn-5123-1 --reason 'stolen' > decision.json
  $ curl --fail-with-body -H \"authorization: Bearer $TOKEN\" --data @decision.json \\
      http://127.0.0.1:8080/api/v1/room/decisions

A new device in the place of another is a new id in devices.csv, with the old one under replaces; a spare one is put in \
use by a decision: {\"reason\": …, \"act\": {\"act\": \"replace\", \"precinct\": 5123, \"old\": …, \"new\": …}}.";

/// Keys and certificates.
#[derive(Debug, Args)]
struct Provision {
    /// The election files; public keys are filled in in devices.csv
    #[arg(long, value_name = "DIR")]
    election: PathBuf,
    /// Where keys and certificates are kept; made, for its owner alone, when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A name or address that devices know the server by; may be given several times
    #[arg(long, value_name = "NAME", default_values = ["localhost", "127.0.0.1", "::1"], value_parser = server_name)]
    server_name: Vec<String>,
    /// Where devices find the server [default: the first server name, port 8883]
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    address: Option<String>,
    /// Name of the centre's key (centre.kid of the configuration)
    #[arg(long, value_name = "KID", default_value = "centre", value_parser = kid)]
    centre_kid: String,
    /// A further key of the centre that devices trust, such as the next one; may be given several times
    #[arg(long, value_name = "KID=HEX", value_parser = centre_key)]
    centre_key: Vec<(String, VerifyingKey)>,
    /// Make another certificate for the server, of the same key
    #[arg(long, conflicts_with_all = ["reissue", "revoke"])]
    renew_server: bool,
    /// Give this device another key and certificate, and print the decision that puts them in force
    #[arg(long, value_name = "DEVICE", conflicts_with = "revoke")]
    reissue: Option<String>,
    /// Revoke this device's certificate, and print the decision that shuts the device out
    #[arg(long, value_name = "DEVICE", requires = "reason")]
    revoke: Option<String>,
    /// Why: part of the decision, and of the public record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// With --reissue, before the service is started for the first time: write the key into devices.csv instead
    #[arg(long, requires = "reissue", conflicts_with = "reason")]
    into_register: bool,
}

impl Provision {
    fn options(self) -> Result<provision::Options, String> {
        let task = match (self.reissue, self.revoke, self.reason) {
            (Some(device), _, None) if self.into_register => Task::Reissue { device, reason: None },
            (Some(_), _, None) => {
                return Err("--reissue: give --reason, or --into-register before the first start".to_owned());
            }
            (Some(device), _, reason) => Task::Reissue { device, reason },
            (None, Some(device), Some(reason)) => Task::Revoke { device, reason },
            (None, _, _) if self.renew_server => Task::RenewServer,
            (None, _, _) => Task::Fill,
        };
        let first = self.server_name.first().map_or("localhost", String::as_str);
        let default = if first.contains(':') { format!("[{first}]:8883") } else { format!("{first}:8883") };
        Ok(provision::Options {
            election: self.election,
            out: self.out,
            address: self.address.unwrap_or(default),
            server_names: self.server_name,
            centre_kid: self.centre_kid,
            centre_keys: self.centre_key,
            task,
        })
    }
}

/// A DNS name or an address.
fn server_name(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() < 64 && label.bytes().all(sound)
    };
    if text.parse::<IpAddr>().is_ok() || (text.len() < 254 && text.split('.').all(label)) {
        return Ok(text.to_owned());
    }
    Err("give a host name, such as centre.example, or an address".into())
}

fn host_and_port(text: &str) -> Result<String, String> {
    let wrong = || "give host:port, such as centre.example:8883 or [2001:db8::1]:8883".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match (server_name(host), port.parse::<u16>()) {
        (Ok(_), Ok(1..)) => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

fn kid(text: &str) -> Result<String, String> {
    config::is_kid(text)
        .then(|| text.to_owned())
        .ok_or_else(|| "give small letters, digits and hyphens, at most 32".into())
}

fn centre_key(text: &str) -> Result<(String, VerifyingKey), String> {
    let (name, digits) = text.split_once('=').ok_or("give KID=HEX")?;
    Ok((kid(name)?, parse_public(digits).map_err(|why| why.to_string())?))
}

/// Files for other web servers.
#[derive(Debug, Args)]
struct Publish {
    /// A directory, made when it is not there, or s3://bucket/prefix
    #[arg(value_name = "DIR")]
    target: String,
    /// The platform
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    from: String,
    /// Which election [default: the first that the platform names]
    #[arg(long, value_name = "ID")]
    election: Option<election::ElectionId>,
    /// Seconds between two looks for something new
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = seconds)]
    every: Duration,
    /// Write everything once and end
    #[arg(long)]
    once: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.25..=3_600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give seconds, from 0.25 to 3600".into()),
    }
}

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
        // Whoever reads the answer has read enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Outcome::Done.into(),
        Err(error) => {
            say(&error);
            match error {
                Failure::Election(_) | Failure::OtherFiles { .. } => Outcome::Misused.into(),
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
        Command::Provision(asked) => {
            let done = asked.options().map(|options| provision::run(&options, &mut stdout(), &mut stderr()));
            Ok(match done {
                Ok(Ok(())) => Outcome::Done,
                Ok(Err(trouble)) => {
                    say(&trouble);
                    trouble.outcome()
                }
                Err(usage) => {
                    writeln!(stderr(), "{usage}")?;
                    Outcome::Misused
                }
            })
        }
        Command::Publish(Publish { target, from, election, every, once }) => {
            let election = election.map(|id| id.to_string());
            let options = publish::Options { target, from, election, every, once };
            Ok(ended(runtime::block_on(publish::run(options))))
        }
        Command::Demo(Demo { precincts, speed, seed, http, data, once }) => {
            let args = DemoArgs { precincts, speed, seed, http, data, once };
            if let Err(mistake) = demo::check(&args) {
                writeln!(stderr(), "{mistake}")?;
                return Ok(Outcome::Misused);
            }
            Ok(ended(demo::run(args)))
        }
        Command::Fleet(asked) => Ok(ended(match asked.command {
            Some(FleetCommand::Compare { first, second, out }) => {
                rehearse::compare(&first, &second, out.as_deref())
            }
            Some(FleetCommand::Growth { sizes, out }) => rehearse::growth(&sizes, out.as_deref()),
            Some(FleetCommand::Country { precincts, terminals, parties, seed, out }) => {
                rehearse::country(Country { precincts, terminals, parties, seed }, &out)
            }
            None => rehearse::fleet(asked.run),
        })),
        Command::Viewers(asked) => Ok(ended(rehearse::viewers(asked))),
        Command::Archive(asked) => Ok(archive(asked)),
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

/// What became of the archive.
fn archive(asked: ArchiveCommand) -> Outcome {
    use archive_cmd::Task;
    let (place, task) = match asked {
        ArchiveCommand::Export { place, election, format, out } => {
            (place, Task::Export { election, format, out })
        }
        ArchiveCommand::Import { place, dir } => (place, Task::Import { dir }),
        ArchiveCommand::Seal { place, election } => (place, Task::Seal { election }),
        ArchiveCommand::Prepare { place } => (place, Task::Prepare),
    };
    match archive_cmd::run(&place.into(), task) {
        Ok(done) => {
            // Where stderr is closed there is nobody to tell; the code still says it.
            let _ = writeln!(stderr(), "{done}");
            Outcome::Done
        }
        Err(trouble) => {
            say(&trouble);
            if trouble.is_usage() { Outcome::Misused } else { Outcome::Failed }
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
