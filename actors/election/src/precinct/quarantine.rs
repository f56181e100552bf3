//! What becomes of reports in quarantine: people release them, or refuse them.

use std::sync::Arc;

use crate::{
    ids::DeviceId,
    precinct::{Objection, Precinct, fitness, judge::Arrived, plausibility, state::Ruled},
    report::{Body, Digest, Offset, Report, Seq, Verdict},
    rules::Code,
};

/// Where a report stands in a precinct.
type Key = (DeviceId, (Seq, Digest));

impl Precinct {
    /// Lets reports count as if they had been accepted: those that arrived first, first. All, or none.
    pub(super) fn release(&mut self, reports: &[Offset], ruled: &Ruled) -> Result<Vec<DeviceId>, Objection> {
        let mut finished = Vec::new();
        for offset in in_order(reports)? {
            let (id, key) = self.waiting(offset)?;
            self.releasable(&id, key, offset)?;
            let Some(arrived) = self.decided(&id, key, offset, Verdict::Accepted, ruled) else { continue };
            self.count_released(&id, key, &arrived);
            if matches!(arrived.report.body, Body::Tally(_) | Body::Closing(_)) {
                finished.push(id);
            }
        }
        Ok(finished)
    }

    /// Lets reports never count. All, or none.
    pub(super) fn refuse(&mut self, reports: &[Offset], ruled: &Ruled) -> Result<(), Objection> {
        for offset in in_order(reports)? {
            let (id, key) = self.waiting(offset)?;
            self.decided(&id, key, offset, Verdict::Rejected, ruled);
        }
        Ok(())
    }

    /// A report that people have not decided about.
    fn waiting(&self, offset: Offset) -> Result<Key, Objection> {
        let found = self.devices.iter().find_map(|(id, device)| {
            let arrived = device.waiting().quarantine.get(&offset)?;
            Some((id.clone(), (arrived.report.seq, arrived.digest)))
        });
        found.ok_or(Objection::NotInQuarantine(offset))
    }

    /// Whether a report can count at all, and would not count what is counted otherwise.
    fn releasable(&self, id: &DeviceId, key: (Seq, Digest), offset: Offset) -> Result<(), Objection> {
        let missing = Objection::NotInQuarantine(offset);
        let device = self.devices.get(id).ok_or(missing.clone())?;
        let (entry, arrived) =
            device.reports.get(key).zip(device.waiting().quarantine.get(&offset)).ok_or(missing)?;
        let body = &arrived.report.body;
        let hopeless = entry.codes.iter().copied().find(|code| only_refused(*code));
        let hopeless = hopeless
            .or_else(|| fitness::check(&self.definition, self.entry(), device, body))
            .or_else(|| plausibility::senseless(body));
        if let Some(code) = hopeless {
            return Err(Objection::OnlyRefused(offset, code));
        }
        if device.displaced {
            return Err(Objection::PlaceTaken(offset));
        }
        if device.reports.of_number(key.0).any(|other| other.verdict == Verdict::Accepted) {
            return Err(Objection::NumberTaken(offset));
        }
        if matches!(body, Body::Tally(_)) && self.clock < self.entry().polls_close {
            return Err(Objection::PollsOpen);
        }
        if self.settled(device, body) {
            return Err(Objection::Corrected(offset));
        }
        Ok(())
    }

    /// Writes down what was decided about a report, and hands it out.
    fn decided(
        &mut self,
        id: &DeviceId,
        key: (Seq, Digest),
        offset: Offset,
        verdict: Verdict,
        ruled: &Ruled,
    ) -> Option<Arrived> {
        let device = self.devices.get_mut(id)?;
        let arrived = device.waiting_mut().quarantine.remove(&offset)?;
        if let Some(entry) = device.reports.get_mut(key) {
            entry.verdict = verdict;
            entry.ruled = Some(Box::new(ruled.clone()));
        }
        self.quarantined = self.quarantined.saturating_sub(1);
        Some(arrived)
    }

    fn count_released(&mut self, id: &DeviceId, key: (Seq, Digest), arrived: &Arrived) {
        let Some(device) = self.devices.get(id) else { return };
        let flags = self.events_of(device, arrived);
        let before = self.standing_flags();
        let mut raised: Vec<Code> = flags.iter().map(|flag| flag.code).collect();
        for flag in flags {
            self.events.or_insert_with(flag, || arrived.arrived);
        }
        let definition = Arc::clone(&self.definition);
        let report: &Report = &arrived.report;
        if let Some(device) = self.devices.get_mut(id) {
            device.count(&definition, report.seq, report.at, &report.body);
        }
        raised.extend(self.standing_flags().difference(&before).map(|flag| flag.code));
        if let Some(entry) = self.devices.get_mut(id).and_then(|device| device.reports.get_mut(key)) {
            raised.extend(&entry.codes);
            raised.sort_unstable();
            raised.dedup();
            entry.codes = raised.into();
        }
    }
}

/// Codes after which figures come by correction alone (PROTOCOL §2, Codes).
fn only_refused(code: Code) -> bool {
    matches!(code, Code::Q02 | Code::Q07 | Code::Q08)
}

/// The reports named, each once, in the order in which they arrived.
fn in_order(reports: &[Offset]) -> Result<Vec<Offset>, Objection> {
    let mut reports = reports.to_vec();
    reports.sort_unstable();
    reports.dedup();
    if reports.is_empty() { Err(Objection::NoReports) } else { Ok(reports) }
}
