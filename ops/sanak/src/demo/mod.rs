//! `sanak demo`: the whole system and a simulated fleet over real MQTT, through the day and night of the
//! demonstration election.

mod clock;
mod election;
mod progress;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::election::Timestamp;
use actors::Tempo;
use dashboard::Person;
use device_gateway::Signer;
use device_wire::{CentreKeys, SigningKey};
use load_tests::{FleetPlan, Ledger, SimClock, Summary};
use tokio::sync::watch;

use crate::{
    cli::Outcome,
    config::{self, HistoryPlaces, Mqtt, Shelves},
    demo::clock::DemoClock,
    limits,
    platform::{Platform, Settings},
    runtime,
    serve::say_ready,
};

/// The simulated day begins this long before polls open.
const BEFORE_OPENING: Duration = Duration::from_secs(3_600);
/// Without `--speed`: the pace of the day, and that of the night from shortly before polls close.
const DAY_PACE: f64 = 480.0;
const NIGHT_PACE: f64 = 60.0;
const NIGHT_BEGINS: Duration = Duration::from_secs(600);
/// A night that has not ended so long after polls closed is given up…
const LONGEST: Duration = Duration::from_secs(6 * 3_600);
/// …when nothing has happened for so long, in real time: twice the longest wait before a device tries again.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `sanak demo` is told.
#[derive(Debug, Clone)]
pub struct DemoArgs {
    /// How many precincts; all of them if `None`.
    pub precincts: Option<usize>,
    /// Simulated seconds in a real one; a fast day and a slower night if `None`.
    pub speed: Option<f64>,
    /// What the simulated country does follows from it.
    pub seed: u64,
    /// Address of the page and the API.
    pub http: SocketAddr,
    /// Where the journal is kept; a directory that is removed at the end if `None`.
    pub data: Option<PathBuf>,
    /// End when all precincts have reported, with a summary.
    pub once: bool,
}

/// Looks at what a demonstration is told before anything starts.
///
/// # Errors
/// What is wrong with it, in one sentence.
pub fn check(args: &DemoArgs) -> Result<(), String> {
    election::has(args.precincts).map_err(|what| format!("--precincts: {what}"))?;
    config::is_free(args.http).map_err(|what| format!("--http: {what}"))?;
    args.data.as_deref().map_or(Ok(()), config::writable).map_err(|what| format!("--data: {what}"))
}

/// Runs the demonstration.
///
/// # Errors
/// Where it cannot start.
pub fn run(args: DemoArgs) -> io::Result<Outcome> {
    let temporary;
    let data = match &args.data {
        Some(data) => data.clone(),
        None => {
            temporary = tempfile::Builder::new().prefix("sanak-demo-").tempdir()?;
            temporary.path().to_owned()
        }
    };
    runtime::block_on(demonstrate(args, &data))
}

async fn demonstrate(args: DemoArgs, data: &Path) -> io::Result<Outcome> {
    let settings = settings(&args, data)?;
    let room_tokens = ROOM.map(|(_, token)| token.to_owned());
    let about = settings.election.definition.about().clone();
    let definition = Arc::new(settings.election.definition.clone());
    let devices = definition.devices().len();
    limits::raise(limits::needed(devices * 2))?;
    let centre = settings.signer.clone();

    let mut clock = None;
    let platform = Platform::start(settings, |last| {
        let begin = last.unwrap_or(about.polls_open - BEFORE_OPENING);
        let made = Arc::new(match args.speed {
            Some(speed) => DemoClock::steady(begin, speed),
            None => DemoClock::day_and_night(begin, DAY_PACE, about.polls_close - NIGHT_BEGINS, NIGHT_PACE),
        });
        clock = Some(Arc::clone(&made));
        (made as Arc<dyn Tempo>, None)
    });
    let platform = platform.await.map_err(io::Error::other)?;
    let (Some(clock), Some(mqtt)) = (clock, platform.mqtt) else {
        return Err(io::Error::other("the demonstration has no clock or no address for its devices"));
    };
    say_address(&args, platform.http);
    say_ready(&platform);

    let seed = args.seed;
    let plan = FleetPlan {
        definition: Arc::clone(&definition),
        seed,
        mqtt,
        bundles: None,
        http: platform.http,
        centre_keys: CentreKeys::one(&centre.kid, centre.key.verifying_key()),
        room_tokens,
        keys: Arc::new(move |device| load_tests::derived_key(seed, device.as_str())),
        ledger_dir: Some(data.join("fleet")),
        faults: true,
        sockets_a_device: 2,
        ends: about.polls_close + LONGEST,
        patience: PATIENCE,
        clock: Arc::clone(&clock) as Arc<dyn SimClock>,
    };
    let (tell, told) = watch::channel(Default::default());
    let bar = tokio::spawn(progress::show(told, Arc::clone(&clock), about.timezone.clone()));
    let ledger = tokio::select! {
        ledger = load_tests::run(plan, tell) => ledger.map_err(io::Error::other)?,
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            bar.abort();
            platform.stop().await;
            return Ok(Outcome::Done);
        }
    };
    // The bar ends with the fleet's side of its channel.
    let _ = bar.await;
    let outcome = sum_up(&args, &platform, &definition, &ledger).await?;
    if !args.once {
        tokio::signal::ctrl_c().await?;
    }
    platform.stop().await;
    Ok(outcome)
}

/// Nobody but the simulated commission decides anything in a demonstration, and only on this machine: its people, and
/// what each of them says of themselves.
const ROOM: [(&str, &str); 2] =
    [("Simulated commission", "demonstration"), ("Simulated second operator", "second demonstration")];

fn settings(args: &DemoArgs, data: &Path) -> io::Result<Settings> {
    let files = election::files(args.precincts, args.seed).map_err(io::Error::other)?;
    let dir = data.join("election");
    election::write(&files, &dir)?;
    let election = election_files::load(&dir).map_err(io::Error::other)?;
    let centre: SigningKey = load_tests::derived_key(args.seed, "centre");
    Ok(Settings {
        election,
        data: data.to_owned(),
        mqtt: Mqtt::Direct { plain: Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))), tls: None },
        http: args.http,
        metrics: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        signer: Signer { kid: "centre".into(), key: centre },
        old_keys: Vec::new(),
        room: ROOM.map(|(name, token)| Person::new(name, token)).into(),
        quota: device_gateway::Quota::default(),
        live_readers: dashboard::Limits::default().live_readers,
        awake_precincts: actors::MOST_AWAKE,
        documents: Shelves::Directory(data.join("documents")),
        history: HistoryPlaces::default(),
    })
}

/// Compares what is shown with what was sent, and says so.
async fn sum_up(
    args: &DemoArgs,
    platform: &Platform,
    definition: &::election::Definition,
    ledger: &Ledger,
) -> io::Result<Outcome> {
    let found = load_tests::verify_settled(platform.http, definition, ledger).await;
    let summary = Summary::of(definition, ledger, &found.map_err(io::Error::other)?);
    print_summary(args, &summary)?;
    Ok(if summary.is_good() { Outcome::Done } else { Outcome::Failed })
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the command's answer")]
fn print_summary(args: &DemoArgs, summary: &Summary) -> io::Result<()> {
    if args.once {
        println!("{}", serde_json::to_string(summary)?);
        return Ok(());
    }
    eprintln!(
        "The night has ended: {} of {} precincts reported, {} reports sent, {} lost; what is shown {} what was \
         sent. The page stays; stop with Ctrl-C.",
        summary.reported,
        summary.precincts,
        summary.reports_sent,
        summary.lost,
        if summary.totals_match { "is" } else { "IS NOT" },
    );
    Ok(())
}

#[expect(clippy::print_stderr, reason = "what a newcomer looks for")]
fn say_address(args: &DemoArgs, http: SocketAddr) {
    let note = if args.speed.is_some() { "" } else { " The day passes fast, the night more slowly." };
    eprintln!(
        "\n  Sanak shows the night at  http://{http}/\n\n  It is a simulation.{note} Stop with Ctrl-C.\n"
    );
}

/// Time of day at home.
fn time_of_day(at: Timestamp, timezone: &str) -> String {
    let zoned = i64::try_from(at.millis())
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .and_then(|moment| moment.in_tz(timezone).ok());
    zoned.map_or_else(String::new, |zoned| zoned.strftime("%H:%M").to_string())
}
