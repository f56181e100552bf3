//! What a rehearsal found: the JSON beside the page, and the verdict.

use serde::{Deserialize, Serialize};

use crate::verify::Difference;

use super::{
    machine::{Look, Machine},
    measure::{Latency, Step, Stretch},
    scenario::{Objectives, Scenario},
};

/// The form of the file. It rises when a field changes its meaning.
pub const FORM: u32 = 1;

/// What a rehearsal found.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Outcome {
    /// [`FORM`].
    pub form: u32,
    /// Name or file of the scenario.
    pub name: String,
    /// The scenario as it was run.
    pub scenario: Scenario,
    /// What figures follow from.
    pub seed: u64,
    /// When the clock started, RFC 3339.
    pub started: String,
    /// From the clock's start to the last receipt, seconds.
    pub seconds: f64,
    /// The election.
    pub election: String,
    /// Its precincts.
    pub precincts: u64,
    /// How devices reached the system: `mqtt` or `mqtts`.
    pub transport: String,
    /// The machine of the fleet.
    pub machine: Machine,
    /// Counts.
    pub counts: Counts,
    /// What the platform shows, compared with what was sent.
    pub totals: Totals,
    /// From the intended moment of a report to its receipt, ms.
    pub receipt: Latency,
    /// From the intended moment of a precinct's last report to each viewer's frame with it, ms.
    pub frame: Latency,
    /// Reports receipted a second.
    pub rate: f64,
    /// How long it took until all lines were back after each storm, seconds; `null` where they never were.
    pub back: Vec<Option<f64>>,
    /// What it cost.
    pub cost: Cost,
    /// What viewers saw.
    pub viewers: Option<Viewers>,
    /// Each objective, and whether it was met.
    pub objectives: Vec<Objective>,
    /// From mark to mark; empty where the scenario has none.
    #[serde(default)]
    pub stretches: Vec<Stretch>,
    /// Step by step.
    pub steps: Vec<Step>,
    /// Looks at the machine.
    pub looks: Vec<Look>,
    /// What went wrong, in words: the first of it.
    pub troubles: Vec<String>,
}

/// Counts of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
pub struct Counts {
    /// Devices that had a part.
    pub devices: u64,
    /// Most of them on line at once.
    pub connected: u64,
    /// Attempts to connect.
    pub attempts: u64,
    /// Reports made.
    pub reports: u64,
    /// Messages with them, repetitions included.
    pub messages: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Of those, for reports that were known already.
    pub duplicates: u64,
    /// Of those, for reports that wait for a lower number.
    pub held: u64,
    /// Reports without a final receipt.
    pub lost: u64,
    /// Answers that were not to be expected.
    pub unexpected: u64,
    /// Messages that were sent to be refused.
    pub hostile: u64,
}

/// Whether the platform shows what was sent.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Totals {
    /// Figures that were compared; 0 where nothing was.
    pub figures: u64,
    /// Of those, different.
    pub differ: u64,
    /// The first of them.
    pub differences: Vec<Difference>,
    /// Precincts that are shown as reported.
    pub reported: u64,
    /// How far was looked, or why not.
    pub note: String,
}

/// What it cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Deserialize, Serialize)]
pub struct Cost {
    /// Processor of the service for each report that was receipted, µs.
    pub service_us_a_report: Option<f64>,
    /// One verification of a signature on this machine right after it, µs.
    pub verify_us: f64,
    /// The first by the second.
    pub verifies_a_report: Option<f64>,
    /// One verification in this process while the load went on, µs by the clock: the median over the run, which moments in
    /// which another thread had the processor do not move.
    #[serde(default)]
    pub verify_under_load_us: Option<f64>,
    /// Processor of the service for each report by that.
    #[serde(default)]
    pub verifies_a_report_under_load: Option<f64>,
    /// Processor of this process, seconds.
    pub own_seconds: f64,
    /// Processor of the service, seconds.
    pub service_seconds: Option<f64>,
    /// Most resident memory of the service, bytes.
    pub service_bytes: Option<u64>,
    /// Most resident memory of this process, bytes.
    pub own_bytes: u64,
    /// Memory of the service for each device that came on line, bytes.
    pub service_bytes_a_device: Option<f64>,
}

/// What viewers saw.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, Serialize)]
pub struct Viewers {
    /// Viewers that were asked for.
    pub asked: u64,
    /// Most on line at once.
    pub connected: u64,
    /// Attempts to connect.
    pub attempts: u64,
    /// Frames they took.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Frames that differ from all others: each was checked in full.
    pub distinct: u64,
    /// Versions that were published.
    pub versions: u64,
    /// From the first viewer's frame of a version to every other's, ms.
    pub spread: Latency,
    /// Invariants that a frame broke.
    pub breaches: u64,
    /// The first of them, in words.
    pub breached: Vec<String>,
    /// Connections that ended without being asked to.
    pub ended: u64,
    /// Why, in words: the first of them.
    pub endings: Vec<String>,
}

/// Something that had to hold.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub struct Objective {
    /// What.
    pub what: String,
    /// What was to be, in words.
    pub wanted: String,
    /// What was, in words.
    pub was: String,
    /// Whether it held.
    pub met: bool,
}

impl Outcome {
    /// Whether all objectives and totals held.
    pub fn is_good(&self) -> bool {
        self.objectives.iter().all(|objective| objective.met)
    }

    /// Judges it: what must always hold, and what the scenario states.
    pub fn judge(&mut self) {
        let counts = self.counts;
        let none = |what: &str, was: u64| objective(what, "0", was.to_string(), was == 0);
        let mut judged = vec![
            none("reports without a receipt", counts.lost),
            none("unexpected answers", counts.unexpected),
        ];
        if self.totals.figures > 0 {
            let was = format!("{} of {} figures differ", self.totals.differ, self.totals.figures);
            judged.push(objective("totals shown as sent", "0 figures differ", was, self.totals.differ == 0));
        }
        if let Some(viewers) = &self.viewers {
            judged.push(none("invariants broken by a frame", viewers.breaches));
            let was = format!("{} of {}", viewers.connected, viewers.asked);
            judged.push(objective(
                "viewers on line",
                &viewers.asked.to_string(),
                was,
                viewers.connected >= viewers.asked,
            ));
        }
        judged.extend(self.stated(&self.scenario.objectives));
        self.objectives = judged;
    }

    fn stated(&self, stated: &Objectives) -> Vec<Objective> {
        let within = |what: &str, bound: Option<super::span::Span>, of: &Latency, was: f64| {
            bound.map(|bound| {
                let met = of.count > 0 && was <= bound.0.as_secs_f64() * 1_000.0;
                let was =
                    if of.count == 0 { "nothing was measured".to_owned() } else { format!("{was:.1} ms") };
                objective(what, &format!("≤ {bound}"), was, met)
            })
        };
        let (receipt, frame) = (&self.receipt, &self.frame);
        let rate = stated.rate.map(|rate| {
            objective(
                "reports a second",
                &format!("≥ {rate:.0}"),
                format!("{:.0}", self.rate),
                self.rate >= rate,
            )
        });
        let back = stated.back_within.map(|within| {
            let seconds = within.0.as_secs_f64();
            let met = !self.back.is_empty()
                && self.back.iter().all(|back| back.is_some_and(|back| back <= seconds));
            let told = |back: &Option<f64>| back.map_or("never".to_owned(), |back| format!("{back:.1} s"));
            let was = self.back.iter().map(told).collect::<Vec<_>>().join(", ");
            objective("all lines back after a storm", &format!("≤ {within}"), was, met)
        });
        [
            within("publish to receipt, p50", stated.receipt_p50, receipt, receipt.p50),
            within("publish to receipt, p99", stated.receipt_p99, receipt, receipt.p99),
            within("publish to receipt, all", stated.receipt_max, receipt, receipt.max),
            // Without viewers nobody could see a frame: it is not judged.
            within(
                "publish to a viewer's frame, p99",
                stated.frame_p99.filter(|_| self.viewers.is_some()),
                frame,
                frame.p99,
            ),
            rate,
            back,
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn objective(what: &str, wanted: &str, was: String, met: bool) -> Objective {
    Objective { what: what.to_owned(), wanted: wanted.to_owned(), was, met }
}
