//! The options of `sanak fleet` and `sanak viewers`.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Subcommand};
use load_tests::rehearsal::Span;

pub(crate) const FLEET_ABOUT: &str = "\
Rehearse a night against any running system: a fleet of devices that speak MQTT as real ones do.

What devices say follows from a scenario and a seed. Reports go out at their intended moments, whether answers come or \
not, and latencies are counted from those moments. At the end totals are compared with what the platform shows. Nothing \
is ever sent to an election that is not marked as a test, or whose polls have not closed.";

pub(crate) const FLEET_EXAMPLES: &str = "\
Ends with code 0 where everything held, 1 where an objective was missed, a report was lost or a total differs, 2 where it \
could not begin.

Examples:
  $ sanak fleet --list
  $ sanak fleet --election test/2026 --bundles /secure/test --broker mqtts://centre.example:8883 \\
      --url http://centre.example --scenario burst --viewers 5000 --out rehearsal
  $ sanak fleet --election country --keys-from-seed 1 --broker mqtt://127.0.0.1:1883 --url http://127.0.0.1:8080 \\
      --metrics 127.0.0.1:9090 --pid $(pgrep -x sanak) --scenario steady --rate 4000 --for 60s --out steady-4000
  $ sanak fleet --scenario my-night.toml --objective receipt_p99=100ms …
  $ sanak fleet compare before/report.json after/report.json --out difference.html

In --out: report.html, which asks nobody for anything, and report.json. The form of a scenario: load-tests/README.md.";

/// A rehearsal, or what goes with it.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Fleet {
    /// Instead of a rehearsal.
    #[command(subcommand)]
    pub command: Option<FleetCommand>,
    #[command(flatten)]
    pub(crate) run: FleetRun,
}

/// What goes with rehearsals.
#[derive(Debug, Subcommand)]
pub enum FleetCommand {
    /// Lay two rehearsals side by side
    Compare {
        /// The first report.json
        first: PathBuf,
        /// The second report.json
        second: PathBuf,
        /// Write a page as well
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// How cost grows: the same rehearsal of countries of several sizes
    #[command(after_long_help = GROWTH_NOTE)]
    Growth {
        /// What --out of each made
        #[arg(required = true, num_args = 2.., value_name = "DIR")]
        sizes: Vec<PathBuf>,
        /// Write a page with the plot as well
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Make a country of any size: election files, keys from a seed, and a configuration for sanak serve
    #[command(after_long_help = COUNTRY_EXAMPLE)]
    Country {
        /// How many precincts, each with an urn
        #[arg(long, value_name = "N")]
        precincts: u32,
        /// ID terminals of each precinct
        #[arg(long, value_name = "N", default_value_t = 1)]
        terminals: u32,
        /// Parties on the ballot
        #[arg(long, value_name = "N", default_value_t = 20)]
        parties: u32,
        /// What keys and figures follow from
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
        /// Where it goes: a directory where no election stands yet
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

const GROWTH_NOTE: &str = "\
Beside report.json a directory may have files of one number, seconds: `ready`, until the service was ready with nothing on \
record, and `ready-again`, with the night on record. `make bench-growth` makes them.

Ends with code 1 where a cost of the whole country grows faster than the country.";

const COUNTRY_EXAMPLE: &str = "\
Example: as many precincts as India has, once each
  $ sanak fleet country --precincts 1000000 --terminals 0 --out india
  $ sanak serve --config india/sanak.toml &
  $ sanak fleet --election india/election --keys-from-seed 1 --broker mqtt://127.0.0.1:1883 \\
      --url http://127.0.0.1:8080 --metrics 127.0.0.1:9090 --scenario country --for 10m --out india/report";

/// A rehearsal.
#[derive(Debug, Args)]
pub struct FleetRun {
    /// List the scenarios that come with the program
    #[arg(long)]
    pub list: bool,
    /// A scenario of --list, or a file
    #[arg(long, value_name = "NAME|FILE", default_value = "burst")]
    pub scenario: String,
    /// The election files: a test, whose polls have closed
    #[arg(long, value_name = "DIR", required_unless_present = "list")]
    pub election: Option<PathBuf>,
    /// Where devices connect: mqtts://host:port with --bundles, or mqtt://host:port
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    pub broker: Option<String>,
    /// What `sanak provision --out` made: devices' keys and certificates, and the centre's public key
    #[arg(long, value_name = "DIR")]
    pub bundles: Option<PathBuf>,
    /// The devices' keys are those that `sanak fleet country` or `sanak demo` derived from this seed
    #[arg(long, value_name = "N", conflicts_with = "bundles")]
    pub keys_from_seed: Option<u64>,
    /// Where the platform is read, to compare totals: http://host:port
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The service's metrics, for plots of its queues
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<SocketAddr>,
    /// The service's process on this machine, for plots of processor and memory
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// So many viewers follow the live feed meanwhile; needs --url
    #[arg(long, value_name = "N", requires = "url")]
    pub viewers: Option<u64>,
    /// What viewers follow, such as country,abroad,regions [default: all but precincts]
    #[arg(long, value_name = "UNITS")]
    pub units: Option<String>,
    /// What is said follows from this number
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Another rate for loads that have one, in reports a second
    #[arg(long, value_name = "N")]
    pub rate: Option<f64>,
    /// Another length for a scenario with a single load
    #[arg(long = "for", value_name = "SPAN")]
    pub lasts: Option<Span>,
    /// Another objective, such as receipt_p99=100ms; may be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub objective: Vec<String>,
    /// Once everything was to be said, give up after nothing has happened for so long
    #[arg(long, value_name = "SPAN", default_value = "60s")]
    pub patience: Span,
    /// Where report.html and report.json go
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

pub(crate) const VIEWERS_EXAMPLES: &str = "\
Each viewer keeps to the protocol by itself; each distinct frame is checked in full: parents are the sums of their parts, \
votes and invalid ballots are the ballots, no more precincts have reported than there are, no count falls without a \
correction, no vote is there before its time. Ends with code 1 where anything of that is broken, or viewers did not come.

Latencies from publish to frame need the fleet's intended moments: `sanak fleet --viewers N` measures them.

Examples:
  $ sanak viewers --url http://127.0.0.1:8080 --election kg-2026 -n 5000 --for 2m
  $ sanak viewers --url http://127.0.0.1:8080 --election kg-2026 -n 1000 --slow 50 --reconnecting 200 --units country | jq .";

/// Readers of the live feed.
#[derive(Debug, Args)]
pub struct Viewers {
    /// Where the platform is read: http://host:port
    #[arg(long, value_name = "URL")]
    pub url: String,
    /// The election's id
    #[arg(long, value_name = "ID")]
    pub election: String,
    /// How many
    #[arg(short = 'n', long = "count", value_name = "N", default_value_t = 1_000)]
    pub count: u64,
    /// How long
    #[arg(long = "for", value_name = "SPAN", default_value = "60s")]
    pub lasts: Span,
    /// What they follow, such as country,abroad,regions [default: all but precincts]
    #[arg(long, value_name = "UNITS")]
    pub units: Option<String>,
    /// So many of them take a frame only every five seconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub slow: u64,
    /// So many of them leave every seven seconds and come back with what they hold
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub reconnecting: u64,
    /// One more sees every precinct: frames are checked down to precincts
    #[arg(long)]
    pub witness: bool,
}
