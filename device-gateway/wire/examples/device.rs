//! A device by hand: makes and signs messages, and reads receipts. It speaks no MQTT: `DEVICE-GUIDE.md` shows how
//! Mosquitto's clients carry what it writes.
//!
//! ```text
//! device report BUNDLE OUTBOX opening                                        an ID terminal's
//! device report BUNDLE OUTBOX turnout|closing COUNT
//! device report BUNDLE OUTBOX opening CONTEST…                               an urn's
//! device report BUNDLE OUTBOX tally CONTEST BALLOTS INVALID OPTION=VOTES…
//! device due BUNDLE OUTBOX                     the oldest report without a receipt, to be sent again
//! device receipt BUNDLE OUTBOX                 reads a receipt from stdin, and says what it means
//! device heartbeat BUNDLE OUTBOX
//! device state BUNDLE OUTBOX online|offline
//! ```
//! BUNDLE is a directory with `device.toml`; OUTBOX is a file that is made when it is not there. Messages go to
//! stdout as they are to be published.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    io::{Read, Write, stderr, stdin, stdout},
    path::Path,
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use device_wire::{
    CentreKeys, Channel,
    device::{Identity, Outbox, Vitals},
    keys::{parse_public, read_private},
    verify_receipt,
};
use election::{
    Count, Timestamp,
    report::{Body, ContestTally, Presence, Tally, Turnout},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is closed there is nobody to tell; the code still says it.
            let _ = writeln!(stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Outcome<()> {
    let [command, bundle, outbox, rest @ ..] = arguments else {
        return Err("say: device report|due|receipt|heartbeat|state BUNDLE OUTBOX …".into());
    };
    let (identity, centre) = read(Path::new(bundle))?;
    let mut outbox = Outbox::open(Path::new(outbox), identity)?;
    let message = match (*command, rest) {
        ("report", words) => outbox.make(body(words)?, now()?)?.to_vec(),
        ("due", []) => {
            outbox.due(Duration::ZERO, &mut || 0).first().ok_or("nothing waits for a receipt")?.to_vec()
        }
        ("heartbeat", []) => outbox.heartbeat(Vitals::default(), now()?)?,
        // A connection begins with `online` and leaves the Last Will behind: they carry the same boot.
        ("state", ["online"]) => outbox.connect(now()?)?.0,
        ("state", ["offline"]) => outbox.state(Presence::Offline, now()?),
        ("receipt", []) => return receipt(&mut outbox, &centre),
        _ => return Err(format!("{command} {}: not one of the commands", rest.join(" ")).into()),
    };
    stdout().write_all(&message)?;
    Ok(())
}

/// Identity and the centre's keys, from a bundle.
fn read(bundle: &Path) -> Outcome<(Identity, CentreKeys)> {
    let text = fs::read_to_string(bundle.join("device.toml"))?;
    let toml: toml::Table = text.parse()?;
    let said =
        |key: &str| toml.get(key).and_then(toml::Value::as_str).ok_or(format!("device.toml has no {key}"));
    let precinct = toml.get("precinct").ok_or("device.toml has no precinct: the device is in reserve")?;
    let identity = Identity {
        election: said("election")?.parse()?,
        precinct: precinct.to_string().parse()?,
        device: said("device")?.parse()?,
        key: read_private(&bundle.join(said("private_key")?))?,
    };
    let mut keys = Vec::new();
    for key in toml.get("centre").and_then(toml::Value::as_array).into_iter().flatten() {
        let of = |name: &str| key.get(name).and_then(toml::Value::as_str).unwrap_or_default();
        keys.push((of("kid"), parse_public(of("public_key"))?));
    }
    Ok((identity, keys.into_iter().collect()))
}

fn now() -> Outcome<Timestamp> {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(Timestamp::from_millis(u64::try_from(since_1970.as_millis())?))
}

/// What a report says, in words.
fn body(words: &[&str]) -> Outcome<Body> {
    let turnout = |count: &str| -> Outcome<Turnout> {
        Ok(Turnout { identified: Count::new(count.parse()?), by_sex: None, by_age: None, by_district: None })
    };
    Ok(match words {
        ["opening"] => Body::OpeningTerminal { identified: Count::ZERO },
        ["turnout", count] => Body::Turnout(turnout(count)?),
        ["closing", count] => Body::Closing(turnout(count)?),
        ["opening", contests @ ..] => {
            let zero = contests.iter().map(|contest| contest_of(contest, "0", "0", &[]));
            Body::OpeningUrn(Tally { ballots: Count::ZERO, contests: zero.collect::<Outcome<_>>()? })
        }
        ["tally", contest, ballots, invalid, votes @ ..] => {
            let contest = contest_of(contest, ballots, invalid, votes)?;
            Body::Tally(Tally { ballots: contest.ballots, contests: vec![contest] })
        }
        _ => return Err("say what the report says: opening, turnout COUNT, closing COUNT or tally …".into()),
    })
}

fn contest_of(contest: &str, ballots: &str, invalid: &str, votes: &[&str]) -> Outcome<ContestTally> {
    let mut by_option = BTreeMap::new();
    for vote in votes {
        let (option, count) = vote.split_once('=').ok_or("votes are OPTION=VOTES")?;
        by_option.insert(option.parse()?, Count::new(count.parse()?));
    }
    Ok(ContestTally {
        contest: contest.parse()?,
        ballots: Count::new(ballots.parse()?),
        invalid: Count::new(invalid.parse()?),
        votes: by_option,
        preferences: BTreeMap::new(),
    })
}

/// Checks a receipt and acts on it.
fn receipt(outbox: &mut Outbox, centre: &CentreKeys) -> Outcome<()> {
    let mut bytes = Vec::new();
    stdin().take(1 << 20).read_to_end(&mut bytes)?;
    let topic = outbox.identity().topic(Channel::Receipt).to_string();
    let checked =
        verify_receipt(&topic, &bytes, centre).map_err(|refusal| format!("no receipt: {}", refusal.why))?;
    let said = checked.receipt();
    let outcome = outbox.on_receipt(&checked, Duration::ZERO)?;
    let code = said.code.map_or(String::new(), |code| format!(" {}", code.as_str()));
    let offset = said.offset.map_or("not recorded".to_owned(), |offset| format!("record {offset}"));
    writeln!(stdout(), "{} {}{code}, {offset}: {outcome:?}", said.seq, said.verdict.as_str())?;
    Ok(())
}
