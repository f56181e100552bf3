//! The day in numbers: what `sanak demo --once` prints.

use std::{net::SocketAddr, time::Duration};

use election::Definition;
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::{
    http::HttpError,
    ledger::Ledger,
    verify::{Difference, Verification, verify},
};

/// How long the platform may take to show what it has receipted.
const SETTLE: Duration = Duration::from_secs(15);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// A day in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Precincts of the election.
    pub precincts: u64,
    /// Precincts that the platform shows as reported.
    pub reported: u64,
    /// Devices that spoke.
    pub devices: u64,
    /// Reports that were sent, each counted once.
    pub reports_sent: u64,
    /// Receipts that came.
    pub receipts: u64,
    /// Receipts that said that a report was known already.
    pub duplicates: u64,
    /// Reports without a final receipt.
    pub lost: u64,
    /// Reports and decisions that the day was too short for.
    pub unsaid: u64,
    /// Answers that no script expected.
    pub unexpected_verdicts: u64,
    /// Those answers in words, the first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unexpected: Vec<String>,
    /// Whether the platform shows exactly what was sent and receipted.
    pub totals_match: bool,
    /// Of the totals that were sent and receipted: equal in two runs that said the same.
    pub totals_fingerprint: String,
    /// Figures that were compared for that.
    pub figures_compared: u64,
    /// The first figures that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// Simulated minutes from the close of polls at home until nine precincts in ten were shown as reported.
    pub minutes_to_90_percent: Option<f64>,
}

impl Summary {
    /// Sums up a day and what the platform shows of it.
    pub fn of(definition: &Definition, ledger: &Ledger, found: &Verification) -> Self {
        Self {
            precincts: definition.precincts().len() as u64,
            reported: found.reported,
            devices: ledger.lines.len() as u64,
            reports_sent: ledger.reports_sent(),
            receipts: ledger.receipts(),
            duplicates: ledger.duplicates(),
            lost: ledger.lost(),
            unsaid: ledger.unsaid,
            unexpected_verdicts: ledger.unexpected_verdicts,
            unexpected: ledger.unexpected.clone(),
            totals_match: found.totals_match(),
            totals_fingerprint: ledger.totals(definition).fingerprint(),
            figures_compared: found.figures,
            differences: found.differences.clone(),
            minutes_to_90_percent: ledger.minutes_to_90_percent,
        }
    }

    /// Whether the day went as it should: everything reported, nothing lost, nothing unexpected, and what is
    /// shown is what was sent.
    pub fn is_good(&self) -> bool {
        self.totals_match
            && self.reported == self.precincts
            && self.lost == 0
            && self.unsaid == 0
            && self.unexpected_verdicts == 0
    }
}

/// Compares as [`verify`] does, until everything is shown or 15 s have passed: a receipt may be a moment ahead
/// of the page.
///
/// # Errors
/// When the system does not answer as PROTOCOL §3 says.
pub async fn verify_settled(
    http: SocketAddr,
    definition: &Definition,
    ledger: &Ledger,
) -> Result<Verification, HttpError> {
    let deadline = Instant::now() + SETTLE;
    loop {
        let found = verify(http, definition, ledger).await;
        let settled = found.as_ref().is_ok_and(Verification::totals_match);
        if settled || Instant::now() >= deadline {
            return found;
        }
        sleep(LOOK_AGAIN).await;
    }
}
