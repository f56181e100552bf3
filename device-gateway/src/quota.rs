//! How much one device may have on record in an election. A rate bounds a second; this bounds the whole night, so
//! that nobody with good credentials fills the disk.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use election::{DeviceId, sequence::Recorded};

use crate::metrics::Metrics;

/// How much one device may have on record. What is beyond gets no answer, whatever it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Reports. A device has some thirty a day to say; one that tries the system's throughput has thousands.
    pub reports: u64,
    /// Bytes of them, as signed.
    pub bytes: u64,
    /// Reports whose number another report has (S03). A sound device never sends one.
    pub equivocations: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { reports: 20_000, bytes: 16 << 20, equivocations: 16 }
    }
}

/// Which part of its quota a device has used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// Reports.
    Reports,
    /// Bytes.
    Bytes,
    /// Equivocations.
    Equivocations,
}

impl Spent {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reports, Self::Bytes, Self::Equivocations];

    /// Name in metrics and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reports => "reports",
            Self::Bytes => "bytes",
            Self::Equivocations => "equivocations",
        }
    }
}

/// What one more report adds to what is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Its size as signed.
    pub bytes: u64,
    /// Whether another report has its number.
    pub equivocates: bool,
}

impl Quota {
    /// What stands against one more report, if anything does.
    pub(crate) fn spent(&self, recorded: &Recorded, cost: Cost) -> Option<Spent> {
        if recorded.reports >= self.reports {
            Some(Spent::Reports)
        } else if recorded.bytes.saturating_add(cost.bytes) > self.bytes {
            Some(Spent::Bytes)
        } else if cost.equivocates && recorded.equivocations >= self.equivocations {
            Some(Spent::Equivocations)
        } else {
            None
        }
    }
}

/// The devices that wanted more than their quota since the service started. Workers touch it when a device joins or
/// leaves it, never for a report.
#[derive(Debug, Default)]
pub struct OverQuota(Mutex<BTreeMap<DeviceId, Spent>>);

impl OverQuota {
    /// A device has used up a part of its quota, or has room again.
    pub(crate) fn note(&self, device: &DeviceId, spent: Option<Spent>, metrics: &Metrics) {
        let mut all = self.all();
        match spent {
            Some(spent) => all.insert(device.clone(), spent),
            None => all.remove(device),
        };
        metrics.over_quota.set(i64::try_from(all.len()).unwrap_or(i64::MAX));
    }

    /// Which part each of them has used up.
    pub fn list(&self) -> BTreeMap<DeviceId, Spent> {
        self.all().clone()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<DeviceId, Spent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_quota_holds_by_itself_and_a_sound_report_is_no_equivocation() {
        let quota = Quota { reports: 3, bytes: 1_000, equivocations: 1 };
        let cost = |bytes, equivocates| Cost { bytes, equivocates };
        let mut recorded = Recorded::default();
        assert_eq!(quota.spent(&recorded, cost(1_001, false)), Some(Spent::Bytes));
        recorded.add(400, false);
        assert_eq!(quota.spent(&recorded, cost(600, true)), None);
        recorded.add(100, true);
        assert_eq!(quota.spent(&recorded, cost(100, true)), Some(Spent::Equivocations));
        assert_eq!(quota.spent(&recorded, cost(500, false)), None);
        assert_eq!(quota.spent(&recorded, cost(501, false)), Some(Spent::Bytes));
        recorded.add(1, false);
        assert_eq!(quota.spent(&recorded, cost(1, false)), Some(Spent::Reports));
        recorded.take_back(100, true);
        assert_eq!(quota.spent(&recorded, cost(1, true)), None, "what could not be stored is given back");
    }
}
