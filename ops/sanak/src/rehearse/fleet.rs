//! `sanak fleet`: from options to a rehearsal, and from its outcome to files.

use std::{
    fs, io,
    io::{Write, stderr, stdout},
    path::{Path, PathBuf},
    sync::Arc,
};

use election::DeviceId;
use load_tests::{
    Keys,
    bundles::Bundles,
    derived_key,
    rehearsal::{CARRIED, Outcome as Found, Plan, Scenario, Watched, run},
    report,
    synthetic::Country,
    viewers::ViewersPlan,
};
use tokio::sync::watch;

use crate::{cli::Outcome, runtime};

use super::{
    args::FleetRun,
    bar,
    system::{broker, centre_keys, http},
};

/// Largest report that is read again, bytes.
const MAX_REPORT: u64 = 64 << 20;

/// Runs a rehearsal.
///
/// # Errors
/// Where stdout or the files cannot be written.
pub fn fleet(asked: FleetRun) -> io::Result<Outcome> {
    if asked.list {
        return list();
    }
    let plan = match runtime::block_on(async { Ok(plan(&asked).await) })? {
        Ok(plan) => plan,
        Err(what) => {
            writeln!(stderr(), "{what}")?;
            return Ok(Outcome::Misused);
        }
    };
    let found = runtime::block_on(async {
        let (tell, told) = watch::channel(Default::default());
        let bar = tokio::spawn(bar::show(told));
        let found = tokio::select! {
            found = run(plan, tell) => Some(found),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                None
            }
        };
        // The bar ends with the rehearsal's side of its channel.
        let _ = bar.await;
        Ok(found)
    })?;
    match found {
        None => {
            writeln!(stderr(), "interrupted: nothing was compared and no report was written")?;
            Ok(Outcome::Failed)
        }
        Some(Err(error)) => {
            writeln!(stderr(), "{error}")?;
            Ok(Outcome::Misused)
        }
        Some(Ok(found)) => {
            if let Some(out) = &asked.out {
                write(&found, out)?;
            }
            say(&found, asked.out.as_deref())?;
            Ok(if found.is_good() { Outcome::Done } else { Outcome::Failed })
        }
    }
}

fn list() -> io::Result<Outcome> {
    let mut out = stdout().lock();
    for carried in CARRIED {
        let title = Scenario::parse(carried.text, carried.name).map_err(io::Error::other)?.title;
        writeln!(out, "{:<14}{title}", carried.name)?;
    }
    Ok(Outcome::Done)
}

async fn plan(asked: &FleetRun) -> Result<Plan, String> {
    let scenario = scenario(asked)?;
    let (Some(dir), Some(url)) = (&asked.election, &asked.broker) else {
        return Err("give --election and --broker".to_owned());
    };
    let broker = broker(url)?;
    let http = asked.url.as_deref().map(http).transpose()?;
    let loaded = election_files::load(dir).map_err(|mistakes| mistakes.to_string())?;
    let definition = Arc::new(loaded.definition);
    let election = definition.about().id.to_string();
    let (bundles, keys) = credentials(asked, &broker.host, broker.secure, &definition)?;
    let viewers = asked.viewers.zip(http).map(|(viewers, http)| ViewersPlan {
        http,
        election: election.clone(),
        viewers,
        units: asked.units.clone(),
        slow: 0,
        reconnecting: 0,
        witness: true,
    });
    Ok(Plan {
        name: asked.scenario.clone(),
        scenario,
        seed: asked.seed,
        definition,
        mqtt: broker.address,
        bundles,
        keys,
        centre_keys: centre_keys(http, &election, asked.bundles.as_deref()).await?,
        http,
        watched: Watched { pid: asked.pid, metrics: asked.metrics },
        viewers,
        patience: asked.patience.0,
    })
}

/// The scenario with what the command line changes in it.
fn scenario(asked: &FleetRun) -> Result<Scenario, String> {
    let mut scenario = Scenario::find(&asked.scenario).map_err(|why| why.to_string())?;
    if let Some(rate) = asked.rate {
        let rated = scenario.load.iter_mut().filter(|load| load.rate.is_some());
        if rated.map(|load| load.rate = Some(rate)).count() == 0 {
            return Err(format!("--rate: no load of {} has a rate", asked.scenario));
        }
        // What was to be reached at another rate is not to be reached now.
        scenario.objectives.rate = scenario.objectives.rate.map(|_| rate * 0.98);
    }
    if let Some(lasts) = asked.lasts {
        match scenario.load.as_mut_slice() {
            [load] => load.lasts = lasts,
            [] => scenario.lasts = lasts,
            _ => return Err(format!("--for: {} has several loads; give a file of your own", asked.scenario)),
        }
    }
    let stated = asked.objective.iter().map(|given| objective(given)).collect::<Result<Vec<_>, _>>()?;
    scenario.with_objectives(&stated.join("\n")).map_err(|why| why.to_string())
}

/// `receipt_p99=100ms` as a line of TOML.
fn objective(given: &str) -> Result<String, String> {
    let (key, value) =
        given.split_once('=').ok_or_else(|| format!("--objective: {given} is not KEY=VALUE"))?;
    let number = value.parse::<f64>().is_ok_and(f64::is_finite);
    Ok(if number {
        format!("{key} = {:.3}", value.parse::<f64>().unwrap_or(0.0))
    } else {
        format!("{key} = {value:?}")
    })
}

/// What devices connect and sign with.
fn credentials(
    asked: &FleetRun,
    host: &str,
    secure: bool,
    definition: &election::Definition,
) -> Result<(Option<Arc<Bundles>>, Keys), String> {
    if let Some(seed) = asked.keys_from_seed {
        if secure {
            return Err(
                "mqtts:// needs --bundles: a device's certificate is not derived from a seed".to_owned()
            );
        }
        let keys: Keys = Arc::new(move |device: &DeviceId| derived_key(seed, device.as_str()));
        fits(definition, &keys, &format!("--keys-from-seed {seed}"))?;
        return Ok((None, keys));
    }
    let Some(dir) = &asked.bundles else {
        return Err("give --bundles, or --keys-from-seed: devices sign their reports".to_owned());
    };
    let bundles = Arc::new(Bundles::open(dir, host).map_err(|why| why.to_string())?);
    if let Some(device) = definition.devices().keys().next() {
        bundles.key(device).map_err(|why| format!("--bundles: {why}"))?;
    }
    let held = Arc::clone(&bundles);
    // A bundle that is missing in the midst: its device is refused, and counted as lost.
    let keys: Keys = Arc::new(move |device: &DeviceId| {
        held.key(device).unwrap_or_else(|_| derived_key(0, device.as_str()))
    });
    fits(definition, &keys, &format!("--bundles {}", dir.display()))?;
    Ok((secure.then_some(bundles), keys))
}

/// Whether the first device's key is the one that the election files name.
fn fits(definition: &election::Definition, keys: &Keys, given: &str) -> Result<(), String> {
    let first = definition.devices().values().find(|device| device.public_key.is_some());
    let Some(first) = first else {
        return Err("devices.csv names no public key: provision the election first".to_owned());
    };
    if first.public_key == Some(keys(&first.id).verifying_key().to_bytes()) {
        return Ok(());
    }
    Err(format!("{given}: the key of {} is another one than devices.csv names", first.id))
}

fn write(found: &Found, out: &Path) -> io::Result<()> {
    let told = |path: &Path, why: io::Error| io::Error::other(format!("{}: {why}", path.display()));
    fs::create_dir_all(out).map_err(|why| told(out, why))?;
    let json = serde_json::to_vec_pretty(found)?;
    for (name, content) in [("report.json", json), ("report.html", report::page(found).into_bytes())] {
        let path = out.join(name);
        fs::write(&path, content).map_err(|why| told(&path, why))?;
    }
    Ok(())
}

/// The verdict on stdout.
fn say(found: &Found, out: Option<&Path>) -> io::Result<()> {
    let mut to = stdout().lock();
    writeln!(to, "{}", found.scenario.title)?;
    let (counts, receipt, frame) = (found.counts, found.receipt, found.frame);
    writeln!(
        to,
        "{} devices, {} reports, {:.0} a second; publish to receipt p50 {} p99 {} all {} ms",
        counts.devices, counts.reports, found.rate, receipt.p50, receipt.p99, receipt.max
    )?;
    if frame.count > 0 {
        writeln!(to, "publish to a viewer's frame p50 {} p99 {} all {} ms", frame.p50, frame.p99, frame.max)?;
    }
    if let (Some(us), Some(verifies)) = (found.cost.service_us_a_report, found.cost.verifies_a_report) {
        let verify = found.cost.verify_us;
        writeln!(
            to,
            "service's processor a report {us} µs: {verifies} × one verification of {verify} µs after the run"
        )?;
    }
    if let (Some(one), Some(verifies)) =
        (found.cost.verify_under_load_us, found.cost.verifies_a_report_under_load)
    {
        writeln!(to, "  {verifies} × one verification of {one} µs while the run went on, by the clock")?;
    }
    for objective in &found.objectives {
        let held = if objective.met { "held  " } else { "MISSED" };
        writeln!(to, "  {held}  {}: {} ({})", objective.what, objective.was, objective.wanted)?;
    }
    for trouble in found.troubles.iter().take(5) {
        writeln!(to, "  {trouble}")?;
    }
    if let Some(out) = out {
        writeln!(to, "{}", out.join("report.html").display())?;
    }
    Ok(())
}

/// Makes a country.
///
/// # Errors
/// Where it cannot be written.
pub fn country(country: Country, out: &Path) -> io::Result<Outcome> {
    if let Err(what) = country.check() {
        writeln!(stderr(), "{what}")?;
        return Ok(Outcome::Misused);
    }
    country.write(out)?;
    writeln!(stdout(), "{} precincts in {}", country.precincts, out.join("election").display())?;
    Ok(Outcome::Done)
}

/// Lays two rehearsals side by side.
///
/// # Errors
/// Where stdout or the page cannot be written.
pub fn compare(first: &Path, second: &Path, out: Option<&Path>) -> io::Result<Outcome> {
    let (first, second) = match (read(first), read(second)) {
        (Ok(first), Ok(second)) => (first, second),
        (Err(what), _) | (_, Err(what)) => {
            writeln!(stderr(), "{what}")?;
            return Ok(Outcome::Misused);
        }
    };
    stdout().write_all(report::table(&first, &second).as_bytes())?;
    if let Some(out) = out {
        fs::write(out, report::comparison(&first, &second))
            .map_err(|why| io::Error::other(format!("{}: {why}", out.display())))?;
    }
    Ok(Outcome::Done)
}

/// Lays the same rehearsal of countries of several sizes side by side.
///
/// # Errors
/// Where stdout or the page cannot be written.
pub fn growth(dirs: &[PathBuf], out: Option<&Path>) -> io::Result<Outcome> {
    let mut sizes = match dirs.iter().map(|dir| size(dir)).collect::<Result<Vec<_>, _>>() {
        Ok(sizes) => sizes,
        Err(what) => {
            writeln!(stderr(), "{what}")?;
            return Ok(Outcome::Misused);
        }
    };
    let costs = report::costs(&mut sizes);
    stdout().write_all(report::growth_table(&costs).as_bytes())?;
    if let Some(out) = out {
        fs::write(out, report::growth_page(&costs))
            .map_err(|why| io::Error::other(format!("{}: {why}", out.display())))?;
    }
    let faster = costs.iter().any(|cost| cost.in_all && cost.is_worse_than_linear());
    Ok(if faster { Outcome::Failed } else { Outcome::Done })
}

fn size(dir: &Path) -> Result<report::Size, String> {
    let seconds = |name: &str| -> Result<Option<f64>, String> {
        let path = dir.join(name);
        let told = |what: String| format!("{}: {what}", path.display());
        match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| told("not a number of seconds".to_owned())),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(told(why.to_string())),
        }
    };
    Ok(report::Size {
        found: read(&dir.join("report.json"))?,
        ready: seconds("ready")?,
        ready_again: seconds("ready-again")?,
    })
}

fn read(path: &Path) -> Result<Found, String> {
    let told = |what: String| format!("{}: {what}", path.display());
    let size = fs::metadata(path).map_err(|why| told(why.to_string()))?.len();
    if size > MAX_REPORT {
        return Err(told(format!("{size} bytes are too many for a report")));
    }
    let text = fs::read(path).map_err(|why| told(why.to_string()))?;
    serde_json::from_slice(&text).map_err(|why| told(format!("not a report of sanak fleet: {why}")))
}
