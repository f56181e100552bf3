//! The reports of one device from their making to their receipt: numbered, chained, repeated until the centre
//! has signed that it has them.
//!
//! A scripted device must be able to do what an honest one cannot: send a number before the one below it, say
//! a number twice, break its chain. So its reports are made here, from the script, and are the same whenever
//! they are made.

use std::{sync::Arc, time::Duration};

use device_wire::{Channel, SigningKey, Topic, digest, encode_report, sign};
use election::{
    Timestamp,
    report::{Offset, Receipt, Report, Verdict},
};
use tokio::time::Instant;

use crate::{
    chance::Chance,
    day::Day,
    ledger::{self, Entry, Said},
    script::{Chain, Script, Utterance},
};

/// Between the first sending and the second (PROTOCOL §2).
const FIRST: Duration = Duration::from_secs(1);
/// Between sendings, however many there were.
const LONGEST: Duration = Duration::from_secs(60);

/// A device's reports.
#[derive(Debug)]
pub struct Line {
    key: SigningKey,
    chain: Chain,
    /// Positions in the script, in the order of the numbers.
    in_line: Vec<usize>,
    /// Where in `in_line` the next report to be made stands.
    next: usize,
    made: Vec<Made>,
    late: u64,
    jitter: Chance,
}

/// A report that was made.
#[derive(Debug)]
struct Made {
    /// Its place in the script.
    moment: usize,
    entry: Entry,
    /// Kept until a final receipt has come.
    envelope: Option<Arc<[u8]>>,
    /// When it is sent next; `None` before its moment has come and after its receipt.
    due: Option<Instant>,
}

/// What a receipt did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The report's place in the script.
    pub moment: usize,
    /// The verdict in force.
    pub verdict: Verdict,
    /// Whether it was not known before.
    pub settled: bool,
}

impl Line {
    /// A device before its first report.
    pub fn new(script: &Script, key: SigningKey, seed: u64) -> Self {
        Self {
            key,
            chain: Chain::default(),
            in_line: script.in_line(),
            next: 0,
            made: Vec::new(),
            late: 0,
            jitter: Chance::of(seed, "jitter", &script.device),
        }
    }

    /// The device's topic of a channel.
    pub fn topic(day: &Day, script: &Script, channel: Channel) -> Topic {
        Topic {
            election: day.definition().about().id.clone(),
            precinct: script.precinct,
            device: script.device.clone(),
            channel,
        }
    }

    /// The key it signs with.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Makes the report of a moment, and those it is chained to; it is due now, unless `known` says what
    /// became of it in an earlier life of this device.
    pub fn say(
        &mut self,
        day: &Day,
        script: &Script,
        moment: usize,
        known: impl FnOnce(&Entry) -> Option<Entry>,
    ) {
        while !self.made.iter().any(|made| made.moment == moment) {
            let Some(at) = self.in_line.get(self.next).copied() else { return };
            self.next += 1;
            self.make(day, script, at);
        }
        let Some(made) = self.made.iter_mut().find(|made| made.moment == moment) else { return };
        match known(&made.entry) {
            Some(entry) => (made.entry, made.envelope) = (entry, None),
            None => made.due = Some(Instant::now()),
        }
    }

    fn make(&mut self, day: &Day, script: &Script, moment: usize) {
        let Some(utterance) = script.moments.get(moment).and_then(|moment| moment.utterance()) else {
            return;
        };
        let Some(body) = day.body(script, utterance) else { return };
        let said = Said::of(&body, day.definition());
        let topic = Self::topic(day, script, Channel::Report);
        let report = Report {
            election: topic.election.clone(),
            precinct: script.precinct,
            device: script.device.clone(),
            seq: utterance.seq,
            prev: self.chain.prev(utterance),
            at: utterance.at,
            body,
        };
        let envelope = sign(&topic, script.device.as_str(), &encode_report(&report), &self.key);
        let digest = digest(&envelope);
        self.chain.note(utterance.seq, digest);
        let entry = Entry::new(utterance.seq, digest, utterance.at, said);
        self.made.push(Made { moment, entry, envelope: Some(envelope.into()), due: None });
    }

    /// The envelopes to send now, each as often as its script says the first time.
    pub fn due(&mut self, script: &Script, now: Instant) -> Vec<Arc<[u8]>> {
        let mut due = Vec::new();
        for made in self.made.iter_mut().filter(|made| made.due.is_some_and(|at| at <= now)) {
            let Some(envelope) = &made.envelope else { continue };
            let utterance = script.moments[made.moment].utterance();
            let copies = if made.entry.sent == 0 { utterance.map_or(1, copies) } else { 1 };
            due.extend(std::iter::repeat_n(envelope, copies as usize).cloned());
            let doublings = made.entry.sent.min(6);
            made.entry.sent += copies;
            let wait = LONGEST.min(FIRST * (1 << doublings));
            made.due = Some(now + wait.mul_f64(self.jitter.between(0.8, 1.2)));
        }
        due
    }

    /// When [`Line::due`] has something next.
    pub fn next_due(&self) -> Option<Instant> {
        self.made.iter().filter_map(|made| made.due).min()
    }

    /// A new connection, or a wish of the centre: what has no final receipt is sent again from this number on.
    pub fn resend(&mut self, from: u64, now: Instant) {
        for made in self.made.iter_mut().filter(|made| made.entry.seq >= from) {
            made.due = made.due.map(|_| now);
        }
    }

    /// Acts on a receipt, which names its report by the digest. `None` where it is about none of this device's.
    pub fn receive(&mut self, receipt: &Receipt) -> Option<Answered> {
        let made = self.made.iter_mut().find(|made| made.entry.digest == receipt.digest)?;
        let entry = &mut made.entry;
        let was_settled = entry.is_settled();
        entry.receipts += 1;
        let verdict = match (receipt.verdict, receipt.was) {
            (Verdict::Duplicate, was) => {
                entry.duplicates += 1;
                was.unwrap_or(Verdict::Duplicate)
            }
            (verdict, _) => verdict,
        };
        entry.held |= verdict == Verdict::Held;
        // A refusal before the journal is no promise: the report is sent again.
        if let Some(offset) = receipt.offset.filter(|_| !was_settled) {
            note(entry, receipt, verdict, offset);
        }
        if entry.is_settled() {
            made.envelope = None;
            made.due = None;
        }
        let settled = !was_settled && made.entry.is_settled();
        Some(Answered { moment: made.moment, verdict, settled })
    }

    /// Counts a receipt that comes when every report has its final one: it can change nothing.
    pub fn receive_late(&mut self) {
        self.late += 1;
    }

    /// Whether a report waits for its first answer.
    pub fn waits(&self) -> bool {
        self.made.iter().any(|made| made.due.is_some() && made.entry.verdict.is_none())
    }

    /// Whether every report that was to be said has a final receipt.
    pub fn is_settled(&self) -> bool {
        self.made.iter().all(|made| made.due.is_none())
    }

    /// The number of the last report that was made.
    pub fn last_seq(&self) -> u64 {
        self.made.iter().map(|made| made.entry.seq).max().unwrap_or(0)
    }

    /// The last count of people that was made.
    pub fn identified(&self) -> Option<election::Count> {
        self.made.iter().rev().find_map(|made| match made.entry.said {
            Said::Turnout(identified) | Said::Closing(identified) => Some(identified),
            Said::Opening | Said::Tally(_) => None,
        })
    }

    /// The entry of a moment's report.
    pub fn entry(&self, moment: usize) -> Option<&Entry> {
        self.made.iter().find(|made| made.moment == moment).map(|made| &made.entry)
    }

    /// The books of the device.
    pub fn into_books(self, script: &Script) -> ledger::Line {
        let entries = self.made.into_iter().map(|made| made.entry).collect();
        ledger::Line { precinct: script.precinct, entries, late: self.late }
    }
}

fn note(entry: &mut Entry, receipt: &Receipt, verdict: Verdict, offset: Offset) {
    entry.verdict = Some(verdict);
    entry.code = receipt.code.filter(|_| receipt.verdict != Verdict::Duplicate);
    entry.offset.get_or_insert(offset);
    entry.receipted.get_or_insert(receipt.at);
}

fn copies(utterance: &Utterance) -> u32 {
    u32::from(utterance.copies)
}

/// The device's clock at a moment.
pub fn clock_of(script: &Script, now: Timestamp) -> Timestamp {
    now + script.ahead
}
