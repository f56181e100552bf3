//! What the journal of a service says, by `sanak journal`, held against what devices hold receipts for.

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

use crate::{library::Held, process::binary};

/// The reports of a journal, by their place.
#[derive(Debug)]
pub struct Record {
    /// Digest of the report at each place.
    pub reports: BTreeMap<u64, String>,
    /// When each record arrived, in the order of the journal, ms.
    pub arrivals: Vec<u64>,
}

impl Record {
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

    /// That every receipt is kept: the report stands where the receipt says, and none stands twice.
    pub fn assert_keeps(&self, held: &[Held]) {
        for held in held {
            let found = self.reports.get(&held.offset.0);
            assert_eq!(found, Some(&held.digest.to_string()), "report {} of {}", held.seq, held.device);
        }
        let mut digests: Vec<_> = self.reports.values().collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), self.reports.len(), "a report stands in the journal twice");
        // Each is stamped when it is taken up, and recorded a moment later.
        let back = self.arrivals.windows(2).find(|two| two[1] + 1_000 < two[0]);
        assert_eq!(back, None, "arrivals go back");
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
