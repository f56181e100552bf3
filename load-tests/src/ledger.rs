//! What the fleet said and what it holds receipts for: the other side of the platform's books.

use std::collections::BTreeMap;

use election::{
    Code, Count, Definition, DeviceId, PrecinctId, Timestamp,
    definition::ContestIx,
    hand_count::Form,
    record::Act,
    report::{Body, Digest, Offset, Seq, Tally, Verdict},
};

/// The books of a whole fleet.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What each device said.
    pub lines: BTreeMap<DeviceId, Line>,
    /// Protocols that the centre took.
    pub protocols: BTreeMap<PrecinctId, Vec<Form>>,
    /// Urns that died and the spares that took their places, as the centre took the decisions.
    pub replacements: BTreeMap<DeviceId, DeviceId>,
    /// Answers that no script expected, the first hundred of them, in words.
    pub unexpected: Vec<String>,
    /// Answers that no script expected.
    pub unexpected_verdicts: u64,
    /// Reports and decisions that nobody came to say or take before the run ended.
    pub unsaid: u64,
    /// Simulated minutes from the close of polls at home until nine precincts in ten were shown as reported.
    pub minutes_to_90_percent: Option<f64>,
}

/// What one device said.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it stands.
    pub precinct: PrecinctId,
    /// Its reports, in the order in which they were made.
    pub entries: Vec<Entry>,
    /// Receipts that came when every report had its final one: of repetitions that were on their way. Their
    /// signatures were not looked at.
    pub late: u64,
}

/// A report that was made, and what became of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// SHA-256 of its envelope.
    pub digest: Digest,
    /// The device's clock when it was made.
    pub at: Timestamp,
    /// Its figures.
    pub said: Said,
    /// How often it was sent.
    pub sent: u32,
    /// How many receipts came.
    pub receipts: u32,
    /// How many of those said that it was known already.
    pub duplicates: u32,
    /// Whether a receipt said that it waits for a lower number.
    pub held: bool,
    /// The verdict in force.
    pub verdict: Option<Verdict>,
    /// Why.
    pub code: Option<Code>,
    /// Its place in the journal, by the first receipt.
    pub offset: Option<Offset>,
    /// The centre's clock in the first receipt.
    pub receipted: Option<Timestamp>,
}

/// The figures of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Nothing yet.
    Opening,
    /// People identified so far.
    Turnout(Count),
    /// People identified in all.
    Closing(Count),
    /// An urn's count, by contest.
    Tally(Vec<Counted>),
}

/// An urn's count of one contest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Which contest.
    pub contest: ContestIx,
    /// Ballots, valid and invalid.
    pub ballots: Count,
    /// Of those, invalid.
    pub invalid: Count,
    /// Votes per option, in the order of the contest's options.
    pub votes: Vec<Count>,
}

impl Ledger {
    /// Takes over the books of one device.
    pub fn add(&mut self, device: DeviceId, line: Line) {
        self.lines.insert(device, line);
    }

    /// Notes a decision that the centre took.
    pub fn decided(&mut self, act: &Act) {
        match act {
            Act::Replace { old, new, .. } => {
                self.replacements.insert(old.clone(), new.clone());
            }
            Act::Protocol { precinct, contests } => {
                self.protocols.insert(*precinct, contests.clone());
            }
            // No script has them, and none takes anything back that was accepted.
            _ => {}
        }
    }

    /// Notes an answer that no script expected.
    pub fn note_unexpected(&mut self, what: String) {
        self.unexpected_verdicts += 1;
        if self.unexpected.len() < 100 {
            self.unexpected.push(what);
        }
    }

    /// Every report that was made.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.lines.values().flat_map(|line| &line.entries)
    }

    /// Reports that were sent and for which nobody holds a receipt with a final verdict.
    pub fn lost(&self) -> u64 {
        count(self.entries().filter(|entry| entry.sent > 0 && !entry.is_settled()))
    }

    /// Reports that were sent, each counted once.
    pub fn reports_sent(&self) -> u64 {
        count(self.entries().filter(|entry| entry.sent > 0))
    }

    /// Receipts that came.
    pub fn receipts(&self) -> u64 {
        self.entries().map(|entry| u64::from(entry.receipts)).sum::<u64>() + self.late()
    }

    /// Receipts that said that the report was known already.
    pub fn duplicates(&self) -> u64 {
        self.entries().map(|entry| u64::from(entry.duplicates)).sum::<u64>() + self.late()
    }

    fn late(&self) -> u64 {
        self.lines.values().map(|line| line.late).sum()
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    items.count() as u64
}

impl Line {
    /// What a device in this precinct says before it has said anything.
    pub fn new(precinct: PrecinctId) -> Self {
        Self { precinct, entries: Vec::new(), late: 0 }
    }

    /// The people that a terminal identified: its closing, or else its last turnout. Only what was accepted.
    pub fn identified(&self) -> Count {
        let last = |closing: bool| {
            let accepted = self.entries.iter().filter(|entry| entry.is_accepted());
            let figures = accepted.filter_map(|entry| match entry.said {
                Said::Closing(identified) if closing => Some((entry.seq, identified)),
                Said::Turnout(identified) if !closing => Some((entry.seq, identified)),
                _ => None,
            });
            figures.max_by_key(|(seq, _)| *seq).map(|(_, identified)| identified)
        };
        last(true).or_else(|| last(false)).unwrap_or_default()
    }

    /// An urn's final count: of those that were accepted, the one with the highest number.
    pub fn tally(&self) -> Option<&[Counted]> {
        let accepted = self.entries.iter().filter(|entry| entry.is_accepted());
        let tallies = accepted.filter_map(|entry| match &entry.said {
            Said::Tally(counted) => Some((entry.seq, counted.as_slice())),
            _ => None,
        });
        tallies.max_by_key(|(seq, _)| *seq).map(|(_, counted)| counted)
    }

    /// Whether the device has said anything that counts as turnout: an opening does, too.
    pub fn has_sent(&self) -> bool {
        self.entries.iter().any(Entry::is_accepted)
    }
}

impl Entry {
    /// A report that has just been made.
    pub fn new(seq: Seq, digest: Digest, at: Timestamp, said: Said) -> Self {
        Self {
            seq,
            digest,
            at,
            said,
            sent: 0,
            receipts: 0,
            duplicates: 0,
            held: false,
            verdict: None,
            code: None,
            offset: None,
            receipted: None,
        }
    }

    /// Whether the centre counts it.
    pub fn is_accepted(&self) -> bool {
        self.verdict == Some(Verdict::Accepted)
    }

    /// Whether it holds a receipt that will not change by itself.
    pub fn is_settled(&self) -> bool {
        self.verdict.is_some_and(|verdict| verdict != Verdict::Held)
    }
}

impl Said {
    /// The figures of a body. Votes for options that are on no ballot count for nobody.
    pub fn of(body: &Body, definition: &Definition) -> Self {
        match body {
            Body::OpeningTerminal { .. } | Body::OpeningUrn(_) => Self::Opening,
            Body::Turnout(turnout) => Self::Turnout(turnout.identified),
            Body::Closing(turnout) => Self::Closing(turnout.identified),
            Body::Tally(tally) => Self::Tally(counted(tally, definition)),
        }
    }
}

fn counted(tally: &Tally, definition: &Definition) -> Vec<Counted> {
    let of = |ix: ContestIx, votes: &BTreeMap<_, Count>| {
        let options = &definition.contest(ix).options;
        options.iter().map(|option| votes.get(&option.id).copied().unwrap_or_default()).collect()
    };
    tally
        .contests
        .iter()
        .filter_map(|contest| {
            let ix = definition.contest_ix(&contest.contest)?;
            let (ballots, invalid) = (contest.ballots, contest.invalid);
            Some(Counted { contest: ix, ballots, invalid, votes: of(ix, &contest.votes) })
        })
        .collect()
}
