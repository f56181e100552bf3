//! Sanak's side of `make bench-fanout`: the versions of a recorded night, published through the real feed and the real
//! server, with nothing else in the process.
//! `feed_of_a_night frames ELECTION RECORDED UNITS FIRST VERSIONS FILE`: the frames that its readers will get, each after
//! its length.
//! `feed_of_a_night serve ELECTION RECORDED FIRST VERSIONS`: publishes the next version whenever a line comes.
//! RECORDED is what `/events?units=precincts` said; its first FIRST frames are the version that readers find.
#![allow(clippy::unwrap_used, dead_code)] // stands on what the tests stand on
#![expect(clippy::print_stdout, reason = "its answer")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{error::Error, fs, sync::Arc};

use election::{
    Count, Definition, PrecinctId,
    figures::{ContestFigures, Figures, Phase, SourceFigures},
};
use feed::{Cut, Next};
use serde_json::Value;
use support::{House, country::Night};
use tokio::{io::AsyncReadExt, net::TcpListener};

const USAGE: &str = "usage: feed_of_a_night frames ELECTION RECORDED UNITS FIRST VERSIONS FILE | \
                     feed_of_a_night serve ELECTION RECORDED FIRST VERSIONS";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["frames", election, recorded, units, first, versions, file] => {
            let (definition, cuts) = night(election, recorded, first.parse()?, versions.parse()?)?;
            frames(&definition, cuts, units, file)
        }
        ["serve", election, recorded, first, versions] => {
            let (definition, cuts) = night(election, recorded, first.parse()?, versions.parse()?)?;
            serve(definition, cuts).await
        }
        _ => Err(USAGE.into()),
    }
}

/// What readers find, and what is published then.
type Cuts = Vec<Cut>;

fn night(
    election: &str,
    recorded: &str,
    first: usize,
    versions: usize,
) -> Result<(Arc<Definition>, Cuts), Box<dyn Error>> {
    let loaded = election_files::load(election.as_ref()).map_err(|mistakes| mistakes.to_string())?;
    let definition = Arc::new(loaded.definition);
    let text = fs::read_to_string(recorded)?;
    let mut frames = text.lines().filter_map(|line| line.strip_prefix("data: ")).map(serde_json::from_str);
    let mut night = Night::new(&definition);
    for frame in frames.by_ref().take(first) {
        put(&mut night, &frame?);
    }
    let mut cuts = vec![night.cut()];
    for frame in frames {
        put(&mut night, &frame?);
        let cut = night.cut();
        if !cut.changes.is_empty() && cuts.len() <= versions {
            cuts.push(cut);
        }
    }
    if cuts.len() <= versions {
        return Err(format!("{recorded} has {} versions after {first} frames", cuts.len() - 1).into());
    }
    Ok((definition, cuts))
}

/// Takes over what a frame says of precincts.
fn put(night: &mut Night, frame: &Value) {
    night.votes = frame["embargo_until"].is_null();
    for unit in frame["units"].as_array().into_iter().flatten() {
        let number: u32 = unit["id"].as_str().unwrap().strip_prefix("precinct:").unwrap().parse().unwrap();
        let mut figures = night.of(number);
        read(&mut figures, unit, &night.definition);
        night.put(PrecinctId::new(number).unwrap(), figures);
    }
}

fn read(figures: &mut Figures, unit: &Value, definition: &Definition) {
    let phase = Phase::ALL.iter().position(|phase| unit["phase"] == phase.as_str()).unwrap();
    figures.phases = [0; 6];
    figures.phases[phase] = 1;
    let small = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let count = |value: &Value| Count::new(value.as_u64().unwrap_or(0));
    figures.reported_registered = count(&unit["reported"]["registered"]);
    figures.turnout.identified = count(&unit["turnout"]["identified"]);
    figures.turnout.precincts = small(&unit["turnout"]["precincts"]);
    figures.turnout.registered = count(&unit["turnout"]["registered"]);
    figures.quarantined = small(&unit["quarantined"]);
    figures.discrepancies = small(&unit["discrepancies"]);
    for contest in &mut figures.contests {
        let ContestFigures { contest: ix, urns, protocols, .. } = contest;
        let about = definition.contest(*ix);
        let shown = &unit["contests"][about.id.to_string()];
        let source = |of: &mut SourceFigures, shown: &Value| {
            of.precincts = small(&shown["precincts"]);
            of.registered = count(&shown["registered"]);
            of.ballots = count(&shown["ballots"]);
            of.invalid = count(&shown["invalid"]);
            for (votes, option) in of.votes.iter_mut().zip(&about.options) {
                *votes = count(&shown["votes"][option.id.to_string()]);
            }
        };
        source(urns, &shown["urns"]);
        source(protocols, &shown["protocols"]);
    }
}

fn frames(definition: &Arc<Definition>, cuts: Cuts, units: &str, file: &str) -> Result<(), Box<dyn Error>> {
    let feed = support::country::feed(definition);
    let filter = feed.filter(units)?;
    let mut cuts = cuts.into_iter();
    let mut held = feed.publish(cuts.next().ok_or("no version")?)?;
    let mut out = Vec::new();
    for cut in cuts {
        let next = feed.publish(cut)?;
        let Next::Delta(frame) = feed.delta(&held, &filter) else {
            return Err("a version without a delta".into());
        };
        out.extend_from_slice(&u32::try_from(frame.json.len())?.to_be_bytes());
        out.extend_from_slice(&frame.json);
        held = next;
    }
    Ok(fs::write(file, out)?)
}

async fn serve(definition: Arc<Definition>, cuts: Cuts) -> Result<(), Box<dyn Error>> {
    let house = House::electing(definition, |_| {}, None).await;
    let mut cuts = cuts.into_iter();
    house.feed.publish(cuts.next().ok_or("no version")?)?;
    let control = TcpListener::bind("127.0.0.1:0").await?;
    println!("ready readers={} publish={}", house.server.address, control.local_addr()?);
    let (mut control, _) = control.accept().await?;
    while control.read_u8().await.is_ok() {
        house.feed.publish(cuts.next().ok_or("there are no more versions")?)?;
    }
    house.server.stop().await;
    Ok(())
}
