//! What a precinct makes of a report: its place in the line (S), its fitness (F), its plausibility (Q), and
//! the flags it raises (W), in that order; the first failure is the code.

use std::sync::Arc;

use crate::{
    ids::DeviceId,
    precinct::{Precinct, fitness, plausibility, rulings::Ruling, state::ReportEntry},
    report::{Digest, Offset, Report, ReportType, Seq, Verdict},
    rules::{Code, Effect},
    sequence::Place,
    time::Timestamp,
};

/// An authentic report and where it stands in the journal.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// Its place in the journal.
    pub offset: Offset,
    /// When it arrived.
    pub arrived: Timestamp,
    /// SHA-256 of its envelope.
    pub digest: Digest,
    /// What it says.
    pub report: Arc<Report>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Whose.
    pub device: DeviceId,
    /// Its number.
    pub seq: Seq,
    /// SHA-256 of its envelope.
    pub digest: Digest,
    /// Its place in the journal.
    pub offset: Offset,
    /// Its type.
    pub report_type: ReportType,
    /// The verdict.
    pub verdict: Verdict,
    /// Why, in the order of the checks.
    pub codes: Vec<Code>,
}

impl Precinct {
    /// Takes a journaled report. The first judgement is the report's own; more follow where it filled a gap
    /// and those that were held behind it are judged now.
    ///
    /// A report of a device that does not count here is rejected as E07: the gateway refuses such before the
    /// journal, but a replacement may have been decided while the report was on its way into it.
    pub fn take(&mut self, arrived: Arrived) -> Vec<Judgement> {
        let now = arrived.arrived;
        let id = arrived.report.device.clone();
        let Some(device) = self.devices.get(&id).filter(|device| device.active) else {
            return vec![judgement(&arrived, Verdict::Rejected, vec![Code::E07])];
        };
        if let Some(entry) = device.reports.get((arrived.report.seq, arrived.digest)) {
            // The same record again (a rebuilt precinct meets what it was rebuilt from), or a copy of it.
            let same = entry.offset == arrived.offset;
            let (verdict, codes) = if same {
                (entry.verdict, entry.codes.to_vec())
            } else {
                (Verdict::Duplicate, vec![Code::S01])
            };
            let offset = entry.offset;
            return vec![Judgement { offset, ..judgement(&arrived, verdict, codes) }];
        }
        let mut judgements = vec![match device.line.place(arrived.report.seq) {
            Place::Taken => self.note(&id, &arrived, Verdict::Quarantined, vec![Code::S03]),
            // It was given up, and those after it were judged without it: people decide.
            Place::Closed => self.note(&id, &arrived, Verdict::Quarantined, vec![Code::S02]),
            Place::Above => {
                let noted = self.note(&id, &arrived, Verdict::Held, vec![Code::S02]);
                if let Some(device) = self.devices.get_mut(&id) {
                    device.waiting_mut().held.insert(arrived.report.seq, arrived.clone());
                }
                noted
            }
            Place::Next => {
                let chained = device.line.follows(arrived.report.seq, arrived.report.prev);
                self.judge(&id, &arrived, chained)
            }
        }];
        self.record(&id, &arrived);
        judgements.extend(self.judge_held(&id));
        self.settle(now);
        judgements
    }

    /// Judges those that waited above a gap which is filled or closed: each as of its own arrival, against
    /// what is counted now.
    pub(super) fn judge_held(&mut self, id: &DeviceId) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        while let Some((waiting, chained)) = self.next_held(id) {
            judgements.push(self.judge(id, &waiting, chained));
        }
        judgements
    }

    fn record(&mut self, id: &DeviceId, arrived: &Arrived) {
        if let Some(device) = self.devices.get_mut(id) {
            device.line.record(arrived.report.seq, arrived.digest);
        }
    }

    /// The next held report below the head of the line, and whether its `prev` is the one before it.
    fn next_held(&mut self, id: &DeviceId) -> Option<(Arrived, bool)> {
        let device = self.devices.get_mut(id)?;
        let first = *device.waiting().held.first_key_value()?.0;
        if first > device.line.head() {
            return None;
        }
        let waiting = device.waiting_mut().held.remove(&first)?;
        let chained = device.line.follows(waiting.report.seq, waiting.report.prev);
        Some((waiting, chained))
    }

    /// Judges a report that is next in its line.
    fn judge(&mut self, id: &DeviceId, arrived: &Arrived, chained: bool) -> Judgement {
        let verdict = |code: Code| match code.effect() {
            Effect::Unfit => Verdict::Rejected,
            _ => Verdict::Quarantined,
        };
        let report = &arrived.report;
        let Some(device) = self.devices.get(id) else {
            return judgement(arrived, Verdict::Rejected, vec![Code::E07]);
        };
        let failure = if !chained {
            Some(Code::S04)
        } else {
            let settled = self.settled(device, &report.body);
            fitness::check(&self.definition, self.entry(), device, &report.body)
                .or_else(|| plausibility::check(&self.definition, self.entry(), device, settled, arrived))
                .or((self.people().ruling == Ruling::Certified).then_some(Code::Q09))
        };
        if let Some(code) = failure {
            return self.note(id, arrived, verdict(code), vec![code]);
        }
        let flags = self.events_of(device, arrived);
        let mut codes: Vec<Code> = flags.iter().map(|flag| flag.code).collect();
        let before = self.standing_flags();
        for flag in flags {
            self.events.or_insert_with(flag, || arrived.arrived);
        }
        let definition = Arc::clone(&self.definition);
        if let Some(device) = self.devices.get_mut(id) {
            device.count(&definition, report.seq, report.at, &report.body);
        }
        codes.extend(self.standing_flags().difference(&before).map(|flag| flag.code));
        codes.sort_unstable();
        codes.dedup();
        self.note(id, arrived, Verdict::Accepted, codes)
    }

    /// Writes down what became of a report.
    fn note(&mut self, id: &DeviceId, arrived: &Arrived, verdict: Verdict, codes: Vec<Code>) -> Judgement {
        let report = &arrived.report;
        let entry = ReportEntry {
            offset: arrived.offset,
            seq: report.seq,
            digest: arrived.digest,
            report_type: report.body.report_type(),
            at: report.at,
            arrived: arrived.arrived,
            verdict,
            codes: codes.as_slice().into(),
            ruled: None,
        };
        let quarantined = verdict == Verdict::Quarantined;
        self.quarantined += u32::from(quarantined);
        if let Some(device) = self.devices.get_mut(id) {
            device.reports.insert(entry);
            if quarantined {
                device.waiting_mut().quarantine.insert(arrived.offset, arrived.clone());
            }
        }
        judgement(arrived, verdict, codes)
    }
}

fn judgement(arrived: &Arrived, verdict: Verdict, codes: Vec<Code>) -> Judgement {
    Judgement {
        device: arrived.report.device.clone(),
        seq: arrived.report.seq,
        digest: arrived.digest,
        offset: arrived.offset,
        report_type: arrived.report.body.report_type(),
        verdict,
        codes,
    }
}

impl Judgement {
    /// Whether it says that the device's final report counts.
    pub fn finishes(&self) -> bool {
        let is_final = matches!(self.report_type, ReportType::Tally | ReportType::Closing);
        is_final && self.verdict == Verdict::Accepted
    }
}
