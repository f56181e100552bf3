//! `sanak journal check`: every record, every signature.

use std::{io::Write, path::Path, sync::Arc};

use device_gateway::Keys;
use device_wire::{Authentic, AuthenticReport, authenticate};
use election::{
    Definition,
    definition::DeviceStatus,
    record::{Act, Change, Decision, Observation},
    seats::Drawn,
};
use feed::rfc3339;
use journal::{Entry, Integrity, Journaled, check_with};

use super::{Failure, journal_in, load};
use crate::cli::Outcome;

/// Checks the journal of a data directory against the election it is of: checksums, offsets, the chain of segments,
/// record 0, every signature, and that every record speaks of this election. What is wrong goes to `err`, one fault a
/// line; a summary to `out`.
///
/// # Errors
/// The election files have mistakes, there is no journal, or something cannot be read or written.
pub fn check(
    data: &Path,
    election: &Path,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<Outcome, Failure> {
    let definition = load(election)?.definition;
    let inspector = Inspector::new(&definition);
    let dir = journal_in(data)?;
    let found = check_with(&dir, |record| inspector.inspect(record))?;
    if found.definition.is_some_and(|digest| digest != definition.digest()) {
        // Its records could not be judged by these files.
        return Err(Failure::OtherFiles { election: election.to_owned(), data: data.to_owned() });
    }
    for fault in &found.faults {
        writeln!(err, "{fault}")?;
    }
    summary(&found, out)?;
    Ok(if found.is_sound() { Outcome::Done } else { Outcome::Failed })
}

fn summary(found: &Integrity, out: &mut impl Write) -> std::io::Result<()> {
    let Integrity { segments, bytes, reports, decisions, observations, .. } = found;
    writeln!(
        out,
        "{} records: {reports} reports, {decisions} decisions, {observations} observations",
        found.records()
    )?;
    writeln!(out, "{segments} segments, {bytes} bytes")?;
    if let Some((first, last)) = found.arrivals {
        writeln!(out, "from {} to {}", rfc3339(first), rfc3339(last))?;
    }
    if let Some(digest) = found.definition {
        writeln!(out, "definition {digest}")?;
    }
    match found.faults.len() {
        0 => writeln!(out, "sound: every checksum and every signature holds"),
        count => writeln!(out, "NOT SOUND: {count} faults"),
    }
}

/// Looks at records one by one.
struct Inspector<'a> {
    definition: &'a Definition,
    keys: Keys,
}

impl<'a> Inspector<'a> {
    fn new(definition: &'a Definition) -> Self {
        let (keys, _) = Keys::of(definition);
        // A spare that was put in use, or a device shut out later, signed what is on record all the same: what is
        // behind its revocation was rejected. Keys are those in force at each place.
        let active = Change::Status(DeviceStatus::Active);
        for device in definition.devices().keys() {
            // It is one of the definition's.
            let _ = keys.apply(device, &active);
        }
        Self { definition, keys }
    }

    fn inspect(&self, record: &Journaled<Entry>) -> Result<(), String> {
        match record.entry() {
            Entry::Report(report) => self.report(report),
            Entry::Decision(decision @ Decision { act, .. }) => {
                let place = (record.offset(), record.arrival());
                Drawn::of(self.definition, decision, place).map_err(|why| why.to_string())?;
                if let Some(precinct) = act.precinct() {
                    self.precinct(precinct)?;
                }
                let Act::Reissue { device, public_key, .. } = act else { return Ok(()) };
                let changed = self.keys.apply(device, &Change::Key(*public_key));
                changed.map_err(|why| format!("a reissue that cannot stand: {why}"))
            }
            Entry::Observation(
                Observation::Clock { .. }
                | Observation::ClockDoubted
                | Observation::ClockConfirmed { .. }
                | Observation::PublicationHeld { .. }
                | Observation::PublicationResumed,
            ) => Ok(()),
            Entry::Observation(Observation::Device { precinct, device, .. }) => {
                self.precinct(*precinct)?;
                let known = self.definition.devices().contains_key(device);
                known
                    .then_some(())
                    .ok_or_else(|| format!("an observation of {device}, which this election has not"))
            }
        }
    }

    fn report(&self, report: &AuthenticReport) -> Result<(), String> {
        let (topic, envelope) = (report.topic().to_string(), Arc::clone(report.envelope()));
        match authenticate(&topic, envelope, &self.definition.about().id, &self.keys) {
            Ok(Authentic::Report(_)) => self.precinct(report.report().precinct),
            Ok(_) => Err(format!("what {} sent is no report", report.device())),
            Err(refusal) => {
                let (device, seq) = (report.device(), report.report().seq);
                Err(format!("report {seq} of {device}: {refusal}"))
            }
        }
    }

    fn precinct(&self, id: election::PrecinctId) -> Result<(), String> {
        let known = self.definition.precincts().contains_key(&id);
        known.then_some(()).ok_or_else(|| format!("it speaks of precinct {id}, which this election has not"))
    }
}
