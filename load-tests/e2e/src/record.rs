//! What the journal of a service says, by `sanak journal`, held against what devices hold receipts for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use election::report::Receipt;
use serde_json::Value;

use crate::{
    library::Held,
    process::{Sanak, binary},
};

/// The reports of a journal, by their place.
#[derive(Debug)]
pub struct Record {
    /// Digest of the report at each place.
    pub reports: BTreeMap<u64, String>,
    /// When each record arrived, in the order of the journal, ms.
    pub arrivals: Vec<u64>,
}

impl Record {
    /// Stops a service, and has its journal checked and read.
    pub async fn at_the_end_of(mut sanak: Sanak, election: &Path) -> Self {
        sanak.stop().await;
        Self::checked(&sanak.data(), election)
    }

    /// Has `sanak journal check` say that a journal is sound, and reads it.
    pub fn checked(data: &Path, election: &Path) -> Self {
        let check = sanak(&[&"journal", &"check", &"--data", &data, &"--election", &election]);
        assert!(check.status.success(), "{}{}", text(&check.stdout), text(&check.stderr));
        let export = sanak(&[&"journal", &"export", &"--data", &data]);
        assert!(export.status.success(), "{}", text(&export.stderr));
        let mut record = Self { reports: BTreeMap::new(), arrivals: Vec::new() };
        for line in text(&export.stdout).lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            record.arrivals.push(line["arrived_ms"].as_u64().unwrap_or_default());
            if let (Some(offset), Some(digest)) = (line["offset"].as_u64(), line["report"]["digest"].as_str())
            {
                record.reports.insert(offset, digest.to_owned());
            }
        }
        record
    }

    /// Receipts whose report does not stand where they say.
    pub fn missing<'a>(&self, held: &'a [Held]) -> Vec<&'a Held> {
        let stands = |held: &Held| self.reports.get(&held.offset.0) == Some(&held.digest.to_string());
        held.iter().filter(|held| !stands(held)).collect()
    }

    /// How many reports stand there a second time.
    pub fn twice(&self) -> usize {
        let digests: BTreeSet<_> = self.reports.values().collect();
        self.reports.len() - digests.len()
    }

    /// That every receipt is kept: the report stands where the receipt says, and none stands twice.
    pub fn assert_keeps(&self, held: &[Held]) {
        assert_eq!(self.missing(held), Vec::<&Held>::new(), "receipted, and not in the journal");
        assert_eq!(self.twice(), 0, "reports stand in the journal twice");
        // Each is stamped when it is taken up, and recorded a moment later.
        let back = self.arrivals.windows(2).find(|two| two[1] + 1_000 < two[0]);
        assert_eq!(back, None, "arrivals go back");
    }

    /// That these receipts are kept, and that nothing is on record that nobody holds a receipt for.
    pub fn assert_is_what_was_receipted(&self, receipts: &[Receipt]) {
        let held: Vec<Held> = receipts.iter().filter_map(Held::of).collect();
        self.assert_keeps(&held);
        let receipted: BTreeSet<u64> = held.iter().map(|held| held.offset.0).collect();
        let recorded: BTreeSet<u64> = self.reports.keys().copied().collect();
        assert_eq!(recorded, receipted, "the journal is what devices hold receipts for");
    }
}

fn sanak(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> std::process::Output {
    let mut command = Command::new(binary());
    arguments.iter().for_each(|argument| {
        command.arg(argument.as_ref());
    });
    command.output().unwrap_or_else(|error| panic!("sanak journal: {error}"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
