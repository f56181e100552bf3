//! `sanak serve`: the real thing.

use std::{io, sync::Arc};

use actors::Tempo;
use dashboard::Person;
use device_gateway::Signer;
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    cli::Outcome,
    clock::{Machine, NightClock, Watch},
    config::Config,
    platform::{Platform, Settings},
    runtime,
};

/// Runs the platform until it is told to stop.
///
/// # Errors
/// Where it cannot start.
pub fn run(config: Config) -> io::Result<Outcome> {
    runtime::block_on(serve(config))
}

async fn serve(config: Config) -> io::Result<Outcome> {
    let room = config.room.into_iter().map(|token| Person { name: token.name, token_sha256: token.sha256 });
    let old_keys = config.centre.old_keys.into_iter().map(|(kid, key)| (kid, key.to_bytes()));
    let settings = Settings {
        election: config.election,
        data: config.data_dir,
        mqtt: config.mqtt,
        http: config.http,
        metrics: config.metrics,
        signer: Signer { kid: config.centre.kid, key: config.centre.key },
        old_keys: old_keys.collect(),
        room: room.collect(),
        quota: config.quota,
        live_readers: config.live_readers,
        awake_precincts: config.awake_precincts,
        documents: config.documents,
        history: config.history,
    };
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let required = config.centre.require_synchronised_clock;
    let platform = Platform::start(settings, |last_record| {
        let clock = Arc::new(NightClock::new(Arc::new(Machine::default()), last_record).strict(required));
        let watch = Watch::start(Arc::clone(&clock), required);
        (clock as Arc<dyn Tempo>, Some(watch))
    })
    .await;
    let platform = platform.map_err(io::Error::other)?;
    say_ready(&platform);
    loop {
        tokio::select! {
            _ = hung_up.recv() => reload(&platform),
            _ = terminated.recv() => break,
            interrupted = tokio::signal::ctrl_c() => break interrupted?,
        }
    }
    tracing::info!("stopping");
    platform.stop().await;
    Ok(Outcome::Done)
}

/// `systemctl reload`: certificates that were renewed take effect, and nobody is disconnected.
fn reload(platform: &Platform) {
    match platform.reload_certificates() {
        Ok(()) => tracing::info!("certificates and keys were read again, for connections to come"),
        Err(error) => tracing::error!(%error, "certificates and keys stay as they were"),
    }
}

/// The one line that whoever started us waits for (PROTOCOL §4).
#[expect(clippy::print_stderr, reason = "this line is not of the log: it is read by programs")]
pub fn say_ready(platform: &Platform) {
    let mqtt = platform.mqtt.map_or("external".to_owned(), |address| address.to_string());
    eprintln!("ready http={} mqtt={mqtt} metrics={}", platform.http, platform.metrics);
}
